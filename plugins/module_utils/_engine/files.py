# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way a copy of a file server is made, read and proved (numerals 6.6, 7.2.3): incremental for ever, by restic.

make: lock ► check ► restic backup ► new files of the repository read back (T2) ► the same on the other media ► manifest ► seal
Publishing, and all that is done with a published copy, is as for any kind: copy.py. The manifest names the snapshot's tree, which is the
root of a Merkle tree over every byte of it, so the sum of SHA256SUMS names them too.

T2 by induction: a copy reads back each file that restic added to the repository, and compares its SHA-256 with its name; what the snapshot
shares with earlier ones was proved by the runs that wrote it. Structure and old data are read again by `SnapshotCopy.verify_structure`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from . import copy, pipeline, programs, repositories, restic, scope, second_key, snapshots
from . import label as labels
from . import manifest as manifests
from .errors import BackupError
from .media.base import SUMS, Deposit, Medium, Slot
from .repositories import Place, Repository
from .restic import Restic
from .sources.restic import Files, FilesReader
from .transforms import encrypt

# Under what custody keeps the password of a repository: custodia:file_server/NAME/repositorio
CUSTODY_NAME = "repositorio"

# How a verification says which part of the data it read: restic_data 7/30
DATA_CHECK = "restic_data "

# The tag of a snapshot that lacks what could not be read; it is no copy.
PARTIAL_TAG = "parcial"
_COUNTS = ("files_new", "files_changed", "files_unmodified", "total_files_processed", "total_bytes_processed", "data_added")
_LISTED = 200         # paths of unread files that the bitácora keeps
_SUSPECTS = 2000      # files changed meanwhile that are looked at one by one
_GRANULE = 0.02       # seconds that a file system's clock may lag behind (a tick of the kernel)
_KEY_EXTENSION = "clave.gpg"


class Order(NamedTuple):
    """What the maker of a copy of a file server needs beside the order of any copy."""

    base: copy.Order
    host: str                    # of the inventory: restic's host
    repository: str              # name of the repository
    public_keys: Tuple[str, ...] = ()    # those who get the second key
    limit_upload: int = 0                # KiB a second; 0 for no limit


def repository_name(of: str, system: str, server: str, office: str) -> str:
    """The name of the repository that a system's copies go to: its own, one for its server, or one for its office."""
    if of == "system":
        return labels.canonical(system)
    named = server if of == "server" else office
    return labels.canonical("{0}-{1}".format({"server": "servidor", "office": "organo"}[of], named), where="source.repository")


