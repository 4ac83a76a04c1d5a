# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy
import datetime

import pytest
from _engine.errors import BackupError
from _engine.policy import policy as engine
from _engine.policy import schema

DAY = datetime.date(2026, 11, 22)

POLICY = {
    "institution": "Institución",
    "manual": {"name": "Manual 001-2019", "version": "1.0"},
    "time_zone": "America/Lima",
    "kinds": {
        "database": {"numeral": "7.2.1", "frequency_numeral": "6.4", "every": {"days": 7}},
        "source_code": {"numeral": "7.2.2", "frequency_numeral": "6.4", "every": {"months": 1}, "on_update": True},
    },
    "criticality": {
        "alta": {"password": True, "required_trust": "T3", "every": {"database": {"days": 1}}},
        "media": {"password": True, "required_trust": "T2"},
        "baja": {"password": False, "required_trust": "T2"},
    },
}
MEDIA = [{"name": "local", "type": "local", "path": "/var/lib/respaldo/copias", "create": True},
         {"name": "nas", "path": "/srv/copias", "host": "nas.example.org", "user": "respaldo", "ssh_key": "x", "default": False}]

OAUTH = {"tenant": "00000000-0000-0000-0000-0000000000aa", "client_id": "x", "client_secret": "x"}


def database(**changes):
    system = {"name": "SIGA", "kind": "database", "criticality": "alta", "office": "Oficina de Administración",
              "source": {"type": "postgresql", "databases": ["siga"]}}
    system.update(changes)
    return system


def code(**changes):
    system = {"name": "SIGA", "kind": "source_code", "criticality": "baja", "office": "OTI", "source": {"type": "git", "path": "/srv/git/siga.git"}}
    system.update(changes)
    return system


def refused(systems=(), media=MEDIA, policy=POLICY):
    with pytest.raises(BackupError) as caught:
        engine.validate(policy, list(systems), media)
    assert caught.value.code == "RSP101"
    return caught.value


def changed_policy(*path, value):
    policy = copy.deepcopy(POLICY)
    place = policy
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return policy


@pytest.mark.parametrize("source", [
    {"type": "postgresql", "databases": "all", "host": "bd1.example.org", "port": 5432, "user": "respaldo", "password": "x", "globals": True,
     "bin_dir": "/usr/lib/postgresql/15/bin", "run_as": "postgres"},
    {"type": "mariadb", "databases": "siga, año fiscal"},
    {"type": "mariadb", "databases": ["a", "año fiscal"], "socket": "/run/mysqld/mysqld.sock", "globals": False},
    {"type": "postgresql", "databases": ["a"], "host": "/run/postgresql-2", "on_missing": "partial",
     "scratch_server": {"host": "pruebas.example.org", "port": 5433, "user": "prueba", "password": "x"}, "jobs": 4, "jobs_from": 1073741824},
    {"type": "mariadb", "databases": ["a"], "on_missing": "refuse", "scratch_server": {"socket": "/run/pruebas.sock", "run_as": "mysql"}},
    {"type": "sqlite", "path": "/var/lib/app/datos ñ.db"},
    {"type": "command", "dump": ["expdp", "siga"], "verify": ["impdp"], "restore": ["impdp"], "extension": "dmp", "password": "x"},
])
def test_each_source_of_a_database_is_taken(source):
    engine.validate(POLICY, [database(source=source)], MEDIA)


@pytest.mark.parametrize("source", [
    {"type": "git", "path": "/srv/git/siga.git", "lfs": "require"},
    {"type": "git", "url": "git@git.example.org:siga.git", "ssh_key": "x"},
    {"type": "git", "url": "https://git.example.org/siga.git", "username": "respaldo", "password": "x"},
    {"type": "paths", "paths": ["/srv/app"], "exclude": ["*.tmp"]},
])
def test_each_source_of_code_is_taken(source):
    engine.validate(POLICY, [code(source=source)], MEDIA)


def test_database_and_code_of_one_system_share_a_name():
    engine.validate(POLICY, [database(), code()], MEDIA)


