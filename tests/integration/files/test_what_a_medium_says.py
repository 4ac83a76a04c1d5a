# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""S16 and its siblings: what lies on a medium, where others can write, decides nothing about the next copy."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess

import pytest
from _engine.copies.incremental import pruning as files_pruning

# pylint: disable=import-error
from conftest import PASSWORD, BackupError, Keys, flip, repositories, restic, second_key, shape


def rewritten(directory, name, content, recipients=None):
    """Somebody puts another content in place of a file of a published copy, and makes manifest and sums right."""
    (directory / name).write_bytes(content)
    manifest = directory / (directory.name + ".json")
    told = json.loads(manifest.read_text("utf-8"))
    for row in told["parts"]:
        if row["file"] == name:
            row.update(size=len(content), sha256=hashlib.sha256(content).hexdigest())
    told["recipients"] = told["recipients"] if recipients is None else recipients
    manifest.write_text(json.dumps(told), "utf-8")
    sums = directory / "SHA256SUMS"
    sums.write_text("".join("{0}  {1}\n".format(hashlib.sha256((directory / each).read_bytes()).hexdigest(), each)
                            for each in re.findall(r"  (.*)\n", sums.read_text("utf-8"))), "utf-8")


def test_a_sealed_key_that_was_replaced_on_the_medium_goes_no_further(share, holder):
    """S16: junk in place of the second key of the last copy, its manifest and sums made right; the next copies must not carry it."""
    share.public_keys = [holder[0]]
    first = share.make()
    directory = share.top / "nas" / "file_server" / "RRHH" / "RRHH_20261101"
    rewritten(directory, "RRHH_20261101.clave.gpg", b"no es una llave")
    for _day in range(2):
        made = share.make()
        assert made.fields["recipients"] == first.fields["recipients"] and not made.fields["warnings"]
        assert made.manifest["restic"]["second_key"] == first.manifest["restic"]["second_key"], "the key of the repository is the same"
        share.restore(share.top / "compartido" / made.manifest["label"], keys=Keys("", private_keys=(holder[1],)))
        assert shape(share.top / "compartido" / made.manifest["label"]) == shape(share.folder)


def test_what_the_last_manifest_says_of_keys_is_not_believed(share, holder):
    share.public_keys = [holder[0]]
    first = share.make()
    directory = share.top / "nas" / "file_server" / "RRHH" / "RRHH_20261101"
    told = json.loads((directory / "RRHH_20261101.json").read_text("utf-8"))
    (directory / "RRHH_20261101.json").write_text(json.dumps(dict(told, restic=dict(told["restic"], second_key={"nas": "0" * 64}))), "utf-8")
    rewritten(directory, "RRHH_20261101.clave.gpg", (directory / "RRHH_20261101.clave.gpg").read_bytes(), ["A" * 40])
    again = share.make()
    assert again.manifest["restic"]["second_key"] == first.manifest["restic"]["second_key"] and again.fields["recipients"] == first.fields["recipients"]
    assert len(list((share.repository / "keys").iterdir())) == 2


@pytest.mark.parametrize("held", [True, False])
def test_a_key_that_somebody_added_to_the_repository_is_told(share, holder, held):
    """S16's sibling: root of a server that was taken adds a key of his, to read all copies to come."""
    share.public_keys = [holder[0]] if held else []
    assert share.make().fields["warnings"] == []
    secret = share.top / "intruso"
    secret.write_text("clave del intruso\n")
    before = {path.name for path in (share.repository / "keys").iterdir()}
    share.restic("key", "add", "--new-password-file", str(secret), "--user", "intru\x1b[2Jso", "--host", "taken")
    added, = {path.name for path in (share.repository / "keys").iterdir()} - before
    remark, = share.make().fields["warnings"]
    assert added in remark and "restic key remove" in remark and "@taken" in remark and "\x1b" not in remark
    share.restic("key", "remove", added)
    assert share.make().fields["warnings"] == []


def test_the_key_of_former_holders_is_told(share, holder):
    share.public_keys = [holder[0]]
    share.make()
    share.public_keys = []
    remark, = share.make().fields["warnings"]
    assert "former holders" in remark


def test_a_ledger_that_others_wrote_to_proves_nothing(share):
    """S16's sibling: whoever can write to the NAS lists damaged files as proved, and the next copy counts on them."""
    share.make()
    (share.folder / "nuevo.bin").write_bytes(os.urandom(200_000))
    ledger = share.repository.parent / "probados"
    kept = ledger.read_text("utf-8")
    assert all(re.fullmatch(r"\S+ [0-9a-f]{32}", line) for line in kept.splitlines())
    known = set(share.packs())
    # a run that failed left files which nobody proved; one is damaged, and the ledger names all of them
    subprocess.run(["restic", "--no-cache", "-q", "-r", str(share.repository), "backup", str(share.folder)], check=True, capture_output=True,
                   env=dict(os.environ, RESTIC_PASSWORD=PASSWORD, HOME=str(share.top)))
    names = [str(path.relative_to(share.repository)) for path in share.repository.rglob("*") if path.is_file()]
    flip(str(next(path for path in share.packs() if path not in known)))
    signature = kept.splitlines()[0].split(" ")[1]
    for lines in (names, [name + " " + signature for name in names], [name + " " + "0" * 32 for name in names], [name + " " for name in names]):
        ledger.write_text(kept + "".join(line + "\n" for line in lines), "utf-8")
        with pytest.raises(BackupError) as found:
            share.make()
        assert found.value.code == "RSP501" and "/data/" in found.value.message
    assert share.labels() == ["RRHH_20261101"]


