# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What plain directories hold: the work of backup_archive_info."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule

from .._engine.errors import BackupError
from .._engine.sources import of_paths
from .base import error_of


def tell_contents(module: AnsibleModule) -> None:
    """The digest of the files as they are now."""
    try:
        source = of_paths.build(module.params["source"], module.params["assigned_paths"])
        module.exit_json(changed=False, digest=source.current_digest())
    except BackupError as error:
        module.fail_json(**error_of(error))
