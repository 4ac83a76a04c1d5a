# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Medium by SSH that a taken server can't empty: the server's key opens the gate there (roles/append_only_medium/files/gate.py), and no shell.

The server makes copies, reads back what it is making, and seals them. Their names, their removal and the look at what lies there are the
controller's, who has a key of its own and takes the medium as ssh.py does. A published copy is read here only while the controller permits it.
"""

from __future__ import annotations

from typing import ContextManager, List, Optional, Tuple

from ..errors import BackupError
from .base import Deposit, Found, Reading, Slot, Writing
from .far import Far

# How the gate ends when the answer is no, and stays no (gate.py: REFUSED).
_REFUSED = 77


class Gated(Far):
    """Copies on another server, behind the gate of this server's key."""

    IDLE = "hold"

    @staticmethod
    def command(script: str, arguments: Tuple[str, ...]) -> str:
        return " ".join(("respaldo-1", script) + arguments)

    def check(self, slot: Slot, expected: int) -> None:
        answer, _space, free = self.ask("check", *slot).partition(" ")
        if answer == "taken":
            raise BackupError("label_taken", label=slot.label, location=self._shelf(slot))
        if int(free) < expected:
            raise BackupError("medium_full", location=self.place, detail="{0} bytes free, about {1} needed".format(free, expected))

    def lock(self, slot: Slot, timeout: int) -> ContextManager[None]:
        return self.held(slot, self.open("lock", slot.kind, slot.system, str(timeout), feeds=True))

    def deposit(self, slot: Slot) -> Deposit:
        self.still_locked(slot)
        self.ask("begin", *slot)
        return _GatedDeposit(self, slot)

    def publish(self, slot: Slot, digest: str, note: str = "") -> bool:
        raise self._controllers("give a copy its name")

    def withdraw(self, slot: Slot) -> None:
        raise self._controllers("take a copy's name back")

    def remove(self, slot: Slot, digest: str) -> bool:
        raise self._controllers("remove a copy")

    def labels(self, kind: str, system: str) -> List[str]:
        return sorted(self.listing("labels", kind, system).decode("utf-8", "replace").splitlines())

    def survey(self) -> List[Found]:
        raise self._controllers("look at all that lies there")

    def stocked(self, slot: Slot) -> bool:
        return self.ask("stocked", slot.kind, slot.system) == "yes"

    def read(self, slot: Slot, file: str) -> Reading:
        return self.reading(self.open("fetch", *slot, file), "{0}/{1}/{2}".format(self.path.rstrip("/"), slot.shelf, slot.label), slot, file)

    def free(self) -> Optional[int]:
        return int(self.ask("free"))

    def fault_of(self, status: int, errors: str) -> BackupError:
        if status == _REFUSED:
            return BackupError("gate_refused", location=self.place, detail=errors.rpartition("refused: ")[2] or "it said nothing")
        return super().fault_of(status, errors)

    def unlisted(self, status: int, errors: str) -> BackupError:
        return self.fault_of(status, errors) if status == _REFUSED else super().unlisted(status, errors)

    def _controllers(self, what: str) -> BackupError:
        return BackupError("gate_refused", location=self.place, detail="to {0} is the controller's, by its own key (keeper)".format(what))


class _GatedDeposit(Deposit):

    def __init__(self, medium: Gated, slot: Slot) -> None:
        self.medium = medium
        self.slot = slot

    def write(self, file: str) -> Writing:
        self.medium.still_locked(self.slot)
        return self.medium.writing(self.medium.open("write", *self.slot, file, feeds=True))

    def read(self, file: str) -> Reading:
        directory = "{0}/{1}/.{2}.partial".format(self.medium.path.rstrip("/"), self.slot.shelf, self.slot.label)
        return self.medium.reading(self.medium.open("read", *self.slot, file), directory, self.slot, file)

    def seal(self) -> str:
        self.medium.still_locked(self.slot)
        self.medium.ask("seal", *self.slot)
        return ""

    def discard(self) -> None:
        try:
            self.medium.still_locked(self.slot)
            self.medium.ask("discard", *self.slot)
        except (BackupError, OSError):
            return      # the next run of this system sweeps it
