# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A line between a running module and its controller, over files of a private directory of the server.

A module that runs for hours can ask for what only the controller may give - a signature for a file's name, a new one when the
old ran out - and say how far it is. The controller looks in by its own connection; nothing listens, nothing is open to others.

    DIRECTORY/ask        one question a line: WORD TAB ARGUMENT; taken away by the controller
    DIRECTORY/answers    a JSON table of question -> answer, replaced as a whole
    DIRECTORY/progress   a JSON table, replaced as a whole
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import threading
import time
import weakref
from typing import Any, Dict, Tuple

from . import programs
from .errors import BackupError

_WAIT = 120     # seconds that the controller may take to answer


def directory(name: str) -> str:
    """Where a line of that name lies, for both sides: in memory where the server has such a place."""
    return os.path.join(programs.memory() or "/tmp", ".respaldo-line-" + name)


class Channel:
    """The module's end. Without a name nothing is told and nothing can be asked."""

    def __init__(self, name: str) -> None:
        self.path = directory(name) if name else ""
        self.guard = threading.Lock()
        self.close = weakref.finalize(self, _remove, self.path)

    def ask(self, word: str, argument: str, refused: str = "") -> str:
        """The controller's answer. "" when there is nobody to ask. An old one that is what was `refused` is asked for anew; when the controller
        says the same again it has no better one, and that is the answer.

        Raises BackupError controller_silent when it doesn't come.
        """
        if not self.path:
            return ""
        question = "{0}\t{1}".format(word, argument)
        with self.guard:
            answer = self._answers().get(question, "")
            if answer and answer != refused:
                return answer
            self._open()
            before = self._written()
            with open(os.path.join(self.path, "ask"), "a", encoding="utf-8") as file:
                file.write(question + "\n")
            deadline = time.monotonic() + _WAIT
            while time.monotonic() < deadline:
                fresh = self._written() != before
                answer = self._answers().get(question, "")
                if answer and (fresh or answer != refused):
                    return answer
                time.sleep(0.05)
        raise BackupError("controller_silent", question=word, seconds=_WAIT)

    def tell(self, **progress: Any) -> None:
        """Say how far it is. Never raises: nothing depends on it."""
        if not self.path:
            return
        temporary = os.path.join(self.path, "progress.new")
        try:
            self._open()
            with open(temporary, "w", encoding="utf-8") as file:
                json.dump(progress, file)
            os.replace(temporary, os.path.join(self.path, "progress"))
        except OSError:
            pass

    def _open(self) -> None:
        with contextlib.suppress(FileExistsError):
            os.mkdir(self.path, 0o700)

    def _written(self) -> Tuple[int, int]:
        """Which table of answers lies there: each replaces the one before as a whole."""
        try:
            found = os.stat(os.path.join(self.path, "answers"))
        except FileNotFoundError:
            return 0, 0
        return found.st_ino, found.st_mtime_ns

    def _answers(self) -> Dict[str, str]:
        try:
            with open(os.path.join(self.path, "answers"), encoding="utf-8") as file:
                return json.load(file)
        except (OSError, ValueError):
            return {}


def _remove(path: str) -> None:
    if path:
        shutil.rmtree(path, ignore_errors=True)
