# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Azure Resource Manager by its REST API: one request, its repetition by the service's own rules, and what a refusal means.

The pipeline (throttling with Retry-After, renewal of tokens, proxies) is azure-core's, which azure-cli-core brings along; no management SDK is needed.
Imported only by a play that sets something up.
"""

from __future__ import annotations

import re
import time
import typing as t
from collections.abc import Mapping
from typing import Any

from ...module_utils._engine.errors import BackupError

# Where each public cloud is administered; azure-cli-core has the same table, and a test compares them.
MANAGERS = {
    "AzureCloud": "https://management.azure.com",
    "AzureChinaCloud": "https://management.chinacloudapi.cn",
    "AzureUSGovernment": "https://management.usgovcloudapi.net",
}
_RETRIES = 6
_TIMES = {"connection_timeout": 30, "read_timeout": 120}
_PATIENCE, _LONGEST_PAUSE, _USUAL_PAUSE = 900.0, 60.0, 5.0


class Answered(t.NamedTuple):
    """What came back: the body as JSON, {} when there is none, and the ETag."""

    body: dict[str, Any]
    etag: str


class Arm:
    """A door to Azure Resource Manager. `options`: auth (as of a medium), endpoint, proxy, ca_certs. `role` is told to who lacks a permission."""

    def __init__(self, options: Mapping[str, Any], role: str) -> None:
        try:
            from azure.core.pipeline import policies
            from azure.core.pipeline.transport import RequestsTransport
            from azure.mgmt.core import ARMPipelineClient
        except ImportError as error:
            raise BackupError("azure_packages_missing", detail=str(error)) from error
        auth = dict(options.get("auth") or {})
        for name in ("proxy", "ca_certs"):
            auth.setdefault(name, options.get(name) or "")
        cloud = str(auth.get("cloud_environment") or "AzureCloud")
        if cloud not in MANAGERS:
            raise BackupError("invalid_input", where="auth.cloud_environment", value=cloud, problem="is not known here",
                              mend=f"Use one of {', '.join(MANAGERS)}.")
        self.role = role
        self.address = str(options.get("endpoint") or MANAGERS[cloud]).rstrip("/")
        trust = {"connection_verify": str(options["ca_certs"])} if options.get("ca_certs") else {}
        proxies = {"https": str(options["proxy"])} if options.get("proxy") else None
        identity = {name: value for name, value in auth.items() if value}
        self.client: Any = ARMPipelineClient(
            base_url=self.address, transport=RequestsTransport(**_TIMES, **trust),
            policies=[policies.RequestIdPolicy(), policies.HeadersPolicy(), policies.UserAgentPolicy("perucompras.respaldo"), policies.ProxyPolicy(proxies),
                      policies.ContentDecodePolicy(), policies.RetryPolicy(retry_total=_RETRIES, retry_status=_RETRIES, retry_backoff_max=60),
                      policies.BearerTokenCredentialPolicy(_Credential(identity), MANAGERS[cloud] + "/.default")])

    def close(self) -> None:
        self.client.close()

    def get(self, path: str, version: str) -> Answered | None:
        """A resource; None when there is none of that name. Raises BackupError."""
        response = self._send("GET", path, version, None, "", f"the reading of {_short(path)}")
        if response.status_code == 404:
            return None
        return self._told(response, f"the reading of {_short(path)}")

    def do(self, method: str, path: str, version: str, body: Any = None, etag: str = "") -> Answered:
        """A change, and the end of it when it takes long. `etag`: only if the resource is still that one. Raises BackupError."""
        what = f"{method} of {_short(path)}"
        response = self._send(method, path, version, body, etag, what)
        limit = time.monotonic() + _PATIENCE
        place = str(response.headers.get("Location") or "")
        while response.status_code == 202 and place:
            if time.monotonic() > limit:
                raise BackupError("azure_no_answer", what=what, detail=f"it is still not done after {int(_PATIENCE)} s")
            _pause(response)
            place = str(response.headers.get("Location") or place)
            # the token goes to no other host than the one we were told to ask
            if not place.lower().startswith(self.address.lower() + "/"):
                raise BackupError("azure_request_refused", what=what, detail=f"its state is said to be at another host, {place.split('/')[2:3]}")
            response = self._send("GET", place, "", None, "", what)
        return self._told(response, what)

    def _send(self, method: str, path: str, version: str, body: Any, etag: str, what: str) -> Any:
        from azure.core.exceptions import AzureError
        from azure.core.rest import HttpRequest

        address = path if not version else f"{self.address}{path}?api-version={version}"
        headers = {"If-Match": etag} if etag else {}
        request = HttpRequest(method, address, headers=headers, **({} if body is None else {"json": body}))
        try:
            return self.client.send_request(request)
        except AzureError as error:
            raise BackupError("azure_no_answer", what=what, detail=_line(str(error))) from error

    def _told(self, response: Any, what: str) -> Answered:
        if response.status_code < 300:
            body = response.json() if response.content else {}
            return Answered(body, str(response.headers.get("ETag") or body.get("etag") or ""))
        code, message = _refusal(response)
        detail = f"{response.status_code} {code}: {message}"
        if response.status_code == 401:
            raise BackupError("identity_refused", detail=detail)
        if response.status_code == 403 and code == "AuthorizationFailed":
            action = (re.findall(r"perform action '([^']+)'", message) or ["do this"])[0]
            scope = (re.findall(r"over scope '([^']+)'", message) or [what])[0]
            raise BackupError("azure_role_missing", action=action, location=scope, role=self.role)
        if response.status_code == 412:
            raise BackupError("azure_changed_meanwhile", what=what, detail=detail)
        if response.status_code in (408, 429) or response.status_code >= 500:
            raise BackupError("azure_no_answer", what=what, detail=detail)
        raise BackupError("azure_request_refused", what=what, detail=detail)


class _Credential:
    """What azure-core asks for a token: the controller's identity, whatever its source."""

    def __init__(self, auth: Mapping[str, Any]) -> None:
        self.auth = auth

    def get_token(self, *scopes: str, **_more: Any) -> Any:
        from azure.core.credentials import AccessToken

        from .identity import bearer

        got = bearer(self.auth, scopes[0])
        return AccessToken(got.text, got.expires)


def _refusal(response: Any) -> tuple[str, str]:
    """The service's own code and text."""
    try:
        told = dict(response.json())
    except ValueError:
        return "(no code)", _line(str(response.reason))
    error = told.get("error") or told
    return str(error.get("code") or "(no code)"), _line(str(error.get("message") or ""))


def _short(path: str) -> str:
    """A resource as people name it: the type and name of its last steps."""
    return "/".join(path.partition("?")[0].rstrip("/").split("/")[-2:])


def _line(text: str) -> str:
    return " ".join(text.split())[:400]


def _pause(response: Any) -> None:
    """As long as the service says."""
    told = response.headers.get("Retry-After", "")
    time.sleep(min(float(told), _LONGEST_PAUSE) if re.fullmatch(r"\d+(\.\d+)?", told) else _USUAL_PAUSE)
