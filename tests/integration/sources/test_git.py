# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies of git repositories: local, by ssh, by http and by git's own protocol."""

from __future__ import annotations

import base64
import http.server
import os
import stat
import subprocess
import threading

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources import git as git_source
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.git import Git

from .conftest import free_port, git, tool

SECRET = "s3creto-muy-largo-no-debe-verse"


def refs(path):
    return git(path, "for-each-ref", "--format=%(objectname) %(refname)").split("\n")


def test_everything_comes_back(bench, repository, temporary, tmp_path):
    git(repository, "remote", "add", "origin", "https://ana:{0}@example.org/siga.git".format(SECRET))
    made = bench.make(Git(path=str(repository)))
    assert [row["name"] for row in made.manifest["parts"]] == ["refs", ""]
    assert "git_clone_fsck" in made.fields["checks"]
    assert SECRET not in str(made.manifest)
    methods, result = bench.round_trip(Git(path=str(repository)), tmp_path / "back")
    assert "git_clone_fsck" in methods
    assert result["objects"] == len(refs(repository))
    assert refs(tmp_path / "back") == refs(repository)
    assert git(tmp_path / "back", "symbolic-ref", "HEAD") == "refs/heads/main"
    assert git(tmp_path / "back", "status", "--porcelain") == ""
    assert git(tmp_path / "back", "config", "remote.origin.url") == "https://example.org/siga.git"
    assert (tmp_path / "back" / "año.txt").read_text() == "dos\n"


def test_workspace_is_removed(bench, repository, temporary):
    source = Git(path=str(repository))
    bench.make(source)
    del source
    assert list(temporary.iterdir()) == []


def test_detached_head_off_every_branch(bench, repository, tmp_path):
    git(repository, "checkout", "-q", "--detach")
    git(repository, "commit", "-q", "--allow-empty", "-m", "suelto")
    head = git(repository, "rev-parse", "HEAD")
    source = Git(path=str(repository))
    bench.make(source)
    bench.round_trip(source, tmp_path / "back")
    assert (tmp_path / "back" / ".git" / "HEAD").read_text().strip() == head


@pytest.mark.parametrize("bare", [True, False])
def test_empty_and_unborn(bench, tmp_path, bare):
    git(tmp_path, "init", "-q", "-b", "principal", *(["--bare"] if bare else []), "empty")
    source = Git(path=str(tmp_path / "empty"))
    made = bench.make(source)
    assert [row["name"] for row in made.manifest["parts"]] == ["refs"]
    bench.round_trip(source, tmp_path / "back")
    assert git(tmp_path / "back", "symbolic-ref", "HEAD") == "refs/heads/principal"


def test_unborn_head_beside_other_branches(bench, repository, tmp_path):
    git(repository, "symbolic-ref", "HEAD", "refs/heads/nueva")
    source = Git(path=str(repository))
    bench.make(source)
    bench.round_trip(source, tmp_path / "back")
    assert git(tmp_path / "back", "symbolic-ref", "HEAD") == "refs/heads/nueva"
    assert refs(tmp_path / "back") == refs(repository)


def test_three_thousand_tags(bench, repository, tmp_path):
    head = git(repository, "rev-parse", "HEAD")
    text = "".join("create refs/tags/etiqueta-ñ-{0}\0{1}\0".format(number, head) for number in range(3000))
    git(repository, "-c", "core.fsync=none", "update-ref", "--stdin", "-z", input=text.encode())
    source = Git(path=str(repository))
    made = bench.make(source)
    assert made.fields["objects"] > 3000
    bench.round_trip(source, tmp_path / "back")
    assert refs(tmp_path / "back") == refs(repository)


def test_sha256_repository(bench, tmp_path):
    git(tmp_path, "init", "-q", "-b", "main", "--object-format=sha256", "long")
    git(tmp_path / "long", "commit", "-q", "--allow-empty", "-m", "uno")
    source = Git(path=str(tmp_path / "long"))
    bench.make(source)
    bench.round_trip(source, tmp_path / "back")
    assert refs(tmp_path / "back") == refs(tmp_path / "long")


def test_worktree_and_alternates(bench, repository, tmp_path):
    git(tmp_path, "clone", "-q", "--shared", str(repository), "shared")
    git(tmp_path / "shared", "worktree", "add", "-q", str(tmp_path / "linked"), "-b", "otra")
    source = Git(path=str(tmp_path / "linked"))
    bench.make(source)
    assert source.document["branch"] == "refs/heads/otra"
    bench.round_trip(source, tmp_path / "back")
    assert refs(tmp_path / "back") == refs(tmp_path / "shared")


