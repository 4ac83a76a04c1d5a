# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs every part of the tests, two at a time, one that mostly waits beside them, and two more while a processor is idle (spare.py), and sums them up:
what passed, failed, could not run here.

A part is a command with a name and a log under .cache/tests. All parts run, whatever fails before them; the exit status is 1 when any failed.
Interpreters that are not on this machine are named, never passed over in silence. Needs only Python's own library.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from ending import end, wait
from left_out import left_out
from pythons import ENGINE_PYTHONS, find_pythons, version_of
from reasons import reasons
from second_try import AT_MOST, failed, remember
from spare import is_idle

TOP = Path(__file__).resolve().parent.parent
CACHE = TOP / ".cache"
LOGS = CACHE / "tests"
DEVELOPMENT = TOP / ".venv-dev"

# ansible-core -> (a pinned release, the Pythons it runs on, the preferred one first)
CORE_MATRIX = {
    "2.17": ("2.17.14", ("3.11", "3.12", "3.10")),
    "2.18": ("2.18.19", ("3.11", "3.12", "3.13")),
    "2.19": ("2.19.14", ("3.11", "3.12", "3.13")),
    "2.20": ("2.20.10", ("3.12", "3.13", "3.14")),
    "2.21": ("2.21.4", ("3.12", "3.13", "3.14")),
}
LIMIT_SECONDS, SPARE, TAIL_LINES = 2400, 2, 80      # of a part; parts beside the two; of the log of one that failed
# The directories of tests/integration by part, what takes long first; those that no part names are in "integration, others", the first.
INTEGRATION = {
    "append-only media": ("append_only",),
    "kills": ("kills", "reconcile", "retention"),
    "people": ("requests", "desks", "letters", "mail", "names", "procedure"),
    "files": ("files", "shares"),
    "Azure": ("azure", "vault", "storage_setup"),
    "failures": ("custody", "drills", "failures"),
    "media": ("media", "stores"),
    "a taken server": ("liar", "trust"),
    "databases": ("databases",),
    "sources": ("sources",),
}

_running: set[subprocess.Popen[bytes]] = set()
_over = threading.Event()      # interrupted: what runs is ended, and nothing begins any more


@dataclass
class Part:
    """One command of the tests. Parts that share a `room` (the lab) never run at the same time."""

    name: str
    command: list[str]
    room: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    processor: float = 0.0      # seconds, without what containers used
    status: int | None = None
    passed: int = 0
    failed: int = 0
    left_out: list[str] = field(default_factory=list)      # "3 skipped: only root runs it"
    among_servers: bool = False      # a few of its tests may fail once for what else the machine does: see second_try.py
    beside: bool = False     # it measures nothing, and waits for nothing that others could make late: it may run beside two others
    waits: bool = False      # for servers, most of its time: such parts have a worker of their own, one at a time
    unsteady: list[str] = field(default_factory=list)      # tests that failed first and passed alone

    @property
    def log(self) -> Path:
        return LOGS / (re.sub(r"[^\w.-]+", "-", self.name) + ".log")


def on_path(environment: Path) -> dict[str, str]:
    """Variables that put an environment's programs first."""
    return {"PATH": str(environment / "bin") + os.pathsep + os.environ.get("PATH", os.defpath)}


def pytest_command(environment: Path, *arguments: str) -> list[str]:
    needless = () if any(each.startswith("tests/unit") for each in arguments) else ("-p", "no:hypothesispytest")      # a second of each session's end
    return [str(environment / "bin" / "python"), "-m", "pytest", "-q", "-p", "no:cacheprovider", *needless, "--durations=20", "-rfEs", *arguments]


def engine_tests() -> tuple[list[str], list[str]]:
    """The unit tests that need neither Ansible nor controller code, which run on every Python of the managed servers; and the others."""
    controller_only = re.compile(r"plugin_utils|plugins\.action|^\s*(?:import|from) ansible(?:\.|\s)", re.MULTILINE)
    files: tuple[list[str], list[str]] = ([], [])
    for path in sorted((TOP / "tests/unit").rglob("test_*.py")):
        files[bool(controller_only.search(path.read_text(encoding="utf-8")))].append(str(path.relative_to(TOP)))
    return files


