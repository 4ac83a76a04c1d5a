# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What others may have put into the database of a bitácora, and what a role that may only INSERT can do to it (S18)."""

from __future__ import annotations

import sqlite3

import psycopg
import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import chain, entries, postgresql, postgresql_schema
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store

_SEIZE = ("LANGUAGE plpgsql AS $$ BEGIN IF current_setting('is_superuser') = 'on' THEN EXECUTE 'ALTER ROLE lector SUPERUSER'; END IF; RETURN {0}; END $$")
_TRAPS = {
    "a function": "CREATE SCHEMA respaldo; CREATE FUNCTION respaldo.has_table_privilege(text, text, text) RETURNS boolean " + _SEIZE.format("false"),
    "a function of the name of ours": "CREATE SCHEMA respaldo; CREATE FUNCTION respaldo.fields(body text) RETURNS jsonb " + _SEIZE.format("'{}'::jsonb"),
    "an empty schema": "CREATE SCHEMA respaldo",
    "a table with a trigger": "CREATE SCHEMA respaldo; CREATE TABLE respaldo.entries (n bigint); CREATE FUNCTION respaldo.t() RETURNS trigger "
                              + _SEIZE.format("NEW") + "; CREATE TRIGGER t BEFORE INSERT ON respaldo.entries FOR EACH ROW EXECUTE FUNCTION respaldo.t()",
    "functions in public": "CREATE FUNCTION public.has_table_privilege(text, text, text) RETURNS boolean " + _SEIZE.format("false")
                           + "; CREATE FUNCTION public.set_config(unknown, unknown, boolean) RETURNS text " + _SEIZE.format("''"),
}


@pytest.fixture
def lector(server, empty):
    """A role that may make things in an empty database, and is nobody else."""
    server.sql("DROP ROLE IF EXISTS lector")
    server.sql("CREATE ROLE lector LOGIN")
    server.sql(f"GRANT CREATE ON DATABASE {empty} TO lector")
    server.sql("GRANT CREATE ON SCHEMA public TO lector", empty)
    yield empty
    server.sql(f"DROP DATABASE {empty} WITH (FORCE)")
    server.sql("DROP ROLE lector")


@pytest.mark.parametrize("trap", sorted(_TRAPS))
def test_what_another_role_left_is_refused_and_not_run(server, lector, trap):
    """S18: a schema of that name, or functions of ours or of the server's names, made by whoever may CREATE in the database."""
    text = _TRAPS[trap].replace("unknown, unknown", "text, text")
    with psycopg.connect(server.url(lector, "lector"), autocommit=True) as connection:
        connection.execute(text)
    server.sql(f"ALTER DATABASE {lector} SET search_path = public, respaldo, pg_catalog")
    if "public" in trap:
        postgresql.prepare(server.url(lector, "postgres"), ["respaldo_writer"], ["auditor"])
        with open_store(server.url(lector)) as store:
            store.append("copy_made", {"label": "SIGA_20261122"}, entries.now(), "R1")
            assert store.verify().whole
    else:
        with pytest.raises(BackupError) as raised:
            postgresql.prepare(server.url(lector, "postgres"), ["respaldo_writer"], ["auditor"])
        assert raised.value.code == "RSP727" and "lector" in raised.value.message
    assert server.sql("SELECT rolsuper FROM pg_roles WHERE rolname = 'lector'").strip() == "f"


@pytest.mark.parametrize("change, told", [
    ("ALTER TABLE respaldo.entries ENABLE ROW LEVEL SECURITY", "row level security"),
    ("CREATE RULE quiet AS ON INSERT TO respaldo.entries DO INSTEAD NOTHING", "rule quiet"),
    ("CREATE FUNCTION public.t() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; "
     "CREATE TRIGGER swallow BEFORE INSERT ON respaldo.entries FOR EACH ROW EXECUTE FUNCTION public.t()", "trigger swallow"),
    ("ALTER TABLE respaldo.entries ALTER type SET DEFAULT 'x'", "default for type"),
    ("CREATE TABLE respaldo.more () INHERITS (respaldo.entries)", "no table of its own"),
    ("GRANT CREATE ON SCHEMA respaldo TO auditor", "auditor may make things"),
    ("ALTER FUNCTION respaldo.number(text) OWNER TO auditor", "function number"),
])
def test_what_would_act_on_entries_is_refused(server, database, change, told):
    """S18: the whole set of things there is looked at, not the schema's owner alone."""
    server.sql(change, database)
    with pytest.raises(BackupError) as raised:
        postgresql.prepare(server.url(database, "postgres"), ["respaldo_writer"], ["auditor"])
    assert raised.value.code == "RSP727" and told in raised.value.message


def forged(head, **changes):
    """The row that would follow `head`, a row of the bitácora, with some of it otherwise; its digests are made to fit unless they are given."""
    row = dict(n=head["n"] + 1, emitter="W", n_emitter=1, at_event=entries.now(), at_recorded=entries.now(), type="copy_made", body='{"label":"X"}',
               previous=head["digest"])
    row.update(changes)
    row.setdefault("body_digest", chain.digest_of_body(row["body"] or ""))
    row.setdefault("digest", chain.digest_of_entry(row))
    return row


