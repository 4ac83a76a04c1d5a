# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The callback, its guard and its witness, in real runs."""

from __future__ import annotations

import http.server
import json
import os
import signal
import threading

import pytest

PLAY = """
- hosts: {hosts}
  gather_facts: false
  strategy: {strategy}
  tasks:
"""
GUARD = "    - perucompras.respaldo.bitacora_guard:\n"
COPY = "{{event: {event}, label: '{label}', system: SIGA, kind: database, host: forged, responsible: Ana}}"


def play(*tasks: str, hosts: str = "db01", strategy: str = "linear") -> str:
    return PLAY.format(hosts=hosts, strategy=strategy) + "".join("    - " + task + "\n" for task in tasks)


START, MAKE = "perucompras.respaldo.backup_label", "perucompras.respaldo.backup_archive"


def told(event: str, label: str = "SIGA_20261122", more: str = "", action: str = "") -> str:
    """A task of ours, played by action_plugins/told.py, with this as its result."""
    return (action or (START if event == "copy_started" else MAKE)) + ": {backup: " + COPY.format(event=event, label=label) + more + "}"


def confirm(event: str, label: str = "SIGA_20261122") -> str:
    return "perucompras.respaldo.bitacora_confirm: {label: '" + label + "', event: " + event + "}"


GUARDED = "perucompras.respaldo.bitacora_guard:"
WHOLE = (GUARDED, told("copy_started"), confirm("copy_started"), told("copy_made"), confirm("[copy_made, copy_failed]"))


def test_a_copy_from_its_start_to_its_end(place):
    done = place.run(play(*WHOLE))
    assert done.returncode == 0, done.stdout
    started, opened, made, ended = place.entries()
    assert (started["type"], opened["type"], made["type"], ended["type"]) == ("run_started", "copy_started", "copy_made", "run_ended")
    assert made["host"] == "db01" and made["run"] == started["run"] and "simulated" not in made and made["executed_by"]
    assert started["playbook"] == "play.yml" and started["pid"] > 0 and started["boot_id"] and started["ansible_version"] and started["controller"]
    assert (ended["verdict"], ended["copy_made"], ended["hosts"], ended["tasks_ok"]) == ("good", 1, 1, 5)
    assert [entry["n_emitter"] for entry in place.entries()] == [1, 2, 3, 4] and place.whole()
    log = [json.loads(line) for line in (place.file.parent / "logs" / ended["log"]).read_text().splitlines()]
    assert [line["action"] for line in log][:2] == ["perucompras.respaldo.bitacora_guard", START] and len(log) == ended["log_lines"] == 5
    assert all(set(line) == {"action", "at", "duration_ms", "host", "status"} for line in log)


@pytest.mark.parametrize("enabled", ["ansible.builtin.junit", "bitacora", "perucompras.respaldo.bitacoras"])
def test_the_guard_stops_a_run_that_is_not_recorded(place, enabled):
    done = place.run(
        play(GUARDED, "told: {marker: " + str(place.directory / "copied") + "}"), ANSIBLE_CALLBACKS_ENABLED=enabled,
        # what an outer, recorded ansible-playbook would leave in the environment of this one
        RESPALDO_RUN_ID="20261122T000000Z-0000000000", RESPALDO_CONTROLLER_PID=str(os.getpid()),
    )
    assert done.returncode == 2 and "RSP701" in done.stdout and "callbacks_enabled = perucompras.respaldo.bitacora" in done.stdout
    assert not (place.directory / "copied").exists() and not place.file.exists()


def test_the_guard_stops_a_run_that_can_t_be_written(place, small_disk):
    assert place.run(play(GUARDED)).returncode == 0
    before = place.file.read_bytes()
    small_disk("ro")
    done = place.run(play(GUARDED, "told: {marker: " + str(place.directory / "copied") + "}"))
    assert done.returncode == 70 and "RSP702" in done.stdout and "journal" in done.stdout
    assert not (place.directory / "copied").exists() and place.file.read_bytes() == before
    assert len(list(place.journal.glob("*.jsonl"))) == 1
    small_disk("rw")
    assert place.run(play(GUARDED)).returncode == 0
    assert not list(place.journal.glob("*.jsonl")) and place.whole()
    assert place.types().count("run_started") == place.types().count("run_ended") == 3


