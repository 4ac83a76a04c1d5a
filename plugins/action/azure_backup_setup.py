# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes what Azure Backup protects be what the inventory says: vault, policies, items (7.2.3 a, c). See its module for the documentation."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence
from typing import Any

from ..module_utils._engine.errors import BackupError
from ..plugin_utils import _vaults
from ..plugin_utils._actions import failed, show

if t.TYPE_CHECKING:
    from ..plugin_utils._azure.recovery import Vault

# hours after work: jobs begin up to two hours late, and a day's copy should still begin on that day
_AFTER_WORK = 2
_USUAL_TIME = "20:00"
_MOST_POINTS = 180


class ActionModule(_vaults.VaultAction):
    ARGUMENTS = {**_vaults.ARGUMENTS, "show": {"type": "bool", "default": False}}

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        found, vaults = self.read(arguments, task_vars)
        steps = _Steps(bool(self._task.check_mode))
        grouped = _vaults.protected(found)
        plans = {name: _plan(next(vault for vault in vaults if vault["name"] == name), systems, found.rules) for name, systems in grouped.items()}
        answer: dict[str, Any] = {}
        try:
            for name, systems in grouped.items():
                with _vaults.opened(next(vault for vault in vaults if vault["name"] == name)) as vault:
                    _one_vault(vault, systems, plans[name], steps)
            if steps.unprotected:
                raise steps.unprotected[0]
        except BackupError as error:
            answer = failed(error)
        if arguments["show"]:
            show("\n".join([f"{task_vars['inventory_hostname']}: Azure Backup", *(steps.lines or ["    nada que hacer"])]))
        answer.update(changed=bool(steps.before or steps.after), systems=sum(map(len, grouped.values())), vaults=steps.vaults, items=steps.items,
                      drift=steps.drift, summary=steps.lines)
        if self._task.diff:
            answer["diff"] = {"before": steps.before, "after": steps.after}
        return answer


class _Steps:
    """What differs, what was done, and what can't be done from here."""

    def __init__(self, simulated: bool) -> None:
        self.simulated = simulated
        self.before: dict[str, Any] = {}
        self.after: dict[str, Any] = {}
        self.vaults: list[dict[str, Any]] = []
        self.items: list[dict[str, Any]] = []
        self.drift: list[str] = []
        self.lines: list[str] = []
        self.unprotected: list[BackupError] = []

    def differs(self, what: str, before: Any, after: Any, words: str) -> bool:
        """Notes a difference; gives whether it is to be done now."""
        if before is not None:
            self.before[what] = before
        self.after[what] = after
        self.lines.append(f"    {'se haría' if self.simulated else 'hecho'}: {words}")
        return not self.simulated


def _plan(options: Mapping[str, Any], systems: Sequence[Mapping[str, Any]], rules: Mapping[str, Any]) -> dict[str, tuple[str, dict[str, Any]]]:
    """sort -> name and terms of its policy; every mistake is told before anything is asked. Raises BackupError RSP101."""
    from ..plugin_utils._azure import protection

    clock = str(options.get("time") or _time(rules))
    hours = rules.get("working_hours") or {}
    if hours and hours["from"] <= clock < hours["until"]:
        raise BackupError("invalid_input", where=f"backup_vaults.{options['name']}.time", value=clock, problem="is within the working hours",
                          mend=f"Copies of servers are made outside {hours['from']}-{hours['until']} (numerals 6.4 and 7.2.3 a).")
    points = int(rules["kinds"]["file_server"].get("keep_copies", _MOST_POINTS))
    names = options.get("policies") or {}
    return {sort: (str(names.get(sort) or f"respaldo-{sort}-diaria"),
                   protection.wanted_policy(sort, clock, protection.windows_zone(options, rules["time_zone"]), points))
            for sort in sorted({system["source"]["protects"] for system in systems}) if protection.SORTS[sort].request}


def _time(rules: Mapping[str, Any]) -> str:
    """Some hours after work, at a full or half hour, as the service wants it."""
    until = (rules.get("working_hours") or {}).get("until")
    if not until:
        return _USUAL_TIME
    hour, minute = int(until[:2]) + _AFTER_WORK, int(until[3:])
    hour, minute = (hour, 0) if minute == 0 else (hour, 30) if minute <= 30 else (hour + 1, 0)
    return f"{min(hour, 23):02d}:{minute:02d}"


