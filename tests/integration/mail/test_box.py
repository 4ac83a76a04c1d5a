# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mailbox by a real Dovecot: a mail leaves alone with MOVE and without, large ones are not fetched whole, and what goes wrong has its code."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import time
from collections.abc import Iterator

import login
import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._mail import box
from login import CLIENT, SECRET, TENANT, FakeLogin

from .conftest import PASSWORD, USER, Dovecot, letter

OPTIONS = {"host": "localhost", "security": "tls", "username": USER, "password": PASSWORD, "token": None, "oauth": None, "folder": "INBOX",
           "taken": "Atendidos", "set_aside": "Revisar", "most": 100, "largest_mib": 1}
OAUTH = {"tenant": TENANT, "client_id": CLIENT, "client_secret": SECRET, "scope": "https://outlook.office365.com/.default", "authority": "https://localhost",
         "ca_certs": None, "proxy": None}


@pytest.fixture(scope="module")
def plain() -> Iterator[Dovecot]:
    """A server that has UIDPLUS and no MOVE."""
    server = Dovecot("imap_capability = IMAP4rev1 UIDPLUS LITERAL+")
    try:
        yield server
    finally:
        server.close()


def of(server: Dovecot, **more) -> dict:
    return {**OPTIONS, "port": server.port, "ca_file": str(server.top / "cert.pem"), **more}


def refused(options: dict) -> BackupError:
    with pytest.raises(BackupError) as caught, box.opened(options):
        pass
    assert PASSWORD not in caught.value.in_both()
    return caught.value


@pytest.mark.parametrize("which", ["dovecot", "plain"])
def test_one_mail_leaves_alone(request, house, which: str) -> None:
    server = request.getfixturevalue(which)
    server.put(*(letter("a@example.org", f"n{number}", "x") for number in range(3)))
    with server.session() as session:      # what another deleted and did not expunge stays his
        session.select("INBOX")
        session.store("3", "+FLAGS", r"(\Deleted)")
    with box.opened(of(server)) as mailbox:
        waiting = mailbox.waiting()
        assert len(waiting) == 3 and b"Subject: n1" in (mailbox.fetch(waiting[1]) or b"")
        mailbox.move(waiting[1].uid, "Atendidos")
        mailbox.move(waiting[1].uid, "Atendidos")      # gone already: nothing
        assert mailbox.fetch(waiting[1]) is None
    assert [b"n0" in raw or b"n2" in raw for raw in server.lying("INBOX")] == [True, True] and len(server.lying("Atendidos")) == 1
    assert "\\Seen" not in server.flags("INBOX")


def test_a_large_mail_is_not_fetched_whole(house) -> None:
    house.dovecot.put(letter("a@example.org", "grande", "x\n" * 1_500_000))
    with box.opened(of(house.dovecot)) as mailbox:
        each, = mailbox.waiting()
        assert each.size > mailbox.largest and len(mailbox.fetch(each) or b"") == mailbox.largest + 1
        assert b"Subject: grande" in (mailbox.headers(each) or b"") and len(mailbox.headers(each) or b"") < 2000


