# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a MariaDB server says of a database: how it is dumped, what its copy will not hold, what of it will come back otherwise."""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, List, Mapping, Sequence

from ..errors import BackupError
from ..remarks import Remark
from . import mariadb_floats
from . import mariadb_text as texts
from .mariadb_client import TOOLS, Connection

_NUMBERED = "#mysql50#"     # how a server names what lies in its directory and is no database: lost+found, .ssh
_MOST_TOLD = 20
DAMAGED = "database {0} has tables that the server can't open; look with CHECK TABLE, mend with REPAIR TABLE: {1}"
# As the tools name the table that they failed at: `m`, './base/m', 'm'.
_NAMED = re.compile(r"[Tt]able `(?P<table>(?:[^`]|``)+)`|[Tt]able '(?:[^'/]*/)*(?P<other>[^'/]+)'|file '(?:[^'/]*/)*(?P<third>[^'/.]+)(?:\.MY[ID]|\.MA[ID])?'|"
                    r"`(?P<fourth>(?:[^`]|``)+)`")
_MEMBER = re.compile("'((?:[^']|'')*)'")      # of the type of an ENUM, as information_schema has it


class Told:
    """Questions about the databases of one server. `ask` and `command` raise errors that are explained; `lacking` gets what a copy will lack."""

    def __init__(self, live: Connection, ask: Callable[[str], str], command: Callable[[str], None], lacking: Callable[[Remark], None]) -> None:
        self.live = live
        self.ask = ask
        self.command = command
        self.lacking = lacking

    def facts_of(self, name: str, version: str, existing: Sequence[str], without: Sequence[str] = ()) -> Dict[str, Any]:
        """What is recorded of a database, but for the tables `without`."""
        charset, collation = self.ask("SELECT DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA "
                                      "WHERE SCHEMA_NAME = " + texts.text(name)).split()
        engines: Dict[str, int] = {}
        tables = size = versioned = 0
        lines = self.ask("SELECT TABLE_TYPE, COALESCE(ENGINE, 'none'), COUNT(*), COALESCE(SUM(DATA_LENGTH), 0) FROM information_schema.TABLES "
                         "WHERE TABLE_SCHEMA = {0} AND TABLE_TYPE NOT LIKE '%VIEW%'{1} GROUP BY 1, 2".format(texts.text(name), _but_for(without)))
        for line in lines.splitlines():
            table_type, engine, count, stored = line.split("\t")
            size += int(stored)
            if table_type != "SEQUENCE":
                tables += int(count)
                engines[engine] = engines.get(engine, 0) + int(count)
            versioned += int(count) if table_type == "SYSTEM VERSIONED" else 0
        return {"database": name, "server_version": version, "charset": texts.plain(charset, name), "collation": texts.plain(collation, name),
                "size": size, "tables": tables, "engines": engines, "versioned": versioned,
                "history": bool(versioned) and self._keeps_history(name), "left_out": list(without), "events_apart": True, "events": self._events(name),
                "reads": self._read_by_views(name, existing), "unquoted": self.live.ask("SELECT @@sql_quote_show_create", as_others=True).strip() == "0",
                "views": int(self.ask("SELECT COUNT(*) FROM information_schema.VIEWS WHERE TABLE_SCHEMA = " + texts.text(name))),
                "default_sequences": int(self.ask("SELECT COUNT(*) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = {0} AND (COLUMN_DEFAULT "
                                                  "LIKE '%nextval(%' OR COLUMN_DEFAULT LIKE '%lastval(%')".format(texts.text(name))))}

    def broken_views(self, name: str, engines: Dict[str, int], transactional: Sequence[str], but_for: Sequence[str] = ()) -> List[str]:
        """Views that no tool can copy: those that name what is gone, and where tables must be locked, those whose account is gone."""
        query = ("SELECT HEX(CONVERT(v.TABLE_NAME USING utf8mb4)), 1 FROM information_schema.VIEWS v WHERE v.TABLE_SCHEMA = {0} AND NOT EXISTS (SELECT 1 FROM "
                 "information_schema.COLUMNS c WHERE c.TABLE_SCHEMA = {0} AND c.TABLE_NAME = v.TABLE_NAME)").format(texts.text(name))
        broken = self._names(query)
        if not all(engine in transactional for engine in engines):
            # an account that may not read mysql.* is shown no other: then none is known to be gone, and no view is left out for it
            broken += self._names("SELECT HEX(CONVERT(TABLE_NAME USING utf8mb4)), 1 FROM information_schema.VIEWS WHERE TABLE_SCHEMA = {0} AND SECURITY_TYPE = "
                                  "'DEFINER' AND {1} NOT IN (SELECT GRANTEE FROM information_schema.USER_PRIVILEGES) AND EXISTS (SELECT 1 FROM "
                                  "information_schema.USER_PRIVILEGES WHERE GRANTEE <> {2})".format(
                                      texts.text(name), _grantee("DEFINER"), _grantee("CURRENT_USER()")))
        broken = sorted(set(broken) - set(but_for))
        if broken:
            self.lacking(Remark("my_broken_views", database=name, count=len(broken), views=broken[:_MOST_TOLD]))
        return broken

    def damaged_tables(self, name: str) -> Dict[str, str]:
        """The tables that the server can't open, and what it says of each."""
        # only a question for its size opens each table
        rows = texts.lines_of(self.ask(
            "SELECT HEX(CONVERT(TABLE_NAME USING utf8mb4)), HEX(CONVERT(TABLE_COMMENT USING utf8mb4)), HEX(COALESCE(ENGINE, '')), "
            "HEX(COALESCE(DATA_LENGTH, '')) FROM information_schema.TABLES WHERE TABLE_TYPE = 'BASE TABLE' AND TABLE_SCHEMA = " + texts.text(name)), 4)
        return {table: comment for table, comment, engine, size in rows if comment and not engine and not size}

    def views_over(self, name: str, tables: Sequence[str]) -> List[str]:
        """The views of a database that read tables of it which are left out, or other views that do."""
        bodies = dict(texts.lines_of(self.ask("SELECT HEX(CONVERT(TABLE_NAME USING utf8mb4)), HEX(CONVERT(VIEW_DEFINITION USING utf8mb4)) FROM "
                                              "information_schema.VIEWS WHERE TABLE_SCHEMA = " + texts.text(name)), 2) if tables else ())
        found: List[str] = []
        while True:
            gone = [texts.identifier(name) + "." + texts.identifier(each) for each in [*tables, *found]]
            more = [view for view, body in sorted(bodies.items()) if view not in found and any(each in body for each in gone)]
            if not more:
                return found
            found += more

    def named_in(self, name: str, error: BackupError) -> str:
        """The table of a database that an error of the tool names, "" where it names none."""
        named = [(each.group(each.lastgroup or 0) or "").replace("``", "`") for each in _NAMED.finditer(error.details["detail"])]
        there = self._names("SELECT HEX(CONVERT(TABLE_NAME USING utf8mb4)), 1 FROM information_schema.TABLES WHERE TABLE_TYPE = 'BASE TABLE' "
                            "AND TABLE_SCHEMA = " + texts.text(name))
        return next((each for each in named if each in there), "")

    def note_floats(self, name: str, maria: bool, without: Sequence[str] = ()) -> Dict[str, Any]:
        """Values of type FLOAT that the tool writes with six digits. Gives, as facts, the columns whose exact values the copy will have beside (`exact`),
        and of those where others come back (`rounded`), which are told, which and how many, in words.
        """
        columns = texts.lines_of(self.ask(
            "SELECT HEX(CONVERT(c.TABLE_NAME USING utf8mb4)), HEX(CONVERT(COLUMN_NAME USING utf8mb4)), HEX(COLUMN_KEY) FROM information_schema.COLUMNS c "
            "JOIN information_schema.TABLES t ON t.TABLE_SCHEMA = c.TABLE_SCHEMA AND t.TABLE_NAME = c.TABLE_NAME WHERE c.TABLE_SCHEMA = {0} AND TABLE_TYPE "
            "NOT LIKE '%VIEW%' AND DATA_TYPE = 'float' AND NUMERIC_SCALE IS NULL AND GENERATION_EXPRESSION IS NULL{1}".format(
                texts.text(name), _but_for(without, "c.TABLE_NAME"))), 3)
        rounded, exact = [], []
        for table, column, key in columns:
            count = self._rounded(name, table, column)
            if count and maria and mariadb_floats.column_of(self, name, table, column) is not None:
                exact.append([table, column])
            elif count:
                rounded.append(Remark("my_float_key" if key else "my_float", table=table, column=column, count=count))
        if rounded:
            self.lacking(Remark("my_floats", database=name, columns=rounded[:_MOST_TOLD]))
        return {"rounded": [str(each) for each in rounded[:_MOST_TOLD]], "exact": exact}

    def note_enums(self, name: str, without: Sequence[str] = ()) -> Dict[str, Any]:
        """Rows of an ENUM that have its error value, whose text is empty, beside a member whose text is empty too: the tool writes both alike, and they come
        back as that member. Gives, as facts, the columns in words (`blurred`), which are told.
        """
        columns = texts.lines_of(self.ask(
            "SELECT HEX(CONVERT(c.TABLE_NAME USING utf8mb4)), HEX(CONVERT(COLUMN_NAME USING utf8mb4)), HEX(CONVERT(COLUMN_TYPE USING utf8mb4)) FROM "
            "information_schema.COLUMNS c JOIN information_schema.TABLES t ON t.TABLE_SCHEMA = c.TABLE_SCHEMA AND t.TABLE_NAME = c.TABLE_NAME WHERE "
            "c.TABLE_SCHEMA = {0} AND TABLE_TYPE NOT LIKE '%VIEW%' AND DATA_TYPE = 'enum' AND COLUMN_TYPE LIKE '%''%'{1}".format(
                texts.text(name), _but_for(without, "c.TABLE_NAME"))), 3)
        counted = [(table, column, self._counted(name, table, "{0} + 0 = 0".format(texts.identifier(column))))
                   for table, column, kind in columns if "" in _MEMBER.findall(kind)]
        told = [Remark("my_enum", table=table, column=column, count=count) for table, column, count in counted if count]
        if told:
            self.lacking(Remark("my_enums", database=name, columns=told[:_MOST_TOLD]))
        return {"blurred": [str(each) for each in told[:_MOST_TOLD]]}

    def _rounded(self, name: str, table: str, column: str) -> str:
        return self._counted(name, table, "CAST(CONCAT({0}) AS FLOAT) <> {0}".format(texts.identifier(column)))

    def _counted(self, name: str, table: str, condition: str) -> str:
        """How many rows of a table a condition holds for, "" for none."""
        sql = "SELECT SUM({0}) FROM {1}.{2}".format(condition, texts.identifier(name), texts.identifier(table))
        answer = self.ask("SET @respaldo = {0}; PREPARE respaldo FROM @respaldo; EXECUTE respaldo".format(texts.text(sql))).strip()
        return answer if answer.isdigit() and answer != "0" else ""

    def _names(self, query: str) -> List[str]:
        return [row[0] for row in texts.lines_of(self.ask(query).replace("\t1", "\t31"), 2)]

    def _events(self, name: str) -> int:
        """How many events a database has. An account that may not see them is refused, rather than told that there are none."""
        if self.ask("SELECT @@event_scheduler").strip() == "DISABLED":
            self.lacking(Remark("my_events_disabled"))
            return 0
        self.command("SHOW EVENTS IN " + texts.identifier(name))
        return int(self.ask("SELECT COUNT(*) FROM information_schema.EVENTS WHERE EVENT_SCHEMA = " + texts.text(name)))

    def _read_by_views(self, name: str, existing: Sequence[str]) -> List[str]:
        """The other databases that views of this one name."""
        bodies = texts.lines_of(self.ask("SELECT HEX(CONVERT(VIEW_DEFINITION USING utf8mb4)), 1 FROM information_schema.VIEWS WHERE TABLE_SCHEMA = "
                                         + texts.text(name)).replace("\t1", "\t31"), 2)
        return [each for each in existing if each != name and each.lower() not in texts.SYSTEM
                and any(texts.identifier(each) + ".`" in body for body, _one in bodies)]

    def _keeps_history(self, name: str) -> bool:
        """Whether former rows of system-versioned tables can be dumped: not by older tools, and not when numbered by transaction."""
        by_transaction = self.ask("SELECT COUNT(*) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = {0} AND GENERATION_EXPRESSION = 'ROW START' "
                                  "AND DATA_TYPE = 'bigint'".format(texts.text(name)))
        return "--dump-history" in self.live.help("mariadb-dump") and by_transaction.strip() == "0"


