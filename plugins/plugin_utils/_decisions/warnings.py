# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which conditions are in force, what of them is news to a channel, and the message that tells it. Sends nothing and reads no clock.

What a channel was told stands in the bitácora (entries `warning_sent`) and nowhere else: a message that could not be sent has no
entry, so that its news are news again the next time.
"""

from __future__ import annotations

import datetime
import html
import unicodedata
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ...module_utils._engine.policy import people
from ...module_utils._engine.policy import policy as engine
from .._bitacora import by_medium, trust, view
from .._bitacora.any_store import Store
from .._bitacora.view import KINDS, amount
from . import drills, due, forges, heartbeats, media, purposes, remedies, signs, undone, unsent
from .signs import SIGN_STANDS, days_of, rank, time_of

DEFAULTS = {"size_change_percent": 30, "copies_for_pattern": 4, "free_percent": 10, "seal_days": 2, "anchor_days": 7, "changed_percent": 25,
            "data_read_days": 7, "medium_verified_days": 31}
TITLES = {
    "overdue": "Copia vencida", "failed": "Copia fallida", "shrunk": "Copia más pequeña de lo habitual", "grown": "Copia más grande de lo habitual",
    "changed": "Cambió mucho más de lo habitual: ¿archivos cifrados por un programa malicioso?",
    "verification": "Verificación o prueba de restauración fallida", "untested": "Sin prueba de restauración reciente",
    "noted": "La última copia tiene advertencias", "partial": "La última copia es parcial",
    "unread": "Datos de un servidor de archivos sin releer", "space": "Medio casi lleno",
    "medium": "Medio con problemas", "unverified": "Medio sin verificar",
    "chain": "Cadena de la bitácora rota", "seal": "Falta el sello de la bitácora",
    "anchor": "Sello de la bitácora sin anclar", "custody": "Custodia de contraseñas", "entries": "Asientos que no se entienden o no se creen",
    "refused": "Un servidor respondió lo que no le corresponde", "designation": "EGCR sin designación", "forge": "Repositorios de una forja",
    "letters": "Correos de solicitudes sin enviar",
    "schedule": "Programación que no corrió", "late": "Programación que empezó tarde",
    "transfer": "Traslado fallido", "prune": "Retiro fallido", "restore": "Restauración fallida", "unsent": "Aviso que no llegó a su destinatario",
    "purpose": "Última ejecución con fallas", "heartbeat": "Señal de vida que no llegó",
}
STATES = {"new": "Nuevo", "worsened": "Empeoró", "solved": "Resuelto", "passed": "Pasó a otra persona", "standing": "Sigue en curso"}
SUMMARY = "summary"
_ANCHORS_LOOKED_AT = 500
_REFUSALS_LOOKED_AT = 500
_SYSTEMS_NAMED = 10
_DATED = ("due", "overdue", "ask", "outside_window")


class Condition(NamedTuple):
    """Something that is not as it should be. `key` names it for good; a higher `level` is worse."""

    key: str
    name: str      # one of TITLES
    level: int
    text: str      # Spanish
    system: str = ""
    kind: str = ""
    responsible: str = ""
    remedy: str = ""   # Spanish, of its error; remedies.py has those of what has none


class News(NamedTuple):
    """What a channel does not know yet of a condition."""

    state: str     # new, worsened, solved, passed (it goes on, and is another's now)
    condition: Condition


class Space(NamedTuple):
    """What is free of a directory that is watched, in bytes."""

    name: str
    free: int
    total: int


class Message(NamedTuple):
    subject: str
    text: str
    html: str
    attached: tuple[tuple[str, bytes], ...] = ()


def in_force(store: Store, policy: Mapping[str, Any], systems: Iterable[Mapping[str, Any]], now: datetime.datetime,
             spaces: Iterable[Space] = ()) -> list[Condition]:
    """The conditions in force, those of the bitácora itself first. Raises BackupError(bitacora_unreadable)."""
    rules = {**DEFAULTS, **policy.get("warnings", {})}
    found = [*_of_the_chain(store), *_of_the_seal(store, rules, now), *_of_the_anchors(store, rules, now)]
    found += [condition for space in spaces for condition in _of_space(space, rules)]
    found += _of_designations(policy, now)
    systems = list(systems)
    active = [system for system in systems if system.get("enabled", True)]
    found += _of_media(store, active, rules, now)
    found += _of_custody(store, active)
    failures = _of_failures(store, systems, now)
    found += _of_purposes(store, {each.name for each in failures}, now)
    found += [Condition(told.key, "forge", told.level, told.text) for told in forges.signs(store.entries(type=forges.TYPES), now)]
    found += _of_heartbeats(store, now)
    found += [Condition(told.key, "letters", told.level, told.text) for told in unsent.signs(store.entries(type=unsent.TYPES), now)]
    for system in active:
        found += _of_system(store, policy, rules, system, now)
    return found + failures + _of_refusals(store, now) + _of_entries(store, now)


def _of_failures(store: Store, systems: Sequence[Mapping[str, Any]], now: datetime.datetime) -> list[Condition]:
    """Transfers, removals and restores that failed, of systems that left the inventory too: their copies are still kept."""
    since = (now - undone.STANDS).astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    charged = {(system["kind"], system["name"]): str(system.get("responsible", "")) for system in systems}
    return [Condition(f"{sign.name}:{sign.kind}:{sign.system}", sign.name, sign.level, sign.text, sign.system, sign.kind,
                      charged.get((sign.kind, sign.system), ""), sign.remedy) for sign in undone.signs(store.entries(type=undone.TYPES, since=since))]


def _of_media(store: Store, systems: Iterable[Mapping[str, Any]], rules: Mapping[str, Any], now: datetime.datetime) -> list[Condition]:
    """What was found where media are, and how long nothing was read there again (numerals 5.1 a, c; 6.3)."""
    told = by_medium.seen(store, systems, due.believed_until(now))
    found = [Condition(f"{sign.name}:{sign.medium}:{sign.host}", sign.name, sign.level, sign.text) for sign in media.signs(told, rules, now)]
    spaces = [Space(name, row["free"], row["total"]) for name, row in by_medium.space(told, now).items()]
    return found + [condition for space in spaces for condition in _of_space(space, rules)]


def _of_designations(policy: Mapping[str, Any], now: datetime.datetime) -> list[Condition]:
    """Each EGCR that the policy names and that nobody is designated for, now or within a month (numeral 5.1 b)."""
    today = now.astimezone(due.zone(policy["time_zone"])).date()
    coming = {egcr: gap for egcr, gap in reversed(people.without_anybody(policy, today)) if gap.last >= today}
    return [Condition(f"designation:{egcr}", "designation", 2 if gap.first <= today else 1, people.told_gap(egcr, gap, today))
            for egcr, gap in coming.items()]


def _of_refusals(store: Store, now: datetime.datetime) -> list[Condition]:
    """Answers of the last days of which something was not recorded, by host: whoever made them has that server, or a play is wrong."""
    hosts: dict[str, list[Mapping[str, Any]]] = {}
    for entry in store.entries(type="answer_refused", limit=_REFUSALS_LOOKED_AT):
        if not entry.get("simulated") and now - time_of(entry["at_event"]) <= SIGN_STANDS:
            hosts.setdefault(str(entry.get("host", "")), []).append(entry)
    return [Condition(f"refused:{host}", "refused", rank(len(told)), "{0}: {1}".format(told[-1].get("error_code", ""), told[-1].get("error_message_es", "")))
            for host, told in sorted(hosts.items())]


def _of_entries(store: Store, now: datetime.datetime) -> list[Condition]:
    """What could not be read of the bitácora: told for some days after it was written, and in any case once, since it stays there for ever."""
    line, passed = store.passed_over.line(), store.passed_over.entries
    if not passed:
        return []
    newest = passed[-1].n
    told = [entry["n"] for entry in store.entries(type="warning_sent", limit=_REFUSALS_LOOKED_AT) if entry.get("warning") == "entries"]
    written = store.entries(since=(now - SIGN_STANDS).astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"), limit=_REFUSALS_LOOKED_AT)
    if max(told, default=0) > newest and not any(entry["n"] == newest for entry in written):
        return []
    return [Condition("entries", "entries", rank(len(passed)), line)]


def _of_custody(store: Store, systems: Iterable[Mapping[str, Any]]) -> list[Condition]:
    """What the last check of custody found, and systems whose last password one custodian alone holds and no public key opens."""
    found = []
    checks = [entry for entry in store.entries(type="custody_checked", limit=_ANCHORS_LOOKED_AT) if not entry.get("simulated")]
    last = checks[-1] if checks else None
    # of the run that checked, and of later ones that did not come so far
    failures = [entry for entry in store.entries(type="custody_failed", limit=_ANCHORS_LOOKED_AT) if not entry.get("simulated")
                and (not last or entry["n"] > last["n"] or entry.get("run") == last.get("run"))]
    if failures:
        first = failures[0]
        found.append(Condition("custody:failed", "custody", rank(len(failures)), "{0}: {1}{2}".format(
            first.get("error_code", ""), first.get("error_message_es", ""), f" (y {len(failures) - 1} más)" if len(failures) > 1 else "")))
    alone, systems = [], list(systems)
    for system in systems:
        newest = store.entries(kind=system["kind"], system=system["name"], type="copy_made", limit=2)
        made: Mapping[str, Any] = next((entry for entry in reversed(newest) if not entry.get("simulated")), {})
        # a check after the copy handed its password to all that it names
        custodians = last.get("custodians", []) if last and not failures and last["n"] > made.get("n", 0) else made.get("custodians", [])
        if made.get("custodians") and len(custodians) < 2 and not made.get("recipients"):
            alone.append(view.titles((each["kind"], each["name"]) for each in systems)[system["kind"], system["name"]])
    if alone:
        found.append(Condition("custody:single", "custody", rank(len(alone)), "Un solo custodio tiene la contraseña de la última copia, y ninguna llave "
                               f"pública la abre, de: {', '.join(sorted(alone)[:_SYSTEMS_NAMED])}{' ...' if len(alone) > _SYSTEMS_NAMED else ''}"))
    return found


def _of_purposes(store: Store, told: Container[str], now: datetime.datetime) -> list[Condition]:
    """Purposes whose last start, by what schedule.yml put in force, did not come, recorded nothing itself or came late; and those whose last run failed, but
    for what is `told` by system.
    """
    found = []
    for each in purposes.read(store, now):
        if each.state in purposes.MISSING:
            found.append(Condition(f"schedule:{each.purpose}", "schedule", rank(each.missed), each.text))
        elif each.state in purposes.BAD and each.purpose in purposes.TOLD and each.purpose not in told:
            found.append(Condition(f"purpose:{each.purpose}", "purpose", 1, each.text))
        if each.late and each.state not in purposes.MISSING and now - time_of(each.last) <= SIGN_STANDS:
            found.append(Condition(f"late:{each.purpose}", "late", 1, each.late_text))
    return found


def _of_heartbeats(store: Store, now: datetime.datetime) -> list[Condition]:
    """Services outside that the sign of life of the last runs did not reach: they will say that the controller is dead."""
    since = (now - SIGN_STANDS).astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    told = store.entries(type=heartbeats.EVENT, since=since)
    runs = store.entries(type=heartbeats.RUNS, since=since) if told else []
    return [Condition(f"heartbeat:{name}", "heartbeat", 1, text) for name, text in heartbeats.signs(told, runs).items()]


def _of_the_chain(store: Store) -> list[Condition]:
    report = trust.verify(store)
    unread = [Condition(f"anchor:unread:{finding.spanish}", "anchor", 1, finding.spanish) for finding in report.notices if finding.name == "anchor_unreadable"]
    if not report.findings:
        return unread
    told = "; ".join(finding.spanish for finding in report.findings[:3])
    return [Condition("chain", "chain", rank(len(report.findings)), f"{told}. Conserve el archivo como evidencia"), *unread]


def _of_the_seal(store: Store, rules: Mapping[str, Any], now: datetime.datetime) -> list[Condition]:
    """Only where the bitácora is sealed at all: its newest seal must not be old. One that is dated in the future says nothing of its age."""
    if not store.entries(type="seal", limit=1):
        return []
    newest = store.entries(type="seal", until=due.believed_until(now), limit=1)
    if not newest:
        return [Condition("seal", "seal", 1, "Todos los sellos tienen fecha futura: no consta cuándo se selló por última vez")]
    age = (now - time_of(newest[-1]["at_event"])).days
    if age < rules["seal_days"]:
        return []
    return [Condition("seal", "seal", rank(age), f"El último sello tiene {days_of(age)}")]


def _of_the_anchors(store: Store, rules: Mapping[str, Any], now: datetime.datetime) -> list[Condition]:
    """Anchors that did not take the last seal they were given, and mail by which none went for days."""
    found = []
    newest = store.entries(type="seal", limit=1)
    sent: dict[str, dict[str, Any]] = {}
    for entry in store.entries(type=("anchor_sent", "anchor_failed"), limit=_ANCHORS_LOOKED_AT):
        # one that was sent by a clock that was ahead is no sign that any was sent lately
        if not entry.get("simulated") and not (entry["type"] == "anchor_sent" and entry["at_event"] > due.believed_until(now)):
            sent[entry.get("anchor", "")] = entry
    for name, entry in sorted(sent.items()):
        if entry["type"] == "anchor_failed" and (entry.get("sealed_n") or newest and newest[-1].get("run") == entry.get("run")):
            found.append(Condition(f"anchor:{name}", "anchor", 1, f"{name}: {entry.get('error_message_es') or entry.get('note_es', '')}"))
        elif entry["type"] == "anchor_sent" and (age := (now - time_of(entry["at_event"])).days) >= rules["anchor_days"]:
            found.append(Condition(f"anchor:{name}", "anchor", rank(age // rules["anchor_days"]), f"{name}: el último sello se ancló hace {days_of(age)}"))
    return found


def _of_space(space: Space, rules: Mapping[str, Any]) -> list[Condition]:
    percent = 100.0 * space.free / space.total if space.total else 0.0
    if percent >= rules["free_percent"]:
        return []
    level = 1 + (percent < rules["free_percent"] / 2) + (percent < rules["free_percent"] / 10)
    shown = f"{percent:.1f}".replace(".", ",")
    return [Condition(f"space:{space.name}", "space", level, f"{space.name}: queda {amount(space.free)} de {amount(space.total)} ({shown} %; numeral 6.3)")]


def _of_system(store: Store, policy: Mapping[str, Any], rules: Mapping[str, Any], system: Mapping[str, Any], now: datetime.datetime) -> list[Condition]:
    kind, name = system["kind"], system["name"]
    found: list[tuple[str, int, str]] = []
    last = store.last_good(kind, name, engine.counted_trust(policy, system), due.believed_until(now))
    decision = due.decide(system, policy, last, now)
    if decision.overdue_days or ((last is None or due.is_ahead(last, now)) and decision.state in _DATED):
        found.append(("overdue", rank(decision.overdue_days or 1), decision.why))
    facts = [entry for entry in store.believed(kind, name, store.entries(system=name, kind=kind, type=(
        "copy_made", "copy_failed", "copy_refused", "copy_verified", "copy_damaged", "verification_failed", "restored"))) if not entry.get("simulated")]
    found += signs.failed(facts)
    found += signs.noted(facts)
    found += signs.partial(facts)
    found += signs.odd_size(facts, rules)
    found += signs.much_changed(facts, rules, now)
    found += signs.unread(facts, rules, now)
    # drills.every is the one truth; an explicit 0 of the older key still says that nobody is to be told
    limit = 0 if rules.get("restore_test_days") == 0 else drills.rules_of(policy)["every"][system["criticality"]]
    found += signs.proof(facts, limit, now)
    return [Condition(f"{condition}:{kind}:{name}", condition, level, text, name, kind, system.get("responsible", ""), signs.remedy(condition, facts))
            for condition, level, text in found]


def told(store: Store, channel: str) -> dict[str, Condition]:
    """key -> what a channel was told last and has not been told to be solved."""
    standing: dict[str, Condition] = {}
    for entry in store.entries(type="warning_sent"):
        if entry.get("medium") != channel or entry.get("simulated") or entry.get("warning") == SUMMARY:
            continue
        key = str(entry.get("warning", ""))
        if entry.get("warning_state") in ("solved", "passed"):
            standing.pop(key, None)
        else:
            standing[key] = Condition(key, key.split(":", maxsplit=1)[0], entry.get("warning_level", 1), entry.get("note_es", ""), entry.get("system", ""),
                                      entry.get("kind", ""), entry.get("responsible", ""))
    return standing


def news(before: Mapping[str, Condition], conditions: Sequence[Condition], elsewhere: Iterable[str] = ()) -> list[News]:
    """What changed between what a channel was told and what is in force for it: a condition that only goes on is no news.

    `elsewhere` has the keys of all that is in force: what is there, and not this channel's any more, is not solved.
    """
    keys = {condition.key for condition in conditions}
    found = [News("worsened" if condition.key in before else "new", condition) for condition in conditions
             if condition.key not in before or condition.level > before[condition.key].level]
    going_on = set(elsewhere)
    return found + [News("passed" if key in going_on else "solved", condition) for key, condition in before.items() if key not in keys]


def summary_is_due(store: Store, channel: str, now: datetime.datetime, zone: datetime.tzinfo, hour: str) -> bool:
    """Whether the summary of this day, in the policy's zone, was not sent yet and its hour has come."""
    local = now.astimezone(zone)
    if local.strftime("%H:%M") < hour:
        return False
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(datetime.timezone.utc)
    since = midnight.strftime("%Y-%m-%dT%H:%M:%SZ")
    return not any(entry.get("medium") == channel and entry.get("warning") == SUMMARY and not entry.get("simulated")
                   for entry in store.entries(type="warning_sent", since=since, until=due.believed_until(now)))


