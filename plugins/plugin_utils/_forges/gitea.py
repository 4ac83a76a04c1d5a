# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gitea and Forgejo: API v1, pages by `page` and `limit` with X-Total-Count, a token in `Authorization: token`."""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping
from typing import Any

from .base import MOST_PAGES, Forge, Repository

_LIMIT = 50     # MAX_RESPONSE_ITEMS of a Gitea that nobody set otherwise; one that gives fewer is asked more often


class Gitea(Forge):
    """`owner`: an organization or a user; without, every repository that the account sees."""

    def headers(self, token: str) -> dict[str, str]:
        return {"Authorization": "token " + token}

    def page_all(self) -> tuple[list[Repository], int | None]:
        where = self._where()
        found: list[Repository] = []
        told: int | None = None
        for page in range(1, MOST_PAGES + 1):
            answer = self.api.get(where, {"page": page, "limit": _LIMIT})
            told_of = answer.told.get("data") if where.endswith("/search") and isinstance(answer.told, Mapping) else answer.told
            rows = self.rows(told_of, "the answer to " + where)
            total = answer.headers.get("x-total-count", "")
            told = int(total) if total.isdigit() and len(total) < 10 else None
            found += map(self._repository, rows)
            if not rows or (told is not None and len(found) >= told):
                return found, told
        raise self.unreadable("more than {0} pages".format(MOST_PAGES))

    def _where(self) -> str:
        if not self.owner:
            return "/api/v1/repos/search"
        quoted = urllib.parse.quote(self.owner, safe="")
        return "/api/v1/{0}/{1}/repos".format("users" if self.api.get("/api/v1/orgs/" + quoted, absent=(404,)).status == 404 else "orgs", quoted)

    def _repository(self, row: Mapping[str, Any]) -> Repository:
        return Repository(self.number(row, "id"), self.path(row.get("full_name")), self.flag(row, "empty"), self.flag(row, "archived", False),
                          self.flag(row, "fork", False), wiki=self.flag(row, "has_wiki", False))

    def find(self, identity: str) -> str | None:
        answer = self.api.get("/api/v1/repositories/" + identity, absent=(404,))
        if answer.status == 404:
            return None
        if not isinstance(answer.told, Mapping):
            raise self.unreadable("a repository is no table")
        return self.path(answer.told.get("full_name"))

    def wiki_of(self, repository: Repository) -> Repository | None:
        # a token may see the code of a repository and not its wiki: that is no reason to list nothing
        answer = self.api.get("/api/v1/repos/{0}/wiki/pages".format(repository.path), {"page": 1, "limit": 1}, absent=(403, 404))
        if answer.status == 403:
            return self.its_wiki(repository, unread=True)
        return self.its_wiki(repository) if answer.status == 200 and self.rows(answer.told or [], "the pages of a wiki") else None