def make(order: Order, source: Files, media: Sequence[Medium]) -> copy.Made:
    """Make the copy on the first medium, bring the same snapshot to the others, verify it on each, and seal it. Nothing is published yet.

    When anything fails no copy stays on any medium and the BackupError tells why. copy_partial is one of these.
    """
    started_at, clock, base = copy.now(), time.monotonic(), order.base
    if base.keys is None or not base.keys.password:
        raise BackupError("password_needed", label=base.slot.label, key_reference=base.key_reference or "the repository's name")
    source.preflight()
    with contextlib.ExitStack() as stack:
        opened: List[Repository] = []
        for medium in media:
            copy.check(base, medium)
            stack.enter_context(medium.lock(base.slot, base.lock_timeout))
            place = repositories.on(medium, order.repository)
            stack.enter_context(medium.lock(place.slot, base.lock_timeout))
            opened.append(Repository(place, base.keys.password, base.lock_timeout))
            stack.enter_context(opened[-1].restic)
        deposits: List[Deposit] = []
        made: List[Tuple[Repository, str]] = []
        try:
            for medium in media:
                deposits.append(medium.deposit(base.slot))
            _prepare(base.slot, opened)
            key = second_key.have(base.slot, opened, order.public_keys)
            summary, warnings = _backup(order, source, opened[0], started_at, made)
            snapshots = _bring(base.slot, opened, summary["snapshot"], made)
            if summary["total_bytes_processed"] < base.minimum_size:
                raise BackupError("copy_too_small", source=source.describe(), minimum=base.minimum_size, size=summary["total_bytes_processed"])
            manifest = _manifest(order, source, opened, snapshots, summary, key, started_at)
            manifest["warnings"] = warnings
            files = [manifests.file_of_bytes(row["file"], key.sealed) for row in manifest["parts"]]
            text = manifests.dump(manifest)
            files.append(manifests.file_of_bytes(manifests.file_name(base.slot.label), text))
            listing = manifests.sums(files)
            for deposit in deposits:
                for row in manifest["parts"]:
                    copy.write_small(deposit, row["file"], key.sealed)
                copy.write_small(deposit, manifests.file_name(base.slot.label), text)
                copy.write_small(deposit, SUMS, listing)
            notes = {medium.name: note for medium, note in ((medium, deposit.seal()) for medium, deposit in zip(media, deposits)) if note}
        except BaseException:
            for deposit in deposits:
                deposit.discard()
            for repository, snapshot in made:
                with contextlib.suppress(BackupError):  # the next run forgets it, and proves its files before it calls anything a copy
                    repository.undo(snapshot)
            raise
    digest = hashlib.sha256(listing).hexdigest()
    fields = dict(
        source_type=source.type, source=source.describe(), started_at=started_at, ended_at=manifest["ended_at"],
        duration_ms=int((time.monotonic() - clock) * 1000),
        medium=", ".join(medium.name for medium in media), location=", ".join(medium.location(base.slot) for medium in media),
        parts=[{"name": file.name, "size": file.size, "sha256": file.sha256} for file in files],
        size=sum(file.size for file in files) + len(listing) + opened[0].added, size_original=summary["total_bytes_processed"],
        compression="zstd", encrypted=True, key_reference=base.key_reference or None, recipients=list(key.recipients), trust_level="T2",
        checks=manifest["checks"], sha256=digest, content_digest=snapshots[0]["tree"], objects=summary["total_files_processed"],
        files_new=summary["files_new"], files_changed=summary["files_changed"], files_unmodified=summary["files_unmodified"],
        data_added=summary["data_added"], repository=order.repository, warnings=warnings)
    return copy.Made(digest, fields, manifest, notes)


# -- the repository --------------------------------------------------------------------------------------------------
def _prepare(slot: Slot, opened: Sequence[Repository]) -> None:
    """Have a repository on each medium. One that is missing where copies lie that need it is a loss, not a beginning."""
    for repository in opened:
        medium = repository.place.shelf
        if repository.look():
            repository.unlock()
            repository.reassure()
            continue
        if medium.labels(slot.kind, slot.system) and _needs(medium, slot, repository.place.name):
            raise BackupError("repository_missing", location=repository.place.location, system=slot.system)
        repository.begin(None if repository is opened[0] else opened[0].restic)
        repository.prove()


def _needs(medium: Medium, slot: Slot, name: str) -> bool:
    last = copy.newest(medium, slot)
    return last is None or last["restic"]["repository"] == name


