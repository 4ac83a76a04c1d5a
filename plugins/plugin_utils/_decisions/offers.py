# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which copy a restore is offered (numeral 7.1.3), and why each of the others is not. Pure functions over what the bitácora knows of a system's copies."""

from __future__ import annotations

import datetime
import typing as t
from collections.abc import Collection, Mapping, Sequence

from ...module_utils._engine.errors import BackupError
from .._bitacora.copies import DAMAGES, lack
from . import due

Copy = Mapping[str, t.Any]
_TOLD = 20      # copies that a message names, the newest


def newest_before(copies: Sequence[Copy], moment: str, now: datetime.datetime) -> Copy | None:
    """The newest of the copies that began before a moment in UTC, of all of them when it is empty: one that is dated in the future then is the newest only
    where there is no other.
    """
    before = [copy for copy in copies if copy.get("started_at", "") < (moment or due.believed_until(now))] or ([] if moment else copies)
    return before[-1] if before else None


def whole(copies: Sequence[Copy]) -> list[Copy]:
    """Those that are whole on a medium at least."""
    return [copy for copy in copies if any(copy["media"].values())]


def medium_of(copy: Copy, names: Sequence[str], damaged: bool = False) -> str:
    """The first of the media `names` where the copy is whole, else, when `damaged` ones are wanted, where it lies at all; "" for none."""
    return next((name for name in names if copy["media"].get(name)), "") or next((name for name in names if damaged and name in copy["media"]), "")


def told(copy: Copy, newest: Copy | None, moment: str, medium: str, here: datetime.tzinfo) -> str:
    """Which copy is restored and why that one (7.1.3), for whoever can still stop it. Times are those of the policy's zone."""
    def when(text: str) -> str:
        found = due.moment(text)
        return found.astimezone(here).strftime("%d/%m/%Y %H:%M") if found else "fecha desconocida"

    level = copy["media"].get(medium)
    lies = "en el medio {0}, {1}".format(medium, "nivel " + str(level) if level else "donde consta como dañada")
    if copy is newest:
        why = "es la más reciente anterior a la pérdida, " + when(moment) if moment else "es la más reciente"
    else:
        why = "se pidió por su rótulo; la más reciente {0}es {1}".format("anterior a la pérdida " if moment else "", newest["label"] if newest else "ninguna")
    said = "Copia elegida: {0}, del {1}, {2}: {3}".format(copy["label"], when(str(copy.get("started_at", ""))), lies, why)
    return said + (". Atención: " + lack(copy) if lack(copy) else "")


def why_not(copy: Copy, moment: str, names: Collection[str]) -> str:
    """Why a copy is not offered, in Spanish; "" for one that is."""
    if moment and copy.get("started_at", "") >= moment:
        return "es posterior a la pérdida"
    media = copy["media"]
    good, lying = [name for name in media if media[name]], [name for name in media if name in names]
    if any(name in names for name in good):
        return ""
    if not lying:
        return "está en {0}, que no es de este inventario".format(", ".join(media))
    damages = copy.get(DAMAGES, {})
    said = "; ".join("dañada en {0}{1}".format(name, ": " + damages[name] if damages.get(name) else "") for name in lying)
    return said + ("; íntegra en {0}, que no es de este inventario".format(", ".join(good)) if good else "")


def none(kind: str, system: str, copies: Sequence[Copy], asked: str, moment: str, names: Collection[str]) -> BackupError:
    """What is told when no copy is offered: which there are and why each is not, or that there is none at all, of the label `asked` if one was."""
    if not copies or (asked and asked not in [copy["label"] for copy in copies]):
        there = ", ".join(str(copy["label"]) for copy in copies[-_TOLD:])
        known = "the bitácora (it knows {0})".format(there) if there else "the bitácora"
        return BackupError("copy_missing", label=asked or "({0} {1})".format(kind, system), location=known)
    wanted = [copy for copy in copies if copy["label"] == asked] if asked else list(copies)
    told = ["{0} {1}".format(copy["label"], why_not(copy, moment, names)) for copy in wanted[-_TOLD:]]
    more = ["y {0} más antiguas".format(len(wanted) - _TOLD)] if len(wanted) > _TOLD else []
    return BackupError("copy_not_offered", count=len(copies), system=system, copies=" · ".join(told + more))
