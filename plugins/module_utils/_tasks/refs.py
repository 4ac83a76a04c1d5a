# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The refs of a git repository: the work of backup_git_info."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule

from .._engine.sources import of_git
from .digests import tell_digests


def tell_refs(module: AnsibleModule) -> None:
    """The digest of a git repository's refs as they are now; of several those of each."""
    tell_digests(module, lambda source: of_git.build(source, module.params["assigned_paths"]))
