# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Source `git`: a repository whole, as a bundle of all refs, with its LFS objects. Numeral 7.2.2.

The refs are read once. A repository of our own then gets exactly those refs and borrows the objects of the source, and
the bundle is made there: a push meanwhile changes nothing, and the source's own configuration, hooks and filters, which
are not to be trusted, are never in force where objects are read.
"""

from __future__ import annotations

import contextlib
import fcntl
import grp
import hashlib
import json
import os
import pwd
import re
import shlex
import shutil
import urllib.parse
import weakref
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Set, Tuple

from .. import programs, scope
from ..errors import BackupError
from ..pipeline import Stage, run
from . import git_checks, git_tool
from .base import Check, Part, PartReader, Source, free_directory, only

_BUNDLE = "Git bundle"
_LFS_POINTER = re.compile(rb"version https://git-lfs\.github\.com/spec/v1\n(?:ext-.*\n)*oid sha256:([0-9a-f]{64})\nsize \d+\n")
_LFS_POINTER_SIZE = 1024          # bytes; the LFS specification's own limit
_KEPT_CONFIG = re.compile(r"remote\..+\.(url|pushurl|fetch)\Z|branch\..+\.(remote|merge)\Z")
# The host is looked at: a repository's own .lfsconfig could ask for the password in favour of another server.
_ASKPASS = r"""#!/bin/sh
case "$1" in
    "Username for "[\'\"]{origin}[\'\"/]*) exec cat {username} ;;
    "Password for "[\'\"]{asked}[\'\"/]*) exec cat {password} ;;
esac
exit 1
"""


class Git(Source):
    """A git repository of this server (`path`) or of another (`url`). `timeout`: seconds that a silent server is waited for."""

    type = "git"
    OPTIONS = ("path", "url", "identity_file", "ssh_key", "known_hosts", "username", "password", "lfs", "work_dir", "timeout")

    def __init__(self, path: str = "", url: str = "", identity_file: str = "", ssh_key: str = "", known_hosts: str = "",
                 username: str = "", password: str = "", lfs: str = "auto", work_dir: str = "", timeout: int = 60,
                 assigned: Sequence[str] = ()) -> None:
        if path and url:
            raise git_tool.invalid("source", path, "is given together with url", "Give one of the two.")
        if lfs not in ("auto", "require", "skip"):
            raise git_tool.invalid("source.lfs", lfs, "is not known", "Use auto, require or skip.")
        self.path, self.url, self.lfs = path, url, lfs
        self.work_dir, self.timeout, self.assigned = work_dir, timeout, list(assigned)
        self.protocol = git_tool.protocol(url, password) if url else ""
        self.identity_file, self.ssh_key, self.known_hosts = identity_file, ssh_key, programs.lines_of(known_hosts, "source.known_hosts")
        self.username, self.password = username, password
        self.noted: List[str] = []
        self.found: List[str] = []
        self.refs: Optional[git_tool.Refs] = None
        self.document: Dict[str, Any] = {}
        self._git: Optional[git_tool.Tool] = None

    def describe(self) -> str:
        return self.path or git_tool.clean_url(self.url)

    def current_digest(self) -> str:
        """The digest the refs have now, without a copy: by `git for-each-ref` or `git ls-remote`."""
        with self._explained():
            return (self._remote_refs() if self.url else self._local_refs(self._local())).digest()

    def preflight(self) -> int:
        programs.find("git", "git")
        if not self.path and not self.url:
            raise git_tool.invalid("source", "", "needs path or url, one of them", "Say where the repository is.")
        with self._explained():
            if self.url:
                self._remote_refs()
            else:
                self._local_refs(self._local())
        return 0

    def parts(self) -> List[Part]:
        with self._explained():
            return self._parts()

    def check_for(self, row: Dict[str, Any]) -> Check:
        kinds: Dict[str, Callable[[], Check]] = {"refs": lambda: git_checks.RefsCheck(row), "lfs": lambda: git_checks.LfsCheck(row)}
        return kinds.get(row["name"], lambda: git_checks.BundleCheck(row, self._scratch_parent()))()

    def explain(self, error: BackupError) -> BackupError:
        if error.fault.name != "stage_failed" or not re.match(r"(git|cat|tar)\b", error.details["stage"]):
            return error
        detail, where = error.details["detail"], self.describe()
        if re.search("not a git repository|does not appear to be a git repo", detail):
            return BackupError("source_unreachable", source=where, detail="it is not a git repository ({0})".format(detail))
        if re.search("Host key verification failed|host key is known", detail):
            return BackupError("source_unreachable", source=where,
                               detail="its host key is not in known_hosts, and is never accepted unseen: " + detail)
        if re.search("Authentication failed|could not read (Username|Password)|Permission denied|terminal prompts", detail):
            return BackupError("source_unreachable", source=where, detail="the account or its key was refused: " + detail)
        if re.search("corrupt|missing (blob|tree|commit)|bad object|unable to read|could not read|broken|inflate|hash mismatch",
                     detail):
            return BackupError("source_damaged", source=where, detail=detail)
        return BackupError("source_unreachable", source=where, detail="{0} ended with {1}: {2}".format(
            error.details["stage"], error.details["status"], detail))

    def facts(self) -> Dict[str, Any]:
        kept = ("branch", "head", "bare", "object_format", "remotes", "submodules", "uncommitted_files", "lfs")
        return {name: self.document[name] for name in kept}

    def content_digest(self) -> str:
        return self.refs.digest() if self.refs else ""

    def objects(self) -> Optional[int]:
        return len(self.refs.oids) if self.refs else None

    def warnings(self) -> List[str]:
        return self.noted

    def rehearse(self, reader: PartReader, scratch: str) -> List[str]:
        directory = os.path.join(scratch, "rehearsed")
        try:
            self._bring(reader, directory, os.path.join(scratch, "rehearsed.bundle"))
        finally:
            shutil.rmtree(directory, ignore_errors=True)
        return ["git_clone_fsck", "git_refs"] + (["lfs_sha256"] if _has(reader, "lfs") else [])

    def remarks(self) -> List[str]:
        return self.found

    def compare(self, reader: PartReader, scratch: str) -> List[str]:
        """The same refs are the same content, since each object is named by its hash; so is each object that the source still has."""
        if not self.path and not self.url:
            return []
        if self.current_digest() == reader.part("refs")["facts"]["digest"]:
            return ["git_source_refs"]
        text: List[bytes] = []
        reader.stream("refs", (), text.append)
        refs = git_checks.parse_document(b"".join(text))[1]
        with self._explained():
            if self.url:
                now = self._remote_refs().oids
                kept = sum(now.get(name) == oid for name, oid in refs.oids.items())
                self.found.append("{0} of {1} refs of the source are as in the copy; it changed since".format(kept, len(refs.oids)))
                return []
            real, own, _common = self._local()
            asked = "".join(oid + "\n" for oid in sorted(set(refs.oids.values()) | ({refs.head} - {""})))
            answer = self._tool().text("git cat-file", "--git-dir=" + own, "cat-file", "--batch-check", directory=real, reader=_reader(asked.encode()))
        missing = sum(line.endswith(" missing") for line in git_tool.lines(answer))
        self.found.append("the source changed since the copy, and {0}".format(
            "no longer has {0} of its commits".format(missing) if missing else "still has all its commits"))
        return [] if missing else ["git_source_objects"]

    def check_target(self, target: str, overwrite: bool, label: str) -> None:
        free_directory(target, overwrite, label, self.assigned)

    def restore(self, reader: PartReader, target: str, overwrite: bool) -> Dict[str, Any]:
        real, kept = free_directory(target, overwrite, reader.manifest["label"], self.assigned)
        with programs.private_directory(os.path.dirname(real)) as beside:
            built = os.path.join(beside, "restored")
            try:
                document, refs = self._bring(reader, built, os.path.join(beside, "copy.bundle"))
            except BackupError as error:
                if error.fault.name != "stage_failed":
                    raise
                raise BackupError("restore_failed", label=reader.manifest["label"], target=target,
                                  detail=error.message) from error
            _own(built, document)
            if kept:
                os.rename(real, kept)
            elif os.path.isdir(real):
                os.rmdir(real)
            try:
                os.rename(built, real)
            except OSError as error:
                if kept:
                    os.rename(kept, real)
                raise BackupError("restore_failed", label=reader.manifest["label"], target=target, detail=str(error)) from error
        return {"target": real, "objects": len(refs.oids), "kept": kept}

    # -- reading the source -----------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except BackupError as error:
            raise self.explain(error) from error

    def _scratch_parent(self) -> str:
        if not self.work_dir:
            return ""
        os.makedirs(self.work_dir, mode=0o700, exist_ok=True)
        status = os.stat(self.work_dir)
        if status.st_uid != os.geteuid() or status.st_mode & 0o022:
            raise git_tool.invalid("source.work_dir", self.work_dir, "belongs to another account or others can write to it",
                                   "Give a directory of mode 0700 of the account that makes the copies.")
        return self.work_dir

    def _tool(self) -> git_tool.Tool:
        if self._git is None:
            git = git_tool.Tool(self._scratch_parent(), self.timeout)
            if self.url:
                git.environment["GIT_ALLOW_PROTOCOL"] = self.protocol
                if self.protocol == "ssh":
                    self._ssh(git)
                if self.password:
                    self._askpass(git)
            self._git = git
        return self._git

    def _ssh(self, git: git_tool.Tool) -> None:
        options = ["ssh", "-F", "/dev/null", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes",
                   "-o", "IdentityAgent=none", "-o", "IdentitiesOnly=yes",
                   "-o", "ConnectTimeout={0}".format(self.timeout), "-o", "ServerAliveInterval=15"]
        if self.known_hosts:
            path = git.workspace.file("known_hosts")
            git_tool.write(path, self.known_hosts.rstrip("\n") + "\n")
            options += ["-o", "UserKnownHostsFile=" + path, "-o", "GlobalKnownHostsFile=/dev/null"]
        if self.ssh_key:
            secret = self._secret(self.ssh_key.rstrip("\n") + "\n")
            # ssh closes every descriptor it inherits, so it reads this process's own
            options += ["-i", "/proc/{0}/fd/{1}".format(os.getpid(), secret.descriptor)]
        elif self.identity_file:
            options += ["-i", self.identity_file]
        git.environment["GIT_SSH_COMMAND"] = " ".join(map(shlex.quote, options))
        git.environment["GIT_SSH_VARIANT"] = "ssh"

    def _askpass(self, git: git_tool.Tool) -> None:
        split = urllib.parse.urlsplit(self.url)
        host = split.netloc.rpartition("@")[2]
        name = self.username or urllib.parse.unquote(split.username or "git")
        username, password = self._secret(name), self._secret(self.password)
        path = git.workspace.file("askpass")
        asked = "{0}://{1}@{2}".format(split.scheme, urllib.parse.quote(name, safe="~"), host)
        script = _ASKPASS.format(origin=shlex.quote(split.scheme + "://" + host), asked=shlex.quote(asked),
                                 username=username.path, password=password.path)
        git_tool.write(path, script)
        os.chmod(path, 0o700)
        git.environment["GIT_ASKPASS"] = path
        git.descriptors = (username.descriptor, password.descriptor)

    def _secret(self, text: str) -> programs.Secret:
        secret = programs.Secret(text)
        weakref.finalize(self, secret.close)
        return secret

    def _remote_refs(self) -> git_tool.Refs:
        branch, head, oids = "", "", {}
        for line in git_tool.lines(self._tool().text("git ls-remote", "ls-remote", "--symref", "--", self._address())):
            oid, _tab, name = line.partition("\t")
            if name == "HEAD" and oid.startswith("ref: "):
                branch = oid[5:]
            elif name == "HEAD":
                head = oid
            elif name.startswith("refs/") and not name.endswith("^{}") and not oid.startswith("ref: "):
                oids[name] = oid
        return git_tool.Refs(branch, head, oids)

    def _address(self) -> str:
        if self.protocol == "file":
            return "file://" + scope.resolve(urllib.parse.unquote(urllib.parse.urlsplit(self.url).path), self.assigned)
        return self.url

    def _local(self) -> Tuple[str, str, str]:
        """The real path of the repository, its own git directory and the one it shares with its worktrees."""
        real = scope.resolve(self.path, self.assigned)
        if not os.path.lexists(real):
            raise BackupError("source_missing", source=self.path)
        if not os.path.isdir(real):
            raise BackupError("source_unreachable", source=self.path, detail="it is not a directory")
        found = self._tool().text("git rev-parse", "rev-parse", "--absolute-git-dir", "--git-common-dir", directory=real,
                                  variables={"GIT_CEILING_DIRECTORIES": os.path.dirname(real)}).splitlines()
        own = scope.resolve(found[0], self.assigned)
        return real, own, scope.resolve(os.path.join(real, found[1]), self.assigned)

    def _local_refs(self, where: Tuple[str, str, str]) -> git_tool.Refs:
        real, own, _common = where
        form = "--format=%(objectname) %(refname)"
        listing, complaints = self._tool().said("git for-each-ref", "--git-dir=" + own, "for-each-ref", form, directory=real)
        if "broken ref" in complaints:
            raise BackupError("source_damaged", source=self.path, detail=complaints)
        oids = {name: oid for oid, _space, name in (line.partition(" ") for line in git_tool.lines(listing))}
        try:
            branch = self._tool().text("git symbolic-ref", "--git-dir=" + own, "symbolic-ref", "HEAD", directory=real).strip("\n")
        except BackupError as error:
            if "not a symbolic ref" not in error.details["detail"]:
                raise
            head = self._tool().text("git rev-parse", "--git-dir=" + own, "rev-parse", "--verify", "HEAD", directory=real)
            return git_tool.Refs("", head.strip(), oids)
        return git_tool.Refs(branch, oids.get(branch, ""), oids)

    def _mirror(self) -> str:
        """A repository of ours with all that the URL holds, kept in work_dir when there is one. Sets self.refs."""
        git = self._tool()
        if self.work_dir:
            directory = os.path.join(self.work_dir, hashlib.sha256(self.url.encode("utf-8")).hexdigest()[:32] + ".git")
            lock = os.open(directory + ".lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            weakref.finalize(self, os.close, lock)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise BackupError("system_busy", system=self.describe(), location=directory) from error
        else:
            directory = git.workspace.file("mirror.git")
        seen = self._remote_refs()
        oid = seen.head or next(iter(seen.oids.values()), "")
        object_format = "sha256" if len(oid) == 64 else "sha1"
        wanted = ["+refs/*:refs/*"] + (["HEAD"] if seen.head else [])

        def fetch() -> None:
            if not os.path.isfile(os.path.join(directory, "HEAD")):
                git.repository(directory, object_format, git_tool.Refs("refs/heads/main", "", {}))
            git.text("git fetch", "--git-dir=" + directory, "fetch", "--quiet", "--prune", "--no-tags", "--force",
                     "--update-head-ok", "--", self._address(), *wanted)

        kept = os.path.isdir(directory)
        try:
            fetch()
        except BackupError:
            if not kept:
                raise
            shutil.rmtree(directory)     # the server has just answered: a killed run left the mirror locked or broken
            fetch()
        listing = git.text("git for-each-ref", "--git-dir=" + directory, "for-each-ref", "--format=%(objectname) %(refname)")
        oids = {name: value for value, _space, name in (line.partition(" ") for line in git_tool.lines(listing))}
        head = oids.get(seen.branch, "") if seen.branch else seen.head
        self.refs = git_tool.Refs(seen.branch or ("" if head else "refs/heads/main"), head, oids)
        if os.path.exists(os.path.join(directory, "shallow")):
            raise self._shallow()
        return directory

    def _shallow(self) -> BackupError:
        return BackupError("source_incomplete", source=self.describe(),
                           detail="it is a shallow clone, whose bundle could not be cloned: copy the whole repository instead")

    # -- making the parts -------------------------------------------------------------------------------------------

    def _parts(self) -> List[Part]:
        git = self._tool()
        document: Dict[str, Any] = {"schema": 1}
        if self.url:
            common = self._mirror()
            document.update(bare=True, uncommitted_files=0, worktrees=[], worktree_heads=[], symrefs={},
                            remotes={"origin": git_tool.clean_url(self.url)}, config=[], owner="", group="")
        else:
            real, own, common = self._local()
            if os.path.exists(os.path.join(common, "shallow")):
                raise self._shallow()
            self.refs = self._local_refs((real, own, common))
            document.update(self._local_facts(real, own, common))
        refs = self.refs
        if refs is None:
            raise BackupError("unexpected", detail="the repository was not read before it was copied")
        sha256 = any(len(oid) == 64 for oid in list(refs.oids.values()) + [refs.head])
        document.update(branch=refs.branch, head=refs.head, shallow=False, object_format="sha256" if sha256 else "sha1")
        for alternate in git_tool.alternates(os.path.join(common, "objects")):
            scope.resolve(alternate, self.assigned if self.path else [])
        snapshot = git.workspace.file("snapshot.git")
        git.repository(snapshot, document["object_format"], refs, os.path.realpath(os.path.join(common, "objects")))
        if self.path and not document["bare"]:
            document["uncommitted_files"] = self._uncommitted(snapshot, real, own, common)
        detail = git.text("git for-each-ref", "--git-dir=" + snapshot, "for-each-ref",
                          "--format=%(refname) %(objecttype) %(*objectname)")
        peeled = {line.split(" ")[0]: line.split(" ")[2] for line in git_tool.lines(detail)}
        document["refs"] = [{"name": name, "oid": oid, "peeled": peeled.get(name, "")} for name, oid in sorted(refs.oids.items())]
        document["submodules"] = self._submodules(snapshot, refs)
        lfs = self._lfs(snapshot, common, refs)
        document["lfs"] = lfs
        self.document = document
        self._warn_of_loose_worktrees(snapshot, document["worktree_heads"], refs)
        if "refs/stash" in refs.oids:
            self.noted.append("{0}: only the newest stash is in the copy, as git has no refs to the others".format(self.describe()))
        return self._as_parts(snapshot, document, refs, common)

    def _warn_of_loose_worktrees(self, snapshot: str, heads: List[str], refs: git_tool.Refs) -> None:
        if not heads:
            return
        kept = set(refs.oids.values()) | ({refs.head} - {""})
        asked = "".join([oid + "\n" for oid in heads] + ["^" + oid + "\n" for oid in sorted(kept)])
        loose = self._tool().text("git rev-list", "--git-dir=" + snapshot, "rev-list", "--stdin", reader=_reader(asked.encode()))
        if loose:
            self.noted.append("{0}: {1} commits of other worktrees are on no ref and not in the copy".format(
                self.describe(), len(git_tool.lines(loose))))

    def _as_parts(self, snapshot: str, document: Dict[str, Any], refs: git_tool.Refs, common: str) -> List[Part]:
        git = self._tool()
        listing = git.workspace.file("refs.json")
        git_tool.write(listing, json.dumps(document, indent=1) + "\n")
        facts = {"digest": refs.digest(), "branch": refs.branch, "refs": len(refs.oids)}

        def part(name: str, extension: str, form: str, stage: Stage, facts: Dict[str, Any], command: str) -> Part:
            row = {"name": name, "file": self.describe() + " " + name, "format": form, "facts": facts}
            return Part(name=name, extension=extension, format=form, produce=lambda: only([stage]), restore_command=command,
                        check=lambda: self.check_for(row), facts=facts)

        cat = Stage("cat", [programs.find("cat", "coreutils"), listing])
        # A bundle does not tell which branch HEAD names.
        head = ' && git --git-dir "$TARGET" symbolic-ref HEAD {0}'.format(shlex.quote(refs.branch)) if refs.branch else ""
        empty = "" if refs.oids or refs.head else ' && git init --quiet --bare "$TARGET"' + head
        parts = [part("refs", "json", "list of refs", cat, facts, 'cat > "$TARGET.refs.json"' + empty)]
        if not empty:
            heads = ["HEAD"] if refs.head else []
            stage = git.stage("git bundle", "--git-dir=" + snapshot, "bundle", "create", "--quiet", "-", "--all", *heads)
            command = 'cat > "$TARGET.bundle" && git clone --mirror "$TARGET.bundle" "$TARGET"' + head
            parts.append(part("", "bundle", _BUNDLE, stage, facts, command))
        if document["lfs"]["copied"]:
            tar = [programs.find("tar", "tar"), "--create", "--file=-", "--directory=" + _lfs_store(common), "--null",
                   "--verbatim-files-from", "--no-recursion", "--files-from=" + git.workspace.file("lfs-list")]
            command = '{ mkdir -p "$TARGET/lfs/objects" && tar --extract --file=- --directory="$TARGET/lfs/objects"; }'
            parts.append(part("lfs", "tar", "tar of Git LFS objects", Stage("tar", tar), {"objects": document["lfs"]["copied"]},
                              command))
        return parts

    def _local_facts(self, real: str, own: str, common: str) -> Dict[str, Any]:
        config: Dict[str, List[str]] = {}
        file = os.path.join(common, "config")
        listing = self._tool().text("git config", "config", "--file", file, "--no-includes", "--null", "--list")
        for entry in listing.split("\0"):
            key, _newline, value = entry.partition("\n")
            config.setdefault(key, []).append(value)
        if any(key.endswith((".promisor", ".partialclonefilter")) or key == "extensions.partialclone" for key in config):
            self.noted.append("{0}: it is a partial clone; all that its refs reach was there".format(self.describe()))
        kept = [[key, git_tool.clean_url(value) if key.endswith("url") else value]
                for key, values in config.items() if _KEPT_CONFIG.match(key) for value in values]
        remotes = {key[7:-4]: value for key, value in kept if key.startswith("remote.") and key.endswith(".url")}
        others = self._tool().text("git worktree", "--git-dir=" + own, "worktree", "list", "--porcelain", directory=real)
        symbolic = self._tool().text("git for-each-ref", "--git-dir=" + own, "for-each-ref", "--format=%(refname) %(symref)",
                                     directory=real)
        bare = config.get("core.bare", ["false"])[-1].lower() == "true" and own == common
        status = os.stat(common)
        return {"bare": bare, "remotes": remotes, "config": kept, "uncommitted_files": 0,
                "symrefs": {name: to for name, _space, to in (line.partition(" ") for line in git_tool.lines(symbolic)) if to},
                "worktree_heads": [line[5:] for line in git_tool.lines(others) if line.startswith("HEAD ") and line[5:].strip("0")],
                "worktrees": [line[9:] for line in git_tool.lines(others) if line.startswith("worktree ")],
                "owner": _name(pwd.getpwuid, status.st_uid), "group": _name(grp.getgrgid, status.st_gid)}

    def _uncommitted(self, snapshot: str, real: str, own: str, common: str) -> int:
        """Files changed or new and not committed, by a copy of the index and without the repository's own filters."""
        index = self._tool().workspace.file("index")
        try:
            shutil.copyfile(os.path.join(own, "index"), index)
        except FileNotFoundError:
            index = self._tool().workspace.file("no-index")
        said = self._tool().text("git status", "-c", "core.excludesFile=" + os.path.join(common, "info", "exclude"),
                                 "-c", "core.bare=false", "--git-dir=" + snapshot, "--work-tree=" + real, "status", "--porcelain",
                                 "-z", "--no-renames", "--ignore-submodules=all", "--untracked-files=normal", directory=real,
                                 variables={"GIT_INDEX_FILE": index})
        count = len([entry for entry in said.split("\0") if entry and entry[3:] != ".git"])
        if count:
            self.noted.append("{0}: {1} files not committed are not in the copy".format(self.describe(), count))
        return count

    def _submodules(self, snapshot: str, refs: git_tool.Refs) -> List[Dict[str, str]]:
        """Every submodule that HEAD or a branch names: path, URL and commit. Their content is not in the copy."""
        git = self._tool()
        tips = {oid: name for name, oid in sorted(refs.oids.items(), reverse=True) if name.startswith("refs/heads/")}
        if refs.head:
            tips[refs.head] = refs.branch or "HEAD"
        asked = "".join(oid + ":.gitmodules\n" for oid in tips)
        answers = git.text("git cat-file", "--git-dir=" + snapshot, "cat-file", "--batch-check", reader=_reader(asked.encode()))
        found = []
        for (oid, name), line in zip(tips.items(), git_tool.lines(answers)):
            if " blob " not in line:
                continue
            links = {}
            tree = git.text("git ls-tree", "--git-dir=" + snapshot, "ls-tree", "-r", "-z", "--full-tree", oid)
            for entry in tree.split("\0"):
                meta, _tab, path = entry.partition("\t")
                if meta.startswith("160000 "):
                    links[path] = meta.split(" ")[2]
            settings: Dict[str, str] = {}
            with contextlib.suppress(BackupError):   # a malformed .gitmodules is copied as it is; its URLs stay unknown
                said = git.text("git config", "--git-dir=" + snapshot, "config", "--blob", oid + ":.gitmodules", "--no-includes",
                                "--null", "--list")
                settings = {key: value for key, _newline, value in (entry.partition("\n") for entry in said.split("\0"))}
            urls = {value: git_tool.clean_url(settings.get(key[:-5] + ".url", "")) for key, value in settings.items() if key.endswith(".path")}
            found += [{"ref": name, "path": path, "url": urls.get(path, ""), "commit": commit} for path, commit in links.items()]
        if found:
            self.noted.append("{0}: {1} submodules are listed, their content is copied as systems of their own".format(
                self.describe(), len({(row["path"], row["url"]) for row in found})))
        return found

    def _lfs(self, snapshot: str, common: str, refs: git_tool.Refs) -> Dict[str, Any]:
        """Look for LFS pointers in all the history; list those objects that are here, name those that are missing."""
        if self.lfs == "skip":
            return {"mode": "skip", "copied": 0, "missing": []}
        wanted = self._pointers(snapshot, refs)
        if wanted and self.url and shutil.which("git-lfs", path=self._tool().environment["PATH"]):
            with contextlib.suppress(BackupError):   # what it did not bring is named as missing below
                git = self._tool()
                address = ["-c", "remote.origin.url=" + self._address()]
                git.text("git lfs fetch", *address, "--git-dir=" + common, "lfs", "fetch", "--all", "origin", directory=common)
        store = _lfs_store(common)
        if os.path.isdir(store):
            scope.resolve(store, self.assigned if self.path else [])
        names: List[str] = []
        missing: List[str] = []
        for oid in sorted(wanted):
            name = "{0}/{1}/{2}".format(oid[:2], oid[2:4], oid)
            path = os.path.join(store, name)
            whole = os.path.isfile(path) and os.path.realpath(path) == os.path.join(os.path.realpath(store), name)
            (names if whole else missing).append(name if whole else oid)
        if missing:
            detail = "{0} of {1} LFS objects are missing: {2}".format(len(missing), len(wanted), ", ".join(missing[:10]))
            if self.lfs == "require":
                raise BackupError("source_incomplete", source=self.describe(), detail=detail)
            self.noted.append("{0}: {1}".format(self.describe(), detail))
        git_tool.write(self._tool().workspace.file("lfs-list"), "".join(name + "\0" for name in names))
        return {"mode": self.lfs, "copied": len(names), "missing": missing}

    def _pointers(self, snapshot: str, refs: git_tool.Refs) -> List[str]:
        """The oids of all LFS objects that the history refers to."""
        git = self._tool()
        small = git.workspace.file("small-blobs")
        tips = "".join(oid + "\n" for oid in sorted(set(refs.oids.values()) | ({refs.head} - {""})))
        if not tips:
            return []
        listing = git.stage("git rev-list", "--git-dir=" + snapshot, "rev-list", "--objects", "--no-object-names", "--stdin")
        sizes = git.stage("git cat-file", "--git-dir=" + snapshot, "cat-file", "--buffer",
                          "--batch-check=%(objectname) %(objecttype) %(objectsize)")
        rest = b""
        with open(small, "wb") as file:
            def choose(chunk: bytes) -> None:
                nonlocal rest
                lines = (rest + chunk).split(b"\n")
                rest = lines.pop()
                for line in lines:
                    oid, kind, size = (line + b" ").split(b" ")[:3]
                    if kind == b"missing":
                        raise BackupError("source_damaged", source=self.describe(), detail="object {0} can't be read".format(oid.decode()))
                    if kind == b"blob" and 100 < int(size) < _LFS_POINTER_SIZE:
                        file.write(oid + b"\n")

            run([listing, sizes], choose, reader=_reader(tips.encode()))
        found: Set[str] = set()
        tail = b""

        def look(chunk: bytes) -> None:
            nonlocal tail
            text = tail + chunk
            found.update(match.group(1).decode() for match in _LFS_POINTER.finditer(text))
            tail = text[-_LFS_POINTER_SIZE:]

        with open(small, "rb") as chosen:
            run([git.stage("git cat-file", "--git-dir=" + snapshot, "cat-file", "--batch", "--buffer")], look, reader=chosen.read)
        return sorted(found)

    # -- the way home -----------------------------------------------------------------------------------------------

    def _bring(self, reader: PartReader, directory: str, bundle: str) -> Tuple[Dict[str, Any], git_tool.Refs]:
        """Build the repository in `directory`, which must not exist, and compare it with the list of refs."""
        label = reader.manifest["label"]
        git = git_tool.Tool()
        try:
            text: List[bytes] = []
            reader.stream("refs", (), text.append)
            document, refs = git_checks.parse_document(b"".join(text))
            inside = directory if document["bare"] else os.path.join(directory, ".git")
            if not document["bare"]:
                os.mkdir(directory, 0o755)
            if _has(reader, ""):
                with open(bundle, "wb") as file:
                    reader.stream("", (), file.write)
                back = git_tool.clone(git, bundle, inside, refs.branch)
                os.unlink(bundle)
                git.text("git config", "--git-dir=" + inside, "config", "--remove-section", "remote.origin")
            else:
                git.repository(inside, document["object_format"], refs)
                back = refs
            if back != refs:
                wrong = sorted(name for name in set(back.oids) ^ set(refs.oids))
                raise BackupError("restored_differs", label=label, detail="other refs: " + (", ".join(wrong[:10]) or "HEAD"))
            if _has(reader, "lfs"):
                self._bring_lfs(reader, os.path.join(inside, "lfs", "objects"))
            self._finish(git, inside, directory, document, refs)
        finally:
            git.workspace.close()
        return document, refs

    def _bring_lfs(self, reader: PartReader, store: str) -> None:
        check = self.check_for(reader.part("lfs"))
        reader.stream("lfs", check.stages(), check.feed)
        check.finish()
        os.makedirs(store, 0o755)
        reader.stream("lfs", [Stage("tar --extract", [programs.find("tar", "tar"), "--extract", "--file=-",
                                                      "--no-same-owner", "--directory=" + store])])

    def _finish(self, git: git_tool.Tool, inside: str, directory: str, document: Dict[str, Any], refs: git_tool.Refs) -> None:
        """Configuration that was kept, and the working tree."""
        for key, value in document["config"]:
            git.text("git config", "--git-dir=" + inside, "config", "--add", key, value)
        for name, to in document["symrefs"].items():
            git.text("git symbolic-ref", "--git-dir=" + inside, "symbolic-ref", name, to)
        if document["bare"]:
            return
        git.text("git config", "--git-dir=" + inside, "config", "core.bare", "false")
        if refs.head:
            git.text("git reset", "--git-dir=" + inside, "--work-tree=" + directory, "reset", "--quiet", "--hard",
                     directory=directory)
        if "refs/stash" in refs.oids:
            self._list_stash(git, inside, directory, refs.oids["refs/stash"])
        if document["lfs"]["copied"] and shutil.which("git-lfs", path=git.environment["PATH"]):
            git.text("git lfs install", "lfs", "install", "--local", "--skip-repo", directory=directory)
            if refs.head:
                git.text("git lfs checkout", "lfs", "checkout", directory=directory)

    def _list_stash(self, git: git_tool.Tool, inside: str, directory: str, stash: str) -> None:
        """Make `git stash list` show the stash again: it reads the log of the ref, which no bundle holds."""
        repository = ("--git-dir=" + inside, "--work-tree=" + directory)
        message = git.text("git log", *repository, "log", "-1", "--format=%s", stash).strip()
        git.text("git update-ref", *repository, "update-ref", "-d", "refs/stash")
        git.text("git stash store", *repository, "stash", "store", "--message", message, stash, directory=directory,
                 variables={"GIT_COMMITTER_NAME": "respaldo", "GIT_COMMITTER_EMAIL": "respaldo@localhost"})


def _lfs_store(common: str) -> str:
    return os.path.join(common, "lfs", "objects")


def _has(reader: PartReader, name: str) -> bool:
    return any(row["name"] == name for row in reader.manifest["parts"])


def _reader(content: bytes) -> Callable[[int], bytes]:
    chunks = [content] if content else []
    return lambda size: chunks.pop() if chunks else b""


def _name(lookup: Any, number: int) -> str:
    try:
        return lookup(number)[0]
    except KeyError:
        return str(number)


def _own(directory: str, document: Dict[str, Any]) -> None:
    """As root: give the tree to the account that owned it, when that is still here."""
    if os.geteuid() != 0 or not document["owner"]:
        return
    try:
        uid, gid = pwd.getpwnam(document["owner"]).pw_uid, grp.getgrnam(document["group"]).gr_gid
    except KeyError:
        return
    for base, _directories, files in os.walk(directory):
        for name in [""] + files + [one for one in _directories if os.path.islink(os.path.join(base, one))]:
            os.chown(os.path.join(base, name) if name else base, uid, gid, follow_symlinks=False)
