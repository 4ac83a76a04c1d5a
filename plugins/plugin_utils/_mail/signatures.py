# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who signed a PDF, as the file itself tells it: kept beside its digest, never proved here (FIRMA PERÚ has a validator of its own)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...module_utils._engine.value_forms import seen

_MOST_SIGNATURES, _MOST_NAMES, _LONGEST = 20, 6, 120
_AROUND = 4096      # bytes around a /ByteRange in which its dictionary's /Name stands
_BYTE_RANGE = re.compile(rb"/ByteRange\s*\[")
_NAME = re.compile(rb"/Name\s*(?:\(((?:[^()\\]|\\.){1,400})\)|<([0-9A-Fa-f\s]{2,1600})>)", re.DOTALL)
_CONTENTS = re.compile(rb"/Contents\s*<([0-9A-Fa-f\s]{64,200000})>")
_COMMON_NAME = bytes.fromhex("0603550403")      # OID 2.5.4.3, as certificates have it
_STRINGS = {0x0C: "utf-8", 0x13: "ascii", 0x14: "latin-1", 0x16: "ascii", 0x1E: "utf-16-be"}


def of_pdf(content: bytes) -> tuple[bool, tuple[str, ...]]:
    """Whether a file is a PDF that carries a signature, and the names that it tells: of each signature its own, else those in its certificates."""
    if b"%PDF-" not in content[:1024]:
        return False, ()
    places = [found.start() for found, _count in zip(_BYTE_RANGE.finditer(content), range(_MOST_SIGNATURES))]
    names: dict[str, None] = {}
    for place in places:
        around = content[max(0, place - _AROUND):place + _AROUND]
        told = [_string(found[1], found[2]) for found in _NAME.finditer(around)]
        names.update(dict.fromkeys(filter(None, told)))
    if places and not names:
        for found, _count in zip(_CONTENTS.finditer(content), range(_MOST_SIGNATURES)):
            names.update(dict.fromkeys(_of_certificates(_hexadecimal(found[1]))))
    return bool(places), tuple(names)[:_MOST_NAMES]


def _string(literal: bytes | None, hexadecimal: bytes | None) -> str:
    raw = re.sub(rb"\\(.)", rb"\1", literal, flags=re.DOTALL) if literal is not None else _hexadecimal(hexadecimal or b"")
    return _line(raw[2:].decode("utf-16-be", "replace") if raw.startswith(b"\xfe\xff") else raw.decode("latin-1"))


def _of_certificates(signature: bytes) -> Iterator[str]:
    at = signature.find(_COMMON_NAME)
    while at >= 0:
        value = signature[at + len(_COMMON_NAME):]
        if len(value) > 2 and value[0] in _STRINGS and value[1] < 0x80:
            told = _line(value[2:2 + value[1]].decode(_STRINGS[value[0]], "replace"))
            if told:
                yield told
        at = signature.find(_COMMON_NAME, at + 1)


def _hexadecimal(told: bytes) -> bytes:
    digits = b"".join(told.split())
    return bytes.fromhex(digits[:len(digits) // 2 * 2].decode("ascii"))


def _line(told: str) -> str:
    return " ".join(seen(told).split())[:_LONGEST]
