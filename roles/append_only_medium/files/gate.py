# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate of a medium: the only program that the key of a server can run on the machine that holds the copies (Python 3.8 or later, nothing else).

sshd starts it by `command="..."` in authorized_keys, whatever the client asks for; what was asked is in SSH_ORIGINAL_COMMAND:

    respaldo-1 VERB [KIND SYSTEM [LABEL [FILE]]]

A server may make a new copy on a shelf of its own, read back what it is making, and declare it whole (`sealed`). Nothing here gives a copy its
name, removes or changes one that has it, or reads it: that is the controller's, by a key of its own. Reading a published copy, and any work in a
restic repository, needs a permission that the controller wrote for it, with an end (`.respaldo/permisos/SERVER/*`).

The client is taken for an enemy: every word has one strict form, no link is followed, every file and stream is bounded, and two sessions of one key
gain nothing against each other: a writer holds its directory shared, sealing wants it alone, and what is removed loses its name first.
"""

import errno
import fcntl
import json
import os
import re
import stat
import sys
import time

MARK = "--respaldo-begins-here--"
KINDS = ("database", "source_code", "file_server", "mailbox")
STATE = ".respaldo"
REFUSED = 77                  # exit status: the answer is no, and stays no
MOST_REQUEST = 1024           # characters of a request
MOST_SESSIONS = 48            # of one server at once
MOST_PERMISSIONS = 1000       # files that are looked at
DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC

_REQUEST = re.compile(r"respaldo-1( [A-Za-z0-9._-]+){1,5}\Z", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,199}\Z", re.ASCII)
_DAY = re.compile(r"_[0-9]{8}(_[0-9]{2,4})?\Z", re.ASCII)


class Refusal(Exception):
    """What was asked for is not this key's to do."""


# -- what may be asked -----------------------------------------------------------------------------------------------
class Request:
    """A request whose words have their forms. `held` is the medium's root."""

    def __init__(self, text, configuration, server):
        if len(text) > MOST_REQUEST or not _REQUEST.match(text):
            raise Refusal("this key makes copies by the collection perucompras.respaldo; no shell, no files, no forwarding")
        self.verb, *self.words = text.split(" ")[1:]
        self.server = server
        self.scope = configuration["servers"].get(server)
        if self.scope is None:
            raise Refusal("this key belongs to no server of the configuration")
        self.limit = int(self.scope.get("limit") or 0)
        self.root = configuration["path"]
        self.held = os.open(self.root, DIRECTORY)

    def take(self, *forms):
        """The words, as many as there are forms, each checked: kind, system, label, file, seconds, repository."""
        if len(self.words) != len(forms):
            raise Refusal("{0} takes {1} words".format(self.verb, len(forms)))
        for form, word in zip(forms, self.words):
            if form == "seconds":
                good = word.isdigit() and len(word) < 6
            elif form == "kind":
                good = word in KINDS
            elif form == "shelf":
                good = _NAME.match(word[8:] if word.startswith(".restic.") else word) and ".." not in word
            else:
                good = _NAME.match(word) and ".." not in word
            if not good:
                raise Refusal("{0}: {1!r} is not the form of a {2}".format(self.verb, word[:80], form))
        if "label" in forms:
            system, label = self.words[forms.index("system")], self.words[forms.index("label")]
            if not label.startswith(system + "_") or not _DAY.match(label[len(system):]):
                raise Refusal("{0}: {1!r} is no label of {2}".format(self.verb, label[:80], system))
        return self.words

    def own(self, kind, system):
        """Refuse a shelf that is another server's."""
        mine = ("repositories", system[8:]) if system.startswith(".restic.") else ("shelves", "{0}/{1}".format(kind, system))
        if mine[1] not in self.scope.get(mine[0], ()) or (mine[0] == "repositories" and kind != "file_server"):
            raise Refusal("{0}/{1} is not a system of {2}".format(kind, system, self.server))

    def permitted(self, *wanted):
        """Refuse what needs a permission of the controller that is not there, or is over."""
        now = time.time()
        try:
            place = descend(self.held, STATE, "permisos", self.server)
        except OSError:
            place = None
        for name in sorted(os.listdir(place))[:MOST_PERMISSIONS] if place is not None else ():
            try:
                lines = read_small(place, name).decode("ascii").splitlines()
            except (OSError, ValueError):
                continue
            for words in (line.split(" ") for line in lines):
                if words[0].isdigit() and now < int(words[0]) and tuple(words[1:]) in wanted:
                    return
        raise Refusal("{0} needs a permission of the controller, and there is none".format(self.verb))

    def shelf(self, kind, system, make=False):
        """The directory of a system, held. None when it isn't there."""
        try:
            return descend(self.held, kind, system, make=make)
        except FileNotFoundError:
            return None

    def area(self, kind, system, label):
        """The shelf and what is being made there under a label, both held."""
        shelf = self.shelf(kind, system)
        try:
            if shelf is None:
                raise FileNotFoundError()
            return shelf, os.open(hidden(label, "partial"), DIRECTORY, dir_fd=shelf)
        except FileNotFoundError:
            raise Refusal("{0} is not being made".format(label)) from None


