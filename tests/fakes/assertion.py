# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an application proves itself by its certificate as Microsoft's page says (entra/identity-platform/certificate-credentials, RFC 7523): judged by
`cryptography`, not by the program that signed."""

from __future__ import annotations

import base64
import json
import time
import uuid

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def refusal(words: dict[str, str], certificate: str, client: str, endpoint: str, seen: set[str]) -> str:
    """What is wrong with it; nothing when it is right. `seen` are the assertions that were shown before."""
    if words.get("client_assertion_type") != TYPE or words.get("client_assertion", "").count(".") != 2:
        return "AADSTS50027: it is no assertion"
    told, _dot, signature = words["client_assertion"].rpartition(".")
    head, claims = (json.loads(_bytes(each)) for each in told.split("."))
    registered = x509.load_pem_x509_certificate(certificate.encode("ascii"))
    thumbprint = base64.urlsafe_b64encode(registered.fingerprint(hashes.SHA256())).decode("ascii").rstrip("=")
    if head != {"alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint}:
        return "AADSTS700027: the certificate is not registered"
    key = registered.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    try:
        key.verify(_bytes(signature), told.encode("ascii"), padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
    except InvalidSignature:
        return "AADSTS700027: the signature is wrong"
    if set(claims) != {"aud", "exp", "iss", "jti", "nbf", "sub", "iat"} or (claims["iss"], claims["sub"], claims["aud"]) != (client, client, endpoint):
        return "AADSTS700023: it is for another"
    if not claims["nbf"] - 60 <= time.time() <= claims["exp"] or claims["exp"] - claims["nbf"] > 600:
        return "AADSTS700024: its time is not now"
    if str(uuid.UUID(claims["jti"])) != claims["jti"] or claims["jti"] in seen:
        return "AADSTS700022: it was shown before"
    seen.add(claims["jti"])
    return ""


def _bytes(told: str) -> bytes:
    assert "=" not in told and "+" not in told and "/" not in told
    return base64.urlsafe_b64decode(told + "=" * (-len(told) % 4))
