# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bitácora in PostgreSQL: who may do what, what is refused, and how a SQLite one moves there."""

from __future__ import annotations

import subprocess
import sys

import psycopg
import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import chain, entries, migration, postgresql, seals
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.sqlite import SqliteStore
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._reports import evidence


def code_of(raised):
    return raised.value.code


@pytest.mark.parametrize("role, statement", [
    ("respaldo_writer", "UPDATE respaldo.entries SET type = 'x'"), ("respaldo_writer", "DELETE FROM respaldo.entries"),
    ("respaldo_writer", "TRUNCATE respaldo.entries"), ("respaldo_writer", "ALTER TABLE respaldo.entries DISABLE TRIGGER ALL"),
    ("respaldo_writer", "DROP TABLE respaldo.entries"), ("respaldo_writer", "CREATE TABLE respaldo.mine ()"),
    ("auditor", "INSERT INTO respaldo.entries (n) VALUES (1)"), ("auditor", "UPDATE respaldo.entries SET type = 'x'"),
])
def test_a_role_can_do_no_more_than_it_should(server, database, role, statement):
    with psycopg.connect(server.url(database, role), autocommit=True) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement)


def test_the_auditor_reads_entries_and_view(server, database):
    with open_store(server.url(database)) as store:
        store.append("copy_made", {"label": "SIGA_20261122", "system": "SIGA", "kind": "database", "size": 5}, entries.now(), "R1")
    with open_store(server.url(database, "auditor"), readonly=True) as store:
        assert store.rows()[0]["nombre_respaldo"] == "SIGA_20261122" and store.verify().whole
    with open_store(server.url(database, "auditor")) as store, pytest.raises(BackupError) as raised:
        store.append("copy_made", {"label": "X"}, entries.now(), "R2")
    assert code_of(raised) == "RSP702"


def test_even_the_owner_is_told_that_it_is_append_only(server, database):
    with pytest.raises(AssertionError, match="append-only"):
        server.sql("DELETE FROM respaldo.entries", database)


def test_setting_up_twice_changes_nothing_and_check_mode_leaves_nothing(server, empty):
    told = postgresql.prepare(server.url(empty, "postgres"), ["respaldo_writer"], ["auditor"], simulate=True)
    assert any("entries" in change for change in told.changes)
    assert server.sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'respaldo'", empty).strip() == "0"
    assert postgresql.prepare(server.url(empty, "postgres"), ["respaldo_writer"], ["auditor"]).changes
    assert postgresql.prepare(server.url(empty, "postgres"), ["respaldo_writer"], ["auditor"]).changes == []


def test_a_role_that_could_change_the_bitacora_is_refused(server, empty):
    server.sql("DROP ROLE IF EXISTS strong; CREATE ROLE strong LOGIN SUPERUSER")
    with pytest.raises(BackupError) as raised:
        postgresql.prepare(server.url(empty, "postgres"), ["strong"], [])
    assert code_of(raised) == "RSP720" and "UPDATE" in raised.value.message
    assert server.sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'respaldo'", empty).strip() == "0"


