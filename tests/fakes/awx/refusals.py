# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX 24.6.1 refuses beyond types and choices of fields: by its serializers and views, each tried against a real one; see README.md."""

from __future__ import annotations

from typing import Any

from .contract import Refused

_NOTIFICATIONS = {
    "email": {"host": str, "port": int, "username": str, "password": str, "use_tls": bool, "use_ssl": bool, "sender": str, "recipients": list, "timeout": 30},
    "webhook": {"url": str, "http_method": "POST", "disable_ssl_verification": False, "username": "", "password": "", "headers": dict},
    "mattermost": {"mattermost_url": str, "mattermost_no_verify_ssl": bool}, "rocketchat": {"rocketchat_url": str, "rocketchat_no_verify_ssl": bool},
}
_QUESTIONS = ("text", "textarea", "password", "multiplechoice", "multiselect", "integer", "float")


def object_(collection: str, row: dict[str, Any], sent: dict[str, Any], old: dict[str, Any] | None, objects: dict[str, dict[int, dict[str, Any]]]) -> None:
    """`row` is what would be there; `old`, what is."""
    each = _OF.get(collection)
    if each:
        each(row, sent, old, objects)


def _project(row: dict[str, Any], _sent: Any, _old: Any, objects: Any) -> None:
    credential = objects["credentials"].get(row.get("credential"))
    if row["scm_type"] and not row["scm_url"]:
        raise Refused(400, {"scm_url": ["SCM URL is required."]})
    if credential and objects["credential_types"][credential["credential_type"]]["name"] != "Source Control":
        raise Refused(400, {"credential": ["Credential kind must be 'scm'."]})


def _job_template(row: dict[str, Any], _sent: Any, _old: Any, objects: Any) -> None:
    project = objects["projects"].get(row.get("project"))
    if project is None:
        raise Refused(400, {"project": ["Job Templates must have a project assigned."]})
    if not row.get("inventory") and not row.get("ask_inventory_on_launch"):
        raise Refused(400, {"inventory": ["You must either set a default value or ask to prompt on launch."]})
    if not row.get("playbook"):
        raise Refused(400, {"playbook": ["Must select playbook for project."]})
    if row["playbook"] not in project["_playbooks"]:
        raise Refused(400, {"playbook": ["Playbook not found for project."]})


def _inventory_source(row: dict[str, Any], _sent: Any, _old: Any, objects: Any) -> None:
    project = objects["projects"].get(row.get("source_project"))
    if row["source"] == "scm" and project is None:
        raise Refused(400, {"source_project": ["Project required for scm type sources."]})
    if project is not None and not project["scm_type"]:
        raise Refused(400, {"source_project": ["Cannot use manual project for SCM-based inventory."]})


def _image(_row: Any, sent: dict[str, Any], old: Any, _objects: Any) -> None:
    if old and sent.get("organization") and sent["organization"] != old.get("organization"):
        raise Refused(400, {"organization": ["Cannot change the organization of an execution environment"]})


def _credential_type(_row: Any, sent: dict[str, Any], old: Any, objects: Any) -> None:
    if old and old["managed"]:
        raise Refused(403, {"detail": "Modifications not allowed for managed credential types"})
    used = old and any(each["credential_type"] == old["id"] for each in objects["credentials"].values())
    if used and sent.get("inputs", old["inputs"]) != old["inputs"]:
        raise Refused(403, {"detail": "Modifications to inputs are not allowed for credential types that are in use"})


def _credential(row: dict[str, Any], sent: dict[str, Any], old: Any, objects: Any) -> None:
    if not old and not any(sent.get(name) for name in ("organization", "user", "team")):
        raise Refused(400, {"detail": ["Missing 'user', 'team', or 'organization'."]})
    fields = (objects["credential_types"][row["credential_type"]].get("inputs") or {}).get("fields", ())
    unknown = sorted(set(sent.get("inputs") or {}) - {each["id"] for each in fields})
    if fields and unknown:
        raise Refused(400, {"inputs": [f"Additional properties are not allowed ({', '.join(map(repr, unknown))} was unexpected)"]})


def _schedule(row: dict[str, Any], _sent: Any, _old: Any, objects: Any) -> None:
    number = row["unified_job_template"]
    if number in objects["inventory_sources"]:
        raise Refused(400, {"unified_job_template": ["Inventory Source must be a cloud resource."]})
    if not objects["projects"].get(number, {"scm_type": "git"})["scm_type"]:
        raise Refused(400, {"unified_job_template": ["Manual Project cannot have a schedule set."]})


def _notification(row: dict[str, Any], sent: dict[str, Any], _old: Any, _objects: Any) -> None:
    """What is not said and has a default is kept with it."""
    told = sent.get("notification_configuration")
    fields = _NOTIFICATIONS.get(row["notification_type"])
    if told is None or fields is None:
        return
    whole = {**{name: kind for name, kind in fields.items() if not isinstance(kind, type)}, **told}
    problems = []
    missing = [name for name in fields if name not in whole]
    if missing:
        problems.append(f"Missing required fields for Notification Configuration: {missing}.")
    for name, kind in fields.items():
        wanted = kind if isinstance(kind, type) else type(kind)
        if name in whole and type(whole[name]) is not wanted:
            problems.append(f"Configuration field '{name}' incorrect type, expected {wanted.__name__}.")
        if whole.get(name) == []:
            problems.append(f"No values specified for field '{name}'")
    if problems:
        raise Refused(400, {"__all__": problems})
    row["notification_configuration"] = whole


_OF = {"projects": _project, "job_templates": _job_template, "inventory_sources": _inventory_source, "execution_environments": _image,
       "credential_types": _credential_type, "credentials": _credential, "schedules": _schedule, "notification_templates": _notification}


def survey(body: Any) -> None:
    """As AWX's view of surveys wants it."""
    told = ""
    for name in ("name", "description", "spec"):
        if name not in body:
            told = f"Field '{name}' is missing from survey spec."
    if body.get("spec") == []:
        told = "'spec' doesn't contain any items."
    seen: set[str] = set()
    for index, each in enumerate(body.get("spec", ()) if not told else ()):
        told = told or _question(index, each, seen)
        seen.add(each.get("variable"))
    if told:
        raise Refused(400, {"error": told})


def _question(index: int, each: dict[str, Any], seen: set[str]) -> str:
    for name in ("type", "question_name", "variable", "required"):
        kind, word = (bool, "boolean") if name == "required" else (str, "string")
        if name not in each:
            return f"'{name}' missing from survey question {index}"
        if not isinstance(each[name], kind):
            return f"'{name}' in survey question {index} expected to be {word}."
    if each["variable"] in seen:
        return f"'variable' '{each['variable']}' duplicated in survey question {index}."
    if each["type"] not in _QUESTIONS:
        return f"'{each['type']}' in survey question {index} is not one of '{', '.join(_QUESTIONS)}' allowed question types."
    if each.get("default", "") != "" and not isinstance(each["default"], {"integer": int, "float": float}.get(each["type"], str)):
        word = each["type"] if each["type"] in ("integer", "float") else "string"
        return f"Default value {each['default']} in survey question {index} expected to be {word}."
    if each["type"].startswith("multi"):
        if "choices" not in each:
            return f"Survey question {index} of type {each['type']} must specify choices."
        if [line for line in each.get("default", "").splitlines() if line not in each["choices"]]:
            return "Default choice must be answered from the choices listed."
    return ""
