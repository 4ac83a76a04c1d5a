# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of backup_mailbox: it names the earlier copy, made under the same request, whose mails need not travel again.

Which one that is, its digest and its password are the controller's to say; whether it is what it should be the server finds out, as of any copy that is read.
"""

from __future__ import annotations

import contextlib
import datetime
import typing as t
from collections.abc import Mapping, Sequence

from ...module_utils._engine import label, remarks
from ...module_utils._engine.errors import BackupError
from ...module_utils._engine.remarks import Remark
from .. import _keepers
from .._bitacora.copies import LACKS
from .._bitacora.store import open_store, resolve_url
from .._custodians import custody as _custody
from .._decisions import due, requests, retention
from .._tasks import is_cloud, is_true
from .sealing import CopyAction

_BEGINS = ("imap", "graph")      # the sources that can begin with an earlier copy
_ZONE = "America/Lima"      # of the day until which a copy is kept
_ASKED_AGAIN = "emergency"      # a risk that lasts has no ticket, but a reason


class Found(t.NamedTuple):
    """The copy to begin with and the medium to read it from; or, of the newest that may be meant, why it is of no use."""

    copy: Mapping[str, t.Any]
    medium: str
    why: str = ""


class MailboxAction(CopyAction):
    """Make a copy of a mailbox that begins, where it can, with what the last one has."""

    def _sealed(self, arguments: dict[str, t.Any], media: t.Any, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        given = {name: value for name, value in arguments.items() if name != "earlier"}
        earlier, told = ({}, []) if self._task.check_mode else self._earlier(given, str(task_vars.get("inventory_hostname") or ""))
        made = super()._sealed({**given, "earlier": earlier} if earlier else given, media, task_vars)
        entry = dict(made.get("backup") or {})
        if made.get("failed") or not entry:
            return made
        if entry.get("since"):
            entry["note_es"] = "Viajaron {0} de {1} mensajes; los demás son los de la copia {2}".format(
                entry.get("travelled_objects", "?"), entry.get("objects", "?"), entry["since"])
            if entry.get("not_read_again"):
                entry["note_es"] += " y los bytes de {0} de ellos no se volvieron a leer en el servidor".format(entry["not_read_again"])
        for name, rows in remarks.fields(told).items():
            entry[name] = [*(entry.get(name) or ()), *rows]
        return {**made, "backup": entry, **({"warnings": [*made.get("warnings", ()), *(each.in_both for each in told)]} if told else {})}

    def _earlier(self, arguments: Mapping[str, t.Any], host: str) -> tuple[dict[str, str], list[Remark]]:
        """What the module gets of the copy to begin with, nothing where there is none; why not."""
        source = arguments.get("source") or {}
        if not is_true(arguments.get("only_new", True)) or (source.get("type") or "imap") not in _BEGINS:
            return {}, []
        found: Found | None = None
        with contextlib.suppress(BackupError), open_store(resolve_url(), readonly=True) as store:      # without it nothing is copied either
            kind, system = str(arguments.get("kind")), str(arguments.get("system"))
            found = find(store.copies(kind, system), store.held(kind, system), arguments, datetime.datetime.now(due.zone(_ZONE)).date(), host)
        if found is None:
            return {}, []
        name = str(found.copy["label"])
        try:
            if found.why:
                raise BackupError("earlier_unusable", label=name, detail=found.why)
            return {"label": name, "sha256": str(found.copy["sha256"]), "medium": found.medium, "password": self._password(found.copy, arguments)}, []
        except BackupError as error:
            return {}, [Remark("earlier_unused", label=name, why=error)]

    def _password(self, copy: Mapping[str, t.Any], arguments: Mapping[str, t.Any]) -> str:
        """What opens an earlier copy: its own out of custody, else that of this task. Raises BackupError where neither is there."""
        custody, reference = _custody.take(self._task.args.get("encryption"))[1], _custody.reference_of(copy)
        if custody and reference:
            return _custody.reveal(self._loader, custody, reference)
        own = (arguments.get("encryption") or {}).get("password")
        if not own:
            raise BackupError("earlier_unusable", label=copy["label"], detail="only private keys open it, which no server is given")
        return str(own)


def find(copies: Sequence[Mapping[str, t.Any]], held: t.Collection[str], arguments: Mapping[str, t.Any], today: datetime.date,
         host: str) -> Found | None:
    """The newest of a mailbox's copies, oldest first, that this one may begin with; None where none was made under the same request.

    One that another server made lies on a medium of that server, whatever name it has in common with one of this: it would be looked for in vain, told as
    damaged, and its password given to a server that never had it.
    """
    useless: Found | None = None
    own, record = label.parse(str(arguments.get("label"))).name, arguments.get("record") or {}
    readable = [str(medium["name"]) for medium in arguments.get("media") or () if not is_cloud(medium) and not _keepers.is_kept(medium)]
    for copy in reversed(copies):
        if copy["label"] == own or not same_request(record, copy):
            continue
        on = [name for name in readable if name in copy["media"]]
        whole = [name for name in on if copy["media"][name]]
        why = "it is partial" if copy.get(LACKS) else "the bitácora has no digest of it" if not copy.get("sha256") else \
            "another server made it" if host and copy.get("host") not in (None, host) else \
            "its day has passed" if retention.expired(copy, held, today) else \
            "it lies on no medium that this server may read while it copies (append_only, azure_blob)" if not on else \
            "the bitácora has it as damaged on every medium of this task" if not whole else ""
        if not why:
            return Found(copy, whole[0])
        useless = useless or Found(copy, "", why)
    return useless


def same_request(record: Mapping[str, t.Any], copy: Mapping[str, t.Any]) -> bool:
    """Whether a copy was made for what this one is made for: the request of one ticket, or an emergency of one reason."""
    ticket = requests.ticket_of(record)
    if ticket or requests.ticket_of(copy):
        return ticket == requests.ticket_of(copy)
    return bool(record.get("reason_text")) and all((record.get(name), copy.get(name)) == (word, word) for name, word in (
        ("reason", _ASKED_AGAIN), ("reason_text", record.get("reason_text"))))
