# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which conditions are in force, and what of them is news."""

from __future__ import annotations

import datetime
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as some

NOW = datetime.datetime(2026, 11, 24, 15, tzinfo=datetime.timezone.utc)
POLICY = {
    "institution": "OTI", "time_zone": "America/Lima",
    "kinds": {"database": {"numeral": "7.2.1", "frequency_numeral": "6.4", "every": {"days": 7}}},
    "criticality": {"baja": {"required_trust": "T2"}},
}
SIGA = {"name": "SIGA", "kind": "database", "criticality": "baja", "source": {"type": "sqlite"}, "responsible": "Ana"}


def engine():
    from ansible_collections.perucompras.respaldo.plugins.plugin_utils._decisions import warnings as _warnings

    return _warnings


def stamp(days):
    return (NOW - datetime.timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def named(days):
    return "SIGA_" + stamp(days)[:10].replace("-", "")


def add(store, type_, days, **body):
    store.append(type_, {"system": "SIGA", "kind": "database", "label": named(days), "started_at": stamp(days), **body}, stamp(days), "test")


def made(store, days, size=1000, **body):
    add(store, "copy_made", days, size=size, trust_level="T2", medium="nas", **body)


def found(store, policy=POLICY, spaces=()):
    return {row.key: row for row in engine().in_force(store, policy, [SIGA], NOW, spaces)}


def test_a_system_in_order_has_no_condition(store):
    made(store, 1)
    assert not found(store)


def test_overdue_and_never_copied(store):
    assert found(store)["overdue:database:SIGA"].level == 1
    made(store, 12)
    late = found(store)["overdue:database:SIGA"]
    assert late.level == 3 and "Vencida hace 5 días" in late.text and late.responsible == "Ana"
    assert not engine().in_force(store, POLICY, [dict(SIGA, enabled=False)], NOW)


def test_a_schedule_that_did_not_run_is_told_until_it_does(store):
    """NOW is 10:00 in Lima; the starts of the night were at 22:00, the last two of them on the 22nd and the 23rd."""
    made(store, 1)
    store.append("schedule_set", {"purpose": "copies", "schedule": "week all 22:00; America/Lima; 5; 120"}, stamp(2.5), "test")
    told = found(store)["schedule:copies"]
    assert (told.name, told.level) == ("schedule", 2) and told.text.startswith("RSP745: ") and "2026-11-23 22:00; 2 seguidas" in told.text
    store.append("run_started", {"run": "r1", "playbook": "site.yml"}, stamp(0.1), "test")
    (late,) = found(store).values()
    assert (late.key, late.name) == ("late:copies", "late") and late.text == (
        "RSP757: La programación de «copias que corresponden» de 2026-11-23 22:00, por systemd, empezó con 9 h 36 min de atraso: 2026-11-24 07:36")
    later = NOW + datetime.timedelta(hours=13)
    assert [each.key for each in engine().in_force(store, POLICY, [], later)] == ["late:copies"]
    assert [each.key for each in engine().in_force(store, POLICY, [], NOW + datetime.timedelta(days=8))] == ["schedule:copies"], "no other followed"
    store.append("run_started", {"run": "r2", "playbook": "site.yml"}, stamp(-0.5), "test")
    assert not engine().in_force(store, POLICY, [], later), "the next came in time"
    store.append("schedule_failed", {"purpose": "copies", "error_code": "RSP741", "error_message_es": "terminó antes"}, stamp(0.05), "test")
    assert found(store)["schedule:copies"].text == "RSP741: terminó antes"
    store.append("schedule_removed", {"purpose": "copies"}, stamp(0.01), "test")
    assert not found(store)


def test_failures_in_a_row_are_one_condition_that_gets_worse(store):
    made(store, 3)
    add(store, "copy_failed", 2, error_code="RSP402", error_message_es="El medio está lleno")
    assert found(store)["failed:database:SIGA"].level == 1 and "RSP402" in found(store)["failed:database:SIGA"].text
    add(store, "copy_failed", 1.5, simulated=True)
    assert found(store)["failed:database:SIGA"].level == 1
    add(store, "copy_failed", 1)
    assert found(store)["failed:database:SIGA"].level == 2
    made(store, 0)
    assert not found(store)


@pytest.mark.parametrize("before, last, name", [
    ([1000] * 4, 701, None), ([1000] * 4, 699, "shrunk"), ([1000] * 4, 1300, None), ([1000] * 4, 1301, "grown"),
    ([1000] * 3, 1, None),                                       # too few to know a pattern
    ([600, 1400, 700, 1300, 1000], 400, None), ([600, 1400, 700, 1300, 1000], 90, "shrunk"),
    ([1000, 1000, 1000, 1000, 90000], 1010, None),               # one odd copy does not move the median
    ([round(1000 * 1.02 ** day) for day in range(20)], round(1000 * 1.02 ** 20), None),   # growth of 2 % a day is a pattern
])
def test_sizes(store, before, last, name):
    for day, size in enumerate([*before, last]):
        made(store, len(before) - day, size)
    assert [row.name for row in found(store).values()] == ([name] if name else [])


def shared(store, days, new=1, changed=9, objects=1000, size=10, data_added=50, original=10**6):
    made(store, days, size, files_new=new, files_changed=changed, files_unmodified=objects - new - changed, objects=objects, data_added=data_added,
         size_original=original)


QUIET = {}
ENCRYPTED = dict(new=0, changed=900, data_added=10**6)
RENAMED_AND_ENCRYPTED = dict(new=1000, changed=0, data_added=10**6)
DELETED = dict(new=0, changed=0, objects=400)
ANOTHER_PATH = dict(new=1000, changed=0, data_added=300)


@pytest.mark.parametrize("before, last, level", [
    ([QUIET] * 6, QUIET, 0), ([QUIET] * 6, dict(changed=239, new=10), 0), ([QUIET] * 6, dict(changed=240, new=10), 1), ([QUIET] * 6, ENCRYPTED, 3),
    ([QUIET] * 6, RENAMED_AND_ENCRYPTED, 3), ([QUIET] * 6, DELETED, 2), ([QUIET] * 6, ANOTHER_PATH, 0),
    ([QUIET] * 4, ENCRYPTED, 0),                                                  # four copies have three days between them: too few to know a pattern
    ([dict(changed=200)] * 6, dict(changed=300), 0), ([dict(changed=200)] * 6, dict(changed=450), 1),       # a busy share
    ([dict(changed=100 * (day % 5)) for day in range(8)], dict(changed=450), 0),  # changes that vary a lot
    ([dict(new=0, changed=0, objects=12)] * 6, dict(new=0, changed=12, objects=12), 0),                     # a handful of files
])
def test_files_that_change_all_at_once(store, before, last, level):
    for day, copy in enumerate([*before, last]):
        shared(store, len(before) - day, **copy)
    rows = {row.name: row for row in found(store).values() if row.name not in ("shrunk", "grown")}
    assert [row.level for row in rows.values()] == ([level] if level else [])
    if level:
        assert list(rows) == ["changed"] and f"retenga {named(1)} (hold.yml)" in rows["changed"].text


@pytest.mark.parametrize("days, stands", [(7, True), (7.5, False)])
def test_the_sign_of_a_mass_change_stands_for_a_week(store, days, stands):
    for day in range(20, 8, -1):
        shared(store, day)
    shared(store, days, **ENCRYPTED)
    for day in range(6, 0, -1):
        shared(store, day)
    assert ("changed:database:SIGA" in found(store)) == stands


def test_the_bound_of_changed_files_is_the_policy_s(store):
    for day in range(8, 0, -1):
        shared(store, day)
    shared(store, 0, changed=150)
    assert not found(store)
    assert "changed:database:SIGA" in found(store, {**POLICY, "warnings": {"changed_percent": 15}})


@pytest.mark.parametrize("first, read, level", [
    (6.9, None, 0), (7, None, 1), (30, None, 3), (30, 6, 0), (30, 8, 1), (30, 29, 3),
])
def test_data_that_nobody_reads_again_is_told(store, first, read, level):
    made(store, first, repository="SIGA")
    if read:
        add(store, "copy_verified", read, checks=["restic_check", "restic_data 3/30"], medium="nas", trust_level="T2")
    add(store, "copy_verified", 1, checks=["restic_check"], medium="nas", trust_level="T2")      # the structure alone
    made(store, 0.5, repository="SIGA")
    rows = found(store)
    assert rows["unread:database:SIGA"].level == level if level else "unread:database:SIGA" not in rows
    assert not [key for key in found(store, {**POLICY, "warnings": {"data_read_days": 0}}) if key.startswith("unread")]


def test_an_incremental_copy_is_judged_by_the_size_of_its_folders(store):
    for day, size in enumerate([5000, 10, 70000, 300, 20, 10]):
        shared(store, 6 - day, size=size)
    assert not found(store)
    shared(store, 0, size=10, original=10**5)
    assert [row.name for row in found(store).values()] == ["shrunk"]


@pytest.mark.parametrize(("before", "last", "told"), [
    ([2, 1, 3, 2], 90, True), ([2, 1, 3, 2], 24, False),          # less than the policy's share
    ([30, 40, 35, 30], 45, False),                                # a share where much always changes
    ([2, 1, 3], 90, False),                                       # too few to know a pattern
])
def test_a_share_that_changed_nearly_whole_is_a_sign_of_an_attack(store, before, last, told):
    made(store, 20, size_original=1000, objects=100, files_new=100, files_changed=0, files_unmodified=0)
    for day, changed in enumerate([*before, last]):
        made(store, len(before) - day + 1, size=changed * 1000 + 1, size_original=1000, objects=100, files_new=1, files_changed=changed - 1,
             files_unmodified=100 - changed)
    # the calm copy of the day after does not take it back, and what each copy added is not compared
    made(store, 0, size=5, size_original=1000, objects=100, files_new=0, files_changed=1, files_unmodified=99)
    assert [row.name for row in found(store).values()] == (["changed"] if told else [])
    if told:
        assert "90 %" in found(store)["changed:database:SIGA"].text and found(store)["changed:database:SIGA"].level == 3


def test_a_bad_proof_stands_until_a_good_one_or_a_new_copy(store):
    made(store, 5)
    add(store, "copy_damaged", 4, error_code="RSP501", medium="nas", verification_level="T2")
    assert found(store)["verification:database:SIGA"].level == 2
    add(store, "copy_verified", 3, medium="nas", trust_level="T3", verification_level="T3", label=named(5))
    assert not found(store)


def test_restore_tests_too_old(store):
    policy = {**POLICY, "warnings": {"restore_test_days": 30}}
    made(store, 40)
    made(store, 1)
    assert "Nunca se probó" in found(store, policy)["untested:database:SIGA"].text
    add(store, "copy_verified", 31, trust_level="T3", label=named(40), medium="nas")
    assert "hace 31 días" in found(store, policy)["untested:database:SIGA"].text
    add(store, "copy_verified", 1, trust_level="T3", label=named(1), medium="nas")
    assert not found(store, policy)


def test_media_that_nobody_verifies(store):
    """By medium and by server: a directory of the same name on another server is another directory."""
    made(store, 40, host="bd1")
    made(store, 35, host="bd2")
    made(store, 1, host="bd1")
    told = found(store)
    assert told["unverified:nas:bd1"].level == 1 and "hace 40 días" in told["unverified:nas:bd1"].text and "hace 35 días" in told["unverified:nas:bd2"].text
    add(store, "copy_verified", 2, medium="nas", host="bd1", trust_level="T1", simulated=True)
    assert "unverified:nas:bd1" in found(store)
    add(store, "copy_verified", 2, medium="nas", host="bd1", trust_level="T1")
    assert [key for key in found(store) if key.startswith("unverified")] == ["unverified:nas:bd2"]
    assert not [key for key in found(store, {**POLICY, "warnings": {"medium_verified_days": 0}}) if key.startswith("unverified")]
    assert "unverified:nas:bd1" in found(store, {**POLICY, "warnings": {"medium_verified_days": 2}})
    for day in (40, 35, 1):
        add(store, "copy_pruned", 0, medium="nas", label=named(day))
    assert not [key for key in found(store) if key.startswith("unverified")], "a medium without copies has nothing to verify"


def test_media_that_are_not_well(store):
    made(store, 1)
    looked = {"medium": "nas", "host": "bd1", "location": "respaldo:/srv/copias"}
    for host in ("bd1", "bd2"):      # both see the same place, whose lack of room is told once
        store.append("medium_checked", {**looked, "host": host, "space_total": 1000, "space_free": 40}, stamp(2), "test")
    told = found(store)
    assert list(told) == ["space:nas"] and told["space:nas"].level == 2
    store.append("medium_failed", {**looked, "error_code": "RSP401", "error_message_es": "No se puede escribir"}, stamp(1), "test")
    assert "nas desde bd1: RSP401 No se puede escribir" in found(store)["medium:nas:bd1"].text
    store.append("medium_checked", {**looked, "space_total": 1000, "space_free": 500}, stamp(0.5), "test")
    assert not found(store), "the newest measure of a place counts, whoever made it"
    store.append("medium_failed", {**looked, "error_code": "RSP401"}, stamp(60), "test")
    assert "medium:nas:bd1" not in found(store), "a look of two months ago says nothing of today"


def test_restore_tests_by_the_drills_of_the_policy(store):
    made(store, 40)
    made(store, 1)
    add(store, "copy_verified", 1, medium="nas", trust_level="T2", label=named(1))
    assert "untested:database:SIGA" in found(store, {**POLICY, "drills": {"every": dict.fromkeys(("alta", "media", "baja"), 30)}})
    assert not found(store, {**POLICY, "drills": {"every": dict.fromkeys(("alta", "media", "baja"), 50)}})
    assert not found(store, {**POLICY, "drills": {"every": dict.fromkeys(("alta", "media", "baja"), 30)}, "warnings": {"restore_test_days": 0}})


@pytest.mark.parametrize("free, level", [(100, 0), (99, 1), (49, 2), (9, 3), (0, 3)])
def test_space(store, free, level):
    made(store, 1)
    rows = found(store, spaces=[engine().Space("nas", free, 1000)])
    assert [row.level for row in rows.values()] == ([level] if level else [])


def test_seal(store, tmp_path):
    from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import seals

    def seal(days):
        first, head = store.ends()
        store.append("seal", seals.Signer(tmp_path / "seal.key").seal(first["digest"], head["n"], head["digest"]), stamp(days), "test")

    made(store, 1)
    seal(1)
    assert not found(store)
    # a later place in the chain with an older time: the newest seal written is the one that counts
    seal(3)
    assert found(store)["seal"].level == 2


def test_a_broken_chain(copies):
    from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store

    with sqlite3.connect(copies) as connection:
        connection.executescript("DROP TRIGGER entries_refuse_update; UPDATE entries SET type = 'x' WHERE n = 3;")
    connection.close()
    with open_store(str(copies), readonly=True) as store:
        broken = engine().in_force(store, POLICY, [], NOW)
    assert [row.key for row in broken] == ["chain"] and "asiento 3" in broken[0].text


LEVELS = some.dictionaries(some.sampled_from(["overdue:a", "failed:b", "space:c", "chain"]), some.integers(1, 4))


@given(some.lists(LEVELS, max_size=8))
def test_what_was_told_is_never_told_again_unless_worse(days):
    """Whatever comes and goes: after each message a channel knows exactly what is in force, and a message without news is none."""
    warnings = engine()
    known = {}
    for day in days:
        force = [warnings.Condition(key, key.split(":")[0], level, "x") for key, level in day.items()]
        for row in warnings.news(known, force):
            assert (row.state == "new") == (row.condition.key not in known)
            assert row.state != "worsened" or row.condition.level > known[row.condition.key].level
            if row.state == "solved":
                del known[row.condition.key]
            else:
                known[row.condition.key] = row.condition
        assert set(known) == set(day) and all(known[key].level >= level for key, level in day.items())
        assert not warnings.news(known, force)


def test_channels_are_told_apart_and_only_what_was_sent_counts(store):
    warnings = engine()
    sent = {"medium": "correo", "warning": "failed:database:SIGA", "warning_level": 1, "warning_state": "new", "note_es": "x"}
    store.append("warning_sent", {**sent, "simulated": True}, stamp(3), "test")
    store.append("warning_failed", sent, stamp(3), "test")
    assert not warnings.told(store, "correo")
    store.append("warning_sent", sent, stamp(2), "test")
    assert list(warnings.told(store, "correo")) == ["failed:database:SIGA"] and not warnings.told(store, "chat")
    store.append("warning_sent", {**sent, "warning_state": "solved"}, stamp(1), "test")
    assert not warnings.told(store, "correo")


def test_the_summary_is_due_once_a_day_of_the_policy_s_zone(store):
    warnings = engine()
    lima = datetime.timezone(datetime.timedelta(hours=-5))
    at = datetime.datetime(2026, 11, 25, 2, tzinfo=datetime.timezone.utc)      # 21:00 of the 24th in Lima
    assert not warnings.summary_is_due(store, "correo", at.replace(hour=11), lima, "07:00")
    assert warnings.summary_is_due(store, "correo", at, lima, "07:00")
    store.append("warning_sent", {"medium": "correo", "warning": "summary"}, "2026-11-24T05:30:00Z", "test")
    assert not warnings.summary_is_due(store, "correo", at, lima, "07:00") and warnings.summary_is_due(store, "chat", at, lima, "07:00")
    assert warnings.summary_is_due(store, "correo", at + datetime.timedelta(hours=12), lima, "07:00")


def test_a_message_keeps_hostile_names_in_their_place():
    warnings = engine()
    name = "SIGA\r\nBcc: x@example.org\x1b[31m\u2028<script>"
    made_of = warnings.message("OTI\nX: y", [warnings.News("new", warnings.Condition("k", "failed", 1, name, name, "database"))], [], "")
    assert "\n" not in made_of.subject and "\r" not in made_of.subject and made_of.subject == "[Respaldo] 1 nuevo - OTI X: y"
    assert not [line for line in made_of.text.splitlines() if line.startswith(("Bcc", "X:"))] and "\x1b" not in made_of.text
    assert "<script>" not in made_of.html and "&lt;script&gt;" in made_of.html


def test_what_a_good_copy_lacks_is_told_and_what_it_only_notes_is_not(store):
    made(store, 2, warnings=["2 changed while …"], warnings_es=["2 cambiaron mientras se leían: a, b."])
    assert not found(store)
    made(store, 1, warnings=["…"], warnings_es=["Los eventos quedan fuera.", "2 cambiaron."], warning_keys=["my_events_disabled"])
    noted = found(store)["noted:database:SIGA"]
    assert noted.level == 1 and noted.text == f"{named(1)}: Los eventos quedan fuera. 2 cambiaron." and noted.responsible == "Ana"
    made(store, 0.5, warnings=["…"], warnings_es=["Los eventos quedan fuera.", "d no se copia."], warning_keys=["my_events_disabled", "pg_not_copied"])
    assert found(store)["noted:database:SIGA"].level == 2
    made(store, 0.1)
    assert not found(store)


def test_what_failed_and_was_not_repeated_well_is_told_with_its_remedy(store):
    made(store, 1)
    add(store, "transfer_failed", 3, label="SIGA_20261101", medium="repo", error_code="RSP403", error_message_es="ya existe", error_remedy_es="Reconcilie")
    add(store, "transfer_failed", 3, label="SIGA_20261108", error_code="RSP403", error_message_es="ya existe")
    add(store, "prune_failed", 3, error_code="RSP404", error_message_es="no se probó")
    add(store, "restore_failed", 3, ticket="2026-7", error_code="RSP405", error_message_es="no está")
    add(store, "restore_failed", 40, system="Otro", error_code="RSP405")
    add(store, "restored", 3, simulated=True)
    told = found(store)
    assert {key.partition(":")[0] for key in told} == {"transfer", "prune", "restore"}
    transfer = told["transfer:database:SIGA"]
    assert (transfer.level, transfer.responsible) == (2, "Ana") and transfer.text == "SIGA_20261101, SIGA_20261108: RSP403: ya existe"
    assert "(solicitud 2026-7)" in told["restore:database:SIGA"].text
    add(store, "copy_transferred", 2, label="SIGA_20261108")
    again = found(store)["transfer:database:SIGA"]
    assert (again.level, again.text, again.remedy) == (1, "SIGA_20261101 en repo: RSP403: ya existe", "Reconcilie")
    text = engine().message("OTI", [engine().News("new", again)], [], "").text
    assert "Qué hacer: Reconcilie" in text
    for event in ("copy_transferred", "copy_pruned", "restored"):
        add(store, event, 1, label="SIGA_20261101")
    assert not found(store)


def test_custody_that_came_to_no_check_is_told_until_one_goes_well(store):
    made(store, 1)
    store.append("custody_checked", {"custodians": ["a", "b"], "run": "one"}, stamp(3), "test")
    store.append("custody_failed", {"run": "two", "error_code": "RSP701", "error_message_es": "no responde"}, stamp(2), "test")
    assert found(store)["custody:failed"].text == "RSP701: no responde"
    store.append("custody_checked", {"custodians": ["a", "b"], "run": "three"}, stamp(1), "test")
    assert not found(store)


def test_every_sort_of_warning_has_a_remedy_or_says_it_itself():
    from ansible_collections.perucompras.respaldo.plugins.plugin_utils._decisions import remedies

    assert set(engine().TITLES) - set(remedies.OF) == {"changed", "unread", "unverified"}
    assert not set(remedies.OF) - set(engine().TITLES)


def test_what_a_failed_copy_warns_of_is_told_with_it(store):
    add(store, "copy_failed", 1, error_code="RSP202", error_message_es="no responde", warnings_es=["RSP127: El comando «descongelar» falló."])
    assert found(store)["failed:database:SIGA"].text.endswith("RSP202: no responde RSP127: El comando «descongelar» falló.")