# -- the copy --------------------------------------------------------------------------------------------------------
def _backup(order: Order, source: Files, repository: Repository, started_at: str, made: List[Tuple[Repository, str]]) -> Tuple[Dict[str, Any], List[str]]:
    """Run restic backup and prove what it wrote. Gives its summary, and what a person should know."""
    base, told = order.base, {}
    listed = programs.Secret("\0".join(source.real) + "\0")
    arguments = ["backup", "--json", "--quiet", "--host", order.host, "--tag", base.slot.label, "--time", _local(started_at), "--files-from-raw", listed.path]
    for pattern in source.options.exclude:
        arguments += ["--exclude", pattern]
    for point in source.mounted:
        arguments += ["--exclude", restic.literal(point)]
    arguments += ["--exclude-caches"] if source.options.exclude_caches else []
    arguments += ["--one-file-system"] if source.options.one_file_system else []
    arguments += ["--limit-upload", str(order.limit_upload)] if order.limit_upload else []

    def line(text: bytes) -> None:
        found = json.loads(text)
        if found.get("message_type") == "summary":
            told.update(found)

    try:
        with snapshots.taken(source.options.snapshot, source.real, base.slot.label, source.options.one_file_system) as taken:
            source.frozen = taken.kinds
            living = [path for path in source.real if path not in taken.frozen]
            began = time.time() - _GRANULE
            ended = repository.restic.call(arguments, line, accepted=(0, restic.PARTIAL), secrets=(listed,), concurrency=source.options.read_concurrency,
                                           through=taken.through)
    finally:
        listed.close()
    with ThreadPoolExecutor(2) as pool:
        proving = pool.submit(repository.prove)
        changing = pool.submit(_changed_since, living, began)
        snapshot = _made(repository, base.slot.label, told.get("snapshot_id"))
        made.append((repository, snapshot["id"]))
        proving.result()
        suspects, many = changing.result()
    repository.forget(_superfluous(snapshot.pop("others"), base.slot, repository.place.shelf, ""))
    if sorted(snapshot["paths"]) != sorted(source.real):
        raise BackupError("source_missing", source=", ".join(sorted(set(source.real) - set(snapshot["paths"]))) or source.describe())
    if source.resolved() != source.real:
        raise BackupError("source_changed", source=source.describe(), detail="a path leads elsewhere than when the copy began")
    unread, gone = _judge_problems(ended.problems, living)
    unread_count = len(unread) + max(0, ended.problem_count - len(ended.problems))
    if unread_count or (ended.status == restic.PARTIAL and not ended.problem_count):
        repository.restic.call(["tag", "--quiet", "--add", PARTIAL_TAG, snapshot["id"]])
        made.clear()
        raise BackupError("copy_partial", source=source.describe(), count=unread_count or "part", detail=scope.some(unread) or "restic did not name it",
                          unread=unread[:_LISTED], unread_count=unread_count, repository=order.repository)
    if told["files_new"] + told["files_changed"] + told["files_unmodified"] != told["total_files_processed"]:
        raise BackupError("structure_unreadable", file=base.slot.label, format="restic's summary", detail="its counts don't add up: {0}".format(told))
    warnings = list(taken.remarks)
    warnings += ["{0} were deleted while the copy was made: {1}".format(len(gone), scope.some(gone))] if gone else []
    warnings += ["Not copied, since it is mounted there and not assigned: {0}".format(scope.shown(point)) for point in source.mounted]
    warnings += _changed_while_read(repository, snapshot["id"], suspects, many, source)
    return dict(told, snapshot=snapshot), warnings


def _local(at: str) -> str:
    """A time as `restic backup --time` reads it; restic runs in UTC."""
    return at.replace("T", " ").rstrip("Z")


def _made(repository: Repository, label: str, short: Optional[str]) -> Dict[str, Any]:
    """The snapshot of this run as it lies in the repository."""
    snapshots = repository.snapshots()
    mine = [row for row in snapshots if label in (row.get("tags") or ()) and short and row["id"].startswith(short)]
    if len(mine) != 1:
        raise BackupError("structure_unreadable", file=repository.place.location, format="restic repository",
                          detail="{0} snapshots {1} have the tag {2}".format(len(mine), short, label))
    return dict(mine[0], others=[row for row in snapshots if row is not mine[0]])


def _judge_problems(paths: Sequence[str], living: Sequence[str]) -> Tuple[List[str], List[str]]:
    """Those that could not be read although they are there, and those that were deleted before restic came to them: of the folders that were not frozen."""
    unread: List[str] = []
    gone: List[str] = []
    for path in paths:
        if not any(path == folder or path.startswith(folder.rstrip("/") + "/") for folder in living):
            unread.append(path)
            continue
        try:
            os.lstat(path)
        except FileNotFoundError:
            # a name that is not UTF-8 comes mangled: it may well be there
            (unread if "\ufffd" in path else gone).append(path)
        except OSError:
            unread.append(path)
        else:
            unread.append(path)
    return unread, gone


