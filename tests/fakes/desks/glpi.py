# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A GLPI on a port of the loopback, by HTTPS: sessions, tickets, followups, solutions, as its REST API describes them. A fake; see README.md."""

from __future__ import annotations

import json
import secrets
import ssl
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Callable

from ..arm import tls

USER_TOKEN, APP_TOKEN = "ficha-del-usuario-muy-secreta", "ficha-de-la-aplicacion"
SOLVED, CLOSED = 5, 6


class Refused(Exception):
    """An answer that is an error: GLPI gives a list of its code and a sentence."""

    def __init__(self, status: int, code: str, sentence: str = "") -> None:
        super().__init__(code)
        self.status, self.code, self.sentence = status, code, sentence


class Dropped(Exception):
    """The line is cut instead of an answer."""


class Glpi:
    """`tickets`, `followups` and `solutions` are what there is. Each of `before` is asked before an answer is made, of `after` before it is sent: they may
    raise.
    """

    def __init__(self, directory: Path) -> None:
        self.tickets: dict[int, dict[str, Any]] = {}
        self.followups: list[dict[str, Any]] = []
        self.solutions: list[dict[str, Any]] = []
        self.sessions: set[str] = set()
        self.requests: list[str] = []
        self.mistakes: list[str] = []
        self.before: list[Callable[[str, str], None]] = []
        self.after: list[Callable[[str, str], None]] = []
        self.changed: Callable[[str, str, Any], Any] | None = None     # of an answer
        self._lock = threading.Lock()
        directory.mkdir(parents=True, exist_ok=True)
        self.ca = tls.certificates(directory / "tls", ("localhost",))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(directory / "tls" / "server.pem", directory / "tls" / "server.key")
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Here", (_Handler,), {"glpi": self}))
        self.server.daemon_threads = True
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://localhost:{self.server.server_port}/apirest.php"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    # -- what it answers ---------------------------------------------------------------------------------------------------

    def answer(self, method: str, path: str, query: dict[str, str], headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        if headers.get("content-type") != "application/json":
            raise Refused(400, "ERROR", "no Content-Type")
        if method == "GET" and body:
            raise Refused(400, "ERROR_METHOD_NOT_ALLOWED", "a GET with a body")
        if headers.get("app-token") != APP_TOKEN:
            raise Refused(400, "ERROR_WRONG_APP_TOKEN_PARAMETER", "the parameter app_token seems wrong")
        steps = path.strip("/").split("/")
        if steps == ["initSession"]:
            return 200, self._begin(method, headers)
        if "session-token" not in headers:
            raise Refused(400, "ERROR_SESSION_TOKEN_MISSING")
        if headers["session-token"] not in self.sessions:
            raise Refused(401, "ERROR_SESSION_TOKEN_INVALID", "session_token semble incorrect")
        if steps == ["killSession"]:
            _only(method, "GET")
            self.sessions.remove(headers["session-token"])
            return 200, None
        with self._lock:
            if steps == ["search", "Ticket"]:
                _only(method, "GET")
                return self._search(query)
            if method == "GET" and len(steps) == 2 and steps[0] == "Ticket":
                return 200, {"id": self._ticket(steps[1])["id"], **self._ticket(steps[1])}
            if method == "GET" and len(steps) == 3 and steps[::2] == ["Ticket", "ITILFollowup"]:
                return self._followups(steps[1], query)
            told = _input(body)
            if method == "POST" and len(steps) == 1 and steps[0] in ("Ticket", "ITILFollowup", "ITILSolution"):
                return 201, {"id": getattr(self, "_add_" + steps[0].lower())(told), "message": ""}
            if method == "PUT" and len(steps) == 2 and steps[0] == "Ticket":
                ticket = self._ticket(steps[1])
                _fields(told, {"status": lambda value: value in range(1, 7)})
                ticket.update(told)
                return 200, [{steps[1]: True, "message": ""}]
        raise Refused(400, "ERROR_ITEMTYPE_NOT_FOUND_NOR_COMMONDBTM", path)

    def _begin(self, method: str, headers: dict[str, str]) -> dict[str, str]:
        _only(method, "GET")
        if headers.get("authorization") != "user_token " + USER_TOKEN:
            raise Refused(401, "ERROR_GLPI_LOGIN_USER_TOKEN", "parameter user_token seems invalid")
        session = secrets.token_hex(13)
        self.sessions.add(session)
        return {"session_token": session}

    def _ticket(self, number: str) -> dict[str, Any]:
        if not number.isdigit() or int(number) not in self.tickets:
            raise Refused(404, "ERROR_ITEM_NOT_FOUND", "Item not found")
        return self.tickets[int(number)]

    def _search(self, query: dict[str, str]) -> tuple[int, Any]:
        known = {"criteria[0][field]": "1", "criteria[0][searchtype]": "contains", "forcedisplay[0]": "2", "sort": "2", "order": "ASC"}
        wanted, begin, end = query.pop("criteria[0][value]", ""), *_range(query.pop("range", "0-49"))
        if query != known or not wanted:
            raise Refused(400, "ERROR", "malformed search criteria")
        found = [{"1": each["name"], "2": number, "80": "Entidad raíz"} for number, each in sorted(self.tickets.items())
                 if wanted.lower() in each["name"].lower()]
        shown = found[begin:end + 1]
        # of none, the key `data` is not there
        told = {"totalcount": len(found), "count": len(shown), "sort": [2], "order": ["ASC"], **({"data": shown} if shown else {}),
                "content-range": f"{begin}-{min(end, len(found) - 1)}/{len(found)}"}
        return (200 if len(shown) >= len(found) else 206), told

    def _followups(self, number: str, query: dict[str, str]) -> tuple[int, Any]:
        self._ticket(number)
        begin, end = _range(query.pop("range", "0-49"))
        if query:
            raise Refused(400, "ERROR", "unknown parameters")
        found = [each for each in self.followups if each["items_id"] == int(number)]
        return (200 if end >= len(found) - 1 else 206), found[begin:end + 1]

    def _add_ticket(self, told: dict[str, Any]) -> int:
        _fields(told, {"name": _text(255), "content": _text(65535), "type": lambda value: value in (1, 2), "entities_id": _whole, "itilcategories_id": _whole},
                ("name", "content"))
        number = max(self.tickets, default=40) + 1
        self.tickets[number] = {"id": number, "status": 1, **told}
        return number

    def _add_itilfollowup(self, told: dict[str, Any]) -> int:
        _fields(told, {"itemtype": lambda value: value == "Ticket", "items_id": _whole, "content": _text(65535), "is_private": lambda value: value in (0, 1)},
                ("itemtype", "items_id", "content"))
        if self._ticket(str(told["items_id"]))["status"] == CLOSED:
            raise Refused(400, "ERROR_GLPI_ADD", "You don't have permission to perform this action.")
        self.followups.append({"id": len(self.followups) + 1, **told})
        return len(self.followups)

    def _add_itilsolution(self, told: dict[str, Any]) -> int:
        _fields(told, {"itemtype": lambda value: value == "Ticket", "items_id": _whole, "content": _text(65535)}, ("itemtype", "items_id", "content"))
        ticket = self._ticket(str(told["items_id"]))
        if ticket["status"] in (SOLVED, CLOSED):
            raise Refused(400, "ERROR_GLPI_ADD", "The item is already solved, did anyone pushed a solution before you?")
        ticket["status"] = SOLVED
        self.solutions.append({"id": len(self.solutions) + 1, **told})
        return len(self.solutions)


def _only(method: str, wanted: str) -> None:
    if method != wanted:
        raise Refused(405, "ERROR_METHOD_NOT_ALLOWED")


def _range(text: str) -> tuple[int, int]:
    begin, dash, end = text.partition("-")
    if not dash or not begin.isdigit() or not end.isdigit():
        raise Refused(400, "ERROR", "range must be in format : [start-end] with integers")
    return int(begin), int(end)


def _input(body: bytes) -> dict[str, Any]:
    try:
        told = json.loads(body)
    except ValueError:
        raise Refused(400, "ERROR_JSON_PAYLOAD_INVALID") from None
    if not isinstance(told, dict) or set(told) != {"input"} or not isinstance(told["input"], dict):
        raise Refused(400, "ERROR_BAD_ARRAY", "input parameter must be an array of objects")
    return dict(told["input"])


def _fields(told: dict[str, Any], known: dict[str, Callable[[Any], bool]], needed: tuple[str, ...] = ()) -> None:
    """GLPI passes over fields that it does not know: here they are a mistake."""
    wrong = [name for name, value in told.items() if name not in known or not known[name](value)] + [name for name in needed if name not in told]
    if wrong:
        raise Refused(400, "ERROR_GLPI_ADD", "fields: " + ", ".join(wrong))


def _text(most: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and 0 < len(value) <= most


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    glpi: Glpi

    def log_message(self, *_unused: object) -> None:
        """Silence."""

    def do_GET(self) -> None:
        path, _mark, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        below = path.removeprefix("/apirest.php")
        self.glpi.requests.append(f"{self.command} {below}")
        try:
            for each in list(self.glpi.before):
                each(self.command, below)
            status, told = self.glpi.answer(self.command, below, dict(urllib.parse.parse_qsl(query)),
                                            {name.lower(): value for name, value in self.headers.items()}, body)
            for each in list(self.glpi.after):
                each(self.command, below)
            if self.glpi.changed:
                told = self.glpi.changed(self.command, below, told)
        except Refused as error:
            if error.status in (400, 405):
                self.glpi.mistakes.append(f"{self.command} {self.path}: {error.code} {error.sentence}")
            status, told = error.status, [error.code, error.sentence]
        except Dropped:
            self.close_connection = True
            return
        sent = told if isinstance(told, bytes) else json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=UTF-8")
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    do_POST = do_PUT = do_DELETE = do_GET
