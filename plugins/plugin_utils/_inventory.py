# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an inventory says, checked: policy, people, systems and media, and the names that other hosts of the play use."""

from __future__ import annotations

import datetime
import os
import typing as t
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError

from ..module_utils._engine import label, policy, schema
from ..module_utils._engine.errors import BackupError
from . import _due, _warnings
from ._actions import BackupAction

# Found by the real place of this file, so that it is the same in a checkout (rooms are links) and installed.
SHIPPED_POLICY = Path(__file__).resolve().parents[2] / "policies" / "manual-001-2019.yml"

# What each action that reads the inventory is given.
INVENTORY: dict[str, Any] = {
    "policy": {"type": "raw"},
    "policy_file": {"type": "str"},
    "actors": {"type": "raw"},
    "systems": {"type": "raw", "required": True},
    "media": {"type": "raw", "required": True},
    "only": {"type": "list", "elements": "str", "default": []},
}

# What reports and warnings need to know of a system.
_NEEDED = ("name", "kind", "criticality", "office", "responsible", "enabled", "media")


class Inventory(t.NamedTuple):
    """A valid inventory of one host."""

    rules: Mapping[str, Any]
    systems: list[Mapping[str, Any]]
    media: list[Mapping[str, Any]]
    wanted: set[str]

    def chosen(self, kind: str = "all") -> list[tuple[int, Mapping[str, Any]]]:
        """The systems asked for, each with its place in the inventory."""
        return [(index, system) for index, system in enumerate(self.systems)
                if kind in ("all", system["kind"]) and not (self.wanted and policy.identity(system)[1] not in self.wanted)]

    def on_our_media(self, kind: str = "all") -> list[tuple[int, Mapping[str, Any]]]:
        """Those of them whose copies are ours to drill, carry and remove: not what a tool copies to a medium of its own."""
        return [(index, system) for index, system in self.chosen(kind) if not policy.copied_by_a_tool(system)]


class InventoryAction(BackupAction):
    """An action that reads the inventory first."""

    def inventory(self, arguments: Mapping[str, Any], task_vars: Mapping[str, Any]) -> Inventory:
        """What the arguments of INVENTORY say. Raises BackupError RSP101 with every mistake at once."""
        rules = self._policy(arguments, Path(task_vars.get("inventory_dir") or "."))
        systems = plain(arguments["systems"])
        media = plain(arguments["media"])
        policy.validate(rules, systems, media, plain(arguments.get("custodians") or []))
        _due.zone(rules["time_zone"])
        others = names_of_other_hosts(task_vars)
        refuse_same_name_elsewhere(systems, others)
        return Inventory(rules, systems, media, wanted_names(arguments["only"], systems, others))

    def _policy(self, arguments: Mapping[str, Any], inventory: Path) -> Any:
        """The policy given, else the file given, else the one shipped; with the institution's people when they are given apart.

        Paths of public keys are made absolute: they are relative to the file that names them, as far as that is known.
        """
        if arguments["policy"] is not None:
            found = _with_key_paths(plain(arguments["policy"]), inventory)
        else:
            path = Path(arguments["policy_file"] or SHIPPED_POLICY)
            try:
                found = _with_key_paths(plain(self._loader.load_from_file(str(path))), path.parent)
            except AnsibleError as error:
                raise BackupError("invalid_input", where="backup_policy_file", value=str(path), problem=f"can't be read: {error}",
                                  mend="Give the path of a policy in YAML; policies/manual-001-2019.yml is an example.") from error
        if arguments["actors"] is not None and isinstance(found, dict):
            found["actors"] = _with_key_paths(plain(arguments["actors"]), inventory)
        return found


def wanted_names(only: Iterable[str], systems: Iterable[Mapping[str, Any]], others: Mapping[tuple[str, str], str]) -> set[str]:
    """The canonical names asked for; a name that no host of the play declares is a mistake, not an empty plan."""
    declared = {policy.identity(system)[1] for system in systems} | {name for _kind, name in others}
    wanted = set()
    for index, text in enumerate(only):
        name = label.canonical(text, f"only[{index}]").lower()
        if name not in declared:
            raise BackupError("invalid_input", where=f"only[{index}]", value=text, problem="is not a system of the inventory",
                              mend=schema.meant(name, sorted(declared)))
        wanted.add(name)
    return wanted


