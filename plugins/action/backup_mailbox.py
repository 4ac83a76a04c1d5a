# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of backup_mailbox."""

from __future__ import annotations

from ..plugin_utils._copying.since import MailboxAction as ActionModule

__all__ = ["ActionModule"]
