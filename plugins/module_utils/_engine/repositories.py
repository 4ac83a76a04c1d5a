# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the data of file servers lies: a restic repository on a medium, beside the copies that name its snapshots.

    <medium>/file_server/.restic.<NAME>/repositorio/     the repository, as restic makes it
    <medium>/file_server/.restic.<NAME>/.lock            one run at a time in it
    <medium>/file_server/.restic.<NAME>/probados         its files that were read back; for media elsewhere under /var/lib/respaldo/restic here
    <medium>/file_server/<SYSTEM>/<LABEL>/               a copy, as of any kind: manifest, SHA256SUMS, the second key

restic names each file by the SHA-256 of its bytes (its design document, "Repository Format"; only `config` is not), so a file is proved by
reading it back and comparing the sum with the name, without any password.
"""

from __future__ import annotations

import abc
import contextlib
import errno
import hashlib
import os
import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Set, Tuple

from . import scope
from .errors import BackupError
from .media.base import Medium, Slot
from .media.local import Local
from .media.ssh import Ssh
from .restic import Access, Restic

KIND = "file_server"
DIRECTORY = "repositorio"
CACHE = "/var/cache/respaldo/restic"     # of repositories that are not on this server
STATE = "/var/lib/respaldo/restic"
_DOUBT = "!"
_LEFT_BEHIND = 86400       # seconds; no write of one file takes as long
# restic's own names of what it is writing, in a directory and by sftp
_HALF_WRITTEN = re.compile(r"(?:\A|/)(?:[0-9a-f]{64}|config)-(?:tmp|restic-temp)-[0-9a-f]+\Z")
_CONTENT_NAMED = re.compile(r"(?:data/[0-9a-f]{2}|index|keys|snapshots)/([0-9a-f]{64})\Z")


class Place(abc.ABC):
    """A repository on one medium."""

    def __init__(self, medium: Medium, name: str) -> None:
        self.medium = medium
        self.name = name
        self.slot = Slot(KIND, ".restic." + name, DIRECTORY)

    @property
    def location(self) -> str:
        """As people read it."""
        return self.medium.location(self.slot)

    @property
    def shelf(self) -> Medium:
        """The medium, as it is looked at: what may only deposit a copy can't list those that lie there."""
        return self.medium

    @abc.abstractmethod
    def access(self) -> Access:
        """How restic reaches it."""

    @abc.abstractmethod
    def files(self) -> Dict[str, int]:
        """Every file below it with its size; none when it is not there."""

    def begin(self, program: Restic, password: str, arguments: Sequence[str], origin: Optional[Restic]) -> None:
        """Make the repository by `restic init`."""
        program.call(arguments, origin=origin)

    @property
    @abc.abstractmethod
    def ledger(self) -> str:
        """The file, on this server, that lists the files of the repository that were proved. One that is lost costs a whole reading, no truth."""

    @abc.abstractmethod
    def digests(self, names: Iterable[str]) -> Dict[str, str]:
        """The SHA-256 of files, read from the medium and not from a cache where that can be had. A file that is gone has none."""

    def sweep(self) -> None:
        """Remove what a restic that was killed left half written more than a day ago. It never bore a name that counts; nobody else removes it."""

    def prove_new(self, files: Mapping[str, int]) -> int:
        """Prove those of the files that no run proved yet, also what a run left that failed or was killed. Gives how many. Raises bytes_differ."""
        proved = self._proved()
        fresh = [name for name in files if name not in proved]
        count = self.prove(fresh)
        if fresh:
            self._note(fresh)
        return count

    def doubt(self, names: Iterable[str] = ()) -> None:
        """A verification found damage: the files named count as proved no more. When it named none, restic must find all in order before another copy."""
        proved = self._proved()
        named = proved.intersection(names)
        self._note([] if named else [_DOUBT], sorted(proved - named))

    def lost(self, files: Mapping[str, int]) -> List[str]:
        """What was proved once and is not among the files any more, or the mark of a doubt: restic must say whether all is in order."""
        return sorted(name for name in self._proved().difference(files) if name == _DOUBT or name.startswith(("data/", "index/")))

    def settle(self, files: Mapping[str, int]) -> None:
        """What is gone from the files was rightly removed: the ledger forgets it."""
        proved = self._proved()
        if proved.difference(files):
            self._note([], sorted(proved.intersection(files)))

    def _proved(self) -> Set[str]:
        try:
            with open(self.ledger, encoding="utf-8", errors="replace") as file:
                return set(file.read().split("\n")) - {""}
        except FileNotFoundError:
            return set()
        except OSError as error:
            raise BackupError("medium_unreachable", location=self.ledger, detail=str(error)) from error

    def _note(self, names: Sequence[str], kept: Optional[Sequence[str]] = None) -> None:
        """Add names to the ledger; with `kept` it is written anew, of these and the names."""
        path = self.ledger if kept is None else self.ledger + ".new"
        try:
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
                file.write("".join(name + "\n" for name in [*(kept or ()), *names]))
                file.flush()
                os.fsync(descriptor)
            if kept is not None:
                os.rename(path, self.ledger)
        except OSError as error:
            name = "medium_full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "medium_unwritable"
            raise BackupError(name, location=self.ledger, detail=str(error)) from error

    def prove(self, names: Iterable[str]) -> int:
        """Read files back and compare each with its name. Gives how many. Raises bytes_differ."""
        expected = {name: found.group(1) for name, found in ((name, _CONTENT_NAMED.match(name)) for name in names) if found}
        read = self.digests(sorted(expected))
        for name, digest in sorted(expected.items()):
            if read.get(name) != digest:
                detail = "the file is missing" if name not in read else "its SHA-256 is {0}, which its name should be".format(read[name])
                raise BackupError("bytes_differ", file="{0}/{1}".format(self.location, name), detail=detail)
        return len(expected)


