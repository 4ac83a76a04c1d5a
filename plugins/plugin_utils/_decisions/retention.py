# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which copies of a system stay on a medium and which may go (numerals 6.6 and 7.2.3 c, and the policy). A pure function.

What is copied on request alone (6.4) is kept until the day of its request, and then goes, also the last one (by_request; decision 48).
Only copies that reached the trust level their criticality asks for count as points. What never goes, whatever the policy says: the newest
good copy, the newest `minimum_copies` good ones, what is held, and what is dated in the future. Without a rule nothing goes.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

from ...module_utils._engine import result
from .._bitacora.copies import LACKS, lack
from .._bitacora.readable import ODD
from .._bitacora.view import counted
from . import due

# A rule of the policy -> its period, as the key that the copies of one period share.
_PERIODS: dict[str, Callable[[datetime.date], Any]] = {
    "daily": lambda day: day,
    "weekly": lambda day: day.isocalendar()[:2],
    "monthly": lambda day: (day.year, day.month),
    "yearly": lambda day: day.year,
}
_ASKED = ("request", "emergency")      # reasons of copies that exist for that alone
_WORDS = {"daily": "días", "weekly": "semanas", "monthly": "meses", "yearly": "años"}


class Verdict(NamedTuple):
    """What becomes of one copy on one medium."""

    label: str
    sha256: str
    size: int
    keep: bool
    why: str  # Spanish
    good: bool


def judge(copies: Sequence[Mapping[str, Any]], medium: str, rule: Mapping[str, int], required: str, now: datetime.datetime, zone: datetime.tzinfo,
          minimum: int = 1, held: Collection[str] = (), repository: str = "", protected: int = 0) -> list[Verdict]:
    """The verdict of each copy that the bitácora knows on `medium`, newest first.

    `copies` are those of Store.copies; `rule` that of policy.retention; `required` the trust level that makes a copy count; `held` the labels on
    hold. `minimum` below 1 is taken as 1. With a `repository` (numeral 7.2.1 d) a good copy stays until it lies there too.
    `protected` is for how many days the medium lets nobody remove a copy (write-once): what may go waits for that, and it is no failure.
    """
    here = sorted((copy for copy in copies if medium in copy["media"]), key=lambda copy: (_taken(copy), copy["n"]), reverse=True)
    future = [copy for copy in here if _taken(copy) > now]
    # one that is read in part, or that lacks something, takes no other's place among those that stay
    good = [copy for copy in here if copy not in future and copy["media"][medium] >= required and not copy.get(ODD) and not copy.get(LACKS)]
    reasons: dict[str, str] = {}
    for place, copy in enumerate(good[:max(1, minimum)]):
        reasons[copy["label"]] = "es la copia buena más reciente" if not place else f"es una de las {max(1, minimum)} copias buenas que siempre quedan"
    for copy in future:
        reasons[copy["label"]] = "tiene fecha futura: no cuenta ni se retira"
    for copy in here:
        if copy["label"] in held:
            reasons[copy["label"]] = "está retenida"
    for copy in good if repository and repository != medium else ():
        if not copy["media"].get(repository):
            reasons.setdefault(copy["label"], f"aún no está en el repositorio ({repository})")
    for label, why in _ruled(good, rule, now, zone).items():
        reasons.setdefault(label, why)
    for copy in here:
        if _odd(copy):
            reasons.setdefault(copy["label"], _odd(copy))
    verdicts = [_verdict(copy, reasons.get(copy["label"]), good, rule, required, max(1, minimum)) for copy in here]
    return [_unless_protected(verdict, _taken(copy) + datetime.timedelta(days=protected), now, zone) for verdict, copy in zip(verdicts, here, strict=True)]


def by_request(copies: Sequence[Mapping[str, Any]], medium: str, now: datetime.datetime, zone: datetime.tzinfo, held: Collection[str] = (),
               protected: int = 0) -> list[Verdict]:
    """The verdict of each copy on `medium` that exists for a request alone, newest first: it is kept until the day that its entry says.

    No other copy stands for it and it stands for none, so that the last one goes too. A hold wins. What has no such day, or is odd, stays for a person.
    """
    verdicts = []
    for copy in sorted((copy for copy in copies if medium in copy["media"]), key=lambda copy: (_taken(copy), copy["n"]), reverse=True):
        until = str(copy.get("retention_until") or "")
        why = ("está retenida" if copy["label"] in held else _odd(copy) or ("no consta hasta cuándo se conserva" if not until else "")
               or (f"se conserva hasta el {until}, como dice su solicitud" if now.astimezone(zone).date().isoformat() <= until else ""))
        size = copy.get("size", 0)
        verdict = Verdict(copy["label"], copy.get("sha256", ""), size if result.is_number(size) else 0, bool(why),
                          why or f"se conservaba hasta el {until}, como dice su solicitud", bool(copy["media"][medium]))
        verdicts.append(_unless_protected(verdict, _taken(copy) + datetime.timedelta(days=protected), now, zone))
    return verdicts


