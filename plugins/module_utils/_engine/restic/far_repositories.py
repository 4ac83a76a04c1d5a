# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Repositories on media of other servers: by sftp where the key opens a shell, by the gate where servers may only add."""

from __future__ import annotations

import hashlib
import os
import shlex
from typing import Dict, Iterable, Mapping

from ..errors import BackupError
from ..media.base import Medium
from ..media.far import Far
from ..media.gated import Gated
from ..media.ssh import Ssh
from . import repository_places
from .repository_places import CONTENT_NAMED, DIRECTORY, KIND, Place
from .restic import Access

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


def place_there(medium: Medium, name: str) -> Place:
    """The repository of that name on a medium of another server. Raises kind_not_on_medium."""
    if isinstance(medium, Gated):
        return GatedPlace(medium, name)
    if isinstance(medium, Ssh):
        return SshPlace(medium, name)
    raise BackupError("kind_not_on_medium", kind=KIND, medium=medium.name, detail="restic does not know such a medium")


class _FarPlace(Place):
    """In a directory of another server."""

    medium: Far

    @property
    def ledger(self) -> str:
        return os.path.join(repository_places.STATE, hashlib.sha256(self.location.encode()).hexdigest() + ".probados")

    def listed(self, listing: bytes) -> Dict[str, int]:
        rows = [row.partition(" ") for row in listing.decode("utf-8", "surrogateescape").split("\0") if row]
        return {name: int(size) for size, _space, name in rows}

    def answered(self, script: str, names: Iterable[str], *arguments: str) -> Dict[str, str]:
        """What a script answers to each of the names; `-` is left out: the file is gone."""
        session = self.medium.open(script, *arguments, feeds=True)
        found: Dict[str, str] = {}
        for name in names:
            session.write(name.encode() + b"\n")
            answer, _spaces, answered = session.line().partition("  ")
            if answered != name:
                break
            if answer != "-":
                found[name] = answer
        status, errors = session.end()
        if status != 0:
            raise self.medium.unlisted(status, errors)
        return found


class SshPlace(_FarPlace):
    """restic goes there by sftp, over the same ssh as the medium."""

    medium: Ssh

    @property
    def path(self) -> str:
        return "/".join([self.medium.path.rstrip("/"), self.slot.kind, self.slot.system, DIRECTORY])

    def access(self) -> Access:
        return Access("sftp:{0}:{1}".format("medio", self.path), ("sftp.command=" + self.medium.subsystem("sftp"),), cache=repository_places.CACHE)

    def files(self) -> Dict[str, int]:
        return self.listed(self.medium.listing(_FILES, self.path))

    def sweep(self) -> None:
        self.medium.listing(_SWEEP, self.path)

    def digests(self, names: Iterable[str]) -> Dict[str, str]:
        return self.answered(_DIGESTS, names, self.path)


class GatedPlace(_FarPlace):
    """restic speaks to rclone behind the gate, which adds and reads files and removes nothing but locks, while the controller permits it."""

    medium: Gated
    append_only = True

    def access(self) -> Access:
        program = " ".join(shlex.quote(word) for word in self.medium.connected() + ["--", self.medium.host, "respaldo-1"])
        return Access("rclone:" + self.name, ("rclone.program=" + program, "rclone.args=serve"), cache=repository_places.CACHE)

    def files(self) -> Dict[str, int]:
        return self.listed(self.medium.listing("files", self.name))

    def digests(self, names: Iterable[str]) -> Dict[str, str]:
        return self.answered("digests", names, self.name)

    def cleared(self, files: Mapping[str, int]) -> Mapping[str, int]:
        proved = self._proved()
        unproved = sorted(name for name in files if name not in proved and CONTENT_NAMED.match(name))
        if not unproved:
            return files
        answers = self.answered("clear", unproved, self.name)
        return {name: size for name, size in files.items() if answers.get(name) != "aside"}
