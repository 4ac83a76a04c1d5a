# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scope guard follows every link before it says yes."""

from __future__ import annotations

import pytest
from _engine import scope
from _engine.errors import BackupError


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
    assert scope.resolve(app, [str(srv / "way-in")]) == app


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
