# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Source `restic`: shared folders, copied incrementally into a restic repository (numeral 7.2.3). How is told in files.py.

Links are copied as links, never what they point to. The copy holds full paths.
"""

from __future__ import annotations

import abc
import contextlib
import os
from typing import Any, Callable, Dict, Iterator, List, Mapping, NamedTuple, Sequence, Tuple, cast

from .. import programs, restic, scope, trees
from ..errors import BackupError
from .base import Check, Part, PartReader, Source, free_directory

REPOSITORIES = ("system", "server", "office")


class FilesReader(PartReader):
    """A copy whose data is a snapshot: what files.SnapshotCopy offers to this source."""

    snapshot: str

    @abc.abstractmethod
    def restic(self) -> restic.Restic:
        """restic, with the repository open."""

    @abc.abstractmethod
    def nodes(self, visit: Callable[[Dict[str, Any]], Any], paths: Sequence[str] = ()) -> None:
        """Give what the snapshot holds to `visit`, one after the other; with `paths` only these and what is below them."""


class Options(NamedTuple):
    """How the folders are read."""

    exclude: Tuple[str, ...] = ()
    exclude_caches: bool = False
    one_file_system: bool = False
    repository: str = "system"
    snapshot: str = "none"
    limit_upload: int = 0           # KiB a second; 0 for no limit
    limit_upload_working_hours: int = 0
    read_concurrency: int = 0
    changed_files: str = "warn"


_PLAIN = Options()


class Files(Source):
    """Shared folders of this server. `selected` are the folders and files that a restore is asked for; none for all."""

    type = "restic"

    def __init__(self, paths: Sequence[str], options: Options = _PLAIN, assigned: Sequence[str] = (), selected: Sequence[str] = ()) -> None:
        self.declared = list(paths)
        self.options = options
        self.assigned = list(assigned)
        self.selected = list(selected)
        self.real: List[str] = []
        self.mounted: List[str] = []
        self.found: List[str] = []
        self.frozen: Sequence[str] = ()     # sorts of snapshots that the copy was made from

    def describe(self) -> str:
        return ", ".join(self.declared)

    def preflight(self) -> int:
        self.real = self.resolved()
        for place, real in enumerate(self.real):
            for other in self.real[:place]:
                if real == other or real.startswith(other + "/") or other.startswith(real + "/"):
                    raise BackupError("invalid_input", where="source.paths", value=self.declared[place], problem="lies in another of the paths",
                                      mend="Keep the outer one.")
        self.mounted = sorted({point for real in self.real for point in scope.mounts_below(real, self.assigned)}) if self.assigned else []
        restic.version()
        return 0

    def resolved(self) -> List[str]:
        """The real paths as they are now. Raises out_of_scope, source_missing, source_unreachable."""
        if not self.declared:
            raise BackupError("invalid_input", where="source.paths", value=self.declared, problem="is empty", mend="Name the folders to copy.")
        found = [scope.resolve(path, self.assigned) for path in self.declared]
        for declared, real in zip(self.declared, found):
            if not os.path.lexists(real):
                raise BackupError("source_missing", source=declared)
            if not os.access(real, os.R_OK):
                raise BackupError("source_unreachable", source=declared, detail="permission denied")
        return found

    def parts(self) -> List[Part]:
        return []

    def check_for(self, row: Dict[str, Any]) -> Check:
        return Check()

    def facts(self) -> Dict[str, Any]:
        return {"paths": self.declared, "real_paths": self.real, "exclude": list(self.options.exclude), "exclude_caches": self.options.exclude_caches,
                "one_file_system": self.options.one_file_system, "snapshots": list(self.frozen), "not_copied": self.mounted}

    def remarks(self) -> List[str]:
        return self.found

    def rehearse(self, reader: PartReader, scratch: str) -> List[str]:
        _extract(cast(FilesReader, reader), scratch, ())
        return ["restic_restore_verify", "tree_compare"]

    def compare(self, reader: PartReader, scratch: str) -> List[str]:
        """Each file that has the size and time it had must have the same bytes; those of the time of the copy itself can't be told."""
        if self.resolved() != reader.manifest["source"]["facts"].get("real_paths"):
            self.found.append("Not compared with the source: the copy is of other paths")
            return []
        same, changed = trees.compare(scratch, "/", reader.manifest)
        self.found.append("{0} files are as in the source, {1} changed since the copy".format(same, changed))
        return ["source_files"] if same else []

    def check_target(self, target: str, overwrite: bool, label: str) -> None:
        if not self.selected:
            free_directory(target, overwrite, label, self.assigned)
        else:
            scope.resolve(target, self.assigned)

    def default_target(self, manifest: Mapping[str, Any]) -> str:
        """Beside the living files, in the same assigned path, so that its readers are those of the folder."""
        return os.path.join(manifest["source"]["facts"]["real_paths"][0], "_restaurado_" + manifest["label"])

    def restore(self, reader: PartReader, target: str, overwrite: bool) -> Dict[str, Any]:
        files, manifest = cast(FilesReader, reader), reader.manifest
        roots = manifest["source"]["facts"]["real_paths"]
        if self.selected:
            return self._restore_selected(files, roots, target, overwrite)
        real, kept = free_directory(target, overwrite, manifest["label"], self.assigned)
        # held open: who may write there could put links in the place of directories while the copy is unpacked
        directory = os.path.dirname(real)
        with scope.pinned(directory) as held, programs.private_directory(held) as own, scope.pinned(os.path.realpath(own), private=True) as scratch:
            there, aside = os.path.join(held, os.path.basename(real)), os.path.join(held, os.path.basename(kept))
            counted = _extract(files, scratch, ())
            beside = os.path.join(scratch, roots[0].lstrip("/")) if len(roots) == 1 and os.path.isdir(os.path.join(scratch, roots[0].lstrip("/"))) else scratch
            with _moved(reader, target):
                if kept:
                    os.rename(there, aside)
                try:
                    _place(beside, there, beside == scratch)
                except OSError:
                    if kept and not os.path.lexists(there):
                        os.rename(aside, there)
                    raise
        return {"target": real, "objects": counted, "kept": kept}

    def _restore_selected(self, reader: FilesReader, roots: Sequence[str], target: str, overwrite: bool) -> Dict[str, Any]:
        """Each of the selected at its place below the target; what stands there is refused, or kept under another name."""
        label, top = reader.manifest["label"], scope.resolve(target, self.assigned)
        named = [_inside(path, roots) for path in self.selected]
        wanted, missing = _outermost(named), set(named)
        reader.nodes(lambda node: missing.discard(node["path"]), wanted)
        if missing:
            raise BackupError("source_missing", source="{0} in {1}".format(", ".join(sorted(missing)), label))
        moves = []
        for path in wanted:
            place = scope.resolve(os.path.join(top, _below(path, roots)), self.assigned)
            kept = "{0}.before_{1}".format(place, label) if os.path.lexists(place) else ""
            if kept and (not overwrite or os.path.lexists(kept)):
                raise BackupError("target_exists", target=place if not overwrite else kept)
            moves.append((path, place, kept))
        parent = top if os.path.isdir(top) else os.path.dirname(top)
        if not os.path.isdir(parent):
            raise BackupError("source_missing", source=parent)
        done: List[Tuple[str, str]] = []
        with scope.pinned(parent) as above, programs.private_directory(above) as own, scope.pinned(os.path.realpath(own), private=True) as scratch:
            counted = _extract(reader, scratch, wanted)
            with _moved(reader, target):
                try:
                    for path, place, kept in moves:
                        _directories(os.path.dirname(place), os.path.join(scratch, os.path.dirname(path).lstrip("/")), top)
                        with scope.pinned(os.path.dirname(place)) as held:
                            if kept:
                                os.rename(os.path.join(held, os.path.basename(place)), os.path.join(held, os.path.basename(kept)))
                            done.append((place, kept))
                            os.rename(os.path.join(scratch, path.lstrip("/")), os.path.join(held, os.path.basename(place)))
                except OSError:
                    for place, kept in reversed(done):
                        if kept and not os.path.lexists(place):
                            os.rename(kept, place)
                    raise
        return {"target": top, "objects": counted, "kept": ", ".join(kept for _path, _place_, kept in moves if kept),
                "restored": [place for _path, place, _kept in moves]}


