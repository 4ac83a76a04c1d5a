# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who owns a database is not who administers its server: what they leave in it gains nothing by a copy, a rehearsal or a plan (S7, S8)."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path
from typing import Iterator, List

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.processes import jail, programs
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources import postgresql, postgresql_scratch
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.postgresql import PostgreSQL

from .conftest import Postgres, Shelf, expect

_SEIZE = "IF current_setting('is_superuser') = 'on' THEN EXECUTE 'ALTER ROLE dueno SUPERUSER'; END IF; "
# A function that fits our calls better than pg_catalog's own, for each that our queries have.
_TRAPS = """
CREATE FUNCTION public.json_build_object(text, json, text, text, text, bigint, text, bigint) RETURNS json
  LANGUAGE plpgsql AS $$ BEGIN {0} RETURN '{{}}'; END $$;
CREATE FUNCTION public.json_build_object(text, json, text, bigint, text, bigint) RETURNS json LANGUAGE plpgsql AS $$ BEGIN {0} RETURN '{{}}'; END $$;
CREATE FUNCTION public.like_name(name, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN {0} RETURN false; END $$;
CREATE OPERATOR public.~~ (LEFTARG = name, RIGHTARG = text, FUNCTION = public.like_name);
"""


@pytest.fixture
def shop(postgres: Postgres) -> Iterator[Postgres]:
    """A server with a database `tienda` of a role that is nobody else."""
    postgres.sql("CREATE ROLE dueno LOGIN")
    postgres.sql("CREATE DATABASE tienda OWNER dueno")
    yield postgres
    postgres.sql("DROP DATABASE tienda")
    postgres.sql("DROP OWNED BY dueno; DROP ROLE dueno")


def as_owner(server: Postgres, text: str) -> None:
    server.sql("SET SESSION AUTHORIZATION dueno;\n" + text, "tienda")


def is_superuser(server: Postgres) -> bool:
    return server.sql("SELECT rolsuper FROM pg_roles WHERE rolname = 'dueno'") == "t\n"


@pytest.fixture
def canary() -> Iterator[Path]:
    """A directory that anybody may write to, and that stays empty."""
    path = Path(tempfile.mkdtemp(prefix="respaldo-canary-", dir="/var/tmp"))
    path.chmod(0o777)
    yield path
    for file in path.iterdir():
        file.unlink()
    path.rmdir()


def test_functions_and_operators_of_the_owner_are_not_called(shop: Postgres, shelf: Shelf) -> None:
    """S7: a function of public that fits our query better; its siblings, operators and a search_path of the database's own."""
    as_owner(shop, _TRAPS.format(_SEIZE) + "ALTER DATABASE tienda SET search_path = public, pg_catalog;")
    source = PostgreSQL(["tienda"], **shop.options())
    assert source.preflight() > 0 and "plpgsql" in source.chosen[0]["extensions"]
    shelf.make(PostgreSQL(["tienda"], **shop.options()))
    assert not is_superuser(shop)


def test_functions_in_the_database_that_is_asked_first_are_not_called(shop: Postgres) -> None:
    """S7: `postgres` itself may let others make functions, as it does before PostgreSQL 15."""
    shop.sql("GRANT CREATE ON SCHEMA public TO dueno; ALTER DATABASE postgres SET search_path = public, pg_catalog")
    shop.sql("SET SESSION AUTHORIZATION dueno; CREATE FUNCTION public.pg_get_userbyid(oid) RETURNS name LANGUAGE plpgsql AS $$ BEGIN {0} RETURN 'x'; END $$; "
             "CREATE FUNCTION public.pg_database_size(oid) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN {0} RETURN 1; END $$".format(_SEIZE))
    source = PostgreSQL("all", **shop.options())
    try:
        source.preflight()
    finally:
        shop.sql("ALTER DATABASE postgres RESET search_path")
    assert not is_superuser(shop) and {row["owner"] for row in source.chosen} >= {"postgres", "dueno"}


_SETTINGS = ("statement_timeout = 1", "default_transaction_read_only = on", "role = dueno", "standard_conforming_strings = off", "lock_timeout = 1",
             "TimeZone = 'America/Lima'", "bytea_output = escape", "client_encoding = latin1", "row_security = on", "quote_all_identifiers = on")


