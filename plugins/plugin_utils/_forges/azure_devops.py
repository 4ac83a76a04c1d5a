# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Azure DevOps, Services and Server: REST API 7.1, a personal access token by Basic. One answer lists all repositories; a continuation token is obeyed."""

from __future__ import annotations

import base64
import re
import urllib.parse
from collections.abc import Mapping
from typing import Any

from .base import MOST_PAGES, Forge, Repository

_VERSION = {"api-version": "7.1"}
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# What Azure DevOps itself refuses in names of projects and repositories.
_STEP = re.compile(r"[^\x00-\x1f\x7f/\\:*?\"<>|#%$]{1,256}")


class AzureDevOps(Forge):
    """`owner`: the organization, or a server's collection; `project`: one of it; without, all."""

    def headers(self, token: str) -> dict[str, str]:
        return {"Authorization": "Basic " + base64.b64encode(b":" + token.encode()).decode()}

    def _below(self, path: str, with_project: bool = True) -> str:
        steps = [self.owner, *([str(self.declared["project"])] if with_project and self.declared.get("project") else [])]
        return "/" + "/".join(urllib.parse.quote(step, safe="") for step in steps) + path

    def page_all(self) -> tuple[list[Repository], int | None]:
        rows = self._every("/_apis/git/repositories")
        wikis = self._wikis()
        found = []
        for row in rows:
            identity, path = self._uuid(row, "id"), self._path(row)
            size = row.get("size")
            if size is not None and (isinstance(size, bool) or not isinstance(size, int)):
                raise self.unreadable("the size of a repository is no number")
            found.append(Repository(identity, path, size == 0 and not row.get("defaultBranch"), fork=self.flag(row, "isFork", False),
                                    disabled=self.flag(row, "isDisabled", False)))
        listed = {repository.id for repository in found}
        found += [wiki for wiki in wikis if wiki.id not in listed]
        return found, None

    def _wikis(self) -> list[Repository]:
        """The wikis of projects: repositories that the list of repositories does not show. (A wiki made of code lies in a repository that it does.)"""
        if not self.declared.get("wikis", True):
            return []
        found = []
        for row in self._every("/_apis/wiki/wikis", absent=(403,)):
            if row.get("type") != "projectWiki":
                continue
            identity = self._uuid(row, "repositoryId")
            answer = self.api.get(self._below("/_apis/git/repositories/" + identity, False), _VERSION, absent=(404,))
            if answer.status == 404:
                continue
            if not isinstance(answer.told, Mapping):
                raise self.unreadable("a repository is no table")
            found.append(Repository(identity, self._path(answer.told), answer.told.get("size") == 0 and not answer.told.get("defaultBranch"),
                                    disabled=self.flag(answer.told, "isDisabled", False)))
        return found

    def _every(self, where: str, absent: tuple[int, ...] = ()) -> list[Mapping[str, Any]]:
        """All rows of a list, whose `count` must be theirs; none, and that is told, where a status of `absent` refuses it."""
        found: list[Mapping[str, Any]] = []
        query: dict[str, str] = dict(_VERSION)
        for _page in range(MOST_PAGES):
            answer = self.api.get(self._below(where), query, absent=absent)
            if answer.status in absent:
                self.untold.append("la lista de wikis")
                return []
            if not isinstance(answer.told, Mapping):
                raise self.unreadable("the answer to {0} is no table".format(where))
            rows = self.rows(answer.told.get("value"), "value of the answer to " + where)
            if answer.told.get("count") != len(rows):
                raise self.unreadable("the answer to {0} says {1!r} rows and has {2}".format(where, answer.told.get("count"), len(rows))[:200])
            found += rows
            following = answer.headers.get("x-ms-continuationtoken", "")
            if not following:
                return found
            if query.get("continuationToken") == following:
                raise self.unreadable("its pages do not go on")
            query = {**_VERSION, "continuationToken": following}
        raise self.unreadable("more than {0} pages".format(MOST_PAGES))

    def _uuid(self, row: Mapping[str, Any], name: str) -> str:
        value = row.get(name)
        if not isinstance(value, str) or not _UUID.fullmatch(value.lower()):
            raise self.unreadable("a repository's {0} is {1!r}".format(name, value)[:120])
        return value.lower()

    def _path(self, row: Mapping[str, Any]) -> str:
        project = row.get("project")
        steps = [project.get("name") if isinstance(project, Mapping) else None, row.get("name")]
        if not all(isinstance(step, str) and _STEP.fullmatch(step) and step.isprintable() and step.strip(". ") for step in steps):
            raise self.unreadable("a repository's name is {0!r}".format(steps)[:200])
        return "/".join(map(str, steps))

    def find(self, identity: str) -> str | None:
        answer = self.api.get(self._below("/_apis/git/repositories/" + identity, False), _VERSION, absent=(404,))
        if answer.status == 404:
            return None
        if not isinstance(answer.told, Mapping):
            raise self.unreadable("a repository is no table")
        return self._path(answer.told)

    def wiki_of(self, repository: Repository) -> Repository | None:
        return None     # they are listed

    @classmethod
    def clone_path(cls, declared: Mapping[str, Any], path: str) -> str:
        project, _slash, name = path.partition("/")
        return "/" + "/".join(urllib.parse.quote(step, safe="") for step in (str(declared["owner"]), project, "_git", name))
