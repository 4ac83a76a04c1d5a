# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action backup_schedule: the inventory's schedule checked, becomes timers of systemd or a plan for another scheduler. See its module for the documentation."""

from __future__ import annotations

import os
import socket
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible import constants, context
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.folders import share_files
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.policy import policy, schema
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._actions import show
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import address_of, open_store, resolve_url
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._decisions import drills, due, warnings
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._inventory import InventoryAction, systems_of_all_hosts
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._schedules import checking, declaring, forms, in_force, systemd, units
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._schedules.purposes import PURPOSES
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._schedules.when import Timed, in_words
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._tasks import plain

_COLLECTION = Path(__file__).resolve().parents[2]
# What the callback is told in the environment, and a run by a timer must be told too; none of these is a secret.
_TOLD = ("RESPALDO_BITACORA_JOURNAL", "RESPALDO_BITACORA_LOGS", "RESPALDO_BITACORA_SEAL", "RESPALDO_BITACORA_SEAL_KEY", "RESPALDO_BITACORA_ANCHORS",
         "RESPALDO_BITACORA_JOURNALD", "PGPASSFILE")


class ActionModule(InventoryAction):
    CHANGES = True
    ARGUMENTS = {
        "policy": {"type": "raw"},
        "policy_file": {"type": "str"},
        "actors": {"type": "raw"},
        "schedule": {"type": "raw"},
        "scheduler": {"type": "str", "default": in_force.SYSTEMD, "choices": list(in_force.SCHEDULERS)},
        "phase": {"type": "str", "default": "plan", "choices": ["plan", "record"]},
        "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
        "inventories": {"type": "list", "elements": "path", "default": []},
        "vault_ids": {"type": "list", "elements": "str", "default": []},
        "command": {"type": "path", "default": ""},
        "directory": {"type": "path", "default": systemd.DIRECTORY},
        "show": {"type": "bool", "default": False},
    }

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        command = _command(arguments) if arguments["scheduler"] == in_force.SYSTEMD else None
        schedule, reasons = ({}, {}) if arguments["state"] == "absent" else self._schedule(arguments, task_vars)
        fields = {name: f": {forms.cron(timed.when)}" if arguments["scheduler"] == in_force.CRON else "" for name, timed in schedule.items()}
        summary = [f"{name} ({PURPOSES[name].playbook}.yml): {in_words(timed.when)} ({timed.zone}){fields[name]}" for name, timed in schedule.items()]
        done = (_timers(arguments["directory"], command, schedule, reasons, self._task.check_mode, self._task.diff) if command
                else _planned(arguments, schedule, reasons))
        if arguments["show"]:
            show("\n".join(summary or ["Nada programado."]))
        return {"summary": summary, **done}

    def _schedule(self, arguments: Mapping[str, Any], task_vars: Mapping[str, Any]) -> tuple[dict[str, Timed], Mapping[str, str]]:
        """What is to be in force. Raises BackupError RSP101 with every mistake at once."""
        rules = self._policy(arguments, Path(task_vars.get("inventory_dir") or "."))
        policy.validate(rules, [], [])
        zone = due.zone(rules["time_zone"])
        used = _used(task_vars)
        needed = checking.needs(rules, used, drills.rules_of(rules)["every"], {**warnings.DEFAULTS, **rules.get("warnings", {})})
        problems: list[schema.Problem] = []
        declared = declaring.read(plain(arguments["schedule"] or {}), rules["time_zone"], list(needed), rules.get("working_hours") or {}, problems)
        if not problems:
            checking.check(declared, needed, rules, zone, problems)
        schema.raise_all(problems)
        if not declared.timed:
            raise BackupError("invalid_input", where="backup_systems", value=None, problem="declares nothing that could be scheduled",
                              mend="Declare systems first, or take the schedule away with schedule_state: absent.")
        return dict(declared.timed), declared.reasons


def _used(task_vars: Mapping[str, Any]) -> checking.Used:
    """What the inventory of all hosts has. Its variables are read as they are written, so that no secret is opened."""
    hosts = [task_vars["hostvars"].raw_get(host) for host in dict.fromkeys([*task_vars["groups"]["all"], task_vars["inventory_hostname"]])]

    def has(*names: str) -> bool:
        return any(host.get(name) for host in hosts for name in names)

    return checking.Used(tuple(system for system in systems_of_all_hosts(task_vars) if system.get("enabled", True)), has("backup_repository"),
                         has("backup_warn_mail", "backup_warn_services"), has("backup_anchor_mail", "backup_anchor_medium"),
                         has("backup_request_mail_box"), has("backup_letters_mail"), has("backup_metrics_file"))


def _command(arguments: Mapping[str, Any]) -> units.Command:
    """How this very run was begun, where nobody says otherwise. Raises BackupError RSP101 on what a timer could not give."""
    program = arguments["command"] or _own_program()
    if not os.access(program, os.X_OK):
        raise BackupError("invalid_input", where="command", value=program, problem="is no program that can be run",
                          mend="Give the whole path of ansible-playbook.")
    inventories = [os.path.abspath(each) for each in arguments["inventories"] or context.CLIARGS.get("inventory") or ()]
    for each in inventories:
        if not os.path.exists(each):
            raise BackupError("invalid_input", where="inventories", value=each, problem="is not a file or directory of the controller",
                              mend="Give the path of the inventory; a list of hosts has no schedule.")
    if not inventories:
        raise BackupError("invalid_input", where="inventories", value=None, problem="is missing", mend="Run with -i, the path of the inventory.")
    given = arguments["vault_ids"] or [*(context.CLIARGS.get("vault_ids") or ()), *(context.CLIARGS.get("vault_password_files") or ())]
    environment = [("HOME", os.path.expanduser("~root")), ("LANG", "C.UTF-8"), ("RESPALDO_BITACORA", address_of(resolve_url()))]
    if constants.CONFIG_FILE:
        environment.append(("ANSIBLE_CONFIG", str(constants.CONFIG_FILE)))
    environment += [(name, os.environ[name]) for name in _TOLD if os.environ.get(name)]
    return units.Command(program, str(_COLLECTION), tuple(inventories), tuple(_vault(each) for each in dict.fromkeys(given)), tuple(environment))


