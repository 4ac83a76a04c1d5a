# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which letters about requests are due now, and to whom: a pure function of the entries, the policy and the moment (numerals 5.1 e, 5.3 c, 6.2, 7.1).

What was told stands in the bitácora (`request_told`) and nowhere else. A letter is due while its request is in a state in which it still says something
true: who switches letters on late, or was without mail for a week, floods nobody with what has passed. What waits for somebody's word is asked for once,
then reminded by working days, and at last told to the head of the OTI. Nothing here ever takes silence for a conformity.
"""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from .._decisions import asking, due, requests, unsent
from . import addressees, working
from .addressees import Addressee

TOLD, STARTED, FAILED = TYPES = unsent.TYPES
DEFAULTS = {"reminder_days": 3, "reminders": 2}

HEADS, SUPPORT, CHIEF, EGCR, REQUESTER = requests.HEADS, requests.SUPPORT, requests.CHIEF, requests.EGCR, requests.REQUESTER
# A request that was closed longer ago is told to nobody any more: it is of a time before there were letters.
_CLOSED_LATELY = datetime.timedelta(days=30)


class Kind(NamedTuple):
    """A letter: the steps that it tells, to whom, in which states of its request it still does, and how it is called in Spanish."""

    events: tuple[str, ...]
    posts: tuple[str, ...]
    states: tuple[str, ...]
    spanish: str


_STEP = {name: (rule.event,) for name, rule in requests.STEPS.items()}
_OPEN = tuple(state for state in requests.STATES if state != requests.CLOSED)
_ENDED = (requests.CONFORMED, requests.REJECTED, requests.WITHDRAWN, requests.OUTSIDE)
_RESTORED = ("restored", "copy_made", *_STEP["execute"], *_STEP["authorise"])

# What the manual's actors are told, in the order of the procedure. Whoever stands twice in the posts of one step gets one letter.
KINDS: dict[str, Kind] = {
    "acknowledgement": Kind(_STEP["open"], (REQUESTER,), _OPEN, "acuse con el ticket"),
    "nothing_before": Kind(_STEP["open"], (REQUESTER, HEADS), (*requests.BEFORE, requests.AUTHORISED), "no hay copia anterior a la pérdida"),
    "endorsement": Kind(_STEP["open"], (HEADS,), (requests.AWAITING,), "pedido de visto bueno"),
    "forwarding": Kind((*_STEP["open"], *_STEP["endorse"]), (EGCR,), (requests.ENDORSED,), "derivación al/a la EGCR"),
    "estimate": Kind(_STEP["estimate"], (REQUESTER, HEADS), (requests.ESTIMATED, requests.AUTHORISED, requests.EXECUTING), "plazo"),
    "authorisation": Kind(_STEP["estimate"], (CHIEF,), (requests.ESTIMATED,), "pedido de autorización"),
    "authorised": Kind(_STEP["authorise"], (EGCR,), (requests.AUTHORISED,), "autorización"),
    "rejected": Kind(_STEP["reject"], (REQUESTER, HEADS), (requests.REJECTED, requests.CLOSED), "rechazo"),
    "outside": Kind(_STEP["outside"], (HEADS, REQUESTER), (requests.OUTSIDE, requests.CLOSED), "fuera del numeral 6.2"),
    "conformity": Kind(_RESTORED, (HEADS,), (requests.RESTORED,), "pedido de conformidad"),
    "restored": Kind(_RESTORED, (REQUESTER,), (requests.RESTORED, requests.CONFORMED, requests.CLOSED), "lo restaurado"),
    "objected": Kind(_STEP["object"], (EGCR,), (requests.OBJECTED,), "no conformidad, por atender de nuevo"),
    "objection": Kind(_STEP["object"], (HEADS,), (requests.OBJECTED, requests.EXECUTING), "no conformidad recibida"),
    "to_close": Kind((*_STEP["conform"], *_STEP["reject"], *_STEP["withdraw"], *_STEP["outside"]), (SUPPORT,), _ENDED, "ticket por cerrar"),
    "closed": Kind(_STEP["close"], (REQUESTER, HEADS), (requests.CLOSED,), "cierre"),
    "endorsement_reminder": Kind((), (HEADS,), (requests.AWAITING,), "recordatorio del visto bueno"),
    "conformity_reminder": Kind((), (HEADS,), (requests.RESTORED,), "recordatorio de la conformidad"),
    "unanswered": Kind((), (CHIEF,), (requests.AWAITING, requests.RESTORED), "falta de respuesta, tras el último recordatorio"),
}
# What waits for an answer, and its reminder.
REMINDED = {"endorsement": "endorsement_reminder", "conformity": "conformity_reminder"}
UNANSWERED = "unanswered"


class Key(NamedTuple):
    """Which letter: about which request and step (`of`, its entry), the number of a reminder, and in which capacity it concerns somebody."""

    ticket: str
    letter: str
    of: int
    number: int
    post: str


class Letter(NamedTuple):
    """A letter that is due. Without somebody designated, `to` has no name; without an address it can't go by mail."""

    key: Key
    to: Addressee
    request: requests.Request
    step: requests.Step
    waits_since: str = ""      # of a reminder: when the word was first asked for


