# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict of a run, by what was heard of it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.judging import Expected, Judge, exit_status

WORK = Expected(work=True)
GUARD, PLAN, NONE = ("bitacora_guard", "ok", {}), ("backup_plan", "ok", {"systems": 2, "due": []}), ("backup_plan", "ok", {"systems": 0})
DUE = ("backup_plan", "ok", {"systems": 1, "due": [{"kind": "database", "system": "SIGA"}]})
BEGUN = {"body": {"host": "a", "kind": "database", "system": "SIGA"}, "type": "copy_started"}


@pytest.mark.parametrize(("expected", "heard", "entries", "verdict"), [
    (WORK, [], [], "empty"),
    (WORK, [GUARD], [], "empty"),
    (WORK, [GUARD, ("bitacora_verdict", "ok", {})], [], "empty"),
    (WORK, [GUARD, NONE], [], "empty"),
    (WORK, [GUARD, NONE, PLAN], [], "good"),
    (WORK, [GUARD, NONE, ("bitacora_verify", "ok", {})], [], "empty"),
    (WORK, [GUARD, ("backup_custody", "ok", {}), NONE], [], "good"),
    (WORK, [GUARD, ("shared_folder", "skipped", {})], [], "empty"),
    (WORK, [GUARD, DUE], [], "failed"),
    (WORK, [GUARD, DUE], [BEGUN, {}], "good"),
    (WORK, [GUARD, DUE], [{"body": {**BEGUN["body"], "host": "b"}}], "failed"),
    (WORK, [GUARD, PLAN, ("backup_git", "ignored", {})], [], "failed"),
    (WORK, [GUARD, PLAN, ("", "failed", {})], [], "good"),
    (WORK._replace(reads=True), [("bitacora_info", "ok", {})], [], "good"),
    (WORK._replace(halfway=True), [PLAN], [], "partial"),
    (WORK._replace(halfway=True), [GUARD, PLAN], [], "good"),
    (WORK._replace(by_tags=True), [("", "ok", {})], [], "good"),
    (WORK._replace(by_tags=True), [], [], "empty"),
    (WORK, [("", "ok", {})], [], "empty"),
    (Expected(), [], [], "good"),
    (Expected(), [("", "ok", {})], [], "good"),
])
def test_verdict(expected: Expected, heard: list[tuple[str, str, dict[str, Any]]], entries: list[dict[str, Any]], verdict: str) -> None:
    judge = Judge(expected)
    for action, status, found in heard:
        judge.heard("a", action, False, status, [found])
    assert judge.verdict(False, entries)[0] == verdict
    assert judge.verdict(True, entries)[0] == "failed"


def test_a_loop_is_all_its_rows() -> None:
    judge = Judge(WORK)
    judge.heard("a", "backup_reconcile", True, "ok", [{"systems": 0}, {"systems": 1}])
    assert judge.verdict(False, [])[0] == "good"


def test_a_play_without_its_hosts_is_told_unless_a_limit_chose_them() -> None:
    for limited, verdict in ((False, "partial"), (True, "good")):
        judge = Judge(WORK._replace(limited=limited))
        judge.heard("a", *PLAN[:1], True, "ok", [PLAN[2]])
        judge.missed("")
        assert judge.verdict(False, [])[0] == "good"
        judge.missed("servidroes")
        found, told = judge.verdict(False, [])
        assert found == verdict and ("servidroes" in told[0].spanish if told else limited)


def test_exit_statuses() -> None:
    assert {verdict: exit_status(verdict) for verdict in ("good", "failed", "empty", "partial")} == {"good": 0, "failed": 2, "empty": 71, "partial": 71}
