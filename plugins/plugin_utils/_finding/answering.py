# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the indexes of names add to the answer to a request. Nothing that goes wrong there keeps a step or a letter: it is told, and the answer goes without."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from ansible.errors import AnsibleError

from ...module_utils._engine.errors import BackupError
from .._bitacora.any_store import Store
from .._decisions import requests
from . import index, listing, looking, versions
from .looking import Server

_MORE = "Hay más versiones: las busca soporte (find.yml)"
_Found = TypeVar("_Found")


class Answers:
    """What the names of file servers answer, read when it is first asked for; `troubles` are what went wrong, in words for the operator."""

    def __init__(self, store: Store, hosts: Mapping[str, Mapping[str, Any]], task_vars: Mapping[str, Any], directory: str, zone: datetime.tzinfo) -> None:
        self._read = lambda: list(looking.servers(store, hosts, task_vars))
        self._servers: list[Server] | None = None
        self._directory, self._zone = index.directory_of(directory), zone
        self.troubles: list[str] = []

    def versions(self, request: requests.Request) -> list[str]:
        """The versions of what a request asks for, in lines for people; none where nobody knows any."""
        if not request.wanted or not looking.plain_name(request.office):
            return []
        found = self._tried(lambda servers: versions.of_request(self._directory, servers, request, self._zone))
        return [] if found is None else [*found.rows, *([_MORE] if found.rows and found.more else [])]

    def listed(self, request: requests.Request, history: Sequence[Mapping[str, Any]]) -> listing.List | None:
        """The names of what was restored under a request."""
        if not looking.plain_name(request.office):
            return None
        return self._tried(lambda servers: listing.of_request(self._directory, servers, request, history, self._zone))

    def _tried(self, work: Callable[[list[Server]], _Found]) -> _Found | None:
        try:
            if self._servers is None:
                self._servers = self._read()
            return work(self._servers)
        except BackupError as error:
            self._trouble("{0}: {1}. {2}".format(error.code, error.spanish, error.remedy))
        except AnsibleError as error:      # of folders that can't be read nobody is told names
            self._trouble("no se pueden leer las carpetas asignadas del inventario: {0}".format(str(error)[:300]))
        return None

    def _trouble(self, words: str) -> None:
        told = "No se buscó en el índice de nombres: " + words
        if told not in self.troubles:
            self.troubles.append(told)
