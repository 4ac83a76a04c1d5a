# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenPGP by the real gpg: with a password, for recipients, and both."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time

import pytest
from _engine.errors import BackupError
from _engine.processes import programs
from _engine.processes.pipeline import run
from _engine.transforms.encrypt import Gpg, Keys

PLAIN = os.urandom(300000)
PASSWORD = "una contraseña de 32 caracteres"


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """A custodian's key pair: armoured public key, armoured private key, fingerprint."""
    home = tmp_path_factory.mktemp("g")
    gpg = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", ""]
    subprocess.run(gpg + ["--quick-generate-key", "custodio@example.org", "default", "default", "never"], check=True)
    public = subprocess.run(gpg + ["--armor", "--export"], stdout=subprocess.PIPE, check=True).stdout.decode()
    private = subprocess.run(gpg + ["--armor", "--export-secret-keys"], stdout=subprocess.PIPE, check=True).stdout.decode()
    listing = subprocess.run(gpg + ["--with-colons", "--list-keys"], stdout=subprocess.PIPE, check=True).stdout.decode()
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=True)
    return public, private, [line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr:")][0]


@pytest.fixture(autouse=True)
def nothing_is_left(monkeypatch):
    """No descriptor and no directory; in a place of its own, since other tests run at the same time."""
    memory = tempfile.mkdtemp(dir="/dev/shm")
    monkeypatch.setattr(programs, "memory", lambda: memory)
    before = len(os.listdir("/proc/self/fd"))
    yield
    assert (len(os.listdir("/proc/self/fd")), os.listdir(memory)) == (before, [])
    os.rmdir(memory)


def through(keys, direction, data):
    supply, chunks = [data, b""], []
    with programs.private_directory(programs.memory()) as scratch, Gpg(keys, scratch) as gpg:
        run([getattr(gpg, direction)()], chunks.append, reader=lambda size: supply.pop(0))
    return b"".join(chunks)


def test_password():
    sealed = through(Keys(PASSWORD), "encryptor", PLAIN)
    assert PLAIN[:64] not in sealed
    assert through(Keys(PASSWORD), "decryptor", sealed) == PLAIN


def test_recipient(pair):
    public, private, _fingerprint = pair
    sealed = through(Keys("", (public,)), "encryptor", PLAIN)
    assert through(Keys("", (), (private,)), "decryptor", sealed) == PLAIN
    with pytest.raises(BackupError):
        through(Keys(PASSWORD), "decryptor", sealed)


def test_both_each_alone(pair):
    public, private, _fingerprint = pair
    sealed = through(Keys(PASSWORD, (public,)), "encryptor", PLAIN)
    assert through(Keys(PASSWORD), "decryptor", sealed) == PLAIN
    assert through(Keys("", (), (private,)), "decryptor", sealed) == PLAIN


def test_stock_gpg_opens_it(tmp_path):
    sealed = through(Keys(PASSWORD), "encryptor", PLAIN)
    (tmp_path / "password").write_text(PASSWORD)
    (tmp_path / "home").mkdir(mode=0o700)
    opened = subprocess.run(
        ["gpg", "--homedir", str(tmp_path / "home"), "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase-file",
         str(tmp_path / "password"), "--decrypt"], input=sealed, stdout=subprocess.PIPE, check=True).stdout
    assert opened == PLAIN
    subprocess.run(["gpgconf", "--homedir", str(tmp_path / "home"), "--kill", "all"], check=True)


def test_wrong_password():
    sealed = through(Keys(PASSWORD), "encryptor", PLAIN)
    with pytest.raises(BackupError) as caught:
        through(Keys("another"), "decryptor", sealed)
    assert caught.value.details["stage"] == "gpg --decrypt"


@pytest.mark.parametrize("place", [0.001, 0.5, 0.9999])
def test_a_flipped_byte_is_seen(place):
    sealed = bytearray(through(Keys(PASSWORD), "encryptor", PLAIN))
    sealed[int(len(sealed) * place)] ^= 1
    with pytest.raises(BackupError):
        through(Keys(PASSWORD), "decryptor", bytes(sealed))


def test_fingerprints(pair, tmp_path):
    with Gpg(Keys("", (pair[0],)), str(tmp_path)) as gpg:
        assert gpg.fingerprints() == [pair[2]]
    with pytest.raises(BackupError) as caught, Gpg(Keys("", (pair[0], "no key")), str(tmp_path)) as gpg:
        gpg.fingerprints()
    assert caught.value.code == "RSP101" and "recipients[1]" in caught.value.message


def test_a_text_that_is_no_private_key(tmp_path, pair):
    with pytest.raises(BackupError) as caught:
        with Gpg(Keys("", (), (pair[1], "no key")), str(tmp_path)):
            pass
    assert caught.value.code == "RSP101" and "private_keys[1]" in caught.value.message
    deadline = time.monotonic() + 10
    while subprocess.run(["pgrep", "-f", "gpg-agent --homedir " + str(tmp_path)], stdout=subprocess.DEVNULL, check=False).returncode == 0:
        assert time.monotonic() < deadline, "an agent was left behind"
        time.sleep(0.1)


def test_keys_show_no_secret():
    assert PASSWORD not in repr(Keys(PASSWORD)) and PASSWORD not in str(Keys(PASSWORD))


def test_the_password_is_in_no_argument(tmp_path):
    with Gpg(Keys(PASSWORD), str(tmp_path)) as gpg:
        stage = gpg.encryptor()
        assert PASSWORD not in " ".join(stage.argv) + " ".join(stage.environment.values())
