# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an inventory says, checked: policy, people, systems and media, and the names that other hosts of the play use."""

from __future__ import annotations

import contextlib
import datetime
import os
import re
import typing as t
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.errors import AnsibleError
from ansible.release import __version__ as ansible_version
from ansible.utils.display import Display

from ..module_utils._engine import label
from ..module_utils._engine.errors import BackupError
from ..module_utils._engine.policy import policy, schema
from . import _held_places
from ._actions import BackupAction
from ._decisions import due, recovery, warnings
from ._forges import declared as forges
from ._names import asked, misspelt
from ._places import refuse_thrown_away
from ._tasks import plain

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
_LARGEST_KEY = 1 << 20
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

    # whether each server plans its own work: where one alone is asked, the others have none and nobody says so
    EACH_HOST = False

    def inventory(self, arguments: Mapping[str, Any], task_vars: Mapping[str, Any]) -> Inventory:
        """What the arguments of INVENTORY say. Raises BackupError RSP101 with every mistake at once, then with every key of the controller's that
        lets it in nowhere: a copy would be made, and could not be published.
        """
        if self.EACH_HOST:
            refuse_one_for_all(self._task, task_vars)
        rules = self._policy(arguments, Path(task_vars.get("inventory_dir") or "."))
        systems = plain(arguments["systems"])
        tell_misspelt(task_vars, bool(systems))
        media = plain(arguments["media"])
        policy.validate(rules, systems, media, plain(arguments.get("custodians") or []))
        refuse_thrown_away(media, self._connection.transport)
        refuse_numbers(systems)
        due.zone(rules["time_zone"])
        others = names_of_other_hosts(task_vars)
        refuse_same_name_elsewhere(systems, others)
        refuse_unknown_needs(systems, others, task_vars)
        found = Inventory(rules, systems, media, wanted_names(arguments["only"], systems, others))
        if any(medium.get("append_only") for medium in media):
            from . import _keepers  # only an inventory with such a medium pays for it

            chosen = [system for _index, system in found.on_our_media()]
            _keepers.refuse_wrong_keys([(f"backup_media[{index}].keeper", medium) for index, medium in enumerate(media)
                                        if policy.users_of(medium["name"], chosen, media) or medium["name"] == arguments.get("repository")])
        return found

    def _policy(self, arguments: Mapping[str, Any], inventory: Path) -> Any:
        """The policy given, else the file given, else the one shipped; with the institution's people when they are given apart.

        Paths of public keys are made absolute: they are relative to the file that names them, as far as that is known.
        """
        if arguments["policy"] is not None:
            found = _with_key_paths(plain(arguments["policy"]), inventory)
        else:
            path = Path(arguments["policy_file"] or SHIPPED_POLICY)
            try:
                # kept by nobody else: without Ansible's copy of each value, which takes three times as long as reading
                found = _with_key_paths(plain(self._loader.load_from_file(str(path), cache="none", unsafe=True)), path.parent)
            except AnsibleError as error:
                raise BackupError("invalid_input", where="backup_policy_file", value=str(path), problem=f"can't be read: {error}",
                                  mend="Give the path of a policy in YAML; policies/manual-001-2019.yml is an example.") from error
        if arguments["actors"] is not None and isinstance(found, dict):
            found["actors"] = _with_key_paths(plain(arguments["actors"]), inventory)
        return found


def refuse_one_for_all(task: Any, task_vars: Mapping[str, Any]) -> None:
    """run_once of the task, or of whatever brought it in. Raises BackupError one_for_all."""
    hosts = task_vars.get("ansible_play_hosts_all") or ()
    found = task
    while found is not None and len(hosts) > 1:
        if getattr(found, "run_once", False) is True:
            raise BackupError("one_for_all", host=task_vars.get("inventory_hostname"), count=len(hosts))
        found = getattr(found, "_parent", None)


def wanted_names(only: Iterable[str], systems: Iterable[Mapping[str, Any]], others: Mapping[tuple[str, str], str]) -> set[str]:
    """The canonical names asked for; a name that no host of the inventory declares is a mistake, not an empty plan."""
    # of other hosts only what all spellings of a name have in common is known here
    declared = {**{name: name for _kind, name in others}, **{policy.identity(system)[1]: str(system["name"]) for system in systems}}
    wanted = set()
    for index, text in enumerate(asked(only)):
        name = label.canonical(text, f"backup_only[{index}]").lower()
        if name not in declared:
            raise BackupError("invalid_input", where=f"backup_only[{index}]", value=text, problem="is not a system of the inventory",
                              mend=_which_was_meant(text, name, declared))
        wanted.add(name)
    return wanted


