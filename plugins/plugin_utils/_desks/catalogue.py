# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which class speaks to a help desk of which type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .base import Desk
from .glpi import Glpi

CLASSES: dict[str, type[Desk]] = {"glpi": Glpi}


def open_desk(declared: Mapping[str, Any]) -> Desk | None:
    """The help desk of a declaration that was checked; None where numbers are given by hand."""
    found = CLASSES.get(declared["type"])
    return found(declared) if found else None
