# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A front before Azurite that enforces what it doesn't, by the service's documentation, and makes faults on demand.

It checks every signature by the official SDK's code, then passes the request on with its own. Enforced here: the create permission of
2026-04-06 (stage and commit a blob that does not exist, nothing else), names and times of signatures, and write-once containers.
That the real service decides the same is not proved by it.
"""

from __future__ import annotations

import email.utils
import http.client
import ssl
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote

from ansible_collections.perucompras.respaldo.plugins.plugin_utils._azure import sas
from azure.storage.blob import _shared_access_signature as official
from bench import ACCOUNT, KEY, Azurite

_SAS = ("sv", "st", "se", "sp", "spr", "sr", "sig", "skoid", "sktid", "skt", "ske", "sks", "skv")
_EXPIRED = "<AuthenticationErrorDetail>Signature not valid in the specified time frame</AuthenticationErrorDetail>"


class Front:
    """Listens by TLS. `fault(method, query, number)` names what befalls a request: busy, damage, lost, or nothing."""

    def __init__(self, azurite: Azurite) -> None:
        self.azurite = azurite
        self.fault: Callable[[str, str, int], str] = lambda _method, _query, _number: ""
        self.write_once = False
        self.ahead = 0                       # seconds that the service's clock is ahead of this machine's
        self.log: list[tuple[str, str, int]] = []
        self.there = http.client.HTTPSConnection("localhost", azurite.port, context=ssl.create_default_context(cafile=str(azurite.ca)))
        self.guard = threading.Lock()
        front = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_unused: object) -> None:
                """Silence."""

            def date_time_string(self, timestamp: Any = None) -> str:
                return email.utils.formatdate(time.time() + front.ahead, usegmt=True)

            def any(self) -> None:
                front.serve(self)

            do_GET = do_HEAD = do_PUT = do_DELETE = do_POST = any

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(azurite.directory / "server.pem", azurite.directory / "server.key")
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"https://localhost:{self.server.server_port}/{ACCOUNT}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def serve(self, handler: Any) -> None:
        path, _mark, query = handler.path.partition("?")
        _empty, _account, container, *rest = path.split("/")
        blob, words = unquote("/".join(rest)), {name: values[0] for name, values in parse_qs(query).items()}
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        with self.guard:
            self.log.append((handler.command, words.get("comp", ""), len(body)))
            fault = self.fault(handler.command, words.get("comp", ""), len(self.log))
        refusal = ("503", "ServerBusy", "") if fault == "busy" else self.refusal(handler.command, container, blob, words)
        if refusal:
            self.answer(handler, int(refusal[0]), refusal[1], refusal[2])
            return
        if fault == "damage":
            body = body[:10] + bytes([body[10] ^ 1]) + body[11:]
        own = sas.sign(KEY, ACCOUNT, container, "", "rcwdlt", 600)
        left = "&".join(word for word in query.split("&") if word.partition("=")[0] not in _SAS)
        headers = {name: value for name, value in handler.headers.items() if name.lower() not in ("host", "connection")}
        response, content = self.ask(handler.command, path + "?" + "&".join(word for word in (left, own) if word), body, headers)
        if fault == "lost":
            handler.close_connection = True
            return
        handler.send_response(response.status)
        for name, value in response.getheaders():
            if name.lower() not in ("date", "connection", "keep-alive", "transfer-encoding", "server", "content-length"):
                handler.send_header(name, value)
        handler.send_header("Content-Length", response.getheader("Content-Length", "0") if handler.command == "HEAD" else str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    def refusal(self, method: str, container: str, blob: str, words: dict[str, str]) -> tuple[str, str, str] | None:
        if not words.get("sig") or not self.is_signed(container, blob, words):
            return "403", "AuthenticationFailed", ""
        now = sas.stamp(time.time() + self.ahead)
        if not words.get("st", "") <= now <= words["se"]:
            return "403", "AuthenticationFailed", _EXPIRED
        staging = method == "PUT" and words.get("comp") in ("block", "blocklist", None)
        needed = {"GET": "l" if words.get("comp") == "list" else "r", "HEAD": "r", "DELETE": "d", "PUT": "c" if staging else "t"}[method]
        allowed = set(words["sp"])
        if not (needed in allowed or staging and "w" in allowed):
            return "403", "AuthorizationPermissionMismatch", ""
        if (staging and ("w" not in allowed or self.write_once) or method == "DELETE" and self.write_once) and self.exists(container, blob):
            return ("409", "BlobImmutableDueToPolicy", "") if self.write_once else ("409", "BlobAlreadyExists", "")
        return None

    def is_signed(self, container: str, blob: str, words: dict[str, str]) -> bool:
        signer = official.BlobSharedAccessSignature(ACCOUNT, KEY)
        signer.x_ms_version = words["sv"]
        more: dict[str, Any] = {"permission": words["sp"], "expiry": words["se"], "start": words.get("st"), "protocol": words.get("spr")}
        made = signer.generate_blob(container, blob, **more) if words.get("sr") == "b" else signer.generate_container(container, **more)
        return parse_qs(made)["sig"] == [words["sig"]]

    def exists(self, container: str, blob: str) -> bool:
        return self.ask("HEAD", f"/{ACCOUNT}/{container}/{blob}?" + sas.sign(KEY, ACCOUNT, container, "", "r", 600), b"", {})[0].status == 200

    def ask(self, method: str, target: str, body: bytes, headers: dict[str, str]) -> tuple[http.client.HTTPResponse, bytes]:
        """The emulator's answer; it ends connections that were idle for some seconds."""
        with self.guard:
            for last in (False, True):
                try:
                    self.there.request(method, target, body or None, headers)
                    response = self.there.getresponse()
                    return response, response.read()
                except (OSError, http.client.HTTPException):
                    self.there.close()
                    if last:
                        raise
        raise AssertionError

    def answer(self, handler: Any, status: int, code: str, detail: str) -> None:
        content = f"<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>refused by the front</Message>{detail}</Error>".encode()
        handler.send_response(status)
        handler.send_header("x-ms-error-code", code)
        if status == 503:
            handler.send_header("Retry-After", "0")
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(content)
