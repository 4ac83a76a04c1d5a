# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the gate does for a server (gate.py): the verbs. Each checks its words first, and then works by descriptors, no link followed."""

import fcntl
import os
import re
import select
import stat
import subprocess
import sys
import time

from gate import Refusal, descend, exists, hidden, regular, room, same, say, within

SUMS = "SHA256SUMS"
REPOSITORY = "repositorio"
CHUNK = 1 << 17                # bytes at once: they stay in the processor's cache
MOST_FILES = 4096             # files in a copy
MOST_WAITING = 8              # sealed copies of one system that wait for the controller
MEASURE = 64 << 20            # bytes written between two looks at the limit
SILENCE = 120                 # seconds without a beat after which a lock ends
WAITING_FOR = 3600            # seconds that a sealed copy waits for the controller
DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,199}\Z", re.ASCII)
_CONTENT = re.compile(r"(?:data/[0-9a-f]{2}|index|keys|snapshots)/([0-9a-f]{64})\Z", re.ASCII)


def hold(request):
    """Keep the connection that the other sessions share, until the client is gone."""
    request.take()
    while os.read(0, 65536):
        pass


def free(request):
    request.take()
    say(room(request))


def check(request):
    kind, system, label = request.take("kind", "system", "label")
    request.own(kind, system)
    shelf = request.shelf(kind, system)
    taken = shelf is not None and (exists(shelf, label) or exists(shelf, hidden(label, "sealed")))
    say("taken" if taken else "good", room(request))


def stocked(request):
    kind, system = request.take("kind", "system")
    request.own(kind, system)
    say("yes" if request.shelf(kind, system) is not None else "no")


def labels(request):
    kind, system = request.take("kind", "system")
    request.own(kind, system)
    shelf = request.shelf(kind, system)
    for name in sorted(os.listdir(shelf)) if shelf is not None else ():
        if _NAME.match(name):
            say(name)


def lock(request):
    kind, system, seconds = request.take("kind", "shelf", "seconds")
    request.own(kind, system)
    shelf = request.shelf(kind, system, make=True)
    held = os.open(".lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=shelf)
    until = time.monotonic() + int(seconds)
    while True:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except OSError:
            if time.monotonic() >= until:
                say("busy")
                return
            time.sleep(0.2)
    say("locked")
    while select.select([0], [], [], SILENCE)[0] and os.read(0, 4096):
        pass


def begin(request):
    """Sweep what dead runs of this system left, and make the directory of a new copy."""
    kind, system, label = request.take("kind", "system", "label")
    request.own(kind, system)
    within(request)
    shelf = request.shelf(kind, system, make=True)
    fcntl.flock(shelf, fcntl.LOCK_EX)     # who gives or takes a name here does it alone
    names = os.listdir(shelf)
    for name in names:
        old = name.endswith(".sealed") and time.time() - os.stat(name, dir_fd=shelf, follow_symlinks=False).st_mtime > WAITING_FOR
        if name.startswith(".") and (name.endswith((".partial", ".pruned")) or old):
            drop(shelf, name)
    if sum(name.startswith(".") and name.endswith(".sealed") for name in names) > MOST_WAITING:
        raise Refusal("{0} sealed copies of {1} wait for the controller already".format(MOST_WAITING, system))
    if exists(shelf, label) or exists(shelf, hidden(label, "sealed")):
        raise Refusal("{0} is there already".format(label))
    os.mkdir(hidden(label, "partial"), 0o700, dir_fd=shelf)
    say("good")


def drop(shelf, name):
    """Remove what has no name yet that counts. It loses its own first, so that nobody can give it one while it goes."""
    leaving = name if name.endswith(".pruned") else "{0}.{1}.{2}.pruned".format(name, os.getpid(), time.monotonic_ns())
    try:
        if leaving != name:
            os.rename(name, leaving, src_dir_fd=shelf, dst_dir_fd=shelf)
        inner = os.open(leaving, DIRECTORY, dir_fd=shelf)
    except FileNotFoundError:
        return False
    for file in os.listdir(inner):
        os.unlink(file, dir_fd=inner)
    os.close(inner)
    os.rmdir(leaving, dir_fd=shelf)
    return True


def write(request):
    """A new file of the copy that is being made, from the standard input, brought to stable storage."""
    kind, system, label, file = request.take("kind", "system", "label", "file")
    request.own(kind, system)
    shelf, area = request.area(kind, system, label)
    fcntl.flock(area, fcntl.LOCK_SH)
    if not same(shelf, hidden(label, "partial"), area):
        raise Refusal("{0} is not being made".format(label))
    if len(os.listdir(area)) >= MOST_FILES:
        raise Refusal("a copy has {0} files at most".format(MOST_FILES))
    target = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=area)
    try:
        fcntl.fcntl(0, getattr(fcntl, "F_SETPIPE_SZ", 1031), 1 << 20)
    except OSError:
        pass      # sshd may give a socket
    buffer, unmeasured = memoryview(bytearray(CHUNK)), MEASURE
    while True:
        if unmeasured >= MEASURE:
            within(request)
            if not same(shelf, hidden(label, "partial"), area):
                raise Refusal("{0} is not being made any more".format(label))
            unmeasured = 0
        size = os.readv(0, [buffer])
        if not size:
            break
        unmeasured += size
        rest = buffer[:size]
        while rest:
            rest = rest[os.write(target, rest):]
    os.fsync(target)


def read(request):
    """A file of the copy that is being made, from the disk where that can be had."""
    kind, system, label, file = request.take("kind", "system", "label", "file")
    request.own(kind, system)
    send(request.area(kind, system, label)[1], file, fresh=True)


