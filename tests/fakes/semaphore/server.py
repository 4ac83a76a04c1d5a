# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Semaphore on a port of the loopback, by HTTPS: projects, keys, repositories, inventories, environments, templates, schedules. A fake; see README.md."""

from __future__ import annotations

import copy
import json
import re
import ssl
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Callable

from ..arm import tls
from .contract import Contract, Operation, Wrong

TOKEN = "ficha-de-semaphore-muy-secreta="
KINDS = ("keys", "repositories", "inventory", "environment", "templates", "schedules")
# field -> kind that its number is of
_REFERENCES = {"ssh_key_id": "keys", "become_key_id": "keys", "vault_key_id": "keys", "inventory_id": "inventory", "repository_id": "repositories",
               "environment_id": "environment", "template_id": "templates"}
_SECRETS = ("ssh", "login_password", "override_secret")
_FIELD = r"(\*|[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*)(/[0-9]+)?"
_LIMITS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))


class Refused(Exception):
    """An answer that is an error: {"error": sentence}, or nothing."""

    def __init__(self, status: int, sentence: str = "", **more: Any) -> None:
        super().__init__(sentence)
        self.status, self.body = status, {"error": sentence, **more} if sentence else None


class Dropped(Exception):
    """The line is cut instead of an answer."""


class Semaphore:
    """`projects` and `things` (by project and kind) are what there is, `secrets` what keys hold. Each of `before` is asked before an answer is made, of
    `after` before it is sent: they may raise. `zone` is what a newer server tells of its clock, and `newer` that it leaves out what is empty.
    """

    def __init__(self, directory: Path) -> None:
        self.projects: list[dict[str, Any]] = []
        self.things: dict[tuple[int, str], list[dict[str, Any]]] = {}
        self.secrets: dict[int, Any] = {}
        self.requests: list[str] = []
        self.mistakes: list[str] = []
        self.before: list[Callable[[str, str], None]] = []
        self.after: list[Callable[[str, str], None]] = []
        self.zone, self.newer = "", False
        self._contract, self._last, self._lock = Contract(), 0, threading.RLock()
        directory.mkdir(parents=True, exist_ok=True)
        self.ca = tls.certificates(directory / "tls", ("localhost",))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(directory / "tls" / "server.pem", directory / "tls" / "server.key")
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Here", (_Handler,), {"there": self}))
        self.server.daemon_threads = True
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://localhost:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def named(self, kind: str, project: str = "Respaldo") -> dict[str, dict[str, Any]]:
        """The objects of a kind by name; of one that stands there twice, the last."""
        number = next((row["id"] for row in self.projects if row["name"] == project), 0)
        return {row["name"]: row for row in self.things.get((number, kind), [])}

    def add(self, kind: str, project: str = "Respaldo", **fields: Any) -> int:
        """What others made there, by hand."""
        number = next(row["id"] for row in self.projects if row["name"] == project)
        return int(self._make(number, kind, {**fields, "project_id": number})["id"])

    @property
    def writes(self) -> list[str]:
        return [each for each in self.requests if not each.startswith("GET")]

    # -- what it answers ---------------------------------------------------------------------------------------------------

    def answer(self, method: str, path: str, query: dict[str, str], headers: dict[str, str], body: Any) -> tuple[int, Any]:
        if headers.get("authorization", "").lower() != f"bearer {TOKEN}".lower():
            raise Refused(401)
        operation = self._contract.operation(method, path)
        if operation is None:
            raise Wrong("there is no such operation")
        steps = path.strip("/").split("/")
        with self._lock:
            also = set(self._told(steps[2], self._one(int(steps[1]), steps[2], int(steps[3])), False)) if method == "PUT" else set()
            self._contract.check(operation, query, body, also)
            status, told = self._do(operation, steps, body)
        if status < 400:
            self._contract.check_answer(operation, status, told)
        return status, told

    def _do(self, operation: Operation, steps: list[str], body: Any) -> tuple[int, Any]:
        method = operation.method
        if steps == ["info"]:
            return 200, {"version": "2.12.0" if self.newer else "2.10.32", **({"schedule_timezone": self.zone} if self.zone else {})}
        if steps == ["projects"]:
            if method == "POST":
                self.projects.append({"id": self._next(), "name": body["name"]})
                self._make(self._last, "keys", {"name": "None", "type": "none", "project_id": self._last})
                self._make(self.projects[-1]["id"], "environment", {"name": "Empty", "json": "{}", "project_id": self.projects[-1]["id"]})
            return (201 if method == "POST" else 200), None if method == "POST" else self.projects
        project, kind = int(steps[1]), steps[2]
        if project not in [row["id"] for row in self.projects]:
            raise Refused(404)
        if len(steps) == 3 and method == "GET":
            rows = [self._told(kind, row, True) for row in self.things.get((project, kind), [])]
            return 200, rows or (None if kind == "schedules" else [])
        if method == "POST":
            made = self._make(project, kind, self._valid(project, kind, body))
            return (201, self._told(kind, made, False)) if kind in ("inventory", "templates", "schedules") else (204, None)
        row = self._one(project, kind, int(steps[3]))
        if method == "GET":
            return 200, self._told(kind, row, False)
        if method == "DELETE":
            self._remove(project, kind, row)
        else:
            if body.get("id") != row["id"] or body.get("project_id") != project:
                raise Wrong("id and project_id in URL and in body must be the same")
            self._change(row, kind, self._valid(project, kind, body))
        return 204, None

    def _valid(self, project: int, kind: str, body: dict[str, Any]) -> dict[str, Any]:
        """What its source refuses, and what its database would."""
        if kind not in ("templates", "schedules") and body.get("project_id") != project:
            raise Refused(400, "Project ID in body and URL must be the same")
        if not body.get("name"):
            raise Wrong("it has no name")
        if kind in ("templates", "schedules") and len(body["name"]) > 100:
            raise Refused(400)      # its column has no more
        for field, value in [*body.items(), *(pair for each in body.get("vaults") or [] for pair in each.items())]:
            if field in _REFERENCES and value is not None and value not in [row["id"] for row in self.things.get((project, _REFERENCES[field]), [])]:
                raise Wrong(f"{field} {value} is of nothing of this project")
        for field in {"repositories": ("git_url", "git_branch", "ssh_key_id"), "inventory": ("type",), "environment": ("json", "env"),
                      "templates": ("playbook", "repository_id", "inventory_id", "app"), "schedules": ("template_id", "cron_format")}.get(kind, ()):
            if not body.get(field):
                raise Wrong(f"{field} is missing")
        for field in ("json", "env", "arguments"):
            if body.get(field):
                json.loads(body[field])
        if kind == "schedules":
            _cron(body["cron_format"])
        if kind == "keys" and ("id" not in body or body.get("override_secret")):
            if not (body.get(body["type"]) or {}).get({"ssh": "private_key", "login_password": "password"}.get(body["type"], ""), body["type"] == "none"):
                raise Refused(400, "private key or password can not be empty")
        return body

    def _make(self, project: int, kind: str, body: dict[str, Any]) -> dict[str, Any]:
        row = {**copy.deepcopy(body), "id": self._next()}
        self._keep(kind, row)
        self.things.setdefault((project, kind), []).append(row)
        return row

    def _change(self, row: dict[str, Any], kind: str, body: dict[str, Any]) -> None:
        if kind == "keys" and not body.get("override_secret"):
            body = {"name": body["name"]}
        standing = {each["id"]: (each["vault_key_id"], each["name"]) for each in row.get("vaults") or []}
        for each in body.get("vaults") or ():
            # those without a number are put beside what is there, before that goes; its database holds each pair of a template once
            if not each.get("id") and (each["vault_key_id"], each["name"]) in standing.values():
                raise Refused(400)
            if each.get("id") and each["id"] not in standing:
                raise Wrong(f"vault {each['id']} is none of this template")
        row.update(copy.deepcopy(body))
        self._keep(kind, row)

    def _keep(self, kind: str, row: dict[str, Any]) -> None:
        if kind == "keys":
            told = {name: row.pop(name) for name in _SECRETS if name in row}
            if row["type"] in told:
                self.secrets[row["id"]] = told[row["type"]]
        for vault in row.get("vaults") or []:
            vault.update({"id": vault.get("id") or self._next(), "project_id": row["project_id"], "template_id": row["id"]})
            if not self.newer:
                vault.pop("type", None)
        if row.get("vaults"):
            row["vaults"].sort(key=lambda vault: vault["id"])

    def _remove(self, project: int, kind: str, row: dict[str, Any]) -> None:
        users = [each for other in KINDS for each in self.things.get((project, other), [])
                 for pair in [each, *(each.get("vaults") or [])] for field, of in _REFERENCES.items() if of == kind and pair.get(field) == row["id"]]
        if kind == "templates":
            self.things[project, "schedules"] = [each for each in self.things.get((project, "schedules"), []) if each["template_id"] != row["id"]]
        elif users:
            raise Refused(400, "it is in use by one or more templates", inUse=True)
        self.things[project, kind].remove(row)

    def _told(self, kind: str, row: dict[str, Any], listed: bool) -> dict[str, Any]:
        """As its handlers tell it: no secret, and of the list of templates no vaults."""
        told = copy.deepcopy(row)
        if kind == "keys":
            told.update({"login_password": {"login": "", "password": ""}, "ssh": {"login": "", "private_key": ""}})
            if row["id"] not in self.secrets:
                told["empty"] = True
        if kind == "templates":
            told = {"description": None, "view_id": None, "vaults": [], "survey_vars": [], "type": "", "autorun": False, "last_task": None, "tasks": 3, **told}
            if listed:
                told["vaults"] = None
            if self.newer:
                told["task_params"] = {"limit": []}
                told = {name: value for name, value in told.items() if value not in (None, "", [], False)}
        return told

    def _one(self, project: int, kind: str, number: int) -> dict[str, Any]:
        for row in self.things.get((project, kind), []):
            if row["id"] == number:
                return row
        raise Refused(404)

    def _next(self) -> int:
        self._last += 1
        return self._last


