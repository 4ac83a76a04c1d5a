# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The chain of the bitácora: how an entry is sealed to the one before it, and the verifier that says where it broke.

This file stands alone: an auditor runs `python3 chain.py bitacora.sqlite` with nothing but Python's standard library.
Exit status: 0 whole, 1 broken (and it says where), 2 could not check.

What the chain alone can't see is a rewrite of all of it, or a cut of its tail, by somebody who knows how. The seals see it when they are
held against what lies outside: `--anchor FILE` (lines of JSON, one for each seal, or a saved mail that has them attached) and
`--key HEX` (the public key that signs).

The key that seals changes only by an entry of type `key_changed`: both keys sign a rotation, so that whoever knows one of them knows the other
too. A content that does not match its digest breaks the chain, whatever any entry says: nothing is ever taken out of an entry.
"""

from __future__ import annotations

import argparse
import email
import errno
import functools
import hashlib
import json
import os
import sqlite3
import stat
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Tuple

VERSION = "bitacora/v1"
GENESIS = "0" * 64
COLUMNS = ("n", "emitter", "n_emitter", "at_event", "at_recorded", "type", "body", "body_digest", "previous", "digest")
SEAL = "perucompras.respaldo/bitacora/v1"
# How the name of an attachment ends that holds seals.
ANCHORS = ".anclas"
SEALED = ("origin", "sealed_n", "sealed_digest", "sealed_at", "public_key", "signature")
# A signature takes about a millisecond in plain Python, and a seal covers all that lies before it: the last ones are checked.
_SIGNATURES = 100
# An anchor that is of another bitácora differs in every line: the first ones are told.
_TOLD = 100
# Some hundred thousand seals.
LARGEST_ANCHOR = 1 << 28
# A key lives for years: more changes than these were not made by people.
_KEY_CHANGES = 200
RUN_ENDS = ("run_ended", "run_interrupted")
KEY_CHANGED = "key_changed"
_NOTED = frozenset(("run_started", "seal", KEY_CHANGED) + RUN_ENDS)
# What is signed of a change of key, in this order. rotated: the key in force hands over to a new one. added, withdrawn: it vouches, or no more,
# for that of a further controller. lost: people say that the key is lost and another takes its place. restored: they say which sealed entries
# were lost with the bitácora.
KEY_NOTE = "perucompras.respaldo/bitacora/key/v1"
KEYED = ("change", "origin", "old_key", "new_key", "after_n", "after_digest", "at", "reason", "authority", "lost_from", "lost_to")
_NUMBERS = ("after_n", "lost_from", "lost_to")
# change -> which of its two keys sign it
_SIGNED_BY = {"rotated": ("old_key", "new_key"), "added": ("old_key",), "withdrawn": ("old_key",), "lost": ("new_key",), "restored": ("old_key",)}

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
    "index_differs": (
        "an index of the file does not agree with its entries, so that who reads by it does not see them all: {detail}",
        "un índice del archivo no coincide con sus asientos, y quien lee por él no los ve todos: {detail}",
    ),
    "body_removed": ("the content of entry {n} was removed", "el contenido del asiento {n} fue retirado"),
    "seal_differs": (
        "the seal in entry {n} is of another entry {sealed}: what lies before it was rewritten",
        "el sello del asiento {n} corresponde a otro asiento {sealed}: lo anterior fue reescrito",
    ),
    "seal_forged": (
        "the seal in entry {n} is not signed by a known key",
        "el sello del asiento {n} no está firmado por una clave conocida",
    ),
    "key_unexplained": (
        "the seal in entry {n} is signed by another key, {key}, than the one in force, and no recorded change of key explains it",
        "el sello del asiento {n} está firmado por otra clave, {key}, que no es la vigente, y ningún cambio de clave registrado lo explica",
    ),
    "key_forged": (
        "the change of key in entry {n} is not signed as it must be, or not by the key in force",
        "el cambio de clave del asiento {n} no está firmado como debe, o no por la clave vigente",
    ),
    "key_unconfirmed": (
        "entry {n} says that the key was lost and {key} took its place; only who knows that key from elsewhere can confirm it",
        "el asiento {n} dice que la clave se perdió y que {key} ocupa su lugar; solo quien conoce esa clave por otra vía puede confirmarlo",
    ),
    "key_replaced": (
        "entry {n}: the key was declared lost and {key} took its place ({reason}; {authority})",
        "asiento {n}: la clave se declaró perdida y la reemplazó {key} ({reason}; {authority})",
    ),
    "entries_lost": (
        "entry {n}: people declared that the sealed entries {first} to {last} were lost with the bitácora ({reason}; {authority})",
        "asiento {n}: se declaró que los asientos sellados del {first} al {last} se perdieron con la bitácora ({reason}; {authority})",
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
    "anchor_unreadable": (
        "the anchor {anchor} can't be read now: {detail}",
        "el ancla {anchor} no se puede leer ahora: {detail_es}",
    ),
    "unsealed": (
        "the bitácora is not protected by a seal: {detail}",
        "la bitácora no está protegida por sello: {detail_es}",
    ),
    "unkeyed": (
        "without --key a rewrite that was sealed by another key is not seen",
        "sin --key no se detecta una reescritura sellada con otra clave",
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
    """SHA-256 of an entry: every column but the body itself, which enters by its digest."""
    sealed = [VERSION] + [str(row[name]) for name in COLUMNS if name not in ("body", "digest")]
    return hashlib.sha256("\n".join(sealed).encode("utf-8")).hexdigest()


def note_of(origin: str, n: int, digest: str, at: str) -> str:
    """What is signed: the bitácora (digest of its first entry), the entry, its digest and the time, a line each."""
    return "{0}\n{1}\n{2}\n{3}\n{4}\n".format(SEAL, origin, n, digest, at)


def is_signed(seal: Mapping[str, Any], keys: Collection[str] | None = None) -> bool:
    """Whether a seal is signed by one of these public keys (hexadecimal), or, without any, by the one it names."""
    try:
        if keys is not None and seal["public_key"] not in keys:
            return False
        note = note_of(seal["origin"], seal["sealed_n"], seal["sealed_digest"], seal["sealed_at"])
        return _signed(seal["public_key"], note, seal["signature"])
    except (KeyError, TypeError, ValueError):
        return False


def key_note_of(change: Mapping[str, Any]) -> str:
    """What is signed of a change of key: its fields in one order, as JSON, and so with the place in the chain where it stands."""
    return KEY_NOTE + "\n" + json.dumps([change[name] for name in KEYED], ensure_ascii=True, separators=(",", ":")) + "\n"


def is_change(change: Mapping[str, Any]) -> bool:
    """Whether a change of key has its form and is signed by all that must sign it. It says nothing of who they are."""
    try:
        if not all(isinstance(change[name], int if name in _NUMBERS else str) for name in KEYED):
            return False
        note = key_note_of(change)
        return all(_signed(change[which], note, change["signature_of_" + which]) for which in _SIGNED_BY[change["change"]])
    except (KeyError, TypeError, ValueError):
        return False


def trusted_keys(keys: Collection[str], changes: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """The keys that follow from those known, by changes of key that are signed as they must be (see is_change).

    A rotation has both signatures: each key vouches for the other. One that is added is vouched for by who adds it; one that takes the place of
    a lost one is not vouched for by anybody, but its holder vouches for the lost one.
    """
    found, changes = set(keys), list(changes)
    while True:
        more = set()
        for change in changes:
            old, new = change["old_key"], change["new_key"]
            if old in found and change["change"] in ("rotated", "added"):
                more.add(new)
            if new in found and change["change"] in ("rotated", "lost"):
                more.add(old)
        if more <= found:
            return frozenset(found)
        found |= more


def is_key(public: str) -> bool:
    """Whether a text is a public key of Ed25519 in hexadecimal, lower case."""
    try:
        return public == bytes.fromhex(public).hex() and _key(bytes.fromhex(public)) is not None
    except ValueError:
        return False


def _signed(public: str, note: str, signature: str) -> bool:
    return ed25519_verify(bytes.fromhex(public), note.encode("utf-8"), bytes.fromhex(signature))


def _found(name: str, n: int, **details: Any) -> Finding:
    english, spanish = _TEXTS[name]
    return Finding(name, n, english.format(n=n, **details), spanish.format(n=n, **details))


def notice(name: str, n: int = 0, **details: Any) -> Finding:
    """Something to be told along with a report."""
    return _found(name, n, **details)


class Walk:
    """One pass over the entries in the order of n; memory grows with the number of entries, not with their size."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.notices: list[Finding] = []
        self.digests: list[tuple[int, str]] = []
        # of each writer the last number of those that came without a gap, and the numbers beyond one
        self.written: dict[str, int] = {}
        self.beyond: dict[str, set[int]] = {}
        self.open_runs: dict[str, int] = {}
        self.seals: list[tuple[int, dict[str, Any]]] = []
        self.changes: list[tuple[int, dict[str, Any]]] = []
        self.trusted: frozenset[str] = frozenset()
        # sealed entries that people declared lost, and until when: from, to, the time of the declaration, the key that signs it
        self.lost: list[tuple[int, int, str, str]] = []
        self.entries = 0
        self.n = 0
        self.digest = GENESIS
        self._places: dict[str, int] = {}
        self._digests: dict[int, str] = {}

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
            self.findings.append(_found("body_removed", n))
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
        """Keep what an entry says of runs, seals and changes of key."""
        try:
            body = json.loads(text)
            if type_ == "seal":
                seal = {name: body[name] for name in SEALED}
                if not all(isinstance(value, int if name == "sealed_n" else str) for name, value in seal.items()):
                    raise ValueError("not a seal")
                self.seals.append((n, seal))
                if (self.n, self.digest) != (body["sealed_n"], body["sealed_digest"]) and self.place(body["sealed_digest"]) != body["sealed_n"]:
                    self.findings.append(_found("seal_differs", n, sealed=body["sealed_n"]))
            elif type_ == "run_started":
                self.open_runs[body["run"]] = n
            elif type_ in RUN_ENDS:
                self.open_runs.pop(body["run"], None)
            elif type_ == KEY_CHANGED:
                self.changes.append((n, body if (body["after_n"], body["after_digest"]) == (self.n, self.digest) else {}))
        except (ValueError, KeyError, TypeError, RecursionError):
            # its digests say whether it was changed; what never had the form was signed by nobody
            self.findings.append(_found({"seal": "seal_forged", KEY_CHANGED: "key_forged"}.get(type_, "body_changed"), n))

    def report(self, highest: int | None) -> Report:
        if highest is not None and highest > self.n:
            self.findings.append(_found("tail_missing", self.n, first=self.n + 1, last=highest))
        for emitter, numbers in self.beyond.items():
            following = self.written.get(emitter, 0) + 1
            for number in sorted(number for number in numbers if isinstance(number, int) and number >= following):
                for missing in range(following, min(number, following + _TOLD)):
                    self.findings.append(_found("lost_by_writer", self.n, emitter=emitter, missing=missing))
                following = number + 1
        notices = self.notices + [_found("run_without_end", n, run=run) for run, n in self.open_runs.items()]
        return Report(self.entries, self.n, self.digest, self.findings, notices)

    def judge_seals(self, keys: Collection[str]) -> None:
        """The keys that seal, one after the other: each is the one in force, or a change that is signed explains it. Then the signatures."""
        changes = {n: change for n, change in self.changes[:_KEY_CHANGES] if is_change(change)}
        self.findings += [_found("key_forged", n) for n, _change in self.changes if n not in changes][:_TOLD]
        self.trusted = trusted_keys(keys, changes.values())
        in_force: set[str] = set()
        unexplained: dict[str, int] = {}
        for n, told in sorted([*self.seals, *changes.items()], key=lambda pair: pair[0]):
            if "change" in told:
                self._change(n, told, in_force, unexplained, bool(keys))
            elif told["public_key"] not in in_force:
                if in_force:
                    unexplained.setdefault(told["public_key"], n)
                else:
                    in_force.add(told["public_key"])
        self.findings += [_found("key_unexplained", n, key=key) for key, n in unexplained.items()]
        # one that came back from before its first seal has none, and a signed entry says so
        if keys and self.entries and not self.seals and not self.lost:
            self.findings.append(_found("seals_missing", self.n))
        unknown: set[str] = set()
        for place, (n, seal) in enumerate(self.seals, _SIGNATURES - len(self.seals)):
            recent, known = place >= 0, not keys or seal["public_key"] in self.trusted
            if (not known and (recent or seal["public_key"] not in unknown)) or (recent and not is_signed(seal)):
                self.findings.append(_found("seal_forged", n))
            if not known:
                unknown.add(seal["public_key"])

    def _change(self, n: int, told: Mapping[str, Any], in_force: set[str], unexplained: dict[str, int], keyed: bool) -> None:
        """What a change of key does to those in force."""
        kind, old, new = told["change"], told["old_key"], told["new_key"]
        if kind == "lost":
            if keyed and new not in self.trusted:
                self.findings.append(_found("key_unconfirmed", n, key=new))
                return
            self.notices.append(_found("key_replaced" if keyed else "key_unconfirmed", n, key=new, reason=told["reason"], authority=told["authority"]))
        elif (in_force and old not in in_force) or (keyed and old not in self.trusted):
            # before the first seal no key is in force, and anybody could sign
            self.findings.append(_found("key_forged", n))
            return
        if kind == "restored":
            self.lost.append((told["lost_from"], told["lost_to"], told["at"], old))
            self.notices.append(_found("entries_lost", n, first=told["lost_from"], last=told["lost_to"], reason=told["reason"], authority=told["authority"]))
            return
        if kind == "withdrawn":
            in_force.discard(new)
            return
        if kind == "added":
            in_force.add(old)
        else:
            in_force.discard(old)
        in_force.add(new)
        unexplained.pop(new, None)

    def judge_anchor(self, anchor: object, lines: Sequence[str], keys: Collection[str]) -> None:
        """Hold the chain against the seals that somebody else kept. One that agrees with it proves it, whoever signed; one that does not must be signed."""
        places = self._numbered()
        last = told = 0
        for number, text in enumerate(lines, 1):
            try:
                seal = json.loads(text)
                n, expected = seal["n"], ((seal["sealed_n"], seal["sealed_digest"]), (seal["n"], seal["digest"]))
                if not all(isinstance(place, int) for place, _digest in expected):
                    raise ValueError("not a seal")
                agrees = all(places.get(place) == digest for place, digest in expected)
            except (ValueError, KeyError, TypeError, RecursionError):
                self.findings.append(_found("anchor_forged", 0, anchor=anchor, line=number))
                told += 1
            else:
                if keys and (not agrees or number > len(lines) - _SIGNATURES) and not is_signed(seal, self.trusted):
                    self.findings.append(_found("anchor_forged", n, anchor=anchor, line=number))
                    told += 1
                    continue
                # who knows no key believes of a seal's loss only the key that made it
                if not agrees and not any(first <= n <= end and str(seal["sealed_at"]) <= at and (key in self.trusted or key == seal.get("public_key"))
                                          for first, end, at, key in self.lost):
                    place, digest = next(pair for pair in expected if places.get(pair[0]) != pair[1])
                    self.findings.append(_found("anchor_missing" if place not in places and place > self.n else "anchor_differs", place, anchor=anchor,
                                                digest=digest, last=self.n))
                    told += 1
                last = max(last, n)
            if told >= _TOLD:
                return
        if self.seals and last < self.seals[-1][0]:
            self.notices.append(_found("anchor_behind", last, anchor=anchor, sealed=self.seals[-1][0]))

    def judge_memory(self, remembered: Mapping[str, Any]) -> None:
        """Hold the chain against the last seal that its own controller remembers to have made."""
        notices = len(self.notices)
        self.judge_anchor("(memoria de este controlador)", [json.dumps(remembered)], ())
        del self.notices[notices:]      # another run may have sealed since

    def _numbered(self) -> dict[int, str]:
        if not self._digests:
            self._digests = dict(self.digests)
        return self._digests


