# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fake's door: HTTP over TLS, tokens, routes, pages, long operations, and faults on demand.

A client reaches it as `https://localhost:PORT`, or by the production names through `proxy`, which knows no other host.
Providers are objects with a `contract`, and a method for each operation they play, named as the operation in small letters:
`BackupJobs_List` is `backupjobs_list(request)` and gives an Answer, or raises ArmError.
"""

from __future__ import annotations

import base64
import json
import re
import socket
import ssl
import threading
import time
import typing as t
import uuid
from collections.abc import Callable
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

from login import CLIENT, TENANT, FakeLogin

from .contract import ArmError, Contract
from .tls import certificates

SUBSCRIPTION = "00000000-0000-0000-0000-0000000000cc"
AUDIENCES = ("https://management.azure.com", "https://management.core.windows.net")
_NAMES = ("localhost", "management.azure.com", "login.microsoftonline.com", "*.blob.core.windows.net")


class Request(t.NamedTuple):
    """A request that the description knows."""

    operation: str
    words: dict[str, str]
    query: dict[str, str]
    body: Any
    path: str
    base: str
    headers: t.Mapping[str, str] = MappingProxyType({})


class Answer(t.NamedTuple):
    """What a provider answers. `body` None: nothing."""

    status: int
    body: Any = None
    headers: dict[str, str] = {}


class Seen(t.NamedTuple):
    """A request as it was answered; its token is not kept."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    status: int
    at: float


class Shelf:
    """Resources by name, whatever its case. With `arm.lag` a new one is not seen by that many looks: the service shows things eventually."""

    def __init__(self, arm: FakeArm) -> None:
        self.arm = arm
        self.rows: dict[str, Any] = {}
        self.unseen: dict[str, int] = {}

    def put(self, key: str, value: Any) -> None:
        if key.lower() not in self.rows and self.arm.lag:
            self.unseen[key.lower()] = self.arm.lag
        self.rows[key.lower()] = value

    def get(self, key: str) -> Any:
        left = self.unseen.get(key.lower(), 0)
        self.unseen[key.lower()] = max(0, left - 1)
        return None if left else self.rows.get(key.lower())

    def all(self, prefix: str = "") -> list[Any]:
        found = [key for key in self.rows if key.startswith(prefix.lower())]
        return [value for key in found if (value := self.get(key)) is not None]

    def remove(self, key: str) -> Any:
        return self.rows.pop(key.lower(), None)


class Pending:
    """A long operation: in progress for some looks, then what `finish` says: its properties, or an ArmError."""

    def __init__(self, polls: int, finish: Callable[[], Any], started: str) -> None:
        self.polls, self.finish, self.started = polls, finish, started
        self.state, self.properties, self.error = "InProgress", None, None

    def look(self) -> str:
        if self.state == "InProgress":
            self.polls -= 1
            if self.polls < 0:
                try:
                    self.properties = self.finish()
                    self.state = "Succeeded"
                except ArmError as error:
                    self.error, self.state = error, "Failed"
        return self.state


class Fault(t.NamedTuple):
    """What goes wrong with the next requests that it fits."""

    fits: re.Pattern[str]
    status: int          # 0: the connection is cut
    code: str
    headers: dict[str, str]


