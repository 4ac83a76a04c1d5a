# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Repositories as public reports tell of them (docs/reports.md, databases 28 to 35): what is copied comes back, and what a bundle can't bring is told."""

from __future__ import annotations

import os
import subprocess

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.git import Git

from .conftest import git


def test_refs_with_names_that_git_ignores_are_named(bench, repository):
    """What programs that keep folders alike leave: a second file of a branch, whose commits only that file reaches."""
    lost = git(repository, "commit-tree", "-m", "perdido", "HEAD^{tree}")
    heads = repository / ".git" / "refs" / "heads"
    (heads / "main (copia en conflicto de PC-ANA)").write_text(lost + "\n")
    (heads / "rama.lock").write_text(lost + "\n")
    os.utime(heads / "rama.lock", (1, 1))
    source = Git(path=str(repository))
    bench.make(source)
    told = " ".join(map(str, source.warnings()))
    assert "main (copia en conflicto de PC-ANA)" in told and "refs/heads/rama.lock" in told


def test_a_lock_of_git_at_work_is_none_of_these(bench, repository):
    (repository / ".git" / "refs" / "heads" / "main.lock").write_text(git(repository, "rev-parse", "HEAD") + "\n")
    source = Git(path=str(repository))
    bench.make(source)
    assert not [each for each in map(str, source.warnings()) if "main.lock" in each]


@pytest.mark.parametrize("content", ["", "0123456789" * 4 + "\n"], ids=["empty", "of nothing"])
def test_a_ref_that_leads_nowhere_is_damage_of_the_source(bench, repository, content):
    (repository / ".git" / "refs" / "heads" / "rota").write_text(content)
    with pytest.raises(BackupError) as caught:
        bench.make(Git(path=str(repository)))
    assert caught.value.code == "RSP205", caught.value.message
    assert bench.left() == []


def test_what_a_bundle_does_not_bring_of_a_bare_server_is_told(bench, repository, tmp_path):
    bare = tmp_path / "portal.git"
    git(tmp_path, "clone", "-q", "--bare", str(repository), str(bare))
    (bare / "hooks").mkdir(exist_ok=True)
    (bare / "hooks" / "post-receive").write_text("#!/bin/sh\nexit 0\n")
    (bare / "hooks" / "post-receive").chmod(0o755)
    (bare / "description").write_text("Portal institucional\n")
    git(bare, "config", "receive.denyNonFastForwards", "true")
    source = Git(path=str(bare))
    bench.make(source)
    told = " ".join(map(str, source.warnings()))
    assert "hooks" in told, told


def test_names_that_are_not_utf8(bench, repository, tmp_path):
    name = os.fsdecode(b"funci\xf3n")
    subprocess.run(["git", "-C", str(repository), "checkout", "-q", "-b", name], check=True, env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"})
    source = Git(path=str(repository))
    bench.make(source)
    _methods, _restored = bench.round_trip(source, tmp_path / "vuelta")
    assert git(tmp_path / "vuelta", "for-each-ref", "--format=%(refname)") == git(repository, "for-each-ref", "--format=%(refname)")
    assert git(tmp_path / "vuelta", "symbolic-ref", "HEAD") == "refs/heads/" + name


def test_a_name_that_windows_would_read_otherwise(bench, repository, tmp_path):
    tree = git(repository, "hash-object", "-w", "--stdin", input=b"x")
    listed = subprocess.run(["git", "-C", str(repository), "mktree"], input=f"100644 blob {tree}\tgit~1\n", text=True, capture_output=True, check=True,
                            env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"}).stdout.strip()
    git(repository, "update-ref", "refs/heads/main", git(repository, "commit-tree", "-m", "otro", "-p", "HEAD", listed))
    source = Git(path=str(repository))
    bench.make(source)
    bench.round_trip(source, tmp_path / "vuelta")
    assert git(tmp_path / "vuelta", "rev-parse", "main") == git(repository, "rev-parse", "main")
