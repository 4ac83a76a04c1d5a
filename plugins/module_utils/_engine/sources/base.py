# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a source offers: parts of plain bytes, a check that reads each back, and the way home.

A new source is one new file here and one line in catalogue.py.
"""

from __future__ import annotations

import abc
import contextlib
import os
from typing import Any, Callable, ContextManager, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ..errors import BackupError
from ..filesystem import returning, scope
from ..processes.pipeline import Stage
from ..remarks import Remark


class Check:
    """Reads a part's plain bytes back (trust level T2). Stateful: one object a reading.

    The plain bytes go through `stages()` (none: straight here), what leaves them goes to `feed`, and `finish` judges.
    A stage that fails, or `finish` raising structure_unreadable, makes the copy not good.
    """

    method = ""      # recorded in the bitácora: what was done to verify

    def stages(self) -> List[Stage]:
        return []

    def feed(self, chunk: bytes) -> None:
        """Take a chunk of what left the last stage."""

    def finish(self) -> Optional[int]:
        """How many things (tables, files, refs) the part holds, where the check can count them."""
        return None


class Together(abc.ABC):
    """What some parts that follow each other have in common: they are made within `opened()`, some at a time where all media can."""

    jobs = 1

    @abc.abstractmethod
    def opened(self) -> ContextManager[None]:
        """What must hold while they are made."""


class Part(NamedTuple):
    """One stream of a copy; it becomes the file LABEL[.name].extension[.zst][.gpg]."""

    name: str                                   # "" for the only or main part; else globals, lfs, a database's name
    extension: str                              # dump, sql, tar, bundle
    format: str                                 # in words: "PostgreSQL custom archive"
    produce: Callable[[], ContextManager[List[Stage]]]   # the stages that write the plain bytes
    check: Callable[[], Check]                  # a fresh check, as Source.check_for gives it
    restore_command: str                        # stock command that takes the plain bytes on its standard input
    minimum: int = 1                            # bytes below which it can't be whole
    facts: Dict[str, Any] = {}                  # kept in the manifest; no secrets
    together: Optional[Together] = None         # the same object: made with those beside it


class PartReader(abc.ABC):
    """A copy opened for reading: gives a part's plain bytes, its hash checked on the way."""

    manifest: Dict[str, Any]
    several = False      # parts may be read at the same time, each by a thread of its own

    @abc.abstractmethod
    def stream(self, name: str, stages: Sequence[Stage] = (), feed: Optional[Callable[[bytes], Any]] = None) -> int:
        """Send the plain bytes of the part through `stages` and what leaves them to `feed`. Gives the plain size.

        Raises bytes_differ at the end when the file's hash is not the manifest's: whatever was done with the bytes
        must then be undone. Raises password_wrong, structure_unreadable or stage_failed as they happen.
        """

    def part(self, name: str) -> Dict[str, Any]:
        """The manifest's row of a part."""
        for row in self.manifest["parts"]:
            if row["name"] == name:
                return row
        raise BackupError("manifest_unreadable", label=self.manifest.get("label"), location="its manifest",
                          detail="it has no part named {0!r}".format(name))


