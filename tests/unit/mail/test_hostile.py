# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mails that somebody wrote to be believed, to be acted on, to be lost or to be read for ever: each has its one right outcome, and one entry."""

from __future__ import annotations

import base64
import sys
from pathlib import Path

import pytest

from plugins.plugin_utils._bitacora.store import open_store
from plugins.plugin_utils._mail import reading

sys.path.insert(0, str(Path(__file__).parent))
import mails as here
from mails import AWAITING, CHIEF, ESTIMATED, HEAD, OTHER_HEAD, RECEIVED, RESTORED, STAFF, STAMP, US, answer, identity, raw

ASK = "Se borró la carpeta de contratos.\nOficina: Oficina de Logística\n"
HEAD_ASKS = {"sender": HEAD, "body": "Se borró la carpeta de contratos."}
NO_STAMP = {"stamp": ""}
B64 = base64.b64encode


def multipart(*parts: str, kind: str = "mixed", **more) -> bytes:
    body = "".join(f"--x\r\n{part}\r\n" for part in parts) + "--x--\r\n"
    return raw("MIME-Version: 1.0", f'Content-Type: multipart/{kind}; boundary="x"', body=body, **more)


def text(words: str) -> str:
    return "Content-Type: text/plain; charset=utf-8\r\n\r\n" + words


def nested(depth: int) -> bytes:
    head = "".join(f'Content-Type: multipart/mixed; boundary="b{each}"\r\n\r\n--b{each}\r\n' for each in range(depth))
    return raw("MIME-Version: 1.0", body="") [:-4] + head.encode() + b"Content-Type: text/plain\r\n\r\nhola\r\n"


def bounce(inner: str, recipient: str, **more) -> bytes:
    status = f"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx\r\n\r\nFinal-Recipient: rfc822; {recipient}\r\n"
    ours = f"Content-Type: message/rfc822\r\n\r\nMessage-ID: {inner}\r\nSubject: CONFORME\r\n\r\nCONFORME\r\n"
    return multipart(text("No se pudo entregar."), status, ours, kind="report; report-type=delivery-status",
                     sender="MAILER-DAEMON@mx.example.org", subject="Undelivered", **more)


OUR_FORGED = "Authentication-Results: mx.example.org; dmarc=pass header.from=example.org"
OPEN = {"2026-0004": "awaiting_endorsement"}
HTML = "Content-Type: text/html; charset=utf-8"

