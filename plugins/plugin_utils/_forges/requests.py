# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions to a forge's API by our one HTTP client (_http.py): what an answer must be, and what a refusal says, as errors of the catalogue."""

from __future__ import annotations

import contextlib
import typing as t
import urllib.parse
from collections.abc import Mapping
from typing import Any

from ...module_utils._engine.errors import BackupError
from ...module_utils._engine.result import seen
from .. import _http

RETRY_SECONDS = 120
_TIMEOUT = 60              # seconds for each read,
_LONGEST_ANSWER = 300.0    # and for a whole answer
_LARGEST = 32 << 20
_MEND = "Give the authority's certificate as text, or the path of its file, on the controller and on the server."
_FAULTS = {"unreachable": "forge_unreachable", "untrusted": "forge_unreachable", "unsendable": "forge_refused", "too_large": "forge_unreadable"}


class Answer(t.NamedTuple):
    """What a forge answered: its status, its headers (names in lower case), its body as JSON."""

    status: int
    headers: dict[str, str]
    told: Any


class Api:
    """One forge's API. `options`: ca_certs, proxy, retry_seconds, as the inventory has them."""

    def __init__(self, forge: str, url: str, headers: Mapping[str, str], options: Mapping[str, Any]) -> None:
        self.forge, self.url = forge, url
        self._headers = {"Accept": "application/json", "User-Agent": "perucompras.respaldo", **headers}
        self._patience = int(options.get("retry_seconds", RETRY_SECONDS))
        self._client = _http.Client(options, "backup_forges.ca_certs", _MEND, _words)

    def within(self, seconds: float) -> contextlib.AbstractContextManager[None]:
        """All that the body asks ends in this time, or is forge_unreachable."""
        return self._client.within(seconds)

    def get(self, path: str, query: Mapping[str, Any] | None = None, absent: tuple[int, ...] = ()) -> Answer:
        """One question. A status of `absent` is an answer too; any other but 200 is an error.

        Raises BackupError: forge_unreachable, forge_refused, forge_unreadable.
        """
        address = self.url + path + ("?" + urllib.parse.urlencode(query) if query else "")
        try:
            heard = self._client.ask("GET", address, self._headers, _http.Limits(_TIMEOUT, _LONGEST_ANSWER, _LARGEST, self._patience))
        except _http.Trouble as trouble:
            raise BackupError(_FAULTS[trouble.kind], forge=self.forge, location=self.url, detail=trouble.detail) from None
        if heard.status in absent:
            return Answer(heard.status, heard.headers, None)
        if heard.status != 200:
            raise self._refused(heard, path)
        try:
            return Answer(heard.status, heard.headers, heard.json())
        except ValueError:
            raise BackupError("forge_unreadable", forge=self.forge, detail="the answer to {0} is no JSON".format(path)) from None

    def _refused(self, heard: _http.Heard, path: str) -> BackupError:
        status = heard.status
        if 300 <= status < 400:
            detail = "{0}, {1}: it sends us to another address (a login page?); write the forge's own address and check the token".format(status, path)
        elif status == 203:
            detail = "203, {0}: a login page instead of an answer; the token is not valid".format(path)
        else:
            detail = "{0}, {1}: {2}".format(status, path, _words(heard) or {401: "the token is not valid", 404: "there is no such owner, or the account "
                                                                            "does not see it"}.get(status, "no reason given"))
        return BackupError("forge_refused", forge=self.forge, location=self.url, detail=detail)


def _words(heard: _http.Heard) -> str:
    """What a forge says of a refusal: `message` of all four."""
    try:
        told = heard.json()
    except ValueError:
        return ""
    message = told.get("message") if isinstance(told, Mapping) else None
    return " ".join(seen(message).split())[:_http.SHOWN] if isinstance(message, str) else ""
