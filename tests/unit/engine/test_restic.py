# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What restic's exit statuses and words mean, and how paths and times are written for it."""

from __future__ import annotations

import io
import json
import os
import stat

import pytest
from _engine.copies.incremental import reading as files_reading
from _engine.errors import BackupError
from _engine.restic import names as copies_names
from _engine.restic import repositories, restic, restored, words
from _engine.sources import trees


def ended(status, errors=""):
    return restic.Ended(status, errors, [], 0)


@pytest.mark.parametrize(("status", "said", "name"), [
    (1, "Fatal: unable to open config file: Stat: no such file\nIs there a repository at the following location?", "repository_missing"),
    (10, "", "repository_missing"), (11, "", "repository_locked"), (12, "", "password_wrong"), (130, "", "interrupted"),
    (1, "Fatal: unable to create lock in backend: repository is already locked by PID 7 on h by root (UID 0, GID 0)", "repository_locked"),
    (1, "Fatal: wrong password or no key found", "password_wrong"),
    (1, "Fatal: unable to save snapshot: write /r/data/x: no space left on device", "medium_full"),
    (1, "Fatal: mkdir /r: read-only file system", "medium_unwritable"),
    (1, "Load(<data/ab>): ciphertext verification failed", "repository_damaged"),
    (1, "Fatal: repository contains errors", "repository_damaged"),
    (1, "something new", "stage_failed"), (77, "", "stage_failed"), (-9, "", "stage_failed"), (3, "Warning", "stage_failed"),
])
def test_a_failed_call_is_told_by_its_cause_and_an_unknown_status_is_a_failure(status, said, name):
    error = restic.fault(ended(status, said), "backup", "/r")
    assert error.fault.name == name
    if status == -9:
        assert "SIGKILL" in error.message


def test_unread_files_are_told_apart_from_other_words_and_counted_beyond_what_is_kept(monkeypatch):
    monkeypatch.setattr(restic, "_MOST", 2)
    rows = [{"message_type": "error", "error": {}, "during": "scan", "item": "/a"}]
    rows += [{"message_type": "error", "error": {}, "during": "archival", "item": "/ñ\n{0}".format(number)} for number in range(3)]
    told = restic._ended(3, io.BytesIO(b"".join(json.dumps(row, separators=(",", ":")).encode() + b"\n" for row in rows) + b"x" * 5000 + b"\nWarning: last\n"))
    assert told.problems == ["/ñ\n0", "/ñ\n1"] and told.problem_count == 3
    assert told.errors.endswith("Warning: last") and len(told.errors) <= 4000


@pytest.mark.parametrize(("text", "expected"), [
    ("1970-01-01T00:00:01.000000002Z", 1_000_000_002), ("1970-01-01T00:00:01Z", 10**9), ("1970-01-01T00:00:01.5Z", 1_500_000_000),
    ("1969-12-31T19:00:01.25-05:00", 1_250_000_000), ("1970-01-01T05:30:00+05:30", 0),
])
def test_times(text, expected):
    assert restic.nanoseconds(text) == expected


def test_a_time_that_is_none_is_an_error():
    with pytest.raises(BackupError):
        restic.nanoseconds("yesterday")


def test_a_path_stands_for_itself_alone():
    assert restic.literal("/a*b?[c]\\d") == "/a\\*b\\?\\[c]\\\\d"


@pytest.mark.parametrize(("of", "name"), [("system", "RecursosHumanos"), ("server", "servidor-archivos1"), ("office", "organo-Logistica")])
def test_whose_repository(of, name):
    assert copies_names.repository_name(of, "Recursos Humanos", "archivos1", "Logística") == name


def test_the_damaged_files_that_restic_names_are_doubted_and_no_others(tmp_path):
    place = repositories.LocalPlace(repositories.Local("nas", str(tmp_path)), "RRHH")
    names = ["data/ab/ab" + "0" * 62, "data/cd/cd" + "0" * 62, "config"]
    place._note(names)
    assert place._proved() >= set(names)
    place.doubt(files_reading._packs("pack ab" + "0" * 62 + ": not good"))
    assert not {names[0]} & place._proved() and {names[1], names[2]} <= place._proved()
    there = dict.fromkeys(names[1:], 1)
    assert place.lost(there) == []
    place.doubt(files_reading._packs("tree " + "0" * 64 + ": not found"))
    assert place.lost(there) == ["!"], "a damage that names no file is not forgotten"
    place.settle(there)
    assert place.lost(there) == [] and place.lost({"config": 1}) == [names[1]]


def test_only_what_is_named_by_its_content_is_compared(tmp_path):
    import hashlib

    place = repositories.LocalPlace(repositories.Local("nas", str(tmp_path)), "RRHH")
    os.makedirs(os.path.join(place.path, "snapshots"))
    name = "snapshots/" + hashlib.sha256(b"x").hexdigest()
    for each in (name, "config"):
        with open(os.path.join(place.path, each), "wb") as file:
            file.write(b"x")
    assert place.prove_new(place.files()) == 1
    assert place.prove_new(place.files()) == 0     # proved once
    with open(os.path.join(place.path, name), "wb") as file:
        file.write(b"y")
    assert place.prove_new(place.files()) == 0
    place.doubt([name])
    with pytest.raises(BackupError) as differs:
        place.prove_new(place.files())
    assert differs.value.code == "RSP501" and name in differs.value.message
    os.unlink(os.path.join(place.path, name))
    with pytest.raises(BackupError) as missing:
        place.prove([name])
    assert "missing" in missing.value.message