def hidden(label, state):
    return ".{0}.{1}".format(label, state)


def descend(held, *names, make=False):
    """A directory below a held one, part by part, no link followed. The caller's own descriptor stays open."""
    inner = os.dup(held)
    for name in names:
        if make:
            try:
                os.mkdir(name, 0o700, dir_fd=inner)
            except FileExistsError:
                pass
        try:
            inner, former = os.open(name, DIRECTORY, dir_fd=inner), inner
        except OSError:
            os.close(inner)
            raise
        os.close(former)
    return inner


def regular(held, name):
    """A file for reading; what is no regular file is as good as missing."""
    try:
        found = os.open(name, FILE, dir_fd=held)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):
            raise FileNotFoundError(errno.ENOENT, "no regular file", name) from None
        raise
    if not stat.S_ISREG(os.fstat(found).st_mode):
        os.close(found)
        raise FileNotFoundError(errno.ENOENT, "no regular file", name)
    os.set_blocking(found, True)
    return found


def read_small(held, name):
    with os.fdopen(regular(held, name), "rb") as file:
        return file.read(1 << 16)


def exists(held, name):
    try:
        os.stat(name, dir_fd=held, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def same(held, name, inner):
    """Whether a name still is the directory that is held."""
    try:
        found = os.stat(name, dir_fd=held, follow_symlinks=False)
    except FileNotFoundError:
        return False
    mine = os.fstat(inner)
    return (found.st_dev, found.st_ino) == (mine.st_dev, mine.st_ino)


def say(*words):
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


# -- limits ----------------------------------------------------------------------------------------------------------
def admit(request):
    """One of the server's places, held while this session lives."""
    place = descend(request.held, STATE, "sesiones", request.server, make=True)
    for number in range(MOST_SESSIONS):
        seat = os.open(str(number), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=place)
        try:
            fcntl.flock(seat, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return seat
        except OSError:
            os.close(seat)
    raise Refusal("{0} sessions of {1} are open already".format(MOST_SESSIONS, request.server))


def used(request):
    """Bytes on disk of all that is the server's."""
    total = 0
    places = [name.split("/", 1) for name in request.scope.get("shelves", ())]
    places += [["file_server", ".restic." + name] for name in request.scope.get("repositories", ())]
    for kind, system in places:
        shelf = request.shelf(kind, system)
        if shelf is not None:
            for _path, _directories, files, held in os.fwalk(".", dir_fd=shelf):
                for name in files:
                    try:
                        total += os.stat(name, dir_fd=held, follow_symlinks=False).st_blocks * 512
                    except FileNotFoundError:
                        continue
            os.close(shelf)
    return total


def room(request):
    """Bytes that the server may still write: what is free, and what its limit leaves."""
    found = os.fstatvfs(request.held)
    free = found.f_bavail * found.f_frsize
    return min(free, max(0, request.limit - used(request))) if request.limit else free


def within(request):
    if request.limit and used(request) > request.limit:
        raise OSError(errno.EDQUOT, "Disk quota exceeded: {0} may hold {1} bytes here".format(request.server, request.limit))


def main(configuration, server):
    os.umask(0o077)
    asked = os.environ.get("SSH_ORIGINAL_COMMAND", "")
    if not asked.startswith("respaldo-1 serve "):      # what speaks another protocol begins with its first byte
        say(MARK)
    sys.stderr.write(MARK + "\n")
    sys.stderr.flush()
    try:
        from gate_verbs import VERBS
        with open(configuration, encoding="utf-8") as file:
            request = Request(asked, json.load(file), server)
        verb = VERBS.get(request.verb)
        if verb is None:
            raise Refusal("{0!r} is not one of its verbs".format(request.verb[:80]))
        seat = admit(request)
        verb(request)
        sys.stdout.flush()
        os.close(seat)
        return 0
    except Refusal as refusal:
        sys.stderr.write("refused: {0}\n".format(refusal))
        return REFUSED
    except BrokenPipeError:
        return 1
    except (ValueError, KeyError, TypeError) as error:
        sys.stderr.write("the configuration of the medium is wrong: {0!r}\n".format(error))
        return 1
    except OSError as error:
        sys.stderr.write("{0}\n".format(error))
        return 1


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))      # python3 -I takes none by itself
    sys.modules["gate"] = sys.modules["__main__"]
    sys.exit(main(sys.argv[1], sys.argv[2]))
