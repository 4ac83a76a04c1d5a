# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The chain of the bitácora: how an entry is sealed to the one before it, and the verifier that says where it broke.

This file stands alone: an auditor runs `python3 chain.py bitacora.sqlite` with nothing but Python's standard library.
Exit status: 0 whole, 1 broken (and it says where), 2 could not check.

What the chain alone can't see is a rewrite of all of it, or of its tail by somebody who knows how: compare the head printed here
with the heads that were anchored outside.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sqlite3
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

VERSION = "bitacora/v1"
GENESIS = "0" * 64
COLUMNS = ("n", "emitter", "n_emitter", "at_event", "at_recorded", "type", "body", "body_digest", "previous", "digest")
RUN_ENDS = ("run_ended", "run_interrupted")

WHOLE, BROKEN, UNCHECKED = 0, 1, 2

# finding -> English, Spanish
_TEXTS = {
    "body_changed": ("the content of entry {n} was changed", "el contenido del asiento {n} fue alterado"),
    "fields_changed": ("entry {n}: its number, time, type or writer was changed", "asiento {n}: se alteró su número, hora, tipo o emisor"),
    "missing": ("entries {first} to {last} are missing", "faltan los asientos del {first} al {last}"),
    "moved": (
        "entry {n} is out of place: it follows entry {follows}",
        "el asiento {n} está fuera de lugar: corresponde después del asiento {follows}",
    ),
    "unlinked": (
        "entry {n} does not follow the entry before it: something was replaced, inserted or taken out there",
        "el asiento {n} no continúa al anterior: allí se reemplazó, insertó o retiró algo",
    ),
    "tail_missing": ("the last entries, {first} to {last}, are missing", "faltan los últimos asientos, del {first} al {last}"),
    "lost_by_writer": (
        "the writer {emitter} wrote its entry {missing}, which is not here",
        "el emisor {emitter} escribió su asiento {missing}, que no está aquí",
    ),
    "unreadable": ("the file is damaged after entry {n}: {detail}", "el archivo está dañado después del asiento {n}: {detail}"),
    "body_removed": (
        "the content of entry {n} was removed and no entry authorises it",
        "el contenido del asiento {n} fue retirado y ningún asiento lo autoriza",
    ),
    "redacted": ("the content of entry {n} was lawfully redacted by entry {by}", "el contenido del asiento {n} fue reservado por el asiento {by}"),
    "run_without_end": (
        "the run {run} (entry {n}) has no end: it is still running, or died and no later run has closed it",
        "la ejecución {run} (asiento {n}) no tiene fin: sigue en curso, o murió y ninguna posterior la ha cerrado",
    ),
}


class Finding(NamedTuple):
    """Something the verifier saw: its name, the entry where it is, and the words for people."""

    name: str
    n: int
    english: str
    spanish: str


class Report(NamedTuple):
    """What a verification found. Findings break the chain; notices are only to be known."""

    entries: int
    head_n: int
    head_digest: str
    findings: list[Finding]
    notices: list[Finding]

    @property
    def whole(self) -> bool:
        return not self.findings

    def as_dict(self) -> dict[str, Any]:
        return {
            "whole": self.whole,
            "entries": self.entries,
            "head": {"n": self.head_n, "digest": self.head_digest},
            "findings": [finding._asdict() for finding in self.findings],
            "notices": [notice._asdict() for notice in self.notices],
        }

    def lines(self, english: bool = False) -> list[str]:
        """The report in words, a line each."""
        if english:
            head = "{0} entries, head n={1} digest {2}".format(self.entries, self.head_n, self.head_digest)
            told = ["The chain is whole: " + head] if self.whole else ["THE CHAIN IS BROKEN: " + head]
            return told + ["  broken: " + row.english for row in self.findings] + ["  note: " + row.english for row in self.notices]
        head = "{0} asientos, último n={1}, digesto {2}".format(self.entries, self.head_n, self.head_digest)
        told = ["La cadena está íntegra: " + head] if self.whole else ["LA CADENA ESTÁ ROTA: " + head]
        return told + ["  rota: " + row.spanish for row in self.findings] + ["  nota: " + row.spanish for row in self.notices]


