# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a forge is to us, whatever its API: its repositories, each by an identity that stays when its name changes.

A forge is a witness: each value that it tells has one strict form, or its answer is refused; addresses are made from the inventory's own and the path told,
never taken from the answer; and what could not be listed to its end is no listing.
"""

from __future__ import annotations

import abc
import re
import typing as t
import urllib.parse
from collections.abc import Mapping
from typing import Any

from ...module_utils._engine.errors import BackupError
from ...module_utils._engine.result import seen
from .requests import Api

MOST_PAGES = 2000
LONGEST_LISTING = 3600.0     # seconds for all that one listing asks
_TRIES = 3
_STEP = re.compile(r"[A-Za-z0-9_.-]{1,255}")


class Repository(t.NamedTuple):
    """One repository as the forge lists it. `id` never changes; `path` is its name below the forge, steps between slashes."""

    id: str
    path: str
    empty: bool = False
    archived: bool = False
    fork: bool = False
    disabled: bool = False    # nobody can read it there now
    wiki: bool = False
    unread: bool = False      # of a wiki: the forge lets this account not see whether there is anything in it


class Forge(abc.ABC):
    """A forge by its declaration. A subclass speaks one API."""

    USERNAME = "respaldo"     # for git over HTTPS with a token, where the forge doesn't look at it

    def __init__(self, declared: Mapping[str, Any]) -> None:
        self.declared = declared
        self.name = str(declared["name"])
        self.untold: list[str] = []     # Spanish: what the last listing was not let see
        self.owner = str(declared.get("owner") or "")
        self.api = Api(self.name, str(declared["url"]).rstrip("/"), self.headers(str(declared["token"])), declared)

    @abc.abstractmethod
    def headers(self, token: str) -> dict[str, str]:
        """What each request carries to say who asks."""

    @abc.abstractmethod
    def page_all(self) -> tuple[list[Repository], int | None]:
        """Every repository, and how many the forge says there are (None: it doesn't say). Raises BackupError."""

    @abc.abstractmethod
    def find(self, identity: str) -> str | None:
        """The path of a repository by its identity, wherever it is now; None when the forge shows none of it. Raises BackupError."""

    @abc.abstractmethod
    def wiki_of(self, repository: Repository) -> Repository | None:
        """The repository of a repository's wiki, where there is one with something in it, or where nobody can say (`unread`). Raises BackupError."""

    def its_wiki(self, repository: Repository, unread: bool = False) -> Repository:
        return repository._replace(id=repository.id + ".wiki", path=repository.path + ".wiki", wiki=False, empty=False, disabled=False, unread=unread)

    @classmethod
    def clone_path(cls, declared: Mapping[str, Any], path: str) -> str:
        """What is added to the forge's address to copy a path by git."""
        return "/" + urllib.parse.quote(path) + ".git"

    def every(self) -> list[Repository]:
        """Every repository, each once. A listing that ends before what the forge said there is was changed or cut meanwhile: it is made again, and
        refused the third time (RSP462).
        """
        found: list[Repository] = []
        for _try in range(_TRIES):
            self.untold = []
            found, told = self.page_all()
            once = {repository.id: repository for repository in found}
            if told is None or len(once) == told:
                return sorted(once.values(), key=lambda repository: (len(repository.id), repository.id))
        raise BackupError("forge_incomplete", forge=self.name, listed=len(once), told=told)

    def unreadable(self, detail: str) -> BackupError:
        return BackupError("forge_unreadable", forge=self.name, detail=seen(detail)[:300])

    # -- strict forms --------------------------------------------------------------------------------------------------

    def rows(self, told: Any, what: str) -> list[Mapping[str, Any]]:
        if not isinstance(told, list) or not all(isinstance(row, Mapping) for row in told):
            raise self.unreadable("{0} is no list of tables".format(what))
        return told

    def number(self, row: Mapping[str, Any], name: str) -> str:
        value = row.get(name)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2 ** 63:
            raise self.unreadable("a repository's {0} is {1!r}".format(name, value)[:120])
        return str(value)

    def flag(self, row: Mapping[str, Any], name: str, absent: bool | None = None) -> bool:
        value = row.get(name, absent)
        if not isinstance(value, bool):
            raise self.unreadable("{0} of a repository is {1!r}".format(name, value)[:120])
        return value

    def path(self, value: Any) -> str:
        """A path of plain steps, as these forges allow: nothing that could lead an address elsewhere."""
        steps = value.split("/") if isinstance(value, str) else []
        if len(steps) < 2 or not all(_STEP.fullmatch(step) and step not in (".", "..") for step in steps):
            raise self.unreadable("a repository's path is {0!r}".format(value)[:200])
        return "/".join(steps)
