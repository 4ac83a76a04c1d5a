# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manifest and SHA256SUMS, which the stock sha256sum reads."""

from __future__ import annotations

import json
import subprocess

import pytest
from _engine.copies import manifest as manifests
from _engine.errors import BackupError
from _engine.media import sums_file

ROW = {"name": "", "file": "SIGA_20261122.tar.zst", "format": "GNU tar archive", "size": 3, "size_original": 5, "sha256": "0" * 64,
       "restore_command": "tar -x"}
MANIFEST = {"schema": 1, "label": "SIGA_20261122", "compression": "zstd", "encrypted": False, "parts": [ROW], "office": "Órgano"}


def refused(text):
    with pytest.raises(BackupError) as caught:
        manifests.load(text, "SIGA_20261122", "disk")
    assert caught.value.fault.name == "manifest_unreadable"
    return caught.value.message


def test_round_trip():
    text = manifests.dump(MANIFEST)
    assert "Órgano" in text.decode("utf-8")
    assert manifests.load(text, "SIGA_20261122", "disk") == MANIFEST


@pytest.mark.parametrize("text", [b"", b"[]", b"null", b"{}", b"\xff\xfe", b'{"schema": 1}', b'"text"', b"[" * 100_000])
def test_not_a_manifest(text):
    refused(text)


@pytest.mark.parametrize("change", [
    {"schema": 0}, {"schema": "2"}, {"label": "OTRO_20261122"}, {"parts": [{}]}, {"parts": None}, {"parts": ["x"]}, {"compression": "lz4"},
    {"encrypted": "no"}, {"parts": [dict(ROW, size="3")]}, {"parts": [dict(ROW, file=None)]}])
def test_tampered(change):
    refused(json.dumps(dict(MANIFEST, **change)).encode())


@pytest.mark.parametrize("key", ["schema", "label", "parts", "compression", "encrypted"])
def test_incomplete(key):
    assert key in refused(json.dumps({name: value for name, value in MANIFEST.items() if name != key}).encode())


def test_sums_are_read_by_sha256sum(tmp_path):
    files = []
    for name in ("a.tar", "año nuevo.json"):
        (tmp_path / name).write_text(name)
        files.append(sums_file.file_of_bytes(name, name.encode()))
    text = sums_file.sums(files)
    (tmp_path / "SHA256SUMS").write_bytes(text)
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=str(tmp_path), check=True)
    assert sums_file.parse_sums(text, "SIGA_20261122", "disk") == {file.name: file.sha256 for file in files}


@pytest.mark.parametrize("line", ["nonsense", "0" * 63 + "  a", "0" * 64 + " a", "0" * 64 + "  ../a", "0" * 64 + "  /etc/passwd"])
def test_sums_that_are_not(line):
    with pytest.raises(BackupError) as caught:
        sums_file.parse_sums((line + "\n").encode(), "SIGA_20261122", "disk")
    assert caught.value.fault.name == "manifest_unreadable"


@pytest.mark.parametrize("compression, encrypted, expected", [
    ("zstd", True, "gpg --decrypt 'SIGA_20261122.tar.zst' | zstd -d -c | tar -x"),
    ("gzip", False, "gzip -d -c < 'SIGA_20261122.tar.zst' | tar -x"),
    ("none", False, "cat 'SIGA_20261122.tar.zst' | tar -x"),
])
def test_restore_commands(compression, encrypted, expected):
    assert manifests.restore_commands([ROW], compression, encrypted) == ["sha256sum --check SHA256SUMS", expected]