def test_settings_of_the_database_change_no_copy(shop: Postgres, shelf: Shelf) -> None:
    """S7: `ALTER DATABASE SET` by its owner is overridden, so a copy is made and proved as ever."""
    as_owner(shop, "CREATE TABLE t AS SELECT now() AS at, 'ñ'::text AS note, '\\x00ff'::bytea AS photo;\n"
             + "".join("ALTER DATABASE tienda SET {0};".format(setting) for setting in _SETTINGS))
    source = PostgreSQL(["tienda"], **shop.options())
    shelf.make(source)
    with shelf.open() as copy:
        assert PostgreSQL(["tienda"], **shop.options()).rehearse(copy, "") == ["pg_restore_into_scratch", "dump_compare"]


# What an owner can have run by whoever loads his tables.
_EVIL = """
CREATE FUNCTION evil(anyelement) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  IF current_setting('is_superuser') = 'on' THEN
    BEGIN EXECUTE 'COPY (SELECT 1) TO PROGRAM ''{program}'''; EXCEPTION WHEN OTHERS THEN NULL; END;
    BEGIN EXECUTE 'ALTER ROLE dueno SUPERUSER'; EXCEPTION WHEN OTHERS THEN NULL; END;
  END IF;
  RETURN true;
END $$;
"""
# loaded data, a domain, an index, a view that is filled, a computed column; each runs a function of its own by which it is known
_WAYS = """
CREATE TABLE checked (a int CHECK (evil(a))); INSERT INTO checked VALUES (1);
CREATE DOMAIN d AS int CHECK (evil(VALUE)); CREATE TABLE of_a_domain (a d); INSERT INTO of_a_domain VALUES (1);
CREATE FUNCTION fixed(int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT public.evil($1)';
CREATE TABLE plain (a int); INSERT INTO plain VALUES (1); CREATE INDEX ON plain (fixed(a));
CREATE MATERIALIZED VIEW filled AS SELECT evil(a) FROM plain;
CREATE TABLE computed (a int, b boolean GENERATED ALWAYS AS (fixed(a)) STORED); INSERT INTO computed (a) VALUES (1);
"""


def test_a_rehearsal_runs_nothing_on_the_live_server(shop: Postgres, shelf: Shelf, canary: Path) -> None:
    """S8: code of a table's owner runs as superuser in the throw-away server only, where it finds nothing."""
    program = "id > {0}/PWNED; touch /run/PWNED /var/tmp/PWNED /etc/PWNED".format(canary)
    as_owner(shop, _EVIL.format(program=program) + _WAYS)
    shelf.make(PostgreSQL(["tienda"], **shop.options()))
    log = (shop.directory / "log").stat().st_size
    with shelf.open() as copy:
        assert PostgreSQL(["tienda"], **shop.options()).rehearse(copy, "") == ["pg_restore_into_scratch", "dump_compare"]
    assert not list(canary.iterdir()) and not is_superuser(shop)
    assert (shop.directory / "log").stat().st_size == log, "the live server was not spoken to"


_SPY = r"""
{ id; cat /proc/self/status | grep -E "NoNewPrivs|CapEff|CapBnd"; echo processes $(ls /proc | grep -c "^[0-9]"); echo nets $(cat /proc/net/dev | grep -vc "|");
  for each in SECRETS; do cat $each >/dev/null 2>&1 && echo READ $each; done
  touch /usr/x /etc/x /etc/alternatives/x /x /dev/x 2>/dev/null && echo WROTE
  echo chosen $(ls -A /etc/alternatives | wc -l)
  ls /run /var /home /root /srv /work 2>/dev/null; kill -9 -1 2>/dev/null; } > /tmp/report 2>&1; cat /tmp/report
"""


def test_what_runs_there_finds_nothing(shop: Postgres, shelf: Shelf, canary: Path) -> None:
    """S8: no data of the live server, no scratch, no socket, no network, no other process, no way to more rights."""
    (canary / "world-readable").write_text("anybody on this server reads this")
    (canary / "world-readable").chmod(0o644)
    with programs.private_directory() as directory, jail.Jail(directory, "SIGA_20261122") as place:
        script = _SPY.replace("SECRETS", " ".join([str(shop.directory / "data/PG_VERSION"), str(canary / "world-readable"), "/etc/shadow",
                                                   "/etc/ssh/ssh_config", str(shop.directory / ".s.PGSQL.*"), "/proc/1/environ", directory + "/log"]))
        place.start(["/bin/sh", "-c", script + "; sleep 60"], programs.environment())
        deadline = time.monotonic() + 30
        while "respaldo" not in place.said() and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(1)
        told = place.said()
    assert "READ" not in told and "WROTE" not in told, told
    assert "uid={0}(respaldo)".format(place.account) in told and "groups={0}(respaldo)".format(place.account) in told
    assert "NoNewPrivs: 1" in told and "CapEff: 0000000000000000" in told and "CapBnd: 0000000000000000" in told
    assert "nets 1" in told, "the loopback alone"
    # links to programs and libraries of the system: without them PostGIS has no control file there
    assert int(told.partition("chosen ")[2].split()[0]) == len(os.listdir("/etc/alternatives"))
    assert int(told.partition("processes ")[2].split()[0]) < 12, "its own alone"