def _changed_since(paths: Sequence[str], began: float) -> Tuple[List[str], int]:
    """The regular files whose inode changed since the copy began, the first of them, and how many. By find: a million take seconds."""
    found: List[str] = []
    count = 0
    if not paths:
        return found, count      # a snapshot does not change
    argv = [programs.find("find", "findutils"), *paths, "-type", "f", "-newerct", "@{0:.3f}".format(began), "-print0"]
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=programs.environment()) as process:
        rest = b""
        while process.stdout:
            chunk = os.read(process.stdout.fileno(), 1 << 16)
            if not chunk:
                break
            *names, rest = (rest + chunk).split(b"\0")
            count += len(names)
            found += [os.fsdecode(name) for name in names[:max(0, _SUSPECTS - len(found))]]
    return found, count


def _changed_while_read(repository: Repository, snapshot: str, suspects: Sequence[str], many: int, source: Files) -> List[str]:
    """What is to be told of files that changed after restic opened them: their bytes may be of two moments.

    restic records the ctime it saw when it opened a file; one that is another now tells. Raises source_changed when the task wants that.
    """
    if not suspects:
        return []
    asked = set(suspects)
    recorded: Dict[str, str] = {}

    def visit(node: Mapping[str, Any]) -> None:
        if node["path"] in asked:
            recorded[node["path"]] = node["ctime"]

    repository.restic.nodes(snapshot, visit, sorted({os.path.dirname(path) for path in suspects}))
    torn: List[str] = []
    for path in suspects:
        try:
            now = os.lstat(path).st_ctime_ns
        except OSError:
            continue
        if path in recorded and restic.nanoseconds(recorded[path]) != now:
            torn.append(path)
    if not torn:
        return []
    count = len(torn) + max(0, many - len(suspects))
    detail = "{0} changed while or after they were read: {1}".format(count, scope.some(torn))
    if source.options.changed_files == "fail":
        raise BackupError("source_changed", source=source.describe(), detail=detail)
    return [detail]


def _bring(slot: Slot, opened: Sequence[Repository], original: Mapping[str, Any], made: List[Tuple[Repository, str]]) -> List[Mapping[str, Any]]:
    """The same snapshot in the repositories of the other media, each proved there. Gives the snapshots, in the order of the media."""
    first = opened[0]
    found: List[Mapping[str, Any]] = [original]
    for other in opened[1:]:
        there = copied(first, other, slot.label, original)
        made.append((other, there["id"]))
        other.prove()
        other.forget(_superfluous(there.pop("others"), slot, other.place.shelf, ""))
        found.append(there)
    return found


def copied(first: Repository, other: Repository, label: str, original: Mapping[str, Any]) -> Dict[str, Any]:
    """Bring a snapshot to another repository. Gives it as it is there; its tree is the same, so is every byte it names."""
    other.restic.call(["copy", "--quiet", original["id"]], origin=first.restic)
    snapshots = other.snapshots()
    there = [row for row in snapshots if row["tree"] == original["tree"] and label in (row.get("tags") or ())]
    if not there:
        raise BackupError("structure_unreadable", file=other.place.location, format="restic repository", detail="the snapshot did not arrive")
    return dict(there[0], others=[row for row in snapshots if row is not there[0]])


