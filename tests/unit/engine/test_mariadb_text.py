# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a dump of MariaDB says of itself: nothing that its owner wrote counts as a line of the tool's (S9)."""

from __future__ import annotations

from typing import Any, List

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources import mariadb_scratch
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources import mariadb_text as texts
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.base import PartReader
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.mariadb_client import Connection
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.postgresql import PostgreSQL
from hypothesis import given
from hypothesis import strategies as st

_TABLE = "\n--\n-- Table structure for table `{0}`\n--\n\nCREATE TABLE `{0}` (\n  `a` int COMMENT {1}\n);\n"
_ROWS = "\n--\n-- Dumping data for table `{0}`\n--\n\nINSERT INTO `{0}` VALUES\n(1,{1}),\n(2,{1});\n"
_BODY = "DELIMITER ;;\nCREATE DEFINER=`a`@`b` PROCEDURE `p`()\nBEGIN\n{0}\nEND ;;\nDELIMITER ;\n"
_LIE = "\n--\n-- Table structure for table `lie`\n--\n\nDELIMITER ;\n"


def counted(text: str, step: int = 1 << 20) -> List[int]:
    structure, data = texts.Structure(), text.encode()
    for at in range(0, len(data), step):
        structure.feed(data[at:at + step])
    structure.finish()
    return [structure.tables, structure.events]


@pytest.mark.parametrize("lie", (
    "SELECT '" + _LIE + "';", 'SELECT "' + _LIE + '";', "SELECT 1 AS `" + _LIE + "`;", "/* it's" + _LIE + "*/ SELECT 1;", "# it's `\nSELECT 1;",
    "-- it's \"\nSELECT 1;", "SELECT 'a\\'" + _LIE + "';", "SELECT 'a''" + _LIE + "';", "SELECT '\\\\', '" + _LIE + "';",
    "\n--\n-- Table structure for table `lie`\n--\nSELECT 1;", "SELECT 1 -- x'\n;", "INSERT INTO `t` VALUES\n('" + _LIE + "');"))
@pytest.mark.parametrize("step", (1, 7, 1 << 20))
def test_what_stands_in_a_body_is_no_line_of_the_tool(lie: str, step: int) -> None:
    text = "-- MariaDB dump 10\n" + _TABLE.format("a", "'x'") + _ROWS.format("a", "'y'") + _BODY.format(lie) + _TABLE.format("b", "'z'")
    assert counted(text, step) == [2, 1]


def test_modes_of_a_body_say_where_its_quotes_end() -> None:
    plain = "/*!50003 SET sql_mode              = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES' */ ;\n" + _BODY.format("SELECT '\\', \"a\\\";")
    back = "/*!50003 SET sql_mode              = @saved_sql_mode */ ;\n"
    assert counted(plain + back + _TABLE.format("a", "'it\\'s'")) == [1, 1]
    assert counted(_BODY.format("/*!50003 SET sql_mode = 'NO_BACKSLASH_ESCAPES' */;\nSELECT 'a\\'" + _LIE + "';") + _TABLE.format("a", "'b'")) == [1, 1]


@given(st.lists(st.sampled_from(["'", '"', "`", "\\", "\n", ";", "--", "-- ", "a", "/*", "*/", "#", "(", ")", ",", _LIE])).map("".join),
       st.integers(1, 40))
def test_values_are_never_read_as_structure(value: str, step: int) -> None:
    escaped = "'" + value.replace("\\", "\\\\").replace("'", "\\'").replace('"', '\\"').replace("\n", "\\n") + "'"
    name = value.replace("`", "``")
    text = _TABLE.format("a", escaped) + _ROWS.format("a", escaped) + "ALTER TABLE `{0}` DISABLE KEYS;\n".format(name) + _TABLE.format("b", escaped)
    assert counted(text, step) == [2, 0]


def difference(first: bytes, second: bytes) -> str:
    made = []
    for text in (first, second):
        made.append(texts.Difference())
        for at in range(0, len(text), 5):
            made[-1].feed(text[at:at + 5])
        made[-1].finish()
    return made[0].difference(made[1])[0]


_HEAD = b"/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump 10.19\n--\n-- Host: localhost    Database: a\n-- Server version 1\n\nSET X;\n"


