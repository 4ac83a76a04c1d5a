# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where is my file: by part of a name, folder, days, deleted or not; of one office and nobody else's; by whom and why."""

from __future__ import annotations

import datetime

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._finding import entitling, index, merging, pages, searching, telling

LABELS = ["S_1", "S_2", "S_3"]
FILE, FOLDER = ("f", 1, 10**18), ("d", 0, 0)
BOTH = {"/s": FOLDER, "/s/Contrato Ñ.doc": FILE, "/s/log": FOLDER, "/s/log/contrato.doc": FILE, "/s/log-b": FILE, '/s/100% "_\\': FILE}
TREES = [{**BOTH, "/s/viejo contrato": FILE}, {**BOTH, "/s/Contrato Ñ.doc": ("f", 2, 2 * 10**18)}, BOTH]
NONE = searching.Offices("rrhh", {})
ZONE = datetime.timezone.utc


@pytest.fixture(params=["by three characters", "one by one", "by three characters, of which many have them", "one by one, many"])
def opened(request, tmp_path, monkeypatch):
    if "many" in request.param:
        monkeypatch.setattr(searching, "_FEW", 0)
    tmp_path.chmod(0o700)
    if request.param.startswith("one by one"):      # as a SQLite that has no trigrams
        monkeypatch.setattr(index, "_WORDS", "CREATE VIRTUAL TABLE word USING fts5(folded, tokenize='nothing')")
    with index.Index(str(tmp_path), "S") as made:
        assert index.has_words(made.connection) is not request.param.startswith("one by one")
        for number, tree in enumerate(TREES):
            merging.add(made, LABELS[number], (number + 1) * 1000, sorted(pages.Name(pages.key_of(path), *of) for path, of in tree.items()))
        yield made


def paths(opened, office="", offices=NONE, known=LABELS, **wanted):
    return [each.path for each in searching.search(opened, searching.Wanted(**wanted), office, offices, known).found]


def test_by_name_folder_and_days(opened):
    assert paths(opened, name="CONTRATO n") == ["/s/Contrato Ñ.doc"]
    assert paths(opened, name="contrato") == ["/s/Contrato Ñ.doc", "/s/log/contrato.doc", "/s/viejo contrato"]
    assert paths(opened, name="to ñ") == paths(opened, name="contrato ñ.d") == ["/s/Contrato Ñ.doc"]
    assert paths(opened, name="Ó.D") == ["/s/log/contrato.doc"] and paths(opened, name="tó") == paths(opened, name="contrato")
    assert paths(opened, folder="/s/log/") == ["/s/log", "/s/log/contrato.doc"] and paths(opened, folder="/s/lo") == []
    assert paths(opened, name="contrato", since=2000) == ["/s/Contrato Ñ.doc", "/s/log/contrato.doc"]
    assert paths(opened, name="viejo", until=1000) == ["/s/viejo contrato"] and paths(opened, name="viejo", since=1001, until=1999) == []
    assert len(paths(opened)) == 7
    # nothing of what is asked for means something to SQLite
    for name in ('100% "', '% "_', '"_\\', "_\\"):
        assert paths(opened, name=name) == ['/s/100% "_\\'], name
    assert paths(opened, name="%") == ['/s/100% "_\\'] and paths(opened, name='x" OR "con') == [] and paths(opened, name="con*") == []
    assert paths(opened, name="abcdefghij" * 25 + "klmno") == []


def test_deleted_or_not_and_no_more_than_the_limit(opened):
    assert paths(opened, name="contrato", deleted="yes") == ["/s/viejo contrato"]
    assert paths(opened, name="contrato", deleted="no") == ["/s/Contrato Ñ.doc", "/s/log/contrato.doc"]
    answer = searching.search(opened, searching.Wanted(name="contrato", limit=2), "", NONE, LABELS)
    assert (len(answer.found), answer.more) == (2, True)
    assert searching.search(opened, searching.Wanted(name="contrato", limit=3), "", NONE, LABELS).more is False


def test_each_version_has_the_copies_that_have_it(opened):
    (found,) = searching.search(opened, searching.Wanted(name="contrato ñ"), "", NONE, LABELS).found
    assert [(each.size, each.labels) for each in found.versions] == [(1, ["S_1"]), (2, ["S_2"]), (1, ["S_3"])] and not found.deleted
    # of a copy that the bitácora has no more nothing is told, whatever the index still has
    assert paths(opened, name="viejo", known=["S_2", "S_3"]) == []
    (found,) = searching.search(opened, searching.Wanted(name="contrato ñ"), "", NONE, ["S_2"]).found
    assert [each.labels for each in found.versions] == [["S_2"]] and not found.deleted


