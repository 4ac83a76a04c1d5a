# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each source of the controller's identity, against a fake login service; and a delegation key of it signs for a server."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.media import catalogue
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._azure import identity, sas, storage
from bench import ACCOUNT, KEY, SLOT
from login import CLIENT, FEDERATED, SECRET, TENANT, FakeLogin, token

_SCOPE = "https://storage.azure.com/.default"


@pytest.fixture
def login(azurite):
    made = FakeLogin(azurite.directory)
    yield made
    made.close()


@pytest.fixture
def auth(azurite, login, monkeypatch):
    for variables in identity._ENVIRONMENT.values():
        for variable in variables:
            monkeypatch.delenv(variable, raising=False)
    return {"client_id": CLIENT, "tenant": TENANT, "secret": SECRET, "authority": login.url, "ca_certs": str(azurite.ca)}


def refused(code, auth, *words):
    with pytest.raises(BackupError) as told:
        identity.bearer(auth, _SCOPE)
    assert told.value.fault.name == code, told.value
    for word in words:
        assert word in told.value.message
    assert SECRET not in told.value.message
    return told.value


def without(auth, *names, **more):
    return {**{name: value for name, value in auth.items() if name not in names}, **more}


def test_a_secret(auth, login):
    got = identity.bearer(auth, _SCOPE)
    assert got.text == token("https://storage.azure.com") or got.text.count(".") == 2
    assert login.asked[-1]["scope"] == _SCOPE and got.text not in repr(got)


def test_a_certificate(auth, login, azurite, tmp_path):
    both = tmp_path / "both.pem"
    both.write_text((azurite.directory / "server.key").read_text() + (azurite.directory / "server.pem").read_text())
    identity.bearer(without(auth, "secret", x509_certificate_path=str(both)), _SCOPE)
    assert "client_secret" not in login.asked[-1] and login.asked[-1]["client_assertion"].count(".") == 2
    refused("invalid_input", without(auth, "secret", x509_certificate_path=str(azurite.ca)), "no private key")
    refused("invalid_input", without(auth, "secret", x509_certificate_path="/nadie"), "can't be read")


def test_a_workload_identity(auth, login, tmp_path):
    (tmp_path / "token").write_text(FEDERATED + "\n")
    identity.bearer(without(auth, "secret", auth_source="workload_identity", federated_token_file=str(tmp_path / "token")), _SCOPE)
    assert login.asked[-1]["client_assertion"] == FEDERATED


def test_the_environment(auth, login, monkeypatch):
    for name, value in (("AZURE_CLIENT_ID", CLIENT), ("AZURE_TENANT_ID", TENANT), ("AZURE_CLIENT_SECRET", SECRET)):
        monkeypatch.setenv(name, value)
    identity.bearer(without(auth, "client_id", "tenant", "secret"), _SCOPE)
    assert login.asked[-1]["client_secret"] == SECRET


def test_no_identity_at_all(auth, tmp_path):
    refused("identity_missing", without(auth, "client_id", "tenant", "secret", profile=str(tmp_path / "empty")), "az login")
    refused("identity_missing", without(auth, "secret", auth_source="service_principal"), "one of secret")
    refused("invalid_input", without(auth, auth_source="magia"), "is not known")
    refused("invalid_input", without(auth, "authority", cloud_environment="Luna"), "is not known")


def test_what_the_login_service_refuses(auth):
    refused("identity_refused", without(auth, secret="otra"), "AADSTS7000215")
    assert "Trace" not in refused("identity_refused", without(auth, secret="otra")).message
    refused("identity_refused", without(auth, tenant="nadie"))


def test_a_login_service_that_is_not_there(auth):
    refused("identity_unreachable", without(auth, authority="https://localhost:1"))
    refused("identity_unreachable", without(auth, "ca_certs"), "certificate")
    refused("identity_unreachable", without(auth, proxy="http://ana:pronto@127.0.0.1:9"))


def test_the_clouds_are_those_of_azure_cli_core():
    from azure.cli.core import cloud

    known = {"AzureCloud": cloud.AZURE_PUBLIC_CLOUD, "AzureChinaCloud": cloud.AZURE_CHINA_CLOUD, "AzureUSGovernment": cloud.AZURE_US_GOV_CLOUD}
    assert {name: each.endpoints.active_directory for name, each in known.items()} == identity.LOGINS
    assert {name: each.suffixes.storage_endpoint for name, each in known.items()} == identity.STORAGES


@pytest.mark.parametrize(("cloud", "host"), [
    ("", "https://backupacct.blob.core.windows.net"), ("AzureChinaCloud", "https://backupacct.blob.core.chinacloudapi.cn"),
    ("AzureUSGovernment", "https://backupacct.blob.core.usgovcloudapi.net")])