def fetch(request):
    """A file of a published copy, while the controller permits it."""
    kind, system, label, file = request.take("kind", "system", "label", "file")
    request.permitted(("copy", kind, system, label), ("shelf", kind, system))
    try:
        held = descend(request.held, kind, system, label)
    except FileNotFoundError:
        say("nocopy")
        return
    send(held, file)


def send(held, file, fresh=False):
    try:
        source = regular(held, file)
    except FileNotFoundError:
        say("nofile")
        return
    if fresh:
        os.posix_fadvise(source, 0, 0, os.POSIX_FADV_DONTNEED)
    say("good")
    buffer = memoryview(bytearray(CHUNK))
    while True:
        size = os.readv(source, [buffer])
        if not size:
            return
        rest = buffer[:size]
        while rest:
            rest = rest[os.write(1, rest):]


def seal(request):
    """Declare the copy whole: nobody writes in it any more, and it waits for the controller."""
    kind, system, label = request.take("kind", "system", "label")
    request.own(kind, system)
    shelf, area = request.area(kind, system, label)
    fcntl.flock(area, fcntl.LOCK_EX)      # waits for writers of this copy, which are the same server's
    fcntl.flock(shelf, fcntl.LOCK_EX)     # what is looked at is what gets the name
    if not same(shelf, hidden(label, "partial"), area) or exists(shelf, label) or exists(shelf, hidden(label, "sealed")):
        raise Refusal("{0} is not being made, or was there already".format(label))
    if not exists(area, SUMS):
        raise Refusal("{0} has no {1}".format(label, SUMS))
    os.fsync(area)
    os.rename(hidden(label, "partial"), hidden(label, "sealed"), src_dir_fd=shelf, dst_dir_fd=shelf)
    os.fsync(shelf)
    say("good")


def discard(request):
    """Remove what was being made. A copy that the controller gave its name is not touched."""
    kind, system, label = request.take("kind", "system", "label")
    request.own(kind, system)
    shelf = request.shelf(kind, system)
    if shelf is not None:
        fcntl.flock(shelf, fcntl.LOCK_EX)
    dropped = [] if shelf is None else [drop(shelf, hidden(label, state)) for state in ("partial", "sealed")]
    if True not in dropped:
        raise Refusal("{0} is not being made".format(label))
    say("good")


# -- repositories of restic ------------------------------------------------------------------------------------------
def repository(request, make=False):
    """A repository's own directory, held, while the controller permits it."""
    name, = request.take("repository")
    request.permitted(("repository", name))
    return descend(request.held, "file_server", ".restic." + name, REPOSITORY, make=make)


def serve(request):
    """restic's own protocol by rclone, which lets it add files and read them, and remove nothing but locks."""
    repository(request, make=True)
    within(request)
    path = "/".join([request.root.rstrip("/"), "file_server", ".restic." + request.words[0], REPOSITORY])
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/nonexistent", "RCLONE_CONFIG": "/dev/null", "LC_ALL": "C"}
    try:
        # not by exec: it holds the server's place among its sessions
        running = subprocess.Popen(["rclone", "serve", "restic", "--stdio", "--append-only", "--log-level", "ERROR", path], env=environment)
    except FileNotFoundError:
        raise Refusal("rclone is not installed on the machine of the medium") from None
    while True:
        try:
            sys.exit(running.wait(30))
        except subprocess.TimeoutExpired:
            try:
                within(request)
            except OSError:
                running.kill()
                running.wait()
                raise


def files(request):
    try:
        top = repository(request)
    except FileNotFoundError:
        return
    for path, _directories, names, held in os.fwalk(".", dir_fd=top):
        for name in names:
            try:
                found = os.stat(name, dir_fd=held, follow_symlinks=False)
            except FileNotFoundError:
                continue
            if stat.S_ISREG(found.st_mode):
                sys.stdout.buffer.write(b"%d %s\0" % (found.st_size, os.fsencode(os.path.normpath(os.path.join(path, name)))))


def digests(request):
    """The SHA-256 of files as they lie on the disk, for each line of the standard input."""
    _each(request, lambda top, name, digest: digest)


def clear(request):
    """Put aside files that are not what their names say, as a killed connection leaves: restic would take them for whole and refuse to write them again."""
    def judge(top, name, digest):
        if digest in ("-", _CONTENT.match(name).group(1)):
            return digest
        aside = descend(top, "..", "apartados", make=True)
        os.rename(name, "{0}.{1}".format(name.rpartition("/")[2], time.time_ns()), src_dir_fd=top, dst_dir_fd=aside)
        return "aside"
    _each(request, judge)


def _each(request, answer):
    import hashlib
    try:
        top = repository(request)
    except FileNotFoundError:
        return
    for line in iter(lambda: sys.stdin.buffer.readline(256), b""):
        name = line.decode("ascii", "replace").rstrip("\n")
        if not _CONTENT.match(name):
            raise Refusal("{0!r} is no file of a repository that can be proved".format(name[:80]))
        directory, _slash, base = name.rpartition("/")
        try:
            held = descend(top, *directory.split("/"))
            source = regular(held, base)
            os.close(held)
        except FileNotFoundError:
            say("-", "", name)
            continue
        os.fsync(source)
        os.posix_fadvise(source, 0, 0, os.POSIX_FADV_DONTNEED)
        digest = hashlib.sha256()
        with os.fdopen(source, "rb", buffering=0) as file:
            for chunk in iter(lambda: file.read(1 << 20), b""):
                digest.update(chunk)
        say(answer(top, name, digest.hexdigest()), "", name)


VERBS = {verb.__name__: verb for verb in (hold, free, check, stocked, labels, lock, begin, write, read, fetch, seal, discard, serve, files, digests, clear)}
