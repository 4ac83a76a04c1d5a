# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of recovery: the order, what would be lost, what is proved, and commands that the command itself takes."""

from __future__ import annotations

import datetime
import shlex

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.policy import policy as engine
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import vouched
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._command import typed
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._decisions import recovery
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._reports import recovery_plan

NOW = datetime.datetime(2026, 11, 24, 15, tzinfo=datetime.timezone.utc)
RULES = {"institution": "OTI <b>", "time_zone": "America/Lima", "manual": {"name": "Manual"}, "recovery": {"alta": {"restore_hours": 1}}}
HOUR = 3600 * 1000


def system(name, criticality="media", hours=1, proved_ms=0, size=1000, **more):
    told = {"name": name, "kind": "database", "criticality": criticality, "office": "OTI", **more}
    began = (NOW - datetime.timedelta(hours=hours or 0)).strftime("%Y-%m-%dT%H:%M:%SZ")
    media = {"nas": "T2", "otro": ""}
    copy = {"label": f"{name}_20261124", "n": 1, "started_at": began, "at_event": began, "size": size, "media": media} if hours is not None else None
    return recovery.Known("bd1", told, copy, proved_ms, "2026-11-01T00:00:00Z" if proved_ms else "", 1000)


def named(rows):
    return [row.system for row in rows]


def test_the_order_is_criticality_and_each_after_what_it_needs():
    rows = recovery.plan([system("Portal", "baja"), system("LDAP", "baja"), system("SIGA", "alta", depends_on=["ldap", "Padrón"]), system("Mesa", "media"),
                          system("Padron", "media", depends_on=["LDAP"])], RULES, NOW)
    assert named(rows) == ["LDAP", "Padron", "SIGA", "Mesa", "Portal"]
    assert [row.ready_ms for row in rows] == [1000, 2000, 3000, 4000, 5000] and not any(row.remarks for row in rows)


def test_what_is_no_system_or_leads_back_is_told_and_stops_nothing():
    rows = recovery.plan([system("A", depends_on=["B"]), system("B", depends_on=["A"]), system("C", depends_on=["Nada"])], RULES, NOW)
    assert named(rows) == ["B", "A", "C"]
    assert rows[0].remarks == ["depende de A, que depende de él"] and rows[2].remarks == ["depende de Nada, que este programa no copia"]


def test_a_need_that_no_system_is_is_named_with_its_place_and_the_one_that_was_meant():
    rows = [("backup_systems[0]", {"name": "Portal", "depends_on": ["padron", "LDPA", "Ñ/"]}), ("backup_systems[1]", {"name": "LDAP"})]
    found = recovery.unknown_needs(rows, {"portal": "Portal", "ldap": "LDAP", "padron": "Padrón"})
    assert [(problem.where, problem.value) for problem in found] == [("backup_systems[0].depends_on[1]", "LDPA"), ("backup_systems[0].depends_on[2]", "Ñ/")]
    assert found[0].mend.startswith("Did you mean LDAP?")


def test_objectives_hold_or_not_and_what_was_never_measured_is_no_proof():
    good, old, slow, bare = recovery.plan([
        system("A", "alta", proved_ms=HOUR), system("B", "alta", hours=25), system("C", "alta", proved_ms=HOUR + 1), system("D", "alta", hours=None)],
        RULES, NOW)
    assert (good.loss_met, good.restore_met) == (True, True) and good.media == ["nas"]
    assert (old.loss_met, old.restore_met, old.proved) == (False, None, False)
    assert (slow.loss_met, slow.restore_met) == (True, False)
    assert (bare.loss_met, bare.restore_met, bare.lost_ms, bare.takes_ms, bare.label) == (False, None, -1, -1, "")
    assert recovery.problems([good, old, slow, bare]) == [
        "B: se perderían 25 h de datos; se admiten 24 h", "C: restaurarlo tomó 1 h 1 min; se admiten 1 h",
        "D: no tiene ninguna copia entera: se perdería todo; se admiten 24 h"]


def test_what_is_copied_on_request_alone_has_no_age_that_is_too_much_and_is_there_while_it_has_a_copy():
    rules = {**RULES, "kinds": {"mailbox": {"only_on_request": True}, "database": {}}}
    rows = recovery.plan([system("asoto", hours=None, kind="mailbox"), system("bruiz", hours=9000, kind="mailbox"), system("C", hours=9000)], rules, NOW)
    assert [(row.system, row.loss_met) for row in rows] == [("bruiz", True), ("C", False)]


