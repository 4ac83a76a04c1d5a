# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who the controller is to Azure: a token from one of several sources, each by Microsoft's own library.

An `az login` session is read in this process through azure-cli-core, without the `az` program. The others go through msal, which
azure-cli-core brings along. Both are imported only by a play that needs them.
"""

from __future__ import annotations

import contextlib
import os
import time
import typing as t
from collections.abc import Mapping
from typing import Any

from ...module_utils._engine.errors import BackupError

SOURCES = ("auto", "cli", "env", "service_principal", "workload_identity", "msi")

# Where each public cloud signs in, and where its storage accounts are; azure-cli-core has the same tables, and a test compares them.
LOGINS = {
    "AzureCloud": "https://login.microsoftonline.com",
    "AzureChinaCloud": "https://login.chinacloudapi.cn",
    "AzureUSGovernment": "https://login.microsoftonline.us",
}
STORAGES = {"AzureCloud": "core.windows.net", "AzureChinaCloud": "core.chinacloudapi.cn", "AzureUSGovernment": "core.usgovcloudapi.net"}

_TIMEOUT = 30
# What the environment is called in, for each option.
_ENVIRONMENT = {
    "client_id": ("AZURE_CLIENT_ID",), "secret": ("AZURE_SECRET", "AZURE_CLIENT_SECRET"), "tenant": ("AZURE_TENANT", "AZURE_TENANT_ID"),
    "x509_certificate_path": ("AZURE_X509_CERTIFICATE_PATH", "AZURE_CLIENT_CERTIFICATE_PATH"), "thumbprint": ("AZURE_THUMBPRINT",),
    "federated_token_file": ("AZURE_FEDERATED_TOKEN_FILE",), "subscription_id": ("AZURE_SUBSCRIPTION_ID",),
}
_PROOFS = ("secret", "x509_certificate_path", "federated_token_file")


class Token(t.NamedTuple):
    """A bearer token and when it ends, in seconds since 1970."""

    text: str
    expires: int

    def __repr__(self) -> str:
        return f"Token(expires={self.expires})"


def bearer(auth: Mapping[str, Any], scope: str) -> Token:
    """A token for a scope such as https://storage.azure.com/.default.

    `auth` has azure.azcollection's option names: auth_source, client_id, secret, tenant, x509_certificate_path, thumbprint,
    subscription_id, cloud_environment; also federated_token_file, authority, profile (directory of an az session), proxy, ca_certs.
    `auto` takes what is given, else the environment, else an az session; a managed identity only when it is asked for, since its
    address hangs outside Azure. Raises BackupError identity_missing, identity_refused, identity_unreachable or azure_packages_missing.
    """
    source = str(auth.get("auth_source") or "auto")
    if source not in SOURCES:
        raise BackupError("invalid_input", where="auth.auth_source", value=source, problem="is not known here", mend=f"Use one of {', '.join(SOURCES)}.")
    try:
        if source == "msi":
            return _managed(auth, scope)
        given = dict(auth)
        if source in ("auto", "env") and not (source == "auto" and _complete(given)):
            given.update(_of_environment(given))
        if source == "cli" or source == "auto" and not _complete(given):
            return _session(given, scope)
        if not _complete(given):
            raise BackupError("identity_missing", source=source, detail="client_id, tenant, and one of secret, x509_certificate_path and federated_token_file")
        return _principal(given, scope)
    except ImportError as error:
        raise BackupError("azure_packages_missing", detail=str(error)) from error
    except OSError as error:      # of the network too: requests' errors are such
        raise BackupError("identity_unreachable", location=_login(auth), detail=_short(str(error))) from error


def _complete(auth: Mapping[str, Any]) -> bool:
    return bool(auth.get("client_id") and auth.get("tenant") and any(auth.get(name) for name in _PROOFS))


def _of_environment(auth: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    for name, variables in _ENVIRONMENT.items():
        value = next((os.environ[variable] for variable in variables if os.environ.get(variable)), "")
        if value and not auth.get(name):
            found[name] = value
    return found


def _principal(auth: Mapping[str, Any], scope: str) -> Token:
    import msal

    if auth.get("secret"):
        proof: Any = str(auth["secret"])
    elif auth.get("x509_certificate_path"):
        proof = _certificate(auth)
    else:
        assertion = _text_of(str(auth["federated_token_file"]), "auth.federated_token_file")
        proof = {"client_assertion": lambda: assertion}
    try:
        application = msal.ConfidentialClientApplication(
            str(auth["client_id"]), authority=f"{_login(auth)}/{auth['tenant']}", client_credential=proof, http_client=_client(auth),
            instance_discovery=False)
        return _token(application.acquire_token_for_client([scope]))
    except ValueError as error:   # msal's word for an authority or tenant that is not one
        raise BackupError("identity_refused", detail=_short(str(error))) from error


def _managed(auth: Mapping[str, Any], scope: str) -> Token:
    import msal

    identity = msal.UserAssignedManagedIdentity(client_id=str(auth["client_id"])) if auth.get("client_id") else msal.SystemAssignedManagedIdentity()
    try:
        return _token(msal.ManagedIdentityClient(identity, http_client=_client(auth)).acquire_token_for_client(resource=scope.removesuffix("/.default")))
    except msal.ManagedIdentityError as error:
        raise BackupError("identity_refused", detail=_short(str(error))) from error


def _session(auth: Mapping[str, Any], scope: str) -> Token:
    with _surroundings(auth):
        from azure.cli.core import get_default_cli
        from azure.cli.core._profile import Profile
        from knack.util import CLIError

        try:
            credential = Profile(cli_ctx=get_default_cli()).get_login_credentials(subscription_id=auth.get("subscription_id") or None)[0]
            got = credential.get_token(scope)
        except CLIError as error:
            raise BackupError("identity_missing", source="auto" if auth.get("auth_source") in (None, "auto") else "cli", detail=_short(str(error))) from error
        return Token(got.token, int(got.expires_on))


@contextlib.contextmanager
def _surroundings(auth: Mapping[str, Any]) -> t.Iterator[None]:
    """azure-cli-core learns of another directory, a proxy and an authority by its environment only."""
    told = {"AZURE_CONFIG_DIR": auth.get("profile"), "HTTPS_PROXY": auth.get("proxy"), "REQUESTS_CA_BUNDLE": auth.get("ca_certs")}
    before = {name: os.environ.get(name) for name, value in told.items() if value}
    os.environ.update({name: str(told[name]) for name in before})
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def _certificate(auth: Mapping[str, Any]) -> dict[str, str]:
    """A file in PEM with the private key and the certificate. The thumbprint is told, or that of the first certificate in it."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    path = str(auth["x509_certificate_path"])
    text = _text_of(path, "auth.x509_certificate_path")
    try:
        thumbprint = str(auth.get("thumbprint") or x509.load_pem_x509_certificate(text.encode()).fingerprint(hashes.SHA1()).hex())
    except ValueError as error:
        raise BackupError("invalid_input", where="auth.x509_certificate_path", value=path, problem="holds no certificate in PEM",
                          mend="Give a file with the private key and the certificate, as PEM.") from error
    if "PRIVATE KEY-----" not in text:
        raise BackupError("invalid_input", where="auth.x509_certificate_path", value=path, problem="holds no private key",
                          mend="Give a file with the private key and the certificate, as PEM.")
    return {"private_key": text, "thumbprint": thumbprint}


