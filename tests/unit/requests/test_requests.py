# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The states of a request, made of entries (plugin_utils/_decisions/requests.py): what the manual's annex 1 draws, and that nothing else can be."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import events
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._decisions import requests
from hypothesis import given, settings, strategies

HEAD, CHIEF, EGCR, SUPPORT = (("Carmen Soto", "heads"), ("Rosa Vega", "jefe_oti"), ("Luis Paz", "egcr.infrastructure.titular"), ("Eva Ruiz", "soporte"))
WHO = {"endorse": HEAD, "estimate": EGCR, "authorise": CHIEF, "reject": CHIEF, "execute": EGCR, "conform": HEAD, "object": HEAD, "close": SUPPORT,
       "withdraw": HEAD, "outside": EGCR}
KEY = {"run": "R1", "host": "archivos1", "label": "LOGISTICA_20261120"}


def opened(person=("Pedro Rey", "requester"), **more):
    return {"type": "request_opened", "ticket": "2026-0001", "request": "restore", "office": "Logística", "requester": person[0], "person": person[0],
            "post": person[1], **more}


def step(name, person=None, **more):
    who = person or WHO[name]
    return {"type": requests.STEPS[name].event, "ticket": "2026-0001", "person": who[0], "post": who[1], **more}


def ran(type_, **more):
    return {"type": type_, "ticket": "2026-0001", **KEY, **more}


def numbered(*entries):
    return [{"n": n, "at_event": f"2026-11-{n:02d}T10:00:00Z", **entry} for n, entry in enumerate(entries, 1)]


def one(*entries):
    told = requests.told(numbered(*entries))
    return told.requests["2026-0001"], told.odd


ALLOWED = (opened(), step("endorse"), step("estimate"), step("authorise"))


def test_a_request_goes_from_its_opening_to_its_closing():
    said = (*ALLOWED, ran("restore_started"), ran("restored"), step("conform", proof="mail", proof_reference="<a@b>"), step("close"))
    request, odd = one(*said)
    assert odd == [] and request.state == requests.CLOSED and not request.is_open and requests.may(request) == []
    assert [each.after for each in request.steps] == ["awaiting_endorsement", "endorsed", "estimated", "authorised", "executing", "restored", "conformed",
                                                       "closed"]
    conformed = request.last("request_conformed")
    assert conformed is not None and conformed[2:7] == ("2026-11-07T10:00:00Z", "Carmen Soto", "heads", "mail", "<a@b>")


def test_a_head_who_asks_waits_for_no_other_word():
    request, _odd = one(opened(HEAD))
    assert request.state == requests.ENDORSED and "endorse" not in requests.may(request)


@pytest.mark.parametrize(("entries", "state"), [
    (ALLOWED[:1], "awaiting_endorsement"),
    ((*ALLOWED, ran("restore_started"), ran("restore_failed")), "authorised"),
    ((*ALLOWED, ran("restore_started"), ran("restored"), step("object")), "objected"),
    ((*ALLOWED, ran("restore_started"), ran("restored"), step("object"), ran("restore_started"), ran("restore_failed")), "objected"),
    ((*ALLOWED, ran("restore_started"), ran("restored"), step("object"), ran("restore_started"), ran("restored")), "restored"),
    # two at once: one that fails takes nothing from the one that did not
    ((*ALLOWED, ran("restore_started"), ran("restore_started", run="R2"), ran("restored")), "executing"),
    ((*ALLOWED, ran("restore_started"), ran("restore_started", run="R2"), ran("restored"), ran("restore_failed", run="R2")), "restored"),
    ((*ALLOWED, ran("restore_started"), ran("restored"), ran("restore_started", run="R2"), ran("restore_failed", run="R2")), "restored"),
    ((*ALLOWED[:3], step("reject"), step("close")), "closed"),
    ((opened(), step("withdraw", ("pedro  REY", "requester"))), "withdrawn"),
    ((opened(), step("outside")), "outside"),
    # an attempt that is repeated ends nothing
    ((*ALLOWED, ran("restore_started"), ran("restore_failed", retried=True), ran("restored")), "restored"),
    # a simulation is nothing
    ((*ALLOWED[:1], {**step("endorse"), "simulated": True}), "awaiting_endorsement"),
    # an emergency is regularised: what was done waits for the leave
    ((opened(), ran("restore_started", reason="emergency"), ran("restored", reason="emergency")), "awaiting_endorsement"),
    ((opened(HEAD), ran("restore_started", reason="emergency"), ran("restored", reason="emergency"), step("estimate"), step("authorise")), "restored"),
    ((opened(HEAD), ran("restore_started", reason="emergency"), step("estimate"), step("authorise")), "executing"),
    ((ran("restored", ticket=None, reason="emergency"), opened(HEAD), step("execute", links=1), step("estimate"), step("authorise")), "restored"),
    # what somebody restored by other means, once there was leave for it
    ((*ALLOWED, ran("restored", ticket=""), step("execute", links=5)), "restored"),
    ((opened(HEAD, request="mailbox"), step("estimate"), step("authorise"), ran("copy_started"), ran("copy_made")), "restored"),
])
def test_what_entries_make_of_a_request(entries, state):
    request, odd = one(*entries)
    assert (request.state, odd) == (state, [])