@pytest.mark.parametrize("changes, expected", [
    ({"kind": "databse"}, ["backup_systems[0].kind: 'databse'", "Did you mean database?"]),
    ({"criticality": "Alta"}, ["backup_systems[0].criticality: 'Alta'", "Did you mean alta?"]),
    ({"kind": "mailbox", "source": {"type": "imap", "host": "correo.example.org"}}, ["backup_systems[0].source", "user", "password"]),
    ({"kind": "mailbox", "source": {"type": "imap", "host": "h", "user": "u", "password": "x", "oauth": OAUTH}}, ["exactly one of password and oauth"]),
    ({"kind": "mailbox", "source": {"type": "graph", "user": "u"}}, ["backup_systems[0].source.oauth: None is missing"]),
    ({"kind": "mailbox", "source": {"type": "graph", "user": "u", "oauth": {**OAUTH, "authority": "http://login.example.org"}}},
     ["backup_systems[0].source.oauth.authority: 'http://login.example.org'"]),
    ({"kind": "mailbox", "source": {"type": "graph", "user": "u", "oauth": {**OAUTH, "tenant": "a/b"}}}, ["backup_systems[0].source.oauth.tenant: 'a/b'"]),
    ({"kind": "mailbox", "source": {"type": "graph", "user": "u", "oauth": OAUTH, "endpoint": "https://g/x?y"}}, ["backup_systems[0].source.endpoint"]),
    ({"kind": "file_server"}, ["backup_systems[0].kind: 'file_server'", "without rules in the policy"]),
    ({"name": "a/b"}, ["backup_systems[0].name: 'a/b'", "slash"]),
    ({"name": ""}, ["backup_systems[0].name: ''", "empty"]),
    ({"name": 2026}, ["backup_systems[0].name: 2026", "not a text"]),
    ({"oficce": "OTI"}, ["backup_systems[0].oficce", "not a known key", "Did you mean office?"]),
    ({"minimum_size": "1 GB"}, ["backup_systems[0].minimum_size: '1 GB'", "whole number"]),
    ({"minimum_size": True}, ["backup_systems[0].minimum_size: True", "whole number"]),
    ({"enabled": "yes"}, ["backup_systems[0].enabled: 'yes'", "true or false"]),
    ({"compression": "zip"}, ["backup_systems[0].compression: 'zip'", "gzip"]),
    ({"encryption_format": "zip"}, ["backup_systems[0].encryption_format: 'zip'", "gpg, 7z"]),
    ({"encryption_format": "7z", "criticality": "baja"}, ["backup_systems[0].encryption_format: '7z'", "no password"]),
    ({"media": ["nass"]}, ["backup_systems[0].media[0]: 'nass'", "Did you mean nas?"]),
    ({"media": []}, ["backup_systems[0].media", "empty"]),
    ({"source": "postgresql://u:clave@h/db"}, ["backup_systems[0].source: '(a text)'", "not a table"]),
    ({"source": {"databases": ["siga"]}}, ["backup_systems[0].source.type: None", "missing"]),
    ({"source": {"type": "postgres", "databases": ["siga"]}}, ["backup_systems[0].source.type: 'postgres'", "Did you mean postgresql?"]),
    ({"source": {"type": ["git"]}}, ["backup_systems[0].source.type"]),
    ({"source": {"type": "postgresql", "database": "siga"}},
     ["backup_systems[0].source.database", "Did you mean databases?", "source.databases: None is missing"]),
    ({"source": {"type": "postgresql", "databases": "Todas"}}, ["backup_systems[0].source.databases: 'Todas'", "Did you mean all?"]),
    ({"source": {"type": "postgresql", "databases": "siga, -x"}}, ["backup_systems[0].source.databases: '-x'"]),
    ({"source": {"type": "postgresql", "databases": " , "}}, ["backup_systems[0].source.databases: ''", "is empty"]),
    ({"source": {"type": "postgresql", "databases": []}}, ["backup_systems[0].source.databases", "empty"]),
    ({"source": {"type": "postgresql", "databases": ["--all"]}}, ["backup_systems[0].source.databases[0]: '--all'", "dash"]),
    ({"source": {"type": "postgresql", "databases": ["a"], "port": 70000}}, ["backup_systems[0].source.port: 70000", "65535"]),
    ({"source": {"type": "postgresql", "databases": ["a"], "host": "-oProxyCommand=x"}}, ["backup_systems[0].source.host"]),
    ({"source": {"type": "mariadb", "databases": ["a"], "host": "/run/x"}}, ["backup_systems[0].source.host"]),
    ({"source": {"type": "mariadb", "databases": ["a"], "on_missing": "skip"}}, ["backup_systems[0].source.on_missing: 'skip'"]),
    ({"source": {"type": "postgresql", "databases": ["a"], "scratch_server": {"user": "x", "password": "clave"}}},
     ["backup_systems[0].source.scratch_server", "host"]),
    ({"source": {"type": "postgresql", "databases": ["a"], "jobs": 0}}, ["backup_systems[0].source.jobs"]),
    ({"source": {"type": "mariadb", "databases": ["a"], "jobs": 2}}, ["backup_systems[0].source.jobs"]),
    ({"source": {"type": "postgresql", "databases": ["a"], "scratch_server": {"host": "h", "socket": "/x"}}},
     ["backup_systems[0].source.scratch_server.socket"]),
    ({"source": {"type": "git", "path": "/srv/git"}}, ["backup_systems[0].source.type: 'git'", "not a source of kind database", "postgresql"]),
    ({"source": {"type": "sqlite", "path": "app.db"}}, ["backup_systems[0].source.path: 'app.db'", "/an/absolute/path"]),
    ({"source": {"type": "command", "dump": "pg_dump x", "verify": ["x"], "restore": ["x"]}}, ["backup_systems[0].source.dump: '(a text)'", "not a list"]),
])
def test_a_mistake_in_a_system_names_key_value_and_mend(changes, expected):
    error = refused([database(**changes)])
    whole = error.message + " " + error.hint
    for words in expected:
        assert words in whole
    assert "clave" not in whole


