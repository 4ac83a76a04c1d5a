# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same work for several things: their order, and how the first failure ends it."""

from __future__ import annotations

import threading
from typing import Any, List

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.processes.beside import Halt, Halted, each


@pytest.mark.parametrize("jobs", [1, 2, 9])
def test_what_is_given_stands_in_the_order_of_the_items(jobs: int) -> None:
    assert each(lambda item, halt: item * 2, list(range(20)), jobs) == list(range(0, 40, 2))
    assert each(lambda item, halt: item, [], jobs) == []


def test_as_many_as_jobs_run_at_a_time() -> None:
    meeting = threading.Barrier(3)
    assert each(lambda item, halt: meeting.wait(20) is not None, [1, 2, 3], 3) == [True] * 3


def test_the_first_failure_ends_the_others_and_is_what_is_raised() -> None:
    begun: List[int] = []

    def work(item: int, halt: Halt) -> None:
        begun.append(item)
        if item == 0:
            raise BackupError("medium_full", location="/x", detail="no room")
        while True:
            halt.look()

    with pytest.raises(BackupError) as caught:
        each(work, list(range(50)), 2)
    assert caught.value.fault.name == "medium_full" and len(begun) < 50


def test_what_ends_the_thread_that_waits_ends_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    told: List[int] = []

    def work(item: int, halt: Halt) -> None:
        try:
            while True:
                halt.look()
        except Halted:
            told.append(item)
            raise

    def interrupted(running: Any, **_more: object) -> None:
        while not any(future.running() for future in running):
            pass
        raise KeyboardInterrupt

    monkeypatch.setattr("concurrent.futures.wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        each(work, [1, 2], 2)
    assert told
