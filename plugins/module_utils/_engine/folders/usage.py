# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an office's folder holds (numerals 5.3 a, b): one walk that keeps totals and short lists, however many files there are.

Links are counted, never followed; what is mounted inside is another's and is passed over (scope.py). Sizes are those of the files, as staff see
them; a file with several names counts under each.
"""

from __future__ import annotations

import heapq
import os
import stat
import time
from typing import Any, Dict, List, NamedTuple, Sequence, Set, Tuple

from ..errors import BackupError
from ..filesystem import descriptors, living, scope
from .share_texts import BIN

_EXAMPLES = 5
_MOST_UNREADABLE = 20
_LONGEST_PATH = 400       # characters of a path in a report
_SECONDS = 3600           # for one folder: a report is no reason to hold up a server for a day


class _Found(NamedTuple):
    path: str            # relative to the folder
    size: int
    modified: int        # seconds since 1970, UTC


class Usage:
    """Totals of a folder while it is walked."""

    def __init__(self, unwanted: Sequence[str], longest: int) -> None:
        self.unwanted = {kind.lower().lstrip(".") for kind in unwanted}
        self.longest = longest
        self.size = self.files = self.directories = self.links = self.others = self.bin_size = self.bin_files = 0
        self.unreadable = 0
        self.unreadable_examples: List[str] = []
        self.kinds: Dict[str, Dict[str, Any]] = {}
        # heaps of the extremes seen so far, their weakest first
        self._largest: List[Tuple[int, str, _Found]] = []
        self._oldest: List[Tuple[int, str, _Found]] = []

    def add(self, path: str, status: os.stat_result) -> None:
        """Count a file of the folder."""
        size, modified = status.st_size, int(status.st_mtime)
        self.size += size
        self.files += 1
        if path.startswith(BIN + "/"):
            self.bin_size += size
            self.bin_files += 1
            return
        found = _Found(path, size, modified)
        self._keep(self._largest, size, found)
        self._keep(self._oldest, -modified, found)
        kind = os.path.splitext(path)[1].lower().lstrip(".")
        if kind in self.unwanted:
            row = self.kinds.setdefault(kind, {"kind": kind, "files": 0, "size": 0, "examples": []})
            row["files"] += 1
            row["size"] += size
            if len(row["examples"]) < _EXAMPLES:
                row["examples"].append(_told(path))

    def pass_over(self, path: str) -> None:
        """A directory or file that can't be read."""
        self.unreadable += 1
        if len(self.unreadable_examples) < _MOST_UNREADABLE:
            self.unreadable_examples.append(_told(path))

    def _keep(self, heap: List[Tuple[int, str, _Found]], weight: int, found: _Found) -> None:
        row = (weight, found.path, found)
        if len(heap) < self.longest:
            heapq.heappush(heap, row)
        elif heap and weight > heap[0][0]:
            heapq.heapreplace(heap, row)

    def told(self) -> Dict[str, Any]:
        return {
            "size": self.size, "files": self.files, "directories": self.directories, "links": self.links, "others": self.others,
            "bin_size": self.bin_size, "bin_files": self.bin_files, "unreadable": self.unreadable, "unreadable_examples": self.unreadable_examples,
            "unwanted": sorted(self.kinds.values(), key=lambda row: (-row["size"], row["kind"])),
            "largest": [_row(found) for _weight, _path, found in sorted(self._largest, reverse=True)],
            "oldest": [_row(found) for _weight, _path, found in sorted(self._oldest, reverse=True)],
        }


def measure(path: str, unwanted: Sequence[str], longest: int, seconds: int = _SECONDS) -> Dict[str, Any]:
    """Walk a folder and tell what it holds, with lists of at most `longest` files. Raises assigned_path_changed, source_unreachable.

    After `seconds` the walk ends: `complete` is false then, and the totals are of what was seen.
    """
    real = scope.resolve(path, [path])
    if not os.path.isdir(real):
        raise BackupError("source_missing", source=scope.shown(path))
    usage = Usage(unwanted, longest)
    skipped = scope.mounts_below(real)
    try:
        held = descriptors.top(real)
    except PermissionError as error:
        raise BackupError("source_unreachable", source=scope.shown(path), detail=str(error.strerror)) from error
    except OSError as error:
        raise BackupError("assigned_path_changed", assigned=scope.shown(path), detail=scope.now_there(path)) from error
    try:
        complete = _walk(held, {os.path.relpath(point, real) for point in skipped}, usage, time.monotonic() + seconds)
    finally:
        os.close(held)
    return dict(usage.told(), complete=complete, mounted=[scope.shown(point) for point in skipped[:_MOST_UNREADABLE]])


class _Unreadable(List[str]):
    """Paths that can't be read go straight into the report, which keeps few of them."""

    def __init__(self, usage: Usage) -> None:
        super().__init__()
        self.usage = usage

    def append(self, path: str) -> None:
        self.usage.pass_over(path)


def _walk(held: int, skipped: Set[str], usage: Usage, until: float) -> bool:
    """Count all that lies below a held directory. Whether it came to the end in time."""
    for entry in living.scan(held, _Unreadable(usage), lambda found: found.path not in skipped):
        mode = entry.status.st_mode
        if stat.S_ISREG(mode):
            usage.add(entry.path, entry.status)
        elif stat.S_ISDIR(mode):
            usage.directories += 1
        elif stat.S_ISLNK(mode):
            usage.links += 1
        else:
            usage.others += 1
        if time.monotonic() > until:
            return False
    return True


def _told(path: str) -> str:
    """A path for a report: one line, and no longer than a person reads. Where it is cut, its beginning and its end are told."""
    half = _LONGEST_PATH // 2
    text = scope.shown(path if len(path) <= _LONGEST_PATH else path[:half] + "…" + path[-half:])
    return text if len(text) <= 4 * _LONGEST_PATH else text[:4 * _LONGEST_PATH]


def _row(found: _Found) -> Dict[str, Any]:
    return {"path": _told(found.path), "size": found.size, "modified": found.modified}
