# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numeral 7.1 from a lost file to a closed ticket, by the mails of five people; and the mails that lead to nothing."""

from __future__ import annotations

import csv
import hashlib
import io

from .conftest import ANA, CARMEN, EVA, OFFICE, PEDRO, ROSA

ASK = f"Se borró la carpeta de contratos.\n\nOficina: {OFFICE}\nSistema: LOGISTICA\nRuta: contratos\n"
COPIED = {"restore_host": "localhost", "restore_kind": "file_server", "restore_system": "LOGISTICA"}


def text_of(mail) -> str:
    """The words of a mail in one line."""
    return " ".join(mail.get_body(("plain",)).get_content().split())


def test_from_the_mail_of_who_lost_a_file_to_the_closed_ticket(institution) -> None:
    institution.play("file_server", backup_emergency_reason="prueba")
    # she loses it on the share, as people do
    institution.samba.does("deltree contratos")
    assert not (institution.share / "contratos").exists()

    institution.write(PEDRO, "Carpeta perdida", ASK)
    institution.minutes_pass()
    (ticket, request), = institution.requests().items()
    assert (request.state, request.office, request.system) == ("awaiting_endorsement", OFFICE, "LOGISTICA")
    assert len(institution.letters(PEDRO)) == 1 and ticket in institution.letters(PEDRO)[0]
    # who only says of which office he is hears no names of it; its head does
    assert "2026.txt" not in text_of(institution.last(PEDRO)) and "contratos/2026.txt: 4 B, modificado el " in text_of(institution.last(CARMEN))

    # somebody else says yes in her name, from outside, and by a server that stamps nothing: neither is she
    asked = institution.last(CARMEN)
    institution.write(CARMEN, "Re: visto bueno", "VISTO BUENO", asked, "outside")
    institution.write(CARMEN, "Re: visto bueno", "VISTO BUENO", asked, "bare", Authentication_Results="mx.example.org; dmarc=pass header.from=example.org")
    # and who asked is not the head
    institution.write(PEDRO, "Re: visto bueno", "VISTO BUENO", asked)
    institution.minutes_pass()
    assert institution.requests()[ticket].state == "awaiting_endorsement"
    assert len(institution.entries("mail_set_aside")) == 3

    institution.write(CARMEN, "Re: visto bueno", "VISTO BUENO\n\nCarmen Soto", asked)
    institution.minutes_pass()
    assert institution.requests()[ticket].state == "endorsed" and ticket in institution.letters(ANA)[-1]
    assert "contratos/2026.txt: 4 B" in text_of(institution.last(ANA))

    told = institution.play("request", request_step="estimate", request_person="Ana Quispe", request_ticket=ticket)
    assert "Versiones que hay en las copias" in told and "contratos/2026.txt: 4 B" in told
    searched, = institution.entries("names_searched")
    assert (searched["person"], searched["ticket"], searched["office"]) == ("Ana Quispe", ticket, OFFICE) and searched["objects"] >= 2
    institution.minutes_pass()
    assert "contratos/2026.txt: 4 B" in text_of(institution.last(PEDRO))
    institution.write(ROSA, "Re: autorización", "Autorizo.", institution.last(ROSA))
    institution.minutes_pass()
    assert institution.requests()[ticket].state == "authorised"

    institution.play("restore", restore_ticket=ticket, restore_paths=["contratos"], restore_target=str(institution.share),
                     backup_restore_requires_request="file_server", **COPIED)
    # and gets it back there
    assert institution.samba.gets("contratos/2026.txt") == "uno\n"
    institution.minutes_pass()
    assert institution.requests()[ticket].state == "restored"
    asked, = (each for each in institution.mailbox(CARMEN) if "conformidad" in str(each["Subject"]))
    attached, = asked.iter_attachments()
    names = list(csv.reader(io.StringIO(attached.get_content().lstrip("\ufeff")), delimiter=";"))
    assert attached.get_filename() == f"restaurado-{ticket}.csv" and [row[0] for row in names[1:]] == [
        str(institution.share / "contratos"), str(institution.share / "contratos" / "2026.txt")] and names[2][2] == "4"
    kept, = (each for each in institution.entries("request_told") if each.get("mail_attached"))
    assert hashlib.sha256(attached.get_payload(decode=True)).hexdigest() in kept["mail_attached"][0] and kept["letter"] == "conformity"
    assert attached.get_filename() in " ".join(text_of(asked).split())

    institution.write(CARMEN, "Re: conformidad", "NO CONFORME\n\nFalta un archivo.", institution.last(CARMEN))
    institution.minutes_pass()
    assert institution.requests()[ticket].state == "objected"
    institution.play("restore", restore_ticket=ticket, restore_target=str(institution.top / "vuelta"), backup_restore_requires_request="file_server", **COPIED)
    institution.minutes_pass()
    institution.write(CARMEN, "Re: conformidad", "Conforme, gracias.", institution.last(CARMEN))
    institution.minutes_pass()
    assert institution.requests()[ticket].state == "conformed"

    institution.play("request", request_step="close", request_person="Eva Ruiz", request_ticket=ticket)
    institution.minutes_pass()
    request = institution.requests()[ticket]
    assert [step.after for step in request.steps] == [
        "awaiting_endorsement", "endorsed", "estimated", "authorised", "executing", "restored", "objected", "executing", "restored", "conformed", "closed"]
    assert [step.proof for step in request.steps if step.proof == "mail"] == ["mail"] * 5
    assert ticket in institution.letters(PEDRO)[-1] and ticket in institution.letters(CARMEN)[-1]

    # all is done: nothing more is written to anybody, and no mail is read again
    before = {person: len(institution.mailbox(person)) for person in (PEDRO, CARMEN, ANA, ROSA, EVA)}
    institution.minutes_pass()
    assert {person: len(institution.mailbox(person)) for person in before} == before
    assert len(institution.entries("letter_failed")) == 0


def test_what_is_outside_the_manual_or_was_not_there_is_answered(institution) -> None:
    institution.play("file_server", backup_emergency_reason="prueba")
    institution.write(CARMEN, "Correo antiguo", f"Necesito la planilla de 2019.\n\nOficina: {OFFICE}\nSistema: LOGISTICA\nPerdido: 01/02/2019\n")
    institution.minutes_pass()
    (ticket, request), = institution.requests().items()
    assert request.state == "endorsed", "a head who asks needs nobody's word"
    assert any("anterior" in str(each["Subject"]).lower() or "anterior" in each.get_body(("plain",)).get_content() for each in institution.mailbox(CARMEN))
    institution.play("request", request_step="outside", request_person="Ana Quispe", request_ticket=ticket, request_reason="No hay copias de 2019")
    institution.minutes_pass()
    assert institution.requests()[ticket].state == "outside" and "6.2" in institution.last(CARMEN).get_body(("plain",)).get_content()
