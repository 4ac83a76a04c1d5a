# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PostgreSQL in pieces of one moment: there and back, and every way in which the moment may be lost."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.processes.pipeline import run
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources import postgresql_pieces
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.postgresql import PostgreSQL

from .conftest import PASSWORD, Postgres, Shelf, expect, watched
from .test_postgresql import EVERYTHING, dump, shell, wrapped

LARGE = """
CREATE SCHEMA "Big $1";
CREATE TABLE "Big $1"."it's.b""ig" (id serial PRIMARY KEY, otro int GENERATED ALWAYS AS IDENTITY, padre int, nota text);
INSERT INTO "Big $1"."it's.b""ig" (padre, nota) SELECT g % 7, repeat(md5(g::text), 8) FROM generate_series(1, 6000) g;
CREATE TABLE big (id int PRIMARY KEY, nota text CHECK (length(nota) > 3));
INSERT INTO big SELECT g, repeat(md5(g::text), 8) FROM generate_series(1, 6000) g;
-- another schema has a table and a sequence of the same name
CREATE SCHEMA otro;
CREATE SEQUENCE otro.big START 5;
SELECT setval('otro.big', 55);
CREATE TABLE chica (id int PRIMARY KEY REFERENCES big (id));
INSERT INTO chica SELECT g FROM generate_series(1, 100) g;
ALTER TABLE "Big $1"."it's.b""ig" ADD FOREIGN KEY (id) REFERENCES big (id);
CREATE INDEX ON big (nota);
CREATE TABLE meses (dia date, nota text) PARTITION BY RANGE (dia);
CREATE TABLE meses_1 PARTITION OF meses FOR VALUES FROM ('2026-01-01') TO ('2026-07-01');
CREATE TABLE meses_2 PARTITION OF meses FOR VALUES FROM ('2026-07-01') TO ('2027-01-01');
INSERT INTO meses SELECT '2026-01-01'::date + g % 365, repeat(md5(g::text), 8) FROM generate_series(1, 9000) g;
CREATE MATERIALIZED VIEW conteo AS SELECT count(*) FROM big;
CREATE FUNCTION contar() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO chica VALUES (NEW.id); RETURN NEW; END $$;
CREATE TRIGGER contar AFTER INSERT ON big FOR EACH ROW EXECUTE FUNCTION contar();
ALTER TABLE big ENABLE ROW LEVEL SECURITY;
CREATE POLICY uno ON big TO lector USING (true);
REVOKE ALL ON big FROM postgres;
"""