def _manifest(order: Order, source: Files, opened: Sequence[Repository], snapshots: Sequence[Mapping[str, Any]], summary: Mapping[str, Any],
              key: second_key.SecondKey, started_at: str) -> Dict[str, Any]:
    label, tree = order.base.slot.label, snapshots[0]["tree"]
    rows = [{"name": "clave", "file": "{0}.{1}".format(label, _KEY_EXTENSION), "format": "OpenPGP message", "size": len(key.sealed),
             "size_original": len(key.sealed), "sha256": hashlib.sha256(key.sealed).hexdigest(), "objects": None, "facts": {},
             "restore_command": "gpg --decrypt > clave"}] if key.sealed else []
    return {
        "schema": manifests.SCHEMA, "label": label, "printed_label": order.base.printed_label, "kind": order.base.slot.kind, "system": order.base.slot.system,
        "server": socket.getfqdn(),
        "source": {"type": source.type, "description": source.describe(), "facts": source.facts()},
        "started_at": started_at, "ended_at": copy.now(), "compression": "none", "encrypted": True,
        "encryption": "restic: AES-256-CTR with Poly1305-AES", "key_reference": order.base.key_reference, "recipients": list(key.recipients),
        "trust_level": "T2", "checks": ["exit_statuses", "repository_files_readback", "snapshot_readback", "counts"],
        "restic": {
            "repository": order.repository, "tree": tree, "host": order.host, "tag": label, "paths": source.real,
            "media": {repository.place.medium.name: {"location": repository.place.location, "snapshot": row["id"]}
                      for repository, row in zip(opened, snapshots)},
            "second_key": dict(key.ids),
            **{name: summary[name] for name in _COUNTS},
            "version": ".".join(map(str, restic.version())),
        },
        "parts": rows,
        "restore": _commands(opened, snapshots, label, bool(rows)),
    }


def _commands(opened: Sequence[Repository], snapshots: Sequence[Mapping[str, Any]], label: str, sealed: bool) -> List[str]:
    """Shell lines that restore the copy with restic alone; it asks for the password, or takes it from the file `clave`."""
    lines = ["sha256sum --check SHA256SUMS"]
    if sealed:
        lines.append("gpg --decrypt '{0}.{1}' > clave   # the second key; then: export RESTIC_PASSWORD_FILE=$PWD/clave".format(label, _KEY_EXTENSION))
    for repository, row in zip(opened, snapshots):
        url = "../../.restic.{0}/{1}".format(repository.place.name, repositories.DIRECTORY)
        lines.append("restic --repo {0} restore {1} --target \"$TARGET\" --verify   # {2}".format(url, row["id"], repository.place.medium.name))
    return lines


