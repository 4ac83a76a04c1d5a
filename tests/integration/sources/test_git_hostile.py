# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Repositories of people who want a server to hang, fill up, tell what it should not, or run something (S10, S14, S15)."""

from __future__ import annotations

import gc
import hashlib
import json
import os
import shutil
import socket
import stat
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.processes.pipeline import Stage, run
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources import git_document, git_files, git_tool
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.base import only
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.git import Git

from .conftest import git

SOON = 60            # seconds: generous, for a busy machine; what hangs does so for ever
HIM = 64123
PLACES = (".gitignore", ".gitattributes", ".gitmodules", ".lfsconfig", ".git/config", ".git/HEAD", ".git/index", ".git/info/exclude",
          ".git/info/attributes", ".git/info/grafts", ".git/objects/info/alternates", ".git/objects/info/commit-graph", ".git/packed-refs",
          ".git/refs/heads/x", ".git/commondir", ".git/logs/HEAD", ".git/hooks/post-checkout", ".git/shallow", ".git/config.worktree",
          ".git/lfs/objects", ".git/modules", ".git/worktrees", ".git/worktrees/w/gitdir", ".git/worktrees/w/HEAD",
          ".git/objects/pack/pack-" + "a" * 40 + ".pack",
          ".git/objects/pack/pack-" + "a" * 40 + ".idx", ".git/objects/aa/" + "b" * 38, ".git/objects/cc")


def put(path, thing):
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif os.path.lexists(path):
        path.unlink()
    if thing == "pipe":
        os.mkfifo(path)
    elif thing == "socket":
        here = socket.socket(socket.AF_UNIX)
        directory = os.getcwd()
        os.chdir(path.parent)
        try:
            here.bind(path.name)
        finally:
            os.chdir(directory)
            here.close()
    elif thing == "device":
        os.symlink("/dev/zero", path)
    elif thing == "kernel":
        os.symlink("/proc/kmsg", path)
    elif thing == "directory":
        path.mkdir()
    elif thing == "endless":
        with open(path, "wb") as file:
            file.truncate(1 << 40)       # a sparse file of 1 TiB


def read(source):
    """All that a copy reads of its source."""
    for part in source.parts():
        with part.produce() as stages:
            run(stages, lambda chunk: None)


@pytest.fixture
def limited(monkeypatch):
    """What only gives a note is waited for a little; without it a test of each place would take a minute."""
    monkeypatch.setattr(git_tool, "NOTE_LIMIT", 3.0)


@pytest.mark.parametrize("thing", ["pipe", "socket", "device", "kernel", "directory", "endless"])
def test_anything_in_the_place_of_a_file(repository, temporary, thing, limited, tmp_path):
    """S14: in each place of a repository where git expects a file: copied, or refused with a code, soon, and without filling anything."""
    pristine = tmp_path / "pristine"
    shutil.copytree(repository, pristine, symlinks=True)
    told = {}
    for place in PLACES:
        shutil.rmtree(repository)
        shutil.copytree(pristine, repository, symlinks=True)
        put(repository / place, thing)
        free = os.statvfs(tmp_path).f_bavail
        began = time.monotonic()
        source = Git(path=str(repository))
        try:
            read(source)
            told[place] = "copied"
        except BackupError as error:
            told[place] = error.code
        assert time.monotonic() - began < SOON, "{0} as {1} took {2:.0f} s".format(place, thing, time.monotonic() - began)
        assert free - os.statvfs(tmp_path).f_bavail < 100_000, "{0} as {1} fills the disk".format(place, thing)
        del source
    print(json.dumps({thing: told}))
    assert set(told.values()) <= {"copied", "RSP202", "RSP205", "RSP206", "RSP207", "RSP302"}, told
    assert all(told[place] == "copied" for place in (".gitmodules", ".git/logs/HEAD", ".git/hooks/post-checkout", ".git/modules", ".git/info/exclude"))
    gc.collect()     # errors hold their frames, and these the source
    assert list(temporary.iterdir()) == []


