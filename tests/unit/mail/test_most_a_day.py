# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many requests a person may open in a day by mail: those that a clock opened that was years ahead are of no day, and shut nobody out."""

from __future__ import annotations

import datetime

import pytest

from plugins.plugin_utils._decisions import requests
from plugins.plugin_utils._mail import deciding

NOW = datetime.datetime(2026, 11, 28, 12, tzinfo=datetime.timezone.utc)


@pytest.mark.parametrize("hours, counted", [(1, 1), (23, 1), (25, 0), (-0.05, 1), (-24000, 0)])
def test_those_of_the_last_day_count(hours, counted):
    opened = (NOW - datetime.timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")
    request = requests.Request("2026-0001", "restore", "Logística", "Pedro Díaz", opened, requests.CLOSED)
    told = requests.Told({"2026-0001": request}, *[()] * (len(requests.Told._fields) - 1))
    assert deciding._opened_today(told, "Pedro Díaz", NOW) == counted