def test_a_disk_that_fills_up_half_way_loses_nothing(place, small_disk):
    fill = "ansible.builtin.command: {{argv: [dd, if=/dev/zero, of={0}, bs=4096]}}\n      failed_when: false".format(place.file.parent / "ballast")
    done = place.run(play(GUARDED, told("copy_started"), fill, told("copy_made"), confirm("copy_made")))
    assert done.returncode == 70 and "RSP703" in done.stdout and str(place.journal) in done.stdout, done.stdout
    (place.file.parent / "ballast").unlink()
    assert place.types() == ["run_started", "copy_started"]
    waiting, = place.journal.glob("*.jsonl")
    assert waiting.stat().st_mode & 0o777 == 0o600
    assert place.run(play(GUARDED)).returncode == 0
    assert not waiting.exists() and place.whole()
    found = place.entries()
    assert [entry["type"] for entry in found][2:4] == ["copy_made", "run_ended"]
    assert found[2]["run"] == found[0]["run"] and found[2]["at_recorded"] >= found[2]["at_event"]


def test_a_store_this_version_does_not_know_stops_the_run_and_keeps_its_password(place):
    done = place.run(play(GUARDED), RESPALDO_BITACORA="postgresql://writer:planted@db/bitacora")
    assert done.returncode == 70 and "RSP101" in done.stdout and "planted" not in done.stdout
    assert "planted" not in "".join(path.read_text() for path in place.journal.glob("*"))


@pytest.mark.parametrize("number, statuses", [(signal.SIGINT, (99, 130)), (signal.SIGTERM, (-15, 143)), (signal.SIGHUP, (-1, 129))])
def test_a_signal_closes_what_is_open(place, stop, number, statuses):
    marker = place.directory / "copying"
    process, worker = place.begin(play(GUARDED, told("copy_started"), told("copy_made", more=", wait: 50, marker: {0}".format(marker))), marker)
    assert stop(process, worker, number) in statuses
    assert place.types() == ["run_started", "copy_started", "copy_failed", "run_interrupted"]
    failed, ended = place.entries()[2:]
    assert (failed["error_code"], failed["host"], failed["responsible"]) == ("RSP705", "db01", "Ana") and "interrumpió" in failed["error_message_es"]
    assert ended["run"] == failed["run"] and place.whole()


def test_the_next_run_closes_a_killed_one(place, stop):
    marker = place.directory / "copying"
    process, worker = place.begin(play(GUARDED, told("copy_started"), told("copy_made", more=", wait: 50, marker: {0}".format(marker))), marker)
    assert stop(process, worker, signal.SIGKILL) == -9
    assert place.types() == ["run_started", "copy_started"]
    # the log is written in pieces, but never later than the beginning of the next task
    log, = (place.file.parent / "logs").glob("*.jsonl")
    assert [json.loads(line)["status"] for line in log.read_text().splitlines()] == ["ok", "ok"]
    assert place.run(play(GUARDED)).returncode == 0
    assert place.types() == ["run_started", "copy_started", "run_started", "copy_failed", "run_interrupted", "run_ended"]
    failed, closed = place.entries()[3:5]
    assert failed["error_code"] == "RSP705" and failed["run"] == closed["run"] == place.entries()[0]["run"] and place.whole()


def test_what_a_loop_had_done_when_it_was_interrupted_is_recorded(place, stop):
    marker = place.directory / "copying"
    loop = """perucompras.respaldo.backup_archive: "{{ item }}"
      loop:
        - {backup: {event: copy_made, label: A_20261122, system: A, kind: database}}
        - {backup: {event: copy_made, label: B_20261122, system: B, kind: database}, wait: 50, marker: MARKER}""".replace("MARKER", str(marker))
    process, worker = place.begin(play(told("copy_started", "A_20261122"), told("copy_started", "B_20261122"), loop), marker)
    stop(process, worker, signal.SIGTERM)
    ends = [(entry["type"], entry["label"]) for entry in place.entries() if entry["type"] in ("copy_made", "copy_failed")]
    assert ends == [("copy_made", "A_20261122"), ("copy_failed", "B_20261122")]