@pytest.mark.parametrize("source, expected", [
    ({"type": "git"}, "exactly one of path and url"),
    ({"type": "git", "path": "/a", "url": "https://x/y"}, "exactly one of path and url"),
    ({"type": "git", "url": "https://respaldo:clave@git.example.org/x"}, "has a password in it"),
    ({"type": "git", "url": "--upload-pack=touch /tmp/x"}, "not well written"),
    ({"type": "git", "path": "/a", "ssh_key": "x", "identity_file": "/k"}, "two keys"),
    ({"type": "paths", "paths": []}, "empty"),
])
def test_a_mistake_in_a_source_of_code_is_told(source, expected):
    error = refused([code(source=source)])
    assert expected in error.message
    assert "clave" not in error.message


@pytest.mark.parametrize("value, told", [
    ("https://h/?private_token=S", "https://h/?(hidden)"), ("oti?token=S", "oti?(hidden)"), ("u:S@h", "(hidden)@h"), ("https://u:S/S@h/x", "https://(hidden)@h/x"),
    ("https://u:S@h/?t=S", "https://(hidden)@h/?(hidden)"), ("https://u:S?S@h", "https://(hidden)"), ("https://h/?t=S@x&u=S", "https://(hidden)"),
    ("plain/words", "plain/words"), ("x" * 90, "x" * 80 + "..."),
])
def test_what_may_be_a_credential_of_an_address_is_not_shown(value, told):
    assert schema.shown(value) == told


def test_secrets_are_never_repeated():
    source = {"type": "postgresql", "databases": ["siga"], "password": ["S3creta-Plantada"], "pasword": "S3creta-Plantada"}
    error = refused([database(source=source)])
    told = error.message + error.hint + error.spanish + error.remedy
    assert "backup_systems[0].source.password: '(hidden)'" in told
    assert "Did you mean password?" in told
    assert "S3creta" not in told


def test_every_mistake_is_told_at_once():
    error = refused([database(kind="databse"), database(name="..", criticality="urgente"), "SIGA"])
    for words in ("backup_systems[0].kind", "backup_systems[1].name", "backup_systems[1].criticality", "backup_systems[2]"):
        assert words in error.message
    assert len(error.message.splitlines()) == 4
    assert "4 values" in error.hint


@pytest.mark.parametrize("other", ["siga", "S I G A", "SÍGA"])
def test_names_are_unique_for_a_kind_whatever_their_case(other):
    error = refused([database(), code(), database(name=other)])
    assert "backup_systems[2].name" in error.message
    assert "backup_systems[0].name" in error.message


def test_default_media_must_exist_for_who_names_none():
    media = [{"name": "nas", "type": "local", "path": "/srv", "default": False}]
    engine.validate(POLICY, [database(media=["nas"])], media)
    assert "no medium is a default one" in refused([database()], media).message


@pytest.mark.parametrize("medium, expected", [
    ({"name": "a", "type": "cloud", "path": "/x"}, "backup_media[0].type: 'cloud'"),
    ({"name": "a", "type": "local", "path": "copias"}, "backup_media[0].path: 'copias'"),
    ({"name": "a b", "type": "local", "path": "/x"}, "backup_media[0].name: 'a b'"),
    ({"name": "a", "type": "local", "path": "/x", "user": "root"}, "backup_media[0].user: 'user' has no meaning without host"),
    ({"name": "a", "type": "local", "path": "/x", "host": "h", "ssh_key": "PRIVADA", "identity_file": "/k"}, "two keys"),
])
def test_a_mistake_in_a_medium_is_told(medium, expected):
    error = refused([], [medium])
    assert expected in error.message
    assert "PRIVADA" not in error.message