def content_of(path: Path) -> bytes:
    """What an anchor holds: the bytes of a regular file. Nobody waits for a FIFO that stands in its place. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "no es un archivo regular / it is no regular file", str(path))
        content = file.read(LARGEST_ANCHOR + 1)
    if len(content) > LARGEST_ANCHOR:
        raise OSError(errno.EFBIG, "es demasiado grande / it is too large", str(path))
    return content


def lines_of(path: Path, read: Callable[[Path], bytes] = content_of) -> list[str]:
    """The seals an anchor holds, a line each. A mail is one that does not begin as JSON does; its attachments are read. Raises OSError."""
    content = read(path)
    if content.lstrip().startswith(b"{") or not content.strip():
        return content.decode("utf-8", "replace").splitlines()
    attached = [part.get_payload(decode=True) for part in email.message_from_bytes(content).walk()
                if str(part.get_filename() or "").endswith(ANCHORS)]
    # What is neither is told as a line that is no seal.
    return [line for each in attached if isinstance(each, bytes) for line in each.decode("utf-8", "replace").splitlines()] or ["?"]


def kept_in(anchors: Iterable[Path], read: Callable[[Path], bytes] = content_of) -> list[tuple[object, list[str]]]:
    """What the anchors hold. Read before the entries: an anchor must not know of one that was written since. Raises OSError."""
    return [(path, lines_of(path, read)) for path in anchors]


def verify(rows: Iterable[Sequence[Any]], highest: int | None = None, kept: Sequence[tuple[object, Sequence[str]]] = (), keys: Collection[str] = (),
           remembered: Mapping[str, Any] | None = None) -> Report:
    """Verify entries given in the order of n, each as COLUMNS has it, their seals by the public keys, and what the anchors say of them.

    `highest` is the greatest n the store ever gave, where it remembers it; `kept` what kept_in gave; `remembered` the last seal that the
    controller itself knows of, as an anchor keeps it.
    """
    walk = Walk()
    try:
        walk.walk(rows)
    except (sqlite3.DatabaseError, UnicodeDecodeError, TypeError, AttributeError) as error:
        walk.findings.append(_found("unreadable", walk.n, detail=error))
    walk.judge_seals(keys)
    for anchor, lines in kept:
        walk.judge_anchor(anchor, lines, keys)
    if remembered:
        walk.judge_memory(remembered)
    return walk.report(highest)


# -- Ed25519 (RFC 8032, section 5.1.7), to verify only: nothing secret passes here, so it need not take a constant time ------------------
_P = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P
_ROOT_OF_MINUS_ONE = pow(2, (_P - 1) // 4, _P)
_Point = Tuple[int, int, int, int]
_NOWHERE: _Point = (0, 1, 1, 0)


def _add(first: _Point, second: _Point) -> _Point:
    a, b = (first[1] - first[0]) * (second[1] - second[0]) % _P, (first[1] + first[0]) * (second[1] + second[0]) % _P
    c, d = 2 * first[3] * second[3] * _D % _P, 2 * first[2] * second[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _multiples(point: _Point) -> list[list[_Point]]:
    """0 to 15 times a point, times each power of 16 below 2^256: what makes any multiple of it by 64 additions."""
    tables = []
    for _digit in range(64):
        row = [_NOWHERE]
        for _times in range(15):
            row.append(_add(row[-1], point))
        tables.append(row)
        point = _add(row[-1], point)
    return tables


def _times(scalar: int, tables: list[list[_Point]]) -> _Point:
    total = _NOWHERE
    for row in tables:
        if scalar & 15:
            total = _add(total, row[scalar & 15])
        scalar >>= 4
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


@functools.lru_cache(maxsize=16)
def _key(public: bytes) -> list[list[_Point]] | None:
    """The multiples of a public key; None when it is no point, or one of the eight by which anything can be signed."""
    point = _point(public)
    tables = _multiples(point) if point else None
    return None if tables is None or tables[0][8][0] % _P == 0 else tables


@functools.lru_cache(maxsize=1)
def _base() -> list[list[_Point]]:
    return _multiples(_point((4 * pow(5, _P - 2, _P) % _P).to_bytes(32, "little")) or _NOWHERE)


def ed25519_verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether an Ed25519 signature (64 bytes) of a message is by a public key (32 bytes)."""
    commitment = _point(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if commitment is None or len(signature) != 64 or scalar >= _ORDER:
        return False
    key = _key(public)
    if key is None:
        return False
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % _ORDER
    left, right = _times(scalar, _base()), _add(commitment, _times(challenge, key))
    return (left[0] * right[2] - right[0] * left[2]) % _P == 0 and (left[1] * right[2] - right[1] * left[2]) % _P == 0


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


def judge_indexes(connection: sqlite3.Connection, n: int) -> list[Finding]:
    """Whether the indexes agree with the entries: every reader but the verifier goes by them, and whoever can write to the file can leave them without
    the entries that he hides. It takes about as long as the chain."""
    told = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(1)")]
    return [] if told == ["ok"] else [_found("index_differs", n, detail="; ".join(told))]


def verify_file(path: Path, anchors: Sequence[Path] = (), keys: Collection[str] = (), remembered: Mapping[str, Any] | None = None,
                indexes: bool = False, read: Callable[[Path], bytes] = content_of) -> Report:
    """Verify a SQLite bitácora, with its indexes where they are wanted; `read` reads the anchors.

    Raises sqlite3.Error when it can't be read at all, OSError when an anchor can't.
    """
    kept = kept_in(anchors, read)
    connection = connect_read_only(path)
    try:
        connection.execute("BEGIN")
        counted = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'entries'").fetchone()
        # NOT INDEXED: the rows themselves are read, never a copy of them in an index.
        connection.row_factory = None
        rows = connection.execute("SELECT {0} FROM entries NOT INDEXED ORDER BY n".format(", ".join(COLUMNS)))
        report = verify(rows, counted[0] if counted else None, kept, keys, remembered)
        return report._replace(findings=[*report.findings, *judge_indexes(connection, report.head_n)]) if indexes else report
    finally:
        connection.close()


def main(arguments: list[str] | None = None) -> int:
    """The auditor's command. See the module's documentation for the exit status."""
    parser = argparse.ArgumentParser(description="Verifica la cadena de una bitácora / verify the chain of a bitácora")
    parser.add_argument("file", type=Path, help="bitacora.sqlite")
    parser.add_argument("--anchor", type=Path, action="append", default=[], help="archivo de anclas / file of anchors; may be repeated")
    parser.add_argument("--key", action="append", default=[], help="clave pública del sello / public key of the seals, hexadecimal; may be repeated")
    parser.add_argument("--last", type=json.loads, default=None, help="último sello que recuerda el controlador / last seal its controller knows of, JSON")
    parser.add_argument("--json", action="store_true", help="machine-readable report, in both languages")
    parser.add_argument("--english", action="store_true", help="report in English instead of Spanish")
    options = parser.parse_args(arguments)
    try:
        report = verify_file(options.file, options.anchor, [key.strip().lower() for key in options.key], options.last, True)
    except (sqlite3.Error, OSError) as error:
        if options.json:
            print(json.dumps({"whole": None, "error": str(error)}))
        else:
            message = "Could not check {0}: {1}" if options.english else "No se pudo verificar {0}: {1}"
            print(message.format(options.file, error), file=sys.stderr)
        return UNCHECKED
    if not options.anchor:
        report.notices.append(_found("unanchored", report.head_n))
    if not options.key:
        report.notices.append(_found("unkeyed", report.head_n))
    if options.json:
        print(json.dumps(report.as_dict(), ensure_ascii=False, indent=2))
    else:
        print("\n".join(report.lines(options.english)))
    return WHOLE if report.whole else BROKEN


if __name__ == "__main__":
    sys.exit(main())
