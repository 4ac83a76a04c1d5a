# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action backup_check: looks at all that copies need, up to the first byte, and tells what is not ready. See its module for the documentation."""

from __future__ import annotations

import contextlib
import datetime
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible import context
from ansible.parsing.vault import AnsibleVaultError

from ..module_utils._engine import result
from ..module_utils._engine.errors import BackupError
from ..module_utils._engine.policy import policy
from ..plugin_utils._actions import failed, show
from ..plugin_utils._bitacora.store import open_store, resolve_url
from ..plugin_utils._checking import asking, controller, files, people, server
from ..plugin_utils._checking.findings import STOPS, WARNS, Finding, document, ending, not_ready, of_error, of_result, text, together
from ..plugin_utils._decisions import due
from ..plugin_utils._inventory import INVENTORY, InventoryAction
from ..plugin_utils._reports import files as report_files
from ..plugin_utils._reports import pages
from ..plugin_utils._sending import MAIL_OPTIONS
from ..plugin_utils._tasks import plain

_NUMERAL = "5.1"


def _no_labels(kind: str, system: str) -> set[str]:
    """Of a bitácora that can't be read."""
    return set()


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


class ActionModule(InventoryAction):
    ARGUMENTS = {
        **INVENTORY,
        "systems": {"type": "raw", "default": []},
        "media": {"type": "raw", "default": []},
        "phase": {"type": "str", "default": "server", "choices": ["server", "report"]},
        "custodians": {"type": "raw", "default": []},
        "directory": {"type": "path", "default": ""},
        "assigned_paths": {"type": "raw", "default": []},
        "scratch": {"type": "path", "default": ""},
        "spool": {"type": "path", "default": ""},
        "variables": {"type": "list", "elements": "str", "default": ["check_failed", "check_found"]},
        "mail": {"type": "dict", "options": {**MAIL_OPTIONS, "by_role": {"type": "bool", "default": False}}},
        "services": {"type": "raw", "default": []},
        "heartbeats": {"type": "raw", "default": []},
        "schedule": {"type": "raw"},
        "scheduler": {"type": "str", "default": ""},
        "sends": {"type": "bool", "default": False},
        "json": {"type": "path", "default": ""},
        "html": {"type": "path", "default": ""},
    }

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        return self._report(arguments, task_vars) if arguments["phase"] == "report" else self._server(arguments, task_vars)

    def _server(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        host = str(task_vars["inventory_hostname"])
        try:
            rules = self.inventory(arguments, task_vars).rules
        except BackupError as error:
            return _told(of_error(error, host), [])
        now = datetime.datetime.now(datetime.timezone.utc)
        today = now.astimezone(due.zone(rules["time_zone"])).date()
        kinds = {str(system["kind"]) for system in plain(arguments["systems"])}
        of_people = [finding._replace(server=host)
                     for finding in people.look([person for kind in sorted(kinds) for person in policy.key_holders(rules, kind, today)], now)]
        given = {name: arguments[name] for name in ("policy_file", "actors", "only") if arguments[name]}
        planned = asking.simulate(self, "backup_plan", {**given, "systems": arguments["systems"], "media": arguments["media"]}, task_vars)
        rows: Sequence[Mapping[str, Any]] = planned.get("plan") or ()
        found = [*of_people, *of_result(planned, host), *server.keys(self, arguments, rows, host)]
        if rows:
            rooms = list(dict.fromkeys(filter(None, (arguments["scratch"] or "/tmp", arguments["spool"] if _wants_spool(rows) else ""))))
            asked_at = time.time()
            seen = self._execute_module(module_name="perucompras.respaldo.backup_tools_info", module_args={"programs": [], "directories": rooms},
                                        task_vars=task_vars)
            found += [*of_result(seen, host), *server.itself(seen, asked_at, host)]
        found += server.media(self, arguments, task_vars)
        with contextlib.ExitStack() as open_ones:
            known = _no_labels
            with contextlib.suppress(BackupError):      # that the bitácora can't be read is a finding of its own
                known = open_ones.enter_context(open_store(resolve_url(), readonly=True)).labels
            found += server.systems(self, arguments, rows, task_vars, rules["time_zone"], known)
        return _told(found, [{"system": row["system"], "kind": row["kind"], "encrypt": row["encrypt"]} for row in rows
                             if arguments["systems"][row["index"]].get("enabled", True)])

    def _report(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        now = datetime.datetime.now(datetime.timezone.utc)
        inventories = [str(each) for each in context.CLIARGS.get("inventory") or ()]
        known = files.look(inventories, self._opens() if getattr(self._loader._vault, "secrets", None) else None)
        heard = [*known.findings, *controller.recording()]
        systems, encrypts = 0, False
        hosts = list(dict.fromkeys(task_vars["groups"]["all"]))
        looked = 0
        for host in hosts:
            theirs = task_vars["hostvars"][host]
            of_host = next((theirs[name] for name in arguments["variables"] if name in theirs), None)
            if of_host is None:
                if host != "localhost":
                    weight = WARNS if context.CLIARGS.get("subset") else STOPS
                    heard += of_error(not_ready(host, "it was not looked at", "no se comprobó", "Run it without --limit.",
                                                "Ejecute la comprobación sin --limit ni --tags."), host, weight=weight)
                continue
            looked += 1
            heard += [_placed(finding, known, host) for finding in _of_host(plain(of_host), host)]
            systems += len(of_host.get("systems_seen") or ())
            encrypts = encrypts or any(row.get("encrypt") for row in of_host.get("systems_seen") or ())
        if not systems and not any(finding.weight == STOPS for finding in heard):
            heard += of_error(not_ready("", "the inventory declares no system: nothing is copied",
                                        "el inventario no declara ningún sistema: no se copia nada", "Declare backup_systems, and look at the inventory given.",
                                        "Declare backup_systems en host_vars, y vea si el inventario es el que quiso dar."), where=", ".join(inventories))
        institution = self._of_the_institution(arguments, task_vars, now, heard)
        heard += controller.custody(self, arguments, task_vars) if encrypts or arguments["custodians"] else []
        heard += controller.schedule(self, arguments, task_vars) if systems else []
        sends = arguments["sends"] and not self._task.check_mode      # who simulates a check sends nothing
        heard += controller.mail(arguments["mail"], arguments["services"], institution, sends)
        heard += controller.heartbeats(plain(arguments["heartbeats"]), sends)
        told = document(together(heard), {"institution": institution, "checked_at": now.strftime("%Y-%m-%dT%H:%M:%SZ"), "inventories": inventories,
                                          "servers": looked, "systems": systems})
        show(text(told))
        written = _write(arguments, told, self._task.check_mode)
        note = "{0} de {1}: {2}".format(_counted(systems, "sistema", "sistemas"), _counted(looked, "servidor", "servidores"),
                                        "listo" if told["ready"] else _counted(told["stops"], "cosa por corregir", "cosas por corregir"))
        done = {"changed": False, "report": told, "written": written,
                "backup": result.build(event="readiness_checked", numeral=_NUMERAL, objects=systems, note_es=note)}
        return done if told["ready"] else {**done, **failed(BackupError("not_ready", count=told["stops"])), "changed": False}

    def _of_the_institution(self, arguments: Mapping[str, Any], task_vars: Mapping[str, Any], now: datetime.datetime, heard: list[Finding]) -> str:
        """The institution's name; of its policy and people what is wrong joins what was heard."""
        try:
            rules = self._policy(arguments, Path(task_vars.get("inventory_dir") or "."))
            policy.validate(rules, [], [])
            today = now.astimezone(due.zone(rules["time_zone"])).date()
        except BackupError as error:
            heard += of_error(error)
            return ""
        heard += people.look([person for kind in rules["kinds"] for person in policy.key_holders(rules, kind, today)], now)
        return str(rules["institution"])

    def _opens(self) -> files.Opens:
        def opens(written: str) -> str:
            try:
                return self._loader._vault.decrypt(written).decode("utf-8")
            except (AnsibleVaultError, UnicodeDecodeError) as error:
                raise ValueError from error

        return opens


def _wants_spool(rows: Sequence[Mapping[str, Any]]) -> bool:
    return any(row["encrypt"] and row["encryption_format"] == "7z" for row in rows)


def _told(found: Sequence[Finding], systems: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {"changed": False, "heard": [finding._asdict() for finding in found], "systems_seen": list(systems)}


def _of_host(told: Mapping[str, Any], host: str) -> Iterator[Finding]:
    """What was registered of a host: findings, or that it could not be looked at."""
    if told.get("unreachable"):
        yield from of_error(not_ready(host, "it is not reached: {0}".format(str(told.get("msg") or "")[:300]),
                                      "no se llega a este servidor: «{0}»".format(str(told.get("msg") or "").removeprefix("Task failed: ")[:300]),
                                      "See that it is on, its address and account (ansible -m ping).",
                                      "Vea si está encendido, y su dirección, cuenta y llave SSH: ansible -m ping con este inventario."), host)
        return
    yield from of_result(told, host)
    for row in told.get("heard") or ():
        yield Finding(**row)


def _placed(finding: Finding, known: files.Known, host: str) -> Finding:
    """With the file and line of what it is about, where it is a key of the inventory."""
    place = known.locate(finding.where, host) if finding.where else ""
    return finding._replace(where=f"{finding.where} ({place})") if place else finding


def _write(arguments: Mapping[str, Any], told: Mapping[str, Any], simulated: bool) -> list[str]:
    made = {}
    if arguments["json"]:
        made[arguments["json"]] = (json.dumps(told, ensure_ascii=False, indent=2) + "\n").encode("utf-8")
    if arguments["html"]:
        made[arguments["html"]] = pages.fill("check.html.j2", told=told, ending=ending(told), title="Comprobación").encode("utf-8")
    for path, content in made.items():
        # a job of continuous integration keeps it as an artifact, from whatever directory it was given
        report_files.put(Path(path), content, simulated, stays=False)
    return list(made)
