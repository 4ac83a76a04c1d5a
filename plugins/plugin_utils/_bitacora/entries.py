# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An entry (asiento): its canonical form, its times, and how it is sealed. See chain.py for the seal and its verifier."""

from __future__ import annotations

import datetime
import json
import re
import unicodedata
import zoneinfo
from collections.abc import Mapping
from typing import Any, NamedTuple

from ...module_utils._engine.errors import BackupError
from . import chain

LIMA = datetime.timezone(datetime.timedelta(hours=-5), "America/Lima")
POLICY_ZONE = "America/Lima"

COPY_ENDS = ("copy_made", "copy_failed", "copy_simulated", "copy_not_due", "copy_refused")
RESTORE_ENDS = ("restored", "restore_failed", "restore_simulated")
DRILL_ENDS = ("copy_verified", "copy_damaged", "verification_failed")

# what people ask for -> types of entry
RESULTS: dict[str, tuple[str, ...]] = {
    "good": ("copy_made", "copy_verified", "restored"),
    "failed": ("copy_failed", "copy_damaged", "verification_failed", "restore_failed", "prune_failed", "transfer_failed", "custody_failed",
               "run_interrupted", "answer_refused", "forge_failed", "medium_failed", "repository_key_failed",
               "desk_failed"),
    "started": ("copy_started", "restore_started", "drill_started"),
    "not_due": ("copy_not_due",),
    "refused": ("copy_refused", "path_refused"),
    "pruned": ("copy_pruned",),
}


class Entry(NamedTuple):
    """One line of the bitácora, as it is stored. `body` is canonical JSON; times are UTC."""

    n: int
    emitter: str
    n_emitter: int
    at_event: str
    at_recorded: str
    type: str
    body: str
    body_digest: str
    previous: str
    digest: str


def now() -> str:
    """This moment, UTC, to the second."""
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _canonical_value(value: Any) -> Any:
    if isinstance(value, str):
        # A lone surrogate (an undecodable file name) has no UTF-8: it becomes a question mark rather than losing the entry.
        return unicodedata.normalize("NFC", value.encode("utf-8", "replace").decode("utf-8"))
    if isinstance(value, (bool, int)):
        return value
    if isinstance(value, Mapping):
        return {_canonical_value(str(name)): _canonical_value(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_canonical_value(item) for item in value]
    raise TypeError("an entry holds texts, integers, booleans and lists, not {0!r}".format(value))


def canonical(body: Mapping[str, Any]) -> str:
    """The one way to write a body: sorted keys, NFC, no spaces, no floating-point numbers, no nulls.

    Raises TypeError on a value that has no such form.
    """
    return json.dumps(_canonical_value(body), sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def seal(n: int, previous: str, emitter: str, n_emitter: int, at_event: str, type_: str, body: Mapping[str, Any]) -> Entry:
    """The entry that follows the one whose digest is `previous`."""
    text = canonical(body)
    row: dict[str, Any] = {
        "n": n, "emitter": emitter, "n_emitter": n_emitter, "at_event": at_event, "at_recorded": now(), "type": type_,
        "body": text, "body_digest": chain.digest_of_body(text), "previous": previous,
    }
    return Entry(digest=chain.digest_of_entry(row), **row)


def zone(name: str) -> datetime.tzinfo:
    """The time zone of a policy. Peru has been at UTC-5 all year since 1994, so Lima needs no time zone data on the controller.

    Raises BackupError(invalid_input).
    """
    if name == POLICY_ZONE:
        return LIMA
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BackupError("invalid_input", where="time zone", value=name, problem="is not known on this controller",
                          mend="Install the package tzdata, or write a name such as America/Lima.") from error


def moment(text: str, end: bool = False, zone_name: str = POLICY_ZONE) -> str:
    """A date or a time as people write it, as the stored UTC form.

    `2026-11-22` is that whole day in the policy's zone: its first second, or its last when `end`. A time without zone is also
    of the policy's zone. Raises BackupError(invalid_input).
    """
    written = str(text).strip()
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", written):
            written += "T23:59:59" if end else "T00:00:00"
        found = datetime.datetime.fromisoformat(re.sub("[Zz]$", "+00:00", written))
        if found.tzinfo is None:
            found = found.replace(tzinfo=zone(zone_name))
        return found.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError) as error:
        raise BackupError("invalid_input", where="until" if end else "since", value=text, problem="is not a date",
                          mend="Write a date such as 2026-11-22, or a time such as 2026-11-22T18:30:00.") from error


def local(stamp: str, zone_name: str = POLICY_ZONE) -> datetime.datetime:
    """A stored UTC time in the policy's zone. Raises ValueError on what is not a stored time."""
    found = datetime.datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc)
    return found.astimezone(zone(zone_name))
