# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A year of requests (year.yml): the letters of every day, reminders and escalations are those of a table that was made by hand."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
import yaml
import zoneinfo
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._decisions import asking, requests
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._letters import due

LIMA = zoneinfo.ZoneInfo("America/Lima")
YEAR = yaml.safe_load(Path(__file__).with_name("year.yml").read_text("utf-8"))
PEOPLE = {"pedro": ("pedro@example.org", "requester"), "ana": ("Ana Sin Correo", "requester"), "carmen": ("Carmen Soto", "heads"),
          "luis": ("Luis Paz", "egcr.infrastructure.titular"), "rosa": ("Rosa Vega", "jefe_oti"), "eva": ("Eva Ruiz", "soporte")}
SINCE = "2020-01-01"
RULES = {
    "time_zone": "America/Lima", "holidays": YEAR["holidays"], "requests": {"reminder_days": 3, "reminders": 2},
    "working_hours": {"days": ["monday", "tuesday", "wednesday", "thursday", "friday"], "from": "08:00", "until": "18:00"},
    "actors": {
        "jefe_oti": [{"name": "Rosa Vega", "from": SINCE, "email": "rosa@example.org"}],
        "soporte": [{"name": "Eva Ruiz", "from": SINCE, "email": "eva@example.org"}],
        "heads": [{"name": "Carmen Soto", "office": "Logística", "from": SINCE, "email": "carmen@example.org"}],
        "egcr": {"infrastructure": {"titular": [{"name": "Luis Paz", "from": SINCE, "email": "luis@example.org"}]}}}}


def utc(local):
    return datetime.datetime.strptime(local, "%Y-%m-%d %H:%M").replace(tzinfo=LIMA).astimezone(datetime.timezone.utc)


def written(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def steps_of(row, ticket):
    """(moment, body) of each step of a request; what was restored has a start and an end."""
    for at, name, *who in row["steps"]:
        if name == "restored":
            about = {"ticket": ticket, "run": "R" + at, "host": "archivos1", "label": "LOGISTICA_20260101"}
            yield utc(at), {"type": "restore_started", **about}
            yield utc(at), {"type": "restored", **about}
            continue
        person, post = PEOPLE[who[0]]
        body = {"type": "request_" + name, "ticket": ticket, "person": person, "post": post}
        if name == "opened":
            body.update(request="restore", office="Logística", requester=person, warnings_es=[asking.NO_COPY] if row.get("nothing_before") else [])
        yield utc(at), body


def simulated(rules):
    """Ticket -> [(day, letter, first part of the address)], as a timer at 08:00 and 15:00 would send them."""
    coming = sorted(((at, body) for number, row in enumerate(YEAR["requests"], 1) for at, body in steps_of(row, f"2026-{number:04}")),
                    key=lambda each: each[0])
    closed, opened = map(utc, YEAR["outage"])
    history, told, sent = [], [], {}
    moment, end = utc("2026-01-01 08:00"), utc(YEAR["until"] + " 08:00")
    while moment <= end:
        while coming and coming[0][0] <= moment:
            at, body = coming.pop(0)
            history.append({"n": len(history) + 1, "at_event": written(at), **body})
        if not closed <= moment < opened:
            for letter in due.letters(history, told, rules, moment):
                key = letter.key
                told.append({"type": due.TOLD, "ticket": key.ticket, "letter": key.letter, "links": key.of, "reminder": key.number, "post": key.post,
                             "at_event": written(moment)})
                sent.setdefault(key.ticket, []).append((moment.astimezone(LIMA).date().isoformat(), key.letter, letter.to.address.partition("@")[0]))
        moment += datetime.timedelta(hours=7 if moment.astimezone(LIMA).hour == 8 else 17)
    assert requests.told(history).odd == [] and not coming
    return sent


@pytest.fixture(scope="module")
def year():
    return simulated(RULES)


@pytest.mark.parametrize("number", range(1, len(YEAR["requests"]) + 1), ids=[row["about"][:40] for row in YEAR["requests"]])
def test_every_letter_of_the_year_goes_on_the_day_of_the_table(year, number):
    wanted = [tuple(each) for each in YEAR["requests"][number - 1]["letters"]]
    # two letters of one run have no order of their own
    assert sorted(year[f"2026-{number:04}"]) == sorted(wanted)


def test_without_holidays_the_table_would_not_hold():
    """That the table sees holidays at all."""
    assert simulated({**RULES, "holidays": []}) != simulated(RULES)
