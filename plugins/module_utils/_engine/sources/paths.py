# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Source `paths`: files and directories, by GNU tar. Numeral 7.2.2 for plain directories of source code.

One directory is stored relative to itself, so that it can come back under any name; several paths are stored by their
full names. Links are stored as links, never followed. What is mounted below a path is no part of it (scope.py): it is left out and told.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import subprocess
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

from ..errors import BackupError
from ..filesystem import descriptors, foreign, returning, room, scope
from ..processes import programs
from ..processes.pipeline import Stage, run
from ..processes.workspace import inside
from ..remarks import Remark
from . import attributes, trees
from .base import Check, Part, PartReader, Source, free_directory

_KEEP = ["--acls", "--xattrs", "--numeric-owner"]
_LONGEST = 4096                                     # PATH_MAX, its last byte counted: tar reads deeper trees and can't make them again
_ESCAPED = re.compile(rb"\\(?:[0-7]{3}|.)")         # one byte of a name, as tar --quoting-style=escape writes it
# A stream that tells of the content and of nothing that reading or touching changes: no times, no number of a process in the names of its headers.
# Version 0.0 alone gives a file with holes no name with the process's number.
_OF_CONTENT = ["--sparse-version=0.0", "--mtime=@0", "--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime,delete=mtime"]
_LONGEST_LOOK = 12 * 3600.0                         # seconds: a night's window
_SHOWN = 120
_MOST_TOLD = 5
# tar brings back only `user.*` unless it is told otherwise; ACLs it keeps by themselves
_ALL_ATTRIBUTES = ["--xattrs-include=*", "--xattrs-exclude=system.posix_acl_*"]
_WRITING = re.compile(r"tar: .*: (Cannot (open|mkdir|write|change|utime|create|mknod|mkfifo|symlink|hard link|close|seek|truncate|set)|Wrote only)")
_OF_ARCHIVE = re.compile(r"Unexpected EOF|Skipping to next header|does not look like a tar archive|Archive value|Damaged|not a tar")


class _TarCheck(Check):
    """tar lists the whole archive: every header is read and its checksum is right. A name that no tar could make again makes the copy none."""

    method = "tar_list"

    def __init__(self) -> None:
        self.lines = 0
        self.begun = b""       # of the line that the last chunk ended in
        self.too_long = b""

    def stages(self) -> List[Stage]:
        return [Stage("tar --list", [_tar(), "--list", "--file=-", "--quoting-style=escape"])]

    def feed(self, chunk: bytes) -> None:
        self.lines += chunk.count(b"\n")
        *whole, self.begun = (self.begun + chunk).split(b"\n")
        for line in whole if not self.too_long else ():
            if len(line) >= _LONGEST and len(_ESCAPED.sub(b"x", line)) >= _LONGEST:
                self.too_long = line

    def finish(self) -> Optional[int]:
        if self.too_long:
            raise BackupError("tree_too_deep", path=self.too_long[:_SHOWN].decode("utf-8", "replace") + "...", length=len(self.too_long), limit=_LONGEST - 1)
        return self.lines


