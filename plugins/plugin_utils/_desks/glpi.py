# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GLPI by its REST API (apirest.php of GLPI 9.5 to 10; GLPI 11 has it as api.php/v1): a session by user token, tickets, followups, solutions.

GLPI shows texts as HTML, so what is sent is escaped. What makes something is asked once and never repeated by itself: whether it was made is looked up.
"""

from __future__ import annotations

import html
import json
import re
import urllib.parse
from collections.abc import Mapping
from typing import Any

from ...module_utils._engine.errors import BackupError
from ...module_utils._engine.result import seen
from .. import _http
from . import base

_PATIENCE = 30
_LIMITS = _http.Limits(read=30, answer=60.0, size=8 << 20, patience=0)
_MEND = "Give the authority's certificate as text, or the path of its file, on the controller."
_FAULTS = {"unreachable": "desk_unreachable", "untrusted": "desk_unreachable", "unsendable": "desk_refused", "too_large": "desk_refused"}
# Fields of a search, by the numbers of GLPI's search options: title and number of a ticket.
_TITLE, _NUMBER = 1, 2
_STATES = {1: base.OPEN, 2: base.OPEN, 3: base.OPEN, 4: base.OPEN, 5: base.SOLVED, 6: base.CLOSED}
_CLOSED = 6
_MOST_TEXTS = 1000
_DIGITS = re.compile(r"[1-9][0-9]{0,17}")
_SESSION = re.compile(r"[A-Za-z0-9_.,-]{8,256}")


class Glpi(base.Desk):
    """`entity` and `category` are numbers of GLPI, where tickets are not to lie in the account's own entity."""

    def __init__(self, declared: Mapping[str, Any]) -> None:
        super().__init__(declared)
        self._secrets = [str(declared[name]) for name in ("user_token", "app_token") if declared.get(name)]
        self._client = _http.Client(declared, "backup_desk.ca_certs", _MEND, self._words)
        self._patience = int(declared.get("retry_seconds", _PATIENCE))
        self._session = ""

    # -- what a desk does -------------------------------------------------------------------------------------------------

    def find(self, mark: str) -> str:
        told = self._ask("GET", "/search/Ticket", {
            "criteria[0][field]": _TITLE, "criteria[0][searchtype]": "contains", "criteria[0][value]": mark, "forcedisplay[0]": _NUMBER,
            "sort": _NUMBER, "order": "ASC", "range": "0-49"}, wanted=(200, 206))
        if not isinstance(told, Mapping) or not isinstance(told.get("totalcount"), int):
            raise self.refused("a search tells no count")
        # of none, GLPI leaves the rows out
        rows = _rows(told.get("data", []))
        if rows is None:
            raise self.refused("a search gives no rows")
        numbers = [self._number(row.get(str(_NUMBER))) for row in rows if mark in str(row.get(str(_TITLE)))]
        return min(numbers, key=int, default="")

    def open(self, title: str, words: str) -> str:
        more = {name: self.declared[of] for name, of in (("entities_id", "entity"), ("itilcategories_id", "category")) if of in self.declared}
        return self._made("Ticket", {"name": title, "content": _as_html(words), "type": 2, **more})

    def state(self, number: str) -> str:
        if not _DIGITS.fullmatch(number):
            return ""
        told = self._ask("GET", "/Ticket/" + number, wanted=(200,), absent=(404,))
        if told is None:
            return ""
        status = told.get("status") if isinstance(told, Mapping) else None
        if isinstance(status, bool) or status not in _STATES:
            raise self.refused("ticket {0} has no state that is known".format(number))
        return _STATES[status]

    def texts(self, number: str) -> list[str]:
        rows = _rows(self._ask("GET", "/Ticket/{0}/ITILFollowup".format(number), {"range": "0-{0}".format(_MOST_TEXTS - 1)}, wanted=(200, 206)))
        if rows is None:
            raise self.refused("the texts of ticket {0} are no rows".format(number))
        return [str(row.get("content")) for row in rows]

    def add(self, number: str, words: str) -> None:
        self._made("ITILFollowup", {"itemtype": "Ticket", "items_id": int(number), "content": _as_html(words), "is_private": 0})

    def close(self, number: str, words: str) -> None:
        state = self.state(number)
        if state == base.OPEN:
            self._made("ITILSolution", {"itemtype": "Ticket", "items_id": int(number), "content": _as_html(words)})
        if state in (base.OPEN, base.SOLVED):
            told = self._ask("PUT", "/Ticket/" + number, payload={"input": {"status": _CLOSED}}, wanted=(200,))
            rows = _rows(told)
            if not rows or rows[0].get(number) is not True:
                raise self.refused("ticket {0} does not let itself be closed".format(number))

    def leave(self) -> None:
        if self._session:
            try:
                self._client.ask("GET", self.url + "/killSession", self._headers(), _LIMITS)
            except _http.Trouble:
                pass      # a session ends by itself there
            self._session = ""

    # -- how it is asked ---------------------------------------------------------------------------------------------------

    def _headers(self) -> dict[str, str]:
        told = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "perucompras.respaldo"}
        if self.declared.get("app_token"):
            told["App-Token"] = str(self.declared["app_token"])
        return {**told, "Session-Token": self._session} if self._session else {**told, "Authorization": "user_token " + str(self.declared["user_token"])}

    def _begin(self) -> None:
        told = self._heard("GET", "/initSession", None, (200,), ())
        session = told.get("session_token") if isinstance(told, Mapping) else None
        if not isinstance(session, str) or not _SESSION.fullmatch(session):
            raise self.refused("it gives no session")
        self._secrets.append(session)
        self._session = session

    def _ask(self, method: str, path: str, query: Mapping[str, Any] | None = None, payload: Any = None, wanted: tuple[int, ...] = (200,),
             absent: tuple[int, ...] = ()) -> Any:
        if not self._session:
            self._begin()
        return self._heard(method, path + ("?" + urllib.parse.urlencode(query) if query else ""), payload, wanted, absent)

    def _heard(self, method: str, path: str, payload: Any, wanted: tuple[int, ...], absent: tuple[int, ...]) -> Any:
        limits = _LIMITS._replace(patience=self._patience) if method == "GET" else _LIMITS
        sent = None if payload is None else json.dumps(payload).encode()
        try:
            heard = self._client.ask(method, self.url + path, self._headers(), limits, sent)
        except _http.Trouble as trouble:
            raise BackupError(_FAULTS[trouble.kind], desk=self.name, location=self.url, detail=self._hidden(trouble.detail)) from None
        short = path.partition("?")[0]
        if heard.status in absent:
            return None
        if heard.status not in wanted:
            raise self.refused("{0}, {1}: {2}".format(heard.status, short, self._words(heard) or "no reason given"))
        try:
            return heard.json()
        except ValueError:
            raise self.refused("the answer to {0} is no JSON".format(short)) from None

    def _made(self, kind: str, fields: Mapping[str, Any]) -> str:
        told = self._ask("POST", "/" + kind, payload={"input": fields}, wanted=(201,))
        return self._number(told.get("id") if isinstance(told, Mapping) else None)

    def _number(self, value: Any) -> str:
        """A number of GLPI's, which a search gives as a number or as digits."""
        found = str(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else ""
        if not _DIGITS.fullmatch(found):
            raise self.refused("a number is {0!r}".format(value)[:120])
        return found

    def _words(self, heard: _http.Heard) -> str:
        """What GLPI says of a refusal: a code, and a sentence."""
        try:
            told = heard.json()
        except ValueError:
            return ""
        if not isinstance(told, list) or not all(isinstance(each, str) for each in told[:2]):
            return ""
        return self._hidden(" ".join(seen(": ".join(told[:2])).split()))[:_http.SHOWN]

    def _hidden(self, words: str) -> str:
        """What is told of an error, without our tokens: a service may repeat what it was sent."""
        for secret in self._secrets:
            words = words.replace(secret, "…")
        return words


def _rows(told: Any) -> list[Mapping[str, Any]] | None:
    """The rows of an answer: a list of tables, or a table of them by their number; None where it is neither."""
    listed = list(told.values()) if isinstance(told, Mapping) else told
    return listed if isinstance(listed, list) and all(isinstance(row, Mapping) for row in listed) else None


def _as_html(words: str) -> str:
    return "".join("<p>{0}</p>".format(html.escape(line, quote=False)) for line in words.split("\n"))
