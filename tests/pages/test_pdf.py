# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The PDF of the monthly bitácora that the controller makes itself (WeasyPrint), read back by poppler."""

from __future__ import annotations

import re
import socket
import subprocess
import sys

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._reports import board
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._reports import pages as filled
from institution import HOSTILE


@pytest.fixture(scope="module")
def printed(pages):
    return pages["bitacora"].read_text("utf-8")


@pytest.fixture(scope="module")
def document(printed, tmp_path_factory):
    path = tmp_path_factory.mktemp("pdf") / "bitacora.pdf"
    path.write_bytes(filled.to_pdf(printed))
    return path


def read(path, *options):
    return subprocess.run(["pdftotext", *options, path, "-"], capture_output=True, text=True, check=True).stdout


def test_every_entry_of_the_month_is_in_it_on_numbered_sheets_with_their_heading(document, pages):
    with open_store(str(pages["board"].with_name("bitacora.sqlite")), readonly=True) as store:
        rows = store.rows(since="2026-10-01", until="2026-10-31")
        last = store.entries(since="2026-10-01", until="2026-10-31", limit=1)[-1]
    sheets = read(document, "-layout").split("\f")[:-1]
    assert len(sheets) > 5
    numbers = [int(found.replace(" ", "")) for sheet in sheets
               for found in re.findall(r"^ *(\d{1,3}(?: \d{3})*) +\d\d/\d\d/2026 +\d\d:\d\d:\d\d", sheet, re.MULTILINE)]
    assert numbers == [row["n"] for row in rows]
    for number, sheet in enumerate(sheets, 1):
        assert f"{number} de {len(sheets)}" in sheet
        assert f"n.º {last['n']} · digesto {last['digest']}" in sheet
        if re.search(r"/10/2026 +\d\d:", sheet):
            assert all(heading in sheet for heading in ("N.º", "Nombre del respaldo", "Responsable", "Huella SHA-256", "Observaciones"))
    assert "María Ñahui Güere" in sheets[0] and "Jefe/a de la OTI" in sheets[-1]
    assert HOSTILE[0][:20] in "".join(sheets)


def test_no_word_leaves_the_sheet(document):
    told = read(document, "-bbox")
    sheet = float(re.search(r'<page width="([\d.]+)"', told)[1])
    edges = [(float(left), float(right)) for left, right in re.findall(r'<word xMin="([-\d.]+)" yMin="[-\d.]+" xMax="([-\d.]+)"', told)]
    assert len(edges) > 1000 and min(left for left, _right in edges) > 20 and max(right for _left, right in edges) < sheet - 20


def test_the_same_bitacora_gives_the_same_bytes(tmp_path):
    with open_store(str(tmp_path / "b.sqlite")) as store:
        store.append("copy_made", {"system": "Señales", "kind": "database", "label": "Senales_20261120", "size": 5}, "2026-11-20T08:00:00Z", "R1")
        table, head = board.bitacora(store, *board.span("month", board.datetime.date(2026, 11, 5)), "America/Lima")
    page = board.printable(table, head, "Entidad", "Manual")
    assert filled.to_pdf(page) == filled.to_pdf(page)


def test_a_page_makes_the_controller_ask_nobody():
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}/x.png"
        made = filled.to_pdf(f'<p>Texto<img src="{address}"><style>@import url({address});</style><img src="file:///etc/hostname">')
        server.settimeout(0.2)
        with pytest.raises(TimeoutError):
            server.accept()
    assert made.startswith(b"%PDF")


def test_without_its_library_the_catalogue_tells_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    with pytest.raises(BackupError) as refused:
        filled.to_pdf("<p>Texto</p>")
    assert refused.value.code == "RSP901" and "requirements-reports.txt" in refused.value.hint
