# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists the repositories of forges and says what changed since the bitácora last heard of them. See its module for the documentation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.utils.display import Display

from ..module_utils._engine.errors import BackupError
from ..module_utils._engine.policy import forges as forms
from ..module_utils._engine.policy import policy
from ..plugin_utils._actions import BackupAction, show
from ..plugin_utils._bitacora.store import open_store, resolve_url
from ..plugin_utils._forges import catalogue, declared, listing
from ..plugin_utils._forges.memory import Known, remembered
from ..plugin_utils._forges.systems import KIND
from ..plugin_utils._inventory import names_of_other_hosts
from ..plugin_utils._names import asked
from ..plugin_utils._tasks import plain


class ActionModule(BackupAction):
    ARGUMENTS = {
        "forges": {"type": "raw", "required": True},
        "systems": {"type": "raw", "default": []},
        "accept_gone": {"type": "raw"},
        "record": {"type": "bool", "default": False},
        "show": {"type": "bool", "default": False},
    }

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        forges = plain(arguments["forges"])
        forms.check(forges)
        _refuse_shared(forges, task_vars)
        accepted = _accepted(arguments["accept_gone"], forges)
        with open_store(resolve_url()) as store:
            everything = remembered(store)
        mine = {forge["name"] for forge in forges}
        taken = {str(key[1]) for key in map(policy.identity, plain(arguments["systems"])) if key is not None and key[0] == KIND}
        taken |= {name for kind, name in names_of_other_hosts(task_vars) if kind == KIND} | {each.system.lower() for each in everything}
        known: list[Known] = [each for each in everything if each.forge in mine]
        entries, lines, failures = [], [], []
        for forge in forges:
            if not forge.get("enabled", True):
                continue
            before = [each for each in known if each.forge == forge["name"]]
            try:
                outcome = listing.listed(catalogue.open_forge(forge), before, taken, forge["name"] in accepted)
            except BackupError as error:
                entries.append(listing.failed(forge, error))
                failures.append({"forge": forge["name"], "code": error.code, "message": error.message, "message_es": error.spanish})
                Display().warning(f"{error.code}: {error.spanish}. {error.remedy}", formatted=True)
                continue
            news = {each.id: each for each in outcome.known}
            known = [news.pop(each.id, each) if each.forge == forge["name"] else each for each in known] + list(news.values())
            entries += outcome.entries
            lines += [f"{forge['name']}: {line}" for line in outcome.lines]
        if arguments["show"] and (lines or failures):
            show("\n".join([*lines, *(f"{row['code']}: {row['message_es']}" for row in failures)]))
        told = {(each.forge, each.id) for each in everything}
        rows = [{**each.row(), **({} if (each.forge, each.id) in told else {"new": True})} for each in known]
        return {"changed": False, "systems": len(known), "repositories": rows, "failures": failures, "summary": lines,
                **({"backup": entries} if arguments["record"] and entries else {})}


def _refuse_shared(forges: list[Mapping[str, Any]], task_vars: Mapping[str, Any]) -> None:
    """A forge belongs to one host, which copies its repositories: two would each make a copy of all."""
    hostvars, mine = task_vars.get("hostvars"), task_vars.get("inventory_hostname")
    for host in (task_vars.get("groups") or {}).get("all", ()) if hostvars is not None else ():
        if host == mine:
            continue
        theirs = {name.lower() for name in declared.names_of_host(hostvars, host)}
        for index, forge in enumerate(forges):
            if forge["name"].lower() in theirs:
                raise BackupError("invalid_input", where=f"backup_forges[{index}].name", value=forge["name"], problem=f"is also a forge of host {host}",
                                  mend="Declare it in host_vars of the one host that copies its repositories.")


def _accepted(given: Any, forges: list[Mapping[str, Any]]) -> set[str]:
    names = {forge["name"].lower(): forge["name"] for forge in forges}
    return {names[name.lower()] for name in asked(plain(given), "accept_gone") if name.lower() in names}
