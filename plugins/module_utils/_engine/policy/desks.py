# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an inventory says of the help desk (`backup_desk`): where it is, who asks, and what of a request it may be told (numeral 7.1.2)."""

from __future__ import annotations

import re
from typing import Any, List, Mapping

from . import schema
from .schema import Problem, choice, listing, table, text, token, whole

# What a help desk may be told of a request beside its number, its state and its numeral. Names of people and what was lost are told only where it is said so.
TELLS = ("office", "system", "what", "person")
DEFAULT_TELLS = ("office", "system")
MANUAL = "manual"
TYPES = (MANUAL, "glpi")
_WORD = text(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", "mesa")
_ADDRESS = text(r"https?://[A-Za-z0-9._:\[\]-]+(/[A-Za-z0-9._~/-]*)?", "https://mesa.example.org/apirest.php")
_LOCAL = re.compile(r"http://(127\.0\.0\.1|localhost|\[::1\])(:[0-9]+)?(/|\Z)")

_BY_API = {"url": _ADDRESS, "user_token": token(), "app_token": token(), "ca_certs": text(), "proxy": _ADDRESS, "retry_seconds": whole(0, 3600),
           "entity": whole(0), "category": whole(1), "tells": listing(choice(*TELLS))}
DESK = table({"name": _WORD, "type": choice(*TYPES)}, _BY_API)


def check(desk: Any) -> None:
    """Refuse a help desk with mistakes: one BackupError RSP101 that names each key, value and mend. A token is never repeated."""
    problems: List[Problem] = []
    DESK(desk, "backup_desk", problems)
    if isinstance(desk, Mapping):
        _of_type(desk, problems)
    schema.raise_all(problems)


def _of_type(desk: Mapping[str, Any], problems: List[Problem]) -> None:
    if desk.get("type") == MANUAL:
        for name in sorted(set(desk) & set(_BY_API)):
            problems.append(Problem("backup_desk." + name, schema.HIDDEN if name.endswith("token") else schema.shown(desk[name]),
                                    "has no meaning where numbers are given by hand", "Remove it, or name the type of help desk."))
        return
    for name in ("url", "user_token"):
        if name not in desk:
            problems.append(Problem("backup_desk." + name, None, "is missing", "A help desk that is asked by its API needs url and user_token."))
    url = desk.get("url")
    if isinstance(url, str) and url.startswith("http://") and not _LOCAL.match(url):
        problems.append(Problem("backup_desk.url", schema.shown(url), "would send the token in clear", "Use https."))
