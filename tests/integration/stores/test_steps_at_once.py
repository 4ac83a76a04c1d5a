# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Contradictory steps of one request by two runs at the same moment, on each store: the first stands, the second is refused when it would be recorded.

Each run reads the bitácora and then waits for the other to have read it too: were the step not decided in the transaction that writes it, both would be
decided on the same entries, and both be answered "ok". With the transaction nobody comes, and the one that waits goes on.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import sys
import threading
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "unit/mail"))
import mails as here

from plugins.module_utils._engine.errors import BackupError
from plugins.plugin_utils import _steps
from plugins.plugin_utils._bitacora import tickets
from plugins.plugin_utils._bitacora.store import open_store

_PATIENCE = 1
CONTEXT = multiprocessing.get_context("fork")


def both_at_once(*works):
    """What each of two pieces of work came to, each in a process of its own; see above."""
    met, answers = CONTEXT.Barrier(len(works)), CONTEXT.Queue()
    read = tickets.history

    def one(place, work):
        def slowly(*given):
            found = read(*given)
            with contextlib.suppress(threading.BrokenBarrierError):
                met.wait(_PATIENCE)
            return found

        tickets.history = slowly
        try:
            answers.put((place, work()))
        except BackupError as error:
            answers.put((place, error.code))

    runs = [CONTEXT.Process(target=one, args=each) for each in enumerate(works)]
    for run in runs:
        run.start()
    found = dict(answers.get(timeout=300) for _run in runs)
    for run in runs:
        run.join(60)
    return [found[place] for place in range(len(works))]


def taking(url, run, **said):
    def work():
        with open_store(url) as store:
            return _steps.take(store, {**_steps.UNSAID, **said}, here.RULES, here.SYSTEMS, _steps.Where(run, "controlador"), here.NOW).request.state
    return work


@pytest.fixture
def populated(url):
    with open_store(url) as store:
        here.populate(store)
    return url


@pytest.mark.parametrize(("ticket", "steps"), [
    (here.RESTORED, [("conform", "Carmen Soto Vega", "conformed"), ("object", "Carmen Soto Vega", "objected")]),
    (here.ESTIMATED, [("authorise", "Rosa Vega", "authorised"), ("reject", "Rosa Vega", "rejected")]),
], ids=["conformity", "authorisation"])
def test_of_two_contradictory_steps_the_second_is_refused(populated, ticket, steps):
    answers = both_at_once(*(taking(populated, f"R{place}", step=step, person=person, ticket=ticket, reason="Porque sí")
                             for place, (step, person, _state) in enumerate(steps)))
    assert "RSP750" in answers
    first = answers.index(next(each for each in answers if each != "RSP750"))
    assert answers[first] == steps[first][2] and answers[1 - first] == "RSP750"
    with open_store(populated, readonly=True) as store:
        # what was answered is what stands: nothing is passed over by the next reader
        assert here.states(store)[ticket] == steps[first][2]
        written = [entry for entry in store.entries(type=[f"request_{each[2]}" for each in steps]) if entry["ticket"] == ticket]
        assert [(entry["run"], entry["host"], entry["asked"]) for entry in written] == [(f"R{first}", "controlador", True)] and store.verify().whole


def test_two_that_open_at_once_have_each_a_ticket(populated):
    asked = {"step": "open", "person": "Carmen Soto Vega", "office": "Oficina de Logística", "what": "Una carpeta"}
    assert both_at_once(taking(populated, "R0", **asked), taking(populated, "R1", **asked)) == ["endorsed"] * 2
    assert both_at_once(taking(populated, "R2", ticket="INC 9", **asked), taking(populated, "R3", ticket="inc 9", **asked)).count("RSP753") == 1
    with open_store(populated, readonly=True) as store:
        assert {"2026-0004", "2026-0005"} < set(here.states(store)) and len(here.states(store)) == 6


def test_of_two_contradictory_mails_the_second_is_for_a_person(populated):
    """One reader takes the one and another the other: whichever is first stands, and the other waits for a person, told why."""
    def reading(text, name):
        def work():
            with open_store(populated) as store:
                mail = here.answer(here.RESTORED, text, message_id=f"<{name}@example.org>")
                found = here.take(store, mail, where=here.WHERE._replace(run=name))
            return found.outcome, found.folder, found.line
        return work

    answers = both_at_once(reading("CONFORME", "a"), reading("NO CONFORME: falta una carpeta", "b"))
    refused = [each for each in answers if each[0] == "refused"]
    assert len(refused) == 1 and refused[0][1] == "Revisar" and "RSP750" in refused[0][2]
    taken, = (each for each in answers if each[0] != "refused")
    with open_store(populated, readonly=True) as store:
        assert here.states(store)[here.RESTORED] == {"conform": "conformed", "object": "objected"}[taken[0]] and taken[1] == "Atendidos"