def test_names_of_255_bytes_and_a_tree_3000_levels_deep(bench, repository, tmp_path, limited):
    """S14 and item 4: what is long comes back; what is deep and no part of the repository is no trouble."""
    long = "ñ" * 127
    (repository / long).write_text("largo")
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "largo")
    git(repository, "branch", "r" * 240)
    for top in (repository / ".git" / "refs" / "heads", repository / ".git" / "objects", repository / ".git" / "logs", repository):
        held = os.open(top, os.O_RDONLY)
        for _level in range(3000):
            os.mkdir("d", dir_fd=held)
            inner = os.open("d", os.O_RDONLY, dir_fd=held)
            os.close(held)
            held = inner
        os.close(held)
    began = time.monotonic()
    source = Git(path=str(repository))
    bench.make(source)
    bench.round_trip(source, tmp_path / "back")
    assert time.monotonic() - began < SOON
    assert (tmp_path / "back" / long).read_text() == "largo" and "refs/heads/" + "r" * 240 in source.refs.oids
    for top in (repository / ".git" / "refs" / "heads", repository / ".git" / "objects", repository / ".git" / "logs", repository):
        subprocess.run(["rm", "-rf", str(top / "d")], check=True)


def test_a_name_that_no_disk_can_hold_costs_the_working_tree_only(bench, repository, tmp_path):
    """A tree may name what can't be written: the repository comes back whole all the same, and it is told."""
    blob = git(repository, "rev-parse", "HEAD:año.txt")
    tree = git(repository, "mktree", input="100644 blob {0}\t{1}\n".format(blob, "x" * 300).encode())
    commit = git(repository, "commit-tree", tree, "-m", "largo")
    git(repository, "update-ref", "HEAD", commit)
    source = Git(path=str(repository))
    bench.make(source)
    bench.round_trip(source, tmp_path / "back")
    assert git(tmp_path / "back", "rev-parse", "HEAD") == commit and "working tree" in source.remarks()[0]


def test_a_tree_that_names_one_file_a_milliard_times(bench, repository, tmp_path, monkeypatch):
    """A few kilobytes of objects that check out to more than any disk: copied, and refused where it would be written."""
    monkeypatch.setattr(git_tool, "NOTE_LIMIT", 0.5)
    tree, kind = git(repository, "hash-object", "-w", "--stdin", input=bytes(1 << 20)), "100644 blob"
    modules = git(repository, "hash-object", "-w", "--stdin", input=b"[submodule]")
    for _level in range(10):
        tree = git(repository, "mktree", input="".join("{0} {1}\t{2}\n".format(kind, tree, name) for name in "abcdefghij").encode())
        kind = "040000 tree"
    tree = git(repository, "mktree", input="100644 blob {0}\t.gitmodules\n040000 tree {1}\ta\n".format(modules, tree).encode())
    git(repository, "update-ref", "HEAD", git(repository, "commit-tree", tree, "-m", "bomba"))
    began = time.monotonic()
    source = Git(path=str(repository))
    bench.make(source)
    with bench.open() as copy, pytest.raises(BackupError) as caught:
        source.restore(copy, str(tmp_path / "back"), False)
    assert caught.value.fault.name == "medium_full", caught.value.message
    assert "submodules could not be listed" in str(source.warnings())
    assert time.monotonic() - began < SOON * 5 and not (tmp_path / "back").exists()


@pytest.fixture
def private(tmp_path):
    """A repository outside the assigned path, and the id of its tip."""
    path = tmp_path / "secret" / "s"
    path.mkdir(parents=True)
    git(path, "init", "-q", "-b", "main")
    (path / "clave.txt").write_text("clave secreta")
    git(path, "add", ".")
    git(path, "commit", "-qm", "privado")
    return path, git(path, "rev-parse", "HEAD")


