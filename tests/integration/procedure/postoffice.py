# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mail server of an institution (aiosmtpd), which delivers into Dovecot's Maildirs and stamps who it is that sends, as RFC 8601 and RFC 8616 have it.

postoffice.py DIRECTORY DOMAIN MAIL UID GID. DIRECTORY holds cert.pem, key.pem and `accounts` (JSON, address -> password); the file `ports` says where it
listens: `submission` (TLS, accounts; who is known may send by his own address alone, and is stamped), `outside` (mail of strangers: stamped as not aligned),
`bare` (a server that writes nothing into a mail, not even that it got it, and lets its clients say what they want). What is for nobody here is answered 550.
Stamps of its own name that a mail brings are taken away by the first two, as RFC 8601 section 5 orders.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import ssl
import sys
from email import message_from_bytes, policy
from email.utils import formatdate, parseaddr
from pathlib import Path

from aiosmtpd.smtp import SMTP, AuthResult

DIRECTORY, DOMAIN, MAIL, UID, GID = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
ACCOUNTS = json.loads((DIRECTORY / "accounts").read_text("utf-8"))
NAME = "mx." + DOMAIN
# Each connection has a Delivering of its own, and Dovecot takes two files of one name for one mail: the number is of all of them.
DELIVERED = itertools.count(1)


class Delivering:
    """Puts each mail into the Maildir of whom it is for, complete at once."""

    def __init__(self, way: str) -> None:
        self.way = way

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.lower() not in ACCOUNTS:
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address.lower())
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        sender = parseaddr(str(message_from_bytes(envelope.content, policy=policy.compat32)["From"] or ""))[1].lower()
        account = session.auth_data.login.decode() if session.authenticated else ""
        if self.way == "submission" and sender != account:
            return "550 5.7.60 not allowed to send as this sender"
        content = envelope.content if self.way == "bare" else self.stamps(account, sender) + unstamped(envelope.content)
        for address in dict.fromkeys(envelope.rcpt_tos):
            self.deliver(address, content)
        return "250 taken"

    def stamps(self, account, sender):
        if account:
            said = f"{NAME}; auth=pass smtp.auth={account}; dmarc=pass header.from={DOMAIN}"
        else:
            said = f"{NAME}; spf=fail smtp.mailfrom={sender}; dkim=none; dmarc=fail header.from={sender.rpartition('@')[2]}"
        protocol = "ESMTPSA" if account else "ESMTP"
        return (f"Authentication-Results: {said}\r\n"
                f"Received: from [127.0.0.1] by {NAME} with {protocol}; {formatdate()}\r\n").encode()

    def deliver(self, address, content):
        box = MAIL / address / "Maildir"
        for name in ("", "tmp", "new", "cur"):
            if not (box / name).is_dir():
                (box / name).mkdir(parents=True)
                os.chown(box / name, UID, GID)
        unfinished = box / "tmp" / f"{self.way}.{next(DELIVERED)}.{os.getpid()}"
        unfinished.write_bytes(content)
        os.chown(unfinished, UID, GID)
        unfinished.rename(box / "new" / unfinished.name)


def unstamped(content):
    """Without the fields of the header that bear our name: they can't be ours."""
    head, gap, body = content.partition(b"\r\n\r\n")
    kept: list[bytes] = []
    drops = False
    for line in head.split(b"\r\n"):
        if not line.startswith((b" ", b"\t")):
            drops = line.lower().startswith(b"authentication-results:")
        if not drops:
            kept.append(line)
    return b"\r\n".join(kept) + gap + body


def authenticate(server, session, envelope, mechanism, data):
    known = ACCOUNTS.get(data.login.decode("utf-8", "replace").lower())
    return AuthResult(success=bool(known) and data.password.decode("utf-8", "replace") == known, handled=False, auth_data=data)


async def main():
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(DIRECTORY / "cert.pem", DIRECTORY / "key.pem")
    loop = asyncio.get_running_loop()
    servers = {
        "submission": await loop.create_server(lambda: SMTP(Delivering("submission"), auth_require_tls=False, auth_required=True, authenticator=authenticate,
                                                            enable_SMTPUTF8=True), "127.0.0.1", 0, ssl=context),
        "outside": await loop.create_server(lambda: SMTP(Delivering("outside")), "127.0.0.1", 0),
        "bare": await loop.create_server(lambda: SMTP(Delivering("bare")), "127.0.0.1", 0)}
    (DIRECTORY / "ports.new").write_text(json.dumps({name: server.sockets[0].getsockname()[1] for name, server in servers.items()}))
    (DIRECTORY / "ports.new").rename(DIRECTORY / "ports")
    await servers["submission"].serve_forever()


asyncio.run(main())
