# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The copies of Azure Backup among all others: plan, compliance, warnings, and what must leave them alone."""

from __future__ import annotations

import datetime

import pytest
import yaml
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._decisions import warnings
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._reports import compliance, facts
from vault_house import ROOT

RULES = yaml.safe_load((ROOT / "policies" / "manual-001-2019.yml").read_text(encoding="utf-8"))


@pytest.fixture
def week(house):
    """Six nights: good ones, one with a file left out four days ago, one that failed two days ago."""
    house.ready()
    house.sources = {"LEGAL": house.sources["LEGAL"]}
    for days in range(6, 0, -1):
        house.night("LEGAL", days, {4: "CompletedWithWarnings", 2: "Failed"}.get(days, "Completed"))
    house.act("azure_backup_verify", days=6)
    return house


def test_compliance_and_the_board_count_them(week):
    now = datetime.datetime.now(datetime.timezone.utc)
    day = datetime.datetime.fromtimestamp(week.at(6, 12), datetime.timezone.utc).date()
    with open_store(str(week.top / "b.sqlite"), readonly=True) as store:
        month, today = day.strftime("%Y-%m"), now.date()
        matrix = compliance.matrix(store, RULES, week.systems, month, today.strftime("%Y-%m"), now)
        board = facts.read(store, RULES, week.systems, day, today, now)
    counts = {state: sum(row[state] for row in matrix.rows) for state in ("met", "late", "missing")}
    # those of days 6, 5, 3 and 1 are good; a partial or failed one is none, so the next good one was late
    assert counts["met"] + counts["late"] == 4 and counts["late"] + counts["missing"] == 2
    system = board.systems[0]
    assert system.name == "LEGAL" and system.last["label"] == f"LEGAL_{week.day(1)}" and system.kept == 5 and system.kept_limit == 180
    assert [system.cells[place] for place in (0, 2, 4)] == ["good", "failed", "failed"]


def test_people_are_warned_of_them(week):
    now = datetime.datetime.now(datetime.timezone.utc)
    with open_store(str(week.top / "b.sqlite"), readonly=True) as store:
        assert not [each for each in warnings.in_force(store, RULES, week.systems, now) if each.system == "LEGAL"]
        later = warnings.in_force(store, RULES, week.systems, now + datetime.timedelta(days=3))
    overdue = [each for each in later if each.name == "overdue"]
    assert overdue and "azure_backup.yml" in overdue[0].text


def test_what_is_done_to_our_own_media_leaves_them_alone(week):
    """No drill, no removal, no transfer, no reconciliation is asked of a copy that lies in a vault."""
    disk = {"name": "disco", "type": "local", "path": str(week.top)}
    more = {"systems": week.systems, "media": [disk]}
    for action, key in (("backup_drill_plan", "turns"), ("backup_retention", "retention")):
        assert week.plain(action, **more)[key] == []
    assert week.plain("backup_transfer_plan", repository="disco", **more)["transfers"] == []
    plan = week.plain("backup_plan", emergency_reason="aviso de ransomware", **more)["plan"]
    assert [(row["due"], row["media"], row["encrypt"]) for row in plan] == [("no", ["boveda"], False)]
