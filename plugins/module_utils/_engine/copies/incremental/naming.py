# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names in a copy of a file server, a page of them at a time and packed, for the index on the controller.

A page has no memory of the former: a snapshot never changes, so restic lists it anew and what was given is passed over. Nothing lies on the server
meanwhile. They come in restic's order, which is that of their bytes, folder by folder.
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import io
import json
import os
import zlib
from typing import Any, Dict, List, Mapping, NamedTuple, Sequence, Set

from ...restic import restic
from .backup import told_as
from .reading import SnapshotCopy

# Of each node: its path, what it is, bytes, and when it was changed in nanoseconds since 1970
FILE, FOLDER, LINK, OTHER = "f", "d", "l", "o"
_KINDS = {"file": FILE, "dir": FOLDER, "symlink": LINK}
_UNTOLD = "\ufffd"       # a byte that is no UTF-8, as restic tells it in JSON
_GZIP = 16 + zlib.MAX_WBITS
_TOGETHER = 1000         # rows that are packed at once


class Page(NamedTuple):
    """Some names: lines of JSON, packed; for how many of restic's they are; whether more follow."""

    packed: str
    total: int
    more: bool


class _Full(Exception):
    """The page has all that it may."""


class _Odd(NamedTuple):
    """A name of the page that JSON can't tell: its place there, and among the lines of restic's plain list."""

    place: int
    line: int
    path: str


def page(opened: SnapshotCopy, after: int, most: int) -> Page:
    """The names that come after the first `after` of them, at most `most`. Raises what opening and reading a copy raises."""
    packer = _Packer()
    days: Dict[str, int] = {}
    odd: List[_Odd] = []
    seen = lines = 0

    def visit(node: Mapping[str, Any]) -> None:
        nonlocal seen, lines
        path = node["path"]
        if seen >= after:
            if packer.count == most:
                raise _Full()
            if _UNTOLD in path:
                odd.append(_Odd(packer.count, lines, path))
            kind = _KINDS.get(node["type"], OTHER)
            # a folder changes with whatever is in it: of it counts only that it is there
            packer.add([path, kind, *((0, 0) if kind == FOLDER else (int(node.get("size", 0)), _moment(node["mtime"], days)))])
        seen += 1
        lines += 1 + path.count("\n")

    more = False
    try:
        opened.nodes(visit)
    except _Full:
        more = True
    packed = packer.finish()
    if odd:
        packed = _respelled(packed, {each.place for each in odd}, _spelled(opened, odd))
    return Page(base64.b64encode(packed).decode("ascii"), packer.count, more)


class _Packer:
    """Rows, packed as they come: a million names are not held in memory."""

    def __init__(self) -> None:
        self.count = 0
        self._packing, self._packed = zlib.compressobj(6, zlib.DEFLATED, _GZIP), [b""]
        self._rows: List[str] = []

    def add(self, row: Any) -> None:
        self.count += 1
        self._rows.append(json.dumps(row))
        if len(self._rows) == _TOGETHER:
            self._pack()

    def _pack(self) -> None:
        self._packed.append(self._packing.compress("".join(row + "\n" for row in self._rows).encode("ascii")))
        self._rows.clear()

    def finish(self) -> bytes:
        self._pack()
        return b"".join([*self._packed, self._packing.flush()])


def _moment(text: str, days: Dict[str, int]) -> int:
    """As restic.nanoseconds; a day is reckoned once, since reckoning a million costs a minute."""
    if text[-1:] != "Z" or text[19:20] not in (".", "Z"):
        return restic.nanoseconds(text)
    day = days.get(text[:10])
    if day is None:
        day = days[text[:10]] = restic.nanoseconds(text[:10] + "T00:00:00Z")
    return day + (int(text[11:13]) * 3600 + int(text[14:16]) * 60 + int(text[17:19])) * 10**9 + int(text[20:-1].ljust(9, "0"))


def _spelled(opened: SnapshotCopy, odd: Sequence[_Odd]) -> Dict[int, str]:
    """The odd names as they are, by their places: in restic's plain list each byte is itself.

    There line feeds of a name are lines too; the list in JSON said how many. A restic that writes its plain list otherwise tells other words there than
    JSON did: such a name is left out, since two of them could be told as one.
    """
    wanted = {each.line + more: each for each in odd for more in range(1 + each.path.count("\n"))}
    last = max(wanted)
    parts: Dict[int, bytes] = {}
    number = -1

    def line(text: bytes) -> None:
        nonlocal number
        if number < 0 and not text.startswith(b"/"):
            return      # restic's own first words
        number += 1
        if number > last:
            raise _Full()
        if number in wanted:
            place = wanted[number].place
            parts[place] = parts.get(place, b"") + text

    with contextlib.suppress(_Full):
        opened.restic().call(["ls", opened.snapshot], line)
    told = {each.place: os.fsdecode(parts.get(each.place, b"")[:-1]) for each in odd}
    return {each.place: told[each.place] for each in odd if told_as(told[each.place]) == each.path}


def _respelled(packed: bytes, odd: Set[int], names: Mapping[int, str]) -> bytes:
    packer = _Packer()
    with gzip.GzipFile(fileobj=io.BytesIO(packed), mode="rb") as rows:
        for place, text in enumerate(rows):
            row = json.loads(text)
            if place in names or place not in odd:
                packer.add([names.get(place, row[0]), *row[1:]])
    return packer.finish()
