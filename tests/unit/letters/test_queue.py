# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The queue of letters: pauses, reservations, how many a day; and what the warnings tell of those that do not go."""

from __future__ import annotations

import datetime

import pytest
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._decisions import requests, unsent
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._letters import due, queue
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._letters.addressees import Addressee

NOW = datetime.datetime(2026, 11, 28, 12, tzinfo=datetime.timezone.utc)
ABOUT = {"ticket": "2026-0001", "letter": "closed", "links": 7, "post": "heads"}
KEY = due.Key("2026-0001", "closed", 7, 0, "heads")


def at(**ago):
    return (NOW - datetime.timedelta(**ago)).strftime("%Y-%m-%dT%H:%M:%SZ")


def entry(type_, moment, **more):
    return {"type": type_, "at_event": moment, **ABOUT, **more}


def letter(address="carmen@example.org"):
    request = requests.Request("2026-0001", "restore", "Logística", "Pedro", at(days=1), requests.CLOSED)
    step = requests.Step(7, "request_closed", at(hours=1), "Eva", "soporte", "", "", "", "")
    return due.Letter(KEY, Addressee("heads", "Carmen Soto", address), request, step)


@pytest.mark.parametrize("failures, minutes", [(1, 5), (2, 10), (3, 20), (6, 160), (9, 1280), (10, 1440), (50, 1440)])
def test_the_pause_grows_and_ends_at_a_day(failures, minutes):
    told = [entry("letter_failed", at(hours=failures - number)) for number in range(failures)]
    assert queue.not_before(queue.tries(told)[KEY], NOW) == NOW - datetime.timedelta(hours=1) + datetime.timedelta(minutes=minutes)


def test_only_so_many_go_to_one_address_in_a_day():
    told = [entry("request_told", at(hours=hours), address="CARMEN@example.org") for hours in (1, 2, 25, -24000, -24001)]
    assert queue.today_to("carmen@example.org", told, NOW) == 2 and queue.today_to("otra@example.org", told, NOW) == 0


@pytest.mark.parametrize("before, taken, same", [
    ([], True, False),
    ([("request_told", {"hours": 1}, "A")], False, False),
    ([("letter_started", {"minutes": 59}, "A")], False, False),                                      # another run is at it
    ([("letter_started", {"minutes": 59}, "A"), ("run_interrupted", {"minutes": 1}, "A")], True, True),     # that died
    ([("letter_started", {"minutes": 61}, "A")], True, True),                                        # or is of a controller that nobody hears of
    ([("letter_started", {"minutes": 9}, "A"), ("letter_failed", {"minutes": 4}, "A")], False, False),
    ([("letter_started", {"minutes": 9}, "A"), ("letter_failed", {"minutes": 6}, "A")], True, True),
    ([("letter_started", {"days": -3000}, "A")], True, True),                                        # a clock that was ahead holds back none
    ([("letter_started", {"days": -3000}, "A"), ("letter_failed", {"days": -3000}, "A")], True, True),
], ids=str)
def test_a_letter_is_taken_by_one_and_keeps_its_identity(tmp_path, before, taken, same):
    with open_store(str(tmp_path / "b.sqlite")) as store:
        for type_, ago, run in before:
            body = {"run": run} if type_.startswith("run") else {**ABOUT, "run": run, "address": "carmen@example.org", "message_id": "<former@b>"}
            store.append(type_, body, at(**ago), "test")
        found = queue.reserve(store, letter(), "B", "localhost", NOW, lambda: "<new@b>")
        assert found == ("" if not taken else "<former@b>" if same else "<new@b>")
        started = [row for row in store.entries(type="letter_started") if row["run"] == "B"]
        assert [row["message_id"] for row in started] == ([found] if taken else [])


def test_an_identity_is_not_used_for_another_address(tmp_path):
    with open_store(str(tmp_path / "b.sqlite")) as store:
        store.append("letter_failed", {**ABOUT, "run": "A"}, at(days=2), "test")
        store.append("letter_started", {**ABOUT, "run": "A", "address": "carmen@example.org", "message_id": "<former@b>"}, at(days=2), "test")
        assert queue.reserve(store, letter("nueva@example.org"), "B", "localhost", NOW, lambda: "<new@b>") == "<new@b>"


@pytest.mark.parametrize("entries, level", [
    ([], None),
    ([("letter_failed", {"minutes": 59})], None),
    ([("letter_failed", {"minutes": 61})], 1),
    ([("letter_started", {"minutes": 61})], 1),
    ([("letter_failed", {"hours": 5}), ("request_told", {"hours": 4})], None),
    ([("letter_failed", {"days": 9}), ("letter_failed", {"days": 4})], None),      # nobody tries it any more: it is not due
    ([("letter_failed", {"days": 9}), ("letter_failed", {"hours": 4})], 4),
    ([("letter_failed", {"days": -3000}), ("letter_failed", {"hours": 4})], 1),
    ([("letter_failed", {"days": -3000})], 1),                       # nobody knows since when
    ([("letter_started", {"minutes": -3})], None),                   # clocks that differ a little
], ids=str)
def test_what_does_not_go_is_told_after_an_hour_and_worse_with_time(entries, level):
    found = unsent.signs([entry(type_, at(**ago), error_code="RSP764", error_message_es="No se pudo") for type_, ago in entries], NOW)
    assert [each.level for each in found] == ([] if level is None else [level])
    assert all("Solicitud 2026-0001: un correo sin enviar" in each.text and "RSP764" in each.text for each in found)
