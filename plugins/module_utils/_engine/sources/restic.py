# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Source `restic`: shared folders, copied incrementally into a restic repository (numeral 7.2.3). How is told in copies/incremental/making.py.

Links are copied as links, never what they point to. The copy holds full paths.
"""

from __future__ import annotations

import abc
import os
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Sequence, Tuple, cast

from ..errors import BackupError
from ..filesystem import descriptors, foreign, returning, room, scope
from ..processes.workspace import Workspace, inside
from ..remarks import Remark
from ..restic import restic, restored
from . import attributes, trees
from .base import Check, Part, PartReader, Source, free_directory

REPOSITORIES = ("system", "server", "office")
_LONGEST_REMARK = 600      # characters of restic's words


class FilesReader(PartReader):
    """A copy whose data is a snapshot: what SnapshotCopy (copies/incremental/reading.py) offers to this source."""

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
    of_shared_folders = True

    def __init__(self, paths: Sequence[str], options: Options = _PLAIN, assigned: Sequence[str] = (), selected: Sequence[str] = (),
                 special: bool = False) -> None:
        self.declared = list(paths)
        self.options = options
        self.assigned = list(assigned)
        self.selected = list(selected)
        self.special = special      # a restore brings set-id bits, devices and the like
        self.real: List[str] = []
        self.mounted: List[str] = []
        self.found: List[Remark] = []
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
        self.mounted = scope.foreign_mounts(self.real, self.assigned)
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

    def holds(self, path: str) -> bool:
        return scope.lies_in(path, self.real, self.mounted)

    def remarks(self) -> List[Remark]:
        return self.found

    def rehearse(self, reader: PartReader, scratch: str) -> List[str]:
        with scope.pinned(os.path.realpath(scratch)) as held:
            _count, remarks = _extract(cast(FilesReader, reader), held, (), rehearsal=True)
        self.found += remarks
        return ["restic_restore_verify", "tree_compare"]

    def compare(self, reader: PartReader, scratch: str) -> List[str]:
        """Each file that has the size and time it had must have the same bytes; those of the time of the copy itself can't be told."""
        scope.demand(self.assigned, self.describe())
        real = self.resolved()
        if real != reader.manifest["source"]["facts"].get("real_paths"):
            self.found.append(Remark("other_paths"))
            return []
        found = attributes.Attributes()
        same, changed = trees.compare(scratch, "/", reader.manifest, real, scope.foreign_mounts(real, self.assigned), found)
        self.found += [Remark("files_compared", same=same, changed=changed), *found.remarks()]
        return (["source_files"] if same else []) + (["source_attributes"] if found.whole else [])

    def look_beside(self, reader: PartReader, scratch: str) -> List[str]:
        scope.demand(self.assigned, self.describe())
        real = self.resolved()
        if real != reader.manifest["source"]["facts"].get("real_paths"):
            return []
        found = trees.attributes_beside(scratch, "/", reader.manifest, real, scope.foreign_mounts(real, self.assigned))
        self.found += found.remarks()
        return ["source_attributes"] if found.whole else []

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
        with inside(os.path.dirname(real)) as own:
            counted, remarks = _extract(files, own.pinned, ())
            self.found += remarks
            self._leave_out(own)
            whole = _whole(own, roots)
            with returning.placing(own.held, real, manifest["label"], target) as place:
                place.put(whole, real, kept)
        return {"target": real, "objects": counted, "kept": kept}

    def _leave_out(self, own: Workspace) -> None:
        if not self.special:
            self.found += foreign.leave_out(own.held).remarks()

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
            kept = returning.kept_beside(place, label) if os.path.lexists(place) else ""
            if kept and (not overwrite or os.path.lexists(kept)):
                raise BackupError("target_exists", target=place if not overwrite else kept)
            moves.append((path, place, kept))
        parent = top if os.path.isdir(top) else os.path.dirname(top)
        if not os.path.isdir(parent):
            raise BackupError("invalid_input", where="target", value=top, problem="is below a directory that does not exist",
                              mend="Create {0} first, or name another target.".format(parent))
        with inside(parent) as own:
            counted, remarks = _extract(reader, own.pinned, wanted)
            self.found += remarks
            self._leave_out(own)
            with returning.placing(own.held, top, label, target) as work:
                for path, place, kept in moves:
                    work.put(path.lstrip("/"), place, kept)
        return {"target": top, "objects": counted, "kept": ", ".join(kept for _path, _place_, kept in moves if kept),
                "restored": [place for _path, place, _kept in moves]}


def _whole(own: Workspace, roots: Sequence[str]) -> str:
    """What is to be placed, below the scratch: the only folder of the copy, or all that came back in a directory of usual mode."""
    only = roots[0].strip("/")
    if len(roots) == 1 and only and os.path.isdir(os.path.join(own.pinned, only)):
        return only
    names = os.listdir(own.held)
    name = "restored"
    while name in names:
        name += "_"
    held = descriptors.make_directory(own.held, name, 0o755)
    try:
        for each in names:
            descriptors.move(own.held, each, held, each)
    finally:
        os.close(held)
    return name


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


def _extract(reader: FilesReader, directory: str, paths: Sequence[str], rehearsal: bool = False) -> Tuple[int, List[Remark]]:
    """Restore into an empty directory, let restic read every file again, and compare what lies there with the snapshot.

    Gives the count, and what is not as copied and takes nothing from the data. Raises restored_differs when other data came back; when that is this
    place's fault rehearsal_no_room, restore_no_room, restore_impeded.
    """
    program, label = reader.restic(), reader.manifest["label"]
    size = 0
    distinct = trees.Distinct(label)

    def see(node: Dict[str, Any]) -> None:
        nonlocal size
        distinct.see(node)
        size += node.get("size", 0) if node["type"] == "file" else 0

    reader.nodes(see, paths)
    arguments = ["restore", reader.snapshot, "--target", directory, "--verify"]
    for path in paths:
        arguments += ["--include", restic.literal(path)]
    if restic.version() >= (0, 15, 0):
        arguments.append("--sparse")
    # files of several names are written once: only where the sum does not fit restic is asked; holes are written as such by restic 0.15
    if room.free(directory) < size and (rehearsal or "--sparse" not in arguments):
        if not paths:
            size = int(program.answer("stats", "--mode", "restore-size", reader.snapshot)["total_size"])
        room.ask_for(directory, size, label, rehearsal)
    remarks: List[Remark] = []
    try:
        program.call(arguments)
    except BackupError as error:
        if error.fault.name in ("medium_full", "medium_unwritable") and "lock" not in error.details["detail"]:
            raise room.of_the_place(error.details["detail"], directory, size, label, rehearsal) from error
        if error.fault.name == "repository_damaged":
            raise BackupError("restored_differs", label=label, detail=error.details["detail"]) from error
        if error.fault.name != "stage_failed":
            raise
        said = error.details["detail"]
        about = restored.judge(said, directory)
        if about is restored.OTHER:
            raise BackupError("restored_differs", label=label, detail=said) from error
        if about is restored.UNTOLD:
            raise
        if about is restored.PLACE or rehearsal:
            raise room.of_the_place(said, directory, size, label, rehearsal) from error
        remarks.append(Remark("attributes_unset", detail=scope.shown(said[:_LONGEST_REMARK])))
    judge = trees.Judge(directory, label, paths)
    reader.nodes(judge.see, paths)
    return judge.finish(), remarks + judge.remarks()
