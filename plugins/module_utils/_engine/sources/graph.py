# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Source `graph`: a mailbox of Microsoft 365 by Microsoft Graph, in the form that a copy by IMAP has (imap.py), by which it is verified and restored.

    service ──MIME of each mail──► bytes by immutable identifier ──second listing──► Maildir and indice/NNNNN.jsonl

The mails are asked for as MIME, which alone is faithful. What can't be given so is named by folder and identifier: there is no copy, or a partial one.
"""

from __future__ import annotations

import contextlib
import os
from typing import Any, Dict, Iterator, Mapping, Optional, Sequence

from ..errors import BackupError
from ..filesystem import descriptors
from ..processes import programs
from ..processes.workspace import Workspace
from ..remarks import Remark
from . import graph_listing, graph_maildir, mailbox_tokens
from .graph_service import ENDPOINT, Refused, Service
from .graph_taking import Taking
from .imap import INCLUDED, NOT_INCLUDED, PASSES, Imap
from .imap_session import FULL

_HOME = "buzon"


class Graph(Imap):
    """A mailbox of a service that speaks Microsoft Graph v1.0."""

    type = "graph"
    OPTIONS = ("user", "oauth", "endpoint", "work_dir", "on_missing")

    def __init__(self, user: str = "", oauth: Optional[Mapping[str, Any]] = None, endpoint: str = "", work_dir: str = "", on_missing: str = "refuse",
                 assigned: Sequence[str] = ()) -> None:
        super().__init__(user=user, work_dir=work_dir, on_missing=on_missing, assigned=assigned)
        self.endpoint, self.oauth, self.separator = endpoint or ENDPOINT, dict(oauth or {}), graph_maildir.SEPARATOR

    def choose(self, asked: Mapping[str, Any]) -> None:
        super().choose(asked)
        if self.asked.into_mailbox:
            raise BackupError("invalid_input", where="mail.format", value=self.asked.form, problem="is not done by Microsoft Graph",
                              mend="Ask for maildir, eml or mbox, or for a system whose source is imap.")

    def describe(self) -> str:
        return "{0} ({1})".format(self.place.user, self.endpoint)

    @contextlib.contextmanager
    def _service(self) -> Iterator[Service]:
        tokens = mailbox_tokens.Tokens(self.oauth, self.endpoint.rstrip("/") + mailbox_tokens.OF_GRAPH)
        service = Service(self.endpoint, self.place.user, tokens, str(self.oauth.get("ca_certs") or ""), str(self.oauth.get("proxy") or ""))
        try:
            yield service
        finally:
            service.close()

    def preflight(self) -> int:
        programs.find("tar", "tar")
        with self._service() as service:
            try:
                graph_listing.inbox(service)
            except Refused as error:
                raise service.refused(str(error)) from error
        return 0

    def _take(self, workspace: Workspace) -> int:
        home = descriptors.make_directory(workspace.held, _HOME)
        try:
            with self._service() as service:
                taking = Taking(service, home)
                try:
                    for number in range(PASSES):
                        taking.bring()
                        self.judged = taking.judge(number + 1 == PASSES)
                        if not self.judged.unsettled:
                            break
                finally:
                    taking.close()
                if service.waits:
                    self.noted.append(Remark("graph_waited", count=service.waits, seconds=int(service.waited)))
            self._conclude("", workspace.path)
            return os.dup(home)
        except OSError as error:
            if error.errno not in FULL:
                raise
            raise self._no_room(workspace.path, str(error)) from error
        finally:
            os.close(home)

    def facts(self) -> Dict[str, Any]:
        return {"server": self.endpoint, "mailbox": self.place.user, "included": INCLUDED, "not_included": NOT_INCLUDED,
                "missing": [each._asdict() for each in self.judged.missing]}
