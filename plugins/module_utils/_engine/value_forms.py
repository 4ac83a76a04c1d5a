# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forms that values of the `backup` structure have (result.py): what has its form is taken, what has not is BAD.

Each form is a function that never raises, whatever it is given.
"""

from __future__ import annotations

import datetime
import functools
import re
from typing import Any, Callable, Dict, Iterable, List, Mapping

from . import label as labels
from .errors import BackupError

LARGEST = 2 ** 63 - 1
LONGEST_TEXT, _LONGEST_NAME, _LONGEST_WORD, _LONGEST_ROW = 4000, 1000, 128, 1000
_FIRST_YEAR, _LAST_YEAR = 2000, 2099

# Control characters, signs that turn the direction of a text or hide in it, and what has no UTF-8: none may reach a terminal, page or sheet.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e"
                     "\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3"
                     "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_TIME = re.compile("([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})Z")
_DATE = re.compile("([0-9]{4})-([0-9]{2})-([0-9]{2})")
_SHA256 = re.compile("[0-9a-f]{64}")
_HEX = re.compile("[0-9A-Fa-f]{4,128}")
_WORD = re.compile("[A-Za-z0-9_][A-Za-z0-9_.+-]*")

BAD = object()     # what has not its form


def seen(text: str) -> str:
    """A text without what is not seen: each such character becomes a space, a lone surrogate a question mark."""
    return text if text.isprintable() else _UNSEEN.sub(" ", _SURROGATE.sub("?", text))


def length(value: Any) -> int:
    """About how many characters a value of a clean structure, or the structure, takes in the bitácora."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, list):
        return sum(map(length, value))
    return sum(map(length, value.values())) + 24 * len(value) if isinstance(value, dict) else 20


def text(value: Any) -> Any:
    return seen(str(value[:LONGEST_TEXT])) if isinstance(value, str) else BAD


def row(value: Any) -> Any:
    return seen(str(value[:_LONGEST_ROW])) if isinstance(value, str) else BAD


def name(value: Any) -> Any:
    """One line that says who or which: it is not mended, since a mended name may be another's."""
    if not isinstance(value, str) or len(value) > _LONGEST_NAME or (not value.isprintable() and (_UNSEEN.search(value) or _SURROGATE.search(value))):
        return BAD
    return str(value)


def _matching(pattern: Any, value: Any) -> Any:
    return str(value) if isinstance(value, str) and len(value) <= _LONGEST_WORD and pattern.fullmatch(value) else BAD


def word(value: Any) -> Any:
    return "" if isinstance(value, str) and not value else _matching(_WORD, value)


def one_of(words: Iterable[str]) -> Callable[[Any], Any]:
    known = {each: each for each in words}
    return lambda value: known.get(value, BAD) if isinstance(value, str) else BAD


@functools.lru_cache(maxsize=4096)
def _parsed(text: str) -> Any:
    try:
        return labels.parse(text)
    except BackupError:
        return None


def label(value: Any) -> Any:
    parsed = _parsed(str(value)) if isinstance(value, str) and len(value) <= _LONGEST_WORD else None
    return parsed.name if parsed and parsed.name == value else BAD


def printed_label(value: Any) -> Any:
    parsed = _parsed(str(value)) if isinstance(value, str) and len(value) <= _LONGEST_WORD else None
    return parsed.printed if parsed and parsed.printed == value else BAD


def time(value: Any) -> Any:
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    if not found or not _FIRST_YEAR <= int(found.group(1)) <= _LAST_YEAR:
        return BAD
    try:
        year, month, day, hour, minute, second = map(int, found.groups())
        datetime.datetime(year, month, day, hour, minute, second)
    except ValueError:
        return BAD
    return str(value)


def date(value: Any) -> Any:
    found = _DATE.fullmatch(value) if isinstance(value, str) else None
    if not found or not 1900 <= int(found.group(1)) <= 2999:
        return BAD
    try:
        year, month, day = map(int, found.groups())
        datetime.date(year, month, day)
    except ValueError:
        return BAD
    return str(value)


def number(value: Any) -> Any:
    return int(value) if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST else BAD


def flag(value: Any) -> Any:
    return value if isinstance(value, bool) else BAD


def part(value: Any) -> Any:
    """A file of a copy: its name, size and digest, and nothing else."""
    if not isinstance(value, Mapping):
        return BAD
    taken = {"name": row(value.get("name")), "size": number(value.get("size")), "sha256": _matching(_SHA256, value.get("sha256"))}
    return BAD if any(each is BAD for each in taken.values()) else taken


FORMS: Dict[str, Callable[[Any], Any]] = {
    "label": label, "printed_label": printed_label, "name": name, "word": word, "text": text, "time": time, "date": date,
    "number": number, "flag": flag, "digest": functools.partial(_matching, _SHA256), "hexadecimal": functools.partial(_matching, _HEX),
}
LISTS: Dict[str, Callable[[Any], Any]] = {"numbers": number, "names": name, "rows": row, "parts": part}


def names_in(text: str) -> List[str]:
    """The names of a text, with commas or line ends between: as people write a list of one."""
    return [word.strip() for word in re.split(r"[,\n]", text) if word.strip()]
