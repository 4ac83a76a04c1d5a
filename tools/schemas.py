# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON Schemas of an inventory's variables and of a policy, for editors, from the checks that validate them (policy/schema.py). Called by docs.py.

A schema says the form alone: what depends on something else (a medium that is not declared, two people for one day) only the validator knows.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

_DRAFT = "http://json-schema.org/draft-07/schema#"
_ENGINE = "ansible_collections.perucompras.respaldo.plugins.module_utils._engine."
_TEMPLATE = {"type": "string", "pattern": "\\{\\{"}
_ANY_TEXT = {"type": "string", "minLength": 1}
_IS_TEMPLATE = {"$ref": "#/definitions/template"}


def pages(top: Path) -> dict[Path, str]:
    """File -> its text."""
    sys.path.insert(0, str(top / "collections"))
    return {top / "docs/schemas" / name: json.dumps(found, ensure_ascii=False, indent=1) + "\n"
            for name, found in (("inventario.json", inventory()), ("politica.json", policy()), ("comprobacion.json", check()))}


def inventory() -> dict[str, Any]:
    """Of the variables that people write most; others of ours and of the institution may stand beside them."""
    schema, systems, places, people, forges, desks = (_of("policy." + name) for name in ("schema", "systems", "places", "people", "forges", "desks"))
    folders, declaring = _of("folders.shares"), importlib.import_module(_ENGINE.replace("module_utils._engine.", "plugin_utils._schedules.declaring"))
    forms = {
        "backup_systems": schema.listing(systems.SYSTEM), "backup_media": schema.listing(places.medium), "backup_actors": people.actors,
        "backup_shared_folders": schema.listing(folders.FOLDER), "backup_custodians": schema.listing(places.custodian),
        "backup_forges": schema.listing(forges.FORGE), "backup_desk": desks.DESK, "backup_schedule": declaring.SCHEDULE,
        "backup_policy_file": schema.absolute_path(),
    }
    return {"$schema": _DRAFT, "title": "Variables de un inventario de perucompras.respaldo", "type": "object", "definitions": {"template": _TEMPLATE},
            "properties": {name: _templated(schema.shape_of(form)) for name, form in forms.items()}}


def check() -> dict[str, Any]:
    """Of what check.yml writes for machines."""
    findings = importlib.import_module(_ENGINE.replace("module_utils._engine.", "plugin_utils._checking.findings"))
    text, count = {"type": "string"}, {"type": "integer", "minimum": 0}
    weight = {"enum": [findings.STOPS, findings.WARNS]}
    finding = {"number": {"type": "integer", "minimum": 1}, **dict.fromkeys(findings.Finding._fields, text), "weight": weight}
    report = {"version": {"const": findings.VERSION}, "ready": {"type": "boolean"}, **dict.fromkeys(("stops", "warns", "servers", "systems"), count),
              "institution": text, "checked_at": {"type": "string", "format": "date-time"}, "inventories": {"type": "array", "items": text},
              "findings": {"type": "array", "items": {"type": "object", "required": sorted(finding), "additionalProperties": False, "properties": finding}}}
    return {"$schema": _DRAFT, "title": "Comprobación de perucompras.respaldo", "type": "object", "required": sorted(report), "additionalProperties": False,
            "properties": report}


def policy() -> dict[str, Any]:
    """Of a policy's file, where nothing is a template."""
    schema, rules = _of("policy.schema"), _of("policy.rules")
    return {"$schema": _DRAFT, "title": "Política de respaldo", **schema.shape_of(rules.POLICY)}


def _of(name: str) -> Any:
    return importlib.import_module(_ENGINE + name)


def _templated(shape: Any) -> Any:
    """The same, where each value may be a template of Ansible's instead: what it gives is known only when it runs."""
    inner = {key: _inside(key, value) for key, value in shape.items()}
    return {"if": _IS_TEMPLATE, "else": inner} if inner and inner != _ANY_TEXT else inner


def _inside(key: str, value: Any) -> Any:
    if key == "properties":
        return {name: _templated(each) for name, each in value.items()}
    if key == "items":
        return _templated(value)
    if key == "anyOf":
        return [_templated(each) for each in value]
    # what is asked of a table by its type stays as it is; what follows may hold templates
    return [{**each, "then": {name: _inside(name, kept) for name, kept in each["then"].items()}} for each in value] if key == "allOf" else value
