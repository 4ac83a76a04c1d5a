# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scope guard follows every link before it says yes."""

from __future__ import annotations

import os
import unicodedata

import pytest
from _engine.errors import BackupError
from _engine.filesystem import scope


@pytest.fixture
def srv(tmp_path):
    for name in ("app/data", "app2", "outside"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "app" / "way-out").symlink_to(tmp_path / "outside")
    (tmp_path / "way-in").symlink_to(tmp_path / "app")
    return tmp_path


def refused(path, assigned):
    with pytest.raises(BackupError) as caught:
        scope.resolve(str(path), assigned)
    return caught.value.fault.name


def test_inside(srv):
    app = str(srv / "app")
    assert scope.resolve(app, [app]) == app
    assert scope.resolve(app + "/data", [app + "/"]) == app + "/data"
    assert scope.resolve(app + "/not/yet", [app]) == app + "/not/yet"
    assert scope.resolve(str(srv / "way-in" / "data"), [app]) == app + "/data"
    assert scope.resolve(app + "//data/", [app + "//"]) == app + "/data"


@pytest.mark.parametrize("path", ["app2", "app/../app2", "app/way-out", "app/way-out/x", "", "app/data/../../outside"])
def test_outside(srv, path):
    assert refused(srv / path if path else srv, [str(srv / "app")]) == "out_of_scope"
    assert refused(str(srv) + "/" + path, [str(srv / "app")]) == "out_of_scope"


@pytest.mark.parametrize("path", ["relative", "", "./x", "/a\0b"])
def test_not_a_full_path(path):
    assert refused(path, ["/"]) == "invalid_input"


def test_root_holds_all_and_nothing_guards_nothing(srv):
    assert scope.resolve(str(srv), ["/"]) == str(srv)
    assert scope.resolve(str(srv), []) == str(srv)


# -- the assigned path is itself --------------------------------------------------------------------------------------
def changed(path, assigned):
    with pytest.raises(BackupError) as caught:
        scope.resolve(str(path), [str(assigned)])
    assert caught.value.fault.name == "assigned_path_changed"
    return caught.value


def test_a_link_in_the_place_of_an_assigned_path(srv):
    """Somebody renames the folder and puts a link to another one there: nothing of the other is copied."""
    (srv / "app").rename(srv / "app-old")
    (srv / "app").symlink_to(srv / "outside")
    error = changed(srv / "app" / "x", srv / "app")
    assert "it is a link to {0}".format(srv / "outside") in error.message
    assert "es un enlace a {0}".format(srv / "outside") in error.spanish
    assert refused(srv / "outside", [str(srv / "app")]) == "assigned_path_changed"


def test_an_assigned_path_that_was_renamed(srv):
    (srv / "app").rename(srv / "app-2025")
    error = changed(srv / "app" / "data", srv / "app")
    assert "it does not exist; {0} holds ".format(srv) in error.message and "app-2025" in error.message
    assert "no existe; {0} contiene ".format(srv) in error.spanish
    assert refused(srv / "app-2025" / "data", [str(srv / "app")]) == "out_of_scope"


def test_an_assigned_path_whose_parent_is_gone(srv):
    assert "neither does" in changed(srv / "no" / "app" / "x", srv / "no" / "app").message


def test_a_link_above_counts_by_who_made_it(srv):
    """A directory moved to another disk is reached by root's link; a link that a user made is no way."""
    (srv / "real").mkdir()
    (srv / "real" / "office").mkdir()
    (srv / "way").symlink_to(srv / "real")
    assigned = [str(srv / "way" / "office")]
    assert scope.resolve(str(srv / "way" / "office" / "x"), assigned) == str(srv / "real" / "office" / "x")
    if os.geteuid() == 0:
        os.lchown(srv / "way", 12345, 12345)
        assert "on the way to it is a link" in changed(srv / "way" / "office" / "x", assigned[0]).message


@pytest.mark.parametrize("one", ["relative", "/srv/app/../etc"])
def test_an_assigned_path_is_written_out(srv, one):
    assert refused(srv / "app", [one]) == "invalid_input"


# -- names --------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("typed", ["Año Perú", "AÑO PERÚ"])
def test_a_name_in_another_form_is_another_name(srv, typed):
    """é typed two ways, or in another case, is not the folder; the refusal names the one that is there."""
    (srv / unicodedata.normalize("NFD", "Año Perú")).mkdir()
    assigned = srv / typed
    error = changed(assigned / "x", assigned)
    assert "the same name in another case or Unicode form: " in error.message and "(An\\u0303o Peru\\u0301)" in error.message
    both = srv / unicodedata.normalize("NFC", "Año Perú")
    both.mkdir()
    assert scope.resolve(str(both), [str(both)]) == str(both)
    assert refused(srv / unicodedata.normalize("NFD", "Año Perú"), [str(both)]) == "out_of_scope"


def test_a_case_that_differs_is_outside(srv):
    (srv / "APP").mkdir()
    assert refused(srv / "APP", [str(srv / "app")]) == "out_of_scope"


def test_a_name_with_a_newline_stays_on_one_line(srv):
    name = "dos\nlíneas"
    (srv / "app" / name).mkdir()
    (srv / name).mkdir()
    assert scope.resolve(str(srv / "app" / name), [str(srv / "app")]) == str(srv / "app" / name)
    assert scope.resolve(str(srv / name / "x"), [str(srv / name)]) == str(srv / name / "x")
    with pytest.raises(BackupError) as caught:
        scope.resolve(str(srv / name), [str(srv / "app")])
    assert "dos\\x0alíneas" in caught.value.message and "\n" not in caught.value.message + caught.value.spanish