@pytest.mark.parametrize(("milliseconds", "said"), [
    (-1, "-"), (0, "0 min"), (1, "1 min"), (59 * 60000, "59 min"), (60 * 60000, "1 h"), (47 * HOUR, "47 h"), (48 * HOUR, "2 d"), (49 * HOUR + 1, "2 d 1 h")])
def test_durations_as_people_say_them(milliseconds, said):
    assert recovery.duration(milliseconds) == said


SOURCES = [
    ({"type": "postgresql", "databases": ["siga"]}, [["--destino", "siga"]]),
    ({"type": "postgresql", "databases": "siga, rrhh"}, [["--parte", "siga", "--destino", "siga"], ["--parte", "rrhh", "--destino", "rrhh"]]),
    ({"type": "mariadb", "databases": "all"}, [["--parte", "BASE", "--destino", "BASE"]]),
    ({"type": "sqlite", "path": "/srv/a b.sqlite"}, [["--destino", "/srv/a b.sqlite"]]),
    ({"type": "command"}, [["--destino", "DESTINO"]]),
    ({"type": "azure_backup"}, []),
]


@pytest.mark.parametrize(("source", "more"), SOURCES)
def test_each_command_is_one_that_respaldo_takes(source, more):
    (row,) = recovery.plan([system("Mesa de Partes")], RULES, NOW)
    lines = [line for line in recovery_plan.commands(row, source) if not line.startswith("mkdir ")]
    assert [shlex.split(line)[-len(words):] for line, words in zip(lines, more, strict=True)] == more
    for line in lines:
        given = typed.read(shlex.split(line)[1:])
        assert given.systems == ["Mesa de Partes"] and given.kind == "database" and given.variables["restore_host"] == "bd1"
    assert {word: kind for kind, word in recovery_plan.KINDS.items()} == typed.KINDS


def test_the_page_says_it_all_escaped_and_the_text_says_the_same():
    rows = recovery.plan([system("SIGA", "alta", hours=30, depends_on=["X"]), system("Nuevo", hours=None)], RULES, NOW)
    page = recovery_plan.Page(RULES, rows, {("database", "SIGA"): {"type": "postgresql", "databases": ["siga"]}},
                              {"name": "nas-lima", "path": "/srv/copias", "host": "nas"}, NOW)
    for what, command in recovery_plan.beginning(page)[1:]:
        assert typed.read(shlex.split(command)[1:]).name in ("recuperar", "plan-de-recuperacion"), what
    told, filled = "\n".join(recovery_plan.text(page)), recovery_plan.html(page)
    assert "OTI &lt;b&gt;" in filled and "<b>" not in filled
    for words in ("nas:/srv/copias", "SIGA_20261124", "30 h (se admiten 24 h: NO CUMPLE)", "por su tamaño (se admiten 1 h: SIN PROBAR)",
                  "todo: no tiene ninguna", "antes, en un servidor de PostgreSQL sin los roles", "depende de X, que este programa no copia"):
        assert words in told and words in filled, words
    assert "ningún comando de este programa lo restaura hoy" in filled


def test_a_shared_folder_is_made_before_it_is_filled():
    (row,) = recovery.plan([system("Archivos", kind="file_server")], RULES, NOW)
    made, restored = recovery_plan.commands(row, {"type": "restic", "paths": ["/srv/Órgano A"]})
    assert made.startswith("mkdir -p '/srv/Órgano A'  # en bd1") and typed.read(shlex.split(restored)[1:]).kind == "file_server"
    assert typed.read(shlex.split(restored)[1:]).variables["restore_target"] == "/srv/Órgano A"


