# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words that policy, systems, media and custodians of an inventory may use."""

from __future__ import annotations

from ..transforms.encrypt import FORMATS

KINDS = ("database", "source_code", "file_server", "mailbox")
# every policy has rules for these; for others only where the inventory has systems of them
RULED = ("database", "source_code")
CRITICALITIES = ("alta", "media", "baja")
COMPRESSIONS = ("zstd", "gzip", "xz")
ENCRYPTION_FORMATS = FORMATS
SOURCE_TYPES = {
    "database": ("postgresql", "mariadb", "sqlite", "command"),
    "source_code": ("git", "paths"),
    "file_server": ("restic", "azure_backup"),
    "mailbox": ("imap", "graph"),
}
# Sources that a tool of the institution copies by itself, to a medium of its own (7.2.3 a): we set it up, check its jobs and record them.
COPIED_BY_A_TOOL = ("azure_backup",)
# who is in charge of the copies of a kind (numeral 5.2)
EGCR_OF_KIND = {"database": "database", "source_code": "source_code", "file_server": "infrastructure", "mailbox": "infrastructure"}
EGCR_TITLES = {
    "database": "EGCR de Base de Datos", "source_code": "EGCR de Código Fuente", "infrastructure": "EGCR de Infraestructura",
}
DAYS_OF_WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# what is done with a copy that an outage left behind: at once, outside working hours, when a person says so
CATCH_UPS = ("now", "next_window", "ask")
