# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mail server with STARTTLS and accounts, and a service by HTTP: what each took becomes a file of a directory, in order.

receiver.py DIRECTORY CERTIFICATE KEY; the file `ports` says where they listen.
"""

from __future__ import annotations

import asyncio
import http.server
import json
import ssl
import sys
import threading
from pathlib import Path

from aiosmtpd.smtp import SMTP, AuthResult

DIRECTORY = Path(sys.argv[1])


def keep(kind, data):
    place = DIRECTORY / f"{len(list(DIRECTORY.glob('*.taken'))):03}-{kind}.taken"
    place.write_bytes(data)


class Mail:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        keep("mail", envelope.content)
        return "250 taken"


class Service(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        data = self.rfile.read(int(self.headers["Content-Length"]))
        if "refuse" in self.path:
            self.send_error(503)
            return
        keep("service", data)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *told):
        pass


def authenticate(server, session, envelope, mechanism, data):
    return AuthResult(success=(data.login, data.password) == (b"respaldo", b"Cl4ve-Plantada-7f3a"), handled=False)


async def main():
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(sys.argv[2], sys.argv[3])
    mail = await asyncio.get_running_loop().create_server(
        lambda: SMTP(Mail(), tls_context=context, require_starttls=True, auth_required=True, authenticator=authenticate), "127.0.0.1", 0)
    tls = await asyncio.get_running_loop().create_server(
        lambda: SMTP(Mail(), auth_require_tls=False, auth_required=True, authenticator=authenticate), "127.0.0.1", 0, ssl=context)
    service = http.server.HTTPServer(("127.0.0.1", 0), Service)
    threading.Thread(target=service.serve_forever, daemon=True).start()
    ports = {"tls": tls.sockets[0].getsockname()[1], "mail": mail.sockets[0].getsockname()[1], "service": service.server_address[1]}
    (DIRECTORY / "ports.new").write_text(json.dumps(ports))
    (DIRECTORY / "ports.new").rename(DIRECTORY / "ports")
    await mail.serve_forever()


asyncio.run(main())
