# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells the help desk what it has not heard of requests, or binds a number of it by hand. See its module for the documentation."""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.utils.display import Display

from ..module_utils._engine import result
from ..module_utils._engine.errors import BackupError
from ..module_utils._engine.policy import desks as forms
from ..module_utils._engine.policy import policy
from ..plugin_utils._actions import failed, show
from ..plugin_utils._bitacora import desk_claims, tickets
from ..plugin_utils._bitacora.store import open_store, resolve_url
from ..plugin_utils._decisions import asking, desks, due, entitled, requests
from ..plugin_utils._desks import catalogue, following
from ..plugin_utils._inventory import InventoryAction
from ..plugin_utils._tasks import plain


class ActionModule(InventoryAction):
    CHANGES = True
    ARGUMENTS = {
        "desk": {"type": "raw", "default": {}},
        "ticket": {"type": "str", "default": ""},
        "number": {"type": "str", "default": ""},
        "person": {"type": "str", "default": ""},
        "reason": {"type": "str", "default": ""},
        "strict": {"type": "bool", "default": False},
        "policy": {"type": "raw"},
        "policy_file": {"type": "str"},
        "actors": {"type": "raw"},
    }

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        declared = plain(arguments["desk"]) or {}
        if declared:
            forms.check(declared)
        if arguments["number"].strip():
            return self._by_hand(arguments, declared, task_vars)
        if not declared or declared["type"] == forms.MANUAL:
            return _told([], [], 0)
        known, standing = _read()
        ticket = asking.known(known, arguments["ticket"]).ticket if arguments["ticket"].strip() else ""
        waiting = desks.pending(known.requests.values(), standing, ticket)
        if not waiting:
            return _told([], [], 0)
        if self._task.check_mode:
            return _told([], ["Solicitud {0}: se diría a {1}, pasos: {2}".format(work.request.ticket, declared["name"], len(work.steps)) for work in waiting],
                         len(waiting))
        with open_store(resolve_url()) as store:
            other = desk_claims.claim(store, os.environ.get("RESPALDO_RUN_ID", ""), str(task_vars.get("inventory_hostname") or ""), declared["name"])
        if other:
            return _told([], ["La ejecución {0} habla ahora con {1}: lo que falte se dirá después".format(other, declared["name"])], len(waiting))
        # another run may have told some of it meanwhile
        known, standing = _read()
        waiting = desks.pending(known.requests.values(), standing, ticket)
        desk = catalogue.open_desk(declared)
        if desk is None:
            raise ValueError("a help desk without an API is asked")
        done = following.follow(desk, waiting, standing)
        for error in done.failures:
            Display().warning(f"{error.code}: {error.spanish}. {error.remedy}", formatted=True)
        told = _told(done.entries, done.lines, sum(entry["event"] == desks.FAILED for entry in done.entries) or len(done.failures))
        return {**failed(done.failures[0]), **told, "failed": True} if done.failures and arguments["strict"] else told

    def _by_hand(self, arguments: Mapping[str, Any], declared: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        """Bind a number that a person gives. Raises BackupError: invalid_input, request_unknown, request_person_refused, desk_number_refused, desk_…"""
        if not declared:
            raise BackupError("invalid_input", where="backup_desk", value="", problem="names no help desk",
                              mend="Declare it in backup_desk; type: manual where numbers are given by hand.")
        if not arguments["ticket"].strip():
            raise BackupError("invalid_input", where="desk_number", value=arguments["number"], problem="is given without desk_ticket",
                              mend="Say which request of ours it belongs to.")
        if not arguments["person"].strip():
            raise BackupError("invalid_input", where="desk_person", value="", problem="is missing",
                              mend="The number of a help desk is somebody's word: say whose.")
        number = tickets.checked(arguments["number"])
        rules = self._policy(arguments, Path(task_vars.get("inventory_dir") or "."))
        policy.validate(rules, [], [])
        known, standing = _read()
        request = asking.known(known, arguments["ticket"])
        today = datetime.datetime.now(due.zone(rules["time_zone"])).date()
        person = entitled.who(rules, desks.BY_HAND, arguments["person"], request, today)
        desks.refuse_number(standing, request, number)
        before = standing.numbers.get(request.ticket, "")
        if before == number:
            return _told([], [], 0)
        _refuse_absent(declared, request, number)
        why = "; ".join(filter(None, ("Lo dice {0}".format(person.name), "antes: {0}".format(before) if before else "", " ".join(arguments["reason"].split()))))
        entry = following.bound(str(declared["name"]), request, number, why, **result.build(
            person=person.name, post=person.post, document=person.document or None, reason_text=" ".join(arguments["reason"].split()) or None))
        return _told([entry], [str(entry["note_es"])], 0)


def _refuse_absent(declared: Mapping[str, Any], request: requests.Request, number: str) -> None:
    """A help desk that can be asked knows whether it has such a ticket. Raises BackupError: desk_number_refused, desk_unreachable, desk_refused."""
    desk = catalogue.open_desk(declared)
    if desk is None:
        return
    try:
        if not desk.state(number):
            raise BackupError("desk_number_refused", number=number, ticket=request.ticket, detail="the help desk has no such ticket")
    finally:
        desk.leave()


def _read() -> tuple[requests.Told, desks.Standing]:
    with open_store(resolve_url(), readonly=True) as store:
        return requests.told(tickets.history(store, requests.EVENTS, requests.EXECUTED_BY)), desks.standing(store.entries(type=desks.EVENTS))


def _told(entries: list[dict[str, Any]], lines: list[str], waiting: int) -> dict[str, Any]:
    if lines:
        show("\n".join(lines))
    return {"changed": any(entry["event"] != desks.FAILED for entry in entries), "lines": lines, "waiting": waiting, **({"backup": entries} if entries else {})}
