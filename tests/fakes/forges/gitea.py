# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gitea's API v1 (and Forgejo's), by its Swagger description: orgGet, orgListRepos, userListRepos, repoSearch, repoGetByID, repoGetWikiPages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .server import TOKEN, Asked, Forge, Refused, Row, parameters, whole

OWNER = "oti"


def open_fake(directory: Path) -> Forge:
    return Forge(directory, _answer, _git_path)


def _git_path(forge: Forge, below: str) -> str | None:
    for row in forge.repositories:
        if below == f"/{row.path}.git":
            return row.disk
        if row.wiki and below == f"/{row.path}.wiki.git":
            return row.wiki
    return None


def _answer(forge: Forge, asked: Asked) -> tuple[Any, dict[str, str]]:
    if asked.headers.get("authorization") != "token " + TOKEN:
        raise Refused(401, "token is required")
    steps = asked.path.removeprefix("/api/v1/").split("/")
    if steps[0] == "orgs" and len(steps) == 2:
        if steps[1] not in {row.path.split("/")[0] for row in forge.repositories} | {OWNER}:
            raise Refused(404, "The target couldn't be found.")
        return {"id": 1, "name": steps[1], "username": steps[1]}, {}
    if steps[0] in ("orgs", "users") and steps[2:] == ["repos"]:
        return _page(forge, asked, [row for row in forge.repositories if row.path.split("/")[0] == steps[1]])
    if steps == ["repos", "search"]:
        rows, headers = _page(forge, asked, forge.repositories)
        return {"ok": True, "data": rows}, headers
    if steps[0] == "repositories" and len(steps) == 2:
        parameters(asked)
        return _told(forge, next((row for row in forge.repositories if str(row.number) == steps[1]), None)), {}
    if steps[0] == "repos" and steps[3:] == ["wiki", "pages"]:
        parameters(asked, page=whole(1, 10 ** 6), limit=whole(1, 10 ** 6))
        row = next((row for row in forge.repositories if row.path == "/".join(steps[1:3])), None)
        if row is None or not row.wiki:
            raise Refused(404, "The target couldn't be found.")
        return [{"title": "Home", "sub_url": "Home", "html_url": forge.url, "last_commit": {}}], {"X-Total-Count": "1"}
    raise Refused(400, "no such operation")


def _page(forge: Forge, asked: Asked, rows: list[Row]) -> tuple[list[Any], dict[str, str]]:
    parameters(asked, page=whole(1, 10 ** 6), limit=whole(1, 10 ** 6))
    size = min(int(asked.query.get("limit", "30")), forge.page_size)
    first = (int(asked.query.get("page", "1")) - 1) * size
    return [_told(forge, row) for row in rows[first:first + size]], {"X-Total-Count": str(len(rows))}


def _told(forge: Forge, row: Row | None) -> dict[str, Any]:
    if row is None:
        raise Refused(404, "The target couldn't be found.")
    owner, _slash, name = row.path.partition("/")
    return {"id": row.number, "owner": {"id": 3, "login": owner}, "name": name, "full_name": row.path, "description": "", "empty": row.empty, "private": True,
            "fork": row.fork, "parent": None, "mirror": False, "size": 24, "clone_url": "https://otra.example.net/" + row.path + ".git",
            "ssh_url": "git@otra.example.net:" + row.path, "default_branch": "main", "archived": row.archived, "has_wiki": True, "has_issues": True}
