# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who we are to a mail server: a password, OAuth2 against the fake login service of Entra ID, a relay that asks nothing; the same door for warnings."""

from __future__ import annotations

import pytest
from login import CLIENT, SECRET, TENANT, FakeLogin


@pytest.fixture
def login(institution):
    fake = FakeLogin(institution.directory)
    institution.secrets.append(SECRET)
    yield fake
    fake.close()


def by_oauth(institution, login, **changed):
    oauth = {"tenant": TENANT, "client_id": CLIENT, "client_secret": SECRET, "authority": login.url, "ca_certs": str(institution.directory / "server.pem"),
             **changed}
    return institution.mail(password=None, oauth=oauth)


def test_a_letter_and_a_warning_go_by_oauth2(institution, login):
    institution.opened()
    done = institution.letters(mail=by_oauth(institution, login))
    assert done.returncode == 0 and len(institution.taken()) == 2, done.output
    # one token for all letters of a run, asked for as Microsoft describes it
    assert login.asked == [{"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET,
                            "scope": "https://outlook.office365.com/.default"}]
    mail = {**by_oauth(institution, login), "to": ["oti@example.org"]}
    del mail["reply_to"]
    warned = institution.letters(name="warn", backup_warn_mail=mail, warn_summary_from="00:00")
    assert warned.returncode == 0 and [each["To"] for each in institution.taken()] == ["oti@example.org"], warned.output


def test_a_secret_or_a_token_that_is_refused_is_told_without_it(institution, login):
    institution.opened()
    institution.secrets.append("otra-clave-plantada")
    wrong = institution.letters(mail=by_oauth(institution, login, client_secret="otra-clave-plantada"))
    assert wrong.returncode == 2 and "RSP766" in wrong.output and "AADSTS7000215" in wrong.output, wrong.output
    failed, = institution.entries("letter_failed")      # the account gets no token: the second letter was not tried
    assert failed["error_code"] == "RSP766" and not institution.taken()


def test_a_server_that_refuses_the_token_and_repeats_it_does_not_make_us_tell_it(institution, login):
    institution.opened()
    institution.mood("deny")
    done = institution.letters(mail=by_oauth(institution, login))
    token = (institution.inbox / "refused").read_text().partition("Bearer ")[2].strip("\x01")
    assert done.returncode == 2 and "RSP764" in done.output and "5.7.3 Authentication unsuccessful" in done.output, done.output
    assert len(token) > 50 and token not in done.output and token.encode() not in institution.file.read_bytes()


@pytest.mark.parametrize("port, changed", [("tls", {"security": "tls"}), ("relay", {"security": "none", "username": None, "password": None})])
def test_other_ways_to_a_server(institution, port, changed):
    institution.opened()
    done = institution.letters(mail=institution.mail(port=institution.ports[port], **changed))
    assert done.returncode == 0 and len(institution.taken()) == 2, done.output


@pytest.mark.parametrize("changed, said", [
    ({"security": "none"}, "would send the password in clear"), ({"reply_to": "a@b\nBcc: c@d"}, "mail.reply_to"), ({"sender": "x"}, "mail.sender")])
def test_settings_that_can_t_work_are_told_before_anything_is_sent(institution, changed, said):
    institution.opened()
    done = institution.letters(mail=institution.mail(**changed))
    assert done.returncode == 2 and "RSP101" in done.output and said in done.output, done.output
    assert not institution.taken() and not institution.entries("letter_started")
