# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a restore has leave: an authorised request, or an emergency that is regularised afterwards (numerals 5.1 e, 7.1.3). Pure functions."""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping, Sequence
from typing import Any

from ...module_utils._engine.errors import BackupError
from ...module_utils._engine.value_forms import seen
from . import asking, due, requests
from .requests import Why

# Which restores need a request: of file servers, which numeral 7.1 is about, or also those of the EGCR of databases and source code.
# What people wrote to each other never comes back without one, whatever the inventory says.
REQUIRES = ("none", "file_server", "all")
_MAILBOX = "mailbox"


def why_none(kind: str, system: str, request: requests.Request) -> Why | None:
    """Why a request is no leave to restore this system; None when it is."""
    if request.kind != "restore":
        return Why("{0} does not ask for a restore".format(request.ticket), "{0} no pide una restauración".format(request.ticket))
    if request.state not in requests.READY:
        return Why("{0} is {1}".format(request.ticket, request.state), "{0} está {1}".format(request.ticket, requests.SPANISH[request.state]))
    if kind == _MAILBOX and not request.system:
        return Why("{0} names no mailbox".format(request.ticket), "{0} no nombra ningún buzón".format(request.ticket))
    if request.system and (request.system, request.system_kind) != (system, kind):
        return Why("{0} is about {1}".format(request.ticket, request.system), "{0} es de {1}".format(request.ticket, request.system))
    return None


def refuse_without(requires: str, kind: str, system: str, ticket: str, emergency: str, request: requests.Request | None) -> None:
    """Raises BackupError restore_without_request where a request is wanted and there is none that gives leave, nor an emergency."""
    if (kind != _MAILBOX and requires not in ("all", kind)) or seen(emergency).strip():
        return
    why = why_none(kind, system, request) if request else (
        Why("{0} is no request".format(ticket), "{0} no es una solicitud".format(ticket)) if ticket else
        Why("no ticket was given", "no se indicó restore_ticket"))
    if why:
        raise BackupError("restore_without_request", system=system, detail=why.english, detail_es=why.spanish)


def refuse_unknown(ticket: str, request: requests.Request | None) -> None:
    """Raises BackupError request_gives_no_leave for a ticket that no request has: it would be a word that nobody can look up."""
    if ticket.strip() and request is None:
        raise BackupError("request_gives_no_leave", ticket=ticket, detail="it is no request", detail_es="no es una solicitud")


def refuse_copy(request: requests.Request | None, ticket: str, systems: Sequence[Mapping[str, str]] = ()) -> requests.Request:
    """The request, where it is leave to make a copy. Raises BackupError request_gives_no_leave."""
    refuse_unknown(ticket or "-", request)
    if request is None:
        raise ValueError("a request that was known is none")
    if request.kind == "restore":
        raise BackupError("request_gives_no_leave", ticket=request.ticket, detail="it asks for a restore", detail_es="pide una restauración")
    if request.state not in requests.READY:
        raise BackupError("request_gives_no_leave", ticket=request.ticket, detail="it is " + request.state, detail_es="está " + requests.SPANISH[request.state])
    for system in systems:
        # what a person asks of one mailbox opens no other
        if system.get("kind") == _MAILBOX and not request.system:
            raise BackupError("request_gives_no_leave", ticket=request.ticket, detail="it names no mailbox (request_system)",
                              detail_es="no nombra ningún buzón (request_system)")
        if system.get("kind") == _MAILBOX and str(system["name"]) != request.system:
            raise BackupError("request_gives_no_leave", ticket=request.ticket, detail="it is about " + request.system, detail_es="es de " + request.system)
    return request


def refuse_other_office(request: requests.Request, system: str, office: str, folders: Mapping[str, str] | None = None, paths: Sequence[str] = ()) -> None:
    """Raises BackupError request_of_another_office where what is asked for is not of the request's office.

    A file server may hold the `folders` of several offices (path -> office): then each path that is restored tells whose it is, and only one that lies in
    none of them is the system's. What has no office can't be compared.
    """
    offices = [_office_of(path, folders or {}, office) for path in paths] or [office]
    for other in offices:
        if other and not requests.same_name(other, request.office):
            raise BackupError("request_of_another_office", ticket=request.ticket, office=request.office, system=system, other=other)


def _office_of(path: str, folders: Mapping[str, str], otherwise: str) -> str:
    there = os.path.normpath(path)
    found = [folder for folder in folders if there == os.path.normpath(folder) or there.startswith(os.path.normpath(folder).rstrip("/") + "/")]
    return folders[max(found, key=lambda folder: len(os.path.normpath(folder)))] if found else otherwise


def later_change(request: requests.Request | None, copy: Mapping[str, Any], zone: datetime.tzinfo) -> str:
    """What 5.3 c asks to be told of the copy that is restored, in Spanish; "" when there is nothing to tell."""
    if request is None:
        return ""
    return asking.warning([{"media": {"": "T2"}, **copy}], {"changed_at": request.changed_at}, zone, due.taken_at(copy))
