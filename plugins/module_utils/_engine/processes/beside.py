# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same work for several things, some at a time; the first failure ends it for all."""

from __future__ import annotations

import threading
from concurrent import futures
from typing import Callable, Sequence, TypeVar

from ..errors import BackupError

Item = TypeVar("Item")
Done = TypeVar("Done")


class Halted(Exception):
    """The work of this thread is not wanted any more, since that of another failed."""


class Halt:
    """Told to all threads of `each` when one of them failed; asked where a thread may stop."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def tell(self) -> None:
        self._event.set()

    def look(self) -> None:
        """Raises Halted when there is nothing more to be done."""
        if self._event.is_set():
            raise Halted()


def each(work: Callable[[Item, Halt], Done], items: Sequence[Item], jobs: int) -> "list[Done]":
    """What `work` gives for each item, in their order; as many as `jobs` at a time, begun in their order.

    Raises what the first that failed raised, when all threads have ended.
    """
    halt = Halt()
    if jobs < 2 or len(items) < 2:
        return [work(item, halt) for item in items]

    def one(item: Item) -> Done:
        halt.look()
        try:
            return work(item, halt)
        except BaseException:
            halt.tell()
            raise

    with futures.ThreadPoolExecutor(jobs) as pool:
        running = [pool.submit(one, item) for item in items]
        try:
            futures.wait(running, return_when=futures.FIRST_EXCEPTION)
        finally:
            # also for what ends this thread itself: the others are waited for when the pool is left
            if not all(future.done() for future in running):
                halt.tell()
    failed = [error for error in (future.exception() for future in running) if error is not None and not isinstance(error, Halted)]
    for error in sorted(failed, key=lambda error: not isinstance(error, BackupError)):
        raise error
    return [future.result() for future in running]
