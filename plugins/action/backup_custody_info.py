# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who holds which key, and what the bitácora knows of it. See its module for the documentation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..module_utils._engine import result
from ..module_utils._engine.errors import BackupError
from ..plugin_utils._actions import BackupAction, failed, show
from ..plugin_utils._bitacora import view
from ..plugin_utils._bitacora.store import open_store, resolve_url
from ..plugin_utils._custodians import base, custody
from ..plugin_utils._decisions import keys as _keys


class ActionModule(BackupAction):
    ARGUMENTS = {
        "custodians": {"type": "raw", "default": []},
        "directory": {"type": "path", "default": ""},
        "reference": {"type": "str", "default": ""},
        "system": {"type": "str", "default": ""},
        "kind": {"type": "str", "default": "all", "choices": ["all", *result.KINDS]},
        "show": {"type": "bool", "default": False},
    }

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        every = custody.opened(self._loader, arguments["custodians"] or arguments["directory"])
        with open_store(resolve_url(), readonly=True) as store:
            known = _keys.read(store)
        held: dict[str, list[str]] = {}
        problems = []
        for custodian in every:
            try:
                for reference in custodian.list():
                    held.setdefault(reference, []).append(custodian.name)
            except BackupError as error:
                problems.append(error)
        rows = [_row(reference, known.get(reference), held.get(reference, []), every) for reference in sorted({*held, *known})]
        rows = [row for row in rows if arguments["kind"] in ("all", row["kind"]) and arguments["system"] in ("", row["system"])
                and arguments["reference"] in ("", row["reference"])]
        if arguments["reference"]:
            for row in rows:
                row["kept_at"] = _since(arguments["reference"], every, problems)
        lines = _report(every, rows, problems)
        if arguments["show"]:
            show("\n".join(lines))
        return {"changed": False, "keys": rows, "summary": lines, "problems": [failed(error)["error"] for error in problems],
                "custodians": [{"name": each.name, "type": each.TYPE, "location": each.location, "required": each.required, "retired": each.retired}
                               for each in every]}


def _row(reference: str, key: _keys.Key | None, custodians: list[str], every: Iterable[base.Custodian]) -> dict[str, Any]:
    parts = base.inner(reference).split("/")
    told = key or _keys.Key(reference, "", parts[0], parts[1] if len(parts) > 2 else "", parts[-1], "", "", "", [], False)
    sealed = [each.name for each in every if each.TYPE == "vault_file" and each.name in custodians and _has_seal(each, reference)]
    return {**told._asdict(), "custodians": custodians, "sealed_in": sealed, "known": key is not None}


def _has_seal(custodian: Any, reference: str) -> bool:
    return bool(custodian.seal(reference))


def _since(reference: str, every: Iterable[base.Custodian], problems: list[BackupError]) -> dict[str, str]:
    found = {}
    for custodian in every:
        try:
            stat = custodian.stat(reference)
            found.update({custodian.name: stat.kept_at} if stat else {})
        except BackupError as error:
            problems.append(error)
    return found


def _report(every: list[base.Custodian], rows: list[dict[str, Any]], problems: list[BackupError]) -> list[str]:
    """A line for each system: staff must see at a glance what is held once only, was never proved, or by nobody."""
    lines = ["Custodia de contraseñas (numerales 5.2 y 7.2.1 b)"]
    lines += [f"    custodio {each.name} ({each.TYPE}): {each.location}{'; retirado' if each.retired else ''}" for each in every]
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["kind"], row["system"]), []).append(row)
    for (kind, system), keys in sorted(groups.items()):
        where = ", ".join(f"{each.name} {sum(each.name in key['custodians'] for key in keys)}" for each in every)
        once = sum(len(key["custodians"]) == 1 and not key["sealed_in"] for key in keys)
        proved = max(str(key["proved_at"]) for key in keys)
        lines.append(f"{system or '(otras)'} ({view.KINDS.get(kind, kind)}): {len(keys)} clave{'' if len(keys) == 1 else 's'}; {where}; "
                     f"selladas {sum(bool(key['sealed_in']) for key in keys)}; última prueba: {proved[:10] or 'ninguna'}")
        lines += [f"    {once} en un solo custodio"] if once else []
        lines += [f"    sin custodio: {key['label']}{'' if key['exists'] else ' (copia ya retirada)'}" for key in keys if not key["custodians"]]
        if len(keys) == 1 or "kept_at" in keys[0]:
            lines += [f"    {key['label']}: clave {key['key_id'] or 'sin identificador'}, creada {key['created_at'] or '?'}, renovada su custodia "
                      f"{key['rotated_at'] or 'nunca'}, probada {key['proved_at'] or 'nunca'}; {', '.join(key['custodians']) or 'nadie'}" for key in keys]
    return lines + [f"{error.code}: {error.spanish}" for error in problems]
