# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Do a piece of work in a child process that is another account, within a time limit.

What root reads by name in a directory of another account could be exchanged for a link; done as that account, it reads and makes only what the account
could anyway. A library such as SQLite can't be given descriptors in place of names.
"""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import select
import signal
import time
from typing import Any, Callable, Dict

from ..errors import BackupError
from . import programs

_MOST = 64 << 20      # bytes that a child may answer


def of_user(uid: int, gid: int) -> programs.Account:
    """The account of a user id, also of one that has no name here."""
    try:
        return programs.account(pwd.getpwuid(uid).pw_name)
    except KeyError:
        return programs.Account(str(uid), uid, gid, "/", (gid,))


def call(account: programs.Account, work: Callable[[], Any], limit: float, step: str, source: str) -> Any:
    """What `work` gives (anything JSON can hold), done as `account`.

    Raises source_too_slow after `limit` seconds, BackupError as `work` raised it, source_unreachable with the words of any other error.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _be(account, work, writing)
    os.close(writing)
    ended = False
    try:
        answer = _hear(reading, time.monotonic() + limit)
        ended = answer is not None
    finally:
        os.close(reading)
        if not ended:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    if answer is None:
        raise BackupError("source_too_slow", source=source, step=step, seconds=int(limit))
    try:
        told = json.loads(answer.decode("utf-8"))
    except ValueError as error:
        raise BackupError("source_unreachable", source=source, detail="{0} ended without an answer".format(step)) from error
    if "fault" in told:
        raise BackupError(told["fault"], **told["details"])
    if "error" in told:
        raise BackupError("source_unreachable", source=source, detail="as account {0}: {1}".format(account.name, told["error"]))
    return told["result"]


def _be(account: programs.Account, work: Callable[[], Any], writing: int) -> None:
    """The child: never returns."""
    told: Dict[str, Any]
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        account.become()
        told = {"result": work()}
    except BackupError as error:
        told = {"fault": error.fault.name, "details": {name: str(value) for name, value in error.details.items()}}
    except BaseException as error:  # pylint: disable=broad-except
        told = {"error": "{0}: {1}".format(type(error).__name__, error)}
    try:
        with os.fdopen(writing, "wb") as file:
            file.write(json.dumps(told).encode("utf-8"))
    finally:
        os._exit(0)     # no handlers of the parent's: its scratch is not ours to remove


def _hear(reading: int, deadline: float) -> Any:
    """All that the child wrote until it ended; None when the time is over."""
    heard = bytearray()
    poll = select.poll()
    poll.register(reading, select.POLLIN | select.POLLHUP)
    while len(heard) <= _MOST:
        left = deadline - time.monotonic()
        if left <= 0 or not poll.poll(int(left * 1000) + 1):
            return None
        chunk = os.read(reading, 1 << 16)
        if not chunk:
            return bytes(heard)
        heard += chunk
    return None