def processes_of(account: int) -> List[str]:
    found = []
    for name in os.listdir("/proc"):
        with contextlib.suppress(OSError):
            if name.isdigit() and os.stat("/proc/" + name).st_uid in (account, account + 1):
                found.append(name)
    return found


def test_what_wants_to_stay_is_ended(shop: Postgres) -> None:
    """S8: daemons of the copy's code end with the block."""
    with programs.private_directory() as directory, jail.Jail(directory, "SIGA_20261122") as place:
        place.start(["/bin/sh", "-c", "(setsid nohup sh -c 'trap \"\" TERM HUP INT; while :; do sleep 1; done' >/dev/null 2>&1 &) ; sleep 300"],
                    programs.environment())
        deadline = time.monotonic() + 30
        while len(processes_of(place.account)) < 3:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        # three thousand levels are more than a path may be long, and than Python recurses
        held = os.open(place.own, os.O_RDONLY)
        for _level in range(3000):
            os.mkdir("d", dir_fd=held)
            inner = os.open("d", os.O_RDONLY, dir_fd=held)
            os.close(held)
            held = inner
        os.close(held)
    assert not processes_of(place.account) and not os.path.exists(place.own)


def test_a_killed_rehearsal_leaves_no_server(tmp_path: Path) -> None:
    """S8: SIGKILL of the run ends the throw-away server with all it started; the next run removes its directory."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    program = textwrap.dedent("""
        import sys, time
        sys.path.insert(0, sys.argv[1])
        from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.processes import jail, programs
        with programs.private_directory(sys.argv[2]) as directory, jail.Jail(directory, "SIGA_20261122") as place:
            place.start(["/bin/sleep", "600"], programs.environment())
            print(place.account, flush=True)
            time.sleep(600)
        """)
    root = jail.__file__.split("/ansible_collections/")[0]
    run = subprocess.Popen([sys.executable, "-c", program, root, str(scratch)], stdout=subprocess.PIPE, text=True)
    assert run.stdout
    account = int(run.stdout.readline())
    deadline = time.monotonic() + 30
    while not processes_of(account):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    run.send_signal(signal.SIGKILL)
    run.wait()
    while processes_of(account):
        assert time.monotonic() < deadline + 30
        time.sleep(0.05)
    left = list(scratch.iterdir())
    assert left, "a killed run can't tidy up"
    os.utime(left[0], (time.time() - 3600,) * 2)
    with programs.private_directory(str(scratch)):
        assert not left[0].exists()


def test_without_a_throw_away_server_nothing_is_loaded_into_the_live_one(shop: Postgres, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """S8: not told is not damaged, and only words in the inventory let the live server be used."""
    as_owner(shop, "CREATE TABLE t AS SELECT 1 AS a;")
    shelf.make(PostgreSQL(["tienda"], **shop.options()))
    log = (shop.directory / "log").stat().st_size
    monkeypatch.setattr(postgresql_scratch, "_PLACES", ("/nonexistent",))
    monkeypatch.setattr(postgresql_scratch, "_SERVER_TOOLS", ("initdb", "nonexistent"))
    with shelf.open() as copy:
        error = expect("rehearsal_unavailable", lambda: PostgreSQL(["tienda"], **shop.options()).rehearse(copy, ""))
        assert error.code == "RSP508" and "PostgreSQL 15" in error.message
        assert (shop.directory / "log").stat().st_size == log
        source = PostgreSQL(["tienda"], rehearse_on_live=True, **shop.options())
        assert source.rehearse(copy, "") == ["pg_restore_into_scratch", "dump_compare"]
        assert "live server" in source.remarks()[-1]
    assert not [name for name in shop.names() if name.startswith("respaldo_scratch_")]


def test_no_room_and_no_root_are_told(shop: Postgres, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    as_owner(shop, "CREATE TABLE t AS SELECT 1 AS a;")
    shelf.make(PostgreSQL(["tienda"], **shop.options()))
    with shelf.open() as copy:
        for row in copy.manifest["parts"]:
            row["facts"]["size"] = 1 << 55
        error = expect("rehearsal_no_room", lambda: PostgreSQL(["tienda"], **shop.options()).rehearse(copy, ""))
        assert error.code == "RSP510"
    with programs.private_directory() as directory:
        monkeypatch.setattr(os, "geteuid", lambda: 1000)     # after: the directory is this account's own
        expect("rehearsal_unavailable", lambda: jail.Jail(directory, "SIGA_20261122").__enter__())
        monkeypatch.undo()


def test_a_copy_without_roles_has_those_it_names(shop: Postgres, shelf: Shelf) -> None:
    """The same comparison as on the live server: owners, grants, tablespaces."""
    place = shop.directory / "quick"
    place.mkdir()
    os.chown(place, shop.directory.stat().st_uid, -1)
    shop.sql("CREATE ROLE \"señora \"\" X\"; CREATE ROLE lee")
    shop.sql("CREATE TABLESPACE \"rápido\" LOCATION '{0}'".format(place))
    shop.sql('CREATE TABLE t (a int) TABLESPACE "rápido"; ALTER TABLE t OWNER TO "señora "" X"; GRANT SELECT ON t TO lee; INSERT INTO t VALUES (17);', "tienda")
    for globals_too in (True, False):
        label = "SIGA_2026112{0}".format(int(globals_too))
        shelf.make(PostgreSQL(["tienda"], **shop.options(globals=globals_too)), label)
        with shelf.open(label) as copy:
            PostgreSQL(["tienda"], **shop.options()).rehearse(copy, "")
    shop.sql('DROP TABLE t', "tienda")
    shop.sql('DROP TABLESPACE "rápido"; DROP ROLE "señora "" X"; DROP ROLE lee')


def test_a_restore_says_when_it_was_a_superusers_and_can_be_anothers(shop: Postgres, shelf: Shelf, canary: Path) -> None:
    """S8: restoring into a living server is a person's act; by an account without superuser the copy's code can't be one."""
    as_owner(shop, _EVIL.format(program="id > {0}/PWNED".format(canary)) + "CREATE TABLE t (a int CHECK (evil(a))); INSERT INTO t VALUES (1);")
    shop.sql("CREATE ROLE restaura LOGIN CREATEDB PASSWORD 'x'")
    shelf.make(PostgreSQL(["tienda"], **shop.options()))
    try:
        with shelf.open() as copy:
            other = PostgreSQL(["tienda"], owners=False, **shop.options(user="restaura"))
            other.restore(copy, "de_otra", False)
            assert not other.remarks() and not is_superuser(shop) and not list(canary.iterdir())
            assert shop.sql("SELECT pg_get_userbyid(relowner), (SELECT count(*) FROM t) FROM pg_class WHERE relname = 't'", "de_otra") == "restaura|1\n"
            source = PostgreSQL(["tienda"], **shop.options())
            source.restore(copy, "de_postgres", False)
            assert "superuser" in source.remarks()[-1]
    finally:
        shop.sql("DROP DATABASE IF EXISTS de_otra")
        shop.sql("DROP DATABASE IF EXISTS de_postgres")
        shop.sql("DROP ROLE restaura; ALTER ROLE dueno NOSUPERUSER")


