# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Seals and anchors tell of what the chain alone can't: a rewrite of everything, and a cut tail. The attackers here know how the chain is made."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import chain, entries, seals, trust
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.recorder import Recorder
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as some

RAW, PUBLIC = serialization.Encoding.Raw, serialization.PublicFormat.Raw
MADE = {"event": "copy_made", "label": "SIGA_20261122", "system": "SIGA", "kind": "database", "size": 21000}


class Place:
    def __init__(self, top):
        self.file, self.key, self.anchor = top / "bitacora.sqlite", top / "seal.key", top / "elsewhere" / "anchors"
        self.anchor.parent.mkdir(exist_ok=True)

    def run(self, anchors=True):
        recorder = Recorder(str(self.file), self.file.parent / "journal", None, {"playbook": "site.yml"}, self.key,
                            [seals.FileAnchor(str(self.anchor))] if anchors else [])
        recorder.start()
        recorder.backup("db01", dict(MADE), False)
        recorder.end({})
        return recorder

    def public(self):
        return seals.Signer(self.key).public

    def found(self, anchors=True, keys=True):
        report = chain.verify_file(self.file, [self.anchor] if anchors else [], [self.public()] if keys else [])
        return {(finding.name, finding.n) for finding in report.findings}

    def rewrite(self, change, seal_with=None, keep_seals=True):
        """Somebody who knows the chain: change entries, then seal every one of them again."""
        with open_store(str(self.file), readonly=True) as store:
            rows = [dict(zip(chain.COLUMNS, row)) for row in store.raw()]
        self.file.unlink()
        with open_store(str(self.file)) as store:
            made = []
            for row in rows:
                body = change(row["n"], row["type"], json.loads(row["body"]))
                if body is None or (row["type"] == "seal" and not keep_seals):
                    continue
                if row["type"] == "seal" and seal_with:
                    body = {"run": body["run"], **seal_with.seal(made[0].digest, made[-1].n, made[-1].digest)}
                elif row["type"] == "seal":
                    body = {**body, "origin": made[0].digest, "sealed_n": made[-1].n, "sealed_digest": made[-1].digest}
                made.append(store.append(row["type"], body, row["at_event"], row["emitter"]))


@pytest.fixture
def place(brought_back):
    def make(top):
        made = Place(top)
        for _number in range(3):
            made.run()

    return Place(brought_back("place", make))


def smaller(n, type_, body):
    return {**body, "size": 1} if n == 2 else body


def test_whole_with_seals_and_anchors(place):
    assert place.found() == set()
    with open_store(str(place.file), readonly=True) as store:
        assert [entry["type"] for entry in store.entries()] == ["run_started", "copy_made", "run_ended", "seal"] * 3
    assert len(place.anchor.read_text().splitlines()) == 3
    assert stat.S_IMODE(place.key.stat().st_mode) == 0o600


def test_everything_rewritten_is_found_by_the_key_and_by_the_anchor(place):
    place.rewrite(smaller)
    # a seal that its own key did not sign is told without knowing any
    assert place.found(anchors=False, keys=False) == {("seal_forged", 4), ("seal_forged", 8), ("seal_forged", 12)}
    assert place.found(anchors=False) == {("seal_forged", 4), ("seal_forged", 8), ("seal_forged", 12)}
    assert ("anchor_differs", 3) in place.found(keys=False)


def test_everything_rewritten_with_the_stolen_key_is_found_by_the_anchor(place):
    place.rewrite(smaller, seal_with=seals.Signer(place.key))
    assert place.found(anchors=False) == set()
    assert place.found() >= {("anchor_differs", 3)}


def test_everything_rewritten_without_its_seals(place):
    place.rewrite(smaller, keep_seals=False)
    assert place.found(anchors=False) == {("seals_missing", 9)}
    assert {name for name, _n in place.found(keys=False)} == {"anchor_differs", "anchor_missing"}


def test_everything_rewritten_with_another_key(place, tmp_path):
    place.rewrite(smaller, seal_with=seals.Signer(tmp_path / "other.key"))
    assert place.found(anchors=False, keys=False) == set(), "the chain alone can't see it"
    assert place.found(anchors=False) == {("seal_forged", 4), ("seal_forged", 8), ("seal_forged", 12)}