@pytest.mark.parametrize("what", ["objects", "fan-out", "object", "pack", "pack file", "git directory", "git file", "alternates", "refs", "HEAD", "lfs"])
def test_a_link_to_a_repository_outside(bench, private, tmp_path, what):
    """S15: nothing of what is outside the assigned path comes into the copy, whatever part of a repository is a link."""
    path, tip = private
    assigned = tmp_path / "dev"
    mine = assigned / "q"
    mine.mkdir(parents=True)
    git(mine, "init", "-q", "-b", "main")
    inside, his = mine / ".git", path / ".git"
    (inside / "refs" / "heads" / "main").write_text(tip + "\n")
    if what.startswith("pack"):
        git(path, "gc", "-q")
    if what in ("fan-out", "object"):
        for each in his.joinpath("objects").glob("??"):
            ours = inside / "objects" / each.name
            if what == "fan-out":
                ours.symlink_to(each)
            else:
                ours.mkdir()
                for file in each.iterdir():
                    (ours / file.name).symlink_to(file)
    elif what == "pack file":
        for file in his.joinpath("objects", "pack").iterdir():
            (inside / "objects" / "pack" / file.name).symlink_to(file)
    elif what == "alternates":
        (inside / "objects" / "info" / "alternates").write_text(str(his / "objects") + "\n")
    elif what == "git file":
        shutil.rmtree(inside)
        inside.write_text("gitdir: {0}\n".format(his))
    else:
        name = {"objects": "objects", "pack": "objects/pack", "git directory": "", "refs": "refs", "HEAD": "HEAD", "lfs": "lfs"}[what]
        ours = inside / name if name else inside
        if ours.is_dir():
            shutil.rmtree(ours)
        elif ours.exists():
            ours.unlink()
        if what == "lfs":
            (his / "lfs").mkdir()
        ours.symlink_to(his / name if name else his)
        if what in ("objects", "pack", "refs"):
            (inside / "objects" / "info").mkdir(parents=True, exist_ok=True) if what != "objects" else None
    with pytest.raises(BackupError) as caught:
        bench.make(Git(path=str(mine), assigned=[str(assigned)]))
    if what not in ("HEAD", "lfs"):
        assert caught.value.fault.name == "out_of_scope", caught.value.message
    assert bench.left() == []


