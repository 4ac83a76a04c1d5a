# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forms of the values in a server's answer: each gives the value in its form, bounded and fit for a terminal, or raises Odd."""

from __future__ import annotations

import math
import re
import typing as t
from collections.abc import Callable, Mapping

from ..module_utils._engine import result

# An honest answer that lists 50,000 copies has some 16 MB.
LARGEST_ANSWER = 64 << 20
_LONGEST_TEXT, _LONGEST_LINES = 4000, 65536
_DEEPEST, _MOST_VALUES, _MOST_ROWS = 12, 1000000, 100000

_PACKED = re.compile(r"[A-Za-z0-9+/]*={0,2}")


class Odd(Exception):
    """A value that has not its form; says which it should have."""


def line(value: t.Any, most: int = _LONGEST_TEXT) -> str:
    """Any value as one line that is safe on a terminal, in a log and in an entry. Never raises."""
    return str(result.seen(value[:most])) if isinstance(value, str) else result.shown(value, most)


def lines(value: t.Any, most: int = _LONGEST_LINES) -> str:
    """A text of several lines without what is not seen. Never raises."""
    return "\n".join(map(result.seen, value[:most].split("\n"))) if isinstance(value, str) else line(value, most)


def plain(value: t.Any) -> t.Any:
    """Tables, lists, texts, numbers of an answer, so deep and so many and no more. Raises Odd."""
    return _plain(value, 0, [_MOST_VALUES])


def _plain(value: t.Any, depth: int, left: list[int]) -> t.Any:
    left[0] -= 1
    if depth > _DEEPEST or left[0] < 0:
        raise Odd("less, and less deep")
    if isinstance(value, Mapping):
        return {line(name, 255): _plain(each, depth + 1, left) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each, depth + 1, left) for each in value]
    if isinstance(value, str):
        return lines(value, _LONGEST_TEXT)
    if value is None or isinstance(value, bool) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, int) and abs(value) <= result.LARGEST:
        return int(value)
    raise Odd("a number that can be")


def flag(value: t.Any) -> bool:
    if not isinstance(value, bool):
        raise Odd("true or false")
    return value


def count(value: t.Any) -> int:
    if not result.is_number(value):
        raise Odd("a number from 0")
    return int(value)


def text(value: t.Any) -> str:
    if not isinstance(value, str):
        raise Odd("a text")
    return line(value)


def packed(value: t.Any) -> str:
    """Bytes as base64, as many as an answer may have; whoever unpacks them judges them."""
    if not isinstance(value, str) or not _PACKED.fullmatch(value):
        raise Odd("packed bytes")
    return str(value)


def table(value: t.Any) -> dict[str, t.Any]:
    if not isinstance(value, Mapping):
        raise Odd("a table")
    return t.cast("dict[str, t.Any]", plain(value))


def listed(value: t.Any) -> list[t.Any]:
    if not isinstance(value, (list, tuple)) or len(value) > _MOST_ROWS:
        raise Odd("a list")
    return list(value)


def texts(value: t.Any) -> list[str]:
    return [text(row) for row in listed(value)]


def matching(pattern: re.Pattern[str]) -> Callable[[t.Any], str]:
    def form(value: t.Any) -> str:
        if not isinstance(value, str) or not (value == "" or pattern.match(value)):
            raise Odd("a digest")
        return str(value)
    return form


def of_each(form: Callable[[t.Any], t.Any]) -> Callable[[t.Any], list[t.Any]]:
    """A list of which each row has this form."""
    return lambda value: [form(row) for row in listed(value)]


def rows(**of_key: Callable[[t.Any], t.Any]) -> Callable[[t.Any], list[dict[str, t.Any]]]:
    """A list of tables with these keys; one that begins with `any_` may be absent."""
    def form(value: t.Any) -> list[dict[str, t.Any]]:
        found = []
        for row in listed(value):
            if not isinstance(row, Mapping):
                raise Odd("tables")
            kept = {}
            for name, of in of_key.items():
                key = name.removeprefix("any_")
                if key in row:
                    kept[key] = of(row[key])
                elif key == name:
                    raise Odd("its key " + key)
            found.append(kept)
        return found
    return form


def staged(value: t.Any) -> dict[str, dict[str, t.Any]]:
    """What was sent to a container and waits for the commit; the names are judged by who commits them."""
    if not isinstance(value, Mapping) or len(value) > _MOST_ROWS:
        raise Odd("a table")
    return {str(name): {key: file.get(key) for key in ("size", "sha256", "ids")} if isinstance(file, Mapping) else {} for name, file in value.items()}


def sealed(value: t.Any) -> dict[str, str]:
    """By medium what it noted of a sealed copy: a text that only the medium's own code reads, and judges."""
    if not isinstance(value, Mapping) or any(not isinstance(note, str) for note in value.values()):
        raise Odd("a table of texts")
    return {str(name): str(note) for name, note in value.items()}


def difference(value: t.Any) -> t.Any:
    if isinstance(value, (list, tuple)):
        return [difference(row) for row in listed(value)[:1000]]
    if not isinstance(value, Mapping):
        raise Odd("a table")
    return {name: lines(value[name]) for name in ("before_header", "after_header", "before", "after") if name in value}
