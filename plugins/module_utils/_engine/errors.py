# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one catalogue of errors: stable code, English for operators of Ansible, Spanish for the bitácora.

Its rows stand in faults/, by the ranges of their codes: 1xx input, policy and labels, 2xx sources, 3xx the pipeline and its tools
(making.py), of them 130 to 155 mailboxes (mailboxes.py);
4xx media (media.py), of them 459 to 464 forges (forges.py), 428 and 465 to 468 restic's repositories (keys.py); 5xx verification, 6xx restore
(proving.py); 7xx the bitácora, 8xx keys and custody, 9xx reports and warnings (records.py), of them 750 to 779 requests (requests.py),
740, 741, 743 to 749, 776 to 784 and 790 the schedule, commands around copies and what a check finds (schedules.py), 484 to 489, 785 and 791 to 799 the worst
day (recovering.py).
A code is never reused for another meaning. A module carries all of them to its server, each file for about a kilobyte, so they are few.
"""

from __future__ import annotations

import re
from typing import Any, Dict, NamedTuple, Optional, Tuple

from . import spanish
from .faults import causes, forges, keys, mailboxes, making, media, proving, records, recovering, requests, schedules


class Fault(NamedTuple):
    """One row of the catalogue, in this order; the texts are templates filled with the details of the error."""

    code: str
    name: str
    english: str
    hint: str
    spanish: str
    remedy: str


class Cause(NamedTuple):
    """A cause that shares an error with others, and its own remedy; see faults/causes.py."""

    fault: str
    pattern: str
    cause: str
    hint: str
    remedy: str


_FAULTS = tuple(Fault(*row) for row in (
    *making.ROWS, *mailboxes.ROWS, *media.ROWS, *forges.ROWS, *keys.ROWS, *proving.ROWS, *records.ROWS, *recovering.ROWS, *requests.ROWS, *schedules.ROWS))

CATALOGUE: Dict[str, Fault] = {fault.name: fault for fault in _FAULTS}


CAUSES = tuple(Cause(*row) for row in causes.ROWS)

# What an address may hold that opens a door: the signature of a SAS, and who goes through a proxy.
_SIGNATURE = re.compile(r"(?i)\b(sig|accountkey|sharedaccesssignature)(=|%3D)[^&\s\"'<>\\]+")
_LOGIN = re.compile(r"(?i)\b(https?|socks5h?|sftp)://[^\s/\"']*@")


def hide(text: Any) -> Any:
    """A text without the secrets that an address in it may hold; what is no text is left as it is. The one door that all errors pass."""
    if not isinstance(text, str) or hasattr(text, "spanish"):     # a remark has hidden it already
        return text
    return _LOGIN.sub(r"\1://(hidden)@", _SIGNATURE.sub(r"\1\2(hidden)", text))


# What says of an empty value already that it is none.
_TELLS_SO = re.compile("falta|est. vac")


class InBoth(str):
    """A detail that is put together of several: its English, and its Spanish beside."""

    spanish = ""


def in_both(english: str, in_spanish: str) -> InBoth:
    """A detail with its Spanish; of both what an address in it may hold is hidden."""
    found = InBoth(hide(english))
    found.spanish = hide(in_spanish)
    return found


class _Details(dict):
    """Details of an error; a detail that was not given shows as its own name rather than failing the report."""

    def __missing__(self, key: str) -> str:
        return "<" + key + ">"


def _in_spanish(name: str, value: Any) -> Any:
    if isinstance(value, InBoth):
        return value.spanish
    if hasattr(value, "spanish"):     # a remark
        return value.spanish.rstrip(".")
    return spanish.of_detail(value) if name in ("detail", "problem", "what", "step", "why") else spanish.of_word(value)


class BackupError(Exception):
    """An error of the catalogue with the details of this case. `fault` is its name in the catalogue."""

    problems: Tuple[Any, ...] = ()     # of one that tells several mistakes, each by itself (schema.Problem)

    def __init__(self, fault: str, **details: Any) -> None:
        self.fault = CATALOGUE[fault]
        self.details = _Details({name: hide(value) for name, value in details.items()})
        super().__init__(self.message)

    @property
    def code(self) -> str:
        return self.fault.code

    @property
    def message(self) -> str:
        """What is wrong and where, in English."""
        return self.fault.english.format_map(self.details)

    @property
    def cause(self) -> Optional[Cause]:
        """The cause that the detail tells, where its remedy is another than that of the error."""
        detail = str(self.details.get("detail") or "")
        return next((row for row in CAUSES if detail and row.fault == self.fault.name and re.search(row.pattern, detail)), None)

    @property
    def hint(self) -> str:
        """What to do about it, in English."""
        return (self.cause or self.fault).hint.format_map(self.details)

    @property
    def spanish(self) -> str:
        """What is wrong and where, in Spanish: this text goes into the bitácora."""
        told = _Details({name: _in_spanish(name, value) for name, value in self.details.items()})
        template = self.fault.spanish
        if self.code == "RSP101":
            value, several = self.details.get("value", "-"), "\n" in str(self.details.get("problem"))     # several mistakes, a line each
            empty = isinstance(value, str) and not value.strip()
            if value is None or (empty and _TELLS_SO.match(str(told.get("problem")))):
                template = "{where}: {problem}"                  # what is missing has no value to show
            elif empty:
                template = "{where}: está vacío: {problem}" if several else "{where}: está vacío ({problem})"
            elif several:
                template = "{where}: {value!r} {problem}"
        return template.format_map(told)

    @property
    def remedy(self) -> str:
        """What to do about it, in Spanish; of a value that somebody wrote, first what to write instead, as far as it is known in Spanish."""
        told = (self.cause or self.fault).remedy.format_map(self.details)
        mend = str(self.details.get("mend") or "")
        in_spanish = spanish.of_detail(mend)
        if self.code != "RSP101" or in_spanish == mend:
            return told
        return "{0} {1}".format(in_spanish if in_spanish.endswith((".", "?")) else in_spanish + ".", told)

    def in_both(self) -> str:
        """All of it in one text, Spanish first: for those who can hand on nothing but a text (filters, lookups)."""
        return "{0}: {1}. {2} [{3}. {4}]".format(self.code, self.spanish, self.remedy, self.message, self.hint)
