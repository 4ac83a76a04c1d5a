# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An archive of pg_dump loaded into an empty database to its end: what can't be made costs itself, not the rest.

pg_restore goes on after an error and tells which entries of the archive failed. Those are tried once more, in their order: by then all else
is there, and names that an expression or a function leaves without a schema are found by a search_path of all schemas, which pg_dump empties.
Rows that a CHECK of their table refuses are loaded without it. What still fails is told.
"""

from __future__ import annotations

import json
import os
import re
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from ..errors import BackupError
from ..processes import programs
from ..processes.beside import Halt
from ..processes.beside import each as each_beside
from ..processes.pipeline import Stage
from .base import PartReader
from .postgresql_pieces import Piece
from .postgresql_server import Server, conninfo, literal

_ENTRY = re.compile(r"^pg_restore: from TOC entry (\d+); \d+ \d+ (.*)$", re.MULTILINE)
_ENDED = re.compile(r"^pg_restore: warning: errors ignored on restore: \d+$", re.MULTILINE)
# What would fail for every object, or says that the place lacks something that a copy may take for granted.
_FATAL = re.compile(r'(?:role|tablespace) ".*" does not exist|invalid value for parameter "default_tablespace"|server closed the connection|'
                    r"terminating connection|no connection to the server|No space left on device|out of memory|out of shared memory|read-only transaction")
_CHECK = re.compile("violates check constraint")
_SAID = 64 << 20
_KINDS = ("TABLE DATA", "MATERIALIZED VIEW DATA", "FK CONSTRAINT", "CHECK CONSTRAINT", "SEQUENCE SET", "EVENT TRIGGER")
_SEARCH_PATH = "SELECT pg_catalog.set_config('search_path', '{0}', false);"
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*\Z")
_SCHEMAS = """SELECT pg_catalog.json_agg(nspname ORDER BY nspname <> 'public', nspname) FROM pg_catalog.pg_namespace
WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'"""
_CHECKS = """SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
  pg_catalog.format('%I.%I', nspname, relname), conname, pg_catalog.pg_get_constraintdef(k.oid), pg_catalog.quote_ident(conname)) ORDER BY conname)
FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = conrelid JOIN pg_catalog.pg_namespace n ON n.oid = relnamespace
WHERE contype = 'c' AND conislocal AND coninhcount = 0 AND convalidated AND relname = ANY (ARRAY[{0}]::pg_catalog.name[])"""


class Failure(NamedTuple):
    """An entry of the archive that could not be brought, and what the server said."""

    entry: int
    words: str       # type, name and owner, as the archive lists them
    said: str
    part: str = ""   # the archive

    @property
    def kind(self) -> str:
        return next((kind for kind in _KINDS if self.words.startswith(kind + " ")), self.words.partition(" ")[0])

    @property
    def name(self) -> str:
        """Of the entry, without its schema, which the tool does not tell."""
        return self.words[len(self.kind) + 1:].rpartition(" ")[0]

    def is_rows_of(self, table: str) -> bool:
        """Whether these are rows of a table, by its name as SQL writes it."""
        return self.kind == "TABLE DATA" and table.endswith(("." + self.name, '."' + self.name.replace('"', '""') + '"'))

    @property
    def cause(self) -> str:
        found = re.search(r"(?:ERROR|error): +(?!could not execute query)(.*)", self.said)
        return found.group(1).strip() if found else self.said.strip()


class Check(NamedTuple):
    """A CHECK that rows of the copy break: taken off while they were loaded."""

    table: str
    name: str
    definition: str
    quoted: str

    def sql(self) -> str:
        return "ALTER TABLE {0} ADD CONSTRAINT {1} {2}".format(self.table, self.quoted, self.definition)


class Loaded(NamedTuple):
    """How a load ended: what failed at last, what only a wider search_path made, the checks that rows break; whether the rows lie as they came."""

    failures: List[Failure]
    by_path: List[Failure]
    path: str
    checks: List[Check]
    in_order: bool = False


def load(server: Server, reader: PartReader, pieces: Sequence[Piece], into: str, options: Sequence[str], jobs: int = 1) -> Loaded:
    """Load the archives of a database: the first, of those with rows `jobs` at a time, the last.

    Raises stage_failed when one was not read to its end, or the place it goes to lacks what each copy takes for granted.
    """
    rows = [piece for piece in pieces if piece.rows]
    others = [piece for piece in pieces if not piece.rows]

    def bring(piece: Piece, halt: Halt) -> List[Failure]:
        halt.look()
        return _run(server, reader, piece.part, into, [*options, *piece.options], [])

    first = bring(others[0], Halt())
    for failures in each_beside(bring, rows, jobs if reader.several else 1):
        first += failures
    for piece in others[1:]:
        first += bring(piece, Halt())
    if not first:
        return Loaded([], [], "", [])
    path = _path(server, into)
    second = _again(server, reader, pieces, into, options, first, path)
    checks: List[Check] = []
    refused = [each for each in second if each.kind == "TABLE DATA" and _CHECK.search(each.said)]
    if refused:
        checks = _without_checks(server, into, refused)
        loaded = _again(server, reader, pieces, into, options, refused, path)
        second = [each for each in second if each not in refused] + loaded
    still = {(each.part, each.entry) for each in second}
    broken = [each for each in checks if not _put(server, into, each.sql())]
    return Loaded(second, [each for each in first if (each.part, each.entry) not in still], path, broken)


