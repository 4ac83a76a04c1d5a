# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remarks of good copies: made by the catalogue alone, sent as key and parameters, told in both languages."""

import json
import re

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine import remarks, result
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.remarks import Remark
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources import mariadb_scratch, postgresql_beyond

EVENTS = ("copy_made",)
ENGLISH = re.compile(r"\b(the|which|was|were|of|and|with|copy|copied|could|file|database)\b")


@pytest.mark.parametrize("row", remarks.CATALOGUE.values(), ids=lambda row: row.key)
def test_each_remark_is_whole_in_both_languages(row):
    assert re.fullmatch("[a-z][a-z0-9_]+", row.key) and row.english and row.spanish
    assert remarks.names_in(row.english) == remarks.names_in(row.spanish)
    values = {name: "X" for name in remarks.names_in(row.english)}
    made = Remark(row.key, **values)
    plain = re.sub(r"\(user mappings\)|file capabilities|Recovery Services Agent\S*|set-group-ID", "", made.spanish)
    assert not ENGLISH.search(plain) and not re.search("[{}]|<", plain)
    assert remarks.of_table(json.loads(json.dumps(made.table()))) == made
    assert row.english.rstrip(".") != row.spanish.rstrip(".") or row.key == "azure_agent_files" or "Microsoft" in row.english


def test_a_key_is_of_one_row():
    assert len(remarks.CATALOGUE) == len(remarks.files.ROWS) + len(remarks.databases.ROWS)


def test_a_remark_that_is_none_is_a_mistake_of_the_code():
    for key, parameters in (("no_such", {}), ("git_lost", {}), ("git_lost", {"count": 1, "more": 2})):
        with pytest.raises(KeyError):
            Remark(key, **parameters)


def test_remarks_hold_errors_lists_and_other_remarks_in_the_language_of_each():
    cause = BackupError("source_unreachable", source="/srv/a", detail="[Errno 113] No route to host")
    living = Remark("copied_living", path="/srv/a", why=cause)
    assert living.startswith("/srv/a was copied living, without a snapshot: ") and living.endswith(cause.message)
    assert living.spanish.startswith("/srv/a se copió en uso, sin instantánea: RSP202: ") and "no hay ruta hasta el equipo" in living.spanish
    columns = [Remark("my_float", table="t", column="c", count="2"), Remark("my_float_key", table="u", column="k", count="1")]
    floats = Remark("my_floats", database="d", columns=columns)
    assert "t.c (2 values), u.k (1 values; it is a key" in floats and "t.c (2 valores), u.k (1 valores; es una clave" in floats.spanish
    for made in (living, floats):
        told = remarks.of_table(json.loads(json.dumps(made.table())))
        assert told == made and told.spanish == made.spanish


def test_the_controller_makes_the_texts_of_what_a_server_sends():
    lost, kept = Remark("my_no_history", database="SIGA"), Remark("git_all_kept")
    entry = result.testimony({"event": "copy_made", "warnings": remarks.sent([lost, kept])}, {"label": "S_20261122"}, EVENTS)
    assert entry["warnings"] == [str(lost), str(kept)] and entry["warnings_es"] == [lost.spanish, kept.spanish]
    assert entry["warning_keys"] == ["my_no_history"] and "refused_fields" not in entry
    assert result.clean(entry) == entry, "the recorder keeps what the controller made"
    json.dumps(entry)


DEEP = {"key": "pg_but_for", "with": {"database": "d", "what": {"key": "pg_needs", "with": {}}}}
for _each in range(6):
    DEEP = {"key": "pg_but_for", "with": {"database": "d", "what": DEEP}}


@pytest.mark.parametrize("sent", [
    "all is well", ["all is well"], [{"key": "unknown", "with": {}}], [{"key": "git_lost", "with": {}}], [{"key": "git_lost"}],
    [{"key": "git_lost", "with": {"count": 1, "more": "x"}}], [{"key": "git_lost", "with": {"count": {"a": 1}}}], [{"key": ["git_lost"], "with": {"count": 1}}],
    [{"key": "git_lost", "with": {"count": 2 ** 70}}], [{"key": "git_lost", "with": {"count": True}}], [{"key": "git_lost", "with": {"count": [1] * 100}}],
    [{"key": "copied_living", "with": {"path": "p", "why": {"fault": "no_such", "with": {}}}}], 7, {"key": "git_all_kept", "with": {}}, [DEEP]])