# name -> the mail, its outcome, and what the requests became besides those that there were
MAILS: dict[str, tuple[bytes, str, dict[str, str]]] = {
    # -- who is believed
    "believed by DMARC": (raw(body=ASK), "open", OPEN),
    "no server says anything": (raw(body=ASK, **NO_STAMP), "not_believed", {}),
    "forged results below the Received of our server": (raw(OUR_FORGED, body=ASK, **NO_STAMP), "not_believed", {}),
    "forged results below those of our server": (raw(OUR_FORGED, body=ASK, stamp="Authentication-Results: mx.example.org; dmarc=fail header.from=example.org"),
                                                  "not_believed", {}),
    "results of Exchange Online, which names no server": (
        raw(body=ASK, stamp="Authentication-Results: spf=pass (sender IP is 203.0.113.5) smtp.mailfrom=example.org; dkim=pass (signature was verified)"
            " header.d=example.org;dmarc=pass action=none header.from=example.org;compauth=pass reason=100"), "not_believed", {}),
    "from within the tenant, as Exchange Online says of itself and anybody can write": (
        raw("X-MS-Exchange-Organization-AuthAs: Internal", "X-MS-Exchange-CrossTenant-AuthAs: Internal", body=ASK, stamp=""), "not_believed", {}),
    "results of a foreign server on top": (raw(body=ASK, stamp=STAMP.replace("mx.example.org", "mx.evil.example")), "not_believed", {}),
    "results without the name of a server": (raw(body=ASK, stamp="Authentication-Results: dmarc=pass header.from=example.org"), "not_believed", {}),
    "a server whose name begins like ours": (raw(body=ASK, stamp=STAMP.replace("mx.example.org", "mx.example.org.evil.example")), "not_believed", {}),
    "our server's name in a comment": (raw(body=ASK, stamp="Authentication-Results: (mx.example.org) evil.example; dmarc=pass header.from=example.org"),
                                       "not_believed", {}),
    "a pass in a comment": (raw(body=ASK, stamp="Authentication-Results: mx.example.org; dmarc=fail (dmarc=pass) header.from=example.org"), "not_believed", {}),
    "a pass after a quoted semicolon": (raw(
        body=ASK, stamp='Authentication-Results: mx.example.org; spf=fail smtp.mailfrom="x; dmarc=pass header.from=example.org"'), "not_believed", {}),
    "DMARC of two domains": (raw(body=ASK, stamp=STAMP + "; dmarc=fail header.from=example.org"), "not_believed", {}),
    "DMARC of another domain": (raw(body=ASK, stamp=STAMP.replace("from=example.org", "from=evil.example")), "not_believed", {}),
    "DMARC fails though SPF is aligned": (raw(body=ASK, stamp="Authentication-Results: mx.example.org; dmarc=fail header.from=example.org; spf=pass "
                                                              "smtp.mailfrom=example.org"), "not_believed", {}),
    "SPF of the attacker's domain": (raw(body=ASK, stamp="Authentication-Results: mx.example.org; spf=pass smtp.mailfrom=evil.example"), "not_believed", {}),
    "DKIM of the attacker's domain": (raw(body=ASK, stamp="Authentication-Results: mx.example.org; dkim=pass header.d=evil.example"), "not_believed", {}),
    "DKIM of a domain that ends like ours": (raw(
        body=ASK, stamp="Authentication-Results: mx.example.org; dkim=pass header.d=notexample.org"), "not_believed", {}),
    "aligned DKIM without DMARC": (raw(body=ASK, stamp="Authentication-Results: mx.example.org; dkim=pass header.d=example.org"), "open", OPEN),
    "aligned SPF without DMARC": (raw(body=ASK, stamp="Authentication-Results: mx.example.org 1; spf=pass smtp.mailfrom=x@example.org"), "open", OPEN),
    "the attacker's own domain, in order": (raw(body=ASK, sender="x@evil.example", stamp=STAMP.replace("from=example.org", "from=evil.example")),
                                            "outsider", {}),
    "a domain that looks like ours": (raw(body=ASK, sender="csoto@examp1e.org", stamp=STAMP.replace("from=example.org", "from=examp1e.org")), "outsider", {}),
    "a domain in Cyrillic letters": (raw(body=ASK, sender="csoto@ехample.org"), "not_believed", {}),
    "submitted with a password": (raw(body=ASK, stamp="", received="Received: from pc by smtp.example.org with ESMTPSA id 1; now"), "open", OPEN),
    "submitted, and kept by a relay": (raw("Received: from pc by smtp.example.org with ESMTPSA id 1; now", body=ASK, stamp="",
                                           received="Received: from smtp by imap.example.org with LMTP; now"), "open", OPEN),
    "a submission forged below our server's line and a relay's": (raw(
        RECEIVED, "Received: from pc by smtp.example.org with ESMTPSA id 1; now", body=ASK, stamp="",
        received="Received: from mx by imap.example.org with LMTP; now"), "not_believed", {}),
    "stamped, and kept by a relay": (raw(body=ASK, stamp="Received: from mx by imap.example.org with LMTP; now\r\n" + STAMP), "open", OPEN),
    "submitted without a password": (raw(body=ASK, stamp="", received="Received: from pc by smtp.example.org with ESMTPS id 1; now"), "not_believed", {}),
    "submitted to a stranger": (raw(body=ASK, stamp="", received="Received: from pc by smtp.evil.example with ESMTPSA id 1; now"), "not_believed", {}),
    "a submission forged below our server's line": (raw(
        "Received: from pc by smtp.example.org with ESMTPSA id 1; now", body=ASK, stamp=""), "not_believed", {}),
    "a submission forged in the name of the sender's host": (raw(
        body=ASK, stamp="", received="Received: from by smtp.example.org with ESMTPSA by mx.example.org with ESMTP; now"), "not_believed", {}),
    "no Received at all": (raw(body=ASK, stamp="", received=""), "not_believed", {}),
    "results in a mail that no server got": (raw(body=ASK, received=""), "not_believed", {}),
    # -- From
    "two From": (raw(f"From: {HEAD}", body=ASK), "unreadable", {}),
    "From of two people": (raw(body=ASK, sender=f"{HEAD}, {STAFF}"), "not_believed", {}),
    "no From": (raw(body=ASK, sender=""), "not_believed", {}),
    "an address as a name": (raw(body=ASK, sender=f'"{HEAD}" <x@evil.example>', stamp=STAMP.replace("from=example.org", "from=evil.example")), "outsider", {}),
    "an address as a bare name": (raw(body=ASK, sender=f"{HEAD} <x@evil.example>"), "not_believed", {}),
    "a group": (raw(body=ASK, sender=f"Todos: {HEAD};"), "not_believed", {}),
    "a comment in From": (raw(body=ASK, sender=f"{HEAD} (x@evil.example)"), "not_believed", {}),
    "a line end in From": (raw(body=ASK, sender=f"Alguien <{STAFF}>\r\n <{HEAD}>"), "not_believed", {}),
    "a head's own name by a stranger": (raw(body="Se perdió todo", sender='"Carmen Soto Vega" <carmen@example.org>'), "no_office", {}),
    # -- answers
    "conformity": (answer(RESTORED, "CONFORME"), "conform", {RESTORED: "conformed"}),
    "no conformity, with its reason": (answer(RESTORED, "NO CONFORME: faltan dos archivos"), "object", {RESTORED: "objected"}),
    "conformity of another office's head": (answer(RESTORED, "CONFORME", sender=OTHER_HEAD), "refused", {}),
    "conformity of the head of the OTI": (answer(RESTORED, "CONFORME", sender=CHIEF), "refused", {}),
    "conformity of who asked": (answer(RESTORED, "CONFORME", sender=STAFF), "refused", {}),
    "conformity before anything was restored": (answer(AWAITING, "CONFORME"), "refused", {}),
    "conformity to a letter to another": (answer(RESTORED, "CONFORME", to_letter_of=OTHER_HEAD), "foreign_letter", {}),
    "conformity with the number guessed": (raw("In-Reply-To: <solicitud.2026-0003@example.org>", body="CONFORME", sender=HEAD), "foreign_letter", {}),
    "conformity signed by another key": (raw("In-Reply-To: " + identity(RESTORED, HEAD, bytes(32)), body="CONFORME", sender=HEAD), "foreign_letter", {}),
    "conformity with the number in the subject": (raw(body="CONFORME", sender=HEAD, subject=f"Re: [Solicitud {RESTORED}]"), "names_ticket", {}),
    "conformity to nothing": (raw(body="CONFORME", sender=HEAD, subject="Listo"), "unbound_word", {}),
    "conformity not believed": (answer(RESTORED, "CONFORME", stamp=""), "not_believed", {}),
    "letters of two requests": (answer(RESTORED, "CONFORME", f"References: {identity(AWAITING, HEAD)}"), "several_requests", {}),
    "a letter of ours among many foreign ones": (raw(
        "References: " + "<a@b.example>\r\n " * 300 + identity(RESTORED, HEAD), body="CONFORME", sender=HEAD, subject="Re:"), "conform",
        {RESTORED: "conformed"}),
    "conforme y no conforme": (answer(RESTORED, "CONFORME\nNO CONFORME"), "unclear", {}),
    "conforme, pero": (answer(RESTORED, "CONFORME, pero falta un archivo"), "unclear", {}),
    "conforme a": (answer(RESTORED, "Conforme a lo indicado, no recibí nada"), "unclear", {}),
    "conforme only in what is quoted": (answer(RESTORED, "Gracias por avisar.\n\n> CONFORME\n> NO CONFORME"), "unclear", {}),
    "conforme below what is quoted in a block": (answer(RESTORED, "De: Soporte\nEnviado el: lunes\nPara: Carmen\nAsunto: x\n\nCONFORME"), "unclear", {}),
    "nothing": (answer(RESTORED, ""), "unclear", {}),
    "text and HTML say two things": (multipart(text("CONFORME"), HTML + "\r\n\r\n<p>NO CONFORME</p>", kind="alternative", sender=HEAD, subject="Re:",
                                               message_id="<r@x>").replace(
        b"MIME-Version", b"In-Reply-To: " + identity(RESTORED, HEAD).encode() + b"\r\nMIME-Version"),
                                     "unclear", {}),
    "HTML only": (answer(RESTORED, "<html><style>p{}</style><body><p>CONFORME</p><blockquote>NO CONFORME</blockquote></body></html>", HTML), "conform",
                  {RESTORED: "conformed"}),
    "HTML that is broken": (answer(RESTORED, "<div><p><!-- " + "<" * 1000, HTML), "unclear", {}),
    "an authorisation": (answer(ESTIMATED, "Autorizo", sender=CHIEF), "authorise", {ESTIMATED: "authorised"}),
    "a rejection": (answer(ESTIMATED, "No autorizo: no corresponde", sender=CHIEF), "reject", {ESTIMATED: "rejected"}),
    "an authorisation by a head": (answer(ESTIMATED, "Autorizo"), "refused", {}),
    "an endorsement": (answer(AWAITING, "Estimados:\n\nVisto bueno."), "endorse", {AWAITING: "endorsed"}),
    "who asked takes it back": (answer(AWAITING, "Retiro la solicitud, ya apareció", sender=STAFF), "withdraw", {AWAITING: "withdrawn"}),
    "an address of two people": (answer(ESTIMATED, "Autorizo", sender="compartida@example.org"), "shared_address", {}),
    "a head who is none any more": (answer(RESTORED, "CONFORME", sender="ex@example.org"), "refused", {}),
    # -- machines
    "out of office": (answer(RESTORED, "CONFORME", "Auto-Submitted: auto-replied"), "automatic", {}),
    "out of office of Exchange": (answer(RESTORED, "CONFORME", "X-Auto-Response-Suppress: All", "X-MS-Exchange-Inbox-Rules-Loop: head@example.org"),
                                  "automatic", {}),
    "a mail that wants no answer": (answer(RESTORED, "CONFORME", "X-Auto-Response-Suppress: All"), "no_reply", {}),
    "the same without a sender": (answer(RESTORED, "CONFORME", "X-Auto-Response-Suppress: All", "Return-Path: <>"), "no_reply", {}),
    "a person's mail that its server marks": (answer(RESTORED, "CONFORME", "X-Auto-Response-Suppress: DR, RN, NRN, OOF, AutoReply"), "conform",
                                              {RESTORED: "conformed"}),
    "an automatic answer whose field hides in another": (answer(RESTORED, "Estoy de vacaciones", "Date: Thu, 1 Aug 2024 10:55:28 +0300\r\n"
                                                                "    Precedence: bulk\r\n    Auto-Submitted: auto-replied"), "unclear", {}),
    "out of office by its subject": (answer(RESTORED, "CONFORME", subject="Respuesta automática: Conformidad"), "automatic", {}),
    "a loop": (answer(RESTORED, "CONFORME", *["Received: from a by b; x"] * 40), "automatic", {}),
    "a list": (raw("List-Id: <todos.example.org>", body=ASK), "list", {}),
    "bulk": (raw("Precedence: bulk", body=ASK), "list", {}),
    "our own mail": (raw(body=ASK, sender=US), "own_mail", {}),
    "a bounce of our letter": (bounce(identity(RESTORED, HEAD), HEAD), "bounce", {}),
    "a bounce with a forged mail within": (bounce("<x@y>", HEAD), "bounce", {}),
    "a null sender": (raw("Return-Path: <>", body=ASK), "bounce", {}),
    "a read receipt": (multipart(text("Leído"), kind="report; report-type=disposition-notification", sender=HEAD), "automatic", {}),
    # -- what can't be read, and what costs much
    "0 bytes": (b"", "unreadable", {}),
    "NUL bytes only": (b"\0" * 5000, "unreadable", {}),
    "no header": (b"\r\n\r\nhola", "unreadable", {}),
    "NUL bytes within": (raw(body=ASK.replace("carpeta", "car\0peta")), "open", OPEN),
    "a header without end": (b"Subject: " + b"a" * 600_000, "unreadable", {}),
    "bytes of chance": (bytes(range(256)) * 200, "unreadable", {}),
    "UTF-8 that says ASCII": (raw("Content-Type: text/plain; charset=us-ascii", body=ASK), "open", OPEN),
    "a charset that there is not": (raw("Content-Type: text/plain; charset=x-nada", body=ASK.encode("latin-1")), "open", OPEN),
    "a charset that is a program": (raw("Content-Type: text/plain; charset=punycode", body=ASK), "open", OPEN),
    "UTF-16": (raw("Content-Type: text/plain; charset=utf-16", "Content-Transfer-Encoding: base64", body=B64(ASK.encode("utf-16"))), "open", OPEN),
    "8-bit letters in the header": (raw(b"X-Nota: Log\xedstica", body=ASK), "open", OPEN),
    "base64 that is none": (raw("Content-Type: text/plain", "Content-Transfer-Encoding: base64", body="!!!" + "á" * 10), "no_words", {}),
    "words of the header that are none": (raw(body=ASK, subject="=?utf-8?b?@@@?= =?nada?q?x?= =?utf-8?q?a=0D=0ABcc:_x@y?="), "open", OPEN),
    "a line end in the subject, encoded": (raw(body=ASK, subject="=?utf-8?q?Hola=0D=0AX-Respaldo:_si?="), "open", OPEN),
    "winmail.dat alone": (multipart('Content-Type: application/ms-tnef; name="winmail.dat"\r\n\r\nx'), "no_words", {}),
    "a message within the message": (multipart("Content-Type: message/rfc822\r\n\r\nFrom: x\r\n\r\nCONFORME"), "no_words", {}),
    "300 parts in one another": (nested(300), "unreadable", {}),
    "3,000 parts in one another": (nested(3000), "unreadable", {}),
    "3,000 parts beside one another": (multipart(*[text("x")] * 3000), "unreadable", {}),
    "10,000 recipients": (raw(body=ASK, to=",\r\n ".join(f"a{each}@example.org" for each in range(10_000))), "many_recipients", {}),
    "two Message-ID": (raw("Message-ID: <dos@example.org>", body=ASK), "unreadable", {}),
    "no Message-ID": (raw(body=ASK, message_id=""), "open", OPEN),
    "a Message-ID that is none": (raw(body=ASK, message_id="<a b> <c>"), "open", OPEN),
    "names of files that are paths": (multipart(text(ASK), 'Content-Disposition: attachment; filename="../../etc/passwd\0"\r\n\r\nx'), "open", OPEN),
    "a name by RFC 2231 that is none": (multipart(text(ASK), "Content-Disposition: attachment; filename*0*=x'y'%zz; filename*2*=%41\r\n\r\nx"), "open", OPEN),
    # -- new requests
    "a head asks": (raw(**HEAD_ASKS), "open", {"2026-0004": "endorsed"}),
    "with its head in copy": (raw(f"Cc: {HEAD}", body="Se borró una carpeta"), "open", OPEN),
    "with two heads in copy": (raw(f"Cc: {HEAD}, {OTHER_HEAD}", body="Se borró una carpeta"), "no_office", {}),
    "of an office that there is not": (raw(body="Se borró\nOficina: Ninguna"), "no_office", {}),
    "a day that there is not": (raw(body=ASK + "Perdido: 31/02/2026\n"), "open", OPEN),
    "a day to come": (raw(body=ASK + "Perdido: 31/12/2026\n"), "open", OPEN),
    "a system that there is not": (raw(body=ASK + "Sistema: NADA\n"), "open", OPEN),
    "a formula": (raw(body='=HYPERLINK("http://evil.example","x")\n' + ASK, subject="=1+1"), "open", OPEN),
}


