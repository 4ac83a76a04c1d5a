# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GitLab: API v4, a token in PRIVATE-TOKEN. A group's projects, its subgroups' too, by pages; those of the account by keyset (id_after)."""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping
from typing import Any

from .base import MOST_PAGES, Forge, Repository

_LIMIT = 100


class GitLab(Forge):
    """`owner`: a group, perhaps a subgroup by its whole path; without, the projects that the account is a member of."""

    USERNAME = "oauth2"

    def headers(self, token: str) -> dict[str, str]:
        return {"PRIVATE-TOKEN": token}

    def page_all(self) -> tuple[list[Repository], int | None]:
        return self._of_group() if self.owner else self._of_account()

    def _of_group(self) -> tuple[list[Repository], int | None]:
        where = "/api/v4/groups/{0}/projects".format(urllib.parse.quote(self.owner, safe=""))
        found: list[Repository] = []
        page, told = "1", None
        for _page in range(MOST_PAGES):
            answer = self.api.get(where, {"include_subgroups": "true", "with_shared": "false", "order_by": "id", "sort": "asc", "per_page": _LIMIT,
                                          "page": page})
            rows = self.rows(answer.told, "the answer to " + where)
            found += map(self._repository, rows)
            total = answer.headers.get("x-total", "")     # not told beyond 10,000
            told = int(total) if total.isdigit() and len(total) < 10 else None
            following = answer.headers.get("x-next-page")
            if following is None:
                raise self.unreadable("an answer lacks the header X-Next-Page: a proxy may drop it")
            if not following:
                return found, told
            if following != str(int(page) + 1):
                raise self.unreadable("after page {0} comes {1!r}".format(page, following)[:120])
            page = following
        raise self.unreadable("more than {0} pages".format(MOST_PAGES))

    def _of_account(self) -> tuple[list[Repository], int | None]:
        found: list[Repository] = []
        after: dict[str, str] = {}
        for _page in range(MOST_PAGES):
            answer = self.api.get("/api/v4/projects", {"membership": "true", "pagination": "keyset", "order_by": "id", "sort": "asc", "per_page": _LIMIT,
                                                       **after})
            rows = [self._repository(row) for row in self.rows(answer.told, "the answer to /api/v4/projects")]
            if not rows:
                return found, None      # the end is an empty page, whatever a lost header would say
            if after and int(rows[0].id) <= int(after["id_after"]):
                raise self.unreadable("its pages do not go on: id_after is not obeyed")
            found += rows
            after = {"id_after": rows[-1].id}
        raise self.unreadable("more than {0} pages".format(MOST_PAGES))

    def _repository(self, row: Mapping[str, Any]) -> Repository:
        wiki = row.get("wiki_access_level", "enabled" if row.get("wiki_enabled", True) else "disabled")
        return Repository(self.number(row, "id"), self.path(row.get("path_with_namespace")), self.flag(row, "empty_repo", False),
                          self.flag(row, "archived", False), isinstance(row.get("forked_from_project"), Mapping),
                          row.get("repository_access_level") == "disabled", wiki != "disabled")

    def find(self, identity: str) -> str | None:
        answer = self.api.get("/api/v4/projects/" + identity, absent=(404,))
        if answer.status == 404:
            return None
        if not isinstance(answer.told, Mapping):
            raise self.unreadable("a project is no table")
        return self.path(answer.told.get("path_with_namespace"))

    def wiki_of(self, repository: Repository) -> Repository | None:
        answer = self.api.get("/api/v4/projects/{0}/wikis".format(repository.id), absent=(403, 404))
        if answer.status == 403:
            return self.its_wiki(repository, unread=True)
        return self.its_wiki(repository) if answer.status == 200 and self.rows(answer.told, "the pages of a wiki") else None
