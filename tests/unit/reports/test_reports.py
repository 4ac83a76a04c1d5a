# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables, facts and board over a real SQLite bitácora, with names that attack what shows them."""

from __future__ import annotations

import datetime
import json
import re
import sys
import zipfile
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import jinja2
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "collections"))

from ansible_collections.perucompras.respaldo.plugins.module_utils._engine import result  # noqa: E402
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError  # noqa: E402
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import Store, open_store  # noqa: E402
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._reports import board, facts, pages, tables  # noqa: E402

HOSTILE = "</script><img src=x onerror=alert(1)>\"'&"
NOW = datetime.datetime(2026, 11, 24, 15, 0, tzinfo=datetime.timezone.utc)
RULES = yaml.safe_load((ROOT / "policies/manual-001-2019.yml").read_text("utf-8"))


def system(name, kind="database", criticality="alta"):
    source = {"type": "postgresql" if kind == "database" else "paths"}
    return {"name": name, "kind": kind, "criticality": criticality, "office": "OTI", "responsible": "Ana Núñez", "source": source}


@pytest.fixture
def store(tmp_path):
    with open_store(str(tmp_path / "b.sqlite")) as opened:
        yield opened


def copied(store, name, day, event="copy_made", kind="database", size=1000, **more):
    at = f"2026-11-{day:02}T08:00:00Z"
    body = {"system": name, "kind": kind, "label": f"{name}_202611{day:02}", "started_at": at, "ended_at": at, "size": size, "medium": "nas",
            "trust_level": "T2"}
    return store.append(event, {**body, **more}, at, "R1")


def read(store, systems, days=10, **more):
    last = datetime.date(2026, 11, 24)
    return facts.read(store, RULES, systems, last - datetime.timedelta(days=days - 1), last, NOW, **more)


def test_each_kind_of_day_has_its_letter(store):
    copied(store, "SIGA", 15)
    copied(store, "SIGA", 16)
    copied(store, "SIGA", 17, "copy_failed", error_code="RSP202", error_message_es="no hay espacio")
    copied(store, "SIGA", 19)
    copied(store, "SIGA", 20)
    copied(store, "SIGA", 20, "copy_damaged")
    copied(store, "SIGA", 22, "copy_simulated", simulated=True)
    found = read(store, [system("SIGA")]).systems[0]
    # nobody made a copy for the 18th; that of the 19th is the 19th's own, as compliance counts them
    assert "".join(facts.CELLS[state][0] for state in found.cells) == "BBFABDAAAA"
    assert found.decision.overdue_days > 0


def test_a_board_says_of_other_runs_that_they_have_no_end_and_not_of_its_own(store, monkeypatch):
    for run in ("R-own", "R-other"):
        store.append("run_started", {"run": run}, "2026-11-24T14:00:00Z", run)
    monkeypatch.setenv("RESPALDO_RUN_ID", "R-own")
    told = "\n".join(notice.spanish for notice in read(store, []).chain.notices)
    assert "R-other" in told and "no tiene fin" in told and "R-own" not in told


def test_a_forge_that_was_not_listed_stands_on_the_board(store):
    store.append("forge_listed", {"forge": "quieta", "kind": "source_code"}, "2026-11-23T08:00:00Z", "R1")
    store.append("forge_failed", {"forge": "gitea", "error_code": "RSP464", "error_message_es": HOSTILE}, "2026-11-23T08:00:00Z", "R1")
    store.append("repository_gone", {"forge": "gitea", "forge_id": "7", "system": "viejo"}, "2026-11-22T08:00:00Z", "R1")
    found = read(store, [])
    page = board.render(found)
    assert len(found.forges) == 2 and "gitea: no se pudo listar (RSP464" in page and "a política: viejo." in page
    assert "quieta" not in page and HOSTILE not in page
    assert "forjas" not in board.render(found._replace(forges=()))


def test_a_system_never_heard_of_is_to_be_done_and_not_absent_before(store):
    copied(store, "OTRO", 15)
    found = read(store, [system("SIGA")]).systems[0]
    assert set(found.cells) == {"none"}
    assert found.decision.state in facts.PENDING
    assert found.last is None


