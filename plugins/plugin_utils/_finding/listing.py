# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What came back by a restore of a file server, as a file for who must say whether it is all there: names, sizes and dates of the copy, as its index has them.

Of folders of the request's own office alone. What does not fit is counted, and the file itself says so.
"""

from __future__ import annotations

import datetime
import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ...module_utils._engine import result
from ...module_utils._engine.filesystem import scope
from .. import _cells
from .._decisions import requests
from . import index, looking, pages
from .index import Index
from .looking import Server

MOST_ROWS, MOST_BYTES = 5000, 1 << 20
_COUNTED = 200_000        # names beyond which nobody counts what is left out
_HEADINGS = ("Ruta en la copia", "Qué es", "Tamaño (bytes)", "Modificado", "Copia de respaldo", "Restaurado en")
_KINDS = {"f": "archivo", "d": "carpeta", "l": "enlace", "o": "otro"}
_OBJECTED = requests.STEPS["object"].event


class List(NamedTuple):
    """A file with the names, and what a letter says of it."""

    file: str
    data: bytes
    told: str


def of_request(directory: str, servers: Sequence[Server], request: requests.Request, history: Iterable[Mapping[str, Any]],
               zone: datetime.tzinfo) -> List | None:
    """The names of what was restored under a request since it was last objected; None where no index knows them. Raises BackupError names_unreadable."""
    objected = request.last(_OBJECTED)
    done = [entry for entry in history if entry["n"] in request.done and entry["type"] == "restored" and entry["n"] > (objected.n if objected else 0)]
    rows: list[list[str]] = []
    total, size = 0, 0
    for entry in done:
        server = next((each for each in servers if each.name == entry.get("system") and each.has(request.office)), None)
        if server is None or not index.path_of(directory, server.name).exists():
            return None
        with index.Index(directory, server.name, readonly=True) as opened:
            if entry.get("label") not in opened.points().labels:
                return None
            for name in _names(opened, server, entry, request.office):
                total += 1
                if total > _COUNTED:
                    break
                row = _row(name, entry, zone)
                size += len(";".join(row).encode("utf-8", "replace")) + 20
                if len(rows) < MOST_ROWS and size <= MOST_BYTES:
                    rows.append(row)
    if not rows:
        return None
    left = total - len(rows)
    note = "Faltan aquí {0} nombres, que no caben en esta lista".format("más de {0}".format(_COUNTED - len(rows)) if total > _COUNTED else left) if left else ""
    data = _cells.csv_of([_HEADINGS, *rows, *([[note]] if note else [])])
    file = "restaurado-{0}.csv".format(re.sub(r"[^A-Za-z0-9-]+", "-", request.ticket).strip("-") or "solicitud")
    return List(file, data, "La lista de lo restaurado va adjunta ({0}): {1} nombres, con su tamaño y su fecha, según el índice de la copia.{2}".format(
        file, len(rows), " {0}.".format(note) if note else ""))


def _names(opened: Index, server: Server, entry: Mapping[str, Any], office: str) -> Iterable[tuple[str, str, int, int]]:
    """Path, kind, size and time of each name of a copy that was asked for, in the order of the paths. Raises BackupError names_unreadable."""
    place = opened.connection.execute("SELECT id FROM point WHERE label = ?", (entry["label"],)).fetchone()[0]
    asked = [str(path) for path in entry.get("wanted") or ()]
    # as the restore itself reads them: from the first of the copied folders
    folders = [pages.key_of(path if path.startswith("/") else "{0}/{1}".format(server.roots[0].rstrip("/") if server.roots else "", path)).rstrip(b"\0")
               for path in asked] or [b""]
    mine = looking.plain_name(office)
    seen: set[bytes] = set()
    try:
        for folder in folders:
            inside = "AND (f.key = ? OR f.key > ? AND f.key < ?)" if folder else ""
            for key, kind, size, modified in opened.connection.execute(
                    "SELECT f.key, v.kind, v.size, v.modified FROM file f CROSS JOIN version v ON v.file = f.id WHERE v.first <= ? AND v.last >= ? {0} "
                    "ORDER BY f.key".format(inside), [place, place, *((folder, folder + b"\0", folder + b"\1") if folder else ())]):
                path = pages.path_of(key)
                if server.offices.of(path) != mine or len(asked) > 1 and key in seen:
                    continue
                if len(asked) > 1:
                    seen.add(key)
                yield path, kind, size, modified
    except sqlite3.Error as error:
        raise opened.unreadable(error) from error


def _row(name: tuple[str, str, int, int], entry: Mapping[str, Any], zone: datetime.tzinfo) -> list[str]:
    path, kind, size, modified = name
    when = ""
    if kind != "d":
        try:
            when = datetime.datetime.fromtimestamp(modified // 10**9, datetime.timezone.utc).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
        except (OverflowError, ValueError, OSError):
            when = "fuera del calendario"
    return [_cells.guarded(result.seen(scope.shown(path))), _KINDS[kind], "" if kind == "d" else str(size), when, str(entry["label"]),
            _cells.guarded(result.seen(str(entry.get("target") or "")))]
