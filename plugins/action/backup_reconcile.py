# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares what lies on a medium with what the bitácora says lies there, in both directions. See its module for the documentation."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from ansible.utils.display import Display

from ..module_utils._engine import label, result
from ..module_utils._engine.errors import BackupError
from ..plugin_utils._bitacora.store import open_store, resolve_url
from ..plugin_utils._copying import PlainAction


_KEPT = ("label", "printed_label", "system", "kind", "criticality", "office", "responsible", "numeral", "sha256")


class ActionModule(PlainAction):
    FAILURE_EVENT = "verification_failed"

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        show = bool(arguments.pop("show", False))
        listed = self.module("backup_info", arguments, task_vars)
        if listed.get("failed"):
            return listed
        system, kind, medium = str(arguments["system"]), str(arguments["kind"]), str(arguments["medium"]["name"])
        there = {copy["label"]: copy.get("sha256", "") for copy in listed["copies"]}
        with open_store(resolve_url()) as store:
            known = {copy["label"]: copy for copy in store.copies(kind, system) if medium in copy["media"]}
            told = {(entry.get("label"), entry.get("sha256", "")) for entry in store.entries(kind=kind, system=system, type="stray_found")
                    if entry.get("medium") == medium and not entry.get("simulated")}
        ghosts = sorted(name for name in known if name not in there)
        differing = sorted(name for name in known if name in there and known[name].get("sha256", "") != there[name])
        strays = sorted(name for name in there if name not in known)
        found = [_missing(known[name], medium, kind) for name in ghosts if known[name]["media"][medium]]
        found += [_differing(known[name], medium, there[name]) for name in differing if known[name]["media"][medium]]
        found += [_stray(system, kind, medium, name, there[name]) for name in strays if (name, there[name]) not in told]
        lines = [f"{system} en {medium}: {len(there)} copias en el medio, {len(known)} en la bitácora"]
        lines += [f"    falta {name}: la bitácora la tiene, el medio no" for name in ghosts]
        lines += [f"    difiere {name}: el medio tiene otro contenido" for name in differing]
        lines += [f"    sin asiento {name}: el medio la tiene, la bitácora no" for name in strays]
        if show:
            Display().display("\n".join(lines))
        return {"changed": False, "ghosts": ghosts, "differing": differing, "strays": strays, "summary": lines, **({"backup": found} if found else {})}


def _missing(copy: Mapping[str, Any], medium: str, kind: str) -> dict[str, Any]:
    return _of(copy, medium, BackupError("copy_missing", label=copy["label"], location=medium))


def _differing(copy: Mapping[str, Any], medium: str, digest: str) -> dict[str, Any]:
    return _of(copy, medium, BackupError("bytes_differ", file=copy["label"] + "/SHA256SUMS", detail=f"its SHA-256 is {digest or 'not readable'}"))


def _of(copy: Mapping[str, Any], medium: str, error: BackupError) -> dict[str, Any]:
    """A copy that is not what the bitácora says: damaged on that medium, until a verification there finds it whole."""
    kept = {name: copy[name] for name in _KEPT if name in copy}
    return result.build(event="copy_damaged", medium=medium, verification_level="T1", **kept, **result.failure(error))


def _stray(system: str, kind: str, medium: str, name: str, digest: str) -> dict[str, Any]:
    named = None
    with contextlib.suppress(BackupError):  # whoever put it there may have called it anything
        named = label.parse(name).printed
    return result.build(event="stray_found", label=name, printed_label=named, system=system, kind=kind, medium=medium, sha256=digest or None,
                        reason_text="Está en el medio y ningún asiento la nombra")