@pytest.fixture(scope="session")
def server(postgres: Postgres) -> Iterator[Postgres]:
    postgres.sql("DO $$ BEGIN CREATE ROLE lector; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
    postgres.sql("DO $$ BEGIN CREATE ROLE \"dueña\"; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
    postgres.sql('CREATE DATABASE grande')
    postgres.sql(EVERYTHING, "grande")
    postgres.sql(LARGE, "grande")
    yield postgres
    postgres.sql("DROP DATABASE grande")


def source(server: Postgres, **more: Any) -> PostgreSQL:
    return PostgreSQL(["grande"], **server.options(**dict({"jobs": 2, "jobs_from": 1}, **more)))


def pieces(made: Any) -> List[str]:
    return [row["name"] for row in made.manifest["parts"]]


def test_pieces_come_back_as_the_whole(server: Postgres, shelf: Shelf) -> None:
    made = shelf.make(source(server))
    names = pieces(made)
    assert names[:2] == ["globals", "grande"] and names[-1] == "grande.last" and len(names) >= 6
    tables = {(row["facts"]["schema"], row["facts"]["table"]) for row in made.manifest["parts"] if "table" in row["facts"]}
    assert {("Big $1", "it's.b\"ig"), ("public", "big")} <= tables
    assert "one stream" not in str(made.manifest["warnings"])
    before = server.names()
    with shelf.open() as copy:
        back = source(server)
        assert "pg_restore_read" in copy.verify_structure(back)
        assert back.rehearse(copy, "") == ["pg_restore_into_scratch", "dump_compare"]
        assert back.remarks() == []
        assert server.names() == before
        assert back.restore(copy, "grande nueva", False)["left_out"] == []
        assert dump(server, "grande nueva") == dump(server, "grande")
        # a copy whose manifest forgot a piece is not taken for whole
        main = next(row for row in copy.manifest["parts"] if row["name"] == "grande")
        del main["facts"]["pieces"][0]
        expect("restored_differs", lambda: back.rehearse(copy, ""))
    server.sql('DROP DATABASE "grande nueva"')
    shell(made.manifest["restore"], shelf.directory(), server, "por bash")
    assert dump(server, "por bash") == dump(server, "grande")
    server.sql('DROP DATABASE "por bash"')


def test_all_pieces_are_of_one_moment(server: Postgres, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    opened, refused = postgresql_pieces.Divided.opened, []

    @contextlib.contextmanager
    def changed_meanwhile(division: Any) -> Iterator[None]:
        with opened(division):
            server.sql("INSERT INTO big VALUES (-1, 'después'); DELETE FROM chica WHERE id = 7; CREATE TABLE nueva (i int)", "grande")
            with pytest.raises(AssertionError, match="lock timeout"):
                server.sql("SET lock_timeout = '100ms'; TRUNCATE meses_1", "grande")
            refused.append(True)
            yield

    before = dump(server, "grande")
    monkeypatch.setattr(postgresql_pieces.Divided, "opened", changed_meanwhile)
    with watched("psql") as seen:
        made = shelf.make(source(server, host="127.0.0.1", password=PASSWORD, run_as=""))
    monkeypatch.undo()
    server.sql("DELETE FROM chica WHERE id = -1; DELETE FROM big WHERE id = -1; INSERT INTO chica VALUES (7); DROP TABLE nueva", "grande")
    assert refused == [True] and not seen and len(pieces(made)) >= 6
    with shelf.open() as copy:
        source(server).restore(copy, "de antes", False)
    assert sorted(dump(server, "de antes")) == sorted(before)
    server.sql('DROP DATABASE "de antes"')


def one_stream(made: Any) -> bool:
    return pieces(made) == ["globals", "grande"] and "one stream" in str(made.manifest["warnings"])


def test_a_moment_that_is_lost_costs_the_pieces_not_the_copy(server: Postgres, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = postgresql_pieces.Divided.opened

    @contextlib.contextmanager
    def ended_meanwhile(division: Any) -> Iterator[None]:
        with opened(division):
            yield
            server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_export_snapshot%' AND pid <> pg_backend_pid()")

    monkeypatch.setattr(postgresql_pieces.Divided, "opened", ended_meanwhile)
    assert one_stream(shelf.make(source(server)))
    monkeypatch.undo()
    # somebody locks a table just before, and leaves after a while
    monkeypatch.setattr(postgresql_pieces, "_LOCK_SECONDS", 1)
    holding = threading.Thread(target=server.sql, args=("BEGIN; LOCK TABLE big; SELECT pg_sleep(4); COMMIT", "grande"))

    def locked_before(division: Any) -> Any:
        holding.start()
        deadline = time.monotonic() + 30
        while not int(server.sql("SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND relation IS NOT NULL")):
            assert time.monotonic() < deadline
        return opened(division)

    monkeypatch.setattr(postgresql_pieces.Divided, "opened", locked_before)
    made = shelf.make(source(server), label="SIGA_20261123")
    holding.join()
    assert one_stream(made)


def test_a_piece_that_fails_leaves_nothing(server: Postgres, shelf: Shelf, tmp_path_factory: pytest.TempPathFactory) -> None:
    script = 'case "$*" in *--table=public.big*) echo no se pudo >&2; exit 1;; esac; exec {0}/pg_dump "$@"'.format(server.programs())
    failing = wrapped(tmp_path_factory.mktemp("tools"), "pg_dump", script)
    error = expect("stage_failed", lambda: shelf.make(source(server, bin_dir=failing, run_as="")))
    assert "no se pudo" in error.message and shelf.empty()


def told_by(directory: Path, script: str) -> Dict[str, Any]:
    """Options of a source whose psql tells its process number, and whose pg_dump of the rows of `big` does something first."""
    bin_dir = wrapped(directory, "pg_dump", 'case "$*" in *--table=public.big*) {0};; esac; exec /usr/bin/pg_dump "$@"'.format(script))
    psql = Path(bin_dir, "psql")
    psql.unlink()
    psql.write_text('#!/bin/bash\necho $$ > "{0}/holder"\nexec /usr/bin/psql "$@"\n'.format(directory))
    psql.chmod(0o755)
    return {"bin_dir": bin_dir, "run_as": "", "host": "127.0.0.1", "password": PASSWORD}


def at_rest(server: Postgres, directory: Path) -> None:
    """Nothing that was begun from there runs any more, and no session holds anything in the server."""
    deadline = time.monotonic() + 60
    while True:
        running = [path for path in Path("/proc").glob("[0-9]*/cmdline") if os.fsencode(directory) in _read(path)]
        sessions = int(server.sql("SELECT count(*) FROM pg_stat_activity WHERE datname = 'grande'"))
        if not running and not sessions:
            return
        assert time.monotonic() < deadline, (running, sessions)
        time.sleep(0.1)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_the_session_that_holds_the_moment_is_killed(server: Postgres, shelf: Shelf, tmp_path_factory: pytest.TempPathFactory) -> None:
    top = tmp_path_factory.mktemp("holder")
    made = shelf.make(source(server, **told_by(top, '[ -e "{0}/done" ] || {{ touch "{0}/done"; kill -9 $(cat "{0}/holder"); }}'.format(top))))
    assert one_stream(made)
    at_rest(server, top)


def test_a_pg_dump_that_is_killed_leaves_nothing(server: Postgres, shelf: Shelf, tmp_path_factory: pytest.TempPathFactory) -> None:
    top = tmp_path_factory.mktemp("killed")
    error = expect("stage_failed", lambda: shelf.make(source(server, **told_by(top, "kill -9 $$"))))
    assert "pg_dump" in error.message and "SIGKILL" in error.message, error.message
    assert shelf.empty()
    at_rest(server, top)


def test_a_module_that_is_killed_leaves_what_the_next_one_sweeps(server: Postgres, shelf: Shelf, tmp_path_factory: pytest.TempPathFactory) -> None:
    top = tmp_path_factory.mktemp("module")
    options = told_by(top, 'touch "{0}/dumping"; sleep 1'.format(top))
    module = os.fork()
    if not module:
        with contextlib.suppress(BaseException):
            shelf.make(source(server, **options))
        os._exit(1)
    deadline = time.monotonic() + 120
    while not (top / "dumping").exists():
        assert time.monotonic() < deadline and not os.waitpid(module, os.WNOHANG)[0], "it ended before"
        time.sleep(0.01)
    os.kill(module, signal.SIGKILL)
    os.waitpid(module, 0)
    at_rest(server, top)
    labels = shelf.path / "database" / "SIGA"
    assert [path.name for path in labels.iterdir() if path.is_dir()] == [".SIGA_20261122.partial"], "nothing has a copy's name"
    made = shelf.make(source(server), label="SIGA_20261123")
    assert len(pieces(made)) >= 6 and [path.name for path in labels.iterdir() if path.is_dir()] == ["SIGA_20261123"]


def test_rows_of_another_table_and_other_rows_are_found(server: Postgres, shelf: Shelf) -> None:
    shelf.make(source(server))
    with shelf.open() as copy:
        row = next(row for row in copy.manifest["parts"] if row["facts"].get("table") == "big")
        facts = row["facts"]
        row["facts"] = dict(facts, table="otra")
        expect("structure_unreadable", lambda: copy.verify_structure(source(server)))
        row["facts"] = facts
        original = copy.stream

        def stream(name: str, stages: Any = (), feed: Any = None) -> int:
            if name == row["name"] and stages and "--dbname" in " ".join(stages[0].argv):
                text: List[bytes] = []
                original(name, (), text.append)
                # a row begins after its length
                assert b"".join(text).count(b"\x0017\t") == 1
                data = b"".join(text).replace(b"\x0017\t", b"\x00-7\t")
                halves = iter([data, b""])
                run(list(stages), feed or (lambda chunk: None), reader=lambda size: next(halves))
                return len(data)
            return original(name, stages, feed)

        copy.stream = stream
        error = expect("restored_differs", lambda: source(server).rehearse(copy, ""))
        assert "big" in error.message


def test_small_ones_and_those_left_out_are_no_pieces(server: Postgres) -> None:
    def names(**more: Any) -> List[str]:
        made = source(server, **more)
        made.preflight()
        return [part.name for part in made.parts()]

    assert names(jobs=1) == names(jobs_from=1 << 40) == ["globals", "grande"]
    without = source(server)
    without.unreadable = {"grande": ["public.big"]}
    without.preflight()
    parts = without.parts()
    assert len(parts) > 3 and not [part for part in parts if part.facts.get("table") == "big"]