def test_digest_is_the_same_by_path_and_url(repository, tmp_path):
    url = "file://" + str(repository)
    first = Git(path=str(repository)).current_digest()
    assert first == Git(url=url).current_digest()
    git(repository, "tag", "v2")
    assert Git(url=url).current_digest() == Git(path=str(repository)).current_digest() != first
    git(repository, "symbolic-ref", "HEAD", "refs/heads/nueva")
    assert Git(url=url).current_digest() == Git(path=str(repository)).current_digest()


def test_push_while_copied(bench, repository, tmp_path):
    source = Git(path=str(repository))
    before = refs(repository)
    parts = source.parts

    def push_then_parts():
        made = parts()
        git(repository, "commit", "-q", "--allow-empty", "-m", "durante")
        git(repository, "branch", "-D", "función/ñandú")
        return made

    source.parts = push_then_parts
    bench.make(source)
    bench.round_trip(source, tmp_path / "back")
    assert refs(tmp_path / "back") == before != refs(repository)


def test_foreign_configuration_is_never_run(bench, repository, tmp_path):
    trap = tmp_path / "trap"
    trap.write_text("#!/bin/sh\ntouch {0}\ncat\n".format(tmp_path / "sprung"))
    trap.chmod(0o755)
    for key in ("core.fsmonitor", "filter.evil.clean", "filter.evil.smudge", "core.sshCommand", "uploadpack.packObjectsHook"):
        git(repository, "config", key, str(trap))
    (repository / ".gitattributes").write_text("* filter=evil\n")
    (repository / "año.txt").write_text("x")
    os.chown(repository / ".git", 65534, 65534)
    source = Git(path=str(repository))
    made = bench.make(source)
    assert source.document["uncommitted_files"] == 2
    assert "not committed" in str(made.fields["warnings"])
    bench.round_trip(source, tmp_path / "back")
    assert not (tmp_path / "sprung").exists()


def failed(bench, source, fault, words=""):
    with pytest.raises(BackupError) as caught:
        bench.make(source)
    assert caught.value.fault.name == fault, caught.value.message
    assert words in caught.value.message
    assert bench.left() == []


def test_missing_and_no_repository(bench, repository, tmp_path):
    failed(bench, Git(path=str(tmp_path / "nowhere")), "source_missing")
    (repository / "below").mkdir()
    failed(bench, Git(path=str(repository / "below")), "source_unreachable", "not a git repository")


def test_link_out_of_scope(bench, repository, tmp_path):
    assigned = tmp_path / "assigned"
    assigned.mkdir()
    (assigned / "link").symlink_to(repository)
    failed(bench, Git(path=str(assigned / "link"), assigned=[str(assigned)]), "out_of_scope")
    (assigned / "work").mkdir()
    (assigned / "work" / ".git").write_text("gitdir: {0}/.git\n".format(repository))
    failed(bench, Git(path=str(assigned / "work"), assigned=[str(assigned)]), "out_of_scope")
    git(tmp_path, "clone", "-q", "--shared", str(repository), str(assigned / "shared"))
    failed(bench, Git(path=str(assigned / "shared"), assigned=[str(assigned)]), "out_of_scope")


def test_shallow_is_refused(bench, repository, tmp_path):
    git(tmp_path, "clone", "-q", "--depth=1", "file://" + str(repository), "shallow")
    failed(bench, Git(path=str(tmp_path / "shallow")), "source_incomplete", "shallow")


def test_partial_clone_is_refused(bench, repository, tmp_path):
    git(repository, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "-q", "--bare", "--filter=blob:none", "file://" + str(repository), "partial")
    failed(bench, Git(path=str(tmp_path / "partial")), "source_damaged")


@pytest.mark.parametrize("lfs", ["auto", "skip"])
@pytest.mark.parametrize("damage", ["missing", "garbage", "exchanged"])
def test_corrupted_object(bench, repository, damage, lfs):
    name = git(repository, "rev-parse", "HEAD~1:año.txt")
    other = git(repository, "rev-parse", "HEAD:año.txt")
    path, second = (repository / ".git" / "objects" / oid[:2] / oid[2:] for oid in (name, other))
    content = second.read_bytes()
    path.unlink()
    if damage != "missing":
        path.write_bytes(b"x" * 40 if damage == "garbage" else content)
    with pytest.raises(BackupError) as caught:
        bench.make(Git(path=str(repository), lfs=lfs))
    assert caught.value.fault.name in ("source_damaged", "structure_unreadable")
    assert bench.left() == []


