# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a lying server makes a result say, in real runs: what the callback records of it, and how it is told (S3, S13, S21)."""

from __future__ import annotations

import json
import os
import pwd
import re

import pytest
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._decisions import desks, requests
from test_callback import MAKE, START, play, told

OURS = "perucompras.respaldo."
FOREIGN = (
    {"event": "copy_pruned", "label": "SIGA_20261127", "system": "SIGA", "kind": "database", "medium": "nas"},
    {"event": "copy_made", "label": "SIGA_20261127_02", "system": "SIGA", "kind": "database", "medium": "nas", "trust_level": "T4", "size": 9,
     "started_at": "2026-11-27T16:51:!"},
    {"event": "copy_released", "label": "SIGA_20261127", "system": "SIGA", "kind": "database"},
    {"event": "excuse", "system": "SIGA", "kind": "database", "excused_from": "2026-01-01", "excused_until": "2027-12-31"},
    {"event": "warning_sent", "medium": "correo", "warning": "overdue:database:SIGA", "warning_level": 99},
    {"event": "copy_held", "system": "SIGA", "kind": "database"},
)


def answer(action: str, backup: object, **more: object) -> str:
    return action + ": " + json.dumps({"backup": backup, **more})


def of_siga(place) -> list[dict]:
    return [entry for entry in place.entries() if entry.get("system") == "SIGA"]


@pytest.mark.parametrize("action", ["backup_verify", "backup_archive", "backup_restore", "backup_prune", "shared_folder", "backup_label"])
def test_six_entries_of_another_system_in_one_answer(place, action):
    """S3: proved with verify.yml; none of them is recorded, and the lie is told once, in a bounded entry."""
    # of copies to remove there may be many, and their labels are bound to the task by its action
    foreign = [row for row in FOREIGN if not (action == "backup_prune" and row["event"] == "copy_pruned")]
    lie = answer(OURS + action, foreign)
    done = place.run(play(lie, lie, hosts="db01,db02"))
    assert done.returncode == 2 and not of_siga(place)
    refused = [entry for entry in place.entries() if entry["type"] == "answer_refused"]
    assert sorted(entry["host"] for entry in refused) == ["db01", "db02"]
    assert refused[0]["error_code"] == "RSP723" and len(json.dumps(refused[0])) < 4000 and action in refused[0]["error_message_es"]
    ended = place.entries()[-1]
    assert ended["verdict"] == "failed" and ended["entries_refused"] == 4 * len(foreign)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["", "{kind: database}"])
def test_a_refused_answer_ends_the_play_of_its_host(place, kind):
    """Roles ask for the verdict of their kind, and a refusal is of none: the play ended well, and the bitácora said `failed`."""
    verdict = "perucompras.respaldo.bitacora_verdict: " + kind
    done = place.run(play("perucompras.respaldo.bitacora_guard:", answer(OURS + "backup_archive", FOREIGN[3]), verdict))
    assert done.returncode == 2 and "RSP723" in done.stdout and place.entries()[-1]["hosts_failed"] == 1, done.stdout
    done = place.run(play("perucompras.respaldo.bitacora_guard:", verdict))
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("task", [
    "told: {backup: %s}", "action: {module: told, backup: %s}", "ansible.builtin.set_fact: {backup: %s}",
    "ansible.builtin.debug: {var: backup}\n      vars: {backup: %s}"])
def test_another_s_action_records_nothing(place, task):
    """S3: only this collection's actions; also one whose name is like ours."""
    done = place.run(play(task.replace("%s", json.dumps(FOREIGN[3]))))
    assert done.returncode == (2 if "answer_refused" in place.types() else 0), done.stdout
    assert not of_siga(place)


def test_a_name_like_ours_is_not_ours(place):
    """S3: a short name is what it is resolved to, and a collection whose name begins like ours is another."""
    for collection in ("perucompras/respaldo_extra", "evil/respaldo"):
        room = place.collections / "ansible_collections" / collection / "plugins" / "action"
        room.mkdir(parents=True)
        (room / "backup_hold.py").symlink_to(os.path.join(os.path.dirname(__file__), "action_plugins", "told.py"))
    short = "backup_hold: " + json.dumps({"backup": FOREIGN[5]}) + "\n      collections: [%s]"
    tasks = [answer(name, FOREIGN[5]) for name in ("perucompras.respaldo_extra.backup_hold", "evil.respaldo.backup_hold")]
    done = place.run(play(*tasks, short % "evil.respaldo"))
    assert done.returncode == 2, done.stdout
    assert not of_siga(place) and place.types().count("answer_refused") == 1
    done = place.run(play(short % "perucompras.respaldo"))
    assert [entry["type"] for entry in of_siga(place)] == ["copy_held"], done.stdout


