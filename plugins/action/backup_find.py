# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds a lost file in the copies of an office's folders. See its module for the documentation."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..module_utils._engine.errors import BackupError
from ..module_utils._engine.policy import policy
from ..plugin_utils._bitacora import tickets
from ..plugin_utils._bitacora.any_store import Store
from ..plugin_utils._bitacora.store import open_store, resolve_url
from ..plugin_utils._decisions import asking, due, requests
from ..plugin_utils._finding import entitling, index, looking, searching, telling
from ..plugin_utils._inventory import InventoryAction, wanted_names
from ..plugin_utils._reports import institution

_MOST, _LONGEST = 500, 255


class ActionModule(InventoryAction):
    CHANGES = True
    ARGUMENTS = {
        "policy": {"type": "raw"},
        "policy_file": {"type": "str"},
        "actors": {"type": "raw"},
        "person": {"type": "str", "required": True},
        "office": {"type": "str", "default": ""},
        "name": {"type": "str", "default": ""},
        "folder": {"type": "str", "default": ""},
        "since": {"type": "str", "default": ""},
        "until": {"type": "str", "default": ""},
        "deleted": {"type": "str", "choices": list(searching.DELETED), "default": "any"},
        "limit": {"type": "int", "default": 50},
        "only": {"type": "list", "elements": "str", "default": []},
        "ticket": {"type": "str", "default": ""},
        "reason": {"type": "str", "default": ""},
        "directory": {"type": "path", "default": ""},
    }

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        rules = self._policy(arguments, Path(task_vars.get("inventory_dir") or "."))
        policy.validate(rules, [], [])
        zone = due.zone(rules["time_zone"])
        hosts = institution.of_all_hosts(task_vars)
        names = wanted_names(arguments["only"], institution.systems_of(hosts), {})
        with open_store(resolve_url(), readonly=True) as store:
            office = " ".join((arguments["office"] or _office_of(store, arguments["ticket"])).split())
            person = entitling.seeker(rules, arguments["person"], office, arguments["reason"], arguments["ticket"],
                                      datetime.datetime.now(zone).date())
            wanted, directory = _wanted(arguments, zone), index.directory_of(arguments["directory"])
            rows: list[dict[str, Any]] = []
            lacking: list[str] = []
            more = False
            for server in looking.servers(store, hosts, task_vars, names):
                if office and not server.has(office):
                    continue
                known, answer = looking.search(directory, server, wanted._replace(limit=wanted.limit - len(rows)), office)
                rows += [telling.row(telling.System(server.host, server.name, server.copies), each, arguments["ticket"], zone) for each in answer.found]
                more = more or answer.more
                own = not office or server.offices.own == looking.plain_name(office)
                lacking += [each for each in server.copies if each not in known] if own else []
        told = telling.lines(rows, more, lacking, office)
        return {"changed": True, "found": rows, "more": more, "lacking": lacking, "lines": told,
                "backup": entitling.entry(person, office, arguments, len(rows))}


def _office_of(store: Store, ticket: str) -> str:
    """The office of the request that it is looked for; "" without one. Raises BackupError request_unknown."""
    if not ticket:
        return ""
    return asking.known(requests.told(tickets.history(store, requests.EVENTS, requests.EXECUTED_BY)), ticket).office


def _wanted(arguments: Mapping[str, Any], zone: datetime.tzinfo) -> searching.Wanted:
    if not 1 <= arguments["limit"] <= _MOST:
        raise BackupError("invalid_input", where="find_limit", value=arguments["limit"], problem="is not a number from 1 to 500", mend="Write such a number.")
    if len(arguments["name"]) > _LONGEST:
        raise BackupError("invalid_input", where="find_name", value=arguments["name"][:_LONGEST] + "…", problem="is longer than a name can be",
                          mend="Write a part of the name.")
    folder = arguments["folder"]
    if folder and not folder.startswith("/"):
        raise BackupError("invalid_input", where="find_folder", value=folder, problem="is not a full path of the server",
                          mend="Write it from its first slash on.")
    since, until = _day(arguments["since"], "find_since", zone, 0), _day(arguments["until"], "find_until", zone, 1)
    return searching.Wanted(
        arguments["name"], folder, index.place_of(since) if since else 0, index.place_of(until) - 1 if until else index.OPEN,
        arguments["deleted"], arguments["limit"])


def _day(text: str, where: str, zone: datetime.tzinfo, later: int) -> str:
    """The beginning of a day, or of the one after it, in UTC as the bitácora writes times; "" for none."""
    if not text:
        return ""
    try:
        day = datetime.datetime.strptime(text.strip(), "%Y-%m-%d")
    except ValueError as error:
        raise BackupError("invalid_input", where=where, value=text, problem="is not a date", mend="Write a day such as 2026-11-22.") from error
    begins = (day + datetime.timedelta(days=later)).replace(tzinfo=zone)
    return begins.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
