# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the bitácora says lies on a medium that is to be written to: one without a trace of it is not mounted, or its path was changed (RSP409).

A directory that is made when it is missing (`create`) would hide that: the copy would be good there, and the ones before nowhere.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from ...module_utils._engine import label
from ...module_utils._engine.errors import BackupError
from .._bitacora.store import open_store, resolve_url
from .._tasks import is_cloud

# The last copies of a night or two: any one of them that is known to lie there is witness enough.
_LAST_MADE = 200
_MOST_SHELVES = 20


def known_on(kind: str, system: str) -> list[str]:
    """The media that hold the last good copy of a system."""
    with contextlib.suppress(BackupError), open_store(resolve_url(), readonly=True) as store:
        return list((store.last_good(kind, system, "T0") or {"media": []})["media"])
    return []


def known_among(kind: str, system: str, medium: str) -> list[str]:
    """The medium, when it holds any good copy of a system: what is carried there comes later than the last one is made."""
    with contextlib.suppress(BackupError), open_store(resolve_url(), readonly=True) as store:
        return [medium] if any(copy["media"].get(medium) for copy in store.copies(kind, system)) else []
    return []


def told(kind: str, system: str, media: Sequence[Any], host: str) -> dict[str, Any]:
    """What the server is told of the media of a copy, in its record: those that hold copies of the system, and of the others the shelves of the
    systems of this host that lie there. A container is looked at by the controller, for this system alone."""
    own = known_on(kind, system)
    others = [str(medium["name"]) for medium in media if isinstance(medium, Mapping) and medium.get("name") and not is_cloud(medium)]
    beside = _beside([name for name in others if name not in own], host)
    return {"known_on": own, **({"known_beside": beside} if beside else {})}


def _beside(media: Sequence[str], host: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    if not media:
        return found
    with contextlib.suppress(BackupError), open_store(resolve_url(), readonly=True) as store:
        recent = store.entries(type="copy_made", limit=_LAST_MADE, newest_first=True)
        systems = {(str(made.get("kind")), str(made.get("system"))) for made in recent
                   if made.get("host") == host and not made.get("simulated") and set(media) & set(str(made.get("medium", "")).split(", "))}
        for kind, system in sorted(systems)[:_MOST_SHELVES]:
            for name in (store.last_good(kind, system, "T0") or {"media": []})["media"]:
                if name in media:
                    found.setdefault(name, []).append("{0}/{1}".format(kind, label.canonical(system)))
    return found
