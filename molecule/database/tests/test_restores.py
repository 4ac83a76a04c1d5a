# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies come back whole: by the playbook, and by the manifest's commands with stock tools alone."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

TARGETS = {"SIGA": "siga_restaurada", "SIAF": "siaf_restaurada", "Trámites": "/srv/restaurado/tramites.sqlite", "Encuestas": "encuestas_restaurada"}
# A trigger compares citext by IS DISTINCT FROM: pg_dump can't say which operator is meant, PostgreSQL then takes that of text.
REWORDED = "trigger|logistica.proveedor|anota ñ|"


def restore(playbook, system, target, status=0, **more):
    given = {"restore_host": "db1", "restore_kind": "database", "restore_system": system, "restore_target": target}
    return playbook("restore.yml", "-e", json.dumps({**given, **more}), status=status).stdout


@pytest.fixture(scope="module", autouse=True)
def tidy(db1, postgres, mariadb):
    """The lab as it was, before and after: other tests use it too."""

    def remove():
        ours = re.compile("_restaurada|a_mano")
        for name in filter(ours.search, postgres.names()):
            postgres.ask('DROP DATABASE "{0}" WITH (FORCE)'.format(name))
        for name in filter(ours.search, mariadb.names()):
            mariadb.ask("DROP DATABASE `{0}`".format(name))
        db1.check_output("rm -rf /srv/restaurado")

    remove()
    yield
    remove()


@pytest.fixture(scope="module")
def restored(playbook, db1, mariadb):
    """All four restored, two runs at a time: they write to one bitácora."""
    mariadb.ask("CREATE DATABASE encuestas_restaurada")
    db1.check_output("install -d -m 0755 /srv/restaurado")
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(TARGETS, pool.map(lambda pair: restore(playbook, *pair), TARGETS.items())))


def siga_lines(postgres, database):
    lines = postgres.state(database).splitlines()
    reworded = [line for line in lines if line.startswith(REWORDED)]
    assert len(reworded) == 1
    return [line for line in lines if line not in reworded]


def test_postgresql_is_the_same(restored, postgres):
    source = siga_lines(postgres, "siga")
    assert len(source) > 400
    assert siga_lines(postgres, "siga_restaurada") == source


def test_dumps_of_postgresql_are_the_same(restored, db1):
    def dump(database):
        text = db1.check_output("cd / && runuser -u postgres -- pg_dump %s", database)
        return [line for line in text.splitlines() if not line.startswith(("\\restrict ", "\\unrestrict ", 'CREATE TRIGGER "anota ñ"'))]

    assert dump("siga_restaurada") == dump("siga")


def test_postgresql_says_what_it_could_not_bring(restored):
    told = re.sub(r"\s+", " ", restored["SIGA"])
    assert "settings and privileges of the database itself" in told
    assert "compare them: Name: proveedor anota ñ; Type: TRIGGER" in told


def test_mariadb_is_the_same(restored, mariadb):
    source = mariadb.state("siaf")
    assert len(source.splitlines()) > 100 and "historial" in source and "suma_segura" in source
    assert mariadb.state("siaf_restaurada") == source


def test_dumps_of_mariadb_are_the_same(restored, db1):
    command = "mariadb-dump --routines --events --triggers --skip-comments --hex-blob --dump-history --single-transaction --skip-lock-tables %s"
    assert db1.check_output(command, "siaf_restaurada").replace("`siaf_restaurada`.", "`siaf`.") == db1.check_output(command, "siaf")


def test_sqlite_is_the_same(restored, db1):
    asked = "PRAGMA integrity_check; PRAGMA user_version; PRAGMA application_id; PRAGMA journal_mode;"
    target = TARGETS["Trámites"]
    assert db1.check_output("sqlite3 %s %s", target, asked).split() == ["ok", "7", "20190001", "wal"]
    assert db1.check_output("sqlite3 %s .dump", target) == db1.check_output("sqlite3 /srv/datos/tramites.sqlite .dump")
    assert len(set(db1.check_output("stat -c '%a %U %G' /srv/datos/tramites.sqlite " + target).splitlines())) == 1


