# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each benchmark runs once, small: the code of a full run with tiny data. What it measures is asserted to be there, never how long it took.

The columns are compared with those of the results that are kept, so that neither changes alone.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

TOP = Path(__file__).resolve().parents[2]
BENCHMARKS = TOP / "benchmarks"
UNSEEN = "not seen"      # measuring.UNSEEN
LIMIT = 1200      # seconds, on a machine that is busy with everything else


class Table(NamedTuple):
    heads: list[str]
    rows: list[list[str]]

    def names(self) -> list[str]:
        return [row[0] for row in self.rows]

    def numbers(self, *heads: str) -> list[float]:
        """The first number of each cell below some heads; a cell without one is 0."""
        places = [place for place, head in enumerate(self.heads) if head in heads]
        assert len(places) == len(heads), self.heads
        cells = (re.search(r"-?[\d,]*\.?\d+", row[place]) for row in self.rows for place in places)
        return [float(cell[0].replace(",", "")) if cell else 0.0 for cell in cells]


def tables(text: str) -> list[Table]:
    found: list[Table] = []
    before: list[str] = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if cells and all(re.fullmatch(r"-+:?", cell) for cell in cells):
            found.append(Table(before, []))
        elif cells and before and found:
            found[-1].rows.append(cells)
        before = cells
    for table in found:      # the head of the next one was taken for a row where no blank line is between
        assert all(len(row) == len(table.heads) for row in table.rows), table
    return found


def shape(heads: list[str]) -> list[str]:
    return [re.sub(r"\d+", "N", head) for head in heads]


