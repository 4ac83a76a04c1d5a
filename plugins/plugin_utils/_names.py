# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names as people give them: lists in the forms that surveys have for them, and the variables of an inventory that are misspelt."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Any

from ..module_utils._engine.errors import BackupError

_LONGEST = 200      # of what is shown of a value that is none
# Every variable `backup_…` that a role, a playbook or the callback of ours reads; a house test compares.
VARIABLES = (
    "backup_actors", "backup_anchor_mail", "backup_anchor_medium", "backup_anchors", "backup_assigned_paths", "backup_awx", "backup_azure_storage",
    "backup_catch_up", "backup_custodians", "backup_custody_directory", "backup_desk", "backup_emergency_reason", "backup_forge_gone", "backup_forges",
    "backup_heartbeats",
    "backup_letters_key", "backup_letters_mail", "backup_letters_templates", "backup_mailbox_only_new",
    "backup_media", "backup_metrics_file", "backup_names", "backup_names_directory", "backup_names_each_run", "backup_only",
    "backup_policy_file", "backup_report_directory", "backup_repository", "backup_request", "backup_request_mail_addresses",
    "backup_request_mail_box", "backup_request_mail_origin", "backup_scratch_directory",
    "backup_restore_requires_request", "backup_schedule", "backup_scheduler", "backup_semaphore",
    "backup_shared_folders", "backup_space", "backup_spool_directory",
    "backup_systems", "backup_vaults", "backup_warn_mail", "backup_warn_services", "backup_warn_watched",
)


def asked(given: Any, where: str = "only") -> list[str]:
    """The names of a list, of a text with one on each line or between commas, or of nothing: null and blank are not given.

    A name of a list is not cut at its commas, only at the ends of its lines. One that YAML takes for a number is a name all the same. Raises BackupError
    RSP101 for what has no names: of a table nobody knows what it means.
    """
    if given is None:
        return []
    if isinstance(given, int) and not isinstance(given, bool):
        given = str(given)
    if not isinstance(given, (str, list, tuple)):
        raise BackupError("invalid_input", where=where, value=str(given)[:_LONGEST], problem="is not a list of names",
                          mend="Give names between commas, or one on each line.")
    rows = re.split(r"[\n,]", given) if isinstance(given, str) else [line for row in given if row is not None for line in str(row).split("\n")]
    return [row.strip() for row in rows if row.strip()]


def misspelt(names: Iterable[str]) -> dict[str, str]:
    """Variables `backup_…` that nothing of ours reads -> the one that is probably meant. What is like none of ours is the institution's own."""
    found = {}
    for name in sorted(name for name in names if name.startswith("backup_") and name not in VARIABLES):
        near = difflib.get_close_matches(name, VARIABLES, 1, 0.85)
        found.update({name: near[0]} if near else {})
    return found