def expired(copy: Mapping[str, Any], held: Collection[str], today: datetime.date) -> str:
    """The day until which a copy that exists for a request alone was kept, when that has passed and nobody holds it; else ""."""
    until = str(copy.get("retention_until") or "")
    asked = copy.get("kind") in result.KINDS_ON_REQUEST and copy.get("reason") in _ASKED
    return until if asked and until and today.isoformat() > until and not {"", copy["label"]} & set(held) else ""


def promised(kind: str, rule: Mapping[str, int], today: datetime.date, kept_until: str) -> tuple[str, str]:
    """How long a copy of today is kept, in Spanish words, and the day until which that is certain ("" for none): by its request, else by the policy."""
    if kept_until and kind in result.KINDS_ON_REQUEST:
        return "hasta el día que dice su solicitud", kept_until
    day = certain(rule, today)
    return rule_in_words(rule), day.isoformat() if day else ""


def certain(rule: Mapping[str, int], taken: datetime.date) -> datetime.date | None:
    """Until when a rule keeps a copy of that day for certain, by its age; None when only the copies to come decide (points, one of each period)."""
    dates = [taken + datetime.timedelta(days=rule["days"])] if rule.get("days") else []
    dates += [due.add_months(taken, rule["months"])] if rule.get("months") else []
    return max(dates, default=None)


def _unless_protected(verdict: Verdict, until: datetime.datetime, now: datetime.datetime, zone: datetime.tzinfo) -> Verdict:
    if verdict.keep or until <= now:
        return verdict
    return verdict._replace(keep=True, why=f"{verdict.why}; el contenedor no permite retirarla hasta el {until.astimezone(zone):%Y-%m-%d}")


def _odd(copy: Mapping[str, Any]) -> str:
    """Why a copy stays of which an entry can't be read whole: no good copy is removed for what an odd entry says."""
    return "uno de sus asientos no se entiende ({0}): se conserva hasta que una persona lo revise".format(", ".join(copy[ODD])) if copy.get(ODD) else ""


def _verdict(copy: Mapping[str, Any], kept: str | None, good: list[Mapping[str, Any]], rule: Mapping[str, int], required: str, minimum: int) -> Verdict:
    size = copy.get("size", 0)
    told = {"label": copy["label"], "sha256": copy.get("sha256", ""), "size": size if result.is_number(size) else 0, "good": copy in good}
    if kept:
        return Verdict(keep=True, why=kept, **told)
    if not rule:
        return Verdict(keep=True, why="la política no fija retención para este tipo", **told)
    if copy in good:
        return Verdict(keep=False, why=f"excede la retención de la política ({rule_in_words(rule)})", **told)
    newer = sum(_taken(other) > _taken(copy) for other in good)
    short = lack(copy) or f"no alcanza {required}"
    what = ("copia buena posterior", "copias buenas posteriores")
    if newer < minimum:
        return Verdict(keep=True, why=f"{short}, pero no hay {counted(minimum, *what)}", **told)
    return Verdict(keep=False, why=f"{short} y hay {counted(newer, *what)}", **told)


def _ruled(good: Sequence[Mapping[str, Any]], rule: Mapping[str, int], now: datetime.datetime, zone: datetime.tzinfo) -> dict[str, str]:
    """What the rules keep of the good copies, newest first: a copy stays when any rule keeps it."""
    kept: dict[str, str] = {}
    for copy in good[:rule.get("points", 0)]:
        kept.setdefault(copy["label"], f"está entre los {rule['points']} puntos de la política")
    today = now.astimezone(zone).date()
    for name, since in (("days", today - datetime.timedelta(days=rule.get("days", 0))), ("months", due.add_months(today, -rule.get("months", 0)))):
        for copy in good if rule.get(name) else ():
            if _taken(copy).astimezone(zone).date() >= since:
                kept.setdefault(copy["label"], f"aún no tiene {rule[name]} {'días' if name == 'days' else 'meses'}")
    for name, period_of in _PERIODS.items():
        periods: dict[Any, str] = {}
        for copy in good:
            periods.setdefault(period_of(_taken(copy).astimezone(zone).date()), copy["label"])
        for label in list(periods.values())[:rule.get(name, 0)]:
            kept.setdefault(label, f"es la de uno de los últimos {rule[name]} {_WORDS[name]} con copia")
    return kept


def rule_in_words(rule: Mapping[str, int]) -> str:
    """A rule of the policy in Spanish; "" for none."""
    words = {"points": "punto puntos", "days": "día días", "months": "mes meses", "daily": "diaria diarias", "weekly": "semanal semanales",
             "monthly": "mensual mensuales", "yearly": "anual anuales"}
    return ", ".join(f"{rule[name]} {words[name].split()[rule[name] > 1]}" for name in words if rule.get(name))


def _taken(copy: Mapping[str, Any]) -> datetime.datetime:
    return due.moment(copy.get("started_at")) or due.taken_at({"started_at": copy.get("at_event")})