def test_what_is_no_remark_is_dropped_and_told(sent):
    entry = result.testimony({"event": "copy_made", "warnings": sent}, {}, EVENTS)
    assert not entry.get("warnings") and "warnings_es" not in entry and entry["refused_fields"] == ["warnings"]


def test_a_server_says_no_sentence_of_its_own():
    entry = result.testimony({"event": "copy_made", "warnings": [], "warnings_es": ["Todo bien."], "warning_keys": ["git_lost"]}, {}, EVENTS)
    assert entry["warnings"] == [] and "warnings_es" not in entry and entry["refused_fields"] == ["warnings_es", "warning_keys"]


def test_what_a_server_sends_is_bounded_and_cannot_be_a_template():
    flood = [{"key": "tool_said", "with": {"tool": "x" * 5000, "detail": "\x1b[2J\u202e{0.__class__}{tool}\ud800" + "y" * 5000}}] * 5000
    entry = result.testimony({"event": "copy_made", "warnings": flood}, {}, EVENTS)
    assert len(json.dumps(entry)) < 130000 and all(len(row) <= 1000 and row.isprintable() for row in entry["warnings"] + entry["warnings_es"])
    assert entry["refused_fields"] == ["warnings"]
    said = Remark("restic_said", detail="{0.__class__} https://ana:clave@x/?sig=abc")
    assert "{0.__class__}" in said and "clave" not in said + said.spanish and "sig=abc" not in said + said.spanish


def test_entries_of_earlier_releases_keep_their_words():
    assert result.clean({"event": "copy_made", "warnings": ["Users and grants are left out."]})["warnings"] == ["Users and grants are left out."]


def test_what_a_restored_database_lacks_is_whole_in_spanish() -> None:
    facts = {"own_settings": True, "role_settings": ["all roles: datestyle", "app: search_path"], "comment": True, "limit": 5, "tablespace": "rapido",
             "beyond": {"subscriptions": ["s"]}}
    told = postgresql_beyond.left_out(facts)
    assert [each.spanish for each in told] == [
        "los ajustes y privilegios de la propia base (ALTER DATABASE, GRANT ON DATABASE)",
        "los ajustes de roles en esta base (ALTER ROLE ... IN DATABASE ... SET), de *: datestyle, app: search_path (* son todos los roles)",
        "el comentario de la base (COMMENT ON DATABASE)", "su límite de conexiones (ALTER DATABASE ... CONNECTION LIMIT 5)",
        "su tablespace, rapido (ALTER DATABASE ... SET TABLESPACE)", "la suscripción s (CREATE SUBSCRIPTION)"]
    assert Remark("pg_but_for", database="d", what=told[2]).spanish == "La base de datos d volvió, menos el comentario de la base (COMMENT ON DATABASE)."
    assert postgresql_beyond.left_out({}) == []


def test_what_became_of_a_restore_that_failed_is_whole_in_spanish() -> None:
    first = BackupError("stage_failed", stage="mariadb", status="exit status 1", detail="ERROR 1064")
    second = BackupError("tool_missing", tool="mariadb", package="mariadb-client")
    error = mariadb_scratch.failed(first, "L", "siga", lambda detail: Remark("my_not_undone_kept", detail=detail, why=second, kept="siga_before"))
    assert error.code == "RSP602" and "ERROR 1064; and it could not be undone ({0}), the former data is in siga_before".format(second.message) in error.message
    assert "ERROR 1064; y no se pudo deshacer ({0}: {1}): los datos anteriores están en siga_before".format(
        second.code, second.spanish.rstrip(".")) in error.spanish
    error = mariadb_scratch.failed(second, "L", "siga", lambda detail: Remark("my_undone", detail=detail, target="siga", kept="k"))
    assert "siga tiene otra vez sus datos anteriores, sin sus eventos, y k también los tiene" in error.spanish and second.code in error.spanish
    assert mariadb_scratch.failed(second, "L", "siga") is second