def _cron(text: str) -> None:
    """As robfig's standard parser, of which only numbers, lists, ranges and steps are played here."""
    fields = text.split()
    if len(fields) != 5:
        raise Refused(400, f"Cron: expected exactly 5 fields, found {len(fields)}")
    for field, (least, most) in zip(fields, _LIMITS):
        if not re.fullmatch(_FIELD, field) or any(not least <= int(each) <= most for each in re.findall(r"[0-9]+", field.partition("/")[0])):
            raise Refused(400, f"Cron: {field}")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    there: Semaphore

    def log_message(self, *_unused: object) -> None:
        """Silence."""

    def do_GET(self) -> None:
        path, _mark, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        below = path.removeprefix("/api")
        self.there.requests.append(f"{self.command} {below}")
        try:
            for each in list(self.there.before):
                each(self.command, below)
            status, told = self.there.answer(self.command, below, dict(urllib.parse.parse_qsl(query)),
                                             {name.lower(): value for name, value in self.headers.items()}, json.loads(body) if body else None)
            for each in list(self.there.after):
                each(self.command, below)
        except Refused as error:
            status, told = error.status, error.body
        except (Wrong, AssertionError, ValueError, KeyError) as error:
            self.there.mistakes.append(f"{self.command} {self.path}: {error!r}")
            status, told = 400, {"error": str(error)}
        except Dropped:
            self.close_connection = True
            return
        sent = b"" if status == 204 or status >= 400 and told is None else json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    do_POST = do_PUT = do_DELETE = do_GET
