# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every custodian does, each by its own service; and what it says when that service does not do as it should."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time

import hvac
import pytest
from ansible import constants
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultSecret
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.plugin_utils import _custodians
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._azure import identity
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._custodians import azure_key_vault, base, custody, hashicorp_vault, seals
from azure.core.credentials import AccessToken
from azure.keyvault.secrets import SecretClient

REFERENCE = "custodia:database/SIGA/SIGA_20261122"
OTHER = "custodia:file_server/Almacen.Central/repositorio"


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    for variables in identity._ENVIRONMENT.values():
        for variable in variables:
            monkeypatch.delenv(variable, raising=False)


@pytest.fixture(params=["vault_file", "azure_key_vault", "hashicorp_vault"])
def options(request, tmp_path, vault, shelf):
    if request.param == "vault_file":
        return {"name": "disco", "type": "vault_file", "path": str(tmp_path / "custodia")}
    if request.param == "azure_key_vault":
        return vault.options()
    return request.getfixturevalue("bao").options(shelf)


@pytest.fixture
def custodian(options, loader):
    return _custodians.build(options, loader)


def refused(name, call, *words):
    """The call raises this error of the catalogue, with these words in it and nothing secret."""
    with pytest.raises(BackupError) as told:
        call()
    assert told.value.fault.name == name, told.value
    for word in words:
        assert word in told.value.message
    assert told.value.spanish and told.value.remedy
    return told.value


# -- the contract ---------------------------------------------------------------------------------------------------

def test_a_record_is_kept_given_listed_and_never_replaced(custodian, options, loader):
    record, other = base.make(REFERENCE), base.make(OTHER)
    custodian.prove()
    assert custodian.get(REFERENCE) is None and custodian.stat(REFERENCE) is None and list(custodian.list()) == []
    assert custodian.put(record) and custodian.put(other)
    assert custodian.put(base.make(REFERENCE)) is False, "a record that is there is never replaced"
    again = _custodians.build(options, loader)
    assert again.get(REFERENCE) == record and again.get(OTHER) == other
    assert sorted(again.list()) == [REFERENCE, OTHER]
    stat = again.stat(REFERENCE)
    assert stat.versions == 1 and stat.kept_at[:13] in (record.created_at[:13], time.strftime("%Y-%m-%dT%H", time.gmtime()))
    assert record.password not in repr(record) and record.key_id in repr(record)


def test_store_and_reveal_through_the_one_door(options, loader):
    password = custody.keep(loader, [options], REFERENCE)
    assert len(password) == 43 and custody.keep(loader, [options], REFERENCE) == password == custody.reveal(loader, [options], REFERENCE)
    assert custody.holds([options], REFERENCE, loader) and not custody.holds([options], OTHER, loader)
    refused("custody_missing", lambda: custody.reveal(loader, [options], OTHER), "it holds none")


@pytest.mark.parametrize("wrong", ["custodia:SIGA", "custodia:/etc/passwd", "custodia:a/../../b", "database/SIGA/x", "custodia:a/b c", "custodia:a/.b"])
def test_what_is_no_reference_reaches_no_custodian(custodian, wrong):
    refused("custody_unavailable", lambda: custodian.get(wrong), "not a reference")
    assert not base.is_reference(wrong)


