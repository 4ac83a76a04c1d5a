# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Recovery Services vault, through the official clients of the Azure SDK: what is asked, what went wrong, and long operations.

Requests and answers are the service's own JSON, of one fixed version of its API whose official description our tests check against; of the SDK,
only names of methods and of parameters are relied on, since its classes change between versions. Throttling, repetition with the service's own
delays and renewal of tokens are the SDK's. It is imported only when a vault is opened.
"""

from __future__ import annotations

import logging
import re
import time
import typing as t
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ...module_utils._engine.errors import BackupError
from ...module_utils._engine.policy import schema
from ...module_utils._engine.policy.places import AZURE_AUTH

# Versions of the service's two APIs, backups and vaults. The first is the present one; the second is for a cloud that does not have it yet, and says
# nothing of threats.
VERSIONS = {"2026-10-01": "2026-11-01", "2023-06-01": "2023-06-01"}
VERSION = next(iter(VERSIONS))
# Where each public cloud is administered; azure-cli-core has the same table, and a test compares them.
MANAGERS = {
    "AzureCloud": "https://management.azure.com",
    "AzureChinaCloud": "https://management.chinacloudapi.cn",
    "AzureUSGovernment": "https://management.usgovcloudapi.net",
}
FABRIC = "Azure"
REDUNDANCIES = ("GeoRedundant", "LocallyRedundant", "ZoneRedundant")
# the policy's zone -> the name that Windows, and so Azure, has for it
ZONES = {"America/Lima": "SA Pacific Standard Time", "America/Bogota": "SA Pacific Standard Time", "UTC": "UTC"}

# Looks at a new operation before the service is believed that there is none; it shows things eventually.
_UNSEEN = 3
# what the service says of a version of its API that it does not have
_NO_VERSION = ("NoRegisteredProviderFound", "InvalidApiVersionParameter", "UnsupportedApiVersion", "InvalidResourceType")
# what the service says of a vault, or of all that is in it, when there is no such vault
_NO_VAULT = ("ResourceNotFound", "ResourceGroupNotFound")
_LONGEST_PAUSE, _USUAL_PAUSE = 120.0, 10.0
_TIMES = {"connection_timeout": 30, "read_timeout": 120}
# The role that allows an action; the first that fits.
_ROLES = (
    (r"Microsoft\.Storage/.*", "Storage Account Backup Contributor"),
    (r"Microsoft\.Compute/.*", "Virtual Machine Contributor"),
    (r".*/(?:backup|restore|refreshContainers|inquire)/action", "Backup Operator"),
    (r".*/read", "Backup Reader"),
    (r".*", "Backup Contributor"),
)
_OF_THE_VAULT = ("auth_source", "client_id", "tenant", "subscription_id", "cloud_environment", "profile", "x509_certificate_path", "thumbprint",
                 "federated_token_file", "authority", "ca_certs", "secret", "proxy")

_VAULTS = schema.listing(schema.table(
    {"name": schema.text(r"[A-Za-z][-A-Za-z0-9]{0,48}[A-Za-z0-9]", "boveda-respaldo"), "resource_group": schema.text(),
     "subscription_id": schema.text(r"[0-9a-fA-F-]{36}", "00000000-0000-0000-0000-000000000000")},
    {"location": schema.text(), "redundancy": schema.choice(*REDUNDANCIES), "soft_delete": schema.choice("Enabled", "AlwaysON"),
     "soft_delete_days": schema.whole(14, 180), "immutability": schema.choice("Unlocked", "Locked"), "multi_user": schema.flag(),
     "time": schema.text(r"([01][0-9]|2[0-3]):(00|30)", "22:00"), "time_zone": schema.text(), "longest_hours": schema.whole(1, 720),
     "policies": schema.table({}, {sort: schema.text() for sort in ("machine", "share")}), "api_version": schema.choice(*VERSIONS),
     "endpoint": schema.text(r"https://[^\s]+", MANAGERS["AzureCloud"]), "proxy": schema.secret(), "ca_certs": schema.text(), "auth": AZURE_AUTH}))


def checked(vaults: Any) -> list[Mapping[str, Any]]:
    """The vaults of an inventory. Raises BackupError RSP101 with every mistake at once; nothing secret is repeated."""
    problems: list[schema.Problem] = []
    _VAULTS(vaults, "backup_vaults", problems)
    schema.raise_all(problems)
    return list(vaults)


def named(vaults: Iterable[Mapping[str, Any]], name: str, where: str) -> Mapping[str, Any]:
    """The vault of a name. Raises BackupError RSP101 naming the one that was meant."""
    known = {str(vault["name"]): vault for vault in vaults}
    if name not in known:
        raise BackupError("invalid_input", where=where, value=name, problem="is not a vault of backup_vaults",
                          mend=schema.meant(name, list(known)) if known else "Declare it in backup_vaults.")
    return known[name]


class Vault:
    """One vault of the inventory. Its methods raise BackupError; nothing of the SDK comes out of here."""

    def __init__(self, options: Mapping[str, Any], patience: float = 3600) -> None:
        try:
            from azure.mgmt.core.policies import ARMHttpLoggingPolicy
            from azure.mgmt.recoveryservices import RecoveryServicesClient
            from azure.mgmt.recoveryservicesbackup import RecoveryServicesBackupClient
        except ImportError as error:
            raise BackupError("azure_packages_missing", detail=str(error)) from error
        self.options, self.patience = options, patience
        self.name, self.group, self.subscription = str(options["name"]), str(options["resource_group"]), str(options["subscription_id"])
        auth = dict(options.get("auth") or {})
        for name in ("proxy", "ca_certs"):
            auth.setdefault(name, options.get(name) or "")
        cloud = str(auth.get("cloud_environment") or "AzureCloud")
        if cloud not in MANAGERS:
            raise BackupError("invalid_input", where="backup_vaults.auth.cloud_environment", value=cloud, problem="is not known here",
                              mend=f"Use one of {', '.join(MANAGERS)}.")
        self.address = str(options.get("endpoint") or MANAGERS[cloud]).rstrip("/")
        self.version = str(options.get("api_version") or VERSION)
        more: dict[str, Any] = dict(_TIMES, base_url=self.address, credential_scopes=[MANAGERS[cloud] + "/.default"])
        # Ansible's log takes whatever any library says at INFO: each request with its headers, which says nothing to its readers
        quiet = logging.getLogger(__name__)
        quiet.setLevel(logging.WARNING)
        more["http_logging_policy"] = ARMHttpLoggingPolicy(logger=quiet)
        if options.get("proxy"):
            more["proxies"] = {"https": str(options["proxy"])}
        if options.get("ca_certs"):
            more["connection_verify"] = str(options["ca_certs"])
        credential = _Credential({name: value for name, value in auth.items() if name in _OF_THE_VAULT and value})
        self.vaults = RecoveryServicesClient(credential, self.subscription, api_version=VERSIONS[self.version], **more)
        self.backup = RecoveryServicesBackupClient(credential, self.subscription, api_version=self.version, **more)

    @property
    def path(self) -> str:
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.group}/providers/Microsoft.RecoveryServices/vaults/{self.name}"

    def close(self) -> None:
        self.vaults.close()
        self.backup.close()

    # -- asking

    def get(self, what: str, call: Callable[..., Any], **words: Any) -> dict[str, Any] | None:
        """One thing of the vault as JSON; None when the vault has it not."""
        from azure.core.exceptions import ResourceNotFoundError

        try:
            return t.cast("dict[str, Any]", call(vault_name=self.name, resource_group_name=self.group, **words).as_dict())
        except ResourceNotFoundError as error:
            if _code(error)[0] in _NO_VAULT:
                raise self._fault(what, error) from error
            return None
        except Exception as error:
            raise self._fault(what, error) from error

    def all(self, what: str, call: Callable[..., Any], **words: Any) -> list[dict[str, Any]]:
        """Every row of a list, all its pages: a page that can't be had fails the whole, since half a list would call things absent."""
        try:
            return [row.as_dict() for row in call(vault_name=self.name, resource_group_name=self.group, **words)]
        except Exception as error:
            raise self._fault(what, error) from error

    def do(self, what: str, call: Callable[..., Any], **words: Any) -> dict[str, Any]:
        """Ask for a change and wait until the service has carried it out. Gives what the operation tells: of a backup or a restore, its `jobId`."""
        seen: list[Any] = []
        try:
            call(vault_name=self.name, resource_group_name=self.group, raw_response_hook=seen.append, **words)
        except Exception as error:
            raise self._fault(what, error) from error
        # the SDK shows every answer, those it tried again too
        return self._finished(what, seen[-1].http_response)

    def _finished(self, what: str, response: Any) -> dict[str, Any]:
        operation = response.headers.get("Azure-AsyncOperation", "")
        place = operation or response.headers.get("Location", "")
        if response.status_code not in (201, 202) or not place:
            return {}
        limit, unseen = time.monotonic() + self.patience, 0
        while True:
            _pause(response)
            response = self._look(what, place)
            unseen = unseen + 1 if response.status_code == 404 else 0
            if response.status_code == 404 and unseen < _UNSEEN:
                continue
            if response.status_code >= 400:
                raise self._fault(what, _answered(response))
            told = response.json() if operation else {}
            state = str(told.get("status")) if operation else "InProgress" if response.status_code == 202 else "Succeeded"
            if state == "Succeeded":
                return dict(told.get("properties") or {})
            if state in ("Failed", "Canceled"):
                error = told.get("error") or {}
                raise BackupError("azure_request_refused", what=what, detail=f"{error.get('code', state)}: {_line(str(error.get('message', '')))}")
            if time.monotonic() > limit:
                raise BackupError("azure_no_answer", what=what, detail=f"it is still {state} after {int(self.patience)} s")

    def _look(self, what: str, place: str) -> Any:
        """Where a long operation is. The token goes to no other host than the one we were told to ask."""
        from azure.core.rest import HttpRequest

        if not place.lower().startswith(self.address.lower() + "/"):
            raise BackupError("azure_request_refused", what=what, detail=f"its state is said to be at another host, {place.split('/')[2:3]}")
        try:
            return self.backup.send_request(HttpRequest("GET", place))
        except Exception as error:
            raise self._fault(what, error) from error

    # -- what went wrong

    def _fault(self, what: str, error: Exception) -> BackupError:
        """The SDK's exception as an error of ours; what is none of the SDK's is a mistake of this code, and is raised as it is."""
        from azure.core.exceptions import AzureError, HttpResponseError

        if isinstance(error, BackupError):
            return error
        if not isinstance(error, AzureError):
            raise error
        status = error.status_code or 0 if isinstance(error, HttpResponseError) else 0
        code, message = _code(error)
        detail = f"{code}: {message}" if code else message
        if status == 401:
            return BackupError("identity_refused", detail=detail)
        if status == 403 and code == "AuthorizationFailed":
            action = (re.findall(r"perform action '([^']+)'", message) or ["do this"])[0]
            scope = (re.findall(r"over scope '([^']+)'", message) or [self.path])[0]
            return BackupError("azure_role_missing", action=action, location=scope, role=next(role for words, role in _ROLES if re.fullmatch(words, action)))
        if status == 404 and code in _NO_VAULT:
            return BackupError("vault_missing", vault=self.name, group=self.group, detail=detail, mend=self._meant())
        if status in (400, 404) and code in _NO_VERSION:
            return BackupError("azure_version_unknown", location=self.address, version=self.version, detail=detail)
        if not status or status in (408, 429) or status >= 500:
            return BackupError("azure_no_answer", what=what, detail=detail)
        return BackupError("azure_request_refused", what=what, detail=detail)

    def _meant(self) -> str:
        """The vault that was probably meant, when the group can be listed."""
        from azure.core.exceptions import AzureError

        try:
            names = [str(row.name) for row in self.vaults.vaults.list_by_resource_group(resource_group_name=self.group)]
        except AzureError:
            return ""
        return schema.meant(self.name, names) if names else "That group has no vault."


class _Credential:
    """What the SDK asks for a token: the controller's identity, whatever its source."""

    def __init__(self, auth: Mapping[str, Any]) -> None:
        self.auth = auth

    def get_token(self, *scopes: str, **_more: Any) -> Any:
        from azure.core.credentials import AccessToken

        from .identity import bearer

        got = bearer(self.auth, scopes[0])
        return AccessToken(got.text, got.expires)


def _answered(response: Any) -> Exception:
    from azure.core.exceptions import HttpResponseError

    return HttpResponseError(response=response)


def _code(error: Exception) -> tuple[str, str]:
    """The service's own code and text."""
    told = getattr(error, "error", None)
    code, message = str(getattr(told, "code", "") or ""), str(getattr(told, "message", "") or "")
    return code, _line(message or str(getattr(error, "message", "") or error))


def _line(text: str) -> str:
    return " ".join(text.split())[:400]


def _pause(response: Any) -> None:
    """As long as the service says."""
    told = response.headers.get("Retry-After", "")
    time.sleep(min(float(told), _LONGEST_PAUSE) if re.fullmatch(r"\d+(\.\d+)?", told) else _USUAL_PAUSE)