def unit_parts(pythons: dict[str, str], missing: list[str]) -> list[Part]:
    """All unit tests on the development environment, and the engine's, without Ansible, on each Python that is here."""
    parts = [Part("unit, all", pytest_command(DEVELOPMENT, "tests/unit"), environment=on_path(DEVELOPMENT), beside=True)]
    files, others = engine_tests()
    here = version_of(DEVELOPMENT / "bin" / "python")
    for version in ENGINE_PYTHONS:
        if version == here and len(pythons) > 1:
            continue     # "unit, all" runs them on this one; without Ansible the others do
        if version not in pythons:
            missing.append(f"unit tests of the engine on Python {version}: no python{version} on this machine (vermin checked 3.8 by reading)")
            continue
        environment = CACHE / f"unit-{version}"
        make = ["tools/environment.sh", str(environment), pythons[version], "tests/requirements.txt"]
        # without a file the part fails rather than collecting the whole tree
        run = pytest_command(environment, *(files or ["tests/unit/no-test-of-the-engine-was-found"]))
        parts.append(Part(f"unit, Python {version}", in_turn(make, run), beside=True,
                          left_out=[f'{len(others)} files deselected: they need Ansible or the controller\'s code, "unit, all" runs them']))
    return parts


def callback_parts(pythons: dict[str, str], missing: list[str], only: str | None = None) -> list[Part]:
    """The callback's tests on each ansible-core that the Pythons of this machine can run."""
    parts = []
    for core, (release, wanted) in CORE_MATRIX.items():
        if only and core != only:
            continue
        version = next((version for version in wanted if version in pythons), None)
        if version is None:
            missing.append(f"callback tests on ansible-core {core}: it needs Python {' or '.join(wanted)}, and none is on this machine")
            continue
        environment = CACHE / f"core-{core}"
        requirements = CACHE / f"core-{core}.txt"
        requirements.parent.mkdir(exist_ok=True)
        requirements.write_text(f"ansible-core=={release}\n-r {TOP / 'tests/requirements.txt'}\n", encoding="utf-8")
        make = ["tools/environment.sh", str(environment), pythons[version], str(requirements)]
        parts.append(Part(f"callback, ansible-core {core} on Python {version}", in_turn(make, pytest_command(environment, "tests/callback")),
                          environment=on_path(environment), beside=True))
    return parts


def in_turn(*commands: list[str]) -> list[str]:
    """One command that runs several, up to the first that fails."""
    script = " && ".join(" ".join("'" + word.replace("'", "'\\''") + "'" for word in command) for command in commands)
    return ["bash", "-c", script]


def lab_parts() -> list[Part]:
    """What needs the lab's hosts: one at a time, since scenarios share names, networks and images."""
    # the lab stays up from one to the next; main() takes it down
    environment = {**on_path(DEVELOPMENT), "RESPALDO_LAB_KEEP": "1"}
    # what plays compile anew each time; the failures and the lab itself run without, as do the three ways of use
    remembering = {**environment, "PYTHONPATH": str(TOP / "tests/remembered")}
    scenarios = sorted(path.parent.name for path in (TOP / "molecule").glob("*/molecule.yml"))
    return [
        Part("lab up", ["tools/lab", "up"], "lab", environment),
        *(Part(f"molecule, {name}", [str(DEVELOPMENT / "bin/molecule"), "test", "-s", name], "lab",
               environment if name in ("failures", "lab") else remembering) for name in scenarios),
    ]


def integration_parts(environment: dict[str, str]) -> list[Part]:
    """Long ones that need no host of the lab: they run beside what does. Two of them wait most of the time for a refused restic, and measure nothing."""
    named = [name for names in INTEGRATION.values() for name in names]
    parts = {part: [f"tests/integration/{name}" for name in names] for part, names in INTEGRATION.items()}
    parts = {"others": ["tests/integration", *(f"--ignore=tests/integration/{name}" for name in named)], **parts}
    return [Part(f"integration, {part}", pytest_command(DEVELOPMENT, *arguments), environment=environment, among_servers=True,
                 waits=part in ("media", "files")) for part, arguments in parts.items()]


def all_parts(missing: list[str]) -> list[Part]:
    pythons = find_pythons()
    environment = on_path(DEVELOPMENT)
    return [
        *lab_parts(),
        *integration_parts(environment),
        # the longest first: what begins last then ends soon, and no worker is idle for long
        Part("ansible-test sanity", ["tools/sanity.sh"], "build", beside=True),
        Part("benchmarks, small", pytest_command(DEVELOPMENT, "tests/benchmarks"), environment=environment),
        Part("lint", ["tools/lint.sh"], "build", beside=True),
        Part("pages in Chromium", pytest_command(DEVELOPMENT, "tests/pages"), environment=environment, among_servers=True),
        Part("three ways of use", pytest_command(DEVELOPMENT, "tests/ways"), environment=environment, among_servers=True),
        *callback_parts(pythons, missing),
        *unit_parts(pythons, missing),
        Part("house", pytest_command(DEVELOPMENT, "tests/house"), environment=environment, beside=True),
    ]