@pytest.mark.parametrize(("source", "made"), [
    ({"type": "sqlite", "path": "/srv/Año 26/padron.sqlite"}, ["mkdir -p '/srv/Año 26'  # en bd1"]),
    ({"type": "git", "path": "/srv/git/portal.git"}, ["mkdir -p /srv/git  # en bd1"]),
    ({"type": "paths", "paths": ["/opt/sgd/app"]}, ["mkdir -p /opt/sgd  # en bd1"]),
    ({"type": "paths", "paths": ["/datos"]}, []),
    # where it is to lie nothing says
    ({"type": "git", "url": "https://git.example.org/portal.git"}, []),
    ({"type": "paths", "paths": ["/opt/sgd/app", "/opt/otro"]}, []),
    ({"type": "postgresql", "databases": ["siga"]}, []),
])
def test_the_directory_of_what_is_restored_is_made_first_since_an_empty_machine_has_none(source, made):
    (row,) = recovery.plan([system("Portal", kind="database" if source["type"] in ("sqlite", "postgresql") else "source_code")], RULES, NOW)
    lines = recovery_plan.commands(row, source)
    assert [line for line in lines if line.startswith("mkdir ")] == made
    assert lines[len(made)].startswith("respaldo restaurar Portal ")


def test_what_the_recovery_brought_back_itself_is_not_restored_once_more_by_an_older_copy():
    kit = {"kind": "source_code", "source": {"type": "paths", "paths": ["/srv/inventario"]}}
    rows = recovery.plan([system(vouched.BITACORA), system(vouched.KIT, **kit)], RULES, NOW)
    sources = {("database", vouched.BITACORA): {"type": "sqlite", "path": "/b"}, ("source_code", vouched.KIT): kit["source"]}
    page = recovery_plan.Page(RULES, rows, sources, {}, NOW)
    told, filled = "\n".join(recovery_plan.text(page)), recovery_plan.html(page)
    assert "respaldo restaurar" not in told and "respaldo restaurar" not in filled
    assert told.count("ya volvió con «respaldo recuperar»") == filled.count("ya volvió con «respaldo recuperar»") == 2


def test_what_is_demanded_that_day_is_told_beforehand_and_stands_in_the_command():
    kit, record, key = ("MALETIN_20261122", "a" * 64), ("BITACORA_20261122", "b" * 64), "c" * 64
    page = recovery_plan.Page(RULES, [], {}, {}, NOW, vouched.Stated(key, kit, record))
    told, filled = "\n".join(recovery_plan.text(page)), recovery_plan.html(page)
    assert all(words in told and words in filled for words in (key, *kit, *record))
    given = typed.read(shlex.split(recovery_plan.beginning(page)[1][1])[1:]).variables
    assert given["seal_key"] == key and "kit_sha256" not in given
    unsealed = typed.read(shlex.split(recovery_plan.beginning(page._replace(stated=vouched.Stated("", kit, record)))[1][1])[1:]).variables
    assert (unsealed["kit_sha256"], unsealed["bitacora_sha256"]) == (kit[1], record[1])


def test_of_a_bitacora_on_a_server_the_plan_says_what_is_typed_that_day():
    kit = ("MALETIN_20261122", "a" * 64)
    sources = {("database", vouched.BITACORA): {"type": "postgresql", "databases": ["bitacora"]}}
    rows = recovery.plan([system(vouched.BITACORA)], RULES, NOW)
    page = recovery_plan.Page(RULES, rows, sources, {}, NOW, vouched.Stated("c" * 64, kit, ("BITACORA_20261122", "b" * 64)))
    by_key, by_custody = (typed.read(shlex.split(command)[1:]).variables for _what, command in recovery_plan.beginning(page)[1:3])
    assert by_key["bitacora_on_server"] is by_custody["bitacora_on_server"] is True
    assert by_key["kit_sha256"] == kit[1] and "seal_key" not in by_key and "bitacora_sha256" not in by_key, "what vouches for a kit alone"
    told, filled = "\n".join(recovery_plan.text(page)), recovery_plan.html(page)
    assert "los comandos de su ficha" in told and "los comandos de su ficha" in filled and "ya volvió" not in told + filled


@pytest.mark.parametrize(("recover", "where"), [
    ({"alta": {"loss_hours": 0}}, "recovery.alta.loss_hours"), ({"critica": {}}, "recovery.critica"), ({"alta": {"hours": 1}}, "recovery.alta.hours")])
def test_objectives_that_are_none_are_refused(recover, where):
    with pytest.raises(BackupError) as caught:
        engine.validate({"recovery": recover}, [], [])
    assert where in caught.value.message
