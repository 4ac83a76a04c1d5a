# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run of another controller that says nothing any more: how long it is taken to live, whatever its clock wrote."""

from __future__ import annotations

import datetime

import pytest

from plugins.plugin_utils._bitacora import alive, entries
from plugins.plugin_utils._bitacora.store import open_store

HERE, THERE = {"controller": "uno", "boot_id": "b1", "pid": 1}, {"controller": "dos", "boot_id": "b2", "pid": 1}
LONG = alive.SILENT_HOURS + 1


@pytest.mark.parametrize("first, last, how", [
    (-LONG, -LONG, "silent"),
    (-LONG, -1, ""),
    (-1, -1, ""),
    (2, 2, ""),                                  # a clock that is two hours ahead is one
    (24 * 365 * 9, 24 * 365 * 9, "silent"),      # one that is nine years ahead kept the run alive for as long
    (-LONG, 24 * 365 * 9, "silent"),
    (24 * 365 * 9, -1, ""),                      # it was set back while the run goes on
])
def test_a_run_that_says_nothing_for_long_is_over(first, last, how, tmp_path, monkeypatch):
    def at(hours):
        return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")

    with open_store(str(tmp_path / "b.sqlite")) as store:
        for hours, type_ in ((first, "run_started"), (last, "copy_made")):
            monkeypatch.setattr(entries, "now", lambda hours=hours: at(hours))
            store.append(type_, {**THERE, "run": "R1"}, at(hours), "R1")
        started, = store.entries(type="run_started")
        assert alive.ended(store, [], started, HERE) == how