def test_what_goes_wrong_has_its_code(house, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(box, "_PAUSE", 0.01)
    assert refused(of(house.dovecot, password="otra")).code == "RSP771"
    assert refused(of(house.dovecot, password=None, token="un-token")).code == "RSP771"
    (tmp_path / "otra.pem").write_bytes((Dovecot.certificate(tmp_path)).read_bytes())
    assert refused(of(house.dovecot, ca_file=str(tmp_path / "otra.pem"))).code == "RSP770"
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        assert refused(of(house.dovecot, port=nobody.getsockname()[1])).code == "RSP770"
    with pytest.raises(BackupError) as caught, box.opened(of(house.dovecot, folder="NoHay")) as mailbox:
        mailbox.waiting()
    assert caught.value.code == "RSP772"


@pytest.mark.parametrize("wrong", [
    {"password": None}, {"token": "x"}, {"password": "a\nb"}, {"folder": "Atención"}, {"taken": "INBOX"}, {"set_aside": ""}, {"most": 0}, {"largest_mib": 5000},
    {"username": "a\r\nb"}, {"oauth": OAUTH}, {"password": None, "oauth": {**OAUTH, "authority": "http://login.example.org"}},
    {"password": None, "oauth": {**OAUTH, "tenant": "a/b"}}, {"password": None, "token": "x", "oauth": OAUTH},
])
def test_settings_that_can_not_work_are_refused_before_anything(wrong: dict) -> None:
    box.check(OPTIONS, "mailbox")
    with pytest.raises(BackupError) as caught:
        box.check({**OPTIONS, **wrong}, "mailbox")
    assert caught.value.code == "RSP101" and PASSWORD not in caught.value.in_both()


def _token(secret: bytes) -> str:
    """A JSON Web Token (RFC 7519) as a service of tokens signs it."""
    def coded(raw: bytes) -> str:
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")

    now = int(time.time())
    said = [{"typ": "JWT", "alg": "HS256"}, {"sub": USER, "email": USER, "iat": now - 60, "nbf": now - 60, "exp": now + 3600}]
    signed = ".".join(coded(json.dumps(each).encode()) for each in said)
    return signed + "." + coded(hmac.new(secret, signed.encode(), hashlib.sha256).digest())


def test_a_token_lets_in_and_a_wrong_one_does_not() -> None:
    secret = b"0123456789abcdef0123456789abcdef"
    server = Dovecot("passdb {{\n  driver = oauth2\n  mechanisms = xoauth2\n  args = {top}/oauth2.conf\n}}", {
        "oauth2.conf": "introspection_mode = local\nlocal_validation_key_dict = fs:posix:prefix={top}/keys/\n",
        "keys/default/HS256/default": base64.b64encode(secret)})
    try:
        with box.opened(of(server, password=None, token=_token(secret))) as mailbox:
            assert mailbox.waiting() == []
        token = _token(bytes(32))
        error = refused(of(server, password=None, token=token))
        assert error.code == "RSP771" and token not in error.in_both()
    finally:
        server.close()


def test_an_application_reads_the_mailbox_by_client_credentials(tmp_path, monkeypatch) -> None:
    """The token that Entra ID's (fake) service gives lets in (XOAUTH2): asked for once, as Microsoft describes it; neither it nor the secret is told."""
    key = b"0123456789abcdef0123456789abcdef"
    server = Dovecot("passdb {{\n  driver = oauth2\n  mechanisms = xoauth2\n  args = {top}/oauth2.conf\n}}", {
        "oauth2.conf": "introspection_mode = local\nlocal_validation_key_dict = fs:posix:prefix={top}/keys/\n",
        "keys/default/HS256/default": base64.b64encode(key)})
    (tmp_path / "server.pem").write_bytes((server.top / "cert.pem").read_bytes())
    (tmp_path / "server.key").write_bytes((server.top / "key.pem").read_bytes())
    fake = FakeLogin(tmp_path)
    given: list[str] = []

    def signed(audience: str) -> str:
        given.append(_token(key if not given or given[-1] != "wrong" else bytes(32)))
        return given[-1]

    monkeypatch.setattr(login, "token", signed)
    options = of(server, password=None, oauth={**OAUTH, "authority": fake.url, "ca_certs": str(tmp_path / "server.pem")})
    try:
        box.check(options, "mailbox")
        with box.opened(options) as mailbox:
            assert mailbox.waiting() == []
        asked, = fake.asked
        assert (asked["grant_type"], asked["client_id"], asked["scope"]) == ("client_credentials", CLIENT, OAUTH["scope"])
        given.append("wrong")      # the mailbox refuses what it was given
        error = refused(options)
        assert error.code == "RSP771" and given[-1] not in error.in_both() and SECRET not in error.in_both()
        fake.refusal = "AADSTS7000222: The provided client secret keys are expired."
        error = refused(options)
        assert error.code == "RSP766" and "AADSTS7000222" in error.in_both() and SECRET not in error.in_both() and "no se envió ni se leyó" in error.in_both()
    finally:
        fake.close()
        server.close()
