# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be sent to each collection, by what AWX itself says to OPTIONS, and how AWX says that it may not."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import zoneinfo

HERE = Path(__file__).parent
CONTRACT: dict[str, Any] = json.loads((HERE / "contract.json").read_text("utf-8"))
# not recorded: what awx.awx sends of them
CONTRACT["inventory_sources"] = {"fields": {
    "name": {"type": "string", "required": True}, "inventory": {"type": "id", "required": True}, "source": {"type": "choice", "choices": ["scm", "file"]},
    "source_project": {"type": "id"}, "source_path": {"type": "string"}, "overwrite": {"type": "boolean"}, "overwrite_vars": {"type": "boolean"},
    "update_on_launch": {"type": "boolean"}, "description": {"type": "string"},
}, "shown": ["id", "type", "url", "organization"]}
CONTRACT["workflow_approval_templates"] = {"fields": {
    "name": {"type": "string", "required": True}, "timeout": {"type": "integer"}, "description": {"type": "string"}}, "shown": ["id", "type", "url"]}
# field that holds a number -> the collection it is of
RELATED = {
    "organization": "organizations", "credential_type": "credential_types", "execution_environment": "execution_environments", "inventory": "inventories",
    "default_environment": "execution_environments", "project": "projects", "source_project": "projects", "unified_job_template": "unified_job_templates",
    "workflow_job_template": "workflow_job_templates", "credential": "credentials",
}
_SAMPLES: dict[str, Any] = {}
for _row in json.loads((HERE / "conversation.json").read_text("utf-8")):
    if _row["status"] == 201:
        _SAMPLES.setdefault(_row["answer"]["url"].split("/")[3], _row["answer"])


class Refused(Exception):
    def __init__(self, status: int, body: Any) -> None:
        super().__init__(status)
        self.status, self.body = status, body


def blank(collection: str) -> dict[str, Any]:
    """What an object of it shows where nothing was sent: as the recorded one, or by the defaults of OPTIONS."""
    known = CONTRACT[collection]
    sample = _SAMPLES.get(collection)
    if sample:
        asked = {name: known["fields"][name] for name in _SENT[collection]}
        fields = {name: value for name, value in sample.items() if name not in ("related", "summary_fields")}
        return {**fields, **{name: field.get("default", "" if field["type"] in ("string", "choice") else None) for name, field in asked.items()}}
    return {name: field.get("default", "" if field["type"] in ("string", "choice") else False if field["type"] == "boolean" else None)
            for name, field in known["fields"].items()}


_SENT = {row["answer"]["url"].split("/")[3]: [name for name in row["request"]["body"] if name in CONTRACT[row["answer"]["url"].split("/")[3]]["fields"]]
         for row in json.loads((HERE / "conversation.json").read_text("utf-8")) if row["status"] == 201}


def check(collection: str, body: Any, whole: bool, exists: Any) -> dict[str, Any]:
    """The fields of a body that count. Raises Refused. `exists(collection, number)` says whether there is one."""
    known = CONTRACT[collection]
    problems: dict[str, list[str]] = {}
    if not isinstance(body, dict):
        raise Refused(400, {"detail": "JSON parse error"})
    for name, field in known["fields"].items():
        if whole and field.get("required") and name not in body:
            problems[name] = ["This field is required."]
        elif name in body:
            told = _wrong(name, field, body[name], exists)
            if told:
                problems[name] = told
    for name in set(body) - set(known["fields"]) - set(known["shown"]):
        problems[name] = ["The fake knows no such field."]
    if "rrule" in body and "rrule" not in problems:
        problems.update({"rrule": found} if (found := rule(body["rrule"])) else {})
    for name in (body.get("injectors") or {}).get("env", {}) if isinstance(body.get("injectors"), dict) else ():
        if name.startswith("ANSIBLE_"):
            problems["injectors"] = [f"Environment variable {name} may affect Ansible configuration so its use is not allowed in credentials."]
    if problems:
        raise Refused(400, problems)
    return {name: value for name, value in body.items() if name in known["fields"]}


def _wrong(name: str, field: dict[str, Any], value: Any, exists: Any) -> list[str]:
    kind = field["type"]
    if value is None:
        return []
    if kind == "string" and not isinstance(value, str):
        return ["Not a valid string."]
    if kind == "string" and field.get("required") and not value:
        return ["This field may not be blank."]
    if kind == "string" and len(value) > field.get("max_length", len(value)):
        return [f"Ensure this field has no more than {field['max_length']} characters."]
    if kind == "boolean" and not isinstance(value, bool):
        return ["Must be a valid boolean."]
    if kind == "integer" and (isinstance(value, bool) or not isinstance(value, int)):
        return ["A valid integer is required."]
    if kind == "choice" and value not in field["choices"]:
        return [f'"{value}" is not a valid choice.']
    if kind == "json" and not isinstance(value, (dict, list, str)):
        return ["Value must be valid JSON."]
    if kind == "id" and value != "" and name in RELATED and not exists(RELATED[name], value):
        return [f'Invalid pk "{value}" - object does not exist.']
    return []


def rule(text: str) -> list[str]:
    """What AWX says of a rule of iCalendar: the forms it refuses, as far as it was recorded or its own messages tell."""
    for name in ("EXDATE", "RDATE"):
        if f"{name}:" in text.upper():
            return [f"{name} not allowed in rrule."]
    problems = []
    begin = re.findall(r"DTSTART(?:;TZID=([^:]*))?:([0-9]{8}T[0-9]{6})(Z?)", text)
    rules = re.findall(r"(RULE:\S+)", text)
    zone = begin[0][0] if begin else ""
    if not begin:
        problems.append("Valid DTSTART required in rrule. Value should start with: DTSTART:YYYYMMDDTHHMMSSZ")
    elif len(begin) > 1:
        problems.append("Multiple DTSTART is not supported.")
    elif not zone and not begin[0][2]:
        problems.append("DTSTART cannot be a naive datetime.  Specify ;TZINFO= or YYYYMMDDTHHMMSSZZ.")
    if not rules:
        problems.append("One or more rule required in rrule.")
    for each in rules:
        parts = dict(part.split("=", 1) for part in each.partition(":")[2].split(";"))
        if "INTERVAL" not in parts:
            problems.append(f"INTERVAL required in rrule: {each}")
        elif parts.get("FREQ") == "SECONDLY":
            problems.append(f"SECONDLY is not supported: {each}")
        if re.match(r"[0-9]+[A-Z]{2}", parts.get("BYDAY", "")):
            problems.append(f"BYDAY with numeric prefix not supported: {each}")
        if "COUNT" in parts and "UNTIL" in parts:
            problems.append(f"RRULE may not contain both COUNT and UNTIL: {each}")
        if int(parts.get("COUNT", 0)) > 999:
            problems.append(f"COUNT > 999 is unsupported: {each}")
        if parts.get("FREQ") not in ("MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"):
            problems.append("rrule parsing failed validation: invalid FREQ")
    if not begin or not begin[0][2] and (not zone or zone not in zoneinfo.available_timezones()):
        problems.append("rrule parsing failed validation: A valid TZID must be provided (e.g., America/New_York)")
    return problems
