# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way home of a git copy: the repository is built from its bundle, compared with its list of refs, and its working tree checked out.

A copy is data: of its settings only those come back that would have been copied, and none of it is run. No filter of a copy can be in force, since a filter
is a setting. As root the working tree is checked out by the account that owned it, where that is possible, so that even a fault in git's or git-lfs' way of
writing files gives nobody more than the owner has.
"""

from __future__ import annotations

import grp
import os
import pwd
import re
import shutil
import stat
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

from ..errors import BackupError
from ..filesystem import descriptors
from ..processes import as_account, programs
from ..processes.pipeline import Stage, run
from ..remarks import Remark
from . import git_document, git_tool
from .base import Check, PartReader

_LFS_OBJECT = re.compile(r"([0-9a-f]{2})/([0-9a-f]{2})/\1\2[0-9a-f]{60}\Z")
_DOCUMENT = 1 << 30       # bytes: refs.json of some five million refs
_MESSAGE = 200            # characters of a stash's message
_REACH = 30.0             # seconds to see whether an account can enter a directory


class Owner(NamedTuple):
    """Who gets what is restored, and the account that checks the working tree out: None for the one that runs this."""

    uid: int
    gid: int
    account: Optional[programs.Account]


def read_document(reader: PartReader) -> Tuple[Dict[str, Any], git_tool.Refs]:
    """The list of refs of a copy. Raises copy_odd when it is not what ours are."""
    text = bytearray()

    def take(chunk: bytes) -> None:
        text.extend(chunk)
        if len(text) > _DOCUMENT:
            raise BackupError("copy_odd", label=reader.manifest["label"], detail="its list of refs is larger than any")

    reader.stream("refs", (), take)
    try:
        return git_document.parse(bytes(text))
    except ValueError as error:
        raise BackupError("copy_odd", label=reader.manifest["label"], detail="its list of refs: {0}".format(error)) from error


def has(reader: PartReader, name: str) -> bool:
    return any(row["name"] == name for row in reader.manifest["parts"])


class Homecoming:
    """Builds the repository of one copy in a directory of ours, where nobody else may rename anything."""

    def __init__(self, reader: PartReader, git: git_tool.Tool, check_for: Callable[[Dict[str, Any]], Check], remarks: List[Remark]) -> None:
        self.reader, self.git, self.check_for, self.remarks = reader, git, check_for, remarks
        self.label = reader.manifest["label"]
        self.document, self.refs = read_document(reader)

    def repository(self, directory: str, bundle: str) -> None:
        """The git directory, in `directory`, which must not exist; `bundle` is a name for scratch beside it. Raises restored_differs, copy_odd."""
        document, refs, git = self.document, self.refs, self.git
        inside = self._inside(directory)
        if not document["bare"]:
            os.mkdir(directory, 0o755)
        if has(self.reader, ""):
            descriptor = os.open(bundle, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                self.reader.stream("", (), file.write)
            back = git_tool.clone(git, bundle, inside, refs.branch)
            os.unlink(bundle)
            git.text("git config", "--git-dir=" + inside, "config", "--remove-section", "remote.origin")
        else:
            git.repository(inside, document["object_format"], refs)
            back = refs
        if back != refs:
            wrong = sorted(name for name in set(back.oids) ^ set(refs.oids))
            raise BackupError("restored_differs", label=self.label, detail="other refs: " + (", ".join(wrong[:10]) or "HEAD"))
        if has(self.reader, "lfs"):
            self._lfs(os.path.join(inside, "lfs", "objects"))
        self._settings(inside)

    def _inside(self, directory: str) -> str:
        return directory if self.document["bare"] else os.path.join(directory, ".git")

    def _lfs(self, store: str) -> None:
        check = self.check_for(self.reader.part("lfs"))
        self.reader.stream("lfs", check.stages(), check.feed)
        check.finish()
        os.makedirs(store, 0o755)
        tar = Stage("tar --extract", [programs.find("tar", "tar"), "--extract", "--file=-", "--no-same-owner", "--no-same-permissions",
                                      "--directory=" + store])
        self.reader.stream("lfs", [tar])
        held = descriptors.top(store)
        try:
            for entry in descriptors.walk(held):
                mode = entry.status.st_mode
                if not stat.S_ISDIR(mode) and not (stat.S_ISREG(mode) and _LFS_OBJECT.match(entry.path)):
                    raise BackupError("copy_odd", label=self.label, detail="among its LFS objects is {0!r}".format(entry.path[:200]))
        finally:
            os.close(held)

    def _settings(self, inside: str) -> None:
        try:
            good, bad = git_document.settings(self.document)
        except ValueError as error:
            raise BackupError("copy_odd", label=self.label, detail=str(error)) from error
        if bad:
            self.remarks.append(Remark("git_settings", count=len(bad), settings=bad[:10]))
        for key, value in good:
            self.git.text("git config", "--git-dir=" + inside, "config", "--add", key, value)
        for name, to in self.document["symrefs"].items():
            self.git.text("git symbolic-ref", "--git-dir=" + inside, "symbolic-ref", name, to)
        if not self.document["bare"]:
            self.git.text("git config", "--git-dir=" + inside, "config", "core.bare", "false")

    def working_tree(self, directory: str, owner: Optional[Owner] = None, filled: bool = True) -> None:
        """Check the working tree out, with its LFS objects when `filled`. What git can't write, such as a name too long for this disk, is remarked."""
        if self.document["bare"]:
            return
        inside, account = self._inside(directory), owner.account if owner else None
        git = self.git.as_account(account) if account else self.git
        if self.refs.head:
            self._room(inside, directory)
            try:
                git.text("git reset", "--git-dir=" + inside, "--work-tree=" + directory, "reset", "--quiet", "--hard", directory=directory)
            except BackupError as error:
                if error.fault.name != "stage_failed" or not re.search("File name too long|[Ii]nvalid path|unable to create file", error.details["detail"]):
                    raise
                self.remarks.append(Remark("git_tree", detail=error.details["detail"][-500:]))
                return
        if "refs/stash" in self.refs.oids:
            self._list_stash(git, inside, directory, self.refs.oids["refs/stash"])
        if filled and self.document["lfs"]["copied"] and shutil.which("git-lfs", path=git.environment["PATH"]):
            git.text("git lfs install", "lfs", "install", "--local", "--skip-repo", directory=directory)
            if self.refs.head:
                git.text("git lfs checkout", "lfs", "checkout", directory=directory)

    def _room(self, inside: str, directory: str) -> None:
        """A tree may name one blob a milliard times: what it takes is counted before it is written. Raises medium_full."""
        free = os.statvfs(directory)
        room, names = free.f_bavail * free.f_frsize, free.f_favail or 1 << 40
        rest = b""

        def count(chunk: bytes) -> None:
            nonlocal room, names, rest
            rows = (rest + chunk).split(b"\0")
            rest = rows.pop()
            names -= len(rows)
            for row in rows:
                size = row.partition(b"\t")[0].split()[-1]
                room -= int(size) if size.isdigit() else 0
            if room < 0 or names < 0:
                raise BackupError("medium_full", location=os.path.dirname(directory), detail="the working tree takes more than is free")

        run([self.git.stage("git ls-tree", "--git-dir=" + inside, "ls-tree", "-r", "-l", "-z", "--full-tree", self.refs.head)], count)

    @staticmethod
    def _list_stash(git: git_tool.Tool, inside: str, directory: str, stash: str) -> None:
        """Make `git stash list` show the stash again: it reads the log of the ref, which no bundle holds."""
        repository = ("--git-dir=" + inside, "--work-tree=" + directory)
        message = git.text("git log", *repository, "log", "-1", "--format=%s", stash, directory=directory).strip()
        git.text("git update-ref", *repository, "update-ref", "-d", "refs/stash", directory=directory)
        git.text("git stash store", *repository, "stash", "store", "--message=" + message[:_MESSAGE], stash, directory=directory,
                 variables={"GIT_COMMITTER_NAME": "respaldo", "GIT_COMMITTER_EMAIL": "respaldo@localhost"})