def test_what_a_command_copied_is_the_same(restored, mariadb):
    assert mariadb.state("encuestas_restaurada") == mariadb.state("world")


def test_restores_are_recorded(restored, entries):
    for system, target in TARGETS.items():
        row = entries(system, "Restaurada")[-1]
        assert (row["servidor"], row["tipo"]) == ("db1", "Base de datos")
        assert row["huella_sha256"] == entries(system, "Generada")[-1]["huella_sha256"]


MARKS = {
    "SIGA": lambda postgres, mariadb, db1: postgres.ask("CREATE TABLE marca AS SELECT 1 AS n", "siga_restaurada"),
    "SIAF": lambda postgres, mariadb, db1: mariadb.ask("CREATE TABLE marca AS SELECT 1 AS n", "siaf_restaurada"),
    "Trámites": lambda postgres, mariadb, db1: db1.check_output(
        "sqlite3 /srv/restaurado/tramites.sqlite 'CREATE TABLE marca (n); INSERT INTO marca VALUES (1);'"),
}
LOOKS = {
    "SIGA": lambda postgres, mariadb, db1, name: postgres.ask("SELECT to_regclass('marca') IS NOT NULL", name),
    "SIAF": lambda postgres, mariadb, db1, name: mariadb.ask("SELECT IF(COUNT(*), 't', 'f') FROM information_schema.TABLES "
                                                             "WHERE TABLE_NAME = 'marca' AND TABLE_SCHEMA = '%s'" % name),
    "Trámites": lambda postgres, mariadb, db1, name: db1.check_output(
        "sqlite3 %s \"SELECT CASE count(*) WHEN 1 THEN 't' ELSE 'f' END FROM sqlite_master WHERE name = 'marca'\"", name),
}


@pytest.fixture(scope="module")
def repeated(restored, playbook, postgres, mariadb, db1):
    """Each restored again into what was changed since: first without being told to replace it, then told so."""
    found = {}

    def repeat(system):
        target = TARGETS[system]
        MARKS[system](postgres, mariadb, db1)
        refused = restore(playbook, system, target, status=2)
        found[system] = (refused, LOOKS[system](postgres, mariadb, db1, target))
        restore(playbook, system, target, restore_overwrite=True)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(repeat, MARKS))
    return found


@pytest.mark.parametrize("system", MARKS)
def test_nothing_is_replaced_unasked(repeated, entries, system):
    output, mark = repeated[system]
    assert "RSP601" in output
    assert mark == "t"
    failed = entries(system, "Restauración fallida")
    assert "RSP601" in failed[-1]["observaciones"]


@pytest.mark.parametrize("system", MARKS)
def test_replaced_data_is_kept_beside(repeated, entries, postgres, mariadb, db1, system):
    label = entries(system, "Generada")[-1]["nombre_respaldo"]
    separator = "." if system == "Trámites" else "_"
    kept = "{0}{1}before_{2}".format(TARGETS[system], separator, label)
    assert LOOKS[system](postgres, mariadb, db1, TARGETS[system]) == "f"
    assert LOOKS[system](postgres, mariadb, db1, kept) == "t"
    assert len(entries(system, "Restaurada")) >= 2


