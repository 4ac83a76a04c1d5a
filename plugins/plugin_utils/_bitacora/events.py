# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which events each action of this collection may give, and how many entries a result of it may carry.

The callback records a result only when its task's resolved action stands here, with events of its row. An action that asks a server
uses the same row: `testimony(answer, known, events.of("backup_verify"))` of _engine/result.py gives the entry, or raises RSP722.

What ties an event to the controller's words:
- The ends of a copy that one of our actions makes (`start="copy_started"`) need the start that backup_label recorded in the same run, of the
  same host and label, whose fields win; so do the ends of a restore (backup_select gives its start).
- A verification, transfer or removal has no start of its own: one drill's start has an end for each medium, the transfers between two media
  and the removals of a medium are one task each. There the action builds the entry out of its task's arguments and `testimony`.
- A copy of a run that died is adopted without a start of this run: of what the bitácora holds of it, its start and the digest that was sealed.
- A whole copy that the bitácora lost (backup_reconcile with a reason) is adopted without any start: a person's word stands in its entry instead.
- What an action says that asks no server (a hold, an excuse, a warning, a plan, custody, anchors, Azure Backup, reconciliation) are the
  controller's own words already; the controller's record of its own decisions has no start to wait for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

COLLECTION = "perucompras.respaldo."
ANSWER_REFUSED = "answer_refused"     # the recorder's own: that something of an answer was not recorded
RETRIED = "retried"                   # the recorder's own: of an attempt that failed and was repeated (until, retries)


class Allowed(NamedTuple):
    """What a result of an action may carry."""

    events: tuple[str, ...]
    most: int = 1        # entries of one result; of a task with a loop, of each item's
    start: str = ""      # the start of the same run, host and label that an end needs
    rows: bool = False   # whether the action itself gives them as rows of `results`


_MAKES = Allowed(("copy_made", "copy_simulated", "copy_failed", "copy_refused", "copy_not_due"), start="copy_started")
# One entry for each folder, system, key or copy that the controller named itself.
_MANY, _MOST = 1000, 5000

ACTIONS: dict[str, Allowed] = {
    "backup_label": Allowed(("copy_started", "copy_failed", "copy_not_due")),
    "backup_database": _MAKES,
    "backup_git": _MAKES,
    "backup_archive": _MAKES,
    "backup_files": _MAKES,
    "backup_mailbox": _MAKES,
    "backup_publish": Allowed(("copy_made", "copy_failed"), start="copy_started"),
    "backup_settle": Allowed(("copy_made", "copy_withdrawn", "verification_failed"), _MANY),
    "backup_plan": Allowed(("copy_not_due", "copy_refused", "designation_changed"), _MANY),
    "backup_forge_info": Allowed(("forge_listed", "forge_failed", "repository_found", "repository_renamed", "repository_gone"), _MOST),
    "backup_verify": Allowed(("copy_verified", "copy_damaged", "verification_failed")),
    "backup_drill_plan": Allowed(("verification_failed",), _MANY),
    "backup_drill_start": Allowed(("drill_started",)),
    "backup_select": Allowed(("restore_started",)),
    "backup_restore": Allowed(("restored", "restore_simulated", "restore_failed"), start="restore_started"),
    "backup_transfer": Allowed(("copy_transferred", "transfer_simulated", "transfer_failed"), _MANY),
    "backup_retention": Allowed(("prune_started",), _MOST),
    "backup_prune": Allowed(("copy_pruned", "prune_simulated", "prune_failed", "prune_deferred"), _MOST),
    "backup_reconcile": Allowed(("copy_made", "copy_found", "copy_damaged", "copy_pruned", "copy_transferred", "stray_found", "verification_failed"), _MOST),
    "backup_recover": Allowed(("controller_recovered",)),
    "backup_medium": Allowed(("medium_checked", "medium_failed")),
    "backup_schedule": Allowed(("schedule_set", "schedule_removed"), _MANY),
    "backup_schedule_failure": Allowed(("schedule_failed",)),
    "backup_hold": Allowed(("copy_held", "copy_released")),
    "backup_excuse": Allowed(("excuse", "excuse_withdrawn")),
    "backup_approval": Allowed(("month_approved",)),
    "backup_request": Allowed(("request_opened", "request_endorsed", "request_estimated", "request_authorised", "request_rejected", "request_executed",
                               "request_conformed", "request_objected", "request_closed", "request_withdrawn", "request_outside")),
    # its entries of a mail it writes itself, all of one mail at once (mails.py); a simulation's are its result
    "backup_request_mail": Allowed(("mail_taken", "mail_set_aside", "mail_filed", "request_opened", "request_endorsed", "request_authorised",
                                    "request_rejected", "request_conformed", "request_objected", "request_withdrawn"), _MOST, rows=True),
    "backup_desk": Allowed(("desk_bound", "desk_told", "desk_failed"), _MOST),
    "backup_find": Allowed(("names_searched",)),
    "backup_check": Allowed(("readiness_checked",)),
    "backup_warn": Allowed(("warning_sent", "warning_failed", "designation_changed", "schedule_missed"), _MOST, rows=True),
    "backup_evidence": Allowed(("evidence_made",)),
    "backup_custody": Allowed(("custody_checked", "custody_updated", "custody_failed"), _MOST),
    "backup_custody_plan": Allowed(("custody_failed",), _MOST),
    "backup_rekey_plan": Allowed(("repository_key_started", "repository_key_failed"), _MANY),
    "backup_rekey": Allowed(("repository_key_rotated", "repository_key_withdrawn", "repository_key_failed")),
    "bitacora_anchor": Allowed(("anchor_sent", "anchor_failed")),
    "bitacora_anchor_blob": Allowed(("anchor_sent", "anchor_failed")),
    "bitacora_redact": Allowed(("entry_redacted",), _MANY),
    "shared_folder": Allowed(("path_assigned", "path_changed", "path_withdrawn", "path_refused"), _MANY),
    "shared_folder_info": Allowed(("folder_reported", "path_refused"), _MANY),
    "azure_backup_run": Allowed(("copy_made", "copy_simulated", "copy_failed"), start="copy_started"),
    "azure_backup_restore": Allowed(("restored", "restore_simulated", "restore_failed"), start="restore_started"),
    "azure_backup_verify": Allowed(("copy_made", "copy_failed", "copy_damaged", "copy_verified", "verification_failed"), _MOST),
}


def allowed(action: str) -> Allowed | None:
    """What a result of an action may carry, by its full name; None for those of others and for ours that record nothing."""
    return ACTIONS.get(action[len(COLLECTION):]) if action.startswith(COLLECTION) else None


def of(name: str) -> tuple[str, ...]:
    """The events of an action of ours, by its short or full name. Raises KeyError on one that records nothing."""
    return ACTIONS[name[len(COLLECTION):] if name.startswith(COLLECTION) else name].events


def field_of(row: Any, name: str) -> Any:
    """A field of a structure, where it is one."""
    return row.get(name) if isinstance(row, Mapping) else None


def event_of(row: Any) -> Any:
    """The event that a structure names, where it is a text."""
    event = field_of(row, "event")
    return event if isinstance(event, str) else None
