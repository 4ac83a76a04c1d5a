# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real ansible-playbook runs whose bitácora is in PostgreSQL: stopped in the middle, killed, out of space, moved by a run."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.sqlite import SqliteStore
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store

ROOT = Path(__file__).resolve().parents[3]
PLAYBOOK = os.path.join(os.path.dirname(sys.executable), "ansible-playbook")


def excuse(day):
    return {"name": "An entry", "perucompras.respaldo.backup_excuse": {
        "system": "SIGA", "kind": "database", "from": day, "until": day, "reason": "Corte", "requester": "Ana"}}


@pytest.fixture
def play(tmp_path):
    """Starts a playbook of these tasks, or one of the project's by name; gives the process."""
    def start(tasks, url, *options):
        path = tmp_path / "play.yml"
        path.write_text(json.dumps([{"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}]), "utf-8")
        chosen = ROOT / "playbooks" / tasks if isinstance(tasks, str) else path
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("RESPALDO_", "PG"))}
        environment.update(RESPALDO_BITACORA=url, RESPALDO_BITACORA_JOURNAL=str(tmp_path / "journal"), RESPALDO_BITACORA_LOGS=str(tmp_path / "logs"),
                           RESPALDO_BITACORA_SEAL_KEY=str(tmp_path / "seal.key"), HOME=str(tmp_path))
        systems = json.dumps({"backup_systems": [{"name": "SIGA", "kind": "database"}]})
        command = [PLAYBOOK, "-i", "localhost,", "-e", "ansible_python_interpreter=" + sys.executable, "-e", systems, str(chosen), *options]
        return subprocess.Popen(command, cwd=ROOT, env=environment, text=True, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    return start


def ended(process):
    output = process.communicate(timeout=120)[0]
    return process.returncode, output


def days_of(url):
    with open_store(url, readonly=True) as store:
        assert store.verify().whole
        return [entry["excused_from"] for entry in store.entries(type="excuse")]


def waits_for(path):
    return {"name": "Wait", "ansible.builtin.wait_for": {"path": str(path), "timeout": 60}}


def until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_run_is_recorded_sealed_and_read_back(server, database, play):
    url = server.url(database)
    status, output = ended(play([{"name": "Guard", "perucompras.respaldo.bitacora_guard": {}}, excuse("2026-11-20")], url))
    assert status == 0, output
    with open_store(url, readonly=True) as store:
        assert [entry["type"] for entry in store.entries()] == ["run_started", "excuse", "run_ended", "seal"]
    status, output = ended(play("bitacora.yml", url))
    assert status == 0 and "Ausencia justificada" in output and "está íntegra" in output, output


def test_a_server_that_stops_in_the_middle_loses_nothing(server, database, play, tmp_path):
    url = server.url(database)
    run = play([excuse("2026-11-20"), waits_for(tmp_path / "go"), excuse("2026-11-21")], url)
    until(lambda: len(days_of(url)) == 1)
    server.stop()
    (tmp_path / "go").write_text("")
    status, output = ended(run)
    assert status == 70 and "Los asientos esperan en" in output, output
    server.start()
    assert days_of(url) == ["2026-11-20"]
    status, output = ended(play([excuse("2026-11-22")], url))
    assert status == 0, output
    assert days_of(url) == ["2026-11-20", "2026-11-21", "2026-11-22"]
    assert not list((tmp_path / "journal").iterdir())


def test_a_server_that_is_down_stops_the_run_before_any_work(server, database, play, tmp_path):
    url = server.url(database)
    server.stop(signal.SIGINT)
    status, output = ended(play([{"name": "Guard", "perucompras.respaldo.bitacora_guard": {}},
                                 {"name": "Work", "ansible.builtin.copy": {"content": "", "dest": str(tmp_path / "worked")}}], url))
    server.start()
    assert status != 0 and "RSP702" in output and not (tmp_path / "worked").exists(), output


def test_a_killed_run_is_closed_by_the_next_one(server, database, play, tmp_path):
    url = server.url(database)
    run = play([excuse("2026-11-20"), waits_for(tmp_path / "never")], url)
    until(lambda: len(days_of(url)) == 1)
    os.killpg(run.pid, signal.SIGKILL)
    run.communicate()
    status, output = ended(play([excuse("2026-11-21")], url))
    assert status == 0, output
    with open_store(url, readonly=True) as store:
        closed = store.entries(type="run_interrupted")
        assert [entry["how"] for entry in closed] == ["died"] and store.open_runs() == [] and store.verify().whole


def test_a_run_of_a_container_that_is_gone_is_closed_after_two_days(server, database, play):
    """Its controller can't be asked whether it lives."""
    url = server.url(database)
    with open_store(url) as store:
        for run in ("OLD", "NEW"):
            store.append("run_started", {"run": run, "controller": "pod-" + run, "pid": 1, "boot_id": "b"}, "2026-11-20T03:00:00Z", run)
    server.sql("ALTER TABLE respaldo.entries DISABLE TRIGGER USER; UPDATE respaldo.entries SET at_recorded = '2026-11-20T03:00:00Z' WHERE n = 1", database)
    status, output = ended(play([], url))
    assert status == 0, output
    with open_store(url, readonly=True) as store:
        assert [(entry["run"], entry["how"]) for entry in store.entries(type="run_interrupted")] == [("OLD", "silent")]


@pytest.fixture
def small(server, database, tmp_path_factory):
    """The entries on a disk of eight megabytes; gives its path."""
    path = tmp_path_factory.mktemp("small", numbered=True)
    place = server.directory / path.name
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(place)], check=True)

    shutil.chown(place, "postgres", "postgres")
    server.sql(f"CREATE TABLESPACE {database}_small LOCATION '{place}'")
    server.sql(f"ALTER TABLE respaldo.entries SET TABLESPACE {database}_small", database)
    yield place
    server.sql(f"DROP DATABASE {database} WITH (FORCE)")
    server.sql(f"DROP TABLESPACE {database}_small")
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_of_the_server_loses_nothing(server, database, play, tmp_path, small):
    url = server.url(database)
    run = play([excuse("2026-11-20"), waits_for(tmp_path / "go"), *[excuse(f"2026-10-{day}") for day in range(10, 30)]], url)
    until(lambda: len(days_of(url)) == 1)
    filler = small / "filler"
    with filler.open("wb", buffering=0) as file, pytest.raises(OSError):
        while True:
            file.write(b"\0" * 4096)
    # What is left in the table's last page is used up, so that the next entry needs a new one.
    with pytest.raises(Exception, match="No space left"), open_store(url) as store:
        for number in range(100):
            store.append("excuse_note", {"text": "x" * 3000}, "2026-11-20T00:00:00Z", f"F{number}")
    (tmp_path / "go").write_text("")
    status, output = ended(run)
    assert status == 70 and "No space left" in output, output
    filler.unlink()
    status, output = ended(play([excuse("2026-11-30")], url))
    assert status == 0, output
    assert days_of(url) == ["2026-11-20", *[f"2026-10-{day}" for day in range(10, 30)], "2026-11-30"]


def test_a_run_moves_the_bitacora_and_goes_on_writing_in_it(server, empty, play, tmp_path):
    old, url = str(tmp_path / "b.sqlite"), server.url(empty)
    assert ended(play([excuse("2026-11-20")], old))[0] == 0
    given = ("-e", f"bitacora_store_url={url}", "-e", f"bitacora_store_admin_url={server.url(empty, 'postgres')}", "-e", f"bitacora_store_move_from={old}")
    status, output = ended(play("bitacora_store.yml", old, "--check", *given))
    assert status == 0 and server.sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'respaldo'", empty).strip() == "0", output
    status, output = ended(play("bitacora_store.yml", old, *given))
    assert status == 0, output
    with open_store(url, readonly=True) as store:
        types = [entry["type"] for entry in store.entries()]
        assert types[-3:] == ["bitacora_moved", "run_ended", "seal"] and store.verify().whole
    # A schedule that was forgotten still writes to the file: refused, kept, and taken in by the next run.
    status, output = ended(play([excuse("2026-11-21")], old))
    assert status == 70 and "RSP717" in output and url in output, output
    status, output = ended(play([excuse("2026-11-22")], url))
    assert status == 0, output
    assert days_of(url) == ["2026-11-20", "2026-11-21", "2026-11-22"]
    with SqliteStore(Path(old), readonly=True) as store:
        assert store.entries()[-1]["type"] == "bitacora_moved"
    status, output = ended(play("bitacora_store.yml", url, *given))
    assert status == 0 and "changed=0" in output, output
