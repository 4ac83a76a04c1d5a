# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A database of PostgreSQL brought back beside the others and proved equal to its copy, on whatever server that is."""

from __future__ import annotations

import contextlib
import re
from concurrent import futures
from typing import Any, Callable, Dict, Iterator, List, Sequence, Set, Tuple

from ..errors import BackupError
from ..processes.pipeline import run
from ..remarks import Remark
from . import databases, postgresql_beyond, postgresql_loading, postgresql_missing
from . import postgresql_text as texts
from .base import PartReader
from .databases_rows import Examined, NotAsked, Rows, Whole
from .postgresql_pieces import pieces_of
from .postgresql_server import Server, conninfo

# What the server quotes of the rows themselves, which may be personal data.
_QUOTED = re.compile(r"^(?:CONTEXT|DETAIL|LINE \d+|QUERY): .*$\n?", re.MULTILINE)
# Without these the data is not what it was, so a copy that does not bring them is not restored.
_DATA = ("TABLE DATA", "SEQUENCE SET", "SEQUENCE", "TABLE", "BLOB", "BLOBS", "BLOB METADATA", "SCHEMA", "TABLE ATTACH")
# Their SQL may hold passwords, or is long: only their names are told.
_UNSPOKEN = ("FUNCTION", "PROCEDURE", "AGGREGATE", "SERVER", "USER MAPPING", "SUBSCRIPTION", "FOREIGN TABLE", "EXTENSION")
_SHOWN = 600