def letters(history: Sequence[Mapping[str, Any]], told: Iterable[Mapping[str, Any]], rules: Mapping[str, Any], now: datetime.datetime) -> list[Letter]:
    """What is due, in the order of the requests; `history` tells of requests (tickets.history), `told` are entries of TYPES. Simulations are nothing."""
    sent = {key_of(entry): str(entry["at_event"]) for entry in told if entry["type"] == TOLD and not entry.get("simulated")}
    opened = {entry["n"]: entry for entry in history if entry["type"] == requests.OPENED}
    found: list[Letter] = []
    for request in requests.told(history).requests.values():
        if request.state != requests.CLOSED or now - (due.moment(request.steps[-1].at) or due.UNKNOWN) <= _CLOSED_LATELY:
            opening = opened[request.steps[0].n]
            found += _of(request, opening, sent, rules, now)
    return found


def key_of(entry: Mapping[str, Any]) -> Key:
    """The letter that an entry of TYPES is about."""
    of, number = (int(entry.get(name) or 0) for name in ("links", "reminder"))
    return Key(requests.ticket_of(entry), str(entry.get("letter", "")), of, number, str(entry.get("post", "")))


def _of(request: requests.Request, opening: Mapping[str, Any], sent: Mapping[Key, str], rules: Mapping[str, Any], now: datetime.datetime) -> list[Letter]:
    found: list[Letter] = []
    today = now.astimezone(due.zone(rules["time_zone"])).date()
    for name, kind in KINDS.items():
        step = _last(request, kind) if request.state in kind.states else None
        if step is None or (name == "nothing_before" and asking.NO_COPY not in opening.get("warnings_es", ())):
            continue
        wanted = [(Key(request.ticket, name, step.n, 0, post), "") for post in kind.posts if not _is_another(post, kind, request, rules, today)]
        wanted += _reminder(name, request, step, sent, rules, now) if name in REMINDED else []
        for key, since in wanted:
            to = addressees.of(rules, key.post, request, today) or Addressee(key.post, "", "")
            if key not in sent and (to.address or _is_owed(key, kind)):
                found.append(Letter(key, to, request, step, since))
    return found


def _is_owed(key: Key, kind: Kind) -> bool:
    """Whether a letter without an address is told as one that can't go. Who asked in person and has no mail hears it in person; and where an office has no
    head that day, what is only told to him too goes to who asked.
    """
    return key.post != REQUESTER and (kind.posts[0] == key.post or key.number > 0 or key.letter == UNANSWERED)


def _last(request: requests.Request, kind: Kind) -> requests.Step | None:
    """The last step that a letter tells; of what was restored, the last one that led there."""
    steps = [step for step in request.steps if step.event in kind.events and (kind.events != _RESTORED or step.after == requests.RESTORED)]
    return steps[-1] if steps else None


def _is_another(post: str, kind: Kind, request: requests.Request, rules: Mapping[str, Any], today: datetime.date) -> bool:
    """Whether this post is held by who gets the same letter in another: a head who asked gets one, and what was restored with the request for conformity."""
    others = (HEADS,) if kind is KINDS["restored"] else kind.posts[:kind.posts.index(post)]
    me = addressees.of(rules, post, request, today)
    return any(me and other and requests.same_name(me.name, other.name) for other in (addressees.of(rules, each, request, today) for each in others))


def _reminder(name: str, request: requests.Request, step: requests.Step, sent: Mapping[Key, str], rules: Mapping[str, Any],
              now: datetime.datetime) -> list[tuple[Key, str]]:
    """The next reminder where its day has come, so many working days after what was told before it, and since when its answer is waited for.

    One at a time: who could not be reached is not reminded of what he never got.
    """
    policy = {**DEFAULTS, **(rules.get("requests") or {})}
    chain = [Key(request.ticket, name, step.n, 0, HEADS)]
    chain += [Key(request.ticket, REMINDED[name], step.n, number, HEADS) for number in range(1, policy["reminders"] + 1)]
    chain.append(Key(request.ticket, UNANSWERED, step.n, 0, CHIEF))
    for former, following in itertools.pairwise(chain):
        if following not in sent:
            told = due.moment(sent.get(former, ""))
            ready = told is not None and now >= working.after(told, policy["reminder_days"], rules)
            return [(following, sent[chain[0]])] if ready else []
    return []
