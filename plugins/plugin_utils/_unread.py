# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was given with -e, or in a survey, and nothing reads: Ansible passes over a misspelt name without a word, and another copy would be restored,
or all systems copied, than was written.

Only names with a prefix of ours, or one slip away from a name of ours, are looked at: those of AWX, Semaphore, Ansible and others are theirs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.utils.display import Display

from ..module_utils._engine import spanish
from ..module_utils._engine.policy import schema
from ._names import VARIABLES
from ._role_options import OF_ROLES, OPTIONS

_PLAYBOOKS = Path(__file__).resolve().parents[2] / "playbooks"
READ = frozenset((*VARIABLES, *OPTIONS))
# of inventories/local: where it keeps what it makes, whichever inventory is taken
_OF_LOCAL = "backup_local_"
_PREFIXES = tuple(sorted(("backup", *OF_ROLES), key=len, reverse=True))


def refuse(task_vars: Mapping[str, Any]) -> None:
    """Of the variables given with -e, in a file of them or in a survey: those that nothing reads.

    In a playbook of ours that is each with a prefix of ours, unless the inventory makes something of it. An institution's own playbook may read what
    we don't know: there it is told. Raises BackupError RSP101 that tells each; values are not shown, they may be secrets.
    """
    hostvars = task_vars.get("hostvars")
    given = given_with(task_vars)
    wrong = {name: near for name, near in strange(given).items() if near or prefix_of(name)}
    if not wrong:
        return
    used = set(_words_used(hostvars, (task_vars.get("groups") or {}).get("all") or (), given))
    found = [schema.Problem(name, "…", "is no variable of this collection: nothing reads it", _mend(name, near))
             for name, near in wrong.items() if name not in used]
    if Path(str(task_vars.get("playbook_dir") or "/")).resolve() == _PLAYBOOKS:
        schema.raise_all(found)
    for problem in found:
        Display().warning(f"{problem.where} no es una variable de esta colección. {spanish.of_detail(problem.mend)}")


def given_with(task_vars: Mapping[str, Any]) -> Mapping[str, Any]:
    """The variables of -e, of its files and of a survey."""
    return getattr(getattr(task_vars.get("hostvars"), "_variable_manager", None), "extra_vars", None) or {}


def strange(names: Iterable[Any]) -> dict[str, str]:
    """Names that are none of ours -> the one of ours that was probably meant, or ""."""
    return {name: meant(name) for name in sorted(name for name in names if isinstance(name, str) and name not in READ and not name.startswith(_OF_LOCAL))}


def prefix_of(name: str) -> str:
    """The prefix of ours that a name begins with; of several the longest. "" for a name of others."""
    return next((prefix for prefix in _PREFIXES if name.startswith(prefix + "_")), "")


def meant(name: str) -> str:
    """The name of ours that was meant; "" when it looks like none.

    After a prefix of ours a near word is enough; without one, a letter that is missing, too many, another one, or two in the wrong order.
    """
    prefix = prefix_of(name)
    if not prefix:
        return next((each for each in sorted(READ) if _one_slip(name, each)), "")
    near = schema.nearest(name[len(prefix) + 1:], [each[len(prefix) + 1:] for each in _of_prefix(prefix)])
    return f"{prefix}_{near}" if near else ""


def _of_prefix(prefix: str) -> list[str]:
    return sorted(each for each in READ if each.startswith(prefix + "_"))


def _one_slip(given: str, name: str) -> bool:
    if given == name or abs(len(given) - len(name)) > 1:
        return False
    same = next((place for place, (one, other) in enumerate(zip(given, name)) if one != other), min(len(given), len(name)))
    rest, wanted = given[same:], name[same:]
    return rest[1:] == wanted or rest == wanted[1:] or rest[1:] == wanted[1:] or (rest[1::-1] == wanted[:2] and rest[2:] == wanted[2:])


def _mend(name: str, near: str) -> str:
    known = ", ".join(_of_prefix(prefix_of(name)))
    return f"Did you mean {near}?" if near else f"Known: {known}."


def _words_used(hostvars: Any, hosts: Iterable[Any], given: Mapping[str, Any]) -> Iterator[str]:
    """Every word in a text of the inventory: a variable of the institution's own is given with -e because a value there is made of it."""
    for host in hosts:
        try:
            written = hostvars.raw_get(host)
        except AnsibleError:
            continue
        for name, value in written.items():
            if name not in given:
                yield from _words(value)


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, str) and not getattr(value, "__ENCRYPTED__", False):
        if "{{" in value or "{%" in value:
            yield from re.findall(r"\w+", value)
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _words(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _words(each)
