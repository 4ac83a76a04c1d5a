# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a check looks at on one server: each of its systems up to the first byte, due or not, and its media."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ansible.plugins.action import ActionBase

from ...module_utils._engine import label
from ...module_utils._engine.errors import BackupError
from ...module_utils._engine.policy import policy
from .._custodians import custody
from .._decisions import due
from . import asking
from .findings import WARNS, Finding, not_ready, of_error, of_result

# The module that makes a system's copies, by the type of its source, where it is not of its kind.
_MODULES = {"git": "backup_git", "paths": "backup_archive", "restic": "backup_files", "imap": "backup_mailbox", "graph": "backup_mailbox"}
_DATABASE = "backup_database"
_LITTLE = 1 << 30          # bytes
_CLOCK_SECONDS = 60


def systems(action: ActionBase, arguments: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], task_vars: dict[str, Any], zone: str,
            known: Callable[[str, str], set[str]]) -> Iterator[Finding]:
    """What keeps a copy of each from being made: its module is asked, in check mode, as the role of its kind calls it. `known` tells the labels of a system."""
    today, server = datetime.datetime.now(due.zone(zone)).date(), str(task_vars["inventory_hostname"])
    for row in rows:
        system = arguments["systems"][row["index"]]
        if not system.get("enabled", True):
            continue
        if policy.copied_by_a_tool(system):
            yield from of_error(not_ready(server, "Azure Backup copies {0}, and this check does not ask it".format(row["system"]),
                                          "a {0} lo copia Azure Backup, al que esta comprobación no pregunta".format(row["system"]),
                                          "Run azure_backup.yml: it tells its state.", "Ejecute azure_backup.yml: dice en qué estado está."),
                                server, row["system"], weight=WARNS)
            continue
        # the label of a copy that would be made now: a copy of today has its own already
        name = label.make(row["system"], today, known(row["kind"], row["system"])).name
        keep = arguments["custodians"] or arguments["directory"]
        encryption: dict[str, Any] = {"custody": keep if row["encrypt"] or row["kind"] == "file_server" else "", "recipients": row["public_keys"]}
        asked: dict[str, Any] = {
            "label": name, "system": row["system"], "kind": row["kind"], "source": system["source"], "minimum_size": max(row["minimum_size"], 1),
            "media": [medium for medium in arguments["media"] if medium["name"] in row["media"]], "assigned_paths": arguments["assigned_paths"]}
        if system.get("hooks"):
            asked["hooks"] = system["hooks"]
        if row["source_type"] != "restic":
            encryption.update(format=row["encryption_format"], spool=arguments["spool"])
            asked["compression"] = row["compression"]
        module = _MODULES.get(row["source_type"], _DATABASE)
        if module == _DATABASE:
            asked["prove_drill"] = True
        told = asking.simulate(action, module, {**asked, "encryption": encryption}, task_vars)
        yield from of_result(told, server, row["system"])


def keys(action: ActionBase, arguments: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], server: str) -> Iterator[Finding]:
    """Whether every custodian answers that is to be given a password of this server's copies."""
    keep = arguments["custodians"] or arguments["directory"]
    row = next((row for row in rows if row["encrypt"]), None)
    if row is not None:
        try:
            custody.prove(action._loader, keep, custody.reference(row["kind"], label.canonical(row["system"]), "comprobacion"))
        except BackupError as error:
            yield from of_error(error, server)


def media(action: ActionBase, arguments: Mapping[str, Any], task_vars: dict[str, Any]) -> Iterator[Finding]:
    """Whether each medium is reached, listed and can be written to from this server, and what is left of it."""
    server = str(task_vars["inventory_hostname"])
    for place, medium in enumerate(arguments["media"]):
        told = asking.simulate(action, "backup_medium", {"medium": medium, "systems": arguments["systems"]}, task_vars)
        entry = told.get("backup") or {}
        if not told.get("failed") and not told.get("healthy"):
            # a medium that makes itself with the first copy is not there yet
            told = {"failed": True, "error": {"code": entry.get("error_code"), "message_es": entry.get("error_message_es"),
                                              "remedy_es": entry.get("error_remedy_es")}}
        elif isinstance(told.get("free"), int) and told["free"] < _LITTLE:
            yield from of_error(not_ready(server, "the medium {0} has less than 1 GiB free".format(medium["name"]),
                                          "el medio {0} tiene menos de 1 GiB libre".format(medium["name"]),
                                          "Make room there, or add a medium.", "Libere espacio en él (prune.yml retira lo vencido), o agregue un medio."),
                                server, weight=WARNS, where=f"backup_media[{place}]")
        yield from of_result(told, server, where=f"backup_media[{place}] ({medium['name']})")


def itself(found: Mapping[str, Any], asked_at: float, server: str) -> Iterator[Finding]:
    """What backup_tools_info told of a server: its clock, and the room for scratch."""
    seconds = float(found.get("clock") or asked_at) - asked_at
    if abs(seconds) > _CLOCK_SECONDS:
        yield from of_error(not_ready(server, "its clock is {0} s away from the controller's".format(int(seconds)),
                                      "su reloj está a {0} s del reloj del controlador".format(int(seconds)),
                                      "Set it by NTP (timedatectl set-ntp true): days of copies and valid times depend on it.",
                                      "Póngalo en hora por NTP (timedatectl set-ntp true): de él dependen días y vigencias."), server)
    for row in found.get("rooms") or ():
        if not row.get("there"):
            yield from of_error(not_ready(server, "the directory {0} is not there or can't be written to".format(row["path"]),
                                          "el directorio {0} no existe o no se puede escribir en él".format(row["path"]),
                                          "Create it, or give another backup_scratch_directory or backup_spool_directory.",
                                          "Créelo, o dé otro backup_scratch_directory o backup_spool_directory."), server, where=str(row["path"]))
        elif int(row.get("free") or 0) < _LITTLE:
            yield from of_error(not_ready(server, "the directory {0} has less than 1 GiB free for scratch".format(row["path"]),
                                          "el directorio {0} tiene menos de 1 GiB libre para pruebas".format(row["path"]),
                                          "Make room there.", "Libere espacio ahí, o dé otro directorio con backup_scratch_directory."),
                                server, where=str(row["path"]), weight=WARNS)
