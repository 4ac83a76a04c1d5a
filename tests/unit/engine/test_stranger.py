# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts that nobody has: none is given twice, neither to two purposes nor while a process runs as it."""

from __future__ import annotations

import contextlib
import os
import pwd
import subprocess
from itertools import combinations

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.processes import stranger

RANGES = {"clients": stranger.CLIENTS, "pairs": stranger.PAIRS, "pairs of a container": stranger.PAIRS_OF_A_CONTAINER}


@contextlib.contextmanager
def in_use(number):
    def become():
        os.setgid(number)
        os.setuid(number)

    # Popen of Python 3.8 knows no `user`
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, preexec_fn=become) as process:
        yield
        process.stdin.close()


def test_no_two_purposes_have_an_account_in_common():
    last = {name: numbers[-1] + numbers.step - 1 for name, numbers in RANGES.items()}
    for one, other in combinations(RANGES, 2):
        assert last[one] < RANGES[other][0] or last[other] < RANGES[one][0], (one, other)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_what_it_gives_is_nobodys():
    given = stranger.account()
    assert given.uid in stranger.CLIENTS and given.gid == given.uid and not given.groups
    first = stranger.pair()
    assert first in stranger.PAIRS or first in stranger.PAIRS_OF_A_CONTAINER
    for number in (given.uid, first, first + 1):
        with pytest.raises(KeyError):
            pwd.getpwuid(number)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_an_account_that_a_process_runs_as_is_not_given(monkeypatch):
    number = stranger.account().uid
    monkeypatch.setattr(stranger, "CLIENTS", range(number, number + 1))
    assert stranger.account().uid == number
    with in_use(number), pytest.raises(BackupError) as caught:
        stranger.account()
    assert "are all in use" in str(caught.value)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_pair_is_free_whole(monkeypatch):
    first = stranger.PAIRS_OF_A_CONTAINER[0]
    monkeypatch.setattr(stranger, "PAIRS", range(first, first + 2, 2))
    monkeypatch.setattr(stranger, "PAIRS_OF_A_CONTAINER", range(first, first + 2, 2))
    assert stranger.pair() == first
    with in_use(first + 1):
        assert stranger.pair() is None
