# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX has of ours, read before anything is made there: a wrong token, an address of something else, a silent server are told first.

Asked by our own client, since those of awx.awx leave a token behind at each look where a username and a password are given.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from .. import _http
from . import awx_objects
from .awx_settings import refused

_LIMITS = _http.Limits(read=30, answer=60.0, size=32 << 20, patience=0)
_PAGE, _PAGES = 200, 50


def look(settings: Mapping[str, Any], asked: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, dict[str, Any]]]:
    """Of each collection, by name, what answers to its question. Raises BackupError RSP746."""
    client = _http.Client({}, "backup_awx", "", lambda heard: "")
    found = {}
    for collection, question in asked.items():
        rows: list[Any] = []
        for page in range(1, _PAGES + 1):
            answer = _ask(client, settings, f"{collection}/?{urlencode({**question, 'page_size': _PAGE, 'page': page, 'order_by': 'id'})}")
            rows += answer["results"]
            if not answer.get("next"):
                break
        found[collection] = {str(row["name"]): dict(row) for row in rows if isinstance(row, Mapping) and "name" in row
                             and (collection != "schedules" or _template_of(row) == row["name"])}
        if collection == "schedules":
            found[awx_objects.OF_OTHERS] = {_template_of(row): dict(row) for row in rows if _template_of(row) != row["name"]}
    return found


def _template_of(schedule: Mapping[str, Any]) -> str:
    """Which template a schedule starts. Each of ours starts the one of its own name; any other is somebody else's."""
    summary = schedule.get("summary_fields")
    template = summary.get("unified_job_template") if isinstance(summary, Mapping) else None
    return str(template.get("name")) if isinstance(template, Mapping) else ""


def _ask(client: _http.Client, settings: Mapping[str, Any], what: str) -> Mapping[str, Any]:
    address = str(settings["url"]).rstrip("/")
    try:
        heard = client.ask("GET", f"{address}/api/v2/{what}", {"Accept": "application/json", "Authorization": _authorization(settings)}, _LIMITS)
    except _http.Trouble as trouble:
        raise refused(f"{address} does not answer: {trouble.detail}", f"{address} no responde: {trouble.detail}") from None
    if heard.status in (401, 403):
        raise refused(f"{address} refuses who asks (HTTP {heard.status})", f"{address} rechaza la credencial (HTTP {heard.status})")
    try:
        answer = heard.json()
    except ValueError:
        answer = None
    if heard.status != 200 or not isinstance(answer, Mapping) or not isinstance(answer.get("results"), list):
        raise refused(f"{address} does not answer as AWX does (HTTP {heard.status}, /api/v2/{what.partition('?')[0]})",
                      f"{address} no responde como AWX (HTTP {heard.status}, /api/v2/{what.partition('?')[0]})")
    return answer


def _authorization(settings: Mapping[str, Any]) -> str:
    if "token" in settings:
        return f"Bearer {settings['token']}"
    return "Basic " + base64.b64encode(f"{settings['username']}:{settings['password']}".encode()).decode()
