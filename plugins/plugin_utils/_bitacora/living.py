# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a task belongs to a run that is alive and recorded. Nothing is published, restored or removed outside of one."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
from collections.abc import Iterator

from ...module_utils._engine.errors import BackupError
from . import events
from .any_store import Store
from .store import SERVER_SCHEMES, open_store, path_of, resolve_url

_PR_SET_PDEATHSIG = 1


def address() -> tuple[str, str]:
    """The run that this worker belongs to, and where it is recorded. Raises BackupError bitacora_not_listening.

    The callback lives in the parent of this worker; a name left in the environment by an outer ansible-playbook proves nothing.
    """
    run, url = os.environ.get("RESPALDO_RUN_ID"), os.environ.get("RESPALDO_BITACORA")
    if not run or not url or not controller_lives():
        raise BackupError("bitacora_not_listening")
    return run, url


def controller_lives() -> bool:
    """Whether the process that started this worker, which the callback told, still runs: it is a worker's parent."""
    return os.environ.get("RESPALDO_CONTROLLER_PID") in (str(os.getppid()), str(os.getpid()))


@contextlib.contextmanager
def dying_with_controller(label: str) -> Iterator[None]:
    """For giving names: a worker of this process must not outlive its controller meanwhile. Raises BackupError interrupted when it has already.

    It has a session of its own (ansible-core 2.19 and later), and a cloud that is busy is asked for minutes: the next run would have settled the copy
    as one that stands nowhere before its name came to be, of which no entry would tell. Where the system can't do that, only the first look is made.
    """
    forked = os.environ.get("RESPALDO_CONTROLLER_PID") == str(os.getppid())
    _at_parents_death(signal.SIGKILL if forked else 0)
    try:
        # after it: a parent that died before sends no signal
        if not controller_lives():
            raise BackupError("interrupted", label=label)
        yield
    finally:
        _at_parents_death(0)


def _at_parents_death(number: int) -> None:
    with contextlib.suppress(AttributeError, OSError):      # Linux has it
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)


def prove_started(store: Store, run: str) -> None:
    """Raises BackupError bitacora_unwritable when the start of the run is not in the store."""
    if not store.entries(run=run, type="run_started"):
        raise BackupError("bitacora_unwritable", store=store.url, detail="the start of this run is not in it")


def refuse_unless_lost() -> None:
    """Raises BackupError invalid_input where this controller has a bitácora with entries, which could record what is done, or where a server that
    does not answer may have them.
    """
    url = resolve_url()
    if url.startswith(SERVER_SCHEMES):
        raise BackupError("invalid_input", where="bitacora_lost", value=True, problem="can't be told of a bitácora on a server, which may have entries",
                          mend="For this command alone set RESPALDO_BITACORA to a file that is not there; once the database is back, leave that out.")
    try:
        with open_store(url, readonly=True) as store:
            there = store.entries(limit=1)
    except BackupError:
        if _is_closed_to_us(url):
            raise BackupError("invalid_input", where="bitacora_lost", value=True, problem="can't be told: this account may not read {0}".format(url),
                              mend="Run it as the account that keeps the bitácora.") from None
        return
    if there:
        raise BackupError("invalid_input", where="bitacora_lost", value=True, problem="is not so: {0} has entries".format(url),
                          mend="Leave it out and restore with restore.yml, which records it.")


def _is_closed_to_us(url: str) -> bool:
    """Whether a file stands there, or may stand there, that this account has no right to read: that is not a lost one."""
    path = path_of(url)
    try:
        os.stat(path)
    except PermissionError:
        return True
    except OSError:
        return False
    return not os.access(path, os.R_OK)


def prove(action: str, host: str, label: str) -> None:
    """That what this action really does will be recorded: the run lives, its start is stored, and so is what the action's end needs (events.py), really
    and not as a simulation.

    Raises BackupError: bitacora_not_listening, bitacora_unwritable, start_missing.
    """
    run, url = address()
    rule = events.allowed(action)
    with open_store(url, readonly=True) as store:
        prove_started(store, run)
        starts = store.entries(run=run, label=label, type=rule.start) if rule and rule.start else []
        if rule and rule.start and not any(entry.get("host") == host and not entry.get("simulated") for entry in starts):
            raise BackupError("start_missing", event=rule.start, label=label or "-", host=host)