def test_jumps_proofs_media_restores(store):
    for day, size in ((18, 1000), (19, 1299), (20, 1700), (21, 500)):
        copied(store, "SIGA", day, size=size)
    copied(store, "SIGA", 21, "copy_verified", trust_level="T3", verification_level="T3")
    copied(store, "SIGA", 22, "restore_started", ticket="T-1", requester="Rosa")
    read_back = read(store, [system("SIGA")], free={"nas": 4499})
    found = read_back.systems[0]
    assert [round(jump.percent) for jump in found.jumps] == [31, -71]
    assert found.proof_days == 3
    assert [(medium.name, medium.copies, medium.size, medium.days_left) for medium in read_back.media] == [("nas", 4, 4499, 9)]
    assert [restore["ticket"] for restore in read_back.restores] == ["T-1"]
    assert read_back.chain.whole


def test_the_board_tells_coverage_and_how_long_a_restore_took(store):
    for name, day, criticality in (("SIGA", 21, "alta"), ("SIAF", 20, "baja"), ("SIAD", 20, "baja")):
        copied(store, name, day)
        if name != "SIAD":
            copied(store, name, day, "copy_verified", trust_level="T3", verification_level="T3", duration_ms=4230)
    shown = board.render(read(store, [system("SIGA"), system("SIAF", criticality="baja"), system("SIAD", criticality="baja")]))
    assert "cobertura de las pruebas: 2 de 3 sistemas (66 %)" in shown and shown.count(", tomó 4,2&nbsp;s") == 2


@pytest.mark.parametrize("criticality, days, state", [("alta", 29, "good"), ("alta", 30, "late"), ("alta", 60, "missing"), ("baja", 60, "good"),
                                                      ("baja", -1, "missing")])
def test_a_proof_grows_old_by_the_drills_of_the_policy(store, criticality, days, state):
    found = read(store, [system("SIGA", criticality=criticality)]).systems[0]
    assert board._proof_state(found._replace(proof_days=days)) == state


def test_one_pass_over_the_copies_says_what_reading_each_says(store):
    for day in (18, 19, 20, 21):
        copied(store, "SIGA", day, medium="nas, local")
    copied(store, "SIGA", 18, "copy_pruned", medium="nas, local")
    copied(store, "SIGA", 19, "copy_pruned", medium="nas")
    copied(store, "SIGA", 20, "copy_damaged")
    copied(store, "SIGA", 22, simulated=True)
    keys = [("database", "SIGA"), ("database", "NADIE")]
    assert store.kept(keys) == Store.kept(store, keys)
    assert [media for media, _size in store.kept(keys)[keys[0]]] == [["local"], ["nas", "local"], ["nas", "local"]]


def test_the_chain_verified_beside_says_what_the_store_says(store):
    for day in (18, 19, 20):
        copied(store, "SIGA", day)
    store.append("run_started", {"run": "R9"}, "2026-11-21T08:00:00Z", "R9")
    assert read(store, [system("SIGA")]).chain == store.verify()
    store.run("DROP TRIGGER entries_refuse_update")
    store.run("UPDATE entries SET body = replace(body, '1000', '1001') WHERE n = 2")
    found = read(store, [system("SIGA")]).chain
    assert found == store.verify() and [finding.n for finding in found.findings] == [2]
    assert "LA CADENA ESTÁ ROTA" in board.render(read(store, [system("SIGA")]))


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.addresses, self.ids = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.addresses += [value for name, value in attributes if name in ("src", "href", "action", "data", "srcset", "poster")]
        self.ids += [value for name, value in attributes if name == "id"]
        assert not [name for name, value in attributes if name.startswith("on")]


def test_the_board_asks_nothing_of_a_network_and_hostile_names_stay_text(store):
    copied(store, HOSTILE, 20, label="X_20261120")
    copied(store, HOSTILE, 21, "copy_failed", label="X_20261121", error_message_es=HOSTILE)
    text = board.render(read(store, [system(HOSTILE)]))
    page = Page(text)
    assert "img" not in page.tags
    assert page.tags.count("script") == 2
    assert all(address.startswith("#") for address in page.addresses)
    assert not re.search(r"url\(|@import|https?:", text)
    data = json.loads(re.search(r'id="datos">(.*?)</script>', text, re.DOTALL)[1])
    assert data["systems"] == [HOSTILE]
    assert {row[3] for row in data["rows"]} == {"X_20261120", "X_20261121"}
    shown = {int(address[2:]) for address in page.addresses if re.fullmatch(r"#n\d+", address)}
    assert shown <= {row[0] for row in data["rows"]}
    assert len(page.ids) == len(set(page.ids))


