# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading the anchors on the controller: they lie on shares. The auditor's own way (chain.py) follows what he names; the play's must not."""

from __future__ import annotations

import os
from pathlib import Path

from .. import _held_places
from . import chain


def content(path: Path) -> bytes:
    """What a file of anchors holds. Raises OSError."""
    return _held_places.read(path, chain.LARGEST_ANCHOR)


def last_line(path: Path, longest: int) -> str:
    """The last whole line of a file of anchors; "" when it has none, or went away meanwhile."""
    try:
        with os.fdopen(_held_places.reading(path), "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - longest))
            found = file.read(longest).decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return found[-1] if found else ""
