# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The `backup` structure: what every module says of a copy, and all that the bitácora takes from a result.

The callback looks for the key `backup` in a result and keeps only the fields named here, each checked for its type:
a whole result, task arguments or extra variables never reach the bitácora, since they can hold secrets.
Times are UTC as `YYYY-MM-DDTHH:MM:SSZ`; sizes are bytes; durations milliseconds; there are no floating-point numbers.
"""

from __future__ import annotations

from typing import Any, Dict, Mapping

from .errors import BackupError

EVENTS = (
    "copy_started", "copy_made", "copy_simulated", "copy_failed", "copy_not_due", "copy_refused",
    "copy_verified", "copy_damaged", "verification_failed", "drill_started", "copy_found",
    "copy_transferred", "transfer_failed", "transfer_simulated",
    "prune_started", "copy_pruned", "prune_simulated", "prune_failed", "prune_deferred", "copy_held", "copy_released",
    "stray_found",
    "restore_started", "restored", "restore_simulated", "restore_failed",
    "warning_sent", "warning_failed",
    "excuse", "excuse_withdrawn", "evidence_made", "anchor_sent", "anchor_failed",
    "custody_checked", "custody_updated", "custody_failed",
    "path_assigned", "path_changed", "path_withdrawn", "path_refused", "folder_reported",
)

KINDS = ("database", "source_code", "file_server", "mailbox")

TRUST_LEVELS = ("T0", "T1", "T2", "T3", "T4", "T5")

# field -> type; a list is a list of str, except `parts`, whose rows are {name, size, sha256} (str, int, str)
FIELDS: Dict[str, type] = {
    "event": str,
    "label": str,                # SIGA_20261122 (6.7, file name)
    "printed_label": str,        # SIGA_2026 11 22 (6.7, as the manual prints it)
    "system": str,               # as declared in the inventory
    "kind": str,                 # one of KINDS
    "source_type": str,          # postgresql, mariadb, sqlite, git, paths, command ...
    "source": str,               # what was copied, without secrets: database, URL without credentials, path
    "criticality": str,          # alta, media, baja
    "office": str,               # órgano
    "responsible": str,          # the EGCR, a person
    "numeral": str,              # of the manual, e.g. 7.2.1
    "reason": str,               # scheduled, update, emergency, request, drill, reconciliation
    "reason_text": str,
    "ticket": str,
    "requester": str,
    "started_at": str,
    "ended_at": str,
    "duration_ms": int,
    "medium": str,               # name of the medium; several joined by ", "
    "location": str,             # directory or URL of the copy; several joined by ", "
    "parts": list,
    "size": int,                 # bytes of all files of the copy
    "size_original": int,        # bytes before compression and encryption
    "previous_label": str,
    "previous_size": int,
    "compression": str,
    "encrypted": bool,
    "key_reference": str,        # where custody keeps the password; never the password
    "key_id": str,               # which key it is, without telling anything of it
    "key_references": list,      # of several keys at once
    "custodians": list,          # names of those that hold the key
    "recipients": list,          # fingerprints of the public keys
    "trust_level": str,          # one of TRUST_LEVELS
    "required_trust": str,
    "verification_level": str,   # that a verification was asked for, reached or not
    "checks": list,              # what was verified, by which method
    "sha256": str,               # of the file SHA256SUMS, which lists every file of the copy
    "content_digest": str,       # identity of the content where the source has one (git refs)
    "tool_job": str,             # id of the job of the tool that made the copy (7.2.3 b)
    "tool_copy": str,            # id of the copy in that tool: a recovery point
    "objects": int,              # how many things the copy holds: tables, refs, files
    "files_new": int,            # of an incremental copy, against the one before
    "files_changed": int,
    "files_unmodified": int,
    "data_added": int,           # bytes of new content, before compression
    "unread": list,              # paths that could not be read, the first of them
    "unread_count": int,
    "repository": str,           # name of the restic repository that holds the data
    "target": str,               # of a restore
    "path": str,                 # an assigned path (5.2)
    "document": str,             # by which a path was assigned
    "retention": str,            # the policy's rule for the copy when it was made, in Spanish words
    "retention_until": str,      # YYYY-MM-DD in the policy's zone: the day until which that rule keeps it for certain, by its age
    "warnings": list,
    "warning": str,              # which condition people were warned of: overdue:database:SIGA
    "warning_state": str,        # new, worsened, solved
    "anchor": str,               # where a seal of the bitácora was taken to
    "sealed_n": int,             # the entry of the seal
    "warning_level": int,        # how bad it is; a higher one is told again
    "excused_from": str,         # YYYY-MM-DD in the policy's zone: due days without a copy that are excused, both ends included
    "excused_until": str,
    "withdraws": int,            # n of the excuse that is withdrawn
    "note_es": str,              # Spanish
    "error_code": str,
    "error_message": str,        # English
    "error_message_es": str,     # Spanish
    "error_remedy_es": str,
}

_ROW = {"name": str, "size": int, "sha256": str}

_MAXIMUM_TEXT = 4000


def build(**fields: Any) -> Dict[str, Any]:
    """A `backup` structure from its fields; None is left out.

    Raises KeyError or TypeError on a field the structure does not know: that is a mistake of the caller's code.
    """
    for name, value in fields.items():
        if value is not None and not isinstance(value, FIELDS[name]):
            raise TypeError("backup.{0} must be {1}, not {2!r}".format(name, FIELDS[name].__name__, value))
    return {name: value for name, value in fields.items() if value is not None}


def failure(error: BackupError) -> Dict[str, Any]:
    """The fields that tell an error."""
    return build(error_code=error.code, error_message=error.message, error_message_es=error.spanish,
                 error_remedy_es=error.remedy)


def clean(found: Any) -> Dict[str, Any]:
    """Only the known fields of a `backup` structure met in a task result, each of its type, texts cut to 4,000 characters.

    Never raises: what is not understood is left out.
    """
    if not isinstance(found, Mapping):
        return {}
    kept: Dict[str, Any] = {}
    for name, kind in FIELDS.items():
        value: Any = found.get(name)
        known = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
        if not known:
            continue
        if kind is str:
            value = str(value)[:_MAXIMUM_TEXT]
        elif name == "parts":
            value = [
                {"name": str(row["name"]), "size": int(row["size"]), "sha256": str(row["sha256"])}
                for row in value
                if isinstance(row, Mapping) and all(isinstance(row.get(key), of) for key, of in _ROW.items())
                and not isinstance(row["size"], bool)
            ]
        elif kind is list:
            value = [str(row)[:_MAXIMUM_TEXT] for row in value]
        kept[name] = value
    return kept
