# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict of a run: good only when it did what it was started for. A run that did nothing is empty, one begun half-way is partial.

Pure: the callback tells what it heard of each result, and what of the command line and the playbook matters.

    good     what was due was done, or nothing was due and that was found out
    failed   something failed, whatever ignore_errors or a rescue made of it, or was due and not even begun
    empty    none of our actions did its work: nobody was there, no system, everything skipped
    partial  begun half-way (--start-at-task), without the guard; or a play of ours found none of the servers it names
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ...module_utils._engine.errors import BackupError

GOOD, FAILED, EMPTY, PARTIAL = "good", "failed", "empty", "partial"
EXIT_FAILED, EXIT_NOTHING = 2, 71
# What proves the recording, and does none of the work; and what only reads the bitácora, the work of a play that has no other.
PLANNER = "backup_plan"
WITNESSES = ("bitacora_guard", "bitacora_confirm", "bitacora_verdict")
READERS = ("bitacora_info", "bitacora_verify")
_MOST_NAMED = 20


class Expected(NamedTuple):
    """What a run is started for."""

    work: bool = False       # whether a play of it does work of ours
    reads: bool = False      # and that is only to show the bitácora
    by_tags: bool = False    # a playbook of the user's own, of which tags chose a part: perhaps none of ours
    halfway: bool = False    # --start-at-task
    limited: bool = False    # --limit


class Judge:
    """What was heard of one run."""

    def __init__(self, expected: Expected) -> None:
        self.expected = expected
        self.cleared = False      # whether `meta: clear_host_errors` is in it: Ansible's own status is 0 then, whatever failed
        self._guarded = self._read = self._worked = self._others = False
        self._failed = 0
        self._systems: int | None = None
        self._missed: list[str] = []
        self._due: dict[tuple[str, str, str], str] = {}

    def heard(self, host: str, action: str, ours: bool, status: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """A result, or those of a loop: of the action of that short name ("" for those of others), in a role of ours or not."""
        counted = [row["systems"] for row in rows if isinstance(row.get("systems"), int)]
        if status in ("failed", "ignored"):
            self._failed += bool(action or ours)
        elif status != "ok":
            pass
        elif not action:
            self._others |= not ours
        elif action == WITNESSES[0]:
            self._guarded = True
        elif counted or action == PLANNER:
            # the plan of a whole night proves what the guard does; where something is due each kind's own plan counts
            self._guarded |= any(row.get("guarded") is True for row in rows)
            self._systems = (self._systems or 0) + sum(counted) if counted else self._systems
        elif action in READERS:
            self._read = True
        elif action not in WITNESSES:
            self._worked = True
        due = [each for row in rows for each in row.get("due") or ()] if action == PLANNER and status == "ok" else []
        for row in due:
            self._due[host, row["kind"], row["system"]] = "{0}: {1}".format(host, row["system"])

    def missed(self, pattern: str) -> None:
        """A play of ours matched no host."""
        if pattern and not self.expected.limited:
            self._missed.append(pattern)

    def verdict(self, failed: bool, entries: Iterable[Mapping[str, Any]]) -> tuple[str, list[BackupError]]:
        """The verdict of a run whose other signs say whether it failed, by its entries; and what there is to tell of it."""
        told: list[BackupError] = []
        begun = {(entry["body"].get("host"), entry["body"].get("kind"), entry["body"].get("system")) for entry in entries if entry.get("body")}
        left = [name for key, name in self._due.items() if key not in begun]
        if left:
            named = ", ".join(left[:_MOST_NAMED]) + (", …" if len(left) > _MOST_NAMED else "")
            told.append(BackupError("copies_not_attempted", systems=named))
        if failed or left or self._failed:
            return FAILED, told
        done = self._worked or bool(self._systems) or (self.expected.reads and self._read)
        if not self.expected.work or (self.expected.by_tags and self._others and not done):
            return GOOD, told
        if not done:
            return EMPTY, [BackupError("run_empty", why=self._why())]
        if self.expected.halfway and not self._guarded:
            return PARTIAL, [BackupError("run_partial", why="it began half-way (--start-at-task), without the guard")]
        if self._missed:
            return PARTIAL, [BackupError("run_partial", why="no host matched " + "; ".join(self._missed))]
        return GOOD, told

    def _why(self) -> str:
        if self._systems is not None:
            return "no host of it has a system that it is about"
        return "no host matched " + "; ".join(self._missed) if self._missed else "none of its actions ran on any host"


def exit_status(verdict: str) -> int:
    """The exit status that agrees with a verdict; 0 for one that Ansible's own agrees with."""
    return {FAILED: EXIT_FAILED, EMPTY: EXIT_NOTHING, PARTIAL: EXIT_NOTHING}.get(verdict, 0)
