# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold of every decision, whatever the moment and the history."""

from __future__ import annotations

import datetime

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as some

from plugins.module_utils._engine.errors import BackupError
from plugins.module_utils._engine.policy import policy as engine
from plugins.plugin_utils._decisions import due as _due

with open("policies/manual-001-2019.yml", encoding="utf-8") as file:
    SHIPPED = yaml.safe_load(file)
UTC = datetime.timezone.utc
SOURCES = {"database": "postgresql", "source_code": "paths", "file_server": "restic", "mailbox": "imap"}
ASKED = {"ticket": "2027-0117", "requester": "Jefa de Logística", "reason": "Cese de un servidor"}

moments = some.datetimes(datetime.datetime(2020, 1, 1), datetime.datetime(2040, 1, 1), timezones=some.just(UTC))
kinds = some.sampled_from(sorted(SOURCES))
levels = some.sampled_from(["alta", "media", "baja"])
zones = some.sampled_from(["America/Lima", "America/Santiago", "Europe/Madrid", "Pacific/Apia", "Asia/Kathmandu"])
histories = some.one_of(some.none(), moments)


def decide(kind, level, taken, now, zone="America/Lima", **more):
    system = {"name": "S", "kind": kind, "criticality": level, "source": {"type": SOURCES[kind]}}
    last = {"started_at": taken.strftime("%Y-%m-%dT%H:%M:%SZ"), "trust_level": "T3"} if taken else None
    return _due.decide(system, dict(SHIPPED, time_zone=zone), last, now, **more)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(kinds, levels, histories, moments, zones)
def test_each_decision_is_one_of_the_known_and_says_why(kind, level, taken, now, zone):
    decision = decide(kind, level, taken, now, zone)
    assert decision.state in _due.STATES
    assert (decision.due == "yes") == (decision.state in ("due", "overdue"))
    assert "numeral 6.4" in decision.why and "numeral 6.4" in decision.why_en
    assert decision.overdue_days >= 0
    assert bool(decision.window_opens) == (decision.state == "outside_window")


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(some.sampled_from(["database", "source_code"]), levels, moments, some.integers(0, 4000), some.integers(0, 4000), zones)
def test_what_is_due_stays_due_until_it_is_copied(kind, level, taken, hours, more, zone):
    now = taken + datetime.timedelta(hours=hours)
    if decide(kind, level, taken, now, zone).due == "yes":
        later = decide(kind, level, taken, now + datetime.timedelta(hours=more), zone)
        assert later.due == "yes"
        assert later.overdue_days >= decide(kind, level, taken, now, zone).overdue_days


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(kinds, levels, moments, some.integers(0, 86399), zones)
def test_nothing_is_due_twice_on_one_day(kind, level, taken, seconds, zone):
    here = _due.zone(zone)
    now = taken + datetime.timedelta(seconds=seconds)
    if now.astimezone(here).date() == taken.astimezone(here).date():
        # the same day an update makes code due again, which only the source can tell
        assert decide(kind, level, taken, now, zone).due == ("if_changed" if kind == "source_code" else "no")


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(histories, moments, levels)
def test_a_file_server_is_never_copied_in_working_hours_without_a_reason(taken, now, level):
    local = now.astimezone(_due.zone("America/Lima"))
    inside = local.weekday() < 5 and 8 <= local.hour < 18
    decision = decide("file_server", level, taken, now)
    if inside:
        assert decision.due == "no"
        assert decide("file_server", level, taken, now, emergency="Alerta").reason == "emergency"
        assert decide("file_server", level, taken, now, request=ASKED).due == "yes"
    else:
        assert decision.state != "outside_window"


@settings(max_examples=300, deadline=None)
@given(some.sampled_from(["database", "source_code", "file_server"]), moments, some.integers(0, 24 * 40))
def test_more_criticality_is_never_later(kind, taken, hours):
    now = taken + datetime.timedelta(hours=hours)
    by_level = [decide(kind, level, taken, now) for level in ("alta", "media", "baja")]
    assert by_level[0].next_due <= by_level[1].next_due <= by_level[2].next_due


@pytest.mark.parametrize("local, ends", [
    ("2027-08-05 08:00", "18:00"), ("2027-08-05 07:59", None), ("2027-08-05 17:59", "18:00"), ("2027-08-05 18:00", None),
    ("2027-08-07 12:00", None), ("2027-08-06 12:00", None),
])
def test_working_hours_begin_and_end_to_the_minute(local, ends):
    moment = datetime.datetime.strptime(local, "%Y-%m-%d %H:%M").replace(tzinfo=_due.zone("America/Lima"))
    found = _due.working_until(moment, dict(SHIPPED, holidays=["2027-08-06"]))
    assert (found.strftime("%H:%M") if found else None) == ends


