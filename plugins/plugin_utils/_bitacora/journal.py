# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal: where entries wait, as JSON lines on a local disk, while the bitácora can't be written.

One file per run, `RUN.jsonl`, mode 0600, synced line by line. The next run that reaches the store takes them in; each line bears
its writer's own number, so that taking a line twice changes nothing.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from .._places import expanded, is_thrown_away


def fallback_directory() -> Path:
    """A place that outlives a restart, for when the journal's own directory can't be written either."""
    return Path("/var/tmp/respaldo-journal-{0}".format(os.geteuid()))


def directories(chosen: str | Path) -> list[Path]:
    """Where a journal may lie, the chosen directory first. What a container takes along is no place: there entries wait in the run's own memory."""
    return [each for each in (expanded(chosen), fallback_directory()) if not is_thrown_away(each)]


def why_not(directory: Path) -> str:
    """Why a directory that is there can't hold a journal of this account; "" when it can, or can be made."""
    return "" if not os.path.lexists(directory) or _is_ours(directory) else "{0} belongs to, or can be written by, somebody else".format(directory)


def _is_ours(directory: Path) -> bool:
    """Whether nobody else can put a journal there: a forged line would become an entry."""
    try:
        found = os.lstat(directory)
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o022


def _locked(path: Path, flags: int) -> int:
    """A descriptor of the file, locked against the other side; never one that was taken away meanwhile. Raises OSError."""
    while True:
        descriptor = os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.fstat(descriptor).st_nlink:
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def write(where: Sequence[Path], store_url: str, emitter: str, items: Sequence[dict[str, Any]]) -> Path:
    """Keep entries until the store can be written. Returns the file they are in.

    Raises OSError when no directory of `where` can hold them.
    """
    text = "".join(json.dumps({"store": store_url, "emitter": emitter, **item}, ensure_ascii=True) + "\n" for item in items).encode("ascii")
    last: OSError = OSError("there is no directory for the journal")
    for directory in where:
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not _is_ours(directory):
                raise PermissionError("{0} belongs to, or can be written by, somebody else".format(directory))
            path = directory / (emitter + ".jsonl")
            descriptor = _locked(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        except OSError as error:
            last = error
            continue
        length = os.fstat(descriptor).st_size
        try:
            written = os.write(descriptor, text)
            if written != len(text):
                raise OSError("the disk of {0} is full".format(directory))
            os.fsync(descriptor)
            return path
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, length)
            last = error
        finally:
            os.close(descriptor)
    raise last


def waiting(where: Sequence[Path], *store_urls: str) -> list[Path]:
    """The files that hold entries for a store, by any address it has or had."""
    found = []
    for directory in where:
        if _is_ours(directory):
            found += [path for path in sorted(directory.glob("*.jsonl")) if any(item["store"] in store_urls for item in _read(path))]
    return found


def _read(path: Path) -> list[dict[str, Any]]:
    """The whole lines of a journal; one torn by a power cut is left out, and shows as a gap of its writer."""
    items = []
    try:
        for line in path.read_bytes().splitlines():
            with contextlib.suppress(ValueError):
                item = json.loads(line)
                if isinstance(item, dict) and {"store", "emitter", "n_emitter", "type", "body", "at_event"} <= set(item):
                    items.append(item)
    except OSError:
        return []
    return items


@contextlib.contextmanager
def held(where: Sequence[Path], *store_urls: str) -> Iterator[list[dict[str, Any]]]:
    """The entries that wait for a store, with their files locked; the files go when the block ends without an error, so the block
    must have committed them by then."""
    items: list[dict[str, Any]] = []
    with contextlib.ExitStack() as locks:
        done = []
        for path in waiting(where, *store_urls):
            try:
                locks.callback(os.close, _locked(path, os.O_RDONLY))
            except OSError:
                continue
            items += _read(path)
            done.append(path)
        yield items
        for path in done:
            with contextlib.suppress(OSError):
                path.unlink()
