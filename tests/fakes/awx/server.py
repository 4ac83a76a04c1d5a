# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The REST API of AWX on a port of the loopback: objects, their names, surveys, associations. A fake; see README.md."""

from __future__ import annotations

import base64
import json
import threading
import urllib.parse
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from . import refusals
from .contract import CONTRACT, RELATED, Refused, blank, check

TOKEN, USER, PASSWORD = "ficha-de-awx-muy-secreta", "respaldo", "clave-de-awx-muy-secreta"
# and the kind of their credentials
OWN_TYPES = {"Machine": "ssh", "Source Control": "scm", "Vault": "vault", "Microsoft Azure Resource Manager": "azure_rm"}
PLAYBOOKS = sorted(f"playbooks/{path.name}" for path in (Path(__file__).resolve().parents[3] / "playbooks").glob("*.yml"))
UNIFIED = ("projects", "inventory_sources", "job_templates", "workflow_job_templates", "workflow_approval_templates")
ASSOCIATED = ("credentials", "success_nodes", "failure_nodes", "always_nodes", "notification_templates_started", "notification_templates_success",
              "notification_templates_error", "notification_templates_approvals")
# the first number that an object gets, as in the recorded conversation
FIRST = {"organizations": 3, "credential_types": 23, "credentials": 4, "execution_environments": 2, "inventories": 3, "hosts": 3, "notification_templates": 2,
         "workflow_job_template_nodes": 2, "unified_job_templates": 11}
# a name is one within these
WITHIN = {"organizations": (), "credential_types": ("kind",), "credentials": ("organization", "credential_type"), "execution_environments": (),
          "projects": ("organization",), "inventories": ("organization",), "inventory_sources": ("inventory",), "hosts": ("inventory",),
          "job_templates": ("organization",), "workflow_job_templates": ("organization",), "notification_templates": ("organization",),
          "schedules": ("unified_job_template",)}
NOT_FOUND = ("\n<!doctype html>\n<html lang=\"en\">\n<head>\n  <title>Not Found</title>\n</head>\n<body>\n  <h1>Not Found</h1><p>The requested resource was "
             "not found on this server.</p>\n</body>\n</html>\n")


