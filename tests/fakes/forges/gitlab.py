# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GitLab's API v4, by its documentation: the projects of a group (by pages), those of the account (by keyset), a project, the pages of its wiki."""

from __future__ import annotations

import urllib.parse
from pathlib import Path
from typing import Any

from .server import TOKEN, Asked, Forge, Refused, Row, parameters, whole

OWNER = "sistemas/portal"
_ORDERED = {"order_by": lambda value: value in ("id", "name", "path", "created_at", "updated_at"), "sort": lambda value: value in ("asc", "desc")}


def open_fake(directory: Path) -> Forge:
    return Forge(directory, _answer, _git_path)


def _git_path(forge: Forge, below: str) -> str | None:
    for row in forge.repositories:
        if below in (f"/{row.path}.git", f"/{row.path}.wiki.git"):
            return row.disk if not below.endswith(".wiki.git") else row.wiki or None
    return None


def _flag(value: str) -> bool:
    return value in ("true", "false")


def _answer(forge: Forge, asked: Asked) -> tuple[Any, dict[str, str]]:
    if asked.headers.get("private-token") != TOKEN:
        raise Refused(401, "401 Unauthorized")
    steps = asked.path.removeprefix("/api/v4/").split("/")
    if steps[0] == "groups" and steps[2:] == ["projects"]:
        parameters(asked, include_subgroups=_flag, with_shared=_flag, archived=_flag, per_page=whole(1, 100), page=whole(1, 10 ** 6), **_ORDERED)
        group = urllib.parse.unquote(steps[1])
        if not any(row.path.startswith(group + "/") for row in forge.repositories):
            raise Refused(404, "404 Group Not Found")
        deep = asked.query.get("include_subgroups") == "true"
        rows = [row for row in forge.repositories if row.path.startswith(group + "/") and (deep or row.path.count("/") == group.count("/") + 1)]
        size, page = min(int(asked.query.get("per_page", "20")), forge.page_size), int(asked.query.get("page", "1"))
        rows.sort(key=lambda row: row.number, reverse=asked.query.get("sort", "desc") == "desc")
        pages = max(1, -(-len(rows) // size))
        return [_told(row) for row in rows[(page - 1) * size:page * size]], {
            "X-Total": str(len(rows)), "X-Total-Pages": str(pages), "X-Per-Page": str(size), "X-Page": str(page),
            "X-Next-Page": str(page + 1) if page < pages else "", "X-Prev-Page": str(page - 1) if page > 1 else ""}
    if steps == ["projects"]:
        parameters(asked, membership=_flag, pagination=lambda value: value == "keyset", per_page=whole(1, 100), id_after=whole(0, 10 ** 9), **_ORDERED)
        if asked.query.get("pagination") != "keyset" or asked.query.get("order_by") != "id" or asked.query.get("sort") != "asc":
            raise Refused(400, "only keyset by id is played")
        after, size = int(asked.query.get("id_after", "0")), min(int(asked.query.get("per_page", "20")), forge.page_size)
        rows = sorted((row for row in forge.repositories if row.number > after), key=lambda row: row.number)[:size]
        return [_told(row) for row in rows], {"Link": f'<{forge.url}/api/v4/projects?id_after={rows[-1].number}>; rel="next"'} if rows else {}
    if steps[0] == "projects" and len(steps) in (2, 3):
        parameters(asked)
        row = next((row for row in forge.repositories if str(row.number) == steps[1]), None)
        if row is None or steps[2:] not in ([], ["wikis"]):
            raise Refused(404, "404 Project Not Found")
        if steps[2:]:
            return [{"format": "markdown", "slug": "home", "title": "home"}] if row.wiki else [], {}
        return _told(row), {}
    raise Refused(400, "no such operation")


def _told(row: Row) -> dict[str, Any]:
    group, _slash, name = row.path.rpartition("/")
    return {"id": row.number, "description": None, "name": name.title(), "path": name, "path_with_namespace": row.path, "default_branch": "main",
            "http_url_to_repo": "https://otra.example.net/" + row.path + ".git", "namespace": {"id": 4, "full_path": group, "kind": "group"},
            "archived": row.archived, "empty_repo": row.empty, "wiki_enabled": True, "wiki_access_level": "enabled",
            "repository_access_level": "disabled" if row.disabled else "enabled", "visibility": "private", "lfs_enabled": True,
            **({"forked_from_project": {"id": 1, "path_with_namespace": "otros/" + name}} if row.fork else {})}
