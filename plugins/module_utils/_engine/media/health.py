# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a medium stands, looked at from where it is used (numeral 5.1 a): it is reached, it can be listed and written to, and so much is left of it."""

from __future__ import annotations

from typing import Any, Dict, Sequence

from ..errors import BackupError
from ..result import KINDS
from .base import Medium, Slot

# No copy has it: what is asked is whether there is room for one more.
_NO_LABEL = ".salud"


def of(medium: Medium, shelves: Sequence[str]) -> Dict[str, Any]:
    """Bytes free and in all, where the medium can tell, and how many copies lie there. `shelves` are those that are to be written to, KIND/SYSTEM.

    Nothing is made on a directory; in a container a block of eight bytes is sent that the service forgets within a week. Raises medium_unreachable,
    medium_unwritable, medium_foreign, gate_refused, and what Azure answers.
    """
    found = medium.survey()
    for shelf in shelves or ("{0}/SALUD".format(KINDS[0]),):
        kind, _slash, system = shelf.partition("/")
        if kind not in KINDS or not system or "/" in system or system.startswith("."):
            raise BackupError("invalid_input", where="health", value=shelf, problem="is no shelf of a medium", mend="Write it as database/SIGA.")
        medium.check(Slot(kind, system, _NO_LABEL), 0)
    free, total = medium.room()
    told = {"copies": sum(1 for row in found if row.name and not row.name.startswith("."))}
    told.update({name: value for name, value in (("free", free), ("total", total)) if value is not None})
    return told