def test_a_name_that_is_no_text_is_shown(srv):
    with pytest.raises(BackupError) as caught:
        scope.resolve(os.fsdecode(os.fsencode(str(srv)) + b"/\xf1"), [str(srv / "app")])
    assert "\\xf1" in caught.value.message
    caught.value.message.encode("utf-8")


def test_links_that_go_round(srv):
    (srv / "app" / "round").symlink_to("round")
    assert refused(srv / "app" / "round", [str(srv / "app")]) == "out_of_scope"


# -- what is mounted ----------------------------------------------------------------------------------------------------
def test_what_is_mounted_below_is_no_part(srv, monkeypatch, tmp_path):
    """The kernel's table of mounts, here a file of its form; tests/integration/scope mounts for real."""
    table = tmp_path / "mountinfo"
    inner = str(srv / "app" / "data")
    line = "36 35 98:0 /root {0} rw,noatime master:1 - ext4 /dev/sda1 rw\n"
    table.write_text(line.format("/") + line.format(str(srv / "app")) + line.format(inner) + line.format(r"/mnt/two\040words"), "utf-8")
    monkeypatch.setattr(scope, "_MOUNTS", str(table))
    assert "/mnt/two words" in scope.mount_points()
    assigned = [str(srv / "app")]
    assert scope.resolve(str(srv / "app"), assigned) == str(srv / "app")
    assert refused(inner, assigned) == refused(inner + "/x", assigned) == "out_of_scope"
    assert scope.resolve(inner + "/x", [*assigned, inner]) == inner + "/x"
    assert scope.mounts_below(str(srv / "app"), assigned) == [inner]
    assert scope.mounts_below(str(srv / "app"), [*assigned, inner]) == []
    assert scope.mounts_below(inner, assigned) == []


# -- at the moment of use ---------------------------------------------------------------------------------------------
def test_a_path_exchanged_after_it_was_let_through(srv):
    before = scope.mark(str(srv / "app"))
    scope.recheck(before)
    (srv / "app").rename(srv / "app-old")
    (srv / "app").symlink_to(srv / "outside")
    with pytest.raises(BackupError) as caught:
        scope.recheck(before)
    assert caught.value.fault.name == "assigned_path_changed"
    (srv / "app").unlink()
    (srv / "app").mkdir()
    with pytest.raises(BackupError) as caught:
        scope.recheck(before)
    assert "another one than before" in caught.value.message
    with pytest.raises(BackupError) as caught:
        scope.mark(str(srv / "none"))
    assert caught.value.fault.name == "source_missing"


def test_a_pinned_directory_stays_the_same(srv):
    with scope.pinned(str(srv / "app")) as held:
        (srv / "app").rename(srv / "elsewhere")
        (srv / "app").symlink_to(srv / "outside")
        with open(os.path.join(held, "written"), "w", encoding="utf-8") as file:
            file.write("x")
    assert (srv / "elsewhere" / "written").exists() and not (srv / "outside" / "written").exists()
    with pytest.raises(BackupError) as caught, scope.pinned(str(srv / "app")):
        pass
    assert caught.value.fault.name == "assigned_path_changed"


# -- whose it is ------------------------------------------------------------------------------------------------------
def test_what_one_office_had_does_not_come_back_to_another(srv):
    offices = {str(srv / "app"): "Logística", str(srv / "app2"): "Jurídica", str(srv / "app" / "data"): "Almacén"}
    assert scope.office_of(str(srv / "app" / "x"), offices) == "Logística"
    assert scope.office_of(str(srv / "app" / "data" / "x"), offices) == "Almacén"
    assert scope.office_of(str(srv / "outside"), offices) is None
    scope.refuse_other_office([str(srv / "app" / "x")], str(srv / "app" / "y"), offices)
    scope.refuse_other_office([str(srv / "app" / "x")], str(srv / "outside"), offices)
    scope.refuse_other_office([str(srv / "gone")], str(srv / "app"), offices)
    (srv / "app" / "round-about").symlink_to(srv / "app2")
    for target in (srv / "app2" / "y", srv / "app" / "round-about" / "y", srv / "app" / "data"):
        with pytest.raises(BackupError) as caught:
            scope.refuse_other_office([str(srv / "app" / "deleted" / "x")], str(target), offices)
        assert caught.value.fault.name == "other_office"
    assert "Almacén" in caught.value.spanish


def test_no_assigned_path_is_no_scope(srv):
    scope.demand(["/srv"], str(srv))
    with pytest.raises(BackupError) as caught:
        scope.demand([], str(srv))
    assert caught.value.fault.name == "nothing_assigned" and caught.value.fault.name in scope.REFUSALS


def test_a_private_directory_is_nobody_elses(srv):
    """Who may write above could have put a directory of their own in the place of the one just made."""
    (srv / "app" / "scratch").mkdir(mode=0o700)
    with scope.pinned(str(srv / "app" / "scratch"), private=True) as held:
        assert os.listdir(held) == []
    (srv / "app" / "scratch").chmod(0o770)
    with pytest.raises(BackupError) as caught, scope.pinned(str(srv / "app" / "scratch"), private=True):
        pass
    assert caught.value.fault.name == "assigned_path_changed"


def test_what_is_exchanged_while_it_is_told_ends_in_words(srv, monkeypatch):
    """A link at one look and a directory at the next, as an adversary makes it."""
    monkeypatch.setattr(os.path, "islink", lambda _path: True)
    # realpath of Python 3.8 and 3.9 asks islink too, and fails where the link is none
    assert scope.now_there(str(srv / "app")) in ("it is another one than before", "it changes while it is looked at")