def test_git_killed_half_way(bench, repository, tmp_path, monkeypatch):
    source = Git(path=str(repository))
    source.preflight()
    killer = tmp_path / "git"
    killer.write_text("#!/bin/sh\ncase \"$*\" in *bundle*) printf '# v2 git bundle'; kill -9 $$;; esac\nexec {0} \"$@\"\n".format(tool("git")))
    killer.chmod(0o755)
    source._tool().program = str(killer)
    failed(bench, source, "source_unreachable", "SIGKILL")


def test_bundle_cut_short_is_not_good(bench, repository):
    source = Git(path=str(repository))
    bench.make(source)
    row = source.check_for({"name": "", "file": "x", "format": "Git bundle", "facts": {"digest": "0", "branch": ""}})
    row.feed(b"# v2 git bundle\n")
    with pytest.raises(BackupError) as caught:
        row.finish()
    assert caught.value.fault.name == "structure_unreadable"


def test_overwrite_keeps_the_old(bench, repository, tmp_path):
    source = Git(path=str(repository))
    bench.make(source)
    target = tmp_path / "target"
    target.mkdir()
    (target / "old").write_text("viejo")
    with bench.open() as copy, pytest.raises(BackupError) as caught:
        source.restore(copy, str(target), False)
    assert caught.value.fault.name == "target_exists"
    with bench.open() as copy:
        kept = source.restore(copy, str(target), True)["kept"]
    assert open(kept + "/old").read() == "viejo"
    assert (target / "año.txt").exists()


def test_submodules_are_listed(bench, repository, tmp_path):
    git(tmp_path, "init", "-q", "-b", "main", "lib")
    git(tmp_path / "lib", "commit", "-q", "--allow-empty", "-m", "uno")
    git(repository, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(tmp_path / "lib"), "lib")
    git(repository, "commit", "-qm", "submódulo")
    made = bench.make(Git(path=str(repository)))
    row = made.manifest["source"]["facts"]["submodules"][0]
    assert (row["path"], row["commit"]) == ("lib", git(tmp_path / "lib", "rev-parse", "HEAD"))


@pytest.fixture
def with_lfs(repository, tmp_path):
    tool("git-lfs")
    config = str(tmp_path / "lfsconfig")
    git(repository, "config", "--file", config, "filter.lfs.clean", "git-lfs clean -- %f")
    git(repository, "config", "--file", config, "filter.lfs.smudge", "git-lfs smudge -- %f")
    (repository / ".gitattributes").write_text("*.bin filter=lfs -text\n")
    (repository / "a.bin").write_bytes(b"grande" * 1000)
    (repository / "b.bin").write_bytes(b"otro" * 1000)
    git(repository, "add", ".", config=config)
    git(repository, "commit", "-qm", "lfs", config=config)
    return repository


def test_lfs_objects_come_back(bench, with_lfs, tmp_path):
    source = Git(path=str(with_lfs), lfs="require")
    made = bench.make(source)
    assert "lfs_sha256" in made.fields["checks"]
    bench.round_trip(source, tmp_path / "back")
    assert (tmp_path / "back" / "a.bin").read_bytes() == b"grande" * 1000


def test_lfs_from_a_url(bench, with_lfs, tmp_path):
    source = Git(url="file://" + str(with_lfs), lfs="require")
    bench.make(source)
    bench.round_trip(source, tmp_path / "back.git")
    assert source.document["lfs"]["copied"] == 2


def test_lfs_missing(bench, with_lfs):
    gone = sorted((with_lfs / ".git" / "lfs" / "objects").rglob("*"))[-1]
    gone.unlink()
    failed(bench, Git(path=str(with_lfs), lfs="require"), "source_incomplete", gone.name)
    made = bench.make(Git(path=str(with_lfs)))
    assert gone.name in str(made.fields["warnings"])


def test_lfs_object_with_other_bytes(bench, with_lfs):
    sorted((with_lfs / ".git" / "lfs" / "objects").rglob("*"))[-1].write_bytes(b"malo")
    failed(bench, Git(path=str(with_lfs)), "structure_unreadable")


def test_by_git_daemon_with_a_kept_mirror(bench, repository, tmp_path, start):
    port = free_port()
    start([tool("git"), "daemon", "--listen=127.0.0.1", "--port={0}".format(port), "--export-all", "--base-path=" + str(tmp_path)], port,
          env=dict(os.environ, GIT_CONFIG_COUNT="1", GIT_CONFIG_KEY_0="safe.directory", GIT_CONFIG_VALUE_0="*"))
    url, cache = "git://127.0.0.1:{0}/siga".format(port), tmp_path / "cache"
    first = Git(url=url, work_dir=str(cache))
    bench.make(first)
    del first
    git(repository, "branch", "-D", "función/ñandú")
    git(repository, "commit", "-q", "--allow-empty", "-m", "tres")
    second = Git(url=url, work_dir=str(cache))
    bench.make(second)
    bench.round_trip(second, tmp_path / "back.git")
    assert refs(tmp_path / "back.git") == refs(repository)
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    with pytest.raises(BackupError) as caught:
        bench.make(Git(url=url, work_dir=str(cache)))
    assert caught.value.fault.name == "system_busy"


