# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run was told of secrets, in memory that its processes share: Ansible forks one for each task and host, and each would ask again.

The memory is made when this file is first imported: by the callback, in the process that forks all others. It has no name in any file system, no
program that a task starts inherits it, and it is gone with the run. Where a system has none such, each process remembers for itself.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import time
import typing as t
from collections.abc import Callable, Iterator

from ...module_utils._engine.errors import BackupError

# Byte 0 is locked while the memory is read or written, another one while the secret of that key is asked for: one asks, the others wait for it.
_CONTENT, _KEYS = 0, 1 << 40
_LARGEST = 16 << 20


def _memory() -> int | None:
    with contextlib.suppress(AttributeError, OSError):
        return os.memfd_create("respaldo")     # closed in programs, by its own default
    return None


_MEMORY = _memory()
_OWN: dict[str, t.Any] = {}


def once(words: t.Any, ask: Callable[[], t.Any]) -> t.Any:
    """What `ask` gave to the first process of this run that asked with these words (JSON); a failure is told to those who waited for it only.

    Raises BackupError as `ask` does.
    """
    key = hashlib.sha256(json.dumps(words, sort_keys=True).encode()).hexdigest()
    began = time.monotonic()
    with _locked(_KEYS + int(key[:9], 16)):
        known = _read().get(key)
        if known is not None and "told" in known:
            return known["told"]
        if known is not None and known["failed_at"] >= began:
            raise BackupError(known["fault"], **known["details"])
        try:
            told = ask()
        except BackupError as error:
            _keep(key, {"failed_at": time.monotonic(), "fault": error.fault.name, "details": {name: str(value) for name, value in error.details.items()}})
            raise
        _keep(key, {"told": told})
        return told


@contextlib.contextmanager
def _locked(place: int) -> Iterator[None]:
    """One process at a time; the kernel lets go of what a process that died held."""
    if _MEMORY is None:
        yield
        return
    fcntl.lockf(_MEMORY, fcntl.LOCK_EX, 1, place)
    try:
        yield
    finally:
        fcntl.lockf(_MEMORY, fcntl.LOCK_UN, 1, place)


def _read() -> dict[str, t.Any]:
    if _MEMORY is None:
        return _OWN
    try:
        found = json.loads(os.pread(_MEMORY, _LARGEST, 0) or b"{}")
    except ValueError:      # a process was killed while it wrote
        return {}
    return found if isinstance(found, dict) else {}


def _keep(key: str, row: dict[str, t.Any]) -> None:
    with _locked(_CONTENT):
        if _MEMORY is None:
            _OWN[key] = row
            return
        content = json.dumps({**_read(), key: row}).encode()
        if len(content) < _LARGEST:
            os.ftruncate(_MEMORY, 0)
            os.pwrite(_MEMORY, content, 0)
