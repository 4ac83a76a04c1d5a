# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one run writes into the bitácora. The callback tells it what happened; this decides which entries that makes.

Entries wait in a queue; `flush` writes them at once, opening the store and closing it again: no SQLite handle is alive when Ansible
forks its workers. What the store refuses goes to the journal.
"""

from __future__ import annotations

import datetime
import functools
import hashlib
import os
import secrets
import socket
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...module_utils._engine import errors, result
from ...module_utils._engine.errors import BackupError
from . import entries, journal, seals
from .store import Store, address_of, open_store

STARTS = {"copy_started": ("copy_failed", entries.COPY_ENDS), "restore_started": ("restore_failed", entries.RESTORE_ENDS),
          "drill_started": ("verification_failed", entries.DRILL_ENDS)}
# What the start of a copy told and its end may leave out, so that the line people read is complete.
_CARRIED = (
    "label", "printed_label", "system", "kind", "source_type", "source", "criticality", "office", "responsible", "numeral", "reason",
    "reason_text", "ticket", "requester", "started_at", "medium", "location", "previous_label", "previous_size", "required_trust", "target",
)
_BAD = ("copy_failed", "copy_refused", "copy_damaged", "verification_failed", "restore_failed", "prune_failed", "transfer_failed", "custody_failed",
        "path_refused")
_LONGEST_NOTE, _MOST_NOTES = 1000, 20
# A copy takes hours; a run of which nothing is written for two days has lost its controller.
_SILENT_HOURS = 48
_CODES = {fault.code for fault in errors.CATALOGUE.values()}


def new_run_id() -> str:
    """An identity for a run that sorts by time and can be read aloud: 20261122T183000Z-1f3a9c2b7d."""
    return time.strftime("%Y%m%dT%H%M%SZ-", time.gmtime()) + secrets.token_hex(5)


def _first_line(path: str) -> str:
    try:
        return Path(path).read_text("utf-8", "replace").strip()
    except OSError:
        return ""


def _process_start(pid: int) -> str:
    """When a process started, in the kernel's ticks since boot; "" when it does not live. Tells a reused pid apart."""
    fields = _first_line("/proc/{0}/stat".format(pid)).rpartition(")")[2].split()
    return fields[19] if len(fields) > 19 and fields[0] not in "ZX" else ""


def identity() -> dict[str, Any]:
    """What tells later whether this process still lives."""
    namespace = os.readlink("/proc/self/ns/pid") if os.path.exists("/proc/self/ns/pid") else ""
    return {
        "controller": socket.gethostname(), "pid": os.getpid(), "pid_namespace": namespace,
        "pid_start": _process_start(os.getpid()), "boot_id": _first_line("/proc/sys/kernel/random/boot_id"),
    }


def is_elsewhere(started: Mapping[str, Any], me: Mapping[str, Any]) -> bool:
    """Whether a run is of another controller, or of another container, whose processes are not seen from here."""
    if started.get("controller") != me["controller"]:
        return True
    return started.get("boot_id") == me["boot_id"] and started.get("pid_namespace") != me["pid_namespace"]


def is_dead(started: Mapping[str, Any], me: Mapping[str, Any]) -> bool:
    """Whether a run surely ended, as far as can be seen from here."""
    if is_elsewhere(started, me):
        return False
    if started.get("boot_id") != me["boot_id"]:
        return True
    return _process_start(int(started.get("pid", 0))) != started.get("pid_start")


