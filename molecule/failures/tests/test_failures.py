# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies over SSH that are made to fail: each leaves a code, an entry, no copy under a final name and the good ones untouched."""

from __future__ import annotations

import datetime
import json
import os
import signal

import pytest

from .conftest import on, until

ACCOUNT = {"host": "127.0.0.1", "user": "respaldo"}
STRANGER = {**ACCOUNT, "password": "no es esta"}
SIGA = {"type": "postgresql", "databases": ["siga"]}
# name of the system -> its source and media, the code, what the error must name
WRONG = {
    "Clave mala PG": ({"type": "postgresql", "databases": ["pgbench"], **STRANGER}, ["local"], "RSP202", "password authentication failed"),
    "Clave mala MariaDB": ({"type": "mariadb", "databases": ["world"], **STRANGER}, ["local"], "RSP202", "Access denied"),
    "Base ausente PG": ({"type": "postgresql", "databases": ["no_esta"]}, ["local"], "RSP201", "no_esta"),
    "Base ausente MariaDB": ({"type": "mariadb", "databases": ["no_esta"]}, ["local"], "RSP201", "no_esta"),
    "Medio lleno": (SIGA, ["local", "pequeno"], "RSP402", "/srv/copias-small"),
    "Solo lectura": (SIGA, ["local", "solo-lectura"], "RSP401", "/srv/copias-ro"),
    "Otro lleno": (SIGA, ["local", "store1-pequeno"], "RSP402", "respaldo@store1:/srv/copias-small"),
    "Otro solo lectura": (SIGA, ["local", "store1-solo-lectura"], "RSP401", "respaldo@store1:/srv/copias-ro"),
}
SIAF = ("-e", '{"backup_only": ["SIAF"]}')

# One part each, larger than the pipes: its dump waits half-way for the compressor.
CUT = {
    "PG": {"name": "Banco de pruebas", "media": ["local"],
           "source": {"type": "postgresql", "databases": ["pgbench"], **ACCOUNT, "password": "{{ lab_password }}", "globals": False}},
    "MariaDB": {"name": "SIAF", "source": {"type": "mariadb", "databases": ["siaf"], "globals": False}, "media": ["local", "store1"]},
}
PG_CUT = ["sh", "-ec", "runuser -u postgres -- psql -Atc \"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'pgbench'\" | grep -x t"]
MARIADB_CUT = ["sh", "-ec", "mariadb-admin kill $(mariadb -Ne \"SELECT id FROM information_schema.processlist WHERE db = 'siaf'\")"]


def test_what_is_wrong_with_accounts_databases_and_media_is_told(copies, tmp_path):
    systems = [{"name": name, "kind": "database", "criticality": "media", "office": "Prueba", "source": source, "media": media}
               for name, (source, media, _code, _word) in WRONG.items()]
    (tmp_path / "wrong.json").write_text(json.dumps({"backup_systems": systems}))
    before = copies.labels()
    done = copies.run("-e", "@" + str(tmp_path / "wrong.json"), status=2)
    failed = {entry["system"]: entry for entry in copies.last_run("copy_failed")}
    assert {name: entry["error_code"] for name, entry in failed.items()} == {name: told[2] for name, told in WRONG.items()}
    for name, (_source, _media, code, word) in WRONG.items():
        assert word in failed[name]["error_message"] and word in failed[name]["error_message_es"], failed[name]
        assert "{0} ({1}) {2}: ".format(failed[name]["label"], name, code) in done.stdout
    assert "Traceback" not in done.stdout and "no es esta" not in done.stdout
    assert copies.labels() == before and copies.hidden() == [] and copies.whole()


