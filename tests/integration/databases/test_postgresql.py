# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PostgreSQL: copies of a real server, made, proved, restored; and every way in which it may go wrong."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import threading
import time
from pathlib import Path
from typing import Any, List

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.processes.pipeline import Stage, run
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.postgresql import PostgreSQL

from .conftest import PASSWORD, Postgres, Shelf, altered, expect, watched

EVERYTHING = """
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE SCHEMA "Área";
CREATE TYPE estado AS ENUM ('activo', 'baja');
CREATE DOMAIN ruc AS text CHECK (VALUE ~ '^[0-9]{11}$');
CREATE SEQUENCE folio START 7;
CREATE TABLE "Área"."órdenes" (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, ruc ruc, estado estado DEFAULT 'activo',
  monto numeric(12,2), doble numeric GENERATED ALWAYS AS (monto * 2) STORED, datos jsonb, foto bytea, nota text);
INSERT INTO "Área"."órdenes" (ruc, monto, datos, foto, nota) SELECT lpad(g::text, 11, '0'), g / 3.0, jsonb_build_object('ñ', g),
  decode(md5(g::text), 'hex'), E'línea\\n--\\n-- Name: falsa; Type: TABLE; \\t😀' || g FROM generate_series(1, 2000) g;
CREATE TABLE partida (dia date, valor int) PARTITION BY RANGE (dia);
CREATE TABLE partida_2026 PARTITION OF partida FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
INSERT INTO partida SELECT '2026-01-01'::date + g % 300, g FROM generate_series(1, 500) g;
CREATE TABLE hijo (orden bigint REFERENCES "Área"."órdenes" (id) ON DELETE CASCADE);
INSERT INTO hijo SELECT g FROM generate_series(1, 50) g;
CREATE INDEX ON "Área"."órdenes" USING gin (nota gin_trgm_ops);
CREATE VIEW resumen AS SELECT estado, count(*) FROM "Área"."órdenes" GROUP BY 1;
CREATE MATERIALIZED VIEW cubo AS SELECT sum(monto) FROM "Área"."órdenes";
CREATE FUNCTION suma(a int, b int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN a + b; END $$;
CREATE FUNCTION sello() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.nota := NEW.nota || '!'; RETURN NEW; END $$;
CREATE TRIGGER sellar BEFORE UPDATE ON "Área"."órdenes" FOR EACH ROW EXECUTE FUNCTION sello();
ALTER TABLE hijo ENABLE ROW LEVEL SECURITY;
CREATE POLICY todos ON hijo USING (true);
CREATE RULE nada AS ON DELETE TO hijo DO INSTEAD NOTHING;
CREATE PUBLICATION pub FOR TABLE hijo;
CREATE COLLATION es (provider = icu, locale = 'es-PE');
COMMENT ON TABLE hijo IS 'detalle de la orden';
GRANT SELECT ON hijo TO lector;
ALTER TABLE hijo OWNER TO "dueña";
SELECT setval('folio', 99);
SELECT lo_from_bytea(0, 'objeto grande'::bytea);
"""


@pytest.fixture(scope="session")
def server(postgres: Postgres) -> Postgres:
    postgres.sql("CREATE ROLE lector LOGIN PASSWORD 'x'; CREATE ROLE \"dueña\";")
    postgres.sql('CREATE DATABASE siga OWNER "dueña"')
    postgres.sql(EVERYTHING, "siga")
    return postgres


def dump(server: Postgres, database: str) -> List[str]:
    text = subprocess.run(["pg_dump", "--host=" + str(server.directory), "--port=" + str(server.port), "--username=postgres", "--format=plain",
                           "--dbname=dbname='{0}'".format(database.replace("'", "\\'"))], capture_output=True, text=True, check=True).stdout
    return [line for line in text.split("\n") if not line.startswith(("\\restrict", "\\unrestrict", "-- Dumped"))]


def shell(commands: List[str], directory: str, server: Postgres, target: str) -> None:
    environment = dict(os.environ, PGHOST=str(server.directory), PGPORT=str(server.port), PGUSER="postgres", TARGET=target,
                       PATH=server.programs() + os.pathsep + os.environ["PATH"])
    for command in commands:
        done = subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=directory, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, command + "\n" + done.stderr


