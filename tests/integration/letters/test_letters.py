# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real runs of playbooks/letters.yml (role request_letters, action backup_request_letters) against a real mail server."""

from __future__ import annotations

from ansible_collections.perucompras.respaldo.plugins.plugin_utils._mail import identities

from .conftest import KEY


def told(letters):
    return [(letter["To"].addresses[0].addr_spec, letter["Subject"].partition("] ")[2]) for letter in letters]


def test_each_letter_goes_once_to_whom_it_concerns(institution):
    n = institution.opened(person="pedro@example.org", post="requester", proof="mail", proof_reference="<pedido@example.org>")
    looked = institution.letters("--check", "--diff")
    assert looked.returncode == 0 and "Recibimos su solicitud" in looked.output and "se enviaría" in looked.output, looked.output
    assert not institution.taken() and not institution.entries("letter_started", "request_told")
    sent = institution.letters()
    assert sent.returncode == 0, sent.output
    mails = institution.taken()
    assert told(mails) == [("pedro@example.org", "Recibimos su solicitud"), ("carmen@example.org", "Se pide su visto bueno")]
    first, second = mails
    assert identities.read(KEY.encode(), first["Message-ID"], "pedro@example.org") == identities.Mark("2026-0001", "acknowledgement")
    assert identities.read(KEY.encode(), second["Message-ID"], "pedro@example.org") is None
    assert first["In-Reply-To"] == first["References"] == "<pedido@example.org>" and second["In-Reply-To"] is None
    assert (first["Auto-Submitted"], first["X-Auto-Response-Suppress"], first["X-Respaldo-Origin"]) == ("auto-generated", "All", "perucompras.respaldo")
    assert first["Reply-To"] == "soporte@example.org" and first["From"].addresses[0].display_name == "Central de Compras Públicas - PERÚ COMPRAS"
    assert "2026-0001" in first.get_body(("plain",)).get_content() and "<table" in first.get_body(("html",)).get_content()
    entries = institution.entries("letter_started", "request_told")
    assert [(each["type"], each["letter"], each["links"], each["address"]) for each in entries] == [
        ("letter_started", "acknowledgement", n, "pedro@example.org"), ("request_told", "acknowledgement", n, "pedro@example.org"),
        ("letter_started", "endorsement", n, "carmen@example.org"), ("request_told", "endorsement", n, "carmen@example.org")]
    assert entries[1]["message_id"] == first["Message-ID"] and "enviado a pedro@example.org <pedro@example.org>" in entries[1]["note_es"]
    again = institution.letters()
    assert again.returncode == 0 and "No hay correos" in again.output and not institution.taken(), again.output
    institution.step("endorsed", "Carmen Soto", "heads")
    assert institution.letters().returncode == 0
    assert told(institution.taken()) == [("luis@example.org", "Se le deriva una solicitud de Oficina de Logística")]