@pytest.mark.parametrize("task", [
    "action: {module: perucompras.respaldo.backup_hold, backup: %s}", "local_action: {module: perucompras.respaldo.backup_hold, backup: %s}",
    "action: {module: '{{ name }}', backup: %s}\n      vars: {name: perucompras.respaldo.backup_hold}",
    "perucompras.respaldo.backup_hold: {backup: %s}\n      loop: [1]\n      delegate_to: localhost"])
def test_ours_by_any_way_of_writing_it_is_recorded(place, task):
    done = place.run(play(task.replace("%s", json.dumps(FOREIGN[5]))))
    assert done.returncode == 0 and [entry["type"] for entry in of_siga(place)] == ["copy_held"], done.stdout


def test_an_end_has_its_start_and_says_what_that_said(place):
    """S3 c: the same run, host and label; the start's fields win."""
    lie = answer(MAKE, {"event": "copy_made", "label": "SIGA_20261122", "system": "OTRA", "kind": "source_code", "office": "Yo", "size": 5,
                        "started_at": "2030-01-01T00:00:00Z"})
    begun = answer(START, {"event": "copy_started", "label": "SIGA_20261122", "system": "SIGA", "kind": "database", "office": "OTI",
                           "started_at": "2026-11-22T03:00:00Z"})
    done = place.run(play(begun, lie, hosts="db01") + play(lie, hosts="db02"))
    assert done.returncode == 2
    made, = [entry for entry in place.entries() if entry["type"] == "copy_made"]
    assert (made["host"], made["system"], made["kind"], made["office"], made["size"]) == ("db01", "SIGA", "database", "OTI", 5)
    assert made["started_at"] == "2026-11-22T03:00:00Z"
    assert [entry["host"] for entry in place.entries() if entry["type"] == "answer_refused"] == ["db02"]


def test_what_a_server_calls_results_is_no_loop(place):
    """S3: rows of `results` in one answer are not those of a loop."""
    done = place.run(play(OURS + "backup_verify: " + json.dumps({"results": [{"backup": {**row, "event": "copy_verified"}} for row in FOREIGN]})))
    assert done.returncode == 0 and not of_siga(place)


@pytest.mark.slow
def test_two_thousand_entries_and_fifty_megabytes_of_text(place):
    """S3, S21: the bitácora grew by 385 MiB by one answer."""
    text = place.directory / "answer.json"
    row = {**FOREIGN[1], "event": "copy_verified", "note_es": "x" * 12000, "unread": ["y" * 4000] * 4}
    text.write_text(json.dumps([row] * 2000))
    assert text.stat().st_size > 50_000_000
    lie = "%sbackup_verify:\n        backup: \"{{ lookup('ansible.builtin.file', '" + str(text) + "') | from_json }}\""
    done = place.run(play(lie % OURS, lie % OURS))
    assert done.returncode == 2, done.stdout[-2000:]
    assert place.types() == ["run_started", "copy_verified", "answer_refused", "run_ended"]
    assert place.file.stat().st_size < 1_000_000 and "1999" in place.entries()[2]["error_message_es"]


def test_control_characters_of_an_answer_reach_no_entry(place):
    """S21: escapes of a server, in a structure, an event and an error."""
    nasty = "a\x1b]0;T\x07\u202eb"
    place.run(play(told("copy_started"), answer(OURS + "backup_verify", {"event": nasty, "label": nasty}),
                   answer(MAKE, None, failed=True, error={"code": "RSP402", "message": nasty, "message_es": nasty, "remedy_es": nasty})))
    assert [entry["type"] for entry in place.entries()][2:4] == ["answer_refused", "copy_failed"]
    assert not [sign for sign in "\x1b\x07\u202e" if sign in json.dumps(place.entries(), ensure_ascii=False)]