# -- a published copy ------------------------------------------------------------------------------------------------
class SnapshotCopy(copy.Copy, FilesReader):
    """A published copy of a file server, opened for verification or restore; use as a context manager."""

    def __enter__(self) -> "SnapshotCopy":
        super().__enter__()
        return self

    snapshot = ""
    subsets: Sequence[str] = ()      # n/t: the n-th of t parts of the data, chosen by the names of its files

    def unlock(self) -> None:
        """Open the repository and find the snapshot. Raises password_needed; bytes_differ when one of the two is missing."""
        if self.snapshot:
            return
        password = self._password()
        if not password:
            raise BackupError("password_needed", label=self.slot.label, key_reference=self.manifest.get("key_reference") or "its repository")
        told = self.manifest["restic"]
        self.repository = Repository(repositories.on(self.medium, told["repository"]), password)
        self.stack.enter_context(self.repository.restic)
        if not self.repository.look():
            raise BackupError("bytes_differ", file=self.repository.place.location, detail="the repository is missing")
        self.repository.unlock()
        found = [row for row in self.repository.snapshots()
                 if row["tree"] == told["tree"] and self.slot.label in (row.get("tags") or ()) and PARTIAL_TAG not in (row.get("tags") or ())]
        if not found:
            raise BackupError("bytes_differ", file=self.repository.place.location, detail="the snapshot of {0} is missing".format(self.slot.label))
        self._row = found[0]
        self.snapshot = found[0]["id"]

    def row(self) -> Mapping[str, Any]:
        """What restic tells of the snapshot."""
        self.unlock()
        return self._row

    def _password(self) -> str:
        """The institution's password, or the second one, which the private key of one of its holders opens."""
        if self.keys is None or self.keys.password or not self.keys.private_keys:
            return self.keys.password if self.keys else ""
        if not self.manifest["parts"]:
            raise BackupError("password_needed", label=self.slot.label, key_reference=self.manifest.get("key_reference") or "its repository")
        row = self.manifest["parts"][0]
        chunks: List[bytes] = []
        reading = self.medium.read(self.slot, row["file"])
        with programs.private_directory(programs.memory()) as home, encrypt.Gpg(self.keys, home) as gpg:
            try:
                pipeline.run([gpg.decryptor()], chunks.append, reader=reading.read, meter_after=-1)
            except BackupError as error:
                raise BackupError("password_wrong", file=row["file"]) from error
            finally:
                reading.close()
        return b"".join(chunks).decode().strip()

    def restic(self) -> Restic:
        self.unlock()
        return self.repository.restic

    def nodes(self, visit: Callable[[Dict[str, Any]], Any], paths: Sequence[str] = ()) -> None:
        self.restic().nodes(self.snapshot, visit, paths, below=bool(paths))

    def verify_bytes(self) -> None:
        """T1: the files of the copy have their bytes, and so has the snapshot in the repository, which by its tree names all others.

        Without a password only the file of the snapshot is compared with its name.
        """
        super().verify_bytes()
        if self.keys is not None and (self.keys.password or self.keys.private_keys):
            self.unlock()
        else:
            place = repositories.on(self.medium, self.manifest["restic"]["repository"])
            self.stands(place)
            place.prove("snapshots/" + row["snapshot"] for name, row in self.manifest["restic"]["media"].items() if name == self.medium.name)

    def stands(self, place: Place, listings: Optional[Dict[str, Dict[str, int]]] = None) -> None:
        """Whether the snapshot is there, as far as can be told without a password: one that was carried here has another name, which the manifest lacks."""
        told = self.manifest["restic"]["media"].get(self.medium.name)
        listings = {} if listings is None else listings
        if place.name not in listings:
            listings[place.name] = place.files()
        files = listings[place.name]
        if "config" not in files or (told and not repositories.stands(files, told["snapshot"])):
            raise BackupError("bytes_differ", file=place.location, detail="the snapshot of {0} is missing".format(self.slot.label))

    def verify_structure(self, source: Any) -> List[str]:
        """T2: restic's own check finds the whole repository in order, with its `subsets` of the data read, and the snapshot lists what was counted."""
        self.verify_bytes()
        program = self.restic()
        self.repository.unlock()
        try:
            for subset in self.subsets or ("",):
                program.call(["check", "--quiet"] + (["--read-data-subset=" + subset] if subset else []))
        except BackupError as error:
            if error.fault.name not in ("repository_damaged", "stage_failed"):
                raise
            self.repository.place.doubt(_packs(error.details["detail"]))
            raise BackupError("structure_unreadable", file=self.repository.place.location, format="restic repository",
                              detail=error.details["detail"]) from error
        count = 0

        def visit(node: Mapping[str, Any]) -> None:
            nonlocal count
            count += node["type"] == "file"

        self.nodes(visit)
        expected = self.manifest["restic"]["total_files_processed"]
        if count != expected:
            raise BackupError("structure_unreadable", file=self.slot.label, format="restic snapshot",
                              detail="it lists {0} files, {1} were copied".format(count, expected))
        return ["sha256_readback", "restic_check", "restic_list", *(DATA_CHECK + subset for subset in self.subsets)]


class PartialCopy(SnapshotCopy):
    """What a partial run could read, opened on purpose: it has no copy, only a snapshot under its label and the tag `parcial`."""

    def __init__(self, slot: Slot, medium: Medium, keys: encrypt.Keys, name: str) -> None:
        super().__init__(slot, medium, keys)
        self.name = name      # of the repository

    def __enter__(self) -> "PartialCopy":
        if self.keys is None or not self.keys.password:
            raise BackupError("password_needed", label=self.slot.label, key_reference="its repository")
        self.repository = Repository(repositories.on(self.medium, self.name), self.keys.password)
        try:
            self.stack.enter_context(self.repository.restic)
            if self.repository.look():
                self.repository.unlock()
            found = [row for row in self.repository.snapshots() if {self.slot.label, PARTIAL_TAG} <= set(row.get("tags") or ())]
            if not found:
                raise BackupError("copy_missing", label="{0} ({1})".format(self.slot.label, PARTIAL_TAG), location=self.repository.place.location)
        except BaseException:
            self.stack.close()
            raise
        self._row, self.snapshot = found[0], found[0]["id"]
        self.manifest = {
            "label": self.slot.label, "kind": self.slot.kind, "system": self.slot.system, "encrypted": True, "compression": "none", "parts": [],
            "started_at": found[0]["time"][:19] + "Z",
            "source": {"type": Files.type, "description": ", ".join(found[0]["paths"]), "facts": {"real_paths": found[0]["paths"]}},
            "restic": {"repository": self.name, "tree": found[0]["tree"], "media": {self.medium.name: {"snapshot": self.snapshot}}}}
        return self

    def verify_bytes(self) -> None:
        """There is no manifest to compare with; restic compares every file that comes back with its own hashes."""