@pytest.mark.parametrize("request_, missing", [({}, "el ticket y el solicitante"), ({"ticket": "1"}, "el solicitante"),
                                               ({"ticket": " ", "requester": "Jefa"}, "el ticket")])
def test_a_request_without_ticket_or_requester_is_refused(request_, missing):
    decision = decide("mailbox", "alta", None, datetime.datetime(2027, 8, 5, tzinfo=UTC), request=request_)
    assert (decision.due, decision.state) == ("no", "refused")
    assert f"falta {missing}" in decision.why


def test_a_mailbox_is_copied_on_request_and_says_whose():
    decision = decide("mailbox", "alta", None, datetime.datetime(2027, 8, 5, tzinfo=UTC), request=ASKED)
    assert (decision.due, decision.state, decision.reason) == ("yes", "due", "request")
    assert decision.why == "Solicitud 2027-0117 de Jefa de Logística: Cese de un servidor (numeral 6.4)"


def test_a_copy_that_was_not_restored_in_time_is_told():
    system = {"name": "S", "kind": "database", "criticality": "alta", "source": {"type": "postgresql"}}
    last = {"started_at": "2027-08-02T15:00:00Z", "trust_level": "T2"}
    told = _due.decide(system, SHIPPED, last, datetime.datetime(2027, 8, 4, 15, tzinfo=UTC))
    assert told.why == "Vencida hace 1 día, desde el 03/08/2027: la última copia buena es del 02/08/2027, sin alcanzar T3 todavía (numeral 6.4)"


def test_grace_puts_off_overdue_but_not_due():
    rules = dict(SHIPPED, kinds=dict(SHIPPED["kinds"], database=dict(SHIPPED["kinds"]["database"], overdue_after_days=2)))
    system = {"name": "S", "kind": "database", "criticality": "media", "source": {"type": "postgresql"}}
    last = {"started_at": "2027-08-02T15:00:00Z", "trust_level": "T3"}
    states = [_due.decide(system, rules, last, datetime.datetime(2027, 8, day, 15, tzinfo=UTC)).state for day in (8, 9, 11, 12)]
    assert states == ["not_due", "due", "due", "overdue"]


@pytest.mark.parametrize("change, where", [
    ({"working_hours": {"days": ["monday"], "from": "18:00", "until": "08:00"}}, "backup_policy.working_hours"),
    ({"working_hours": None}, "backup_policy.kinds.file_server"),
    ({"holidays": ["2027-02-30"]}, "backup_policy.holidays[0]"),
    ({"kinds": dict(SHIPPED["kinds"], database=dict(SHIPPED["kinds"]["database"], catch_up="later"))}, "backup_policy.kinds.database.catch_up"),
])
def test_a_policy_whose_hours_make_no_sense_is_refused(change, where):
    wrong = {key: value for key, value in {**SHIPPED, **change}.items() if value is not None}
    with pytest.raises(BackupError) as caught:
        engine.validate(wrong, [], [{"name": "local", "path": "/var/lib/respaldo/copias"}])
    assert where in str(caught.value)


def test_an_emergency_without_a_reason_is_refused():
    decision = decide("database", "alta", None, datetime.datetime(2027, 1, 4, 15, tzinfo=UTC), emergency=" \n")
    assert (decision.due, decision.state) == ("no", "refused") and "falta el motivo (numeral 5.1 d)" in decision.why


@pytest.mark.parametrize("who, due", [("Ana Quispe", "yes"), ("  ana   QUISPE ", "yes"), ("ana.quispe@example.org", "yes"), ("Luis Rojas", "no"),
                                      ("Rosa Díaz", "no"), ("Ana", "no")])
def test_mail_is_asked_for_by_a_head_in_force(who, due):
    heads = [{"name": "Ana Quispe", "email": "ana.quispe@example.org", "office": "Logística", "from": "2027-01-01"},
             {"name": "Rosa Díaz", "office": "Logística", "from": "2020-01-01", "until": "2026-12-31"}]
    policy = dict(SHIPPED, actors={"heads": heads})
    now = datetime.datetime(2027, 3, 1, 15, tzinfo=UTC)
    mailbox = {"name": "S", "kind": "mailbox", "criticality": "baja", "source": {"type": "imap"}}
    decision = _due.decide(mailbox, policy, None, now, request={**ASKED, "requester": who})
    assert decision.due == due and (due == "yes" or decision.state == "waiting_for_request")
    database = {**mailbox, "kind": "database", "source": {"type": "sqlite"}}
    assert _due.decide(database, policy, None, now, request={**ASKED, "requester": who}).due == "yes", "the manual asks it of mail alone"
    engine.validate(policy, [], [])