def test_a_cloud_has_its_own_addresses_for_the_controller_and_for_servers(cloud, host):
    account = storage.Account({"name": "nube", "type": "azure_blob", "storage_account_name": "backupacct", "container": "copias",
                               "auth": {"cloud_environment": cloud, "account_key": KEY}})
    assert account.medium.service.location == host + "/copias"
    server = catalogue.build(account.for_deposit(SLOT, "", True))
    assert server.location(SLOT) == f"{host}/copias/database/SIGA/SIGA_20261124"


def test_an_az_login_session(auth, login, tmp_path):
    """A session as `az login --service-principal` leaves it, read by azure-cli-core itself; the cloud is one of its own, whose login is the fake's."""
    profile = tmp_path / "azure"
    profile.mkdir()
    user = {"name": CLIENT, "type": "servicePrincipal"}
    subscription = {"id": "sub-1", "name": "Entidad", "state": "Enabled", "user": user, "isDefault": True, "tenantId": TENANT, "environmentName": "Prueba"}
    (profile / "azureProfile.json").write_text(json.dumps({"installationId": "x", "subscriptions": [subscription]}))
    (profile / "service_principal_entries.json").write_text(json.dumps([{"client_id": CLIENT, "tenant": TENANT, "client_secret": SECRET}]))
    (profile / "config").write_text("[cloud]\nname = Prueba\n[core]\ninstance_discovery = false\nencrypt_token_cache = false\n")
    names = ("active_directory", "resource_manager", "management", "active_directory_resource_id")
    (profile / "clouds.config").write_text("[Prueba]\n" + "".join(f"endpoint_{name} = {login.url}\n" for name in names))
    session = {"auth_source": "cli", "profile": str(profile), "ca_certs": auth["ca_certs"]}
    # azure-cli-core settles on its directory when it is imported: one process, one session
    code = ("import json, sys; from ansible_collections.perucompras.respaldo.plugins.plugin_utils._azure import identity; "
            "print(identity.bearer(json.loads(sys.argv[1]), sys.argv[2]).text)")
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": ":".join(path for path in sys.path if path)}
    done = subprocess.run([sys.executable, "-c", code, json.dumps(session), _SCOPE], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(".") == 2 and login.asked[-1]["client_secret"] == SECRET and login.asked[-1]["scope"].startswith(_SCOPE)


def test_a_managed_identity(auth, login, monkeypatch):
    """As App Service and Azure Arc tell it: an address and a word that the identity's service wants back."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", login.url + "/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "palabra")
    got = identity.bearer({"auth_source": "msi", "ca_certs": auth["ca_certs"]}, _SCOPE)
    assert got.text.count(".") == 2 and login.asked[-1] == {"api-version": "2019-08-01", "resource": "https://storage.azure.com", "header": "palabra"}
    identity.bearer({"auth_source": "msi", "client_id": CLIENT, "ca_certs": auth["ca_certs"]}, _SCOPE)
    assert login.asked[-1]["client_id"] == CLIENT
    monkeypatch.setenv("IDENTITY_HEADER", "otra")
    refused("identity_refused", {"auth_source": "msi", "client_id": "otro", "ca_certs": auth["ca_certs"]})
    monkeypatch.setenv("IDENTITY_ENDPOINT", "https://localhost:1/msi/token")
    refused("identity_unreachable", {"auth_source": "msi", "client_id": "mas", "ca_certs": auth["ca_certs"]})


def test_a_delegation_key_signs_for_one_blob(auth, bench):
    """The whole way: token, user delegation key, signature; the emulator checks the signature against the key it gave."""
    account = storage.Account({**bench.options(), "session": {}, "auth": {**auth, "deposit_permissions": "cw"}})
    stocked = account.prepare(SLOT, False)
    given = account.for_deposit(SLOT, "", stocked)
    assert stocked is False and isinstance(account.key, sas.DelegationKey) and account.key.value not in str(given)
    medium = catalogue.build(given)
    medium.check(SLOT, 1)
    with pytest.raises(BackupError) as told:
        medium.files(SLOT)
    assert told.value.fault.name == "azure_refused"
    assert all(f"skoid={account.key.oid}" in key for key in given["session"]["keys"].values())
    assert ACCOUNT in account.options["storage_account_name"]


def test_a_play_that_uses_azure_spends_little_on_it():
    """What is imported for a service principal: msal and what it needs, and not the SDKs."""
    code = "import sys, msal, requests; print(len([name for name in sys.modules if name.startswith('azure')]))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "0"