class Awx:
    """`objects` are what there is, by collection and number. Each of `before` is asked before an answer is made: it may raise Refused.

    `superuser` says whether who asks is one, and `jobs` are what runs: rows of unified_jobs. `playbooks` are what the repository of any project has; a
    synchronisation of one ends as `syncs` says, when it was looked at as often as `delay` says.
    """

    def __init__(self, port: int = 0) -> None:
        self.objects: dict[str, dict[int, dict[str, Any]]] = {name: {} for name in CONTRACT}
        self.surveys: dict[str, dict[str, Any]] = {}
        self.associations: dict[str, list[int]] = {}
        self.requests: list[tuple[str, str, Any]] = []
        self.mistakes: list[str] = []
        self.before: list[Callable[[str, str], None]] = []
        self.playbooks, self.syncs, self.delay = list(PLAYBOOKS), "successful", 0
        self.superuser, self.jobs = True, []
        self._numbers = {name: FIRST.get(name, 1) for name in [*CONTRACT, "unified_job_templates"]}
        self._lock = threading.Lock()
        for number, (name, kind) in enumerate(OWN_TYPES.items(), 1):
            self.objects["credential_types"][number] = {**blank("credential_types"), "id": number, "name": name, "managed": True, "namespace": kind,
                                                         "url": f"/api/v2/credential_types/{number}/"}
        self.server = ThreadingHTTPServer(("127.0.0.1", port), type("Here", (_Handler,), {"awx": self}))
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def named(self, collection: str) -> dict[str, dict[str, Any]]:
        return {row["name"]: row for row in self.objects[collection].values()}

    def changes(self) -> list[tuple[str, str]]:
        """What was asked for that changes something."""
        return [(method, path) for method, path, _body in self.requests if method != "GET" and not path.startswith("/api/v2/tokens/")]

    # -- what it answers ---------------------------------------------------------------------------------------------------

    def answer(self, method: str, path: str, query: dict[str, list[str]], authorization: str, body: Any) -> tuple[int, Any]:
        basic = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if authorization not in (f"Bearer {TOKEN}", basic):
            raise Refused(401, {"detail": "Authentication credentials were not provided. To establish a login session, visit /api/login/."})
        steps = path.removeprefix("/api/v2/").strip("/").split("/")
        with self._lock:
            for each in self.before:
                each(method, path)
            if steps[0] == "tokens":
                return (201, {"id": 1, "token": TOKEN}) if method == "POST" else (204, None)
            if steps == ["me"]:
                return 200, {"count": 1, "next": None, "previous": None, "results": [{"id": 1, "username": USER, "is_superuser": self.superuser}]}
            if steps == ["unified_jobs"]:
                return 200, self._page(self.jobs, query)
            if len(steps) == 1:
                return self._collection(method, steps[0], query, body)
            if steps[0] == "project_updates":
                return 200, {"id": int(steps[1]), "status": "successful"}
            collection, row = self._one(steps[0], steps[1])
            if len(steps) == 2:
                return self._object(method, collection, row, body)
            return self._below(method, collection, row, steps[2], query, body)

    def _one(self, collection: str, number: str) -> tuple[str, dict[str, Any]]:
        if collection not in self.objects or not number.isdigit() or int(number) not in self.objects[collection]:
            raise Refused(404, {"detail": "Not found."})
        return collection, self.objects[collection][int(number)]

    def exists(self, collection: str, number: Any) -> bool:
        return any(number in self.objects[name] for name in (UNIFIED if collection == "unified_job_templates" else (collection,)))

    def _collection(self, method: str, collection: str, query: dict[str, list[str]], body: Any) -> tuple[int, Any]:
        if collection != "unified_job_templates" and collection not in self.objects:
            raise Refused(404, NOT_FOUND)
        if method == "GET":
            rows = [self._shown(name, row) for name in (UNIFIED if collection == "unified_job_templates" else (collection,))
                    for row in self.objects[name].values()]
            return 200, self._page(rows, query)
        return 201, self.make(collection, body)

    def make(self, collection: str, body: Any) -> dict[str, Any]:
        sent = check(collection, body, True, self.exists)
        row = {**blank(collection), **sent}
        if collection == "projects":
            row.update(_playbooks=list(self.playbooks) if not row["scm_type"] else [], _looks=0)
        refusals.object_(collection, row, sent, None, self.objects)
        if collection == "job_templates":
            row["organization"] = self.objects["projects"][row["project"]]["organization"]
        if collection == "schedules":
            self._refuse_launch(row["unified_job_template"], row.get("extra_data") or {})
        for name in ("extra_data",) if collection in ("schedules", "workflow_job_template_nodes") else ():
            row[name] = row.get(name) or {}
        self._unique(collection, row, None)
        counter = "unified_job_templates" if collection in UNIFIED else collection
        row["id"] = self._numbers[counter]
        self._numbers[counter] += 1
        row["type"], row["url"] = collection.rstrip("s").replace("inventorie", "inventory"), f"/api/v2/{collection}/{row['id']}/"
        self.objects[collection][row["id"]] = row
        if collection == "projects":
            self._synchronise(row)
        return self._shown(collection, row)

    def _synchronise(self, project: dict[str, Any]) -> None:
        if project["scm_type"]:
            project.update(status="pending", _looks=self.delay)

    def _looked_at(self, project: dict[str, Any]) -> None:
        """As time goes by, a synchronisation ends."""
        if project["status"] == "pending":
            project["_looks"] -= 1
            if project["_looks"] < 0:
                project.update({"status": self.syncs, **({"_playbooks": list(self.playbooks)} if self.syncs == "successful" else {})})

    def _unique(self, collection: str, row: dict[str, Any], number: int | None) -> None:
        for other in self.objects[collection].values():
            if collection in WITHIN and other["id"] != number and all(other[name] == row[name] for name in ("name", *WITHIN[collection])):
                word = collection.rstrip("s").replace("_", " ").capitalize()
                if not WITHIN[collection]:
                    raise Refused(400, {"name": [f"{word} with this Name already exists."]})
                raise Refused(400, {"__all__": [f"{word} with this Name and {WITHIN[collection][0].capitalize()} already exists."]})

    def _object(self, method: str, collection: str, row: dict[str, Any], body: Any) -> tuple[int, Any]:
        if method == "GET":
            return 200, self._shown(collection, row)
        if method == "DELETE":
            del self.objects[collection][row["id"]]
            for below in [each for each in self.objects["schedules"].values() if collection in UNIFIED and each["unified_job_template"] == row["id"]]:
                del self.objects["schedules"][below["id"]]
            return 204, None
        sent = check(collection, body, False, self.exists)
        if collection == "credentials" and "inputs" in sent:
            # a secret that is sent as it was shown stays what it is
            sent["inputs"] = {name: row["inputs"].get(name) if value == "$encrypted$" else value for name, value in sent["inputs"].items()}
        changed = {**row, **sent}
        refusals.object_(collection, changed, sent, row, self.objects)
        self._unique(collection, changed, row["id"])
        again = collection == "projects" and any(changed[name] != row[name] for name in ("scm_type", "scm_url", "scm_branch", "credential"))
        row.update(changed)
        if again:
            self._synchronise(row)
        return 200, self._shown(collection, row)

    def _below(self, method: str, collection: str, row: dict[str, Any], what: str, query: dict[str, list[str]], body: Any) -> tuple[int, Any]:
        place = f"{collection}/{row['id']}/{what}"
        if what == "survey_spec" and collection in ("job_templates", "workflow_job_templates"):
            if method == "POST":
                refusals.survey(body)
                self.surveys[place] = body
                return 200, None
            return 200, self.surveys.get(place, {})
        if what in ASSOCIATED and collection != "workflow_approval_templates":
            target = "workflow_job_template_nodes" if what.endswith("_nodes") else "notification_templates" if what.startswith("notif") else what
            numbers = self.associations.setdefault(place, [])
            if method == "GET":
                return 200, self._page([self._shown(target, self.objects[target][number]) for number in numbers], query)
            if not self.exists(target, body.get("id")):
                raise Refused(400, {"msg": "the fake has none of this number"})
            if target == "credentials" and not body.get("disassociate"):
                self._refuse_credential(numbers, self.objects[target][body["id"]])
            if body.get("disassociate"):
                numbers.remove(body["id"])
            else:
                numbers.append(body["id"])
            return 204, None
        if collection == "projects" and what == "playbooks":
            return 200, row["_playbooks"]
        if method == "POST" and collection == "projects" and what == "update" and row["scm_type"]:
            self._synchronise(row)
            return 202, {"id": 1, "project_update": 1, "url": "/api/v2/project_updates/1/", "status": "pending"}
        if method == "POST" and (collection, what) == ("inventories", "hosts"):
            return 201, self.make("hosts", {**body, "variables": body.get("variables", "").strip(), "inventory": row["id"]})
        if method == "POST" and (collection, what) == ("workflow_job_templates", "workflow_nodes"):
            return 201, self.make("workflow_job_template_nodes", {**body, "workflow_job_template": row["id"]})
        if method == "POST" and (collection, what) == ("workflow_job_template_nodes", "create_approval_template"):
            made = self.make("workflow_approval_templates", body)
            row["unified_job_template"] = made["id"]
            return 201, made
        if method == "POST" and what == "schedules" and collection in UNIFIED:
            return 201, self.make("schedules", {**body, "unified_job_template": row["id"]})
        if what == "launch" and collection in ("job_templates", "workflow_job_templates"):
            if method == "GET":
                needed = [each["variable"] for each in self._questions(row["id"]) if each["required"]]
                return 200, {"can_start_without_user_input": not needed, "survey_enabled": row["survey_enabled"], "variables_needed_to_start": needed}
            self._refuse_launch(row["id"], body.get("extra_vars") or {}, survey_only=True)
            return 201, {"job": 1}
        raise Refused(404, {"detail": "Not found."})

    def _refuse_credential(self, numbers: list[int], credential: dict[str, Any]) -> None:
        """A template has one of each type, and of vaults one of each identity."""
        def told(row: dict[str, Any]) -> tuple[Any, Any]:
            return row["credential_type"], (row["inputs"] or {}).get("vault_id", "")

        type_ = self.objects["credential_types"][credential["credential_type"]]
        if type_["name"] == "Source Control":
            raise Refused(400, {"error": "Cannot assign a Credential of kind `scm`."})
        if told(credential) in [told(self.objects["credentials"][number]) for number in numbers]:
            raise Refused(400, {"error": f"Cannot assign multiple {type_['name']} credentials."})

    def _questions(self, number: int) -> list[dict[str, Any]]:
        for collection in ("job_templates", "workflow_job_templates"):
            if self.objects[collection].get(number, {}).get("survey_enabled"):
                return list(self.surveys.get(f"{collection}/{number}/survey_spec", {}).get("spec", ()))
        return []

    def _refuse_launch(self, number: int, given: dict[str, Any], survey_only: bool = False) -> None:
        """What a start, or a schedule, of a template may be given."""
        told: dict[str, list[str]] = {}
        questions = self._questions(number)
        for each in questions:
            value = given.get(each["variable"])
            if each["required"] and value is None:
                told.setdefault("variables_needed_to_start", []).append(f"'{each['variable']}' value missing")
            elif value is not None and each["type"] == "multiplechoice" and value not in each["choices"]:
                told.setdefault("variables_needed_to_start", []).append(f"Value {value} for '{each['variable']}' expected to be one of {each['choices']}.")
        others = [name for name in given if name not in [each["variable"] for each in questions]]
        if others and not survey_only:
            told["extra_data"] = [f"Variables {', '.join(others)} are not allowed on launch. Check the Prompt on Launch setting on the Job Template to include "
                                  "Extra Variables."]
        if told:
            raise Refused(400, told)

    def _shown(self, collection: str, row: dict[str, Any]) -> dict[str, Any]:
        """As a request sees it: secrets are not told, and where else it may ask."""
        if collection == "projects":
            self._looked_at(row)
        shown = {**{name: value for name, value in row.items() if not name.startswith("_")}, "related": {}, "summary_fields": {}}
        if collection in ("job_templates", "workflow_job_templates"):
            shown["related"]["survey_spec"] = f"{row['url']}survey_spec/"
        if collection == "workflow_job_template_nodes" and row["unified_job_template"]:
            kind = next(name for name in UNIFIED if row["unified_job_template"] in self.objects[name])
            shown["related"]["unified_job_template"] = f"/api/v2/{kind}/{row['unified_job_template']}/"
        if collection == "schedules":
            template = next(self.objects[name][row["unified_job_template"]] for name in UNIFIED if row["unified_job_template"] in self.objects[name])
            shown["summary_fields"]["unified_job_template"] = {"id": template["id"], "name": template["name"]}
        if collection == "projects":
            shown["related"]["update"] = f"{row['url']}update/"
            if row["status"] == "pending":
                shown["summary_fields"]["current_update"] = {"id": 1}
        if collection == "credentials":
            fields = (self.objects["credential_types"][row["credential_type"]].get("inputs") or {}).get("fields", ())
            shown["kind"] = self.objects["credential_types"][row["credential_type"]].get("namespace")
            secret = [each["id"] for each in fields if each.get("secret")] or ["vault_password", "secret"]
            shown["inputs"] = {name: "$encrypted$" if name in secret else value for name, value in (row["inputs"] or {}).items()}
        if collection == "inventory_sources":
            shown["organization"] = self.objects["inventories"][row["inventory"]]["organization"]
        return shown

    def _page(self, rows: list[dict[str, Any]], asked: dict[str, list[str]]) -> dict[str, Any]:
        query = {name: values[-1] for name, values in asked.items() if not name.startswith("or__")}
        size, page, order = int(query.pop("page_size", 25)), int(query.pop("page", 1)), query.pop("order_by", "id")
        either = [(name[4:], value) for name, values in asked.items() if name.startswith("or__") for value in values]
        found = [row for row in rows if all(self._matches(row, name, value) for name, value in query.items())
                 and (not either or any(self._matches(row, name, value) for name, value in either))]
        found.sort(key=lambda row: row[order])
        more = page * size < len(found)
        following = urllib.parse.urlencode({**asked, "page_size": size, "page": page + 1}, doseq=True)
        return {"count": len(found), "next": f"/api/v2/{found[0]['url'].split('/')[3]}/?{following}" if more else None, "previous": None,
                "results": found[(page - 1) * size:page * size]}

    def _matches(self, row: dict[str, Any], name: str, wanted: str) -> bool:
        if name.endswith("__in"):
            return str(row[name[:-4]]) in wanted.split(",")
        if name == "name__startswith":
            return str(row["name"]).startswith(wanted)
        first, _, rest = name.partition("__")
        if rest and first in RELATED:
            of = RELATED[first]
            places = UNIFIED if of == "unified_job_templates" else (of,)
            other = next((self.objects[each][row[first]] for each in places if row.get(first) in self.objects[each]), None)
            return other is not None and self._matches(self._shown(other["url"].split("/")[3], other), rest, wanted)
        if name not in row:
            if "type" in row and name in ("organization", "credential_type"):
                return False
            raise Refused(400, {"detail": f"{row['type']} has no field named '{name}'"})
        return str(row[name]) == wanted


