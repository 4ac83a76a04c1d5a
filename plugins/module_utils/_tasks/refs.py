# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The refs of a git repository: the work of backup_git_info."""

from __future__ import annotations

from typing import Any, Dict

from ansible.module_utils.basic import AnsibleModule

from .._engine.errors import BackupError
from .._engine.sources import of_git
from .base import error_of


def tell_refs(module: AnsibleModule) -> None:
    """The digest of a git repository's refs as they are now; of several those of each."""
    try:
        if module.params["source"] is not None:
            module.exit_json(changed=False, digest=_digest(module, module.params["source"]))
        module.exit_json(changed=False, digests=[_digest_or_none(module, source) for source in module.params["sources"]])
    except BackupError as error:
        module.fail_json(**error_of(error))


def _digest(module: AnsibleModule, source: Dict[str, Any]) -> str:
    return of_git.build(source, module.params["assigned_paths"]).current_digest()


def _digest_or_none(module: AnsibleModule, source: Dict[str, Any]) -> str:
    """Empty for one that can't be asked: why not is told by its copy, which is due then; the others are asked all the same."""
    try:
        return _digest(module, source)
    except BackupError:
        return ""