# Key Vault has no condition to write by, so that nothing is promised there; the bitácora never gives a label twice
@pytest.mark.parametrize("options", ["vault_file", "hashicorp_vault"], indirect=True)
def test_two_runs_at_once_end_with_one_password(options, loader):
    found, begun = [], threading.Barrier(4)

    def run():
        begun.wait()
        found.append(custody.keep(loader, [options], REFERENCE))

    threads = [threading.Thread(target=run) for _each in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4 and len(set(found)) == 1
    assert custody.reveal(loader, [options], REFERENCE) == found[0]


# -- several at once ------------------------------------------------------------------------------------------------

@pytest.fixture
def three(tmp_path, vault, bao, shelf):
    return [{"name": "disco", "path": str(tmp_path / "custodia")}, vault.options(), bao.options(shelf)]


def test_a_password_goes_to_all_and_comes_from_the_first_that_answers(three, vault, loader):
    kept = custody.store(loader, three, REFERENCE)
    assert kept.custodians == ["disco", "nube", "boveda"] and kept.warnings == []
    for each in three:
        assert custody.reveal(loader, three, REFERENCE, [each["name"]]) == kept.record.password
    vault.fake.dead = True
    assert custody.reveal(loader, list(reversed(three[:2])), REFERENCE) == kept.record.password
    told = refused("custody_unavailable", lambda: custody.reveal(loader, three, "custodia:database/SIGA/SIGA_20200101"), "nube", "it holds none")
    assert "RSP801" == told.code


def test_a_custodian_that_does_not_answer_stops_it_before_anything_is_written(three, vault, tmp_path, loader):
    vault.fake.dead = True
    refused("custodian_unreachable", lambda: custody.store(loader, three, REFERENCE), "nube")
    refused("custodian_unreachable", lambda: custody.prove(loader, three, REFERENCE), "nube")
    assert not list((tmp_path / "custodia").rglob("*")) and custody.holds(three, REFERENCE, loader) is False


def test_one_that_is_not_required_is_passed_over_and_told(three, vault, loader):
    vault.fake.dead = True
    three[1]["required"] = False
    kept = custody.store(loader, three, REFERENCE)
    assert kept.custodians == ["disco", "boveda"] and "nube" in kept.warnings[0]
    custody.prove(loader, three, REFERENCE)


def test_one_that_dies_between_writing_and_reading_back_stops_the_copy(three, vault, loader):
    vault.fake.dies_after_put = True
    refused("custodian_unreachable", lambda: custody.store(loader, three, REFERENCE), "nube")
    vault.fake.dead = vault.fake.dies_after_put = False
    first = custody.reveal(loader, three, REFERENCE, ["nube"])
    assert custody.store(loader, three, REFERENCE).record.password == first, "the next try goes on with what was put already"


def test_one_that_gives_something_else_back_stops_the_copy(three, loader, monkeypatch):
    monkeypatch.setattr(azure_key_vault.AzureKeyVault, "put", lambda self, record: self._ask(
        "PUT", "/secrets/" + self.secret_name(record.reference), (200,), {"value": base.make(record.reference).text()}).status == 200)
    refused("custody_unavailable", lambda: custody.store(loader, three, REFERENCE), "nube", "reads back otherwise")


def test_one_that_is_retired_is_read_from_and_receives_nothing(three, loader):
    old, new = [three[0]], [{**three[0], "retired": True}, *three[1:]]
    password = custody.keep(loader, old, REFERENCE)
    assert custody.reveal(loader, new, REFERENCE) == password
    assert custody.store(loader, new, REFERENCE).custodians == ["nube", "boveda"]
    custody.keep(loader, new, OTHER)
    assert not custody.holds([three[0]], OTHER, loader)


def test_custodians_that_differ_stop_it_and_say_which(three, loader):
    for each in three[:2]:
        custody.keep(loader, [each], REFERENCE)
    told = refused("custody_differs", lambda: custody.store(loader, three, REFERENCE), "disco has key", "nube has key")
    assert not any(custody.reveal(loader, [each], REFERENCE) in told.message for each in three[:2])


def test_a_record_that_was_exchanged_for_another_s_is_refused(three, vault, bao, shelf, tmp_path, loader):
    for reference in (REFERENCE, OTHER):
        custody.store(loader, three, reference)
    (tmp_path / "custodia/database/SIGA/SIGA_20261122.yml").write_bytes((tmp_path / "custodia/file_server/Almacen.Central/repositorio.yml").read_bytes())
    names = {reference: azure_key_vault.AzureKeyVault(vault.options()).secret_name(reference).lower() for reference in (REFERENCE, OTHER)}
    vault.fake.secrets[names[REFERENCE]][-1]["value"] = vault.fake.secrets[names[OTHER]][-1]["value"]
    there = bao.client.secrets.kv.v2.read_secret_version(f"{shelf}/file_server/Almacen.Central/repositorio", raise_on_deleted_version=True)["data"]["data"]
    bao.client.secrets.kv.v2.create_or_update_secret(f"{shelf}/database/SIGA/SIGA_20261122", there)
    for each in three:
        refused("custody_altered", lambda each=each: custody.reveal(loader, [each], REFERENCE), "belongs to " + OTHER)
        refused("custody_altered", lambda each=each: custody.store(loader, [each], REFERENCE), each["name"])
    refused("custody_unavailable", lambda: custody.reveal(loader, three, REFERENCE), "disco", "nube", "boveda")


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"reference": "x"}', '{"reference": "%s", "password": "", "created_at": "x"}' % REFERENCE,
                                  '{"reference": "%s", "password": 7, "created_at": "x"}' % REFERENCE])