def at_once(server: Server, reader: PartReader, part: str, into: str, options: Sequence[str]) -> Optional[Loaded]:
    """Load an archive in one transaction, None where something of it fails: then nothing is there, and it is to be loaded as any other.

    A server puts rows of a table made in the same transaction one after the other, as they come, and where its wal_level is minimal without a log.
    It holds a lock for each object to the end, so this is for a server that nobody else uses.
    """
    try:
        failed = _run(server, reader, part, into, [*options, "--single-transaction"], [])
    except BackupError as error:
        if error.fault.name != "stage_failed":
            raise
        return None
    return None if failed else Loaded([], [], "", [], in_order=True)


def _again(server: Server, reader: PartReader, pieces: Sequence[Piece], into: str, options: Sequence[str], failures: Sequence[Failure],
           path: str) -> List[Failure]:
    return [found for piece in pieces
            for found in _again_of(server, reader, piece.part, into, options, [each for each in failures if each.part == piece.part], path)]


def _again_of(server: Server, reader: PartReader, part: str, into: str, options: Sequence[str], failures: Sequence[Failure], path: str) -> List[Failure]:
    if not failures:
        return []
    text = "".join("{0};\n".format(each.entry) for each in failures)
    secret = programs.Secret(text, server.account)
    os.fchmod(secret.descriptor, 0o644)     # it is no secret, and the account in a place apart is another
    try:
        stage = Stage("sed", [programs.find("sed", "sed"), "--expression=" + _widening(path)], environment=programs.environment(LC_ALL="C"))
        again = _run(server, reader, part, into, [*options, "--use-list=" + secret.path], [stage], (secret.descriptor,))
    finally:
        secret.close()
    said = {each.entry: each for each in again}
    # one that failed in this way and that in the next is what it was first: nothing is taken for made that is not said to be
    return [each._replace(said=said[each.entry].said) for each in failures if each.entry in said]


def _run(server: Server, reader: PartReader, part: str, into: str, options: Sequence[str], before: List[Stage],
         descriptors: Tuple[int, ...] = ()) -> List[Failure]:
    """pg_restore to the end of the archive. Gives what failed."""
    said: List[bytes] = []
    arguments = ["--verbose", "--dbname=" + conninfo(into), *options]
    with server.producing("pg_restore", arguments) as stages:
        argv, at = list(stages[0].argv), len(server.prefix)
        # chosen entries are read to the last of them only: what follows is read too, or who gives it would end in a broken pipe
        speaking = argv[:at] + ["/bin/sh", "-c", '"$@" 2>&1 >/dev/null; ended=$?; cat >/dev/null; exit $ended', "sh"] + argv[at:]
        stage = stages[0]._replace(argv=speaking, accepted=frozenset((0, 1)), descriptors=stages[0].descriptors + descriptors)

        def keep(chunk: bytes) -> None:
            if sum(map(len, said)) < _SAID:
                said.append(chunk)

        reader.stream(part, [*before, stage], keep)
    text = b"".join(said).decode("utf-8", "replace")
    failures = [each._replace(part=part) for each in _failures(text)]
    troubles = _troubles(text)
    fatal = next((each for each in failures if _FATAL.search(each.cause)), None)
    if fatal is not None or (troubles and not (failures and _ENDED.search(text))):
        raise BackupError("stage_failed", stage="pg_restore", status="exit status 1", detail=fatal.said.strip() if fatal else troubles[-3000:])
    return failures


def _troubles(text: str) -> str:
    """What pg_restore says beyond what it is doing."""
    at = text.find("pg_restore: error: ")
    return text[at:].strip() if at >= 0 else ""


def _failures(text: str) -> List[Failure]:
    """The entries that failed, each once, with all that was said of it."""
    found: Dict[int, Failure] = {}
    marks = list(_ENTRY.finditer(text))
    for mark, after in zip(marks, [*marks[1:], None]):
        said = text[mark.end():after.start() if after else len(text)]
        said = re.split(r"^pg_restore: (?!error: )", said, maxsplit=1, flags=re.MULTILINE)[0].strip()
        number = int(mark.group(1))
        found.setdefault(number, Failure(number, mark.group(2), said))
    return list(found.values())


def _path(server: Server, database: str) -> str:
    """A search_path of all schemas, public first; names that are no plain words are left out."""
    names = json.loads(server.ask(_SCHEMAS, database=database)) or []
    return ", ".join(name for name in names if _PLAIN.match(name))


def _widening(path: str) -> str:
    """An expression of sed that gives an archive another search_path: a text with its length before it, in the list at its beginning."""
    before, after = _SEARCH_PATH.format(""), _SEARCH_PATH.format(path)
    while (len(after) + 1) % 256 in (10, 38, 92) or len(after) // 256 in (10, 38, 92):     # bytes that mean something to sed
        after += " "
    return "0,/set_config('search_path'/s/{0}{1}$/{2}{3}/".format(
        _length(len(before) + 1), re.sub(r"([].*[^$\\])", r"\\\1", before), _length(len(after) + 1), after)


def _length(number: int) -> str:
    return "".join("\\x{0:02x}".format(byte) for byte in number.to_bytes(4, "little"))


def _without_checks(server: Server, database: str, refused: Sequence[Failure]) -> List[Check]:
    tables = {each.name for each in refused}
    rows: List[Any] = json.loads(server.ask(_CHECKS.format(", ".join(map(literal, sorted(tables)))), database=database).strip() or "null") or []
    checks = [Check(*row) for row in rows]
    for check in checks:
        server.ask("ALTER TABLE {0} DROP CONSTRAINT {1}".format(check.table, check.quoted), database=database)
    return checks


def _put(server: Server, database: str, sql: str) -> bool:
    try:
        server.ask(sql, database=database)
        return True
    except BackupError:
        return False