def owner_of(document: Dict[str, Any], directory: str) -> Optional[Owner]:
    """As root: the account that owned the repository, when that is still here. It checks out itself when it has the group and can reach the directory.

    Without the group it could not give files to it, and who lent it for the purpose would lend it for good.
    """
    if os.geteuid() != 0 or not document["owner"]:
        return None
    try:
        entry, gid = pwd.getpwnam(document["owner"]), grp.getgrnam(document["group"]).gr_gid
    except KeyError:
        return None
    account = programs.account(entry.pw_name)
    if entry.pw_uid == 0 or gid not in account.groups:
        return Owner(entry.pw_uid, gid, None)
    account = account._replace(gid=gid)
    try:
        as_account.call(account, lambda: os.chdir(directory), _REACH, "chdir", document["owner"])
    except BackupError:
        return Owner(entry.pw_uid, gid, None)
    return Owner(entry.pw_uid, gid, account)


def give(directory: str, owner: Owner, inherits: bool) -> None:
    """Give a tree to its owner, in a directory that nobody else can enter yet. `inherits`: directories get the set-group bit."""
    held = descriptors.top(directory)
    try:
        for entry in descriptors.walk(held):
            os.chown(entry.name, owner.uid, owner.gid, dir_fd=entry.held, follow_symlinks=False)
            if inherits and stat.S_ISDIR(entry.status.st_mode):
                inner = descriptors.below(entry.held, entry.name)
                os.fchmod(inner, stat.S_IMODE(entry.status.st_mode) | stat.S_ISGID)
                os.close(inner)
        mode = stat.S_IMODE(os.fstat(held).st_mode)
        descriptors.give(held, owner.uid, owner.gid, mode | stat.S_ISGID if inherits else mode)
    finally:
        os.close(held)
