# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A published copy of a file server: its data is a snapshot in a repository on the same medium."""

from __future__ import annotations

import contextlib
import json
import re
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

from ...errors import BackupError
from ...media.base import Medium, Slot
from ...processes import pipeline, programs
from ...restic import names, repositories, words
from ...restic.listing import Listing
from ...restic.repositories import Repository
from ...restic.repository_places import Place
from ...restic.restic import Restic
from ...sources.restic import Files, FilesReader
from ...transforms import encrypt
from ..base import Copy
from .carrying import carry
from .pruning import prune


class SnapshotCopy(Copy, FilesReader):
    """A published copy of a file server, opened for verification or restore; use as a context manager."""

    def __enter__(self) -> "SnapshotCopy":
        super().__enter__()
        return self

    of_shared_folders = True
    snapshot = ""
    snapshots: Sequence[Mapping[str, Any]] = ()   # all of the repository, where restic was asked for them
    _row: Optional[Mapping[str, Any]] = None      # what restic told of the snapshot
    _opened = False
    _listing: Optional[Listing] = None            # the last list of its nodes, of the paths `_listed`
    _listed: Sequence[str] = ()

    def unlock(self) -> None:
        """Open the repository and find the snapshot. Raises password_needed; bytes_differ when one of the two is missing."""
        if self._row is None:
            self._open()
            self._row = self._found()

    def _open(self) -> None:
        """The repository, which is there; nothing is asked of restic yet. Raises password_needed, bytes_differ."""
        if self._opened:
            return
        password = self._password()
        if not password:
            raise BackupError("password_needed", label=self.slot.label, key_reference=self.manifest.get("key_reference") or "its repository")
        told = self.manifest["restic"]
        self.repository = Repository(repositories.on(self.medium, told["repository"]), password, reads=True)
        self.stack.enter_context(self.repository.restic)
        if not self.repository.look():
            raise BackupError("bytes_differ", file=self.repository.place.location, detail="the repository is missing")
        self.repository.unlock()
        self._opened = True

    def _found(self) -> Mapping[str, Any]:
        """The snapshot among those that restic lists."""
        self.snapshots = self.repository.snapshots()
        found = [row for row in self.snapshots if self._is_mine(row)]
        if not found:
            raise self._missing()
        self.snapshot = found[0]["id"]
        return found[0]

    def _is_mine(self, row: Mapping[str, Any]) -> bool:
        tags = row.get("tags") or ()
        return row["tree"] == self.manifest["restic"]["tree"] and self.slot.label in tags and names.PARTIAL_TAG not in tags

    def _missing(self) -> BackupError:
        return BackupError("bytes_differ", file=self.repository.place.location, detail="the snapshot of {0} is missing".format(self.slot.label))

    def verify_for_restore(self) -> None:
        """As `verify_bytes`, but where the manifest says which file is the snapshot, that file is read and compared with its name, and restic is first asked
        when it lists what is to come back: `nodes` refuses then what is not this copy's, before anything is written.
        """
        told = self.manifest["restic"]["media"].get(self.medium.name)
        self._open()
        if not (told and repositories.stands(self.repository.before, told["snapshot"])):
            return self.verify_bytes()
        super().verify_bytes()
        self.repository.place.prove(["snapshots/" + told["snapshot"]])
        self.snapshot = told["snapshot"]

    def row(self) -> Mapping[str, Any]:
        """What restic tells of the snapshot."""
        self.unlock()
        return self._found() if self._row is None else self._row

    def _password(self) -> str:
        """The institution's password, or the second one, which the private key of one of its holders opens."""
        if self.keys is None or self.keys.password or not self.keys.private_keys:
            return self.keys.password if self.keys else ""
        if not self.manifest["parts"]:
            raise BackupError("password_needed", label=self.slot.label, key_reference=self.manifest.get("key_reference") or "its repository")
        row = self.manifest["parts"][0]
        chunks: List[bytes] = []
        reading = self.medium.read(self.slot, row["file"])
        with programs.private_directory(programs.memory()) as home, encrypt.Gpg(self.keys, home) as gpg:
            try:
                pipeline.run([gpg.decryptor()], chunks.append, reader=reading.read, meter_after=-1)
            except BackupError as error:
                raise BackupError("password_wrong", file=row["file"]) from error
            finally:
                reading.close()
        return b"".join(chunks).decode().strip()

    def stream(self, name: str, stages: Sequence[pipeline.Stage] = (), feed: Optional[Callable[[bytes], Any]] = None) -> int:
        """There are no parts to stream: a source that asks for one was named by a manifest of another kind. Raises manifest_unreadable."""
        raise BackupError("manifest_unreadable", label=self.slot.label, location=self.medium.location(self.slot),
                          detail="its data are a snapshot in a repository, and no part named {0!r}".format(name))

    def restic(self) -> Restic:
        if not self.snapshot:
            self.unlock()
        return self.repository.restic

    def nodes(self, visit: Callable[[Dict[str, Any]], Any], paths: Sequence[str] = ()) -> None:
        """What was listed once is given again without asking restic. Raises bytes_differ when the snapshot is not this copy's."""
        if self._listing is not None and self._listed == tuple(paths) and self._listing.whole:
            for line in self._listing.lines():
                visit(json.loads(line))
            return
        if self._listing is not None:
            self._listing.close()
        self._listing, self._listed = Listing(), tuple(paths)
        self.stack.callback(self._listing.close)
        self.restic().nodes(self.snapshot, visit, paths, below=bool(paths), head=self._see_snapshot, kept=self._listing)
        if self._row is None:
            raise self._missing()
        self._listing.finish()

    def _see_snapshot(self, row: Mapping[str, Any]) -> None:
        """Compare what restic tells of the snapshot that it lists with what the copy is of."""
        if self._row is None:
            if row["id"] != self.snapshot or not self._is_mine(row):
                raise self._missing()
            self._row = row

    def verify_bytes(self) -> None:
        """T1: the files of the copy have their bytes, and so has the snapshot in the repository, which by its tree names all others.

        Without a password only the file of the snapshot is compared with its name.
        """
        super().verify_bytes()
        if self.keys is not None and (self.keys.password or self.keys.private_keys):
            self.unlock()
        else:
            place = repositories.on(self.medium, self.manifest["restic"]["repository"])
            self._stands(place, {})
            place.prove("snapshots/" + row["snapshot"] for name, row in self.manifest["restic"]["media"].items() if name == self.medium.name)

    def stands(self, listings: Dict[str, Dict[str, int]]) -> None:
        """Whether the snapshot is there, as far as can be told without a password: one that was carried here has another name, which the manifest lacks."""
        self._stands(repositories.on(self.medium, self.manifest["restic"]["repository"]), listings)

    def _stands(self, place: Place, listings: Dict[str, Dict[str, int]]) -> None:
        told = self.manifest["restic"]["media"].get(self.medium.name)
        if place.name not in listings:
            listings[place.name] = place.files()
        files = listings[place.name]
        if "config" not in files or (told and not repositories.stands(files, told["snapshot"])):
            raise BackupError("bytes_differ", file=place.location, detail="the snapshot of {0} is missing".format(self.slot.label))

    def prove_kept(self) -> None:
        self.verify_bytes()

    def prove_newest(self) -> None:
        """restic reads every tree and compares it with its name: that of this snapshot, found by its own, holds what was counted when it was made."""
        self.verify_bytes()
        self._check()

    def give_back(self, lock_timeout: int) -> None:
        # the system's lock was held since they were listed: nobody else adds or takes snapshots of this system
        prune(self.slot, self.medium, self.manifest, self.keys.password if self.keys else "", lock_timeout, self.snapshots)

    def stored(self, medium: Medium) -> Optional[int]:
        with contextlib.suppress(BackupError):
            return repositories.size_of(repositories.on(medium, self.manifest["restic"]["repository"]).files())
        return None

    def check_target(self, target: Medium) -> None:
        super().check_target(target)
        repositories.on(target, self.manifest["restic"]["repository"])

    def carry(self, target: Medium, lock_timeout: int = 0) -> str:
        return carry(self, target, lock_timeout)

    @classmethod
    def partial(cls, slot: Slot, medium: Medium, keys: encrypt.Keys, repository: str) -> "SnapshotCopy":
        return PartialCopy(slot, medium, keys, repository)

    def verify_structure(self, source: Any) -> List[str]:
        """T2: restic's own check finds the whole repository in order, with its `subsets` of the data read, and the snapshot lists what was counted."""
        self.verify_bytes()
        self._check()
        count = 0

        def visit(node: Mapping[str, Any]) -> None:
            nonlocal count
            count += node["type"] == "file"

        self.nodes(visit)
        expected = self.manifest["restic"]["total_files_processed"]
        if count != expected:
            raise BackupError("structure_unreadable", file=self.slot.label, format="restic snapshot",
                              detail="it lists {0} files, {1} were copied".format(count, expected))
        return ["sha256_readback", "restic_check", "restic_list", *(names.DATA_CHECK + subset for subset in self.subsets)]

    def _check(self) -> None:
        """restic's own check, with its `subsets` of the data read. Raises structure_unreadable, and the repository is in doubt from then on."""
        program = self.restic()
        self.repository.unlock()
        try:
            for subset in self.subsets or ("",):
                program.call(["check", "--quiet"] + (["--read-data-subset=" + subset] if subset else []))
        except BackupError as error:
            if not words.tells_damage(error):
                raise
            self.repository.place.doubt(_packs(error.details["detail"]))
            raise BackupError("structure_unreadable", file=self.repository.place.location, format="restic repository",
                              detail=error.details["detail"]) from error


