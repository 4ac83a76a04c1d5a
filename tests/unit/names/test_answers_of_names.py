# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the index of names adds to the answer to a request: versions, and the list of what came back; of its own office, limited, and never a reason to stop."""

from __future__ import annotations

import csv
import datetime
import io

import pytest
from ansible.errors import AnsibleError
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._decisions import requests
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._finding import answering, index, listing, looking, merging, pages, searching, versions

LIMA = datetime.timezone(datetime.timedelta(hours=-5))
MINE, OTHER = "Oficina de Logística", "Oficina de Personal"
TOP = "/srv/oficinas/logistica"
MODIFIED = int(datetime.datetime(2026, 11, 19, 15, 30, tzinfo=LIMA).timestamp()) * 10**9
COPIES = {f"LOG_202611{day}": {"label": f"LOG_202611{day}", "started_at": f"2026-11-{day}T05:00:00Z", "media": {"nas": "T2"}} for day in (20, 21, 22)}
FOLDERS = {TOP + "/personal": looking.plain_name(OTHER)}


def server(name="LOGISTICA", own=MINE, folders=FOLDERS, copies=COPIES):
    return looking.Server("archivos1", name, (TOP,), copies, searching.Offices(looking.plain_name(own), folders))


def names(*rows):
    """Names as a copy has them: path below TOP, size, and 'd' for a folder."""
    told = [pages.Name(pages.key_of(TOP + "/" + path), kind, size, MODIFIED if kind != "d" else 0) for path, size, kind in rows]
    return sorted(told, key=lambda each: each.key)


def file(path, size=1):
    return path, size, "f"


@pytest.fixture
def directory(tmp_path):
    """An index of three copies: a file that grew and went, one that stayed, one of another office, and what a spreadsheet would run."""
    where = str(tmp_path / "nombres")
    of_all = [("contratos", 0, "d"), file("contratos/leeme.txt", 7), file("personal/contratos/planilla.xlsx", 99), file('contratos/=cmd|"x"!A1', 3),
              file("contratos/a;@b\n.txt", 2)]
    with index.Index(where, "LOGISTICA") as opened:
        for label, more in zip(COPIES, ([file("contratos/2026.txt", 1)], [file("contratos/2026.txt", 2048)], [])):
            merging.add(opened, label, index.id_of(COPIES[label]), names(*of_all, *more))
    return where


def request(*wanted, office=MINE, system="LOGISTICA", **more):
    return requests.Request("2026-0001", "restore", office, "Pedro", "2026-11-22T10:00:00Z", "endorsed", system, "file_server", wanted=wanted, **more)


def told(directory, *wanted, servers=None, **more):
    return versions.of_request(directory, servers or [server()], request(*wanted, **more), LIMA)


@pytest.mark.parametrize("path", [
    TOP + "/contratos/2026.txt", "contratos/2026.txt", r"\\nas\log\contratos\2026.txt", "Z:\\contratos\\2026.txt", "2026.TXT", "./contratos//2026.txt"])
def test_versions_of_a_file_however_it_is_written(directory, path):
    assert told(directory, path).rows == [
        TOP + "/contratos/2026.txt: 2,0 KiB, modificado el 19/11/2026 15:30, en la copia del 21/11/2026; ya no está en la última copia",
        TOP + "/contratos/2026.txt: 1 B, modificado el 19/11/2026 15:30, en la copia del 20/11/2026"]


def test_a_folder_with_what_is_in_it_and_nothing_of_another_office(directory):
    rows = told(directory, "contratos").rows
    assert rows[0] == TOP + "/contratos: carpeta, en las copias del 20/11/2026 al 22/11/2026" and "\n" not in "".join(rows)
    assert {row.partition(": ")[0] for row in rows} == {TOP + "/" + each for each in (
        "contratos", "contratos/leeme.txt", 'contratos/=cmd|"x"!A1', "contratos/a;@b\\x0a.txt", "contratos/2026.txt")}
    # who asks for one office hears nothing of another, by whatever path; and that one hears of its own alone
    for path in ("personal", "planilla.xlsx", TOP + "/personal/contratos/planilla.xlsx", "/srv/oficinas"):
        assert not [row for row in told(directory, path).rows if "planilla" in row]
    other = told(directory, TOP, office=OTHER).rows
    assert len(other) == 1 and "planilla.xlsx" in other[0]
    for office in ("Oficina de Prensa", " ", ""):
        assert told(directory, TOP, office=office).rows == []
    assert told(directory, "contratos", system="OTRO").rows == [] and told(directory, "..", "/", "", "contratos/../personal").rows == []


def test_few_are_told_and_that_there_are_more(tmp_path):
    where = str(tmp_path / "nombres")
    with index.Index(where, "LOGISTICA") as opened:
        merging.add(opened, "LOG_20261120", index.id_of(COPIES["LOG_20261120"]), names(*(file(f"muchos/{place:03d}.txt") for place in range(300))))
    assert len((found := told(where, "muchos")).rows) == versions.MOST and found.more
    assert not told(where, "muchos/001.txt").more
    # an index that was never made knows nothing
    assert told(str(tmp_path / "nadie"), "muchos") == ([], False)


