# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What backup_plan records of that which is not copied: nothing hides another, and nothing is cut."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleConnectionFailure

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


def night(rows, left=(), changed=(), digests=None):
    return backup_plan._night(KINDS, rows, left, GUARDED, "srv1", "", changed, {"digests": digests or {}, "facts": {}})


def test_an_idle_night_is_recorded_by_kind_as_each_kinds_own_plan_does(capsys):
    told = night([row("A"), row("B", kind="file_server"), row("C")])
    assert told["idle"] is True and told["guarded"] is True and told["systems"] == 3 and told["kinds"] == []
    assert [(entry["event"], entry["kind"], entry["objects"]) for entry in told["backup"]] == [
        ("copy_not_due", "database", 2), ("copy_not_due", "file_server", 1)]
    assert "srv1: B (Servidor de archivos): no corresponde. No" in capsys.readouterr().out
    assert night([]).get("backup") is None and night([])["systems"] == 0


@pytest.mark.parametrize(("busy", "left", "kinds"), [
    (row("B", "due", "yes", kind="file_server"), (), ["file_server"]), (row("B", "refused", kind="file_server"), (), ["file_server"]),
    (row("B", kind="file_server"), {"file_server"}, ["file_server"]), (row("B", "if_changed", "if_changed", kind="source_code"), (), ["source_code"])])
def test_a_kind_with_something_to_do_holds_up_no_other(busy, left, kinds, capsys):
    """On a server with one repository every kind was planned anew each night: 36 tasks instead of one."""
    told = night([row("A"), busy], left, [{"event": "designation_changed"}])
    assert told["idle"] is False and told["kinds"] == kinds and told["systems"] == 1
    # of the busy one nothing is said, its own plan comes next; and that tells what changed of designations
    assert [(entry["event"], entry["kind"]) for entry in told["backup"]] == [("copy_not_due", "database")]
    out = capsys.readouterr().out
    assert "A (Base de datos)" in out and "B (" not in out


def test_what_was_asked_and_did_not_change_is_not_due(capsys):
    repository = {**row("R", "if_changed", "if_changed", kind="source_code"), "previous_label": "R_20261128", "previous_content_digest": "aa"}
    told = night([row("A"), repository], digests={"R": "aa"})
    assert told["idle"] is True and [entry["reason_text"] for entry in told["backup"]][1] == "R: No corresponde: sin cambios desde R_20261128"
    # changed, not answered, or with a copy of which no digest is known: due, and what was answered is not asked again
    for digests, known in (({"R": "bb"}, "aa"), ({}, "aa"), ({"R": "bb"}, None), ({"R": ""}, "")):
        told = night([row("A"), {**repository, "previous_content_digest": known}], digests=digests)
        assert told["kinds"] == ["source_code"] and told["digests"] == digests and len(told["backup"]) == 1, digests


def test_what_the_guard_found_is_told_by_the_plan_that_proved_it():
    assert backup_plan._told({**GUARDED, "warnings": ["w"]}) == {"guarded": True, "findings": [], "warnings": ["w"]}
    assert backup_plan._told({}) == {"guarded": True}


@pytest.mark.parametrize(("rows", "left"), [
    ([row("A"), row("B", "due", "yes")], ()), ([row("A"), row("B", "if_changed", "if_changed")], ()), ([row("A"), row("B", "refused")], ()),
    ([row("A")], {"database"})])
def test_a_night_with_something_to_do_records_nothing_yet(rows, left):
    told = night(rows, left)
    # the plans of the kinds come next: systems are counted and what is due is told by these
    assert told["idle"] is False and told["guarded"] is True and not {"backup", "systems", "due"} & set(told)


@pytest.mark.parametrize(("told", "digests"), [
    ({"digests": ["aa", ""]}, {"R": "aa"}), ({"failed": True, "digests": ["aa", "bb"]}, {}), ({"digests": []}, {}),
    (AnsibleConnectionFailure("no route to host"), {})])
def test_what_the_sources_say_is_asked_in_one_question_of_each_type(monkeypatch, told, digests):
    """A server that can't be reached is left to the task whose failure that is, which comes next."""
    asked = []

    def simulate(action, name, arguments, task_vars):
        asked.append((name, [source["path"] for source in arguments["sources"]], arguments["assigned_paths"]))
        if isinstance(told, Exception):
            raise told
        return told

    monkeypatch.setattr(backup_plan, "simulate", simulate)
    rows = [{**row("R", kind="source_code"), "index": 2, "source_type": "git"}, {**row("S", kind="source_code"), "index": 0, "source_type": "git"}]
    systems = [{"source": {"path": f"/srv/{place}"}} for place in range(3)]
    action = backup_plan.ActionModule.__new__(backup_plan.ActionModule)
    assert action._asked(rows, {"systems": systems, "assigned_paths": ["/srv"]}, {})["digests"] == digests
    assert asked == [("backup_git_info", ["/srv/2", "/srv/0"], ["/srv"])]
