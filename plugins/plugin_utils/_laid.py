# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text as a terminal of so many columns takes it: a line that is too long goes on below, between words and further in; the rows of a table all at the same
column. What is no terminal gets the text as it is.
"""

from __future__ import annotations

import fcntl
import itertools
import re
import shlex
import struct
import termios
from collections.abc import Iterator, Sequence

from ._bitacora.view import width_of

_IN = 4                                     # how much further in the rest of a line stands
_GAP = re.compile(r"(?<=\S)( {2,})(?=\S)")   # between the fields of a row
_NUMBER = re.compile(r" *\d+\. +(?=\S)")
_RULE = frozenset("─-=*_")
_PROMPT = "$ "                              # before a command that is to be copied
_SHELL_WORDS = re.compile(r"""(?:'[^']*'|"[^"]*"|\\.|[^\s'"\\]|['"])+""")


def columns_of(descriptor: int) -> int:
    """How many columns the terminal has; 0 where it is none, or does not say."""
    try:
        return int(struct.unpack("HHHH", fcntl.ioctl(descriptor, termios.TIOCGWINSZ, bytes(8)))[1])
    except OSError:
        return 0


def text(told: str, width: int) -> str:
    """The lines of a text, each within `width` columns but for a word that is longer than that; 0 for any length."""
    if width <= 0:
        return told
    made: list[str] = []
    for is_row, group in itertools.groupby(told.split("\n"), lambda line: len(_GAP.findall(line)) > 1):
        lines = list(group)
        too_long = any(width_of(line) > width for line in lines)
        columns = _columns(lines) if is_row and too_long and len(lines) > 1 else []
        for line in lines:
            made += _row(line, columns, width) if len(columns) > 2 else _folded(line, width)
    return "\n".join(made)


def command(words: Sequence[str], width: int, before: str) -> str:
    """A command behind what is said of it; on several lines each but the last ends as a shell wants it, so that it can be copied."""
    return "\n".join(_continued(before, list(map(shlex.quote, words)), " " * _IN, width))


def _continued(before: str, words: Sequence[str], further: str, width: int) -> list[str]:
    lines = [f"{before} {words[0]}"]
    for word in words[1:]:
        if width <= 0 or width_of(f"{lines[-1]} {word} \\") <= width:
            lines[-1] += f" {word}"
        else:
            lines[-1] += " \\"
            lines.append(further + word)
    return lines


def _folded(line: str, width: int) -> list[str]:
    if width_of(line) <= width:
        return [line]
    inner = line.strip(" ")
    if len(inner) > 3 and inner[0] in _RULE and set(inner) == {inner[0]}:
        return [line[:width]]
    number = _NUMBER.match(line)
    further = len(number[0]) if number else len(line) - len(line.lstrip(" ")) + _IN
    further = further if further <= width // 2 else _IN
    begin = " " * (len(line) - len(line.lstrip(" ")))
    if inner.startswith(_PROMPT):
        return _continued(begin + _PROMPT.strip(), _SHELL_WORDS.findall(inner[len(_PROMPT):]), " " * further, width)
    made: list[str] = []
    for between, piece in _pieces(inner, width):
        if made and width_of(made[-1] + between + piece) <= width:
            made[-1] += between + piece
        else:
            made.append((" " * further if made else begin) + piece)
    return made


def _pieces(inner: str, width: int) -> Iterator[tuple[str, str]]:
    """What stays together, each behind what is between it and the one before: a word, or a short field of a row."""
    fields = _GAP.split(inner)
    for place in range(0, len(fields), 2):
        between = fields[place - 1] if place else ""
        whole = len(fields) > 1 and width_of(fields[place]) <= width // 3
        for word in [fields[place]] if whole else fields[place].split(" "):
            yield between, word
            between = " "


def _cells(line: str) -> list[str]:
    """What stands at each column of the terminal; nothing in the second one of a wide letter."""
    made: list[str] = []
    for letter in line:
        wide = width_of(letter)
        if not wide and made:
            made[-1] += letter
        else:
            made += [letter, *[""] * (wide - 1)]
    return made


def _columns(lines: Sequence[str]) -> list[tuple[int, int]]:
    """Where each column of a table begins and ends: between them two blanks or more, in every row."""
    rows = [_cells(line.rstrip(" ")) for line in lines]
    length = max(map(len, rows))
    blank = "".join(" " if all(at >= len(row) or row[at] == " " for row in rows) else "x" for at in range(length))
    return [found.span() for found in re.finditer(r"x(?: ?x)*", blank)]


def _row(line: str, columns: Sequence[tuple[int, int]], width: int) -> list[str]:
    """One row of a table, its columns on as many lines as they need, as those of all others."""
    cells, made = _cells(line), []
    indent, groups = columns[0][0], [[columns[0]]]
    for column in columns[1:]:
        room = width - indent - (_IN if len(groups) > 1 else 0)
        if column[1] - groups[-1][0][0] > room:
            groups.append([])
        groups[-1].append(column)
    for place, group in enumerate(groups):
        inner = "".join(cells[group[0][0]:group[-1][1]]).rstrip(" ")
        if inner.strip(" "):
            made += _folded(" " * (indent + (_IN if place else 0)) + inner, width)
    return made
