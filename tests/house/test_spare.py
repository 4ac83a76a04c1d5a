# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which parts of the tests run beside the two: what mostly waits, one at a time; others while a processor is idle, and never else; only those that may."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """What the system tells of two processors; each look finds the next of what was said, of a thousand ticks."""
    import spare

    monkeypatch.setattr(spare, "_MEMORY", tmp_path / "memory")
    monkeypatch.setattr(spare, "LOOK_SECONDS", 0.01)

    def said(*idle: int) -> None:
        ticks = iter([told for each in idle for told in ((0, 0, 2), (each, 1000, 2))])
        monkeypatch.setattr(spare, "_ticks", lambda: next(ticks))

    return tmp_path, said


@pytest.mark.parametrize(("idle", "kib", "wanted"), [((300,), 4194304, True), ((299,), 4194304, False), ((299, 600), 4194304, True), ((900,), 1000, False)])
def test_a_processor_is_idle_when_it_had_nothing_to_do_in_six_tenths_of_a_look_and_there_is_memory(machine, idle, kib, wanted) -> None:
    import spare

    directory, said = machine
    (directory / "memory").write_text(f"MemTotal: 9 kB\nMemAvailable:    {kib} kB\n")
    said(*idle)      # when it has said all, it tells nothing any more
    assert spare.is_idle(lambda: False) is wanted


def test_the_machine_itself_is_read_and_nothing_is_looked_at_without_need() -> None:
    import spare

    idle, every, processors = spare._ticks()
    assert 0 < idle <= every and processors >= 1 and spare._available() > 0
    assert spare.is_idle(lambda: True) is False


@pytest.mark.parametrize("idle", [True, False])
def test_a_third_part_begins_only_beside_an_idle_processor_and_only_one_that_may(tmp_path, monkeypatch, capsys, idle) -> None:
    import test as make_test

    monkeypatch.setattr(make_test, "LOGS", tmp_path)
    monkeypatch.setattr(make_test, "TOP", tmp_path)
    monkeypatch.setattr(make_test, "is_idle", lambda needless: idle and not needless())
    # the first two end when the third has begun, or never could
    wait = ["bash", "-c", f"for n in $(seq 20); do [ -e begun ] && exit 0; sleep 0.1; done; exit {int(idle)}"]
    parts = [make_test.Part("one", wait), make_test.Part("two", wait), make_test.Part("a measure", ["true"]),
             make_test.Part("beside", ["touch", "begun"], beside=True)]
    make_test.run_all(parts, 2)
    begun = [line.split(maxsplit=1)[1] for line in capsys.readouterr().out.splitlines() if line.startswith("start")]
    assert sorted(begun) == ["a measure", "beside", "one", "two"] and begun.index("beside") < 3 if idle else begun[-1] == "beside"
    assert all(part.status == 0 for part in parts)


def test_a_fourth_begins_where_the_third_still_waits(tmp_path, monkeypatch, capsys) -> None:
    import test as make_test

    monkeypatch.setattr(make_test, "LOGS", tmp_path)
    monkeypatch.setattr(make_test, "TOP", tmp_path)
    monkeypatch.setattr(make_test, "is_idle", lambda needless: not needless())

    def until(name: str) -> str:
        return f"for n in $(seq 300); do [ -e {name} ] && exit 0; sleep 0.1; done; exit 1"

    parts = [make_test.Part(name, ["bash", "-c", until("fourth")]) for name in ("one", "two")]
    parts += [make_test.Part("the one", ["bash", "-c", "touch fourth; " + until("third")], beside=True),
              make_test.Part("the other", ["bash", "-c", "touch third; " + until("fourth")], beside=True)]
    make_test.run_all(parts, 2)
    assert all(part.status == 0 for part in parts), capsys.readouterr().out


def test_what_mostly_waits_has_a_worker_of_its_own_one_at_a_time(tmp_path, monkeypatch, capsys) -> None:
    """Also while no processor is idle; and the others take it when they have nothing else, or nobody has a worker beside."""
    import test as make_test

    monkeypatch.setattr(make_test, "LOGS", tmp_path)
    monkeypatch.setattr(make_test, "TOP", tmp_path)
    monkeypatch.setattr(make_test, "is_idle", lambda needless: False)
    until = "for n in $(seq 300); do [ -e second ] && exit 0; sleep 0.1; done; exit 1"
    others = [make_test.Part(name, ["bash", "-c", until]) for name in ("one", "two")]
    waits = [make_test.Part("first", ["bash", "-c", "sleep 0.3; [ ! -e second ] && touch first"], waits=True),
             make_test.Part("second", ["bash", "-c", "[ -e first ] && touch second"], waits=True)]
    make_test.run_all([*others, *waits], 2)
    assert all(part.status == 0 for part in [*others, *waits]), capsys.readouterr().out
    both = [make_test.Part(name, ["bash", "-c", f"touch {name}.here; for n in $(seq 300); do [ -e {other}.here ] && exit 0; sleep 0.1; done; exit 1"],
                           waits=True) for name, other in (("this", "that"), ("that", "this"))]
    make_test.run_all(both, 2)
    alone = make_test.Part("alone", ["true"], waits=True)
    make_test.run_all([alone, make_test.Part("last", ["true"])], 1)
    assert [part.status for part in (*both, alone)] == [0, 0, 0], capsys.readouterr().out
