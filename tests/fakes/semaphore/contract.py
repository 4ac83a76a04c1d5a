# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The published API description as a judge: which operation a request means, and what is wrong with it.

Stricter than Semaphore in one thing: a property that neither the description nor its own source knows is refused, since it is a misspelt one.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

_TYPES = {"string": str, "integer": int, "boolean": bool, "array": list, "object": dict}
# What the description leaves out, and the source of the same commit has: db/*.go, api/router.go. `type` of a vault: 2.12 (db/TemplateVault.go there).
BEYOND = {
    "AccessKeyRequest": {"id": "integer", "override_secret": "boolean"},
    "EnvironmentRequest": {"id": "integer"}, "InventoryRequest": {"id": "integer", "holder_id": "integer", "repository_id": "integer"},
    "RepositoryRequest": {"id": "integer"}, "ScheduleRequest": {"repository_id": "integer"},
    "TemplateRequest": {"id": "integer", "type": "string", "autorun": "boolean", "start_version": "string", "build_template_id": "integer"},
    "TemplateVault": {"id": "integer", "project_id": "integer", "template_id": "integer", "type": "string"},
    "TemplateSurveyVar": {"values": "array"},
}
_VALUE = {"type": "object", "properties": {"name": {"type": "string"}, "value": {"type": "string"}}}      # of a question
# Routes of the source of that commit that the description leaves out: what they answer has the form of one it has.
ROUTES = {("GET", "/project/{project_id}/schedules"): {"parameters": [{"name": "project_id", "in": "path", "type": "integer", "required": True}],
                                                       "responses": {"200": {"type": "array", "items": {"$ref": "#/definitions/Schedule"}}}}}


class Wrong(Exception):
    """What of a request is not as described."""


class Operation(NamedTuple):
    method: str
    path: str
    row: dict[str, Any]
    words: dict[str, str]       # what the path names


class Contract:
    def __init__(self) -> None:
        told = json.loads((Path(__file__).parent / "contract.json").read_text("utf-8"))
        self._definitions: dict[str, Any] = told["definitions"]
        self._rows = {(method, path): row for path, rows in told["paths"].items() for method, row in rows.items()}
        self._rows.update(ROUTES)

    def operation(self, method: str, path: str) -> Operation | None:
        for (verb, form), row in self._rows.items():
            found = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", form), path)
            if found and verb == method:
                return Operation(method, form, row, found.groupdict())
        return None

    def check(self, operation: Operation, query: dict[str, str], body: Any, also: set[str]) -> None:
        """`also`: names that the server itself told of the object. Raises Wrong."""
        known = {row["name"]: row for row in operation.row["parameters"] if row["in"] == "query"}
        for name in query:
            if name not in known:
                raise Wrong(f"the parameter {name} is not described")
        for row in operation.row["parameters"]:
            if row["in"] == "path" and not re.fullmatch("[1-9][0-9]*", operation.words[row["name"]]):
                raise Wrong(f"{row['name']} is no number")
            if row["in"] == "query" and (row["name"] in query or row["required"]):
                if query.get(row["name"]) not in row.get("enum", [query.get(row["name"])]) or row["name"] not in query:
                    raise Wrong(f"the parameter {row['name']} is {query.get(row['name'])!r}")
        wanted = next((row for row in operation.row["parameters"] if row["in"] == "body"), None)
        if wanted is None and body is not None:
            raise Wrong("it has a body")
        if wanted is not None:
            if not isinstance(body, dict):
                raise Wrong("it has no body")
            self._value(body, wanted["schema"], "$", also)

    def check_answer(self, operation: Operation, status: int, body: Any) -> None:
        """The fake's own answers obey the description too; null stands for an empty list there. Raises AssertionError."""
        answers = operation.row["responses"]
        assert str(status) in answers, f"{operation.method} {operation.path} never answers {status}"
        if answers[str(status)] and body is not None:
            try:
                self._value(body, answers[str(status)], "$", None)
            except Wrong as error:
                raise AssertionError(f"{operation.path}: {error}") from error

    def _value(self, value: Any, schema: dict[str, Any], where: str, also: set[str] | None) -> None:
        """`also` is None of an answer, which may tell more than is described."""
        beyond: dict[str, str] = {}
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            schema, beyond = self._definitions[name], BEYOND.get(name, {})
        if value is None:
            return
        kind = schema.get("type")
        if isinstance(kind, str) and (not isinstance(value, _TYPES[kind]) or kind == "integer" and isinstance(value, bool)):
            raise Wrong(f"{where} is no {kind}")
        if "enum" in schema and value not in schema["enum"]:
            raise Wrong(f"{where} is {value!r}")
        if "minimum" in schema and value < schema["minimum"]:
            raise Wrong(f"{where} is {value}, less than {schema['minimum']}")
        if isinstance(value, list):
            for number, each in enumerate(value):
                self._value(each, schema.get("items", {}), f"{where}[{number}]", also if also is None else set())
        if isinstance(value, dict):
            for name, each in value.items():
                if name in schema.get("properties", {}):
                    self._value(each, schema["properties"][name], f"{where}.{name}", also if also is None else set())
                elif name in beyond:
                    self._value(each, {"type": beyond[name], "items": _VALUE}, f"{where}.{name}", also)
                elif also is not None and name not in also:
                    raise Wrong(f"{where}.{name} is not described")
