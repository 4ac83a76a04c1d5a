# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes the seals of the bitácora out of the controller's reach, into an append blob. See its module for the documentation."""

from __future__ import annotations

import json
from typing import Any

from ..module_utils._engine import result
from ..module_utils._engine.errors import BackupError
from ..plugin_utils._actions import BackupAction, failed
from ..plugin_utils._bitacora import chain
from ..plugin_utils._bitacora.seals import unsent
from ..plugin_utils._bitacora.store import open_store, resolve_url


class ActionModule(BackupAction):
    ARGUMENTS = {"medium": {"type": "dict", "required": True}, "blob": {"type": "str", "default": "bitacora/sellos.jsonl"}}

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        from ..plugin_utils._copying import clouds  # only a play with such a medium pays for it

        with clouds.account_of(arguments["medium"]) as account:
            blob = account.medium.below(arguments["blob"])
            name = f"{account.medium.service.location}/{blob}"
            with open_store(resolve_url(), readonly=True) as store:
                seals, last = unsent(store, name)
                if not seals and not last:
                    raise BackupError("nothing_to_anchor", store=store.url)
            told = {"changed": bool(seals), "anchor": name, "sealed_n": seals[-1]["n"] if seals else last, "seals": len(seals)}
            if not seals or self._task.check_mode:
                return told
            names = (*chain.SEALED, "n", "digest")
            lines = "".join(json.dumps({each: entry[each] for each in names}, sort_keys=True) + "\n" for entry in seals)
            about = {"anchor": name, "sealed_n": seals[-1]["n"]}
            try:
                account.medium.append(blob, lines.encode("ascii"))
            except BackupError as error:
                return {**told, **failed(error), "backup": result.build(event="anchor_failed", **about, **result.failure(error))}
            return {**told, "backup": result.build(event="anchor_sent", **about, note_es=f"Sello del asiento {seals[-1]['sealed_n']} agregado a {name}")}
