# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which password of a repository is in force (numeral 5.2): a record of custody is never replaced, so another password has another reference,
`…/repositorio.2`, and the bitácora says since when it is the one. Copies of before name the former one and open with the one in force.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from typing import Any

from ...module_utils._engine.errors import BackupError
from ...module_utils._engine.restic import names
from .any_store import Store
from .store import open_store, resolve_url

STARTED, ROTATED, WITHDRAWN, FAILED = "repository_key_started", "repository_key_rotated", "repository_key_withdrawn", "repository_key_failed"


def rotations(store: Store, reference: str) -> list[dict[str, Any]]:
    """The entries that put a password of this repository in force, or withdrew a former one, oldest first."""
    return [entry for entry in store.entries(type=(ROTATED, WITHDRAWN))
            if not entry.get("simulated") and _first(entry.get("key_reference")) == names.of_generation(reference, 1)]


def in_force_by(entries: Iterable[Mapping[str, Any]], reference: str) -> str:
    """The reference in force by the entries of one repository: of the last rotation, however many there were."""
    found = [str(entry["key_reference"]) for entry in entries if entry["type"] == ROTATED]
    return found[-1] if found else names.of_generation(reference, 1)


def in_force(reference: str) -> str:
    """The reference under which custody has the password in force of the repository whose any password this one names.

    One that names none is given back; without a bitácora to ask the first password is the one.
    """
    if not names.generation(reference):
        return reference
    with contextlib.suppress(BackupError), open_store(resolve_url(), readonly=True) as store:
        return in_force_by(rotations(store, reference), reference)
    return names.of_generation(reference, 1)


def later(named: str, reference: str) -> str:
    """Of two references of one repository's passwords the later one: what a copy of before names is followed by the one in force."""
    same = _first(named) == _first(reference)
    return named if not same or names.generation(named) > names.generation(reference) else reference


def same_repository(one: str, other: str) -> bool:
    """Whether both name passwords of one repository, or are the same."""
    return one == other or bool(_first(one)) and _first(one) == _first(other)


def is_of_repository(reference: str) -> bool:
    """Whether a reference is that of a repository's password, which many copies have."""
    return bool(_first(reference))


def first(reference: str) -> str:
    """What all passwords of one repository have in common; of a copy with a password of its own that password's reference."""
    return _first(reference) or reference


def _first(reference: Any) -> str:
    return names.of_generation(str(reference), 1) if names.generation(str(reference or "")) else ""


def systems_of(store: Store, repository: str) -> list[tuple[str, str]]:
    """(kind, system) of all that ever had a copy in a repository, of any host."""
    sql = "SELECT DISTINCT {kind}, {system} FROM entries WHERE type = 'copy_made' AND {repository} = ? AND {real}"
    found = store.select(sql.format(real=store.simulated(False), **{name: store.field(name) for name in ("kind", "system", "repository")}), (repository,))
    return [(str(kind), str(system)) for kind, system in found]


def hosts_of(store: Store, repository: str) -> list[str]:
    """The hosts that ever made a copy in a repository."""
    sql = "SELECT DISTINCT {host} FROM entries WHERE type = 'copy_made' AND {repository} = ? AND {real}"
    found = store.select(sql.format(real=store.simulated(False), **{name: store.field(name) for name in ("host", "repository")}), (repository,))
    return sorted(str(host) for (host,) in found)
