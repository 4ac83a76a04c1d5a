# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What backup_plan records of that which is not copied: nothing hides another, and nothing is cut."""

from __future__ import annotations

import pytest

from plugins.action import backup_plan


def row(name, state="not_due", due="no", why="No corresponde hasta el 29/11/2026 (numeral 6.4)", kind="database"):
    return {"system": name, "kind": kind, "state": state, "due": due, "why": why, "numeral": "7.2.1"}


def test_what_is_refused_does_not_hide_what_is_not_due():
    told = backup_plan._record([row("A", "refused", why="Se rechaza"), row("B"), row("C", "due", "yes")], "all")["backup"]
    assert [(entry["event"], entry["objects"], entry["reason_text"].split(":")[0]) for entry in told] == [("copy_refused", 1, "A"), ("copy_not_due", 1, "B")]


def test_hundreds_of_systems_are_all_named():
    names = [f"SISTEMA{place:03}" for place in range(300)]
    told = backup_plan._record([row(name) for name in names], "database")["backup"]
    assert sum(entry["objects"] for entry in told) == 300 and len(told) > 1
    assert "; ".join(entry["reason_text"] for entry in told) == "; ".join(f"{name}: {row(name)['why']}" for name in names)
    assert max(len(entry["reason_text"]) for entry in told) <= 3000


def test_nothing_is_recorded_when_all_is_copied():
    assert backup_plan._record([row("A", "due", "yes")], "all") == {}


GUARDED = {"run": "R", "url": "x", "findings": []}
KINDS = ["database", "source_code", "file_server"]


def test_an_idle_night_is_recorded_by_kind_as_each_kinds_own_plan_does(capsys):
    told = backup_plan._night(KINDS, [row("A"), row("B", kind="file_server"), row("C")], False, GUARDED, "srv1", ["A: no", "B: no", "C: no"], [])
    assert told["idle"] is True and told["guarded"] is True and told["systems"] == 3
    assert [(entry["event"], entry["kind"], entry["objects"]) for entry in told["backup"]] == [
        ("copy_not_due", "database", 2), ("copy_not_due", "file_server", 1)]
    assert "srv1: B: no" in capsys.readouterr().out
    assert backup_plan._night(KINDS, [], False, GUARDED, "srv1", [], []).get("backup") is None


def test_what_the_guard_found_is_told_by_the_plan_that_proved_it():
    assert backup_plan._told({**GUARDED, "warnings": ["w"]}) == {"guarded": True, "findings": [], "warnings": ["w"]}
    assert backup_plan._told({}) == {"guarded": True}


@pytest.mark.parametrize(("rows", "left"), [
    ([row("A"), row("B", "due", "yes")], False), ([row("A"), row("B", "if_changed", "if_changed")], False), ([row("A"), row("B", "refused")], False),
    ([row("A")], True)])
def test_a_night_with_something_to_do_records_nothing_yet(rows, left):
    told = backup_plan._night(KINDS, rows, left, GUARDED, "srv1", ["A: no"], [])
    # the plans of the kinds come next: systems are counted and what is due is told by these
    assert told["idle"] is False and told["guarded"] is True and not {"backup", "systems", "due"} & set(told)
