# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX has of ours, read before anything is made there: a wrong token, an address of something else, a silent server are told first.

Asked by our own client, since those of awx.awx leave a token behind at each look where a username and a password are given.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from .. import _http
from . import awx_objects
from .awx_settings import refused

_LIMITS = _http.Limits(read=60, answer=120.0, size=32 << 20, patience=0)      # as long as the tasks of the role give awx.awx
_PAGE, _PAGES = 200, 50
_PAUSE = 2.0


def look(settings: Mapping[str, Any], asked: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, dict[str, Any]]]:
    """Of each collection, by name, what answers to its question; see awx_objects.listed. Raises BackupError RSP746."""
    client = _http.Client({}, "backup_awx", "", lambda heard: "")
    rows = {key: _rows(client, settings, awx_objects.ASKED_OF.get(key, key), question) for key, question in asked.items()}
    organization = next((row["id"] for row in rows["organizations"]), 0)
    found: dict[str, dict[str, dict[str, Any]]] = {awx_objects.STRANGERS: {}}
    for key, each in rows.items():
        if key in (awx_objects.NAMED, awx_objects.RUNNING, awx_objects.ASKING):
            found[key] = {str(row["id"]): row for row in each}
            continue
        for row in each if key in awx_objects.OF_ANY_ORGANIZATION else ():
            if row.get("organization") != organization:
                found[awx_objects.STRANGERS][f"{key}/{row['name']}"] = row
        found[key] = {str(row["name"]): row for row in each
                      if key not in awx_objects.OF_ANY_ORGANIZATION or row.get("organization") == organization
                      if key != "schedules" or _template_of(row) == row["name"]}
        if key == "schedules":
            found[awx_objects.OF_OTHERS] = {_template_of(row): row for row in each if _template_of(row) != row["name"]}
    for row in found["projects"].values():
        row[awx_objects.PLAYBOOKS] = _playbooks(client, settings, row["id"])
    return found


def synchronised(settings: Mapping[str, Any], name: str, seconds: float) -> Mapping[str, Any]:
    """The project, once AWX has read its repository or said that it can't; as it is when the time is over. Raises BackupError RSP746."""
    client = _http.Client({}, "backup_awx", "", lambda heard: "")
    question = {"name": name, "organization__name": str(settings["organization"])}
    end = time.monotonic() + seconds
    while True:
        row: dict[str, Any] = next(iter(_rows(client, settings, "projects", question)), {"status": ""})
        if row["status"] not in awx_objects.UNDER_WAY or time.monotonic() >= end:
            return {**row, awx_objects.PLAYBOOKS: _playbooks(client, settings, row["id"]) if "id" in row else []}
        time.sleep(_PAUSE)


def _rows(client: _http.Client, settings: Mapping[str, Any], collection: str, question: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for page in range(1, _PAGES + 1):
        asked = urlencode({**question, "page_size": _PAGE, "page": page, "order_by": "id"}, doseq=True)
        answer = _ask(client, settings, f"{collection}/?{asked}", _is_page)
        rows += [dict(row) for row in answer["results"] if isinstance(row, Mapping) and "id" in row]
        if not answer.get("next"):
            break
    return rows


def _playbooks(client: _http.Client, settings: Mapping[str, Any], number: int) -> list[str]:
    """What AWX found in the repository when it last read it: only such a one may stand in a template."""
    return [str(path) for path in _ask(client, settings, f"projects/{number}/playbooks/", lambda answer: isinstance(answer, list))]


def _is_page(answer: Any) -> bool:
    return isinstance(answer, Mapping) and isinstance(answer.get("results"), list)


def _template_of(schedule: Mapping[str, Any]) -> str:
    """Which template a schedule starts. Each of ours starts the one of its own name; any other is somebody else's."""
    summary = schedule.get("summary_fields")
    template = summary.get("unified_job_template") if isinstance(summary, Mapping) else None
    return str(template.get("name")) if isinstance(template, Mapping) else ""


def _ask(client: _http.Client, settings: Mapping[str, Any], what: str, fits: Callable[[Any], bool]) -> Any:
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
    if heard.status != 200 or not fits(answer):
        raise refused(f"{address} does not answer as AWX does (HTTP {heard.status}, /api/v2/{what.partition('?')[0]})",
                      f"{address} no responde como AWX (HTTP {heard.status}, /api/v2/{what.partition('?')[0]})")
    return answer


def _authorization(settings: Mapping[str, Any]) -> str:
    if "token" in settings:
        return f"Bearer {settings['token']}"
    return "Basic " + base64.b64encode(f"{settings['username']}:{settings['password']}".encode()).decode()
