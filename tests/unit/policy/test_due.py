# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime

import pytest

from plugins.module_utils._engine.errors import BackupError
from plugins.plugin_utils._decisions import due as _due

POLICY = {
    "time_zone": "America/Lima",
    "emergency_numeral": "5.1 d",
    "kinds": {
        "database": {"numeral": "7.2.1", "frequency_numeral": "6.4", "every": {"days": 7}},
        "source_code": {"numeral": "7.2.2", "frequency_numeral": "6.4", "every": {"months": 1}, "on_update": True},
    },
    "criticality": {"alta": {"every": {"database": {"days": 1}}}, "media": {}, "baja": {}},
}


def at(text):
    return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc)


def decide(kind, criticality, last, now, source_type="git", policy=POLICY, emergency="", **more):
    system = {"name": "SIGA", "kind": kind, "criticality": criticality, "source": {"type": source_type}, **more}
    return _due.decide(system, policy, {"started_at": last} if last else None, at(now), emergency)


@pytest.mark.parametrize("kind", ["database", "source_code"])
def test_what_was_never_copied_is_due(kind):
    decision = decide(kind, "baja", None, "2026-11-22T12:00:00Z")
    assert (decision.due, decision.reason, decision.next_due) == ("yes", "scheduled", "2026-11-22")
    assert "numeral 6.4" in decision.why and "numeral 6.4" in decision.why_en


@pytest.mark.parametrize("criticality, last, now, due, next_due", [
    # weekly: the seventh day, whatever the hour
    ("media", "2026-11-15T23:00:00Z", "2026-11-22T06:00:00Z", "yes", "2026-11-22"),
    ("media", "2026-11-15T23:00:00Z", "2026-11-22T04:59:59Z", "no", "2026-11-22"),  # still the 21st in Lima
    ("media", "2026-11-15T23:00:00Z", "2026-11-22T05:00:00Z", "yes", "2026-11-22"),  # midnight in Lima
    ("media", "2026-11-16T04:59:59Z", "2026-11-22T05:00:00Z", "yes", "2026-11-22"),  # the copy began on the 15th in Lima
    ("media", "2026-11-16T05:00:00Z", "2026-11-22T05:00:00Z", "no", "2026-11-23"),
    ("baja", "2026-01-01T12:00:00Z", "2026-11-22T12:00:00Z", "yes", "2026-01-08"),
    # daily
    ("alta", "2026-11-21T23:00:00Z", "2026-11-22T04:00:00Z", "no", "2026-11-22"),
    ("alta", "2026-11-21T23:00:00Z", "2026-11-22T11:00:00Z", "yes", "2026-11-22"),
    ("alta", "2026-11-22T12:00:00Z", "2026-11-22T12:00:00Z", "no", "2026-11-23"),
])
def test_databases_are_due_by_days_of_lima(criticality, last, now, due, next_due):
    decision = decide("database", criticality, last, now, "postgresql")
    assert (decision.due, decision.next_due) == (due, next_due)


@pytest.mark.parametrize("source_type, last, now, due, reason, next_due", [
    ("git", "2026-10-22T12:00:00Z", "2026-11-21T12:00:00Z", "if_changed", "update", "2026-11-22"),
    ("git", "2026-10-22T12:00:00Z", "2026-11-22T12:00:00Z", "yes", "scheduled", "2026-11-22"),
    ("paths", "2026-10-22T12:00:00Z", "2026-11-21T12:00:00Z", "if_changed", "update", "2026-11-22"),
    ("paths", "2026-10-22T12:00:00Z", "2026-11-22T12:00:00Z", "yes", "scheduled", "2026-11-22"),
    ("paths", "2027-01-31T12:00:00Z", "2027-02-27T12:00:00Z", "if_changed", "update", "2027-02-28"),
    ("paths", "2028-01-31T12:00:00Z", "2028-02-29T12:00:00Z", "yes", "scheduled", "2028-02-29"),
    ("paths", "2026-12-31T12:00:00Z", "2027-01-30T12:00:00Z", "if_changed", "update", "2027-01-31"),
])
def test_code_is_due_by_month_or_update_whichever_comes_first(source_type, last, now, due, reason, next_due):
    decision = decide("source_code", "baja", last, now, source_type)
    assert (decision.due, decision.reason, decision.next_due) == (due, reason, next_due)


def test_an_emergency_makes_it_due_and_says_why():
    decision = decide("database", "baja", "2026-11-22T12:00:00Z", "2026-11-22T12:00:00Z", emergency="Alerta de ransomware")
    assert (decision.due, decision.reason) == ("yes", "emergency")
    assert decision.why == "Copia de emergencia (numeral 5.1 d): Alerta de ransomware"


def test_a_disabled_system_is_not_copied_even_in_an_emergency():
    assert decide("database", "alta", None, "2026-11-22T12:00:00Z", emergency="x", enabled=False).due == "no"


def test_a_copy_from_the_future_does_not_count():
    decision = decide("database", "media", "2027-05-01T12:00:00Z", "2026-11-22T12:00:00Z")
    assert decision.due == "yes" and "futura" in decision.why


def test_words_for_people():
    decision = decide("database", "media", "2026-11-20T12:00:00Z", "2026-11-22T12:00:00Z")
    assert decision.why == "No corresponde hasta el 27/11/2026: la última copia buena es del 20/11/2026 (numeral 6.4)"


def test_end_is_used_when_the_start_is_not_known():
    assert _due.taken_at({"ended_at": "2026-11-22T12:00:00Z"}) == at("2026-11-22T12:00:00Z")


@pytest.mark.parametrize("name", ["America/Limma", "", "../etc/passwd", "/etc/passwd", "America", "a\x00b"])
def test_an_unknown_zone_is_refused_with_the_mend(name):
    with pytest.raises(BackupError) as caught:
        _due.zone(name)
    assert caught.value.code == "RSP101" and "tzdata" in caught.value.hint