class Recorder:
    """One run. Nothing here raises: what can't be written is kept in the journal, and `unwritten` tells."""

    def __init__(self, url: str, journal_directory: str | Path, log_directory: Path | None, facts: Mapping[str, Any],
                 seal_key: Path | None = None, anchors: Sequence[seals.Anchor] = ()) -> None:
        try:
            self.url = address_of(url)
        except errors.BackupError:
            self.url = url.split("://", 1)[0] + "://"
        self.former: list[str] = []
        self.run = new_run_id()
        self.facts = {**identity(), **facts, "run": self.run}
        self.executed_by = str(facts.get("executed_by", ""))
        self.journals = journal.directories(journal_directory)
        self.journal_file: Path | None = None
        self.seal_key, self.anchors = seal_key, anchors
        # Why the head could not be sealed or anchored: to be told, but the run is recorded all the same.
        self.unsealed: list[str] = []
        self.problem: Exception | None = None
        self.broken: Exception | None = None
        self.closed = False
        self.counts: dict[str, int] = {}
        self.open: dict[tuple[str, str], dict[str, Any]] = {}
        # Why hosts failed that have no entry of their own to tell it: one line each.
        self.untold: dict[str, str] = {}
        self._told: set[str] = set()
        # Every entry of this run, in order: its place is its number. A signal may arrive between any two steps, so an entry is added by
        # one step, and one step (`_kept`) says that those before it are stored or in the journal.
        self._entries: list[dict[str, Any]] = []
        self._kept = 0
        self._seen: set[str] = set()
        self._log = _Log(log_directory / (self.run + ".jsonl") if log_directory else None)

    # -- what happened ----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Commit the start of the run before any work, take in what former runs left, and close the dead ones."""
        self._add("run_started", {**self.facts, "log": self._log.name} if self._log.name else self.facts)
        self.flush(sweep=True)

    def backup(self, host: str, found: Any, simulated: bool) -> bool:
        """Record a `backup` structure met in a result. Whether it was one."""
        body = result.clean(found)
        event = body.get("event")
        if event not in result.EVENTS:
            return False
        label = body.get("label", "")
        start_of = next((start for start, (failed, ends) in STARTS.items() if event in ends), None)
        started = self.open.get((host, label))
        if started and start_of == started["event"]:
            body = {**{name: started[name] for name in _CARRIED if name in started}, **body}
        body.update(host=host, run=self.run, executed_by=self.executed_by)
        if simulated:
            body["simulated"] = True
        text = entries.canonical(body)
        if text in self._seen:
            return True
        self._add(event, body)
        self._seen.add(text)
        if "error_code" in body:
            self._told.add(host)
        if event in STARTS and not simulated:
            self.open[(host, label)] = body
        elif started and start_of == started["event"]:
            del self.open[(host, label)]
        if not simulated:
            self.counts[event] = self.counts.get(event, 0) + 1
        return True

    def no_answer(self, host: str, outcome: str, outcome_es: str, told: Any) -> None:
        """A host was lost, or a task of it failed without a word on the copy: close the copies that host has open.

        Of a host with nothing open and no failure recorded (its inventory was refused, it never answered), the run's last entry tells.
        `told` is the result's `error`, believed only when it is one of our catalogue.
        """
        known = isinstance(told, Mapping) and str(told.get("code")) in _CODES
        left = [row for row in self.open.items() if row[0][0] == host]
        if not left and host not in self._told:
            why = "{0}: {1}".format(told["code"], told.get("message_es")) if known else outcome_es
            self.untold.setdefault(host, "{0}: {1}".format(host, why)[:_LONGEST_NOTE])
        for key, started in left:
            if known:
                texts = {
                    "error_code": told["code"], "error_message": told.get("message"), "error_message_es": told.get("message_es"),
                    "error_remedy_es": told.get("remedy_es"),
                }
            else:
                texts = result.failure(errors.BackupError("no_answer", label=key[1], detail=outcome))
                texts["error_message_es"] = errors.BackupError("no_answer", label=key[1], detail=outcome_es).spanish
            self._fail(key, started, texts)

    def log(self, action: str, host: str, status: str, duration_ms: int) -> None:
        """A line of the detailed log (8.5)."""
        self._log.write(action, host, status, duration_ms)

    def flush_log(self) -> None:
        """What may take long begins: the log's lines of what is done are written."""
        self._log.flush()

    def end(self, counts: Mapping[str, int]) -> None:
        """The run came to its end; `counts` are those of the stats."""
        self._close_open()
        bad = sum(self.counts.get(event, 0) for event in _BAD)
        verdict = "failed" if bad or counts.get("hosts_failed") or counts.get("hosts_unreachable") else "good"
        told = {"note_es": "; ".join(list(self.untold.values())[:_MOST_NOTES])} if self.untold else {}
        self._finish("run_ended", {"verdict": verdict, **counts, **told})

    def interrupt(self, how: str) -> None:
        """The run did not come to its end: `how` says what stopped it."""
        self._close_open()
        self._finish("run_interrupted", {"verdict": "interrupted", "how": how, "note_es": "La ejecución no llegó a su fin"})

    # -- writing ----------------------------------------------------------------------------------------------------

    @property
    def pending(self) -> bool:
        """Whether something is not in the store yet."""
        return self._kept < len(self._entries) or self.journal_file is not None

    @property
    def unwritten(self) -> bool:
        """Whether the run must not look good: entries wait in the journal, are lost, or the recording itself went wrong."""
        return self.pending or self.broken is not None

    def flush_pending(self) -> None:
        """Try again when something waits."""
        if self.pending:
            self.flush()

    def flush(self, sweep: bool = False) -> None:
        """Write what waits, here and in the journals, in one transaction; when the store refuses, keep it in the journal."""
        try:
            self._write(sweep)
        except (errors.BackupError, OSError) as error:
            self.problem = error
            self._keep()

    def _write(self, sweep: bool) -> None:
        own = len(self._entries)
        try:
            with open_store(self.url) as store:
                if sweep:
                    self.former = store.former_addresses()
                self._write_to(store, sweep)
        except BaseException:
            del self._entries[own:]
            raise
        self._kept = len(self._entries)
        self.journal_file = self.problem = None

    def _write_to(self, store: Store, sweep: bool) -> None:
        with journal.held(self.journals, self.url, *self.former) as left, store.exclusive():
            for item in left:
                store.append(item["type"], item["body"], item["at_event"], item["emitter"], item["n_emitter"])
            for item in self._entries[self._kept:]:
                store.append(emitter=self.run, **item)
            if sweep:
                self._sweep(store)

    def follow(self, url: str) -> None:
        """The bitácora was moved by this very run: what follows is written there."""
        self.former, self.url = [self.url], address_of(url)

    def _keep(self) -> None:
        waiting = self._entries[self._kept:]
        if not waiting:
            return
        try:
            self.journal_file = journal.write(self.journals, self.url, self.run, waiting)
            self._kept = len(self._entries)
        except OSError as error:
            self.problem = error

    def _add(self, type_: str, body: Mapping[str, Any]) -> None:
        self._entries.append({"type": type_, "body": dict(body), "at_event": entries.now(), "n_emitter": len(self._entries) + 1})

    def _fail(self, key: tuple[str, str], started: Mapping[str, Any], texts: Mapping[str, Any]) -> None:
        event = STARTS[started["event"]][0]
        body = result.clean({**{name: started[name] for name in _CARRIED if name in started}, **texts, "event": event, "ended_at": entries.now()})
        body.update({name: started[name] for name in ("host", "run", "executed_by") if name in started})
        self.open.pop(key, None)
        self._told.add(key[0])
        self.counts[event] = self.counts.get(event, 0) + 1
        self._add(event, body)

    def _close_open(self) -> None:
        for key, started in list(self.open.items()):
            self._fail(key, started, result.failure(errors.BackupError("interrupted", label=key[1])))

    def _finish(self, type_: str, facts: Mapping[str, Any]) -> None:
        self.closed = True
        self._add(type_, {"run": self.run, "executed_by": self.executed_by, **self.counts, **facts, **self._log.end()})
        self.flush()
        if self.seal_key and not self.unwritten:
            self._seal()
            self.flush_pending()

    def _seal(self) -> None:
        """Sign the head as it is now, write the seal as an entry, and anchor it. An anchor that fails is an entry too."""
        try:
            signer = seals.Signer(self.seal_key)
            with open_store(self.url) as store, store.exclusive():
                first, head = store.ends()
                sealed = store.append("seal", {"run": self.run, **signer.seal(first["digest"], head["n"], head["digest"])}, entries.now(), self.run,
                                      len(self._entries) + 1)
        except (BackupError, OSError, ImportError) as error:
            self.unsealed.append(str(error))
            return
        self._entries.append({})
        self._kept = len(self._entries)
        for anchor in self.anchors:
            try:
                anchor.keep(seals.line_of(sealed))
            except OSError as error:
                self.unsealed.append("{0}: {1}".format(anchor.name, error.strerror or error))
                self._add("anchor_failed", {"run": self.run, "anchor": anchor.name, "note_es": "El sello no pudo anclarse: {0}".format(error.strerror)})

    @staticmethod
    def _is_silent(store: Store, started: Mapping[str, Any]) -> bool:
        """Whether nothing was heard of a run for so long that the controller, or the container, it ran in must be gone."""
        before = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=_SILENT_HOURS)
        limit = before.strftime("%Y-%m-%dT%H:%M:%SZ")
        return bool(started["at_recorded"] < limit and store.entries(run=started["run"], limit=1)[-1]["at_recorded"] < limit)

    def _sweep(self, store: Store) -> None:
        """Close the runs that died without a word, and their copies. Runs inside the transaction, so two sweeps never meet."""
        for started in store.open_runs():
            run = started.get("run")
            if run == self.run:
                continue
            dead = is_dead(started, self.facts)
            if not dead and not (is_elsewhere(started, self.facts) and self._is_silent(store, started)):
                continue
            left: dict[tuple[str, str], dict[str, Any]] = {}
            for entry in store.entries(run=run):
                key = (entry.get("host", ""), entry.get("label", ""))
                if entry.get("simulated"):
                    continue
                if entry["type"] in STARTS:
                    left[key] = entry
                elif key in left and entry["type"] in STARTS[left[key]["type"]][1]:
                    del left[key]
            first = len(self._entries)
            counted = dict(self.counts)
            for key, entry in left.items():
                self._fail(key, entry, result.failure(errors.BackupError("interrupted", label=key[1])))
            self.counts = counted
            self._add("run_interrupted", {
                "run": run, "verdict": "interrupted", "how": "died" if dead else "silent", "executed_by": started.get("executed_by", ""), "closed_by": self.run,
                "note_es": "La ejecución murió sin aviso; la cerró la siguiente" if dead else
                           "Otro controlador no dio señales de esta ejecución en {0} horas; la cerró una posterior".format(_SILENT_HOURS),
            })
            for item in self._entries[first:]:
                store.append(emitter=self.run, **item)


