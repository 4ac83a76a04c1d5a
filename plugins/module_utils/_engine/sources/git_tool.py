# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""git itself: run in an environment of its own, what it says of refs, and where a repository may be."""

from __future__ import annotations

import copy
import hashlib
import os
import re
import urllib.parse
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

from ..errors import BackupError
from ..processes import programs
from ..processes.pipeline import Stage, run
from ..processes.workspace import Workspace

_SCP_LIKE = re.compile(r"(?:[A-Za-z0-9._][A-Za-z0-9._-]*@)?[A-Za-z0-9][A-Za-z0-9._-]*:(?!:)[^\0\n]+\Z")
LIMIT = 12 * 3600.0          # seconds that any one command of git may take: a night's window
NOTE_LIMIT = 60.0            # seconds for a command that only gives a note, such as how many files are not committed
_MOST = 512 << 20            # bytes that a command may print
# Ours, in place of the system's and the user's; a repository of another owner is read, never trusted.
_CONFIG = """[core]
    hooksPath = /dev/null
    fsmonitor = false
[safe]
    directory = *
[gc]
    auto = 0
[maintenance]
    auto = false
[credential]
    helper =
[http]
    lowSpeedLimit = 1
    lowSpeedTime = {timeout}
"""


class Refs(NamedTuple):
    """What a repository points at: HEAD's branch ("" when detached), HEAD's oid ("" when unborn), oid by full ref name."""

    branch: str
    head: str
    oids: Dict[str, str]

    def digest(self) -> str:
        """SHA-256 over what a local look and `git ls-remote` both see: an unborn HEAD is not in it."""
        lines = ["{0} {1}\n".format(oid, name) for name, oid in sorted(self.oids.items())]
        if self.head:
            lines.append("{0} HEAD {1}\n".format(self.head, self.branch))
        return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