def node(name, **changed):
    path = name
    status = os.lstat(path)
    kinds = {stat.S_IFDIR: "dir", stat.S_IFREG: "file", stat.S_IFLNK: "symlink"}
    told = {"path": "/" + os.path.basename(path), "type": kinds[stat.S_IFMT(status.st_mode)], "size": status.st_size, "uid": status.st_uid,
            "gid": status.st_gid, "mode": status.st_mode & 0o777, "mtime": "2026-11-22T03:04:05.5Z"}
    return dict(told, **changed)


def judge(top, row):
    found = trees.Judge(str(top), "RRHH_20261122")
    found.see(row)
    return found.finish()


@pytest.mark.parametrize(("changed", "word", "code"), [
    ({"size": 7}, "its size", "RSP503"), ({"mode": 0o600}, "its mode", "RSP457"), ({"uid": 4711}, "its owner", "RSP457"),
    ({"type": "dir"}, "its type", "RSP503"),
    ({"path": "/otro"}, "did not come back", "RSP503"), ({"path": "/" + "largo" * 60}, "too long", "RSP457"),
])
def test_what_came_back_is_compared_with_what_the_snapshot_tells(tmp_path, changed, word, code):
    """Other data are the copy's fault, an owner or a mode that is not held this place's."""
    path = tmp_path / "hoja.txt"
    path.write_text("uno")
    path.chmod(0o644)
    os.utime(path, ns=(restic.nanoseconds("2026-11-22T03:04:05.5Z"),) * 2)
    assert judge(tmp_path, node(str(path))) == 1
    with pytest.raises(BackupError) as differs:
        judge(tmp_path, node(str(path), **changed))
    assert differs.value.code == code and word in differs.value.message
    (tmp_path / "de más").touch()
    with pytest.raises(BackupError) as more:
        judge(tmp_path, node(str(path)))
    assert "2 files and directories came back, 1 were copied" in more.value.message


def test_a_time_that_was_not_set_is_told_and_a_mode_of_0_is_one(tmp_path):
    path = tmp_path / "hoja.txt"
    path.write_text("uno")
    path.chmod(0)
    row = node(str(path), mtime="2300-01-01T00:00:00Z")
    del row["mode"]       # as restic leaves it out
    found = trees.Judge(str(tmp_path), "RRHH_20261122")
    found.see(row)
    assert found.finish() == 1 and "1 came back with another time" in found.remarks()[0] and "/hoja.txt" in found.remarks()[0]


@pytest.mark.parametrize(("said", "about"), [
    ("ignoring error for /s: mkdir /d/s: operation not permitted\nignoring error for /s: UtimesNano: no such file or directory\nFatal: There were 2 errors",
     restored.PLACE),
    ("ignoring error for /s/a: xattr.Set /d/s/a user.k: operation not supported\nFatal: There were 1 errors", restored.ATTRIBUTES),
    ("ignoring error for /s/a: xattr.Set /d/s/a system.posix_acl_access: operation not supported\nFatal: There were 1 errors", restored.PLACE),
    ("ignoring error for /s/a: Lchown: lchown /d/s/a: invalid argument", restored.PLACE),
    ("ignoring error for /s/big: ciphertext verification failed\nFatal: There were 1 errors", restored.OTHER),
    ("ignoring error for /s: mkdir /d/s: operation not permitted\nignoring error for /s/big: StreamPack: open r/data/51/51: no such file or directory",
     restored.OTHER),
    ("ignoring error for /s/big: StreamPack: sftp: file does not exist", restored.OTHER),
    ("ignoring error for /s/big: connection lost\nFatal: There were 1 errors", restored.UNTOLD), ("it said nothing", restored.UNTOLD),
])
def test_only_words_of_damage_are_said_of_the_copy(said, about):
    assert restored.judge(said, "/d/.") == about


@pytest.mark.parametrize(("status", "said", "damage"), [
    (1, "pack 51: does not exist\nFatal: repository contains errors", True),
    (1, "error: ciphertext verification failed\nFatal: repository contains errors", True),
    (1, "Load(<data/51>): dial tcp 10.0.0.7:443: i/o timeout\nFatal: repository contains errors", False), (-9, "missing", False),
    (1, "StatusCode=409, ErrorCode=BlobArchived\nFatal: repository contains errors", False), (1, "fatal error: out of memory", False),
])
def test_a_check_that_could_not_read_tells_no_damage(status, said, damage):
    assert words.tells_damage(restic.fault(ended(status, said), "check", "/r")) is damage


@pytest.mark.parametrize(("text", "expected"), [
    ("0000-01-01T00:00:00Z", -62167219200), ("0999-12-31T23:59:59Z", -30610224001), ("9999-12-31T23:59:59Z", 253402300799)])
def test_times_of_any_year(text, expected):
    assert restic.nanoseconds(text) == expected * 10**9
