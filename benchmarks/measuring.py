# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the benchmarks share: a command measured with all its processes, medians and tables, the machine in words, `--small` and `--beside`."""

from __future__ import annotations

import argparse
import contextlib
import glob
import json
import os
import platform
import signal
import sqlite3
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

TOP = Path(__file__).resolve().parents[1]
MIB = 1 << 20
SAMPLE = 0.1      # seconds
BESIDE = "ours, of the tree beside"
UNSEEN = "not seen"      # a peak of what lived less than a sample: never 0.0, which would be a figure


class Used(NamedTuple):
    """What one command used, with all it started. Seconds and bytes."""

    wall: float
    cpu: float         # user and system time of it and of all its children
    largest: int       # peak memory of its largest process that is not Ansible's own
    together: int      # peak of the sum of these
    controller: int    # peak of the process of ansible-playbook or ansible itself
    fork: int          # peak of the largest of its forks
    disk: int          # peak of what lay in the directory that was looked at
    own: int = 0       # peak of the command's own process


class TooLong(Exception):
    """A command was ended since it took longer than it may; `used` is what it used until then."""

    def __init__(self, used: Used) -> None:
        super().__init__(f"ended after {used.wall:.0f} s")
        self.used = used


# --- measuring ---

def tree_of(root: int) -> list[int]:
    """A process and all it started that still live."""
    found = [root]
    for pid in found:
        with contextlib.suppress(OSError):
            for children in glob.glob(f"/proc/{pid}/task/*/children"):
                found += map(int, Path(children).read_text().split())
    return found


def on_disk(directory: Path) -> int:
    total = 0
    for path, _directories, files in os.walk(directory):
        for name in files:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(path, name)).st_blocks * 512
    return total


class Sampler(threading.Thread):
    """Memory of a tree of processes and bytes in a directory, looked at ten times a second."""

    def __init__(self, pid: int, directory: Path | None) -> None:
        super().__init__(daemon=True)
        self.pid, self.directory = pid, directory
        self.largest = self.together = self.controller = self.fork = self.disk = self.own = 0
        self.enough = threading.Event()

    def run(self) -> None:
        page = os.sysconf("SC_PAGE_SIZE")
        while not self.enough.wait(SAMPLE):      # what lives less than that may never be met: peak() tells it
            together = 0
            for pid in tree_of(self.pid):
                with contextlib.suppress(OSError, IndexError):
                    peak = int(Path(f"/proc/{pid}/status").read_text().partition("VmHWM:")[2].split()[0]) * 1024
                    if is_ansible(Path(f"/proc/{pid}/cmdline").read_bytes()):
                        if pid == self.pid:
                            self.controller = max(self.controller, peak)
                        else:
                            self.fork = max(self.fork, peak)
                        continue
                    together += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * page
                    self.largest = max(self.largest, peak)
                    if pid == self.pid:
                        self.own = max(self.own, peak)
            self.together = max(self.together, together)
            if self.directory:
                self.disk = max(self.disk, on_disk(self.directory))


def is_ansible(command: bytes) -> bool:
    """Whether a command line is that of the controller: its program, or the interpreter with it. A fork has its parent's."""
    return any(os.path.basename(word) in (b"ansible-playbook", b"ansible") for word in command.split(b"\0")[:2])


def measured(argv: Sequence[str | Path], environment: Mapping[str, str], log: Path, disk: Path | None = None, limit: float = 0.0) -> Used:
    """Run a command to its end, its output in `log`. One that fails ends the benchmark with the end of that. Raises TooLong after `limit` seconds."""
    os.sync()      # the dirty pages of what ran before are not this one's
    before = time.monotonic()
    with open(log, "wb") as output:
        process = subprocess.Popen(argv, env=dict(environment), cwd=TOP, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)
        sampler = Sampler(process.pid, disk)
        sampler.start()
        late = threading.Timer(limit, os.killpg, (process.pid, signal.SIGKILL))
        if limit:
            late.start()
        try:
            _pid, status, usage = os.wait4(process.pid, 0)
        except BaseException:      # Ctrl-C does not reach a session of its own
            os.killpg(process.pid, signal.SIGTERM)
            raise
        finally:
            late.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.monotonic() - before
    sampler.enough.set()
    sampler.join()
    used = Used(wall, usage.ru_utime + usage.ru_stime, sampler.largest, sampler.together, sampler.controller, sampler.fork, sampler.disk, sampler.own)
    if limit and process.returncode == -signal.SIGKILL and wall >= limit:
        raise TooLong(used)
    if process.returncode != 0:
        raise SystemExit("{0} ended with {1}:\n{2}".format(" ".join(map(str, argv))[:500], process.returncode, log.read_text("utf-8", "replace")[-4000:]))
    return used


