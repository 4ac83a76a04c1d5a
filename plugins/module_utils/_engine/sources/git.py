# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Source `git`: a repository whole, as a bundle of all refs, with its LFS objects. Numeral 7.2.2.

The refs are read once, by us (git_files). A repository of our own then gets exactly those refs and is lent the objects of the source (git_objects), and
the bundle is made there: a push meanwhile changes nothing, and git is never started in a directory where others may exchange what it opens, or put
configuration, hooks and filters.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import shutil
import stat
import weakref
from typing import Any, Callable, ContextManager, Dict, Iterator, List, Optional, Sequence, Tuple

from ..errors import BackupError
from ..processes import programs
from ..processes.pipeline import Stage
from ..remarks import Remark
from . import git_checks, git_facts, git_lfs, git_restore, git_tool, placing
from .base import Check, Part, PartReader, Source, free_directory, only
from .git_document import parse
from .git_files import Repository
from .git_objects import snapshot_of
from .git_remote import Remote, shallow

_BUNDLE = "Git bundle"


class Git(Source):
    """A git repository of this server (`path`) or of another (`url`). `timeout`: seconds that a silent server is waited for."""

    type = "git"
    OPTIONS = ("path", "url", "identity_file", "ssh_key", "known_hosts", "username", "password", "lfs", "work_dir", "timeout", "ca_certs", "proxy")

    def __init__(self, path: str = "", url: str = "", identity_file: str = "", ssh_key: str = "", known_hosts: str = "",
                 username: str = "", password: str = "", lfs: str = "auto", work_dir: str = "", timeout: int = 60,
                 ca_certs: str = "", proxy: str = "", assigned: Sequence[str] = ()) -> None:
        if path and url:
            raise git_tool.invalid("source", path, "is given together with url", "Give one of the two.")
        if lfs not in ("auto", "require", "skip"):
            raise git_tool.invalid("source.lfs", lfs, "is not known", "Use auto, require or skip.")
        self.path, self.url, self.lfs = path, url, lfs
        self.work_dir, self.timeout, self.assigned = work_dir, timeout, list(assigned)
        self.protocol = git_tool.protocol(url, password) if url else ""
        self.identity_file, self.ssh_key, self.known_hosts = identity_file, ssh_key, programs.lines_of(known_hosts, "source.known_hosts")
        self.username, self.password = username, password
        self.ca_certs, self.proxy = programs.lines_of(ca_certs, "source.ca_certs"), git_tool.proxy(proxy)
        self.noted: List[Remark] = []
        self.found: List[Remark] = []
        self.refs: Optional[git_tool.Refs] = None
        self.document: Dict[str, Any] = {}
        self.remote = Remote(url, self.protocol, timeout, self.assigned)
        self._git: Optional[git_tool.Tool] = None

    def describe(self) -> str:
        return self.path or git_tool.clean_url(self.url)

    def current_digest(self) -> str:
        """The digest the refs have now, without a copy: by `git for-each-ref` or `git ls-remote`."""
        with self._explained():
            return self._refs_now().digest()

    def preflight(self) -> int:
        programs.find("git", "git")
        if not self.path and not self.url:
            raise git_tool.invalid("source", "", "needs path or url, one of them", "Say where the repository is.")
        with self._explained():
            self._refs_now()
        return 0

    def parts(self) -> List[Part]:
        with self._explained():
            return self._parts()

    def check_for(self, row: Dict[str, Any]) -> Check:
        kinds: Dict[str, Callable[[], Check]] = {"refs": lambda: git_checks.RefsCheck(row), "lfs": lambda: git_checks.LfsCheck(row)}
        return kinds.get(row["name"], lambda: git_checks.BundleCheck(row, self._scratch_parent()))()

    def explain(self, error: BackupError) -> BackupError:
        if error.fault.name == "source_too_slow":
            return BackupError("source_too_slow", **dict(error.details, source=self.describe()))
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
        if re.search("corrupt|missing (blob|tree|commit|object)|bad object|unable to read|[Cc]ould not read|broken|inflate|hash mismatch",
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

    def warnings(self) -> List[Remark]:
        return self.noted

    def rehearse(self, reader: PartReader, scratch: str) -> List[str]:
        git = git_tool.Tool(scratch)
        try:
            back = git_restore.Homecoming(reader, git, self.check_for, self.found)
            directory = git.workspace.file("rehearsed")
            back.repository(directory, git.workspace.file("rehearsed.bundle"))
            back.working_tree(directory, filled=False)     # the LFS objects were hashed: git-lfs would only copy them
        finally:
            git.workspace.close()
        return ["git_clone_fsck", "git_refs"] + (["lfs_sha256"] if git_restore.has(reader, "lfs") else [])

    def remarks(self) -> List[Remark]:
        return self.found

    def compare(self, reader: PartReader, scratch: str) -> List[str]:
        """The same refs are the same content, since each object is named by its hash; so is each object that the source still has."""
        if not self.path and not self.url:
            return []
        if self.current_digest() == reader.part("refs")["facts"]["digest"]:
            return ["git_source_refs"]
        text: List[bytes] = []
        reader.stream("refs", (), text.append)
        try:
            refs = parse(b"".join(text))[1]
        except ValueError as error:
            raise BackupError("copy_odd", label=reader.manifest["label"], detail="its list of refs: {0}".format(error)) from error
        with self._explained():
            if self.url:
                now = self._refs_now().oids
                kept = sum(now.get(name) == oid for name, oid in refs.oids.items())
                self.found.append(Remark("git_changed", kept=kept, total=len(refs.oids)))
                return []
            git, repository = self._tool(), self._repository()
            snapshot = git.workspace.file("compared.git")
            lender = snapshot_of(git, snapshot, repository, repository.refs().refs)
            asked = "".join(oid + "\n" for oid in sorted(set(refs.oids.values()) | ({refs.head} - {""})))
            answer = git.text("git cat-file", "--git-dir=" + snapshot, "cat-file", "--batch-check", reader=git_tool.reader_of(asked.encode()))
            lender.close()
        missing = sum(line.endswith(" missing") for line in git_tool.lines(answer))
        self.found.append(Remark("git_lost", count=missing) if missing else Remark("git_all_kept"))
        return [] if missing else ["git_source_objects"]

    def check_target(self, target: str, overwrite: bool, label: str) -> None:
        placing.honest(target, free_directory(target, overwrite, label, self.assigned)[0], self.assigned)

    def restore(self, reader: PartReader, target: str, overwrite: bool) -> Dict[str, Any]:
        label = reader.manifest["label"]
        real, kept = free_directory(target, overwrite, label, self.assigned)
        placing.honest(target, real, self.assigned)
        with placing.beside(os.path.dirname(real)) as place:
            git = git_tool.Tool()
            try:
                back = git_restore.Homecoming(reader, git, self.check_for, self.found)
                self._build(back, place)
                place.put("restored", os.path.basename(real), os.path.basename(kept))
            except FileExistsError as error:
                raise BackupError("target_exists", target=target) from error
            except OSError as error:
                raise BackupError("restore_failed", label=label, target=target, detail=str(error)) from error
            except BackupError as error:
                if error.fault.name not in ("stage_failed", "source_too_slow"):
                    raise
                raise BackupError("restore_failed", label=label, target=target, detail=error.message) from error
            finally:
                git.workspace.close()
        return {"target": real, "objects": len(back.refs.oids), "kept": kept}

    @staticmethod
    def _build(back: git_restore.Homecoming, place: placing.Place) -> None:
        """The repository by root; its working tree by the account that owned it, when it can; then all is the owner's."""
        directory = place.file("restored")
        back.repository(directory, place.file("copy.bundle"))
        owner = git_restore.owner_of(back.document, os.path.dirname(place.workspace.path))
        inherits = place.inherits()
        if owner is None or owner.account is None:
            back.working_tree(directory, owner)
            if owner is not None:
                git_restore.give(directory, owner, inherits)
            return
        git_restore.give(directory, owner, inherits)
        with place.opened_to(owner.account):
            back.working_tree(directory, owner)

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
        status = os.lstat(self.work_dir)
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022:
            raise git_tool.invalid("source.work_dir", self.work_dir, "belongs to another account or others can write to it",
                                   "Give a directory of mode 0700 of the account that makes the copies.")
        return self.work_dir

    def _tool(self) -> git_tool.Tool:
        if self._git is None:
            git = git_tool.Tool(self._scratch_parent(), self.timeout)
            if self.url:
                git.environment["GIT_ALLOW_PROTOCOL"] = self.protocol
                if self.protocol == "ssh":
                    self.remote.ssh(git, self.known_hosts, self.ssh_key, self.identity_file)
                self.remote.web(git, self.ca_certs, self.proxy)
                if self.password:
                    self.remote.askpass(git, self.username, self.password)
            self._git = git
        return self._git

    def _refs_now(self) -> git_tool.Refs:
        return self.remote.refs(self._tool()) if self.url else self._repository().refs().refs

    def _repository(self) -> Repository:
        return Repository(self.path, self.assigned)

    # -- making the parts -------------------------------------------------------------------------------------------

    def _parts(self) -> List[Part]:
        git = self._tool()
        document: Dict[str, Any] = {"schema": 1}
        snapshot = git.workspace.file("snapshot.git")
        if self.url:
            snapshot, self.refs = self.remote.mirror(git, self.work_dir, self.describe(), self._keep)
            document.update(bare=True, uncommitted_files=0, worktrees=[], worktree_heads=[], symrefs={},
                            remotes={"origin": git_tool.clean_url(self.url)}, config=[], owner="", group="")
        else:
            repository = self._repository()
            if repository.shallow():
                raise shallow(self.describe())
            found = repository.refs()
            self.refs = found.refs
            facts, notes = git_facts.of_repository(git, repository, found)
            lender = snapshot_of(git, snapshot, repository, self.refs)
            document.update(facts)
            if lender.passed_over:
                notes.append(Remark("git_odd_objects", repository=self.describe(), count=lender.passed_over))
            self.noted += notes
        refs = self.refs
        sha256 = any(len(oid) == 64 for oid in list(refs.oids.values()) + [refs.head])
        document.update(branch=refs.branch, head=refs.head, shallow=False, object_format="sha256" if sha256 else "sha1")
        if self.path and not document["bare"]:
            document["uncommitted_files"], notes = git_facts.uncommitted(git, snapshot, repository)
            self.noted += notes
        detail = git.text("git for-each-ref", "--git-dir=" + snapshot, "for-each-ref",
                          "--format=%(refname) %(objecttype) %(*objectname)")
        peeled = {line.split(" ")[0]: line.split(" ")[2] for line in git_tool.lines(detail)}
        document["refs"] = [{"name": name, "oid": oid, "peeled": peeled.get(name, "")} for name, oid in sorted(refs.oids.items())]
        document["submodules"] = self._submodules(snapshot, refs)
        document["lfs"], produce = self._lfs(snapshot, None if self.url else repository, refs)
        self.document = document
        self._warn_of_loose_worktrees(snapshot, document["worktree_heads"], refs)
        if "refs/stash" in refs.oids:
            self.noted.append(Remark("git_stash", repository=self.describe()))
        return self._as_parts(snapshot, document, refs, produce)

    def _keep(self, descriptor: int) -> None:
        weakref.finalize(self, os.close, descriptor)

    def _warn_of_loose_worktrees(self, snapshot: str, heads: List[str], refs: git_tool.Refs) -> None:
        if not heads:
            return
        kept = set(refs.oids.values()) | ({refs.head} - {""})
        asked = "".join([oid + "\n" for oid in heads] + ["^" + oid + "\n" for oid in sorted(kept)])
        loose = self._tool().text("git rev-list", "--git-dir=" + snapshot, "rev-list", "--stdin", reader=git_tool.reader_of(asked.encode()))
        if loose:
            self.noted.append(Remark("git_loose", repository=self.describe(), count=len(git_tool.lines(loose))))

    def _as_parts(self, snapshot: str, document: Dict[str, Any], refs: git_tool.Refs, lfs: Callable[[], ContextManager[List[Stage]]]) -> List[Part]:
        git = self._tool()
        listing = git.workspace.file("refs.json")
        git_tool.write(listing, json.dumps(document, indent=1) + "\n")
        facts = {"digest": refs.digest(), "branch": refs.branch, "refs": len(refs.oids)}

        def part(name: str, extension: str, form: str, produce: Callable[[], ContextManager[List[Stage]]], facts: Dict[str, Any], command: str) -> Part:
            row = {"name": name, "file": self.describe() + " " + name, "format": form, "facts": facts}
            return Part(name=name, extension=extension, format=form, produce=produce, restore_command=command,
                        check=lambda: self.check_for(row), facts=facts)

        cat = Stage("cat", [programs.find("cat", "coreutils"), listing])
        # A bundle does not tell which branch HEAD names.
        head = ' && git --git-dir "$TARGET" symbolic-ref HEAD {0}'.format(shlex.quote(refs.branch)) if refs.branch else ""
        empty = "" if refs.oids or refs.head else ' && git init --quiet --bare "$TARGET"' + head
        parts = [part("refs", "json", "list of refs", lambda: only([cat]), facts, 'cat > "$TARGET.refs.json"' + empty)]
        if not empty:
            heads = ["HEAD"] if refs.head else []
            stage = git.stage("git bundle", "--git-dir=" + snapshot, "bundle", "create", "--quiet", "-", "--all", *heads)
            command = 'cat > "$TARGET.bundle" && git clone --mirror "$TARGET.bundle" "$TARGET"' + head
            parts.append(part("", "bundle", _BUNDLE, lambda: only([stage]), facts, command))
        if document["lfs"]["copied"]:
            command = '{ mkdir -p "$TARGET/lfs/objects" && tar --extract --file=- --directory="$TARGET/lfs/objects"; }'
            parts.append(part("lfs", "tar", "tar of Git LFS objects", lfs, {"objects": document["lfs"]["copied"]},
                              command))
        return parts

    def _submodules(self, snapshot: str, refs: git_tool.Refs) -> List[Dict[str, str]]:
        try:
            found = git_facts.submodules(self._tool(), snapshot, refs)
        except BackupError as error:
            if error.fault.name != "source_too_slow":
                raise
            self.noted.append(Remark("git_submodules_unknown", repository=self.describe(), why=error))
            return []
        if found:
            self.noted.append(Remark("git_submodules", repository=self.describe(), count=len({(row["path"], row["url"]) for row in found})))
        return found

    def _lfs(self, snapshot: str, repository: Optional[Repository],
             refs: git_tool.Refs) -> Tuple[Dict[str, Any], Callable[[], ContextManager[List[Stage]]]]:
        """Look for LFS pointers in all the history; list those objects that are here, name those that are missing."""
        if self.lfs == "skip":
            return {"mode": "skip", "copied": 0, "missing": []}, lambda: only([])
        git = self._tool()
        wanted = git_lfs.pointers(git, snapshot, refs, self.describe())
        if wanted and self.url and shutil.which("git-lfs", path=git.environment["PATH"]):
            with contextlib.suppress(BackupError):   # what it did not bring is named as missing below
                address = ["-c", "remote.origin.url=" + self.remote.lfs_address()]
                git.text("git lfs fetch", *address, "--git-dir=" + snapshot, "lfs", "fetch", "--all", "origin", directory=snapshot,
                         limit=git_tool.LIMIT if self.protocol != "file" else git_tool.NOTE_LIMIT * 10)
        store = git_lfs.Store.of(repository) if repository else git_lfs.Store.ours(snapshot)
        weakref.finalize(self, store.close)
        here, missing = store.sort(wanted)
        if missing:
            detail = "{0} of {1} LFS objects are missing: {2}".format(len(missing), len(wanted), ", ".join(missing[:10]))
            if self.lfs == "require":
                raise BackupError("source_incomplete", source=self.describe(), detail=detail)
            self.noted.append(Remark("git_lfs_missing", repository=self.describe(), missing=len(missing), wanted=len(wanted), objects=missing[:10]))
        return {"mode": self.lfs, "copied": len(here), "missing": missing}, lambda: store.archive(here)