def restored(n=9, **more):
    return {"n": n, "type": "restored", "system": "LOGISTICA", "label": "LOG_20261121", "target": TOP + "/restaurado", "wanted": ["contratos"], **more}


def listed(directory, *entries, steps=(), servers=None, **more):
    asked = request("contratos", **more)
    asked.done, asked.steps = [entry["n"] for entry in entries], list(steps)
    return listing.of_request(directory, servers or [server()], asked, entries, LIMA)


def rows_of(data):
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig")), delimiter=";"))


def test_the_list_of_what_came_back(directory):
    found = listed(directory, restored())
    assert found.file == "restaurado-2026-0001.csv" and "5 nombres" in found.told and found.data.startswith(b"\xef\xbb\xbf")
    head, *rows = rows_of(found.data)
    assert head[0] == "Ruta en la copia" and all(row[4:] == ["LOG_20261121", TOP + "/restaurado"] for row in rows)
    by = {row[0][len(TOP):]: row[1:4] for row in rows}
    assert by["/contratos"] == ["carpeta", "", ""] and by["/contratos/2026.txt"] == ["archivo", "2048", "2026-11-19 15:30:00"]
    # of the copy that came back, and the office's own alone; nothing that a spreadsheet runs
    assert "planilla" not in found.data.decode() and "/contratos/a;'@b\\x0a.txt" in by
    whole = listed(directory, restored(wanted=[]))
    assert "planilla" not in whole.data.decode() and len(rows_of(whole.data)) == 6
    # a restore of another copy has another list, and only what came back since somebody objected is asked about
    objected = requests.Step(10, "request_objected", "", "Carmen", "heads", "", "", "restored", "objected")
    again = listed(directory, restored(), restored(11, label="LOG_20261122", wanted=[TOP + "/contratos/", TOP + "/contratos/leeme.txt"]), steps=[objected])
    assert {row[4] for row in rows_of(again.data)[1:]} == {"LOG_20261122"} and "2026.txt" not in again.data.decode() and len(rows_of(again.data)) == 5


def test_what_a_spreadsheet_would_run_is_guarded(tmp_path):
    where = str(tmp_path / "nombres")
    with index.Index(where, "LOGISTICA") as opened:
        merging.add(opened, "LOG_20261121", index.id_of(COPIES["LOG_20261121"]), names(file("contratos/x")))
    row = rows_of(listed(where, restored(target='=HYPERLINK("http://evil.example")')).data)[1]
    assert row[-1].startswith("'=")


def test_what_does_not_fit_is_counted(directory, monkeypatch):
    monkeypatch.setattr(listing, "MOST_ROWS", 2)
    found = listed(directory, restored())
    assert "2 nombres" in found.told and "Faltan aquí 3 nombres" in found.told
    assert rows_of(found.data)[-1] == ["Faltan aquí 3 nombres, que no caben en esta lista"]
    monkeypatch.setattr(listing, "MOST_ROWS", 5000)
    monkeypatch.setattr(listing, "MOST_BYTES", 300)
    found = listed(directory, restored())
    assert len(found.data) < 700 and "Faltan aquí" in found.told
    monkeypatch.setattr(listing, "_COUNTED", 3)
    assert "más de" in listed(directory, restored()).told


@pytest.mark.parametrize("more", [{"label": "LOG_20261101"}, {"system": "OTRO"}, {"wanted": ["nada"]}, {"type": "copy_made"}])
def test_without_names_there_is_no_list(directory, more):
    assert listed(directory, restored(**more)) is None


def test_nothing_that_goes_wrong_keeps_an_answer(directory, monkeypatch):
    class Store:
        @staticmethod
        def copies(kind, system):
            return list(COPIES.values())

    class Hosts:
        folders: object = [{"path": TOP + "/personal", "office": OTHER}]

        def raw_get(self, host):
            return {"backup_shared_folders": self.folders}

        def __getitem__(self, host):
            raise AnsibleError("una plantilla que no se puede leer")

    hosts, hostvars = {"archivos1": {"systems": [{"name": "LOGISTICA", "kind": "file_server", "office": MINE, "source": {"paths": [TOP]}}]}}, Hosts()

    def answers():
        return answering.Answers(Store(), hosts, {"hostvars": hostvars}, directory, LIMA)

    good = answers()
    assert len(good.versions(request("contratos/2026.txt"))) == 2 and good.listed(request("x"), []) is None and good.troubles == []
    assert good.versions(request()) == [] and good.versions(request("contratos", office=" ")) == []
    monkeypatch.setattr(versions, "MOST", 1)
    assert good.versions(request("contratos"))[-1].startswith("Hay más versiones")
    hostvars.folders = "{{ nada }}"
    bad = answers()
    assert bad.versions(request("contratos")) == [] and bad.versions(request("contratos")) == [] and len(bad.troubles) == 1
    assert "carpetas asignadas" in bad.troubles[0]
    hostvars.folders = []
    (index.path_of(directory, "LOGISTICA")).write_bytes(b"no es un indice")
    broken = answers()
    assert broken.versions(request("contratos")) == [] and "RSP774" in broken.troubles[0]
