# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A certificate as an application is registered with, and its private key: each time another certificate, and one RSA key, which takes long to make."""

from __future__ import annotations

import functools
from datetime import datetime, timedelta, timezone

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID


@functools.lru_cache(maxsize=None)
def _rsa() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def pair(days: int = 30, elliptic: bool = False, passphrase: bytes = b"") -> tuple[str, str]:
    """Certificate and key, both PEM. `days` until it ends, below 0 when it has."""
    key = ec.generate_private_key(ec.SECP256R1()) if elliptic else _rsa()
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "respaldo")]), datetime.now(timezone.utc)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(x509.random_serial_number())
    made = made.not_valid_before(now - timedelta(days=60)).not_valid_after(now + timedelta(days=days))
    sealed = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    return (made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode("ascii"),
            key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, sealed).decode("ascii"))
