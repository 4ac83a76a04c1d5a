# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tickets and the history of requests on each store: two controllers on one bitácora never take one number (numeral 7.1.2)."""

from __future__ import annotations

import multiprocessing

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import tickets
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._decisions import requests


def reserve(url, run, count):
    for _each in range(count):
        with open_store(url) as store:
            tickets.reserve(store, 2026, run, "controlador")


def test_two_runs_at_once_never_take_one_number(url):
    context = multiprocessing.get_context("fork")
    runs = [context.Process(target=reserve, args=(url, f"R{place}", 5)) for place in range(4)]
    for run in runs:
        run.start()
    for run in runs:
        run.join(120)
    assert [run.exitcode for run in runs] == [0] * 4
    with open_store(url, readonly=True) as store:
        taken = store.entries(type=tickets.RESERVED)
        assert [entry["ticket"] for entry in taken] == [f"2026-{number:04d}" for number in range(1, 21)] and store.verify().whole
        assert {entry["run"] for entry in taken} == {"R0", "R1", "R2", "R3"}


def test_the_history_of_requests_is_read_alike(store):
    at = "2026-11-22T10:00:00Z"
    said = {"ticket": "INC 5", "request": "restore", "office": "Logística", "requester": "Ana", "person": "Ana", "post": "heads", "run": "R1", "host": "c"}
    store.append("run_started", {"run": "R1"}, at, "R1")
    store.append("copy_made", {**said, "label": "X_20261121", "reason": "request"}, at, "R1")
    store.append("request_opened", {**said, "event": "request_opened"}, at, "R1")
    store.append("restored", {"label": "X_20261121", "run": "R1", "host": "c"}, at, "R1")
    store.append("restore_started", {"label": "X_20261121", "run": "R1", "host": "c"}, at, "R1")
    history = tickets.history(store, requests.EVENTS, requests.EXECUTED_BY)
    assert [entry["type"] for entry in history] == ["request_opened", "restored"] and requests.told(history).requests["INC 5"].state == requests.ENDORSED
    with pytest.raises(BackupError) as refused:
        tickets.reserve(store, 2026, "R2", "c", "inc 5")
    assert refused.value.code == "RSP753" and tickets.next_of(store, 2026) == "2026-0001"
