# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people are told of a search: versions with their dates, the label each comes back from, and the command that brings it."""

from __future__ import annotations

import datetime
import json
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ...module_utils._engine.filesystem import scope
from ...module_utils._engine.restic import repositories
from . import searching

_KINDS = {"f": "archivo", "d": "carpeta", "l": "enlace", "o": "otro"}
_TOLD = 5       # versions of a name that the lines tell, the newest
_UNDECODED = re.compile("[\ud800-\udfff]")


class System(NamedTuple):
    """Whose names are told: the host that declares the system today, its name, and its copies that the bitácora knows, by label."""

    host: str
    name: str
    copies: Mapping[str, Mapping[str, Any]]


def row(system: System, found: searching.Found, ticket: str, zone: datetime.tzinfo) -> dict[str, Any]:
    """A name with its versions."""
    return {"path": scope.shown(found.path), "system": system.name, "deleted": found.deleted,
            "versions": [_version(system, found, each, ticket, zone) for each in found.versions]}


def _version(system: System, found: searching.Found, version: searching.Version, ticket: str, zone: datetime.tzinfo) -> dict[str, Any]:
    whole = [label for label in version.labels if any((system.copies.get(label) or {"media": {}})["media"].values())]
    label = whole[-1] if whole else ""
    restore: dict[str, Any] = {}
    if label:
        restore = {"restore_host": system.host, "restore_kind": repositories.KIND, "restore_system": system.name,
                   "restore_label": label, "restore_paths": [restorable(found.path)],
                   "restore_reason": "Versión de {0} hallada en el índice de nombres".format(label)}
        restore.update({"restore_ticket": ticket} if ticket else {})
    return {"kind": version.kind, "size": version.size, "modified": _when(version, zone), "first": version.labels[0], "last": version.labels[-1],
            "label": label, "restore": restore}


def restorable(path: str) -> str:
    """What to ask a restore for: the path, or where it has a byte that no variable can hold the folder around it."""
    while _UNDECODED.search(path):
        path = path.rpartition("/")[0]
    return path or "/"


def _when(version: searching.Version, zone: datetime.tzinfo) -> str:
    if version.kind == "d":
        return ""
    try:
        moment = datetime.datetime.fromtimestamp(version.modified // 10**9, datetime.timezone.utc)
        return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
    except (OverflowError, ValueError, OSError):
        return "fuera del calendario"


def lines(rows: Sequence[Mapping[str, Any]], more: bool, lacking: Sequence[str], office: str) -> list[str]:
    """All of it for people, in Spanish."""
    told = ["Búsqueda en {0}: {1} nombres{2}".format(office or "todos los órganos", len(rows), ", y hay más: acote la búsqueda" if more else "")]
    for each in rows:
        told.append("{0} ({1}{2})".format(each["path"], each["system"], "; ya no está en la última copia" if each["deleted"] else ""))
        if len(each["versions"]) > _TOLD:
            told.append("  … {0} versiones anteriores".format(len(each["versions"]) - _TOLD))
        for version in each["versions"][-_TOLD:]:
            told.append("  {0}, {1} bytes, modificado {2}: de {3} a {4}".format(
                _KINDS[version["kind"]], version["size"], version["modified"] or "—", version["first"], version["last"]))
        last = each["versions"][-1]
        told.append("  Vuelve con: ansible-playbook playbooks/restore.yml -e {0}".format(shlex.quote(json.dumps(last["restore"])))
                    if last["restore"] else "  Ninguna copia íntegra lo tiene ahora: vea playbooks/reconcile.yml")
    if lacking:
        told.append("El índice no tiene estas copias: {0}. Complételo con playbooks/names.yml".format(", ".join(lacking[-10:])))
    return told
