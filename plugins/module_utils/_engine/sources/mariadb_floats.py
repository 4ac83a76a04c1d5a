# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exact values of FLOAT columns in a copy of MariaDB, whose tool writes them with six digits (docs/decisions/28-exact-floats.md).

After the rows of a table, and before its triggers, the copy's text has the values that six digits do not hold, by primary key, as DOUBLE, and one
statement that puts each where the six digits of it stand. They are asked for in a session of their own just before the dump begins, and once more when it
has ended: the same answer both times is what the dump's moment saw. Rows that changed meanwhile are told; they have their six digits, as without this.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import tempfile
from typing import IO, Any, Dict, Iterator, List, Mapping, Sequence, Tuple

from ..processes import programs
from ..processes.pipeline import Stage, run
from . import mariadb_text as texts

# How a column of a primary key is written, whatever the session's modes and character set.
_KINDS = {
    "CONCAT({0})": ("tinyint", "smallint", "mediumint", "int", "bigint", "decimal"),
    "CONCAT(\"_utf8mb4 X'\", HEX(CONVERT({0} USING utf8mb4)), \"'\")": ("char", "varchar", "enum"),
    "CONCAT(\"X'\", HEX({0}), \"'\")": ("binary", "varbinary"),
    "CONCAT(\"'\", {0}, \"'\")": ("date", "datetime", "timestamp", "time", "year", "uuid", "inet4", "inet6"),
}
_WRITTEN = {kind: how for how, kinds in _KINDS.items() for kind in kinds}
_ENGINES = ("InnoDB", "MyISAM", "Aria")
_ROWS = 1000           # of one INSERT
_BESIDE, _VALUE = "respaldo_exact", "respaldo_value"
_BEGIN, _END = "-- Beginning of exact values", "-- End of exact values"


class Column:
    """A FLOAT column of a table with a primary key."""

    def __init__(self, table: str, name: str, keys: Sequence[Tuple[str, str]], kept: Sequence[str]) -> None:
        self.table = table
        self.name = name
        self.keys = keys           # with how each is written
        self.kept = kept           # columns that an UPDATE would change by itself

    def question(self, database: str) -> str:
        """The rows whose value has more than six digits: as they stand in VALUES, in the order of the key."""
        value, keys = texts.identifier(self.name), [texts.identifier(name) for name, _how in self.keys]
        written = ", ',', ".join(how.format(key) for key, (_name, how) in zip(keys, self.keys))
        return "SELECT CONCAT('(', {0}, ',', CAST({1} AS DOUBLE), ')') FROM {2}.{3} WHERE CAST(CONCAT({1}) AS FLOAT) <> {1} ORDER BY {4}".format(
            written, value, texts.identifier(database), texts.identifier(self.table), ", ".join(keys))

    def head(self) -> str:
        return ("{8}\n--\n{0} of column `{1}` of table `{2}`\n--\n\n"
                "CREATE TEMPORARY TABLE `{3}` AS SELECT {4}, CAST({5} AS DOUBLE) AS `{6}` FROM {7} WHERE FALSE;\n").format(
            texts.EXACT.decode("ascii"), self.name, self.table, _BESIDE, self._keys(), texts.identifier(self.name), _VALUE,
            texts.identifier(self.table), _BEGIN)

    def tail(self) -> str:
        """Where a row is another than when it was asked for, its six digits are others, and it stays as it is."""
        table, column = texts.identifier(self.table), texts.identifier(self.name)
        kept = "".join(", {0}.{1} = {0}.{1}".format(table, texts.identifier(name)) for name in self.kept)
        return ("UPDATE {0} JOIN `{1}` USING ({2}) SET {0}.{3} = `{4}`{5} WHERE {0}.{3} = CAST(CONCAT(CAST(`{4}` AS FLOAT)) AS FLOAT);\n"
                "DROP TEMPORARY TABLE `{1}`;\n{6}\n").format(table, _BESIDE, self._keys(), column, _VALUE, kept, _END)

    def _keys(self) -> str:
        return ", ".join(texts.identifier(name) for name, _how in self.keys)


