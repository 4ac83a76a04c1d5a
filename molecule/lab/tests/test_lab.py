# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab is what the other scenarios take it for: healthy servers with these databases and repositories."""

from __future__ import annotations

import shlex

import pytest

ROWS_POSTGRESQL = {
    ("siga", "logistica.proveedor"): 500,
    ("siga", "logistica.expediente"): 500,
    ("siga", "auditoria.valores"): 3,
    ("siga", "auditoria.movimiento"): 1000,
    ("siga", "auditoria.adjunto"): 12,
    ("siga", '"Órgano"."año ñandú"'): 2,
    ("siga", "pg_largeobject_metadata"): 2,
    ("siga", "pg_policy"): 2,
    ("pgbench", "pgbench_accounts"): 200000,
    ("contrib", "en_disco"): 100,
    ("Órgano año ñandú", '"año ñandú"'): 321,
    ('rara "comilla" / %', "texto"): 1,
}
ROWS_MARIADB = {
    "siaf.gasto": 1000, "siaf.detalle": 3000, "siaf.valores": 3, "siaf.adjunto": 12, "siaf.archivo_myisam": 200, "siaf.archivo_aria": 300,
    "siaf.movimiento": 900, "world.City": 4079, "world.Country": 239, "dbt3.lineitem": 6005, "`trámite ñandú`.`año ñandú`": 321,
}
# repository -> (refs, what its HEAD holds)
REPOSITORIES = {
    "portal": (12, "ref: refs/heads/main"),
    "miles": (2301, "ref: refs/heads/main"),
    "vacio": (0, "ref: refs/heads/main"),
    "sin-rama": (1, "ref: refs/heads/no-existe"),
    "componente": (1, "ref: refs/heads/main"),
    "sistema": (1, "ref: refs/heads/main"),
    "grandes": (1, "ref: refs/heads/main"),
    "grandes-incompleto": (1, "ref: refs/heads/main"),
    "voluminoso": (1, "ref: refs/heads/main"),
}
MISSING_LFS_OBJECT = "8d34b7b6ceef2e25ae3f24a292517e453b2526928e036f49b5c299a36ff2320a"



def test_server_is_healthy(host):
    state = host.run("systemctl is-system-running")
    assert state.stdout.strip() == "running", host.run("systemctl --failed --no-legend; journalctl --priority err --no-pager | tail -n 30").stdout


def test_server_has_its_three_media(host):
    assert host.file("/srv/copias").is_directory
    assert host.run("touch /srv/copias-ro/x").rc != 0
    full = host.run("head -c 9M /dev/zero > /srv/copias-small/x")
    host.run_expect([0], "rm /srv/copias-small/x")
    assert "No space left" in full.stderr


def test_nothing_was_installed_by_pip(host):
    assert host.run("python3 -m pip --version").rc != 0
    assert host.run("find /usr/local/lib -name '*.dist-info'").stdout == ""


@pytest.mark.parametrize("database, table", ROWS_POSTGRESQL)
def test_rows_of_postgresql(db1, database, table):
    command = "runuser -u postgres -- psql -XAt -d {0} -c {1}".format(shlex.quote(database), shlex.quote("SELECT count(*) FROM " + table))
    assert int(db1.check_output("cd / && %s" % command)) == ROWS_POSTGRESQL[database, table]


def test_objects_of_siga(db1):
    """Kinds of object a dump can forget; each by what the catalogue counts."""
    query = """SELECT (SELECT count(*) FROM pg_matviews), (SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal), (SELECT count(*) FROM pg_event_trigger),
        (SELECT count(*) FROM pg_publication), (SELECT count(*) FROM pg_proc WHERE prokind = 'p'), (SELECT last_value FROM logistica.expediente_numero)"""
    assert db1.check_output("cd / && runuser -u postgres -- psql -XAt -d siga -c %s", query) == "2|2|1|1|1|7654321"