def test_what_is_no_record_is_told_without_repeating_it(text):
    refused("custody_altered", lambda: base.read(text, REFERENCE, "disco"), "can't be read as a record")


def test_options_that_are_wrong_are_told_with_their_mend(loader):
    told = refused("invalid_input", lambda: custody.opened(loader, [{"name": "x", "type": "azure_keyvault", "vault_name": "boveda"}]))
    assert told.code == "RSP101" and "Did you mean azure_key_vault" in told.hint
    refused("invalid_input", lambda: custody.opened(loader, ""), "no custodian")


# -- the directory of the first releases ----------------------------------------------------------------------------

def test_a_directory_alone_works_as_before(tmp_path, loader):
    directory = str(tmp_path / "custodia")
    password = custody.keep(loader, directory, REFERENCE)
    path = tmp_path / "custodia/database/SIGA/SIGA_20261122.yml"
    assert [each.stat().st_mode & 0o777 for each in (path, path.parent, tmp_path / "custodia")] == [0o600, 0o700, 0o700]
    assert custody.reveal(loader, directory, REFERENCE) == password and custody.holds(directory, REFERENCE)
    assert json.loads(loader._vault.decrypt(path.read_bytes()))["password"] == password
    # a record of the first release has no key id
    old = {"reference": OTHER, "password": "vieja", "created_at": "2026-11-22T00:00:00Z"}
    target = tmp_path / "custodia/file_server/Almacen.Central/repositorio.yml"
    target.parent.mkdir(parents=True)
    target.write_bytes(loader._vault.encrypt(json.dumps(old)))
    assert custody.store(loader, directory, OTHER).record == base.Record("custodia:file_server/Almacen.Central/repositorio", "vieja", "2026-11-22T00:00:00Z",
                                                                         base.read(old, OTHER, "x").key_id)


def test_a_directory_without_a_vault_identity_or_permission(tmp_path, loader):
    refused("custody_unavailable", lambda: custody.prove(DataLoader(), str(tmp_path / "custodia"), REFERENCE), "vault")
    refused("custody_unavailable", lambda: custody.keep(DataLoader(), str(tmp_path / "custodia"), REFERENCE), "vault")
    (tmp_path / "archivo").write_text("no es un directorio")
    refused("custody_unavailable", lambda: custody.prove(loader, str(tmp_path / "archivo" / "custodia"), REFERENCE))
    refused("custody_unavailable", lambda: custody.keep(loader, str(tmp_path / "archivo" / "custodia"), REFERENCE), "Not a directory")
    assert not (tmp_path / "custodia").exists()


def test_of_several_vault_identities_the_one_named_closes_and_none_is_guessed(tmp_path, loader, monkeypatch):
    """Whichever came first on the command line closed the records, and the command of the guide could not open them."""
    loader.set_vault_secrets([("app", VaultSecret(b"de la aplicacion")), ("respaldo", VaultSecret(b"del respaldo"))])
    refused("vault_identity_unnamed", lambda: custody.keep(loader, str(tmp_path / "custodia"), REFERENCE), "app, respaldo")
    monkeypatch.setattr(constants, "DEFAULT_VAULT_ENCRYPT_IDENTITY", "respaldo")
    custody.keep(loader, str(tmp_path / "custodia"), REFERENCE)
    record, = (path for path in (tmp_path / "custodia").rglob("*.yml"))
    assert record.read_text().splitlines()[0] == "$ANSIBLE_VAULT;1.2;AES256;respaldo"


# -- seals ----------------------------------------------------------------------------------------------------------

