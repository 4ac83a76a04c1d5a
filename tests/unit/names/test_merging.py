# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The index of names: one row a change; the same whichever way it came about, and nothing of copies that are gone."""

from __future__ import annotations

import os
import random
import sqlite3

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._finding import index, merging, pages


def listed(tree):
    """A day's tree, path -> (kind, size, time), as a page gives it."""
    return sorted(pages.Name(pages.key_of(path), *of) for path, of in tree.items())


def place(day):
    return (20261100000000 + day * 1000000) * 1000


def told(directory, system):
    with index.Index(str(directory), system) as opened:
        return list(opened.told())


@pytest.fixture
def room(tmp_path):
    tmp_path.chmod(0o700)
    return tmp_path


def fill(room, system, days, order=None):
    with index.Index(str(room), system) as opened:
        for day in order or sorted(days):
            merging.add(opened, f"{system}_{day}", place(day), listed(days[day]))


def test_one_row_a_change_and_not_a_row_a_copy(room):
    one = {"/s": ("d", 0, 0), "/s/a": ("f", 1, 1), "/s/b": ("f", 1, 1)}
    days = {1: one, 2: one, 3: {**one, "/s/a": ("f", 2, 2)}, 4: {"/s": ("d", 0, 0), "/s/a": ("f", 2, 2)}, 5: {**one, "/s/a": ("f", 2, 2)}}
    fill(room, "S", days)
    labels = [f"S_{day}" for day in days]
    assert told(room, "S") == [
        (b"\0s", "d", 0, 0, labels), (b"\0s\0a", "f", 1, 1, labels[:2]), (b"\0s\0a", "f", 2, 2, labels[2:]),
        (b"\0s\0b", "f", 1, 1, labels[:3]), (b"\0s\0b", "f", 1, 1, labels[4:])]
    with index.Index(str(room), "S") as opened:
        opened.drop(["S_4"])       # what parted the two is gone, and so they are one
        assert [row[4] for row in opened.told() if row[0] == b"\0s\0b"] == [["S_1", "S_2", "S_3", "S_5"]]
        assert opened.connection.execute("SELECT count(*) FROM version").fetchone()[0] == 4
        opened.drop(["S_1", "S_2"])
        assert [row[:4] for row in opened.told()] == [(b"\0s", "d", 0, 0), (b"\0s\0a", "f", 2, 2), (b"\0s\0b", "f", 1, 1)]


def _tree(chance):
    paths = ["/s/" + name for name in ("a", "a b", "a-b", "a\nb", "ñ", "\udcff", "z")] + ["/s/a/" + name for name in ("x", "y")]
    return {"/s": ("d", 0, 0), **{path: (chance.choice("ffl"), chance.randrange(2), 0) for path in paths if chance.random() < 0.7}}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_whatever_comes_and_goes_in_whichever_order_it_is_as_made_anew(room, seed):
    chance = random.Random(seed)
    trees = {day: _tree(chance) for day in range(1, 9)}
    there: set[int] = set()
    with index.Index(str(room), "S") as opened:
        for _step in range(15):
            if there and chance.random() < 0.4:
                gone = chance.sample(sorted(there), chance.randrange(1, min(3, len(there)) + 1))
                opened.drop([f"S_{day}" for day in gone])
                there -= set(gone)
            else:
                day = chance.randrange(1, 9)
                merging.add(opened, f"S_{day}", place(day), listed(trees[day]))
                there.add(day)
            anew = f"T{_step}"
            fill(room, anew, {day: trees[day] for day in there})
            assert [(*row[:4], [label.partition("_")[2] for label in row[4]]) for row in opened.told()] == [
                (*row[:4], [label.partition("_")[2] for label in row[4]]) for row in told(room, anew)], (seed, _step)
            # no name is kept that no copy has, nor a version
            files = opened.connection.execute("SELECT count(*) FROM file WHERE id NOT IN (SELECT file FROM version)").fetchone()[0]
            assert files == 0 and all(row[4] for row in opened.told())


def test_a_copy_whose_names_end_too_early_leaves_the_index_as_it_was(room):
    fill(room, "S", {1: {"/s": ("d", 0, 0), "/s/a": ("f", 1, 1)}})
    before = told(room, "S")

    def broken():
        yield from listed({"/s": ("d", 0, 0)})
        raise pages.Refused("cut", "cortado")

    with index.Index(str(room), "S") as opened:
        with pytest.raises(pages.Refused):
            merging.add(opened, "S_2", place(2), broken())
        with pytest.raises(pages.Refused, match="order"):
            merging.add(opened, "S_2", place(2), reversed(listed({"/s": ("d", 0, 0), "/t": ("d", 0, 0)})))
        assert opened.points().labels == ["S_1"]
    assert told(room, "S") == before


def test_a_run_that_is_killed_within_a_copy_leaves_the_index_as_it_was(room):
    fill(room, "S", {1: {"/s": ("d", 0, 0)}})
    before = told(room, "S")
    child = os.fork()
    if not child:
        def dying():
            yield from listed({f"/s/{number:06}": ("f", 1, 1) for number in range(20000)})
            os.kill(os.getpid(), 9)

        with index.Index(str(room), "S") as opened:
            merging.add(opened, "S_2", place(2), dying())
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -9
    assert told(room, "S") == before
    fill(room, "S", {2: {"/s": ("d", 0, 0), "/s/b": ("f", 1, 1)}})
    assert [row[0] for row in told(room, "S")] == [b"\0s", b"\0s\0b"]


def test_the_merge_reads_in_the_order_of_the_index_and_sorts_nothing(room):
    fill(room, "S", {1: {"/s": ("d", 0, 0)}})
    with index.Index(str(room), "S") as opened:
        merge = merging._Merge(opened.connection, place(2), place(1), None)
        said: list[str] = []
        opened.connection.set_trace_callback(said.append)
        list(merge._there())
        opened.connection.set_trace_callback(None)
        (asked,) = said
        plan = [row[3] for row in opened.connection.execute("EXPLAIN QUERY PLAN " + asked)]
    assert plan and not any("TEMP B-TREE" in step for step in plan), plan


def test_an_index_lies_where_nobody_else_reads_or_writes(room):
    fill(room, "S", {1: {"/s": ("d", 0, 0)}})
    assert (room / "S.sqlite3").stat().st_mode & 0o777 == 0o600
    room.chmod(0o750)
    with pytest.raises(BackupError) as told_of:
        index.Index(str(room), "S")
    assert told_of.value.fault.name == "names_unreadable"
    room.chmod(0o700)
    (room / "T.sqlite3").symlink_to(room / "S.sqlite3")
    with pytest.raises(BackupError):
        index.Index(str(room), "T")
    (room / "U.sqlite3").write_bytes(b"no database at all" * 100)
    with pytest.raises(BackupError):
        index.Index(str(room), "U")
    with index.Index(str(room), "U", anew=True) as opened:
        assert opened.points().ids == []


def test_an_index_of_another_form_is_made_anew(room):
    fill(room, "S", {1: {"/s": ("d", 0, 0)}})
    with sqlite3.connect(room / "S.sqlite3") as connection:
        connection.execute("PRAGMA user_version = 0")
    connection.close()
    with index.Index(str(room), "S") as opened:
        assert opened.points().ids == []