def test_a_loop_gives_one_entry_for_each_copy(place):
    loop = """perucompras.respaldo.backup_archive: "{{ item }}"
      loop:
        - {backup: {event: copy_made, label: A_20261122, system: A, kind: database}}
        - {failed: true, msg: no word on B}
        - {backup: {event: copy_failed, label: C_20261122, system: C, kind: database, error_code: RSP402}, failed: true}"""
    done = place.run(play(*(told("copy_started", name + "_20261122") for name in "ABC"), loop))
    assert done.returncode == 2
    ends = [(entry["type"], entry["label"], entry.get("error_code")) for entry in place.entries()[4:-1]]
    assert ends == [("copy_made", "A_20261122", None), ("copy_failed", "C_20261122", "RSP402"), ("copy_failed", "B_20261122", "RSP706")]


def test_a_rescued_failure_still_counts(place):
    block = """block:
        - perucompras.respaldo.backup_archive: {backup: {event: copy_failed, label: SIGA_20261122, error_code: RSP302}, failed: true}
      rescue:
        - ansible.builtin.debug: {msg: rescued}"""
    done = place.run(play(told("copy_started"), block))
    assert done.returncode == 2, done.stdout
    assert place.types() == ["run_started", "copy_started", "copy_failed", "run_ended"]
    ended = place.entries()[-1]
    assert (ended["verdict"], ended["copy_failed"], ended["tasks_rescued"], ended["hosts_failed"]) == ("failed", 1, 1, 0)


def test_a_failed_task_without_a_word_closes_the_copy(place):
    ignored = 'ansible.builtin.command: {argv: ["false"]}\n      ignore_errors: true'
    done = place.run(play(told("copy_started"), ignored, 'ansible.builtin.command: {argv: ["false", planted]}'))
    assert done.returncode == 2
    failed, = [entry for entry in place.entries() if entry["type"] == "copy_failed"]
    assert failed["error_code"] == "RSP706" and "ansible.builtin.command" in failed["error_message_es"] and "planted" not in str(failed)


def test_only_our_own_catalogue_is_believed(place):
    ours = MAKE + ": {failed: true, error: {code: RSP402, message: full, message_es: lleno, remedy_es: libere}}"
    theirs = MAKE + ": {failed: true, msg: 'RSP402: planted', error: {code: X1, message: planted}}"
    rescued = "block: [{0}]\n      rescue: [{{ansible.builtin.meta: noop}}]"
    pairs = (("A_20261122", ours), ("B_20261122", theirs))
    place.run(play(*(line for label, task in pairs for line in (told("copy_started", label), rescued.format("{" + task + "}")))))
    first, second = [entry for entry in place.entries() if entry["type"] == "copy_failed"]
    assert (first["error_code"], first["error_message_es"]) == ("RSP402", "lleno")
    assert second["error_code"] == "RSP706" and "planted" not in str(second)


def test_a_lost_server_closes_its_copy(place):
    done = place.run(play(told("copy_started", "{{ inventory_hostname }}_20261122"), "told: {lose_server: true}", hosts="db01,db02"))
    assert done.returncode == 4, done.stdout
    failed = [entry for entry in place.entries() if entry["type"] == "copy_failed"]
    assert sorted((entry["error_code"], entry["host"]) for entry in failed) == [("RSP706", "db01"), ("RSP706", "db02")]
    assert "sin conexión" in failed[0]["error_message_es"] and place.entries()[-1]["hosts_unreachable"] == 2


def test_free_strategy_records_each_host_once(place):
    label = "{{ inventory_hostname }}_20261122"
    tasks = (told("copy_started", label), confirm("copy_started", label), told("copy_made", label), confirm("copy_made", label))
    done = place.run(play(*tasks, hosts="servers", strategy="free"))
    assert done.returncode == 0, done.stdout
    for name in ("db01", "db02", "db03"):
        assert [entry["type"] for entry in place.entries() if entry.get("host") == name] == ["copy_started", "copy_made"]