def test_links_within_the_assigned_path_are_followed(bench, repository, tmp_path):
    """git-new-workdir makes repositories that are links: they stay copied as they were."""
    other = tmp_path / "otro"
    (other / ".git").mkdir(parents=True)
    for name in ("config", "refs", "objects", "info", "packed-refs", "logs"):
        if (repository / ".git" / name).exists():
            (other / ".git" / name).symlink_to(repository / ".git" / name)
    (other / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    source = Git(path=str(other), assigned=[str(tmp_path)])
    bench.make(source)
    assert source.refs == Git(path=str(repository))._repository().refs().refs
    bench.round_trip(source, tmp_path / "back")


def test_objects_exchanged_while_they_are_read(bench, private, tmp_path, monkeypatch):
    """S15: between the look and the reading the pack becomes another's: what was opened is what is copied."""
    path, tip = private
    git(path, "gc", "-q")
    mine = tmp_path / "dev" / "q"
    mine.mkdir(parents=True)
    git(mine, "init", "-q", "-b", "main")
    (mine / "a.txt").write_text("mío")
    git(mine, "add", ".")
    git(mine, "commit", "-qm", "mío")
    git(mine, "gc", "-q")
    own = git(mine, "rev-parse", "HEAD")
    os.chown(mine / ".git" / "objects", HIM, HIM)
    packs = mine / ".git" / "objects" / "pack"
    stop = threading.Event()

    def exchange():
        while not stop.is_set():
            try:
                packs.rename(packs.with_name("aside"))
                packs.symlink_to(path / ".git" / "objects" / "pack")
                packs.unlink()
                packs.with_name("aside").rename(packs)
            except OSError:
                pass

    him = threading.Thread(target=exchange)
    him.start()
    told = []
    try:
        for _try in range(30):
            try:
                bench.count %= 8
                source = Git(path=str(mine), assigned=[str(tmp_path / "dev")])
                parts = source.parts()
                snapshot = source._tool().workspace.file("snapshot.git")
                told.append("copied" if parts else "")
                assert not os.path.exists(os.path.join(snapshot, "objects", "info", "alternates"))
                assert subprocess.run(["git", "--git-dir=" + snapshot, "cat-file", "-e", tip], check=False, stderr=subprocess.DEVNULL).returncode != 0
                assert subprocess.run(["git", "--git-dir=" + snapshot, "cat-file", "-e", own], check=False).returncode == 0
            except BackupError as error:
                told.append(error.code)
    finally:
        stop.set()
        him.join()
    print({each: told.count(each) for each in set(told)})


# -- what a taken server puts into a copy (S10) ------------------------------------------------------------------------


@pytest.fixture
def tampered(bench, repository, monkeypatch):
    """Make a copy whose list of refs was changed by whoever holds the server, then open it for restoring elsewhere."""

    def make(change):
        source = Git(path=str(repository))
        parts = source.parts

        def changed():
            made = parts()
            file = Path(source._tool().workspace.file("refs.json"))
            document = json.loads(file.read_text())
            change(document)
            file.write_text(json.dumps(document))
            return made

        source.parts = changed
        bench.make(source)
        return Git()

    return make


def test_settings_of_a_copy_are_filtered_as_they_were_copied(bench, repository, tampered, tmp_path):
    """S10: a filter, a hook, a helper in the list of refs is not brought back; the repository is, and it is told."""
    pwned = tmp_path / "PWNED"
    (repository / ".gitattributes").write_text("* filter=x\n")
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "atributos")
    order = "sh -c 'id > {0}; cat'".format(pwned)
    bad = [["filter.x.smudge", order], ["filter.x.process", order], ["core.fsmonitor", order], ["core.hooksPath", "/tmp"], ["core.sshCommand", order],
           ["core.worktree", "/"], ["include.path", "/etc/x"], ["alias.st", "!" + order], ["remote.o.uploadpack", order], ["remote.o.vcs", "ext"],
           ["remote.o.url", "ext::" + order], ["remote.o.url", "--upload-pack=" + order], ["remote.o\n.url", "x"], ["remote.o.url", "x\n[filter \"x\"]"],
           ["branch.main.merge\n", "x"], ["core.bare", "true"], "no pair", ["a"], [1, 2], ["remote.o.url", 7]]
    source = tampered(lambda document: document["config"].extend(bad + [["remote.sano.url", "https://example.org/x"]]))
    with bench.open() as copy:
        copy.verify_structure(source)
    bench.round_trip(source, tmp_path / "back")
    settings = git(tmp_path / "back", "config", "--list", "--local").splitlines()
    assert not pwned.exists() and "remote.sano.url=https://example.org/x" in settings
    assert not [line for line in settings if line.startswith(("filter", "core.h", "core.fs", "core.s", "core.w", "alias", "include", "remote.o"))]
    assert "left out" in source.remarks()[0]


def _row(document, **changed):
    document["refs"][0].update(changed)


@pytest.mark.parametrize("change", [
    lambda document: _row(document, name="--option"), lambda document: _row(document, name="refs/heads/../../x"),
    lambda document: _row(document, name="refs/heads/a\nb"), lambda document: _row(document, oid="x" * 40), lambda document: _row(document, oid=7),
    lambda document: document.update(branch="-x"), lambda document: document.update(branch="/etc/passwd"), lambda document: document.update(branch=["x"]),
    lambda document: document.update(head="../../x"), lambda document: document.update(symrefs={"refs/x": "../../../etc/passwd"}),
    lambda document: document.update(symrefs={"-d": "refs/heads/main"}), lambda document: document.update(symrefs=[]),
    lambda document: document.update(object_format="--x"), lambda document: document.update(bare="no"), lambda document: document.update(owner="../x"),
    lambda document: document.update(owner=0), lambda document: document.update(config={}), lambda document: document.update(lfs=None),
    lambda document: document.update(refs="x"), lambda document: document.update(lfs={"copied": "1"}), lambda document: document.clear()])
