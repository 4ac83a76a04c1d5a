# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the parts of a git copy are read back: the list of refs, the bundle by cloning it, the LFS objects by their hashes."""

from __future__ import annotations

import os
from typing import Any, Dict, List, Optional

from ..errors import BackupError
from ..processes import programs
from ..processes.pipeline import Stage
from . import git_document, git_tool
from .base import Check


class RefsCheck(Check):
    """The list of refs is readable and is the one that was taken."""

    method = "git_refs"

    def __init__(self, row: Dict[str, Any]) -> None:
        self.row = row
        self.text = b""

    def feed(self, chunk: bytes) -> None:
        self.text += chunk

    def finish(self) -> Optional[int]:
        try:
            refs = git_document.parse(self.text)[1]
        except (ValueError, KeyError, TypeError) as error:
            raise _unreadable(self.row, str(error)) from error
        if refs.digest() != self.row["facts"]["digest"]:
            raise _unreadable(self.row, "it lists other refs than were copied")
        return len(refs.oids)


class BundleCheck(Check):
    """The bundle is cloned, every object is hashed and reachable, every ref is the one that was taken."""

    method = "git_clone_fsck"

    def __init__(self, row: Dict[str, Any], work_dir: str = "") -> None:
        self.row = row
        self.git = git_tool.Tool(work_dir)
        self.path = self.git.workspace.file("copy.bundle")
        self.file = open(self.path, "wb")

    def feed(self, chunk: bytes) -> None:
        self.file.write(chunk)

    def finish(self) -> Optional[int]:
        self.file.close()
        facts = self.row["facts"]
        try:
            refs = git_tool.clone(self.git, self.path, self.git.workspace.file("clone.git"), facts["branch"])
        except BackupError as error:
            raise _unreadable(self.row, error.message) from error
        finally:
            self.git.workspace.close()
        if refs.digest() != facts["digest"]:
            raise _unreadable(self.row, "its refs are not those that were taken")
        return None


class LfsCheck(Check):
    """Each LFS object in the archive has the SHA-256 it is named by."""

    method = "lfs_sha256"

    def __init__(self, row: Dict[str, Any]) -> None:
        self.row = row
        self.lines = b""

    def stages(self) -> List[Stage]:
        # tar hands each member to a shell; the command is a constant and the name comes quoted from the environment
        command = "--to-command=printf '%s ' \"$TAR_FILENAME\"; exec sha256sum"
        return [Stage("tar --to-command", [programs.find("tar", "tar"), "--extract", "--file=-", command])]

    def feed(self, chunk: bytes) -> None:
        self.lines += chunk

    def finish(self) -> Optional[int]:
        rows = [line.split() for line in self.lines.decode("utf-8", "replace").splitlines()]
        for row in rows:
            if os.path.basename(row[0]) != row[1]:
                raise _unreadable(self.row, "the LFS object {0} has other bytes".format(row[0]))
        if len(rows) != self.row["facts"]["objects"]:
            raise _unreadable(self.row, "{0} LFS objects, not {1}".format(len(rows), self.row["facts"]["objects"]))
        return None


def _unreadable(row: Dict[str, Any], detail: str) -> BackupError:
    return BackupError("structure_unreadable", file=row["file"], format=row["format"], detail=detail)
