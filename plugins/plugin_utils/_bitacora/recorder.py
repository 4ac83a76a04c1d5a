# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one run writes into the bitácora. The callback tells it what happened; this decides which entries that makes.

Entries wait in a queue; `flush` writes them at once, opening the store and closing it again: no SQLite handle is alive when Ansible
forks its workers. What the store refuses goes to the journal.
"""

from __future__ import annotations

import datetime
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...module_utils._engine import errors, result
from ...module_utils._engine.errors import BackupError
from . import alive, copies, entries, events, journal, journald, judging, seals, trust, upkeep
from .any_store import Store
from .run_log import Log
from .store import address_of, open_store
from .upkeep import STARTS
from .who import identity

# What the start of a copy told and its end may leave out, so that the line people read is complete.
_CARRIED = (
    "label", "printed_label", "system", "kind", "source_type", "source", "criticality", "office", "responsible", "numeral", "reason",
    "reason_text", "ticket", "requester", "started_at", "medium", "location", "previous_label", "previous_size", "required_trust", "target",
)
# What the start of a drill does not settle for its ends: there is one for each medium.
_OF_EACH_MEDIUM = ("started_at", "medium", "location")
_BAD = (events.ANSWER_REFUSED, "copy_failed", "copy_refused", "copy_damaged", "verification_failed", "restore_failed", "prune_failed", "transfer_failed",
        "custody_failed", "path_refused", "forge_failed", "medium_failed", "repository_key_failed")
_LONGEST_NOTE, _MOST_NOTES = 1000, 20
# Of one result, whatever its action: what is more is no answer of ours. And how many refusals are told word for word.
_MOST_CHARACTERS, _MOST_REFUSED = 4 * 1024 * 1024, 3
_CODES = {fault.code for fault in errors.CATALOGUE.values()}


def new_run_id() -> str:
    """An identity for a run that sorts by time and can be read aloud: 20261122T183000Z-1f3a9c2b7d."""
    return time.strftime("%Y%m%dT%H%M%SZ-", time.gmtime()) + secrets.token_hex(5)


class Recorder:
    """One run. Nothing here raises: what can't be written is kept in the journal, and `unwritten` tells."""

    def __init__(self, url: str, journal_directory: str | Path, log_directory: Path | None, facts: Mapping[str, Any],
                 seal_key: Path | None = None, anchors: Sequence[seals.Anchor] = (), to_journald: bool = False) -> None:
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
        self.seal_key, self.anchors, self._to_journald = seal_key, anchors, to_journald
        # Why the head could not be sealed or anchored: to be told, but the run is recorded all the same.
        self.unsealed: list[str] = []
        self.problem: Exception | None = None
        self.broken: Exception | None = None
        self.closed = False
        self._sign = alive.Sign((), self.run)
        self.judge = judging.Judge(judging.Expected())
        self.verdict, self._retried = "", False
        self.findings: list[BackupError] = []
        self.counts: dict[str, int] = {}
        # The starts that wait for their end; of a simulation nothing is left open, but its end is tied to its start all the same.
        self.open: dict[tuple[str, str], dict[str, Any]] = {}
        self._simulated: dict[tuple[str, str], dict[str, Any]] = {}
        # What was not recorded: how many of each host; the first of each is told in an entry.
        self._refused: dict[str, int] = {}
        # Why hosts failed that have no entry of their own to tell it: one line each.
        self.untold: dict[str, str] = {}
        self._told: set[str] = set()
        # Every entry of this run, in order: its place is its number. A signal may arrive between any two steps, so an entry is added by
        # one step, and one step (`_kept`) says that those before it are stored or in the journal.
        self._entries: list[dict[str, Any]] = []
        self._kept = 0
        self._seen: set[str] = set()
        self.written: dict[int, entries.Entry] = {}     # as they are stored, until somebody tells their numbers
        self._log = Log(log_directory / (self.run + ".jsonl") if log_directory else None)

    # -- what happened ----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Commit the start of the run before any work, take in what former runs left, and close the dead ones."""
        self._add("run_started", {**self.facts, "log": self._log.name} if self._log.name else self.facts)
        self._sign = alive.Sign(self.journals, self.run)
        self.flush(self._sweep)
        if self.seal_key and 1 in self.written and self.written[1].n == 1:
            trust.begin(self.seal_key)

    def take(self, host: str, action: str, found: Any, simulated: bool) -> bool:
        """Record what a result of an action carries under `backup`, by the rules of events.py. Whether anything was recorded.

        What is refused (another's action, an event that is not the action's, an end without its start, too many or too large) is counted, and
        told in one entry for each host and run.
        """
        if not isinstance(found, (dict, list, tuple)) or not found:
            return False
        rule = events.allowed(action)
        rows = found if isinstance(found, (list, tuple)) else [found]
        refused: list[tuple[Any, str]] = []
        recorded, room = False, _MOST_CHARACTERS
        if rule is None:
            # others may use the word for things of their own, as lineinfile does
            refused = [(row, "no es una acción que registre") for row in rows[:_MOST_REFUSED] if events.event_of(row) in result.EVENTS]
        else:
            for row in rows[:rule.most]:
                body = result.clean(row)
                room -= result.length(body)
                why = self._why_not(host, rule, body, simulated) if room > 0 else "la respuesta es demasiado grande"
                if why:
                    refused.append((row, why))
                else:
                    recorded = self._record(host, body, simulated) or recorded
        more = len(rows) - rule.most if rule else 0
        if refused or more > 0:
            self._refuse(host, action, refused, len(refused) + max(0, more), simulated)
        return recorded

    def take_attempt(self, host: str, action: str, found: Any, simulated: bool) -> None:
        """Record an attempt that `until` repeats: a failed one as what it was, with the copy left open for the next, which counts."""
        self._retried, opened = events.event_of(found) in _BAD and events.event_of(found) != "copy_damaged", dict(self.open)
        self.take(host, action, found, simulated)
        if self._retried:
            self._retried, self.open = False, opened

    def backup(self, host: str, found: Any, simulated: bool) -> bool:
        """Record a `backup` structure that the controller's own code made. Whether it was one."""
        return self._record(host, result.clean(found), simulated)

    def _why_not(self, host: str, rule: events.Allowed, body: Mapping[str, Any], simulated: bool) -> str:
        """Why the callback may not record an entry of this action, in Spanish; "" when it may."""
        if body.get("event") not in rule.events:
            return "no es un evento de esa acción"
        if body.get("event") == "copy_started" and not simulated and any(
                key[0] != host and key[1] == body.get("label") and row.get("kind") == body.get("kind") for key, row in self.open.items()):
            return "otro servidor tiene abierta la copia de ese rótulo"
        if rule.start:
            key = (host, body.get("label", ""))
            started = (self._simulated.get(key) if simulated else None) or self.open.get(key)
            if not started or started["event"] != rule.start:
                return "no hay un inicio de este servidor y rótulo en esta ejecución"
        return ""

    def _whole(self, host: str, body: Mapping[str, Any], simulated: bool) -> dict[str, Any]:
        more = {name: True for name, yes in (("simulated", simulated), (events.RETRIED, self._retried)) if yes}
        return {**body, "host": host, "run": self.run, "executed_by": self.executed_by, copies.ASKED: True, **more}

    def _record(self, host: str, body: dict[str, Any], simulated: bool) -> bool:
        event = body.get("event")
        if event not in result.EVENTS:
            return False
        key = (host, body.get("label", ""))
        start_of = next((start for start, (failed, ends) in STARTS.items() if event in ends), None)
        started = (self._simulated.get(key) if simulated else None) or self.open.get(key)
        if started and start_of == started["event"]:
            # the start was the controller's: what it told stands
            told = {name: started[name] for name in _CARRIED if name in started}
            own = {name: body[name] for name in _OF_EACH_MEDIUM if name in body} if start_of == "drill_started" else {}
            body = {**body, **told, **own}
        body = self._whole(host, body, simulated)
        text = entries.canonical(body)
        if text in self._seen:
            return True
        self._add(event, body)
        self._seen.add(text)
        if "error_code" in body:
            self._told.add(host)
        opened = self._simulated if simulated else self.open
        if event in STARTS:
            opened[key] = body
        elif started and start_of == started["event"]:
            opened.pop(key, None)
        if not simulated and not self._retried:
            self.counts[event] = self.counts.get(event, 0) + 1
        return True

    def _refuse(self, host: str, action: str, refused: Sequence[tuple[Any, str]], count: int, simulated: bool) -> None:
        """Tell what an answer carried that is not recorded: once for each host, in an entry of bounded length."""
        before = self._refused.get(host, 0)
        self._refused[host] = before + count
        if before:
            return
        told = ["{0} de {1}: {2}".format(result.shown(events.event_of(row)), result.shown(events.field_of(row, "label")), why)
                for row, why in refused[:_MOST_REFUSED]]
        error = errors.BackupError("answer_refused", count=count, host=host, detail="{0}; {1}".format(
            action, "; ".join(told) or "demasiados asientos en un resultado"))
        body = {**result.failure(error), "host": host, "run": self.run, "executed_by": self.executed_by, "objects": count}
        if simulated:
            body["simulated"] = True
        else:
            self.counts[events.ANSWER_REFUSED] = self.counts.get(events.ANSWER_REFUSED, 0) + 1
        self._told.add(host)
        self._add(events.ANSWER_REFUSED, body)

    def no_answer(self, host: str, outcome: str, outcome_es: str, told: Any) -> None:
        """A host was lost, or a task of it failed without a word on the copy: close the copies that host has open.

        Of a host with nothing open and no failure recorded (its inventory was refused, it never answered), the run's last entry tells.
        `told` is the result's `error`, believed only when it is one of our catalogue.
        """
        known = isinstance(told, Mapping) and str(told.get("code")) in _CODES
        left = [row for row in self.open.items() if row[0][0] == host]
        if not left and host not in self._told:
            why = "{0}: {1}".format(told["code"], str(told.get("message_es"))[:_LONGEST_NOTE]) if known else outcome_es
            self.untold.setdefault(host, result.seen("{0}: {1}".format(host, why)[:_LONGEST_NOTE]))
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
        failed = bool(bad or counts.get("hosts_failed") or counts.get("hosts_unreachable"))
        self.verdict, self.findings = self.judge.verdict(failed, self._entries)
        notes = [*(finding.code + ": " + finding.spanish for finding in self.findings), *list(self.untold.values())[:_MOST_NOTES]]
        told = {"note_es": "; ".join(notes)} if notes else {}
        refused = sum(self._refused.values())
        more = {"entries_refused": refused} if refused else {}
        self._finish("run_ended", {"verdict": self.verdict, **counts, **more, **told})

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

    def flush(self, upkeep_of: Callable[[Store], None] | None = None) -> None:
        """Write what waits, here and in the journals, in one transaction; when the store refuses, keep it in the journal."""
        try:
            self._write(upkeep_of)
        except (errors.BackupError, OSError) as error:
            self.problem = error
            self._keep()

    def _write(self, upkeep_of: Callable[[Store], None] | None) -> None:
        own, kept = len(self._entries), self._kept
        try:
            with open_store(self.url) as store:
                if upkeep_of:
                    self.former = store.former_addresses()
                with journal.held(self.journals, self.url, *self.former) as left, store.exclusive():
                    for item in left:
                        store.append(item["type"], item["body"], item["at_event"], item["emitter"], item["n_emitter"])
                    self._store(store, self._entries[kept:])
                    if upkeep_of:
                        upkeep_of(store)
        except BaseException:
            del self._entries[own:]
            raise
        self._kept = len(self._entries)
        self.journal_file = self.problem = None
        self._say(kept)

    def _store(self, store: Store, rows: Sequence[Mapping[str, Any]]) -> None:
        for row in rows:
            self.written[row["n_emitter"]] = store.append(emitter=self.run, **row)

    def _say(self, first: int) -> None:
        """Tell systemd's journal too what is kept now, here or in the journal of files: each entry once."""
        if self._to_journald:
            journald.tell(self._entries[first:self._kept], self.written)

    def follow(self, url: str) -> None:
        """The bitácora was moved by this very run: what follows is written there."""
        self.former, self.url = [self.url], address_of(url)

    def _keep(self) -> None:
        waiting = self._entries[self._kept:]
        if not waiting:
            return
        try:
            self.journal_file = journal.write(self.journals, self.url, self.run, waiting)
            self._kept, first = len(self._entries), self._kept
        except OSError as error:
            self.problem = error
        else:
            self._say(first)

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
        self.flush(self._tell_unstarted if type_ == "run_ended" and upkeep.tells(self.facts) else None)
        if not self.pending:
            self._sign.let_go()
        if self.seal_key and not self.unwritten:
            self._seal(self.seal_key)
            self.flush_pending()

    def _seal(self, seal_key: Path) -> None:
        """Sign the head as it is now, write the seal as an entry, and anchor it. An anchor that fails is an entry too."""
        given = trust.Settings(self.url, seal_key, tuple(anchor.name for anchor in self.anchors))
        try:
            with open_store(self.url) as store:
                signer = trust.sealer(given, store)
                with store.exclusive():
                    first, head = store.ends()
                    sealed = store.append("seal", {"run": self.run, **signer.seal(first["digest"], head["n"], head["digest"])}, entries.now(), self.run,
                                          len(self._entries) + 1)
        except (BackupError, OSError, ImportError) as error:
            self.unsealed.append(str(error))
            return
        self._entries.append({"type": "seal", "body": {"run": self.run}, "at_event": sealed.at_event, "n_emitter": len(self._entries) + 1})
        self.written[len(self._entries)] = sealed
        self._kept = len(self._entries)
        self._say(self._kept - 1)
        try:
            trust.remember(seal_key, signer.public, self.url, seals.line_of(sealed))
        except (BackupError, OSError) as error:
            self.unsealed.append(str(error))
        for anchor in self.anchors:
            try:
                anchor.keep(seals.line_of(sealed))
            except OSError as error:
                detail = getattr(error.strerror, "spanish", error.strerror or error)
                self.unsealed.append("{0}: {1}".format(anchor.name, detail))
                self._add("anchor_failed", {"run": self.run, "anchor": anchor.name, "note_es": "El sello no pudo anclarse: {0}".format(detail)})

    def _sweep(self, store: Store) -> None:
        """Close the runs that died without a word, and their copies. Runs inside the transaction, so two sweeps never meet."""
        for dead in upkeep.dead_runs(store, self.journals, self.facts):
            first, counted = len(self._entries), dict(self.counts)
            for key, entry in dead.left.items():
                self._fail(key, entry, result.failure(errors.BackupError("interrupted", label=key[1])))
            self.counts = counted
            self._add("run_interrupted", {
                "run": dead.started.get("run"), "verdict": "interrupted", "how": dead.how, "executed_by": dead.started.get("executed_by", ""),
                "closed_by": self.run, "note_es": dead.note(),
            })
            self._store(store, self._entries[first:])

    def _tell_unstarted(self, store: Store) -> None:
        """Write down which starts of the schedule did not come, as the run ends: what an outage kept back and systemd began with it has begun by then.
        And whether this run's own came late."""
        first, now = len(self._entries), datetime.datetime.now(datetime.timezone.utc)
        for body in [*upkeep.of_own_start(store, now, self.facts), *upkeep.unstarted(store, now)]:
            self._add(body["event"], self._whole("localhost", body, False))
        self._store(store, self._entries[first:])
