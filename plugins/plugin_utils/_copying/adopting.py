# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole copy that the bitácora lost (it came back from an older copy of itself) is taken into it again: a person says so, and why.

That a copy lies on a medium under one of our names proves nothing by itself: whoever may write there may have put it there. So nothing is adopted but by
a person's word, which stands in its entry; its bytes are those of its list of sums and its manifest (T1), it is of the system and kind of its shelf, and the
bitácora knows of no end of that label. More than T1 only a verification gives it afterwards.

The data of a file server's copy is a snapshot in a repository: it is found there by the repository's own password, under its tree and with the label of the
copy, and restic's check calls the repository whole. Who only writes to the medium makes no snapshot.
"""

from __future__ import annotations

import contextlib
import typing as t
from collections.abc import Callable, Mapping, Sequence

from ...module_utils._engine import label, result
from ...module_utils._engine.copies import manifest as manifests
from ...module_utils._engine.errors import CATALOGUE, BackupError
from ...module_utils._engine.restic import names, repositories
from .._bitacora import rekeyed
from .._bitacora.any_store import Store
from .._custodians import custody

# What the bitácora may have of a label whose copy it lost: that it was begun, or that it lay there without an entry.
_NO_END = ("copy_started", "stray_found", "copy_sealed")
_INTERRUPTED = CATALOGUE["interrupted"].code     # a copy of the bitácora holds the start of itself, which the next run closes so
_OF_SYSTEM = ("criticality", "office")
_TEXTS = ("started_at", "ended_at", "compression")


def why_not(store: Store, kind: str, system: str, name: str, digest: str) -> str:
    """Why a copy is not adopted whatever it holds, in Spanish; "" for one that may be."""
    if not digest:
        return "su lista de huellas no se puede leer"
    try:
        if not label.is_of(name, system):
            return "no es un rótulo de este sistema"
    except BackupError:
        return "su nombre no es un rótulo"
    ends = [entry for entry in store.entries(label=name, kind=kind, system=system)
            if entry["type"] not in _NO_END and entry.get("error_code") != _INTERRUPTED and not entry.get("simulated")]
    return f"la bitácora ya dice de ella: asiento n.º {ends[-1]['n']} ({ends[-1]['type']})" if ends else ""


def adopt(read: Callable[[dict[str, t.Any]], Mapping[str, t.Any]], system: Mapping[str, t.Any], medium: Mapping[str, t.Any], name: str, digest: str,
          reason: str, closed: bool = False, own: Sequence[str] = ()) -> dict[str, t.Any]:
    """The entry of a copy that is adopted. `read` verifies one (backup_verify). `own`: the repositories that a file server's copies may be in, by what the
    controller knows. Raises BackupError, also for what is no copy of this system.
    """
    kind, named = str(system["kind"]), label.parse(name)
    told = read({"label": name, "system": system["name"], "kind": kind, "level": "T1", "sha256": digest, "medium": medium, "record": {}})
    if told.get("failed"):
        raise BackupError("copy_not_adopted", label=name, location=medium["name"], detail=str((told.get("error") or {}).get("message") or "it is not whole"))
    manifest, entry = told.get("manifest") or {}, told.get("backup") or {}
    if manifest.get("kind") != kind or manifest.get("system") != named.system:
        raise BackupError("copy_not_adopted", label=name, location=medium["name"], detail="its manifest tells of another system or kind")
    encrypted, repository = manifest.get("encrypted") is True, ""
    if kind == repositories.KIND:
        repository = str((manifest.get("restic") or {}).get("repository") or "")
        if repository not in own:
            raise BackupError("copy_not_adopted", label=name, location=medium["name"], detail="its manifest tells of a repository of others")
    if closed and not encrypted:
        raise BackupError("copy_not_adopted", label=name, location=medium["name"], detail="it is not encrypted, and the copies of its system are")
    return result.build(
        event="copy_made", label=named.name, printed_label=named.printed, system=system["name"], kind=kind, medium=str(medium["name"]),
        trust_level="T1", checks=list(entry.get("checks") or ()), sha256=digest, encrypted=encrypted, reason="adopted",
        key_reference=_key_of(kind, named, repository) if encrypted else None, repository=repository or None,
        note_es=f"Adoptada del medio: la bitácora la había perdido. Sus bytes son los de su ficha y su lista de huellas (T1). {reason.strip()}",
        **{field: entry[field] for field in ("size", "location", "source_type", "source") if field in entry},
        **{field: system[field] for field in _OF_SYSTEM if field in system},
        **{field: manifest[field] for field in _TEXTS if isinstance(manifest.get(field), str)},
        **_sizes(manifest))


def _key_of(kind: str, named: label.Label, repository: str) -> str:
    return rekeyed.in_force(custody.reference(kind, repository, names.CUSTODY_NAME)) if repository else custody.reference(kind, named.system, named.name)


def _sizes(manifest: Mapping[str, t.Any]) -> dict[str, t.Any]:
    rows = [row for row in manifest.get("parts") or () if isinstance(row, Mapping)]
    found: dict[str, t.Any] = {"parts": [{"name": row.get("file"), "size": row.get("size"), "sha256": row.get("sha256")} for row in rows]}
    found.update({"lacks": lacks} if (lacks := manifests.lacking(manifest)) else {})
    with contextlib.suppress(TypeError, ValueError, KeyError):
        if isinstance(manifest.get("restic"), Mapping):
            found.update(size_original=int(manifest["restic"]["total_bytes_processed"]), objects=int(manifest["restic"]["total_files_processed"]))
            return found
        found["size_original"] = sum(int(row["size_original"]) for row in rows)
    return found