def carry(slot: Slot, source: Medium, target: Medium, keys: encrypt.Keys, expected: str, lock_timeout: int = 0) -> Tuple[copy.Copy, str]:
    """Bring a published copy to another medium: its snapshot by restic, proved there, then its files as of any copy, sealed. Gives the copy and the note.

    The repository there opens with the institution's password and with the second key.
    """
    with SnapshotCopy(slot, source, keys, expected) as opened:
        place = repositories.on(target, opened.manifest["restic"]["repository"])
        target.check(slot, opened.size)
        with target.lock(slot, lock_timeout), target.lock(place.slot, lock_timeout):
            original = opened.row()
            other = Repository(place, opened.repository.password, lock_timeout)
            with other.restic:
                if other.look():
                    other.unlock()
                else:
                    other.begin(opened.restic())
                there = copied(opened.repository, other, slot.label, original)
                try:
                    other.prove()
                    if opened.manifest["parts"]:
                        second_key.hand_over(opened.manifest["recipients"], opened.repository, other)
                    return opened, copy.bring(opened, target)
                except BaseException:
                    with contextlib.suppress(BackupError):  # the next run forgets it
                        other.undo(there["id"])
                    raise


def _packs(said: str) -> List[str]:
    """The data files that restic's words name; all of them count as doubtful when it names none."""
    return ["data/{0}/{1}".format(name[:2], name) for name in re.findall(r"\b[0-9a-f]{64}\b", said)]


def prune(slot: Slot, medium: Medium, manifest: Mapping[str, Any], password: str, lock_timeout: int = 0) -> None:
    """Forget the snapshots of copies that lost their names, and of dead runs, and give their space back. The system's lock must be held."""
    place = repositories.on(medium, manifest["restic"]["repository"])
    with medium.lock(place.slot, lock_timeout):
        repository = Repository(place, password, lock_timeout)
        with repository.restic:
            if not repository.look():
                raise BackupError("repository_missing", location=place.location, system=slot.system)
            repository.unlock()
            place.sweep()
            repository.forget(_superfluous(repository.snapshots(), slot, medium, max(medium.labels(slot.kind, slot.system))))
            repository.restic.call(["prune", "--quiet"])
            repository.prove()
            place.settle(repository.before)


def _superfluous(snapshots: Sequence[Mapping[str, Any]], slot: Slot, medium: Medium, partial_before: str) -> List[str]:
    """The snapshots of a system that no copy names: of copies that were removed, of runs that died, and partial ones of labels before the one given."""
    standing = set(medium.labels(slot.kind, slot.system))
    found = {}
    for row in snapshots:
        tags = row.get("tags") or ()
        for tag in tags:
            if _of(tag, slot.system) and tag not in standing and (PARTIAL_TAG not in tags or tag < partial_before):
                found[row["id"]] = tag
    if not found:
        return []
    waiting = {row.name for row in medium.survey() if row.kind == slot.kind and row.system == slot.system}
    return [snapshot for snapshot, tag in found.items() if ".{0}.sealed".format(tag) not in waiting]


def _of(tag: str, system: str) -> bool:
    with contextlib.suppress(BackupError):
        return labels.parse(tag).system == system
    return False
