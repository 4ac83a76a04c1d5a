# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of restic that open cheaply, for tests that open repositories thousands of times.

restic makes a password into a key slowly on purpose: half a second of a processor each time, two fifths of a play of file servers. So a key that our
engine has just had made in a directory of this machine is replaced by one for the same password whose derivation is cheap: a true key file by restic's
design document ("Keys, Encryption and MAC"), which every restic opens. What calls restic, and how often, is what would be called.
"""

import base64
import hashlib
import json
import os
import tempfile

CHEAP = {"N": 2, "r": 1, "p": 1}


def _keyed(row, password):
    """What follows from a password by a key file's own parameters: for AES, and the two halves for Poly1305."""
    key = hashlib.scrypt(password, salt=base64.b64decode(row["salt"]), n=row["N"], r=row["r"], p=row["p"], dklen=64, maxmem=1 << 28)
    return key[:32], key[32:48], key[48:]


def _crypt(key, nonce, content):
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    made = Cipher(algorithms.AES(key), modes.CTR(nonce)).encryptor()
    return made.update(content) + made.finalize()


def _authentic(key, half, nonce, content):
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.poly1305 import Poly1305

    return Poly1305.generate_tag(half + Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(nonce), content)


def cheapened(text, password):
    """A key file's text as that of a cheap one, which says the same of itself; None when the password is not that key's."""
    row = json.loads(text)
    encryption, block, half = _keyed(row, password)
    sealed = base64.b64decode(row["data"])
    nonce, content, tag = sealed[:16], sealed[16:-16], sealed[-16:]
    if _authentic(block, half, nonce, content) != tag:
        return None
    row.update(CHEAP)
    master = _crypt(encryption, nonce, content)
    encryption, block, half = _keyed(row, password)
    nonce = os.urandom(16)
    content = _crypt(encryption, nonce, master)
    row["data"] = base64.b64encode(nonce + content + _authentic(block, half, nonce, content)).decode()
    return json.dumps(row)


def make_cheap(repository, password):
    """Put a cheap key in the place of the newest one of a repository in a directory, whose password this is."""
    keys = os.path.join(repository, "keys")
    newest = max((entry for entry in os.scandir(keys)), key=lambda entry: entry.stat().st_mtime_ns)
    with open(newest.path, encoding="ascii") as file:
        text = cheapened(file.read(), password)
    if text is None:
        return
    with tempfile.NamedTemporaryFile(dir=repository, delete=False) as file:
        file.write(text.encode())
    told = newest.stat()
    os.chown(file.name, told.st_uid, told.st_gid)
    os.chmod(file.name, told.st_mode & 0o7777)
    os.rename(file.name, os.path.join(keys, hashlib.sha256(text.encode()).hexdigest()))
    os.unlink(newest.path)


def directory_of(url):
    """Where a repository lies on this machine, whether restic goes there itself or by a server of SFTP that runs here; "" when it does not."""
    path = url[len("sftp:medio:"):] if url.startswith("sftp:medio:/") else url
    return path if os.path.isabs(path) and os.path.isdir(os.path.join(path, "keys")) else ""


def in_restic(module):
    """Keys that this engine has made are cheap from then on."""
    run = module.Restic._run

    def run_and_make_cheap(self, arguments, *others, **named):
        ended = run(self, arguments, *others, **named)
        adds = list(arguments[:2]) == ["key", "add"]
        directory = directory_of(self.access.url) if adds or arguments[0] == "init" else ""
        if directory:
            secrets = others[2] if len(others) > 2 else named.get("secrets", ())
            make_cheap(directory, (secrets[0] if adds else self.password).content().rstrip(b"\r\n"))
        return ended

    module.Restic._run = run_and_make_cheap
