# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong with letters: refused, greylisted, cut, killed, two controllers at once, no address, broken templates. None is lost, none sent twice."""

from __future__ import annotations

import os
import signal

import pytest
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._mail import identities

from .conftest import ACTORS, KEY

TYPES = ("letter_started", "letter_failed", "request_told")


def types(institution, letter):
    return [entry["type"] for entry in institution.entries(*TYPES) if entry["letter"] == letter]


@pytest.mark.parametrize("mood, said", [("refuse", "550"), ("grey", "451"), ("cut", "RSP764")])
def test_what_a_server_does_not_take_stays_due_and_is_not_tried_again_at_once(institution, mood, said):
    institution.opened()
    institution.mood(mood)
    done = institution.letters()
    assert done.returncode == 2 and "RSP764" in done.output and said in done.output, done.output
    failed = institution.entries("letter_failed")
    # a server that cuts takes no other either: the second letter was not tried
    assert [entry["letter"] for entry in failed] == (["acknowledgement"] if mood == "cut" else ["acknowledgement", "forwarding"])
    assert {entry["error_code"] for entry in failed} == {"RSP764"} and failed[0]["message_id"] == institution.entries("letter_started")[0]["message_id"]
    institution.mood("")
    again = institution.letters()
    assert again.returncode == 0 and "en espera" in again.output, again.output
    assert len(institution.taken()) == (1 if mood == "cut" else 0) and types(institution, "acknowledgement") == ["letter_started", "letter_failed"]


def test_what_failed_goes_later_under_the_same_identity_and_only_to_the_same_address(institution):
    n = institution.opened()
    ours = [identities.mark(KEY.encode(), "example.org", "2026-0001", name, address, "0123456789abcdef")
            for name, address in (("acknowledgement", "carmen@example.org"), ("forwarding", "former@example.org"))]
    about = {"ticket": "2026-0001", "links": n}
    institution.record("letter_started", 0.3, **about, letter="acknowledgement", post="requester", address="carmen@example.org", message_id=ours[0])
    institution.record("letter_failed", 0.3, **about, letter="acknowledgement", post="requester", address="carmen@example.org", error_code="RSP764")
    institution.record("letter_started", 0.3, **about, letter="forwarding", post="egcr", address="former@example.org", message_id=ours[1])
    institution.record("letter_failed", 0.3, **about, letter="forwarding", post="egcr", address="former@example.org", error_code="RSP764")
    assert institution.letters().returncode == 0
    first, second = institution.taken()
    assert first["Message-ID"] == ours[0] and second["Message-ID"] != ours[1]
    assert identities.read(KEY.encode(), second["Message-ID"], "luis@example.org") == identities.Mark("2026-0001", "forwarding")


def test_a_run_killed_after_the_server_took_the_mail_sends_that_one_again_under_the_same_identity(institution):
    institution.opened()
    institution.mood("hold")
    run = institution.begun()
    institution.wait_for("000.eml")
    os.killpg(run.pid, signal.SIGKILL)
    run.communicate(timeout=60)
    assert types(institution, "acknowledgement") == ["letter_started"]
    (institution.inbox / "go").touch()
    again = institution.letters()
    assert again.returncode == 0, again.output
    mails = institution.taken()
    assert len(mails) == 3, again.output
    first, second, third = mails
    assert first["Message-ID"] == second["Message-ID"] != third["Message-ID"]
    assert types(institution, "acknowledgement") == ["letter_started", "letter_started", "request_told"]
    assert institution.letters().returncode == 0 and not institution.taken()


def test_two_controllers_at_once_send_each_letter_once(institution):
    institution.opened()
    institution.mood("hold")
    one = institution.begun()
    institution.wait_for("000.eml")
    other = institution.begun()
    institution.wait_for("001.eml")
    (institution.inbox / "go").touch()
    told = [each.communicate(timeout=240)[0] for each in (one, other)]
    assert (one.returncode, other.returncode) == (0, 0), told
    assert "lo envía otra ejecución" in told[1] and len({mail["Message-ID"] for mail in institution.taken()}) == 2
    assert types(institution, "acknowledgement") == types(institution, "forwarding") == ["letter_started", "request_told"]


def test_a_post_without_anybody_or_without_an_address_is_told(institution):
    institution.opened()
    actors = {**ACTORS, "egcr": {"infrastructure": {"titular": [{"name": "Luis Paz", "from": "2020-01-01"}]}}}
    done = institution.letters(backup_actors=actors)
    assert done.returncode == 2 and "RSP767" in done.output and "Luis Paz no tiene email en su designación" in done.output, done.output
    assert [mail["To"].addresses[0].addr_spec for mail in institution.taken()] == ["carmen@example.org"]
    failed, = institution.entries("letter_failed")
    assert (failed["letter"], failed["error_code"], failed["addressee"]) == ("forwarding", "RSP767", "Luis Paz")


def test_a_broken_template_of_the_institution_stops_before_anything_is_sent(institution):
    institution.opened()
    own = institution.directory / "plantillas"
    own.mkdir()
    (own / "closed.txt.j2").write_text("Asunto: Cierre\n\n{{ no_such_value }}\n", "utf-8")
    done = institution.letters(backup_letters_templates=str(own))
    assert done.returncode == 2 and "RSP765" in done.output and "no_such_value" in done.output and str(own / "closed.txt.j2") in done.output, done.output
    assert not institution.taken() and not institution.entries(*TYPES)
    (own / "closed.txt.j2").unlink()
    (own / "acknowledgement.txt.j2").write_text("Asunto: Ticket {{ ticket }}\n\nHola, {{ addressee }}.\n", "utf-8")
    assert institution.letters(backup_letters_templates=str(own)).returncode == 0
    assert institution.taken()[0].get_body(("plain",)).get_content().split() == ["Hola,", "Carmen", "Soto."]


def test_what_waits_is_told_by_the_warnings_until_it_goes(institution):
    n = institution.opened(hours=3)
    about = {"ticket": "2026-0001", "letter": "acknowledgement", "links": n, "post": "requester", "address": "carmen@example.org"}
    institution.record("letter_failed", 2, **about, error_code="RSP764", error_message_es="No se pudo enviar")
    mail = {**institution.mail(), "to": ["oti@example.org"]}
    del mail["reply_to"]
    assert institution.letters(name="warn", backup_warn_mail=mail, warn_summary_from="").returncode == 0
    text = institution.taken()[0].get_body(("plain",)).get_content()
    assert "Correos de solicitudes sin enviar" in text and "Solicitud 2026-0001: un correo sin enviar desde hace más de una hora" in text, text
    assert institution.letters().returncode == 0 and len(institution.taken()) == 2
    assert institution.letters(name="warn", backup_warn_mail=mail, warn_summary_from="").returncode == 0
    assert "RESUELTO" in institution.taken()[0].get_body(("plain",)).get_content()


def test_one_address_gets_so_many_a_day_and_the_others_wait(institution):
    for number in range(1, 33):
        institution.opened(ticket=f"2026-{number:04}")
    relay = institution.mail(port=institution.ports["relay"], security="none", username=None, password=None)
    done = institution.letters(mail=relay)
    assert done.returncode == 0 and "2026-0032: acuse con el ticket a Carmen Soto <carmen@example.org>: en espera" in done.output, done.output
    sent = [letter["To"].addresses[0].addr_spec for letter in institution.taken()]
    assert sent.count("carmen@example.org") == sent.count("luis@example.org") == 30
    assert institution.letters(mail=relay).returncode == 0 and not institution.taken()
