# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of letters: templates, what no value can do to them, and the mails that they become."""

from __future__ import annotations

import email
import email.policy
import html.parser
import re

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._letters import due, envelope, facts, writing

HOSTILE = "a\r\nBcc: x@example.org\n\n- <script>alert(1)</script> {{ 7 * 7 }}\u202e{% raw %}"


class Opened(html.parser.HTMLParser):
    """Which elements an HTML page opens and does not close."""

    def __init__(self, page):
        super().__init__()
        self.names, self.seen = [], set()
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        if tag != "meta":
            self.names.append(tag)

    def handle_endtag(self, tag):
        assert self.names.pop() == tag


@pytest.fixture(scope="module")
def words():
    return writing.Words()


@pytest.mark.parametrize("name", sorted(due.KINDS))
def test_every_letter_is_whole_sentences_with_its_ticket_and_its_institution(words, name):
    said = words.write(name, facts.SAMPLE)
    assert said.subject.startswith("[Solicitud 2026-0001] ") and "Estimado/a Carmen Soto Vega:" in said.text and "Entidad de Ejemplo" in said.text
    assert re.search(r"numeral(es)? [5-7]\.", said.text) and max(map(len, said.text.split("\n"))) <= 120 and "\n\n\n" not in said.text
    assert Opened(said.html).names == []
    assert Opened(said.html).seen <= {"html", "head", "meta", "title", "body", "div", "p", "h1", "table", "tr", "th", "td", "ul", "li"}
    # the HTML says what the text says
    shown = " ".join(re.sub(r"<[^>]+>", " ", said.html.replace("&#34;", '"')).split())
    assert all(word in shown for word in ("Estimado/a Carmen Soto Vega:", "2026-0001"))


@pytest.mark.parametrize("name", sorted(due.KINDS))
def test_no_value_begins_a_line_a_header_or_an_element(words, name):
    values = {key: HOSTILE if isinstance(value, str) else [HOSTILE] if key != "restored" else [dict.fromkeys(facts.RESTORED_SAMPLE, HOSTILE)]
              for key, value in facts.SAMPLE.items()}
    said = words.write(name, values)
    assert "\n" not in said.subject and said.text.count("\n\n") == words.write(name, facts.SAMPLE).text.count("\n\n") and "\u202e" not in said.text + said.html
    assert "<script" not in said.html and "49" not in said.text.replace(HOSTILE, "")
    mail = envelope.mail(said, "respaldo@example.org", HOSTILE.replace("\r\n", " ").replace("\n", " "), "Carmen", "carmen@example.org", "<a@b>", [])
    read = email.message_from_bytes(mail.as_bytes(), policy=email.policy.default)
    assert read["Bcc"] is None and set(read.keys()) == {
        "Subject", "From", "To", "Date", "Message-ID", "Auto-Submitted", "X-Auto-Response-Suppress", "X-Respaldo-Origin", "MIME-Version", "Content-Type"}
    assert read["Subject"] == said.subject


@pytest.mark.parametrize("file, text, said", [
    ("closed.txt.j2", "Sin asunto\n\nHola\n", "Asunto"),
    ("closed.txt.j2", "Asunto: x\n", "Asunto"),
    ("closed.txt.j2", "Asunto: x\n\n{% if %}\n", "line 3"),
    ("closed.txt.j2", "Asunto: x\n\n{{ ticket.__class__.__mro__ }}\n", "SecurityError"),
    ("closed.txt.j2", "Asunto: x\n\n{{ no_such }}\n", "no_such"),
    ("closed.txt.j2", "Asunto: x\n\n{% for n in range(10 ** 9) %}x{% endfor %}\n", "OverflowError"),
    ("closed.txt.j2", "Asunto: x\n\n{{ 1 / 0 }}\n", "ZeroDivisionError"),
    ("closed.txt.j2", "Asunto: x\n\n{{ 'x' * 300000 }}\n", "characters"),
    ("closed.txt.j2", "Asunto: x\n\n{% include 'otra.txt.j2' %}\n", "otra.txt.j2"),
    ("cierre.txt.j2", "Asunto: x\n\ny\n", "no letter has this name"),
    ("carta.html.j2", "{{ nothing }}", "nothing"),
])
def test_a_template_that_can_t_be_used_is_told_with_its_file(tmp_path, file, text, said):
    (tmp_path / file).write_text(text, "utf-8")
    with pytest.raises(BackupError) as refused:
        writing.Words(str(tmp_path))
    assert refused.value.code == "RSP765" and said in refused.value.message and file in refused.value.message, refused.value.message


def test_an_institution_s_directory_has_its_own_and_takes_the_others(tmp_path):
    (tmp_path / "pie.txt.j2").write_text("Oficina de Tecnologías de la Información.\n", "utf-8")
    said = writing.Words(str(tmp_path)).write("closed", facts.SAMPLE)
    assert said.text.endswith("\nOficina de Tecnologías de la Información.\n") and "Ticket cerrado" in said.subject
    with pytest.raises(BackupError, match="no directory"):
        writing.Words(str(tmp_path / "no"))


def made(**changed):
    given = {"written": writing.Written("Asunto", "Texto\n", "<p>Texto</p>"), "sender": "respaldo@example.org", "institution": "Entidad", "to": "Carmen",
             "address": "carmen@example.org", "message_id": "<a@example.org>", "thread": [], **changed}
    return envelope.mail(**given)


@pytest.mark.parametrize("changed, header", [
    ({"address": "a@b\r\nBcc: c@d"}, "To"), ({"address": "sin arroba"}, "To"), ({"to": "Carmen\nBcc: c@d"}, "To"), ({"sender": "a b@c"}, "From"),
    ({"reply_to": "a@b, c@d"}, "Reply-To"), ({"message_id": "a@b"}, "Message-ID"), ({"message_id": "<a@b>\r\nBcc: c@d"}, "Message-ID"),
    ({"written": writing.Written("Asunto\r\nBcc: c@d", "x\n", "x")}, "Subject"), ({"institution": "Entidad\r\nBcc: c@d"}, "From"),
    ({"address": "a@b>"}, "To"), ({"address": "\"a\\\"@b"}, "To"),
])
def test_what_would_forge_a_header_is_refused(changed, header):
    with pytest.raises(BackupError) as refused:
        made(**changed)
    assert (refused.value.code, refused.value.details["header"]) == ("RSP768", header)


def test_a_thread_has_only_identities_and_keeps_them_whole():
    long = ["<{0}{1}@example.org>".format("x" * 180, number) for number in range(9)]
    hostile = ["<a@b>\r\nBcc: c@d", "no identity", "<a b@c>", "<ñ@b>", "", "<" + "y" * 500 + "@b>"]
    mail = made(thread=[long[0], *hostile, *long[1:]])
    read = email.message_from_bytes(mail.as_bytes(), policy=email.policy.compat32)
    assert read["In-Reply-To"].strip() == long[-1] and read["References"].split() == [long[0], *long[-5:]] and read["Bcc"] is None
    assert max(map(len, mail.as_bytes().split(b"\r\n"))) <= 998 and "In-Reply-To" not in made(thread=hostile)
