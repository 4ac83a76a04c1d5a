# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody wrote himself of an answer: without what his program quoted, its signature, and what it says of itself.

Outlook quotes all below a block of headers; Gmail, Thunderbird and the iPhone below a line "El … escribió:", behind `>`. Spanish and English.
"""

from __future__ import annotations

import re

_LONGEST, _MOST_LINES = 100_000, 2000
_ATTRIBUTION = re.compile(r"^\W*(?:El|On|Le|Em)\b.{4,400}\b(?:escribi[óo]|wrote|a écrit|escreveu)\s*:\W*$", re.IGNORECASE)
_BEGUN = re.compile(r"^\W*(?:El|On)\s.{0,200}\d", re.IGNORECASE)
_ORIGINAL = re.compile(r"^\W*(?:-{2,}\s*)?(?:Mensaje original|Original Message|Mensaje reenviado|Forwarded message|Inicio del mensaje reenviado|"
                       r"Begin forwarded message)\b\W*$", re.IGNORECASE)
_FROM = re.compile(r"^\W*(?:De|From|Desde)\W*:\W*\S", re.IGNORECASE)
_WITH_FROM = re.compile(r"^\W*(?:Enviado(?: el)?|Sent|Fecha|Date|Para|To|Asunto|Subject)\W*:", re.IGNORECASE)
_LINE = re.compile(r"^\s*_{10,}\s*$|^\s*-{2,3}\s*$")
_PROGRAM = re.compile(r"^\W*(?:Enviado (?:desde|con)|Sent from|Sent with|Obtener Outlook|Get Outlook|Descargar Outlook)\b", re.IGNORECASE)


def own(text: str) -> str:
    """What was written, without what was quoted."""
    lines = [line.rstrip() for line in text[:_LONGEST].replace("\r\n", "\n").replace("\r", "\n").split("\n")[:_MOST_LINES]]
    kept: list[str] = []
    place = 0
    while place < len(lines):
        line = lines[place]
        length = _attribution(lines, place)
        if length:
            place += length
            # behind it `>`: what is written below that is his; else all that follows is quoted
            following = next((each for each in lines[place:] if each.strip()), "")
            if not following.lstrip().startswith(">"):
                break
            continue
        if line.lstrip().startswith(">"):
            place += 1
            continue
        if _ORIGINAL.match(line) or _PROGRAM.match(line) or _LINE.match(line) or _is_header_block(lines, place):
            break
        kept.append(line)
        place += 1
    return "\n".join(kept).strip()


def _attribution(lines: list[str], place: int) -> int:
    """How many lines from here are "El … escribió:", which programs break; 0 when they are none."""
    if not _BEGUN.match(lines[place]):
        return 0
    for length in (1, 2, 3, 4):
        if _ATTRIBUTION.match(" ".join(each.strip() for each in lines[place:place + length])):
            return length
    return 0


def _is_header_block(lines: list[str], place: int) -> bool:
    """Whether "De: …" begins what Outlook writes above what it quotes: other fields of a header follow at once."""
    if not _FROM.match(lines[place]):
        return False
    following = [each for each in lines[place + 1:place + 8] if each.strip()][:3]
    return sum(bool(_WITH_FROM.match(each)) for each in following) >= 2