class Paths(Source):
    """Files and directories of this server."""

    type = "paths"

    def __init__(self, paths: Sequence[str], exclude: Sequence[str] = (), assigned: Sequence[str] = (), special: bool = False) -> None:
        self.declared = list(paths)
        self.exclude = list(exclude)
        self.assigned = list(assigned)
        self.special = special      # a restore brings set-id bits, devices and the like
        self.real: List[str] = []
        self.mounted: List[str] = []
        self.found: List[Remark] = []
        self.content = ""
        self.without_holes = False      # holes are read as zeros, since what tells of them is not to be believed

    def describe(self) -> str:
        return ", ".join(self.declared)

    def preflight(self) -> int:
        _tar()
        self.real = [scope.resolve(path, self.assigned) for path in self.declared]
        for declared, real in zip(self.declared, self.real):
            if not os.path.lexists(real):
                raise BackupError("source_missing", source=declared)
            if not os.access(real, os.R_OK):
                raise BackupError("source_unreachable", source=declared, detail="permission denied")
        self.mounted = scope.foreign_mounts(self.real, self.assigned)
        return 0

    def current_digest(self) -> str:
        """What the files are now: SHA-256 over their names, sorts, modes, owners, attributes and bytes, not their times. All is read but
        holes, whose places count: where a file system tells of others than before, the files are copied once more.
        """
        self.preflight()
        marks = [scope.mark(path) for path in self.real]
        with scope.pinned(self.real[0] if self._alone() else "/") as held:
            for each in marks:
                scope.recheck(each)
            self.without_holes = _blockless(self.real, one_file_system=bool(self.mounted))
            return self._digest(held)

    def _digest(self, held: str) -> str:
        digest = hashlib.sha256()
        try:
            run([Stage("tar", self._argv(held, _OF_CONTENT), limit=_LONGEST_LOOK)], digest.update)
        except BackupError as error:
            raise self.explain(error) from error
        return digest.hexdigest()

    def content_digest(self) -> str:
        return self.content

    def parts(self) -> List[Part]:
        command = "{{ mkdir -p \"$TARGET\" && tar --extract --file=- --directory=\"$TARGET\" --preserve-permissions {0}; }}".format(
            " ".join(_KEEP + ["'{0}'".format(each) for each in _ALL_ATTRIBUTES]))
        return [Part(
            name="", extension="tar", format="GNU tar archive", produce=self._produce,
            check=_TarCheck, restore_command=command, minimum=1024, facts={"alone": self._alone()})]

    def check_for(self, row: Dict[str, Any]) -> Check:
        return _TarCheck()

    def explain(self, error: BackupError) -> BackupError:
        if error.fault.name != "stage_failed" or error.details["stage"] != "tar":
            return error
        detail = error.details["detail"]
        name = "source_unreachable"
        if "changed as we read it" in detail or "removed before we read it" in detail or "shrank by" in detail:
            name = "source_changed"
        return BackupError(name, source=self.describe(), detail=detail)

    def facts(self) -> Dict[str, Any]:
        return {"paths": self.declared, "real_paths": self.real, "exclude": self.exclude, "not_copied": self.mounted}

    def warnings(self) -> List[Remark]:
        return [Remark("not_assigned", path=scope.shown(point)) for point in self.mounted]

    def rehearse(self, reader: PartReader, scratch: str) -> List[str]:
        with scope.pinned(os.path.realpath(scratch)) as held:
            _count, remarks = _extract(reader, held, rehearsal=True)
        self.found += remarks
        return ["tar_extract", "tar_compare"]

    def holds(self, path: str) -> bool:
        return scope.lies_in(path, self.real, self.mounted)

    def remarks(self) -> List[Remark]:
        return self.found

    def compare(self, reader: PartReader, scratch: str) -> List[str]:
        """Each file that has the size and time it had must have the same bytes; those of the time of the copy itself can't be told."""
        real = [scope.resolve(path, self.assigned) for path in self.declared]
        if real != reader.manifest["source"]["facts"].get("real_paths"):
            self.found.append(Remark("other_paths"))
            return []
        top = real[0] if reader.part("")["facts"]["alone"] else "/"
        found = attributes.Attributes()
        same, changed = trees.compare(scratch, top, reader.manifest, real, scope.foreign_mounts(real, self.assigned), found)
        self.found += [Remark("files_compared", same=same, changed=changed), *found.remarks()]
        return (["source_files"] if same else []) + (["source_attributes"] if found.whole else [])

    def look_beside(self, reader: PartReader, scratch: str) -> List[str]:
        real = [scope.resolve(path, self.assigned) for path in self.declared]
        if real != reader.manifest["source"]["facts"].get("real_paths"):
            return []
        top = real[0] if reader.part("")["facts"]["alone"] else "/"
        found = trees.attributes_beside(scratch, top, reader.manifest, real, scope.foreign_mounts(real, self.assigned))
        self.found += found.remarks()
        return ["source_attributes"] if found.whole else []

    def check_target(self, target: str, overwrite: bool, label: str) -> None:
        free_directory(target, overwrite, label, self.assigned)

    def restore(self, reader: PartReader, target: str, overwrite: bool) -> Dict[str, Any]:
        real, kept = free_directory(target, overwrite, reader.manifest["label"], self.assigned)
        # held open: who may write there could put a link in the place of a directory while the copy is unpacked
        with inside(os.path.dirname(real)) as own:
            restored = descriptors.make_directory(own.held, "restored", 0o755)
            try:
                objects, remarks = _extract(reader, descriptors.path_of(restored))
                self.found += remarks
                if not self.special:
                    self.found += foreign.leave_out(restored).remarks()
            finally:
                os.close(restored)
            with returning.placing(own.held, real, reader.manifest["label"], target) as place:
                place.put("restored", real, kept)
        return {"target": real, "objects": objects, "kept": kept}

    def _alone(self) -> bool:
        return len(self.real) == 1 and os.path.isdir(self.real[0])

    @contextlib.contextmanager
    def _produce(self) -> Iterator[List[Stage]]:
        """tar reads what was let through: the paths are looked at again before it begins and when it has ended."""
        marks = [scope.mark(path) for path in self.real]
        for path in self.declared:
            scope.resolve(path, self.assigned)
        with scope.pinned(self.real[0] if self._alone() else "/") as held:
            for each in marks:
                scope.recheck(each)
            self.without_holes = _blockless(self.real, one_file_system=bool(self.mounted))
            # before it is copied: what changes meanwhile is in the copy, or seen as a change by the next run
            with contextlib.suppress(BackupError):
                self.content = self._digest(held)
            yield [Stage("tar", self._argv(held))]
            for each in marks:
                scope.recheck(each)

    def _argv(self, top: str, more: Sequence[str] = ()) -> List[str]:
        argv = [_tar(), "--create", "--file=-", "--sort=name", *more] + ([] if self.without_holes else ["--sparse"]) + _KEEP
        argv += ["--exclude=" + pattern for pattern in self.exclude]
        start, prefix = (self.real[0], "./") if self._alone() else ("/", "")
        argv += ["--anchored", "--no-wildcards"] + ["--exclude=" + prefix + os.path.relpath(point, start) for point in self.mounted] if self.mounted else []
        if self._alone():
            return argv + ["--directory=" + top, "--", "."]
        return argv + ["--directory=" + top, "--"] + [path.lstrip("/") for path in self.real]


