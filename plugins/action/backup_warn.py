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
from typing import Any, NamedTuple

from ansible_collections.perucompras.respaldo.plugins.action import backup_plan
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine import result
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.policy import policy
from ansible_collections.perucompras.respaldo.plugins.plugin_utils import _sending, _smtp
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._actions import failed
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import upkeep, who
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.any_store import Store
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store, resolve_url
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._decisions import concerns, designations, due, warnings
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._inventory import space, systems_of_all_hosts, with_responsible
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._schedules import missed

_OWN_SUMMARY = "Resumen del día: sus avisos en curso."
_LONGEST_TITLES = 1000     # characters of what did not reach somebody


class ActionModule(backup_plan.ActionModule):
    ARGUMENTS = {
        "policy": {"type": "raw"},
        "policy_file": {"type": "str"},
        "actors": {"type": "raw"},
        "mail": {"type": "dict", "options": {**_sending.MAIL_OPTIONS, "by_role": {"type": "bool", "default": False}}},
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
        services = _services(arguments)
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
            today = now.astimezone(here).date()
            dated = systems_of_all_hosts(task_vars)
            if not self._task.check_mode:
                rows += [{"backup": entry} for entry in upkeep.unstarted(store, now)]
            conditions = warnings.in_force(store, rules, with_responsible(dated, rules, today), now, [space(each) for each in arguments["watched"]])
            everywhere = [condition.key for condition in conditions]
            changed = designations.changes(store.entries(type=designations.EVENT), rules, dated, today, True)
            rows += [{"backup": entry} for entry in changed] if not self._task.check_mode else []

            def tell(channel: _Channel, line: str = "") -> BackupError | None:
                """Send a channel what is news to it; the error that kept it from that, which is recorded and told in the end."""
                news = warnings.news(warnings.told(store, channel.name), channel.conditions, everywhere)
                whole = bool(arguments["summary_from"]) and bool(channel.conditions or not channel.whom) and warnings.summary_is_due(
                    store, channel.name, now, here, arguments["summary_from"])
                if not news and not whole:
                    return None
                summary = (_OWN_SUMMARY if channel.whom else " ".join(filter(None, (warnings.day_line(store, now), line)))) if whole else ""
                message = warnings.message(rules["institution"], news, channel.conditions, summary, channel.whom)
                messages.append({"channel": channel.name, "subject": message.subject, "text": message.text})
                if self._task.check_mode:
                    return None
                try:
                    refused.extend(channel.send(message) or [])
                    rows.extend(_entries(channel.name, news, whole))
                except BackupError as error:
                    errors.append(error)
                    rows.append({"backup": result.build(event="warning_failed", medium=channel.name, **result.failure(error))})
                    return error
                return None

            for channel in services:
                tell(channel._replace(conditions=conditions))
            if arguments["mail"]:
                _by_mail(arguments["mail"], concerns.shared(conditions, rules, dated, today, _smtp.ADDRESS.fullmatch)
                         if arguments["mail"]["by_role"] else [concerns.Recipient("", "", conditions)], tell)
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
            told["msg"] = "\n".join(dict.fromkeys(failed(error)["msg"] for error in errors))
        return told


class _Channel(NamedTuple):
    """A way to warn: its name, by which the bitácora knows what it was told, what sends by it, and what concerns whom there."""

    name: str
    send: Callable[[warnings.Message], Any]
    conditions: list[warnings.Condition]
    whom: str = ""


def _by_mail(mail: Mapping[str, Any], recipients: Sequence[concerns.Recipient], tell: Callable[..., BackupError | None]) -> None:
    """One mail to each, each remembered apart; the general list comes last, and learns of whom a mail did not reach."""
    post = _sending.Post(mail)
    unsent: list[warnings.Condition] = []
    counted: list[str] = []
    for address, name, own in recipients:
        if not address:
            line = "Avisos en curso que recibió cada persona designada: {0}.".format("; ".join(counted)) if counted else ""
            tell(_Channel(_sending.MAIL, partial(post.send, mail["to"]), [*own, *unsent]), line)
            continue
        error = tell(_Channel(f"{_sending.MAIL}: {address}", partial(post.send, [address]), own, name))
        counted += [f"{name}, {len(own)}"] if own else []
        if error is not None:
            titles = "; ".join(dict.fromkeys(warnings.title(condition) for condition in own))[:_LONGEST_TITLES]
            unsent.append(warnings.Condition(f"unsent:{address}", "unsent", 1, f"{name}, {address}: {titles}. {error.code}: {error.spanish}"))


def _services(arguments: Mapping[str, Any]) -> list[_Channel]:
    """The services that are told everything. Raises BackupError RSP101 on what can't work of any channel, or when there is none."""
    if arguments["mail"]:
        _sending.check_mail(arguments["mail"])
    found: dict[str, _Channel] = {}
    for index, service in enumerate(arguments["services"]):
        if service["name"] in found or arguments["mail"] and service["name"].partition(":")[0] == _sending.MAIL:
            raise BackupError("invalid_input", where=f"services[{index}].name", value=service["name"], problem="is the name of two channels",
                              mend="Give each its own name: the bitácora knows by it what each was told.")
        found[service["name"]] = _Channel(service["name"], partial(_sending.by_service, service["name"], service["url"]), [])
    if not found and not arguments["mail"]:
        raise BackupError("invalid_input", where="backup_warn_mail, backup_warn_services", value=None, problem="is missing",
                          mend="Say at least one way to warn people.")
    return list(found.values())


def _at_work(store: Store) -> str:
    """The run of this same playbook that began before this one and is at work: it tells the news, this one would tell them twice.

    A start is committed before any task, so that of two runs begun at once one is the earlier to both.
    """
    mine = os.environ.get("RESPALDO_RUN_ID", "")
    runs = {entry["run"]: entry for entry in store.open_runs()}
    me = runs.get(mine)
    earlier = [entry for entry in runs.values() if me and entry["n"] < me["n"] and entry.get("playbook") == me.get("playbook")
               and not entry.get("simulated") and not who.is_elsewhere(entry, me) and not who.is_dead(entry, me)]
    return str(earlier[0]["run"]) if earlier else ""


def _entries(channel: str, news: Sequence[warnings.News], summary: bool) -> list[dict[str, Any]]:
    """A result row for each thing the channel was told, which the callback records as it records the items of a loop."""
    rows = [{"backup": result.build(
        event="warning_sent", medium=channel, warning=row.condition.key, warning_state=row.state, warning_level=row.condition.level,
        note_es=f"{warnings.STATES[row.state]}. {row.condition.text}" if row.state in ("solved", "passed") else row.condition.text,
        system=row.condition.system or None, kind=row.condition.kind or None, responsible=row.condition.responsible or None,
    )} for row in news]
    if summary:
        rows.append({"backup": result.build(event="warning_sent", medium=channel, warning=warnings.SUMMARY, note_es="Resumen del día")})
    return rows
