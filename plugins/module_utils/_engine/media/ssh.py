# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Medium `ssh`: a directory on another server, reached with the stock ssh client and only stock tools over there.

The far side needs sh, coreutils, find and flock, no Python. The key opens an account with a shell: whoever holds it reads and removes all that lies
there. A medium that a taken server can't empty is gated.py.
"""

from __future__ import annotations

import contextlib
import shlex
from typing import ContextManager, List, Optional, Tuple

from ..errors import BackupError
from ..result import KINDS
from .base import SUMS, Deposit, Found, Reading, Slot, Writing, found_of
from .far import MARK, SILENCE, Address, Far, available, whole

_SHELF = 'cd -- "$1" && mkdir -p -- "$2/$3" && cd -- "$2/$3"'

# A check makes nothing: what isn't there yet is judged by the nearest directory above it.
_NEAREST = 'while [ ! -d "$there" ]; do there=${there%/*}; there=${there:-/}; done'

_CHECK = """
[ -d "$1" ] || [ "$5" = create ] || { echo absent; exit 0; }
there=$1/$2/$3; """ + _NEAREST + """
[ -w "$there" ] && [ -x "$there" ] || { echo unwritable; exit 0; }
if [ -e "$1/$2/$3/$4" ] || [ -L "$1/$2/$3/$4" ]; then echo taken; else echo good; fi
df -P -k -- "$there"
"""

_LOCK = """
command -v flock >/dev/null || { echo flock; exit 0; }
[ "$6" != create ] || mkdir -p -- "$1" || exit 1
""" + _SHELF + """ && exec 9>>.lock || exit 1
left=$4
until flock -n 9; do
  [ "$left" -gt 0 ] || { echo busy; exit 0; }
  left=$((left - 1)); sleep 1
done
echo locked
while [ -n "$(timeout "$5" head -c 1)" ]; do :; done
"""

_DEPOSIT = """
cd -- "$1/$2/$3" || exit 1
rm -rf -- .*.partial .*.pruned ".$4.sealed" || exit 1
find . -maxdepth 1 -name '.*.sealed' -mmin +60 -exec rm -rf {} + || exit 1
mkdir -- ".$4.partial" && echo good
"""

_WRITE = 'set -C; cat >"$1" && sync "$1"'

# GNU dd drops the file from the cache of the far side, so that what is read comes from its disk.
_READ = """
if [ -f "$1/$2" ]; then
  [ "$3" = cached ] || dd "if=$1/$2" iflag=nocache count=0 2>/dev/null
  echo good; exec cat -- "$1/$2"
fi
[ -d "$1" ] && { echo nofile; exit 0; }
[ -x "${1%/*/*/*}" ] && echo nocopy
"""

_SEAL = """
cd -- "$1/$2/$3" && sync ".$4.partial" && mv -T -n -- ".$4.partial" ".$4.sealed" || exit 1
[ ! -e ".$4.partial" ] || { echo "the sealed copy was there already" >&2; exit 1; }
sync . && echo good
"""

_DISCARD = 'rm -rf -- "$1/$2/$3/.$4.partial" "$1/$2/$3/.$4.sealed"'

_PUBLISH = """
cd -- "$1" || exit 1
digest() { sha256sum <"$1/$sums" 2>/dev/null | cut -c 1-64; }
sums=$5
[ -d "$2/$3" ] && cd -- "$2/$3" || { echo nocopy; exit 0; }
if [ -e "$4" ] || [ -L "$4" ]; then
  if [ "$(digest "$4")" = "$6" ]; then echo already; else echo taken; fi; exit 0
fi
[ -d ".$4.sealed" ] || { echo nocopy; exit 0; }
[ "$(digest ".$4.sealed")" = "$6" ] || { echo differs; exit 0; }
mv -T -n -- ".$4.sealed" "$4" || [ -e "$4" ] || exit 1
[ ! -e ".$4.sealed" ] && [ "$(digest "$4")" = "$6" ] || { echo taken; exit 0; }
sync . && echo good
"""

_WITHDRAW = """
cd -- "$1/$2/$3" && mv -T -n -- "$4" ".$4.sealed" && sync . && echo good
"""

_REMOVE = """
cd -- "$1" || exit 1
[ -d "$2/$3" ] && cd -- "$2/$3" || { echo nocopy; exit 0; }
rm -rf -- ".$4.pruned" || exit 1
[ -e "$4" ] || [ -L "$4" ] || { echo nocopy; exit 0; }
[ -z "$6" ] || [ "$(sha256sum <"$4/$5" 2>/dev/null | cut -c 1-64)" = "$6" ] || { echo differs; exit 0; }
mv -T -n -- "$4" ".$4.pruned" && sync . && rm -rf -- ".$4.pruned" && sync . && echo good
"""

_LABELS = """
[ -d "$1" ] || [ "$4" != create ] || exit 0
cd -- "$1" || exit 1
[ -d "$2/$3" ] || exit 0
cd -- "$2/$3" || exit 1
for name in *; do [ ! -d "$name" ] || printf '%s\\n' "$name"; done
"""

_SURVEY = """
[ -d "$1" ] || [ "$2" != create ] || exit 0
cd -- "$1" || exit 1
now=$(date +%s); shift 2
for kind in "$@"; do
  [ ! -d "$kind" ] || find "$kind" -mindepth 1 -maxdepth 2 -xtype d -printf "$now %T@ %p\\0" || exit 1
