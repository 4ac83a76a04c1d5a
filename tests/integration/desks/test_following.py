# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A help desk hears each thing once (_desks), whatever happens in between; what it answers is believed only in its form. Against a fake of GLPI."""

from __future__ import annotations

import re

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._decisions import desks, requests
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._desks import catalogue, following
from fakes.desks import glpi

from .conftest import declaration

STEPS = (("request_opened", "Pedro <b>Rey", "requester"), ("request_endorsed", "Carmen", "heads"), ("request_estimated", "Luis", "egcr.infrastructure.titular"),
         ("request_rejected", "Rosa", "jefe_oti"), ("request_closed", "Eva", "soporte"))


class Book:
    """A bitácora in memory, with one request that came as far as `steps`."""

    def __init__(self, steps=5, office="Logística & Almacén"):
        self.rows = [{"n": n, "type": event, "at_event": f"2026-11-2{n}T10:00:00Z", "ticket": "2026-0001", "request": "restore", "office": office,
                      "requester": STEPS[0][1], "person": person, "post": post} for n, (event, person, post) in enumerate(STEPS[:steps], 1)]

    def go(self, there, ticket="", keep=True, **more):
        standing = desks.standing(each for each in self.rows if each["type"] in desks.EVENTS)
        waiting = desks.pending(requests.told(self.rows).requests.values(), standing, ticket)
        done = following.follow(catalogue.open_desk(declaration(there, **more)), waiting, standing)
        if keep:
            self.keep(done)
        return done

    def keep(self, done):
        self.rows += [{**entry, "type": entry["event"], "n": len(self.rows) + at, "at_event": "2026-11-28T10:00:00Z"}
                      for at, entry in enumerate(done.entries, 1)]

    def kinds(self):
        return [each["type"] for each in self.rows if each["type"] in desks.EVENTS]


def whole(there, steps=("2", "3", "4")):
    """The one ticket of the request, with each of its steps once."""
    assert len(there.tickets) == 1 and not there.sessions
    marks = [re.search("Referencia: (RESPALDO-[0-9a-f]{16}/[0-9]+)<", each["content"]).group(1) for each in there.followups]
    assert [mark.rpartition("/")[2] for mark in marks] == list(steps) and len(there.solutions) == 1
    assert next(iter(there.tickets.values()))["status"] == glpi.CLOSED


def test_a_request_has_its_ticket_each_step_and_its_end(there):
    book = Book(1)
    assert book.go(there).failures == [] and book.kinds() == ["desk_bound"] and book.rows[-1]["desk_number"] == "41"
    ticket = there.tickets[41]
    assert ticket["name"].startswith("Restauración, solicitud 2026-0001 [RESPALDO-") and "Logística &amp; Almacén" in ticket["content"]
    assert "Pedro" not in str(there.tickets) and ticket["type"] == 2 and not there.sessions
    book.rows += Book().rows[1:]
    for n, row in enumerate(book.rows, 1):
        row["n"] = n
    assert book.go(there).failures == [] and book.kinds() == ["desk_bound", *["desk_told"] * 4]
    whole(there, "345")      # the entry of the number was the second
    asked = len(there.requests)
    assert book.go(there).entries == [] and len(there.requests) == asked      # nothing waits: nobody is asked


def test_people_are_named_and_escaped_where_the_inventory_says_so(there):
    Book(2).go(there, tells=["person"], entity=3, category=7)
    assert "Pedro &lt;b&gt;Rey" in there.tickets[41]["content"] and "Por: Carmen" in there.followups[0]["content"]
    assert (there.tickets[41]["entities_id"], there.tickets[41]["itilcategories_id"]) == (3, 7) and "Logística" not in there.tickets[41]["content"]


def test_killed_after_each_question_it_hears_nothing_twice(there):
    """A run that dies has no entries of what it did: the next looks it up there. Every question to the desk is once the last one."""
    class Killed(BaseException):
        pass

    book, deaths = Book(), 0
    for last in range(1, 40):
        desk, count = catalogue.open_desk(declaration(there)), 0
        ask = desk._client.ask

        def counted(*words, ask=ask, last=last):
            nonlocal count
            found = ask(*words)
            count += 1
            if count == last:
                raise Killed
            return found

        desk._client.ask = counted
        standing = desks.standing([])
        try:
            following.follow(desk, desks.pending(requests.told(book.rows).requests.values(), standing._replace(tried={"2026-0001"})), standing)
        except Killed:
            deaths += 1
            continue
        break
    assert deaths > 5
    there.sessions.clear()
    whole(there)


def test_a_ticket_that_was_made_though_its_answer_was_lost_is_found_at_once(there):
    def lost(method, path):
        if (method, path) == ("POST", "/Ticket"):
            raise glpi.Dropped

    there.after.append(lost)
    book = Book(1)
    assert book.go(there).failures == [] and book.rows[-1]["desk_number"] == "41" and len(there.tickets) == 1


def test_a_silent_desk_stops_nothing_is_recorded_once_and_hears_all_later(there):
    def silent(_method, _path):
        raise glpi.Dropped

    there.before.append(silent)
    book = Book()
    book.rows = book.rows[:1]
    assert [each.code for each in book.go(there).failures] == ["RSP759"] and book.kinds() == ["desk_failed"]
    assert [each.code for each in book.go(there).failures] == ["RSP759"] and book.kinds() == ["desk_failed"]
    there.before.clear()
    failed = book.rows.pop()
    book.rows = [*Book().rows, {**failed, "n": 6}]     # closed meanwhile
    assert book.go(there).failures == [] and book.kinds() == ["desk_failed", "desk_bound", *["desk_told"] * 4]
    whole(there)


