# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands of an institution's own before and after a system is read: freeze and thaw, stop and start, mount and unmount.

- A program and its arguments, never a shell; by a path that nobody else than root and this account can change, or it is not run (hook_unsafe).
- What it prints goes nowhere: it may hold secrets. Its status and its seconds are told.
- Whoever began a *before* runs every *after*, whatever happened meanwhile; a mark on the disk says that they are owed, so that the next copy of a system whose
  run was killed runs them first. The mark is the lock too: two copies of one system never have their commands between each other's.
- A time limit ends a command with all that it began.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import stat
import subprocess
import time
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from .. import label
from ..errors import BackupError
from ..filesystem import descriptors
from ..remarks import Remark
from . import programs, workspace

WHENS = ("before", "after")
PLACES = ("server", "controller")
DEFAULT_SECONDS = 300
_GRACE = 5            # seconds between asking a command to end and ending it
_MOST_LINKS = 40
_MARK = 4096          # bytes, at most
_WORDS = {"before": "antes", "after": "después", "server": "servidor", "controller": "controlador"}


class Hook(NamedTuple):
    when: str        # one of WHENS
    name: str
    argv: Tuple[str, ...]
    place: str       # one of PLACES
    seconds: int     # its time limit


class About(NamedTuple):
    """The copy that commands are run for."""

    kind: str
    system: str
    label: str
    wait: int = 0    # seconds to wait for another copy of the system


class Told:
    """What became of the commands; whoever makes the copy says by `good` that it was made."""

    def __init__(self) -> None:
        self.good = False
        self.rows: List[str] = []         # Spanish, a row for each that was run
        self.remarks: List[Remark] = []


def of(options: Optional[Mapping[str, Any]], place: str) -> List[Hook]:
    """The commands of a system that run at one place, as an inventory declares them (policy/hook_forms.py checked it)."""
    found = []
    for when in WHENS:
        for index, row in enumerate((options or {}).get(when) or ()):
            argv = tuple(map(str, row["argv"]))
            hook = Hook(when, str(row.get("name") or "{0} {1}".format(when, index + 1)), argv, str(row.get("on") or PLACES[0]),
                        int(row.get("timeout_seconds") or DEFAULT_SECONDS))
            found += [hook] if hook.place == place else []
    return found


def without(options: Optional[Mapping[str, Any]], place: str) -> Dict[str, List[Any]]:
    """The declaration without what runs at one place."""
    return {when: [row for row in (options or {}).get(when) or () if str(row.get("on") or PLACES[0]) != place] for when in WHENS}


def check(hooks: Sequence[Hook], system: str) -> None:
    """That each can be run at all. Raises hook_before_failed for a program that is not there, hook_unsafe for one that others can change."""
    for hook in hooks:
        program = hook.argv[0] if hook.argv else ""
        if not program.startswith("/"):
            raise BackupError("invalid_input", where="hooks.{0}.argv".format(hook.when), value=program,
                              problem="does not begin with the full path of a program", mend="Give it from the root, such as /usr/bin/tar.")
        try:
            why = _changeable(program)
        except OSError as error:
            raise BackupError("hook_before_failed", hook=hook.name, system=system, detail="{0}: {1}".format(program, error.strerror or error)) from error
        if why:
            raise BackupError("hook_unsafe", hook=hook.name, program=program, detail=why)


def _changeable(program: str) -> str:
    """The first thing on the way to a program that somebody else than root and this account could exchange; empty when there is none.

    Every directory is looked at before a name in it is believed, links are followed by hand, so what was looked at stays what it is. Raises OSError.
    """
    trusted = (0, os.geteuid())
    waiting = program.split("/")[::-1]
    at, links = "/", 0
    while True:
        found = os.lstat(at)
        if found.st_uid not in trusted or stat.S_IMODE(found.st_mode) & 0o022:
            return at
        while waiting and waiting[-1] in ("", "."):
            waiting.pop()
        if not waiting:
            return "" if stat.S_ISREG(found.st_mode) and os.access(at, os.X_OK) else at
        if not stat.S_ISDIR(found.st_mode):
            return at
        part = waiting.pop()
        path = os.path.dirname(at) if part == ".." else os.path.join(at, part)
        found = os.lstat(path)
        if not stat.S_ISLNK(found.st_mode):
            at = path
            continue
        links += 1
        if links > _MOST_LINKS:
            return path
        target = os.readlink(path)
        waiting += target.split("/")[::-1]
        at = "/" if target.startswith("/") else at


