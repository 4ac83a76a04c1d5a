# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The chain of the bitácora: how an entry is sealed to the one before it, and the verifier that says where it broke.

This file stands alone: an auditor runs `python3 chain.py bitacora.sqlite` with nothing but Python's standard library.
Exit status: 0 whole, 1 broken (and it says where), 2 could not check.

What the chain alone can't see is a rewrite of all of it, or a cut of its tail, by somebody who knows how. The seals see it when they are
held against what lies outside: `--anchor FILE` (lines of JSON, one for each seal, or a saved mail that has them attached) and
`--key HEX` (the public key that signs).
"""

from __future__ import annotations

import argparse
import email
import hashlib
import json
import sqlite3
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Tuple

VERSION = "bitacora/v1"
GENESIS = "0" * 64
COLUMNS = ("n", "emitter", "n_emitter", "at_event", "at_recorded", "type", "body", "body_digest", "previous", "digest")
SEAL = "perucompras.respaldo/bitacora/v1"
# How the name of an attachment ends that holds seals.
ANCHORS = ".anclas"
SEALED = ("origin", "sealed_n", "sealed_digest", "sealed_at", "public_key", "signature")
# A signature takes about ten milliseconds in plain Python: the anchored ones are all checked, of the others the last.
_SIGNATURES = 100
RUN_ENDS = ("run_ended", "run_interrupted")
_NOTED = frozenset(("run_started", "seal", "redaction") + RUN_ENDS)

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
    "seal_differs": (
        "the seal in entry {n} is of another entry {sealed}: what lies before it was rewritten",
        "el sello del asiento {n} corresponde a otro asiento {sealed}: lo anterior fue reescrito",
    ),
    "seal_forged": (
        "the seal in entry {n} is not signed by a known key",
        "el sello del asiento {n} no está firmado por una clave conocida",
    ),
    "seals_missing": (
        "no entry is a seal, though there is a key to check them by: they were taken out, or the bitácora was made anew",
        "ningún asiento es un sello, aunque hay clave para comprobarlos: fueron retirados o la bitácora se hizo de nuevo",
    ),
    "anchor_differs": (
        "the anchor {anchor} says that entry {n} has the digest {digest}; it has another: the bitácora was rewritten up to there",
        "el ancla {anchor} dice que el asiento {n} tiene el digesto {digest}; tiene otro: la bitácora fue reescrita hasta allí",
    ),
    "anchor_missing": (
        "the anchor {anchor} knows entry {n}, which is not here: the end was cut after entry {last}",
        "el ancla {anchor} conoce el asiento {n}, que no está: el final fue cortado después del asiento {last}",
    ),
    "anchor_forged": (
        "line {line} of the anchor {anchor} is not a seal signed by a known key",
        "la línea {line} del ancla {anchor} no es un sello firmado por una clave conocida",
    ),
    "anchor_behind": (
        "the anchor {anchor} ends at entry {n}; the last seal is entry {sealed}",
        "el ancla {anchor} llega al asiento {n}; el último sello es el asiento {sealed}",
    ),
    "unanchored": (
        "without --anchor a rewrite of all the entries, or a cut of the last ones, is not seen",
        "sin --anchor no se detecta que se reescriban todos los asientos o se corten los últimos",
    ),
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


def note_of(origin: str, n: int, digest: str, at: str) -> str:
    """What is signed: the bitácora (digest of its first entry), the entry, its digest and the time, a line each."""
    return "{0}\n{1}\n{2}\n{3}\n{4}\n".format(SEAL, origin, n, digest, at)


def is_signed(seal: Mapping[str, Any], keys: Collection[str]) -> bool:
    """Whether a seal is signed by one of these public keys (hexadecimal)."""
    try:
        if seal["public_key"] not in keys:
            return False
        note = note_of(seal["origin"], seal["sealed_n"], seal["sealed_digest"], seal["sealed_at"])
        return ed25519_verify(bytes.fromhex(seal["public_key"]), note.encode("utf-8"), bytes.fromhex(seal["signature"]))
    except (KeyError, TypeError, ValueError):
        return False


def _found(name: str, n: int, **details: Any) -> Finding:
    english, spanish = _TEXTS[name]
    return Finding(name, n, english.format(n=n, **details), spanish.format(n=n, **details))


class _Walk:
    """One pass over the entries in the order of n; memory grows with the number of entries, not with their size."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.notices: list[Finding] = []
        self.digests: list[tuple[int, str]] = []
        # of each writer the last number of those that came without a gap, and the numbers beyond one
        self.written: dict[str, int] = {}
        self.beyond: dict[str, set[int]] = {}
        self.open_runs: dict[str, int] = {}
        self.empty: list[int] = []
        self.redactions: dict[int, int] = {}
        self.seals: list[tuple[int, dict[str, Any]]] = []
        self.entries = 0
        self.n = 0
        self.digest = GENESIS
        self._places: dict[str, int] = {}

    def walk(self, rows: Iterable[Sequence[Any]]) -> None:
        """Take the rows, in the order of COLUMNS. What is as it should be takes a short way: there may be millions."""
        sha256, digests, written, expected, digest = hashlib.sha256, self.digests, self.written, self.n + 1, self.digest
        for row in rows:
            n, emitter, n_emitter, at_event, at_recorded, type_, body, body_digest, previous, sealed = row
            if (n == expected and previous == digest and body is not None and sha256(body.encode()).hexdigest() == body_digest
                    and sha256(f"{VERSION}\n{n}\n{emitter}\n{n_emitter}\n{at_event}\n{at_recorded}\n{type_}\n{body_digest}\n{previous}"
                               .encode()).hexdigest() == sealed):
                if type_ in _NOTED:
                    self.note(n, type_, body)
            else:
                self.judge(dict(zip(COLUMNS, row)))
            if written.get(emitter, 0) + 1 == n_emitter:
                written[emitter] = n_emitter
            else:
                self.beyond.setdefault(emitter, set()).add(n_emitter)
            digests.append((n, sealed))
            self.entries, self.n, self.digest = self.entries + 1, n, sealed
            expected, digest = n + 1, sealed

    def judge(self, row: Mapping[str, Any]) -> None:
        """Say what is wrong with an entry."""
        n = row["n"]
        if n != self.n + 1:
            self.findings.append(_found("missing", n, first=self.n + 1, last=n - 1))
        elif row["previous"] != self.digest:
            follows = self.place(row["previous"])
            self.findings.append(_found("unlinked", n) if follows is None else _found("moved", n, follows=follows))
        if row["body"] is None:
            self.empty.append(n)
        elif digest_of_body(row["body"]) != row["body_digest"]:
            self.findings.append(_found("body_changed", n))
        if digest_of_entry(row) != row["digest"]:
            self.findings.append(_found("fields_changed", n))
        if row["body"] is not None and row["type"] in _NOTED:
            self.note(n, row["type"], row["body"])

    def place(self, digest: str) -> int | None:
        """The entry that has a digest, of those before; None when none has."""
        for n, known in self.digests[len(self._places):]:
            self._places[known] = n
        return 0 if digest == GENESIS else self._places.get(digest)

    def note(self, n: int, type_: str, text: str) -> None:
        """Keep what an entry says of runs, seals and redactions."""
        try:
            body = json.loads(text)
            if type_ == "seal":
                self.seals.append((n, {name: body[name] for name in SEALED}))
                if (self.n, self.digest) != (body["sealed_n"], body["sealed_digest"]) and self.place(body["sealed_digest"]) != body["sealed_n"]:
                    self.findings.append(_found("seal_differs", n, sealed=body["sealed_n"]))
            elif type_ == "run_started":
                self.open_runs[body["run"]] = n
            elif type_ in RUN_ENDS:
                self.open_runs.pop(body["run"], None)
            elif type_ == "redaction":
                self.redactions.update({int(redacted): n for redacted in body["redacts"]})
        except (ValueError, KeyError, TypeError):
            self.findings.append(_found("body_changed", n))

    def report(self, highest: int | None) -> Report:
        if highest is not None and highest > self.n:
            self.findings.append(_found("tail_missing", self.n, first=self.n + 1, last=highest))
        for emitter, numbers in self.beyond.items():
            for missing in sorted(set(range(self.written.get(emitter, 0) + 1, max(numbers) + 1)) - numbers):
                self.findings.append(_found("lost_by_writer", self.n, emitter=emitter, missing=missing))
        notices = self.notices + [_found("run_without_end", n, run=run) for run, n in self.open_runs.items()]
        for n in self.empty:
            if n in self.redactions:
                notices.append(_found("redacted", n, by=self.redactions[n]))
            else:
                self.findings.append(_found("body_removed", n))
        return Report(self.entries, self.n, self.digest, self.findings, notices)

    def judge_seals(self, keys: Collection[str]) -> None:
        if keys and self.entries and not self.seals:
            self.findings.append(_found("seals_missing", self.n))
        for n, seal in self.seals[-_SIGNATURES:] if keys else ():
            if not is_signed(seal, keys):
                self.findings.append(_found("seal_forged", n))

    def judge_anchor(self, path: Path, keys: Collection[str]) -> None:
        """Raises OSError when the anchor can't be read."""
        places = dict(self.digests)
        last = 0
        for number, text in enumerate(_lines_of(path), 1):
            try:
                seal = json.loads(text)
                n, digest, sealed_n, sealed_digest = seal["n"], seal["digest"], seal["sealed_n"], seal["sealed_digest"]
                known = bool(keys) and is_signed(seal, keys)
            except (ValueError, KeyError, TypeError):
                self.findings.append(_found("anchor_forged", 0, anchor=path, line=number))
                continue
            if keys and not known:
                self.findings.append(_found("anchor_forged", n, anchor=path, line=number))
                continue
            for place, expected in ((sealed_n, sealed_digest), (n, digest)):
                if place not in places:
                    name = "anchor_missing" if place > self.n else "anchor_differs"
                    self.findings.append(_found(name, place, anchor=path, digest=expected, last=self.n))
                    break
                if places[place] != expected:
                    self.findings.append(_found("anchor_differs", place, anchor=path, digest=expected))
                    break
            last = max(last, n)
        if self.seals and last < self.seals[-1][0]:
            self.notices.append(_found("anchor_behind", last, anchor=path, sealed=self.seals[-1][0]))


