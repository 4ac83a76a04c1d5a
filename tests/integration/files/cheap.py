# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cheap key for a repository of restic, for tests that call it many times.

restic makes the password into a key slowly on purpose, half a second of a processor each time; with a thousand calls that would be the whole test.
So the repository gets a key, for the same password, whose derivation is cheap: a true key file by restic's design document ("Keys, Encryption and MAC").
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.poly1305 import Poly1305


def cheap_key(repository, password):
    """Put a key for the same password, cheap to derive, in the place of the repository's one."""
    environment = dict(os.environ, RESTIC_PASSWORD=password)
    master = subprocess.run(["restic", "--no-cache", "--repo", str(repository), "cat", "masterkey"], env=environment, check=True, capture_output=True).stdout
    master = json.dumps(json.loads(master)).encode()
    (former,) = (repository / "keys").iterdir()
    row = json.loads(former.read_text("ascii"))
    row.update(N=2, r=1, p=1)
    derived = hashlib.scrypt(password.encode(), salt=base64.b64decode(row["salt"]), n=2, r=1, p=1, dklen=64)
    nonce = os.urandom(16)
    encryptor = Cipher(algorithms.AES(derived[:32]), modes.CTR(nonce)).encryptor()
    sealed = encryptor.update(master) + encryptor.finalize()
    block = Cipher(algorithms.AES(derived[32:48]), modes.ECB()).encryptor()
    row["data"] = base64.b64encode(nonce + sealed + Poly1305.generate_tag(derived[48:] + block.update(nonce), sealed)).decode()
    text = json.dumps(row).encode()
    (repository / "keys" / hashlib.sha256(text).hexdigest()).write_bytes(text)
    former.unlink()
