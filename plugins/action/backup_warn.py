# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action backup_warn: tells each channel what it does not know yet. See its module for the documentation."""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ansible_collections.perucompras.respaldo.plugins.action import backup_plan
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine import result
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.policy import policy
from ansible_collections.perucompras.respaldo.plugins.plugin_utils import _sending
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._actions import failed
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import recorder
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.any_store import Store
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store, resolve_url
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._decisions import due, purposes, warnings
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._inventory import space, systems_of_all_hosts, with_responsible
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._schedules import missed


class ActionModule(backup_plan.ActionModule):
    ARGUMENTS = {
        "policy": {"type": "raw"},
        "policy_file": {"type": "str"},
        "actors": {"type": "raw"},
        "mail": {"type": "dict", "options": _sending.MAIL_OPTIONS},
        "services": {"type": "list", "elements": "dict", "default": [], "options": {
            "name": {"type": "str", "required": True},
            "url": {"type": "str", "required": True, "no_log": True},
        }},
        "watched": {"type": "list", "elements": "dict", "default": [], "options": {
            "name": {"type": "str", "required": True},
            "path": {"type": "path", "required": True},
        }},
        "summary_from": {"type": "str", "default": "07:00"},
    }

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        rules = self._policy(arguments, Path(task_vars.get("inventory_dir") or "."))
        policy.validate(rules, [], [])
        channels = _channels(arguments)
        now = datetime.datetime.now(datetime.timezone.utc)
        here = due.zone(rules["time_zone"])
        rows: list[dict[str, Any]] = []
        messages: list[dict[str, Any]] = []
        errors: list[BackupError] = []
        refused: list[str] = []
        with open_store(resolve_url(), readonly=True) as store:
            other = _at_work(store)
            if other:
                return {"changed": False, "messages": [], "conditions": [], "left_to": other}
            systems = with_responsible(systems_of_all_hosts(task_vars), rules, now.astimezone(here).date())
            if not self._task.check_mode:
                rows += _missed(store, now)
            conditions = warnings.in_force(store, rules, systems, now, [space(each) for each in arguments["watched"]])
            for channel, send in channels.items():
                news = warnings.news(warnings.told(store, channel), conditions)
                whole = bool(arguments["summary_from"]) and warnings.summary_is_due(store, channel, now, here, arguments["summary_from"])
                if not news and not whole:
                    continue
                message = warnings.message(rules["institution"], news, conditions, warnings.day_line(store, now) if whole else "")
                messages.append({"channel": channel, "subject": message.subject, "text": message.text})
                if self._task.check_mode:
                    continue
                try:
                    refused += send(message) or []
                    rows += _entries(channel, news, whole)
                except BackupError as error:
                    errors.append(error)
                    rows.append({"backup": result.build(event="warning_failed", medium=channel, **result.failure(error))})
        told: dict[str, Any] = {
            "changed": bool(messages) and len(errors) < len(messages) or any(row["backup"]["event"] == missed.TOLD for row in rows),
            "messages": messages,
            "conditions": [condition._asdict() for condition in conditions],
        }
        if rows:
            told["results"] = rows
        if refused:
            told["warnings"] = ["El servidor de correo rechazó estas direcciones: " + ", ".join(refused)]
        if errors:
            told.update(failed(errors[0]), changed=told["changed"])
            told["msg"] = "\n".join(failed(error)["msg"] for error in errors)
        return told


def _channels(arguments: Mapping[str, Any]) -> dict[str, Callable[[warnings.Message], Any]]:
    """name -> what sends by it."""
    found: dict[str, Callable[[warnings.Message], Any]] = {}
    if arguments["mail"]:
        _sending.check_mail(arguments["mail"])
        found[_sending.MAIL] = partial(_sending.by_mail, arguments["mail"])
    for index, service in enumerate(arguments["services"]):
        if service["name"] in found:
            raise BackupError("invalid_input", where=f"services[{index}].name", value=service["name"], problem="is the name of two channels",
                              mend="Give each its own name: the bitácora knows by it what each was told.")
        found[service["name"]] = partial(_sending.by_service, service["name"], service["url"])
    if not found:
        raise BackupError("invalid_input", where="mail, services", value=None, problem="is missing", mend="Say at least one way to warn people.")
    return found


def _at_work(store: Store) -> str:
    """The run of this same playbook that began before this one and is at work: it tells the news, this one would tell them twice.

    A start is committed before any task, so that of two runs begun at once one is the earlier to both.
    """
    mine = os.environ.get("RESPALDO_RUN_ID", "")
    runs = {entry["run"]: entry for entry in store.open_runs()}
    me = runs.get(mine)
    earlier = [entry for entry in runs.values() if me and entry["n"] < me["n"] and entry.get("playbook") == me.get("playbook")
               and not entry.get("simulated") and not recorder.is_elsewhere(entry, me) and not recorder.is_dead(entry, me)]
    return str(earlier[0]["run"]) if earlier else ""


def _missed(store: Store, now: datetime.datetime) -> list[dict[str, Any]]:
    """A result row for each series of missed starts that the bitácora does not tell yet: whoever reads only that sees it too, once for a series."""
    since = (now - missed.LOOKED_BACK).astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    found = missed.signs(store.entries(type=purposes.DECLARED), store.entries(type=missed.STARTED, since=since), now)
    return [{"backup": result.build(event=missed.TOLD, purpose=sign.purpose, objects=sign.missed, **result.failure(sign.error))}
            for sign in missed.unwritten(found, store.entries(type=missed.TOLD)) if sign.error]


def _entries(channel: str, news: Sequence[warnings.News], summary: bool) -> list[dict[str, Any]]:
    """A result row for each thing the channel was told, which the callback records as it records the items of a loop."""
    rows = [{"backup": result.build(
        event="warning_sent", medium=channel, warning=row.condition.key, warning_state=row.state, warning_level=row.condition.level,
        note_es=f"{warnings.STATES[row.state]}. {row.condition.text}" if row.state == "solved" else row.condition.text,
        system=row.condition.system or None, kind=row.condition.kind or None, responsible=row.condition.responsible or None,
    )} for row in news]
    if summary:
        rows.append({"backup": result.build(event="warning_sent", medium=channel, warning=warnings.SUMMARY, note_es="Resumen del día")})
    return rows
