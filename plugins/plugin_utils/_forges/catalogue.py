# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which class speaks to a forge of which type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .azure_devops import AzureDevOps
from .base import Forge
from .gitea import Gitea
from .gitlab import GitLab

CLASSES: dict[str, type[Forge]] = {"gitea": Gitea, "forgejo": Gitea, "gitlab": GitLab, "azure_devops": AzureDevOps}


def open_forge(declared: Mapping[str, Any]) -> Forge:
    """The forge of a declaration that was checked."""
    return CLASSES[declared["type"]](declared)
