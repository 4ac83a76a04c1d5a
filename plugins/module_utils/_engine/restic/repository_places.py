# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the data of file servers lies: a restic repository on a medium, beside the copies that name its snapshots.

    <medium>/file_server/.restic.<NAME>/repositorio/     the repository, as restic makes it
    <medium>/file_server/.restic.<NAME>/.lock            one run at a time in it
    <medium>/file_server/.restic.<NAME>/probados         its files that were read back; for media elsewhere under /var/lib/respaldo/restic here
    <medium>/file_server/<SYSTEM>/<LABEL>/               a copy, as of any kind: manifest, SHA256SUMS, the second key

restic names each file by the SHA-256 of its bytes (its design document, "Repository Format"; only `config` is not), so a file is proved by
reading it back and comparing the sum with the name, without any password. What every place does, and a directory of this server; on media of other
servers: far_repositories.py, in a container: azure_repository.py.
"""

from __future__ import annotations

import abc
import contextlib
import errno
import hashlib
import hmac
import os
import re
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Set, Tuple

from ..errors import BackupError
from ..filesystem import descriptors, living, scope
from ..media.base import Medium, Slot
from ..media.local import Local
from ..remarks import Remark
from .restic import Access, Restic

KIND = "file_server"
DIRECTORY = "repositorio"
CACHE = "/var/cache/respaldo/restic"     # of repositories that are not on this server
STATE = "/var/lib/respaldo/restic"
_DOUBT = "!"
_OF_DATA = ("data/", "index/")
_LEFT_BEHIND = 86400       # seconds; no write of one file takes as long
# restic's own names of what it is writing, in a directory and by sftp
_HALF_WRITTEN = re.compile(r"(?:\A|/)(?:[0-9a-f]{64}|config)-(?:tmp|restic-temp)-[0-9a-f]+\Z")
CONTENT_NAMED = re.compile(r"(?:data/[0-9a-f]{2}|index|keys|snapshots)/([0-9a-f]{64})\Z")


class Place(abc.ABC):
    """A repository on one medium.

    `append_only`: nothing can be removed there by this server, so what is superfluous waits for the controller.
    """

    append_only = False

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

    def unlocked_with(self, password: str) -> None:
        """The password is known: what the ledger says is believed from now on only where it was written by somebody who knows it."""

    def signed_anew(self, former: str, new: str) -> None:
        """What the ledger says, by the former password of the repository, it says by the new one from now on."""

    def _line(self, name: str) -> str:
        """How the ledger says that a file was proved."""
        return name

    def _name(self, line: str) -> str:
        """The file that a line of the ledger speaks of; "" when it is not believed."""
        return line

    @property
    @abc.abstractmethod
    def ledger(self) -> str:
        """The file, on this server, that lists the files of the repository that were proved. One that is lost costs a whole reading, no truth."""

    @abc.abstractmethod
    def digests(self, names: Iterable[str]) -> Dict[str, str]:
        """The SHA-256 of files, read from the medium and not from a cache where that can be had. A file that is gone has none."""

    def cleared(self, files: Mapping[str, int]) -> Mapping[str, int]:
        """The files without those that no run proved and that are not whole, which a connection that is cut leaves where nothing can be written twice."""
        return files

    def remarks(self) -> List[Remark]:
        """What a person should know of the files that were listed last."""
        return []

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
        return sorted(name for name in self._proved().difference(files) if name == _DOUBT or name.startswith(_OF_DATA))

    def disbelieved(self, files: Mapping[str, int]) -> bool:
        """The ledger of a repository that has data is lost, or an earlier version wrote into it, or somebody who does not know the password: it can't tell
        what is gone."""
        names = list(map(self._name, self._lines()))
        return "" in names or (not names and any(name.startswith(_OF_DATA) for name in files))

    def settle(self, files: Mapping[str, int]) -> None:
        """What is gone from the files was rightly removed: the ledger forgets it."""
        proved = self._proved()
        if proved.difference(files):
            self._note([], sorted(proved.intersection(files)))

    def _lines(self) -> List[str]:
        try:
            with os.fdopen(descriptors.regular(self.ledger), encoding="utf-8", errors="replace") as file:
                return [line for line in file.read().split("\n") if line]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise BackupError("medium_unreachable", location=self.ledger, detail=str(error)) from error

    def _proved(self) -> Set[str]:
        return set(map(self._name, self._lines())) - {""}

    def _note(self, names: Sequence[str], kept: Optional[Sequence[str]] = None) -> None:
        """Add names to the ledger; with `kept` it is written anew, of these and the names."""
        path = self.ledger if kept is None else self.ledger + ".new"
        try:
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            # it may lie on the medium, where others write: a link in its place is not followed
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
                file.write("".join(self._line(name) + "\n" for name in [*(kept or ()), *names]))
                file.flush()
                os.fsync(descriptor)
            if kept is not None:
                os.rename(path, self.ledger)
        except OSError as error:
            name = "medium_full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "medium_unwritable"
            raise BackupError(name, location=self.ledger, detail=str(error)) from error

    def prove(self, names: Iterable[str]) -> int:
        """Read files back and compare each with its name. Gives how many. Raises bytes_differ."""
        expected = {name: found.group(1) for name, found in ((name, CONTENT_NAMED.match(name)) for name in names) if found}
        read = self.digests(sorted(expected))
        for name, digest in sorted(expected.items()):
            if read.get(name) != digest:
                detail = "the file is missing" if name not in read else "its SHA-256 is {0}, which its name should be".format(read[name])
                raise BackupError("bytes_differ", file="{0}/{1}".format(self.location, name), detail=detail)
        return len(expected)


class LocalPlace(Place):
    """In a directory of this server, or of a share that others write to: its ledger lies there too, so that each line is signed by the password."""

    medium: Local
    _ledger_key = b""

    def unlocked_with(self, password: str) -> None:
        words = "\n".join(["perucompras.respaldo, ledger", self.medium.name, self.name])
        self._ledger_key = hmac.new(password.encode(), words.encode(), hashlib.sha256).digest()

    def signed_anew(self, former: str, new: str) -> None:
        self.unlocked_with(former)
        names = list(map(self._name, self._lines()))
        self.unlocked_with(new)
        # where one line is not believed the whole is read anew by the next copy, as it was to be
        if names and "" not in names:
            self._note([], sorted(set(names)))

    def _line(self, name: str) -> str:
        return "{0} {1}".format(name, self._signature(name)) if self._ledger_key else name

    def _name(self, line: str) -> str:
        if not self._ledger_key:
            return line
        name, _space, signature = line.rpartition(" ")
        return name if hmac.compare_digest(signature.encode(), self._signature(name).encode()) else ""

    def _signature(self, name: str) -> str:
        return hmac.new(self._ledger_key, name.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:32]

    @property
    def path(self) -> str:
        return os.path.join(self.medium.path, self.slot.kind, self.slot.system, DIRECTORY)

    @property
    def ledger(self) -> str:
        return os.path.join(os.path.dirname(self.path), "probados")

    def access(self) -> Access:
        return Access(self.path)

    def files(self) -> Dict[str, int]:
        # before restic, which follows names, is let in: a link in place of the repository's directory is refused
        with self.medium.looked_at(self.slot) as shelf:
            return self.below(self.path) if shelf is not None else {}

    @staticmethod
    def below(path: str) -> Dict[str, int]:
        """Every file below a directory, by its path from there, with its size."""
        found: Dict[str, int] = {}
        try:
            held = descriptors.top(scope.followed(os.path.dirname(path)) + "/" + os.path.basename(path))
        except FileNotFoundError:
            return found
        except OSError as error:
            raise BackupError("medium_unreachable", location=path, detail=str(error)) from error
        try:
            for entry in living.scan(held):
                if not stat.S_ISDIR(entry.status.st_mode):
                    found[entry.path] = entry.status.st_size
        except OSError as error:
            raise BackupError("medium_unreachable", location=path, detail=str(error)) from error
        finally:
            os.close(held)
        return found

    def sweep(self) -> None:
        for name in self.files():
            if _HALF_WRITTEN.search(name):
                with contextlib.suppress(OSError), self._beside(name) as held:      # one that can't be removed costs its space and no truth
                    if time.time() - os.stat(os.path.basename(name), dir_fd=held, follow_symlinks=False).st_mtime > _LEFT_BEHIND:
                        os.unlink(os.path.basename(name), dir_fd=held)

    @contextlib.contextmanager
    def _beside(self, name: str) -> Iterator[int]:
        """The directory that holds a file of the repository, no link followed in it. Raises OSError."""
        held = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            inner = descriptors.below(held, os.path.dirname(name))
        finally:
            os.close(held)
        try:
            yield inner
        finally:
            os.close(inner)

    def digests(self, names: Iterable[str]) -> Dict[str, str]:
        with ThreadPoolExecutor(2) as pool:
            rows = list(pool.map(self._digest, names))
        return {name: digest for name, digest in rows if digest}

    def _digest(self, name: str) -> Tuple[str, str]:
        digest = hashlib.sha256()
        try:
            with self._beside(name) as held:
                descriptor = descriptors.regular(os.path.basename(name), held)
        except FileNotFoundError:
            return name, ""
        except descriptors.NotRegular as error:
            raise BackupError("bytes_differ", file=os.path.join(self.path, name), detail="it is no regular file") from error
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