def test_what_never_ends_is_ended(shop: Postgres, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """S8's sibling: a function that is run while loading and waits for ever; a table that its owner locks for good."""
    as_owner(shop, "CREATE FUNCTION slow(int) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN "
                   "IF current_setting('is_superuser') = 'on' THEN PERFORM pg_sleep(1000); END IF; RETURN true; END $$; "
                   "CREATE TABLE t (a int CHECK (slow(a))); INSERT INTO t VALUES (1);")
    shelf.make(PostgreSQL(["tienda"], **shop.options()))
    monkeypatch.setattr(postgresql_scratch, "_SECONDS", 20.0)
    with shelf.open() as copy:
        error = expect("rehearsal_unavailable", lambda: PostgreSQL(["tienda"], **shop.options()).rehearse(copy, ""))
    assert "had not ended" in error.message
    monkeypatch.setattr(postgresql, "_LOCK_SECONDS", 1)
    holder = subprocess.Popen(["psql", "-X", "-q", "-h", str(shop.directory), "-p", str(shop.port), "-U", "postgres", "tienda"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdin and holder.stdout
    holder.stdin.write(b"SET SESSION AUTHORIZATION dueno; BEGIN; LOCK TABLE t; SELECT 1;\n")
    holder.stdin.flush()
    holder.stdout.readline()
    error = expect("stage_failed", lambda: shelf.make(PostgreSQL(["tienda"], **shop.options()), "SIGA_20261123"))
    holder.communicate()
    assert "LOCK TABLE" in error.message
