# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""S17: what the controller knows of its bitácora from elsewhere is used by every verification without being asked, and a seal by another key is a finding
until a change that is signed explains it. The attackers here write to the SQLite file as they like; they have not the seal key."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import subprocess
import sys

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import chain, entries, rotation, seals, trust
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.recorder import Recorder
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._reports import evidence

MADE = {"event": "copy_made", "label": "SIGA_20261122", "system": "SIGA", "kind": "database", "size": 21000}
WHY = {"reason": "Cambio anual", "authority": "Memorando 012-2027-OTI"}


class Place:
    """A controller with its bitácora, and what an attacker does to the file."""

    def __init__(self, top, anchored=False):
        self.top, self.file, self.key, self.anchor = top, top / "bitacora.sqlite", top / "seal.key", top / "elsewhere" / "anchors"
        self.anchor.parent.mkdir(exist_ok=True)
        self.given = trust.Settings(str(self.file), self.key, (str(self.anchor),) if anchored else ())

    def run(self):
        recorder = Recorder(str(self.file), self.top / "journal", None, {"playbook": "site.yml"}, self.given.seal_key,
                            [seals.FileAnchor(path) for path in self.given.anchors])
        recorder.start()
        recorder.backup("db01", dict(MADE), False)
        recorder.end({})
        return recorder

    def verify(self, *keys):
        with open_store(str(self.file), readonly=True) as store:
            return trust.verify(store, keys=keys, given=self.given)

    def names(self):
        return {finding.name for finding in self.verify().findings}

    def glance(self):
        with open_store(str(self.file), readonly=True) as store:
            return {finding.name for finding in trust.glance(store, self.given)}

    def change(self, state, key="", simulate=False, given=None):
        with open_store(str(self.file)) as store:
            return rotation.change(given or self.given, store, rotation.Wanted(state, key, **WHY, run="R"), simulate)

    def public(self):
        return seals.Signer(self.key, make=False).public

    def rewrite(self, body_of, signer=None, more=()):
        """The whole chain made anew: every digest is right. `body_of` changes a body, None leaves the entry out."""
        with open_store(str(self.file), readonly=True) as store:
            rows = [dict(zip(chain.COLUMNS, row)) for row in store.raw()]
        for path in self.top.glob("bitacora.sqlite*"):
            path.unlink()
        with open_store(str(self.file)) as store:
            made = []
            for row in rows:
                body = body_of(row["n"], row["type"], json.loads(row["body"]))
                if body is None:
                    continue
                if row["type"] == "seal":
                    sealed = {"origin": made[0].digest, "sealed_n": made[-1].n, "sealed_digest": made[-1].digest}
                    body = {"run": body["run"], **signer.seal(*sealed.values())} if signer else {**body, **sealed}
                made.append(store.append(row["type"], body, row["at_event"], row["emitter"]))
            for type_, body in more:
                made.append(store.append(type_, body(made), entries.now(), "X"))

    def cut(self, left):
        with sqlite3.connect(self.file) as connection:
            connection.execute("DROP TRIGGER entries_refuse_delete")
            connection.execute("DELETE FROM entries WHERE n > ?", (left,))
            connection.execute("UPDATE sqlite_sequence SET seq = ?", (left,))
        connection.close()


@pytest.fixture(params=[False, True], ids=["memory", "anchored"])
def place(request, brought_back):
    def make(top):
        made = Place(top, request.param)
        for _number in range(3):
            assert made.run().unsealed == []

    return Place(brought_back(f"anchored {request.param}", make), request.param)


def smaller(n, type_, body):
    return {**body, "size": 1} if n == 2 else body


def forged(n, type_, body):
    body = smaller(n, type_, body)
    return {**body, "public_key": "0" * 64, "signature": "0" * 128} if type_ == "seal" else body


def without_seals(n, type_, body):
    return None if type_ == "seal" else smaller(n, type_, body)