def test_a_record_is_sealed_to_the_people_who_keep_passwords(tmp_path, loader, people):
    ana, luis = people
    kept = custody.store(loader, str(tmp_path / "c"), REFERENCE, [ana.public])
    path = tmp_path / "c/database/SIGA/SIGA_20261122.yml.asc"
    assert path.stat().st_mode & 0o777 == 0o600 and kept.warnings == []
    assert json.loads(ana.opens(path.read_text()))["password"] == kept.record.password and luis.opens(path.read_text()) == ""
    only, other, both = (seals.recipients(keys, REFERENCE) for keys in ([ana.public], [luis.public], [ana.public, luis.public]))
    assert seals.is_for(path.read_text(), only) and not seals.is_for(path.read_text(), both) and not seals.is_for(path.read_text(), other)
    before = path.read_text()
    custody.store(loader, str(tmp_path / "c"), REFERENCE, [ana.public])
    assert path.read_text() == before, "a seal for the right people stays"
    custody.store(loader, str(tmp_path / "c"), REFERENCE, [ana.public, luis.public])
    assert all(json.loads(each.opens(path.read_text()))["password"] == kept.record.password for each in people)
    for damaged in ("", "nada", before[:200], before.replace("BEGIN PGP MESSAGE", "BEGIN PGP SIGNATURE"), before.replace("\n\n", "\n\n!!!!"),
                    before[:-60] + before[-61].swapcase() + before[-59:]):
        assert not seals.is_for(damaged, only)


def test_without_gpg_or_a_key_the_copy_goes_on_and_it_is_told(tmp_path, loader, people, monkeypatch):
    kept = custody.store(loader, str(tmp_path / "c"), REFERENCE, ["no es una llave"])
    assert "could not be sealed" in kept.warnings[0] and custody.reveal(loader, str(tmp_path / "c"), REFERENCE) == kept.record.password
    monkeypatch.setattr("ansible_collections.perucompras.respaldo.plugins.module_utils._engine.processes.system_path.SYSTEM_PATH", str(tmp_path))
    kept = custody.store(loader, str(tmp_path / "c"), OTHER, [people[0].public])
    assert "could not be sealed" in kept.warnings[0] and "gpg is not installed" in kept.warnings[0]


# -- Azure Key Vault ------------------------------------------------------------------------------------------------

class _Token:
    """The SDK's idea of a credential, with the token of our own."""

    def __init__(self, text):
        self.text = text

    def get_token(self, *_scopes, **_more):
        return AccessToken(self.text, int(time.time()) + 3600)


@pytest.fixture
def official(vault):
    """The official SDK, at the same fake."""
    bearer = azure_key_vault.AzureKeyVault(vault.options())._bearer()
    with SecretClient(vault.fake.url, _Token(bearer), api_version="7.4", verify_challenge_resource=False,
                      connection_verify=str(vault.place / "ca.pem")) as made:
        yield made


def test_the_official_sdk_reads_what_we_wrote_and_we_what_it_wrote(vault, official):
    ours = azure_key_vault.AzureKeyVault(vault.options())
    record, other = base.make(REFERENCE), base.make(OTHER)
    ours.put(record)
    name = ours.secret_name(REFERENCE)
    assert name.startswith("respaldo-database-SIGA-SIGA-20261122-") and len(name) <= 127
    read = official.get_secret(name)
    assert json.loads(read.value) == record.fields() and read.properties.tags["referencia"] == REFERENCE
    official.set_secret(ours.secret_name(OTHER), other.text(), tags={"referencia": OTHER})
    assert ours.get(OTHER) == other and sorted(ours.list()) == [REFERENCE, OTHER]
    official.set_secret("ajeno", "x")
    assert sorted(ours.list()) == [REFERENCE, OTHER], "secrets of others are passed over"
    assert ours.stat(REFERENCE).versions == len(list(official.list_properties_of_secret_versions(name))) == 1


def test_more_than_a_page_of_secrets(vault, official):
    ours = azure_key_vault.AzureKeyVault(vault.options())
    wanted = {f"custodia:database/SIGA/SIGA_{20260101 + number}" for number in range(60)}
    for reference in wanted:
        ours.put(base.make(reference))
    assert set(ours.list()) == wanted and len(list(official.list_properties_of_secrets())) == 60


def test_a_list_that_does_not_end_in_its_time_is_refused(vault, bao, shelf, loader, monkeypatch):
    for module, options in ((azure_key_vault, vault.options()), (hashicorp_vault, bao.options(shelf))):
        custodian = _custodians.build(options, loader)
        assert list(custodian.list()) == []
        with monkeypatch.context() as patched:
            patched.setattr(module, "LONGEST_LISTING", 0.0)
            refused("custodian_unreachable", lambda one=custodian: list(one.list()), "do not end")
        assert list(custodian.list()) == [], "the time was that list's alone"


