# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing the file of a report: whole, and only when it differs."""

from __future__ import annotations

import os
from pathlib import Path

from ...module_utils._engine.errors import BackupError
from .. import _held_places, _places


def put(path: Path, content: bytes, only_look: bool, mode: int = 0o640, make: bool = True, stays: bool = True) -> bool:
    """Whether the file differs from `content`; it is replaced whole, unless `only_look`. Its directory is made, where `make` says so.

    `stays` is false for what a job itself takes out of its container at its end. Raises BackupError: report_thrown_away, report_unwritable.
    """
    if stays:
        _places.refuse_report(path)
    try:
        if _holds(path, content):
            return False
        if only_look:
            return True
        # what stands under the name is replaced, whatever it is, and never followed
        with _held_places.place(path, 0o750 if make else None, follow=False) as place, _held_places.beside(place.held, place.name, mode) as (descriptor, made):
            # what the account's umask took is given, for those who are meant to read it
            os.fchmod(descriptor, mode)
            _held_places.filled(descriptor, content)
            os.replace(made, place.name, src_dir_fd=place.held, dst_dir_fd=place.held)
    except OSError as error:
        raise BackupError("report_unwritable", path=path, detail=error.strerror or error) from error
    return True


def _holds(path: Path, content: bytes) -> bool:
    """Whether it is there already, in a file of its own name."""
    try:
        with _held_places.place(path, follow=False) as place:
            return _held_places.read_in(place.held, place.name, len(content), str(path)) == content
    except (FileNotFoundError, _held_places.Refused):
        return False
