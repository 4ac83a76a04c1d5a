# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An update of plain directories is seen without a copy (backup_archive_info): any difference of a file is one, reading and touching are none."""

from __future__ import annotations

import os

import pytest

from plugins.module_utils._engine.errors import BackupError
from plugins.module_utils._engine.sources.paths import Paths


@pytest.fixture
def tree(tmp_path):
    top = tmp_path / "fuentes"
    (top / "src").mkdir(parents=True)
    (top / "src" / "programa.py").write_text("print(1)\n", "utf-8")
    (top / "leame.txt").write_text("uno", "utf-8")
    (top / "enlace").symlink_to("leame.txt")
    with open(top / "huecos", "wb") as file:
        file.truncate(1 << 20)
    return top


def digest(*paths, **more):
    return Paths([str(path) for path in paths], **more).current_digest()


def test_what_is_no_update_changes_nothing(tree):
    before = digest(tree)
    (tree / "leame.txt").read_text("utf-8")
    os.utime(tree / "leame.txt", (1, 1))
    os.utime(tree / "src", (5, 5))
    (tree / "otro").write_text("x", "utf-8")
    (tree / "otro").unlink()
    assert digest(tree) == before
    assert digest(tree, tree / "src") == digest(tree, tree / "src") != before


@pytest.mark.parametrize("change", [
    lambda top: (top / "leame.txt").write_text("dos", "utf-8"),                          # as long as before
    lambda top: (top / "nuevo").write_text("", "utf-8"),
    lambda top: (top / "leame.txt").unlink(),
    lambda top: (top / "leame.txt").rename(top / "LEAME.txt"),
    lambda top: (top / "src" / "programa.py").chmod(0o600),
    lambda top: ((top / "enlace").unlink(), (top / "enlace").symlink_to("src")),
    lambda top: os.setxattr(top / "leame.txt", "user.nota", b"x"),
    lambda top: (top / "vacio").mkdir(),
    lambda top: os.truncate(top / "huecos", (1 << 20) + 1),
])
def test_any_difference_is_one(tree, change):
    before, status = digest(tree), (tree / "leame.txt").stat()
    change(tree)
    if (tree / "leame.txt").exists():
        os.utime(tree / "leame.txt", ns=(status.st_atime_ns, status.st_mtime_ns))      # as rsync --times leaves it
    assert digest(tree) != before


def test_what_is_left_out_is_no_update(tree):
    before = digest(tree, exclude=["*.log"])
    (tree / "src" / "hoy.log").write_text("x", "utf-8")
    assert digest(tree, exclude=["*.log"]) == before != digest(tree)


def test_the_copy_has_the_digest_that_is_asked_for(bench, tree):
    made = bench.make(Paths([str(tree)]))
    assert made.fields["content_digest"] == digest(tree)


def test_what_is_not_there_can_not_be_asked(tmp_path):
    with pytest.raises(BackupError) as caught:
        digest(tmp_path / "no-hay")
    assert caught.value.fault.name == "source_missing"