def small(program: str, *arguments: str, results: str = "results.md") -> tuple[str, list[Table]]:
    """The report of a small run and its tables, whose columns are those of the full run's results."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "RESPALDO_", "BACKUP_"))}
    path = os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", os.defpath)])
    done = subprocess.run([sys.executable, str(BENCHMARKS / program), "--small", *arguments], env={**environment, "PATH": path, "LC_ALL": "C.UTF-8"},
                          cwd=TOP, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = tables(done.stdout)
    kept = [shape(table.heads) for table in tables((BENCHMARKS / program).with_name(results).read_text("utf-8"))]
    for table in found:
        here = shape(table.heads)[1:]
        assert table.rows, table
        # a full run may have more peers or another version beside, a round's columns are the peers, and pairs (to) are kept as a summary
        assert table.heads[0] in ("round", "hosts", "to") or any(here[:len(there) - 1] == there[1:][:len(here)] for there in kept), table.heads
    return done.stdout, found


def positive(table: Table, *heads: str) -> None:
    assert all(number > 0 for number in table.numbers(*heads)), table


def sampled(table: Table, *heads: str) -> None:
    """Peaks of memory: a process of a small run may live less than a sample, which its cell then tells. A 0 is never told."""
    rows = [[cell.replace(UNSEEN, "1") for cell in row] for row in table.rows]
    positive(table._replace(rows=rows), *heads)


def somewhere(table: Table, head: str) -> None:
    """A figure that may round to nothing where a small run gives a server next to no work, but not in each row."""
    assert any(number > 0 for number in table.numbers(head)), table


def test_every_program_of_the_benchmarks_is_run_here() -> None:
    programs = {str(path.relative_to(BENCHMARKS)) for path in BENCHMARKS.glob("*/*") if path.is_file() and os.access(path, os.X_OK)}
    tested = set(re.findall(r"small\(\"([\w/.]+)\"", Path(__file__).read_text("utf-8")))
    assert programs == tested


def test_what_the_programs_share_is_written_nowhere_else() -> None:
    """A second way of measuring would be a second thing to rot."""
    for path in BENCHMARKS.glob("*/*"):
        if path.is_file() and path.suffix in ("", ".py"):
            assert not re.search(r"VmHWM|class Sampler|def table\(|freedesktop_os_release", path.read_text("utf-8")), path


def test_a_small_run_never_writes_over_the_results_that_are_kept() -> None:
    sys.path.insert(0, str(BENCHMARKS))
    import measuring

    before = {path: path.stat().st_mtime_ns for path in BENCHMARKS.glob("*/results*.md")}
    options = measuring.parser("").parse_args(["--small"])
    measuring.deliver(options, BENCHMARKS / "database", "x")
    assert {path: path.stat().st_mtime_ns for path in BENCHMARKS.glob("*/results*.md")} == before


@pytest.mark.parametrize("answer", ["", "one line\n"])
def test_a_command_that_fails_ends_the_benchmark_with_its_words(answer: str, tmp_path: Path) -> None:
    sys.path.insert(0, str(BENCHMARKS))
    import measuring

    with pytest.raises(SystemExit, match="ended with 3"):
        measuring.measured(["/bin/sh", "-c", f"printf '{answer}'; exit 3"], measuring.plain(), tmp_path / "log")


def test_a_process_that_no_sample_met_is_told_so_and_its_peak_is_no_figure(tmp_path: Path) -> None:
    sys.path.insert(0, str(BENCHMARKS))
    import measuring

    assert measuring.UNSEEN == UNSEEN
    assert (measuring.peak(0), measuring.peak(3 << 19), measuring.peak(3 << 20, 0)) == (UNSEEN, "1.5", "3")
    program = tmp_path / "ansible"
    program.write_text("import os, time\nif os.fork():\n    os.wait()\nelse:\n    time.sleep(2)\n")
    used = measuring.measured([sys.executable, program], measuring.plain(), tmp_path / "log")
    assert used.controller > 0 and used.fork > 0 and not used.largest
    table = Table(["way", "fork MiB"], [["ours", measuring.peak(used.fork)], ["ping", measuring.peak(0)]])
    sampled(table, "fork MiB")
    with pytest.raises(AssertionError):
        sampled(table._replace(rows=[["ping", "0.0"]]), "fork MiB")


def test_bitacora() -> None:
    _text, found = small("bitacora/run")
    assert [table.heads[0].partition(",")[0] for table in found] == ["SQLite", "PostgreSQL"]
    for table in found:
        assert table.names() == ["last good copies of 300 systems", "runs without end", "chain verified"]
        positive(table, *table.heads[1:])


def test_bitacora_board() -> None:
    _text, (table,) = small("bitacora/board", results="results-board.md")
    assert [name.partition(",")[0] for name in table.names()] == ["SQLite", "PostgreSQL"]
    positive(table, "Read", "Made", "File")


def test_blob() -> None:
    text, found = small("blob/run.py")
    clients = found[0]
    assert clients.names()[:4] == ["ours", "SDK, 8 MiB x 4, no checksums", "SDK, 8 MiB x 4, MD5 per block",
                                   "SDK, 4 MiB x 1 (what azure_rm_storageblob asks of it)"]
    for tool in ("azcopy", "rclone"):
        assert tool in clients.names() or f"left out: {tool}" in text
    positive(clients, "MiB/s", "CPU s per GiB", "peak MiB")
    assert len(found) == 3
    for table in found[1:]:
        assert table.names() == ["disk", "cloud"]
        positive(table, "wall s", "CPU s")
    assert len(re.findall(r"cloud / disk, (?:wall|CPU): median of pairs \d+\.\d+", text)) == 4


def test_blob_resume() -> None:
    _text, (table,) = small("blob/resume.py")
    assert [row[1] for row in table.rows] == ["ours", "azcopy jobs resume"]
    positive(table, "before", "after")


def test_blob_startup() -> None:
    _text, (table,) = small("blob/startup.py")
    assert len(table.rows) == 3
    positive(table, "CPU s, median", "most")


def test_callback() -> None:
    text, (table, rounds) = small("callback/run")
    assert table.names() == ["no callback", "ours", "ARA"] or (table.names() == ["no callback", "ours"] and "left out: ARA" in text)
    positive(table, "wall s", "CPU s")
    assert rounds.names() == ["1", "2"]
    positive(rounds, *rounds.heads[1:])
    assert "Median of ours over no callback, wall" in text and "Median of ours over no callback, cpu" in text


def test_database() -> None:
    text, found = small("database/run")
    assert [table.heads[0] for table in found] == ["median of 2", "round"] * 2
    typed = ["ours", "typed", "typed, tuned", "Ansible's modules", "typed, tuned, read back"]
    assert found[0].names() == [*typed[:4], "ours, two jobs", typed[4], "pg_dump -Fc", "pg_dump -Fd -j2"]
    assert "module of ours, two jobs / module of ours: " in text
    if "left out: Ansible's modules of MariaDB" in text:
        typed.remove("Ansible's modules")
    assert found[2].names() == typed
    for table in (found[0], found[2]):
        positive(table, "wall s", "CPU s", "result MiB")
        somewhere(table, "server's CPU s")
        positive(table._replace(rows=table.rows[:1]), "ours: module s")
        sampled(table._replace(rows=table.rows[:1]), "controller MiB", "largest process MiB")
        assert f"module / {typed[1]}: " in text


def test_files() -> None:
    _text, (table,) = small("files/run")
    assert table.names() == ["200 files, the first copy", "200 files, 10 % changed", "200 files, restore of one file", "200 files, restore of all",
                             "200 files, prune to 2 copies"]
    positive(table, "bare wall s", "ours: play s", "play / bare", "CPU s bare", "CPU s ours")
    sampled(table, "controller MiB")
    positive(table._replace(rows=table.rows[:4]), "ours: module s", "module / bare")
    sampled(table._replace(rows=table.rows[:4]), "memory MiB ours")


def test_forges() -> None:
    _text, (table,) = small("forges/run")
    assert table.names() == ["all are new", "one deleted, two new, one renamed, one pushed to", "nothing changed", "nothing changed, plan.yml",
                             "all by hand: git, zstd, sha256sum"]
    positive(table, "wall s", "CPU s")
    assert [row[-4:] for row in table.rows[:3]] == [["3", "3", "0", "0"], ["3", "2", "1", "1"], ["0", "0", "0", "0"]]


def test_mailbox() -> None:
    text, (beside, memory) = small("mailbox/run")
    assert beside.names() == ["ours", *(peer for peer in ("mbsync", "offlineimap") if f"left out: {peer}" not in text)]
    positive(beside, "CPU s")
    somewhere(beside, "server's CPU s")
    sampled(beside, "largest process MiB")
    assert memory.names() == ["20", "60"]
    positive(memory, "CPU s")
    sampled(memory, "largest process MiB")


def test_names() -> None:
    text, (large, real) = small("names/run")
    assert "gave the same index" in text and len(large.rows) == 14
    assert [name.partition(",")[0] for name in real.names()] == ["restic find", "ours: search", "ours: a day more"]
    for table in (large._replace(rows=[row for row in large.rows if row[0] not in _TINY]), real):
        positive(table, "median", "most")


# of so few files they are less than the figures' last place
_TINY = ("a day more: sent from server to controller, MiB", "the oldest copy goes, s", "a copy between others goes, s", "a day more: the server's part, s",
         "a day more: the controller's part, s", "the first copy: the server's part, s", "the first copy: the controller's part, s")


def test_plays() -> None:
    text, found = small("plays/run")
    one, two, memory, copy, servers, modules = found
    assert servers.names() == ["database.yml", "strategy: free"]
    positive(servers, *servers.heads[1:-1])
    sampled(servers, servers.heads[-1])
    # the slow one waits for the others: where it held them up, none would be done before it
    assert "beside one server that answers only when all others are copied: 2 of 2 were copied before it" in text
    for table in (one, two):
        assert table.names() == ["site.yml", "ansible all -m ping", "a play of as many stat"]
        positive(table, "wall s", "wall / ping", "CPU s", "CPU / ping")
        sampled(table, "controller MiB", "largest fork MiB")
    assert memory.names() == ["1", "2"]
    sampled(memory, *memory.heads[1:])
    assert copy.names() == ["ours", "by hand, read back"]
    positive(copy, "wall s", "CPU s")
    positive(copy._replace(rows=copy.rows[:1]), "module s", "play − module s")
    sampled(copy._replace(rows=copy.rows[:1]), "controller MiB")
    assert sorted(modules.names()) == ["backup_database", "backup_publish"]
    positive(modules, "KiB sent", "CPU ms to build", "CPU ms to start")
    assert "left out: another version" in text and "left out: as many stat tasks" in text


def test_nights() -> None:
    text, (plays,) = small("nights/run")
    assert plays.names() == ["every system copied, for a reason", "nothing is due", "the plan", "each copy verified", "every copy to the repository",
                             "compliance", "board and bitácora as pages"]
    positive(plays, *plays.heads[1:])
    assert "left out: another version" in text