class FakeArm:
    """Listens on ports of the loopback: itself, the fake login service, and the proxy that leads the production names to both."""

    def __init__(self, directory: Path) -> None:
        self.ca = certificates(directory, _NAMES)
        self.login = FakeLogin(directory)
        self.providers: list[Any] = []
        self.operations: dict[str, Pending] = {}
        self.faults: list[Fault] = []
        self.requests: list[Seen] = []
        self.forbidden: list[str] = []
        self.places: dict[str, Callable[[], Answer]] = {}     # addresses of long operations that the description does not tell of
        self.page_size = 100
        self.polls = 1            # looks that a long operation takes
        self.retry_after = 1      # seconds that clients are told to wait between them
        self.lag = 0
        self.clock: Callable[[], float] = time.time
        self._lock = threading.RLock()
        self.server = _https(_handler(self), directory)
        self.proxy_server = socket.create_server(("127.0.0.1", 0))
        self.connected: list[str] = []
        threading.Thread(target=self._proxy, daemon=True).start()

    @property
    def url(self) -> str:
        return f"https://localhost:{self.server.server_port}"

    @property
    def proxy(self) -> str:
        return "http://127.0.0.1:{0}".format(self.proxy_server.getsockname()[1])

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.proxy_server.close()
        self.login.close()

    def stamp(self, seconds: float | None = None) -> str:
        """A time as the service writes it; now, by the fake's clock, when none is given."""
        at = datetime.fromtimestamp(self.clock() if seconds is None else seconds, timezone.utc)
        return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond:06d}0Z"

    def fail(self, pattern: str = "", status: int = 429, times: int = 1, retry_after: str = "", code: str = "") -> None:
        """The next `times` requests whose "METHOD path?query" has the pattern are answered by a status; 0 cuts the connection."""
        codes = {429: "TooManyRequests", 500: "InternalServerError", 503: "ServiceUnavailable", 0: "cut"}
        headers = {"Retry-After": retry_after} if retry_after else {}
        self.faults += [Fault(re.compile(pattern, re.IGNORECASE), status, code or codes.get(status, "Error"), headers)] * times

    def forbid(self, action: str) -> None:
        """The identity lacks an action, such as Microsoft.RecoveryServices/vaults/backupJobs/read."""
        self.forbidden.append(action.lower())

    def begin(self, finish: Callable[[], Any], polls: int | None = None) -> str:
        """Starts a long operation and gives its id."""
        name = str(uuid.uuid4())
        self.operations[name] = Pending(self.polls if polls is None else polls, finish, self.stamp())
        return name

    def links(self, request: Request, status_path: str, result_path: str, operation: str) -> dict[str, str]:
        """The headers that tell where to look: a path without the id, for the state and for the result."""
        version = "?api-version=" + request.query["api-version"]
        return {"Azure-AsyncOperation": f"{request.base}{quote(status_path, safe='/;')}/{operation}{version}",
                "Location": f"{request.base}{quote(result_path, safe='/;')}/{operation}{version}", "Retry-After": str(self.retry_after)}

    def status(self, name: str) -> Answer:
        """The state of a long operation, as its own document, and when to look again. Raises ArmError."""
        pending = self._pending(name)
        state = pending.look()
        told: dict[str, Any] = {"id": name, "name": name, "status": state, "startTime": pending.started}
        if state != "InProgress":
            told["endTime"] = self.stamp()
        if pending.properties:
            told["properties"] = pending.properties
        if pending.error:
            told["error"] = {"code": pending.error.code, "message": pending.error.message}
        return Answer(200, told, {"Retry-After": str(self.retry_after)} if state == "InProgress" else {})

    def result(self, name: str, body: Any = None) -> Answer:
        """The result of a long operation: 202 while it runs, then 200 or 204; raises its ArmError when it failed."""
        pending = self._pending(name)
        if pending.look() == "InProgress":
            return Answer(202, None, {"Retry-After": str(self.retry_after)})
        if pending.error:
            raise pending.error
        return Answer(200, body) if body is not None else Answer(204)

    def _pending(self, name: str) -> Pending:
        if name not in self.operations:
            raise ArmError(404, "ResourceNotFound", f"The operation '{name}' was not found.")
        return self.operations[name]

    # -- one request

    def answer(self, method: str, target: str, headers: t.Mapping[str, str], raw: bytes) -> Answer | None:
        """What a request gets; None: the connection is cut."""
        path, _mark, words = target.partition("?")
        path, query = unquote(path), dict(parse_qsl(words, keep_blank_values=True))
        body: Any = None
        with self._lock:
            fault = next((row for row in self.faults if row.fits.search(f"{method} {path}?{unquote(words)}")), None)
            try:
                if fault:
                    self.faults.remove(fault)
                    if not fault.status:
                        self._saw(method, path, query, None, 0)
                        return None
                    raise ArmError(fault.status, fault.code, "The request is being throttled." if fault.status == 429 else "The fake was told to fail.",
                                   fault.headers)
                self._identify(headers.get("Authorization", ""))
                body = _json(raw)
                given = self._route(method, path, query, body, headers)
            except ArmError as error:
                given = Answer(error.status, error.body, error.headers)
            self._saw(method, path, query, body, given.status)
            return given

    def _saw(self, method: str, path: str, query: dict[str, str], body: Any, status: int) -> None:
        self.requests.append(Seen(method, path, query, body, status, time.monotonic()))

    def _identify(self, header: str) -> None:
        scheme, _space, text = header.partition(" ")
        challenge = {"WWW-Authenticate": f'Bearer authorization_uri="https://login.microsoftonline.com/{TENANT}"'}
        if scheme != "Bearer":
            raise ArmError(401, "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.", challenge)
        try:
            part = text.split(".")[1]
            claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        except (IndexError, ValueError) as error:
            raise ArmError(401, "InvalidAuthenticationToken", "The access token is invalid.", challenge) from error
        if claims["exp"] < time.time():
            raise ArmError(401, "ExpiredAuthenticationToken", "The access token expiry UTC time is earlier than current UTC time.", challenge)
        if claims["aud"].rstrip("/") not in AUDIENCES:
            raise ArmError(401, "InvalidAuthenticationTokenAudience", f"The access token has been obtained for wrong audience '{claims['aud']}'.", challenge)

    def _route(self, method: str, path: str, query: dict[str, str], body: Any, headers: t.Mapping[str, str]) -> Answer:
        base = "https://" + headers["Host"]
        for provider in self.providers:
            contract: Contract = provider.contract
            found = contract.find(method, path)
            if not found:
                continue
            operation, words = found
            contract.check(operation, words, query, body)
            self._permit(method, path)
            if words.get("subscriptionId", SUBSCRIPTION) != SUBSCRIPTION:
                raise ArmError(404, "SubscriptionNotFound", f"The subscription '{words['subscriptionId']}' could not be found.")
            play = getattr(provider, operation.name.lower(), None)
            if play is None:
                raise ArmError(501, "NotPlayed", f"The fake does not play {operation.name}.")
            given: Answer = play(Request(operation.name, words, query, body, path, base, headers))
            if operation.told.get("paged") and given.status == 200:
                given = self._page(given, path, query, base)
            contract.check_answer(operation, given.status, given.body)
            return given
        if path.rpartition("/")[2] in self.operations and path.split("/")[-2].lower() == "operationsstatus":
            return self.status(path.rpartition("/")[2])    # the service has addresses of this kind that the description does not tell of
        if path.lower() in self.places:
            return self.places[path.lower()]()
        raise ArmError(404, "InvalidResourceType", f"The resource type could not be found in the namespace for '{path}'.")

    def _permit(self, method: str, path: str) -> None:
        action = action_of(method, path)
        if action.lower() in self.forbidden:
            scope = path.rpartition("/")[0]
            raise ArmError(403, "AuthorizationFailed", f"The client '{CLIENT}' with object id '{CLIENT}' does not have authorization to perform action "
                           f"'{action}' over scope '{scope}' or the scope is invalid. If access was recently granted, please refresh your credentials.")

    def _page(self, given: Answer, path: str, query: dict[str, str], base: str) -> Answer:
        rows = given.body["value"]
        begin = int(base64.b64decode(query["$skipToken"])) if "$skipToken" in query else 0
        body = {**given.body, "value": rows[begin:begin + self.page_size]}
        if begin + self.page_size < len(rows):
            token = base64.b64encode(str(begin + self.page_size).encode()).decode()
            body["nextLink"] = f"{base}{quote(path, safe='/;')}?" + urlencode({**query, "$skipToken": token}, quote_via=quote)
        return given._replace(body=body)

    # -- the production names

    def _proxy(self) -> None:
        while True:
            try:
                here, _address = self.proxy_server.accept()
            except OSError:
                return
            threading.Thread(target=self._connect, args=(here,), daemon=True).start()

    def _connect(self, here: socket.socket) -> None:
        asked = b""
        while b"\r\n\r\n" not in asked:
            chunk = here.recv(4096)
            if not chunk:
                here.close()
                return
            asked += chunk
        target = asked.split()[1].decode() if asked.startswith(b"CONNECT ") else asked.split(b"\r\n")[0].decode()
        self.connected.append(target)
        own = {"management.azure.com:443": self.server.server_port, "login.microsoftonline.com:443": self.login.server.server_port}
        own.update({f"localhost:{port}": port for port in own.values()})
        if target not in own:
            here.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            here.close()
            return
        there = socket.create_connection(("127.0.0.1", own[target]))
        here.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        threading.Thread(target=_pass, args=(there, here), daemon=True).start()
        _pass(here, there)