def test_a_list_that_goes_on_elsewhere_gets_no_token(vault):
    ours = azure_key_vault.AzureKeyVault(vault.options())
    vault.fake.answers = [(200, {}, {"value": [], "nextLink": "https://ajeno.example.org/secrets?$skiptoken=1"})]
    refused("custodian_refused", lambda: list(ours.list()), "another address")


def test_names_that_differ_in_case_or_signs_only_are_different_secrets():
    ours = azure_key_vault.AzureKeyVault({"name": "n", "vault_name": "boveda-oti", "prefix": "p" * 31})
    references = ["custodia:database/SIGA/a_b", "custodia:database/siga/a_b", "custodia:database/SIGA/a-b", "custodia:database/SIGA/a.b",
                  "custodia:database/" + "x" * 64 + "/" + "x" * 64 + "_20261122", "custodia:database/" + "x" * 64 + "/" + "x" * 64 + "_20261123"]
    names = [ours.secret_name(reference) for reference in references]
    assert len({name.lower() for name in names}) == len(references)
    assert all(len(name) <= 127 and all(letter.isascii() and (letter.isalnum() or letter == "-") for letter in name) for name in names)


def test_a_deleted_secret_is_told_before_and_at_writing(vault, official):
    ours = azure_key_vault.AzureKeyVault(vault.options())
    ours.put(base.make(REFERENCE))
    official.begin_delete_secret(ours.secret_name(REFERENCE))
    refused("custody_deleted", lambda: ours.get(REFERENCE), ours.secret_name(REFERENCE), "purged on")
    refused("custody_deleted", lambda: ours.put(base.make(REFERENCE)), "until it is recovered")


def test_what_the_key_vault_refuses(vault, loader):
    ours = azure_key_vault.AzureKeyVault(vault.options())
    vault.fake.denied = {"PUT"}
    refused("custodian_refused", lambda: ours.put(base.make(REFERENCE)), "403", "ForbiddenByRbac", "not authorized")
    vault.fake.denied = {"GET"}
    refused("custodian_refused", lambda: ours.prove(), "ForbiddenByRbac")
    refused("custodian_refused", lambda: list(ours.list()), "ForbiddenByRbac")
    vault.fake.denied = set()
    vault.fake.answers = [(302, {"Location": "https://ajeno.example.org/"}, {})]
    refused("custodian_refused", lambda: ours.get(REFERENCE), "302", "another address")


def test_a_token_that_ended_is_renewed_once(vault, login):
    ours = azure_key_vault.AzureKeyVault(vault.options())
    ours.prove()
    vault.fake.revoked = {vault.fake.tokens[-1]}
    time.sleep(1.1)      # a new token of the same second would be the same text
    ours.prove()
    assert len(set(vault.fake.tokens)) == 2
    vault.fake.answers = [(401, {}, {}), (401, {"WWW-Authenticate": 'Bearer authorization="https://login.example.org/otro"'}, {})]
    refused("custodian_refused", lambda: ours.get(REFERENCE), "401", "https://login.example.org/otro")


def test_a_key_vault_that_is_busy_is_asked_again_and_not_for_ever(vault):
    ours = azure_key_vault.AzureKeyVault(vault.options(retry_seconds=5))
    vault.fake.answers = [(429, {"Retry-After": "1"}, {}), (503, {}, {}), (500, {}, {})]
    begun = time.monotonic()
    ours.prove()
    assert time.monotonic() - begun >= 1
    ours.rest.patience = 1
    vault.fake.answers = [(429, {"Retry-After": "60"}, {"error": {"code": "Throttled", "message": "too many"}})]
    begun = time.monotonic()
    refused("custodian_unreachable", lambda: ours.prove(), "429", "Throttled", "asked again after 60 s", "tried 1 time")
    assert time.monotonic() - begun < 50, "the minute was not waited for"
    vault.fake.answers = [(503, {}, {})] * 9
    refused("custodian_unreachable", lambda: ours.prove(), "503", "times")


