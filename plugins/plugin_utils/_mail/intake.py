# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One mail from its bytes to its entries: decided on what the bitácora holds, and written in the same transaction. See _bitacora/mails.py for why."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Mapping
from typing import Any, NamedTuple

from ...module_utils._engine import result
from ...module_utils._engine.errors import BackupError
from .. import _steps
from .._bitacora import mails, tickets
from .._bitacora.any_store import Store
from .._decisions import asking, due, requests
from . import deciding, identities, reading
from .deciding import Decision, House
from .reading import Mail

_SHOWN = 100      # characters of a subject in an entry
_DAYS = ("lost_at", "until")      # of an opening, that a mail tells

# What of a step's refusal is the mail's, and no fault of the bitácora's.
_REFUSALS = ("invalid_input", "request_step_refused", "request_person_refused", "request_unknown", "request_ticket_taken")
# Mails whose identity proves nothing: another may have written it.
_UNPROVED = ("not_believed", "unreadable")


class Where(NamedTuple):
    """The run and the host that entries are of, the mailbox's folders, and whether nothing is written (check mode)."""

    run: str
    host: str
    taken: str
    set_aside: str
    simulated: bool = False


class Outcome(NamedTuple):
    """What became of a mail: where it goes, its entries, whether they are new, and what people read of it."""

    sha256: str
    folder: str
    rows: tuple[Mapping[str, Any], ...]
    new: bool
    outcome: str
    ticket: str
    line: str


def take(store: Store, mail: Mail, house: House, where: Where, now: datetime.datetime) -> Outcome:
    """Decide a mail and write what it led to; one that was taken before is only told where it goes.

    Raises BackupError: bitacora_unwritable, bitacora_unreadable.
    """
    with contextlib.nullcontext() if where.simulated else store.exclusive():
        there = mails.of_digest(store, mail.sha256)
        if there is not None:
            return Outcome(mail.sha256, str(there.get("mail_folder") or where.set_aside), (), False,
                           str(there.get("mail_outcome") or ""), str(there.get("ticket") or ""), "")
        history = tickets.history(store, requests.EVENTS, requests.EXECUTED_BY)
        decision, step = _decided(store, mail, house, where, history, now)
        rows = [*([_with(step, mail)] if step else []), _entry(mail, decision, where)]
        if not where.simulated:
            mails.write(store, rows, where.run, where.host)
    return Outcome(mail.sha256, rows[-1]["mail_folder"], tuple(rows), True, decision.outcome, decision.ticket, str(rows[-1]["note_es"]))


def _decided(store: Store, mail: Mail, house: House, where: Where, history: list[dict[str, Any]],
             now: datetime.datetime) -> tuple[Decision, dict[str, Any] | None]:
    """What a mail leads to, and the entry of its step; a step that the machine of requests refuses is for a person, told why."""
    try:
        known = deciding.Known(requests.told(history), _of_the_same(store, mail), mails.of_identities(store, _referred(mail)))
        decision = deciding.decide(mail, house, known, now, now.astimezone(due.zone(house.rules["time_zone"])).date())
    except BackupError:
        raise
    except Exception as error:      # whatever nobody foresaw of an attacker's mail: an entry, never a mail that is read for ever
        return Decision("unreadable", True, "no se puede entender ({0})".format(type(error).__name__)), None
    if decision.step is None:
        return decision, None
    arguments = {**_steps.UNSAID, **decision.step, "proof": "mail", "proof_reference": mail.message_id or "sha256:" + mail.sha256}
    try:
        step = _taken(store, arguments, house, where, history, now)
    except BackupError as error:
        if error.fault.name not in _REFUSALS:
            raise
        return decision._replace(outcome="refused", aside=True, why="{0}: {1}".format(error.code, error.spanish), step=None), None
    return decision._replace(ticket=str(step["ticket"])), step


def _of_the_same(store: Store, mail: Mail) -> list[dict[str, Any]]:
    return [each for each in mails.of_identities(store, [mail.message_id]) if each.get("mail_outcome") not in _UNPROVED] if mail.message_id else []


def _referred(mail: Mail) -> list[str]:
    return [each for value in mail.answers for each in identities.written(value)][:50]


def _taken(store: Store, arguments: Mapping[str, Any], house: House, where: Where, history: list[dict[str, Any]], now: datetime.datetime) -> dict[str, Any]:
    asking.refuse_unsaid(arguments)
    if arguments["step"] != "open":
        return _steps.further(store, history, arguments, house.rules, now)

    def number(year: int) -> str:
        return tickets.next_of(store, year) if where.simulated else tickets.reserve(store, year, where.run, where.host)

    while True:
        try:
            return _steps.opening(store, arguments, house.rules, house.systems, now, number)
        except BackupError as error:
            day = str(error.details.get("where")).replace("request_", "", 1)
            if error.fault.name != "invalid_input" or day not in _DAYS or not arguments.get(day):
                raise
            # a day that can't be: what was asked for stands in the words, and the EGCR asks; a copy is kept as long as the policy says
            arguments = {**arguments, day: ""}


def _with(step: Mapping[str, Any], mail: Mail) -> dict[str, Any]:
    """The entry of a step, with the mail that took it; of an opening also where letters about it go."""
    return {**step, "mail_sha256": mail.sha256, **({"address": mail.sender} if step["event"] == requests.OPENED else {})}


def _entry(mail: Mail, decision: Decision, where: Where) -> dict[str, Any]:
    """The entry of the mail itself."""
    about = "de {0}".format(mail.sender) if mail.sender else "sin remitente legible"
    if mail.subject and decision.aside:
        about += ", «{0}»".format(mail.subject[:_SHOWN])
    told = decision.why or (requests.STEPS[decision.outcome].spanish if decision.outcome in requests.STEPS else decision.outcome)
    note = "{0}Correo {1}: {2}".format("Solicitud {0}. ".format(decision.ticket) if decision.ticket else "", about, told)
    return result.build(
        event=mails.ASIDE if decision.aside else mails.TAKEN, numeral="7.1.2", ticket=decision.ticket or None, proof="mail",
        proof_reference=mail.message_id or None, mail_sha256=mail.sha256, mail_folder=where.set_aside if decision.aside else where.taken,
        mail_from=mail.sender or None, mail_outcome=decision.outcome, mail_attached=[_file(each) for each in mail.attached] or None,
        size=mail.size, note_es=note)


def _file(each: reading.Attached) -> str:
    told = "{0}, {1} bytes, SHA-256 {2}".format(each.name, each.size, each.sha256)
    if not each.signed:
        return told
    return "{0}; firmado según el propio archivo por {1} (firma no validada aquí)".format(told, ", ".join(each.signers) or "quien no dice su nombre")


def filed(sha256: str, folder: str) -> dict[str, Any]:
    """The entry that says that a mail lies where it goes."""
    return result.build(event=mails.FILED, numeral="7.1.2", mail_sha256=sha256, mail_folder=folder)
