# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says which repositories of a host get another password, and which former one is still to be removed. See its module for the documentation."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from ..module_utils._engine import moments, result
from ..module_utils._engine.errors import BackupError
from ..module_utils._engine.policy import policy
from ..module_utils._engine.restic import names, repositories
from ..plugin_utils._actions import show
from ..plugin_utils._bitacora import entries, rekeyed
from ..plugin_utils._bitacora.any_store import Store
from ..plugin_utils._bitacora.store import open_store, resolve_url
from ..plugin_utils._custodians import base, custody
from ..plugin_utils._decisions import due
from ..plugin_utils._inventory import INVENTORY, InventoryAction, public_key
from ..plugin_utils._tasks import is_cloud


class ActionModule(InventoryAction):
    ARGUMENTS = {
        **INVENTORY,
        "custodians": {"type": "raw", "default": []},
        "directory": {"type": "path", "default": ""},
        "key_id": {"type": "str", "default": "", "no_log": False},
        "before": {"type": "str", "default": ""},
        "former": {"type": "str", "default": "removed", "choices": ["removed", "kept"]},
        "shared_paths": {"type": "bool", "default": False},
        "reason": {"type": "str", "default": ""},
        "authority": {"type": "str", "default": ""},
        "show": {"type": "bool", "default": False},
    }

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        _refuse_unclear(arguments)
        found = self.inventory(arguments, task_vars)
        limit = entries.moment(arguments["before"], False, found.rules["time_zone"]) if arguments["before"] else ""
        if limit > moments.now():
            # every password is older than that, the new one too: each repetition would change it again
            raise BackupError("invalid_input", where="before", value=arguments["before"], problem="lies ahead", mend="Give a date of today or before.")
        today = datetime.datetime.now(due.zone(found.rules["time_zone"])).date()
        turns: list[dict[str, Any]] = []
        started: list[dict[str, Any]] = []
        known: set[str] = set()
        with open_store(resolve_url(), readonly=True) as store:
            for _index, system in found.on_our_media(repositories.KIND):
                copies = store.copies(system["kind"], system["name"])
                newest = copies[-1] if copies else {}
                repository = str(newest.get("repository") or "")
                if not repository or any(turn["repository"] == repository for turn in turns):
                    continue
                turn = self._turn(store, arguments, repository, limit, known)
                if not (turn["rotate"] or turn["withdraw"]):
                    continue
                _refuse_out_of_reach(store, repository, found.media, str(task_vars["inventory_hostname"]), arguments["shared_paths"])
                turn.update(label=newest["label"], system=system["name"], kind=system["kind"],
                            responsible=policy.responsible(found.rules, system, today),
                            public_keys=[public_key(person) for person in policy.key_holders(found.rules, system["kind"], today)])
                turns.append(turn)
                if turn["rotate"]:
                    started.append(_started(turn, arguments))
        if arguments["key_id"] and arguments["key_id"] not in known and found.on_our_media(repositories.KIND):
            raise BackupError("key_unknown", key=arguments["key_id"][:100])
        lines = [_line(turn) for turn in turns] or ["Ninguna contraseña de repositorio por cambiar."]
        if arguments["show"]:
            show("\n".join([f"{task_vars['inventory_hostname']}: contraseñas de repositorios", *lines]))
        return {"changed": False, "systems": len(found.on_our_media(repositories.KIND)), "turns": turns, "summary": lines,
                **({"backup": started} if started else {})}

    def _turn(self, store: Store, arguments: Mapping[str, Any], repository: str, limit: str, known: set[str]) -> dict[str, Any]:
        """What is to be done with one repository. `known` gets the ids of its keys, those of before too."""
        first = custody.reference(repositories.KIND, repository, names.CUSTODY_NAME)
        told = rekeyed.rotations(store, first)
        reference = rekeyed.in_force_by(told, first)
        record: base.Record = custody.record(self._loader, arguments["custodians"] or arguments["directory"], reference)
        known.update([record.key_id, *(str(entry.get("former_key_id")) for entry in told)])
        asked = record.key_id == arguments["key_id"] if arguments["key_id"] else bool(limit) and record.created_at < limit
        last = told[-1] if told else None
        # of a run that died before the new one was in force: nobody need ask again
        left = any(entry.get("former_key_reference") == reference and not entry.get("simulated") for entry in store.entries(type=rekeyed.STARTED))
        pending = last is not None and (last["type"] == rekeyed.ROTATED or bool(last.get("keys_left")))
        rotate = asked or left
        return {"repository": repository, "rotate": rotate, "withdraw": arguments["former"] == "removed" and (rotate or pending),
                "key_id": record.key_id, "key_reference": reference}


def _refuse_unclear(arguments: Mapping[str, Any]) -> None:
    if arguments["key_id"] and arguments["before"]:
        raise BackupError("invalid_input", where="key_id", value=arguments["key_id"], problem="is given beside a date", mend="Give one of the two.")
    for name in ("reason", "authority"):
        if (arguments["key_id"] or arguments["before"]) and not arguments[name].strip():
            raise BackupError("invalid_input", where=name, value=arguments[name], problem="is blank",
                              mend="Say why, and who orders it by which document, for the bitácora.")


def _refuse_out_of_reach(store: Store, repository: str, media: list[Mapping[str, Any]], host: str, shared: bool) -> None:
    """A medium that this host has not, or that each server has for itself, keeps the former password: raises repository_out_of_reach."""
    holding = {name for kind, system in rekeyed.systems_of(store, repository) for copy in store.copies(kind, system)
               if copy.get("repository") == repository for name in copy["media"]}
    missing = sorted(holding.difference(str(medium["name"]) for medium in media))
    if missing:
        raise BackupError("repository_out_of_reach", repository=repository, host=host, detail="it has copies on {0}".format(", ".join(missing)))
    others = [name for name in rekeyed.hosts_of(store, repository) if name != host]
    own = [str(medium["name"]) for medium in media if medium["name"] in holding and not is_cloud(medium) and not medium.get("host")]
    if others and own and not shared:
        raise BackupError("repository_out_of_reach", repository=repository, host=host, detail="{0} share it, and {1} is a path that may be another disk there "
                          "(repository_key_shared_paths)".format(", ".join(others), ", ".join(own)))


def _started(turn: Mapping[str, Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
    return result.build(
        event=rekeyed.STARTED, label=turn["label"], system=turn["system"], kind=turn["kind"], numeral="5.2", repository=turn["repository"],
        responsible=turn["responsible"] or None, reason_text=arguments["reason"].strip() or "Continúa un cambio que quedó a medias",
        document=arguments["authority"].strip() or None, former_key_reference=turn["key_reference"], former_key_id=turn["key_id"])


def _line(turn: Mapping[str, Any]) -> str:
    what = ["se cambia la contraseña"] if turn["rotate"] else []
    what += ["se retira la anterior"] if turn["withdraw"] else []
    return f"Repositorio {turn['repository']} (clave {turn['key_id']}): {' y '.join(what)}"
