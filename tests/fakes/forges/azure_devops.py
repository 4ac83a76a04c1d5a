# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Azure DevOps' REST API 7.1, by MicrosoftDocs/vsts-rest-api-specs: Repositories_List, Repositories_Get Repository, Wikis_List.

A row's path is PROJECT/NAME. Its wiki is a repository of its own, which the list of repositories does not show.
"""

from __future__ import annotations

import base64
import uuid
from pathlib import Path
from typing import Any

from .server import TOKEN, Asked, Forge, Refused, Row, parameters

OWNER, PROJECT = "entidad", "Portal Público"


def open_fake(directory: Path) -> Forge:
    return Forge(directory, _answer, _git_path)


def identity(number: int, of: str = "repository") -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{of} {number}"))


def _git_path(forge: Forge, below: str) -> str | None:
    for row in forge.repositories:
        project, _slash, name = row.path.partition("/")
        if below == f"/{OWNER}/{project}/_git/{name}":
            return None if row.disabled else row.disk
        if row.wiki and below == f"/{OWNER}/{project}/_git/{name}.wiki":
            return row.wiki
    return None


def _answer(forge: Forge, asked: Asked) -> tuple[Any, dict[str, str]]:
    scheme, _space, word = asked.headers.get("authorization", "").partition(" ")
    if scheme != "Basic" or base64.b64decode(word).decode().partition(":")[2] != TOKEN:
        raise Refused(302, "Object moved", Location="https://spsprodsus1.vssps.visualstudio.com/_signin")
    if asked.query.get("api-version") != "7.1":
        raise Refused(400, "VssVersionNotSpecifiedException: api-version")
    owner, _slash, rest = asked.path.strip("/").partition("/")
    project, _slash, operation = rest.partition("_apis/")
    project = project.rstrip("/")
    rows = [row for row in forge.repositories if project in ("", row.path.split("/")[0])]
    if owner != OWNER or (project and not rows):
        raise Refused(404, "VS800075: The project with id 'vstfs:///' does not exist")
    steps = operation.split("/")
    if steps == ["git", "repositories"]:
        parameters(asked, **{name: lambda value: value in ("true", "false") for name in ("includeLinks", "includeAllUrls", "includeHidden")},
                   api_version=lambda _value: True)
        return {"value": [_told(forge, row) for row in rows], "count": len(rows)}, {}
    parameters(asked, api_version=lambda _value: True)
    if steps[:2] == ["git", "repositories"] and len(steps) == 3:
        for row in rows:
            if steps[2] == identity(row.number):
                return _told(forge, row), {}
            if row.wiki and steps[2] == identity(row.number, "wiki"):
                return {**_told(forge, row), "id": steps[2], "name": row.path.split("/")[1] + ".wiki"}, {}
        raise Refused(404, "TF401019: The Git repository does not exist")
    if steps == ["wiki", "wikis"]:
        found = [{"id": identity(row.number, "wiki"), "name": row.path.split("/")[1] + ".wiki", "type": "projectWiki", "projectId": identity(0, "project"),
                  "repositoryId": identity(row.number, "wiki"), "mappedPath": "/", "isDisabled": False, "remoteUrl": forge.url, "url": forge.url}
                 for row in rows if row.wiki]
        code = [{**row, "type": "codeWiki", "repositoryId": identity(rows[0].number)} for row in found[:1]]
        return {"value": found + code, "count": len(found + code)}, {}
    raise Refused(400, "no such operation")


def _told(forge: Forge, row: Row) -> dict[str, Any]:
    project, _slash, name = row.path.partition("/")
    return {"id": identity(row.number), "name": name, "url": f"{forge.url}/{OWNER}/_apis/git/repositories/{identity(row.number)}",
            "project": {"id": identity(0, "project"), "name": project, "state": "wellFormed", "visibility": "private", "revision": 1},
            "size": 0 if row.empty else 728, "remoteUrl": "https://otra.example.net/x", "sshUrl": "git@otra.example.net:v3/x", "webUrl": "https://otra.example.net",
            "isDisabled": row.disabled, "isInMaintenance": False, **({} if row.empty else {"defaultBranch": "refs/heads/main"}),
            **({"isFork": True} if row.fork else {})}
