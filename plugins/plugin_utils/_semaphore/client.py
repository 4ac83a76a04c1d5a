# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Semaphore by its REST API, 2.10 and later: projects and the objects of one, each read, made, changed and removed.

What makes or changes something is asked once and never repeated by itself: the next run looks at what there is. Semaphore answers what it made with the object,
with nothing, or with an object that lacks some of it, by kind and version: so nothing is believed of such an answer, and all is read back.
"""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Mapping
from typing import Any

from ...module_utils._engine.errors import BackupError
from ...module_utils._engine.result import seen
from .. import _http
from .wanted import SCHEDULES

_PATIENCE = 30
_LIMITS = _http.Limits(read=30, answer=60.0, size=8 << 20, patience=0)
_MEND = "Give the authority's certificate as text, or the path of its file, on the controller."
_LARGEST = 2 ** 53
_WHY = {401: "the token is not valid, or its user may not do this (401)", 403: "the token's user may not change this project (403)",
        404: "it is not there, or the token's user may not see it (404)"}


class Semaphore:
    """One server, by a declaration that was checked. What it can't do it raises: BackupError RSP749."""

    def __init__(self, declared: Mapping[str, Any]) -> None:
        address = str(declared["url"]).rstrip("/")
        self.url = address.removesuffix("/api") + "/api"
        self._token = str(declared["token"])
        self._secrets = {self._token, *(str(key[name]) for key in declared.get("keys", ()) for name in ("password", "private_key") if name in key)}
        self._client = _http.Client(declared, "backup_semaphore.ca_certs", _MEND, self._words)
        self._patience = int(declared.get("retry_seconds", _PATIENCE))

    def zone(self) -> str:
        """By which zone the server counts its schedules; "" where it doesn't say, as 2.10 doesn't."""
        told = self._ask("GET", "/info")
        zone = told.get("schedule_timezone") if isinstance(told, Mapping) else None
        return zone if isinstance(zone, str) else ""

    def project(self, name: str) -> int:
        """The number of the project of a name, the first of several; 0 where there is none."""
        return min((row["id"] for row in self._rows("/projects") if row["name"] == name), default=0)

    def make_project(self, name: str) -> None:
        self._ask("POST", "/projects", {"name": name})

    def listed(self, project: int, kind: str) -> list[dict[str, Any]]:
        """The objects of a kind, whoever made them. Of lists, only those of objects with a name are all that is told of each (`whole` for templates)."""
        # the description demands an order of all but schedules
        return self._rows(f"/project/{project}/{kind}" + ("" if kind == SCHEDULES else "?" + urllib.parse.urlencode({"sort": "name", "order": "asc"})))

    def whole(self, project: int, kind: str, number: int) -> dict[str, Any]:
        """One object: the list of templates leaves out their vaults."""
        return self._row(self._ask("GET", f"/project/{project}/{kind}/{number}"), kind)

    def make(self, project: int, kind: str, fields: Mapping[str, Any]) -> None:
        self._ask("POST", f"/project/{project}/{kind}", {**fields, "project_id": project})

    def change(self, project: int, kind: str, number: int, fields: Mapping[str, Any]) -> None:
        self._ask("PUT", f"/project/{project}/{kind}/{number}", {**fields, "id": number, "project_id": project})

    def remove(self, project: int, kind: str, number: int) -> bool:
        """False where something of others still uses it. What is gone already is removed."""
        heard = self._heard("DELETE", f"/project/{project}/{kind}/{number}", None)
        if heard.status == 409 or heard.status == 400 and self._in_use(heard):
            return False
        if heard.status not in (200, 204, 404):
            raise self._refusal(heard, f"DELETE {kind}")
        return True

    # -- how it is asked -----------------------------------------------------------------------------------------------------

    def _ask(self, method: str, path: str, payload: Any = None) -> Any:
        heard = self._heard(method, path, payload)
        if heard.status not in (200, 201, 204):
            raise self._refusal(heard, f"{method} {path.partition('?')[0]}")
        if method != "GET":
            return None
        try:
            return heard.json()
        except ValueError:
            raise self.refused(f"the answer to {path.partition('?')[0]} is no JSON") from None

    def _heard(self, method: str, path: str, payload: Any) -> _http.Heard:
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json", "User-Agent": "perucompras.respaldo"}
        sent = None
        if payload is not None:
            headers["Content-Type"], sent = "application/json", json.dumps(payload).encode()
        limits = _LIMITS._replace(patience=self._patience) if method == "GET" else _LIMITS
        try:
            return self._client.ask(method, self.url + path, headers, limits, sent)
        except _http.Trouble as trouble:
            raise self.refused(f"{method} {path.partition('?')[0]}: {trouble.detail}") from None

    def _rows(self, path: str) -> list[dict[str, Any]]:
        told = self._ask("GET", path)
        # an empty list of schedules is null there
        if told is None:
            return []
        if not isinstance(told, list):
            raise self.refused(f"{path.partition('?')[0]} is no list")
        return [self._row(each, path.partition("?")[0]) for each in told]

    def _row(self, told: Any, what: str) -> dict[str, Any]:
        if not isinstance(told, dict) or not isinstance(told.get("name"), str):
            raise self.refused(f"{what} tells something without a name")
        number = told.get("id")
        if not isinstance(number, int) or isinstance(number, bool) or not 0 < number < _LARGEST:
            raise self.refused(f"{what} tells something without a number")
        return told

    def _in_use(self, heard: _http.Heard) -> bool:
        try:
            told = heard.json()
        except ValueError:
            return False
        return isinstance(told, Mapping) and told.get("inUse") is True

    def _refusal(self, heard: _http.Heard, what: str) -> BackupError:
        words = self._words(heard)
        return self.refused("{0}: {1}{2}".format(what, _WHY.get(heard.status, str(heard.status)), f": {words}" if words else ""))

    def refused(self, detail: str) -> BackupError:
        return BackupError("semaphore_refused", location=self.url, detail=self._hidden(seen(detail))[:500])

    def _words(self, heard: _http.Heard) -> str:
        """What it says of a refusal, where it says something."""
        try:
            told = heard.json()
        except ValueError:
            return ""
        words = told.get("error") if isinstance(told, Mapping) else None
        return self._hidden(" ".join(seen(words).split()))[:_http.SHOWN] if isinstance(words, str) else ""

    def _hidden(self, words: str) -> str:
        """What is told of an error, without our secrets: a service may repeat what it was sent. A key has several lines, each as secret."""
        for secret in self._secrets:
            for line in {secret, *(each for each in secret.splitlines() if len(each) > 8)}:
                words = words.replace(line, "…")
        return words
