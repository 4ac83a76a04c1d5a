# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What backup_plan records of that which is not copied: nothing hides another, and nothing is cut."""

from __future__ import annotations

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