def _own_program() -> str:
    """The ansible-playbook of this very run, where it is named so; else the one beside its Python."""
    own = os.path.abspath(sys.argv[0])
    return own if os.path.basename(own) == "ansible-playbook" and os.access(own, os.X_OK) else str(Path(sys.executable).parent / "ansible-playbook")


def _vault(given: str) -> str:
    """A --vault-id by its path, label and all. Raises BackupError RSP101 where nobody would be there to type it, or others may read it."""
    label, at, path = given.rpartition("@")
    path = os.path.abspath(os.path.expanduser(path))
    if not os.path.isfile(path):
        raise BackupError("invalid_input", where="vault_ids", value=given, problem="is not a file, and a timer has nobody to ask for a password",
                          mend="Put the password into a file of root's with mode 0600, and run with --vault-password-file or --vault-id LABEL@FILE.")
    mode = os.stat(path).st_mode
    if not mode & stat.S_IXUSR and mode & 0o077:
        raise BackupError("invalid_input", where="vault_ids", value=given, problem="can be read by others than its owner", mend=f"Run chmod 600 {path}.")
    return f"{label}{at}{path}"


def _timers(directory: str, command: units.Command, schedule: Mapping[str, Timed], reasons: Mapping[str, str], simulated: bool,
            differences: bool) -> dict[str, Any]:
    """Units of systemd put where they are to be, and the entries of what changed."""
    wanted = units.render(schedule, command)
    if not simulated:
        systemd.refuse_without()
    with share_files.alone(directory):
        found = systemd.look(directory, wanted, command.inventories)
        systemd.prove(wanted)
        timers = [name for name in wanted if name.endswith(".timer")]
        asked = systemd.runs() or not simulated
        stopped = [name for name in systemd.idle(timers) if name not in found.changed] if asked else []
        stale = [name for name in systemd.unread(wanted) if name not in found.changed] if asked else []
        if not simulated:
            systemd.place(directory, wanted, found, stale)
            systemd.enable(stopped)
        standing = {units.purpose_of(name) for name in os.listdir(directory) if name.endswith(".timer") and name not in found.unwanted}
    touched = {units.purpose_of(name) for name in (*found.changed, *found.unwanted, *stopped, *stale) if name.endswith(".timer")}
    before = _in_force()
    entries = in_force.by_systemd(schedule, reasons, before, touched, standing | (_of_other_machines(before) - touched))
    changed = bool(found.changed or found.unwanted or stopped or stale or entries)
    told = [BackupError("unit_extended", unit=name, detail=", ".join(more)) for name, more in systemd.extended(directory, wanted).items()]
    return {
        "changed": changed, "calendars": {name: units.on_calendar(timed.when, timed.zone) for name, timed in schedule.items()},
        "written": list(found.changed), "removed": list(found.unwanted), "enabled": stopped, "reread": stale,
        **({"backup": entries} if entries else {}),
        **({"warnings": [f"{each.code}: {each.spanish}. {each.remedy}" for each in told]} if told else {}),
        **({"diff": _diff(directory, wanted, found)} if differences and changed else {}),
    }


def _planned(arguments: Mapping[str, Any], schedule: Mapping[str, Timed], reasons: Mapping[str, str]) -> dict[str, Any]:
    """For a scheduler that others' modules talk to: what it is to have; and, once it has it, the entries of what the bitácora did not say yet."""
    planned = {"changed": False, "schedules": [row for name, timed in schedule.items() for row in forms.rows({name: timed}, due.zone(timed.zone))]}
    if arguments["phase"] == "plan":
        return planned
    entries = in_force.differences(schedule, reasons, _in_force(), arguments["scheduler"])
    return {**planned, "changed": bool(entries), **({"backup": entries} if entries else {})}


def _in_force() -> dict[str, in_force.InForce]:
    with open_store(resolve_url()) as store:
        return in_force.read(store.entries(type=(in_force.SET, in_force.REMOVED)))


def _of_other_machines(found: Mapping[str, in_force.InForce]) -> set[str]:
    """The purposes that another controller put in force, which has the same bitácora."""
    with open_store(resolve_url()) as store:
        began = {name: store.entries(run=str(put.entry.get("run")), type="run_started", limit=1) for name, put in found.items()}
    return {name for name, starts in began.items() if not starts or starts[0].get("controller") != socket.gethostname()}


def _diff(directory: str, wanted: Mapping[str, str], found: systemd.Found) -> list[dict[str, str]]:
    return [{"before": found.before.get(name, ""), "after": wanted.get(name, ""), "before_header": f"{directory}/{name}", "after_header": f"{directory}/{name}"}
            for name in (*found.changed, *found.unwanted)]
