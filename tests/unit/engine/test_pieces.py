# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pieces of a database of PostgreSQL: what a manifest may tell of them, and their texts read as one."""

from __future__ import annotations

import contextlib
from typing import Any, List, Sequence

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.postgresql import _ArchiveCheck
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.postgresql_pieces import Piece, pieces_of
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.postgresql_text import Text

HEAD = "--\n-- PostgreSQL database dump\n--\n\n{0}SET client_encoding = 'UTF8';\n\n"
TABLE = "--\n-- Name: t; Type: TABLE; Schema: public; Owner: a\n--\n\nCREATE TABLE t (i int);\n\n\n"
ROWS = "--\n-- Data for Name: t; Type: TABLE DATA; Schema: public; Owner: a\n--\n\nCOPY public.t (i) FROM stdin;\n{0}\\.\n\n\n"
KEY = "--\n-- Name: t t_pkey; Type: CONSTRAINT; Schema: public; Owner: a\n--\n\nALTER TABLE t ADD PRIMARY KEY (i);\n\n\n"
TAIL = "--\n-- PostgreSQL database dump complete\n--\n\n"


def row(pieces: Any) -> Any:
    return {"name": "siga", "file": "SIGA_20261122.siga.dump", "facts": {"database": "siga", "pieces": pieces}}


def test_pieces_come_back_in_the_order_of_the_manifest() -> None:
    assert pieces_of(row([])) == [Piece("siga")]
    assert pieces_of({"name": "siga", "file": "x", "facts": {}}) == [Piece("siga")]
    assert pieces_of(row([{"part": "siga.rows01", "schema": "a b", "table": "--x"}, {"part": "siga.last"}])) == [
        Piece("siga"), Piece("siga.rows01", ("--schema=a b", "--table=--x"), True), Piece("siga.last")]


@pytest.mark.parametrize("pieces", ["siga", 7, {"part": "x"}, [7], [{}], [{"part": 7}], [{"part": "x", "table": 7}], [{"part": "", "table": "t"}]])
def test_what_is_no_list_of_pieces_is_refused(pieces: Any) -> None:
    with pytest.raises(BackupError) as caught:
        pieces_of(row(pieces))
    assert caught.value.fault.name == "manifest_unreadable"


def checked(text: str, **facts: Any) -> Any:
    check = _ArchiveCheck("", "SIGA.dump", facts)
    check.feed((HEAD.format("") + text + TAIL).encode())
    return check.finish()


def test_what_was_dropped_meanwhile_is_written_as_nothing_and_then_there_is_no_one_moment() -> None:
    empty = "--\n-- Name: i; Type: INDEX; Schema: public; Owner: a\n--\n\n;\n\n\n"
    assert checked(KEY, last=True) == 0
    with pytest.raises(BackupError) as caught:
        checked(KEY + empty, last=True)
    assert caught.value.fault.name == "snapshot_lost"


def test_a_row_that_looks_like_a_title_keeps_no_table_from_being_copied() -> None:
    told = "; Type: TABLE DATA; Schema: x\n"
    assert checked(ROWS.format("1\n" + told), schema="public", table="t") is None
    with pytest.raises(BackupError):
        checked(KEY, schema="public", table="t")


def read(archives: Sequence[str], size: int) -> Text:
    text = Text()
    for number, archive in enumerate(archives):
        if number:
            text.another()
        data = archive.encode()
        for at in range(0, len(data), size):
            text.feed(data[at:at + size])
    text.finish()
    return text


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
def test_texts_of_pieces_are_the_text_of_the_whole(size: int) -> None:
    def compared(whole: List[str], pieces: List[str]) -> Any:
        with contextlib.closing(read(whole, size)) as one, contextlib.closing(read(pieces, size)) as other:
            return one.titles_apart(other), one.apart(other)

    head = HEAD.format("")
    whole = [head + TABLE + ROWS.format("1\n2\n") + KEY + TAIL]
    pieces = [head + TABLE + TAIL, HEAD.format("SET x = 1;\n") + ROWS.format("1\n2\n") + TAIL, head + KEY + TAIL]
    assert compared(whole, pieces) == ((set(), set(), set()), [])
    missing, changed, more = compared(whole, [pieces[0], pieces[2]])[0]
    assert len(missing) == 1 and "TABLE DATA" in missing.pop() and not changed and not more
    assert compared(whole, [pieces[0], head + ROWS.format("1\n3\n") + TAIL, pieces[2]])[1] == [b"public.t"]
    assert compared(whole, [pieces[0], pieces[1], pieces[1], pieces[2]])[0][1] or compared(whole, [pieces[0], pieces[1], pieces[1], pieces[2]])[1]
    # a text that was cut within the rows, and one without its end
    assert compared(whole, [pieces[0], pieces[1][:pieces[1].index("2\n")], pieces[2]])[1] == [b"public.t"]
