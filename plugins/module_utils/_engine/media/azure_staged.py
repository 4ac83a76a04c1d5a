# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server tells of the blocks it staged, in its one form: the controller commits what is said here, and no other name."""

from __future__ import annotations

import json
import re
from typing import Any, Dict

from ..errors import BackupError
from . import sums_file
from .azure_blocks import MOST_BLOCKS, block_id
from .base import SUMS, Slot

# The forms of what a server tells of what it staged.
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*\Z")
_LONGEST_NAME = 255
_IDS = re.compile(r"[A-Za-z0-9+/=]*\Z")
WIDTH = len(block_id(0, b"0" * 16))


def staged_files(note: str, slot: Slot, digest: str, location: str) -> Dict[str, Dict[str, Any]]:
    """The files of a copy that a server staged, by its note: those of the list of sums whose digest is `digest`, and no others.

    Raises copy_missing for a note of another copy, azure_refused for one that names what is none of the copy's files.
    """
    try:
        told = json.loads(note) if note else {}
        sums, files = str(told["sums"]).encode("utf-8"), told["files"]
        if sums_file.file_of_bytes(SUMS, sums).sha256 != digest or files[SUMS]["sha256"] != digest:
            raise ValueError("another list of sums")
        listed = {**sums_file.parse_sums(sums, slot.label, location), SUMS: digest}
        found = {name: staged_file(files[name], name, location) for name in listed}
        if any(file["sha256"] != listed[name] for name, file in found.items()):
            raise ValueError("other bytes than those of the list")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise BackupError("copy_missing", label=slot.label + " (sealed)", location=location) from None
    strange = sorted(name for name in {*files, *listed} if name not in listed or not is_file_of(name, slot.label))
    if strange:
        raise BackupError("azure_refused", location=location, detail="the server staged {0!r}, which is no file of the copy".format(str(strange[0])[:200]))
    return found


def is_file_of(name: str, label: str) -> bool:
    """Whether a name can be that of a file of a copy: one level, plain letters, beginning with its label."""
    return name == SUMS or (name.startswith(label + ".") and len(name) <= _LONGEST_NAME and _FILE_NAME.match(name) is not None)


def staged_file(file: Any, name: str, location: str) -> Dict[str, Any]:
    """What a commit needs of a file that a server staged, in its form. Raises azure_refused for what has another."""
    size, sha256, ids = (file.get(key) for key in ("size", "sha256", "ids")) if isinstance(file, dict) else (None, None, None)
    if not (isinstance(size, int) and not isinstance(size, bool) and 0 <= size < 1 << 63 and isinstance(sha256, str) and _SHA256.match(sha256)
            and isinstance(ids, str) and len(ids) <= MOST_BLOCKS * WIDTH and len(ids) % WIDTH == 0 and _IDS.match(ids)):
        raise BackupError("azure_refused", location=location, detail="the server told {0!r} without size, SHA-256 and blocks in form".format(str(name)[:200]))
    return dict(size=size, sha256=sha256, ids=ids)