def test_a_database_that_is_not_set_up_is_told(server, empty):
    server.sql("DO $$ BEGIN CREATE ROLE respaldo_writer LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
    with open_store(server.url(empty)) as store, pytest.raises(BackupError) as raised:
        store.append("copy_made", {"label": "X"}, entries.now(), "R1")
    assert code_of(raised) == "RSP716" and "bitacora_store.yml" in raised.value.hint


def test_a_server_that_is_not_there_is_told_at_once(server, database):
    with pytest.raises(BackupError) as raised:
        open_store("postgresql://respaldo_writer@127.0.0.1:1/bitacora")
    assert code_of(raised) == "RSP702" and "\n" not in raised.value.message
    with pytest.raises(BackupError) as raised:
        open_store(server.url("nothere"), readonly=True)
    assert code_of(raised) == "RSP708"


@pytest.mark.parametrize("url", [
    "postgresql://writer:planted@db/bitacora", "postgres://writer@db/bitacora?password=planted", "postgresql://writer@db:port-planted/bitacora",
    "postgresql://planted@db/", "postgresql://planted@db/bitacora?sslpassword=x",
])
def test_a_wrong_address_is_refused_without_repeating_it(url):
    with pytest.raises(BackupError) as raised:
        open_store(url)
    assert code_of(raised) == "RSP101" and "planted" not in str(raised.value) + raised.value.spanish


@pytest.mark.parametrize("url, mode", [
    ("postgresql://r@bd.entidad.gob.pe/b", "verify-full"), ("postgresql://r@10.1.2.3/b", "verify-full"), ("postgresql:///b?host=db", "verify-full"),
    ("postgresql://r@127.0.0.1/b", None), ("postgresql:///b?host=/run/postgresql", None), ("postgresql://r@db/b?sslmode=require", None),
])
def test_a_server_elsewhere_must_prove_who_it_is(url, mode, monkeypatch):
    for name in ("PGSSLMODE", "PGHOST", "PGSERVICE"):
        monkeypatch.delenv(name, raising=False)
    assert postgresql.settings(url).get("sslmode") == mode


def test_without_its_driver_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(BackupError) as raised:
        open_store("postgresql://r@127.0.0.1/b")
    assert code_of(raised) == "RSP719"


def test_the_evidence_of_a_database_is_a_file_the_auditor_verifies_with_python_alone(server, database, tmp_path):
    with open_store(server.url(database)) as store:
        for number in range(3):
            store.append("copy_made", {"label": f"SIGA_{number}", "note_es": "a\\b\\ñ"}, entries.now(), "R1")
        evidence.copy_chain(store, tmp_path / "copy.sqlite")
    done = subprocess.run([sys.executable, "-I", "-S", chain.__file__, str(tmp_path / "copy.sqlite")], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "3 asientos" in done.stdout


# -- moving a SQLite bitácora ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def old(tmp_path):
    """A SQLite bitácora with copies and a seal: its path."""
    signer = seals.Signer(tmp_path / "seal.key")
    with SqliteStore(tmp_path / "old" / "bitacora.sqlite") as store:
        for day in range(1, 21):
            store.append("copy_made", {"label": f"SIGA_202611{day:02}", "system": "SIGA", "kind": "database", "note_es": "\\ñ\t"}, entries.now(), "R1")
        first, head = store.ends()
        store.append("seal", {"run": "R1", **signer.seal(first["digest"], head["n"], head["digest"])}, entries.now(), "R1")
        return store.path


def rows_of(store):
    return [tuple(row) for row in store.raw()]


def test_a_bitacora_moves_byte_by_byte_and_its_chain_goes_on(server, database, old):
    admin, url = server.url(database, "postgres"), server.url(database)
    with SqliteStore(old, readonly=True) as store:
        before = rows_of(store)
        sealed = store.entries(type="seal")[0]
    assert migration.move(old, admin, url, "R2", simulate=True) == (True, 21)
    with open_store(url) as new:
        assert rows_of(new) == []
    assert migration.move(old, admin, url, "R2") == (True, 22)
    with open_store(url) as new, SqliteStore(old, readonly=True) as store:
        assert rows_of(new)[:-1] == before and rows_of(new) == rows_of(store)
        assert new.entries()[-1]["location"] == url
        assert new.append("copy_made", {"label": "SIGA_20261122"}, entries.now(), "R3").n == 23
        assert new.verify(keys=[sealed["public_key"]]).whole
        assert new.former_addresses() == [f"sqlite:///{old}"]
    assert migration.move(old, admin, url, "R3") == (False, 23), "again: nothing"


def test_the_file_takes_no_entry_after_the_move(server, database, old):
    import sqlite3

    migration.move(old, server.url(database, "postgres"), server.url(database), "R2")
    with pytest.raises(BackupError) as raised:
        SqliteStore(old)
    assert code_of(raised) == "RSP717" and server.url(database) in raised.value.message
    with sqlite3.connect(old) as connection, pytest.raises(sqlite3.IntegrityError, match="moved"):
        connection.execute("INSERT INTO entries VALUES (99, 'R', 1, '', '', '', '', '', 'a', 'b')")
    assert chain.verify_file(old).whole


def test_what_can_not_be_moved_is_refused_and_changes_nothing(server, database, old):
    admin, url = server.url(database, "postgres"), server.url(database)
    with open_store(url) as new:
        new.append("copy_made", {"label": "OTHER"}, entries.now(), "R9")
    with pytest.raises(BackupError) as raised:
        migration.move(old, admin, url, "R2")
    assert code_of(raised) == "RSP721" and "of its own" in raised.value.message
    SqliteStore(old).close()
    with SqliteStore(old) as store:
        store.run("DROP TRIGGER entries_refuse_update")
        store.run("UPDATE entries SET body = replace(body, 'SIGA_20261105', 'SIGA_20261106')")
    with pytest.raises(BackupError, match="chain is broken"):
        migration.move(old, admin, url, "R2")


def test_a_move_whose_last_step_fails_is_taken_up_again(server, database, old):
    admin, url = server.url(database, "postgres"), server.url(database)
    server.sql("""CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'lost at the commit'; END $$;
                  CREATE CONSTRAINT TRIGGER lost AFTER INSERT ON respaldo.entries DEFERRABLE INITIALLY DEFERRED
                  FOR EACH ROW EXECUTE FUNCTION fail()""", database)
    with pytest.raises(BackupError, match="lost at the commit"):
        migration.move(old, admin, url, "R2")
    with open_store(url) as new:
        assert rows_of(new) == []
    with pytest.raises(BackupError):
        SqliteStore(old)
    server.sql("DROP TRIGGER lost ON respaldo.entries", database)
    assert migration.move(old, admin, url, "R2") == (True, 22)
    with open_store(url) as new:
        assert new.verify().whole and new.entries()[-1]["type"] == "bitacora_moved"


def test_what_a_container_or_a_job_takes_along_is_no_place_to_keep_things(tmp_path):
    """Real mounts: the layer of a container, its memory, the directory of one job of AWX; and volumes, which stay."""
    script = """set -e
cd {0}; mkdir lower upper work merged job; mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work overlay merged
mount -t tmpfs tmpfs /run; touch /run/.containerenv; mkdir merged/volume volume volume2 merged/runner; mount --bind volume merged/volume
mount --bind job merged/runner; mkdir merged/runner/artifacts merged/runner/volume; mount --bind volume2 merged/runner/volume
export AWX_ISOLATED_DATA_DIR={0}/merged/runner/artifacts
{1} -c "
import os, sys; sys.path.insert(0, '{2}')
from ansible_collections.perucompras.respaldo.plugins.plugin_utils import _places
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import default_url, open_store
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._custodians.vault_file import VaultFile
names = ('', '../../../../../run/x', 'runner', 'runner/project/x', 'volume', 'volume/deep', 'runner/volume')
print([name for name in names if _places.is_thrown_away('{0}/merged/' + name)])
def refused(work):
    try:
        work()
    except Exception as error:
        print(error.code)
refused(VaultFile(dict(name='v', path='{0}/merged/custody'), None).prove)
refused(lambda: _places.refuse_thrown_away([dict(path='{0}/merged/copias')], 'local'))
_places.refuse_thrown_away([dict(path='{0}/merged/copias')], 'ssh')
_places.refuse_thrown_away([dict(path='{0}/merged/copias', host='otro'), dict(type='azure_blob'), dict(path='{0}/merged/volume')], 'local')
os.environ['HOME'] = '{0}/merged/volume'
os.chown('{0}/merged/volume', 12345, -1)
os.setuid(12345)
refused(lambda: open_store(default_url()))
"
""".format(tmp_path, sys.executable, migration.__file__.split("/ansible_collections/")[0])
    done = subprocess.run(["unshare", "-m", "bash", "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["['', '../../../../../run/x', 'runner', 'runner/project/x']", "RSP742", "RSP742", "RSP718"], done.stderr


def test_a_file_in_a_container_is_refused_and_one_on_a_volume_is_not(tmp_path):
    """A real overlay and a real mark, in a mount namespace of its own."""
    script = """set -e
cd {0}; mkdir lower upper work merged; mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work overlay merged
mount -t tmpfs tmpfs /run; touch /run/.containerenv; mkdir merged/volume volume; mount --bind volume merged/volume
{1} -c "
import sys; sys.path.insert(0, '{2}')
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store
open_store('{0}/merged/volume/b.sqlite').close()
try:
    open_store('{0}/merged/b.sqlite')
except Exception as error:
    print(error.code)
"
""".format(tmp_path, sys.executable, migration.__file__.split("/ansible_collections/")[0])
    done = subprocess.run(["unshare", "-m", "bash", "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["RSP718"], done.stderr
    assert (tmp_path / "volume" / "b.sqlite").exists() and not (tmp_path / "merged" / "b.sqlite").exists()