def _but_for(tables: Sequence[str], column: str = "TABLE_NAME") -> str:
    return " AND {0} NOT IN ({1})".format(column, ", ".join(map(texts.text, tables))) if tables else ""


def lacks(row: Mapping[str, Any]) -> List[Remark]:
    """What a copy of a database is known to lack, as its facts tell it, in words."""
    facts = texts.facts_in(dict(row))
    told: List[Remark] = []
    for key, words in (("left_out", "my_left_out"), ("rounded", "my_rounded"), ("exact_changed", "my_rounded"), ("blurred", "my_blurred")):
        names = [each for each in facts.get(key) or () if isinstance(each, str)] if isinstance(facts.get(key), list) else []
        told += [Remark(words, names=names[:_MOST_TOLD])] if names else []
    return told


def is_database(name: str) -> bool:
    return not name.startswith(_NUMBERED)


_REASONS = (
    ("source_missing", "Unknown database", ""),
    ("source_damaged", r"is marked as crashed|is corrupt|Incorrect (?:key file|information in file|file format)|Tablespace is missing|"
     r"\b(?:126|127|134|144|145|1034|1035|1194|1195|1712|1932): ",
     "a table of it is damaged; look with CHECK TABLE, mend with REPAIR TABLE"),
    ("source_changed", "Table definition has changed|1146: |1412: ", "a table was changed or dropped during the copy"),
    ("scan_refused", "MAX_JOIN_SIZE|\\b1104\\b", ""),
    ("source_unreachable", "init_connect command failed", "init_connect of the server fails for this account"),
    ("source_unreachable", "Access denied|is not allowed to connect|1045", "the account, its password or its rights are not enough"),
    ("source_unreachable", "Lost connection|gone away|[Ss]hutdown|Connection was killed", "the server ended the connection"),
    ("source_unreachable", r"Can't connect|Unknown (?:MySQL |MariaDB )?server host|\b200[235]\b", "no server answers there"),
)


def explained(error: BackupError, described: str) -> BackupError:
    """A clearer error than the failed tool's own, where its words are known."""
    if error.fault.name != "stage_failed" or error.details["stage"] not in TOOLS:
        return error
    detail = error.details["detail"]
    for fault, pattern, words in _REASONS:
        if re.search(pattern, detail):
            if not words:
                return BackupError(fault, source="{0}: {1}".format(described, detail))
            return BackupError(fault, source=described, detail="{0} ({1})".format(words, detail))
    return error


def _grantee(account: str) -> str:
    """An account as information_schema writes it, from what gives it without quotes."""
    return "CONCAT(CHAR(39), REPLACE({0}, '@', CONCAT(CHAR(39), '@', CHAR(39))), CHAR(39))".format(account)
