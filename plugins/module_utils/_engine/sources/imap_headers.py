# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sender and the subject of a mail as people read them (RFC 2047), out of bytes that anybody may have written: nothing in them is an error."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import quopri
import re
import unicodedata
from typing import Dict, List, Sequence, Tuple

from ..filesystem import descriptors

SEARCHED = ("from", "sender", "subject")
_IDENTITY = ("message-id", "from", "date", "subject")
LARGEST = 1 << 18          # bytes of headers that are looked at
_LONGEST = 1 << 14          # bytes of one
_FIELD = re.compile(rb"([!-9;-~]{1,40})[ \t]*:")
_WORD = re.compile(r"=\?([^?\s*]{1,40})(?:\*[^?\s]{0,40})?\?([bBqQ])\?([^?]*)\?=")
_BETWEEN = re.compile(r"\?=[ \t]+=\?")


def beginning(folder: int, path: str) -> bytes:
    """The first bytes of a mail's file below a folder that is held. Raises OSError."""
    part, _slash, name = path.partition("/")
    inner = descriptors.enter(folder, part)
    try:
        held = descriptors.regular(name, inner)
    finally:
        os.close(inner)
    with os.fdopen(held, "rb") as file:
        return file.read(LARGEST)


def identity(begun: bytes) -> bytes:
    """By what a mail that begins so is known where a server wrote its bytes anew: its Message-ID, else who sent it, when and about what; hashed."""
    found = fields(begun, _IDENTITY)
    told = found.get(_IDENTITY[0]) or "\0".join(found.get(name, "") for name in _IDENTITY[1:])
    return hashlib.sha256(told.encode("utf-8", "surrogateescape")).digest()


def fields(begun: bytes, names: Sequence[str] = SEARCHED) -> Dict[str, str]:
    """The fields that are searched, folded, of a mail that begins so; what stands there more than once counts each time."""
    found: Dict[str, str] = {}
    for name, value in _unfolded(begun, names):
        found[name] = " ".join(filter(None, (found.get(name), folded(decoded(_text(value))))))
    return found


def _unfolded(begun: bytes, names: Sequence[str]) -> List[Tuple[str, bytes]]:
    found: List[Tuple[str, bytes]] = []
    wanted = False
    for line in begun.split(b"\n"):
        line = line.rstrip(b"\r")
        if not line:
            break
        if line[:1] in (b" ", b"\t"):
            if wanted:
                name, value = found[-1]
                found[-1] = name, (value + b" " + line.strip())[:_LONGEST]
            continue
        match = _FIELD.match(line)
        name = match[1].decode("ascii").lower() if match else ""
        wanted = match is not None and name in names
        if match and wanted:
            found.append((name, line[match.end():].strip()[:_LONGEST]))
    return found


def _text(value: bytes) -> str:
    """Eight bits in a header are no standard's: UTF-8 where they can be, else Latin 1."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def decoded(text: str) -> str:
    """A header with its encoded words as what they say. Words of one charset beside each other are put together first: senders cut characters in two."""
    text = _BETWEEN.sub("?==?", text)
    told: List[str] = []
    end, charset, run = 0, "", b""
    for match in _WORD.finditer(text):
        plain = text[end:match.start()]
        if plain or match[1].lower() != charset:
            told += [_said(run, charset), plain]
            charset, run = match[1].lower(), b""
        run += _bytes(match[2], match[3])
        end = match.end()
    return "".join([*told, _said(run, charset), text[end:]])


def _bytes(coding: str, text: str) -> bytes:
    raw = text.encode("utf-8", "replace")
    if coding in "qQ":
        return quopri.decodestring(raw.replace(b"_", b"=20"))
    try:
        return base64.b64decode(raw + b"=" * (-len(raw) % 4))
    except binascii.Error:
        return raw


def _said(run: bytes, charset: str) -> str:
    try:
        return run.decode(charset or "ascii", "replace")
    except (LookupError, ValueError):      # no charset that is known; UnicodeError is a ValueError
        return run.decode("latin-1")


def folded(text: str) -> str:
    """A text without accents and capitals, with one blank between words: nobody remembers how it was written."""
    plain = "".join(each for each in unicodedata.normalize("NFKD", text) if not unicodedata.combining(each))
    return " ".join(plain.casefold().split())
