# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a new request's mail asks for: its own words, and what it says on lines of their own (Oficina:, Sistema:, Ruta:, Perdido:,
Conservar la copia hasta:). Pure.

A line that is not understood is no mistake that would turn the request away: it stays in the words, which a person reads.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .words import folded

_LINE = re.compile(r"^\W{0,3}(oficina|organo|sistema|ruta|archivo|carpeta|perdido|perdida|fecha de (?:la )?perdida|se perdio|"
                   r"conservar (?:la copia )?hasta(?: el)?)\W{0,2}\s*:\s*(.+)$")
_DAY = re.compile(r"\b([0-9]{1,2})[/.-]([0-9]{1,2})[/.-](20[0-9]{2})(?:\D{1,12}([0-9]{1,2})[:.]([0-9]{2}))?")
_ISO = re.compile(r"\b(20[0-9]{2})-([0-9]{2})-([0-9]{2})(?:[T ]([0-9]{2}):([0-9]{2}))?")
_MOST_PATHS, _LONGEST_PATH, _LONGEST_WHAT = 50, 500, 600


class Asked(NamedTuple):
    """The office and the system as they are written there, paths, the time of the loss as the policy's zone has it, and all of it in words.

    `keeps`: it says until when a copy is to be kept, which only whoever wants one made does; `until` that day, "" where it is not one day alone.
    """

    office: str = ""
    system: str = ""
    paths: tuple[str, ...] = ()
    lost_at: str = ""
    what: str = ""
    keeps: bool = False
    until: str = ""


def asked(subject: str, text: str) -> Asked:
    """What a mail asks for."""
    office = system = lost_at = ""
    paths: list[str] = []
    days: list[str] = []
    for line in text.split("\n")[:200]:
        found = _LINE.match(folded(line.strip()))
        if not found:
            continue
        name, value = found[1], line.strip()[found.start(2):].strip()
        if name in ("oficina", "organo"):
            office = office or value[:200]
        elif name == "sistema":
            system = system or value[:200]
        elif name in ("ruta", "archivo", "carpeta"):
            if len(paths) < _MOST_PATHS and len(value) <= _LONGEST_PATH:
                paths.append(value.strip("\"'«»"))
        elif name.startswith("conservar"):
            days.append(_day(value))
        else:
            lost_at = lost_at or _moment(value)
    words = " ".join(filter(None, (subject.strip(" ."), " ".join(text.split()))))
    return Asked(office, system, tuple(paths), lost_at, words[:_LONGEST_WHAT] + ("…" if len(words) > _LONGEST_WHAT else ""), bool(days),
                 days[0] if len(set(days)) == 1 else "")


def _moment(value: str) -> str:
    """A day, and an hour where one is told, as backup_request takes them."""
    day, iso = _DAY.search(value), _ISO.search(value)
    if iso:
        year, month, date, hour, minute = iso.groups()
    elif day:
        date, month, year, hour, minute = day.groups()
    else:
        return ""
    told = "{0}-{1:0>2}-{2:0>2}".format(year, month, date)
    return told + " {0:0>2}:{1}".format(hour, minute) if hour else told


def _day(value: str) -> str:
    """The one day that a text names; "" for none, and for two, of which a person says which is meant."""
    found = [_moment(each[0])[:10] for pattern in (_DAY, _ISO) for each in pattern.finditer(value)]
    return found[0] if len(found) == 1 else ""


def named(name: str, known: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The one system of that name; None where there is none, or several."""
    found = [each for each in known if folded(str(each["name"])) == folded(name)]
    return found[0] if len(found) == 1 else None