class Source(abc.ABC):
    """Something to copy. Made from the options of the inventory's `source`; knows nothing of labels and media."""

    type = ""
    always_encrypted = False      # it holds what people wrote to each other: a copy in clear is refused
    unreadable: Mapping[str, Sequence[str]] = {}      # by database, what a copy was made without (goes_on_without)

    @abc.abstractmethod
    def describe(self) -> str:
        """What is copied, for people, without secrets."""

    @abc.abstractmethod
    def preflight(self) -> int:
        """Prove that the source can be read and its tools are there, before anything is written.

        Gives the expected plain size in bytes, 0 when it can't tell.
        """

    def prove_rights(self) -> None:
        """Prove, after preflight, that the account may read all that a copy reads, where only the copy itself would find that out. For a check.

        Raises source_unreachable.
        """

    @abc.abstractmethod
    def parts(self) -> List[Part]:
        """The parts, after preflight, in the order they are copied."""

    def explain(self, error: BackupError) -> BackupError:
        """A clearer error than the failed stage's own, where the source understands the tool's words."""
        return error

    def goes_on_without(self, error: BackupError) -> bool:
        """Whether the source leaves out, from now on, what made a copy fail with this explained error: each time something more, which it tells."""
        return False

    def facts(self) -> Dict[str, Any]:
        """More for the manifest (versions, encodings, refs), after the parts were copied. No secrets."""
        return {}

    def content_digest(self) -> str:
        """The identity of the content where the source has one; "" otherwise."""
        return ""

    def objects(self) -> Optional[int]:
        """How many things the copy holds, where the source counts them itself."""
        return None

    def lacks(self) -> int:
        """How many things the source has and the copy has not, where it may be made without them (on_missing: partial), after the parts were copied.

        A copy that lacks anything is partial: the bitácora never counts it as a good one, whatever is proved of what it holds.
        """
        return sum(map(len, self.unreadable.values()))

    def travelled(self) -> Dict[str, Any]:
        """How much of the copy came from its source this time, where an earlier one may have had the rest, after the parts were copied: fields of the entry."""
        return {}

    def warnings(self) -> List[Remark]:
        """What a person should know although the copy is good."""
        return []

    def holds(self, path: str) -> bool:
        """Whether a resolved path lies in what is copied; asked after preflight."""
        return False

    def remarks(self) -> List[Remark]:
        """What a rehearsal or a restore found that a person should know although the data is right."""
        return []

    of_shared_folders = False        # what it reads are folders of offices, whose files come back to assigned paths only

    @abc.abstractmethod
    def check_for(self, row: Dict[str, Any]) -> Check:
        """A fresh check for a part of an existing copy, given its row of the manifest."""

    @abc.abstractmethod
    def rehearse(self, reader: PartReader, scratch: str) -> List[str]:
        """Restore the copy into scratch, compare it with what was copied, remove it again (trust level T3).

        `scratch` is a private directory on this server. Gives the methods used. Raises restored_differs.
        """

    def compare(self, reader: PartReader, scratch: str) -> List[str]:
        """Compare the copy with the source as it is now (trust level T4), after `rehearse` and in the same scratch.

        Gives the methods by which they are equal; none when the source changed since or can't tell, which `remarks` explains.
        Raises source_differs for what differs and did not change by itself.
        """
        return []

    def look_beside(self, reader: PartReader, scratch: str) -> List[str]:
        """At T3, after `rehearse` and in the same scratch: what the copy's own list does not tell, compared with the source where that is still what was
        copied. It says nothing of the data: `remarks` gets what did not come back. Gives the methods by which all of it did.
        """
        return []

    def default_target(self, manifest: Mapping[str, Any]) -> str:
        """Where a copy comes back when no target is given. Raises invalid_input for a source that needs one."""
        raise BackupError("invalid_input", where="target", value="", problem="is missing", mend="Name the database or the path to restore into.")

    def choose(self, asked: Mapping[str, Any]) -> None:
        """Which of its things a restore brings, and as what, before it is asked for: of a mailbox (imap_asked.py). Others bring all. Raises invalid_input."""

    def check_target(self, target: str, overwrite: bool, label: str) -> None:
        """Refuse a target that `restore` would refuse, before the copy is read and in check mode. `label` is the copy's."""

    @abc.abstractmethod
    def restore(self, reader: PartReader, target: str, overwrite: bool) -> Dict[str, Any]:
        """Bring the copy back into `target` (a database, a path ...), verified before it is announced.

        Raises target_exists when there is data and `overwrite` is false, and restore_failed after undoing what was
        begun. Gives facts for the result: at least {"target": ..., "objects": ...}.
        """


def free_directory(target: str, overwrite: bool, label: str, assigned: Sequence[str]) -> Tuple[str, str]:
    """The real path of a directory to restore into, and the name that what stands there will be kept under ("" for nothing).

    Raises out_of_scope, assigned_path_changed, target_exists, invalid_input where its parent is missing and for a mount point.
    """
    real = scope.resolve(target, assigned)
    with scope.steady(target):
        occupied = os.path.lexists(real) and not (os.path.isdir(real) and not os.listdir(real))
        kept = returning.kept_beside(real, label) if occupied else ""
        if occupied and not overwrite:
            raise BackupError("target_exists", target=target)
        if kept and os.path.lexists(kept):
            raise BackupError("target_exists", target=kept)
        if os.path.ismount(real):
            raise BackupError("invalid_input", where="target", value=target, problem="is a mount point", mend="Restore into a directory below it.")
        if not os.path.isdir(os.path.dirname(real)):
            raise BackupError("invalid_input", where="target", value=target, problem="is below a directory that does not exist",
                              mend="Create {0} first, or name another target.".format(os.path.dirname(real)))
    return real, kept


@contextlib.contextmanager
def only(stages: List[Stage]) -> Iterator[List[Stage]]:
    """A `produce` that needs no cleaning up."""
    yield stages