@pytest.fixture
def store(brought_back):
    def make(top: Path) -> None:
        with open_store(str(top / "bitacora.sqlite")) as made:
            here.populate(made)

    with open_store(str(brought_back("place", make) / "bitacora.sqlite")) as found:
        yield found


def test_the_table_has_enough_of_them() -> None:
    assert len(MAILS) >= 100


@pytest.mark.parametrize("name", MAILS)
def test_each_has_its_one_right_outcome(store, name: str) -> None:
    mail, outcome, changed = MAILS[name]
    before = here.states(store)
    assert before == {AWAITING: "awaiting_endorsement", ESTIMATED: "estimated", RESTORED: "restored"}
    found = here.take(store, mail)
    assert (found.outcome, found.new) == (outcome, True), found.line
    assert here.states(store) == {**before, **changed}
    entry, = here.entries_of(store)
    assert entry["mail_sha256"] == found.sha256 and entry["mail_folder"] == found.folder == ("Atendidos" if entry["type"] == "mail_taken" else "Revisar")
    for row in found.rows:
        told = "".join(map(str, row.values()))
        assert told.isprintable() and len(told) < 6000
    # read again, by whomever: nothing more
    again = here.take(store, mail)
    assert (again.new, again.folder, again.rows) == (False, found.folder, ()) and len(here.entries_of(store)) == 1
    assert here.states(store) == {**before, **changed}