def names_of_other_hosts(task_vars: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    """(kind, canonical name) -> host, of the systems that other hosts of the play write out.

    The variables are read as they are written, without templating: cheap, and no secret is opened. A list that is itself a
    template is not seen.
    """
    found: dict[tuple[str, str], str] = {}
    hostvars = task_vars.get("hostvars")
    for host in task_vars.get("ansible_play_hosts_all", ()):
        if host == task_vars.get("inventory_hostname") or hostvars is None:
            continue
        systems = hostvars.raw_get(host).get("backup_systems")
        for system in systems if isinstance(systems, list) else ():
            key = policy.identity(system)
            if key is not None:
                found[key] = host
    return found


def refuse_same_name_elsewhere(systems: Iterable[Mapping[str, Any]], others: Mapping[tuple[str, str], str]) -> None:
    schema.raise_all([
        schema.Problem(f"backup_systems[{index}].name", system["name"], f"is also the name of a {system['kind']} of host {others[policy.identity(system)]}",
                       "Give each system of a kind its own name: labels and the bitácora know it by that.")
        for index, system in enumerate(systems) if policy.identity(system) in others
    ])


def _with_key_paths(found: Any, base: Path) -> Any:
    if isinstance(found, dict):
        return {key: str(base / value) if key == "public_key_file" and isinstance(value, str) else _with_key_paths(value, base)
                for key, value in found.items()}
    if isinstance(found, list):
        return [_with_key_paths(value, base) for value in found]
    return found


def plain(value: Any) -> Any:
    """Ansible's own kinds of tables, lists and vaulted texts as plain ones; a text still encrypted is only known to be there."""
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return schema.HIDDEN if getattr(value, "__ENCRYPTED__", False) else value


def systems_of_all_hosts(task_vars: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What must be known of the systems of every host of the inventory.

    The variables are read as they are written, so that no secret is opened; only a host whose words of these are templates is templated.
    """
    hostvars = task_vars["hostvars"]
    found = []
    for host in dict.fromkeys([*task_vars["groups"]["all"], task_vars["inventory_hostname"]]):
        written = hostvars.raw_get(host).get("backup_systems") or []
        if not isinstance(written, list) or any(_is_template(system) for system in written):
            written = hostvars[host]["backup_systems"]
        for system in written:
            if policy.identity(system) is not None:
                found.append({**{name: system[name] for name in _NEEDED if name in system}, "source": {"type": str(system["source"]["type"])}})
    return found


def _is_template(system: Any) -> bool:
    if not isinstance(system, Mapping) or not isinstance(system.get("source"), Mapping):
        return True
    return any("{{" in str(value) for value in [*(system.get(name) for name in _NEEDED), system["source"].get("type")])


def with_responsible(systems: list[dict[str, Any]], rules: Mapping[str, Any], today: datetime.date) -> list[dict[str, Any]]:
    """The systems, each with the person who answers for it that day."""
    return [{**system, "responsible": policy.responsible(rules, system, today)} for system in systems]


def space(watched: Mapping[str, Any]) -> _warnings.Space:
    """What is left of a directory of the controller, given as {name, path}. Raises BackupError(invalid_input)."""
    try:
        found = os.statvfs(watched["path"])
    except OSError as error:
        raise BackupError("invalid_input", where=f"watched.{watched['name']}", value=watched["path"], problem=f"can't be read: {error.strerror}",
                          mend="Give a directory of the controller, mounted.") from error
    return _warnings.Space(watched["name"], found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize)


def public_key(person: Mapping[str, Any]) -> str:
    """The OpenPGP public key of a designated person, armoured. Raises BackupError(invalid_input)."""
    if "public_key" in person:
        return str(person["public_key"])
    try:
        return Path(person["public_key_file"]).read_text("ascii")
    except (OSError, ValueError) as error:
        raise BackupError("invalid_input", where=f"public_key_file of {person['name']}", value=person["public_key_file"], problem=f"can't be read: {error}",
                          mend="Give the path of an armoured OpenPGP public key (gpg --armor --export).") from error


def on_one_medium(copy: Mapping[str, Any] | None, media: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The copy with the first medium of the inventory that has it whole: it is read once."""
    if copy is None:
        return {}
    here = next((medium["name"] for medium in media if copy["media"].get(medium["name"])), None)
    return {**copy, "media": {here: copy["media"][here]} if here else {}}
