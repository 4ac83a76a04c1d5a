# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pg_dump's text: what is the same whatever the order of rows and columns, what a remark may explain, and what is a difference."""

from __future__ import annotations

from typing import Any, List

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources import postgresql_text as texts
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.databases_rows import Examined, Rows, Whole

_HEAD = b"--\n-- PostgreSQL database dump\n--\n\n"


def data(name: bytes, header: bytes, rows: List[bytes]) -> bytes:
    return (b"\n--\n-- Data for Name: " + name + b"; Type: TABLE DATA; Schema: public; Owner: x\n--\n\nCOPY " + header + b" FROM stdin;\n"
            + b"".join(row + b"\n" for row in rows) + b"\\.\n\n")


def read(text: bytes, step: int = 1 << 20, **more: Any) -> texts.Text:
    made = texts.Text(**more)
    for at in range(0, len(text), step):
        made.feed(text[at:at + step])
    made.finish()
    return made


def apart(mine: bytes, theirs: bytes, step: int = 5) -> List[bytes]:
    """By rows. As they come nothing may be the same that is not so by rows."""
    as_they_come = set(read(mine).apart(read(theirs, step)))
    copied = read(mine, kind=lambda table: Rows())
    found = read(theirs, step, like=copied, kind=lambda table: Rows())
    assert not any(copied.titles_apart(found))
    assert as_they_come.issuperset(copied.apart(found))
    return copied.apart(found)


ROWS = [b"1\ta", b"2\t\\N", b"--\tx", b"\\\\.\t", b""]


@pytest.mark.parametrize("step", (1, 3, 1 << 20))
def test_rows_are_the_same_in_any_order(step: int) -> None:
    mine = _HEAD + data(b"t", b"public.t (a, b)", ROWS) + data(b"vacia", b"public.vacia (a)", [])
    assert apart(mine, _HEAD + data(b"t", b"public.t (a, b)", ROWS[::-1]) + data(b"vacia", b"public.vacia (a)", []), step) == []
    assert apart(mine, _HEAD + data(b"t", b"public.t (a, b)", ROWS[:-1] + [b"3\ta"]) + data(b"vacia", b"public.vacia (a)", []), step) == [b"public.t"]
    assert apart(mine, _HEAD + data(b"t", b"public.t (a, b)", ROWS) + data(b"vacia", b"public.vacia (a)", [b""]), step) == [b"public.vacia"]


def test_columns_count_by_their_names_and_partitions_as_one_table() -> None:
    mine = _HEAD + data(b"h", b'public.h (b, "a, x")', [b"1\t2", b"3\t4"])
    assert apart(mine, _HEAD + data(b"h", b'public.h ("a, x", b)', [b"4\t3", b"2\t1"])) == []
    assert apart(mine, _HEAD + data(b"h", b'public.h ("a, x", b)', [b"3\t4", b"1\t2"])) == [b"public.h"]
    mine = _HEAD + data(b"p0", b"public.p (k, v)", [b"a\t1", b"b\t2"]) + data(b"p1", b"public.p (v, k)", [b"3\tc"])
    assert apart(mine, _HEAD + data(b"p0", b"public.p (k, v)", [b"c\t3"]) + data(b"p1", b"public.p (v, k)", [b"1\ta", b"2\tb"])) == []


@pytest.mark.parametrize("step", (1, 3, 1 << 20))
def test_rows_as_they_come_are_the_same_under_the_same_columns_in_any_order_of_the_blocks(step: int) -> None:
    first, second = data(b"p0", b"public.p (k, v)", ROWS), data(b"p1", b"public.p (k, v)", ROWS[::-1])
    mine = read(_HEAD + first + second + data(b"vacia", b"public.vacia (a)", []))
    assert isinstance(mine.tables[b"public.p"], Whole)
    assert mine.apart(read(_HEAD + second + first, step)) == []
    # other rows, other columns, rows that a block more or one less has, and a line end that moved from one block to the next
    for other in (first + first, first, first + second + second, first + data(b"p1", b"public.p (v, k)", ROWS[::-1]),
                  first + second + data(b"p2", b"public.p (k, v)", [b""]),
                  data(b"p0", b"public.p (k, v)", ROWS[:-1]) + data(b"p1", b"public.p (k, v)", [b"", *ROWS[::-1]])):
        assert mine.apart(read(_HEAD + other, step)) == [b"public.p"]
        assert read(_HEAD + other, step).apart(mine) == [b"public.p"]