def _one_vault(vault: Vault, systems: Sequence[Mapping[str, Any]], plan: Mapping[str, tuple[str, dict[str, Any]]], steps: _Steps) -> None:
    from ..plugin_utils._azure import protection

    steps.lines.append(f"Bóveda {vault.name}")
    told = protection.vault_of(vault)
    if told is None and not _new_vault(vault, steps):
        steps.items += [{"system": system["name"], "item": protection.title(system["source"]), "state": "would be protected"} for system in systems
                        if protection.SORTS[system["source"]["protects"]].request]
        return
    settings = protection.settings(vault)
    wanted = vault.options.get("redundancy")
    if wanted and settings["redundancy"] != wanted and not settings["redundancy_locked"]:
        if steps.differs(f"{vault.name} redundancy", settings["redundancy"], wanted, f"redundancia {settings['redundancy']} -> {wanted}"):
            protection.set_redundancy(vault, str(wanted))
        settings["redundancy"] = wanted
    steps.vaults.append({"name": vault.name, **settings})
    drift = protection.drift(settings, vault.options)
    steps.drift += [f"{vault.name}: {line}" for line in drift]
    steps.lines += [f"    protección distinta de la decidida: {line}" for line in drift]
    for sort, (name, terms) in plan.items():
        _policy(vault, sort, name, terms, steps)
    for system in systems:
        _item(vault, system, plan, steps)


def _new_vault(vault: Vault, steps: _Steps) -> bool:
    """A vault that is not there is made, where the inventory says its region. Whether it is there now."""
    from ..plugin_utils._azure import protection

    location = str(vault.options.get("location") or "")
    if not location:
        # the service's own word on it, with the name that was probably meant
        vault.get(f"the vault {vault.name}", vault.vaults.vaults.get)
    if not steps.differs(f"vault {vault.name}", None, {"resource_group": vault.group, "location": location}, f"bóveda nueva en {vault.group}, {location}"):
        return False
    protection.make_vault(vault, location)
    return True


def _policy(vault: Vault, sort: str, name: str, wanted: Mapping[str, Any], steps: _Steps) -> None:
    from ..plugin_utils._azure import protection

    found = protection.policy_of(vault, name)
    before, after = protection.terms(found["properties"]) if found else None, protection.terms(wanted)
    if before == after:
        return
    words = f"política {name} ({sort}): diaria a las {after['times'][0]}, {after['time_zone']}, {after['daily_points']} puntos"
    if steps.differs(f"{vault.name} policy {name}", before, after, words):
        protection.set_policy(vault, name, found, wanted)


def _item(vault: Vault, system: Mapping[str, Any], plan: Mapping[str, tuple[str, dict[str, Any]]], steps: _Steps) -> None:
    from ..plugin_utils._azure import protection

    source, title = system["source"], protection.title(system["source"])
    item = protection.find(protection.items_of(vault, source["protects"]), source)
    row = {"system": system["name"], "item": title, "state": "protected"}
    if source["protects"] == "agent":
        if item is None:
            row["state"] = "not registered"
            steps.unprotected.append(BackupError("item_unprotected", vault=vault.name, item=title, detail="it is not among its items"))
            steps.lines.append(f"    {steps.unprotected[-1].code}: {steps.unprotected[-1].spanish}")
        steps.items.append(row)
        return
    name = plan[source["protects"]][0]
    policy = str(item.properties.get("policyId") or "").rpartition("/")[2] if item else None
    deleted = bool(item and item.properties.get("isScheduledForDeferredDelete"))
    if item is None or policy is None or policy.lower() != name.lower() or deleted:
        row["state"] = "would be protected" if steps.simulated else "protected"
        before = {"policy": policy, **({"deleted": True} if deleted else {})} if item else None
        if steps.differs(f"{vault.name} item {title}", before, {"policy": name}, f"{title} protegido por {name}"):
            protection.protect(vault, source, name, item)
    steps.items.append(row)
