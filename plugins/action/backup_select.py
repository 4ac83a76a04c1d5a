# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Locates the copy to restore or verify (numeral 7.1.3)."""

from __future__ import annotations

import datetime
import typing as t

from ansible.utils.display import Display

from ..module_utils._engine import label, result
from ..module_utils._engine.errors import CATALOGUE, BackupError
from ..module_utils._engine.moments import now
from ..module_utils._engine.restic import repositories
from ..plugin_utils import _asked_for, _forms, _known_systems
from ..plugin_utils._actions import BackupAction, show
from ..plugin_utils._bitacora.store import open_store, resolve_url
from ..plugin_utils._custodians import custody
from ..plugin_utils._decisions import due, leave, mails, offers, requests, retention
from ..plugin_utils._decisions.asking import paths as asked_paths
from ..plugin_utils._inventory import declared
from ..plugin_utils._tasks import plain


class ActionModule(BackupAction):
    ARGUMENTS = {
        "system": {"type": "str", "required": True},
        "kind": {"type": "str", "required": True, "choices": list(result.KINDS)},
        "label": {"type": "str", "default": ""},
        "lost_at": {"type": "str", "default": ""},
        "time_zone": {"type": "str", "default": "America/Lima"},
        "reason": {"type": "str", "default": ""},
        "ticket": {"type": "str", "default": ""},
        "requester": {"type": "str", "default": ""},
        "requires_request": {"type": "str", "choices": list(leave.REQUIRES), "default": "none"},
        "emergency": {"type": "str", "default": ""},
        "target": {"type": "str", "default": ""},
        "paths": {"type": "raw", "default": []},
        "offices": {"type": "dict", "default": {}},
        "mail": {"type": "dict", "default": {}},
        "mailbox": {"type": "str", "default": ""},
        "account": {"type": "str", "default": ""},
        "media": {"type": "list", "elements": "dict", "required": True},
        "partial": {"type": "bool", "default": False},
        "damaged": {"type": "bool", "default": False},
        "for": {"type": "str", "choices": ["restore", "verify"], "default": "restore"},
    }

    def work(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        system, kind = arguments["system"], arguments["kind"]
        mail, into = mails.asked(plain(arguments["mail"]), kind, due.zone(arguments["time_zone"])), arguments["mailbox"]
        if into and (kind != mails.KIND or mail.get("format") or arguments["target"]):
            raise BackupError("invalid_input", where="restore_mailbox", value=into, problem="is given beside a place for files, or for what is no mailbox",
                              mend="Leave out restore_target and restore_mail_format, or the mailbox.")
        if arguments["for"] == "restore" and not arguments["target"] and kind != repositories.KIND and not into:
            raise BackupError("invalid_input", where="restore_target", value="", problem="is missing",
                              mend="Say where the copy is restored to; only a file server's has a place of its own to come back to.")
        _refuse_without_words(arguments)
        if arguments["for"] == "verify" and arguments["ticket"]:
            raise BackupError("invalid_input", where="ticket", value=arguments["ticket"], problem="is of a request, and a verification belongs to none",
                              mend="Leave it out.")
        request = _request(arguments) if arguments["for"] == "restore" else None
        if into:
            office, account = _mailbox_here(task_vars, into)
            mails.refuse_other_mailbox(into, system, office, request)
            mails.refuse_other_account(arguments["account"], account)
        copies = _partial(kind, system, arguments["label"]) if arguments["partial"] else _known(kind, system)
        if not copies:
            _known_systems.refuse_unknown(task_vars, kind, system, "system")
        moment = _moment(arguments["lost_at"], arguments["time_zone"]) or (request.lost_at if request else "")
        names = [str(medium.get("name")) for medium in arguments["media"]]
        newest = offers.newest_before(offers.whole(copies), moment, datetime.datetime.now(datetime.timezone.utc))
        chosen, asked = newest, label.parse(arguments["label"]).name if arguments["label"] else ""
        if asked:
            chosen = next((copy for copy in (copies if arguments["damaged"] else offers.whole(copies)) if copy["label"] == asked), None)
        medium = offers.medium_of(chosen, names, arguments["damaged"]) if chosen else ""
        if chosen is None or not medium:
            raise offers.none(kind, system, copies, asked, moment, names)
        if arguments["for"] == "restore":
            _refuse_expired(chosen, due.zone(arguments["time_zone"]))
        if arguments["for"] == "restore" and chosen is not newest and not arguments["reason"]:
            raise BackupError("invalid_input", where="label", value=chosen["label"],
                              problem="is not the most recent copy before the loss ({0})".format(newest["label"] if newest else "none"),
                              mend="Give the reason for another copy, or leave the label out (numeral 7.1.3).")
        if chosen.get("key_reference") and not custody.reference_of(chosen):
            Display().warning(f"{chosen['label']}: el asiento nombra una clave que no es de esta copia, {_forms.line(chosen['key_reference'], 200)}: no se usa")
        if request:
            leave.refuse_other_office(request, system, _office(task_vars, kind, system, chosen), plain(arguments["offices"]), asked_paths(arguments["paths"]))
        named = label.parse(chosen["label"])
        found: dict[str, t.Any] = {
            "changed": False, "label": named.name, "sha256": chosen.get("sha256", ""), "key_reference": custody.reference_of(chosen),
            "medium": medium, "source_type": chosen.get("source_type", ""), "copy": chosen}
        if arguments["for"] == "restore":
            found["mail_format"] = mails.KIND if into else mail.get("format", "")
            found["chosen"] = offers.told(chosen, newest, moment, medium, due.zone(arguments["time_zone"]))
            show(found["chosen"])
            warned = leave.later_change(request, chosen, due.zone(arguments["time_zone"]))
            if warned:
                Display().warning(warned)
            kept = {name: chosen[name] for name in ("criticality", "office", "responsible", "source_type", "source", "sha256") if name in chosen}
            found["backup"] = result.build(
                event="restore_started", label=named.name, printed_label=named.printed, system=system, kind=kind, numeral="7.1.3",
                reason="emergency" if arguments["emergency"] else "request" if arguments["ticket"] else None,
                reason_text=_reason("; ".join(filter(None, (arguments["emergency"], arguments["reason"]))), chosen, medium),
                ticket=request.ticket if request else arguments["ticket"] or None,
                requester=arguments["requester"] or (request.requester if request else None), warnings_es=[warned] if warned else None,
                target=f"Restaurado {named.name}, en el buzón {into}" if into else arguments["target"] or None, medium=medium, started_at=now(), **kept)
        return found


def _request(arguments: t.Mapping[str, t.Any]) -> requests.Request | None:
    """The request of the ticket, where there is one. Raises BackupError restore_without_request where the inventory wants one and there is no leave."""
    if not arguments["ticket"] and arguments["requires_request"] == "none" and arguments["kind"] != mails.KIND:
        return None
    with open_store(resolve_url(), readonly=True) as store:
        request = _asked_for.named(store, arguments["ticket"])
    leave.refuse_without(arguments["requires_request"], arguments["kind"], arguments["system"], arguments["ticket"], arguments["emergency"], request)
    leave.refuse_unknown(arguments["ticket"], request)
    why = leave.why_none(arguments["kind"], arguments["system"], request) if request else None
    if why and not arguments["emergency"]:
        Display().warning("Esta restauración no avanza la solicitud: {0}".format(why.spanish))
    return request


def _refuse_expired(chosen: t.Mapping[str, t.Any], zone: datetime.tzinfo) -> None:
    """What was kept for a request alone comes back until the day of that, and while somebody holds it. Raises BackupError copy_expired."""
    today = datetime.datetime.now(zone).date()
    if not retention.expired(chosen, (), today):
        return
    with open_store(resolve_url(), readonly=True) as store:
        until = retention.expired(chosen, store.held(str(chosen["kind"]), str(chosen["system"])), today)
    if until:
        raise BackupError("copy_expired", label=chosen["label"], until=until)


def _office(task_vars: t.Mapping[str, t.Any], kind: str, system: str, chosen: t.Mapping[str, t.Any]) -> str:
    """Whose a system is: as the inventory has it now, else as it was when the copy was made."""
    offices = [str(each.get("office") or "") for _host, each in declared(task_vars, kind, system)]
    return offices[0] if offices else str(chosen.get("office") or "")


def _mailbox_here(task_vars: t.Mapping[str, t.Any], mailbox: str) -> tuple[str, str]:
    """Whose a mailbox is that this host reaches, and its account. Raises BackupError invalid_input."""
    here = str(task_vars.get("inventory_hostname") or "")
    found = [(str(row.get("office") or ""), str((row.get("source") or {}).get("user") or ""))
             for host, row in declared(task_vars, mails.KIND, mailbox) if host == here]
    if not found:
        raise BackupError("invalid_input", where="restore_mailbox", value=mailbox, problem="is no mailbox of this server",
                          mend="Give the name of a system of the kind mailbox that backup_systems of this server declares.")
    return found[0]


def _refuse_without_words(arguments: t.Mapping[str, t.Any]) -> None:
    """A damaged copy is a person's decision about one copy, for a reason. Raises invalid_input."""
    for name, mend in (("label", "Name the copy that is wanted though it counts as damaged."), ("reason", "Say why; the bitácora keeps it.")):
        if arguments["damaged"] and not arguments[name]:
            raise BackupError("invalid_input", where=name, value="", problem="is missing beside damaged", mend=mend)


def _reason(given: str, chosen: t.Mapping[str, t.Any], medium: str) -> str | None:
    """Why this copy, as the bitácora has it: that it was known to be damaged is part of it."""
    return given or None if chosen["media"].get(medium) else f"Se restaura aunque consta como dañada: {given}"


def _known(kind: str, system: str) -> list[dict[str, t.Any]]:
    """The copies of a system that the bitácora knows, oldest first."""
    with open_store(resolve_url(), readonly=True) as store:
        return store.copies(kind, system)


def _partial(kind: str, system: str, name: str) -> list[dict[str, t.Any]]:
    """The run of that label that kept aside what it could read (copy_partial)."""
    if not name:
        raise BackupError("invalid_input", where="label", value=name, problem="is missing", mend="Name the run whose partial content is wanted.")
    code = CATALOGUE["copy_partial"].code
    with open_store(resolve_url(), readonly=True) as store:
        found = store.entries(kind=kind, system=system, label=label.parse(name).name, type="copy_failed")
    return [{**entry, "media": dict.fromkeys(entry.get("medium", "").split(", "), "T0")} for entry in found if entry.get("error_code") == code]


def _moment(text: str, zone: str) -> str:
    """The time of the loss in UTC as the bitácora writes times; "" when it is not given."""
    if not text:
        return ""
    for form in ("%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d"):
        try:
            local = datetime.datetime.strptime(text, form).replace(tzinfo=due.zone(zone))
        except ValueError:
            continue
        if local > datetime.datetime.now(datetime.timezone.utc):
            raise BackupError("invalid_input", where="lost_at", value=text, problem="is in the future", mend="Say when the data was lost.")
        return local.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    raise BackupError("invalid_input", where="lost_at", value=text, problem="is not a date", mend="Write it as 2026-11-22 or 2026-11-22 10:30.")
