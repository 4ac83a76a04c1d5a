# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of `restic backup`, and what is to be told of it: what could not be read, what changed meanwhile, what went."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

from ...errors import BackupError
from ...filesystem import scope
from ...processes import programs
from ...remarks import Remark
from ...restic import names, restic
from ...restic.repositories import Repository
from ...sources import snapshots
from ...sources.restic import Files
from ..orders import Order
from .pruning import forget_superfluous

_LISTED = 200         # paths of unread files that the bitácora keeps
_UNDECODED = re.compile("[\ud800-\udfff]")      # a byte of a name that is no UTF-8, as Python keeps it
_SUSPECTS = 2000      # files changed meanwhile that are looked at one by one
_FEW, _SHARE = 20, 10  # as many may be deleted meanwhile, or that part of all
_WORDS = 1500         # characters of what restic says that are kept
_RAW_LINKS = (0, 16, 0)      # the first version that keeps the target of a link which is no UTF-8
_GRANULE = 0.02       # seconds that a file system's clock may lag behind (a tick of the kernel)


class FilesOrder(NamedTuple):
    """What the maker of a copy of a file server needs beside the order of any copy."""

    base: Order
    host: str                    # of the inventory: restic's host
    repository: str              # name of the repository
    public_keys: Tuple[str, ...] = ()    # those who get the second key
    limit_upload: int = 0                # KiB a second; 0 for no limit


def back_up(order: FilesOrder, source: Files, repository: Repository, started_at: str,
            made: List[Tuple[Repository, str]]) -> Tuple[Dict[str, Any], List[Remark]]:
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
            mounted, devices = _mounted_in(living), _devices(living)
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
        suspects, many, links = changing.result()
    forget_superfluous(repository, snapshot.pop("others"), base.slot)
    if sorted(snapshot["paths"]) != sorted(source.real):
        raise BackupError("source_missing", source=", ".join(sorted(set(source.real) - set(snapshot["paths"]))) or source.describe())
    if source.resolved() != source.real:
        raise BackupError("source_changed", source=source.describe(), detail="a path leads elsewhere than when the copy began")
    # a disk that was unmounted meanwhile leaves its mount point, which is there and empty
    left = sorted(mounted - _mounted_in(living) - set(source.mounted))
    if left:
        raise BackupError("source_changed", source=source.describe(), detail="what was mounted there is gone: {0}".format(scope.some(left)))
    if _devices(living) != devices:
        raise BackupError("source_changed", source=source.describe(), detail="what is mounted there is another than when the copy began")
    unread, gone = _judge_problems(ended.problems, living)
    if len(gone) > _FEW and len(gone) * _SHARE > told["total_files_processed"]:
        raise BackupError("source_changed", source=source.describe(), detail="{0} files and folders vanished while {1} files were copied: {2}".format(
            len(gone), told["total_files_processed"], scope.some(gone)))
    unread_count = len(unread) + max(0, ended.problem_count - len(ended.problems))
    if unread_count or (ended.status == restic.PARTIAL and not ended.problem_count):
        repository.mark(snapshot["id"], names.PARTIAL_TAG)
        made.clear()
        raise BackupError("copy_partial", source=source.describe(), count=unread_count or "part", detail=scope.some(unread) or "restic did not name it",
                          unread=unread[:_LISTED], unread_count=unread_count, repository=order.repository)
    if told["files_new"] + told["files_changed"] + told["files_unmodified"] != told["total_files_processed"]:
        raise BackupError("structure_unreadable", file=base.slot.label, format="restic's summary", detail="its counts don't add up: {0}".format(told))
    warnings = list(taken.remarks)
    warnings += [Remark("deleted_meanwhile", count=len(gone), paths=scope.some(gone))] if gone else []
    warnings += [Remark("not_assigned", path=scope.shown(point)) for point in source.mounted]
    warnings += [Remark("restic_said", detail=scope.shown(ended.errors[-_WORDS:]))] if ended.errors and ended.status == 0 else []
    warnings += _altered(links, restic.version())
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
            there = _stands(path)
        except OSError:
            there = True
        (unread if there else gone).append(path)
    return unread, gone


