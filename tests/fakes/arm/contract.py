# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The official API description as a judge: which operation a request means, and what is wrong with a body.

Stricter than the real service in one thing: a property that the description does not know is refused, since it is a misspelt one.
"""

from __future__ import annotations

import json
import re
import typing as t
from datetime import datetime
from pathlib import Path
from typing import Any

_TYPES = {"string": str, "integer": int, "boolean": bool, "array": list, "object": dict, "number": (int, float)}


class ArmError(Exception):
    """An answer that is an error, in Azure Resource Manager's shape."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code, self.message, self.headers = status, code, message, headers or {}

    @property
    def body(self) -> dict[str, Any]:
        return {"error": {"code": self.code, "message": self.message}}


class Operation(t.NamedTuple):
    """One operation of a description."""

    name: str
    told: dict[str, Any]
    words: re.Pattern[str]


class Contract:
    """A file of contracts/."""

    def __init__(self, name: str) -> None:
        told = json.loads((Path(__file__).parent / "contracts" / f"{name}.json").read_text(encoding="utf-8"))
        self.schemas: dict[str, dict[str, Any]] = told["schemas"]
        self.operations = [Operation(name, row, _pattern(row["path"])) for name, row in told["operations"].items()]

    def find(self, method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
        """The operation of a request with what its path names, or nothing. Raises ArmError when only the method is wrong."""
        here = [(row, found) for row in self.operations if (found := row.words.fullmatch(path))]
        for row, found in here:
            if row.told["method"] == method:
                return row, {name.replace("__", "-"): value for name, value in found.groupdict().items()}
        if here:
            raise ArmError(405, "MethodNotAllowed", f"The request for resource '{path}' with method {method} is not allowed.")
        return None

    def check(self, operation: Operation, words: dict[str, str], query: dict[str, str], body: Any) -> None:
        """Raises ArmError with the service's word for what is wrong with a request."""
        known = operation.told["query"]
        given = query.get("api-version", "")
        if not given:
            raise ArmError(400, "MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required for all requests.")
        if given != operation.told["version"]:
            raise ArmError(400, "NoRegisteredProviderFound", f"No registered resource provider found for API version '{given}'. "
                           f"The supported api-versions are '{operation.told['version']}'.")
        for name in query:
            if name not in known and not (name == "$skipToken" and operation.told.get("paged")):
                raise ArmError(400, "InvalidQueryParameter", f"The query parameter '{name}' is not known to {operation.name}.")
        for name, rules in operation.told["patterns"].items():
            self._value(words[name], {"type": "string", **rules}, name)
        wanted = operation.told.get("body")
        if wanted is None:
            if body is not None:
                raise ArmError(400, "InvalidRequestContent", f"{operation.name} takes no request body.")
        elif body is not None:
            self._value(body, wanted["schema"], "$")
        elif wanted["required"]:
            raise ArmError(400, "InvalidRequestContent", "The request content was invalid and could not be deserialized: the body is empty.")

    def check_answer(self, operation: Operation, status: int, body: Any) -> None:
        """The fake's own answers obey the description too. Raises AssertionError."""
        answers = operation.told["answers"]
        if str(status) not in answers:
            raise AssertionError(f"{operation.name} never answers {status}, only {', '.join(answers)}")
        schema = answers[str(status)]
        if schema and body is not None:
            try:
                self._value(body, schema, f"{operation.name}:$", answer=True)
            except ArmError as error:
                raise AssertionError(error.message) from error

    def example(self, name: str, status: int = 200) -> Any:
        """The first official example of an operation's answer, as a copy."""
        operation = next(row for row in self.operations if row.name == name)
        return json.loads(json.dumps(next((row["answers"][str(status)] for row in operation.told["examples"] if row["answers"].get(str(status))), None)))

    def _value(self, value: Any, schema: dict[str, Any], where: str, answer: bool = False) -> None:
        if "$ref" in schema:
            self._value(value, self.schemas[schema["$ref"]], where, answer)
            return
        if value is None:
            return
        kind = schema.get("type")
        if kind and (not isinstance(value, t.cast(type, _TYPES[kind])) or kind in ("integer", "number") and isinstance(value, bool)):
            raise _wrong(f"Error converting value {json.dumps(value)[:80]} to type '{kind}'. Path '{where}'.")
        if isinstance(value, str):
            self._text(value, schema, where, answer)
        if kind == "integer" and not (schema.get("minimum", value) <= value <= schema.get("maximum", value)):
            raise _wrong(f"Value {value} is out of range. Path '{where}'.")
        if isinstance(value, list):
            for number, row in enumerate(value):
                self._value(row, schema.get("items", {}), f"{where}[{number}]", answer)
        if isinstance(value, dict):
            self._object(value, schema, where, answer)

    def _text(self, value: str, schema: dict[str, Any], where: str, answer: bool) -> None:
        enum = schema.get("enum")
        if enum and value not in enum:
            raise _wrong(f"'{value}' is not one of {', '.join(enum)}. Path '{where}'.")
        if not answer and ("pattern" in schema and not re.search(schema["pattern"], value)
                           or not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value))):
            raise _wrong(f"'{value}' does not have the form asked for. Path '{where}'.")
        if schema.get("format") == "date-time":
            try:
                datetime.fromisoformat(re.sub(r"\.\d+", "", value).replace("Z", "+00:00"))
            except ValueError as error:
                raise _wrong(f"'{value}' is no date and time. Path '{where}'.") from error

    def _object(self, value: dict[str, Any], schema: dict[str, Any], where: str, answer: bool) -> None:
        base = schema
        if "discriminator" in base:
            told = value.get(base["discriminator"])
            if told not in base["kinds"]:
                raise _wrong(f"'{told}' is not one of {', '.join(base['kinds'])}. Path '{where}.{base['discriminator']}'.")
            schema = self.schemas[base["kinds"][told]]
        for name in schema.get("required", []):
            if value.get(name) is None and not answer:
                raise _wrong(f"Required property '{name}' not found in JSON. Path '{where}'.")
        properties = schema.get("properties")
        for name, each in value.items():
            if properties is not None and name in properties:
                self._value(each, properties[name], f"{where}.{name}", answer)
            elif "additionalProperties" in schema:
                self._value(each, schema["additionalProperties"], f"{where}.{name}", answer)
            elif properties is not None:
                raise _wrong(f"Could not find member '{name}' on object. Path '{where}.{name}'.")


def _wrong(message: str) -> ArmError:
    return ArmError(400, "InvalidRequestContent", f"The request content was invalid and could not be deserialized: '{message}'")


def _pattern(path: str) -> re.Pattern[str]:
    """A path of the description as a pattern: names are any one step, letters are taken whatever their case, as the service does."""
    parts = re.split(r"(\{[^}]+\})", path)
    return re.compile("".join(f"(?P<{part[1:-1].replace('-', '__')}>[^/]+)" if part.startswith("{") else re.escape(part) for part in parts), re.IGNORECASE)