class _Handler(BaseHTTPRequestHandler):
    awx: Awx
    protocol_version = "HTTP/1.1"

    def log_message(self, *_unused: Any) -> None:
        pass

    def _do(self) -> None:
        path, _, query = self.path.partition("?")
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = json.loads(raw) if raw else None
        self.awx.requests.append((self.command, self.path, body))
        try:
            status, answer = self.awx.answer(self.command, urllib.parse.unquote(path), urllib.parse.parse_qs(query),
                                             self.headers.get("Authorization", ""), body if body is not None else {})
        except Refused as refused:
            status, answer = refused.status, refused.body
            if status == 400:
                self.awx.mistakes.append(f"{self.command} {self.path} {body}: {answer}")
        except Exception as error:      # what the fake can't do is seen by the test, not waited for
            status, answer = 500, {"detail": repr(error)}
            self.awx.mistakes.append(f"{self.command} {self.path} {body}: {error!r}")
        sent = answer.encode() if isinstance(answer, str) else b"" if status == 204 else json.dumps(answer).encode() if answer is not None else b""
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if isinstance(answer, str) else "application/json")
        self.send_header("X-API-Product-Name", "AWX")
        self.send_header("X-API-Product-Version", "24.6.1")
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    do_GET = do_POST = do_PATCH = do_DELETE = _do
