# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every medium by the options the inventory gives it."""

from __future__ import annotations

from typing import Any, Mapping

from .base import Medium
from .local import Local


def build(options: Mapping[str, Any]) -> Medium:
    return Local(options["name"], options["path"], bool(options.get("create")))
