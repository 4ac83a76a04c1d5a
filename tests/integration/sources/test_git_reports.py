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
    (heads / ".main.oculta").write_text(lost + "\n")
    (heads / "._main").write_bytes(b"\0\5\x16\7" * 30)      # what macOS leaves beside each file holds no commit
    (repository / ".git" / "packed-refs (copia en conflicto)").write_text(lost + " refs/heads/otra\n")
    source = Git(path=str(repository))
    bench.make(source)
    told = " ".join(map(str, source.warnings()))
    for name in ("main (copia en conflicto de PC-ANA)", "refs/heads/rama.lock", "refs/heads/.main.oculta", "packed-refs (copia en conflicto)"):
        assert name in told, told
    assert "._main" not in told


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


def test_a_commit_that_is_hidden_and_gone_is_damage_of_the_source(bench, repository):
    """Its child is grafted to have no parent, so git itself misses nothing."""
    gone = git(repository, "rev-parse", "HEAD~1")
    for ref in git(repository, "for-each-ref", "--format=%(refname)").splitlines():
        if ref != "refs/heads/main":
            git(repository, "update-ref", "-d", ref)
    (repository / ".git" / "info" / "grafts").write_text(git(repository, "rev-parse", "HEAD") + "\n")
    (repository / ".git" / "objects" / gone[:2] / gone[2:]).unlink()
    with pytest.raises(BackupError) as caught:
        bench.make(Git(path=str(repository)))
    assert caught.value.code == "RSP205" and gone in caught.value.message
    assert bench.left() == []


def test_a_byte_flipped_in_a_pack_is_damage_of_the_source(bench, repository):
    git(repository, "repack", "-adq")
    pack = next((repository / ".git" / "objects" / "pack").glob("*.pack"))
    pack.chmod(0o644)
    content = bytearray(pack.read_bytes())
    content[len(content) // 2] ^= 0xff
    pack.write_bytes(bytes(content))
    with pytest.raises(BackupError) as caught:
        bench.make(Git(path=str(repository)))
    assert caught.value.code == "RSP205" and bench.left() == [], caught.value.message


def test_settings_that_git_itself_refuses_have_a_remedy_of_their_own(bench, repository):
    with open(repository / ".git" / "config", "a", encoding="utf-8") as file:
        file.write("[core\n")
    with pytest.raises(BackupError) as caught:
        bench.make(Git(path=str(repository)))
    assert caught.value.code == "RSP202" and "archivo config" in caught.value.remedy


def test_what_a_bundle_does_not_bring_of_a_bare_server_is_told(bench, repository, tmp_path):
    bare = tmp_path / "portal.git"
    git(tmp_path, "clone", "-q", "--bare", str(repository), str(bare))
    (bare / "hooks").mkdir(exist_ok=True)
    (bare / "hooks" / "post-receive").write_text("#!/bin/sh\nexit 0\n")
    (bare / "hooks" / "post-receive").chmod(0o755)
    (bare / "description").write_text("Portal institucional\n")
    (bare / "info").mkdir(exist_ok=True)
    (bare / "info" / "attributes").write_text("* text\n")
    (bare / "git-daemon-export-ok").touch()
    for name in ("receive.denyNonFastForwards", "http.receivepack", "core.sharedRepository"):
        git(bare, "config", name, "true")
    source = Git(path=str(bare))
    bench.make(source)
    told = " ".join(map(str, source.warnings()))
    for name in ("hooks/post-receive", "description", "info/attributes", "git-daemon-export-ok", "receive.denynonfastforwards", "http.receivepack",
                 "core.sharedrepository"):
        assert name in told, told


def test_names_that_are_not_utf8(bench, repository, tmp_path):
    name, module = os.fsdecode(b"funci\xf3n"), os.fsdecode(b"m\xf3dulo")
    (repository / ".gitmodules").write_bytes(b'[submodule "m"]\n\tpath = m\xf3dulo\n\turl = /srv/a\xf1o\n')
    git(repository, "add", ".gitmodules")
    for words in (["config", "remote.origin.url", os.fsdecode(b"/srv/a\xf1o")], ["update-index", "--add", "--cacheinfo", "160000," + "1" * 40 + "," + module],
                  ["checkout", "-q", "-b", name]):
        subprocess.run(["git", "-C", str(repository), *words], check=True, env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"})
    git(repository, "commit", "-qm", "submodulo")
    source = Git(path=str(repository))
    bench.make(source)
    _methods, _restored = bench.round_trip(source, tmp_path / "vuelta")
    assert git(tmp_path / "vuelta", "for-each-ref", "--format=%(refname)") == git(repository, "for-each-ref", "--format=%(refname)")
    assert git(tmp_path / "vuelta", "symbolic-ref", "HEAD") == "refs/heads/" + name


def test_branches_with_odd_names_come_back(bench, repository, tmp_path):
    for name in ("HEAD", "it's$(id)\"q\"", "-x", "a;touch${IFS}x"):
        git(repository, "update-ref", "refs/heads/" + name, "HEAD~1")
    source = Git(path=str(repository))
    bench.make(source)
    bench.round_trip(source, tmp_path / "vuelta")
    refs = [git(path, "for-each-ref", "--format=%(refname) %(objectname)") for path in (repository, tmp_path / "vuelta")]
    assert refs[0] == refs[1] and "refs/heads/-x" in refs[0]


def test_a_name_that_windows_would_read_otherwise(bench, repository, tmp_path):
    tree = git(repository, "hash-object", "-w", "--stdin", input=b"x")
    listed = subprocess.run(["git", "-C", str(repository), "mktree"], input=f"100644 blob {tree}\tgit~1\n", text=True, capture_output=True, check=True,
                            env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"}).stdout.strip()
    git(repository, "update-ref", "refs/heads/main", git(repository, "commit-tree", "-m", "otro", "-p", "HEAD", listed))
    source = Git(path=str(repository))
    bench.make(source)
    bench.round_trip(source, tmp_path / "vuelta")
    assert git(tmp_path / "vuelta", "rev-parse", "main") == git(repository, "rev-parse", "main")