def test_check_mode_is_a_simulation(place):
    done = place.run(play(*WHOLE), "--check")
    assert done.returncode == 0, done.stdout
    assert [entry.get("simulated") for entry in place.entries()[:3]] == [True, True, True]
    assert "copy_made" not in place.entries()[-1]
    # a simulated entry does not stand for a real one, nor does one of another run
    done = place.run(play(told("copy_made") + "\n      check_mode: true", confirm("copy_made")))
    assert done.returncode == 2 and "RSP703" in done.stdout
    assert place.entries()[-2]["simulated"] is True


def test_a_task_that_works_under_check_is_recorded_as_real(place):
    done = place.run(play(GUARDED, *(each + "\n      check_mode: false" for each in WHOLE[1:])), "--check")
    assert done.returncode == 0, done.stdout
    assert [(entry["type"], entry.get("simulated")) for entry in place.entries()[:3]] == [("run_started", True), ("copy_started", None), ("copy_made", None)]


def test_confirm_fails_without_its_entry(place):
    done = place.run(play(told("copy_made", "OTRA_20261122"), confirm("copy_made")))
    assert done.returncode == 2 and "RSP703" in done.stdout and "SIGA_20261122" in done.stdout


def test_confirm_of_several_wants_the_entry_of_each(place):
    several = "perucompras.respaldo.bitacora_confirm: {labels: [OTRA_20261122LEFT], event: copy_made}"
    done = place.run(play(told("copy_started", "OTRA_20261122"), told("copy_made", "OTRA_20261122"), several.replace("LEFT", ""),
                          several.replace("LEFT", ", SIGA_20261122")))
    assert done.returncode == 2 and "RSP703" in done.stdout and "SIGA_20261122" in done.stdout and "ok=3 " in done.stdout, done.stdout


def test_secrets_are_found_nowhere(place):
    secret = "PLANTED-4f1c"
    done = place.run(
        """
- hosts: db01
  gather_facts: false
  vars: {hidden: PLANTED-4f1c}
  tasks:
    - perucompras.respaldo.backup_label: {backup: {event: copy_started, label: A_20261122}}
    - name: "a task named {{ hidden }}"
      perucompras.respaldo.backup_archive:
        password: "{{ hidden }}"
        stdout: "{{ hidden }}"
        backup: {event: copy_made, label: A_20261122, system: A, kind: database, password: "{{ hidden }}", size: "{{ hidden }}", checks: [{a: 1}]}
    - perucompras.respaldo.backup_label: {backup: {event: copy_started, label: B_20261122, source: "{{ hidden }}"}}
      no_log: true
    - perucompras.respaldo.backup_label: {backup: {event: copy_started, label: "{{ item }}", source: "{{ hidden }}"}, failed: true}
      loop: [C_20261122]
      no_log: "{{ true }}"
      ignore_errors: true
    - perucompras.respaldo.backup_label: {backup: {event: copy_started, label: D_20261122}}
    - ansible.builtin.command: {argv: ["false", "{{ hidden }}"]}
""", "-e", "awx_user_name=maria", "-e", "token=" + secret, "-vvv")
    assert done.returncode == 2 and secret in done.stdout
    assert place.types() == ["run_started", "copy_started", "copy_made", "copy_started", "copy_failed", "run_ended"]
    assert place.entries()[2]["refused_fields"] == ["size", "checks"]
    assert place.entries()[0]["executed_by"].startswith("maria (según AWX; cuenta ")
    files = [path for path in place.directory.rglob("*") if path.is_file() and path.parent != place.directory]
    assert any(path.parent.name == "logs" for path in files)
    assert [path for path in files if secret.encode() in path.read_bytes()] == []