def _text_of(path: str, where: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BackupError("invalid_input", where=where, value=path, problem=f"can't be read: {error}",
                          mend="Give the path of a file of the controller.") from error


def _client(auth: Mapping[str, Any]) -> t.Any:
    """An HTTP client with the institution's proxy and authority."""
    import functools

    import requests

    session = requests.Session()
    if auth.get("proxy"):
        session.proxies = {"https": str(auth["proxy"])}
    # said with each request, since a session's own word yields to REQUESTS_CA_BUNDLE
    more: dict[str, t.Any] = {"verify": str(auth["ca_certs"])} if auth.get("ca_certs") else {}
    session.request = functools.partial(session.request, timeout=_TIMEOUT, **more)  # type: ignore[method-assign]
    return session


def _login(auth: Mapping[str, Any]) -> str:
    given = str(auth.get("authority") or "").rstrip("/")
    cloud = str(auth.get("cloud_environment") or "AzureCloud")
    if not given and cloud not in LOGINS:
        raise BackupError("invalid_input", where="auth.cloud_environment", value=cloud, problem="is not known here",
                          mend=f"Use one of {', '.join(LOGINS)}, or give authority.")
    return given or LOGINS[cloud]


def _token(answer: Mapping[str, Any] | None) -> Token:
    told = answer or {}
    if "access_token" not in told:
        raise BackupError("identity_refused", detail=_short("{0}: {1}".format(told.get("error", "no answer"), told.get("error_description", ""))))
    return Token(str(told["access_token"]), int(time.time()) + int(told.get("expires_in") or 0))


def _short(text: str) -> str:
    """The first line, which names the reason; the rest are trace identifiers."""
    return text.strip().splitlines()[0][:300] if text.strip() else "no reason given"
