# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing is removed by its age when the clock jumped, whatever was written by that clock before: the night copies first and removes afterwards."""

from __future__ import annotations

import datetime

import pytest

from plugins.module_utils._engine.errors import BackupError
from plugins.plugin_utils._bitacora import clock
from plugins.plugin_utils._bitacora.store import open_store

NOW = datetime.datetime(2036, 1, 10, 5, 0, tzinfo=datetime.timezone.utc)


@pytest.fixture
def store(tmp_path):
    with open_store(str(tmp_path / "b.sqlite")) as opened:
        opened._connection.execute("DROP TRIGGER entries_refuse_update")
        yield opened


def wrote(store, run, ago, type_="run_started"):
    """An entry that was recorded so long before NOW."""
    at = (NOW - ago).strftime("%Y-%m-%dT%H:%M:%SZ")
    store.append(type_, {"run": run}, at, run)
    store._connection.execute("UPDATE entries SET at_recorded = ? WHERE n = (SELECT max(n) FROM entries)", (at,))


def refused(store):
    try:
        clock.refuse_a_wrong_one(store, NOW, "own")
    except BackupError as error:
        return error.code
    return ""


def days(number):
    return datetime.timedelta(days=number)


def test_entries_that_follow_each_other_are_a_clock_to_measure_by(store):
    assert refused(store) == ""
    wrote(store, "own", days(0))
    assert refused(store) == "", "the first run of all"
    for ago in (40, 9, 4, 1):
        wrote(store, f"R{ago}", days(ago))
        assert refused(store) == ""


def test_the_copies_of_a_night_whose_clock_jumped_speak_for_no_clock(store):
    wrote(store, "R1", days(3326))
    wrote(store, "own", days(0))
    assert refused(store) == "RSP408"
    wrote(store, "R2", datetime.timedelta(hours=2), "copy_made")      # site.yml, an hour before prune.yml
    assert refused(store) == "RSP408"
    wrote(store, "R3", days(0), "prune_started")      # a person confirmed it
    wrote(store, "R4", days(0))
    assert refused(store) == ""


def test_after_days_the_clock_is_believed_and_one_that_goes_back_is_not(store):
    wrote(store, "R1", days(3326))
    wrote(store, "R2", days(4))
    wrote(store, "R3", days(1))
    assert refused(store) == ""
    wrote(store, "R4", -days(1))
    assert refused(store) == "RSP408"
