# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A repository of another server, by its URL: how its account is given, what its refs are, and the mirror that copies are made of."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shlex
import urllib.parse
import weakref
from typing import Callable, List, Optional, Tuple

from ..errors import BackupError
from ..filesystem import descriptors
from ..processes import programs
from . import git_tool
from .git_files import Repository
from .git_objects import Lender, snapshot_of

# The host is looked at: a repository's own .lfsconfig could ask for the password in favour of another server.
_ASKPASS = r"""#!/bin/sh
case "$1" in
    "Username for "[\'\"]{origin}[\'\"/]*) exec cat {username} ;;
    "Password for "[\'\"]{asked}[\'\"/]*) exec cat {password} ;;
esac
exit 1
"""


class Remote:
    """A repository by its URL. `ssh` and `askpass` set a tool up for it."""

    def __init__(self, url: str, protocol: str, timeout: int, assigned: List[str]) -> None:
        self.url, self.protocol, self.timeout, self.assigned = url, protocol, timeout, assigned
        self.own_address = ""
        self.lender: Optional[Lender] = None

    def ssh(self, git: git_tool.Tool, known_hosts: str, ssh_key: str, identity_file: str) -> None:
        options = ["ssh", "-F", "/dev/null", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes",
                   "-o", "IdentityAgent=none", "-o", "IdentitiesOnly=yes",
                   "-o", "ConnectTimeout={0}".format(self.timeout), "-o", "ServerAliveInterval=15"]
        if known_hosts:
            path = git.workspace.file("known_hosts")
            git_tool.write(path, known_hosts.rstrip("\n") + "\n")
            options += ["-o", "UserKnownHostsFile=" + path, "-o", "GlobalKnownHostsFile=/dev/null"]
        if ssh_key:
            secret = self._secret(ssh_key.rstrip("\n") + "\n")
            # ssh closes every descriptor it inherits, so it reads this process's own
            options += ["-i", "/proc/{0}/fd/{1}".format(os.getpid(), secret.descriptor)]
        elif identity_file:
            options += ["-i", identity_file]
        git.environment["GIT_SSH_COMMAND"] = " ".join(map(shlex.quote, options))
        git.environment["GIT_SSH_VARIANT"] = "ssh"

    @staticmethod
    def web(git: git_tool.Tool, ca_certs: str, proxy: str) -> None:
        """Whom https trusts in place of the system's authorities, and the proxy it goes through; git and git-lfs read both."""
        if ca_certs:
            path = git.workspace.file("ca.pem")
            git_tool.write(path, ca_certs.rstrip("\n") + "\n")
            git.environment["GIT_SSL_CAINFO"] = path
        if proxy:
            git.environment.update(http_proxy=proxy, https_proxy=proxy)

    def askpass(self, git: git_tool.Tool, account: str, password_text: str) -> None:
        split = urllib.parse.urlsplit(self.url)
        host = split.netloc.rpartition("@")[2]
        name = account or urllib.parse.unquote(split.username or "git")
        username, password = self._secret(name), self._secret(password_text)
        path = git.workspace.file("askpass")
        asked = "{0}://{1}@{2}".format(split.scheme, urllib.parse.quote(name, safe="~"), host)
        script = _ASKPASS.format(origin=shlex.quote(split.scheme + "://" + host), asked=shlex.quote(asked),
                                 username=username.path, password=password.path)
        git_tool.write(path, script)
        descriptor = descriptors.regular(path)
        os.fchmod(descriptor, 0o700)
        os.close(descriptor)
        git.environment["GIT_ASKPASS"] = path
        git.descriptors = (username.descriptor, password.descriptor)

    def _secret(self, text: str) -> programs.Secret:
        secret = programs.Secret(text)
        weakref.finalize(self, secret.close)
        return secret

    def refs(self, git: git_tool.Tool) -> git_tool.Refs:
        branch, head, oids = "", "", {}
        for line in git_tool.lines(git.text("git ls-remote", "ls-remote", "--symref", "--", self.address(git))):
            oid, _tab, name = line.partition("\t")
            if name == "HEAD" and oid.startswith("ref: "):
                branch = oid[5:]
            elif name == "HEAD":
                head = oid
            elif name.startswith("refs/") and not name.endswith("^{}") and not oid.startswith("ref: "):
                oids[name] = oid
        return git_tool.Refs(branch, head, oids)

    def address(self, git: git_tool.Tool) -> str:
        """What git is told. Of a directory of this server it gets one of ours, which borrows its objects: see git_files."""
        if self.protocol != "file":
            return self.url
        if not self.own_address:
            repository = self.directory()
            if repository.shallow():
                raise shallow(self.url)
            refs = repository.refs().refs
            snapshot = git.workspace.file("source.git")
            self.lender = snapshot_of(git, snapshot, repository, refs)
            self.own_address = "file://" + urllib.parse.quote(snapshot)
        return self.own_address

    def directory(self) -> Repository:
        """A file:// URL's own repository."""
        return Repository(urllib.parse.unquote(urllib.parse.urlsplit(self.url).path), self.assigned)

    def lfs_address(self) -> str:
        return "file://" + self.directory().real if self.protocol == "file" else self.url

    def mirror(self, git: git_tool.Tool, work_dir: str, described: str, keep: Callable[[int], None]) -> Tuple[str, git_tool.Refs]:
        """A repository of ours with all that the URL holds, kept in work_dir when there is one. Gives its directory and refs."""
        if work_dir:
            directory = os.path.join(work_dir, hashlib.sha256(self.url.encode("utf-8")).hexdigest()[:32] + ".git")
            lock = os.open(directory + ".lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            keep(lock)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise BackupError("system_busy", system=described, location=directory) from error
        else:
            directory = git.workspace.file("mirror.git")
        seen = self.refs(git)
        oid = seen.head or next(iter(seen.oids.values()), "")
        object_format = "sha256" if len(oid) == 64 else "sha1"
        wanted = ["+refs/*:refs/*"] + (["HEAD"] if seen.head else [])

        def fetch() -> None:
            if not os.path.isfile(os.path.join(directory, "HEAD")):
                git.repository(directory, object_format, git_tool.Refs("refs/heads/main", "", {}))
            git.text("git fetch", "--git-dir=" + directory, "fetch", "--quiet", "--prune", "--no-tags", "--force",
                     "--update-head-ok", "--", self.address(git), *wanted)

        kept = os.path.isdir(directory)
        try:
            fetch()
        except BackupError:
            if not kept:
                raise
            # the server has just answered: a killed run left the mirror locked or broken
            above = descriptors.top(os.path.realpath(os.path.dirname(directory)))
            try:
                descriptors.remove(above, os.path.basename(directory))
            finally:
                os.close(above)
            fetch()
        listing = git.text("git for-each-ref", "--git-dir=" + directory, "for-each-ref", "--format=%(objectname) %(refname)")
        oids = {name: value for value, _space, name in (line.partition(" ") for line in git_tool.lines(listing))}
        head = oids.get(seen.branch, "") if seen.branch else seen.head
        if os.path.exists(os.path.join(directory, "shallow")):
            raise shallow(described)
        refs = git_tool.Refs(seen.branch or ("" if head else "refs/heads/main"), head, oids)
        # a bundle takes HEAD from here: the server's default branch has any name, and another tomorrow
        git_tool.set_head(directory, refs)
        return directory, refs


def shallow(described: str) -> BackupError:
    return BackupError("source_incomplete", source=described,
                       detail="it is a shallow clone, whose bundle could not be cloned: copy the whole repository instead")