class Restoring:
    """Where a copy is brought back: the server, whether owners and privileges come with it, and what is to be told of it.

    With `strict` an object that can't be made is a failure. `left_out` are those that were not. Of what came in pieces, `jobs` are brought at a time.
    """

    def __init__(self, server: Server, owners: bool = True, strict: bool = False, jobs: int = 1) -> None:
        self.server = server
        self.owners = owners
        self.strict = strict
        self.jobs = jobs
        self.remarks: List[Remark] = []
        self.left_out: List[str] = []

    @contextlib.contextmanager
    def database(self, reader: PartReader, row: Dict[str, Any]) -> Iterator[str]:
        """A new database with what the copy holds, proved equal; dropped when the block or anything before it fails."""
        beside = databases.scratch_name()
        try:
            self.server.create(beside, row["facts"], self.owners)
            self.server.marked(beside)
            self.made(beside)
            with self.server.written(row["facts"]) as options:
                loaded = self.load(reader, row, beside)
                self.compare(reader, row, beside, [*options, *postgresql_missing.excluding(row["facts"])], loaded)
            yield beside
        except BaseException as error:
            with contextlib.suppress(BackupError):
                self.server.drop(beside)
            if isinstance(error, BackupError) and error.fault.name in ("stage_failed", "structure_unreadable", "source_unreachable"):
                raise self._failed(reader, row, error.details["detail"]) from error
            raise

    def load(self, reader: PartReader, row: Dict[str, Any], into: str) -> postgresql_loading.Loaded:
        """Load the copy. Raises restore_failed when rows could not be brought, or with `strict` anything."""
        loaded = self.bring(reader, row, into)
        lacking = [each for each in loaded.failures if self.lacks(each)]
        if lacking:
            raise self._failed(reader, row, lacking[0].said)
        extensions = any(each.kind == "EXTENSION" for each in loaded.failures)
        for failure in loaded.failures:
            # the rows of a table of an extension that can't be made here go with it: what else they are, the comparison tells
            if failure.kind in _DATA and not (extensions and failure.kind in ("TABLE DATA", "SEQUENCE SET")):
                raise self._failed(reader, row, failure.said)
        return loaded

    def bring(self, reader: PartReader, row: Dict[str, Any], into: str) -> postgresql_loading.Loaded:
        return postgresql_loading.load(self.server, reader, pieces_of(row), into, self.leave_out(), self.jobs)

    def made(self, beside: str) -> None:
        """Called when the database is made and nothing is in it."""

    def lacks(self, failure: postgresql_loading.Failure) -> bool:
        """Whether what the server said tells of the server rather than of the copy."""
        return False

    def compare(self, reader: PartReader, row: Dict[str, Any], restored: str, options: Sequence[str], loaded: postgresql_loading.Loaded) -> None:
        """A new dump against the copy's. Raises restored_differs, restore_incomplete with `strict`."""
        with self._both(reader, row, restored, options, (lambda table: Whole()) if loaded.in_order else (lambda table: Rows()), loaded.in_order) as read:
            copied, found = read
            for table in self._tables_apart(reader, row, restored, options, copied, found, loaded.in_order):
                shown = table.decode("utf-8", "replace")
                lost = next((each for each in loaded.failures if each.is_rows_of(shown)), None)
                if lost is not None and table in found.tables:
                    raise self._failed(reader, row, lost.said)
                if lost is None:
                    raise self._differs(reader, row, "table {0}: {1}".format(
                        shown, self._rows_apart(reader, row, restored, options, table)))
            missing, changed, more = copied.titles_apart(found)
        if missing or changed or more or loaded.by_path or loaded.checks:
            self._judge(reader, row, restored, options, loaded, (missing, changed, more))
        others = postgresql_beyond.compare(self.server, restored, row["facts"])
        others += postgresql_missing.told(row["facts"])
        self.remarks += postgresql_beyond.computed_apart(self.server, restored, row["facts"])
        self.left_out += others
        self.remarks += [Remark("pg_but_for", database=row["facts"]["database"], what=each) for each in others]

    def _judge(self, reader: PartReader, row: Dict[str, Any], restored: str, options: Sequence[str], loaded: postgresql_loading.Loaded,
               apart: Tuple[Set[str], Set[str], Set[str]]) -> None:
        """Tell of definitions that are not the same which the tool or this place explains. Raises restored_differs for others."""
        missing, changed, more = apart
        name = row["facts"]["database"]
        mine = texts.Bodies(missing | changed)
        with contextlib.closing(mine):
            definitions = self.server.text_of([*self.leave_out(), "--schema-only"])
            for number, piece in enumerate(each for each in pieces_of(row) if not each.rows):
                if number:
                    mine.another()
                reader.stream(piece.part, [definitions._replace(may_stop_early=True)], mine.feed)
            mine.finish()
        theirs = texts.Bodies(changed)
        with contextlib.closing(theirs):
            self._dumped(restored, [*options, "--schema-only"], theirs)
        broken = {check.table for check in loaded.checks}
        told: List[Remark] = []
        for title in sorted(changed):
            short = texts.title_of(title)
            if (missing or len(pieces_of(row)) > 1) and texts.same_but_for_place(mine.found.get(title, ""), theirs.found.get(title, "")):
                continue
            if texts.reworded(title, mine.found.get(title, ""), theirs.found.get(title, "")):
                self.remarks.append(Remark("pg_reworded", database=name, title=title))
            elif texts.reordered(title, mine.found.get(title, ""), theirs.found.get(title, "")):
                self.remarks.append(Remark("pg_reordered", database=name, table=short.schema + "." + short.name))
            elif not (short.type == "TABLE" and broken):
                raise self._differs(reader, row, "{0}: {1}".format(short, texts.first_difference(mine.found.get(title, ""), theirs.found.get(title, ""))))
        if more or (missing and not loaded.failures):
            raise self._differs(reader, row, "{0} {1}".format(texts.title_of(sorted(more or missing)[0]), "was not copied" if more else "did not come back"))
        for title in sorted(missing):
            if texts.title_of(title).type in _DATA and not any(each.kind == "EXTENSION" for each in loaded.failures):
                raise self._differs(reader, row, "{0} did not come back".format(texts.title_of(title)))
            told.append(self._without(restored, texts.title_of(title), texts.statement(texts.without_settings(mine.found.get(title, ""))), loaded))
        for check in loaded.checks:
            made = self._made(restored, check.sql() + " NOT VALID")
            told.append(_relaxed("CHECK CONSTRAINT {0}".format(check.name), check.table, check.quoted) if made else
                        Remark("pg_check_broken", name=check.name, table=check.table, sql=check.sql()))
        if told and self.strict:
            raise BackupError("restore_incomplete", label=reader.manifest["label"], target=name, detail="; ".join(told))
        self.left_out += told
        self.remarks += [Remark("pg_but_for", database=name, what=each) for each in told]
        if loaded.by_path:
            self.remarks.append(Remark("pg_by_path", database=name, path=loaded.path,
                                       objects=[each.words.rpartition(" ")[0] for each in loaded.by_path[:20]]))

    def _without(self, restored: str, title: texts.Title, sql: str, loaded: postgresql_loading.Loaded) -> Remark:
        """One object that did not come back, in words: why, and its SQL. A foreign key that rows break is made for the rows to come."""
        table, _space, constraint = title.name.partition(" ")
        if title.type == "FK CONSTRAINT" and sql.endswith(";") and self._made(restored, sql[:-1] + " NOT VALID"):
            return _relaxed(str(title), title.schema + "." + table, constraint)
        cause = next((each.cause for each in loaded.failures if each.words.startswith("{0} {1} ".format(title.type, title.name))), "")
        because: Any = unquoted(cause) or Remark("pg_needs")
        if title.type in _UNSPOKEN or not sql:
            return Remark("pg_without", object=str(title), cause=because)
        return Remark("pg_without_sql", object=str(title), cause=because, sql=" ".join(sql.split())[:_SHOWN])

    def _made(self, database: str, sql: str) -> bool:
        try:
            self.server.ask(sql, database=database)
            return True
        except BackupError:
            return False

    def _dumped(self, database: str, options: Sequence[str], into: texts.Text) -> None:
        arguments = ["--format=plain", "--blobs", "--dbname=" + conninfo(database), *options]
        with self.server.producing("pg_dump", arguments + self.leave_out()) as stages:
            run(stages, into.feed)
        into.finish()

    def _tables_apart(self, reader: PartReader, row: Dict[str, Any], restored: str, options: Sequence[str], copied: texts.Text,
                      found: texts.Text, whole: bool) -> List[bytes]:
        """The tables whose rows are others. Read as a `whole` they may be other bytes and the same rows, which a second reading tells."""
        suspects = frozenset(copied.apart(found))
        if not whole or not suspects:
            return sorted(suspects)
        with self._both(reader, row, restored, options, lambda table: Rows() if table in suspects else NotAsked()) as (mine, theirs):
            return mine.apart(theirs)

    def _rows_apart(self, reader: PartReader, row: Dict[str, Any], restored: str, options: Sequence[str], table: bytes) -> str:
        """How the rows of a table differ, in words: both are read once more for it."""
        with self._both(reader, row, restored, options, lambda each: Examined() if each == table else NotAsked()) as (mine, theirs):
            one, other = (each.tables.get(table) or Examined() for each in (mine, theirs))
        return one.differing(other) if isinstance(one, Examined) and isinstance(other, Examined) else "its rows"

    @contextlib.contextmanager
    def _both(self, reader: PartReader, row: Dict[str, Any], restored: str, options: Sequence[str],
              kind: Callable[[bytes], Rows], together: bool = False) -> Iterator[Tuple[texts.Text, texts.Text]]:
        """The copy's text and a new dump's, read so: one after the other, since the order of columns is the first one's, or both `together`."""
        with contextlib.ExitStack() as stack:
            mine = stack.enter_context(contextlib.closing(texts.Text(kind=kind)))
            theirs = stack.enter_context(contextlib.closing(texts.Text(like=mine, kind=kind)))
            beside = stack.enter_context(futures.ThreadPoolExecutor(1))      # left when its work is done, whatever happens here
            dumping = beside.submit(self._dumped, restored, options, theirs) if together else None
            for number, piece in enumerate(pieces_of(row)):
                if number:
                    mine.another()
                reader.stream(piece.part, [self.server.text_of([*self.leave_out(), *piece.options])], mine.feed)
            mine.finish()
            if dumping is not None:
                dumping.result()
            else:
                self._dumped(restored, options, theirs)
            yield mine, theirs

    def leave_out(self) -> List[str]:
        """A subscription would bind the scratch database to its publisher, and to existence."""
        return ["--no-subscriptions"] + ([] if self.owners else ["--no-owner", "--no-privileges"])

    @staticmethod
    def _differs(reader: PartReader, row: Dict[str, Any], detail: str) -> BackupError:
        return BackupError("restored_differs", label=reader.manifest["label"], detail="database {0}: {1}".format(row["facts"]["database"], detail))

    @staticmethod
    def _failed(reader: PartReader, row: Dict[str, Any], detail: str) -> BackupError:
        return BackupError("restore_failed", label=reader.manifest["label"], target=row["facts"]["database"], detail=unquoted(detail))


def _relaxed(words: str, table: str, constraint: str) -> Remark:
    return Remark("pg_relaxed", object=words, table=table, constraint=constraint)


def unquoted(detail: str) -> str:
    """What a tool said, without what it quotes of the rows."""
    return _QUOTED.sub("", detail).strip()
