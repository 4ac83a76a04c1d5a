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
import statistics
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ..module_utils._engine import policy as engine
from ..module_utils._engine.files import DATA_CHECK
from . import _drills, _due
from ._bitacora.store import Store
from ._bitacora.view import KINDS, amount

DEFAULTS = {"size_change_percent": 30, "copies_for_pattern": 4, "free_percent": 10, "seal_days": 2, "anchor_days": 7, "changed_percent": 25,
            "data_read_days": 7}
TITLES = {
    "overdue": "Copia vencida", "failed": "Copia fallida", "shrunk": "Copia más pequeña de lo habitual", "grown": "Copia más grande de lo habitual",
    "changed": "Cambió mucho más de lo habitual: ¿archivos cifrados por un programa malicioso?",
    "verification": "Verificación o prueba de restauración fallida", "untested": "Sin prueba de restauración reciente",
    "unread": "Datos de un servidor de archivos sin releer", "space": "Medio casi lleno",
    "chain": "Cadena de la bitácora rota", "seal": "Falta el sello de la bitácora",
    "anchor": "Sello de la bitácora sin anclar", "custody": "Custodia de contraseñas",
}
STATES = {"new": "Nuevo", "worsened": "Empeoró", "solved": "Resuelto", "standing": "Sigue en curso"}
SUMMARY = "summary"

_COPIES_COMPARED = 12
# A sign of an attack is in force for so long, whatever is copied after it: encrypted once, the files are quiet the next day.
_SIGN_STANDS = datetime.timedelta(days=7)
_FEWEST_TOUCHED = 20
_ANCHORS_LOOKED_AT = 500
_SYSTEMS_NAMED = 10
# 1.4826 makes the median of absolute deviations comparable with a standard deviation; 3.5 of them is the usual bound of outliers.
_SPREAD = 3.5 * 1.4826
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


class News(NamedTuple):
    """What a channel does not know yet of a condition."""

    state: str     # new, worsened, solved
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
    active = [system for system in systems if system.get("enabled", True)]
    found += _of_custody(store, active)
    for system in active:
        found += _of_system(store, policy, rules, system, now)
    return found


def _of_custody(store: Store, systems: Iterable[Mapping[str, Any]]) -> list[Condition]:
    """What the last check of custody found, and systems whose last password one custodian alone holds and no public key opens."""
    found = []
    checks = [entry for entry in store.entries(type="custody_checked", limit=_ANCHORS_LOOKED_AT) if not entry.get("simulated")]
    last = checks[-1] if checks else None
    failures = [entry for entry in store.entries(run=last["run"], type="custody_failed") if not entry.get("simulated")] if last else []
    if failures:
        first = failures[0]
        found.append(Condition("custody:failed", "custody", _rank(len(failures)), "{0}: {1}{2}".format(
            first.get("error_code", ""), first.get("error_message_es", ""), f" (y {len(failures) - 1} más)" if len(failures) > 1 else "")))
    alone = []
    for system in systems:
        made = next((entry for entry in reversed(store.entries(kind=system["kind"], system=system["name"], type="copy_made", limit=2))
                     if not entry.get("simulated")), {})
        # a check after the copy handed its password to all that it names
        custodians = last["custodians"] if last and not failures and last["n"] > made.get("n", 0) else made.get("custodians", [])
        if made.get("custodians") and len(custodians) < 2 and not made.get("recipients"):
            alone.append(system["name"])
    if alone:
        found.append(Condition("custody:single", "custody", _rank(len(alone)), "Un solo custodio tiene la contraseña de la última copia, y ninguna llave "
                               f"pública la abre, de: {', '.join(sorted(alone)[:_SYSTEMS_NAMED])}{' ...' if len(alone) > _SYSTEMS_NAMED else ''}"))
    return found


def _of_the_chain(store: Store) -> list[Condition]:
    findings = store.verify().findings
    if not findings:
        return []
    told = "; ".join(finding.spanish for finding in findings[:3])
    return [Condition("chain", "chain", _rank(len(findings)), f"{told}. Conserve el archivo como evidencia")]


def _of_the_seal(store: Store, rules: Mapping[str, Any], now: datetime.datetime) -> list[Condition]:
    """Only where the bitácora is sealed at all: its newest seal must not be old."""
    newest = store.entries(type="seal", limit=1)
    if not newest:
        return []
    age = (now - _time(newest[-1]["at_event"])).days
    if age < rules["seal_days"]:
        return []
    return [Condition("seal", "seal", _rank(age), f"El último sello tiene {_days(age)}")]