def duration(bitacora: Path | str, event: str) -> float:
    """Seconds that a module says its last work of a kind took, as the bitácora keeps it."""
    with contextlib.closing(sqlite3.connect(bitacora)) as store:
        body = store.execute("SELECT body FROM entries WHERE type = ? ORDER BY n DESC LIMIT 1", (event,)).fetchone()[0]
    return float(json.loads(body)["duration_ms"]) / 1000


# --- Ansible, of this tree or of another version's ---

def plain() -> dict[str, str]:
    """The environment without what the caller's Ansible, bitácora or ARA is told by, nor what makes Pythons slow: one that is told PYTHONUNBUFFERED reads
    the module that a local connection gives it byte by byte, in 300,000 system calls.
    """
    slow = ("PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "RESPALDO_", "ARA_", "BACKUP_")) and name not in slow}
    return {**kept, "LC_ALL": "C.UTF-8", "ANSIBLE_NOCOWS": "1", "ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCALHOST_WARNING": "False"}


def of_tree(tree: Path) -> dict[str, str]:
    """The variables by which Ansible takes settings and collection of a working tree, and its playbooks run as they do there."""
    return {"ANSIBLE_CONFIG": str(tree / "ansible.cfg"), "ANSIBLE_COLLECTIONS_PATH": str(tree / "collections")}


# --- rounds ---

def in_turn(ways: Sequence[Any], turn: int) -> list[Any]:
    """The ways in the order of a round: it turns, so that none is always the one after the heaviest."""
    place = turn % len(ways)
    return [*ways[place:], *ways[:place]]


def medians(rows: Iterable[Sequence[float]]) -> list[float]:
    return [statistics.median(column) for column in zip(*rows)]


def by_pairs(name: str, ones: Sequence[float], others: Sequence[float]) -> str:
    """A line: by how many percent one way was over another in each round. Rounds compare better than medians where the machine's load moves."""
    pairs = [100 * (one / other - 1) for one, other in zip(ones, others)]
    return "{0}, round by round: {1:+.1f} % ({2})".format(name, statistics.median(pairs), ", ".join(f"{pair:+.1f}" for pair in pairs))


# --- the report ---

def table(heads: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    return "\n".join("| " + " | ".join(line) + " |" for line in [heads, ["---"] + ["---:"] * (len(heads) - 1), *lines])


def peak(value: float, digits: int = 1) -> str:
    """A peak of memory in MiB, as a cell; what no sample met is told as such."""
    return f"{value / MIB:.{digits}f}" if value else UNSEEN


def load() -> str:
    return " ".join(f"{value:.1f}" for value in os.getloadavg())


def cpu_name() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def machine(*programs: Sequence[str]) -> str:
    """A line on system, processors, memory and Python, and one on the versions of programs."""
    memory = int(Path("/proc/meminfo").read_text().split()[1]) / 1024 / 1024
    versions = [subprocess.run(argv, check=True, text=True, capture_output=True).stdout.splitlines()[0] for argv in programs]
    return "- {0}, {1} processors ({2}), {3:.0f} GiB of memory; Python {4}\n- {5}".format(
        platform.freedesktop_os_release().get("PRETTY_NAME", platform.system()), os.cpu_count(), cpu_name(), memory, platform.python_version(),
        "; ".join(" ".join(version.replace("*", "").split()) for version in versions))


def left_out(missing: Sequence[str]) -> str:
    """What a run did not compare, said in its report: never silently."""
    return "".join(f"- left out: {each}\n" for each in missing)


# --- options ---

def parser(text: str | None, results: bool = True, beside: bool = True) -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=text, allow_abbrev=False)
    made.add_argument("--small", action="store_true", help="few rounds of tiny data by the same code, to see that it works: its figures mean nothing. "
                                                           "It prints its report, unless --results names a file")
    if results:
        made.add_argument("--results", type=Path, metavar="FILE", help="the Markdown file to write. Default: results.md beside the program")
    if beside:
        made.add_argument("--beside", type=lambda text: Path(text).resolve(), metavar="TREE", help="a working tree of another version, that plays in "
                          "every round too")
    return made


def parse(made: argparse.ArgumentParser, **small: Any) -> argparse.Namespace:
    """The options; with --small, what else is not given has these values."""
    if "--small" in sys.argv[1:]:
        made.set_defaults(**small)
    return made.parse_args()


def deliver(options: argparse.Namespace, beside: Path, text: str) -> None:
    """Write the report where it was asked for; a small one, of which nobody asked that, is printed."""
    where = options.results or (None if options.small else beside / "results.md")
    if where:
        where.write_text(text, "utf-8")
    else:
        print(text, flush=True)
