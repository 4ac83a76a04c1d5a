# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Source `paths`: files and directories, by GNU tar. Numeral 7.2.2 for plain directories of source code.

One directory is stored relative to itself, so that it can come back under any name; several paths are stored by their
full names. Links are stored as links, never followed. What is mounted below a path is no part of it (scope.py): it is left out and told.
"""

from __future__ import annotations

import contextlib
import os
from typing import Any, Dict, Iterator, List, Optional, Sequence

from .. import programs, scope, trees
from ..errors import BackupError
from ..pipeline import Stage
from .base import Check, Part, PartReader, Source, free_directory

_KEEP = ["--acls", "--xattrs", "--numeric-owner"]


class _TarCheck(Check):
    """tar lists the whole archive: every header is read and its checksum is right."""

    method = "tar_list"

    def __init__(self) -> None:
        self.lines = 0

    def stages(self) -> List[Stage]:
        return [Stage("tar --list", [_tar(), "--list", "--file=-", "--quoting-style=escape"])]

    def feed(self, chunk: bytes) -> None:
        self.lines += chunk.count(b"\n")

    def finish(self) -> Optional[int]:
        return self.lines


class Paths(Source):
    """Files and directories of this server."""

    type = "paths"

    def __init__(self, paths: Sequence[str], exclude: Sequence[str] = (), assigned: Sequence[str] = ()) -> None:
        self.declared = list(paths)
        self.exclude = list(exclude)
        self.assigned = list(assigned)
        self.real: List[str] = []
        self.mounted: List[str] = []
        self.found: List[str] = []

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
        self.mounted = sorted({point for real in self.real for point in scope.mounts_below(real, self.assigned)}) if self.assigned else []
        return 0

    def parts(self) -> List[Part]:
        command = "{{ mkdir -p \"$TARGET\" && tar --extract --file=- --directory=\"$TARGET\" --preserve-permissions {0}; }}".format(" ".join(_KEEP))
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

    def warnings(self) -> List[str]:
        return ["Not copied, since it is mounted there and not assigned: {0}".format(scope.shown(point)) for point in self.mounted]

    def rehearse(self, reader: PartReader, scratch: str) -> List[str]:
        _extract(reader, scratch)
        return ["tar_extract", "tar_compare"]

    def remarks(self) -> List[str]:
        return self.found

    def compare(self, reader: PartReader, scratch: str) -> List[str]:
        """Each file that has the size and time it had must have the same bytes; those of the time of the copy itself can't be told."""
        real = [scope.resolve(path, self.assigned) for path in self.declared]
        if real != reader.manifest["source"]["facts"].get("real_paths"):
            self.found.append("Not compared with the source: the copy is of other paths")
            return []
        top = real[0] if reader.part("")["facts"]["alone"] else "/"
        same, changed = trees.compare(scratch, top, reader.manifest)
        self.found.append("{0} files are as in the source, {1} changed since the copy".format(same, changed))
        return ["source_files"] if same else []

    def check_target(self, target: str, overwrite: bool, label: str) -> None:
        free_directory(target, overwrite, label, self.assigned)

    def restore(self, reader: PartReader, target: str, overwrite: bool) -> Dict[str, Any]:
        real, kept = free_directory(target, overwrite, reader.manifest["label"], self.assigned)
        directory, name = os.path.split(real)
        # held open: who may write there could put a link in the place of a directory while the copy is unpacked
        with scope.pinned(directory) as held, programs.private_directory(held) as own, scope.pinned(os.path.realpath(own), private=True) as scratch:
            beside, there, aside = os.path.join(scratch, "restored"), os.path.join(held, name), os.path.join(held, os.path.basename(kept))
            os.mkdir(beside, 0o755)
            objects = _extract(reader, beside)
            try:
                if kept:
                    os.rename(there, aside)
                os.rename(beside, there)  # over an empty directory, if that is what stands there
            except OSError as error:
                if kept and not os.path.lexists(there):
                    os.rename(aside, there)
                raise BackupError("restore_failed", label=reader.manifest["label"], target=target, detail=str(error)) from error
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
            yield [Stage("tar", self._argv(held))]
            for each in marks:
                scope.recheck(each)

    def _argv(self, top: str) -> List[str]:
        argv = [_tar(), "--create", "--file=-", "--sparse", "--sort=name"] + _KEEP
        argv += ["--exclude=" + pattern for pattern in self.exclude]
        start, prefix = (self.real[0], "./") if self._alone() else ("/", "")
        argv += ["--anchored", "--no-wildcards"] + ["--exclude=" + prefix + os.path.relpath(point, start) for point in self.mounted] if self.mounted else []
        if self._alone():
            return argv + ["--directory=" + top, "--", "."]
        return argv + ["--directory=" + top, "--"] + [path.lstrip("/") for path in self.real]


def _extract(reader: PartReader, directory: str) -> int:
    """Unpack into an empty directory and compare what lies there with the archive. Gives the number of members."""
    extract = Stage("tar --extract", [_tar(), "--extract", "--file=-", "--directory=" + directory,
                                      "--preserve-permissions", "--same-owner"] + _KEEP)
    reader.stream("", [extract])
    compare = Stage("tar --compare", [_tar(), "--compare", "--file=-", "--directory=" + directory] + _KEEP)
    try:
        reader.stream("", [compare])
    except BackupError as error:
        raise BackupError("restored_differs", label=reader.manifest["label"], detail=error.message) from error
    counter = _TarCheck()
    reader.stream("", counter.stages(), counter.feed)
    return counter.lines


def _tar() -> str:
    return programs.find("tar", "tar")