done
"""

_STOCKED = '[ ! -d "$1/$2/$3" ] || echo yes'

_FREE = 'there=$1; [ "$2" != create ] || { ' + _NEAREST + '; }; df -P -k -- "$there"'


class Ssh(Far):
    """Copies in a directory of another server. `path` must exist there, unless `create`."""

    IDLE = "cat >/dev/null"

    def __init__(self, name: str, host: str, path: str, port: int = 22, user: str = "", identity_file: str = "",
                 private_key: str = "", known_hosts: str = "", create: bool = False) -> None:
        super().__init__(name, Address(host, port, user, identity_file, private_key, known_hosts), path)
        self.create = create

    @staticmethod
    def command(script: str, arguments: Tuple[str, ...]) -> str:
        """A line for the far login shell, whichever it is: one sh, every word quoted."""
        head = "umask 077; LC_ALL=C; export LC_ALL; echo {0}; echo {0} >&2; ".format(MARK)
        return "exec sh -c " + " ".join(shlex.quote(word) for word in (head + script.strip(), "respaldo") + arguments)

    def check(self, slot: Slot, expected: int) -> None:
        answer, _newline, listing = self.ask(_CHECK, *self.words(slot), self._create()).partition("\n")
        if answer == "absent":
            raise BackupError("medium_unwritable", location=self.place, detail="the directory does not exist")
        if answer == "unwritable":
            raise BackupError("medium_unwritable", location=self.place, detail="permission denied or mounted read-only")
        if answer == "taken":
            raise BackupError("label_taken", label=slot.label, location=self._shelf(slot))
        free = available(listing)
        if free is not None and free < expected:
            raise BackupError("medium_full", location=self.place,
                              detail="{0} bytes free, about {1} needed".format(free, expected))

    def lock(self, slot: Slot, timeout: int) -> ContextManager[None]:
        return self.held(slot, self.open(_LOCK, self.path, slot.kind, slot.system, str(timeout), str(SILENCE), self._create(), feeds=True))

    def deposit(self, slot: Slot) -> Deposit:
        self.still_locked(slot)
        self.ask(_DEPOSIT, *self.words(slot))
        return _SshDeposit(self, slot)

    def publish(self, slot: Slot, digest: str, note: str = "") -> bool:
        answer = self.ask(_PUBLISH, *self.words(slot), SUMS, digest)
        if answer == "taken":
            raise BackupError("label_taken", label=slot.label, location=self._shelf(slot))
        if answer == "nocopy":
            raise BackupError("copy_missing", label=slot.label + " (sealed)", location=self._shelf(slot))
        if answer == "differs":
            raise BackupError("bytes_differ", file="{0}/.{1}.sealed/{2}".format(self._shelf(slot), slot.label, SUMS),
                              detail="it changed after it was sealed")
        return answer == "good"

    def withdraw(self, slot: Slot) -> None:
        self.ask(_WITHDRAW, *self.words(slot))

    def remove(self, slot: Slot, digest: str) -> bool:
        self.still_locked(slot)
        answer = self.ask(_REMOVE, *self.words(slot), SUMS, digest)
        if answer == "differs":
            raise BackupError("bytes_differ", file="{0}/{1}/{2}".format(self._shelf(slot), slot.label, SUMS),
                              detail="it is not the copy of the bitácora, so it is not removed")
        return answer == "good"

    def labels(self, kind: str, system: str) -> List[str]:
        listing = self.listing(_LABELS, self.path, kind, system, self._create())
        return sorted(listing.decode("utf-8", "surrogateescape").splitlines())

    def survey(self) -> List[Found]:
        listing = self.listing(_SURVEY, self.path, self._create(), *KINDS)
        rows = [row.split(" ", 2) for row in listing.decode("utf-8", "surrogateescape").split("\0") if row]
        return [row for row in (found_of(path, int(at) - float(changed)) for at, changed, path in sorted(rows, key=lambda row: row[2])) if row]

    def stocked(self, slot: Slot) -> bool:
        return self.ask(_STOCKED, *self.words(slot)) == "yes"

    def read(self, slot: Slot, file: str) -> Reading:
        return self.read_from("{0}/{1}/{2}".format(self.path.rstrip("/"), slot.shelf, slot.label), slot, file, "cached")

    def free(self) -> Optional[int]:
        return self.room()[0]

    def room(self) -> Tuple[Optional[int], Optional[int]]:
        listing = self.listing(_FREE, self.path, self._create()).decode("utf-8", "replace")
        return available(listing), whole(listing)

    def read_from(self, directory: str, slot: Slot, file: str, cached: str) -> Reading:
        return self.reading(self.open(_READ, directory, file, cached), directory, slot, file)

    def subsystem(self, name: str) -> str:
        """The command line, as one text of quoted words, that reaches a subsystem of the server (sftp) over the same connection."""
        return " ".join(shlex.quote(word) for word in self.connected() + ["-s", "--", self.host, name])

    def words(self, slot: Slot) -> Tuple[str, str, str, str]:
        return self.path, slot.kind, slot.system, slot.label

    def _create(self) -> str:
        return "create" if self.create else ""


class _SshDeposit(Deposit):

    def __init__(self, medium: Ssh, slot: Slot) -> None:
        self.medium = medium
        self.slot = slot
        self.path = "{0}/{1}/.{2}.partial".format(medium.path.rstrip("/"), slot.shelf, slot.label)

    def write(self, file: str) -> Writing:
        self.medium.still_locked(self.slot)
        return self.medium.writing(self.medium.open(_WRITE, "{0}/{1}".format(self.path, file), feeds=True))

    def read(self, file: str) -> Reading:
        return self.medium.read_from(self.path, self.slot, file, "")

    def seal(self) -> str:
        self.medium.still_locked(self.slot)
        self.medium.ask(_SEAL, *self.medium.words(self.slot))
        return ""

    def discard(self) -> None:
        with contextlib.suppress(BackupError, OSError):
            self.medium.still_locked(self.slot)
            self.medium.ask(_DISCARD, *self.medium.words(self.slot))