def test_kept_mirror_left_locked_by_a_dead_run(bench, repository, tmp_path):
    cache = tmp_path / "cache"
    bench.make(Git(url="file://" + str(repository), work_dir=str(cache)))
    mirror = next(cache.glob("*.git"))
    for name in ("packed-refs.lock", "HEAD.lock"):
        (mirror / name).write_text("")
    git(repository, "branch", "-D", "función/ñandú")
    source = Git(url="file://" + str(repository), work_dir=str(cache))
    bench.make(source)
    assert source.content_digest() == Git(path=str(repository)).current_digest()


@pytest.mark.parametrize("kept", [False, True])
def test_a_url_whose_branch_has_any_name(bench, repository, tmp_path, kept):
    (tmp_path / "cache").mkdir(mode=0o700)
    for name in ("master", "tronco"):
        git(repository, "branch", "-m", name)
        source = Git(url="file://" + str(repository), **({"work_dir": str(tmp_path / "cache")} if kept else {}))
        bench.make(source)
        assert source.document["branch"] == "refs/heads/" + name
        bench.round_trip(source, tmp_path / ("back" + name))
        assert git(tmp_path / ("back" + name), "symbolic-ref", "HEAD") == "refs/heads/" + name


def test_symbolic_refs_and_loose_worktrees(bench, repository, tmp_path):
    git(tmp_path, "clone", "-q", str(repository), "clone")
    git(tmp_path / "clone", "worktree", "add", "-q", "--detach", str(tmp_path / "loose"))
    git(tmp_path / "loose", "commit", "-q", "--allow-empty", "-m", "sin rama")
    source = Git(path=str(tmp_path / "clone"))
    made = bench.make(source)
    assert "1 commits of other worktrees" in str(made.fields["warnings"])
    bench.round_trip(source, tmp_path / "back")
    assert git(tmp_path / "back", "symbolic-ref", "refs/remotes/origin/HEAD") == "refs/remotes/origin/main"
    assert refs(tmp_path / "back") == refs(tmp_path / "clone")


class Backend(http.server.BaseHTTPRequestHandler):
    """git http-backend behind a password, as a forge has it."""

    root = ""
    seen = None

    def log_message(self, *_unused):
        """Quiet."""

    def do_GET(self):
        wanted = "Basic " + base64.b64encode("ana:{0}".format(SECRET).encode()).decode()
        if self.headers.get("Authorization") != wanted:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.seen.append(processes())
        path, _mark, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        environment = {"PATH": os.environ["PATH"], "GIT_PROJECT_ROOT": self.root, "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": path,
                       "QUERY_STRING": query, "REQUEST_METHOD": self.command, "REMOTE_USER": "ana", "GIT_CONFIG_COUNT": "1",
                       "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*",
                       "CONTENT_TYPE": self.headers.get("Content-Type") or "", "CONTENT_LENGTH": str(len(body)),
                       "GIT_PROTOCOL": self.headers.get("Git-Protocol") or "",
                       "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding") or ""}
        output = subprocess.run([tool("git"), "http-backend"], input=body, env=environment, check=True, stdout=subprocess.PIPE).stdout
        head, _blank, content = output.partition(b"\r\n\r\n")
        headers = [line.split(": ", 1) for line in head.decode().split("\r\n")]
        self.send_response(int(dict(headers).get("Status", "200")[:3]))
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET


def processes():
    """The arguments and environment of every process that can be read."""
    found = b""
    for number in filter(str.isdigit, os.listdir("/proc")):
        for name in ("cmdline", "environ"):
            try:
                with open("/proc/{0}/{1}".format(number, name), "rb") as file:
                    found += file.read()
            except OSError:
                continue
    return found


