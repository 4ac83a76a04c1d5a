# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeping the index (backup_index): which copies are asked for, and a server that lies or fails, which leaves the index as it was."""

from __future__ import annotations

import base64
import contextlib
import gzip
import json

import pytest
from ansible_collections.perucompras.respaldo.plugins.action import backup_index
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._finding import index


def packed(*paths, kind="f"):
    return base64.b64encode(gzip.compress(b"".join(json.dumps([path, kind, 1, 1]).encode() + b"\n" for path in paths))).decode()


def page(*paths, count=None, more=False):
    return {"names": packed(*paths), "count": len(paths) if count is None else count, "more": more}


def copy(day, media=("nas",)):
    return {"label": f"S_2026112{day}", "system": "S", "started_at": f"2026-11-2{day}T01:00:00Z", "media": dict.fromkeys(media, "T2"), "sha256": "0" * 64}


class Store:
    def __init__(self, copies):
        self.rows = copies

    def copies(self, kind, system):
        return self.rows


class Task:
    check_mode = False


@pytest.fixture
def keep(tmp_path, monkeypatch):
    """Keep the index of some copies, by a server that answers so."""
    asked = []

    def run(copies, answers, check=False, **given):
        action = backup_index.ActionModule.__new__(backup_index.ActionModule)
        action._task = Task()
        action._task.check_mode = check

        def module(name, arguments, task_vars):
            asked.append((arguments["label"], arguments["after"], arguments["medium"]["name"]))
            return answers(arguments["label"], arguments["after"])

        monkeypatch.setattr(backup_index, "open_store", lambda *_args, **_named: contextlib.nullcontext(Store(copies)))
        monkeypatch.setattr(backup_index, "resolve_url", lambda: "")
        action.module, action.decryption = module, lambda arguments, task_vars: {"password": "x"}
        asked.clear()
        options = {"media": [{"name": "nas"}], "custody": "", "directory": str(tmp_path / "nombres"), "most_copies": 0, "anew": False, "gone_only": False,
                   **given}
        return action._one("S", options, {}), asked

    return run


def told(tmp_path):
    with index.Index(str(tmp_path / "nombres"), "S") as opened:
        return list(opened.told())


def test_the_newest_come_first_and_no_more_than_so_many(keep):
    copies = [copy(1), copy(2, ("otro",)), copy(3), copy(4)]
    row, asked = keep(copies, lambda label, after: page("/s/" + label), most_copies=2)
    assert asked == [("S_20261124", 0, "nas"), ("S_20261123", 0, "nas")] and row["added"] == ["S_20261124", "S_20261123"]
    assert row["lacking"] == ["S_20261121", "S_20261122"]
    row, asked = keep(copies, lambda label, after: page("/s/" + label))
    # one that lies on no medium of the inventory is told as lacking, and not asked for
    assert asked == [("S_20261121", 0, "nas")] and row["lacking"] == ["S_20261122"] and not row["error"]
    row, asked = keep(copies[2:], lambda label, after: page("/s/" + label))
    assert asked == [] and row["dropped"] == ["S_20261121"] and row["lacking"] == []


def test_what_went_can_go_without_anything_being_asked(keep, tmp_path):
    row, asked = keep([copy(1), copy(2)], None, gone_only=True)      # an index that was never made is not made for it
    assert (row["dropped"], row["lacking"], asked) == ([], [], []) and not (tmp_path / "nombres").exists()
    keep([copy(1), copy(2)], lambda label, after: page("/s/" + label))
    row, asked = keep([copy(2), copy(3)], None, gone_only=True)
    assert (row["dropped"], row["lacking"], row["added"], asked) == (["S_20261121"], ["S_20261123"], [], [])
    assert [found[0] for found in told(tmp_path)] == [b"\0s\0S_20261122"]


def test_pages_are_asked_for_one_after_the_other(keep, tmp_path):
    answers = {0: page("/s/a", "/s/b", more=True), 2: page("/s/c", count=2, more=True), 4: page("/s/d")}
    row, asked = keep([copy(1)], lambda label, after: answers[after])
    assert [after for _label, after, _medium in asked] == [0, 2, 4] and row["left_out"] == 1
    assert [found[0] for found in told(tmp_path)] == [b"\0s\0a", b"\0s\0b", b"\0s\0c", b"\0s\0d"]


def test_check_mode_asks_no_server_and_writes_nothing(keep, tmp_path):
    row, asked = keep([copy(1), copy(2)], None, check=True)
    assert row["lacking"] == ["S_20261121", "S_20261122"] and asked == [] and not (tmp_path / "nombres").exists()
    keep([copy(1)], lambda label, after: page("/s/a"))
    row, asked = keep([copy(1), copy(2)], None, check=True)
    assert row["lacking"] == ["S_20261122"] and asked == []


@pytest.mark.parametrize("lie", [
    page("/s/b", "/s/a"), page("/s/a", "/s/a"), page("/s/a", "/s/b", count=1), page(more=True), {"names": "AAAA", "count": 1, "more": False},
    page("/s/../x"), page("s"), {"names": packed("/s/a")[:30], "count": 1, "more": False}])
def test_a_lie_leaves_the_index_as_it_was_and_is_told(keep, tmp_path, lie):
    keep([copy(1)], lambda label, after: page("/s/verdad"))
    before = told(tmp_path)
    row, _asked = keep([copy(1), copy(2)], lambda label, after: lie)
    assert "RSP773" in row["error"] and "S_20261122" in row["error"] and row["lacking"] == ["S_20261122"] and told(tmp_path) == before


def test_a_page_that_starts_again_is_a_lie_too(keep, tmp_path):
    keep([copy(1)], lambda label, after: page("/s/verdad"))
    row, asked = keep([copy(1), copy(2)], lambda label, after: page("/s/a", more=True))
    assert "RSP773" in row["error"] and len(asked) == 2 and [found[4] for found in told(tmp_path)] == [["S_20261121"]]


def test_what_the_server_says_went_wrong_is_told(keep, tmp_path):
    row, _asked = keep([copy(1)], lambda label, after: {"failed": True, "msg": "RSP801: no hay clave\x1b[31m"})
    assert row["error"].startswith("RSP801: no hay clave") and "\x1b" not in row["error"] and row["added"] == [] and told(tmp_path) == []
