# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server's word on the names in a copy, unpacked and checked row by row: bounded, in their form, in their order. Pure; nothing is stored here."""

from __future__ import annotations

import base64
import binascii
import json
import os
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from ...module_utils._engine import result

# What restic tells of a node; of a folder neither size nor time
KINDS = ("f", "d", "l", "o")
LONGEST_PATH = 8192
MOST_NAMES = 50_000_000          # of one copy
_LONGEST_ROW = 64 * 1024         # a path, each of its bytes six characters, and three numbers
_AT_ONCE = 1 << 20
_GZIP = 16 + zlib.MAX_WBITS


class Refused(Exception):
    """What is wrong with the answer, in English and in Spanish."""

    def __init__(self, english: str, spanish: str) -> None:
        super().__init__(english)
        self.english, self.spanish = english, spanish


class Name(NamedTuple):
    """What a copy has under a name. `key` is the path's bytes with 0 for each slash: so ordered, what is in a folder follows it."""

    key: bytes
    kind: str
    size: int
    modified: int        # nanoseconds since 1970


def key_of(path: str) -> bytes:
    """The key of a path; one that a page gives, or a person asks for."""
    return os.fsencode(path).replace(b"/", b"\0")


def path_of(key: bytes) -> str:
    return os.fsdecode(key.replace(b"\0", b"/"))


def unpacked(packed: str) -> Iterator[Name]:
    """The names of a page, each checked when it comes. Raises Refused."""
    try:
        text = base64.b64decode(packed, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refused("it is no base64", "no es base64") from error
    for row in _rows(text):
        yield _name(row)


def _rows(packed: bytes) -> Iterator[bytes]:
    """Lines, never more of them at once than a little: what is packed small may be large."""
    unpacking = zlib.decompressobj(_GZIP)
    rest = b""
    left = packed
    try:
        while not unpacking.eof:
            rest += unpacking.decompress(left, _AT_ONCE)
            left = unpacking.unconsumed_tail
            *rows, rest = rest.split(b"\n")
            yield from rows
            if len(rest) > _LONGEST_ROW:
                raise Refused("a row is longer than a name can be", "una fila es más larga que cualquier nombre")
            if not left and not unpacking.eof:
                raise Refused("it ends too early", "termina antes de tiempo")
    except zlib.error as error:
        raise Refused("it can't be unpacked", "no se puede descomprimir") from error
    if rest or unpacking.unused_data:
        raise Refused("something follows its end", "algo sigue después de su final")


def _name(row: bytes) -> Name:
    if len(row) > _LONGEST_ROW:
        raise Refused("a row is longer than a name can be", "una fila es más larga que cualquier nombre")
    try:
        found: Any = json.loads(row)
    except (ValueError, RecursionError) as error:
        raise Refused("a row is no JSON", "una fila no es JSON") from error
    if not (isinstance(found, list) and len(found) == 4 and isinstance(found[0], str) and found[1] in KINDS):
        raise Refused("a row is no name with kind, size and time", "una fila no es un nombre con tipo, tamaño y fecha")
    path, kind, size, modified = found
    if not result.is_number(size) or isinstance(modified, bool) or not isinstance(modified, int) or abs(modified) > result.LARGEST:
        raise Refused("a size or a time is none", "un tamaño o una fecha no lo es")
    if kind == "d" and (size or modified):
        raise Refused("a folder has no size and no time here", "una carpeta no lleva aquí tamaño ni fecha")
    try:
        key = key_of(path)
    except UnicodeError as error:
        raise Refused("a name has characters that are none", "un nombre tiene caracteres que no existen") from error
    parts = key.split(b"\0")
    if len(key) > LONGEST_PATH or "\0" in path or parts[0] or len(parts) < 2 or any(part in (b"", b".", b"..") for part in parts[1:]):
        raise Refused("a name is no path of a file", "un nombre no es una ruta de archivo")
    return Name(key, kind, size, modified)
