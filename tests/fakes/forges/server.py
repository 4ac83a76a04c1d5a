# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A forge on a port of the loopback, by HTTPS: its API by one of the dialects beside, and its repositories for real, by git http-backend.

A request that its API does not foresee (another header of the token, an unknown parameter, a page too large, a method) is answered 400 and kept in
`mistakes`, which a test wants empty. `repositories` is what there is; tests change it between runs.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import os
import shutil
import ssl
import subprocess
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Callable

from ..arm import tls

TOKEN = "una-ficha-muy-secreta"


@dataclasses.dataclass
class Row:
    """A repository there. `disk` names its bare repository below the fake's directory; it stays when `path` changes, as in real forges."""

    number: int
    path: str
    disk: str
    empty: bool = False
    archived: bool = False
    fork: bool = False
    disabled: bool = False
    wiki: str = ""         # its wiki's bare repository


class Refused(Exception):
    """An answer that is no 200."""

    def __init__(self, status: int, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status, self.headers = status, {name.replace("_", "-"): value for name, value in headers.items()}


@dataclasses.dataclass
class Asked:
    """A request to the API: its path without a query, its parameters (each once), its headers in lower case."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]


Dialect = Callable[["Forge", Asked], tuple[Any, dict[str, str]]]


class Forge:
    """`dialect` answers the API; `accounts` are those of git over HTTPS."""

    def __init__(self, directory: Path, dialect: Dialect, git_path: Callable[["Forge", str], str | None], page_size: int = 50) -> None:
        self.directory, self.dialect, self.git_path, self.page_size = directory, dialect, git_path, page_size
        self.repositories: list[Row] = []
        self.mistakes: list[str] = []
        self.requests: list[str] = []
        self.trouble: list[Callable[[Asked], None]] = []     # each is asked before the answer, and may raise Refused
        self.cut: Callable[[Asked, Any, dict[str, str]], tuple[Any, dict[str, str]]] | None = None     # changes an answer
        directory.mkdir(parents=True, exist_ok=True)
        self.ca = tls.certificates(directory / "tls", ("localhost",))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(directory / "tls" / "server.pem", directory / "tls" / "server.key")
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Here", (_Handler,), {"forge": self}))
        self.server.daemon_threads = True
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://localhost:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def add(self, path: str, **more: Any) -> Row:
        """A repository with one commit (or none, empty=True)."""
        number = max([row.number for row in self.repositories], default=16) + 1
        row = Row(number, path, f"{number}.git", **more)
        _bare(self.directory / row.disk, "" if row.empty else path)
        if row.wiki:
            row.wiki = f"{number}.wiki.git"
            _bare(self.directory / row.wiki, "wiki of " + path)
        self.repositories.append(row)
        return row

    def push(self, row: Row, words: str) -> None:
        """One more commit."""
        _commit(self.directory / row.disk, words)


def _bare(directory: Path, words: str) -> None:
    template = directory.parent / "template.git"
    if not template.exists():
        subprocess.run(["git", "init", "--quiet", "--bare", "--template=", "--initial-branch=main", str(template)], check=True)
    shutil.copytree(template, directory)
    if words:
        _commit(directory, words)


def _commit(directory: Path, words: str) -> None:
    stream = f"commit refs/heads/main\ncommitter a <a@example.org> 1700000000 +0000\ndata {len(words.encode())}\n{words}\n"
    subprocess.run(["git", f"--git-dir={directory}", "fast-import", "--quiet", "--force"], input=stream.encode(), check=True)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    forge: Forge

    def log_message(self, *_unused: object) -> None:
        """Silence."""

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        path, _mark, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if "/info/refs" in path or path.endswith("/git-upload-pack"):
            self._git(path, query, body)
            return
        self.forge.requests.append(self.path)
        try:
            pairs = urllib.parse.parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
            if self.command != "GET" or len(dict(pairs)) != len(pairs):
                raise Refused(400, "method or parameters")
            asked = Asked(urllib.parse.unquote(path) if "%2F" not in path else path, dict(pairs), {name.lower(): value for name, value in self.headers.items()})
            for trouble in list(self.forge.trouble):
                trouble(asked)
            told, headers = self.forge.dialect(self.forge, asked)
            if self.forge.cut:
                told, headers = self.forge.cut(asked, told, headers)
            self._send(200, {"Content-Type": "application/json; charset=utf-8", **headers}, told if isinstance(told, bytes) else json.dumps(told).encode())
        except Refused as error:
            if error.status == 400:
                self.forge.mistakes.append(f"{self.command} {self.path}: {error}")
            self._send(error.status, {"Content-Type": "application/json", **error.headers}, json.dumps({"message": str(error)}).encode())

    do_POST = do_PUT = do_DELETE = do_GET

    def _git(self, path: str, query: str, body: bytes) -> None:
        scheme, _space, word = self.headers.get("Authorization", "").partition(" ")
        if scheme != "Basic" or base64.b64decode(word).decode().partition(":")[2] != TOKEN:
            self._send(401, {"WWW-Authenticate": 'Basic realm="git"'}, b"")
            return
        below, _slash, rest = path.partition("/info/refs") if "/info/refs" in path else path.rpartition("/git-upload-pack")[:2] + ("",)
        disk = self.forge.git_path(self.forge, urllib.parse.unquote(below))
        if disk is None:
            self._send(404, {}, b"")
            return
        told = {"PATH": os.environ["PATH"], "GIT_PROJECT_ROOT": str(self.forge.directory), "GIT_HTTP_EXPORT_ALL": "1",
                "PATH_INFO": "/" + disk + path[len(below):],
                "QUERY_STRING": query, "REQUEST_METHOD": self.command, "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*",
                "CONTENT_TYPE": self.headers.get("Content-Type") or "", "CONTENT_LENGTH": str(len(body)), "REMOTE_USER": "x",
                "GIT_PROTOCOL": self.headers.get("Git-Protocol") or "", "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding") or ""}
        output = subprocess.run(["git", "http-backend"], input=body, env=told, check=True, stdout=subprocess.PIPE).stdout
        head, _blank, content = output.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self._send(int(headers.pop("Status", "200")[:3]), headers, content)


def parameters(asked: Asked, **known: Callable[[str], bool]) -> None:
    """Refuse parameters that the description does not name, or with values that it does not allow."""
    for name, value in asked.query.items():
        if name.replace("-", "_") not in known or not known[name.replace("-", "_")](value):
            raise Refused(400, f"the parameter {name}={value}")


def whole(least: int, most: int) -> Callable[[str], bool]:
    return lambda value: value.isdigit() and least <= int(value) <= most