def action_of(method: str, path: str) -> str:
    """The action a request needs: the types of its path, and read, write, delete or the word of a POST."""
    steps = path.split("/providers/")[-1].split("/")
    types = steps[1::2]
    verb = {"GET": "read", "HEAD": "read", "PUT": "write", "PATCH": "write", "DELETE": "delete"}.get(method)
    if verb is None:
        verb = "action"
    return "/".join([steps[0], *types, verb])


def filters(text: str) -> dict[str, str]:
    """A $filter of the form `a eq 'b' and c eq 'd'`. Raises ArmError for any other."""
    found: dict[str, str] = {}
    for part in re.split(r"\s+and\s+", text.strip()) if text.strip() else []:
        told = re.fullmatch(r"(\w+)\s+eq\s+'?([^']*)'?", part)
        if not told:
            raise ArmError(400, "BMSUserErrorInvalidInput", f"Input provided for the call is invalid: the filter '{part}' can't be read.")
        found[told[1].lower()] = told[2]
    return found


def _json(raw: bytes) -> Any:
    if not raw:
        return None
    try:
        return json.loads(raw)
    except ValueError as error:
        raise ArmError(400, "InvalidRequestContent", "The request content was invalid and could not be deserialized.") from error


def _pass(source: socket.socket, sink: socket.socket) -> None:
    try:
        while chunk := source.recv(1 << 16):
            sink.sendall(chunk)
    except OSError:
        pass
    for each in (source, sink):
        try:
            each.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def _https(handler: type[BaseHTTPRequestHandler], directory: Path) -> ThreadingHTTPServer:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "server.pem", directory / "server.key")
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server


def _handler(arm: FakeArm) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_unused: object) -> None:
            """Silence."""

        def play(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            given = arm.answer(self.command, self.path, self.headers, raw)
            if given is None:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            body = b"" if given.body is None else json.dumps(given.body).encode()
            self.send_response(given.status)
            self.send_header("x-ms-request-id", str(uuid.uuid4()))
            for name, value in given.headers.items():
                self.send_header(name, value)
            if body:
                self.send_header("Content-Type", "application/json; charset=utf-8")
            if given.status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = do_HEAD = play

    return Handler