def test_rows_that_look_like_a_dump_are_rows() -> None:
    rows = [b"--", b"-- Name: x; Type: TABLE; Schema: public; Owner: x", b"--", b"b", b"a"]
    mine = _HEAD + data(b"t", b"public.t (a)", rows)
    assert apart(mine, _HEAD + data(b"t", b"public.t (a)", sorted(rows))) == []
    assert len(read(mine).list.seek(0) or b"".join(read(mine).list).split(b"\n")) <= 3


def test_a_row_longer_than_what_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "_LONGEST_ROW", 50)
    long = b"x" * 500
    mine = _HEAD + data(b"t", b"public.t (a, b)", [b"1\t" + long, b"2\ty"])
    for step in (7, 64, 1 << 20):
        assert apart(mine, _HEAD + data(b"t", b"public.t (a, b)", [b"2\ty", b"1\t" + long]), step) == []
        assert apart(mine, _HEAD + data(b"t", b"public.t (b, a)", [b"y\t2", long + b"\t1"]), step) == []
        assert apart(mine, _HEAD + data(b"t", b"public.t (a, b)", [b"2\ty", b"1\t" + long[1:] + b"z"]), step) == [b"public.t"]


def test_what_differs_is_told_by_column_and_number() -> None:
    mine = read(_HEAD + data(b"t", b"public.t (a, b)", [b"1\tx", b"2\ty"]), kind=lambda table: Examined()).tables[b"public.t"]
    theirs = read(_HEAD + data(b"t", b"public.t (a, b)", [b"1\tx", b"2\tz"]), kind=lambda table: Examined()).tables[b"public.t"]
    assert isinstance(mine, Examined) and isinstance(theirs, Examined)
    assert mine.differing(theirs) == "2 rows copied, 2 restored; 1 only in the copy, 1 only in what was restored; in columns: b"


@pytest.mark.parametrize("mine, theirs, same", (
    ("CREATE VIEW v AS SELECT (a IS DISTINCT FROM b);", "CREATE VIEW v AS SELECT ((a)::text IS DISTINCT FROM (b)::text);", True),
    ("CREATE VIEW v AS SELECT (a OPERATOR(ext.=) b);", "CREATE VIEW v AS SELECT (a = b);", True),
    ("CREATE TABLE t (\n    a integer\n)\nWITH (pg_attver='1');", "CREATE TABLE t (\n    a integer\n);", False),
    ("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$SELECT 1$$;", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$SELECT 2$$;", False),
    ("CREATE TABLE t (a integer DEFAULT 1);", "CREATE TABLE t (a bigint DEFAULT 1);", False),
    ("CREATE VIEW v AS SELECT 'a (b)';", "CREATE VIEW v AS SELECT 'a b';", False),
))
def test_what_a_remark_may_explain_is_narrow(mine: str, theirs: str, same: bool) -> None:
    assert texts.reworded("Name: v; Type: {0}; Schema: public; Owner: x".format(mine.split()[1]), mine, theirs) is same


def test_the_settings_of_the_next_object_are_no_part_of_the_one_before() -> None:
    settings = "SET default_tablespace = '';\n\nSET default_table_access_method = heap;\n"
    assert texts.same_but_for_place("CREATE TYPE a;\n\n" + settings, "CREATE TYPE a;\n")
    assert not texts.same_but_for_place("CREATE TYPE a;\n" + settings, "CREATE TYPE b;\n")
    assert not texts.same_but_for_place("SET search_path = a;\n", "\n")


_CHILD = "CREATE TABLE public.h (\n    {0}\n)\nINHERITS (public.{1});\n"


@pytest.mark.parametrize("mine, theirs, same", (
    (_CHILD.format("b integer,\n    a integer", "p"), _CHILD.format("a integer,\n    b integer", "p"), True),
    (_CHILD.format("b integer,\n    a integer", "p"), _CHILD.format("a integer,\n    b bigint", "p"), False),
    (_CHILD.format("b integer,\n    a integer", "p"), _CHILD.format("a integer,\n    b integer", "q"), False),
    (_CHILD.format("b integer,\n    a integer", "p"), _CHILD.format("a integer", "p"), False),
    ("CREATE TABLE public.t (\n    b integer,\n    a integer\n);\n", "CREATE TABLE public.t (\n    a integer,\n    b integer\n);\n", False),
))
def test_only_a_table_that_inherits_may_have_its_columns_in_another_order(mine: str, theirs: str, same: bool) -> None:
    assert texts.reordered("Name: h; Type: TABLE; Schema: public; Owner: x", mine, theirs) is same
    assert not texts.reordered("Name: h; Type: VIEW; Schema: public; Owner: x", mine, theirs)