@pytest.mark.parametrize(("entries", "n", "why"), [
    ((opened(), step("authorise")), 2, "está en espera del visto bueno"),
    ((opened(), step("endorse", ("Pedro Rey", "requester"))), 2, "no le corresponde"),
    ((opened(), step("endorse", ("", "heads"))), 2, "no le corresponde a quien lo dice (nadie)"),
    ((opened(), step("withdraw", ("Otro", "requester"))), 2, "no le corresponde"),
    ((opened(), opened()), 2, "ya es de otra solicitud"),
    ((opened(), opened(ticket="2026-0002", office="")), 2, "le falta"),
    ((opened(), step("endorse", ticket="2026-0009")), 2, "no está abierta"),
    ((opened(), ran("restore_started"), ran("restored")), 2, "en espera del visto bueno"),
    ((*ALLOWED, ran("restored")), 5, "no tiene un inicio"),
    ((*ALLOWED, ran("restore_started"), ran("restored"), step("conform"), step("object")), 8, "conforme"),
    ((ran("restored", ticket=""), *ALLOWED, step("execute", links=1)), 6, "anterior a la autorización"),
    ((*ALLOWED, step("execute", links=99)), 5, "no es de algo restaurado"),
    ((*ALLOWED, ran("copy_made"), step("execute", links=5)), 6, "no es de algo restaurado"),
    ((*ALLOWED, ran("restored", ticket=""), step("execute", links=5), step("execute", links=5)), 7, "ya es de una solicitud"),
    ((*ALLOWED, step("conform")), 5, "autorizada"),
])
def test_what_can_t_be_is_passed_over_and_told_once(entries, n, why):
    told = requests.told(numbered(*entries))
    assert [each.n for each in told.odd] == [n] and why in told.odd[0].why
    # and makes nothing: without it all is the same
    without = requests.told([each for each in numbered(*entries) if each["n"] != n])
    assert {ticket: (request.state, request.done) for ticket, request in told.requests.items()} == {
        ticket: (request.state, request.done) for ticket, request in without.requests.items()}


_ENTRY = strategies.fixed_dictionaries(
    {"type": strategies.sampled_from([*requests.EVENTS, *requests.EXECUTIONS, "excuse"]), "at_event": strategies.just("2026-11-22T10:00:00Z")},
    optional={"ticket": strategies.sampled_from(["A", "B", " A ", ""]), "request": strategies.sampled_from([*requests.KINDS, "other"]),
              "office": strategies.sampled_from(["Logística", ""]), "requester": strategies.sampled_from(["Ana", ""]),
              "person": strategies.sampled_from(["Ana", "Luis", ""]),
              "post": strategies.sampled_from(["heads", "jefe_oti", "egcr.x.titular", "soporte", "requester"]),
              "reason": strategies.sampled_from(["emergency", "request"]), "links": strategies.integers(0, 30), "run": strategies.sampled_from(["1", "2"]),
              "label": strategies.sampled_from(["X", "Y"]), "simulated": strategies.booleans(), "promised_for": strategies.just("2026-11-23T10:00:00Z")})