@pytest.mark.parametrize("lines", ["plain", "forged", "lost"])
def test_a_ledger_that_is_not_believed_can_t_tell_what_is_gone(share, lines):
    """An earlier version wrote lines without a signature, also that of a doubt: the next copy counted on data that was not there, and was good."""
    (share.folder / "grande.bin").write_bytes(os.urandom(300_000))
    share.make()
    ledger = share.repository.parent / "probados"
    named = [line.split(" ")[0] for line in ledger.read_text("utf-8").splitlines()]
    lost = max(share.packs(), key=lambda path: os.stat(path).st_size)
    os.unlink(lost)
    signature = " " + "0" * 32 if lines == "forged" else ""
    ledger.write_text("".join(name + signature + "\n" for name in [*named, "!"] if not str(lost).endswith(name)), "utf-8")
    if lines == "lost":
        ledger.unlink()
    for again in range(2):
        with pytest.raises(BackupError) as found:
            share.make()
        assert found.value.fault.name == "structure_unreadable" and share.labels() == ["RRHH_20261101"], again


def test_a_ledger_that_is_not_believed_costs_one_look(share, monkeypatch):
    share.make()
    ledger = share.repository.parent / "probados"
    ledger.write_text("".join(line.split(" ")[0] + "\n" for line in ledger.read_text("utf-8").splitlines()), "utf-8")
    checked, call = [], restic.Restic.call
    monkeypatch.setattr(restic.Restic, "call", lambda self, arguments, *rest, **more: (checked.append(arguments[0]), call(self, arguments, *rest, **more))[1])
    for looks in (1, 1):
        assert share.make().fields["trust_level"] == "T2"
        assert checked.count("check") == looks


def test_snapshots_that_somebody_added_push_no_copy_out(share):
    """Public report: who may add to a repository dates empty snapshots so that a policy keeps those. What goes is decided by copies, not by snapshots."""
    for _day in range(3):
        (share.folder / "nuevo.txt").write_bytes(os.urandom(5000))
        made = share.make()
    kept = {label: share.top / "compartido" / label for label in share.labels()}
    for target in kept.values():
        share.restore(target, label=target.name)
    before = {label: shape(target)[0] for label, target in kept.items()}
    own = share.snapshots()
    empty = share.top / "vacía"
    empty.mkdir()
    for label in kept:
        for at in ("2020-01-01 00:00:00", "2026-11-02 23:59:59", "2099-12-31 23:59:59"):
            share.restic("backup", "--quiet", "--host", "archivos1", "--tag", label, "--time", at, str(empty))
    assert len(share.snapshots()) == len(own) + 9
    with share.media[0].lock(share.slot(), 0):
        files_pruning.prune(share.slot(), share.media[0], made.manifest, PASSWORD)
    assert set(share.snapshots()) >= set(own)
    for label in kept:
        with share.opened(label) as opened:
            opened.verify_bytes()
            opened.verify_structure(share.source())
        again = share.top / "compartido" / (label + "_otra_vez")
        share.restore(again, label=label)
        assert shape(again)[0] == before[label]
    share.make()


def test_a_ledger_of_another_medium_or_password_is_none_of_this(share):
    medium = share.media[0]
    place = repositories.LocalPlace(medium, "RRHH")
    place.unlocked_with(PASSWORD)
    if os.path.exists(place.ledger):
        os.unlink(place.ledger)
    place._note(["config"])
    assert place._proved() == {"config"}
    for name, password, of in (("RRHH", "otra", "nas"), ("otro", PASSWORD, "nas"), ("RRHH", PASSWORD, "usb")):
        other = repositories.LocalPlace(type(medium)(of, medium.path, True), name)
        other.unlocked_with(password)
        assert other._name(open(place.ledger, encoding="utf-8").read().strip()) == ""


def test_a_ledger_that_is_a_link_is_not_followed(share):
    share.make()
    ledger = share.repository.parent / "probados"
    ledger.unlink()
    victim = share.top / "victima"
    victim.write_text("")
    ledger.symlink_to(victim)
    with pytest.raises(BackupError) as refused:
        share.make()
    assert refused.value.code.startswith("RSP") and victim.read_text() == ""


def test_the_second_password_tells_nothing_of_the_first():
    assert second_key.password("a", ["F"]) != second_key.password("b", ["F"]) and "a" != second_key.password("a", ["F"])
