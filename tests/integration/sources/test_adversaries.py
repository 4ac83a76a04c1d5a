# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restores into a directory that another account may write to, while that account exchanges what it can: RESPALDO_TRIES of them (S4, S6)."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import stat
import subprocess
import tempfile
import traceback
from pathlib import Path

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.git import Git
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.sqlite import SQLite

from .conftest import git

TRIES = int(os.environ.get("RESPALDO_TRIES", "15"))      # a strategy
HIM = 64123
ADVERSARY = Path(__file__).with_name("adversary.py")

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="takes on another account, so only root runs it")


class Field:
    """A directory that he owns below one that root owns, his tools, and a canary that only root may touch."""

    def __init__(self, top):
        self.top = top
        self.dev, self.canary, self.prepared = top / "dev", top / "canary", top / "dev" / ".prep"
        self.script = top / "adversary.py"
        shutil.copyfile(ADVERSARY, self.script)
        self.canary.mkdir(mode=0o700)
        (self.canary / "etc").mkdir(mode=0o700)
        (self.canary / "etc" / "shadow").write_text("raíz")
        (self.canary / "etc" / "shadow").chmod(0o600)
        self.kept = self.look()

    def look(self):
        """All that the canary is: names, owners, modes, content."""
        found = {}
        for path in [self.canary, *sorted(self.canary.rglob("*"))]:
            status = path.lstat()
            found[str(path)] = (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode), path.read_bytes() if path.is_file() else b"")
        return found

    def clear(self):
        for name in os.listdir(self.top):
            if name.startswith("dev"):
                path = self.top / name
                path.unlink() if path.is_symlink() else shutil.rmtree(path)
        self.dev.mkdir()
        os.chown(self.dev, HIM, HIM)

    def his(self, path):
        for each in [path, *path.rglob("*")]:
            os.chown(each, HIM, HIM, follow_symlinks=False)

    def fight(self, strategy, work, target, folder=None, canary=None):
        """Run `work` against him once: "good", "exchanged" when another thing stands at the target, or the error's code; and whether he won."""
        argv = ["/usr/bin/python3", str(self.script), strategy, str(folder or self.dev), str(canary or self.canary), str(self.prepared), str(target)]
        him = subprocess.Popen(argv, user=HIM, group=HIM, extra_groups=[], stdout=subprocess.PIPE)
        try:
            him.stdout.readline()
            try:
                work()
                outcome = "good" if not os.path.islink(target) and os.path.lexists(target) else "exchanged"
            except BackupError as error:
                outcome = error.code
            except OSError as error:
                where = traceback.extract_tb(error.__traceback__)[-3:]
                outcome = "bare {0} in {1}".format(type(error).__name__, " < ".join("{0}:{1}".format(Path(each.filename).name, each.lineno) for each in where))
        finally:
            him.kill()
            him.wait()
            him.stdout.close()
        return outcome, self.look() != self.kept


@pytest.fixture
def field():
    top = Path(tempfile.mkdtemp(prefix="respaldo-field-", dir="/tmp"))
    top.chmod(0o755)
    yield Field(top)
    shutil.rmtree(top)


def count(outcomes):
    told = {outcome: outcomes.count(outcome) for outcome in sorted(set(outcomes))}
    print(json.dumps(told))
    return told


def trap(field, repository):
    """His scratch: a mirror of his own repository with a filter that root would run."""
    mirror = field.prepared / "restored" / ".git"
    (field.prepared / "restored").mkdir(parents=True)
    config = str(field.top / "gitconfig")
    Path(config).write_text("[safe]\n directory = *\n")
    git(field.prepared, "clone", "-q", "--mirror", str(repository), str(mirror), config=config)
    git(mirror, "config", "core.bare", "false")
    git(mirror, "config", "filter.x.smudge", "sh -c 'id > {0}/PWNED; cat'".format(field.canary))
    (mirror / "info").mkdir(exist_ok=True)
    (mirror / "info" / "attributes").write_text("* filter=x\n")
    (field.prepared / "copy.bundle").write_bytes(b"")
    field.his(field.prepared)


@pytest.mark.parametrize("strategy", ["scratch", "late", "target", "parent"])
def test_restore_of_git_against_the_owner_of_the_directory(bench, field, repository, strategy):
    """S4: neither his filter is run by root, nor is anything elsewhere given to him; each try is right or refused with a code."""
    source = Git(path=str(repository))
    field.clear()
    os.chown(repository / ".git", HIM, HIM)
    bench.make(source)
    outcomes, won = [], 0
    for _try in range(TRIES):
        field.clear()
        if strategy == "scratch":
            trap(field, repository)
        elif strategy == "late":
            field.prepared.mkdir()
            (field.prepared / "restored").symlink_to(field.canary)
            field.his(field.prepared)
        folder = field.dev / "sub" if strategy == "parent" else field.dev
        folder.mkdir(exist_ok=True)
        os.chown(folder, HIM, HIM)
        target = folder / "proj2"

        def work():
            with bench.open() as copy:
                source.restore(copy, str(target), False)

        outcome, broken = field.fight(strategy, work, target, folder)
        outcomes.append(outcome)
        won += broken
        if broken:
            shutil.rmtree(field.canary)
            Field.__init__(field, field.top)
    told = count(outcomes)
    assert won == 0, "he won {0} of {1}: {2}".format(won, TRIES, told)
    assert not [name for name in told if name.startswith("bare") or name == "RSP999"], told


def test_a_filter_in_the_place_that_git_resolves(bench, field, repository):
    """The strategies above do reach an older engine: his directory is what its git works in (kept as the trap's own test)."""
    field.clear()
    trap(field, repository)
    git(field.prepared / "restored", "reset", "-q", "--hard", config=str(field.top / "gitconfig"))
    assert (field.canary / "PWNED").exists()


@pytest.mark.parametrize("strategy", ["link", "target", "parent"])
def test_restore_of_sqlite_against_the_application(bench, field, tmp_path, strategy):
    """S6: the mode and the owner of the restored file are never set on another, each try is right or refused with a code."""
    database = sqlite3.connect(str(tmp_path / "app.db"))
    database.executescript("CREATE TABLE a (id INTEGER PRIMARY KEY); INSERT INTO a VALUES (7);")
    database.close()
    os.chown(tmp_path / "app.db", HIM, HIM)
    source = SQLite(path=str(tmp_path / "app.db"))
    bench.make(source)
    outcomes, won = [], 0
    for _try in range(TRIES * 2):
        field.clear()
        folder = field.dev / "sub" if strategy == "parent" else field.dev
        folder.mkdir(exist_ok=True)
        os.chown(folder, HIM, HIM)
        target = folder / "app.db"

        def work():
            with bench.open() as copy:
                source.restore(copy, str(target), False)

        prize = field.canary / "etc" / "shadow" if strategy == "link" else field.canary
        outcome, broken = field.fight(strategy, work, target, folder, prize)
        outcomes.append(outcome)
        won += broken
        if broken:
            shutil.rmtree(field.canary)
            Field.__init__(field, field.top)
    told = count(outcomes)
    assert won == 0, "he won {0} of {1}: {2}".format(won, TRIES * 2, told)
    assert not [name for name in told if name.startswith("bare")], told
