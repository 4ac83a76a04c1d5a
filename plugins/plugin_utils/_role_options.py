# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables that roles and playbooks of ours read. Made by `make docs` from the roles' argument specs and the playbooks: not edited by hand."""

from __future__ import annotations

# role -> what follows its name and a low line in the names of its options
OF_ROLES = {
    "anchor": "institution mail medium",
    "append_only_medium": "host install_tools keeper_keys keys limits media name public_key python told_keys without",
    "approval": "actors approver month policy_file remarks ticket",
    "azure_backup": (
        "actors damaged days emergency label lost_at only original_location overwrite paths policy_file poll_seconds reason requester "
        "requires_request system systems target ticket vaults wait_minutes"),
    "azure_storage": "accounts actors lock media policy_file",
    "bitacora": "anchors keys kind limit result since system until url width zone",
    "bitacora_key": "authority public reason state",
    "bitacora_store": "admin_url move_from readers url writers",
    "check": (
        "actors assigned_paths custodians custody_directory failed heartbeats html json mail media mode only policy_file schedule scheduler "
        "scratch sends services spool_directory systems"),
    "common": (
        "actors assigned_paths catch_up custodians custody_directory emergency_reason forge_gone install_tools kind lock_timeout media only "
        "policy_file request scratch spool_directory systems verdict"),
    "compliance": "actors dest policy_file since space until",
    "custody": "actors copies custodians directory media only policy_file systems",
    "database": "compression_threads",
    "desk": "actors declared number person policy_file reason ticket",
    "drill": "assigned_paths budget_minutes custodians custody_directory media only plan_only policy_file systems",
    "evidence": "actors anchors dest policy_file since until",
    "excuse": "from kind reason requester system ticket until withdraw",
    "file_server": "",
    "find": "actors deleted directory folder limit name office only person policy_file reason since ticket until",
    "hold": "kind label reason requester state system ticket",
    "mailbox": "only_new",
    "media_health": "media systems",
    "metrics": "actors file policy_file watched",
    "names": "anew custodians custody_directory directory media most_copies only strict systems",
    "plan": "actors catch_up emergency_reason forge_gone media only policy_file request systems",
    "prune": "clock_confirmed custodians custody_directory lock_timeout media names_directory only policy_file repository systems",
    "reconcile": "accept_empty adopt_reason custodians custody_directory lost_labels lost_reason media only systems",
    "recover": "authority media mounted reason",
    "recovery_plan": "actors directory formats policy_file repository",
    "redaction": "authority entries fields reason requester",
    "report": "actors date days directory formats period policy_file watched",
    "repository": "custodians custody_directory lock_timeout media name only policy_file systems",
    "repository_key": "actors authority before custodians custody_directory former id lock_timeout media only policy_file reason shared_paths systems",
    "request": (
        "actors changed_at desk discovered_at entry kind lost_at names_directory of office paths person policy_file proof proof_reference "
        "reason step system ticket until volume what"),
    "request_letters": "actors key mail names_directory policy_file templates",
    "request_mail": "actors addresses box key origin policy_file",
    "restore": (
        "assigned_paths custodians custody_directory damaged emergency host kind label lost_at mail_folders mail_format mail_sender mail_since "
        "mail_subject mail_until mailbox media overwrite part partial paths reason requester requires_request shared_folders source special "
        "system systems target ticket"),
    "schedule": "actors awx command declared failure_unit inventories policy_file scheduler semaphore semaphore_renew_keys state vault_ids",
    "shared_folder": "actors folders install_tools policy_file recreate",
    "shared_folder_report": "actors folders longest policy_file",
    "source_code": "compression_threads",
    "verify": "assigned_paths copies custodians custody_directory data_days level media of_custodians only reason scratch systems",
    "warn": "actors mail policy_file services summary_from watched",
}
OPTIONS = frozenset(f"{role}_{word}" for role, words in OF_ROLES.items() for word in words.split())