@pytest.fixture
def forge(tmp_path):
    handler = type("Here", (Backend,), {"root": str(tmp_path), "seen": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield "http://127.0.0.1:{0}/siga".format(server.server_port), handler.seen
    server.shutdown()
    server.server_close()


def test_by_http_with_a_password_nobody_sees(bench, repository, forge, tmp_path, temporary):
    url, seen = forge
    source = Git(url=url, username="ana", password=SECRET)
    made = bench.make(source)
    assert seen and not any(SECRET.encode() in one for one in seen)
    assert SECRET not in str(made.manifest) + str(made.fields)
    assert not any(SECRET.encode() in path.read_bytes() for path in temporary.rglob("*") if path.is_file())
    bench.round_trip(source, tmp_path / "back.git")
    assert refs(tmp_path / "back.git") == refs(repository)


@pytest.mark.parametrize("prompt, answered", [
    ("Username for 'https://example.org': ", "ana@x"),
    ("Password for 'https://ana%40x@example.org': ", SECRET),
    ('Password for "https://ana%40x@example.org/siga.git/info/lfs"', SECRET),
    ("Password for 'https://ana%40x@example.org.evil.net': ", ""),
    ("Password for 'https://evil.net/https://ana%40x@example.org/': ", ""),
    ("Password for 'http://ana%40x@example.org': ", ""),
    ("Username for 'https://example.org:444': ", ""),
])
def test_the_password_is_for_one_server(prompt, answered):
    source = Git(url="https://example.org/siga", username="ana@x", password=SECRET)
    helper = source._tool()
    done = subprocess.run([helper.environment["GIT_ASKPASS"], prompt], pass_fds=helper.descriptors, stdout=subprocess.PIPE, check=False)
    assert done.stdout.decode() == answered


def test_by_http_refused(bench, repository, forge):
    failed(bench, Git(url=forge[0], username="ana", password="otra"), "source_unreachable", "refused")
    failed(bench, Git(url=forge[0]), "source_unreachable", "refused")


@pytest.fixture
def ssh_server(tmp_path, start):
    directory = tmp_path / "ssh"
    directory.mkdir(mode=0o700)
    for name in ("host", "user"):
        subprocess.run([tool("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", str(directory / name)], check=True)
    port = free_port()
    (directory / "authorized").write_text((directory / "user.pub").read_text())
    (directory / "config").write_text("\n".join([
        "Port {0}".format(port), "ListenAddress 127.0.0.1", "HostKey {0}/host".format(directory), "UsePAM no", "StrictModes no",
        "PidFile none", "AuthorizedKeysFile {0}/authorized".format(directory), "PasswordAuthentication no", "PermitRootLogin yes",
        "SetEnv GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0=*"]) + "\n")
    os.makedirs("/run/sshd", exist_ok=True)
    start([tool("sshd"), "-D", "-e", "-f", str(directory / "config")], port)
    known = "[127.0.0.1]:{0} {1}".format(port, (directory / "host.pub").read_text())
    return "ssh://root@127.0.0.1:{0}{1}/siga".format(port, tmp_path), known, directory


def test_by_ssh(bench, repository, ssh_server, tmp_path, temporary):
    url, known, directory = ssh_server
    key = (directory / "user").read_text()
    source = Git(url=url, ssh_key=key, known_hosts=known)
    bench.make(source)
    assert not any(key.splitlines()[2].encode() in path.read_bytes() for path in temporary.rglob("*") if path.is_file())
    bench.round_trip(source, tmp_path / "back.git")
    assert refs(tmp_path / "back.git") == refs(repository)
    by_file = Git(url=url, identity_file=str(directory / "user"), known_hosts=known)
    assert by_file.current_digest() == source.content_digest()


def test_by_ssh_refused(bench, repository, ssh_server, tmp_path):
    url, known, directory = ssh_server
    other = known.split(" ")[0] + " " + (directory / "user.pub").read_text()
    failed(bench, Git(url=url, identity_file=str(directory / "user"), known_hosts=other), "source_unreachable", "host key")
    failed(bench, Git(url=url, identity_file=str(directory / "host"), known_hosts=known), "source_unreachable", "refused")


@pytest.mark.parametrize("url", ["ext::sh -c id", "https://a:b@example.org/x", "-oProxyCommand=id:x", "ssh://-oProxyCommand=id/x", "x"])
def test_urls_refused(url):
    with pytest.raises(BackupError) as caught:
        Git(url=url)
    assert caught.value.fault.name == "invalid_input"


def test_stock_command(bench, repository, tmp_path):
    source = Git(path=str(repository))
    made = bench.make(source)
    command = made.manifest["parts"][1]["restore_command"]
    with bench.open() as copy:
        content = []
        copy.stream("", (), content.append)
    subprocess.run(["bash", "-c", command], input=b"".join(content), env={"PATH": os.environ["PATH"], "TARGET": str(tmp_path / "t")},
                   check=True)
    assert refs(tmp_path / "t") == refs(repository)
    assert git_source.Git(path=str(tmp_path / "t")).current_digest() == made.fields["content_digest"]
