# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the actions of Azure Backup do the same way: read the inventory, open the vaults it names, and tell of an item in the bitácora's words (7.2.3)."""

from __future__ import annotations

import contextlib
import datetime
import typing as t
from collections.abc import Iterator, Mapping
from typing import Any

from ..module_utils._engine import result
from ..module_utils._engine.errors import BackupError
from ..module_utils._engine.policy import policy
from ._decisions import due
from ._inventory import INVENTORY, Inventory, InventoryAction
from ._tasks import plain

if t.TYPE_CHECKING:
    from ._azure.recovery import Vault

ARGUMENTS: dict[str, Any] = {
    **{name: spec for name, spec in INVENTORY.items() if name != "media"},
    # a vault can hold a secret, which stays out of results since arguments are never among them
    "vaults": {"type": "raw", "required": True},
}


class VaultAction(InventoryAction):
    """An action on the vaults of the inventory; it runs on the controller and needs no connection to the host."""

    def read(self, arguments: Mapping[str, Any], task_vars: Mapping[str, Any]) -> tuple[Inventory, list[Mapping[str, Any]]]:
        """The inventory and its vaults, both checked. Raises BackupError RSP101 before anything is asked."""
        from ._azure import recovery  # only a play with vaults pays for it

        found = self.inventory({**arguments, "media": _media_named(plain(arguments["systems"]))}, task_vars)
        vaults = recovery.checked(_readable(arguments["vaults"]))
        for index, system in enumerate(found.systems):
            if policy.copied_by_a_tool(system):
                recovery.named(vaults, str(system["source"]["vault"]), f"backup_systems[{index}].source.vault")
        return found, vaults


def _media_named(systems: Any) -> list[dict[str, Any]]:
    """Media stand beside vaults in an inventory and are none of our business here: those that other systems name are taken to be there."""
    rows = systems if isinstance(systems, list) else []
    named = [system["media"] for system in rows if isinstance(system, Mapping) and isinstance(system.get("media"), list)]
    return [{"name": name, "path": "/"} for name in sorted({name for names in named for name in names if isinstance(name, str)}) or ["none"]]


def _readable(value: Any) -> Any:
    """Ansible's own kinds of tables, lists and texts as plain ones, a vaulted secret opened: it is needed, and stays in this process."""
    if isinstance(value, Mapping):
        return {str(key): _readable(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_readable(each) for each in value]
    return str(value) if isinstance(value, str) or getattr(value, "__ENCRYPTED__", False) else value


@contextlib.contextmanager
def opened(options: Mapping[str, Any], patience: float = 3600) -> Iterator[Vault]:
    """A vault, and its connections closed again."""
    from ._azure.recovery import Vault  # only a play with vaults pays for it

    vault = Vault(options, patience)
    try:
        yield vault
    finally:
        vault.close()


def protected(found: Inventory) -> dict[str, list[Mapping[str, Any]]]:
    """vault -> the systems asked for that it copies."""
    grouped: dict[str, list[Mapping[str, Any]]] = {}
    for _index, system in found.chosen():
        if policy.copied_by_a_tool(system) and system.get("enabled", True):
            grouped.setdefault(str(system["source"]["vault"]), []).append(system)
    return grouped


def about(system: Mapping[str, Any], rules: Mapping[str, Any], on: datetime.date) -> dict[str, Any]:
    """The fields of an entry that are the same whatever became of a copy of the system."""
    from ._azure.protection import title

    return result.build(
        system=system["name"], kind=system["kind"], source_type=system["source"]["type"], source=title(system["source"]),
        criticality=system["criticality"], office=system["office"], responsible=policy.responsible(rules, system, on),
        numeral=rules["kinds"][system["kind"]]["numeral"], medium=str(system["source"]["vault"]), required_trust=policy.required_trust(rules, system))


def declared(task_vars: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The sources that every host of the inventory gives to Azure Backup, read as they are written."""
    hostvars = task_vars["hostvars"]
    systems = [system for host in dict.fromkeys([*task_vars["groups"]["all"], task_vars["inventory_hostname"]])
               for system in plain(hostvars.raw_get(host).get("backup_systems") or ()) if isinstance(system, Mapping)]
    return [system["source"] for system in [*systems, *plain(task_vars.get("backup_systems") or ())]
            if policy.copied_by_a_tool(system) and system["source"].get("protects")]


def today(rules: Mapping[str, Any], now: datetime.datetime) -> datetime.date:
    return now.astimezone(due.zone(rules["time_zone"])).date()


def one_of(found: Inventory, name: str) -> Mapping[str, Any]:
    """The system of a name that Azure Backup copies. Raises BackupError RSP101."""
    for systems in protected(found).values():
        for system in systems:
            if policy.identity(system)[1] == policy.identity({"kind": "file_server", "name": name})[1]:
                return system
    raise BackupError("invalid_input", where="system", value=name, problem="is not a system that Azure Backup copies",
                      mend="Give the name of a system whose source is of type azure_backup.")