def _lines_of(path: Path) -> list[str]:
    """The seals an anchor holds, a line each. A mail is one that does not begin as JSON does; its attachments are read."""
    content = path.read_bytes()
    if content.lstrip().startswith(b"{") or not content.strip():
        return content.decode("utf-8", "replace").splitlines()
    attached = [part.get_payload(decode=True) for part in email.message_from_bytes(content).walk()
                if str(part.get_filename() or "").endswith(ANCHORS)]
    # What is neither is told as a line that is no seal.
    return [line for each in attached for line in each.decode("utf-8", "replace").splitlines()] or ["?"]


def verify(rows: Iterable[Sequence[Any]], highest: int | None = None, anchors: Sequence[Path] = (), keys: Collection[str] = ()) -> Report:
    """Verify entries given in the order of n, each as COLUMNS has it, their seals by the public keys, and what the anchors say of them.

    `highest` is the greatest n the store ever gave, where it remembers it. Raises OSError when an anchor can't be read.
    """
    walk = _Walk()
    try:
        walk.walk(rows)
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        walk.findings.append(_found("unreadable", walk.n, detail=error))
    walk.judge_seals(keys)
    for path in anchors:
        walk.judge_anchor(path, keys)
    return walk.report(highest)


# -- Ed25519 (RFC 8032, section 5.1.7), to verify only: nothing secret passes here, so it need not take a constant time ------------------
_P = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P
_ROOT_OF_MINUS_ONE = pow(2, (_P - 1) // 4, _P)
_Point = Tuple[int, int, int, int]


def _add(first: _Point, second: _Point) -> _Point:
    a, b = (first[1] - first[0]) * (second[1] - second[0]) % _P, (first[1] + first[0]) * (second[1] + second[0]) % _P
    c, d = 2 * first[3] * second[3] * _D % _P, 2 * first[2] * second[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(scalar: int, point: _Point) -> _Point:
    total = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            total = _add(total, point)
        point = _add(point, point)
        scalar >>= 1
    return total


def _point(encoded: bytes) -> _Point | None:
    """A point of the curve from its 32 bytes; None when it is none, or is not written in the one way it should be."""
    y = int.from_bytes(encoded, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if len(encoded) != 32 or y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, _P - 2, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT_OF_MINUS_ONE % _P
    if (x * x - square) % _P or (x == 0 and sign):
        return None
    x = _P - x if x & 1 != sign else x
    return x, y, 1, x * y % _P


def ed25519_verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether an Ed25519 signature (64 bytes) of a message is by a public key (32 bytes)."""
    key, commitment = _point(public), _point(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if key is None or commitment is None or len(signature) != 64 or scalar >= _ORDER:
        return False
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % _ORDER
    left, right = _times(scalar, _BASE), _add(commitment, _times(challenge, key))
    return (left[0] * right[2] - right[0] * left[2]) % _P == 0 and (left[1] * right[2] - right[1] * left[2]) % _P == 0


_BASE = _point((4 * pow(5, _P - 2, _P) % _P).to_bytes(32, "little")) or (0, 1, 1, 0)


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


def verify_file(path: Path, anchors: Sequence[Path] = (), keys: Collection[str] = ()) -> Report:
    """Verify a SQLite bitácora. Raises sqlite3.Error when it can't be read at all, OSError when an anchor can't."""
    connection = connect_read_only(path)
    try:
        connection.execute("BEGIN")
        remembered = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'entries'").fetchone()
        # NOT INDEXED: the rows themselves are read, never a copy of them in an index.
        connection.row_factory = None
        rows = connection.execute("SELECT {0} FROM entries NOT INDEXED ORDER BY n".format(", ".join(COLUMNS)))
        return verify(rows, remembered[0] if remembered else None, anchors, keys)
    finally:
        connection.close()


def main(arguments: list[str] | None = None) -> int:
    """The auditor's command. See the module's documentation for the exit status."""
    parser = argparse.ArgumentParser(description="Verifica la cadena de una bitácora / verify the chain of a bitácora")
    parser.add_argument("file", type=Path, help="bitacora.sqlite")
    parser.add_argument("--anchor", type=Path, action="append", default=[], help="archivo de anclas / file of anchors; may be repeated")
    parser.add_argument("--key", action="append", default=[], help="clave pública del sello / public key of the seals, hexadecimal; may be repeated")
    parser.add_argument("--json", action="store_true", help="machine-readable report, in both languages")
    parser.add_argument("--english", action="store_true", help="report in English instead of Spanish")
    options = parser.parse_args(arguments)
    try:
        report = verify_file(options.file, options.anchor, [key.strip().lower() for key in options.key])
    except (sqlite3.Error, OSError) as error:
        if options.json:
            print(json.dumps({"whole": None, "error": str(error)}))
        else:
            message = "Could not check {0}: {1}" if options.english else "No se pudo verificar {0}: {1}"
            print(message.format(options.file, error), file=sys.stderr)
        return UNCHECKED
    if not options.anchor:
        report.notices.append(_found("unanchored", report.head_n))
    if options.json:
        print(json.dumps(report.as_dict(), ensure_ascii=False, indent=2))
    else:
        print("\n".join(report.lines(options.english)))
    return WHOLE if report.whole else BROKEN


if __name__ == "__main__":
    sys.exit(main())