def test_a_key_vault_that_is_not_there_or_not_trusted(vault, login):
    refused("custodian_unreachable", lambda: azure_key_vault.AzureKeyVault(vault.options(vault_uri="https://localhost:1")).prove(), "refused")
    auth = {**vault.options()["auth"], "ca_certs": str(vault.place / "ca.pem")}
    refused("custodian_unreachable", lambda: azure_key_vault.AzureKeyVault(vault.options(ca_certs="", auth=auth)).prove(), "not trusted")
    proxy = "http://ana:clavedelproxy@127.0.0.1:1"
    auth["proxy"] = ""
    told = refused("custodian_unreachable", lambda: azure_key_vault.AzureKeyVault(vault.options(proxy=proxy, auth=auth)).prove(),
                   "through the proxy http://127.0.0.1:1")
    assert "clavedelproxy" not in told.message
    wrong = {**vault.options()["auth"], "secret": "otra"}
    refused("custodian_refused", lambda: azure_key_vault.AzureKeyVault(vault.options(auth=wrong)).prove(), "AADSTS7000215")
    gone = {**vault.options()["auth"], "authority": "https://localhost:1"}
    refused("custodian_unreachable", lambda: azure_key_vault.AzureKeyVault(vault.options(auth=gone)).prove())
    refused("invalid_input", lambda: azure_key_vault.AzureKeyVault(vault.options(ca_certs="no es un certificado")), "not certificates")


def test_the_domains_of_the_clouds_are_those_of_azure_cli_core():
    from azure.cli.core import cloud

    known = {"AzureCloud": cloud.AZURE_PUBLIC_CLOUD, "AzureChinaCloud": cloud.AZURE_CHINA_CLOUD, "AzureUSGovernment": cloud.AZURE_US_GOV_CLOUD}
    assert {name: each.suffixes.keyvault_dns.lstrip(".") for name, each in known.items()} == azure_key_vault.SUFFIXES
    china = azure_key_vault.AzureKeyVault({"name": "n", "vault_name": "boveda", "auth": {"cloud_environment": "AzureChinaCloud"}})
    assert (china.location, china.scope) == ("https://boveda.vault.azure.cn", "https://vault.azure.cn/.default")


# -- HashiCorp Vault's interface, by a real OpenBao -----------------------------------------------------------------

def test_hvac_reads_what_we_wrote_and_we_what_it_wrote(bao, shelf, loader):
    ours = _custodians.build(bao.options(shelf), loader)
    record, other = base.make(REFERENCE), base.make(OTHER)
    ours.put(record)
    client = hvac.Client(bao.url, token=bao.client.token, verify=str(bao.ca))
    read = client.secrets.kv.v2.read_secret_version(f"{shelf}/database/SIGA/SIGA_20261122", raise_on_deleted_version=True)
    assert read["data"]["data"] == record.fields()
    client.secrets.kv.v2.create_or_update_secret(f"{shelf}/file_server/Almacen.Central/repositorio", other.fields(), cas=0)
    assert ours.get(OTHER) == other and sorted(ours.list()) == [REFERENCE, OTHER]
    with pytest.raises(hvac.exceptions.InvalidRequest):
        client.secrets.kv.v2.create_or_update_secret(f"{shelf}/database/SIGA/SIGA_20261122", other.fields(), cas=0)


def test_a_token_alone_and_a_namespace_that_does_not_exist(bao, shelf, loader):
    options = {name: value for name, value in bao.options(shelf).items() if name not in ("role_id", "secret_id")}
    ours = _custodians.build({**options, "token": bao.token()}, loader)
    assert ours.put(base.make(REFERENCE)) and ours.get(REFERENCE)
    refused("custodian_refused", lambda: _custodians.build({**options, "token": bao.token(), "namespace": "nadie"}, loader).prove())
    refused("custodian_refused", lambda: _custodians.build({**options, "token": "s.falso"}, loader).prove(), "403", "permission denied")


def test_a_token_that_ended(bao, shelf, loader):
    options = {name: value for name, value in bao.options(shelf).items() if name not in ("role_id", "secret_id")}
    short = bao.token(ttl="1s", explicit_max_ttl="1s")
    role = _custodians.build(bao.options(shelf), loader)
    role.prove()
    bao.client.auth.token.revoke(role._token)
    time.sleep(2)
    refused("custodian_refused", lambda: _custodians.build({**options, "token": short}, loader).prove(), "403")
    assert role.put(base.make(REFERENCE)), "a role logs in again"
    refused("custodian_refused", lambda: _custodians.build(bao.options(shelf, secret_id="falsa"), loader).prove(), "can't log in")
    refused("custodian_refused", lambda: _custodians.build(bao.options(shelf, auth_mount="otra"), loader).prove(), "can't log in")


