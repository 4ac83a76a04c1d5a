# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fake of Azure Key Vault: the secrets of its REST interface, version 7.4, in memory, by the official description of that version.

The official SDK drives it in a test, so that its shapes are those that the SDK takes. What the real service decides - roles, network rules,
throttling - is not proved by it. Its next answers, its death and its soft-deleted names can be told by tests.
"""

from __future__ import annotations

import base64
import json
import re
import sys
import time
import uuid
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "fakes"))
from served import Served

AUDIENCE = "https://vault.azure.net"
_PAGE = 25
_DAY = 86400


class FakeKeyVault(Served):
    """Listens on a port of the loopback, with the certificate in `directory`. `login` is where its challenge sends people."""

    def __init__(self, directory: Path, login: str) -> None:
        self.secrets: dict[str, list[dict[str, Any]]] = {}
        self.deleted: dict[str, dict[str, Any]] = {}
        self.answers: list[tuple[int, dict[str, str], Any]] = []      # given instead of its own, one by one
        self.asked: list[tuple[str, str]] = []
        self.tokens: list[str] = []
        self.revoked: set[str] = set()
        self.dies_after_put = self.dead = False
        self.denied: set[str] = set()                                 # methods that its roles do not allow
        self.login = login
        vault = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_unused: object) -> None:
                """Silence."""

            def do_GET(self) -> None:
                self._serve(b"")

            def do_DELETE(self) -> None:
                self._serve(b"")

            def do_PUT(self) -> None:
                self._serve(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

            def _serve(self, body: bytes) -> None:
                if vault.dead:
                    self.close_connection = True
                    return
                status, headers, told = vault.answer(self.command, self.path, self.headers.get("Authorization", ""), body)
                content = json.dumps(told).encode()
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", "Content-Length": str(len(content)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)
                if self.command == "PUT" and vault.dies_after_put:
                    vault.dead = True

        super().__init__(Handler, directory / "server.pem", directory / "server.key")

    def answer(self, method: str, target: str, authorization: str, body: bytes) -> tuple[int, dict[str, str], Any]:
        self.asked.append((method, target))
        if not self._known(authorization.removeprefix("Bearer ")):
            return 401, {"WWW-Authenticate": f'Bearer authorization="{self.login}", resource="{AUDIENCE}"'}, _error("Unauthorized", "AKV10000: no valid token")
        if self.answers:
            return self.answers.pop(0)
        if method in self.denied:
            return 403, {}, _error("Forbidden", "Caller is not authorized to perform action on resource.", "ForbiddenByRbac")
        parts = urlsplit(target)
        query = parse_qs(parts.query)
        if "api-version" not in query:
            return 400, {}, _error("BadParameter", "api-version must be specified")
        words = [word for word in parts.path.split("/") if word]
        if words == ["secrets"] and method == "GET":
            return self._listed(query)
        if not re.fullmatch(r"[0-9a-zA-Z-]{1,127}", words[1] if len(words) > 1 else ""):
            return 400, {}, _error("BadParameter", "The request URI contains an invalid name")
        name = words[1].lower()
        if words[0] == "deletedsecrets":
            return (200, {}, self.deleted[name]) if name in self.deleted else (404, {}, _error("SecretNotFound", "Deleted Secret not found"))
        if method == "PUT":
            return self._set(name, json.loads(body))
        if name not in self.secrets:
            return 404, {}, _error("SecretNotFound", "A secret with (name/id) {0} was not found in this key vault.".format(words[1]))
        if method == "DELETE":
            return self._delete(name)
        if words[2:3] == ["versions"]:
            return 200, {}, {"value": [_without_value(version) for version in self.secrets[name]], "nextLink": None}
        return 200, {}, self.secrets[name][-1]

    def _known(self, token: str) -> bool:
        try:
            claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
        except (IndexError, ValueError):
            return False
        self.tokens.append(token)
        return claims["aud"] == AUDIENCE and claims["exp"] > time.time() and token not in self.revoked

    def _listed(self, query: dict[str, list[str]]) -> tuple[int, dict[str, str], Any]:
        skip = int(query.get("$skiptoken", ["0"])[0])
        size = min(_PAGE, int(query.get("maxresults", [str(_PAGE)])[0]))
        names = sorted(self.secrets)
        more = f"{self.url}:443/secrets?api-version=7.4&$skiptoken={skip + size}&maxresults={size}".replace(":443", "") if skip + size < len(names) else None
        rows = [{**_without_value(self.secrets[name][-1]), "id": f"{self.url}/secrets/{name}"} for name in names[skip:skip + size]]
        return 200, {}, {"value": rows, "nextLink": more}

    def _set(self, name: str, told: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
        if name in self.deleted:
            return 409, {}, _error("Conflict", f"Secret {name} is currently in a deleted but recoverable state, and its name cannot be reused.",
                                   "ObjectIsDeletedButRecoverable")
        now = int(time.time())
        made = {"value": told["value"], "id": f"{self.url}/secrets/{name}/{uuid.uuid4().hex}", "tags": told.get("tags") or {},
                "contentType": told.get("contentType"),
                "attributes": {"enabled": True, "created": now, "updated": now, "recoveryLevel": "Recoverable+Purgeable", "recoverableDays": 90}}
        self.secrets.setdefault(name, []).append(made)
        return 200, {}, made

    def _delete(self, name: str) -> tuple[int, dict[str, str], Any]:
        now = int(time.time())
        last = _without_value(self.secrets.pop(name)[-1])
        self.deleted[name] = {**last, "recoveryId": f"{self.url}/deletedsecrets/{name}", "deletedDate": now, "scheduledPurgeDate": now + 90 * _DAY}
        return 200, {}, self.deleted[name]


def _without_value(version: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in version.items() if key != "value"}


def _error(code: str, message: str, inner: str = "") -> dict[str, Any]:
    return {"error": {"code": code, "message": message, **({"innererror": {"code": inner}} if inner else {})}}