def test_every_kind_of_object_comes_back(server: Postgres, shelf: Shelf) -> None:
    made = shelf.make(PostgreSQL(["siga"], **server.options()))
    assert made.fields["objects"] == 4 and "pg_restore_read" in made.fields["checks"]
    assert [row["name"] for row in made.manifest["parts"]] == ["globals", "siga"]
    assert made.manifest["parts"][1]["facts"]["owner"] == "dueña"
    before = server.names()
    with shelf.open() as copy:
        source = PostgreSQL(["siga"], **server.options())
        assert "pg_restore_read" in copy.verify_structure(source)
        assert source.rehearse(copy, "") == ["pg_restore_into_scratch", "dump_compare"]
        assert server.names() == before
        assert source.restore(copy, "siga nueva", False)["target"] == "siga nueva"
        assert dump(server, "siga nueva") == dump(server, "siga")
        assert server.sql("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'siga nueva'") == "dueña\n"
        expect("target_exists", lambda: source.restore(copy, "siga nueva", False))
        server.sql("CREATE TABLE mine (i int)", "siga nueva")
        kept = source.restore(copy, "siga nueva", True)["kept"]
        assert kept == "siga nueva_before_SIGA_20261122"
        assert dump(server, "siga nueva") == dump(server, "siga")
        assert "mine" in "".join(dump(server, kept))
        expect("target_exists", lambda: source.restore(copy, "siga nueva", True))
    server.sql('DROP DATABASE "siga nueva"; DROP DATABASE "{0}"'.format(kept))


def test_stock_commands_of_the_manifest_restore(server: Postgres, shelf: Shelf) -> None:
    made = shelf.make(PostgreSQL(["siga"], **server.options(globals=False)))
    shell(made.manifest["restore"], shelf.directory(), server, "por bash")
    assert dump(server, "por bash") == dump(server, "siga")
    server.sql('DROP DATABASE "por bash"')


def test_several_databases_with_odd_names_come_back_on_an_empty_server(postgres: Postgres, mortal_postgres: Postgres, shelf: Shelf) -> None:
    names = ["señales", "it's \"odd\" $x", "vacía=1"]
    for name in names[:2]:
        mortal_postgres.sql('CREATE DATABASE "{0}"'.format(name.replace('"', '""')))
        mortal_postgres.sql("CREATE TABLE t AS SELECT 'ñ😀'::text AS v", name)
    mortal_postgres.sql('CREATE DATABASE "vacía=1"; CREATE ROLE solo_aqui')
    mortal_postgres.sql("ALTER DATABASE \"señales\" SET work_mem = '8MB'")
    made = shelf.make(PostgreSQL("all", **mortal_postgres.options()))
    assert {row["facts"].get("database") for row in made.manifest["parts"]} == {None, "postgres", *names}
    assert all(row["file"].isascii() and not set(row["file"]) & set(" '\"=$") for row in made.manifest["parts"])
    assert "without their passwords" in made.fields["warnings"][-1]
    globals_text = subprocess.run(["zstd", "-dc", "SIGA_20261122.globals.sql.zst"], cwd=shelf.directory(), capture_output=True, text=True, check=True).stdout
    assert "CREATE ROLE solo_aqui" in globals_text and "SCRAM" not in globals_text
    with shelf.open() as copy:
        source = PostgreSQL(["postgres"], **mortal_postgres.options())
        source.rehearse(copy, "")
        expect("invalid_input", lambda: source.restore(copy, "x", False))
        assert not PostgreSQL(["postgres"], database=names[1], **mortal_postgres.options()).restore(copy, "x", False)["left_out"]
        assert PostgreSQL(["postgres"], database=names[0], **mortal_postgres.options()).restore(copy, "y", False)["left_out"]
        assert mortal_postgres.sql("SELECT v FROM t", "x") == "ñ😀\n"
    shell([line for line in made.manifest["restore"] if "=1'" not in line], shelf.directory(), mortal_postgres, "de_")
    assert mortal_postgres.sql("SELECT v FROM t", "de_it's \"odd\" $x") == "ñ😀\n"


def test_hashes_of_roles_only_when_encrypted(server: Postgres) -> None:
    for encrypted in (True, False):
        source = PostgreSQL(["siga"], **server.options(encrypted=encrypted))
        source.preflight()
        text: List[bytes] = []
        with source.parts()[0].produce() as stages:
            run(stages, text.append)
        assert (b"SCRAM-SHA-256" in b"".join(text)) is encrypted
        assert bool(source.warnings()) is not encrypted


