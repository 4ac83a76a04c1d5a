# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a step of a request needs to say, what its entry says, and what people read of it (backup_request). Pure functions; the machine: requests.py."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from ...module_utils._engine import moments, result, value_forms
from ...module_utils._engine.errors import BackupError
from ...module_utils._engine.policy import schema
from . import due, offers, requests
from .entitled import Capacity

# What only the opening says, and the steps that need a reason.
_ONLY_OPENING = ("office", "system", "kind", "what", "paths", "lost_at", "discovered_at", "changed_at", "until")
_REASONED = ("reject", "object", "withdraw", "outside")
_FORMS = ("%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d")
_TIMES = ("lost_at", "discovered_at", "changed_at")
_MOST_VOLUME = 1 << 50
_LONGEST_KEPT = 120     # months
_FIRST_YEAR = 2000      # times of entries are of 2000 to 2099 (result.is_time)
# What is said where nothing suitable was copied before the loss (7.1.3); a letter tells it.
NO_COPY = "No hay ninguna copia anterior a la pérdida"


def refuse_unsaid(arguments: Mapping[str, Any]) -> None:
    """Raises BackupError(invalid_input) where a step lacks what it needs, or is given what is another's."""
    step = arguments["step"]
    needed = ["person", *(("office", "what") if step == "open" else ("ticket",)), *(("reason",) if step in _REASONED else ())]
    if arguments["proof"] != "word":
        needed.append("proof_reference")
    if step == "execute":
        needed.append("entry")
    for name in needed:
        if not value_forms.seen(str(arguments[name] if arguments[name] is not None else "")).strip():
            raise BackupError("invalid_input", where="request_" + name, value=arguments[name] or "", problem="is missing",
                              mend="The step {0} needs it.".format(step))
    foreign = [name for name in _ONLY_OPENING if arguments.get(name) and step != "open"]
    foreign += [name for name, of in (("entry", "execute"), ("volume", "estimate")) if arguments[name] is not None and step != of]
    for name in foreign:
        raise BackupError("invalid_input", where="request_" + name, value=arguments[name], problem="is not said by this step",
                          mend="Leave it out of the step {0}.".format(step))
    if arguments["volume"] is not None and arguments["volume"] < 0:
        raise BackupError("invalid_input", where="request_volume", value=arguments["volume"], problem="is less than nothing", mend="Give bytes.")
    if arguments["volume"] is not None and arguments["volume"] > _MOST_VOLUME:
        raise BackupError("invalid_input", where="request_volume", value="more than {0}".format(_MOST_VOLUME), problem="is more than a pebibyte",
                          mend="Give bytes.")


