# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mailbox of a real Dovecot that lets in by tokens of OAuth2, given by a fake of Microsoft's identity platform: copied; and each way to be kept out."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import login
import pytest
import registered
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources import imap_session, mailbox_tokens, of_mailboxes
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.imap import Imap

from .conftest import USER, Dovecot
from .test_box import _token
from .test_imap_source import Bench

KEY, OTHER = b"0123456789abcdef0123456789abcdef", bytes(32)


@pytest.fixture(scope="module", params=["xoauth2", "oauthbearer"])
def server(request: pytest.FixtureRequest) -> Iterator[Dovecot]:
    passdb = f"passdb {{{{\n  driver = oauth2\n  mechanisms = {request.param}\n  args = {{top}}/oauth2.conf\n}}}}"
    opened = Dovecot(f"auth_mechanisms = plain {request.param}\n{passdb}", {
        "oauth2.conf": "introspection_mode = local\nlocal_validation_key_dict = fs:posix:prefix={top}/keys/\n",
        "keys/default/HS256/default": base64.b64encode(KEY)})
    try:
        opened.put(b"Subject: uno\r\n\r\nx\r\n")
        yield opened
    finally:
        opened.close()


class Gate:
    """Who gives tokens: signed by the key that Dovecot knows, or by another."""

    def __init__(self, server: Dovecot, top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (top / "server.pem").write_bytes((server.top / "cert.pem").read_bytes())
        (top / "server.key").write_bytes((server.top / "key.pem").read_bytes())
        self.key, self.given, self.top, self.server = KEY, [], top, server
        monkeypatch.setattr(login, "token", self._signed)
        self.fake = login.FakeLogin(top)

    def _signed(self, audience: str) -> str:
        assert audience == "https://outlook.office365.com"
        self.given.append(_token(self.key))
        return self.given[-1]

    def oauth(self, secret: str = login.SECRET, **more: str) -> dict[str, str]:
        return {"tenant": login.TENANT, "client_id": login.CLIENT, "client_secret": secret, "authority": self.fake.url,
                "ca_certs": str(self.top / "server.pem"), **more}

    def source(self, secret: str = login.SECRET, **more: str) -> Imap:
        return Imap(host="localhost", user=USER, port=self.server.port, ca_certs=str(self.server.top / "cert.pem"), oauth=self.oauth(secret, **more))


@pytest.fixture
def gate(server: Dovecot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    opened = Gate(server, tmp_path, monkeypatch)
    yield opened
    opened.fake.close()


def test_it_is_copied_by_one_token_for_all_sessions_and_another_when_that_ends(gate: Gate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    logins = (gate.server.top / "log").read_text("utf-8").count("Login: user")
    mailbox = gate.source()
    bench = Bench(tmp_path / "bench")
    made = bench.make(mailbox)
    assert made.fields["objects"] == 1 and len(gate.given) == 1
    assert (gate.server.top / "log").read_text("utf-8").count("Login: user") - logins >= 3
    with bench.open() as copy:      # and back into a mailbox, by the options that a copy of Graph is given back with
        giving = of_mailboxes.build({"type": "graph", "host": "localhost", "user": USER, "port": gate.server.port, "oauth": gate.oauth(),
                                     "ca_certs": str(gate.server.top / "cert.pem")})
        giving.choose({"format": "mailbox"})
        assert giving.restore(copy, giving.default_target(copy.manifest), False)["given"] == 1 and len(gate.given) == 2
    gate.given.pop()
    monkeypatch.setattr(mailbox_tokens, "_EARLY", 4000.0)
    mailbox.preflight()
    assert len(gate.given) == 1, "it is good still"
    mailbox = gate.source()
    mailbox.preflight()
    mailbox.preflight()
    assert len(gate.given) == 3


def test_a_token_that_the_mailbox_refuses_is_shown_once(gate: Gate) -> None:
    gate.key = OTHER
    with pytest.raises(BackupError) as told:
        gate.source().preflight()
    token, = gate.given
    shown: Any = f"{told.value.message} {told.value.details}"
    assert told.value.code == "RSP131" and token not in shown and login.SECRET not in shown
    with pytest.raises(BackupError) as told:
        gate.source("otra-clave").preflight()
    assert told.value.code == "RSP144" and "AADSTS7000215" in told.value.message and "otra-clave" not in told.value.message
    assert len(gate.given) == 1 and len(gate.fake.asked) == 2


def test_what_a_server_repeats_of_a_token_is_hidden(gate: Gate) -> None:
    mailbox = gate.source()
    token = mailbox.place.tokens.value() if mailbox.place.tokens else ""
    for mechanism in imap_session._MECHANISMS:
        packed = base64.b64encode(imap_session._bearer(mailbox.place, mechanism, token).encode()).decode()
        assert imap_session.said(OSError(f"no {packed} {token} {login.SECRET}"), mailbox.place) == "no *** *** ***"


def test_a_certificate_is_shown_in_place_of_the_secret(gate: Gate) -> None:
    gate.fake.certificate, key = registered.pair()
    gate.source("", certificate=gate.fake.certificate, private_key=key).preflight()
    assert len(gate.given) == 1 and "client_secret" not in gate.fake.asked[-1]
    mailbox = gate.source("", certificate=gate.fake.certificate, private_key=key)
    gate.fake.certificate = registered.pair()[0]
    with pytest.raises(BackupError) as told:
        mailbox.preflight()
    assert told.value.code == "RSP144" and "AADSTS700027" in told.value.message and len(gate.given) == 1
