# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's end of the line to a module that is running: it looks in by a connection of its own, answers what the module
asks, and shows people how far a long copy is. The module's end is _engine/channel.py.
"""

from __future__ import annotations

import copy
import json
import secrets
import threading
import time
import typing as t
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..module_utils._engine.errors import BackupError

# One look lasts up to five seconds and ends as soon as something is asked, or the module is gone.
_LOOK = """cd /dev/shm/.respaldo-line-{0} 2>/dev/null || cd /tmp/.respaldo-line-{0} 2>/dev/null || {{ sleep 0.3; exit 0; }}
n=0; while [ ! -s ask ] && [ $n -lt 50 ] && [ -d "$PWD" ]; do sleep 0.1; n=$((n+1)); done
cat progress 2>/dev/null; echo; mv ask taken 2>/dev/null && cat taken && rm -f taken; exit 0"""
_ANSWER = """cd /dev/shm/.respaldo-line-{0} 2>/dev/null || cd /tmp/.respaldo-line-{0} || exit 0
umask 077; cat > answers.new && mv answers.new answers"""

_SHOW_EVERY = 10.0
_LATEST = 3.0     # seconds that ending may take


class Line(threading.Thread):
    """Serves one module until `close`. `answer(word, argument)` gives what is asked; an error it raises is kept for the task."""

    def __init__(self, action: ActionBase, name: str, title: str, answer: Callable[[str, str], str]) -> None:
        super().__init__(daemon=True)
        # its own connection and become plugin: the action's are in use by the module
        self.action = copy.copy(action)
        self.action._connection = copy.copy(action._connection)
        self.action._connection.become = copy.copy(action._connection.become)
        self.name_on_server = name
        self.title = title
        self.answer = answer
        self.answers: dict[str, str] = {}
        self.error: BackupError | None = None
        self.ended = threading.Event()
        self.at = self.shown = time.monotonic()
        self.done = 0

    def run(self) -> None:
        while not self.ended.is_set():
            try:
                looked = self.action._low_level_execute_command(_LOOK.format(self.name_on_server), sudoable=True)
                self._heard(str(looked.get("stdout", "")))
            except BackupError as error:
                self.error = error
                return
            except Exception as error:  # the module's own connection tells what is wrong; here it only means no answers
                Display().vvv(f"{self.title}: {error}")
                self.ended.wait(1)

    def close(self) -> None:
        self.ended.set()
        self.join(_LATEST)

    def _heard(self, said: str) -> None:
        progress, _line, questions = said.partition("\n")
        asked = [line for line in questions.splitlines() if "\t" in line]
        for question in asked:
            word, _tab, argument = question.strip().partition("\t")
            self.answers[question.strip()] = self.answer(word, argument)
        if asked:
            self.action._low_level_execute_command(_ANSWER.format(self.name_on_server), sudoable=True, in_data=json.dumps(self.answers).encode())
        now = time.monotonic()
        if progress.startswith("{") and now - self.shown >= _SHOW_EVERY:
            self.shown = now
            self.tell(json.loads(progress), now)

    def tell(self, progress: t.Mapping[str, t.Any], now: float) -> None:
        """Show how far it is, at the rate since it was shown before."""
        done = int(progress.get("done") or 0)
        Display().display(f"{self.title}: {told(progress, (done - self.done) / (now - self.at))}")
        self.done, self.at = done, now


@contextmanager
def line(action: ActionBase, title: str, answer: Callable[[str, str], str]) -> Iterator[str]:
    """Serve a module while the body runs it; gives the name that the module is to be told. Raises what answering raised."""
    name = secrets.token_hex(16)
    serving = Line(action, name, title, answer)
    serving.start()
    try:
        yield name
    finally:
        serving.close()
    if serving.error is not None:
        raise serving.error


def told(progress: t.Mapping[str, t.Any], rate: float) -> str:
    """How far a copy is, in words: percentage where the size is known, rate in bytes a second, and time left."""
    done, expected = int(progress.get("done") or 0), int(progress.get("expected") or 0)
    words = [f"{_size(done)} en {progress.get('medium') or ''}", f"{_size(rate)}/s"]
    if expected > done:
        left = int((expected - done) / rate) if rate > 0 else 0
        words = [f"{100 * done // expected} % de unos {_size(expected)}", *words, f"faltan {left // 3600:02d}:{left // 60 % 60:02d}:{left % 60:02d}"]
    return ", ".join(words)


def _size(size: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.2f} TiB"