def test_one_request_that_fails_stops_no_other_and_a_silent_desk_is_asked_once(there):
    first, second = Book(1).rows[0], {**Book(1).rows[0], "n": 2, "ticket": "2026-0002"}
    bound = {"type": "desk_bound", "n": 3, "at_event": "2026-11-28T10:00:00Z", "ticket": "2026-0001", "desk_number": "999"}
    endorsed = {**Book(2).rows[1], "n": 4}
    book = Book(0)
    book.rows = [first, second, bound, endorsed]
    done = book.go(there)
    assert [each.code for each in done.failures] == ["RSP760"] and "no hay ningún ticket 999" in done.failures[0].spanish
    assert book.kinds() == ["desk_bound", "desk_failed", "desk_bound"] and len(there.tickets) == 1
    there.close()
    book = Book(0)
    book.rows = [first, second]
    done = book.go(there)
    assert len(done.failures) == 1 and book.kinds() == ["desk_failed", "desk_failed"]


def test_what_was_closed_there_meanwhile(there):
    book = Book(1)
    book.go(there)
    there.tickets[41]["status"] = glpi.CLOSED
    book.rows.insert(1, Book(2).rows[1])
    book.rows[-1]["n"] = 9
    assert "está cerrado allí" in book.go(there).failures[0].spanish and there.followups == []
    book.rows = [*Book().rows, *({**row, "n": 9 + at} for at, row in enumerate(row for row in book.rows if row["type"] in desks.EVENTS))]
    done = book.go(there)      # and now here too
    assert done.failures == [] and {entry["note_es"].rpartition("; ")[2] for entry in done.entries} == {"ya la tenía cerrada"} and there.followups == []


def test_what_was_solved_there_is_closed_without_another_solution(there):
    book = Book(4)
    book.go(there)
    there.tickets[41]["status"] = glpi.SOLVED
    book.rows = [*Book().rows, *({**row, "n": 9 + at} for at, row in enumerate(row for row in book.rows if row["type"] in desks.EVENTS))]
    assert book.go(there).failures == [] and there.tickets[41]["status"] == glpi.CLOSED and there.solutions == []


@pytest.mark.parametrize(("path", "answer", "words"), [
    ("/initSession", {"session_token": "x\r\ny"}, "no da una sesión"), ("/initSession", [], "no da una sesión"), ("/initSession", b"<html>", "no es JSON"),
    ("/search/Ticket", {"data": []}, "no dice cuántos"), ("/search/Ticket", {"totalcount": 1, "data": [7]}, "no da filas"),
    ("/search/Ticket", b"[" * 100000, "no es JSON"),
    ("/Ticket", {"id": "../9"}, "un número es"), ("/Ticket", {"id": True}, "un número es"), ("/Ticket", {"id": -4}, "un número es"),
    ("/Ticket", [], "un número es"),
    ("/Ticket/41", {"status": "cerrado"}, "estado conocido"), ("/Ticket/41", [], "estado conocido"),
    ("/Ticket/41/ITILFollowup", {"a": 1}, "no son filas"),
], ids=lambda value: repr(value)[:40])
def test_what_it_answers_is_believed_only_in_its_form(there, path, answer, words):
    there.changed = lambda _method, below, told: answer if below == path else told
    done = Book(2).go(there)
    assert [each.code for each in done.failures] == ["RSP760"] and words in done.failures[0].spanish


def test_another_s_ticket_with_words_like_ours_is_not_taken(there):
    there.changed = lambda _method, below, told: {"totalcount": 1, "count": 1, "data": [{"1": "Otra cosa", "2": 7}]} if below == "/search/Ticket" else told
    book = Book(1)
    book.go(there)
    assert book.rows[-1]["desk_number"] == "41"


def test_a_token_is_told_by_no_error_though_the_desk_repeats_it(there):
    def refuse(_method, _path):
        raise glpi.Refused(401, "ERROR_GLPI_LOGIN_USER_TOKEN", f"user_token {glpi.USER_TOKEN} of {glpi.APP_TOKEN} seems invalid")

    there.before.append(refuse)
    done = Book(1).go(there)
    shown = str([(each.in_both(), each.spanish) for each in done.failures]) + str(done.entries)
    assert "RSP760" in shown and "seems invalid" in shown and glpi.USER_TOKEN not in shown and glpi.APP_TOKEN not in shown


def test_an_untrusted_desk_is_sent_no_token(there):
    done = Book(1).go(there, ca_certs="")
    assert [each.code for each in done.failures] == ["RSP759"] and "no se reconoce su certificado" in done.failures[0].spanish and there.requests == []


def test_a_number_that_is_none_is_not_asked_for(there):
    desk = catalogue.open_desk(declaration(there))
    assert desk.state("41/../../x") == "" == desk.state("INC-1") and there.requests == []
    assert catalogue.open_desk({"name": "mesa", "type": "manual"}) is None
    with pytest.raises(BackupError):
        desk.texts("41")
    there.mistakes.clear()