def test_two_media_with_one_name():
    assert "is the name of two media" in refused([], [MEDIA[0], dict(MEDIA[0], name="LOCAL")]).message


@pytest.mark.parametrize("path, value, expected", [
    (("criticality", "media", "every"), {"database": {"days": 8}}, "backup_policy.criticality.media.every.database: 8"),
    (("criticality", "media", "every"), {"database": {"months": 1}}, "less often"),
    (("criticality", "media", "every"), {"source_code": {"months": 2}}, "less often"),
    (("criticality", "alta", "required_trust"), "T9", "backup_policy.criticality.alta.required_trust: 'T9'"),
    (("kinds", "database", "every"), {"days": 7, "months": 1}, "exactly one of days and months"),
    (("kinds", "database", "every"), {"weeks": 1}, "backup_policy.kinds.database.every.weeks"),
    (("kinds", "database", "every"), {"days": 0}, "backup_policy.kinds.database.every.days: 0"),
    (("kinds", "databases"), {}, "Did you mean database?"),
    (("manual",), "Manual 001", "backup_policy.manual"),
    (("manual", "version"), 1.0, "Write it between quotes"),
    (("working_hours",), {"days": ["lunes"], "from": "8", "until": "18:00"}, "backup_policy.working_hours.from: '8'"),
    (("holidays",), ["28 de julio"], "backup_policy.holidays[0]"),
    (("actors",), {"egcr": {"database": {"titular": [{"name": "A"}]}}}, "backup_policy.actors.egcr.database.titular[0].from: None is missing"),
])
def test_a_mistake_in_the_policy_is_told(path, value, expected):
    error = refused(policy=changed_policy(*path, value=value))
    assert expected in error.message + error.hint


@pytest.mark.parametrize("rubbish", [None, 7, "x", [], {}, [None], [[]], {"kinds": 7}, {"kinds": {"database": []}, "criticality": {"alta": {"every": 7}}}])
def test_rubbish_is_refused_in_words_too(rubbish):
    for arguments in ((rubbish, [], MEDIA), (POLICY, rubbish, MEDIA), (POLICY, [database(source=rubbish)], MEDIA), (POLICY, [database(name=rubbish)], MEDIA),
                      (POLICY, [database(kind=rubbish)], MEDIA), (POLICY, [database(media=rubbish)], MEDIA), (POLICY, [database()], rubbish)):
        try:
            engine.validate(*arguments)
        except BackupError as error:
            assert error.code == "RSP101"


CLOUD = {"name": "nube", "type": "azure_blob", "storage_account_name": "copiasentidad", "container": "copias"}


@pytest.mark.parametrize("container, expected", [
    ({"write_once_days": 400}, ["backup_media[0].write_once_days: 400", "SIGA (database, alta)", "30 days"]),
    ({"lifecycle": {"delete": 20}}, ["backup_media[0].lifecycle.delete: 20", "deletes too early"]),
    ({"lifecycle": {"warm": 20}}, ["backup_media[0].lifecycle.warm", "not a known key"]),
    ({"write_once_days": 0}, ["backup_media[0].write_once_days: 0", "from 1 to 146000"]),
])
def test_the_rules_of_a_container_are_compared_with_the_retention_of_those_who_go_there(container, expected):
    rules = changed_policy("kinds", "database", value={**POLICY["kinds"]["database"], "retention": {"days": 30}})
    error = refused([database()], [{**CLOUD, **container}], rules)
    for words in expected:
        assert words in error.message + " " + error.hint
    engine.validate(rules, [database(), code(media=["nube"])], [{**CLOUD, "write_once_days": 30}])
    engine.validate(rules, [database(media=["local"])], [{**CLOUD, "default": False, "write_once_days": 400}, *MEDIA])


def test_criticality_raises_the_frequency_and_the_kind_is_the_floor():
    assert engine.period(POLICY, "database", "alta") == (1, 0)
    assert engine.period(POLICY, "database", "media") == (7, 0)
    assert engine.period(POLICY, "source_code", "alta") == (0, 1)