def column_of(live: Any, database: str, table: str, name: str) -> Any:
    """What is needed to have the exact values of a column; None where its table has no key that they could be told by."""
    if "\n" in table + name or "\r" in table + name:
        return None
    where = "TABLE_SCHEMA = {0} AND TABLE_NAME = {1}".format(texts.text(database), texts.text(table))
    kind = live.ask("SELECT HEX(ENGINE) FROM information_schema.TABLES WHERE TABLE_TYPE = 'BASE TABLE' AND " + where).strip()
    if texts.decode(kind) not in _ENGINES:
        return None
    rows = texts.lines_of(live.ask(
        "SELECT HEX(CONVERT(s.COLUMN_NAME USING utf8mb4)), HEX(DATA_TYPE), HEX(COALESCE(SUB_PART, '')) FROM (SELECT COLUMN_NAME, SUB_PART, SEQ_IN_INDEX FROM "
        "information_schema.STATISTICS WHERE INDEX_NAME = 'PRIMARY' AND {0}) s JOIN (SELECT COLUMN_NAME, DATA_TYPE FROM information_schema.COLUMNS WHERE {0}) "
        "c ON c.COLUMN_NAME = s.COLUMN_NAME ORDER BY SEQ_IN_INDEX".format(where)), 3)
    if not rows or any(kind not in _WRITTEN or part or each == name for each, kind, part in rows):
        return None
    kept = texts.lines_of(live.ask("SELECT HEX(CONVERT(COLUMN_NAME USING utf8mb4)), HEX('1') FROM information_schema.COLUMNS WHERE EXTRA LIKE '%on update%' "
                                   "AND " + where), 2)
    return Column(table, name, [(each, _WRITTEN[kind]) for each, kind, _part in rows], [each for each, _one in kept])


def told(facts: Mapping[str, Any]) -> List[List[str]]:
    """The columns whose exact values a copy has, each as table and column, as its facts tell them."""
    found = facts.get("exact")
    return found if isinstance(found, list) else []


def passed_over(facts: Mapping[str, Any]) -> List[Stage]:
    """Of a copy whose values changed while it was made: the stage by which a comparison does not see them."""
    if not facts.get("exact_changed"):
        return []
    script = "/^{0}$/,/^{1}$/d".format(_BEGIN, _END)
    return [Stage("sed", [programs.find("sed", "sed"), "--expression=" + script], environment=programs.environment(LC_ALL="C"))]


@contextlib.contextmanager
def added(live: Any, database: str, facts: Mapping[str, Any], digests: Dict[str, str]) -> Iterator[List[Stage]]:
    """The stage that puts the exact values into a dump, right behind the rows of each table. Of each column a digest is kept in `digests`."""
    if facts.get("exact_changed") or not told(facts):
        yield []
        return
    with contextlib.ExitStack() as stack:
        script: List[str] = []
        descriptors: List[int] = []
        for table, name in told(facts):
            column = column_of(live, database, table, name)
            if column is None:
                continue     # the text then has one less than it should, which its check tells
            file = stack.enter_context(tempfile.TemporaryFile())
            digests[_shown(column)] = _asked(live, database, column, file)
            file.flush()
            descriptors.append(file.fileno())
            line = "/^\\/\\*!40000 ALTER TABLE {0} ENABLE KEYS \\*\\/;$/".format(re.sub(r"([][\\.*^$/])", r"\\\1", texts.identifier(table)))
            script += ["--expression=0,{0}{{".format(line), "--expression={0}r /proc/self/fd/{1}".format(line, file.fileno()), "--expression=}"]
        yield [Stage("sed", [programs.find("sed", "sed"), *script], descriptors=tuple(descriptors), environment=programs.environment(LC_ALL="C"))]


def changed(live: Any, database: str, facts: Mapping[str, Any], digests: Mapping[str, str]) -> List[str]:
    """The columns whose exact values are others than when they were asked for before."""
    columns = [column_of(live, database, table, name) for table, name in told(facts)]
    with tempfile.TemporaryFile() as file:
        return [_shown(column) for column in columns if column is not None and _asked(live, database, column, file) != digests.get(_shown(column))]


def _asked(live: Any, database: str, column: Column, file: IO[bytes]) -> str:
    """Write the statements for a column. Gives a digest of its values."""
    digest, pending, count = hashlib.sha256(), b"", 0

    def feed(chunk: bytes) -> None:
        nonlocal pending, count
        digest.update(chunk)
        *rows, pending = (pending + chunk).split(b"\n")
        for row in rows:
            file.write((b",\n" if count % _ROWS else b";\n" * bool(count) + "INSERT INTO `{0}` VALUES\n".format(_BESIDE).encode("ascii")) + row)
            count += 1

    file.write(column.head().encode("utf-8"))
    sql = "SET time_zone = '+00:00', sql_mode = ''; SET @respaldo = {0}; PREPARE respaldo FROM @respaldo; EXECUTE respaldo".format(
        texts.text(column.question(database)))
    arguments = ["--batch", "--skip-column-names", "--quick", "--raw", "--default-character-set=utf8mb4", *live.tamed(), "--execute=" + sql]
    with live.tool("mariadb", arguments) as stages:
        run(stages, feed)
    file.write(b";\n" * bool(count) + column.tail().encode("utf-8"))
    return digest.hexdigest()


def _shown(column: Column) -> str:
    return "{0}.{1}".format(column.table, column.name)
