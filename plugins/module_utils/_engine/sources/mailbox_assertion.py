# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an application shows of itself in place of a secret: an assertion (RFC 7523) signed by the private key of its certificate, as Microsoft's identity
platform wants it: PS256, the certificate named by its SHA-256, for one token endpoint and some minutes.

The key goes to openssl by a descriptor of an anonymous file; it is never sent anywhere. That it belongs to the certificate is seen before anybody is asked.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import ssl
import subprocess
import time
import uuid
from typing import List, Sequence

from ..errors import BackupError
from ..processes import programs

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+?-----END CERTIFICATE-----")
_LASTS = 600              # seconds that an assertion is good, at most what Microsoft advises
_SECONDS = 60.0           # of one run of openssl
_SALT = 32                # bytes, those of the digest: RFC 7518, 3.5
_NO_PASSPHRASE = ("-passin", "pass:")      # of a key that has one openssl would ask the terminal


class Assertions:
    """What makes assertions for a client. Raises BackupError where they are made, not here."""

    def __init__(self, client: str, certificate: str, key: str) -> None:
        self._client, self._certificate, self._key, self._thumbprint = client, certificate, key, ""

    def made(self, endpoint: str) -> str:
        """An assertion that is for this token endpoint. Raises mailbox_certificate_unusable, tool_missing."""
        private = programs.Secret(self._key if self._key.endswith("\n") else self._key + "\n")
        try:
            thumbprint = self._thumbprint or self._checked(private)
            now = int(time.time())
            head = {"alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint}
            claims = {"aud": endpoint, "iss": self._client, "sub": self._client, "jti": str(uuid.uuid4()), "nbf": now, "iat": now, "exp": now + _LASTS}
            told = "{0}.{1}".format(*(_packed(json.dumps(each, sort_keys=True).encode("utf-8")) for each in (head, claims)))
            arguments = ["dgst", "-sha256", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:{0}".format(_SALT), "-binary", *_NO_PASSPHRASE,
                         "-sign", private.path]
            signature = _openssl(arguments, told.encode("ascii"), (private.descriptor,))
            if not signature:
                raise self._unusable("the key does not sign as Microsoft wants it (PS256): it must be one of RSA")
            return told + "." + _packed(signature)
        finally:
            private.close()

    def _checked(self, private: programs.Secret) -> str:
        """The certificate's SHA-256, once it is one in force and the key's own."""
        found = _CERTIFICATE.search(programs.lines_of(self._certificate, "source.oauth.certificate"))
        if not found:
            raise self._unusable("there is no certificate (PEM) in it")
        pem = found[0] + "\n"
        public = _openssl(["x509", "-noout", "-pubkey"], pem.encode("ascii"))
        if not public:
            raise self._unusable("it can't be read as a certificate")
        own = _openssl(["pkey", "-pubout", *_NO_PASSPHRASE, "-in", private.path], b"", (private.descriptor,))
        if not own:
            raise self._unusable("its private key can't be read: it is no PEM, or has a passphrase")
        if public.split() != own.split():
            raise self._unusable("the private key is of another certificate")
        if not _openssl(["x509", "-noout", "-checkend", "0"], pem.encode("ascii")):
            raise self._unusable("it has ended")
        self._thumbprint = _packed(hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).digest())
        return self._thumbprint

    def _unusable(self, detail: str) -> BackupError:
        return BackupError("mailbox_certificate_unusable", client=self._client, detail=detail)

    def secrets(self) -> List[str]:
        """What no text may show: the key, and each line of it."""
        return [self._key, *(line for line in self._key.splitlines() if len(line) >= 16 and not line.startswith("-----"))] if self._key else []


def _openssl(arguments: Sequence[str], given: bytes, descriptors: Sequence[int] = ()) -> bytes:
    """What it answers; nothing where it fails. What it says beside is not shown: it may be of the key."""
    try:
        ended = subprocess.run([programs.find("openssl", "openssl"), *arguments], input=given, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd="/",
                               env=programs.environment(), pass_fds=descriptors, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return b""
    return ended.stdout if ended.returncode == 0 else b""


def _packed(told: bytes) -> str:
    return base64.urlsafe_b64encode(told).decode("ascii").rstrip("=")