def digest_of_body(text: str) -> str:
    """SHA-256 of the canonical JSON of a body."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def digest_of_entry(row: Mapping[str, Any]) -> str:
    """SHA-256 of an entry: every column but the body itself, which enters by its digest so that it can be redacted."""
    sealed = [VERSION] + [str(row[name]) for name in COLUMNS if name not in ("body", "digest")]
    return hashlib.sha256("\n".join(sealed).encode("utf-8")).hexdigest()


def _found(name: str, n: int, **details: Any) -> Finding:
    english, spanish = _TEXTS[name]
    return Finding(name, n, english.format(n=n, **details), spanish.format(n=n, **details))


class _Walk:
    """One pass over the entries in the order of n; memory grows with the number of entries, not with their size."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.place: dict[str, int] = {GENESIS: 0}
        self.written: dict[str, set[int]] = {}
        self.open_runs: dict[str, int] = {}
        self.empty: list[int] = []
        self.redactions: dict[int, int] = {}
        self.entries = 0
        self.n = 0
        self.digest = GENESIS

    def step(self, row: Mapping[str, Any]) -> None:
        n = row["n"]
        if n != self.n + 1:
            self.findings.append(_found("missing", n, first=self.n + 1, last=n - 1))
        elif row["previous"] != self.digest:
            follows = self.place.get(row["previous"])
            self.findings.append(_found("unlinked", n) if follows is None else _found("moved", n, follows=follows))
        if row["body"] is None:
            self.empty.append(n)
        elif digest_of_body(row["body"]) != row["body_digest"]:
            self.findings.append(_found("body_changed", n))
        if digest_of_entry(row) != row["digest"]:
            self.findings.append(_found("fields_changed", n))
        self.place[row["digest"]] = n
        self.written.setdefault(row["emitter"], set()).add(row["n_emitter"])
        self._note(row)
        self.entries, self.n, self.digest = self.entries + 1, n, row["digest"]

    def _note(self, row: Mapping[str, Any]) -> None:
        if row["body"] is None or not (row["type"].startswith("run_") or row["type"] == "redaction"):
            return
        try:
            body = json.loads(row["body"])
            if row["type"] == "run_started":
                self.open_runs[body["run"]] = row["n"]
            elif row["type"] in RUN_ENDS:
                self.open_runs.pop(body["run"], None)
            elif row["type"] == "redaction":
                self.redactions.update({int(n): row["n"] for n in body["redacts"]})
        except (ValueError, KeyError, TypeError):
            self.findings.append(_found("body_changed", row["n"]))

    def report(self, highest: int | None) -> Report:
        if highest is not None and highest > self.n:
            self.findings.append(_found("tail_missing", self.n, first=self.n + 1, last=highest))
        for emitter, numbers in self.written.items():
            for missing in sorted(set(range(1, max(numbers) + 1)) - numbers):
                self.findings.append(_found("lost_by_writer", self.n, emitter=emitter, missing=missing))
        notices = [_found("run_without_end", n, run=run) for run, n in self.open_runs.items()]
        for n in self.empty:
            if n in self.redactions:
                notices.append(_found("redacted", n, by=self.redactions[n]))
            else:
                self.findings.append(_found("body_removed", n))
        return Report(self.entries, self.n, self.digest, self.findings, notices)


def verify(rows: Iterable[Mapping[str, Any]], highest: int | None = None) -> Report:
    """Verify entries given in the order of n. `highest` is the greatest n the store ever gave, where it remembers it."""
    walk = _Walk()
    try:
        for row in rows:
            walk.step(row)
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        walk.findings.append(_found("unreadable", walk.n, detail=error))
    return walk.report(highest)


def connect_read_only(path: Path) -> sqlite3.Connection:
    """A connection that can't write; also for a file in a place where nothing can be written.

    Raises sqlite3.Error when it is not there or not SQLite.
    """
    plain = "file:{0}?mode=ro".format(str(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23"))
    last: sqlite3.Error | None = None
    # A WAL database whose directory can't be written opens only as immutable, which is right when no WAL lies beside it.
    log = path.with_name(path.name + "-wal")
    addresses = [plain] if log.exists() and log.stat().st_size else [plain, plain + "&immutable=1"]
    for address in addresses:
        connection = sqlite3.connect(address, uri=True, timeout=30, isolation_level=None, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        try:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            return connection
        except sqlite3.Error as error:
            connection.close()
            last = error
    raise last if last else sqlite3.OperationalError("unable to open")


def verify_file(path: Path) -> Report:
    """Verify a SQLite bitácora. Raises sqlite3.Error when it can't be read at all."""
    connection = connect_read_only(path)
    try:
        connection.execute("BEGIN")
        remembered = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'entries'").fetchone()
        # NOT INDEXED: the rows themselves are read, never a copy of them in an index.
        rows = connection.execute("SELECT {0} FROM entries NOT INDEXED ORDER BY n".format(", ".join(COLUMNS)))
        return verify(rows, remembered[0] if remembered else None)
    finally:
        connection.close()


def main(arguments: list[str] | None = None) -> int:
    """The auditor's command. See the module's documentation for the exit status."""
    parser = argparse.ArgumentParser(description="Verifica la cadena de una bitácora / verify the chain of a bitácora")
    parser.add_argument("file", type=Path, help="bitacora.sqlite")
    parser.add_argument("--json", action="store_true", help="machine-readable report, in both languages")
    parser.add_argument("--english", action="store_true", help="report in English instead of Spanish")
    options = parser.parse_args(arguments)
    try:
        report = verify_file(options.file)
    except (sqlite3.Error, OSError) as error:
        if options.json:
            print(json.dumps({"whole": None, "error": str(error)}))
        else:
            message = "Could not check {0}: {1}" if options.english else "No se pudo verificar {0}: {1}"
            print(message.format(options.file, error), file=sys.stderr)
        return UNCHECKED
    if options.json:
        print(json.dumps(report.as_dict(), ensure_ascii=False, indent=2))
    else:
        print("\n".join(report.lines(options.english)))
    return WHOLE if report.whole else BROKEN


if __name__ == "__main__":
    sys.exit(main())
