# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a system that somebody names exists: in the inventory, or in the bitácora, where one that left the inventory still has copies.

An excuse, a hold or a restore of a system that nobody has would stand in the bitácora, and the system that was meant would stay without it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible.errors import AnsibleError

from ..module_utils._engine.errors import BackupError
from ..module_utils._engine.policy import policy, schema
from ._bitacora.any_store import OF_A_COPY, Store
from ._bitacora.copies import STARTS
from ._bitacora.store import open_store, resolve_url
from ._forges import declared as forges
from ._tasks import plain

_OF_A_SYSTEM = (*STARTS, *OF_A_COPY)


def refuse_unknown(task_vars: Mapping[str, Any], kind: str, name: str, where: str) -> None:
    """Raises BackupError RSP101, with the name that was probably meant, for a system that neither the inventory nor the bitácora has.

    What the inventory declares needs no bitácora. While that doesn't answer nobody can tell what it knows: then only what looks like a slip is refused.
    """
    declared = list(of_inventory(task_vars))
    if (kind, name) in declared:
        return
    known, answers = [], False
    with contextlib.suppress(BackupError), open_store(resolve_url(), readonly=True) as store:
        if store.entries(kind=kind, system=name, type=_OF_A_SYSTEM, limit=1):
            return
        known, answers = of_bitacora(store), True
    error = unknown(kind, name, where, {*declared, *known})
    if answers or schema.nearest(name, [each for its, each in declared if its == kind]):
        raise error


def unknown(kind: str, name: str, where: str, known: Iterable[tuple[str, str]]) -> BackupError:
    """What tells that there is no such system: the one that was meant, that the name is another kind's, or which there are."""
    there = sorted(known)
    of_kind, kinds = [each for its, each in there if its == kind], [its for its, each in there if each == name]
    if kinds:
        return BackupError("invalid_input", where=where, value=name, problem="is a system of another kind, {0}".format(", ".join(kinds)),
                           mend="Give its kind.")
    return BackupError("invalid_input", where=where, value=name, problem="is a system of neither the inventory nor the bitácora",
                       mend=schema.meant(name, of_kind) if of_kind else "No system of the kind {0} is known: look at the inventory given.".format(kind))


def of_inventory(task_vars: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(kind, name) of the systems of every host. The variables are read as they are written, so that no secret is opened; only a host whose list or
    names are templates is templated, and one whose templates can't be made is passed over.
    """
    hostvars = task_vars.get("hostvars")
    if hostvars is None:
        return
    for host in dict.fromkeys([*(task_vars.get("groups") or {}).get("all", ()), task_vars.get("inventory_hostname")]):
        with contextlib.suppress(AnsibleError):
            written = hostvars.raw_get(host).get("backup_systems") or []
            if not isinstance(written, list) or any(_is_template(system) for system in written):
                written = plain(hostvars[host].get("backup_systems")) or []
            yield from _named(written if isinstance(written, list) else [])
        # what forges have is known by the bitácora, which may not answer
        with contextlib.suppress(AnsibleError, BackupError):
            yield from _named(forges.of_host(hostvars, host))


def of_bitacora(store: Store) -> list[tuple[str, str]]:
    """(kind, name) of all that ever had a copy, or the start of one."""
    marks = ", ".join("?" for _each in _OF_A_SYSTEM)
    sql = "SELECT DISTINCT {kind}, {system} FROM entries WHERE type IN ({marks}) AND {real} AND {system} IS NOT NULL"
    found = store.select(sql.format(marks=marks, real=store.simulated(False), **{name: store.field(name) for name in ("kind", "system")}), _OF_A_SYSTEM)
    return [(str(kind), str(system)) for kind, system in found]


def _named(systems: Iterable[Any]) -> Iterator[tuple[str, str]]:
    yield from ((str(system["kind"]), str(system["name"])) for system in systems if policy.identity(system) is not None)


def _is_template(system: Any) -> bool:
    return not isinstance(system, Mapping) or any("{{" in str(system.get(name)) for name in ("name", "kind"))
