# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The form of the policy itself: the manual as data, table by table."""

from __future__ import annotations

from typing import Any, List, Mapping

from ..media.base import TIERS
from ..result import TRUST_LEVELS
from . import people, schema
from .schema import Problem, choice, flag, listing, table, text, whole
from .vocabulary import CATCH_UPS, COMPRESSIONS, CRITICALITIES, DAYS_OF_WEEK, ENCRYPTION_FORMATS, KINDS, RULED

_EVERY = table({}, {"days": whole(1, 366), "months": whole(1, 12)})


@schema.shaped(dict(schema.shape_of(_EVERY), minProperties=1, maxProperties=1))
def _every(value: Any, where: str, problems: List[Problem]) -> None:
    _EVERY(value, where, problems)
    if isinstance(value, Mapping) and len(value) != 1:
        problems.append(Problem(where, schema.shown(value), "needs exactly one of days and months", "Write e.g. days: 7."))


# Copies that stay when any of these keeps them; see plugin_utils/_decisions/retention.py
_RETENTION = table({}, {name: whole(1, 36500) for name in ("points", "days", "months", "daily", "weekly", "monthly", "yearly")})
_KIND = table({"numeral": text(), "frequency_numeral": text()}, {
    "every": _every, "on_update": flag(), "only_on_request": flag(), "outside_working_hours": flag(), "keep_copies": whole(1),
    "retention": _RETENTION,
    "catch_up": choice(*CATCH_UPS), "overdue_after_days": whole(0, 366),
})
_CRITICALITY = table({"password": flag(), "required_trust": choice(*TRUST_LEVELS[1:])}, {
    "trust": table({}, {kind: choice(*TRUST_LEVELS[1:]) for kind in KINDS}),
    "encryption_format": choice(*ENCRYPTION_FORMATS),
    "every": table({}, {kind: _every for kind in KINDS}),
    "retention": table({}, {kind: _RETENTION for kind in KINDS}),
})
_PRICE = text(r"[0-9]+(\.[0-9]+)?", "0.018")
_PRICES = table({"currency": text(), "gib_month": table({}, {tier: _PRICE for tier in TIERS})}, {})
_TIME = text(r"([01][0-9]|2[0-3]):[0-5][0-9]", "08:00")
POLICY = table(
    {
        "institution": text(),
        "manual": table({"name": text(), "version": text()}, {"approved": schema.date(), "document": text()}),
        "time_zone": text(),
        "kinds": table({kind: _KIND for kind in RULED}, {kind: _KIND for kind in KINDS if kind not in RULED}),
        "criticality": table({each: _CRITICALITY for each in CRITICALITIES}, {}),
    },
    {
        "label": table({"numeral": text()}, {}),
        "emergency_numeral": text(),
        "compression": choice(*COMPRESSIONS),
        "minimum_copies": whole(1),
        # passwords and keys that stand in clear in the inventory (5.2): plan.yml tells them, or no copy is made
        "secrets_in_clear": choice("tell", "refuse"),
        "working_hours": table({"days": listing(choice(*DAYS_OF_WEEK)), "from": _TIME, "until": _TIME}, {}),
        "holidays": listing(schema.date()),
        "actors": people.actors,
        "prices": _PRICES,
        # how often who has to answer about a request is reminded (7.1): after so many working days, so many times; then the head of the OTI is told
        "requests": table({}, {"reminder_days": whole(1, 60), "reminders": whole(0, 20)}),
        "drills": table({}, {"every": table({}, {each: whole(1, 3660) for each in CRITICALITIES}), "budget_minutes": whole(1, 10080)}),
        # how many hours of data may be lost (RPO), and in how many it must serve again (RTO), by criticality
        "recovery": table({}, {each: table({}, {"loss_hours": whole(1, 87600), "restore_hours": whole(1, 87600)}) for each in CRITICALITIES}),
        "shared_folders": table({"numeral": text()}, {"recycle_days": whole(0, 3650), "unwanted": listing(text(r"\.?[A-Za-z0-9_-]{1,16}", "mp3"))}),
        "warnings": table({}, {
            "size_change_percent": whole(1, 1000), "copies_for_pattern": whole(3, 12), "free_percent": whole(1, 90), "restore_test_days": whole(0),
            "seal_days": whole(1),
            "anchor_days": whole(1), "changed_percent": whole(1, 100), "data_read_days": whole(0, 3660), "medium_verified_days": whole(0, 3660),
        }),
    },
)
