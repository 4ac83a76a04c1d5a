# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the entries of one system show that is not as it should be, each sign with its level and its words (Spanish). Pure functions.

warnings.py makes conditions of them and knows who was told.
"""

from __future__ import annotations

import datetime
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from ...module_utils._engine.restic.names import DATA_CHECK
from .._bitacora import readable
from .._bitacora.copies import lack
from .._bitacora.view import amount
from . import due, proofs

_COPIES_COMPARED = 12
# A sign of an attack is in force for so long, whatever is copied after it: encrypted once, the files are quiet the next day.
SIGN_STANDS = datetime.timedelta(days=7)
_LONGEST_NOTED = 1500     # characters of a copy's warnings in a message
_FEWEST_TOUCHED = 20
# 1.4826 makes the median of absolute deviations comparable with a standard deviation; 3.5 of them is the usual bound of outliers.
_SPREAD = 3.5 * 1.4826


def failed(facts: Sequence[Mapping[str, Any]]) -> list[tuple[str, int, str]]:
    """The last attempt failed; the level grows with the number of failures since the last copy."""
    in_a_row: list[Mapping[str, Any]] = []
    for entry in facts:
        if entry["type"] == "copy_made":
            in_a_row.clear()
        elif entry["type"] in ("copy_failed", "copy_refused") and entry.get("label"):
            in_a_row.append(entry)
    if not in_a_row:
        return []
    last = in_a_row[-1]
    times = "1 vez" if len(in_a_row) == 1 else f"{len(in_a_row)} veces seguidas"
    return [("failed", rank(len(in_a_row)), f"{last['label']} falló ({times}). {last.get('error_code', '')}: {last.get('error_message_es', '')}"
             f" {' '.join(readable.warnings(last))[:_LONGEST_NOTED]}".strip())]


def remedy(name: str, facts: Sequence[Mapping[str, Any]]) -> str:
    """What the error says to do, of the last failure that a sign of this name tells."""
    types = {"failed": ("copy_failed", "copy_refused"), "verification": ("copy_damaged", "verification_failed")}.get(name, ())
    return next((str(entry.get("error_remedy_es", "")) for entry in reversed(facts) if entry["type"] in types and entry.get("label")), "")


def noted(facts: Sequence[Mapping[str, Any]]) -> list[tuple[str, int, str]]:
    """The last copy is good, and lacks something or asks something of a person (remarks.py says which do): worse with each sort of remark."""
    made = [entry for entry in facts if entry["type"] == "copy_made"]
    keys = made[-1].get("warning_keys") or () if made else ()
    if not keys:
        return []
    return [("noted", len(keys), "{0}: {1}".format(made[-1].get("label", ""), " ".join(readable.warnings(made[-1]))[:_LONGEST_NOTED]))]


def partial(facts: Sequence[Mapping[str, Any]]) -> list[tuple[str, int, str]]:
    """The last copy lacks something that its source has: it was made all the same, as the inventory says, and counts as none."""
    made = [entry for entry in facts if entry["type"] == "copy_made"]
    if not made or not lack(made[-1]):
        return []
    return [("partial", 1, f"{made[-1].get('label', '')} {lack(made[-1])}: no cuenta como copia buena")]


def odd_size(facts: Sequence[Mapping[str, Any]], rules: Mapping[str, Any]) -> list[tuple[str, int, str]]:
    """The last size against those before it: their median, and how they vary, with a floor."""
    made = [entry for entry in facts if entry["type"] == "copy_made" and entry.get("size", 0) > 0]
    before = [_whole_size(entry) for entry in made[:-1]][-_COPIES_COMPARED:]
    if len(before) < rules["copies_for_pattern"]:
        return []
    usual = statistics.median(before)
    spread = statistics.median(abs(size - usual) for size in before)
    around = max(usual * rules["size_change_percent"] / 100, _SPREAD * spread)
    size = _whole_size(made[-1])
    # A copy a tenth of the usual is told however much its sizes vary.
    if max(usual - around, usual / 10) <= size <= usual + around:
        return []
    text = f"{made[-1].get('label', '')}: {amount(size)}; lo habitual es {amount(round(usual))} (mediana de {len(before)} copias)"
    return [("shrunk" if size < usual else "grown", 1, text)]


def _whole_size(entry: Mapping[str, Any]) -> int:
    """What is compared from copy to copy: of an incremental one not what it added, but all that it holds."""
    return int(entry.get("size_original", 0) if "files_new" in entry else entry["size"])


def much_changed(facts: Sequence[Mapping[str, Any]], rules: Mapping[str, Any], now: datetime.datetime) -> list[tuple[str, int, str]]:
    """A copy of the last days before which far more files changed, came or left than usual: what encrypts or deletes a share touches nearly all of it."""
    made = [entry for entry in facts if entry["type"] == "copy_made" and entry.get("objects") and "files_new" in entry and "files_changed" in entry]
    touched = [_touched(*pair) for pair in zip(made, made[1:])]
    shares = [100 * count / entry["objects"] for count, entry in zip(touched, made)]
    for place in range(len(shares) - 1, -1, -1):
        was, entry, before = made[place], made[place + 1], shares[max(0, place - _COPIES_COMPARED):place]
        if now - time_of(entry["at_event"]) > SIGN_STANDS or len(before) < rules["copies_for_pattern"]:
            return []
        usual = statistics.median(before)
        spread = statistics.median(abs(share - usual) for share in before)
        if touched[place] < _FEWEST_TOUCHED or shares[place] < max(rules["changed_percent"], 2 * usual, usual + _SPREAD * spread):
            continue
        shown, typical = round(shares[place]), f"{usual:.1f}".replace(".", ",")
        return [("changed", 1 + (shown >= 50) + (shown >= 90), (
            f"{entry.get('label', '')}: {touched[place]} archivos nuevos, cambiados o retirados ({shown} % de {was['objects']}; lo habitual es {typical} %). "
            f"Si nadie lo hizo a propósito, retenga {was.get('label', '')} (hold.yml) y revise la carpeta antes de que las copias anteriores venzan"))]
    return []


def unread(facts: Sequence[Mapping[str, Any]], rules: Mapping[str, Any], now: datetime.datetime) -> list[tuple[str, int, str]]:
    """Nothing of a repository's data was read again for days: what was written long ago is proved by that alone, and the period it is promised in passes."""
    made = [entry for entry in facts if entry["type"] == "copy_made" and entry.get("repository")]
    read = [entry for entry in facts if entry["type"] == "copy_verified" and any(check.startswith(DATA_CHECK) for check in entry.get("checks") or ())
            and not due.is_ahead({"started_at": entry["at_event"]}, now)]
    if not made or not rules["data_read_days"]:
        return []
    age = (now - time_of((read or made[:1])[-1]["at_event"])).days
    if age < rules["data_read_days"]:
        return []
    text = f"La última relectura de datos del repositorio fue hace {days_of(age)}" if read else (
        f"Nunca se releyeron datos del repositorio; la primera copia es de hace {days_of(age)}")
    return [("unread", rank(age // rules["data_read_days"]), f"{text}. Programe verify.yml cada día (verify_data_days)")]


def _touched(before: Mapping[str, Any], copy: Mapping[str, Any]) -> int:
    """The files that differ between two copies; one that was renamed came and left, and is one."""
    new = copy["files_new"]
    gone = before["objects"] + new - copy["objects"]
    if new == copy["objects"] and 100 * copy.get("data_added", 0) < copy.get("size_original", 0):
        # restic recognised nothing, as when the folder has another path, and yet it had all the bytes
        new, gone = 0, before["objects"] - copy["objects"]
    return int(copy["files_changed"] + max(new, gone, 0))


def proof(facts: Sequence[Mapping[str, Any]], limit: int, now: datetime.datetime) -> list[tuple[str, int, str]]:
    """What verifications and drills say: the last one failed and no copy was made since, or none restored a copy for too long."""
    bad: Mapping[str, Any] | None = None
    proved = ""
    for entry in facts:
        if entry["type"] in ("copy_damaged", "verification_failed"):
            # without a label it says each night what goes on: it was told when it began
            bad = entry if entry.get("label") else bad
        elif entry["type"] in ("copy_made", "copy_verified") and not lack(entry):
            # what lacks something of its source takes no other's place
            bad = None
        if proofs.proves(entry) and not due.is_ahead({"started_at": entry["at_event"]}, now):
            proved = entry["at_event"]
    found = []
    if bad is not None:
        found.append(("verification", 2 if bad["type"] == "copy_damaged" else 1,
                      f"{bad.get('label', '')}: {bad.get('error_code', '')} {bad.get('error_message_es', '')}".strip()))
    since = proved or next((entry["at_event"] for entry in facts if entry["type"] == "copy_made"), "")
    if limit and since and (now - time_of(since)).days > limit:
        age = days_of((now - time_of(since)).days)
        found.append(("untested", 1, f"La última prueba fue hace {age}" if proved else f"Nunca se probó; la primera copia es de hace {age}"))
    return found


def rank(count: int) -> int:
    """1, 2-3, 4-7, 8-15 ...: something that lasts is told again each time it has doubled."""
    return max(1, count).bit_length()


def told_error(entry: Mapping[str, Any]) -> str:
    """What an entry tells of its error."""
    return "{0}: {1}".format(entry.get("error_code", ""), entry.get("error_message_es", ""))


def days_of(number: int) -> str:
    """So many days, in words."""
    return "1 día" if number == 1 else f"{number} días"


def time_of(stamp: str) -> datetime.datetime:
    """The time of an entry, as the bitácora writes it."""
    return due.taken_at({"started_at": stamp})
