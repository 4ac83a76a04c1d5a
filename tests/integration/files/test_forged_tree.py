# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A snapshot that a taken server made by hand, with its repository's password: one name twice in a directory (S10's kind)."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import stat
import struct
import subprocess

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.restic import restic
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources import trees
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.restic import Files
from cheap import cheap_key
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

PASSWORD = "forged"


class Forger:
    """Writes trees of its own into a repository of format 1, as restic's design document has them."""

    def __init__(self, repository) -> None:
        self.repository = str(repository)
        key = json.loads(self.call("cat", "masterkey"))
        self.k, self.r, self.key = (base64.b64decode(text) for text in (key["mac"]["k"], key["mac"]["r"], key["encrypt"]))

    def call(self, *arguments):
        return subprocess.run(["restic", "--repo", self.repository, "--no-cache", *arguments], check=True, stdout=subprocess.PIPE,
                              env=dict(os.environ, RESTIC_PASSWORD=PASSWORD)).stdout

    def seal(self, plain):
        nonce = os.urandom(16)
        text = Cipher(algorithms.AES(self.key), modes.CTR(nonce)).encryptor().update(plain)
        mask, number = int.from_bytes(self.r, "little") & 0x0ffffffc0ffffffc0ffffffc0fffffff, 0  # clamped
        for at in range(0, len(text), 16):      # Poly1305-AES
            number = (number + int.from_bytes(text[at:at + 16] + b"\1", "little")) * mask % ((1 << 130) - 5)
        number += int.from_bytes(Cipher(algorithms.AES(self.k), modes.ECB()).encryptor().update(nonce), "little")
        return nonce + text + (number & ((1 << 128) - 1)).to_bytes(16, "little")

    def save(self, directory, content):
        name = hashlib.sha256(content).hexdigest()
        with open(os.path.join(self.repository, directory.format(name[:2]), name), "wb") as file:
            file.write(content)
        return name

    def snapshot(self, change):
        """A snapshot like the only one, the innermost tree as `change` makes it; its id."""
        (made,) = os.listdir(os.path.join(self.repository, "snapshots"))
        found = json.loads(self.call("cat", "snapshot", made))
        levels, tree = [], found["tree"]
        while tree:
            levels.append(json.loads(self.call("cat", "blob", tree))["nodes"])
            tree = next((node["subtree"] for node in levels[-1] if node["type"] == "dir"), None)
        levels[-1] = change(levels[-1])
        pack, header, rows, tree = b"", b"", [], ""
        for nodes in reversed(levels):
            for node in nodes:
                if node["type"] == "dir":
                    node["subtree"] = tree
            plain = json.dumps({"nodes": nodes}).encode() + b"\n"
            tree, sealed = hashlib.sha256(plain).hexdigest(), self.seal(plain)
            rows.append({"id": tree, "type": "tree", "offset": len(pack), "length": len(sealed)})
            header += b"\1" + struct.pack("<I", len(sealed)) + bytes.fromhex(tree)
            pack += sealed
        header = self.seal(header)
        name = self.save("data/{0}", pack + header + struct.pack("<I", len(header)))
        self.save("index", self.seal(json.dumps({"packs": [{"id": name, "blobs": rows}]}).encode()))
        return self.save("snapshots", self.seal(json.dumps(dict(found, tree=tree)).encode()))


class Reader:
    """The copy, as files.SnapshotCopy offers it to the source."""

    def __init__(self, program, snapshot, root) -> None:
        self.program, self.snapshot = program, snapshot
        self.manifest = {"label": "AREA_20261127", "parts": [], "source": {"facts": {"real_paths": [root]}}}

    def restic(self):
        return self.program

    def nodes(self, visit, paths=()):
        self.program.nodes(self.snapshot, visit, paths, below=bool(paths))


@pytest.fixture
def forged(tmp_path):
    """A link to a canary, and an empty file of the same name that all may write to."""
    canary = tmp_path / "canary"
    canary.write_text("of root alone")
    canary.chmod(0o600)
    area = tmp_path / "area"
    area.mkdir()
    (area / "a").touch()
    (area / "a").chmod(0o666)
    (area / "b").symlink_to(canary)
    repository = tmp_path / "repository"
    environment = dict(os.environ, RESTIC_PASSWORD=PASSWORD)
    for words in (["init", "--repository-version", "1"], ["backup", str(area)]):
        subprocess.run(["restic", "--repo", str(repository), "--no-cache", "--quiet", *words], check=True, env=environment)
        if words[0] == "init":
            cheap_key(repository, PASSWORD)

    def twice(nodes):
        rows = {node["name"]: node for node in nodes}
        return [dict(rows["b"], name="a"), rows["a"]]

    with restic.Restic(restic.Access(str(repository)), PASSWORD) as program:
        yield Reader(program, Forger(repository).snapshot(twice), str(area)), canary


@pytest.mark.parametrize("way", ["rehearse", "restore", "selected"])
def test_a_name_that_a_snapshot_holds_twice_writes_nowhere_else(forged, tmp_path, way):
    """S10's kind: restic 0.14 empties the link's target and opens it to all; the canary was 0666 and empty."""
    reader, canary = forged
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    source = Files([str(tmp_path / "area")], selected=["a"] if way == "selected" else [])
    with pytest.raises(BackupError) as caught:
        if way == "rehearse":
            source.rehearse(reader, str(scratch))
        else:
            source.restore(reader, str(scratch / "back"), False)
    assert canary.read_text() == "of root alone" and stat.S_IMODE(canary.stat().st_mode) == 0o600
    assert caught.value.fault.name == "copy_odd"
    assert os.listdir(scratch) == []


def test_names_that_only_look_the_same_are_no_fault():
    """Names in Latin-1 are told with the same sign in JSON; names in different directories are different."""
    see = trees.Distinct("AREA_20261127").see
    for path, kind in (("/x", "dir"), ("/x/a", "dir"), ("/x/a/a", "file"), ("/x/b", "dir"), ("/x/b/a", "file"), ("/x/ni\ufffdo", "file"),
                       ("/x/ni\ufffdo", "file"), ("/y", "dir"), ("/y/a", "symlink"), ("/y.d", "file")):
        see({"path": path, "type": kind})
    with pytest.raises(BackupError):
        see({"path": "/x", "type": "file"})
    with pytest.raises(BackupError):
        see({"path": "/y", "type": "dir"})