class Tool:
    """git in an environment of its own, with a workspace for its files."""

    def __init__(self, work_dir: str = "", timeout: int = 60) -> None:
        self.program = programs.find("git", "git")
        self.workspace = Workspace(work_dir)
        self.descriptors: Tuple[int, ...] = ()
        self.account: Optional[programs.Account] = None
        home = self.workspace.file("home")
        os.mkdir(home, 0o700)
        with open(os.path.join(home, ".gitconfig"), "w", encoding="utf-8") as file:
            file.write(_CONFIG.format(timeout=timeout))
        self.environment = programs.environment(
            HOME=home, XDG_CONFIG_HOME=home, GIT_CONFIG_GLOBAL=os.path.join(home, ".gitconfig"), GIT_CONFIG_NOSYSTEM="1",
            GIT_ATTR_NOSYSTEM="1", GIT_TERMINAL_PROMPT="0", GIT_OPTIONAL_LOCKS="0", GIT_NO_REPLACE_OBJECTS="1",
            GIT_NO_LAZY_FETCH="1", GIT_ALLOW_PROTOCOL="file", GIT_LFS_SKIP_SMUDGE="1", GIT_DEFAULT_REF_FORMAT="files")

    def as_account(self, account: programs.Account) -> "Tool":
        """The same git, run as another account, which can't enter our workspace: with no configuration but what is on its command line."""
        other = copy.copy(self)
        other.account = account
        other.descriptors = ()
        other.environment = dict(self.environment, HOME="/nonexistent", XDG_CONFIG_HOME="/nonexistent", GIT_CONFIG_GLOBAL="/dev/null")
        return other

    def stage(self, name: str, *arguments: str, **extra: Any) -> Stage:
        guarded = [self.program, "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "core.attributesFile=/dev/null"]
        environment = dict(self.environment, **extra.pop("variables", {}))
        extra.setdefault("limit", LIMIT)
        return Stage(name, guarded + list(arguments), environment, self.descriptors, account=self.account, **extra)

    def text(self, name: str, *arguments: str, **extra: Any) -> str:
        """What git printed. Raises stage_failed."""
        return self.said(name, *arguments, **extra)[0]

    def said(self, name: str, *arguments: str, **extra: Any) -> Tuple[str, str]:
        """What git printed on standard output and on standard error."""
        chunks: List[bytes] = []
        reader, size = extra.pop("reader", None), 0

        def keep(chunk: bytes) -> None:
            nonlocal size
            size += len(chunk)
            if size > _MOST:
                raise BackupError("stage_failed", stage=name, status="too much output", detail="more than {0} bytes".format(_MOST))
            chunks.append(chunk)

        outcome = run([self.stage(name, *arguments, **extra)], keep, reader=reader)
        return b"".join(chunks).decode("utf-8", "surrogateescape"), outcome.stages[0].errors

    def repository(self, directory: str, object_format: str, refs: Refs) -> None:
        """A bare repository holding those refs, without any object yet."""
        sha256 = ["--object-format=sha256"] if object_format == "sha256" else []
        self.text("git init", "init", "--quiet", "--bare", "--template=", *sha256, directory)
        write(os.path.join(directory, "packed-refs"),
              "".join("{0} {1}\n".format(oid, name) for name, oid in sorted(refs.oids.items())))
        set_head(directory, refs)


def clone(git: Tool, bundle: str, directory: str, branch: str) -> Refs:
    """Clone a bundle as a mirror, hash and reach every object, and tell its refs. HEAD comes to stand as it was."""
    git.text("git clone", "clone", "--quiet", "--mirror", "--template=", bundle, directory)
    # index-pack, within clone, has hashed every object. Only reachability is asked of fsck: in old histories there are
    # malformed dates and names, which must be copied as they are.
    git.text("git fsck", "--git-dir=" + directory, "fsck", "--connectivity-only", "--no-dangling", "--no-progress")
    listing = git.text("git for-each-ref", "--git-dir=" + directory, "for-each-ref", "--format=%(objectname) %(refname)")
    oids = {name: oid for oid, _space, name in (line.partition(" ") for line in lines(listing))}
    head = oids.get(branch, "")
    if not branch:
        said = git.text("git bundle list-heads", "bundle", "list-heads", bundle, "HEAD")
        head = said.split(" ")[0]
    refs = Refs(branch, head, oids)
    set_head(directory, refs)
    return refs


def set_head(directory: str, refs: Refs) -> None:
    write(os.path.join(directory, "HEAD"), "ref: {0}\n".format(refs.branch) if refs.branch else refs.head + "\n")


def protocol(url: str, password: str) -> str:
    """The transport of a URL. Raises invalid_input for one that is not known or holds or endangers a password."""
    if "\0" in url or "\n" in url:
        raise invalid("source.url", url, "holds a control character", "Write it on one line.")
    if "://" not in url:
        if _SCP_LIKE.match(url):
            return "ssh"
        raise invalid("source.url", url, "is not a URL", "Use ssh://, user@host:path, https:// or file://; path for a directory.")
    split = urllib.parse.urlsplit(url)
    if split.scheme not in ("ssh", "http", "https", "file", "git"):
        raise invalid("source.url", clean_url(url), "has a transport that is not allowed", "Use ssh, https or file.")
    if split.password or (split.hostname or "").startswith("-"):
        raise invalid("source.url", clean_url(url), "holds a password or a host that is none", "Give it in username and password.")
    if password and split.scheme != "https" and not (split.scheme == "http" and split.hostname in ("127.0.0.1", "::1", "localhost")):
        raise invalid("source.url", clean_url(url), "would send the password in clear, or not at all", "Use https.")
    return split.scheme


def proxy(address: str) -> str:
    """The address of a proxy. Raises invalid_input for one with an account: it would stand in the environment of git."""
    if address and not re.fullmatch(r"https?://[^@\s]+", address):
        raise invalid("source.proxy", "(hidden)", "is not the address of a proxy without an account", "Write it like http://proxy.example.org:3128.")
    return address


def clean_url(url: str) -> str:
    """The URL without credentials; a lone ssh account stays, since it is part of the address."""
    match = re.match(r"([A-Za-z][A-Za-z0-9+.-]*://)([^/]*)@(.*)\Z", url, re.DOTALL)
    if not match:
        return url
    account = match.group(2) + "@" if match.group(1) == "ssh://" and ":" not in match.group(2) else ""
    return match.group(1) + account + match.group(3)


def lines(text: str) -> List[str]:
    """Lines as git writes them; str.splitlines would also split at U+2028 and such, which a ref's name may hold."""
    return [line for line in text.split("\n") if line]


def write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        file.write(text)


def invalid(where: str, value: Any, problem: str, mend: str) -> BackupError:
    return BackupError("invalid_input", where=where, value=value, problem=problem, mend=mend)


def reader_of(content: bytes) -> Callable[[int], bytes]:
    """A `reader` of pipeline.run that gives those bytes."""
    chunks = [content] if content else []
    return lambda size: chunks.pop() if chunks else b""
