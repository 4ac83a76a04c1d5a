# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom each warning goes to: to each designated address its own and nobody else's, and nothing is lost where nobody has an address."""

from __future__ import annotations

import datetime

import pytest
from ansible_collections.perucompras.respaldo.plugins.plugin_utils import _smtp
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._decisions import concerns, designations, warnings

DAY = datetime.date(2026, 11, 22)
SYSTEMS = [
    {"name": "SIGA", "kind": "database", "office": "OTI", "responsible": [{"name": "Olga", "from": "2026-01-01", "email": "olga@example.org"}]},
    {"name": "Portal", "kind": "source_code", "office": "OTI", "responsible": "ANA"},
    {"name": "Legajos", "kind": "file_server", "office": "RRHH"},
]


def person(name, email="", until=None):
    return {"name": name, "from": "2026-01-01", **({"email": email} if email else {}), **({"until": until} if until else {})}


def rules(**changed):
    egcr = {"database": {"titular": [person("Ana", "ana@example.org")], "suplente": [person("Ex", "ex@example.org", "2026-11-21")]},
            "source_code": {"titular": [person("Coco", "Coco@example.org")]}, "infrastructure": {"titular": [person("Inés", "ines@example.org")]}}
    return {"actors": {"jefe_oti": [person("Jefa", "jefa@example.org")], "soporte": [person("Sara", "sara@example.org")], "egcr": egcr, **changed}}


def condition(key, level=1):
    name, kind, system = ([*key.split(":"), "", ""])[:3]
    return warnings.Condition(key, name, level, "texto", system if kind in ("database", "source_code", "file_server") else "",
                              kind if kind in ("database", "source_code", "file_server") else "")


def shared(*keys, of=None, **levels):
    told = [condition(key, levels.get(key.partition(":")[0], 1)) for key in keys]
    found = concerns.shared(told, rules() if of is None else of, SYSTEMS, DAY, _smtp.ADDRESS.fullmatch)
    return {recipient.address: [each.key for each in recipient.conditions] for recipient in found if recipient.conditions}


@pytest.mark.parametrize("key, level, to", [
    ("failed:database:SIGA", 1, {"ana@example.org", "olga@example.org"}),
    ("failed:database:SIGA", 3, {"ana@example.org", "olga@example.org", "jefa@example.org"}),
    ("overdue:source_code:Portal", 2, {"coco@example.org", "ana@example.org"}),
    ("noted:file_server:Legajos", 5, {"ines@example.org"}),
    ("verification:file_server:Legajos", 2, {"ines@example.org", "jefa@example.org"}),
    ("restore:file_server:Legajos", 1, {"ines@example.org", "sara@example.org"}),
    ("space:nas", 1, {"ines@example.org"}), ("space:nas", 3, {"ines@example.org", "jefa@example.org"}),
    ("schedule:copies", 1, {"jefa@example.org"}), ("chain", 1, {"jefa@example.org", "ines@example.org"}),
    ("custody:failed", 1, {"ana@example.org"}), ("letters:2026-1", 1, {"sara@example.org"}), ("forge:x", 1, {"coco@example.org"}),
])
def test_each_gets_what_concerns_them_and_nobody_else_does(key, level, to):
    assert set(shared(key, **{key.partition(":")[0]: level})) == to


def test_every_sort_of_warning_concerns_somebody():
    for name in set(warnings.TITLES) - {"unsent"}:
        assert concerns.roles_of(condition(name)) or concerns.roles_of(condition(f"{name}:database:SIGA")), name


def test_what_nobody_with_an_address_is_designated_for_goes_to_the_general_list_and_says_why():
    of = rules(jefe_oti=[person("Jefa")], soporte=[person("Sara", "a,b@example.org")])
    assert shared("chain", "letters:1", "schedule:copies", of=of) == {"ines@example.org": ["chain"], "": ["chain", "letters:1", "schedule:copies"]}
    (general,) = [row for row in concerns.shared([condition("chain")], of, SYSTEMS, DAY, _smtp.ADDRESS.fullmatch) if not row.address]
    assert general.conditions[0].text == "texto (va a la lista general: sin persona designada con correo como Jefe/a de la OTI)"
    assert shared("failed:database:SIGA", of={}) == {"olga@example.org": ["failed:database:SIGA"], "": ["failed:database:SIGA"]}
    assert shared("unsent:x") == {"": ["unsent:x"]}


def test_one_address_in_two_capacities_is_one_mail():
    of = rules(jefe_oti=[person("Ana", "ANA@example.org")])
    (ana,) = [row for row in concerns.shared([condition("overdue:database:SIGA", 4)], of, SYSTEMS, DAY, _smtp.ADDRESS.fullmatch)
              if row.address == "ana@example.org"]
    assert len(ana.conditions) == 1
    assert ana.who == "Ana (Jefe/a de la OTI); Ana (EGCR de Base de Datos); ANA (responsable de Portal)"


def test_what_goes_on_and_is_another_s_now_is_not_solved():
    before = {"a": condition("a"), "b": condition("b")}
    assert [(row.state, row.condition.key) for row in warnings.news(before, [], ["a"])] == [("passed", "a"), ("solved", "b")]


def test_support_and_heads_of_offices_are_designations_too():
    told = designations.changes([], rules(heads=[{**person("Rosa"), "office": "RRHH"}]), [], DAY, True)
    assert {row["post"]: row["responsible"] for row in told} == {
        "jefe_oti": "Jefa", "egcr.database.titular": "Ana", "egcr.source_code.titular": "Coco", "egcr.infrastructure.titular": "Inés",
        "soporte": "Sara", "heads.RRHH": "Rosa"}
