# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mail server (aiosmtpd) by TLS with accounts, by password and XOAUTH2, and as a relay without; it greylists, refuses and cuts as it is told.

mailserver.py DIRECTORY CERTIFICATE KEY. The file `ports` says where it listens; what it took is *.eml. A file `mood` in DIRECTORY holds one word:
refuse (each address), deny (each token), grey (each address the first time), cut (the connection within the mail), hold (wait for the file `go` after
taking a mail).
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import ssl
import sys
from pathlib import Path

from aiosmtpd.smtp import MISSING, SMTP, AuthResult, auth_mechanism

DIRECTORY = Path(sys.argv[1])
ACCOUNT, PASSWORD = "respaldo@example.org", "Cl4ve-Plantada-7f3a"
SEEN = set()
# a token of Microsoft's has more than a thousand characters (RFC 4954 lets a line of AUTH have 12,288)
SMTP.command_size_limit = SMTP.line_length_limit = 12288


def mood():
    path = DIRECTORY / "mood"
    return path.read_text().strip() if path.exists() else ""


class Taking:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if mood() == "refuse" or address.startswith("nadie"):
            return "550 5.1.1 no such mailbox"
        if mood() == "grey" and address not in SEEN:
            SEEN.add(address)
            return "451 4.7.1 greylisted, try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if mood() == "cut":
            server.transport.abort()
            return "421 cut"
        number = len(list(DIRECTORY.glob("*.eml*")))
        (DIRECTORY / f"{number:03}.eml").write_bytes(envelope.content)
        while mood() == "hold" and not (DIRECTORY / "go").exists():
            await asyncio.sleep(0.05)
        return "250 taken"


class Server(SMTP):
    """XOAUTH2 as Google and Microsoft describe it: account and token, and after a refusal a challenge that wants an empty answer."""

    @auth_mechanism("XOAUTH2")
    async def auth_XOAUTH2(self, server, args):
        said = base64.b64decode(args[1]).decode() if len(args) > 1 else ""
        found = re.fullmatch(r"user=(.+)\x01auth=Bearer ([\w.=-]+)\x01\x01", said)
        claims = json.loads(base64.urlsafe_b64decode(found[2].split(".")[1] + "==")) if found else {}
        if found and found[1] == ACCOUNT and claims["aud"] == "https://outlook.office365.com" and mood() != "deny":
            return AuthResult(success=True, auth_data=ACCOUNT)
        (DIRECTORY / "refused").write_text(said)
        answer = await self.challenge_auth(b'{"status":"400","schemes":"Bearer"}')
        assert answer in (b"", MISSING), answer
        await self.push("535 5.7.3 Authentication unsuccessful " + said.partition("Bearer ")[2].strip("\x01"))
        return AuthResult(success=False, handled=True)


def authenticate(server, session, envelope, mechanism, data):
    return AuthResult(success=(data.login, data.password) == (ACCOUNT.encode(), PASSWORD.encode()), handled=False)


async def main():
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(sys.argv[2], sys.argv[3])
    loop = asyncio.get_running_loop()
    starttls = await loop.create_server(lambda: Server(Taking(), tls_context=context, require_starttls=True, auth_required=True,
                                                       authenticator=authenticate), "127.0.0.1", 0)
    tls = await loop.create_server(lambda: Server(Taking(), auth_require_tls=False, auth_required=True, authenticator=authenticate), "127.0.0.1", 0,
                                   ssl=context)
    relay = await loop.create_server(lambda: SMTP(Taking()), "127.0.0.1", 0)
    ports = {name: server.sockets[0].getsockname()[1] for name, server in (("starttls", starttls), ("tls", tls), ("relay", relay))}
    (DIRECTORY / "ports.new").write_text(json.dumps(ports))
    (DIRECTORY / "ports.new").rename(DIRECTORY / "ports")
    await starttls.serve_forever()


asyncio.run(main())