@pytest.fixture(scope="module")
def by_hand(db1, state, entries):
    """Runs a copy's own restore commands on db1, as a person would, typed into bash by one who knows the password."""

    def run(system, target, account):
        row = entries(system, "Generada")[-1]
        label = row["nombre_respaldo"]
        work = "/srv/a-mano-" + label
        steps = ["set -eo pipefail", "rm -rf {0}; cp -r {1} {0}".format(work, row["ubicacion"].split(", ")[0])]
        if row["clave"]:
            opened = subprocess.run(["ansible-vault", "view", str(state / "custodia" / (row["clave"].partition(":")[2] + ".yml"))],
                                    capture_output=True, text=True, check=True)
            # what gpg would ask for on a terminal
            settings = r"batch\npinentry-mode loopback\npassphrase-file {0}/.gnupg/respuesta\n".format(work)
            steps += ["install -d -m 0700 {0}/.gnupg".format(work), "printf '{0}' >{1}/.gnupg/gpg.conf".format(settings, work),
                      "printf '%s' {0} >{1}/.gnupg/respuesta".format(shlex.quote(json.loads(opened.stdout)["password"]), work)]
        commands = json.loads(db1.check_output("cat %s/%s.json", row["ubicacion"].split(", ")[0], label))["restore"]
        script = "set -eo pipefail\ncd {0}\nexport GNUPGHOME={0}/.gnupg TARGET={1}\n".format(work, shlex.quote(target)) + "\n".join(commands) + "\n"
        steps += ["printf '%s' {0} >{1}/a-mano.sh".format(shlex.quote(script), work), "chown -R {0} {1}".format(account, work),
                  "cd /", "runuser -u {0} -- bash {1}/a-mano.sh".format(account, work)]
        done = db1.run("bash -c " + shlex.quote("\n".join(steps)))
        db1.check_output("rm -rf " + work)
        assert done.rc == 0, done.stdout + done.stderr

    return run


def test_stock_tools_restore_postgresql(by_hand, postgres):
    by_hand("SIGA", "siga_a_mano", "postgres")
    assert siga_lines(postgres, "siga_a_mano") == siga_lines(postgres, "siga")


def test_stock_tools_restore_several_databases_with_odd_names(by_hand, postgres):
    by_hand("Órgano ñandú", "a_mano_", "postgres")
    for name in ("Órgano año ñandú", "vacia"):
        assert postgres.state("a_mano_" + name) == postgres.state(name)


def test_stock_tools_restore_mariadb(by_hand, mariadb):
    by_hand("SIAF", "siaf_a_mano", "root")
    assert mariadb.state("siaf_a_mano") == mariadb.state("siaf")


def test_stock_tools_restore_several_databases_of_mariadb(by_hand, mariadb):
    by_hand("Mundo", "a_mano_", "root")
    for name in ("world", "dbt3", "trámite ñandú", "vacia"):
        assert mariadb.state("a_mano_" + name) == mariadb.state(name)


def test_stock_tools_restore_sqlite(by_hand, db1):
    by_hand("Trámites", "/srv/restaurado/a-mano.sqlite", "root")
    assert db1.check_output("sqlite3 /srv/restaurado/a-mano.sqlite .dump") == db1.check_output("sqlite3 /srv/datos/tramites.sqlite .dump")


def test_copy_of_a_database_in_use_is_of_one_moment(playbook, entries, db1, postgres):
    """pgbench moves money all the while: in the copy, as at any one moment, its four sums are equal."""
    work = "cd / && runuser -u postgres -- /usr/lib/postgresql/15/bin/pgbench --client=2 --rate=200 --time=300 --no-vacuum pgbench"
    before = int(postgres.ask("SELECT count(*) FROM pgbench_history", "pgbench"))
    working = threading.Thread(target=lambda: db1.run(work))
    working.start()
    try:
        playbook("database.yml", "--limit", "db1", "-e", json.dumps({"backup_only": ["Banco de pruebas"], "backup_emergency_reason": "en uso"}))
        assert working.is_alive()
    finally:
        db1.run("pkill -x pgbench")
        working.join()
    label = entries("Banco de pruebas", "Generada")[-1]["nombre_respaldo"]
    assert re.search(r"_\d{8}_\d\d$", label)
    assert "permission denied to create database" in restore(playbook, "Banco de pruebas", "pgbench_restaurada", status=2, restore_label=label)
    restore(playbook, "Banco de pruebas", "pgbench_restaurada", restore_label=label,
            restore_source={"host": "", "user": "", "password": ""})
    sums = ["(SELECT sum({0}) FROM pgbench_{1})".format(*pair) for pair in
            (("abalance", "accounts"), ("tbalance", "tellers"), ("bbalance", "branches"), ("delta", "history"))]
    found = postgres.ask("SELECT (SELECT count(*) FROM pgbench_history), " + ", ".join(sums), "pgbench_restaurada").split("|")
    assert int(found[0]) > before
    assert len(set(found[1:])) == 1