@pytest.mark.parametrize("left", [11, 10, 8, 7, 4, 1])
def test_a_cut_tail_is_found_and_told_from_where(place, left):
    """The one who cuts also puts SQLite's own memory of the last number right."""
    with sqlite3.connect(place.file) as connection:
        connection.execute("DROP TRIGGER entries_refuse_delete")
        connection.execute("DELETE FROM entries WHERE n > ?", (left,))
        connection.execute("UPDATE sqlite_sequence SET seq = ?", (left,))
    assert not {name for name, _n in place.found(anchors=False, keys=False)}
    findings = place.found()
    assert {name for name, _n in findings} <= {"anchor_missing", "seals_missing"}
    assert ("anchor_missing", 12 if left == 11 else 11) in findings
    report = chain.verify_file(place.file, [place.anchor], [])
    assert f"después del asiento {left}" in report.findings[-1].spanish


def test_a_new_bitacora_in_place_of_the_old_one(place):
    place.file.unlink()
    place.run(anchors=False)
    assert ("anchor_differs", 3) in place.found()


def test_an_edited_anchor_is_told_apart_from_an_edited_bitacora(place):
    lines = [json.loads(line) for line in place.anchor.read_text().splitlines()]
    lines[1]["sealed_digest"] = "0" * 64
    place.anchor.write_text("".join(json.dumps(line) + "\n" for line in lines) + "not a seal\n")
    assert place.found() == {("anchor_forged", 8), ("anchor_forged", 0)}


def test_an_anchor_that_is_behind_is_only_told(place):
    place.run(anchors=False)
    report = chain.verify_file(place.file, [place.anchor], [place.public()])
    assert report.whole and [notice.name for notice in report.notices] == ["anchor_behind"]


def test_an_anchor_that_cannot_be_kept_is_told_and_recorded_and_the_next_seal_covers_it(place):
    place.anchor.rename(place.anchor.with_suffix(".kept"))
    place.anchor.parent.rename(place.anchor.parent.with_suffix(".away"))
    recorder = place.run()
    assert recorder.unsealed and not recorder.unwritten
    place.anchor.parent.with_suffix(".away").rename(place.anchor.parent)
    place.anchor.with_suffix(".kept").rename(place.anchor)
    with open_store(str(place.file), readonly=True) as store:
        assert [entry["anchor"] for entry in store.entries(type="anchor_failed")] == [str(place.anchor)]
    place.run()
    assert place.found() == set()


@pytest.mark.parametrize("spoil", [lambda key: key.chmod(0o644), lambda key: key.write_text("not a key")])
def test_a_key_that_cannot_be_used_leaves_the_entries_whole(place, spoil):
    spoil(place.key)
    recorder = place.run()
    assert "RSP712" in recorder.unsealed[0] or "seal" in recorder.unsealed[0]
    with open_store(str(place.file), readonly=True) as store:
        assert store.entries()[-1]["type"] == "run_ended"
    with pytest.raises(BackupError) as caught:
        seals.Signer(place.key)
    assert caught.value.code == "RSP712"


def test_the_private_key_is_nowhere_but_in_its_file(place):
    secret = place.key.read_text().strip()
    for path in (place.file, place.anchor):
        assert secret.encode() not in path.read_bytes()


@pytest.mark.parametrize("options, status", [([], 0), (["--anchor"], 0), (["--key"], 0), (["--anchor", "--key"], 0)])
def test_an_auditor_verifies_with_python_alone(place, tmp_path, options, status):
    alone = tmp_path / "auditor" / "chain.py"
    alone.parent.mkdir()
    alone.write_bytes(Path(chain.__file__).read_bytes())
    values = {"--anchor": str(place.anchor), "--key": place.public()}
    command = [sys.executable, "-I", "-S", str(alone), str(place.file), *(text for option in options for text in (option, values[option]))]
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", env={"PATH": os.environ["PATH"]}, check=False)
    assert (done.returncode, "íntegra" in done.stdout) == (status, True), done.stderr
    assert ("sin --anchor" in done.stdout) == ("--anchor" not in options)
    assert ("sin --key" in done.stdout) == ("--key" not in options)
    place.rewrite(smaller, seal_with=seals.Signer(tmp_path / "other.key"))
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False)
    assert done.returncode == (1 if options else 0), done.stdout
    missing = subprocess.run([*command, "--anchor", "/nonexistent"], capture_output=True, text=True, cwd="/", check=False)
    assert missing.returncode == 2 and "No se pudo verificar" in missing.stderr


