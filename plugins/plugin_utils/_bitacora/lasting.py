# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What this controller keeps beside its bitácora and what must outlast the run: the journal, the detailed logs, the key of the seals, the anchors.

In a container they would lie, without a word, on a disk that is thrown away with it (RSP786), or where the account that the container was given may not
write (RSP787). Both are told before anything is done. Whoever means to lose one says which (`may_be_lost`), and the start of the run tells it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ...module_utils._engine.errors import BackupError
from .. import _places
from .._places import expanded
from . import journal
from .store import CALLBACK, SERVER_SCHEMES, default_url, path_of, resolve_url

JOURNAL, LOGS, SEAL_KEY, ANCHORS, BITACORA = "journal", "logs", "seal_key", "anchors", "bitacora"
# The names of `may_be_lost`, and what people read of each. The bitácora itself is never one of them.
TITLES = {
    BITACORA: "la bitácora (RESPALDO_BITACORA)",
    JOURNAL: "el diario, donde los asientos esperan (RESPALDO_BITACORA_JOURNAL)",
    LOGS: "los registros detallados, 8.5 (RESPALDO_BITACORA_LOGS)",
    SEAL_KEY: "la clave de los sellos y su memoria (RESPALDO_BITACORA_SEAL_KEY)",
    ANCHORS: "un ancla (RESPALDO_BITACORA_ANCHORS)",
}
CHOICES = (JOURNAL, LOGS, SEAL_KEY, ANCHORS)
OPTIONS = ("journal_directory", "log_directory", "seal", "seal_key", "anchors", "may_be_lost")


class Place(NamedTuple):
    """One thing that must last: its name, where it lies, and whether somebody gave it to this container for the time of the run."""

    name: str
    path: Path
    given: bool = False

    def told(self) -> str:
        return "{0}: {1}".format(TITLES[self.name], self.path)


def options() -> dict[str, Any]:
    """Those of the callback of this process, which every worker has too."""
    loader = getattr(sys.modules.get("ansible.plugins.loader"), "callback_loader", None)
    callback = loader.get(CALLBACK) if loader is not None else None
    if callback is None:
        return {}
    callback.set_options()
    return {name: callback.get_option(name) for name in OPTIONS}


def beside(url: str) -> Path:
    """The directory where what belongs to a bitácora lies by default."""
    try:
        return path_of(url).parent
    except BackupError:
        return path_of(default_url()).parent


def places(told: Mapping[str, Any], url: str) -> list[Place]:
    """Everything that this controller keeps, by the callback's options and the bitácora's address."""
    found = [] if url.startswith(SERVER_SCHEMES) else [Place(BITACORA, path_of(url))]
    found.append(Place(JOURNAL, expanded(told.get("journal_directory") or beside(default_url()) / "journal")))
    found.append(Place(LOGS, expanded(told.get("log_directory") or beside(url) / "logs")))
    if told.get("seal", True):
        key = expanded(told.get("seal_key") or beside(url) / "seal.key")
        # a credential of the scheduler puts the key there for each run; what lasts is where the credential is kept
        found.append(Place(SEAL_KEY, key, bool(told.get("seal_key")) and os.path.isfile(key)))
    return found + [Place(ANCHORS, expanded(path)) for path in told.get("anchors") or ()]


def of_marks() -> str:
    """Where this controller marks what it owes: in a container with the journal, which outlasts it, and is there for an account that has no home. Else ""."""
    if not _places.is_passing():
        return ""
    return str(next(place.path for place in places(options(), resolve_url()) if place.name == JOURNAL) / "marks")


def thrown_away(every: Iterable[Place]) -> list[Place]:
    """Those that are gone when this container ends."""
    return [place for place in every if not place.given and _places.is_thrown_away(place.path)]


def chosen(told: Mapping[str, Any]) -> list[str]:
    """What may be lost, by somebody's choice. Raises BackupError invalid_input for a name that is none."""
    names = [str(name).strip() for name in told.get("may_be_lost") or () if str(name).strip()]
    strange = [name for name in names if name not in CHOICES]
    if strange:
        raise BackupError("invalid_input", where="RESPALDO_BITACORA_MAY_BE_LOST", value=strange[0], problem="is nothing that may be lost",
                          mend="Choose of {0}, with commas between.".format(", ".join(CHOICES)))
    return sorted(set(names))


class Kept(NamedTuple):
    """What a run may use: nothing that its container takes along. `lost` tells what is so and nobody chose; `choice`, what somebody did."""

    journal: Path
    logs: Path | None
    seal_key: Path | None
    anchors: list[Path]
    lost: BackupError | None
    choice: dict[str, str]


def kept(told: Mapping[str, Any], url: str) -> Kept:
    """For the callback. A key is never made, and a head never sealed by one, that is gone afterwards: nobody could explain that seal."""
    every = places(told, url)
    gone = thrown_away(every)
    try:
        may_be_lost, lost = chosen(told), None
    except BackupError as error:
        may_be_lost, lost = [], error
    unchosen = [place for place in gone if place.name not in may_be_lost]
    if unchosen:
        lost = _error(unchosen)
    stays: dict[str, list[Path]] = {}
    for place in every:
        if place not in gone:
            stays.setdefault(place.name, []).append(place.path)
    taken = sorted({place.name for place in gone} & set(may_be_lost))
    return Kept(next(place.path for place in every if place.name == JOURNAL), next(iter(stays.get(LOGS, ())), None), next(iter(stays.get(SEAL_KEY, ())), None),
                stays.get(ANCHORS, []), lost, {"may_be_lost": ", ".join(taken)} if taken else {})


def _error(lost: list[Place]) -> BackupError:
    return BackupError("lost_with_container", count=len(lost), detail="; ".join(place.told() for place in lost))


def refuse() -> None:
    """Raises BackupError in a container: lost_with_container (RSP786) naming every place, not_ours_to_write (RSP787), invalid_input for `may_be_lost`."""
    told = options()
    may_be_lost = chosen(told)
    url = resolve_url()
    every = places(told, url)
    lost = [place for place in thrown_away(every) if place.name not in may_be_lost]
    if lost:
        raise _error(lost)
    for place in every if _places.is_passing() else ():
        if place.name in (JOURNAL, LOGS) and place.name not in may_be_lost:
            _prove_ours(place)
        elif place.name == SEAL_KEY and not place.given and SEAL_KEY not in may_be_lost and not os.path.lexists(place.path):
            _prove_ours(place._replace(path=place.path.parent))


def _prove_ours(place: Place) -> None:
    """Raises BackupError not_ours_to_write for a directory where this account can make nothing."""
    why = journal.why_not(place.path) if place.name == JOURNAL else ""
    there = place.path
    while not why and not os.path.lexists(there) and there != there.parent:
        there = there.parent
    if why or not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise BackupError("not_ours_to_write", where=place.told(), account="uid {0}, gid {1}".format(os.geteuid(), os.getegid()),
                          detail=why or "permission denied or mounted read-only ({0})".format(there))