def test_a_list_of_refs_of_another_form_is_not_used(bench, repository, tampered, tmp_path, change):
    """S10: each value has one strict form; the copy is refused, and nothing was made."""
    source = tampered_unchecked(bench, repository, change)
    with bench.open() as copy, pytest.raises(BackupError) as caught:
        source.restore(copy, str(tmp_path / "back"), False)
    assert caught.value.fault.name == "copy_odd" and not (tmp_path / "back").exists()


def tampered_unchecked(bench, repository, change):
    """As `tampered`, of a server that also skips its own checks."""
    source = Git(path=str(repository))
    parts = source.parts

    class Blind:
        method = "none"
        stages = staticmethod(list)
        feed = finish = staticmethod(lambda *_unused: None)

    def changed():
        made = parts()
        file = Path(source._tool().workspace.file("refs.json"))
        document = json.loads(file.read_text())
        change(document)
        file.write_text(json.dumps(document))
        return [part._replace(check=Blind) if part.name == "refs" else part for part in made]

    source.parts = changed
    bench.make(source)
    return Git()


def test_lfs_objects_that_are_none(bench, repository, tmp_path):
    """S10: the archive of LFS objects brings objects only: no link, no pipe, no file with set-id bits."""
    oid = hashlib.sha256(b"x").hexdigest()
    store = tmp_path / "store" / oid[:2] / oid[2:4]
    store.mkdir(parents=True)
    (store / oid).symlink_to("/etc/shadow")
    source = Git(path=str(repository))
    parts = source.parts

    def changed():
        made = parts()
        tar = Stage("tar", ["/bin/tar", "--create", "--file=-", "--directory=" + str(tmp_path / "store"), oid[:2]])
        return made + [made[1]._replace(name="lfs", extension="tar", produce=lambda: only([tar]), facts={"objects": 0},
                                        check=lambda: source.check_for({"name": "lfs", "file": "x", "format": "x", "facts": {"objects": 0}}))]

    source.parts = changed
    bench.make(source)
    with bench.open() as copy, pytest.raises(BackupError) as caught:
        Git().restore(copy, str(tmp_path / "back"), False)
    assert caught.value.fault.name == "copy_odd" and not (tmp_path / "back").exists()


@pytest.mark.parametrize("name", ["refs/heads/a", "refs/ñ", "refs/heads/a.b", "refs/heads/-x"])
def test_names_of_refs(name):
    assert git_document.ref_name(name)


@pytest.mark.parametrize("name", ["", "HEAD", "refs/", "refs/a..b", "refs/.a", "refs/a.lock", "refs/a/", "refs//a", "refs/a b", "refs/a\x7f", "refs/a@{b",
                                  "/refs/a",
                                  "refs/a\\b", "refs/a.", "refs/a:b", "refs/../a"])
def test_names_that_are_no_refs(name):
    assert not git_document.ref_name(name)


@pytest.mark.skipif(os.geteuid() != 0, reason="takes on another account, so only root runs it")
def test_the_working_tree_is_checked_out_by_its_owner(bench, repository, monkeypatch):
    """A restore as root runs git, and git-lfs, as the account that owned the repository; all that comes back is the account's."""
    top = Path(tempfile.mkdtemp(prefix="respaldo-owner-", dir="/tmp"))
    try:
        top.chmod(0o755)
        for each in [repository, *repository.rglob("*")]:
            shutil.chown(each, "nobody", "nogroup")
        source = Git(path=str(repository))
        bench.make(source)
        accounts = []
        as_account = git_tool.Tool.as_account
        monkeypatch.setattr(git_tool.Tool, "as_account", lambda tool, account: accounts.append(account.name) or as_account(tool, account))
        for parent, mode in ((top / "dev", 0o2775), (top / "plain", 0o755)):
            parent.mkdir()
            shutil.chown(parent, "nobody", "nogroup")
            parent.chmod(mode)
            with bench.open() as copy:
                source.restore(copy, str(parent / "back"), False)
            found = list((parent / "back").rglob("*"))
            assert {each.lstat().st_uid for each in found} == {65534} and (parent / "back" / "año.txt").read_text() == "dos\n"
            assert bool(stat.S_IMODE((parent / "back" / ".git").stat().st_mode) & stat.S_ISGID) == (mode == 0o2775)
        assert accounts == ["nobody", "nobody"]
        assert sorted(os.listdir(top)) == ["dev", "plain"]
    finally:
        shutil.rmtree(top)