def _mounted_in(living: Sequence[str]) -> Set[str]:
    """What is mounted at these folders, below them or on the way to them."""
    return {point for point in scope.mount_points() if any(scope.lies_in(point, [folder], ()) or scope.lies_in(folder, [point], ()) for folder in living)}


def _devices(living: Sequence[str]) -> List[int]:
    """The file systems of these folders: their inodes are no witness, since some file systems number them anew."""
    return [os.lstat(path).st_dev for path in living]


def _stands(path: str) -> bool:
    """Whether something stands at a path as restic tells it, in which a byte that is no UTF-8 is U+FFFD. Raises OSError when that can't be told."""
    if "\ufffd" not in path:
        return _is_there(path)
    found = ["/"]
    for part in path.strip("/").split("/"):
        inner: List[str] = []
        for directory in found:
            try:
                inner += [os.path.join(directory, name) for name in os.listdir(directory) if told_as(name) == part]
            except (FileNotFoundError, NotADirectoryError):
                continue
        found = inner
    return bool(found)


def _is_there(path: str) -> bool:
    try:
        os.lstat(path)
    except FileNotFoundError:
        return False
    return True


def told_as(path: str) -> str:
    """A path as restic prints it in JSON: each byte that is no UTF-8 is U+FFFD."""
    return _UNDECODED.sub("\ufffd", path)


def _altered(links: Sequence[str], version: Tuple[int, int, int]) -> List[Remark]:
    """What is to be told of links whose targets this restic does not keep."""
    if not links or version >= _RAW_LINKS:
        return []
    return [Remark("links_altered", count=len(links), paths=scope.some([scope.shown(link) for link in links]))]


def _changed_since(paths: Sequence[str], began: float) -> Tuple[List[str], int, List[str]]:
    """The regular files whose inode changed since the copy began, the first of them, and how many; and the links whose targets are not UTF-8.

    By find: a million take seconds.
    """
    found: List[str] = []
    links: List[str] = []
    count = 0
    if not paths:
        return found, count, links      # a snapshot does not change
    argv = [programs.find("find", "findutils"), *paths, "-type", "f", "-newerct", "@{0:.3f}".format(began), "-printf", "f%p\\0",
            "-o", "-type", "l", "-printf", "l%p\\0t%l\\0"]
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=programs.environment()) as process:
        rest = b""
        while process.stdout:
            chunk = os.read(process.stdout.fileno(), 1 << 16)
            if not chunk:
                break
            *rows, rest = (rest + chunk).split(b"\0")
            for row in rows:
                sort, name = row[:1], os.fsdecode(row[1:])
                if sort == b"f":
                    count += 1
                    found += [name] if len(found) < _SUSPECTS else []
                elif sort == b"l":
                    link = name
                elif told_as(name) != name and len(links) < _SUSPECTS:
                    links.append(link)
    return found, count, links


def _changed_while_read(repository: Repository, snapshot: str, suspects: Sequence[str], many: int, source: Files) -> List[Remark]:
    """What is to be told of files that changed after restic opened them: their bytes may be of two moments.

    restic records the ctime it saw when it opened a file; one that is another now tells. Raises source_changed when the task wants that.
    """
    if not suspects:
        return []
    # two names may look the same as restic tells them: any of the times it tells counts then
    asked = {told_as(path) for path in suspects}
    recorded: Dict[str, Set[int]] = {}

    def visit(node: Mapping[str, Any]) -> None:
        if node["path"] in asked:
            recorded.setdefault(node["path"], set()).add(restic.nanoseconds(node["ctime"]))

    repository.restic.nodes(snapshot, visit, sorted({os.path.dirname(path) for path in suspects}))
    torn: List[str] = []
    for path in suspects:
        try:
            now = os.lstat(path).st_ctime_ns
        except OSError:
            continue
        if now not in recorded.get(told_as(path), {now}):
            torn.append(path)
    if not torn:
        return []
    count = len(torn) + max(0, many - len(suspects))
    told = Remark("changed_meanwhile", count=count, paths=scope.some(torn))
    if source.options.changed_files == "fail":
        raise BackupError("source_changed", source=source.describe(), detail=told)
    return [told]