def test_what_a_policy_does_not_allow(bao, shelf, loader):
    bao.client.sys.create_or_update_policy("solo-lee", f'path "secret/data/{shelf}/*" {{ capabilities = ["read"] }}')
    token = bao.client.auth.token.create(policies=["solo-lee"], no_parent=True)["auth"]["client_token"]
    options = {name: value for name, value in bao.options(shelf).items() if name not in ("role_id", "secret_id")}
    ours = _custodians.build({**options, "token": token}, loader)
    ours.prove()
    refused("custodian_refused", lambda: ours.put(base.make(REFERENCE)), "403", "permission denied")
    refused("custodian_refused", lambda: list(ours.list()), "403")


def test_a_deleted_and_a_destroyed_version_are_told(bao, shelf, loader):
    ours = _custodians.build(bao.options(shelf), loader)
    ours.put(base.make(REFERENCE))
    path = f"{shelf}/database/SIGA/SIGA_20261122"
    bao.client.secrets.kv.v2.delete_latest_version_of_secret(path)
    refused("custody_deleted", lambda: ours.get(REFERENCE), "version 1", "since")
    refused("custody_deleted", lambda: custody.store(loader, [bao.options(shelf)], REFERENCE))
    bao.client.secrets.kv.v2.undelete_secret_versions(path, [1])
    assert ours.get(REFERENCE)
    bao.client.secrets.kv.v2.destroy_secret_versions(path, [1])
    refused("custody_deleted", lambda: ours.get(REFERENCE), "destroyed")


def test_an_engine_that_is_not_there_or_of_version_1(bao, shelf, loader):
    missing = _custodians.build(bao.options(shelf, mount="nada", role_id="", secret_id="", token=bao.client.token), loader)
    refused("custodian_refused", lambda: missing.prove(), "404")
    if "v1/" not in bao.client.sys.list_mounted_secrets_engines()["data"]:
        bao.client.sys.enable_secrets_engine("kv", path="v1", options={"version": "1"})
    old = _custodians.build(bao.options(shelf, mount="v1", role_id="", secret_id="", token=bao.client.token), loader)
    refused("custodian_refused", lambda: old.prove(), "must be KV version 2")


def test_a_sealed_server_and_one_that_is_gone(bao, shelf, loader):
    ours = _custodians.build(bao.options(shelf), loader)
    ours.put(base.make(REFERENCE))
    bao.seal()
    try:
        refused("custodian_unreachable", lambda: ours.get(REFERENCE), "503", "sealed")
    finally:
        bao.unseal()
    bao.stop()
    try:
        refused("custodian_unreachable", lambda: ours.get(REFERENCE), "refused")
    finally:
        bao.start()
        bao.unseal()
    assert ours.get(REFERENCE), "what it took is there after it was started again"


# -- what it costs --------------------------------------------------------------------------------------------------

def test_a_play_without_a_key_vault_imports_no_azure_package(tmp_path):
    code = ("import sys; from ansible_collections.perucompras.respaldo.plugins.plugin_utils._custodians import custody;"
            "found = custody.opened(None, [{'name': 'disco', 'path': '/c'}, {'name': 'b', 'type': 'hashicorp_vault', 'address': 'https://x', 'token': 't'}]);"
            "heavy = ('azure', 'msal', 'requests', 'hvac', 'knack');"
            "print([name for name in sys.modules if name.split('.')[0] in heavy or '_azure' in name or 'key_vault' in name])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": "collections"})
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_one_that_can_not_even_be_asked_from_here_is_no_matter_where_another_gives_the_password(loader, tmp_path):
    good = {"name": "disco", "type": "vault_file", "path": str(tmp_path / "c")}
    lost = {"name": "boveda", "type": "hashicorp_vault", "address": "https://localhost:1", "token": "x", "ca_certs": str(tmp_path / "perdido.pem")}
    password = custody.keep(loader, [good], REFERENCE)
    assert custody.reveal(loader, [lost, good], REFERENCE) == password and custody.holds([lost, good], REFERENCE, loader)
    refused("invalid_input", lambda: custody.reveal(loader, [lost], REFERENCE), "perdido.pem")
    refused("invalid_input", lambda: custody.keep(loader, [lost, good], OTHER), "perdido.pem")      # nothing is begun without one that is required
