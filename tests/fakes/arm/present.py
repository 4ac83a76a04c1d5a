# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings a contract up to the API versions of the installed official clients: `python -m arm.present` in tests/fakes, after distil.py.

The descriptions that distil.py reads are of 2023-06-01; newer ones are written in TypeSpec, from which the clients' own classes are generated, of one
version each. So what those classes know of a definition, and the descriptions do not, is taken over here: properties with type, values and whether
they can be written. Paths, parameters and examples stay; the tests drive the fake by the same clients, and compare the paths.
"""

from __future__ import annotations

import datetime
import enum
import importlib
import inspect
import json
import re
import typing as t
from pathlib import Path
from typing import Any

from .distil import HERE, lines

CLIENTS = {"bms": "azure.mgmt.recoveryservicesbackup", "vaults": "azure.mgmt.recoveryservices"}
_PLAIN: dict[Any, dict[str, Any]] = {
    str: {"type": "string"}, int: {"type": "integer"}, bool: {"type": "boolean"}, float: {"type": "number"}, datetime.datetime: {"type": "string",
                                                                                                               "format": "date-time"}}


def version_of(package: str) -> str:
    """The one version that a client of this package speaks."""
    words = inspect.getsource(importlib.import_module(package + "._configuration"))
    return re.findall(r'kwargs.pop\("api_version", "([0-9-]+)"\)', words)[0]


def paths_of(package: str) -> set[str]:
    """Every path that a client of this package asks for, in small letters and with its names left out."""
    words = inspect.getsource(importlib.import_module(package + ".operations._operations"))
    return {bare(path) for path in re.findall(r'_url = \(?\s*"(/[^"]+)"', words)}


def bare(path: str) -> str:
    return re.sub(r"\{[^}]+\}", "{}", path).lower()


class Classes:
    """The classes of a client, as schemas of a contract."""

    def __init__(self, space: str, schemas: dict[str, dict[str, Any]]) -> None:
        self.space, self.schemas = space, schemas
        self.models = importlib.import_module(CLIENTS[space] + ".models._models")
        self.names = {**vars(self.models), "_models": importlib.import_module(CLIENTS[space] + ".models")}

    def properties(self, kind: type) -> dict[str, dict[str, Any]]:
        """Name in JSON -> schema of each property of a class, its parents' too."""
        found: dict[str, dict[str, Any]] = {}
        for each in reversed(kind.__mro__):
            told = t.get_type_hints(each, self.names) if each.__module__ == self.models.__name__ else {}
            for name in each.__dict__.get("__annotations__", {}):
                field = each.__dict__.get(name)
                if type(field).__name__ != "_RestField":
                    continue
                schema = self.schema(told[name])
                if field._visibility == ["read"] and "$ref" not in schema:
                    schema["readOnly"] = True
                found[field._rest_name_input or name] = schema
        return found

    def schema(self, told: Any) -> dict[str, Any]:
        of = t.get_args(told)
        if t.get_origin(told) is t.Union:
            kept = [each for each in of if each is not type(None)]
            # text or a value of a list: the service may say what the list does not have yet
            return self.schema(next((each for each in kept if inspect.isclass(each) and issubclass(each, enum.Enum)), kept[0]))
        if t.get_origin(told) is list:
            return {"type": "array", "items": self.schema(of[0])}
        if t.get_origin(told) is dict:
            return {"type": "object", "additionalProperties": self.schema(of[1])}
        if t.get_origin(told) is t.Literal:
            return {"type": "string"}
        if told in _PLAIN:
            return dict(_PLAIN[told])
        if inspect.isclass(told) and issubclass(told, enum.Enum):
            return {"type": "string", "enum": [each.value for each in told]}
        if not inspect.isclass(told) or told.__module__ != self.models.__name__:
            return {}
        name = next((key for key in self.schemas if key.partition(".")[2] == told.__name__), f"{self.space}.{told.__name__}")
        if name not in self.schemas:
            self.schemas[name] = {}
            self.schemas[name].update(type="object", properties=self.properties(told))
        return {"$ref": name}


def bring_up(contract: dict[str, Any]) -> dict[str, list[str]]:
    """Takes over what is new; gives, by definition, the names of what was added."""
    schemas: dict[str, dict[str, Any]] = contract["schemas"]
    added: dict[str, list[str]] = {}
    for space, package in CLIENTS.items():
        classes = Classes(space, schemas)
        for key in [key for key in schemas if key.startswith(space + ".")]:
            kind = getattr(classes.models, key.partition(".")[2], None)
            if kind is None or "properties" not in schemas[key]:
                continue
            known = schemas[key]["properties"]
            new = {name: schema for name, schema in classes.properties(kind).items() if name not in known}
            known.update(new)
            if new:
                added[key] = sorted(new)
        for operation in contract["operations"].values():
            if bare(operation["path"]) in paths_of(package):
                operation["version"] = version_of(package)
    contract["about"]["brought up to"] = {package: version_of(package) for package in CLIENTS.values()}
    contract["schemas"] = dict(sorted(schemas.items()))
    return added


def main() -> None:
    path = HERE / "backup.json"
    contract = json.loads(Path(path).read_text(encoding="utf-8"))
    for name, more in sorted(bring_up(contract).items()):
        print(f"{name}: {', '.join(more)}")
    path.write_text(lines(contract), encoding="utf-8")


if __name__ == "__main__":
    main()