def _of_the_anchors(store: Store, rules: Mapping[str, Any], now: datetime.datetime) -> list[Condition]:
    """Anchors that did not take the last seal they were given, and mail by which none went for days."""
    found = []
    newest = store.entries(type="seal", limit=1)
    sent: dict[str, dict[str, Any]] = {}
    for entry in store.entries(type=("anchor_sent", "anchor_failed"), limit=_ANCHORS_LOOKED_AT):
        if not entry.get("simulated"):
            sent[entry.get("anchor", "")] = entry
    for name, entry in sorted(sent.items()):
        if entry["type"] == "anchor_failed" and (entry.get("sealed_n") or newest and newest[-1].get("run") == entry.get("run")):
            found.append(Condition(f"anchor:{name}", "anchor", 1, f"{name}: {entry.get('error_message_es') or entry.get('note_es', '')}"))
        elif entry["type"] == "anchor_sent" and (age := (now - _time(entry["at_event"])).days) >= rules["anchor_days"]:
            found.append(Condition(f"anchor:{name}", "anchor", _rank(age // rules["anchor_days"]), f"{name}: el último sello se ancló hace {_days(age)}"))
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
    last = store.last_good(kind, name, engine.counted_trust(policy, system))
    decision = _due.decide(system, policy, last, now)
    if decision.overdue_days or (last is None and decision.state in _DATED):
        found.append(("overdue", _rank(decision.overdue_days or 1), decision.why))
    facts = [entry for entry in store.entries(system=system["name"], kind=kind, type=(
        "copy_made", "copy_failed", "copy_refused", "copy_verified", "copy_damaged", "verification_failed", "restored")) if not entry.get("simulated")]
    found += _failed(facts)
    found += _size(facts, rules)
    found += _much_changed(facts, rules, now)
    found += _unread(facts, rules, now)
    # drills.every is the one truth; an explicit 0 of the older key still says that nobody is to be told
    limit = 0 if rules.get("restore_test_days") == 0 else _drills.rules_of(policy)["every"][system["criticality"]]
    found += _proof(facts, limit, now)
    return [Condition(f"{condition}:{kind}:{name}", condition, level, text, name, kind, system.get("responsible", ""))
            for condition, level, text in found]


def _failed(facts: Sequence[Mapping[str, Any]]) -> list[tuple[str, int, str]]:
    """The last attempt failed; the level grows with the number of failures since the last copy."""
    in_a_row: list[Mapping[str, Any]] = []
    for entry in facts:
        if entry["type"] == "copy_made":
            in_a_row.clear()
        elif entry["type"] in ("copy_failed", "copy_refused") and entry.get("label"):
            in_a_row.append(entry)
    if not in_a_row:
        return []
    last = in_a_row[-1]
    times = "1 vez" if len(in_a_row) == 1 else f"{len(in_a_row)} veces seguidas"
    return [("failed", _rank(len(in_a_row)), f"{last['label']} falló ({times}). {last.get('error_code', '')}: {last.get('error_message_es', '')}".strip())]


def _size(facts: Sequence[Mapping[str, Any]], rules: Mapping[str, Any]) -> list[tuple[str, int, str]]:
    """The last size against those before it: their median, and how they vary, with a floor."""
    made = [entry for entry in facts if entry["type"] == "copy_made" and entry.get("size", 0) > 0]
    before = [_whole_size(entry) for entry in made[:-1]][-_COPIES_COMPARED:]
    if len(before) < rules["copies_for_pattern"]:
        return []
    usual = statistics.median(before)
    spread = statistics.median(abs(size - usual) for size in before)
    around = max(usual * rules["size_change_percent"] / 100, _SPREAD * spread)
    size = _whole_size(made[-1])
    # A copy a tenth of the usual is told however much its sizes vary.
    if max(usual - around, usual / 10) <= size <= usual + around:
        return []
    text = f"{made[-1].get('label', '')}: {amount(size)}; lo habitual es {amount(round(usual))} (mediana de {len(before)} copias)"
    return [("shrunk" if size < usual else "grown", 1, text)]


def _whole_size(entry: Mapping[str, Any]) -> int:
    """What is compared from copy to copy: of an incremental one not what it added, but all that it holds."""
    return int(entry.get("size_original", 0) if "files_new" in entry else entry["size"])


def _much_changed(facts: Sequence[Mapping[str, Any]], rules: Mapping[str, Any], now: datetime.datetime) -> list[tuple[str, int, str]]:
    """A copy of the last days before which far more files changed, came or left than usual: what encrypts or deletes a share touches nearly all of it."""
    made = [entry for entry in facts if entry["type"] == "copy_made" and entry.get("objects") and "files_new" in entry]
    touched = [_touched(*pair) for pair in zip(made, made[1:])]
    shares = [100 * count / entry["objects"] for count, entry in zip(touched, made)]
    for place in range(len(shares) - 1, -1, -1):
        was, entry, before = made[place], made[place + 1], shares[max(0, place - _COPIES_COMPARED):place]
        if now - _time(entry["at_event"]) > _SIGN_STANDS or len(before) < rules["copies_for_pattern"]:
            return []
        usual = statistics.median(before)
        spread = statistics.median(abs(share - usual) for share in before)
        if touched[place] < _FEWEST_TOUCHED or shares[place] < max(rules["changed_percent"], 2 * usual, usual + _SPREAD * spread):
            continue
        shown, typical = round(shares[place]), f"{usual:.1f}".replace(".", ",")
        return [("changed", 1 + (shown >= 50) + (shown >= 90), (
            f"{entry.get('label', '')}: {touched[place]} archivos nuevos, cambiados o retirados ({shown} % de {was['objects']}; lo habitual es {typical} %). "
            f"Si nadie lo hizo a propósito, retenga {was.get('label', '')} (hold.yml) y revise la carpeta antes de que las copias anteriores venzan"))]
    return []


def _unread(facts: Sequence[Mapping[str, Any]], rules: Mapping[str, Any], now: datetime.datetime) -> list[tuple[str, int, str]]:
    """Nothing of a repository's data was read again for days: what was written long ago is proved by that alone, and the period it is promised in passes."""
    made = [entry for entry in facts if entry["type"] == "copy_made" and entry.get("repository")]
    read = [entry for entry in facts if entry["type"] == "copy_verified" and any(check.startswith(DATA_CHECK) for check in entry.get("checks") or ())]
    if not made or not rules["data_read_days"]:
        return []
    age = (now - _time((read or made[:1])[-1]["at_event"])).days
    if age < rules["data_read_days"]:
        return []
    text = f"La última relectura de datos del repositorio fue hace {_days(age)}" if read else (
        f"Nunca se releyeron datos del repositorio; la primera copia es de hace {_days(age)}")
    return [("unread", _rank(age // rules["data_read_days"]), f"{text}. Programe verify.yml cada día (verify_data_days)")]


def _touched(before: Mapping[str, Any], copy: Mapping[str, Any]) -> int:
    """The files that differ between two copies; one that was renamed came and left, and is one."""
    new = copy["files_new"]
    gone = before["objects"] + new - copy["objects"]
    if new == copy["objects"] and 100 * copy.get("data_added", 0) < copy.get("size_original", 0):
        # restic recognised nothing, as when the folder has another path, and yet it had all the bytes
        new, gone = 0, before["objects"] - copy["objects"]
    return int(copy["files_changed"] + max(new, gone, 0))


def _proof(facts: Sequence[Mapping[str, Any]], limit: int, now: datetime.datetime) -> list[tuple[str, int, str]]:
    """What verifications and drills say: the last one failed and no copy was made since, or none restored a copy for too long."""
    bad: Mapping[str, Any] | None = None
    proved = ""
    for entry in facts:
        if entry["type"] in ("copy_damaged", "verification_failed"):
            # without a label it says each night what goes on: it was told when it began
            bad = entry if entry.get("label") else bad
        elif entry["type"] in ("copy_made", "copy_verified"):
            bad = None
        # of what a tool copies, a restore by that tool is the only proof there is
        if entry["type"] in ("copy_made", "copy_verified") and entry.get("trust_level", "") >= "T3" or (
                entry["type"] == "restored" and entry.get("source_type") in engine.COPIED_BY_A_TOOL):
            proved = entry["at_event"]
    found = []
    if bad is not None:
        found.append(("verification", 2 if bad["type"] == "copy_damaged" else 1,
                      f"{bad.get('label', '')}: {bad.get('error_code', '')} {bad.get('error_message_es', '')}".strip()))
    since = proved or next((entry["at_event"] for entry in facts if entry["type"] == "copy_made"), "")
    if limit and since and (now - _time(since)).days > limit:
        age = _days((now - _time(since)).days)
        found.append(("untested", 1, f"La última prueba fue hace {age}" if proved else f"Nunca se probó; la primera copia es de hace {age}"))
    return found


def told(store: Store, channel: str) -> dict[str, Condition]:
    """key -> what a channel was told last and has not been told to be solved."""
    standing: dict[str, Condition] = {}
    for entry in store.entries(type="warning_sent"):
        if entry.get("medium") != channel or entry.get("simulated") or entry.get("warning") == SUMMARY:
            continue
        key = str(entry.get("warning", ""))
        if entry.get("warning_state") == "solved":
            standing.pop(key, None)
        else:
            standing[key] = Condition(key, key.split(":", maxsplit=1)[0], entry.get("warning_level", 1), entry.get("note_es", ""), entry.get("system", ""),
                                      entry.get("kind", ""), entry.get("responsible", ""))
    return standing


def news(before: Mapping[str, Condition], conditions: Sequence[Condition]) -> list[News]:
    """What changed between what a channel was told and what is in force: a condition that only goes on is no news."""
    keys = {condition.key for condition in conditions}
    found = [News("worsened" if condition.key in before else "new", condition) for condition in conditions
             if condition.key not in before or condition.level > before[condition.key].level]
    return found + [News("solved", condition) for key, condition in before.items() if key not in keys]


def summary_is_due(store: Store, channel: str, now: datetime.datetime, zone: datetime.tzinfo, hour: str) -> bool:
    """Whether the summary of this day, in the policy's zone, was not sent yet and its hour has come."""
    local = now.astimezone(zone)
    if local.strftime("%H:%M") < hour:
        return False
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(datetime.timezone.utc)
    since = midnight.strftime("%Y-%m-%dT%H:%M:%SZ")
    return not any(entry.get("medium") == channel and entry.get("warning") == SUMMARY and not entry.get("simulated")
                   for entry in store.entries(type="warning_sent", since=since))


def day_line(store: Store, now: datetime.datetime) -> str:
    """What the last 24 hours brought, in a sentence."""
    since = (now - datetime.timedelta(days=1)).astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    counts = dict.fromkeys(("copy_made", "copy_failed", "copy_verified"), 0)
    for entry in store.entries(type=tuple(counts), since=since):
        counts[entry["type"]] += not entry.get("simulated")
    return "Últimas 24 horas: {copy_made} copias generadas, {copy_failed} fallidas, {copy_verified} verificaciones correctas.".format(**counts)


def message(institution: str, changed: Sequence[News], standing: Sequence[Condition], summary: str) -> Message:
    """One message for all the news and, with `summary` (its first sentence), all that goes on."""
    groups = [(state, [row.condition for row in changed if row.state == state]) for state in ("new", "worsened", "solved")]
    if summary:
        known = {row.condition.key for row in changed}
        groups.append(("standing", [condition for condition in standing if condition.key not in known]))
    groups = [(state, rows) for state, rows in groups if rows]
    counted = ", ".join(f"{len(rows)} {_counted(state, len(rows))}" for state, rows in groups) or "sin avisos en curso"
    subject = _one_line(f"[Respaldo] {'Resumen del día: ' if summary else ''}{counted} - {institution}")[:200]
    lead = summary if summary else "Cambios desde el último aviso:"
    plain, rich = [lead, ""], [f"<p>{html.escape(lead)}</p>"]
    for state, rows in groups:
        plain.append(STATES[state].upper())
        rich.append(f"<h2>{STATES[state]}</h2><ul>")
        for condition in rows:
            title, detail = _one_line(_title(condition)), _one_line(condition.text)
            plain += [f"- {title}", f"    {detail}"]
            rich.append(f"<li><b>{html.escape(title)}</b><br>{html.escape(detail)}</li>")
        plain.append("")
        rich.append("</ul>")
    if not groups:
        plain.append("No hay avisos en curso.")
        rich.append("<p>No hay avisos en curso.</p>")
    foot = "Cada aviso se envía una vez: al aparecer, si empeora y al resolverse. El detalle está en la bitácora."
    return Message(subject, "\n".join([*plain, "", foot, ""]),
                   f'<!doctype html><html lang="es"><head><meta charset="utf-8"></head><body>{"".join(rich)}<p><small>{foot}</small></p></body></html>')


def _title(condition: Condition) -> str:
    title = TITLES.get(condition.name, condition.name)
    if not condition.system:
        return title
    kind = KINDS.get(condition.kind, condition.kind)
    return f"{title}: {condition.system} ({kind}){'; responsable: ' + condition.responsible if condition.responsible else ''}"


def _counted(state: str, number: int) -> str:
    one, many = {"new": ("nuevo", "nuevos"), "worsened": ("empeoró", "empeoraron"), "solved": ("resuelto", "resueltos"),
                 "standing": ("sigue en curso", "siguen en curso")}[state]
    return one if number == 1 else many


def _one_line(text: str) -> str:
    """A name or a server's words can't begin a header, a line or a colour of their own."""
    return " ".join("".join(" " if unicodedata.category(letter)[0] in "CZ" else letter for letter in text).split())


def _rank(count: int) -> int:
    """1, 2-3, 4-7, 8-15 ...: something that lasts is told again each time it has doubled."""
    return max(1, count).bit_length()


def _days(number: int) -> str:
    return "1 día" if number == 1 else f"{number} días"


def _time(stamp: str) -> datetime.datetime:
    return datetime.datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc)
