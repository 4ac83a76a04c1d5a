# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The earlier copy of a mailbox that the controller names, whose mails need not travel again."""

from __future__ import annotations

import contextlib
from typing import Iterator, Optional

from .._engine import label
from .._engine.copies.streamed import StreamedCopy
from .._engine.errors import BackupError
from .._engine.media import catalogue
from .._engine.sources.base import PartReader
from .._engine.sources.imap_earlier import Earlier
from .._engine.transforms.keys import Keys
from .base import Task


def earlier_of(task: Task) -> Optional[Earlier]:
    """What `earlier` of a task says, opened when it is asked for; None where it says nothing."""
    given = task.params["earlier"]
    if not given["label"]:
        return None

    @contextlib.contextmanager
    def opened() -> Iterator[PartReader]:
        if not given["sha256"]:
            raise BackupError("earlier_unusable", label=given["label"], detail="the bitácora has no digest of it")
        slot = task.slot._replace(label=label.parse(given["label"]).name)
        medium = catalogue.build([options for options in task.params["media"] if options["name"] == given["medium"]][0])
        with StreamedCopy(slot, medium, Keys(given["password"]), given["sha256"], task.params["encryption"]["spool"]) as copy:
            copy.unlock()
            yield copy

    return Earlier(given["label"], opened)