def day_line(store: Store, now: datetime.datetime) -> str:
    """What the last 24 hours brought, in a sentence."""
    since = (now - datetime.timedelta(days=1)).astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    counts = dict.fromkeys(("copy_made", "copy_failed", "copy_verified"), 0)
    for entry in store.entries(type=tuple(counts), since=since, until=due.believed_until(now)):
        counts[entry["type"]] += not entry.get("simulated")
    return "Últimas 24 horas: {copy_made} copias generadas, {copy_failed} fallidas, {copy_verified} verificaciones correctas.".format(**counts)


def message(institution: str, changed: Sequence[News], standing: Sequence[Condition], summary: str, whom: str = "") -> Message:
    """One message for all the news and, with `summary` (its first sentence), all that goes on; `whom` it is for, where that is not everybody."""
    groups = [(state, [row.condition for row in changed if row.state == state]) for state in ("new", "worsened", "solved", "passed")]
    if summary:
        known = {row.condition.key for row in changed}
        groups.append(("standing", [condition for condition in standing if condition.key not in known]))
    groups = [(state, rows) for state, rows in groups if rows]
    counted = ", ".join(f"{len(rows)} {_counted(state, len(rows))}" for state, rows in groups) or "sin avisos en curso"
    subject = _one_line(f"[Respaldo] {'Resumen del día: ' if summary else ''}{counted} - {institution}")[:200]
    lead = summary if summary else "Cambios desde el último aviso:"
    leads = [lead, *([_one_line(f"Para {whom}: solo lo que le concierne.")] if whom else [])]
    plain, rich = [*leads, ""], [f"<p>{html.escape(line)}</p>" for line in leads]
    for state, rows in groups:
        plain.append(STATES[state].upper())
        rich.append(f"<h2>{STATES[state]}</h2><ul>")
        for condition in rows:
            headline, detail = _one_line(title(condition)), _one_line(condition.text)
            todo = _one_line(remedies.told(condition.name, condition.remedy)) if state not in ("solved", "passed") else ""
            details = [detail, *([f"Qué hacer: {todo}"] if todo else [])]
            plain += [f"- {headline}", *(f"    {line}" for line in details)]
            rich.append(f"<li><b>{html.escape(headline)}</b><br>{'<br>'.join(html.escape(line) for line in details)}</li>")
        plain.append("")
        rich.append("</ul>")
    if not groups:
        plain.append("No hay avisos en curso.")
        rich.append("<p>No hay avisos en curso.</p>")
    foot = "Cada aviso se envía una vez: al aparecer, si empeora y al resolverse. El detalle está en la bitácora."
    return Message(subject, "\n".join([*plain, "", foot, ""]),
                   f'<!doctype html><html lang="es"><head><meta charset="utf-8"></head><body>{"".join(rich)}<p><small>{foot}</small></p></body></html>')


def title(condition: Condition) -> str:
    """What a condition is, of which system, and who answers for it."""
    found = TITLES.get(condition.name, condition.name)
    if not condition.system:
        return found
    kind = KINDS.get(condition.kind, condition.kind)
    return f"{found}: {condition.system} ({kind}){'; responsable: ' + condition.responsible if condition.responsible else ''}"


def _counted(state: str, number: int) -> str:
    one, many = {"new": ("nuevo", "nuevos"), "worsened": ("empeoró", "empeoraron"), "solved": ("resuelto", "resueltos"),
                 "passed": ("pasó a otra persona", "pasaron a otra persona"), "standing": ("sigue en curso", "siguen en curso")}[state]
    return one if number == 1 else many


def _one_line(text: str) -> str:
    """A name or a server's words can't begin a header, a line or a colour of their own."""
    return " ".join("".join(" " if unicodedata.category(letter)[0] in "CZ" else letter for letter in text).split())