def fast_parts(missing: list[str]) -> list[Part]:
    """About as long each, so that all at once end together, and no processor waits for the last of them."""
    record, engine = ("tests/unit/bitacora", "tests/unit/reports"), ("tests/unit/engine",)
    rooms = {
        "unit of the controller, but the slow ones": ("tests/unit", *(f"--ignore={room}" for room in record + engine)),
        "callback, ansible-core 2.19": ("tests/callback",),
        "unit of the bitácora and reports, but the slow ones": record,
        "house": ("tests/house",),
        "unit of the engine, but the slow ones": engine,
    }
    return [Part(name, pytest_command(DEVELOPMENT, "-m", "not slow", *each), environment=on_path(DEVELOPMENT)) for name, each in rooms.items()]


def count(part: Part) -> None:
    """Fills how many tests a part's log tells of; a part that is not pytest, or has no summary, counts as one."""
    text = part.log.read_text(encoding="utf-8", errors="replace")
    summary = [line for line in text.splitlines() if re.search(r"\b\d+ (passed|failed|errors?)\b.* in [\d.]+s", line)]
    numbers = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|error)", summary[-1] if summary else "")}
    part.passed = numbers.get("passed", 0)
    part.failed = numbers.get("failed", 0) + numbers.get("error", 0)
    part.left_out += left_out(text)
    if part.status == 0:
        part.passed = part.passed or 1
    else:
        part.failed = part.failed or 1


def run(part: Part) -> None:
    """Runs one part to its end or its limit, its whole output in its log."""
    started = time.monotonic()
    command = [*part.command, *remember(part.log)] if part.among_servers else part.command
    with part.log.open("wb") as log:
        try:
            # a session of its own, so that a part that hangs ends with all its children
            process = subprocess.Popen(command, cwd=TOP, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
                                       env={**os.environ, "LC_ALL": "C.UTF-8", **part.environment})
        except OSError as error:
            log.write(f"{part.command[0]}: {error}\n".encode())
            part.status = 127
        else:
            _running.add(process)
            try:
                part.status, part.processor = wait(process, LIMIT_SECONDS)
            except subprocess.TimeoutExpired:
                end(process)
                log.write(f"\nended after {LIMIT_SECONDS} seconds: too long\n".encode())
                part.status = 124
            _running.discard(process)
    part.seconds = time.monotonic() - started
    count(part)


