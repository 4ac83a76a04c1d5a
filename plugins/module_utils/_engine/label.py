# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The label of a copy, numeral 6.7: `Nombredelsistema_<Año> <Mes> <Día>`.

A label has two forms of the same tokens: as the manual prints it (`SIGA_2026 11 22`) and as a file name, without spaces
(`SIGA_20261122`). The second copy of a system on one day ends in `_02` in both, and so on; a label is never taken twice.
The date is that of the start in the policy's time zone: it is given to this module, which knows no clock.
"""

from __future__ import annotations

import datetime
import functools
import re
import unicodedata
from typing import Iterable, NamedTuple

from .errors import BackupError

MAXIMUM_LENGTH = 64
MAXIMUM_SEQUENCE = 999

_ALLOWED = re.compile(r"[A-Za-z0-9._-]+")
# Eight digits for the date and at most three for the sequence: so there is one way to read a label,
# even of a system whose own name ends like a label.
_LABEL = re.compile(r"(?P<system>[A-Za-z0-9_][A-Za-z0-9._-]*)_(?P<year>[0-9]{4})(?P<gap> ?)(?P<month>[0-9]{2})(?P=gap)(?P<day>[0-9]{2})"
                    r"(?:_(?P<sequence>[0-9]{2,3}))?")


class Label(NamedTuple):
    name: str        # of files and directories: SIGA_20261122, SIGA_20261122_02
    printed: str     # as the manual prints it: SIGA_2026 11 22, SIGA_2026 11 22_02
    system: str      # canonical name of the system
    date: datetime.date
    sequence: int    # 1 for the first copy of the day


def canonical(system: str, where: str = "system") -> str:
    """The name of a system as it stands in labels and directories.

    The rule: accents, ñ and other marks are folded to the plain letter (Unicode NFKD), spaces are removed, and what is left
    must be letters, digits, `.`, `-` and `_`, at most 64 of them, not starting with `.` or `-`, not ending with `.`
    (Windows shares drop it) and without `..`. Upper and lower case are kept, but two names that differ only in case are one.
    Nothing else is removed: dropping a slash or a sign silently could make two systems one.

    Raises BackupError RSP101; `where` names the key the name came from.
    """
    if not isinstance(system, str):
        raise _refused(where, system, "is not a text", "Write the name between quotes.")
    if any(unicodedata.category(character) in ("Cc", "Cf") for character in system):
        raise _refused(where, system, "has control characters", "Use only letters, digits, spaces and . - _")
    decomposed = unicodedata.normalize("NFKD", system)
    folded = "".join(character for character in decomposed if not unicodedata.combining(character) and character != " ")
    if not folded:
        raise _refused(where, system, "is empty", "Give the system a name, e.g. SIGA.")
    if "/" in folded or "\\" in folded:
        raise _refused(where, system, "has a slash", "A name is not a path; use - or _ instead.")
    if ".." in folded:
        raise _refused(where, system, "has two dots together", "A name is not a path; use a single dot, - or _.")
    if folded[0] in ".-":
        raise _refused(where, system, "starts with a dot or a dash", "Start with a letter or a digit.")
    if folded[-1] == ".":
        raise _refused(where, system, "ends with a dot", "Remove the last dot: shared folders of Windows drop it.")
    strange = sorted({character for character in folded if not _ALLOWED.match(character)})
    if strange:
        raise _refused(where, system, "has characters that labels can't hold: " + " ".join(strange),
                       "Use only letters (accents are folded), digits, spaces and . - _")
    if len(folded) > MAXIMUM_LENGTH:
        raise _refused(where, system, "has {0} characters, more than {1}".format(len(folded), MAXIMUM_LENGTH), "Use a shorter name.")
    return folded


def is_of(name: str, system: str) -> bool:
    """Whether a label is one of that system. False for what is no label, and for a name that no system can have."""
    try:
        return parse(name).system.lower() == _directory(system)
    except BackupError:
        return False


@functools.lru_cache(maxsize=1024)
def _directory(system: str) -> str:
    return canonical(system).lower()


def make(system: str, on: datetime.date, taken: Iterable[str] = ()) -> Label:
    """The next free label of a system on a date; `taken` are the labels it already has, of any date.

    The sequence follows the highest of the day, so that the order of labels is the order of copies.
    Raises BackupError RSP101 on a name that can't be a label, or when the day has no free label left.
    """
    name = canonical(system)
    highest = 0
    for text in taken:
        try:
            other = parse(text)
        except BackupError:
            continue  # not a label of ours, so it can't be equal to the new one
        if other.system.lower() == name.lower() and other.date == on:
            highest = max(highest, other.sequence)
    if highest >= MAXIMUM_SEQUENCE:
        raise _refused("label", name, "already has {0} copies on {1}".format(highest, on.isoformat()), "Look for what starts so many copies.")
    return _label(name, on, highest + 1)


def parse(text: str) -> Label:
    """The label that a file name or a printed label says. Raises BackupError RSP101 when it is not one."""
    found = _LABEL.fullmatch(text) if isinstance(text, str) else None
    if not found:
        raise _refused("label", text, "is not a label", "A label looks like SIGA_20261122 or SIGA_20261122_02 (numeral 6.7).")
    try:
        on = datetime.date(int(found.group("year")), int(found.group("month")), int(found.group("day")))
    except ValueError:
        raise _refused("label", text, "has a date that does not exist", "Take the label from the bitácora.") from None
    sequence = int(found.group("sequence") or 1)
    label = _label(canonical(found.group("system"), "label"), on, sequence)
    if text not in (label.name, label.printed):
        raise _refused("label", text, "is not written as labels are", "Write it as {0}.".format(label.name))
    return label


def _label(system: str, on: datetime.date, sequence: int) -> Label:
    suffix = "_{0:02d}".format(sequence) if sequence > 1 else ""
    # strftime does not fill years before 1000 with zeros on every platform
    tokens = ("{0:04d}".format(on.year), "{0:02d}".format(on.month), "{0:02d}".format(on.day))
    return Label(system + "_" + "".join(tokens) + suffix, system + "_" + " ".join(tokens) + suffix, system, on, sequence)


def _refused(where: str, value: object, problem: str, mend: str) -> BackupError:
    if isinstance(value, str) and len(value) > 80:
        value = value[:80] + "..."
    return BackupError("invalid_input", where=where, value=value, problem=problem, mend=mend)