@pytest.mark.parametrize("engine, host, cut, codes", [
    ("PG", "db1", ["pkill", "-KILL", "-x", "pg_dump"], ("RSP202", "RSP302")),
    ("PG", "db1", PG_CUT, ("RSP202", "RSP302")),
    ("MariaDB", "db1", ["pkill", "-KILL", "-x", "mariadb-dump"], ("RSP202", "RSP302")),
    ("MariaDB", "db1", MARIADB_CUT, ("RSP202", "RSP302")),
    ("MariaDB", "store1", ["pkill", "-KILL", "-u", "respaldo", "-x", "sshd"], ("RSP406",)),
], ids=["pg_dump killed", "PostgreSQL cut", "mariadb-dump killed", "MariaDB cut", "other server cut"])
def test_what_is_cut_half_way_leaves_no_copy(copies, tmp_path, engine, host, cut, codes):
    before = copies.labels()
    system = {"kind": "database", "criticality": "media", "office": "Prueba", **CUT[engine]}
    (tmp_path / "cut.json").write_text(json.dumps({"backup_systems": [system]}))
    run = copies.begin_half("-e", "@" + str(tmp_path / "cut.json"))
    on(host, *cut)
    copies.go_on()
    assert run.wait(120) == 2, copies.said()
    failed, = copies.last_run("copy_failed")
    assert failed["error_code"] in codes and failed["error_code"] in copies.said() and failed["error_remedy_es"], failed
    assert copies.labels() == before and not copies.last_run("copy_made")
    # over a cut connection nothing can be removed: the next run does
    assert all(name.startswith(host) for name in copies.hidden()) if host == "store1" else copies.hidden() == []


def _kill(copies, how):
    run = copies.begin_half(*SIAF)
    if how == "all of it":
        session = [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and _ancestor(int(pid), run.pid)]
        for pid in (run.pid, *session):
            os.kill(pid, signal.SIGKILL)
    elif how == signal.SIGINT:
        os.killpg(run.pid, how)
    else:
        run.send_signal(how)
    return run.wait(60)


def _ancestor(pid, wanted):
    while pid > 1:
        try:
            with open("/proc/{0}/stat".format(pid), encoding="utf-8", errors="replace") as file:
                pid = int(file.read().rpartition(")")[2].split()[1])
        except OSError:
            return False
        if pid == wanted:
            return True
    return False


@pytest.mark.parametrize("how, statuses", [
    (signal.SIGINT, (99, 130)), (signal.SIGTERM, (-signal.SIGTERM, 143)), (signal.SIGKILL, (-signal.SIGKILL,)), ("all of it", (-signal.SIGKILL,)),
], ids=["SIGINT", "SIGTERM", "SIGKILL", "SIGKILL to all its processes"])
def test_a_controller_killed_during_a_copy_publishes_nothing(copies, how, statuses):
    before = copies.labels()
    assert _kill(copies, how) in statuses, copies.said()
    started, = copies.last_run("copy_started")
    closed = [entry["error_code"] for entry in copies.last_run("copy_failed")]
    assert closed == (["RSP705"] if how in (signal.SIGINT, signal.SIGTERM) else [])
    copies.go_on()
    copies.module_ended()
    assert copies.labels() == before, "the server's module went on to its end and gave it a final name"
    assert not copies.entries("copy_made", run=started["run"])


def test_the_next_run_closes_what_was_killed_and_copies_well(copies):
    # a sealed copy may wait for a live controller, an hour: let it pass
    for host in ("db1", "store1"):
        on(host, "sh", "-c", "find /srv/copias -mindepth 3 -maxdepth 3 -name '.*.sealed' -exec touch -d '2 hours ago' {} +")
    before = copies.labels()
    zone = datetime.timezone(datetime.timedelta(hours=-5))
    days = {datetime.datetime.now(zone).strftime("%Y%m%d")}
    copies.run("-e", '{"backup_only": ["SIAF", "Banco de pruebas"]}')
    days.add(datetime.datetime.now(zone).strftime("%Y%m%d"))
    assert copies.hidden() == [] and len(copies.labels()) == len(before) + 3
    made = copies.last_run("copy_made")
    # db1's clock shows Asia/Tokyo
    assert len(made) == 2 and all(entry["label"].split("_")[1] in days for entry in made)
    starts = {(entry["run"], entry["label"]) for entry in copies.entries("copy_started")}
    ends = [(entry["run"], entry["label"]) for entry in copies.entries("copy_made", "copy_failed")]
    assert sorted(ends) == sorted(starts), "each start has one end"
    interrupted = copies.entries("run_interrupted")
    assert len(interrupted) == 4 and [entry["how"] for entry in interrupted].count("died") == 2
    killed = {entry["run"] for entry in interrupted}
    assert [entry["error_code"] for entry in copies.entries("copy_failed") if entry["run"] in killed] == ["RSP705"] * 4
    assert copies.whole()
    until(lambda: not on("db1", "sh", "-c", "pgrep -x 'pg_dump|mariadb-dump|zstd|gpg'", status=None), "no process to be left on the server")