def test_refs_are_read_as_git_reads_them(repository, tmp_path):
    """Our own reader of refs and git's, side by side: loose, packed, both, symbolic, per worktree, odd names."""
    git(repository, "pack-refs", "--all")
    git(repository, "branch", "suelta")
    git(repository, "update-ref", "refs/heads/función/ñandú", "HEAD~1")
    git(repository, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/heads/main")
    git(repository, "symbolic-ref", "refs/remotes/origin/colgada", "refs/heads/nada")
    git(repository, "update-ref", "refs/bisect/bad", "HEAD")
    git(repository, "worktree", "add", "-q", str(tmp_path / "otra"), "-b", "otra")
    git(tmp_path / "otra", "update-ref", "refs/bisect/good", "HEAD")
    (repository / ".git" / "refs" / "heads" / "a.lock").write_text("x")
    for path in (repository, tmp_path / "otra"):
        ours = git_files.Repository(str(path), []).refs()
        said = git(path, "for-each-ref", "--format=%(refname) %(objectname) %(symref)").split("\n")
        assert sorted("{0} {1} {2}".format(name, oid, ours.symbolic.get(name, "")).strip() for name, oid in ours.refs.oids.items()) \
            == sorted(line.strip() for line in said)
        assert ours.refs.branch == git(path, "symbolic-ref", "HEAD") and ours.refs.head == git(path, "rev-parse", "HEAD")


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files to another account, so only root runs it")
@pytest.mark.parametrize("packed", [True, False])
def test_objects_are_borrowed_by_name_only_where_nobody_can_exchange_them(bench, repository, tmp_path, packed):
    if packed:
        git(repository, "gc", "-q")
    for owner, borrowed in ((0, True), (HIM, False)):
        os.chown(next((repository / ".git" / "objects").glob("pack" if packed else "[0-9a-f][0-9a-f]")), owner, owner)
        source = Git(path=str(repository))
        bench.make(source)
        alternates = Path(source._tool().workspace.file("snapshot.git")) / "objects" / "info" / "alternates"
        assert alternates.exists() == borrowed
        bench.round_trip(source, tmp_path / "back{0}".format(owner))


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files to another account, so only root runs it")
def test_what_a_borrowed_directory_borrows_itself_is_not_left_to_git(bench, repository, tmp_path):
    """A repository of root's that takes objects from one of somebody else: git went there by name, past the descriptors."""
    other = tmp_path / "de_otro"
    git(tmp_path, "clone", "-q", "--bare", str(repository), str(other))
    mine = tmp_path / "de_root"
    git(tmp_path, "clone", "-q", "--bare", "--shared", str(other), str(mine))
    for path in (other, *other.rglob("*")):
        os.chown(path, HIM, HIM)
    source = Git(path=str(mine))
    bench.make(source)
    objects = Path(source._tool().workspace.file("snapshot.git")) / "objects"
    assert not (objects / "info" / "alternates").exists()
    bench.round_trip(source, tmp_path / "back")


def test_a_reftable_is_refused_in_words(bench, repository):
    (repository / ".git" / "reftable").mkdir()
    (repository / ".git" / "HEAD").write_text("ref: refs/heads/.invalid\n")
    with pytest.raises(BackupError) as caught:
        bench.make(Git(path=str(repository)))
    assert caught.value.code == "RSP202" and "reftable" in caught.value.message
