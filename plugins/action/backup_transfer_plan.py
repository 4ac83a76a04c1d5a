# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says which copies of the systems of a host are not yet in the repository. See its module for the documentation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..module_utils._engine.errors import BackupError
from ..module_utils._engine.policy.schema import meant, one_of
from ..plugin_utils._actions import show
from ..plugin_utils._bitacora.store import open_store, resolve_url
from ..plugin_utils._copying.transferring import may_go_together
from ..plugin_utils._custodians import custody
from ..plugin_utils._decisions.batches import batches
from ..plugin_utils._inventory import INVENTORY, InventoryAction

_TOLD = ("printed_label", "criticality", "office", "responsible", "numeral", "key_reference")
# A copy that was only hashed at both ends is proved in its structure as far as its source was; a rehearsal is of one medium.
_CARRIED = "T2"


class ActionModule(InventoryAction):
    EACH_HOST = True
    ARGUMENTS = {**INVENTORY, "repository": {"type": "str", "required": True}, "show": {"type": "bool", "default": False}}

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        found = self.inventory(arguments, task_vars)
        repository, media = arguments["repository"], [str(medium["name"]) for medium in found.media]
        if not repository.strip():
            raise BackupError("invalid_input", where="backup_repository", value=None, problem="is missing", mend=one_of(media))
        if repository not in media:
            raise BackupError("invalid_input", where="backup_repository", value=repository, problem="is not a medium of backup_media",
                              mend=meant(repository, media))
        rows, lines = [], []
        with open_store(resolve_url()) as store:
            for _index, system in found.on_our_media():
                copies = [copy for copy in store.copies(system["kind"], system["name"]) if not copy["media"].get(repository)]
                for copy in copies:
                    row = _row(copy, [name for name in media if name != repository])
                    rows += [(row, int(copy.get("size") or 0))] if row else []
                    lines.append("  {0}  {1}".format(copy["label"], "de " + row["source"] if row else "no está entera en ningún medio de este servidor"))
        if arguments["show"]:
            show("\n".join([f"{task_vars['inventory_hostname']}: por trasladar a {repository}: {len(rows)}", *lines]))
        given = {str(medium["name"]): medium for medium in found.media}
        transfers = [row for row, _size in rows]
        return {"changed": False, "systems": len(found.on_our_media()), "transfers": transfers, "summary": lines,
                "batches": batches(rows, lambda kind, source: may_go_together(kind, [given[source], given[repository]]))}


def _row(copy: Mapping[str, Any], media: list[str]) -> dict[str, Any] | None:
    """What is needed to carry a copy: from the medium where it is proved best, the first named of these."""
    whole = [name for name in media if copy["media"].get(name)]
    if not whole:
        return None
    source = max(whole, key=lambda name: copy["media"][name])
    record = {name: value for name, value in {**copy, "key_reference": custody.reference_of(copy)}.items() if name in _TOLD and value}
    return {"label": copy["label"], "system": copy["system"], "kind": copy["kind"], "sha256": copy["sha256"], "source": source,
            "trust_level": min(copy["media"][source], _CARRIED), "record": record}