def test_nobody_is_told_names_of_another_office(opened):
    offices = searching.Offices("rrhh", {"/s/log": "logistica", "/": "otra"})
    assert paths(opened, "logistica", offices) == ["/s/log", "/s/log/contrato.doc"]
    assert paths(opened, "rrhh", offices) == []
    offices = searching.Offices("rrhh", {"/s/log": "logistica"})
    assert paths(opened, "rrhh", offices, name="log") == ["/s/log-b"] and paths(opened, "otra", offices) == []
    assert paths(opened, "rrhh", offices, folder="/s/log") == []


def test_what_is_told_brings_the_version_back(opened):
    (found,) = searching.search(opened, searching.Wanted(name="viejo"), "", NONE, LABELS).found
    copies = {"S_1": {"media": {"nas": "T2"}}}
    row = telling.row(telling.System("archivos1", "S", copies), found, "2026-0117", ZONE)
    (version,) = row["versions"]
    assert version["modified"] == "2001-09-09 01:46:40" and version["restore"] == {
        "restore_host": "archivos1", "restore_kind": "file_server", "restore_system": "S", "restore_label": "S_1", "restore_paths": ["/s/viejo contrato"],
        "restore_reason": "Versión de S_1 hallada en el índice de nombres", "restore_ticket": "2026-0117"}
    damaged = telling.row(telling.System("archivos1", "S", {"S_1": {"media": {"nas": ""}}}), found, "", ZONE)
    assert damaged["versions"][0]["restore"] == {} and "Ninguna copia íntegra" in "\n".join(telling.lines([damaged], False, [], ""))
    assert telling.restorable("/s/a\udcff/b\nc") == "/s" and telling.restorable("/\udcff") == "/" and telling.restorable("/s/b\nc") == "/s/b\nc"
    odd = searching.Found("/s/\x1b[31m\udcff", False, [searching.Version("f", 1, 2**62, ["S_1"])])
    told = "\n".join(telling.lines([telling.row(telling.System("archivos1", "S", copies), odd, "", ZONE)], True, ["S_9"], "RRHH"))
    assert "\x1b" not in told and "\udcff" not in told and "hay más" in told and "S_9" in told


SINCE = "2020-01-01"
RULES = {"actors": {
    "jefe_oti": [{"name": "Rosa Vega", "from": SINCE}], "soporte": [{"name": "Eva Ruiz", "from": SINCE}],
    "heads": [{"name": "Carmen Soto", "office": "RRHH", "from": SINCE}, {"name": "Luis Paz", "office": "Logística", "from": SINCE}],
    "egcr": {"infrastructure": {"titular": [{"name": "Ana Quispe", "from": SINCE}]}, "database": {"titular": [{"name": "Pablo Rey", "from": SINCE}]}}}}


@pytest.mark.parametrize("name, office, reason, ticket, may", [
    ("carmen  SOTO", "rrhh", "", "", "heads"), ("Carmen Soto", "Logística", "porque sí", "", ""), ("Carmen Soto", "", "porque sí", "", ""),
    ("Eva Ruiz", "RRHH", "", "", ""), ("Eva Ruiz", "RRHH", "", "2026-0001", "soporte"), ("Eva Ruiz", "RRHH", "Llamó la jefa", "", "soporte"),
    ("Ana Quispe", "RRHH", "x", "", "egcr.infrastructure.titular"), ("Pablo Rey", "RRHH", "x", "", ""), ("Rosa Vega", "", "Auditoría", "", "jefe_oti"),
    ("Rosa Vega", "", "", "2026-0001", ""), ("Rosa Vega", "", "   ", "", ""), ("Nadie", "RRHH", "x", "", ""), ("", "RRHH", "x", "", "")])
def test_who_may_look_and_why(name, office, reason, ticket, may):
    today = datetime.date(2026, 11, 28)
    if may:
        assert entitling.seeker(RULES, name, office, reason, ticket, today).post == may
    else:
        with pytest.raises(BackupError) as refused:
            entitling.seeker(RULES, name, office, reason, ticket, today)
        assert refused.value.fault.name == "search_refused"


def test_a_day_lies_among_the_points_where_its_copies_do():
    copy = {"label": "S_20261122_02", "started_at": "2026-11-22T04:00:00Z", "at_event": "2026-11-22T05:00:00Z"}
    assert index.place_of("2026-11-22T00:00:00Z") < index.id_of(copy) < index.place_of("2026-11-23T00:00:00Z") - 1
    assert index.id_of(copy) != index.id_of({**copy, "label": "S_20261122"})
