# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the words of a `restic restore` that failed speak of: the copy, or the place it was to be written to.

restic tells each trouble in a line, "ignoring error for PATH: WHY", and then their number. It compares every piece that it reads with its hash before it
writes it, so what it says of the place is said of good data.
"""

from __future__ import annotations

import re

from ..filesystem import room
from . import words

OTHER, PLACE, ATTRIBUTES, UNTOLD = "other data", "the place", "attributes only", "can't be told"

_LINE = re.compile(r"^ignoring error for .*: (?:(?P<of_writing>mkdir|write|truncate|fallocate|link|symlink|Symlink|mknod|Mknod|mkfifo|Mkfifo|lchown|Lchown|"
                   r"chown|chmod|Chmod|utimes|Lutimes|UtimesNano|utimensat|x?attr\.?\w*|LSetxattr|node type)\b|"
                   r"(?P<of_opening>open|OpenFile|lstat|stat|remove|unlink) )")
_WHOLE = re.compile(r"^(?:Fatal: )?There were \d+ errors|^(?:restoring|verifying|finished|repository|Summary)\b")
# ACLs are not among them: what came back without its ACL could be read by others
_ATTRIBUTE = re.compile(r"x?attr[^:]* (?:user|security|trusted)\.[^ :]+: ", re.IGNORECASE)


def judge(said: str, directory: str) -> str:
    """OTHER when a line speaks of damage; PLACE when all are complaints of what is written below `directory`; ATTRIBUTES when only these lack; else UNTOLD."""
    if words.of_the_copy(said):
        return OTHER
    lines = [line for line in said.split("\n") if line.strip() and not _WHOLE.match(line)]
    if lines and all(_of_attributes(line) for line in lines):
        return ATTRIBUTES
    return PLACE if lines and all(_of_place(line, directory) for line in lines) else UNTOLD


def _of_attributes(line: str) -> bool:
    return bool(_LINE.match(line) and _ATTRIBUTE.search(line) and room.refuses(line))


def _of_place(line: str, directory: str) -> bool:
    """A system call on what is written, refused for a reason of the place, or since what leads to it was refused before."""
    if "Load(" in line or not (room.refuses(line) or "no such file or directory" in line):
        return False
    found = _LINE.match(line)
    return bool(found and (found.group("of_writing") or directory.rstrip("/.") in line))
