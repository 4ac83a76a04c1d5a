# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A year of three hundred systems through the due engine, beside tables that were worked out by hand on a calendar.

The year goes from Thursday 1 July 2027 to Friday 30 June 2028, so that it holds 29 February 2028. A scheduler calls every day at 10:00 and
at 22:00 of Lima; on 12 and 13 October 2027 the controller was down. What is decided `yes` is copied at once, as site.yml does.
"""

from __future__ import annotations

import collections
import copy
import datetime
import functools

import pytest
import yaml
import zoneinfo

from plugins.plugin_utils._decisions import due

LIMA = zoneinfo.ZoneInfo("America/Lima")
FIRST, LAST = datetime.date(2027, 7, 1), datetime.date(2028, 6, 30)
OUTAGE = ("2027-10-12", "2027-10-13")
# Peru's: Fiestas Patrias, Batalla de Junín, Santa Rosa, Angamos, Todos los Santos, Inmaculada, Ayacucho, Navidad, Año Nuevo, Jueves and
# Viernes Santo, Día del Trabajo, Batalla de Arica, San Pedro y San Pablo. Some fall on weekends, which changes nothing.
HOLIDAYS = """2027-07-23 2027-07-28 2027-07-29 2027-08-06 2027-08-30 2027-10-08 2027-11-01 2027-12-08 2027-12-09 2027-12-25
2028-01-01 2028-04-13 2028-04-14 2028-05-01 2028-06-07 2028-06-29""".split()

# Weekly from 1 July, a Thursday. No due day falls on the outage (they are 7 and 14 October), so it is Thursdays all year.
THURSDAYS = """2027-07-01 2027-07-08 2027-07-15 2027-07-22 2027-07-29 2027-08-05 2027-08-12 2027-08-19 2027-08-26 2027-09-02 2027-09-09
2027-09-16 2027-09-23 2027-09-30 2027-10-07 2027-10-14 2027-10-21 2027-10-28 2027-11-04 2027-11-11 2027-11-18 2027-11-25 2027-12-02
2027-12-09 2027-12-16 2027-12-23 2027-12-30 2028-01-06 2028-01-13 2028-01-20 2028-01-27 2028-02-03 2028-02-10 2028-02-17 2028-02-24
2028-03-02 2028-03-09 2028-03-16 2028-03-23 2028-03-30 2028-04-06 2028-04-13 2028-04-20 2028-04-27 2028-05-04 2028-05-11 2028-05-18
2028-05-25 2028-06-01 2028-06-08 2028-06-15 2028-06-22 2028-06-29""".split()
# Weekly from Tuesday 6 July: 12 October falls on the outage and is made up on Thursday 14, which is where the weeks go on from.
TUESDAYS_THEN_THURSDAYS = """2027-07-06 2027-07-13 2027-07-20 2027-07-27 2027-08-03 2027-08-10 2027-08-17 2027-08-24 2027-08-31 2027-09-07
2027-09-14 2027-09-21 2027-09-28 2027-10-05 2027-10-14 2027-10-21 2027-10-28 2027-11-04 2027-11-11 2027-11-18 2027-11-25 2027-12-02
2027-12-09 2027-12-16 2027-12-23 2027-12-30 2028-01-06 2028-01-13 2028-01-20 2028-01-27 2028-02-03 2028-02-10 2028-02-17 2028-02-24
2028-03-02 2028-03-09 2028-03-16 2028-03-23 2028-03-30 2028-04-06 2028-04-13 2028-04-20 2028-04-27 2028-05-04 2028-05-11 2028-05-18
2028-05-25 2028-06-01 2028-06-08 2028-06-15 2028-06-22 2028-06-29""".split()
# Monthly from 31 August: a shorter month gives its last day, and the next is counted from there (29 February, then 29 March).
MONTH_ENDS = """2027-08-31 2027-09-30 2027-10-30 2027-11-30 2027-12-30 2028-01-30 2028-02-29 2028-03-29 2028-04-29 2028-05-29 2028-06-29""".split()
# Monthly from 13 July: 13 October falls on the outage, 14 it is from then on.
MONTHLY_OVER_THE_OUTAGE = """2027-07-13 2027-08-13 2027-09-13 2027-10-14 2027-11-14 2027-12-14 2028-01-14 2028-02-14 2028-03-14 2028-04-14
2028-05-14 2028-06-14""".split()
# A repository updated on those days, from 1 July: each update is copied the same day, and a month without one is copied at its end.
UPDATES = ("2027-07-20", "2027-07-21", "2027-12-24", "2028-02-29")
CODE_WITH_UPDATES = """2027-07-01 2027-07-20 2027-07-21 2027-08-21 2027-09-21 2027-10-21 2027-11-21 2027-12-21 2027-12-24 2028-01-24
2028-02-24 2028-02-29 2028-03-29 2028-04-29 2028-05-29 2028-06-29""".split()
EVERY_DAY = [day.isoformat() for day in (FIRST + datetime.timedelta(days=count) for count in range(366)) if day.isoformat() not in OUTAGE]
# Weekends of the year begin on Saturday 3 July 2027; with the holidays they are the days on which 10:00 is outside working hours.
FREE_DAYS = sorted({(datetime.date(2027, 7, 3) + datetime.timedelta(days=7 * week + day)).isoformat() for week in range(52) for day in (0, 1)}
                   | set(HOLIDAYS))


@functools.lru_cache(maxsize=None)
def shipped_policy():
    """Read once: three hundred readings of it took longer than three hundred years of decisions."""
    with open("policies/manual-001-2019.yml", encoding="utf-8") as file:
        return yaml.safe_load(file)


def policy(zone="America/Lima", **kinds):
    shipped = copy.deepcopy(shipped_policy())
    shipped.update(time_zone=zone, holidays=HOLIDAYS)
    for kind, more in kinds.items():
        shipped["kinds"][kind].update(more)
    return shipped


def calls(first=FIRST):
    """The moments at which the scheduler calls, as (day, hour, moment)."""
    for count in range((LAST - first).days + 1):
        day = first + datetime.timedelta(days=count)
        if day.isoformat() not in OUTAGE:
            for hour in (10, 22):
                yield day.isoformat(), hour, datetime.datetime(day.year, day.month, day.day, hour, tzinfo=LIMA)


def live(kind, criticality, first=FIRST, source="postgresql", updates=(), rules=None):
    """The days on which a system is copied, with the hour, and all decisions of the year."""
    rules = rules or policy()
    system = {"name": "S", "kind": kind, "criticality": criticality, "source": {"type": source}}
    last, seen, copied, decisions = None, "", [], []
    for day, hour, now in calls(first):
        decision = due.decide(system, rules, last, now)
        decisions.append((day, hour, decision))
        content = max((update for update in updates if update <= day), default="")
        if decision.due == "yes" or (decision.due == "if_changed" and content != seen):
            copied.append((day, hour))
            seen = content
            last = {"started_at": now.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"), "trust_level": "T3"}
    return copied, decisions


# kind, criticality, first day of its life, source, updates -> the table, how many such systems the institution has
SYSTEMS = [
    ("database", "alta", "2027-07-01", "postgresql", (), EVERY_DAY, 40),
    ("database", "media", "2027-07-01", "postgresql", (), THURSDAYS, 50),
    ("database", "baja", "2027-07-06", "mariadb", (), TUESDAYS_THEN_THURSDAYS, 40),
    ("source_code", "alta", "2027-07-01", "git", UPDATES, CODE_WITH_UPDATES, 40),
    ("source_code", "baja", "2027-08-31", "paths", (), MONTH_ENDS, 20),
    ("source_code", "media", "2027-07-13", "paths", (), MONTHLY_OVER_THE_OUTAGE, 20),
    ("file_server", "media", "2027-07-01", "restic", (), EVERY_DAY, 60),
    ("mailbox", "media", "2027-07-01", "imap", (), [], 30),
]


@pytest.mark.slow
def test_three_hundred_systems_are_copied_on_the_days_of_the_tables():
    assert sum(row[-1] for row in SYSTEMS) == 300
    made = collections.Counter()
    for kind, criticality, first, source, updates, table, many in SYSTEMS:
        for number in range(many):
            copied, decisions = live(kind, criticality, datetime.date.fromisoformat(first), source, updates)
            assert [day for day, _hour in copied] == table, (kind, criticality, number)
            made[kind] += len(copied)
            if number:
                continue
            days = set(table)
            for day, _hour, decision in decisions:
                if kind == "mailbox":
                    assert (decision.state, decision.due) == ("waiting_for_request", "no")
                elif day not in days:
                    assert decision.state in ("not_due", "if_changed"), (kind, day, decision)
    assert made == {"database": 40 * 364 + 50 * 53 + 40 * 52, "source_code": 40 * 16 + 20 * 11 + 20 * 12, "file_server": 60 * 364, "mailbox": 0}


def test_a_file_server_is_copied_outside_working_hours_on_every_day():
    copied, decisions = live("file_server", "media", source="restic")
    assert [day for day, hour in copied if hour == 10] == [day for day in FREE_DAYS if day in set(EVERY_DAY)]
    assert [day for day, hour in copied if hour == 22] == [day for day in EVERY_DAY if day not in FREE_DAYS]
    for day, hour, decision in decisions:
        expected = "outside_window" if hour == 10 and day not in FREE_DAYS else "not_due" if hour == 22 and day in FREE_DAYS else None
        if expected:
            assert decision.state == expected, day
        if expected == "outside_window":
            assert decision.window_opens == day + " 18:00"


def test_the_outage_makes_overdue_what_was_due_in_it_and_nothing_else():
    """Daily systems were due on the 12th and are copied on the 14th: two days late. No other day of the year is late."""
    for kind, source in (("database", "postgresql"), ("file_server", "restic")):
        _copied, decisions = live(kind, "alta", source=source)
        late = [(day, hour, decision.state, decision.overdue_days) for day, hour, decision in decisions if decision.overdue_days]
        at_ten = "overdue" if kind == "database" else "outside_window"
        expected = [("2027-10-14", 10, at_ten, 2)]
        if kind == "file_server":
            expected.append(("2027-10-14", 22, "overdue", 2))
        assert late == expected
    _copied, decisions = live("database", "baja", datetime.date(2027, 7, 6))
    assert [(day, hour, decision.overdue_days) for day, hour, decision in decisions if decision.overdue_days] == [("2027-10-14", 10, 2)]
    _copied, decisions = live("source_code", "media", datetime.date(2027, 7, 13), "paths")
    assert [(day, hour, decision.overdue_days) for day, hour, decision in decisions if decision.overdue_days] == [("2027-10-14", 10, 1)]


@pytest.mark.parametrize("rule, hour_made_up", [("now", 10), ("next_window", 22)])
def test_what_the_outage_left_behind_is_made_up_as_the_policy_says(rule, hour_made_up):
    copied, _decisions = live("database", "alta", rules=policy(database={"catch_up": rule}))
    assert ("2027-10-14", hour_made_up) in copied
    assert [day for day, _hour in copied] == EVERY_DAY


def test_where_the_policy_asks_nothing_is_copied_until_a_person_says_so():
    rules = policy(database={"catch_up": "ask"})
    copied, decisions = live("database", "alta", rules=rules)
    assert [day for day, _hour in copied] == [day for day in EVERY_DAY if day < "2027-10-14"]
    assert {decision.state for day, _hour, decision in decisions if day >= "2027-10-14"} == {"ask"}
    assert decisions[-1][2].overdue_days == 262  # from 12 October 2027 to 30 June 2028: 19 + 30 + 31 + 31 + 29 + 31 + 30 + 31 + 30
    system = {"name": "S", "kind": "database", "criticality": "alta", "source": {"type": "postgresql"}}
    last = {"started_at": "2027-10-11T15:00:00Z", "trust_level": "T3"}
    confirmed = due.decide(system, rules, last, datetime.datetime(2027, 10, 14, 10, tzinfo=LIMA), catch_up="now")
    assert (confirmed.due, confirmed.state, confirmed.overdue_days) == ("yes", "overdue", 2)


def test_a_zone_with_summer_time_counts_its_own_days():
    """Chile: on 5 September 2027 clocks go from 00:00 to 01:00, on 2 April 2028 from 00:00 back to 23:00. Calls are at 03:30 UTC.

    That is 23:30 of the day before in winter, 00:30 of the same day in summer. So no call falls on 5 September there (4 September 23:30, then
    6 September 00:30: a day late), and two fall on 1 April (00:30 and 23:30: the second is not due).
    """
    system = {"name": "S", "kind": "database", "criticality": "alta", "source": {"type": "postgresql"}}
    rules, last, states = policy("America/Santiago"), None, {}
    for count in range(366):
        now = datetime.datetime(2027, 7, 1, 3, 30, tzinfo=datetime.timezone.utc) + datetime.timedelta(days=count)
        decision = due.decide(system, rules, last, now)
        states[now.date().isoformat()] = (decision.state, decision.overdue_days)
        if decision.due == "yes":
            last = {"started_at": now.strftime("%Y-%m-%dT%H:%M:%SZ"), "trust_level": "T3"}
    odd = {day: state for day, state in states.items() if state != ("due", 0)}
    assert odd == {"2027-09-06": ("overdue", 1), "2028-04-02": ("not_due", 0)}