def test_the_bitacora_of_a_month_for_paper(store):
    copied(store, HOSTILE, 20)
    newest = copied(store, "SIGA", 21)
    table, head = board.bitacora(store, *board.span("month", datetime.date(2026, 11, 5)), "America/Lima")
    text = board.printable(table, head, "Entidad", "Manual")
    assert len(table.rows) == 2
    assert text.count(newest.digest) == 2
    assert not {"img", "script"} & set(Page(text).tags)


def test_a_simulated_restore_is_over_and_one_without_request_is_shown(store):
    """restore.yml --check, and a restore without ticket and requester: the board of the next 90 days could not be made."""
    for label, end in (("SIGA_20261121", "restore_simulated"), ("SIGA_20261122", "")):
        body = {"system": "SIGA", "kind": "database", "label": label, "started_at": "2026-11-23T08:00:00Z"}
        for event in filter(None, ("restore_started", end)):
            store.append(event, body, "2026-11-23T08:00:00Z", "R1")
    found = read(store, [system("SIGA")])
    assert [entry.get("label") for entry in found.restores] == ["SIGA_20261122"]
    assert "SIGA_20261122" in board.render(found)


FIELDS = {"system": "SIGA", "kind": "database", "label": "SIGA_20261120", "started_at": "2026-11-20T08:00:00Z", "ended_at": "2026-11-20T08:00:09Z", "size": 10,
          "medium": "nas", "trust_level": "T3", "error_code": "RSP402", "error_message_es": "lleno", "ticket": "2026-1", "requester": "Ana", "host": "bd1",
          "responsible": "Ana", "digest": "a" * 64, "reason_text": "prueba", "numeral": "7.1.3", "objects": 1}


@pytest.mark.parametrize("missing", ["", *FIELDS, "all"])
def test_every_event_with_any_field_missing_is_shown_on_each_page(store, missing):
    """One bitácora with an entry of each event there is, of which those that begin something have no end."""
    kept = {} if missing == "all" else {name: value for name, value in FIELDS.items() if name != missing}
    for event in sorted(result.EVENTS, key=lambda event: event.endswith("_started")):     # what was begun last is still under way
        store.append(event, kept, "2026-11-20T08:00:00Z", "R1")
    assert "SIGA" in board.render(read(store, [system("SIGA")]))
    table, head = board.bitacora(store, *board.span("month", datetime.date(2026, 11, 5)), "America/Lima")
    assert "Entidad" in board.printable(table, head, "Entidad", "Manual")


def test_a_period_without_entries(store):
    table, head = board.bitacora(store, datetime.date(2020, 1, 1), datetime.date(2020, 1, 1), "America/Lima")
    assert "no tiene asientos" in board.printable(table, head, "Entidad", "Manual")


@pytest.mark.parametrize("digest", ['"}body{display:none}', "\\", "a\\", "</style><script>alert(1)</script>", "\n}*{display:none}/*", "\u202eab"])
def test_no_digest_leaves_its_string_at_the_foot_of_the_sheet(store, digest):
    table, _head = board.bitacora(store, datetime.date(2026, 1, 1), datetime.date(2026, 1, 31), "America/Lima")
    text = board.printable(table, {"n": 7, "digest": digest}, "Entidad", "Manual")
    foot = re.search(r'@bottom-left \{\n *content: "(.*?)";\n', text)[1]
    assert foot.startswith("Último asiento del período: n.º 7 · digesto ".replace(":", "\\3a "))
    assert not re.search(r"[\"{}<>;\u202e]|\\(?![0-9a-f]+ )", foot)
    assert text.count("</style>") == 1