def test_the_format_of_encryption_is_the_systems_then_its_criticalitys():
    rules = changed_policy("criticality", "alta", "encryption_format", value="7z")
    engine.validate(rules, [database(encryption_format="gpg"), database(name="B")], MEDIA)
    assert engine.encryption_format(rules, database()) == "7z"
    assert engine.encryption_format(rules, database(encryption_format="gpg")) == "gpg"
    assert engine.encryption_format(POLICY, database(criticality="media")) == "gpg"
    assert engine.encryption_format(POLICY, database(criticality="baja")) == ""


def test_who_answers_follows_the_designations_of_the_day():
    people = {"database": {"titular": [{"name": "Ana", "from": "2026-01-01", "until": "2026-06-30", "public_key_file": "ana.asc"},
                                       {"name": "Beto", "from": datetime.date(2026, 7, 1), "public_key_file": "beto.asc"}],
                           "suplente": [{"name": "Carla", "from": "2026-01-01"}]},
              "source_code": {"titular": [], "suplente": [{"name": "Dora", "from": "2026-01-01", "public_key": "k"}]}}
    policy = changed_policy("actors", value={"egcr": people})
    engine.validate(policy, [], MEDIA)
    assert engine.responsible(policy, database(), datetime.date(2026, 6, 30)) == "Ana"
    assert engine.responsible(policy, database(), datetime.date(2026, 7, 1)) == "Beto"
    assert engine.responsible(policy, database(responsible="Eva"), DAY) == "Eva"
    assert engine.responsible(policy, code(), DAY) == "Dora"
    assert [person["name"] for person in engine.key_holders(policy, "source_code", DAY)] == ["Dora", "Beto"]
    assert [person["name"] for person in engine.key_holders(policy, "database", DAY)] == ["Beto"]
    assert engine.responsible(POLICY, database(), DAY) == "EGCR de Base de Datos (sin designación vigente)"


# -- what a tool copies by itself (7.2.3) ------------------------------------------------------------------------------
WITH_FILES = {**POLICY, "kinds": {**POLICY["kinds"], "file_server": {"numeral": "7.2.3", "frequency_numeral": "6.4", "every": {"days": 1}, "keep_copies": 180}}}
SHARE = {"type": "azure_backup", "vault": "boveda", "protects": "share", "storage_account": "archivosentidad", "share": "legal"}


def protected(**source):
    return {key: value for key, value in database(kind="file_server", source={**SHARE, **source}).items() if key != "media"}


@pytest.mark.parametrize("source", [
    SHARE, {**SHARE, "resource_group": "rg-archivos"},
    {"type": "azure_backup", "vault": "boveda", "protects": "machine", "machine": "srv-archivos"},
    {"type": "azure_backup", "vault": "boveda", "protects": "agent", "computer": "srv1.entidad.gob.pe", "volume": "D:\\"},
])
def test_each_sort_of_protected_item_is_taken_and_needs_no_medium(source):
    engine.validate(WITH_FILES, [{**protected(), "source": source}], [])


@pytest.mark.parametrize(("system", "expected"), [
    (protected(protects="agent"), ["source.computer: None", "source.volume: None", "source.share: 'legal'", "has no meaning for a agent"]),
    (protected(protects="buzon"), ["source.protects: 'buzon'"]),
    (protected(machine="srv"), ["source.machine: 'srv'", "Remove it, or change protects"]),
    ({**protected(), "media": ["nas"]}, ["backup_systems[0].media", "its vault"]),
    ({**protected(), "kind": "database"}, ["not a source of kind database"]),
])
def test_a_mistake_in_a_protected_item_names_key_value_and_mend(system, expected):
    with pytest.raises(BackupError) as told:
        engine.validate(WITH_FILES, [system], MEDIA)
    for words in expected:
        assert words in told.value.message + " " + told.value.hint


def test_what_a_tool_says_it_made_counts_as_the_manual_asks_and_no_more():
    assert engine.required_trust(WITH_FILES, protected()) == engine.counted_trust(WITH_FILES, protected()) == "T1"
    assert engine.counted_trust(WITH_FILES, database()) == "T2"


def test_a_kind_without_rules_is_refused_where_the_inventory_has_systems_of_it():
    with pytest.raises(BackupError, match="without rules in the policy"):
        engine.validate({**POLICY, "kinds": {kind: POLICY["kinds"][kind] for kind in ("database", "source_code")}}, [protected()], MEDIA)


