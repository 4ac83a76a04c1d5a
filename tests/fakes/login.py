# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fake login service of Entra ID: as much of it as msal asks for. It knows one application, by a secret, a certificate or an assertion.
It is also the fake of a managed identity's own service, as App Service has one, under /msi/token.

Its tokens have the shape that Azurite's `--oauth basic` looks at; nothing about the real service's decisions is proved by it.
"""

from __future__ import annotations

import base64
import json
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qs

import assertion as assertions
from served import Served

TENANT, CLIENT, SECRET, FEDERATED = "00000000-0000-0000-0000-0000000000aa", "00000000-0000-0000-0000-0000000000bb", "llave-muy-secreta", "token-federado"


def _part(told: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip("=")


def token(audience: str, seconds: int = 3600) -> str:
    now = int(time.time())
    claims = {"aud": audience, "iss": f"https://sts.windows.net/{TENANT}/", "iat": now - 5, "nbf": now - 5, "exp": now + seconds, "oid": CLIENT, "tid": TENANT}
    return ".".join([_part({"alg": "none", "typ": "JWT"}), _part(claims), "x"])


class FakeLogin(Served):
    """Listens on a port of the loopback, with the bench's certificate. `certificate` is what the application is registered with: then it is asked for that."""

    certificate = ""

    def __init__(self, directory: Path) -> None:
        asked: list[dict[str, str]] = []
        self.asked = asked
        # what the service says instead of giving a token, such as an expired secret
        self.refusal = ""
        self.shown: set[str] = set()
        login = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_unused: object) -> None:
                """Silence."""

            def answer(self, status: int, told: object) -> None:
                body = json.dumps(told).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self) -> None:
                if self.path.startswith("/msi/token?"):
                    words = {name: values[0] for name, values in parse_qs(self.path.partition("?")[2]).items()}
                    asked.append({**words, "header": self.headers.get("X-IDENTITY-HEADER", "")})
                    if asked[-1]["header"] != "palabra":
                        self.answer(400, {"statusCode": 400, "message": "the header is not the one that was given"})
                        return
                    self.answer(200, {"access_token": token(words["resource"]), "expires_on": str(int(time.time()) + 3600),
                                      "resource": words["resource"], "token_type": "Bearer"})
                    return
                if TENANT not in self.path:
                    self.answer(400, {"error": "invalid_tenant", "error_description": "AADSTS90002: Tenant not found."})
                    return
                base = "https://{0}/{1}".format(self.headers["Host"], TENANT)
                self.answer(200, {"issuer": f"{base}/v2.0", "token_endpoint": f"{base}/oauth2/v2.0/token", "authorization_endpoint": f"{base}/authorize"})

            def do_POST(self) -> None:
                body = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                words = {name: values[0] for name, values in body.items()}
                asked.append(words)
                assertion = words.get("client_assertion", "")
                known = words.get("client_secret") == SECRET or assertion == FEDERATED or assertion.count(".") == 2
                if login.certificate:
                    endpoint = f"{login.url}/{TENANT}/oauth2/v2.0/token"
                    login.refusal = assertions.refusal(words, login.certificate, CLIENT, endpoint, login.shown)
                if login.refusal:
                    self.answer(401, {"error": "invalid_client", "error_description": login.refusal + "\r\nTrace ID: x"})
                    return
                if words.get("client_id") != CLIENT or not known:
                    self.answer(401, {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided.\r\nTrace ID: x"})
                    return
                self.answer(200, {"token_type": "Bearer", "expires_in": 3599, "access_token": token(words["scope"].removesuffix("/.default"))})

        super().__init__(Handler, directory / "server.pem", directory / "server.key")