def _which_was_meant(text: str, name: str, declared: Mapping[str, str]) -> str:
    """The mend of a name that nobody declares. A shell, and -e, cut a name at its spaces: then its first word begins the one that was meant."""
    cut = next((shown for key, shown in sorted(declared.items()) if " " in shown and key.startswith(name)), "")
    return f"Did you mean {cut}? A name with spaces goes between quotes." if cut else schema.meant(text, sorted(declared.values()))


def names_of_other_hosts(task_vars: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    """(kind, canonical name) -> host, of the systems of every other host of the inventory, whatever play and --limit choose of them.

    The variables are read as they are written: cheap, and no secret is opened. Only a host whose list or names are templates is templated; one
    whose templates can't be made is passed over, since its own tasks tell that. What the command line gives (-e) is every host's alike and says nothing
    of where a system is: then only the hosts of this play count.
    """
    found: dict[tuple[str, str], str] = {}
    hostvars = task_vars.get("hostvars")
    given = "backup_systems" in (getattr(getattr(hostvars, "_variable_manager", None), "extra_vars", None) or {})
    hosts = task_vars.get("ansible_play_hosts_all") if given else (task_vars.get("groups") or {}).get("all")
    for host in hosts or ():
        if host == task_vars.get("inventory_hostname") or hostvars is None:
            continue
        systems = hostvars.raw_get(host).get("backup_systems") or ()
        with contextlib.suppress(AnsibleError):
            if not isinstance(systems, (list, tuple)) or any(_has_template(system, ("name", "kind")) for system in systems):
                systems = plain(hostvars[host]["backup_systems"])
        with contextlib.suppress(AnsibleError):
            systems = [*(systems if isinstance(systems, (list, tuple)) else ()), *forges.of_host(hostvars, host)]
        for system in systems if isinstance(systems, (list, tuple)) else ():
            key = policy.identity(system)
            if key is not None:
                found[key] = host
    return found


def declared(task_vars: Mapping[str, Any], kind: str, name: str) -> list[tuple[str, Mapping[str, Any]]]:
    """(host, system) of a system as the inventory declares it: by this host, else by the others. Only the words of another host that are
    templates are templated; no secret is opened.
    """
    hostvars = task_vars.get("hostvars")
    wanted = policy.identity({"kind": kind, "name": name})
    if hostvars is None or wanted is None:
        return []
    mine = task_vars.get("inventory_hostname")
    for hosts in ([mine], [host for host in (task_vars.get("groups") or {}).get("all", ()) if host != mine]):
        found = []
        for host in filter(None, hosts):
            written = hostvars.raw_get(host).get("backup_systems") or []
            if not isinstance(written, list) or any(_is_template(system) for system in written):
                written = hostvars[host].get("backup_systems") or []
            found += [(str(host), plain(system)) for system in [*written, *forges.of_host(hostvars, host)] if policy.identity(system) == wanted]
        if found:
            return found
    return []


def refuse_same_name_elsewhere(systems: Iterable[Mapping[str, Any]], others: Mapping[tuple[str, str], str]) -> None:
    schema.raise_all([
        schema.Problem(f"backup_systems[{index}].name", system["name"], f"is also the name of a {system['kind']} of host {others[policy.identity(system)]}",
                       "Give each system of a kind its own name: labels and the bitácora know it by that.")
        for index, system in enumerate(systems) if policy.identity(system) in others
    ])


def refuse_unknown_needs(systems: Iterable[Mapping[str, Any]], others: Mapping[tuple[str, str], str], task_vars: Mapping[str, Any]) -> None:
    """A system of `depends_on` that no host declares: the plan of recovery would have no place for it. Where a host's words can't be read now nothing is
    said, as it may be its.
    """
    rows = [(f"backup_systems[{index}]", system) for index, system in enumerate(systems)]
    # of other hosts only what all spellings of a name have in common is known here
    problems = recovery.unknown_needs(rows, {**{name: name for _kind, name in others},
                                             **{policy.identity(system)[1]: str(system["name"]) for _where, system in rows}})
    if problems and _all_are_read(task_vars):
        schema.raise_all(problems)


def _all_are_read(task_vars: Mapping[str, Any]) -> bool:
    hostvars = task_vars.get("hostvars")
    for host in (task_vars.get("groups") or {}).get("all") or ():
        if hostvars is not None and "backup_systems" in hostvars.raw_get(host):
            try:
                plain(hostvars[host]["backup_systems"])
                forges.of_host(hostvars, host)
            except AnsibleError:
                return False
    return True


def refuse_numbers(systems: Iterable[Mapping[str, Any]]) -> None:
    """With jinja2_native, ansible-core before 2.19 reads the label 2024_20261122 as a number, since Python writes numbers so: no copy would be made."""
    if getattr(constants, "DEFAULT_JINJA2_NATIVE", False) and tuple(map(int, ansible_version.split(".")[:2])) < (2, 19):
        schema.raise_all([
            schema.Problem(f"backup_systems[{index}].name", system["name"], "has digits only, which jinja2_native reads as a number",
                           "Set jinja2_native to false for this controller, or give the system a name with a letter.")
            for index, system in enumerate(systems) if re.fullmatch("[0-9]+", label.canonical(str(system["name"])))])


def of_another(system: Mapping[str, Any], last: Mapping[str, Any] | None, host: str) -> BackupError | None:
    """The refusal of a system whose last good copy another host made: two servers with one name, which no inventory showed together. None when it is this
    host's, or the inventory says that it came from there.
    """
    other = str((last or {}).get("host") or host)
    if other in (host, str(system.get("moved_from") or host)):
        return None
    return BackupError("system_of_another", system=system["name"], kind=system["kind"], other=other, host=host)


def _with_key_paths(found: Any, base: Path) -> Any:
    if isinstance(found, dict):
        return {key: str(base / value) if key == "public_key_file" and isinstance(value, str) else _with_key_paths(value, base)
                for key, value in found.items()}
    if isinstance(found, list):
        return [_with_key_paths(value, base) for value in found]
    return found


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
        for system in [*written, *forges.of_host(hostvars, host)]:
            if policy.identity(system) is not None:
                found.append({**{name: system[name] for name in _NEEDED if name in system}, "source": {"type": str(system["source"]["type"])}})
    return found


def tell_misspelt(task_vars: Mapping[str, Any], has_systems: bool) -> None:
    """Names of variables that are probably meant for one of ours: a mistake where the host has no system because of it, else told."""
    for name, meant in misspelt(task_vars).items():
        if meant == "backup_systems" and not has_systems:
            raise BackupError("invalid_input", where=name, value="…", problem="is a variable that nothing reads, and this host has no systems",
                              mend=f"Did you mean {meant}?")
        Display().warning(f"{name} no es una variable de esta colección y no se lee; ¿quiso decir {meant}?")


def _has_template(system: Any, names: Iterable[str]) -> bool:
    return not isinstance(system, Mapping) or any("{{" in str(system.get(name)) for name in names)


def _is_template(system: Any) -> bool:
    if not isinstance(system, Mapping) or not isinstance(system.get("source"), Mapping):
        return True
    return any("{{" in str(value) for value in [*(system.get(name) for name in _NEEDED), system["source"].get("type"), system["source"].get("repository")])


def with_responsible(systems: list[dict[str, Any]], rules: Mapping[str, Any], today: datetime.date) -> list[dict[str, Any]]:
    """The systems, each with the person who answers for it that day."""
    return [{**system, "responsible": policy.responsible(rules, system, today)} for system in systems]


def space(watched: Mapping[str, Any]) -> warnings.Space:
    """What is left of a directory of the controller, given as {name, path}. Raises BackupError(invalid_input)."""
    try:
        found = os.statvfs(watched["path"])
    except OSError as error:
        raise BackupError("invalid_input", where=f"watched.{watched['name']}", value=watched["path"], problem=f"can't be read: {error.strerror}",
                          mend="Give a directory of the controller, mounted.") from error
    return warnings.Space(watched["name"], found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize)


def public_key(person: Mapping[str, Any]) -> str:
    """The OpenPGP public key of a designated person, armoured. Raises BackupError(invalid_input)."""
    if "public_key" in person:
        return str(person["public_key"])
    try:
        return _held_places.read(person["public_key_file"], _LARGEST_KEY).decode("ascii")
    except (OSError, ValueError) as error:
        problem = error.strerror if isinstance(error, _held_places.Refused) else f"can't be read: {error}"
        raise BackupError("invalid_input", where=f"public_key_file of {person['name']}", value=person["public_key_file"], problem=problem,
                          mend="Give the path of an armoured OpenPGP public key (gpg --armor --export).") from error


def on_one_medium(copy: Mapping[str, Any] | None, media: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The copy with the first medium of the inventory that has it whole: it is read once."""
    if copy is None:
        return {}
    here = next((medium["name"] for medium in media if copy["media"].get(medium["name"])), None)
    return {**copy, "media": {here: copy["media"][here]} if here else {}}
