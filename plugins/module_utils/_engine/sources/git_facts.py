# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a copy of a git repository notes beside its refs: settings, worktrees, files not committed, submodules. Found by git in a repository of ours."""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import re
from typing import Any, Dict, List, Mapping, Optional, Tuple

from ..errors import BackupError
from ..filesystem import scope
from ..processes.pipeline import run
from ..remarks import Remark
from . import git_tool
from .git_document import kept
from .git_files import Found, Repository

_MEMORY = 3 << 29            # bytes of address space for `git status`, which reads a whole .gitignore at once
_MODULES = 1 << 20           # bytes of a .gitmodules that is looked at
_MOST_MODULES = 10_000
_SHOWN = 12                  # names that one remark tells
# what `git init`, `clone` and `config user.name` write, and what a repository of ours is given anew
_BY_GIT = re.compile(r"core\.(repositoryformatversion|filemode|bare|logallrefupdates|ignorecase|precomposeunicode|symlinks|worktree)\Z|extensions\."
                     r"|user\.|remote\.|branch\.|submodule\.|lfs\.repositoryformatversion\Z")


def of_repository(git: git_tool.Tool, repository: Repository, found: Found) -> Tuple[Dict[str, Any], List[Remark]]:
    """For the document, and what a person should know."""
    notes: List[Remark] = []
    config: Dict[str, List[str]] = {}
    file = git.workspace.file("source-config")
    with open(file, "wb") as copy:
        copy.write(repository.config())
    listing = git.text("git config", "config", "--file", file, "--no-includes", "--null", "--list")
    for entry in listing.split("\0"):
        key, _newline, value = entry.partition("\n")
        config.setdefault(key, []).append(value)
    if any(key.endswith((".promisor", ".partialclonefilter")) or key == "extensions.partialclone" for key in config):
        notes.append(Remark("git_partial", repository=repository.path))
    if repository.odd:
        notes.append(Remark("git_odd_refs", repository=repository.path, count=len(repository.odd), names=[scope.shown(name) for name in repository.odd[:10]]))
    beside = repository.beside() + _settings(config)
    if beside:
        notes.append(Remark("git_beside", repository=repository.path, what=beside[:_SHOWN] + (["..."] if len(beside) > _SHOWN else [])))
    rows = [[key, git_tool.clean_url(value) if key.endswith("url") else value] for key, values in config.items() for value in values if kept(key, value)]
    others = list(repository.linked_worktrees())
    status = os.fstat(repository.common)
    bare = config.get("core.bare", ["false"])[-1].lower() == "true" and repository.own_path == repository.common_path
    return {"bare": bare, "config": rows, "uncommitted_files": 0, "symrefs": found.symbolic,
            "remotes": {key[7:-4]: value for key, value in rows if key.startswith("remote.") and key.endswith(".url")},
            "worktree_heads": [head.decode() for _path, head in others if not head.startswith(b"ref:") and head.strip(b"0")],
            "worktrees": [os.path.dirname(repository.common_path)] + [path for path, _head in others],
            "owner": _name(pwd.getpwuid, status.st_uid), "group": _name(grp.getgrgid, status.st_gid)}, notes


def _settings(config: Mapping[str, List[str]]) -> List[str]:
    """The settings that are not copied and that somebody made, without the part of their names that can be an address with a password."""
    names = {key.split(".")[0] + "." + key.rpartition(".")[2] for key, values in config.items()
             if "." in key and not any(kept(key, value) for value in values) and not _BY_GIT.match(key)}
    return [scope.shown(name)[:100] for name in sorted(names)]


def uncommitted(git: git_tool.Tool, snapshot: str, repository: Repository) -> Tuple[Optional[int], List[Remark]]:
    """Files changed or new and not committed, by a copy of the index and without the repository's own filters; None when that could not be told.

    It is only a note, but git reads what lies in the working tree for it: so it gets little time and memory.
    """
    workspace = git.workspace
    index, excluded = workspace.file("index"), workspace.file("exclude")
    try:
        content = repository.index()
        if content is not None:
            with open(index, "wb") as file:
                file.write(content)
        with open(excluded, "wb") as file:
            file.write(repository.excluded())
        said = git.text("git status", "-c", "core.excludesFile=" + excluded, "-c", "core.packedGitWindowSize=32m", "-c", "core.packedGitLimit=256m",
                        "-c", "core.bare=false", "--git-dir=" + snapshot, "--work-tree=" + repository.real, "status", "--porcelain",
                        "-z", "--no-renames", "--ignore-submodules=all", "--untracked-files=normal", directory=repository.real,
                        variables={"GIT_INDEX_FILE": index}, limit=git_tool.NOTE_LIMIT, memory=_MEMORY)
    except BackupError as error:
        return None, [Remark("git_uncommitted_unknown", repository=repository.path, why=error)]
    count = len([entry for entry in said.split("\0") if entry and entry[3:] != ".git"])
    return count, [Remark("git_uncommitted", repository=repository.path, count=count)] if count else []


def submodules(git: git_tool.Tool, snapshot: str, refs: git_tool.Refs) -> List[Dict[str, str]]:
    """Every submodule that HEAD or a branch names: path, URL and commit. Their content is not in the copy. Raises source_too_slow."""
    tips = {oid: name for name, oid in sorted(refs.oids.items(), reverse=True) if name.startswith("refs/heads/")}
    if refs.head:
        tips[refs.head] = refs.branch or "HEAD"
    asked = "".join(oid + ":.gitmodules\n" for oid in tips)
    answers = git.text("git cat-file", "--git-dir=" + snapshot, "cat-file", "--batch-check", reader=git_tool.reader_of(asked.encode()))
    found: List[Dict[str, str]] = []
    for (oid, name), line in zip(tips.items(), git_tool.lines(answers)):
        if " blob " not in line:
            continue
        links = _links(git, snapshot, oid)
        settings: Dict[str, str] = {}
        if int(line.rpartition(" ")[2]) <= _MODULES:
            with contextlib.suppress(BackupError):   # a malformed .gitmodules is copied as it is; its URLs stay unknown
                said = git.text("git config", "--git-dir=" + snapshot, "config", "--blob", oid + ":.gitmodules", "--no-includes",
                                "--null", "--list")
                settings = {key: value for key, _newline, value in (entry.partition("\n") for entry in said.split("\0"))}
        urls = {value: git_tool.clean_url(settings.get(key[:-5] + ".url", "")) for key, value in settings.items() if key.endswith(".path")}
        found += [{"ref": name, "path": path, "url": urls.get(path, ""), "commit": commit} for path, commit in links.items()]
        if len(found) > _MOST_MODULES:
            break
    return found[:_MOST_MODULES]


def _links(git: git_tool.Tool, snapshot: str, oid: str) -> Dict[str, str]:
    """Commits by path in a tree, which may be larger than any memory."""
    links: Dict[str, str] = {}
    rest = b""

    def take(chunk: bytes) -> None:
        nonlocal rest
        rows = (rest + chunk).split(b"\0")
        rest = rows.pop()
        for row in rows:
            if row.startswith(b"160000 ") and len(links) < _MOST_MODULES:
                meta, _tab, path = row.partition(b"\t")
                links[path.decode("utf-8", "surrogateescape")] = meta.split(b" ")[2].decode()

    run([git.stage("git ls-tree", "--git-dir=" + snapshot, "ls-tree", "-r", "-z", "--full-tree", oid, limit=git_tool.NOTE_LIMIT * 10)], take)
    return links


def _name(lookup: Any, number: int) -> str:
    try:
        return str(lookup(number)[0])
    except KeyError:
        return str(number)