# mostly what a request goes through, so that its late states are reached
_GOOD = strategies.sampled_from([{**each, "at_event": "2026-11-22T10:00:00Z", "ticket": "A"} for each in
                                 (opened(), opened(HEAD), *(step(name, links=3) for name in WHO), *(ran(name) for name in requests.EXECUTIONS),
                                  ran("restore_started", reason="emergency", run="R2"), ran("restored", reason="emergency", run="R2"))])


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(strategies.lists(_ENTRY | _GOOD, max_size=30))
def test_no_entries_make_an_impossible_state(entries):
    history = [{"n": n, **entry} for n, entry in enumerate(entries, 1)]
    told = requests.told(history)
    by_event = {rule.event: rule for rule in requests.STEPS.values()}
    assert len({odd.n for odd in told.odd}) == len(told.odd), "told once"
    done = list(itertools.chain.from_iterable(request.done for request in told.requests.values()))
    assert len(set(done)) == len(done), "what was done is of one request"
    for request in told.requests.values():
        assert request.state in requests.STATES and request.state == request.steps[-1].after
        assert request.steps[0].event == requests.OPENED and all(each.event != requests.OPENED for each in request.steps[1:])
        for before, after in itertools.pairwise(request.steps):
            assert before.after == after.before and before.n < after.n, "no step is lost"
        passed = [each.after for each in request.steps]
        for each in request.steps[1:]:
            rule = by_event.get(each.event)
            assert each.before != requests.CLOSED, "closed is the end"
            if rule is None:
                assert each.event in requests.EXECUTIONS and each.before in requests.READY
            else:
                assert each.before in rule.allowed and each.post.partition(".")[0] in rule.posts and each.person
        if requests.CONFORMED in passed:
            assert request.done and requests.RESTORED in passed
        if requests.RESTORED in passed:
            assert request.done and any(each.event == "request_authorised" for each in request.steps), "nothing is attended to without leave"
        if request.state == requests.CLOSED:
            assert request.steps[-1].before in (requests.CONFORMED, requests.REJECTED, requests.WITHDRAWN, requests.OUTSIDE)
    # what was passed over changes nothing, and the order in which the entries are given neither
    odd = {each.n for each in told.odd}
    again = requests.told(reversed([entry for entry in history if entry["n"] not in odd]))
    assert {ticket: request.steps for ticket, request in again.requests.items()} == {ticket: request.steps for ticket, request in told.requests.items()}


@pytest.mark.parametrize("passed_over", [
    (*ALLOWED, ran("restored")),                                                                      # nobody began it
    (opened(), ran("restore_started"), step("endorse"), step("estimate"), step("authorise"), ran("restored")),      # begun without leave
])
def test_what_was_passed_over_executed_nothing_whoever_links_it(passed_over):
    request, odd = one(*passed_over, step("execute", links=len(passed_over)))
    assert request.state == requests.AUTHORISED and request.done == [] and odd[-1].n == len(passed_over) + 1


def test_the_events_of_the_action_are_those_of_the_machine():
    assert set(events.of("backup_request")) == set(requests.EVENTS)
    assert set(requests.SPANISH) == set(requests.STATES)
    assert {rule.to for rule in requests.STEPS.values()} <= {*requests.STATES, ""}


def test_a_drill_is_no_request_s():
    """Whatever ticket its entries carry: a drill moves no request, and is told as nothing odd."""
    request, odd = one(*ALLOWED, ran("drill_started", reason="drill"), ran("copy_verified", reason="drill"), ran("verification_failed"), ran("copy_damaged"))
    assert request.state == requests.AUTHORISED and odd == [] and request.done == []


def test_annex_1_is_drawn_with_every_state():
    """docs/guia-solicitudes.html: who reads it finds the words that the program says; two pages, without a command, and nothing from elsewhere."""
    page = (Path(__file__).resolve().parents[3] / "docs" / "guia-solicitudes.html").read_text("utf-8")
    drawn = " ".join(re.sub("<[^>]*>", " ", page.partition("<svg")[2].partition("</svg>")[0]).split())
    assert [words for words in requests.SPANISH.values() if words not in drawn] == []
    assert not re.search(r"ansible|playbook|\.yml| -e |<script|src=|url\((?!#)|href=", page) and page.count('class="page"') == 1
