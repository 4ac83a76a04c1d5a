# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A place apart for a server that loads what a copy brings: whatever that makes it run finds nothing here and outlives nothing.

Namespaces of Linux, set up by util-linux, which every distribution has. What runs inside

- is an account that exists nowhere else, without groups, capabilities, or programs that could give it any;
- sees the programs of this server read only, and a directory of its own as /tmp; no data, no sockets, no configuration, no other process;
- has no network, not even the loopback of this server;
- is the first that the kernel ends when memory runs short, has so many processes and no more, and is ended before it fills the disk it works on;
- is ended, whatever it did to stay, when the process that made the place lets go of it or is killed: all of it lives below the first
  process of its own process namespace, which waits for the end of a pipe.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
import time
from typing import IO, Any, Dict, List, Optional, Sequence

from ..errors import BackupError
from ..filesystem import descriptors
from . import programs, stranger

_PACKAGE = "util-linux"
_TOOLS = ("unshare", "nsenter", "setpriv", "prlimit", "mount", "chroot")
_END_SECONDS = 20
_PROCESSES = 1024      # of an account, threads counted: many times what a server with few connections has
# What must stay free on the disk: what a fast one takes in the time between two looks, and of a small one a twentieth.
_LOOK_SECONDS = 0.5
_RESERVE = 1 << 30     # bytes

# $1 an empty directory, $2 what becomes /tmp, $3 an account, $4 another, $5 how many directories to show follow, then they, then the program.
_MAKE = r"""
set -eu
umask 022
echo 1000 > /proc/self/oom_score_adj || :
place=$1 own=$2 account=$3 client=$4 shown=$5
shift 5
mount --make-rprivate /
mount -t tmpfs -o mode=0755,nosuid,nodev,size=16m respaldo "$place"
cd "$place"
bring() {
    mkdir -p "./$1"
    mount --rbind "$1" "./$1"
    mount -o remount,bind,ro,nosuid "./$1"
}
for each in usr bin sbin lib lib32 lib64 libx32; do
    if [ -L "/$each" ]; then ln -s "$(readlink "/$each")" "$each"
    elif [ -d "/$each" ]; then bring "/$each"
    fi
done
mkdir dev dev/shm etc proc run tmp var
ln -s /tmp var/tmp
ln -s /run var/run
for each in null zero full random urandom; do
    : > "dev/$each"
    mount --bind "/dev/$each" "dev/$each"
done
ln -s /proc/self/fd dev/fd
mount -t tmpfs -o mode=1777,nosuid,nodev,noexec,size=256m respaldo dev/shm
printf 'root:x:0:0::/:/bin/false\nrespaldo:x:%s:%s::/tmp:/bin/false\ncliente:x:%s:%s::/tmp:/bin/false\n' \
    "$account" "$account" "$client" "$client" > etc/passwd
printf 'root:x:0:\nrespaldo:x:%s:\ncliente:x:%s:\n' "$account" "$client" > etc/group
printf 'passwd: files\ngroup: files\nhosts: files\n' > etc/nsswitch.conf
for each in ld.so.cache ld.so.conf ld.so.conf.d localtime; do
    if [ -e "/etc/$each" ]; then cp -rL "/etc/$each" "etc/$each"; fi
done
mount --bind "$own" tmp
mount -o remount,bind,nosuid,nodev tmp
while [ "$shown" -gt 0 ]; do
    bring "$1"
    shown=$((shown - 1))
    shift
done
mount -t proc -o nosuid,nodev,noexec proc proc 2>/dev/null || :
mount -o remount,ro,nosuid,nodev "$place"
exec 3<&0
exec chroot "$place" /bin/sh -c '
( read -r word <&3 || :; kill -KILL -1 ) &
"$@" </dev/null 3<&- &
wait "$!"
' sh "$@"
"""
# Links to the one of several programs and libraries that the system takes: PostGIS and what it is linked with are found by them.
_CHOSEN = ("/etc/alternatives",)
_BECOME = ("setpriv", "--reuid={0}", "--regid={0}", "--clear-groups", "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all")


def prove(label: str) -> None:
    """Whether this account could make one here, as far as that is known before. Raises rehearsal_unavailable, tool_missing."""
    if os.geteuid() != 0:
        raise BackupError("rehearsal_unavailable", label=label,
                          detail="a throw-away server runs as an account of its own, which needs root; run the task with become: true")
    for tool in _TOOLS:
        programs.find(tool, _PACKAGE)