# RFC 8032, section 7.1, tests 1 to 3
VECTORS = [
    ("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"),
    ("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"),
    ("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"),
]


@pytest.mark.parametrize("public, message, signature", VECTORS)
def test_the_vectors_of_the_standard(public, message, signature):
    public, message, signature = (bytes.fromhex(text) for text in (public, message, signature))
    assert chain.ed25519_verify(public, message, signature)
    assert not chain.ed25519_verify(public, message + b"x", signature)
    # the same signature with the order of the group added to its scalar: a second form that must not pass
    again = (int.from_bytes(signature[32:], "little") + chain._ORDER).to_bytes(32, "little")
    assert not chain.ed25519_verify(public, message, signature[:32] + again)


@settings(max_examples=40, deadline=None)
@given(some.binary(min_size=32, max_size=32), some.binary(max_size=80), some.integers(0, 95), some.integers(1, 255))
def test_it_agrees_with_a_library(secret, message, place, flip):
    key = Ed25519PrivateKey.from_private_bytes(secret)
    public, signature = key.public_key().public_bytes(RAW, PUBLIC), key.sign(message)
    assert chain.ed25519_verify(public, message, signature)
    both = bytearray(public + signature)
    both[place] ^= flip
    assert not chain.ed25519_verify(bytes(both[:32]), message, bytes(both[32:]))


@pytest.mark.parametrize("wrong", [b"", b"\xff" * 32, b"\x01" + b"\x00" * 30 + b"\x80", (chain._P + 1).to_bytes(32, "little")])
def test_what_is_no_point_is_no_key(wrong):
    assert chain._point(wrong) is None


@pytest.mark.parametrize("weak", [b"\x01" + b"\x00" * 31, b"\x00" * 32, b"\x00" * 31 + b"\x80", (chain._P - 1).to_bytes(32, "little")],
                         ids=["identity", "zeros", "zeros, other sign", "minus one"])
def test_a_key_by_which_anything_can_be_signed_is_none(weak):
    """Of one message in four the signature of zeros by the key of zeros would be right, as S17 writes it."""
    assert not any(chain.ed25519_verify(weak, str(number).encode(), commitment + b"\x00" * 32)
                   for number in range(40) for commitment in (weak, b"\x00" * 32, b"\x01" + b"\x00" * 31))


def test_a_seal_over_the_wrong_entry_is_found_without_any_key(place):
    with open_store(str(place.file)) as store:
        store.append("seal", {"run": "R", **seals.Signer(place.key).seal("0" * 64, 5, "0" * 64)}, entries.now(), "R")
    assert place.found(anchors=False, keys=False) == {("seal_differs", 13)}


def test_the_key_and_what_is_known_are_there_while_the_first_run_works(tmp_path):
    """The recovery kit of the first night names both files; it failed (RSP201) until a run had ended."""
    place = Place(tmp_path)
    run = Recorder(str(place.file), place.file.parent / "journal", None, {"playbook": "site.yml"}, place.key)
    run.start()
    assert place.key.stat().st_mode & 0o777 == 0o600 and list(trust.known(place.key).keys.values())[0]["why"] == "first use"
    made = place.key.read_bytes()
    run.end({})
    assert not run.unsealed and place.key.read_bytes() == made and trust.known(place.key).last


def test_a_bitacora_that_others_began_gets_no_key_before_it_is_sealed(tmp_path):
    place = Place(tmp_path)
    Recorder(str(place.file), place.file.parent / "journal", None, {"playbook": "site.yml"}).start()
    Recorder(str(place.file), place.file.parent / "journal", None, {"playbook": "site.yml"}, place.key).start()
    assert not place.key.exists()
