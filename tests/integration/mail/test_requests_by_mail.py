# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""requests.yml (perucompras.respaldo.request_mail, backup_request_mail) against a real Dovecot.

From a mail of somebody who lost a file to a request with the words of its head and of the OTI; what is not believed.
"""

from __future__ import annotations

from .conftest import ACTORS, KEY, PASSWORD, answer, letter

ASK = "Se borró la carpeta de contratos.\n\nOficina: oficina de logistica\nSistema: siga\nRuta: contratos/2026\nPerdido: 22/11/2026 10:30\n"


def test_a_request_is_opened_endorsed_and_authorised_by_mail(house) -> None:
    house.dovecot.put(letter("pedro@example.org", "Carpeta perdida", ASK, Message_ID="<uno@example.org>"))
    looked = house.run("requests", "--check")
    assert "Carpeta perdida" not in looked and house.requests() == {} and len(house.dovecot.lying("INBOX")) == 1
    told = house.run()
    (ticket, request), = house.requests().items()
    assert (request.state, request.requester, request.office) == ("awaiting_endorsement", "pedro@example.org", "Oficina de Logística")
    assert (request.system, request.wanted, request.lost_at) == ("SIGA", ("contratos/2026",), "2026-11-22T15:30:00Z")
    assert ticket in told and PASSWORD not in told and KEY not in told
    opened, = house.entries("request_opened")[-1:]
    assert (opened["proof"], opened["proof_reference"], opened["address"]) == ("mail", "<uno@example.org>", "pedro@example.org")

    house.dovecot.put(answer("csoto@example.org", ticket, "VISTO BUENO\n\nCarmen"), answer("otro@example.org", ticket, "VISTO BUENO"))
    house.run()
    assert house.requests()[ticket].state == "endorsed"
    house.run("request", request_step="estimate", request_person="Ana Quispe", request_ticket=ticket, request_volume=1000,
              request_actors={**ACTORS, "egcr": {"database": ACTORS["egcr"]["infrastructure"]}})
    house.dovecot.put(answer("rvega@example.org", ticket, "Autorizo."))
    house.run()
    assert house.requests()[ticket].state == "authorised" and house.requests()[ticket].steps[-1].proof == "mail"

    types = [(each["type"], each["mail_outcome"]) for each in house.entries("mail_taken", "mail_set_aside") if not each.get("simulated")]
    assert types == [("mail_taken", "open"), ("mail_taken", "endorse"), ("mail_set_aside", "refused"), ("mail_taken", "authorise")]
    assert len(house.entries("mail_filed")) == 4
    assert [len(house.dovecot.lying(folder)) for folder in ("INBOX", "Atendidos", "Revisar")] == [0, 3, 1]
    assert "\\Seen" not in house.dovecot.flags("Atendidos")
    assert "No hay correos nuevos" in house.run()


def test_what_is_not_believed_is_set_aside_and_told(house) -> None:
    forged = letter("csoto@example.org", "Carpeta perdida", ASK)
    del forged["Authentication-Results"]
    forged["Authentication-Results"] = "mx.example.org; dmarc=pass header.from=example.org"      # below the Received of our server: the sender's own
    house.dovecot.put(forged)
    told = house.run()
    assert house.requests() == {} and "Revisar" in told and len(house.dovecot.lying("Revisar")) == 1
    entry, = house.entries("mail_set_aside")
    assert (entry["mail_outcome"], entry["mail_from"]) == ("not_believed", "csoto@example.org")
