# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action backup_settle: what runs that died left of copies is adopted, or told. See its module for the documentation."""

from __future__ import annotations

from ..plugin_utils._copying.settling import SettleAction as ActionModule

__all__ = ["ActionModule"]