def test_causes_are_named_before_anything_is_written(server: Postgres, shelf: Shelf, tmp_path: Path) -> None:
    tcp = {"host": "127.0.0.1", "port": server.port, "user": "postgres"}
    wrong = expect("source_unreachable", lambda: shelf.make(PostgreSQL(["siga"], password="no", **tcp)))
    assert "not accepted" in wrong.message
    missing = expect("source_missing", lambda: shelf.make(PostgreSQL(["sigga"], **server.options())))
    assert "sigga" in missing.message and "siga" in missing.message.split("holds")[1]
    refused = expect("source_unreachable", lambda: shelf.make(PostgreSQL(["siga"], host="127.0.0.1", port=1)))
    assert "no server answers" in refused.message
    hba = server.directory / "data" / "pg_hba.conf"
    whole = hba.read_text()
    hba.write_text("local all all trust\n")
    server.sql("SELECT pg_reload_conf()")
    time.sleep(0.3)
    closed = expect("source_unreachable", lambda: shelf.make(PostgreSQL(["siga"], password=PASSWORD, **tcp)))
    hba.write_text(whole)
    server.sql("SELECT pg_reload_conf()")
    assert "pg_hba.conf" in closed.message
    expect("tool_too_old", lambda: shelf.make(PostgreSQL(["siga"], **server.options(bin_dir=wrapped(tmp_path, "pg_dump",
           'echo "pg_dump (PostgreSQL) 9.6.24"')))))
    expect("tool_missing", lambda: shelf.make(PostgreSQL(["siga"], **server.options(bin_dir=str(tmp_path / "none")))))
    assert shelf.empty() or not list(shelf.path.rglob("*.zst"))


def wrapped(tmp_path: Path, tool: str, script: str) -> str:
    """A bin_dir of the real tools but for one, which is a script."""
    directory = tmp_path / "bin"
    directory.mkdir()
    directory.chmod(0o755)
    for name in ("psql", "pg_dump", "pg_dumpall", "pg_restore"):
        if name == tool:
            (directory / name).write_text("#!/bin/bash\n" + script + "\n")
            (directory / name).chmod(0o755)
        else:
            (directory / name).symlink_to("/usr/bin/" + name)
    for parent in [directory, *directory.parents]:
        if parent != Path("/") and parent.stat().st_uid == os.geteuid():
            parent.chmod(parent.stat().st_mode | stat.S_IXOTH | stat.S_IROTH)
    return str(directory)


def test_a_killed_tool_and_a_cut_stream_leave_nothing(server: Postgres, shelf: Shelf, tmp_path: Path) -> None:
    scripts = tmp_path / "a"
    scripts.mkdir()
    killed = wrapped(scripts, "pg_dump", 'case "$*" in *--version*) exec /usr/bin/pg_dump --version;; esac; '
                     '/usr/bin/pg_dump "$@" | head -c 20000; kill -KILL $$')
    error = expect("stage_failed", lambda: shelf.make(PostgreSQL(["siga"], **server.options(bin_dir=killed))))
    assert "SIGKILL" in error.message
    scripts = tmp_path / "b"
    scripts.mkdir()
    cut = wrapped(scripts, "pg_dump", 'case "$*" in *--version*) exec /usr/bin/pg_dump --version;; esac; '
                  '/usr/bin/pg_dump "$@" | head -c 60000; exit 0')
    expect("structure_unreadable", lambda: shelf.make(PostgreSQL(["siga"], **server.options(bin_dir=cut))))
    assert not list(shelf.path.rglob("*.zst"))


def test_the_server_dies_during_the_dump(mortal_postgres: Postgres, shelf: Shelf) -> None:
    mortal_postgres.sql("CREATE DATABASE big")
    mortal_postgres.sql("CREATE TABLE t AS SELECT g, repeat(md5(g::text), 20) AS v FROM generate_series(1, 80000) g", "big")
    source = PostgreSQL(["big"], **mortal_postgres.options(globals=False))

    def kill_when_it_flows() -> None:
        while not any(path.stat().st_size > 1 << 20 for path in shelf.path.rglob("*.dump.zst")):
            time.sleep(0.005)
        mortal_postgres.stop(signal.SIGQUIT)

    killer = threading.Thread(target=kill_when_it_flows, daemon=True)
    killer.start()
    error = expect("source_unreachable", lambda: shelf.make(source))
    killer.join(30)
    assert "ended the connection" in error.message
    assert not list(shelf.path.rglob("*.zst"))


def test_password_is_seen_by_nobody(server: Postgres, shelf: Shelf, tmp_path: Path) -> None:
    slow = wrapped(tmp_path, "pg_dump", 'case "$*" in *--format*) sleep 1;; esac; exec /usr/bin/pg_dump "$@"')
    with watched("pg_dump") as seen:
        made = shelf.make(PostgreSQL(["siga"], host="127.0.0.1", port=server.port, user="postgres", password=PASSWORD,
                                     bin_dir=slow))
    assert not seen
    assert PASSWORD not in json.dumps(made.manifest, ensure_ascii=False) + json.dumps(made.fields, ensure_ascii=False)


