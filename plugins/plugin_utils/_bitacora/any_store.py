# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every store of the bitácora does, wherever it is kept. One file for each: sqlite.py, postgresql.py; store.py opens the one of an address."""

from __future__ import annotations

import abc
import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from ...module_utils._engine import result as words
from ...module_utils._engine.errors import BackupError
from . import chain, entries, redacting, view
from .copies import STARTS, Standing, copies_told, is_good, order
from .entries import POLICY_ZONE
from .readable import ODD, Memory, flat

RUNS_LOOKED_AT = 1000

_COLUMNS = ", ".join(chain.COLUMNS)
OF_A_COPY = ("copy_made", "copy_verified", "copy_damaged", "copy_found", "copy_pruned", "copy_transferred")
# How many of the last copies made are looked at before the whole history is.
_LAST_MADE = (2, 16)
_Opened = TypeVar("_Opened", bound="Store")


class Store(abc.ABC):
    """What every store does. Entries are given to readers as one mapping: the body's fields, and those of the line itself.

    Statements are written once, with `?` for values; a store says how it reads a field of a body, runs a statement and locks.
    """

    url: str
    # What its driver raises, and the statement that makes a row of the Spanish view.
    errors: type[Exception]

    @abc.abstractmethod
    def field(self, name: str) -> str:
        """The expression of a field of the body of `entries`, as text."""

    @abc.abstractmethod
    def select(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a statement. Raises BackupError(bitacora_unreadable)."""

    @abc.abstractmethod
    def run(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run a statement within an exclusive block, which turns what the driver raises into an error of the catalogue."""

    @abc.abstractmethod
    def begin(self) -> None:
        """Begin a transaction that no other writer shares."""

    @abc.abstractmethod
    def unwritable(self, detail: object) -> BackupError:
        """The error that says why the store can't be written."""

    @abc.abstractmethod
    def unreadable(self, detail: object) -> BackupError:
        """The error that says why the store can't be read."""

    @abc.abstractmethod
    def prove_writable(self) -> None:
        """Prove that an entry could be written now; nothing is left behind. Raises BackupError(bitacora_unwritable)."""

    @abc.abstractmethod
    def raw(self) -> Iterator[Sequence[Any]]:
        """Every entry as it is stored, in the order of n: the values of chain.COLUMNS. Raises BackupError(bitacora_unreadable)."""

    def judge_indexes(self) -> list[chain.Finding]:
        """What readers by an index would not see, where whoever can write to the bitácora can also write to its indexes."""
        return []

    @abc.abstractmethod
    def verify(self, anchors: Sequence[Path] = (), keys: Sequence[str] = (), remembered: Mapping[str, Any] | None = None) -> chain.Report:
        """Verify the chain as it is now, against seals and anchors; see trust.verify for those of this controller.

        Raises BackupError(bitacora_unreadable), OSError on an anchor.
        """

    _depth = 0

    @property
    def passed_over(self) -> Memory:
        """What this store's readers could not read, or did not believe."""
        found: Memory = self.__dict__.setdefault("_passed_over", Memory())
        return found

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """All that is written within is written at once, or not at all; other writers wait. Raises BackupError(bitacora_unwritable)."""
        if self._depth:
            yield
            return
        self._depth += 1
        try:
            self.begin()
            yield
            self.run("COMMIT")
        except BaseException as error:
            with contextlib.suppress(self.errors):
                self.run("ROLLBACK")
            if isinstance(error, self.errors):
                raise self.unwritable(error) from error
            raise
        finally:
            self._depth -= 1

    def append(self, type: str, body: Mapping[str, Any], at_event: str, emitter: str, n_emitter: int | None = None) -> entries.Entry:
        """Write one entry, durable when this returns; writing the same `n_emitter` of an emitter again changes nothing.

        Raises BackupError(bitacora_unwritable).
        """
        with self.exclusive():
            if n_emitter is None:
                n_emitter = self.run("SELECT coalesce(max(n_emitter), 0) + 1 FROM entries WHERE emitter = ?", (emitter,))[0][0]
            else:
                there = self.run("SELECT {0} FROM entries WHERE emitter = ? AND n_emitter = ?".format(_COLUMNS), (emitter, n_emitter))
                if there:
                    found = entries.Entry(*there[0])
                    if found.body_digest != chain.digest_of_body(entries.canonical(body)):
                        raise self.unwritable("{0} already wrote another entry {1}".format(emitter, n_emitter))
                    return found
            head = self.run("SELECT n, digest FROM entries ORDER BY n DESC LIMIT 1")
            n, previous = (head[0][0] + 1, head[0][1]) if head else (1, chain.GENESIS)
            entry = entries.seal(n, previous, emitter, n_emitter, at_event, type, body)
            self.insert(entry)
            if type == redacting.EVENT:
                self.__dict__["_redactions"] = None
        return entry

    def insert(self, row: Sequence[Any]) -> None:
        """Write a whole row, in the order of chain.COLUMNS, within an exclusive block."""
        self.run("INSERT INTO entries ({0}) VALUES ({1})".format(_COLUMNS, ", ".join("?" * len(chain.COLUMNS))), tuple(row))

    def probe(self) -> None:
        """Write an entry and take it back: locks, permissions and triggers let one be written. Raises BackupError(bitacora_unwritable)."""
        try:
            with self.exclusive():
                self.append("probe", {}, entries.now(), "probe")
                raise _Undo
        except _Undo:
            pass

    def simulated(self, wanted: bool = True) -> str:
        """The condition that an entry is, or is not, a simulation."""
        return "{0} {1} 1".format(self.field("simulated"), "IS" if wanted else "IS NOT")

    def entries(self, system: str | None = None, kind: str | None = None, since: str | None = None, until: str | None = None,
                type: str | Sequence[str] | None = None, label: str | None = None, run: str | None = None, result: str | None = None,
                limit: int | None = None, newest_first: bool = False, zone: str = POLICY_ZONE) -> list[dict[str, Any]]:
        """The entries that match every filter given, in the order they were written.

        `since` and `until` are dates of the policy's zone, or times (see entries.moment); `result` is one of entries.RESULTS or
        `simulated`. With `limit`, the newest ones. Raises BackupError: bitacora_unreadable, invalid_input.
        """
        where, values = self._where(system, kind, since, until, type, label, run, result, zone)
        found = [flat(row) for row in self._limited("SELECT {0} FROM entries".format(_COLUMNS) + where, values, limit, newest_first)]
        self.passed_over.note(found)
        return self.hidden(found)

    def redactions(self) -> redacting.Redactions:
        """What may not be shown of which entry, with the entry that says so."""
        if self.__dict__.get("_redactions") is None:
            self.__dict__["_redactions"] = redacting.told(
                flat(row) for row in self.select("SELECT {0} FROM entries WHERE type = ? ORDER BY n".format(_COLUMNS), (redacting.EVENT,)))
        found: redacting.Redactions = self.__dict__["_redactions"]
        return found

    def hidden(self, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Entries as every reader gets them: without the texts that were redacted."""
        redacted = self.redactions() if found else {}
        return [redacting.hide(entry, redacted[entry["n"]]) if entry["n"] in redacted else entry for entry in found] if redacted else found

    def rows(self, system: str | None = None, kind: str | None = None, since: str | None = None, until: str | None = None,
             type: str | Sequence[str] | None = None, label: str | None = None, run: str | None = None, result: str | None = None,
             limit: int | None = None, newest_first: bool = False, zone: str = POLICY_ZONE) -> list[dict[str, Any]]:
        """Rows of the Spanish view, with the same filters as `entries`; fecha and hora in `zone`."""
        where, values = self._where(system, kind, since, until, type, label, run, result, zone)
        sql = "SELECT {0} FROM bitacora".format(", ".join(view.COLUMNS)) + (" WHERE n IN (SELECT n FROM entries{0})".format(where) if where else "")
        found = [view.in_zone(view.readable(dict(zip(view.COLUMNS, row))), zone) for row in self._limited(sql, values, limit, newest_first)]
        redacted = self.redactions() if found else {}
        return [redacting.hide_row(row, redacted[row["n"]]) if row["n"] in redacted else row for row in found] if redacted else found

    def _limited(self, sql: str, values: list[Any], limit: int | None, newest_first: bool) -> list[tuple[Any, ...]]:
        if limit is None:
            return self.select(sql + (" ORDER BY n DESC" if newest_first else " ORDER BY n"), values)
        found = self.select(sql + " ORDER BY n DESC LIMIT ?", [*values, limit])
        return found if newest_first else found[::-1]

    def _where(self, system: str | None, kind: str | None, since: str | None, until: str | None, type_: str | Sequence[str] | None,
               label: str | None, run: str | None, result: str | None, zone: str) -> tuple[str, list[Any]]:
        clauses: list[str] = []
        values: list[Any] = []
        for name, value in (("system", system), ("kind", kind), ("label", label), ("run", run)):
            if value is not None:
                clauses.append("{0} = ?".format(self.field(name)))
                values.append(value)
        if since is not None:
            clauses.append("at_event >= ?")
            values.append(entries.moment(since, False, zone))
        if until is not None:
            clauses.append("at_event <= ?")
            values.append(entries.moment(until, True, zone))
        if result == "simulated":
            clauses.append(self.simulated())
        elif result is not None:
            if result not in entries.RESULTS:
                raise BackupError("invalid_input", where="result", value=result, problem="is not a result",
                                  mend="Choose one of {0}, simulated.".format(", ".join(entries.RESULTS)))
            clauses.append(self.simulated(False))
        for wanted in (type_, entries.RESULTS.get(result or "")):
            if wanted:
                names = [wanted] if isinstance(wanted, str) else list(wanted)
                clauses.append("type IN ({0})".format(", ".join("?" * len(names))))
                values.extend(names)
        return (" WHERE " + " AND ".join(clauses) if clauses else ""), values

    def labels(self, kind: str, system: str) -> set[str]:
        """Every label a system ever reserved, whatever became of its copy: a label is never used twice. What only a stranger named is none."""
        sql = "SELECT DISTINCT {label}, {host} FROM entries WHERE {system} = ? AND {kind} = ? AND {label} IS NOT NULL AND {real}"
        found = self.select(sql.format(real=self.simulated(False), **{name: self.field(name) for name in ("label", "host", "system", "kind")}), (system, kind))
        hosts = self._standing(kind, system).hosts if len({host for _label, host in found}) > 1 else set()
        return {str(label) for label, host in found if not hosts or str(host or "") in hosts}

    def copies(self, kind: str, system: str) -> list[dict[str, Any]]:
        """The copies made of a system, oldest first: the entry of each, with the trust level it has by now and its `media`.

        `media` is the trust level by medium, "" where the copy was found damaged since. A later verification there heals it if it
        was as thorough as the one that found the damage: reading a copy again does not answer a restore that came out otherwise. Until then
        `damages` has what was found there.
        """
        return copies_told(self.believed(kind, system, self.entries(kind=kind, system=system, type=OF_A_COPY)))

    def believed(self, kind: str, system: str, told: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """Of a system's entries those of hosts that may speak of it (see copies.py); the others are passed over."""
        known = list(told)
        standing = self._standing(kind, system) if known else None
        return [entry for entry in known if standing and self._counts(standing, entry, system)]

    def _counts(self, standing: Standing, entry: Mapping[str, Any], system: str) -> bool:
        counts = standing.counts(entry)
        if not counts:
            self.passed_over.add(entry["n"], "{0} de {1}, que no copia {2}".format(entry["type"], entry.get("host", "?"), system))
        return counts

    def _standing(self, kind: str, system: str) -> Standing:
        sql = ("SELECT DISTINCT type, {host}, CASE WHEN type = 'copy_started' THEN {label} END FROM entries "
               "WHERE {system} = ? AND {kind} = ? AND type IN ({types}) AND {real}")
        return Standing(self.select(sql.format(types=", ".join("?" * len(STARTS)), real=self.simulated(False),
                                               **{name: self.field(name) for name in ("host", "label", "system", "kind")}), (system, kind, *STARTS)))

    def of_label(self, kind: str, system: str, told: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """As `believed`, of entries of one label that hold its starts too: nearly always all are of the host that began it, and no more is read."""
        known = [entry for entry in told if entry.get("kind") == kind and entry.get("system") == system]
        began = {entry.get("host") for entry in known if entry["type"] == "copy_started" and not entry.get("simulated")}
        rest = [entry for entry in known if entry["type"] != "copy_started"]
        return rest if began.issuperset(entry.get("host") for entry in rest) else self.believed(kind, system, rest)

    def held(self, kind: str, system: str) -> set[str]:
        """The labels of a system on hold; "" stands for all of them."""
        found: dict[str, set[str]] = {}
        told = self.entries(kind=kind, system=system, type=("copy_held", "copy_released"))
        standing = self._standing(kind, system) if told else Standing(())
        for entry in told:
            if entry.get("simulated"):
                continue
            label, host = entry.get("label", ""), entry.get("host", "")
            if entry["type"] == "copy_held":
                found.setdefault("" if "label" in entry.get(ODD, ()) else label, set()).add(host)
            # a hold is lifted by the host that it was set from, or by one that copies the system: what is in doubt stays
            elif "label" not in entry.get(ODD, ()) and (host in found.get(label, ()) or self._counts(standing, entry, system)):
                found.pop(label, None)
        return set(found)

    def last_good(self, kind: str, system: str, minimum_trust: str = "T2", until: str = "") -> dict[str, Any] | None:
        """The newest copy of a system that is good: made, not a simulation, trusted enough, whole on all its media.

        With `until` (UTC), one dated later is given only when there is no other: a clock that was once ahead must not hide what came after.
        """
        return self._last_good(kind, system, minimum_trust, until) or (self._last_good(kind, system, minimum_trust, "") if until else None)

    def _last_good(self, kind: str, system: str, minimum_trust: str, until: str) -> dict[str, Any] | None:
        """It is nearly always one of the last made, so that the history behind them is read only when none of these is good."""
        for limit in _LAST_MADE:
            recent = self.entries(kind=kind, system=system, type="copy_made", limit=limit)
            for made in sorted(recent, key=order, reverse=True):
                # by label alone: the index of labels finds few, that of systems all that was ever verified
                later = self.entries(label=made.get("label", ""), type=(*OF_A_COPY, "copy_started"))
                for copy in copies_told(self.of_label(kind, system, later)):
                    if is_good(copy, minimum_trust) and not (until and order(copy)[0] > until):
                        return copy
            if len(recent) < limit:
                return None
        for copy in reversed(self.copies(kind, system)):
            if is_good(copy, minimum_trust) and not (until and order(copy)[0] > until):
                return copy
        return None

    def last_good_of(self, systems: Iterable[tuple[str, str]], minimum_trust: str = "T2") -> dict[tuple[str, str], dict[str, Any]]:
        """The newest good copy of each of many systems, given as (system, kind); those without one are left out."""
        found = {(system, kind): self.last_good(kind, system, minimum_trust) for system, kind in systems}
        return {pair: copy for pair, copy in found.items() if copy is not None}

    def open_runs(self) -> list[dict[str, Any]]:
        """The starts of runs that have no end, among the last RUNS_LOOKED_AT runs: older ones were looked at by those that came after them."""
        started = "SELECT {0}, {1} AS its_run FROM entries WHERE type = 'run_started' ORDER BY at_event DESC LIMIT ?".format(_COLUMNS, self.field("run"))
        ended = "SELECT 1 FROM entries WHERE {0} = s.its_run AND type IN ('run_ended', 'run_interrupted')".format(self.field("run"))
        sql = "SELECT {0} FROM ({1}) AS s WHERE NOT EXISTS ({2}) ORDER BY n".format(_COLUMNS, started, ended)
        return [flat(row) for row in self.select(sql, (RUNS_LOOKED_AT,))]

    def ends(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The first and the last entry. Raises BackupError(bitacora_unreadable) when there is none."""
        found = self.select("SELECT {0} FROM entries WHERE n = (SELECT min(n) FROM entries) OR n = (SELECT max(n) FROM entries) ORDER BY n".format(_COLUMNS))
        if not found:
            raise self.unreadable("it has no entries")
        return flat(found[0]), flat(found[-1])

    def former_addresses(self) -> list[str]:
        """Where the bitácora was before it was moved here: entries may still wait for it there."""
        return [str(entry["former"]) for entry in self.entries(type="bitacora_moved") if entry.get("former")]

    def kept(self, systems: Iterable[tuple[str, str]]) -> dict[tuple[str, str], list[tuple[list[str], int]]]:
        """(kind, system) -> media and size of each copy that was made and not removed."""
        # One pass that takes five words of each entry: reading every body of ten years takes many times as long.
        sql = "SELECT type, {0} FROM entries WHERE type IN ('copy_made', 'copy_pruned', 'copy_transferred') AND {1} ORDER BY n".format(
            ", ".join(self.field(name) for name in ("kind", "system", "label", "medium", "size")), self.simulated(False))
        found: dict[tuple[str, str], dict[str, tuple[list[str], int]]] = {key: {} for key in systems}
        # The same few media stand in every entry of ten years.
        split: dict[str | None, list[str]] = {}
        for type_, kind, system, label, medium, size in self.select(sql):
            copies = found.get((kind, system))
            if copies is None:
                continue
            size = int(size) if isinstance(size, str) and size.isascii() and size.isdigit() and len(size) < 20 else size
            media = split.get(medium)
            if media is None:
                media = split[medium] = str(medium or "").split(", ")
            if type_ == "copy_made":
                copies.setdefault(label or "", (media, size if words.is_number(size) else 0))
            elif type_ == "copy_transferred" and label in copies:
                copies[label] = ([*copies[label][0], *media], copies[label][1])
            elif label in copies:
                left = [name for name in copies[label][0] if name not in media]
                copies[label] = (left, copies[label][1])
                if not left:
                    del copies[label]
        return {key: list(copies.values()) for key, copies in found.items()}

    def changes(self) -> list[dict[str, Any]]:
        """What brought or took bytes on media, in the order of the bitácora, with the few fields that tell how many (capacity.history)."""
        names = ("kind", "system", "label", "medium", "size", "size_original", "repository", "repository_sizes")
        sql = "SELECT n, type, at_event, {0} FROM entries WHERE type IN ('copy_made', 'copy_pruned', 'copy_transferred') AND {1} ORDER BY n".format(
            ", ".join(self.field(name) for name in names), self.simulated(False))
        return [dict(zip(("n", "type", "at_event", *names), row)) for row in self.select(sql)]

    @abc.abstractmethod
    def close(self) -> None:
        """Let go of the store."""

    def __enter__(self: _Opened) -> _Opened:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class _Undo(Exception):
    """Leaves a transaction without its writes."""
