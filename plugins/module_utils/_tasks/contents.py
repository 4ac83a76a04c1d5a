# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What plain directories hold: the work of backup_archive_info."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule

from .._engine.sources import of_paths
from .digests import tell_digests


def tell_contents(module: AnsibleModule) -> None:
    """The digest of the files as they are now; of several sources those of each."""
    tell_digests(module, lambda source: of_paths.build(source, module.params["assigned_paths"]))