@functools.lru_cache(maxsize=4096)
def _quoted(text: str) -> str:
    """A text as canonical JSON; hosts, actions and states come again and again."""
    return entries.canonical({"": text})[4:-1]


@functools.lru_cache(maxsize=1)
def _stamp(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(second))


class _Log:
    """The detailed log of a run: JSON lines, beside the bitácora. It is a comfort: when it can't be written the run goes on.

    Lines are written together, when a second has passed or the next task begins: one by one they cost more than all the rest. A run that
    is killed loses those of the task it was in; entries never wait here.
    """

    def __init__(self, path: Path | None) -> None:
        self.name = path.name if path else ""
        self._path = path
        self._digest = hashlib.sha256()
        self._lines = 0
        self._waiting: list[str] = []
        self._flushed = time.monotonic()

    def write(self, action: str, host: str, status: str, duration_ms: int) -> None:
        if self._path is None:
            return
        self._waiting.append('{{"action":{0},"at":"{1}","duration_ms":{2},"host":{3},"status":{4}}}\n'.format(
            _quoted(action), _stamp(int(time.time())), duration_ms, _quoted(host), _quoted(status)))
        if time.monotonic() - self._flushed >= 1:
            self.flush()

    def flush(self) -> None:
        # Taken in one step: a signal that comes between must not write a line twice.
        waiting, self._waiting = self._waiting, []
        if self._path is None or not waiting:
            return
        text = "".join(waiting).encode("utf-8")
        try:
            if not self._lines:
                self._path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
            try:
                os.write(descriptor, text)
            finally:
                os.close(descriptor)
        except OSError:
            self._path = None
            return
        self._digest.update(text)
        self._lines += len(waiting)
        self._flushed = time.monotonic()

    def end(self) -> dict[str, Any]:
        """What the run's last entry says of its log."""
        self.flush()
        return {"log": self.name, "log_lines": self._lines, "log_sha256": self._digest.hexdigest()} if self._lines else {}