@pytest.mark.parametrize("table", ROWS_MARIADB)
def test_rows_of_mariadb(db1, table):
    assert int(db1.check_output("mariadb -BN --default-character-set=utf8mb4 -e %s", "SELECT COUNT(*) FROM " + table)) == ROWS_MARIADB[table]


def test_objects_of_siaf(db1):
    query = """SELECT CONCAT_WS('|', (SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = 'siaf'),
        (SELECT COUNT(*) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = 'siaf'), (SELECT COUNT(*) FROM information_schema.EVENTS),
        (SELECT COUNT(*) FROM information_schema.VIEWS WHERE TABLE_SCHEMA = 'siaf'), (SELECT COUNT(DISTINCT ENGINE) FROM information_schema.TABLES
        WHERE TABLE_SCHEMA = 'siaf' AND TABLE_TYPE LIKE '%TABLE' OR TABLE_TYPE = 'SYSTEM VERSIONED' AND TABLE_SCHEMA = 'siaf'))"""
    assert db1.check_output("mariadb -BN --default-character-set=utf8mb4 -e %s", query) == "2|5|1|2|3"


def test_sqlite(db1):
    asked = "PRAGMA integrity_check; SELECT count(*) FROM \"trámite\"; PRAGMA journal_mode;"
    assert db1.check_output(f"sqlite3 /srv/datos/tramites.sqlite '{asked}'") == "ok\n2001\nwal"


def test_account_of_copies_reads_over_tcp_with_its_password_only(db1):
    query = "psql -XAt -h 127.0.0.1 -U respaldo -d pgbench -c 'SELECT count(*) FROM pgbench_tellers'"
    assert db1.check_output("PGPASSWORD=lab-respaldo " + query) == "20"
    assert "password authentication failed" in db1.run("PGPASSWORD=otra " + query).stderr


@pytest.mark.parametrize("name", REPOSITORIES)
def test_repository(git1, name):
    refs, head = REPOSITORIES[name]
    git = "runuser -u git -- git --git-dir /srv/git/{0}.git ".format(name)
    assert len(git1.check_output(git + "for-each-ref").splitlines()) == refs
    assert git1.file("/srv/git/{0}.git/HEAD".format(name)).content_string.strip() == head
    assert git1.run(git + "fsck --full --strict").rc == 0


def test_odd_repositories_are_odd(git1):
    git = "runuser -u git -- git --git-dir /srv/git/"
    assert git1.check_output(git + "suelto.git rev-parse HEAD") == git1.check_output(git + "suelto.git rev-parse main~1")
    assert git1.run(git + "danado.git fsck --full").rc != 0
    assert not git1.file("/srv/git/grandes-incompleto.git/lfs/objects/8d/34/" + MISSING_LFS_OBJECT).exists
    assert git1.file("/srv/git/grandes.git/lfs/objects/8d/34/" + MISSING_LFS_OBJECT).content_string == "pequeño"
    assert git1.check_output("runuser -u git -- git -C /srv/trabajo/portal stash list").endswith("Por terminar")


@pytest.mark.parametrize("url, works", [
    ("http://git1/abierto/portal.git", True),
    ("https://respaldo:lab-respaldo@git1/git/portal.git", True),
    ("https://respaldo:otra@git1/git/portal.git", False),
    ("https://git1/git/portal.git", False),
    ("ssh://git@git1/srv/git/portal.git", True),
])
def test_clone_over_the_network(git1, url, works):
    assert (git1.run("GIT_TERMINAL_PROMPT=0 git ls-remote --exit-code %s refs/heads/main", url).rc == 0) is works


def test_copies_can_be_put_on_the_other_server(db1, store1):
    db1.check_output("ssh -o BatchMode=yes respaldo@store1 'echo marca > /srv/copias/de-db1'")
    assert store1.file("/srv/copias/de-db1").user == "respaldo"
    store1.run_expect([0], "rm /srv/copias/de-db1")