def test_a_large_mail_is_set_aside_by_its_header_alone(store) -> None:
    mail = reading.too_large(raw(body=ASK), 50 * 2 ** 20)
    assert "50 MiB" in mail.odd and mail.sender == STAFF
    from plugins.plugin_utils._mail import intake

    assert intake.take(store, mail, here.HOUSE, here.WHERE, here.NOW).outcome == "unreadable" and "50 MiB" in here.entries_of(store)[0]["note_es"]


def test_two_conformities_that_contradict_each_other(store) -> None:
    """Read one after the other in one run: the first stands, the second waits for a person who is told why; whichever came first."""
    yes, no = (answer(RESTORED, words, message_id=f"<{name}@example.org>") for name, words in (("si", "CONFORME"), ("no", "NO CONFORME: falta una carpeta")))
    first, second = here.take(store, yes), here.take(store, no)
    assert (first.outcome, second.outcome, second.folder) == ("conform", "refused", "Revisar") and "RSP750" in second.line and RESTORED in second.line
    assert here.states(store)[RESTORED] == "conformed" and len(store.entries(type="request_objected")) == 0
    # neither is read again for another outcome
    assert [here.take(store, each).new for each in (no, yes)] == [False, False] and here.states(store)[RESTORED] == "conformed"


# what a mail of the head says beside the system; what is opened, the day until which the copy is kept, and a loss
DAYS = {
    "the last day": ("Sistema: ana quispe\nConservar la copia hasta: 31/03/2027", ("mailbox", "2027-03-31", "")),
    "today": ("Sistema: Ana Quispe\nConservar hasta: 23/11/2026", ("mailbox", "2026-11-23", "")),
    "yesterday, so that it would never come back": ("Sistema: Ana Quispe\nConservar hasta: 22/11/2026", ("mailbox", "", "")),
    "for ever": ("Sistema: Ana Quispe\nConservar hasta: 31/12/2099", ("mailbox", "", "")),
    "no day of the calendar": ("Sistema: Ana Quispe\nConservar hasta: 31/02/2027", ("mailbox", "", "")),
    "no day": ("Sistema: Ana Quispe\nConservar hasta: siempre'; DROP TABLE asiento; --", ("mailbox", "", "")),
    "two days": ("Sistema: Ana Quispe\nConservar hasta: 31/03/2027\nConservar hasta: 31/03/2030", ("mailbox", "", "")),
    "of something else than a mailbox": ("Sistema: SIGA\nConservar hasta: 31/03/2027", ("restore", "", "")),
    "of nothing that is known": ("Sistema: nada\nConservar hasta: 31/03/2027", ("restore", "", "")),
    "of a mailbox that lost something": ("Sistema: Ana Quispe\nPerdido: 20/11/2026", ("restore", "", "2026-11-20T05:00:00Z")),
    "a loss that can't be leaves the day": ("Sistema: Ana Quispe\nPerdido: 20/11/2096\nConservar hasta: 31/03/2027", ("mailbox", "2027-03-31", "")),
    "a day that can't be leaves the loss": ("Sistema: Ana Quispe\nPerdido: 20/11/2026\nConservar hasta: 31/03/2006", ("mailbox", "", "2026-11-20T05:00:00Z")),
}


@pytest.mark.parametrize("name", DAYS)
def test_until_when_a_mailbox_s_copy_is_kept(store, name: str) -> None:
    body, wanted = DAYS[name]
    house = here.HOUSE._replace(systems=[*here.SYSTEMS, {"name": "Ana Quispe", "kind": "mailbox", "criticality": "baja"}])
    found = here.take(store, raw(body="La copia de su correo.\n" + body, sender=HEAD), house)
    assert found.outcome == "open", found.line
    opened = store.entries(type="request_opened")[-1]
    assert (opened["request"], opened.get("retention_until", ""), opened.get("lost_at", "")) == wanted
    assert "La copia de su correo." in opened["reason_text"] and ("se conserva hasta" in opened["note_es"]) == bool(wanted[1])