def test_a_part_of_a_page_is_put_in_as_it_stands(store):
    copied(store, "SIGA", 20)
    text = board.render(read(store, [system("SIGA")]))
    for name in ("board.css", "board_map.css", "board_media.css", "board.js"):
        assert (Path(pages.__file__).parent / name).read_text("utf-8").rstrip() in text
    assert not re.findall(r"^ +<", text, re.MULTILINE)  # the templates' indentation is for who reads them, and isn't sent


def test_templates_are_compiled_for_the_first_page_of_a_run_alone(store, monkeypatch):
    copied(store, "SIGA", 20)
    first, compiled = board.render(read(store, [system("SIGA")])), []
    monkeypatch.setattr(jinja2.Environment, "compile", lambda _pages, text, *_more, **_named: compiled.append(text))
    assert board.render(read(store, [system("SIGA")])) == first and not compiled


@pytest.mark.parametrize("period, first, last, name", [
    ("day", "2028-02-29", "2028-02-29", "2028-02-29"), ("month", "2028-02-01", "2028-02-29", "2028-02"), ("week", "2028-02-28", "2028-03-05", "2028-S09"),
])
def test_periods(period, first, last, name):
    found = board.span(period, datetime.date(2028, 2, 29))
    assert [day.isoformat() for day in found] == [first, last]
    assert board.name_of(period, found[0]) == name


TABLE = tables.Table("Hoja/1", "Título", [tables.Column("a", "Texto"), tables.Column("d", "Día", "date"), tables.Column("t", "Hora", "time"),
                     tables.Column("p", "%", "percent"), tables.Column("b", "Bytes", "bytes")],
                     [{"a": "=1+1", "d": "2026-11-24", "t": "03:00:00", "p": -12.5, "b": 2048}, {"a": " @x;\"ñ\"\n"}])


def test_csv_opens_right_in_excel_in_spanish_and_runs_no_formula():
    made = tables.to_csv(TABLE)
    assert made.startswith(b"\xef\xbb\xbf")
    assert made[3:].decode("utf-8") == 'Texto;Día;Hora;%;Bytes\r\n\'=1+1;24/11/2026;03:00:00;-12,5;2048\r\n"\' @x;""ñ"" ";;;;\r\n'


def test_xlsx_has_real_dates_and_numbers_and_no_formula():
    made = tables.to_xlsx([TABLE, TABLE], datetime.datetime(2026, 11, 24))
    assert made == tables.to_xlsx([TABLE, TABLE], datetime.datetime(2026, 11, 24))
    with zipfile.ZipFile(BytesIO(made)) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode("utf-8")
        assert 'name="Hoja_1 2"' in book.read("xl/workbook.xml").decode("utf-8")
    assert "<f>" not in sheet
    assert "<v>46350</v>" in sheet
    assert "<v>-12.5</v>" in sheet
    assert 'state="frozen"' in sheet


def test_without_its_library_xlsx_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    with pytest.raises(BackupError) as refused:
        tables.to_xlsx([TABLE], NOW)
    assert refused.value.code == "RSP901"
    assert "requirements-reports.txt" in refused.value.hint


LOST = {"warnings": ["Database d has system-versioned tables: …"], "warnings_es": ["La base de datos d tiene tablas con versiones del sistema: «<b>»."],
        "warning_keys": ["my_no_history"]}


def test_the_warnings_of_a_copy_reach_board_and_bitacora_in_spanish(store):
    copied(store, "SIGA", 23, **LOST)
    copied(store, "SIAF", 23, warnings=["Users and grants are left out: an entry of an earlier release."])
    copied(store, "SIAD", 23, warnings="odd", warnings_es=[{"a": 1}, 7])
    copied(store, "SIGA", 24, "copy_failed", error_code="RSP202", error_message_es="no responde")
    rows = {row["n"]: row["observaciones"] for row in store.rows()}
    assert rows[1] == "Advertencias: La base de datos d tiene tablas con versiones del sistema: «<b>»."
    assert rows[2] == "Advertencias: Users and grants are left out: an entry of an earlier release."
    assert rows[4] == "RSP202: no responde"
    shown = board.render(read(store, [system("SIGA"), system("SIAF"), system("SIAD")]))
    assert "Advertencias de la última copia buena" in shown and "versiones del sistema: «&lt;b&gt;»." in shown and "an entry of an earlier release" in shown
    assert "system-versioned" not in shown