def test_rehearsal_finds_a_changed_row_and_names_its_table(server: Postgres, shelf: Shelf) -> None:
    shelf.make(PostgreSQL(["siga"], **server.options()))
    before = server.names()
    with shelf.open() as copy:
        source = PostgreSQL(["siga"], **server.options())
        error = expect("restored_differs", lambda: source.rehearse(altered(copy, b"\t333.33\t", b"\t333.34\t"), ""))
    assert 'table "Área"."órdenes": 2000 rows copied, 2000 restored; 1 only in the copy, 1 only in what was restored; in columns: monto' in error.message
    with shelf.open() as copy:
        expect("restored_differs", lambda: source.restore(altered(copy, b"\t333.33\t", b"\t333.34\t"), "otra", False))
    with shelf.open() as copy:
        whole = copy.stream

        def stream(name: str, stages: Any = (), feed: Any = None) -> int:
            """Astray each time that it is loaded: what fails once is tried once more."""
            astray = [Stage("sed", ["/usr/bin/sed", "s/CREATE SCHEMA/CREATE SCHEMO/"])] if any("--verbose" in stage.argv for stage in stages) else []
            return whole(name, [*astray, *stages], feed)

        copy.stream = stream
        expect("restore_failed", lambda: source.restore(copy, "otra", False))
    assert server.names() == before


def test_rows_may_come_back_in_another_order_but_not_others(server: Postgres, shelf: Shelf) -> None:
    """A table filled by the transaction that made it has gaps in its pages; its restore fills them with later, smaller rows."""
    server.sql("CREATE DATABASE gaps")
    rows = "".join("{0}\t{1}\n".format(i, "x" * (1900 if i % 7 == 0 else i * 7919 % 400)) for i in range(3000))
    server.sql("BEGIN; CREATE TABLE notes (id int, note text); ALTER TABLE notes ALTER note SET STORAGE plain;\n"
               "COPY notes FROM stdin;\n" + rows + "\\.\nCOMMIT;\n", "gaps")
    shelf.make(PostgreSQL(["gaps"], **server.options(globals=False)))
    source = PostgreSQL(["gaps"], **server.options())
    with shelf.open() as copy:
        source.restore(copy, "gaps_again", False)
    assert server.sql("COPY notes TO STDOUT", "gaps") != server.sql("COPY notes TO STDOUT", "gaps_again")
    with shelf.open() as copy:
        error = expect("restored_differs", lambda: source.rehearse(altered(copy, b"2999\t", b"2998\t"), ""))
    assert "table public.notes" in error.message and "in columns: id" in error.message


def test_the_check_reads_the_structure_to_its_end(server: Postgres) -> None:
    source = PostgreSQL(["siga"], **server.options(globals=False))
    source.preflight()
    part = source.parts()[0]
    pieces: List[bytes] = []
    with part.produce() as stages:
        run(stages, pieces.append)
    whole = b"".join(pieces)

    def checked(data: bytes) -> Any:
        check = part.check()
        chunks = iter([data, b""])
        run(check.stages(), check.feed, reader=lambda size: next(chunks))
        return check.finish()

    assert checked(whole) == 4
    for cut in (len(whole) - 1, len(whole) - 9, len(whole) // 2, 3000):
        with pytest.raises(BackupError):
            checked(whole[:cut])
    header = whole.index(b"00000000001\tactivo") - 40
    broken = bytearray(whole)
    for position in range(header, header + 30):
        broken[position] ^= 0x10
    with pytest.raises(BackupError):
        checked(bytes(broken))


def test_sessions_in_the_target_are_named_and_respected(server: Postgres, shelf: Shelf) -> None:
    shelf.make(PostgreSQL(["siga"], **server.options(globals=False)))
    holder = subprocess.Popen(["psql", "-X", "-h", str(server.directory), "-p", str(server.port), "-U", "postgres", "siga"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdin and holder.stdout
    holder.stdin.write(b"SELECT 1;\n")
    holder.stdin.flush()
    holder.stdout.readline()
    with shelf.open() as copy:
        error = expect("restore_failed", lambda: PostgreSQL(["siga"], **server.options()).restore(copy, "siga", True))
    holder.communicate()
    assert "sessions are connected" in error.message
