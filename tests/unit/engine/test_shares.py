# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a list of shared folders may say, and what a folder holds. Samba itself is in molecule/file_server."""

from __future__ import annotations

import os
import subprocess
import tracemalloc

import pytest
from _engine.errors import BackupError
from _engine.folders import shares, usage

GOOD = {"name": "Logística", "path": "/srv/compartidos/logistica", "office": "Oficina de Logística", "group": "of-logistica"}


def refused(*changes):
    with pytest.raises(BackupError) as caught:
        shares.folders_of([dict(GOOD, **change) for change in changes])
    assert caught.value.fault.name == "invalid_input"
    return caught.value.message


def test_a_folder_as_it_is_written():
    folder, other = shares.folders_of([dict(GOOD, path=GOOD["path"] + "/", recycle_days=30), {
        "name": "Asesoría Jurídica", "path": "/srv/compartidos/asesoría jurídica", "office": "x", "group": "PERUCOMPRAS\\of juridica", "state": "withdrawn"}])
    assert (folder.path, folder.present, folder.members, folder.recycle_days) == (GOOD["path"], True, None, 30)
    assert (other.present, other.browseable, other.quota_gib) == (False, True, 0)


@pytest.mark.parametrize(("change", "word"), [
    ({"name": "A/B"}, "[0].name"), ({"name": "50 %"}, "[0].name"), ({"name": "homes"}, "something else to Samba"),
    ({"name": ".oculta"}, "something else to Samba"),
    ({"name": "uno\ndos"}, "[0].name"), ({"name": "x" * 81}, "[0].name"), ({"path": "relativa"}, "[0].path"), ({"path": "/srv"}, "a place of the system"),
    ({"path": "/etc/compartida"}, "a place of the system"), ({"path": "/srv/../etc/x"}, "has .. in it"), ({"path": "/srv/%U"}, "[0].path"),
    ({"path": "/srv/con\nsalto"}, "[0].path"), ({"path": "/srv/aster*sco"}, "[0].path"), ({"group": "con:dos"}, "[0].group"), ({"group": "-x"}, "[0].group"),
    ({"readers": "of-logistica"}, "also the group that writes"), ({"readers_members": ["a"]}, "no meaning without readers"),
    ({"members": ["-G"]}, "members[0]"),
    ({"description": "a\\"}, "description"), ({"quota_gib": -1}, "quota_gib"), ({"recycle_days": True}, "recycle_days"), ({"estado": "x"}, "estado"),
    ({"state": "absent"}, "state"),
])
def test_a_mistake_is_told_with_its_key(change, word):
    assert word in refused(change)


def test_folders_that_meet():
    assert "Samba ignores case" in refused({}, {"name": "LOGÍSTICA", "path": "/srv/otra/x"})
    for path in (GOOD["path"], GOOD["path"] + "/dentro", "/srv/compartidos"):
        assert "or that in it" in refused({}, {"name": "Otra", "path": path})
    shares.folders_of([GOOD, dict(GOOD, name="Otra", state="withdrawn"), dict(GOOD, name="Tercera", path=GOOD["path"] + "-2")])


def test_every_mistake_at_once():
    told = refused({"name": "A/B", "path": "x"}, {"office": ""})
    assert all(word in told for word in ("[0].name", "[0].path", "[1].office"))


# -- usage --------------------------------------------------------------------------------------------------------------
@pytest.fixture
def office(tmp_path):
    (tmp_path / "office" / ".papelera" / "ana").mkdir(parents=True)
    (tmp_path / "office" / "sub").mkdir()
    for name, size, modified in (("sub/grande.bin", 5000, 1700000000), ("canción.MP3", 300, 1600000000), ("sub/antiguo.txt", 10, 981198245),
                                 (".papelera/ana/borrado.mp3", 700, 1500000000), ("dos\nlíneas", 1, 1700000001)):
        path = tmp_path / "office" / name
        path.write_bytes(b"x" * size)
        os.utime(path, (modified, modified))
    (tmp_path / "office" / "fuera").symlink_to("/etc")
    os.mkfifo(tmp_path / "office" / "tubo")
    return tmp_path / "office"


def test_what_a_folder_holds(office):
    told = usage.measure(str(office), ["mp3", ".EXE"], 2)
    assert (told["size"], told["files"], told["directories"], told["links"], told["others"]) == (6011, 5, 3, 1, 1)
    assert (told["bin_size"], told["bin_files"]) == (700, 1)
    assert told["unwanted"] == [{"kind": "mp3", "files": 1, "size": 300, "examples": ["canción.MP3"]}]
    assert [row["path"] for row in told["largest"]] == ["sub/grande.bin", "canción.MP3"]
    assert [(row["path"], row["modified"]) for row in told["oldest"]] == [("sub/antiguo.txt", 981198245), ("canción.MP3", 1600000000)]
    assert "dos\\x0alíneas" in [row["path"] for row in usage.measure(str(office), [], 9)["largest"]]
    assert usage.measure(str(office), [], 0)["largest"] == []


def test_a_folder_replaced_by_a_link_is_not_measured(office):
    office.rename(office.parent / "aside")
    office.symlink_to("/etc")
    with pytest.raises(BackupError) as caught:
        usage.measure(str(office), [], 5)
    assert caught.value.fault.name == "assigned_path_changed"


@pytest.mark.slow
def test_depth_length_and_what_is_no_text_in_a_folder(office):
    """3,000 levels, a name of 255 bytes, one that is no UTF-8: counted, and told in a line of bounded length."""
    at = os.open(office, os.O_RDONLY | os.O_DIRECTORY)
    for _level in range(3000):
        os.mkdir("hondo", dir_fd=at)
        inner = os.open("hondo", os.O_RDONLY | os.O_DIRECTORY, dir_fd=at)
        os.close(at)
        at = inner
    for name in (b"x" * 255, b"\xff\xfe.mp3"):
        os.close(os.open(name, os.O_CREAT | os.O_WRONLY, dir_fd=at))
    os.close(at)
    told = usage.measure(str(office), ["mp3"], 10)
    assert (told["files"], told["directories"], told["complete"], told["unreadable"]) == (7, 3003, True, 0)
    assert all(len(row["path"]) < 2000 for row in told["largest"] + told["oldest"])
    assert any(row["path"].endswith("\\xff\\xfe.mp3") for row in told["largest"])
    subprocess.run(["rm", "-rf", str(office)], check=True)


def test_a_report_ends_in_time(office):
    told = usage.measure(str(office), [], 10, seconds=-1)
    assert not told["complete"]


def test_memory_does_not_grow_with_the_files(tmp_path):
    """The lists stay as long as they are asked to be: 6,000 files take no more than 500 do, a directory's own listing aside."""
    peaks = []
    for count in (500, 5500):
        for number in range(count):
            (tmp_path / "d{0}".format(number % 20)).mkdir(exist_ok=True)
            os.close(os.open(str(tmp_path / "d{0}".format(number % 20) / "{0}-{1}.mp3".format(count, number)), os.O_CREAT | os.O_WRONLY, 0o600))
        tracemalloc.start()
        told = usage.measure(str(tmp_path), ["mp3"], 10)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert len(told["largest"]) == len(told["oldest"]) == 10 and len(told["unwanted"][0]["examples"]) == 5
    assert told["files"] == 6000 and peaks[1] < 1.5 * peaks[0] + 100000