class LocalPlace(Place):
    """In a directory of this server."""

    medium: Local

    @property
    def path(self) -> str:
        return os.path.join(self.medium.path, self.slot.kind, self.slot.system, DIRECTORY)

    @property
    def ledger(self) -> str:
        return os.path.join(os.path.dirname(self.path), "probados")

    def access(self) -> Access:
        return Access(self.path)

    def files(self) -> Dict[str, int]:
        return self.below(self.path)

    @staticmethod
    def below(path: str) -> Dict[str, int]:
        """Every file below a directory, by its path from there, with its size."""
        found: Dict[str, int] = {}
        try:
            _walk(path, "", found)
        except OSError as error:
            raise BackupError("medium_unreachable", location=path, detail=str(error)) from error
        return found

    def sweep(self) -> None:
        for name in self.files():
            if _HALF_WRITTEN.search(name):
                path = os.path.join(self.path, name)
                with contextlib.suppress(OSError):      # one that can't be removed costs its space and no truth
                    if time.time() - os.lstat(path).st_mtime > _LEFT_BEHIND:
                        os.unlink(path)

    def digests(self, names: Iterable[str]) -> Dict[str, str]:
        with ThreadPoolExecutor(2) as pool:
            rows = list(pool.map(self._digest, names))
        return {name: digest for name, digest in rows if digest}

    def _digest(self, name: str) -> Tuple[str, str]:
        digest = hashlib.sha256()
        try:
            descriptor = os.open(os.path.join(self.path, name), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return name, ""
        except OSError as error:
            raise BackupError("medium_unreachable", location=self.path, detail=str(error)) from error
        try:
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            for chunk in iter(lambda: os.read(descriptor, 1 << 20), b""):
                digest.update(chunk)
        except OSError as error:
            raise BackupError("bytes_differ", file=os.path.join(self.path, name), detail=str(error)) from error
        finally:
            os.close(descriptor)
        return name, digest.hexdigest()


def _walk(top: str, below: str, found: Dict[str, int]) -> None:
    try:
        entries = os.scandir(os.path.join(top, below))
    except FileNotFoundError:
        return
    with entries:
        for entry in entries:
            name = below + "/" + entry.name if below else entry.name
            if entry.is_dir(follow_symlinks=False):
                _walk(top, name, found)
            else:
                try:
                    found[name] = entry.stat(follow_symlinks=False).st_size
                except FileNotFoundError:
                    continue     # a temporary file of restic


_FILES = """
[ -d "$1" ] || exit 0
cd -- "$1" && find . -type f -printf '%s %P\\0'
"""

_SWEEP = """
[ -d "$1" ] || exit 0
cd -- "$1" && find . -regextype posix-extended -type f -regex '(.*/)?([0-9a-f]{64}|config)-(tmp|restic-temp)-[0-9a-f]+' -mtime +0 -exec rm -f -- {} +
"""

_DIGESTS = """
cd -- "$1" || exit 1
while IFS= read -r name; do
  [ -f "$name" ] || { printf -- '-  %s\\n' "$name"; continue; }
  dd "if=$name" iflag=nocache count=0 2>/dev/null
  sha256sum -- "$name" || exit 1
done
"""


class SshPlace(Place):
    """In a directory of another server: restic goes there by sftp, over the same ssh as the medium."""

    medium: Ssh

    @property
    def path(self) -> str:
        return "/".join([self.medium.path.rstrip("/"), self.slot.kind, self.slot.system, DIRECTORY])

    @property
    def ledger(self) -> str:
        return os.path.join(STATE, hashlib.sha256(self.location.encode()).hexdigest() + ".probados")

    def access(self) -> Access:
        return Access("sftp:{0}:{1}".format("medio", self.path), ("sftp.command=" + self.medium.subsystem("sftp"),), cache=CACHE)

    def files(self) -> Dict[str, int]:
        session = self.medium.open(_FILES, self.path)
        listing = session.rest()
        status, errors = session.end()
        if status != 0:
            raise self.medium.unreachable(errors)
        rows = [row.partition(" ") for row in listing.decode("utf-8", "surrogateescape").split("\0") if row]
        return {name: int(size) for size, _space, name in rows}

    def sweep(self) -> None:
        session = self.medium.open(_SWEEP, self.path)
        session.rest()
        status, errors = session.end()
        if status != 0:
            raise self.medium.unreachable(errors)

    def digests(self, names: Iterable[str]) -> Dict[str, str]:
        session = self.medium.open(_DIGESTS, self.path, feeds=True)
        found: Dict[str, str] = {}
        for name in names:
            session.write(name.encode() + b"\n")
            digest, _spaces, answered = session.line().partition("  ")
            if answered != name:
                break
            if digest != "-":
                found[name] = digest
        status, errors = session.end()
        if status != 0:
            raise self.medium.unreachable(errors)
        return found


def on(medium: Medium, name: str) -> Place:
    """The repository of that name on a medium. Raises kind_not_on_medium."""
    if isinstance(medium, Local):
        return LocalPlace(medium, name)
    if isinstance(medium, Ssh):
        return SshPlace(medium, name)
    from .azure_repository import place_on  # copies on other media need none of the network's modules

    return place_on(medium, name)


def fresh(before: Mapping[str, int], after: Mapping[str, int]) -> List[str]:
    """The files that came since."""
    return sorted(name for name in after if name not in before and not name.startswith("locks/"))


def stands(files: Mapping[str, int], snapshot: str) -> bool:
    """Whether a repository with these files has a snapshot."""
    return "snapshots/" + snapshot in files


class Repository:
    """A repository on one medium, opened with the institution's password."""

    def __init__(self, place: Place, password: str, patience: int = 0) -> None:
        self.place = place
        self.password = password
        self.restic = Restic(place.access(), password, patience=patience)
        self.before: Dict[str, int] = {}
        self.added = 0      # bytes that came since it was looked at first

    def look(self) -> bool:
        """List its files. Whether it is there."""
        self.before = self.place.files()
        return "config" in self.before

    def begin(self, origin: Optional[Restic]) -> None:
        """Make it. With `origin` it cuts files where that repository does, so that what is brought from there is stored once."""
        self.place.begin(self.restic, self.password, ["init", "--repository-version", "2"] + (["--copy-chunker-params"] if origin else []), origin)

    def unlock(self) -> None:
        """Remove the locks of dead runs, by restic's own rule; never those of living ones."""
        if any(name.startswith("locks/") for name in self.before) and not self.restic.access.reads_only:
            self.restic.call(["unlock"])

    def prove(self) -> None:
        """Read back every file that no run has proved."""
        after = self.place.files()
        self.added += sum(after[name] for name in fresh(self.before, after))
        self.before = after
        self.place.prove_new({name: size for name, size in after.items() if not name.startswith("locks/")})

    def snapshots(self) -> List[Dict[str, Any]]:
        return list(self.restic.answer("snapshots") or [])

    def forget(self, ids: Sequence[str]) -> None:
        if ids:
            self.restic.call(["forget", "--quiet", *ids])

    def undo(self, snapshot: str) -> None:
        """Forget a snapshot that became no copy, and drop the files that only it used: one of them may be damaged."""
        self.forget([snapshot])
        self.restic.call(["prune", "--quiet", "--max-unused", "unlimited"])
        self.place.settle(self.place.files())

    def reassure(self) -> None:
        """Where a file that was proved is gone, or a verification doubted, restic must find everything in order. Raises structure_unreadable."""
        lost = self.place.lost(self.before)
        if not lost:
            return
        try:
            self.restic.call(["check", "--quiet"])
        except BackupError as error:
            if error.fault.name not in ("repository_damaged", "stage_failed"):
                raise
            raise BackupError("structure_unreadable", file=self.place.location, format="restic repository",
                              detail="{0} (missing: {1})".format(error.details["detail"], scope.some(lost))) from error
        self.place.settle(self.before)