@pytest.mark.slow
def test_who_runs_it_is_what_the_kernel_says(place):
    """S21: anybody was "Jefa" by an extra variable, or another by SUDO_USER; now both are claims that say who makes them."""
    account = pwd.getpwuid(os.getuid()).pw_name
    place.run(play(told("copy_started")), "-e", "awx_user_name=Jefa", SUDO_USER="otra")
    place.run(play(told("copy_started")), SUDO_USER="otra")
    place.run(play(told("copy_started")))
    by_awx, by_sudo, by_nobody = [entry for entry in place.entries() if entry["type"] == "run_started"]
    assert all(entry["operating_user"].startswith(account) and "otra" not in entry["operating_user"] for entry in (by_awx, by_sudo, by_nobody))
    assert by_awx["executed_by"].startswith("Jefa (según AWX; cuenta " + account) and (by_awx["claimed_user"], by_awx["claimed_by"]) == ("Jefa", "AWX")
    assert by_sudo["executed_by"].startswith("otra (según sudo; cuenta " + account)
    assert by_nobody["executed_by"] == by_nobody["operating_user"] and "claimed_user" not in by_nobody


TRIPPING = ({"ansible_facts": "x"}, {"ansible_facts": [1]}, {"stdout": 7}, {"stderr": ["x"]}, {"results": "x"}, {"_ansible_suppress_tmpdir_delete": []}, [1])


def test_an_answer_that_ansible_itself_trips_over_is_none(place):
    """On each ansible-core, since what is taken out of an answer before we see it is Ansible's own: it ended in an error of Python's (RSP304)."""
    tasks = []
    for number, lie in enumerate(TRIPPING):
        told = json.dumps({"changed": False, **lie} if isinstance(lie, dict) else lie)
        liar = place.directory / f"python{number}"
        liar.write_text(f"#!/bin/sh\ncat > /dev/null\nprintf '%s' '{told}'\n")
        liar.chmod(0o755)
        tasks.append(f"{OURS}backup_info: {{kind: database, system: SIGA, medium: {{name: nas, path: /srv/copias}}}}\n"
                     f"      vars: {{ansible_python_interpreter: {liar}}}\n      ignore_errors: true")
    done = place.run(play("perucompras.respaldo.bitacora_guard:", *tasks), "-vvv")
    assert done.returncode == 2 and "RSP304" not in done.stdout, done.stdout
    # a list is an answer of no form to some, and no answer at all to others
    assert len(re.findall(r'"msg": "RSP(?:116|706): ', done.stdout)) == len(TRIPPING), done.stdout


REQUESTED = [{"event": rule.event, "ticket": "2026-0001", "request": "restore", "office": "Logística", "requester": "Ana", "person": "Rosa Vega", "post": post}
             for rule in requests.STEPS.values() for post in ("jefe_oti", "heads")]
AT_THE_DESK = [{"event": event, "ticket": "2026-0001", "desk": "mesa", "desk_number": "41"} for event in ("desk_asked", *desks.EVENTS)]


@pytest.mark.parametrize("action", ["told", OURS + "backup_hold", OURS + "backup_restore", OURS + "backup_desk"])
def test_a_step_of_a_request_comes_from_its_own_action_alone(place, action):
    """Whatever a role of somebody's, or a server through another action of ours, says: no request is opened, authorised or closed by it."""
    forged = [*REQUESTED, *(AT_THE_DESK[:1] if action.endswith("desk") else AT_THE_DESK)]
    done = place.run(play(*(answer(action, row) for row in forged[:3]), answer(action, forged)))
    assert done.returncode == 2 and "answer_refused" in place.types(), done.stdout
    assert not [type_ for type_ in place.types() if type_.startswith(("request_", "desk_", "ticket_"))]


def test_the_action_of_requests_says_nothing_else(place):
    others = [*AT_THE_DESK, {"event": "ticket_reserved", "ticket": "2026-0001"},
              {"event": "restored", "system": "SIGA", "kind": "database", "ticket": "2026-0001"}]
    done = place.run(play(*(answer(OURS + "backup_request", row) for row in others), answer(OURS + "backup_request", REQUESTED)))
    assert done.returncode == 2 and not of_siga(place)
    # of many in one answer, the first is taken: a step is one entry
    assert [type_ for type_ in place.types() if type_.startswith(("request_", "desk_", "ticket_"))] in ([], ["request_opened"])
