# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two dumps of MariaDB: rows in another order are the same rows, other rows are named, and nothing is taken for the same that was not read so."""

from __future__ import annotations

from typing import Any, List

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources import mariadb_rows
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources import mariadb_text as texts

_A, _B = b"(1,'a;\\n(')", b"(2,'b\\'),(\\'',0xFF)"


def dump(rows: List[bytes], trigger: bytes = b"", separator: bytes = b",\n") -> bytes:
    return (b"-- MariaDB dump\n--\n-- Host: x\n\n--\n-- Table structure for table `t`\n--\n\nCREATE TABLE `t` (\n  `a` int,\n  `b, c` text,\n  `d` "
            b"blob\n);\n\n--\n"
            b"-- Dumping data for table `t`\n--\n\nINSERT INTO `t` VALUES\n" + separator.join(rows) + b";\n" + trigger + b"\n-- Dump completed\n")


def read(text: bytes) -> texts.Difference:
    made = texts.Difference()
    made.feed(text)
    made.finish()
    return made


def apart(mine: bytes, theirs: bytes, again: Any = None) -> str:
    def given(text: bytes) -> Any:
        def feed(take: Any) -> None:
            for at in range(0, len(text), 7):
                take(text[at:at + 7])
        return feed
    return mariadb_rows.apart(read(mine), read(theirs), given(again or mine), given(theirs))


@pytest.mark.parametrize("separator", (b",\n", b","))
def test_another_order_is_no_difference(separator: bytes) -> None:
    rows = [_A, _B, b"(3,NULL,NULL)"]
    assert apart(dump(rows, b"", separator), dump(rows[::-1], b"", separator)) == ""


def test_other_rows_are_named() -> None:
    told = apart(dump([_A, b"(2,'b',NULL)"]), dump([_A, b"(2,'c',NULL)"]))
    assert told == "table `t`: 2 rows copied, 2 restored; 1 only in the copy, 1 only in what was restored; in columns: b, c"
    assert "3 rows copied, 2 restored" in apart(dump([_A, _A, _B]), dump([_A, _B]))
    assert "the same values, in other rows" in apart(dump([b"(1,'a',0)", b"(2,'b',1)"]), dump([b"(1,'b',0)", b"(2,'a',1)"]))


def test_what_stands_beside_the_rows_counts() -> None:
    assert "triggers" in apart(dump([_A, _B], b"CREATE TRIGGER x\n"), dump([_B, _A], b"CREATE TRIGGER y\n"))
    assert apart(dump([_A]).replace(b"`d` blob", b"`d` text"), dump([_A])) == "Table structure for table `t`"


def test_a_second_reading_that_is_another_proves_nothing() -> None:
    assert apart(dump([_A, b"(9,'z',NULL)"]), dump([_A, _B]), again=dump([_A, _B])) == "Dumping data for table `t`"