class Jail:
    """One such place, in `directory`, a private one of root's. To be entered; what runs in it ends with the block.

    `own` is the host's path of what is /tmp inside; programs see it as that. `shown` are directories besides the system's programs that are
    to be seen inside, read only. After `seconds`, when given, all of it is ended and `expired` says so. Raises BackupError
    rehearsal_unavailable with `label` when this server can't make one.
    """

    def __init__(self, directory: str, label: str, shown: Sequence[str] = (), seconds: float = 0) -> None:
        self.directory = directory
        self.seconds = seconds
        self.expired = False
        self.label = label
        named = dict.fromkeys(os.path.realpath(each) for each in [*shown, *_CHOSEN])
        self.shown = [path for path in named if os.path.isdir(path) and not path.startswith("/usr/")]
        self.own = os.path.join(directory, "own")
        self.account = 0
        self._process: Optional["subprocess.Popen[bytes]"] = None
        self._log: Optional[IO[bytes]] = None
        self._held = -1
        self._ended = threading.Event()
        self._why = ""

    def __enter__(self) -> "Jail":
        prove(self.label)
        account = stranger.pair()      # of the server, and of its clients
        if account is None:
            raise self._impossible("no free account was found")
        self.account = account
        self._held = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        os.close(descriptors.make_directory(self._held, "place"))
        own = descriptors.make_directory(self._held, "own")
        # the clients, another account, may go in and list nothing
        descriptors.give(own, self.account, self.account, 0o711)
        os.close(own)
        return self

    def __exit__(self, *_error: Any) -> None:
        self._ended.set()
        process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            process.stdin.close()     # its first process waits for this
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_END_SECONDS)
            if process.poll() is None:
                process.kill()
                process.wait()
        if self._log is not None:
            self._log.close()
            self._log = None
        if self._held >= 0:
            # what it left may be of any depth
            with contextlib.suppress(OSError):
                descriptors.remove(self._held, "own")
            os.close(self._held)
            self._held = -1

    def _watch(self, process: "subprocess.Popen[bytes]") -> None:
        """End it when its time is over, or the room on its disk."""
        deadline = time.monotonic() + self.seconds
        while not self._ended.wait(_LOOK_SECONDS):
            status = os.statvfs(self.directory)
            if status.f_bavail * status.f_frsize < min(_RESERVE, status.f_blocks * status.f_frsize // 20):
                self._why = "it was about to fill the disk of {0}".format(self.directory)
            elif self.seconds and time.monotonic() > deadline:
                self._why = "it had not ended after {0:.0f} seconds".format(self.seconds)
            else:
                continue
            self.expired = True
            if process.stdin is not None:
                process.stdin.close()
            return

    def start(self, argv: Sequence[str], environment: Dict[str, str]) -> None:
        """Run the one program that the place is for; what it says goes to a log."""
        self._log = os.fdopen(descriptors.create(self._held, "log"), "w+b")
        command = [programs.find("unshare", _PACKAGE), "--mount", "--pid", "--fork", "--net", "--ipc", "--uts", "--", "/bin/sh", "-c", _MAKE, "sh",
                   os.path.join(self.directory, "place"), self.own, str(self.account), str(self.account + 1), str(len(self.shown))]
        try:
            self._process = subprocess.Popen(
                command + self.shown + _become(self.account) + list(argv), stdin=subprocess.PIPE, stdout=self._log, stderr=self._log,
                env=environment, cwd="/", start_new_session=True)
        except OSError as error:
            raise self._impossible(str(error)) from error
        threading.Thread(target=self._watch, args=(self._process,), daemon=True).start()

    def check(self) -> None:
        """Raises rehearsal_unavailable, with the last it said, when the program has ended."""
        if self.expired:
            raise self.why()
        if self._process is None or self._process.poll() is not None:
            raise self._impossible("the throw-away server ended: " + self.said())

    def why(self) -> BackupError:
        """Why it was ended before its time."""
        return self._impossible(self._why)

    def said(self) -> str:
        if self._log is None:
            return ""
        size = os.fstat(self._log.fileno()).st_size
        text = " ".join(os.pread(self._log.fileno(), 2000, max(0, size - 2000)).decode("utf-8", "replace").split())
        return "".join(sign if sign.isprintable() else "?" for sign in text)

    def prefix(self, server: bool = False) -> List[str]:
        """What is put before a program so that it runs inside, as the other account; with `server` as that of the server itself."""
        if self._process is None:
            raise self._impossible("it is not running")
        first = _child_of(self._process.pid)
        # before it is where it should be, whoever followed it would be outside
        if not first or os.path.samestat(os.stat("/proc/{0}/root/.".format(first)), os.stat("/")):
            self.check()
            raise self._impossible("its first process is not where it should be")
        return [programs.find("nsenter", _PACKAGE), "--target", str(first), "--mount", "--pid", "--net", "--ipc", "--uts", "--root", "--wd", "--"
                ] + _become(self.account + (0 if server else 1))

    def wait(self, ready: Any, seconds: float) -> None:
        """Wait until `ready()` is true. Raises rehearsal_unavailable."""
        deadline = time.monotonic() + seconds
        while not ready():
            self.check()
            if time.monotonic() > deadline:
                raise self._impossible("the throw-away server did not answer within {0:.0f} seconds: {1}".format(seconds, self.said()))
            time.sleep(0.05)

    def _impossible(self, detail: str) -> BackupError:
        return BackupError("rehearsal_unavailable", label=self.label, detail=detail)


def _become(account: int) -> List[str]:
    found = programs.find("setpriv", _PACKAGE)
    return [programs.find("prlimit", _PACKAGE), "--nproc={0}:{0}".format(_PROCESSES), found] + [each.format(account) for each in _BECOME[1:]]


def _child_of(pid: int) -> int:
    """The first process inside: the only child of unshare."""
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError), open("/proc/{0}/stat".format(name), encoding="utf-8", errors="replace") as file:
                if int(file.read().rpartition(")")[2].split()[1]) == pid:
                    return int(name)
    return 0