def test_only_the_head_may_differ_and_only_in_comments() -> None:
    """S9: a line at the beginning that was passed over could hold a statement; objects in another order were the same."""
    rest = b"\n--\n-- Table structure for table `t`\n--\nCREATE;\n\n--\n-- Dumping routines for database 'a'\n--\nR;\n"
    assert difference(_HEAD + rest, _HEAD.replace(b"version 1", b"version 2").replace(b"localhost", b"h") + rest.replace(b"'a'", b"'b'")) == ""
    assert difference(_HEAD + rest, _HEAD.replace(b"/*M!999999\\- enable the sandbox mode */ \n", b"") + rest) == ""
    assert difference(_HEAD.replace(b"SET X", b"/*!999999 x */ GRANT;\nSET X") + rest, _HEAD + rest) == "the beginning"
    assert difference(_HEAD.replace(b"mode */ ", b"mode */ GRANT ALL;") + rest, _HEAD + rest) != ""
    assert difference(_HEAD + rest + b"\n--\n-- Host: x\n-- Server version 1\n", _HEAD + rest + b"\n--\n-- Host: x\n-- Server version 2\n") != ""
    one, other = b"\n--\n-- one\nA;\n", b"\n--\n-- other\nB;\n"
    assert difference(_HEAD + one + other, _HEAD + other + one).startswith("the order of the objects")


def test_what_only_one_of_two_dumps_has_is_a_difference_wherever_it_stands() -> None:
    """What came back beyond the end of the copy's text was none."""
    more = b"\n--\n-- Table structure for table `t`\n--\nCREATE;\n"
    for longer, shorter in ((_HEAD + more, _HEAD), (_HEAD + more * 3, _HEAD + more), (b"\n" + more, b"\n")):
        assert difference(longer, shorter) and difference(shorter, longer)


class OfNoDatabase(PartReader):
    manifest = {"label": "SIGA_20261122", "parts": [{"name": "users", "facts": {}}, {"name": "globals", "facts": {}}]}

    def stream(self, name: str, stages: Any = (), feed: Any = None) -> int:
        raise AssertionError("nothing is read of a copy that has nothing")


def test_a_rehearsal_of_nothing_proves_nothing() -> None:
    """A copy whose manifest names no database got T3 without a table having been compared."""
    with pytest.raises(BackupError) as refused:
        mariadb_scratch.rehearse(OfNoDatabase(), "", Connection(), "10.11.6-MariaDB", [])
    assert refused.value.fault.name == "manifest_unreadable"
    with pytest.raises(BackupError) as refused:
        PostgreSQL().rehearse(OfNoDatabase(), "")
    assert refused.value.fault.name == "manifest_unreadable"


def test_a_text_without_an_end_takes_no_time() -> None:
    """A dump that is cut within a text is refused at once, not read in every way there is."""
    for quote in ("'", '"', "`"):
        assert counted(_TABLE.format("a", "'x'") + "CREATE TABLE `b` (" + quote + "\\'a" * 3 + "a\\b" * 200000, 65536)[0] == 1
    assert counted("INSERT INTO `a` (" + "`b`, " * 20000 + "`c")[0] == 0


def test_names_in_statements_are_quoted_and_patterns_are_none() -> None:
    assert texts.identifier("a`; DROP") == "`a``; DROP`"
    assert texts.pattern("a_b%c\\") == "`a\\_b\\%c\\\\`"
    assert texts.text("'") == "CONVERT(0x27 USING utf8mb4)"
    assert not any(texts.is_name(name) for name in ("mysql", "MySQL", "", "x" * 65, "a\0b", 7, None))


def test_references_are_read_whatever_quotes_they_stand_in() -> None:
    found = texts.References()
    text = b"x DEFINER=`a``b`@`%` y DEFINER=\"c\"@\"h\" z DEFINER=`papel` PROCEDURE\n/*!50001 VIEW `v` AS select `o``p`.`t`.`c` from `o``p`.`t` */;\n" \
           b"/*!50106 SET time_zone             = 'America/Lima' */ ;;\n/*!50106 SET time_zone             = 'SYSTEM' */ ;;\n"
    for at in range(0, len(text), 9):
        found.feed(text[at:at + 9])
    assert found.definers == {texts.Definer("a`b", "%"), texts.Definer("c", "h"), texts.Definer("papel", None)}
    assert found.zones == {"America/Lima"} and "o`p" in found.qualifiers