# -- custodians --------------------------------------------------------------------------------------------------------
VAULT_FILE = {"name": "disco", "type": "vault_file", "path": "/srv/custodia"}
KEY_VAULT = {"name": "nube", "type": "azure_key_vault", "vault_name": "boveda-oti", "auth": {"auth_source": "msi"}}
HASHICORP = {"name": "boveda", "type": "hashicorp_vault", "address": "https://boveda.example.org:8200", "role_id": "r", "secret_id": "s",
             "namespace": "oti/lima", "mount": "kv/respaldo", "path": "copias", "ca_certs": "/etc/ssl/oti.pem", "retry_seconds": 30}


def test_each_custodian_is_taken():
    engine.validate(POLICY, [database()], MEDIA, [VAULT_FILE, {"name": "otro", "path": "/srv/c2", "required": False}, KEY_VAULT, HASHICORP])
    engine.validate(POLICY, [], [], [{**VAULT_FILE, "retired": True}, {**KEY_VAULT, "name": "otra"}, {**HASHICORP, "address": "http://127.0.0.1:8200"}])
    engine.validate(POLICY, [], [], [])


def _without(custodian, *names, **more):
    return {**{name: value for name, value in custodian.items() if name not in names}, **more}


@pytest.mark.parametrize("custodians, expected", [
    ("disco", ["backup_custodians: '(a text)'", "not a list"]),
    ([{"name": "a", "type": "key_vault", "vault_name": "b"}], ["backup_custodians[0].type: 'key_vault'", "Did you mean azure_key_vault?"]),
    ([{"name": "a", "type": ["x"]}], ["backup_custodians[0].type"]),
    (["/srv/custodia"], ["backup_custodians[0]", "not a table"]),
    ([{"name": "a", "path": "custodia"}], ["backup_custodians[0].path: 'custodia'", "/an/absolute/path"]),
    ([{"name": "a", "type": "vault_file"}], ["backup_custodians[0].path", "missing"]),
    ([{**VAULT_FILE, "requred": False}], ["backup_custodians[0].requred", "Did you mean required?"]),
    ([_without(KEY_VAULT, "vault_name")], ["backup_custodians[0]", "exactly one of vault_name and vault_uri"]),
    ([{**KEY_VAULT, "vault_uri": "https://x.vault.azure.net"}], ["exactly one of vault_name and vault_uri"]),
    ([_without(KEY_VAULT, "vault_name", vault_uri="http://x.vault.azure.net")], ["backup_custodians[0].vault_uri", "not well written"]),
    ([{**KEY_VAULT, "auth": {"clientid": "x"}}], ["backup_custodians[0].auth.clientid", "Did you mean client_id?"]),
    ([{**HASHICORP, "address": "http://boveda.example.org:8200"}], ["backup_custodians[0].address", "not well written"]),
    ([{**HASHICORP, "address": "https://ana:clave@boveda.example.org"}], ["backup_custodians[0].address", "(hidden)@"]),
    ([_without(HASHICORP, "role_id", "secret_id")], ["either a token, or role_id and secret_id"]),
    ([_without(HASHICORP, "secret_id")], ["either a token, or role_id and secret_id"]),
    ([{**HASHICORP, "token": "s.muysecreto"}], ["either a token, or role_id and secret_id"]),
    ([{**HASHICORP, "address": "http://boveda/?t=s.muysecreto"}], ["backup_custodians[0].address: 'http://boveda/?(hidden)'"]),
    ([{**HASHICORP, "token:s.muysecreto": 1}], ["backup_custodians[0].token...: 'token...'", "Did you mean token?"]),
    ([{**HASHICORP, "mount": "../sys"}], ["backup_custodians[0].mount"]),
    ([{**HASHICORP, "retry_seconds": "60"}], ["backup_custodians[0].retry_seconds", "whole number"]),
    ([VAULT_FILE, {**KEY_VAULT, "name": "DISCO"}], ["backup_custodians[1].name: 'DISCO'", "two custodians"]),
    ([{**VAULT_FILE, "retired": True}, {**KEY_VAULT, "required": False}], ["backup_custodians", "takes every new password"]),
])
def test_a_mistake_in_a_custodian_names_key_value_and_mend(custodians, expected):
    with pytest.raises(BackupError) as caught:
        engine.validate(POLICY, [], [], custodians)
    whole = caught.value.message + " " + caught.value.hint
    assert caught.value.code == "RSP101"
    for words in expected:
        assert words in whole, whole
    assert "muysecreto" not in whole and "clave@" not in whole