@contextlib.contextmanager
def around(hooks: Sequence[Hook], about: About, told: Told, marks: str = "") -> Iterator[None]:
    """Run the commands before, then what is asked for, then those after. `marks` is where their mark lies, by default in the account's own state.

    Raises hook_before_failed, hook_unsafe, system_busy before anything else is done. A command after that fails is a remark in `told`.
    """
    if not hooks:
        yield
        return
    check(hooks, about.system)
    with _alone(hooks[0].place, about, marks) as mark:
        owed = os.pread(mark, _MARK, 0).decode("utf-8", "replace").strip()
        if owed:
            told.remarks.append(Remark("hook_left", label=label.parse(owed).name if _is_label(owed) else about.system))
            _all_after(hooks, about, told, mark)
        _write(mark, about.label)
        try:
            for hook in hooks:
                if hook.when == "before":
                    detail = _run(hook, about, told, "")
                    if detail:
                        raise BackupError("hook_before_failed", hook=hook.name, system=about.system, detail=detail)
            yield
        finally:
            _all_after(hooks, about, told, mark)


def _all_after(hooks: Sequence[Hook], about: About, told: Told, mark: int) -> None:
    """Every command after, whichever fails; who ends this run waits for them, each has its limit."""
    with _undisturbed():
        for hook in hooks:
            if hook.when == "after":
                detail = _run(hook, about, told, "good" if told.good else "failed")
                if detail:
                    told.remarks.append(Remark("hook_after_failed", told=BackupError("hook_after_failed", hook=hook.name, system=about.system, detail=detail)))
        _write(mark, "")


def _run(hook: Hook, about: About, told: Told, outcome: str) -> str:
    """Run one command; what was wrong with it, empty when it ended well."""
    variables = {"RESPALDO_HOOK": hook.when, "RESPALDO_KIND": about.kind, "RESPALDO_SYSTEM": about.system, "RESPALDO_LABEL": about.label}
    begun = time.monotonic()
    detail = ""
    try:
        # a session of its own: one group, which a limit ends as a whole; no pipe, so that what it leaves running keeps nobody waiting
        process = subprocess.Popen(hook.argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/",
                                   env=programs.environment(**variables, **({"RESPALDO_RESULT": outcome} if outcome else {})), start_new_session=True)
    except OSError as error:
        detail = error.strerror or str(error)
    else:
        try:
            status = process.wait(hook.seconds)
            if status:
                detail = "it was ended by signal {0}".format(-status) if status < 0 else "it ended with status {0}".format(status)
        except subprocess.TimeoutExpired:
            detail = "it did not end within {0} seconds and was stopped".format(hook.seconds)
        finally:
            if process.returncode is None:
                _stop(process)
    spent = "{0:.1f}".format(time.monotonic() - begun).replace(".", ",")
    told.rows.append("{0}: {1}, en el {2}: {3}, {4} s".format(
        _WORDS[hook.when], hook.name, _WORDS[hook.place], "mal" if detail else "bien", spent))
    return detail


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """End a command and what it began: asked first, then without asking."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE)


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Who asks this run to end is heard once the commands after were run. A handler and not SIG_IGN, which programs would inherit."""
    asked: List[int] = []
    former: Any = None
    with contextlib.suppress(ValueError):     # not the main thread: signals are not ours
        former = signal.signal(signal.SIGTERM, lambda number, _frame: asked.append(number))
    try:
        yield
    finally:
        if former is not None:
            signal.signal(signal.SIGTERM, former)
            if asked:
                os.kill(os.getpid(), signal.SIGTERM)


@contextlib.contextmanager
def _alone(place: str, about: About, marks: str) -> Iterator[int]:
    """The mark of a system at one place, locked, and removed once nothing is owed. Raises system_busy; hook_unsafe without a directory of our own for it."""
    name = "hooks.{0}.{1}.{2}".format(place, about.kind, label.canonical(about.system))
    with workspace.own_state(True, marks) as held:
        if held is None:
            raise BackupError("hook_unsafe", hook="*", program=os.path.join(marks or workspace.STATE, name), detail="its directory")
        mark = _locked(held, name, about)
        try:
            yield mark
        finally:
            if not os.pread(mark, 1, 0):
                with contextlib.suppress(OSError):
                    os.unlink(name, dir_fd=held)     # while it is locked: who waited for it sees that it is another's now
            os.close(mark)


def _locked(held: int, name: str, about: About) -> int:
    deadline = time.monotonic() + about.wait
    while True:
        mark = descriptors.lockable(held, name)
        try:
            fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if descriptors.stands(held, name, descriptors.identity(mark)):
                return mark
        except BlockingIOError:
            if time.monotonic() >= deadline:
                os.close(mark)
                raise BackupError("system_busy", system=about.system, location=name) from None
        os.close(mark)
        time.sleep(0.2)


def _write(mark: int, text: str) -> None:
    os.ftruncate(mark, 0)
    os.pwrite(mark, text.encode("utf-8"), 0)
    os.fsync(mark)


def _is_label(text: str) -> bool:
    with contextlib.suppress(BackupError):
        return bool(label.parse(text))
    return False
