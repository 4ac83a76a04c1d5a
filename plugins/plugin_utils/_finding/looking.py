# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose the names of each file server are: its system's office, and those of the shared folders in it. Where nobody can tell that, no name is told."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from ...module_utils._engine.policy import policy
from ...module_utils._engine.restic import repositories
from .._bitacora.any_store import Store
from .._tasks import plain
from . import index, searching


class Server(NamedTuple):
    """A system of a host whose copies have names: its folders as the inventory has them, its copies by label, and whose its names are."""

    host: str
    name: str
    roots: tuple[str, ...]
    copies: Mapping[str, Mapping[str, Any]]
    offices: searching.Offices

    def has(self, office: str) -> bool:
        """Whether an office has folders there."""
        return plain_name(office) in (self.offices.own, *self.offices.folders.values())


def servers(store: Store, hosts: Mapping[str, Mapping[str, Any]], task_vars: Mapping[str, Any], names: Collection[str] = ()) -> Iterator[Server]:
    """The systems of file servers of all `hosts` (institution.of_all_hosts), or those of these canonical names.

    Raises BackupError bitacora_unreadable, and what templates of shared folders raise.
    """
    for host, system in ((host, system) for host, declared in hosts.items() for system in declared["systems"]):
        if system["kind"] != repositories.KIND or policy.copied_by_a_tool(system) or names and (policy.identity(system) or ("", ""))[1] not in names:
            continue
        copies = {str(copy["label"]): copy for copy in store.copies(repositories.KIND, str(system["name"]))}
        newest: Mapping[str, Any] = next(reversed(copies.values()), {})
        offices = searching.Offices(plain_name(str(newest.get("office") or system.get("office") or "")), _folders(task_vars, host))
        yield Server(host, str(system["name"]), tuple(map(str, (system.get("source") or {}).get("paths") or ())), copies, offices)


def search(directory: str, server: Server, wanted: searching.Wanted, office: str) -> tuple[list[str], searching.Answer]:
    """The copies that the index of a system has, and what it answers; of one that was never made nothing. Raises BackupError names_unreadable."""
    if not index.path_of(directory, server.name).exists():
        return [], searching.Answer([], False)
    with index.Index(directory, server.name, readonly=True) as opened:
        return opened.points().labels, searching.search(opened, wanted, plain_name(office), server.offices, server.copies)


def plain_name(office: str) -> str:
    """An office as two are compared: without what capitals and blanks make of it."""
    return " ".join(office.casefold().split())


def _folders(task_vars: Mapping[str, Any], host: str) -> dict[str, str]:
    """The shared folders of a host, path -> office. Raises what their templates raise: of folders that can't be read nobody is told names."""
    hostvars = task_vars["hostvars"]
    written = hostvars.raw_get(host).get("backup_shared_folders") or []
    if not isinstance(written, list) or "{{" in str(written):
        written = hostvars[host]["backup_shared_folders"] or []
    return {str(folder["path"]).rstrip("/") or "/": plain_name(str(folder["office"])) for folder in plain(written)}
