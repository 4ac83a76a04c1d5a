# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue of remarks: what a person should know of a copy that is good, in English for the terminal and in Spanish for the bitácora.

A remark is a key of the catalogue and its parameters. It is the English text too (a str), so that whoever prints it needs to know nothing of this.
A server sends the key and the parameters alone (`table`); the controller makes the texts of them (`of_table`), so that no free text of a server
reaches an entry. A parameter is a text, a number, another remark, an error of the catalogue, or a list of these. Keys are never reused for another
meaning. The rows stand in faults/remarks.py and faults/remarks_databases.py.
"""

from __future__ import annotations

import string
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Tuple

from . import spanish
from .errors import CATALOGUE as FAULTS
from .errors import BackupError, InBoth, hide
from .faults import remarks as files
from .faults import remarks_databases as databases

LONGEST = 1000       # characters of a remark, as of every row of an entry
_LONGEST_VALUE, _MOST_VALUES, _DEEPEST, _MOST_DETAILS = 900, 50, 3, 12
_LARGEST = 2 ** 63 - 1


class Row(NamedTuple):
    """One row of the catalogue, in this order. `told`: data is missing or somebody has something to do, so that warnings by mail tell it too."""

    key: str
    told: bool
    english: str
    spanish: str


CATALOGUE: Dict[str, Row] = {row[0]: Row(*row) for row in (*files.ROWS, *databases.ROWS)}


def names_in(template: str) -> Tuple[str, ...]:
    """The parameters of a template."""
    return tuple(sorted({name for _text, name, _form, _conversion in string.Formatter().parse(template) if name}))


class Remark(str):
    """A remark with its parameters; as a text it is the English one."""

    key: str
    parameters: Mapping[str, Any]

    def __new__(cls, key: str, **parameters: Any) -> "Remark":
        """Raises KeyError for a key that is none and for parameters that are not the row's: a mistake of the caller's code."""
        row = CATALOGUE[key]
        if tuple(sorted(parameters)) != names_in(row.english):
            raise KeyError("{0} takes {1}, not {2}".format(key, ", ".join(names_in(row.english)), ", ".join(sorted(parameters))))
        made = super().__new__(cls, _cut(row.english.format_map({name: _english(value) for name, value in parameters.items()})))
        made.key, made.parameters = key, parameters
        return made

    @property
    def spanish(self) -> str:
        """The Spanish text: a whole sentence, or the part of one where a remark is a parameter of another."""
        return _cut(CATALOGUE[self.key].spanish.format_map({name: _spanish(name, value) for name, value in self.parameters.items()}))

    @property
    def in_both(self) -> str:
        """All of it in one text, Spanish first, as the errors': for the terminal and the logs of AWX and Semaphore, which staff read."""
        return "{0} [{1}]".format(self.spanish, self)

    def table(self) -> Dict[str, Any]:
        """What a server sends of it."""
        return {"key": self.key, "with": {name: _sent(value) for name, value in self.parameters.items()}}


def of_table(found: Any, depth: int = 0) -> Optional[Remark]:
    """The remark that a server sent; None for what is none, has an unknown key, or other parameters than its row. Never raises."""
    if not isinstance(found, Mapping) or set(found) != {"key", "with"}:
        return None
    key, sent = found["key"], found["with"]
    if not isinstance(key, str) or key not in CATALOGUE or not isinstance(sent, Mapping) or depth > _DEEPEST:
        return None
    if set(sent) != set(names_in(CATALOGUE[key].english)):
        return None
    values = {name: _taken(value, depth) for name, value in sent.items()}
    return None if any(value is None for value in values.values()) else Remark(key, **values)


def sent(remarks: Iterable[Remark]) -> List[Dict[str, Any]]:
    """What a module answers of its remarks."""
    return [remark.table() for remark in remarks]


def fields(remarks: Iterable[Remark]) -> Dict[str, Any]:
    """The fields of the `backup` structure that tell them: English, Spanish and, of those that people are told of, the keys."""
    rows = list(remarks)
    if not rows:
        return {}
    told = {"warnings": [str(row) for row in rows], "warnings_es": [row.spanish for row in rows]}
    keys = sorted({row.key for row in rows if CATALOGUE[row.key].told})
    return {**told, "warning_keys": keys} if keys else told


def _english(value: Any) -> str:
    if isinstance(value, BackupError):
        return value.message
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_english, value))
    return str(hide(value))


def _spanish(name: str, value: Any) -> str:
    if isinstance(value, BackupError):
        return "{0}: {1}".format(value.code, value.spanish).rstrip(".")
    if isinstance(value, (Remark, InBoth)):
        return value.spanish.rstrip(".")
    if isinstance(value, (list, tuple)):
        return ", ".join(_spanish(name, each) for each in value)
    return str(spanish.of_detail(hide(value))) if name == "detail" else str(spanish.of_word(hide(value)))


def _sent(value: Any) -> Any:
    if isinstance(value, Remark):
        return value.table()
    if isinstance(value, BackupError):
        kept = {name: _sent(detail) if isinstance(detail, Remark) else _plain(detail) for name, detail in value.details.items()}
        return {"fault": value.fault.name, "with": {name: kept[name] for name in list(kept)[:_MOST_DETAILS]}}
    if isinstance(value, (list, tuple)):
        return [_sent(each) for each in value[:_MOST_VALUES]]
    return _plain(value)


def _plain(value: Any) -> Any:
    return value if isinstance(value, int) and not isinstance(value, bool) else str(value)[:_LONGEST_VALUE]


def _taken(value: Any, depth: int) -> Any:
    """A parameter that a server sent, in its form and length; None for what has none."""
    if isinstance(value, str):
        return _seen(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _LARGEST:
        return value
    if isinstance(value, (list, tuple)) and len(value) <= _MOST_VALUES and depth <= _DEEPEST:
        rows = [_taken(each, depth + 1) for each in value]
        return None if any(row is None for row in rows) else rows
    if isinstance(value, Mapping) and set(value) == {"fault", "with"}:
        return _fault(value["fault"], value["with"])
    return of_table(value, depth + 1)


def _fault(name: Any, details: Any) -> Optional[BackupError]:
    if not isinstance(name, str) or name not in FAULTS or not isinstance(details, Mapping) or len(details) > _MOST_DETAILS:
        return None
    known = {place for text in (FAULTS[name].english, FAULTS[name].spanish) for place in names_in(text)}
    kept = {place: _taken(value, _DEEPEST) for place, value in details.items() if place in known}
    return None if any(value is None for value in kept.values()) else BackupError(name, **kept)


def _seen(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text[:_LONGEST_VALUE])


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[:LONGEST - 1] + "…"
