# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Source `mariadb`: databases of a MariaDB or MySQL server by mariadb-dump (or mysqldump), and its users. Numeral 7.2.1.

Every database is one SQL text without a database's name in its statements, so that it can come back under any name, and where it has
events another one with these. The same text is the measure of sameness: after a restore it must be that of a new dump.

mariadb_client.py is how the tools reach a server, mariadb_text.py what a dump is, mariadb_scratch.py the throw-away server where a copy is
rehearsed, mariadb_restore.py how a text is loaded into the live one.
"""

from __future__ import annotations

import contextlib
import functools
import re
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional

from ..errors import BackupError
from ..processes import programs
from ..processes.pipeline import Stage, capture, run
from ..remarks import Remark
from . import databases, mariadb_elsewhere, mariadb_facts, mariadb_floats, mariadb_restore, mariadb_scratch, mariadb_session, mariadb_shape, mariadb_stock
from . import mariadb_text as texts
from .base import Check, Part, PartReader, Source
from .mariadb_client import TOOLS, TRANSACTIONAL, Connection, number

_MOST_TOLD = 20
_policy, _names = databases.policy_of, databases.names_of      # where the option of that name hides the room
_FIRST_EVENTS = "Database {0}: this copy was made when events were not apart; they can't be left out, so it is not rehearsed on the live server."


class MariaDB(Source):
    """Databases of one MariaDB or MySQL server.

    `databases` is a list of names or "all" (all but the server's own). With no `host` the server is reached by its Unix
    `socket`. `run_as` is the account of this server that the tools run as. Users and their grants hold hashes of
    passwords: they are copied only when the copy is `encrypted`. `database` chooses what `restore` brings back when the
    copy holds several. `rehearse_on_live` lets a rehearsal load the copy into the live server where no throw-away one can be had.
    `on_missing` says what is done with what the copy would lack: told, refused, or with `partial` also a table that can't be read is left out. `scratch_server`
    names another server where copies are rehearsed, by host, port, socket, user, password and run_as.
    """

    type = "mariadb"

    OPTIONS = ("databases", "host", "port", "user", "password", "run_as", "globals", "socket", "bin_dir", "encrypted", "database",
               "rehearse_on_live", "on_missing", "scratch_server")

    def __init__(self, databases: Any = "all", host: str = "", port: int = 0, user: str = "", password: str = "", run_as: str = "",
                 globals: bool = True, socket: str = "", bin_dir: str = "", encrypted: bool = False, database: str = "",
                 rehearse_on_live: bool = False, on_missing: str = "tell", scratch_server: Optional[Mapping[str, Any]] = None) -> None:
        self.wanted = _names(databases)
        self.live = Connection(host, port, socket, user, password, bin_dir, programs.account(run_as) if run_as else None)
        named = {name: value for name, value in (scratch_server or {}).items() if value}
        self.elsewhere = MariaDB(bin_dir=bin_dir, **named) if named else None
        self.globals = globals
        self.encrypted = encrypted
        self.database = database
        self.rehearse_on_live = rehearse_on_live
        self.on_missing = _policy(on_missing)
        self.unreadable: Dict[str, List[str]] = {}      # by database, the tables that are left out
        self.dumping = ""
        self.version = ""
        self.existing: List[str] = []
        self.strange: List[str] = []
        self.chosen: List[str] = []
        self.users = False
        self.notes: List[Remark] = []
        self.found: List[Remark] = []

    def describe(self) -> str:
        names = "all databases" if self.wanted is None else ", ".join(self.wanted)
        return "{0} ({1})".format(names, self.live.address())

    def preflight(self) -> int:
        self.notes = []
        self.look()
        self._new_enough()
        mariadb_session.refuse_limited(self.live, self.describe())
        if self.wanted is None:
            self.chosen = [name for name in self.existing if name not in texts.SYSTEM and not name.startswith(databases.SCRATCH)]
            self.notes += [Remark("my_not_database", name=name[9:]) for name in self.strange]
        else:
            self.chosen = self.wanted
            for name in self.wanted:
                if name not in self.existing:
                    raise BackupError("source_missing", source="database {0} on {1}, which holds: {2}".format(
                        name, self.live.address(), ", ".join(self.existing)))
        if not self.chosen:
            raise BackupError("source_missing", source="any database on " + self.live.address())
        self.users = False
        if self.globals and not self.encrypted:
            self.notes.append(Remark("my_users_unencrypted"))
        elif self.globals:
            self.users = "--system=" in self.live.help("mariadb-dump")
            if not self.users:
                self.notes.append(Remark("my_users_old_tool"))
        return sum(int(self._ask("SELECT COALESCE(SUM(DATA_LENGTH), 0) FROM information_schema.TABLES WHERE TABLE_SCHEMA = " + texts.text(name)))
                   for name in self.chosen)

    def parts(self) -> List[Part]:
        self.notes += mariadb_elsewhere.swept(self.live, self.existing)
        parts = [part for name in self.chosen for part in self._database_parts(name)]
        if self.users:
            # last: grants on tables, columns and routines find them there
            parts.append(Part(
                name="users", extension="sql", format=texts.USERS, check=lambda: texts.DumpCheck("users", texts.USERS), minimum=200,
                produce=lambda: self.live.tool("mariadb-dump", ["--system=users", "--insert-ignore", "--skip-dump-date"]),
                restore_command=mariadb_stock.client(self.live) + " --default-character-set=utf8mb4"))
        return parts

    def _database_parts(self, name: str) -> List[Part]:
        self.dumping = name
        self._look_for_damage(name)
        facts, alone = self._facts_of(name), len(self.chosen) == 1
        facts.update(self._floats_of(name), **self._told().note_enums(name, self.unreadable.get(name, [])))
        parts = [Part(
            name=databases.part_name(name), extension="sql", format=texts.SQL, produce=lambda: self._dumping(name, facts),
            check=lambda: texts.DumpCheck(name, texts.SQL, facts["tables"], exact=len(facts["exact"])), minimum=200, facts=facts,
            restore_command=mariadb_stock.whole(mariadb_stock.client(self.live), facts, alone))]
        if facts["events"]:
            told = {"events_of": name, "events": facts["events"]}
            parts.append(Part(
                name=databases.part_name(name) + ".events", extension="sql", format=texts.EVENTS, produce=lambda: self.live.writing_events(name),
                check=lambda: texts.DumpCheck(name, texts.EVENTS, events=told["events"]), minimum=200, facts=told,
                restore_command=mariadb_stock.load(mariadb_stock.client(self.live), name, alone)))
        return parts

    @contextlib.contextmanager
    def _dumping(self, name: str, facts: Dict[str, Any]) -> Iterator[List[Stage]]:
        """The dump of a database, what the server says of its tables looked at again just before."""
        self.dumping = name
        facts.update(self._facts_of(name), events=facts["events"])
        others = sorted(engine for engine in facts["engines"] if engine not in TRANSACTIONAL)
        if others:
            self.notes.append(Remark("my_locked", database=name, engines=others))
        if facts["versioned"] and not facts["history"]:
            self._lacking(Remark("my_no_history", database=name))
        gone = self.unreadable.get(name, [])
        views = self._told().views_over(name, gone)
        if views:
            self._lacking(Remark("my_views_over", database=name, views=views[:_MOST_TOLD]))
        without = [*self._told().broken_views(name, facts["engines"], TRANSACTIONAL, views), *views, *gone]
        digests: Dict[str, str] = {}
        with self.live.writing(name, facts, without=without, digests=digests) as stages:
            yield stages
        facts["exact_changed"] = mariadb_floats.changed(self.live, name, facts, digests)
        if facts["exact_changed"]:
            self._lacking(Remark("my_floats_changed", database=name, columns=facts["exact_changed"]))

    def _look_for_damage(self, name: str) -> None:
        """Tables that the server can't open, and with `partial` those found so meanwhile: refused or left out. Raises source_damaged."""
        known = self.unreadable.setdefault(name, [])
        found = self._told().damaged_tables(name)
        if found and self.on_missing != "partial":
            raise BackupError("source_damaged", source=self.describe(), detail=mariadb_facts.DAMAGED.format(
                name, ", ".join("{0} ({1})".format(*each) for each in sorted(found.items())[:_MOST_TOLD])))
        known += [table for table in sorted(found) if table not in known]
        if known:
            self._lacking(Remark("my_tables_unreadable", database=name, tables=known[:_MOST_TOLD]))

    def goes_on_without(self, error: BackupError) -> bool:
        table = self._told().named_in(self.dumping, error) if self.on_missing == "partial" and error.fault.name == "source_damaged" else ""
        known = self.unreadable.setdefault(self.dumping, [])
        if not table or table in known or len(known) >= databases.MOST_LEFT_OUT:
            return False
        known.append(table)
        return True

    def _lacking(self, told: Remark) -> None:
        databases.lacking(self.on_missing, self.notes, self.describe(), told)

    def check_for(self, row: Dict[str, Any]) -> Check:
        facts = row["facts"] if isinstance(row["facts"], dict) else {}
        return texts.DumpCheck(row["file"], row["format"], facts.get("tables"), facts.get("events") if "events_of" in facts else None,
                               len(mariadb_floats.told(facts)) if "exact" in facts else None)

    def facts(self) -> Dict[str, Any]:
        return {"server_version": self.version, "address": self.live.address(), "user": self.live.user}

    def warnings(self) -> List[Remark]:
        return self.notes

    def remarks(self) -> List[Remark]:
        return self.found

    def explain(self, error: BackupError) -> BackupError:
        return mariadb_facts.explained(error, self.describe())

    def rehearse(self, reader: PartReader, scratch: str) -> List[str]:
        """Restore into a throw-away server, compare, and end it; or where the inventory says. On the live one only where it says so and nothing else can be."""
        if self.elsewhere is not None:
            self.found += mariadb_elsewhere.rehearse(reader, self, self.elsewhere)
            return self._rehearsed(reader)
        self.look()
        try:
            mariadb_scratch.rehearse(reader, scratch, self.live, self.version, self.existing)
        except BackupError as error:
            if error.fault.name not in mariadb_scratch.UNTOLD or not self.rehearse_on_live:
                raise
            self.found.append(Remark("my_rehearsed_live", why=error))
            self.found += mariadb_elsewhere.swept(self.live, self.existing)
            for row in reader.manifest["parts"]:
                if "database" in texts.facts_in(row):
                    self.prove_beside(reader, row)
        return self._rehearsed(reader)

    def _rehearsed(self, reader: PartReader) -> List[str]:
        for row in reader.manifest["parts"]:
            self.found += self._lacks(row)
        return ["sql_load_into_scratch", "dump_compare"]

    def restore(self, reader: PartReader, target: str, overwrite: bool) -> Dict[str, Any]:
        """Bring a database back as `target`.

        These servers can't rename a database. So one that is to be replaced is first duplicated under the name told as
        `kept` (without its events, which would run twice), after the copy was proved by a rehearsal.
        """
        self.look()
        label, kept, former = reader.manifest["label"], "", None
        row = databases.chosen_row([row for row in reader.manifest["parts"] if isinstance(row["facts"], dict)], self.database)
        facts = texts.of_manifest(row, label)
        if not texts.is_name(target):
            raise BackupError("invalid_input", where="target", value=target, problem="is no name for a database",
                              mend="Give a name of 1 to 64 characters that is not one of the server's own.")
        if target in self.existing:
            if not overwrite:
                raise BackupError("target_exists", target=target)
            kept = databases.kept_name(target, label, texts.NAME_LIMIT)
            if kept in self.existing:
                raise BackupError("target_exists", target=kept)
            self._nobody_in(target, label)
            self._rehearse(reader, row)
            former = dict(self._facts_of(target), exact=self._floats_of(target)["exact"])
            self._duplicate(target, kept, former, label)
            self._nobody_in(target, label)
            self._drop(target)
        try:
            self._create(target, facts)
            self._bring(reader, row, target)
        except BaseException as error:
            undone = self._undo(target, kept, former, label)
            if isinstance(error, BackupError):
                raise mariadb_scratch.failed(error, label, target, undone) from error
            raise
        accounts = mariadb_restore.works_as(self.live, target)
        if accounts:
            self.found.append(Remark("my_definers", database=target, accounts=accounts))
        self.found += self._lacks(row)
        return {"target": target, "objects": row.get("objects"), "kept": kept, "works_as": accounts, "left_out": mariadb_facts.lacks(row)}

    @staticmethod
    def _lacks(row: Dict[str, Any]) -> List[Remark]:
        return [Remark("pg_but_for", database=row["facts"]["database"], what=each) for each in mariadb_facts.lacks(row)]

    def _undo(self, target: str, kept: str, former: Optional[Dict[str, Any]], label: str) -> Optional[Callable[[Any], Remark]]:
        """Drop what a restore began and give back what was there. Gives how a detail tells what a person must know of it."""
        try:
            self._drop(target)
            if former is None:
                return None
            self._duplicate(kept, target, former, label)
        except BackupError as error:
            why = error
            return lambda detail: (Remark("my_not_undone_kept", detail=detail, why=why, kept=kept) if kept else Remark("my_not_undone", detail=detail, why=why))
        return lambda detail: Remark("my_undone", detail=detail, target=target, kept=kept)

    def _rehearse(self, reader: PartReader, row: Dict[str, Any]) -> None:
        """Prove one database of a copy before another makes room for it: apart, or else where it is going to be, which is asked for."""
        events = mariadb_scratch.events_row(reader.manifest["parts"], row["facts"]["database"])
        try:
            mariadb_scratch.rehearse(reader, "", self.live, self.version, self.existing, [row] + ([events] if events else []))
        except BackupError as error:
            if error.fault.name not in mariadb_scratch.UNTOLD:
                raise
            self.prove_beside(reader, row)

    def prove_beside(self, reader: PartReader, row: Dict[str, Any], made: Callable[[str], None] = lambda name: None) -> None:
        """Restore into a scratch database of the live server, compare, drop. Events would run there against real data: without them, or not at all.

        `made` is called with its name when it is there and empty.
        """
        name, label, facts = databases.scratch_name(), reader.manifest["label"], texts.of_manifest(row, reader.manifest["label"])
        try:
            self._create(name, facts, mariadb_elsewhere.comment(self.version))
            made(name)
            self._bring(reader, row, name, events=False)
        except BackupError as error:
            if error.fault.name == "restore_denied" and not facts.get("events_apart"):
                raise BackupError("rehearsal_unavailable", label=label, detail=_FIRST_EVENTS.format(facts["database"])) from error
            raise mariadb_scratch.failed(error, label, name) from error
        finally:
            self._drop(name)

    def _bring(self, reader: PartReader, row: Dict[str, Any], into: str, events: bool = True) -> None:
        """Load a database of a copy, and its events after it, and compare each with a new dump."""
        label, facts, old = reader.manifest["label"], row["facts"], not row["facts"].get("events_apart")
        elsewhere = [] if into == facts["database"] else [mariadb_shape.asleep()]
        pieces = [(row, mariadb_shape.of(facts) + (elsewhere if old else []), lambda: self.live.writing(into, facts, with_events=old))]
        apart = mariadb_scratch.events_row(reader.manifest["parts"], facts["database"])
        if apart is not None and events:
            pieces.append((apart, elsewhere, lambda: self.live.writing_events(into)))
            if elsewhere:
                self.found.append(Remark("my_disabled_events", count=facts["events"], database=facts["database"], target=into))
        reads = self._reads(reader, row)
        if reads:
            self.found.append(Remark("my_reads", databases=reads))
        for piece, shape, written in pieces:
            with mariadb_restore.hands(self.live, self.version, into, reads, events) as hand, hand.loading(into, piece is apart and elsewhere != []) as stages:
                try:
                    reader.stream(piece["name"], [*shape, *stages])
                except BackupError as error:
                    raise mariadb_restore.explained(error, into, self.live) from error
            with contextlib.closing(texts.Difference()) as copied:
                read = [*shape, *mariadb_floats.passed_over(facts)]
                reader.stream(piece["name"], read, copied.feed)
                copied.finish()
                mariadb_scratch.compare(label, facts["database"], copied, written, functools.partial(reader.stream, piece["name"], read))

    def _reads(self, reader: PartReader, row: Dict[str, Any]) -> List[str]:
        """The databases that views of the copy read: as it tells, or for one of the first copies as its text does.

        A view that reads two databases names its own too, by the name that it had.
        """
        named = row["facts"].get("reads")
        if named is None:
            found = texts.References()
            reader.stream(row["name"], (), found.feed)
            named = sorted(found.qualifiers)
        own = row["facts"]["database"]
        others = sorted(name for name in set(named) - {own} if name in self.existing and texts.is_name(name))
        return others + ([own] if others and own in self.existing else [])

    def _create(self, name: str, facts: Dict[str, Any], comment: str = "") -> None:
        self._command("CREATE DATABASE {0} CHARACTER SET {1} COLLATE {2}{3}".format(
            texts.identifier(name), texts.plain(facts["charset"], name), texts.plain(facts["collation"], name), comment))

    def _drop(self, name: str) -> None:
        self._command("DROP DATABASE IF EXISTS " + texts.identifier(name))

    def _duplicate(self, name: str, into: str, facts: Dict[str, Any], label: str) -> None:
        """Copy a database beside itself, without its events; what was begun is dropped when that fails."""
        try:
            self._create(into, facts)
            with mariadb_restore.hands(self.live, self.version, into, facts["reads"]) as hands:
                with self.live.writing(name, facts) as dump, hands.loading(into) as load:
                    run(dump + load, lambda chunk: None)
        except BackupError as error:
            self._drop(into)
            raise mariadb_scratch.failed(mariadb_restore.explained(error, into, self.live), label, into) from error

    def _nobody_in(self, target: str, label: str) -> None:
        sessions = self._ask("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE DB = " + texts.text(target)).strip()
        if sessions != "0":
            raise BackupError("restore_failed", label=label, target=target,
                              detail="{0} sessions are connected to it; stop the application first".format(sessions))

    def look(self) -> None:
        for tool in TOOLS:
            self.live.help(tool)
        self.version = self._ask("SELECT VERSION()").strip()
        found = sorted(texts.decode(line) for line in self._ask(
            "SELECT HEX(CONVERT(SCHEMA_NAME USING utf8mb4)) FROM information_schema.SCHEMATA").split())
        self.existing = [name for name in found if mariadb_facts.is_database(name)]
        self.strange = [name for name in found if not mariadb_facts.is_database(name)]

    def _facts_of(self, name: str) -> Dict[str, Any]:
        return self._told().facts_of(name, self.version, self.existing, self.unreadable.get(name, []))

    def _floats_of(self, name: str) -> Dict[str, Any]:
        return self._told().note_floats(name, "MariaDB" in self.version, self.unreadable.get(name, []))

    def _told(self) -> mariadb_facts.Told:
        return mariadb_facts.Told(self.live, self._ask, self._command, self._lacking)

    def _new_enough(self) -> None:
        said = capture(Stage("mariadb-dump", [self.live.find("mariadb-dump"), "--version"]))
        found = re.search(r"(?:Distrib|from|Ver) (\d+)\.(\d+)\.\d+", said)
        same_maker = ("MariaDB" in said) == ("MariaDB" in self.version)
        if found and number(self.version) != (0, 0, 0) and same_maker and tuple(map(int, found.groups())) < number(self.version)[:2]:
            raise BackupError("tool_too_old", tool="mariadb-dump", version=said.strip(), server_version=self.version)

    def _ask(self, sql: str) -> str:
        try:
            return self.live.ask(sql)
        except BackupError as error:
            raise self.explain(error) from error

    def _command(self, sql: str) -> None:
        try:
            self.live.command(sql)
        except BackupError as error:
            raise self.explain(error) from error
