# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small requests to the web service of a custodian by our one HTTP client (_http.py): JSON objects both ways, and errors of the catalogue."""

from __future__ import annotations

import contextlib
import json
import typing as t
from collections.abc import Mapping

from ...module_utils._engine.errors import BackupError
from .. import _http

RETRY_SECONDS = 60
_TIMEOUT = 30              # seconds for each read,
_LONGEST_ANSWER = 120.0    # and for a whole answer
_LARGEST = 4 << 20
_MEND = "Give the authority's certificate as text, or the path of its file on the controller."
LONGEST_LISTING = 3600.0     # seconds for all its pages
_FAULTS = {"unreachable": "custodian_unreachable", "untrusted": "custodian_unreachable", "unsendable": "custodian_refused", "too_large": "custodian_refused"}


class Answer(t.NamedTuple):
    """What a service answered; the names of headers are in lower case, a body that is no JSON object is an empty table."""

    status: int
    headers: dict[str, str]
    told: dict[str, t.Any]


class Rest:
    """One service, as the options of a custodian name it: `ca_certs`, `proxy`, `retry_seconds`."""

    def __init__(self, custodian: str, url: str, options: Mapping[str, t.Any]) -> None:
        self.custodian = custodian
        self.url = url.rstrip("/")
        self.patience = int(options.get("retry_seconds", RETRY_SECONDS))
        self._client = _http.Client(options, "custodian.ca_certs", _MEND, lambda heard: words(_answer(heard)))

    def within(self, seconds: float) -> contextlib.AbstractContextManager[None]:
        """All that the body asks ends in this time, or is custodian_unreachable."""
        return self._client.within(seconds)

    def request(self, method: str, path: str, headers: Mapping[str, str], body: Mapping[str, t.Any] | None = None) -> Answer:
        """One request, tried again while it may help. Raises BackupError custodian_unreachable when no answer counts, custodian_refused."""
        sent = {"Accept": "application/json", "Content-Type": "application/json", **headers}
        limits = _http.Limits(_TIMEOUT, _LONGEST_ANSWER, _LARGEST, self.patience)
        try:
            return _answer(self._client.ask(method, self.url + path, sent, limits, None if body is None else json.dumps(body).encode()))
        except _http.Trouble as trouble:
            raise BackupError(_FAULTS[trouble.kind], custodian=self.custodian, location=self.url, detail=trouble.detail) from None

    def refused(self, answer: Answer, detail: str) -> BackupError:
        """A final answer that is no yes."""
        told = " ".join("{0} {1}".format(answer.status, detail).split())[:_http.SHOWN]
        if 300 <= answer.status < 400:
            told += "; it sends us to another address, which must be written in the inventory instead"
        return BackupError("custodian_refused", custodian=self.custodian, location=self.url, detail=told)


def words(answer: Answer) -> str:
    """What a service says of an error: `errors` of Vault, `error` of Azure."""
    told = answer.told.get("errors")
    if isinstance(told, list):
        return " ".join("; ".join(map(str, told)).split())
    error = answer.told.get("error")
    if isinstance(error, Mapping):
        deeper = error.get("innererror")
        codes = [str(each["code"]) for each in (error, deeper) if isinstance(each, Mapping) and each.get("code")]
        return "{0}: {1}".format(" ".join(codes), str(error.get("message", "")).strip().split("\n", maxsplit=1)[0]).strip(": ")
    return ""


def _answer(heard: _http.Heard) -> Answer:
    try:
        told = heard.json() if heard.body else {}
    except ValueError:
        told = {}
    return Answer(heard.status, heard.headers, told if isinstance(told, dict) else {})
