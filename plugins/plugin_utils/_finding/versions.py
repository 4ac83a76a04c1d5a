# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which versions the copies have of what a request asks for: what its letters tell who may know it. Names of the request's own office alone, few of them."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ...module_utils._engine.filesystem import scope
from .._bitacora.view import amount
from .._decisions import due, requests
from . import looking, merging, searching
from .looking import Server

MOST = 20                 # versions that an answer tells
_OF_ONE = 3               # of one name, the newest
_LOOKED_AT = 200          # names of one word that are compared with a path
_MOST_PATHS = 10          # of a request that are looked for
_DRIVE = re.compile(r"[A-Za-z]:/")
_KINDS = {"d": "carpeta", "l": "enlace", "o": "otro"}


class Known(NamedTuple):
    """Versions as people read them, and whether there are more than are told."""

    rows: list[str]
    more: bool


def of_request(directory: str, servers: Sequence[Server], request: requests.Request, zone: datetime.tzinfo) -> Known:
    """What the indexes know of what a request asks for. Raises BackupError names_unreadable."""
    found: dict[tuple[str, str], list[str]] = {}
    more = len(request.wanted) > _MOST_PATHS
    for server in servers:
        if not server.has(request.office) or request.system and server.name != request.system:
            continue
        for path in filter(None, map(_path, request.wanted[:_MOST_PATHS])):
            names, beyond = _names(directory, server, path, request.office)
            more = more or beyond
            for each in names:
                found.setdefault((server.name, each.path), list(_rows(server, each, zone)))
                more = more or len(each.versions) > _OF_ONE
    rows = [row for told in found.values() for row in told]
    return Known(rows[:MOST], more or len(rows) > MOST)


def _path(wanted: str) -> str:
    """A path as the server has it, whole or from some folder on: people copy what their own computer shows, \\\\server\\share\\folder or Z:\\folder."""
    path = wanted.replace("\\", "/").strip()
    if path.startswith("//"):
        path = "/".join(path.lstrip("/").split("/")[2:])
    elif _DRIVE.match(path):
        path = path[3:]
    parts = [part for part in path.split("/") if part not in ("", ".")]
    return "" if ".." in parts or not parts else ("/" if path.startswith("/") else "") + "/".join(parts)


def _names(directory: str, server: Server, path: str, office: str) -> tuple[list[searching.Found], bool]:
    """The names at a path and below it; where nothing lies there, those that end so."""
    below = [path] if path.startswith("/") else ["{0}/{1}".format(root.rstrip("/"), path) for root in server.roots]
    for folder in below:
        answer = looking.search(directory, server, searching.Wanted(folder=folder, limit=MOST), office)[1]
        if answer.found:
            return answer.found, answer.more
    wanted = merging.folded(path if path.startswith("/") else "/" + path)
    answer = looking.search(directory, server, searching.Wanted(name=path.rpartition("/")[2], limit=_LOOKED_AT), office)[1]
    return [each for each in answer.found if merging.folded(each.path).endswith(wanted)], answer.more


def _rows(server: Server, found: searching.Found, zone: datetime.tzinfo) -> Iterator[str]:
    """The newest versions of a name, the newest first."""
    for place, version in enumerate(reversed(found.versions[-_OF_ONE:])):
        told = [_KINDS.get(version.kind, amount(version.size))]
        told += ["modificado el {0}".format(_moment(version.modified, zone))] if version.kind != "d" else []
        first, last = (_day(server.copies, label, zone) for label in (version.labels[0], version.labels[-1]))
        told.append("en la copia del {0}".format(first) if len(version.labels) == 1 else "en las copias del {0} al {1}".format(first, last))
        yield "{0}: {1}{2}".format(scope.shown(found.path), ", ".join(told), "; ya no está en la última copia" if found.deleted and not place else "")


def _moment(modified: int, zone: datetime.tzinfo) -> str:
    try:
        return datetime.datetime.fromtimestamp(modified // 10**9, datetime.timezone.utc).astimezone(zone).strftime("%d/%m/%Y %H:%M")
    except (OverflowError, ValueError, OSError):
        return "una fecha fuera del calendario"


def _day(copies: Mapping[str, Mapping[str, Any]], label: str, zone: datetime.tzinfo) -> str:
    copy = copies.get(label) or {}
    moment = due.moment(str(copy.get("started_at") or copy.get("at_event") or ""))
    return moment.astimezone(zone).strftime("%d/%m/%Y") if moment else label
