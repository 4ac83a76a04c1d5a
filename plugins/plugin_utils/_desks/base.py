# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a help desk is to us, whatever its API: where a request of ours has its ticket, hears each step, and is closed.

A help desk is a witness: each value that it tells has one strict form, or its answer is refused. A ticket is known by a mark that only our request has,
searched for before one is made, so that a run that died in between makes no second one; so is each text that is added to it.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import Any

from ...module_utils._engine.errors import BackupError
from ...module_utils._engine.result import seen

# States of a ticket there, as far as they matter to us.
OPEN, SOLVED, CLOSED = "open", "solved", "closed"


class Desk(abc.ABC):
    """A help desk by its declaration. A subclass speaks one API. What it can't do it raises: BackupError desk_unreachable, desk_refused."""

    def __init__(self, declared: Mapping[str, Any]) -> None:
        self.declared = declared
        self.name, self.url = str(declared["name"]), str(declared["url"]).rstrip("/")

    @abc.abstractmethod
    def find(self, mark: str) -> str:
        """The number of the ticket whose title has the mark; "" when there is none. Of several, the first that was made."""

    @abc.abstractmethod
    def open(self, title: str, words: str) -> str:
        """Make a ticket, and give its number."""

    @abc.abstractmethod
    def state(self, number: str) -> str:
        """Of a ticket: OPEN, SOLVED or CLOSED; "" where there is none of that number."""

    @abc.abstractmethod
    def texts(self, number: str) -> list[str]:
        """The texts that were added to a ticket, whoever added them."""

    @abc.abstractmethod
    def add(self, number: str, words: str) -> None:
        """Add a text to a ticket."""

    @abc.abstractmethod
    def close(self, number: str, words: str) -> None:
        """Solve a ticket with these words, where it is not solved, and close it."""

    @abc.abstractmethod
    def leave(self) -> None:
        """End what was begun to speak with it. Never raises: what was done stands."""

    def refused(self, detail: str) -> BackupError:
        return BackupError("desk_refused", desk=self.name, location=self.url, detail=seen(detail)[:300])
