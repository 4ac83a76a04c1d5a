# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scope guard: only assigned paths are copied or restored to (numerals 6.1, 6.2)."""

from __future__ import annotations

import os
from typing import Sequence

from .errors import BackupError


def resolve(path: str, assigned: Sequence[str]) -> str:
    """The real path, links and `..` resolved, if it lies in an assigned path. An empty `assigned` guards nothing.

    Raises invalid_input for a path that is not absolute or holds a NUL, out_of_scope for one outside.
    """
    if not path.startswith("/") or "\0" in path:
        raise BackupError("invalid_input", where="path", value=path, problem="is not an absolute path",
                          mend="Give the full path from the root.")
    real = os.path.realpath(path)
    if assigned and not any(_within(real, os.path.realpath(one)) for one in assigned):
        raise BackupError("out_of_scope", path=path, resolved=real, assigned=", ".join(assigned))
    return real


def _within(path: str, directory: str) -> bool:
    return path == directory or path.startswith(directory.rstrip("/") + "/")
