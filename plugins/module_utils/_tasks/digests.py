# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether sources changed since their last copies: the digest of what one holds now, or of each of several in one question."""

from __future__ import annotations

from typing import Any, Callable, Dict

from ansible.module_utils.basic import AnsibleModule

from .._engine.errors import BackupError
from .base import error_of


def tell_digests(module: AnsibleModule, build: Callable[[Dict[str, Any]], Any]) -> None:
    """Leave with the digest of `source`, or those of `sources`; `build` makes a source of its options."""
    def digest(source: Dict[str, Any]) -> str:
        return str(build(source).current_digest())

    def digest_or_none(source: Dict[str, Any]) -> str:
        # empty for one that can't be asked: why not is told by its copy, which is due then; the others are asked all the same
        try:
            return digest(source)
        except BackupError:
            return ""

    try:
        if module.params["source"] is not None:
            module.exit_json(changed=False, digest=digest(module.params["source"]))
        module.exit_json(changed=False, digests=[digest_or_none(source) for source in module.params["sources"]])
    except BackupError as error:
        module.fail_json(**error_of(error))