ATTACKS = {
    "forged seals": lambda place: place.rewrite(forged),
    "seals of the old text": lambda place: place.rewrite(smaller),
    "seals left out": lambda place: place.rewrite(without_seals),
    "seals by another key": lambda place: place.rewrite(smaller, seals.Signer(place.top / "other.key")),
    "a new empty one": lambda place: place.rewrite(lambda n, type_, body: body if n == 1 else None),
    "its tail cut at a run": lambda place: place.cut(8),
    "its tail cut in a run": lambda place: place.cut(10),
    "its last seal cut": lambda place: place.cut(11),
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_each_rewrite_is_told_without_being_asked(place, attack):
    """S17. What the controller then does is not to sign it; it goes on recording."""
    assert place.verify().findings == [] and place.glance() == set()
    attack(place)
    report = place.verify()
    assert not report.whole and all(finding.n <= 12 for finding in report.findings)
    assert place.glance()
    before = report.entries
    recorder = place.run()
    assert "RSP731" not in str(recorder.problem) and not recorder.unwritten
    assert "sealed before" in recorder.unsealed[0], recorder.unsealed
    with open_store(str(place.file), readonly=True) as store:
        assert [entry["type"] for entry in store.entries()][before:] == ["run_started", "copy_made", "run_ended"], "recorded, not sealed"
    assert not place.verify().whole


def test_the_auditor_s_command_alone_tells_a_forged_signature(tmp_path):
    """S17's own proof: seals with a key and a signature of zeros are told by chain.py without any option, with the place."""
    place = Place(tmp_path)
    place.run()
    place.rewrite(forged)
    done = subprocess.run([sys.executable, "-I", "-S", chain.__file__, place.file], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "el sello del asiento 4" in done.stdout, done.stdout


def test_what_is_remembered_is_for_its_owner_alone_and_of_one_bitacora(place):
    path = trust.known_path(place.key)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert place.key.read_text().strip() not in path.read_text()
    other = Place(place.top)
    other.file = place.top / "other.sqlite"
    other.given = other.given._replace(url=str(other.file))
    assert other.run().unsealed == [] and other.verify().findings == [] == place.verify().findings
    with open_store(str(place.file), readonly=True) as store:
        assert trust.verify(store, given=other.given).whole, "what is known of one says nothing of another"


@pytest.mark.parametrize("spoil", [lambda path: path.chmod(0o644), lambda path: path.write_text("{"), lambda path: path.write_text('{"keys": [], "last": 1}'),
                                   lambda path: (path.rename(path.with_suffix(".x")), path.symlink_to(path.with_suffix(".x")))])
def test_known_keys_that_can_t_be_used_are_told_and_nothing_is_sealed_by_guess(place, spoil):
    spoil(trust.known_path(place.key))
    report = place.verify()
    assert report.whole and any("RSP729" in notice.english or "known keys" in notice.english for notice in report.notices)
    assert "known keys" in place.run().unsealed[0]


def test_no_seal_is_told_as_not_protected_and_not_as_broken(tmp_path):
    place = Place(tmp_path)
    place.given = place.given._replace(seal_key=None)
    place.run()
    report = place.verify()
    assert report.whole and "no está protegida por sello: el sello está desactivado" in report.notices[-1].spanish
    place.given = place.given._replace(seal_key=place.key)
    place.run()
    assert "no hay ancla fuera" in place.verify().notices[-1].spanish


def test_an_anchor_that_is_not_there_is_told_and_not_as_broken(tmp_path):
    place = Place(tmp_path, True)
    place.run()
    place.anchor.rename(place.anchor.with_suffix(".away"))
    report = place.verify()
    assert report.whole and [notice.name for notice in report.notices] == ["anchor_unreadable"]


def test_an_anchor_that_others_wrote_to_is_told_and_stops_no_seal(tmp_path):
    place = Place(tmp_path, True)
    place.run()
    line = json.loads(place.anchor.read_text())
    with place.anchor.open("a") as file:
        file.write(json.dumps({**line, "n": 99, "public_key": "0" * 64}) + "\n[[[[\n" + json.dumps({**line, "n": float("inf")}) + "\n" + "[" * 100000 + "\n")
    assert place.names() == {"anchor_forged"} and place.run().unsealed == []


def test_an_index_or_a_view_that_hides_entries_hides_nothing(tmp_path):
    """Every reader but the verifier goes by the indexes: without a word of the chain one could be left without the failures."""
    place = Place(tmp_path)
    place.run()
    with open_store(str(place.file)) as store:
        store.append("copy_damaged", {**MADE, "event": "copy_damaged"}, entries.now(), "X")
    with sqlite3.connect(place.file) as connection:
        connection.execute("DROP VIEW bitacora")
        connection.execute("CREATE VIEW bitacora AS SELECT 1 AS n, 'Generada' AS resultado")
        kept = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'entries_by_type'").fetchone()[0]
    with open_store(str(place.file), readonly=True) as store:
        assert "Dañada" in {row["resultado"] for row in store.rows()}
        evidence.copy_chain(store, tmp_path / "copy.sqlite")
    with sqlite3.connect(tmp_path / "copy.sqlite") as copied:
        assert "Dañada" in {row[0] for row in copied.execute("SELECT resultado FROM bitacora")}
    copied.close()
    assert place.verify().whole
    connection.execute("DROP INDEX entries_by_type")
    connection.execute(kept + " WHERE type <> 'copy_damaged'")
    connection.execute("PRAGMA writable_schema = ON")
    connection.execute("UPDATE sqlite_master SET sql = ? WHERE name = 'entries_by_type'", (kept,))
    connection.commit()
    connection.close()
    with open_store(str(place.file), readonly=True) as store:
        assert store.entries(type="copy_damaged") == [], "the attack is one"
    with open_store(str(place.file), readonly=True) as store:
        assert {finding.name for finding in trust.verify(store, given=place.given, indexes=True).findings} == {"index_differs"}
    assert subprocess.run([sys.executable, "-I", "-S", chain.__file__, place.file], capture_output=True, check=False).returncode == 1


# -- changes of key --------------------------------------------------------------------------------------------------
def test_a_rotation_is_an_entry_that_explains_the_other_key(place):
    old = place.public()
    assert place.change("rotated", old, simulate=True).changed and place.public() == old and not seals.following(place.key).exists()
    done = place.change("rotated", old)
    assert done.changed and done.public == place.public() != old and not seals.following(place.key).exists()
    assert place.run().unsealed == [] and place.verify().findings == [] and place.glance() == set()
    again = place.change("rotated", old)
    assert (again.changed, again.public) == (False, done.public)
    # who knows either of the two keys from a document needs no more
    for key in (old, done.public):
        assert chain.verify_file(place.file, keys=[key]).whole
    assert not chain.verify_file(place.file, keys=[seals.Signer(place.top / "other.key").public]).whole
    # the retired key signs nothing any more, and what it vouched for can't be undone
    with open_store(str(place.file), readonly=True) as store:
        entry, = store.entries(type="key_changed")
    assert entry["reason"] == WHY["reason"] and entry["old_key"] == old and chain.is_change(entry)


def test_a_key_put_in_place_without_an_entry_seals_nothing(place):
    old = place.public()
    place.key.unlink()
    assert "is not the one that sealed the bitácora here before" in place.run().unsealed[0]
    assert not place.key.exists(), "a new one is not made in silence"
    new = seals.Signer(place.key)
    assert new.public in place.run().unsealed[0] and old in place.run().unsealed[0]


def test_a_lost_key_is_stated_by_people(place):
    old = place.public()
    with pytest.raises(BackupError, match="not lost"):
        place.change("lost", old)
    place.key.unlink()
    with pytest.raises(BackupError, match="nothing was ever sealed"):
        place.change("lost", seals.Signer(place.top / "other.key").public)
    done = place.change("lost", old)
    assert done.changed and place.public() == done.public != old
    assert place.run().unsealed == []
    report = place.verify()
    assert report.whole and any(notice.name == "key_replaced" and WHY["authority"] in notice.spanish for notice in report.notices)
    assert place.change("lost", old).changed is False
    # with the public key of the document it is whole; with the lost one, or none, it is for people to confirm
    assert chain.verify_file(place.file, keys=[done.public]).whole
    assert "key_unconfirmed" in {finding.name for finding in chain.verify_file(place.file, keys=[old]).findings}
    assert "key_unconfirmed" in {notice.name for notice in chain.verify_file(place.file).notices}


def test_a_statement_that_an_attacker_forges_is_a_finding(place):
    """He makes all anew with his own key, and says by it that the former was lost; or says that his key hands over to the true one."""
    other, true = seals.Signer(place.top / "other.key"), place.public()

    def stated(kind, old, new, signers):
        def body(made):
            told = {"change": kind, "origin": made[0].digest, "old_key": old, "new_key": new, "after_n": made[-1].n, "after_digest": made[-1].digest,
                    "at": entries.now(), "reason": "x", "authority": "x", "lost_from": 0, "lost_to": 0}
            return {**told, **{"signature_of_" + which: other.sign(chain.key_note_of(told)) for which in signers}}
        return ("key_changed", body)

    both = ["old_key", "new_key"]
    tries = [("lost", true, other.public, ["new_key"]), ("rotated", other.public, true, both), ("added", other.public, true, ["old_key"]),
             ("rotated", true, other.public, both), ("restored", true, true, ["old_key"]), ("restored", other.public, other.public, ["old_key"])]
    for number, each in enumerate(tries):
        place.rewrite(smaller, other, [stated(*each)])
        assert place.names() & {"seal_forged", "key_unconfirmed", "key_forged"}, each
        assert {"seal_forged", "seals_missing"} & {finding.name for finding in chain.verify_file(place.file, keys=[true]).findings}, each
        place.rewrite(lambda n, type_, body: None if type_ == "key_changed" else body, other)


def test_a_loss_that_a_stranger_declares_before_the_first_seal_excuses_nothing(place):
    """He keeps what lies before the first seal, forges the rest, says by his own key that all that was sealed is lost, and puts the first seal, a true one,
    at the end. The anchors and the memory would be excused, and the controller would sign it."""
    other, true = seals.Signer(place.top / "other.key"), place.public()
    with open_store(str(place.file), readonly=True) as store:
        first = next(json.loads(row[6]) for row in store.raw() if row[5] == "seal")
    place.cut(first["sealed_n"])
    with open_store(str(place.file)) as store:
        made = store.append("copy_made", {**MADE, "size": 1}, entries.now(), "X")
        told = {"change": "restored", "origin": first["origin"], "old_key": other.public, "new_key": other.public, "after_n": made.n,
                "after_digest": made.digest, "at": "2099-01-01T00:00:00Z", "reason": "x", "authority": "x", "lost_from": 1, "lost_to": 10**9}
        store.append("key_changed", {**told, "signature_of_old_key": other.sign(chain.key_note_of(told))}, entries.now(), "X")
        store.append("seal", first, entries.now(), "X")
    assert "key_forged" in place.names() and place.names() & {"anchor_differs", "anchor_missing"}
    assert place.glance() >= {"key_forged"} and "sealed before" in place.run().unsealed[0]
    assert not chain.verify_file(place.file, keys=[true]).whole
    if place.given.anchors:
        assert not chain.verify_file(place.file, [place.anchor]).whole, "an auditor without a key, but with the anchor"


def test_a_change_that_was_moved_is_none(place):
    place.change("rotated", place.public())
    with open_store(str(place.file)) as store:
        entry, = store.entries(type="key_changed")
        body = {name: value for name, value in entry.items() if name not in chain.COLUMNS}
        store.append("key_changed", body, entries.now(), "X")
    assert place.names() == {"key_forged"}


@pytest.mark.parametrize("value", [None, [], 5, "x" * 64, 2 ** 200])
@pytest.mark.parametrize("name", ["new_key", "after_n", "lost_from", "change", "signature_of_new_key"])
def test_odd_values_in_a_change_or_a_seal_are_findings_and_never_an_end(tmp_path, name, value):
    place = Place(tmp_path)
    place.run()
    place.change("rotated", place.public())
    with sqlite3.connect(place.file) as connection:
        connection.execute("DROP TRIGGER entries_refuse_update")
        body = json.loads(connection.execute("SELECT body FROM entries WHERE type = 'key_changed'").fetchone()[0])
        seal = json.loads(connection.execute("SELECT body FROM entries WHERE type = 'seal' ORDER BY n DESC").fetchone()[0])
        seal["sealed_n" if name == "after_n" else "public_key"] = value
        connection.execute("UPDATE entries SET body = ? WHERE type = 'key_changed'", (json.dumps({**body, name: value}),))
        connection.execute("UPDATE entries SET body = ? WHERE n = (SELECT max(n) FROM entries WHERE type = 'seal')", (json.dumps(seal),))
    connection.close()
    assert not place.verify().whole and place.glance()


@pytest.mark.parametrize("type_, body", [
    ("key_changed", {}), ("key_changed", {"after_n": 1, "after_digest": "x"}), ("seal", {}), ("seal", {"n": []}),
    ("seal", {"origin": "x", "sealed_n": 1, "sealed_digest": "x", "sealed_at": "x", "public_key": "0" * 64, "signature": "0" * 128})])
def test_what_somebody_who_may_only_append_makes_up_is_told_and_ends_no_sealing(place, type_, body):
    """The writer's role of a PostgreSQL: one junk entry, and no run sealed any more, without any procedure to go on."""
    with open_store(str(place.file)) as store:
        store.append(type_, body, entries.now(), "X")
    told = {"key_forged", "key_unexplained", "seal_forged", "seal_differs"}
    assert place.names() and place.names() <= told and place.glance()
    assert place.run().unsealed == [], "what was sealed here stands, and what follows is sealed"
    assert place.names() and place.names() <= told, "told for good"
    with open_store(str(place.file), readonly=True) as store:
        for line in (*seals.unsent(store, "mail")[0], *evidence._seals(store)):
            assert {*chain.SEALED, "n", "digest"} <= set(line), "one that is none ends neither the sending of seals nor the evidence"


class Killed(Exception):
    pass


@pytest.mark.parametrize("state", ["rotated", "lost"])
@pytest.mark.parametrize("step", ["before the entry", "after the entry", "after it was noted"])
def test_a_change_that_was_killed_half_way_is_harmless_and_goes_on(place, monkeypatch, state, step):
    old = place.public()
    if state == "lost":
        place.key.unlink()

    def die(*_arguments):
        raise Killed

    where = {"before the entry": (rotation, "_write"), "after the entry": (trust, "take"), "after it was noted": (trust.os, "rename")}[step]
    with monkeypatch.context() as patch:
        if step == "after it was noted":
            rename = os.rename
            patch.setattr(*where, lambda source, target: die() if str(source).endswith(".next") else rename(source, target))
        else:
            patch.setattr(*where, die)
        with pytest.raises(Killed):
            place.change(state, old)
    recorder = place.run()
    if step == "before the entry" and state == "lost":
        assert recorder.unsealed, "the key is gone and nobody said so yet"
    else:
        assert recorder.unsealed == [] and place.verify().findings == []
    if step == "before the entry":
        assert (place.public() if place.key.exists() else "") == (old if state == "rotated" else "")
    place.change(state, old)
    assert place.public() != old and place.run().unsealed == [] and place.verify().findings == []
    with open_store(str(place.file), readonly=True) as store:
        assert len(store.entries(type="key_changed")) == 1


def test_two_controllers_vouch_for_each_other(tmp_path):
    first, second = Place(tmp_path), Place(tmp_path)
    second.key = tmp_path / "second" / "seal.key"
    second.given = second.given._replace(seal_key=second.key)
    first.run()
    assert "nobody vouched" in second.run().unsealed[0] and second.public() in second.run().unsealed[0]
    with pytest.raises(BackupError, match="nobody vouched"):
        second.change("added", first.public())
    assert first.change("added", second.public()).changed and not first.change("added", second.public()).changed
    assert second.run().unsealed, "it does not know of the first one yet"
    assert second.change("added", first.public()).changed
    for place in (second, first, first, second):
        assert place.run().unsealed == []
    assert first.verify().findings == [] == second.verify().findings
    with pytest.raises(BackupError, match="this very controller"):
        first.change("added", first.public())
    assert first.change("rotated", first.public()).changed
    assert first.run().unsealed == [] == second.run().unsealed and first.verify().findings == [] == second.verify().findings
    assert first.change("withdrawn", second.public()).changed
    second.run()
    assert "key_unexplained" in first.names()
    assert first.run().unsealed == []


def test_a_seal_by_a_key_that_came_without_a_word_is_a_finding_until_it_is_explained(place):
    """The rule itself: whoever has another key and seals as we do. The one who lost the former says so, and it is explained."""
    old = place.public()
    for path in (place.key, trust.known_path(place.key)):
        path.unlink()
    assert "nobody vouched" in place.run().unsealed[0], "a controller laid anew"
    with open_store(str(place.file)) as store:
        first, head = store.ends()
        store.append("seal", {"run": "R", **seals.Signer(place.key).seal(first["digest"], head["n"], head["digest"])}, entries.now(), "R")
    assert "key_unexplained" in place.names()
    assert {finding.name for finding in chain.verify_file(place.file).findings} == {"key_unexplained"}
    place.change("lost", old)
    assert place.names() == set() and place.run().unsealed == []


def test_an_anchor_said_to_be_sent_in_the_future_stops_no_sending(place):
    with open_store(str(place.file)) as store:
        for sealed_n in (10 ** 12, "9", None, 8):
            store.append("anchor_sent", {"anchor": "correo", **({} if sealed_n is None else {"sealed_n": sealed_n})}, entries.now(), "X")
        waiting, last = seals.unsent(store, "correo")
    assert last == 8 and [entry["n"] for entry in waiting] == [12]


def test_a_bitacora_brought_back_from_a_copy_is_stated_by_people(place):
    """What was sealed since is excused; what lies before is not."""
    copy = place.file.read_bytes()
    place.run()
    place.run()
    for path in place.top.glob("bitacora.sqlite*"):
        path.unlink()
    place.file.write_bytes(copy)
    assert place.run().unsealed and "anchor_missing" in place.names()
    assert place.change("restored", simulate=True).changed
    done = place.change("restored")
    assert done.changed and done.lost_to == 20
    assert place.run().unsealed == [] and place.verify().findings == [] and place.glance() == set()
    assert any(notice.name == "entries_lost" for notice in place.verify().notices)
    assert not place.change("restored").changed
    for _number in range(3):
        place.run()
    assert place.verify().findings == []
    place.rewrite(smaller, seals.Signer(place.key))       # even with the key: what was kept elsewhere of the older entries
    assert place.given.anchors == () or "anchor_differs" in place.names()


def test_a_bitacora_brought_back_from_before_its_first_seal_is_stated_by_people_too(tmp_path):
    """The first night's copy of it was made in the first run, which seals at its end."""
    place = Place(tmp_path)
    with open_store(str(place.file)) as store:
        store.append("run_started", {"run": "R0"}, entries.now(), "R0")
        store.append("run_interrupted", {"run": "R0"}, entries.now(), "R1")
    copy = place.file.read_bytes()
    place.run()

    def back():
        for path in place.top.glob("bitacora.sqlite*"):
            path.unlink()
        place.file.write_bytes(copy)

    back()
    assert "seals_missing" in place.names()
    stranger = seals.Signer(tmp_path / "ajena.key").public
    with open_store(str(place.file)) as store:
        store.append("key_changed", {"change": "restored", "old_key": stranger, "new_key": stranger, "lost_from": 3, "lost_to": 9}, entries.now(), "X")
    assert "seals_missing" in place.names(), "the word of somebody without the key says nothing"
    back()
    assert place.change("restored").changed
    assert place.names() == set() and any(notice.name == "entries_lost" for notice in place.verify().notices)


@pytest.mark.parametrize("state, key, words", [
    ("rotated", "", "is not a public key"), ("rotated", "0" * 64, "is not a public key"),
    ("rotated", "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "in force here is"),
    ("added", "zz", "is not a public key"),
])
def test_a_mistyped_key_changes_nothing(place, state, key, words):
    before = place.file.read_bytes()
    with pytest.raises(BackupError, match=words):
        place.change(state, key)
    assert place.file.read_bytes() == before and not seals.following(place.key).exists()


@pytest.mark.slow
def test_a_glance_costs_little_however_many_entries_there_are(tmp_path):
    import time

    place = Place(tmp_path, True)
    place.run()
    with open_store(str(place.file)) as store, store.exclusive():
        for number in range(20000):
            store.append("copy_not_due", {"label": "SIGA", "run": "R1"}, entries.now(), "R1", number + 1)
    place.run()
    place.glance()
    begun = time.process_time()
    assert place.glance() == set()
    assert time.process_time() - begun < 0.5      # all of them take seconds; what else the machine does costs this process nothing


def test_a_run_that_is_sealing_at_this_moment_took_no_seal_out(tmp_path, monkeypatch):
    """Two runs of the first night: one has written its end and made the key, the other verifies before the first seal is there."""
    place, truly, seen = Place(tmp_path), trust.sealer, []

    def sealing(given, store):
        made = truly(given, store)
        seen.append((place.key.exists(), place.names(), place.glance()))
        return made

    monkeypatch.setattr(trust, "sealer", sealing)
    place.run()
    assert seen == [(True, set(), set())]
    assert place.names() == set()


def test_a_run_that_ended_without_a_seal_is_told_once_it_is_dead(tmp_path):
    place = Place(tmp_path)
    program = """
import sys
from pathlib import Path
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.recorder import Recorder
top = Path(sys.argv[1])
recorder = Recorder(str(top / "bitacora.sqlite"), top / "journal", None, {"playbook": "site.yml"}, None, [])
recorder.start()
recorder.end({})
"""
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert place.names() == set(), "no key was ever made"
    seals.Signer(place.key)
    assert place.names() == {"seals_missing"}


@pytest.mark.parametrize("run", [[], {"a": []}, 7, None, "X"])
def test_an_odd_end_of_a_run_stops_no_verification(tmp_path, run):
    """Whoever may append writes what he likes; no bare error comes of it, and a run that nobody began is at work nowhere."""
    place = Place(tmp_path)
    with open_store(str(place.file)) as store:
        store.append("run_started", {"run": "X", "playbook": "site.yml", "pid": "1", "controller": "c"}, entries.now(), "X")
        store.append("run_ended", {} if run is None else {"run": run}, entries.now(), "X")
    seals.Signer(place.key)
    assert "seals_missing" in place.names()