def _blockless(paths: Sequence[str], one_file_system: bool) -> bool:
    """Whether a file that takes no blocks, as its file system tells, holds data all the same: tar --sparse reads none of it and writes zeros.

    File systems in user space and of tiered storage tell no blocks. A file that is one hole has no data to find, on those that tell of holes.
    """
    argv = [programs.find("find", "findutils"), *paths, *(["-xdev"] if one_file_system else []), "-type", "f", "-size", "+0", "-printf", "%b %p\\0"]
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=programs.environment()) as process:
        rest = b""
        try:
            for chunk in iter(lambda: process.stdout.read(1 << 16) if process.stdout else b"", b""):
                *rows, rest = (rest + chunk).split(b"\0")
                if any(row.startswith(b"0 ") and _holds_data(row[2:]) for row in rows):
                    return True
        finally:
            if process.poll() is None:
                process.kill()
    return False


def _holds_data(path: bytes) -> bool:
    try:
        held = descriptors.regular(os.fsdecode(path))
    except OSError:
        return False      # tar tells of it
    try:
        return os.lseek(held, 0, os.SEEK_DATA) < os.fstat(held).st_size
    except OSError as error:
        return error.errno != errno.ENXIO      # all is a hole; what can't tell is read
    finally:
        os.close(held)


def _extract(reader: PartReader, directory: str, rehearsal: bool = False) -> Tuple[int, List[Remark]]:
    """Unpack into an empty directory and compare what lies there with the archive. Gives the number of members, and what is to be told of them.

    Raises restored_differs when other data came back; when that is this place's fault rehearsal_no_room, restore_no_room, restore_impeded.
    """
    label, needed = reader.manifest["label"], int(reader.part("").get("size_original") or 0)
    room.ask_for(directory, needed, label, rehearsal)
    extract = Stage("tar --extract", [_tar(), "--extract", "--file=-", "--directory=" + directory,
                                      "--preserve-permissions", "--same-owner"] + _KEEP + _ALL_ATTRIBUTES)
    try:
        reader.stream("", [extract])
    except BackupError as error:
        # the bytes of the archive were compared and are those that were written: what tar can't do with them here is no fault of theirs
        if error.fault.name not in ("structure_unreadable", "restore_impeded") or not _of_place(error.details["detail"]):
            raise
        raise room.of_the_place(error.details["detail"], directory, needed, label, rehearsal) from error
    differences = _Differences()
    compare = Stage("tar --compare", [_tar(), "--compare", "--file=-", "--quoting-style=escape", "--directory=" + directory] + _KEEP)
    try:
        reader.stream("", [compare], differences.feed)
    except BackupError as error:
        if error.fault.name != "structure_unreadable":
            raise
        differences.feed(b"\n")
        if differences.of_data or not differences.count:
            raise BackupError("restored_differs", label=label, detail=", ".join(differences.of_data) or error.message) from error
        if differences.of_place:
            raise room.impeded(label, directory, ", ".join(differences.of_place)) from error
    counter = _TarCheck()
    reader.stream("", counter.stages(), counter.feed)
    return counter.lines, differences.remarks()


class _Differences:
    """What tar --compare prints, a line for each difference of a member; the first of each sort."""

    def __init__(self) -> None:
        self.begun = b""
        self.count = 0
        self.untimed = 0
        self.of_data: List[str] = []
        self.of_place: List[str] = []
        self.of_time: List[str] = []

    def feed(self, chunk: bytes) -> None:
        *whole, self.begun = (self.begun + chunk).split(b"\n")
        for each in filter(None, whole):
            line = scope.shown(os.fsdecode(each))
            self.count += 1
            sort = self.of_data
            if line.endswith(": Mod time differs"):
                sort, self.untimed = self.of_time, self.untimed + 1
            elif line.endswith((": Uid differs", ": Gid differs", ": Mode differs")):
                sort = self.of_place
            if len(sort) < _MOST_TOLD:
                sort.append(line[:_SHOWN])

    def remarks(self) -> List[Remark]:
        if not self.untimed:
            return []
        return [Remark("other_times", count=self.untimed, paths=self.of_time + (["..."] if self.untimed > len(self.of_time) else []))]


def _of_place(detail: str) -> bool:
    return room.is_full(detail) or bool(_WRITING.search(detail)) and not _OF_ARCHIVE.search(detail)


def _tar() -> str:
    return programs.find("tar", "tar")