@contextlib.contextmanager
def _moved(reader: PartReader, target: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BackupError("restore_failed", label=reader.manifest["label"], target=target, detail=str(error)) from error


def _place(beside: str, real: str, copy_modes: bool) -> None:
    """Give what was restored its name. A private scratch directory itself stays behind: a directory of usual mode takes its things."""
    if not copy_modes:
        os.rename(beside, real)  # over an empty directory, if that is what stands there
        return
    with contextlib.suppress(FileExistsError):
        os.mkdir(real, 0o755)
    for name in os.listdir(beside):
        os.rename(os.path.join(beside, name), os.path.join(real, name))


def _directories(path: str, pattern: str, top: str) -> None:
    """The directories that lead to a restored file, with the owner, mode and ACL they were copied with; those that exist stay as they are."""
    if os.path.isdir(path):
        return
    if path != top and len(path) > len(top):
        _directories(os.path.dirname(path), os.path.dirname(pattern), top)
    os.mkdir(path, 0o700)
    trees.like(path, pattern)


def _inside(path: str, roots: Sequence[str]) -> str:
    """The full path in the copy of what a person names: in full, or below the only root."""
    full = os.path.normpath(path if path.startswith("/") else os.path.join(roots[0], path))
    if (not path.startswith("/") and len(roots) > 1) or not any(full == root or full.startswith(root.rstrip("/") + "/") for root in roots):
        raise BackupError("invalid_input", where="restore_paths", value=path, problem="is not in the copied folders ({0})".format(", ".join(roots)),
                          mend="Give the full path, as it was on the server, or one below the only folder of the copy.")
    return full


def _outermost(paths: Sequence[str]) -> List[str]:
    """Without those that lie in another of them, or are named twice: the outer brings them."""
    found: List[str] = []
    for path in sorted(paths, key=len):
        if not any(path == other or path.startswith(other.rstrip("/") + "/") for other in found):
            found.append(path)
    return found


def _below(path: str, roots: Sequence[str]) -> str:
    """Where a selected path goes, below the target: relative to its folder; with several folders in the copy, by its full path."""
    if len(roots) > 1:
        return path.lstrip("/")
    return os.path.relpath(path, roots[0])


def _extract(reader: FilesReader, directory: str, paths: Sequence[str]) -> int:
    """Restore into an empty directory, let restic read every file again, and compare what lies there with the snapshot. Gives the count."""
    program = reader.restic()
    arguments = ["restore", reader.snapshot, "--target", directory, "--verify"]
    for path in paths:
        arguments += ["--include", restic.literal(path)]
    if restic.version() >= (0, 15, 0):
        arguments.append("--sparse")
    try:
        program.call(arguments)
    except BackupError as error:
        if error.fault.name == "stage_failed":
            raise BackupError("restored_differs", label=reader.manifest["label"], detail=error.details["detail"]) from error
        raise
    judge = trees.Judge(directory, reader.manifest["label"], paths)
    reader.nodes(judge.see, paths)
    return judge.finish()
