# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server says of the names in a copy is its word alone: refused when it has not its form, and never more of it in memory than a little."""

from __future__ import annotations

import base64
import gzip
import json
import tracemalloc

import pytest
from ansible_collections.perucompras.respaldo.plugins.plugin_utils import _forms
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._finding import merging, pages


def packed(rows: bytes) -> str:
    return base64.b64encode(gzip.compress(rows)).decode()


def lines(*rows: object) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def test_any_bytes_of_a_name_come_through():
    (name,) = pages.unpacked(packed(lines(["/s/a\nb\udcff ñ", "f", 3, -5])))
    assert name == pages.Name(b"\0s\0a\nb\xff \xc3\xb1", "f", 3, -5) and pages.path_of(name.key) == "/s/a\nb\udcff ñ"
    assert list(pages.unpacked(packed(b""))) == []


@pytest.mark.parametrize("row", [
    ["s/a", "f", 1, 1], ["/s//a", "f", 1, 1], ["/s/../etc", "f", 1, 1], ["/s/.", "f", 1, 1], ["/", "d", 0, 0], ["", "f", 1, 1], ["/a\0b", "f", 1, 1],
    ["/" + "x" * 9000, "f", 1, 1], ["/\ud800", "f", 1, 1], ["/a", "x", 1, 1], ["/a", "f", -1, 1], ["/a", "f", 1.5, 1], ["/a", "f", True, 1],
    ["/a", "f", 1, True], ["/a", "f", 1, 2**70], ["/a", "f", 2**70, 1], ["/a", "d", 1, 0], ["/a", "f", 1], {"path": "/a"}, [["/a"], "f", 1, 1], None, 5,
    ["/a", ["f"], 1, 1]])
def test_a_row_of_another_form_is_refused(row):
    with pytest.raises(pages.Refused):
        list(pages.unpacked(packed(lines(row))))


@pytest.mark.parametrize("answer", [
    "%%%", "AAAA", packed(lines(["/a", "f", 1, 1]))[:20], packed(b"[" * 100000 + b"\n"), packed(b"x" * 200000), packed(b'["/a"'),
    base64.b64encode(gzip.compress(b"") + b"more").decode()])
def test_an_answer_of_another_form_is_refused(answer):
    with pytest.raises(pages.Refused):
        list(pages.unpacked(answer))


def test_what_is_packed_small_and_is_large_takes_no_memory():
    bomb = packed(b"x" * (200 << 20))
    tracemalloc.start()
    with pytest.raises(pages.Refused):
        list(pages.unpacked(bomb))
    assert tracemalloc.get_traced_memory()[1] < 20 << 20
    tracemalloc.stop()


def test_the_key_has_the_order_of_restic_s_lists():
    walked = ["/a", "/a/b", "/a/b/c", "/a/\x01", "/a b", "/a-b", "/a.b"]
    assert sorted(walked[:3] + walked[4:], key=pages.key_of) == walked[:3] + walked[4:]


def test_packed_bytes_are_base64_and_nothing_else():
    assert _forms.packed("AAA=") == "AAA="
    for value in ("a b", "é", None, 5, ["AAAA"], "AAAA\n"):
        with pytest.raises(_forms.Odd):
            _forms.packed(value)


@pytest.mark.parametrize("name, asked", [
    ("Ñandú «acta».DOCX", "nandu «ACTA"), ("STRASSE.txt", "straße"), ("cafe\u0301.txt", "CAFÉ"), ("İstanbul", "istanbul"), ("ﬁn.pdf", "fin.")])
def test_case_and_accents_of_a_name_do_not_matter(name, asked):
    assert merging.folded(asked) in merging.folded(name)
