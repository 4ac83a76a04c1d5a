# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A line between a running module and its controller, over files of a private directory of the server.

A module that runs for hours can ask for what only the controller may give - a signature for a file's name, a new one when the
old ran out - and say how far it is. The controller looks in by its own connection; nothing listens, nothing is open to others.

    DIRECTORY/ask        one question a line: WORD TAB ARGUMENT; taken away by the controller
    DIRECTORY/answers    a JSON table of question -> answer, replaced as a whole
    DIRECTORY/progress   a JSON table, replaced as a whole

The name of a line stands in the controller's command lines, which everybody on the server can read. So the directory lies where nobody else can make
names (as root), is made exclusively, and both sides look whether it is the account's own before they write or read in it; what lies in its place is
given up on.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import stat
import threading
import time
import weakref
from typing import Any, Dict, List, Tuple

from ..errors import BackupError
from ..filesystem import descriptors

_WAIT = 120                # seconds that the controller may take to answer
_ROOM = "/run/respaldo"    # of root alone; of another account the directory lies in memory, or among temporary files
_OTHERS = ("/dev/shm", "/tmp")
_ANSWERS = 4 << 20         # bytes
_TOLD = 4000               # bytes of progress
_FORGOTTEN = 3 * 86400     # seconds
_NAME = re.compile(r"[A-Za-z0-9-]{1,64}\Z")


class Channel:
    """The module's end. Without a name nothing is told and nothing can be asked."""

    def __init__(self, name: str) -> None:
        if name and not _NAME.match(name):
            raise BackupError("line_taken", detail="its name is none")
        self.directory = _directory(".respaldo-line-" + name) if name else None
        self.guard = threading.Lock()

    @property
    def path(self) -> str:
        """Where the line lies; "" as long as nothing was told or asked."""
        return self.directory.path if self.directory else ""

    def close(self) -> None:
        """Remove the line, unless another medium of this module has the same."""
        self.directory = None

    def ask(self, word: str, argument: str, refused: str = "") -> str:
        """The controller's answer. "" when there is nobody to ask. An old one that is what was `refused` is asked for anew; when the controller
        says the same again it has no better one, and that is the answer.

        Raises BackupError controller_silent when it doesn't come, line_taken when the line can't be made.
        """
        line = self.directory
        if line is None:
            return ""
        question = "{0}\t{1}".format(word, argument)
        with self.guard:
            line.open()
            answer = line.answers().get(question, "")
            if answer and answer != refused:
                return answer
            before = line.written()
            line.ask(question)
            deadline = time.monotonic() + _WAIT
            while time.monotonic() < deadline:
                fresh = line.written() != before
                answer = line.answers().get(question, "")
                if answer and (fresh or answer != refused):
                    return answer
                time.sleep(0.05)
        raise BackupError("controller_silent", question=word, seconds=_WAIT)

    def tell(self, **progress: Any) -> None:
        """Say how far it is. Never raises: nothing depends on it."""
        line = self.directory
        text = json.dumps(progress).encode("utf-8")
        if line is None or len(text) > _TOLD:
            return
        with contextlib.suppress(OSError, BackupError):
            line.open()
            line.replace("progress", text)


class _Directory:
    """The directory of a line: held open from when it is made. All media of a module share it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.path = ""
        self.held = -1
        self.lock = threading.Lock()

    def open(self) -> None:
        """Make it, once. Raises line_taken when its name is taken: whoever made it would read the answers."""
        with self.lock:
            if self.held < 0:
                self._make()

    def _make(self) -> None:
        refused: List[str] = []
        for place in _places():
            try:
                above = _room() if place == _ROOM else os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            except OSError as error:
                refused.append("{0}: {1}".format(place, error.strerror or error))
                continue
            try:
                self.held = descriptors.make_directory(above, self.name)
            except OSError as error:
                if error.errno in (errno.EEXIST, errno.ESTALE):
                    raise BackupError("line_taken", detail="{0}/{1} is another's".format(place, self.name)) from error
                refused.append("{0}: {1}".format(place, error.strerror or error))
                continue
            finally:
                os.close(above)
            self.path = os.path.join(place, self.name)
            weakref.finalize(self, _remove, place, self.name, self.held)
            return
        raise BackupError("line_taken", detail="; ".join(refused))

    def ask(self, question: str) -> None:
        asking = os.open("ask", os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600, dir_fd=self.held)
        try:
            os.write(asking, (question + "\n").encode("utf-8"))
        finally:
            os.close(asking)

    def replace(self, name: str, content: bytes) -> None:
        with self.lock:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name + ".new", dir_fd=self.held)
            with os.fdopen(descriptors.create(self.held, name + ".new"), "wb") as file:
                file.write(content)
            os.rename(name + ".new", name, src_dir_fd=self.held, dst_dir_fd=self.held)

    def written(self) -> Tuple[int, int]:
        """Which table of answers lies there: each replaces the one before as a whole."""
        try:
            found = os.stat("answers", dir_fd=self.held, follow_symlinks=False)
        except FileNotFoundError:
            return 0, 0
        return found.st_ino, found.st_mtime_ns

    def answers(self) -> Dict[str, str]:
        try:
            found = json.loads(descriptors.read("answers", _ANSWERS, self.held).decode("utf-8"))
        except (OSError, ValueError):
            return {}
        return {str(question): str(answer) for question, answer in found.items()} if isinstance(found, dict) else {}


_lines: "weakref.WeakValueDictionary[str, _Directory]" = weakref.WeakValueDictionary()
_guard = threading.Lock()


def _places() -> Tuple[str, ...]:
    return (_ROOM,) + _OTHERS if os.geteuid() == 0 else _OTHERS


def _room() -> int:
    """The directory of root's lines, made when it is not there. Raises OSError when it can't be, or is another's."""
    parent, name = os.path.split(_ROOM)
    above = descriptors.top(parent)
    try:
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, 0o700, dir_fd=above)
        held = descriptors.below(above, name)
    finally:
        os.close(above)
    found = os.fstat(held)
    if found.st_uid != 0 or stat.S_IMODE(found.st_mode) & 0o022:
        os.close(held)
        raise OSError(errno.EPERM, "others may write there", _ROOM)
    _sweep(held)
    return held


def _directory(name: str) -> _Directory:
    with _guard:
        found = _lines.get(name)
        if found is None:
            _lines[name] = found = _Directory(name)
        return found


def _sweep(room: int) -> None:
    """Lines of runs that were killed, in the place where only root makes names; one in use is written to each second."""
    for name in os.listdir(room):
        with contextlib.suppress(OSError):
            found = os.stat(name, dir_fd=room, follow_symlinks=False)
            if name.startswith(".respaldo-line-") and stat.S_ISDIR(found.st_mode) and time.time() - found.st_mtime > _FORGOTTEN:
                descriptors.remove(room, name)


def _remove(place: str, name: str, held: int) -> None:
    with contextlib.suppress(OSError):
        descriptors.empty(held)
        above = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.rmdir(name, dir_fd=above)
        finally:
            os.close(above)
    with contextlib.suppress(OSError):
        os.close(held)
