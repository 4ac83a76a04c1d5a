# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The word by which somebody takes a step in an answer: CONFORME, NO CONFORME and the like, alone at the head of what he wrote. Pure.

Nothing is guessed: what is not such a word, or is one and another, or one with reserves, is for a person.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

# What may stand around a line, quotes of both kinds and dashes among it.
_AROUND = " \t*_\"'\u00ab\u00bb\u201c\u201d#-\u2013\u2014.\u00a1!"
_LOOKED_AT = 3      # lines that say something
_GREETING = re.compile(r"^(?:estimad|hola|buen[oa]s|senor|sr\b|sra\b|srta\b|doctor|dr\b|dra\b|ing\b|lic\b|querid|atencion|de mi consideracion|presente\b)")
_POLITE = re.compile(r"^[\s.,;:!]*(?:(?:y\s+)?(?:muchas\s+)?gracias|saludos(?:\s+cordiales)?|atentamente|todo\s+(?:bien|correcto|en\s+orden))?[\s.,;:!]*$")
_RESERVES = re.compile(r"\b(?:no|pero|falta\w*|excepto|salvo|aunque|sin embargo|incomplet\w*|error\w*|observ\w*|menos|todavia|aun)\b")
_DENIED = re.compile(r"\bno\b[^.\n]{0,25}\bconform")

# The steps that a word takes, the denials before what they deny.
_WORDS = (
    ("object", re.compile(r"^no\s+(?:estoy\s+)?conforme\b")),
    ("conform", re.compile(r"^(?:estoy\s+)?conforme\b|^doy\s+(?:mi\s+)?conformidad\b")),
    ("reject", re.compile(r"^no\s+(?:se\s+)?autoriz(?:o|ado|ada|a)\b|^rechaz(?:o|ado|ada)\b")),
    ("authorise", re.compile(r"^(?:se\s+)?autoriz(?:o|ado|ada|a)\b")),
    ("endorse", re.compile(r"^(?:doy\s+(?:mi\s+)?)?visto\s+bueno\b|^v\s*[.°º]?\s*b\s*[.°º]?(?!\w)")),
    ("withdraw", re.compile(r"^retir(?:o|ar|ada)\b")),
)


class Said(NamedTuple):
    """The step that an answer takes, "" for none that is clear; the reason that it gives; and why it is not clear, in Spanish."""

    step: str
    reason: str = ""
    why: str = ""


def said(texts: Iterable[str]) -> Said:
    """What the texts of one answer say, the plain one and that of the HTML: they must agree."""
    found = [_of_one(text) for text in texts if text.strip()]
    if not found:
        return Said("", why="no dice nada por encima de lo citado")
    if len({each.step for each in found}) > 1:
        return Said("", why="su texto y su HTML dicen cosas distintas")
    return found[0]


def _of_one(text: str) -> Said:
    lines = [line for line in (each.strip(_AROUND) for each in text.split("\n")) if line]
    while lines and _GREETING.match(folded(lines[0])):
        lines = lines[1:]
    head = lines[:_LOOKED_AT]
    taken = [(step, rest) for step, rest in map(_word, head) if step]
    steps = {step for step, _rest in taken}
    if not steps:
        return Said("", why="no comienza con una palabra de las que dan un paso (CONFORME, NO CONFORME …)")
    if len(steps) > 1:
        return Said("", why="dice a la vez " + " y ".join(sorted(steps)))
    if not _word(head[0])[0]:
        return Said("", why="la palabra no está al comienzo")
    step, rest = taken[0]
    if step in ("conform", "authorise", "endorse"):
        if not _POLITE.match(folded(rest)) or _RESERVES.search(folded(" ".join(head[1:]))) or _DENIED.search(folded("\n".join(lines))):
            return Said("", why="dice la palabra con reservas")
        return Said(step)
    reason = ". ".join(filter(None, [rest.strip(" \t.,;:"), *lines[1:8]]))
    return Said(step, reason[:500])


def _word(line: str) -> tuple[str, str]:
    told = folded(line)
    for step, pattern in _WORDS:
        found = pattern.match(told)
        if found:
            return step, line[found.end():]
    return "", ""


def folded(text: str) -> str:
    """Small letters without accents; as many as there were."""
    return "".join((unicodedata.normalize("NFD", letter)[:1] or letter).lower()[:1] for letter in text)