def test_a_semaphore_user_is_named(place):
    place.run(play(GUARDED), "-e", '{"semaphore_vars": {"task_details": {"username": "jose", "message": "x"}}}')
    assert place.entries()[0]["executed_by"].startswith("jose (según Semaphore; cuenta ")


def test_enabled_twice_records_once(place):
    from conftest import ROOT

    done = place.run(play(*WHOLE), ANSIBLE_CALLBACK_PLUGINS=str(ROOT / "callback_plugins"), ANSIBLE_CALLBACKS_ENABLED="bitacora,perucompras.respaldo.bitacora")
    assert done.returncode == 0 and "enabled twice" in done.stdout
    assert place.types() == ["run_started", "copy_started", "copy_made", "run_ended"]


def test_two_playbooks_are_two_runs_and_an_error_between_plays_is_an_interruption(place):
    second = place.playbook(play(told("copy_started")) + play(GUARDED, hosts='"{{ undefined_group }}"'), "second.yml")
    first = place.playbook(play(*WHOLE), "first.yml")
    done = place.run_file(first, second)
    assert done.returncode not in (0, 70)
    assert place.types()[:4] == ["run_started", "copy_started", "copy_made", "run_ended"]
    assert place.types()[4:] == ["run_started", "copy_started", "copy_failed", "run_interrupted"]
    assert place.entries()[0]["run"] != place.entries()[4]["run"]


@pytest.mark.slow
def test_a_run_of_a_purpose_gives_its_signs_of_life(place):
    """Its token is of the inventory, filled in by this Ansible. More of it: tests/integration/heartbeats."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_unused):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as service:
        threading.Thread(target=service.serve_forever, daemon=True).start()
        rows = [{"name": "hc", "url": f"http://127.0.0.1:{service.server_address[1]}", "token": "{{ inside }}"}]
        (place.directory / "group_vars").mkdir()
        (place.directory / "group_vars/all.yml").write_text(json.dumps({"backup_heartbeats": rows, "inside": "f1ch4"}))
        done = place.run_file(place.playbook(play(*WHOLE), "site.yml"))
        service.shutdown()
    assert done.returncode == 0 and place.types()[-1] == "run_ended", done.stdout
    assert sorted(asked) == ["/f1ch4", "/f1ch4/start"]


def test_the_playbook_prints_a_table_and_tells_of_a_broken_chain(place):
    from conftest import ROOT

    book = ROOT / "playbooks" / "bitacora.yml"
    copies = play(told("copy_started"), told("copy_made"), told("copy_started", "Tramite_20261122"), told("copy_failed", "Tramite_20261122"))
    assert place.run(copies).returncode == 2
    done = place.run_file(book, "-e", "bitacora_system=SIGA", "-e", "bitacora_kind=database", "-e", "bitacora_since=2026-01-01", COLUMNS="132")
    assert done.returncode == 0, done.stdout
    for word in ("Fecha", "Nombre del respaldo", "Base de datos", "SIGA_20261122", "Generada", "Tramite_20261122", "Fallida", "2 asientos",
                 "La cadena está íntegra: "):
        assert word in done.stdout, done.stdout
    assert "Tramite" not in place.run_file(book, "-e", "bitacora_result=good").stdout
    place.tamper("UPDATE entries SET body = replace(body, 'Ana', 'Eva') WHERE n = 3")
    done = place.run_file(book)
    assert done.returncode == 2 and "el contenido del asiento 3 fue alterado" in done.stdout and "RSP704" in done.stdout


def test_info_and_verify_as_tasks(place):
    wanted = """ansible.builtin.assert:
        that:
          - found['entries'] | map(attribute='label') == ['SIGA_20261122']
          - found.rows[0].resultado == 'Generada' and found.table | length > 3
          - chain.whole and chain['entries'] == 3 and chain.notices | reject('search', 'no está protegida por sello') | list == []"""
    done = place.run(play(
        *WHOLE, "perucompras.respaldo.bitacora_info: {type: [copy_made], limit: 1}\n      register: found",
        "perucompras.respaldo.bitacora_verify:\n      register: chain", wanted,
    ))
    assert done.returncode == 0, done.stdout