def run_all(parts: list[Part], workers: int) -> None:
    """Runs all parts with `workers` threads; a part waits while another holds its room. Where there are two, one thread more runs what mostly waits, which
    the others leave to it while they have anything else; and SPARE more take, from the end, what may run beside the others, each time that these leave a
    processor idle.
    """
    waiting = list(parts)
    rooms: set[str] = set()
    changed, looking = threading.Condition(), threading.Lock()      # one looks at a time: the next sees what the former began
    several = workers > 1

    def may(part: Part, kind: str) -> bool:
        if part.room and part.room in rooms:
            return False
        if kind == "any":
            return not (several and part.waits) or all(each.waits for each in waiting)
        return part.waits if kind == "waits" else part.beside

    def work(kind: str) -> None:
        while True:
            if kind == "beside":
                with looking:
                    if not is_idle(lambda: _over.is_set() or not any(part.beside for part in waiting)):
                        return
            with changed:
                while True:
                    if not waiting or _over.is_set() or kind == "waits" and not any(part.waits for part in waiting):
                        return
                    part = next((part for part in (reversed(waiting) if kind == "beside" else waiting) if may(part, kind)), None)
                    if part:
                        break
                    changed.wait()
                waiting.remove(part)
                rooms.add(part.room)
                changed.notify_all()
            print(f"start  {part.name}", flush=True)
            run(part)
            with changed:
                rooms.discard(part.room)
                changed.notify_all()
                print(f"{'pass ' if part.status == 0 else 'FAIL '}  {part.name}  ({part.seconds:.0f} s)", flush=True)

    kinds = ["any"] * workers + (["waits"] + ["beside"] * SPARE if several else [])
    threads = [threading.Thread(target=work, args=(kind,), daemon=True) for kind in kinds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def try_again(parts: list[Part]) -> None:
    """Runs what failed among servers once more, alone, when it is little; what passes then is no failure any more, and is named."""
    suspects = {part.name: failed(part.log) for part in parts if part.among_servers and part.status == 1}
    if sum(map(len, suspects.values())) > AT_MOST:
        return
    for part in parts:
        names = suspects.get(part.name, [])
        if not names:
            continue
        again = Part(part.name + ", again", pytest_command(DEVELOPMENT, *names), environment=part.environment, among_servers=True)
        print(f"again  {', '.join(names)}", flush=True)
        run(again)
        left = [] if again.status == 0 else failed(again.log) or names
        part.unsteady = sorted(set(names) - set(left))
        part.passed, part.failed = part.passed + len(part.unsteady), len(left)
        if not left:
            part.status = 0


def report(parts: list[Part], missing: list[str], seconds: float) -> int:
    """Prints logs of what failed, the table, what was not run, and the last line; returns the exit status."""
    for part in parts:
        if part.status != 0:
            tail = part.log.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL_LINES:]
            print(f"\n----- {part.name}: exit status {part.status}, end of {part.log.relative_to(TOP)} -----", *tail, sep="\n")
    print(f"\n===== Summary: {len(parts)} parts in {seconds / 60:.1f} minutes =====")
    for part in parts:
        verdict = "pass" if part.status == 0 else "FAIL"
        print(f"{verdict}  {part.seconds:6.0f} s  {part.processor:6.0f} s CPU  {part.passed:5d} passed  {part.failed:3d} failed  {part.name}")
    print(f"{sum(part.processor for part in parts) / 60:.1f} minutes of processors")
    for line in [*missing, *(f"{part.name}: {told}" for part in parts for told in part.left_out)]:
        print(f"!!!! NOT RUN HERE: {line}")
    # once more below everything: where only the end of an output is kept, it must say why
    for part in parts:
        for name in part.unsteady:
            print(f"!!!! UNSTEADY: {name} failed, and passed when it ran again alone")
        if part.status != 0 or part.unsteady:
            print(f"\n{part.name} failed:", *reasons(part.log.read_text(encoding="utf-8", errors="replace")), sep="\n  ")
    unsteady = sum(len(part.unsteady) for part in parts)
    print(f"{sum(part.passed for part in parts)} passed, {sum(part.failed for part in parts)} failed"
          + (f", {unsteady} passed only at the second try" if unsteady else ""), flush=True)
    return 1 if any(part.status != 0 for part in parts) else 0


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the tests and sum them up.")
    parser.add_argument("--fast", action="store_true", help="but the slow ones: unit, callback on one ansible-core, house; 90 seconds")
    parser.add_argument("--only", metavar="TEXT", help="only the parts whose name contains TEXT")
    parser.add_argument("--workers", type=int, default=0, help="parts at a time (default 2; all of the fast ones, which end together)")
    options = parser.parse_args()
    # an interrupted run must not leave the lab up: SIGTERM ends like Ctrl-C
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # a shell that starts this in the background has SIGINT ignored, which the tests of interrupted runs would inherit
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # and nohup has SIGHUP ignored: a handler goes on outliving the terminal, and is none of the parts'
    if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda _number, _frame: None)

    # a Python that is told so reads each module of a local connection byte by byte (tests/conftest.py): Molecule's plays too
    os.environ.pop("PYTHONUNBUFFERED", None)

    started = time.monotonic()
    shutil.rmtree(CACHE / "remembered", ignore_errors=True)      # of tests/remembered: what other checkouts and releases left there
    shutil.rmtree(LOGS, ignore_errors=True)
    LOGS.mkdir(parents=True)
    missing: list[str] = []
    parts = fast_parts(missing) if options.fast else all_parts(missing)
    if options.only:
        parts = [part for part in parts if options.only in part.name]
        missing = []
    for line in missing:
        print(f"!!!! NOT RUN HERE: {line}")
    uses_lab = any(part.room == "lab" for part in parts)
    try:
        run_all(parts, options.workers or (len(parts) if options.fast else 2))
        try_again(parts)
    except KeyboardInterrupt:
        print("interrupted: ending what runs", flush=True)
        _over.set()
        for process in list(_running):
            end(process)
        raise
    finally:
        if uses_lab:
            down = Part("lab down", ["tools/lab", "down"], "lab", on_path(DEVELOPMENT))
            run(down)
            parts.append(down)
    return report(parts, missing, time.monotonic() - started)


if __name__ == "__main__":
    sys.exit(main())
