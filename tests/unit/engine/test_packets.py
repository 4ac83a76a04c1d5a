# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was never encrypted is not given as a copy that was: gpg and 7-Zip open it with whatever password, and end by 0."""

from __future__ import annotations

import contextlib
import hashlib
import io
import subprocess

import pytest
from _engine.copies.ciphers import cipher_for
from _engine.copies.decoding import decode
from _engine.errors import BackupError
from _engine.media.base import Reading
from _engine.transforms import packets, seven_zip
from _engine.transforms.keys import Keys

PLAIN = b"0123456789" * 20000


@pytest.fixture
def gpg(tmp_path):
    home = tmp_path / "g"
    home.mkdir(mode=0o700)

    def call(*words):
        return subprocess.run(["gpg", "--homedir", str(home), "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", "clave", *words],
                              input=PLAIN, capture_output=True, check=True).stdout
    yield call
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False)


def opened(content, form, tmp_path, file):
    found = []
    row = {"file": file, "size": len(content), "sha256": hashlib.sha256(content).hexdigest(), "format": "sqlite"}
    stream = io.BytesIO(content)
    with contextlib.ExitStack() as stack:
        cipher = cipher_for(stack, Keys("clave"), form, str(tmp_path))
        decode(Reading(stream.read, lambda: None), row, "none", cipher, (), found.append)
    return b"".join(bytes(each) for each in found)


def test_gpg(gpg, tmp_path):
    encrypted, plain = gpg("--symmetric"), gpg("--store")
    assert opened(encrypted, "gpg", tmp_path, "x.gpg") == PLAIN
    session_key = encrypted[:2 + encrypted[1]]
    for forged in (plain, session_key + plain, gpg("--compress-algo", "zlib", "--store")):
        with pytest.raises(BackupError) as caught:
            opened(forged, "gpg", tmp_path, "x.gpg")
        assert caught.value.code == "RSP799" and "x.gpg" in caught.value.spanish


def test_seven_zip(tmp_path):
    made = tmp_path / "x.sqlite"
    made.write_bytes(PLAIN)
    for name, words in (("closed", ["-pclave", "-mhe=on"]), ("plain", [])):
        subprocess.run(["7zz", "a", "-mx=0", *words, str(tmp_path / f"{name}.7z"), "x.sqlite"], cwd=tmp_path, check=True, stdout=subprocess.DEVNULL)
    (tmp_path / "spool").mkdir()
    assert opened((tmp_path / "closed.7z").read_bytes(), "7z", tmp_path / "spool", "x.sqlite" + seven_zip.EXTENSION) == PLAIN
    with pytest.raises(BackupError) as caught:
        opened((tmp_path / "plain.7z").read_bytes(), "7z", tmp_path / "spool", "x.sqlite" + seven_zip.EXTENSION)
    assert caught.value.code == "RSP799"


@pytest.mark.parametrize("head, encrypted", [
    ("8c0d" + "00" * 13 + "d2", True), ("c1c000" + "00" * 192 + "d2", True), ("c1ff00000002" + "0000" + "d2", True), ("850002" + "0000" + "d2", True),
    ("8600000001" + "00" + "d4", True), ("cb05", False), ("ac03", False), ("8c0d" + "00" * 13 + "cb", False), ("c1e1", False), ("8700", False), ("87", False),
    ("2d2d", False), ("c9", False), ("ca03", False)])
def test_what_a_stream_begins_with(head, encrypted):
    for step in (1, 1000):      # in whatever pieces it comes
        proof, content = packets.Proof("x"), bytes.fromhex(head)
        pieces = [content[at:at + step] for at in range(0, len(content), step)]
        if encrypted:
            for piece in pieces:
                proof.look(piece)
            assert proof.proved
        else:
            with pytest.raises(BackupError):
                for piece in pieces:
                    proof.look(piece)


def test_one_that_ends_before_it_begins_or_never_begins_is_none():
    for pieces in ([b""], [b"\x8c"], [b"\xc1\xff\x00\x0f\xff\xff", b"\x00" * 300_000]):
        proof = packets.Proof("x")
        with pytest.raises(BackupError):
            for piece in (*pieces, b""):
                proof.look(piece)
