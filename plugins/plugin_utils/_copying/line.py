# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's end of the line to a module that is running: it looks in by a connection of its own, answers what the module
asks, and shows people how far a long copy is. The module's end is _engine/processes/channel.py.
"""

from __future__ import annotations

import copy
import json
import re
import secrets
import threading
import time
import typing as t
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ...module_utils._engine.errors import BackupError
from .._actions import show
from .._bitacora.view import amount

# Goes to the line's directory: the one that is this account's own, closed to others, and truly of that name (no link). Somebody who reads the name in this
# very command line could make a directory or a link of that name where he may write; as root the first place is closed to him.
_ENTER = """for d in /run/respaldo /dev/shm /tmp; do
d=$(cd -P "$d" 2>/dev/null && pwd -P) || continue
cd -P "$d/.respaldo-line-{0}" 2>/dev/null || continue
[ "$(pwd -P)" = "$d/.respaldo-line-{0}" ] && [ -O . ] && case "$(ls -ld .)" in drwx------*) true;; *) false;; esac && break
cd /; done
[ "$PWD" != / ] && [ "${{PWD##*/}}" = ".respaldo-line-{0}" ] || {{ sleep 0.3; exit 0; }}
"""
# One look lasts up to five seconds and ends as soon as something is asked, or the module is gone. Only plain files are read, and only so much of them.
_LOOK = _ENTER + """n=0; while [ ! -s ask ] && [ $n -lt 50 ] && [ -d "$PWD" ]; do sleep 0.1; n=$((n+1)); done
[ -f progress ] && [ ! -L progress ] && head -c 4000 progress; echo
[ -f ask ] && [ ! -L ask ] && mv ask taken && head -c 65536 taken; rm -f taken; exit 0"""
_ANSWER = _ENTER + """umask 077; rm -f answers.new; set -C; cat > answers.new && mv answers.new answers"""

_SHOW_EVERY = 10.0
_LATEST = 3.0             # seconds that ending may take
_SHORTEST = 0.2           # seconds that a look takes at least: a server that always asks does not keep the controller busy
_MOST_HEARD = 100_000     # characters of one look
_MOST_AT_ONCE = 64        # questions of one look
_MOST_ASKED = 20_000      # questions of one module: a few a file, and again when a signature ran out
_LATELY = 512             # answers that are sent along, the newest
_LONGEST = 2_000          # characters of a question
_NAMED = 64               # characters of a medium's name
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


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
        self.done = self.asked = 0

    def run(self) -> None:
        while not self.ended.is_set():
            began = time.monotonic()
            try:
                looked = self.action._low_level_execute_command(_LOOK.format(self.name_on_server), sudoable=True)
                self._heard(str(looked.get("stdout", "")))
            except BackupError as error:
                self.error = error
                return
            except Exception as error:  # the module's own connection tells what is wrong; here it only means no answers
                Display().vvv(f"{self.title}: {clean(str(error), 500)}")
                self.ended.wait(1)
            self.ended.wait(max(0.0, _SHORTEST - (time.monotonic() - began)))

    def close(self) -> None:
        self.ended.set()
        self.join(_LATEST)

    def _heard(self, said: str) -> None:
        """Raises azure_refused, or what `answer` raises, for questions that no module of ours asks."""
        progress, _line, questions = said[:_MOST_HEARD].partition("\n")
        asked = [row.strip() for row in questions.split("\n") if "\t" in row and len(row) <= _LONGEST][:_MOST_AT_ONCE]
        for question in asked:
            self.asked += 1
            if self.asked > _MOST_ASKED:
                raise BackupError("azure_refused", location=clean(question, 200), detail="the server asked more than any copy needs")
            word, _tab, argument = question.partition("\t")
            if _CONTROL.search(word + argument):
                raise BackupError("azure_refused", location=clean(argument, 200), detail="the server asked for a name with control characters")
            self.answers.pop(question, None)
            self.answers[question] = self.answer(word, argument)
        if asked:
            for old in list(self.answers)[:-_LATELY]:
                del self.answers[old]
            self.action._low_level_execute_command(_ANSWER.format(self.name_on_server), sudoable=True, in_data=json.dumps(self.answers).encode())
        now = time.monotonic()
        if progress.startswith("{") and now - self.shown >= _SHOW_EVERY:
            self.shown = now
            self.tell(json.loads(progress), now)

    def tell(self, progress: t.Any, now: float) -> None:
        """Show how far it is, at the rate since it was shown before."""
        if not isinstance(progress, Mapping):
            return
        done = _number(progress.get("done"))
        show(f"{self.title}: {told(progress, (done - self.done) / (now - self.at))}")
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
    done, expected = _number(progress.get("done")), _number(progress.get("expected"))
    words = [f"{amount(done)} en {clean(progress.get('medium') or '', _NAMED)}", f"{amount(round(rate))}/s"]
    if expected > done:
        left = int((expected - done) / rate) if rate > 0 else 0
        words = [f"{100 * done // expected} % de unos {amount(expected)}", *words, f"faltan {left // 3600:02d}:{left // 60 % 60:02d}:{left % 60:02d}"]
    return ", ".join(words)


def clean(text: object, length: int) -> str:
    """A server's words for the terminal: on one line, nothing that moves or colours, and no more than so many characters."""
    return _CONTROL.sub("?", str(text)[:length])


def _number(value: object) -> int:
    """A count of bytes that a server tells: 0 for what is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63 else 0