class PartialCopy(SnapshotCopy):
    """What a partial run could read, opened on purpose: it has no copy, only a snapshot under its label and the tag `parcial`."""

    def __init__(self, slot: Slot, medium: Medium, keys: encrypt.Keys, name: str) -> None:
        super().__init__(slot, medium, keys)
        self.name = name      # of the repository

    def __enter__(self) -> "PartialCopy":
        if self.keys is None or not self.keys.password:
            raise BackupError("password_needed", label=self.slot.label, key_reference="its repository")
        self.repository = Repository(repositories.on(self.medium, self.name), self.keys.password, reads=True)
        try:
            self.stack.enter_context(self.repository.restic)
            if self.repository.look():
                self.repository.unlock()
            found = [row for row in self.repository.snapshots() if {self.slot.label, names.PARTIAL_TAG} <= set(row.get("tags") or ())]
            if not found:
                raise BackupError("copy_missing", label="{0} ({1})".format(self.slot.label, names.PARTIAL_TAG), location=self.repository.place.location)
        except BaseException:
            self.stack.close()
            raise
        self._row, self.snapshot, self._opened = found[0], found[0]["id"], True
        self.manifest = {
            "label": self.slot.label, "kind": self.slot.kind, "system": self.slot.system, "encrypted": True, "compression": "none", "parts": [],
            "started_at": found[0]["time"][:19] + "Z",
            "source": {"type": Files.type, "description": ", ".join(found[0]["paths"]), "facts": {"real_paths": found[0]["paths"]}},
            "restic": {"repository": self.name, "tree": found[0]["tree"], "media": {self.medium.name: {"snapshot": self.snapshot}}}}
        return self

    def verify_for_restore(self) -> None:
        self.verify_bytes()

    def verify_bytes(self) -> None:
        """There is no manifest to compare with; restic compares every file that comes back with its own hashes."""


def _packs(said: str) -> List[str]:
    """The data files that restic's words name; all of them count as doubtful when it names none."""
    return ["data/{0}/{1}".format(name[:2], name) for name in re.findall(r"\b[0-9a-f]{64}\b", said)]