def system_of(arguments: Mapping[str, Any], systems: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The system of the inventory that is asked for; None when none is named. Raises BackupError(invalid_input) on one that is not there."""
    if not arguments["system"]:
        if arguments["kind"] is not None:
            raise BackupError("invalid_input", where="request_kind", value=arguments["kind"], problem="is given without a system",
                              mend="Give request_system too, or neither.")
        return None
    found = [system for system in systems if system["name"] == arguments["system"] and arguments["kind"] in (None, system["kind"])]
    if len(found) != 1:
        names = sorted({system["name"] for system in systems if arguments["kind"] in (None, system["kind"])})
        raise BackupError("invalid_input", where="request_system", value=arguments["system"],
                          problem="is the name of systems of several kinds" if found else "is not a system of the inventory",
                          mend=schema.meant(arguments["system"], names) if names and not found else
                          "Write it as in backup_systems, and its kind as request_kind where one name has several.")
    return found[0]


def times(arguments: Mapping[str, Any], zone: datetime.tzinfo, now: datetime.datetime) -> dict[str, str]:
    """The times that were given, in UTC as the bitácora writes them. Raises BackupError(invalid_input) on what is none, or has not come yet."""
    found = {}
    for name in _TIMES:
        text = arguments[name]
        if not text:
            continue
        local = _local(text, zone)
        if local is None:
            raise BackupError("invalid_input", where="request_" + name, value=text, problem="is not a date",
                              mend="Write it as 2026-11-22 or 2026-11-22 10:30.")
        if local.year < _FIRST_YEAR:
            raise BackupError("invalid_input", where="request_" + name, value=text, problem="is earlier than the year 2000",
                              mend="Write it as 2026-11-22 or 2026-11-22 10:30; leave it out where it is not known.")
        if local > now:
            raise BackupError("invalid_input", where="request_" + name, value=text, problem="is in the future", mend="Say when it was.")
        found[name] = local.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    if found.get("discovered_at", "9") < found.get("lost_at", "") and arguments["discovered_at"][:10] != arguments["lost_at"][:10]:
        raise BackupError("invalid_input", where="request_discovered_at", value=arguments["discovered_at"], problem="is earlier than the loss",
                          mend="Say when the loss was seen; leave it out where it is not known.")
    return found


def _local(text: str, zone: datetime.tzinfo) -> datetime.datetime | None:
    for form in _FORMS:
        try:
            return datetime.datetime.strptime(text, form).replace(tzinfo=zone)
        except ValueError:
            continue
    return None


def until(arguments: Mapping[str, Any], today: datetime.date) -> str:
    """The day until which the copy of a mailbox is kept, "" where the request does not say it. Raises BackupError(invalid_input)."""
    said = str(arguments.get("until") or "").strip()
    if not said:
        return ""
    if arguments["request"] != "mailbox":
        raise BackupError("invalid_input", where="request_until", value=said, problem="is said of mailboxes only",
                          mend="Leave it out: the policy says how long other copies are kept.")
    try:
        day = datetime.datetime.strptime(said, "%Y-%m-%d").date()
    except ValueError:
        raise BackupError("invalid_input", where="request_until", value=said, problem="is not a date", mend="Write it as 2027-03-31.") from None
    if not today <= day <= due.add_months(today, _LONGEST_KEPT):
        raise BackupError("invalid_input", where="request_until", value=said, problem="is past, or more than ten years from now",
                          mend="Give the last day on which the copy may be needed.")
    return day.isoformat()


def warning(copies: Sequence[Mapping[str, Any]], said: Mapping[str, str], zone: datetime.tzinfo, now: datetime.datetime) -> str:
    """What 5.3 c asks to be told, in Spanish: that the information was changed after the last copy before its loss, or that there is none; "" for neither."""
    changed, lost = said.get("changed_at", ""), said.get("lost_at", "")
    newest = offers.newest_before(offers.whole(copies), lost, now)
    if copies and newest is None:
        return NO_COPY
    taken = str(newest.get("started_at", "")) if newest else ""
    if not taken or not changed or changed <= taken:
        return ""
    return ("La información se modificó el {0}, después de la última copia anterior a la pérdida ({1}, del {2}): lo posterior a esa copia no se puede "
            "recuperar (5.3 c)".format(_day(changed, zone), newest["label"] if newest else "", _day(taken, zone)))


def paths(said: Any) -> list[str]:
    """The files and folders that are asked for: of a list, or of a text with one on each line. A comma may be part of a name. Raises invalid_input."""
    listed = said.split("\n") if isinstance(said, str) else said
    if not isinstance(listed, (list, tuple)) or not all(isinstance(row, str) for row in listed):
        raise BackupError("invalid_input", where="request_paths", value=said, problem="is not a list of texts", mend="Write one path on each line.")
    return [row.strip() for row in listed if row.strip()]


def _day(moment: str, zone: datetime.tzinfo) -> str:
    found = due.moment(moment)
    return found.astimezone(zone).strftime("%d/%m/%Y %H:%M") if found else moment


def opening(arguments: Mapping[str, Any], ticket: str, asker: Capacity, system: Mapping[str, Any] | None, said: Mapping[str, str],
            warned: str, kept_until: str = "") -> dict[str, Any]:
    """The entry that opens a request; `kept_until` of that of a mailbox, until when its copy is kept."""
    office, what = (" ".join(arguments[name].split()) for name in ("office", "what"))
    told = "{0} para {1}, pedida por {2}: {3}".format(requests.KINDS[arguments["request"]], office, asker.name, what)
    told += "; la copia se conserva hasta el {0}".format(kept_until) if kept_until else ""
    about = {"system": system["name"], "kind": system["kind"], "criticality": system.get("criticality")} if system else {}
    return result.build(event=requests.OPENED, numeral="7.1.1", ticket=ticket, request=arguments["request"], office=office, requester=asker.name,
                        person=asker.name, post=asker.post, document=asker.document or None, reason_text=what, retention_until=kept_until or None,
                        wanted=paths(arguments["paths"]) or None,
                        warnings_es=[warned] if warned else None, note_es=told + _proof(arguments), **_proved(arguments), **about, **said)


def refuse_unrecordable(entry: Mapping[str, Any]) -> None:
    """Raises BackupError(invalid_input) where the bitácora would not take a field of an entry as it is: the step would stand there without it."""
    for name in result.clean(entry).get("refused_fields", ()):
        raise BackupError("invalid_input", where="request_" + name, value=entry.get(name), problem="can't be recorded as it is",
                          mend="Write it anew by hand, on one line: what was pasted may hold characters that are not seen.")


def known(told: requests.Told, ticket: str) -> requests.Request:
    """The request of a ticket. Raises BackupError request_unknown."""
    wanted = requests.ticket_of({"ticket": ticket})
    found = next((request for name, request in told.requests.items() if name.casefold() == wanted.casefold()), None)
    if found is None:
        there = ", ".join(name for name, request in told.requests.items() if request.is_open)
        raise BackupError("request_unknown", ticket=wanted, open=there or "none", open_es=there or "ninguna")
    return found


def refuse_wrong_state(request: requests.Request, rule: requests.Rule) -> None:
    """Raises BackupError request_step_refused, with what may be done."""
    if request.state in rule.allowed:
        return
    names = requests.may(request)
    raise BackupError("request_step_refused", ticket=request.ticket, state=request.state, state_es=requests.SPANISH[request.state],
                      action=rule.event.partition("_")[2], action_es=rule.spanish, allowed=", ".join(names) or "none by a person", allowed_es=_allowed(request))


def link(known_ones: requests.Told, request: requests.Request, n: int) -> dict[str, Any]:
    """What an entry says that links what was done to its request. Raises BackupError request_link_refused."""
    why = requests.why_no_link(request, n, known_ones.executions, {done for each in known_ones.requests.values() for done in each.done})
    if why:
        raise BackupError("request_link_refused", n=n, ticket=request.ticket, detail=why.english, detail_es=why.spanish)
    done = known_ones.executions[n]
    return result.build(links=n, system=done.get("system"), kind=done.get("kind"), label=done.get("label"),
                        note_es="Atendida por el asiento n.º {0}: {1}{2}".format(
                            n, done.get("label", ""), " en " + done["target"] if done.get("target") else ""))


def volume_of(request: requests.Request, copies: Sequence[Mapping[str, Any]], now: datetime.datetime) -> int:
    """Bytes of the copy that would be restored. Raises BackupError(invalid_input) where none is known, and nobody said a volume."""
    newest = offers.newest_before(offers.whole(copies), request.lost_at, now)
    size = (newest.get("size") or newest.get("size_original")) if newest else None
    if not isinstance(size, int):
        raise BackupError("invalid_input", where="request_volume", value="", problem="is missing: no copy tells how much it is",
                          mend="Give it in bytes, by what the office says or the EGCR sees.")
    return size


def entry(rule: requests.Rule, request: requests.Request, person: Capacity, arguments: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """The entry of a step."""
    reason = " ".join(arguments["reason"].split())
    told = "; ".join(filter(None, ("{0}: {1}".format(rule.spanish.capitalize(), person.name), str(more.get("note_es", "")), reason)))
    about = {"system": request.system or None, "kind": request.system_kind or None, **{name: value for name, value in more.items() if name != "note_es"}}
    return result.build(event=rule.event, numeral=rule.numeral, ticket=request.ticket, request=request.kind, office=request.office,
                        requester=request.requester, person=person.name, post=person.post, document=person.document or None, reason_text=reason or None,
                        note_es=told + _proof(arguments), **_proved(arguments), **about)


def after(history: Sequence[Mapping[str, Any]], said: Mapping[str, Any]) -> requests.Request:
    """The request as it stands once this entry is written."""
    following = max((row["n"] for row in history), default=0) + 1
    stands = requests.told([*history, {**said, "type": said["event"], "n": following, "at_event": moments.now()}]).requests[requests.ticket_of(said)]
    if not stands.steps or stands.steps[-1].n != following:
        raise ValueError("a step that was allowed is passed over")
    return stands


def lines(request: requests.Request, said: Mapping[str, Any], passed_over: str) -> list[str]:
    """What people read of a step, in Spanish."""
    told = ["Solicitud {0}: {1}".format(request.ticket, requests.SPANISH[request.state]), "  " + str(said.get("note_es", ""))]
    told += ["  Advertencia: {0}".format(row) for row in said.get("warnings_es", ())]
    told.append("  Ahora se puede: {0}".format(_allowed(request)))
    return told + ([passed_over] if passed_over else [])


def _allowed(request: requests.Request) -> str:
    names = ["{0} ({1})".format(name, requests.STEPS[name].spanish) for name in requests.may(request)]
    if request.kind == "restore" and request.state in (requests.AUTHORISED, requests.OBJECTED):
        names.insert(0, "restore.yml con restore_ticket={0}".format(request.ticket))
    return ", ".join(names) or "nada: está {0}".format(requests.SPANISH[request.state])


def _proof(arguments: Mapping[str, Any]) -> str:
    reference = " ".join(arguments["proof_reference"].split())
    return " (consta: {0}{1})".format(requests.PROOFS[arguments["proof"]], " " + reference if reference else "")


def _proved(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {"proof": arguments["proof"], "proof_reference": " ".join(arguments["proof_reference"].split()) or None}
