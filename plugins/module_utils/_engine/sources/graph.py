# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Source `graph`: a mailbox of Microsoft 365 by Microsoft Graph, in the form that a copy by IMAP has (imap.py), by which it is verified and restored.

    service ──MIME of each mail──► bytes by immutable identifier ──second listing──► Maildir and indice/NNNNN.jsonl
                                                                    and a second reading, over a session of its own

The mails are asked for as MIME, which alone is faithful. What can't be given so is named by folder and identifier: there is no copy, or a partial one.
"""

from __future__ import annotations

import contextlib
import os
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence

from ..errors import BackupError
from ..filesystem import descriptors, room
from ..processes import programs
from ..processes.workspace import Workspace
from ..remarks import Remark
from . import graph_beside, graph_listing, graph_maildir, mailbox_tokens
from .base import PartReader
from .graph_service import ENDPOINT, Patience, Refused, Service
from .graph_taking import Taking
from .imap import INCLUDED, NOT_INCLUDED, PASSES, Imap, some_of
from .imap_session import FULL
from .imap_unpacked import extract

_HOME = "buzon"


class Graph(Imap):
    """A mailbox of a service that speaks Microsoft Graph v1.0."""

    type = "graph"
    OPTIONS = ("user", "oauth", "endpoint", "work_dir", "on_missing", "compare")

    def __init__(self, user: str = "", oauth: Optional[Mapping[str, Any]] = None, endpoint: str = "", work_dir: str = "", on_missing: str = "refuse",
                 assigned: Sequence[str] = (), compare: str = "sample") -> None:
        super().__init__(user=user, work_dir=work_dir, on_missing=on_missing, assigned=assigned, compare=compare)
        self._alike = 0
        self.endpoint, self.oauth, self.separator = endpoint or ENDPOINT, dict(oauth or {}), graph_maildir.SEPARATOR

    def choose(self, asked: Mapping[str, Any]) -> None:
        super().choose(asked)
        if self.asked.into_mailbox:
            raise BackupError("invalid_input", where="mail.format", value=self.asked.form, problem="is not done by Microsoft Graph",
                              mend="Ask for maildir, eml or mbox, or for a system whose source is imap.")

    def describe(self) -> str:
        return "{0} ({1})".format(self.place.user, self.endpoint)

    @contextlib.contextmanager
    def _services(self, count: int) -> Iterator[List[Service]]:
        """Sessions of their own, that share the token and how long the service may have us wait."""
        tokens, patience = mailbox_tokens.Tokens(self.oauth, self.endpoint.rstrip("/") + mailbox_tokens.OF_GRAPH), Patience()
        given = [str(self.oauth.get(name) or "") for name in ("ca_certs", "proxy")]
        opened = [Service(self.endpoint, self.place.user, tokens, given[0], given[1], patience) for _number in range(count)]
        try:
            yield opened
        finally:
            for service in opened:
                service.close()

    def preflight(self) -> int:
        programs.find("tar", "tar")
        with self._services(1) as (service,):
            try:
                graph_listing.inbox(service)
            except Refused as error:
                raise service.refused(str(error)) from error
        return 0

    def _take(self, workspace: Workspace) -> int:
        home = descriptors.make_directory(workspace.held, _HOME)
        try:
            with self._services(2) as (service, another):
                taking = Taking(home, self.every)
                try:
                    for number in range(PASSES):
                        taking.bring(service)
                        self.judged = taking.judge(another, number + 1 == PASSES)
                        if not self.judged.unsettled:
                            break
                finally:
                    taking.close()
                self.judged.compared, self._alike = taking.compared, taking.alike
                if service.patience.waits:
                    self.noted.append(Remark("graph_waited", count=service.patience.waits, seconds=int(service.patience.waited)))
                if self.judged.uncounted:
                    self.noted.append(Remark("graph_uncounted", count=self.judged.uncounted))
            self._conclude("", workspace.path)
            return os.dup(home)
        except OSError as error:
            if error.errno in FULL:
                raise self._no_room(workspace.path, str(error)) from error
            raise self._disk_failed(workspace.path, error) from error
        finally:
            os.close(home)

    def compare(self, reader: PartReader, scratch: str) -> List[str]:
        """The copy beside the mailbox as it is now: what is in the state that was copied must have the content that was copied."""
        if not self.oauth:
            return []
        label, size = reader.manifest["label"], int(reader.part("").get("size_original") or 0)
        with Workspace(scratch) as own:
            room.ask_for(own.pinned, size, label, True)
            extract(reader, own.pinned, None)
            found = self._beside_now(own, reader.manifest)
        if found.differ:
            raise BackupError("mailbox_differs", label=label, count=found.differ, named=", ".join(found.others))
        self.returned = [Remark("graph_compared", same=found.same, equal=found.equal, changed=found.changed, edited=found.edited, new=found.new,
                                gone=found.gone, moved=found.moved, marked=found.marked)]
        for key, names in (("mailbox_folders_changed", found.told_folders()), ("graph_folders_away", found.away)):
            self.returned += [Remark(key, named=some_of(names))] if names else []
        self.returned += [Remark("graph_untold", count=found.untold, named=", ".join(found.unread))] if found.untold else []
        return ["source_mails"] if not found.untold and (found.equal or not found.changes) else []

    def _beside_now(self, own: Workspace, manifest: Mapping[str, Any]) -> graph_beside.Beside:
        lacking = frozenset(str(each["uid"]) for each in manifest["source"].get("facts", {}).get("missing", ()))
        try:
            with graph_beside.Copy(own.held, lacking) as copy, self._services(2) as (service, another):
                return graph_beside.beside(service, another, copy, own.held, self.every)
        except OSError as error:
            raise self._disk_failed(own.path, error) from error
        except (ValueError, KeyError, TypeError) as error:
            raise BackupError("restored_differs", label=manifest["label"], detail=str(error)) from error

    def facts(self) -> Dict[str, Any]:
        return {"server": self.endpoint, "mailbox": self.place.user, "compared_bytes_of": self.judged.compared, "rendered_otherwise": self._alike,
                "included": INCLUDED, "not_included": NOT_INCLUDED, "missing": [each._asdict() for each in self.judged.missing]}
