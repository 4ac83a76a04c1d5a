# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the arguments of a task say: which copy, which sort of medium, yes or no. Nothing is reached for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..module_utils._engine import label
from ..module_utils._engine.media.base import Slot
from ..module_utils._engine.policy import schema


def is_cloud(medium: Any) -> bool:
    """Whether a medium is one that only the controller has an identity for."""
    return isinstance(medium, Mapping) and medium.get("type") == "azure_blob"


def address_of(medium: Mapping[str, Any]) -> str:
    """Where a medium is, as people name it."""
    if is_cloud(medium):
        return "/".join(str(medium[name]) for name in ("storage_account_name", "container", "prefix") if medium.get(name))
    return "{0}{1}".format("{0}:".format(medium["host"]) if medium.get("host") else "", medium["path"])


def slot_of(arguments: Mapping[str, Any]) -> Slot:
    """Where the copy of a task stands. Raises BackupError for a label that is none."""
    named = label.parse(str(arguments.get("label")))
    return Slot(str(arguments.get("kind")), named.system, named.name)


def is_true(value: Any) -> bool:
    """What Ansible takes for yes; all that is no known no."""
    return value if isinstance(value, bool) else str(value).lower() not in ("false", "no", "off", "0", "n", "f")


def plain(value: Any) -> Any:
    """Ansible's own kinds of tables, lists and vaulted texts as plain ones; a text still encrypted is only known to be there."""
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return schema.HIDDEN if getattr(value, "__ENCRYPTED__", False) else value
