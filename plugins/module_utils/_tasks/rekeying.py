# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Another password for the repository of a medium: the server's part of backup_rekey, one step of it."""

from __future__ import annotations

from typing import Any, Dict

from ansible.module_utils.basic import AnsibleModule

from .._engine.errors import BackupError
from .._engine.restic import rekeying, repositories
from .base import Task, run


def rekey(module: AnsibleModule) -> None:
    """Look at, add or remove a key of a repository, by the password in force and the one that takes its place."""

    def work(task: Task) -> Dict[str, Any]:
        params, medium = task.params, task.media()[0]
        place = repositories.on(medium, params["repository"])
        former, new = params["former"]["password"], params["decryption"]["password"]
        told: Dict[str, Any] = dict(there="config" in place.files(), opens=False, former_opens=False, removed=[], stays=[], further=[])
        if not told["there"]:
            return dict(told, changed=False)
        with medium.lock(place.slot, params["lock_timeout"]):
            if params["step"] == "looked" or module.check_mode:
                told.update(opens=bool(new and rekeying.opened_by(place, new)), former_opens=bool(former and rekeying.opened_by(place, former)))
                return dict(told, changed=params["step"] == "added" and not told["opens"] or params["step"] == "removed" and told["former_opens"])
            if params["step"] == "added":
                had = bool(rekeying.opened_by(place, new))
                rekeying.add(place, former, new)
                return dict(told, opens=True, changed=not had)
            if not new or new == former:
                raise BackupError("password_wrong", file=place.location)
            done = rekeying.remove(place, former, new, params["public_keys"], params["second_key"])
            return dict(told, opens=True, changed=bool(done.removed), **done._asdict())

    run(module, work, lambda error: "repository_key_failed")
