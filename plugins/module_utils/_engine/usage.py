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
from typing import Any, Dict, Iterator, List, NamedTuple, Sequence, Set, Tuple

from . import scope
from .errors import BackupError
from .shares import BIN

_EXAMPLES = 5
_MOST_UNREADABLE = 20


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
                row["examples"].append(scope.shown(path))

    def pass_over(self, path: str) -> None:
        """A directory or file that can't be read."""
        self.unreadable += 1
        if len(self.unreadable_examples) < _MOST_UNREADABLE:
            self.unreadable_examples.append(scope.shown(path))

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


def measure(path: str, unwanted: Sequence[str], longest: int) -> Dict[str, Any]:
    """Walk a folder and tell what it holds, with lists of at most `longest` files. Raises assigned_path_changed, source_unreachable."""
    real = scope.resolve(path, [path])
    if not os.path.isdir(real):
        raise BackupError("source_missing", source=scope.shown(path))
    usage = Usage(unwanted, longest)
    skipped = scope.mounts_below(real)
    with scope.pinned(real) as held:
        for found, status in _walk(held, {os.path.relpath(point, real) for point in skipped}, usage):
            usage.add(found, status)
    return dict(usage.told(), mounted=[scope.shown(point) for point in skipped])


def _walk(top: str, skipped: Set[str], usage: Usage) -> Iterator[Tuple[str, os.stat_result]]:
    """Each file below a directory with its status. What waits to be walked is the directories on the way down, not the files."""
    waiting = [""]
    while waiting:
        directory = waiting.pop()
        try:
            descriptor = os.open(os.path.join(top, directory), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | (os.O_NOFOLLOW if directory else 0))
        except OSError as error:
            if not directory:
                raise BackupError("source_unreachable", source=top, detail=str(error.strerror)) from error
            usage.pass_over(directory)
            continue
        try:
            with os.scandir(descriptor) as entries:
                for entry in entries:
                    found = os.path.join(directory, entry.name)
                    try:
                        status = entry.stat(follow_symlinks=False)
                    except FileNotFoundError:
                        continue     # its owner removed it meanwhile
                    except OSError:
                        usage.pass_over(found)
                        continue
                    if stat.S_ISREG(status.st_mode):
                        yield found, status
                    elif stat.S_ISDIR(status.st_mode):
                        usage.directories += 1
                        if found not in skipped:
                            waiting.append(found)
                    elif stat.S_ISLNK(status.st_mode):
                        usage.links += 1
                    else:
                        usage.others += 1
        finally:
            os.close(descriptor)


def _row(found: _Found) -> Dict[str, Any]:
    return {"path": scope.shown(found.path), "size": found.size, "modified": found.modified}