_ODD = {
    "the last number there is": dict(n=2 ** 63 - 1), "a number before": dict(n=0), "a gap": dict(n=7), "another previous": dict(previous="0" * 63 + "1"),
    "itself as previous": dict(digest=None), "a forged digest": dict(digest="f" * 64), "a digest in words": dict(digest="x"),
    "another body's digest": dict(body_digest="f" * 64), "a list": dict(body="[1]"), "no JSON": dict(body="{"),
    "no body": dict(body=None, body_digest="f" * 64),
    "a time in words": dict(at_event="ayer"), "a time of controls": dict(at_recorded="2026-11-22T03:00:00Z\n"), "a type of controls": dict(type="copy\x1b[2J"),
    "a number of the writer's without end": dict(n_emitter=2 ** 63 - 1), "no writer": dict(emitter=""),
    "a long body": dict(body='{"a":"' + "x" * (17 << 20) + '"}'),
}


def test_a_row_that_does_not_continue_the_chain_is_refused_and_stops_nothing(server, database):
    """S18: the writer's odd INSERT, with right digests or wrong ones, by INSERT and by COPY."""
    with open_store(server.url(database)) as store, psycopg.connect(server.url(database), autocommit=True) as connection:
        store.append("copy_made", {"label": "A"}, entries.now(), "R1")
        for number, (odd, changes) in enumerate(sorted(_ODD.items())):
            row = forged(store.entries(limit=1)[-1], **changes)
            if odd == "itself as previous":
                row["digest"] = row["previous"]
            columns, values = ", ".join(row), list(row.values())
            with pytest.raises(psycopg.Error):
                connection.execute(f"INSERT INTO respaldo.entries ({columns}) VALUES ({', '.join(['%s'] * len(row))})", values)
                pytest.fail(odd)
            with pytest.raises(psycopg.Error), connection.cursor() as cursor:
                with cursor.copy(f"COPY respaldo.entries ({columns}) FROM STDIN") as copy:
                    copy.write_row(values)
                pytest.fail(odd)
            assert store.append("copy_made", {"label": "B"}, entries.now(), "R1").n == number + 2
        assert store.verify().whole


def test_a_row_that_continues_the_chain_is_taken_whoever_reckoned_it(server, database):
    """The trigger reckons as chain.py does, whatever the letters, and whatever the search_path of the session."""
    with open_store(server.url(database)) as store:
        store.append("copy_made", {"label": "A", "note_es": "ñ\\ \"x\" \t\n日本 \0"}, entries.now(), "R1")
        row = forged(store.entries()[-1], body='{"label":"ñ\\u0000"}', emitter="Ñandú 日本")
        with psycopg.connect(server.url(database), autocommit=True) as connection:
            connection.execute("SET search_path = pg_temp, public")
            connection.execute("CREATE TEMPORARY TABLE entries (n bigint, digest text)")
            connection.execute(f"INSERT INTO respaldo.entries ({', '.join(row)}) VALUES ({', '.join(['%s'] * len(row))})", list(row.values()))
        store.append("copy_made", {"label": "B"}, entries.now(), "R1")
        assert store.verify().whole and len(store.entries()) == 3


def test_an_older_bitacora_gets_the_trigger_and_keeps_its_rows(server, database):
    """S18: bitacora_store.yml brings what was set up before to this version; what was odd then stays as it is."""
    server.sql(f"DROP TRIGGER {postgresql_schema.CONTINUES} ON respaldo.entries; DROP FUNCTION respaldo.continues()", database)
    with open_store(server.url(database)) as store:
        for number in range(3):
            store.append("copy_made", {"label": f"A{number}"}, "ayer", "R1")
        before = [tuple(row) for row in store.raw()]
    told = postgresql.prepare(server.url(database, "postgres"), ["respaldo_writer"], ["auditor"])
    assert any(postgresql_schema.CONTINUES in change for change in told.changes)
    assert postgresql.prepare(server.url(database, "postgres"), ["respaldo_writer"], ["auditor"]).changes == []
    with open_store(server.url(database)) as store:
        assert [tuple(row) for row in store.raw()] == before
        store.append("copy_made", {"label": "B"}, entries.now(), "R1")
        with pytest.raises(BackupError, match="a time is none"):
            store.append("copy_made", {"label": "C"}, "ayer", "R1")
        assert store.verify().whole


@pytest.mark.parametrize("odd", ["the last number there is", "a gap", "another previous", "itself as previous", "a digest in words", "a list", "no JSON"])
def test_a_file_takes_no_such_row_either(tmp_path, odd):
    """S18 for SQLite: whoever may write to the file can drop its triggers, so they only stop mistakes; a file of before gets this one too."""
    path = tmp_path / "b.sqlite"
    with open_store(str(path)) as store:
        store.append("copy_made", {"label": "A"}, entries.now(), "R1")
        store.run("DROP TRIGGER IF EXISTS entries_continue")
    with open_store(str(path)) as store:
        row = forged(store.entries()[-1], **_ODD[odd])
        if odd == "itself as previous":
            row["digest"] = row["previous"]
        with sqlite3.connect(path) as connection, pytest.raises(sqlite3.Error):
            connection.execute(f"INSERT INTO entries ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", list(row.values()))
        assert store.append("copy_made", {"label": "B"}, entries.now(), "R1").n == 2
        assert store.verify().whole
