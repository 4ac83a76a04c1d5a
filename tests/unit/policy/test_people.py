# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Designations by date (5.1 b): what is refused, who answers on a day, the days without anybody, and the entry of each change."""

from __future__ import annotations

import datetime

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.policy import people, policy
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._decisions import designations

DAY = datetime.date(2026, 11, 22)
SYSTEM = {"name": "SIGA", "kind": "database", "criticality": "baja", "office": "OTI"}


def person(name, start, end=None, **more):
    return {"name": name, "from": start, **({"until": end} if end else {}), **more}


def egcr(*titulares, suplente=()):
    return {"egcr": {"database": {"titular": list(titulares), "suplente": list(suplente)}}}


def told(actors):
    problems = []
    people.actors(actors, "actors", problems)
    return [(problem.where, problem.problem) for problem in problems]


@pytest.mark.parametrize(("actors", "where", "words"), [
    (egcr(person("Ana", "2026-02-01", "2026-01-31")), "actors.egcr.database.titular[0].until", "before its from"),
    (egcr(person("Ana", "2026-01-01"), person("Luis", "2026-06-01")), "actors.egcr.database.titular[1]", "the same days as Ana"),
    (egcr(person("Luis", "2026-06-01"), person("Ana", "2026-01-01", "2026-06-01")), "actors.egcr.database.titular[1]", "the same days as Luis"),
    (egcr(suplente=[person("Ana", "2026-02-01", datetime.date(2026, 1, 1))]), "actors.egcr.database.suplente[0].until", "before its from"),
    ({"jefe_oti": [person("A", "2026-01-01"), person("B", "2025-01-01", "2026-01-01")]}, "actors.jefe_oti[1]", "the same days"),
    ({"heads": [person("A", "2026-01-01", office="X"), person("B", "2026-02-01", office="X")]}, "actors.heads[1]", "the same days"),
])
def test_days_that_can_not_be_are_refused(actors, where, words):
    (found,) = told(actors)
    assert found[0] == where and words in found[1]


@pytest.mark.parametrize("actors", [
    egcr(person("Ana", "2026-01-01", "2026-05-31"), person("Luis", "2026-06-01")), egcr(person("Ana", "2026-06-01", "2026-06-01")),
    egcr(suplente=[person("A", "2026-01-01"), person("B", "2026-01-01")]), {"soporte": [person("A", "2026-01-01"), person("B", "2026-01-01")]},
    {"heads": [person("A", "2026-01-01", office="X"), person("B", "2026-02-01", office="Y")]}, {},
])
def test_days_that_follow_each_other_are_in_order(actors):
    assert told(actors) == []


def test_a_system_s_own_responsible_is_dated_and_its_egcr_answers_otherwise():
    rules = {"actors": egcr(person("Ana", "2026-01-01"))}
    dated = {**SYSTEM, "responsible": [person("Luis", "2026-11-01", "2026-11-22"), person("Marta", datetime.date(2026, 11, 25))]}
    answers = {day: policy.responsible(rules, dated, datetime.date(2026, 11, day)) for day in (1, 22, 23, 24, 25)}
    assert answers == {1: "Luis", 22: "Luis", 23: "Ana", 24: "Ana", 25: "Marta"}
    assert policy.responsible(rules, {**SYSTEM, "responsible": "Rosa"}, DAY) == "Rosa"
    for value, words in (([], "needs"), ([person("A", "2026-02-01", "2026-01-01")], "before its from"), ([person("A", "2026-01-01"), person("B", "2026-03-01")],
                         "same days"), ([{"name": "A"}], "missing"), (7, "not a list"), (" ", "empty")):
        problems = []
        people.responsible(value, "responsible", problems)
        assert len(problems) == 1 and (words in problems[0].problem or words == "needs"), (value, problems)


def test_days_without_anybody_are_told():
    rules = {"actors": egcr(person("Ana", "2026-01-01", "2026-11-10"), person("Luis", "2026-11-15", "2026-12-05"),
                            suplente=[person("Eva", "2026-11-12", "2026-11-12")])}
    gaps = designations.told_gaps(rules, [SYSTEM], DAY)
    assert gaps == ["EGCR de Base de Datos: sin designación del 11/11/2026 al 11/11/2026 (5.1 b)",
                    "EGCR de Base de Datos: sin designación del 13/11/2026 al 14/11/2026 (5.1 b)",
                    "EGCR de Base de Datos: sin designación a partir del 06/12/2026 (5.1 b)"]
    assert designations.told_gaps(rules, [{**SYSTEM, "kind": "source_code"}], DAY) == []
    own = {**SYSTEM, "responsible": [person("Luis", "2026-11-01", "2026-11-21")]}
    assert designations.told_gaps({"actors": egcr(person("Ana", "2026-01-01"))}, [own], DAY) == [
        "SIGA: sin responsable propio desde el 22/11/2026; responde Ana"]


def test_a_change_is_one_entry_and_what_stays_is_none():
    before = {"actors": egcr(person("Ana", "2026-01-01", document="Memorando 1"))}
    system = {**SYSTEM, "responsible": [person("Luis", "2026-11-01")]}
    first = designations.changes([], before, [system], DAY, True)
    assert [(row["post"], row["responsible"]) for row in first] == [("egcr.database.titular", "Ana"), ("responsible", "Luis")]
    assert first[0]["note_es"] == "EGCR de Base de Datos, titular: Ana, desde el 01/01/2026 (Memorando 1)" and first[0]["document"] == "Memorando 1"
    known = [{**row, "type": row.pop("event")} for row in first]
    assert designations.changes(known, before, [system], DAY, True) == []
    after = {"actors": egcr(person("Ana", "2026-01-01", "2026-11-21"), person("Marta", "2026-11-22"))}
    (changed,) = designations.changes(known, after, [system], DAY, True)
    assert changed["responsible"] == "Marta" and changed["note_es"].endswith("Marta, desde el 22/11/2026. Antes: Ana, hasta el 21/11/2026")
    assert designations.changes(known, after, [system], DAY, False) == [], "another host of the play tells it"
    (gone,) = designations.changes(known, {"actors": egcr(person("Ana", "2026-01-01", "2026-11-21"))}, [system], DAY, True)
    assert "responsible" not in gone and "sin designación vigente. Antes: Ana, hasta el 21/11/2026" in gone["note_es"]
    assert designations.changes([{**row, "simulated": True} for row in known], before, [], DAY, True) != [], "a rehearsal recorded nothing"
