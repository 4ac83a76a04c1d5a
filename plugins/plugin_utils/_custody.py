# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Custody of the copies' passwords on the controller: one file a copy, encrypted by Ansible Vault (numerals 5.2, 7.2.1 b).

A password is on stable storage before the copy it opens begins. The bitácora and the manifest hold the reference only:
`custodia:KIND/SYSTEM/LABEL`, which is the file's path below the custody directory.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import typing as t

from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader

from ..module_utils._engine.copy import now
from ..module_utils._engine.errors import BackupError

_SCHEME = "custodia:"
_RANDOM_BYTES = 32


def reference(kind: str, system: str, label: str) -> str:
    """The reference of a copy's password."""
    return "{0}{1}/{2}/{3}".format(_SCHEME, kind, system, label)


def keep(loader: DataLoader, directory: str, key_reference: str) -> str:
    """Generate a password, put it in custody, and give it. A password already kept under the reference is given again.

    Raises BackupError custody_unavailable: no vault identity, or the directory can't be written.
    """
    path = _path(directory, key_reference)
    if holds(directory, key_reference):
        return reveal(loader, directory, key_reference)
    password = secrets.token_urlsafe(_RANDOM_BYTES)
    record = json.dumps({"reference": key_reference, "password": password, "created_at": now()})
    try:
        sealed = loader._vault.encrypt(record)
    except AnsibleError as error:
        raise _unavailable(key_reference, str(error)) from error
    temporary = "{0}.{1}".format(path, secrets.token_hex(4))
    try:
        _make_private(os.path.dirname(path))
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(sealed + b"\n")
            file.flush()
            os.fsync(descriptor)
        os.link(temporary, path)
        _sync(os.path.dirname(path))
    except OSError as error:
        raise _unavailable(key_reference, str(error)) from error
    finally:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
    if reveal(loader, directory, key_reference) != password:
        raise _unavailable(key_reference, "it reads back otherwise than it was written")
    return password


def reveal(loader: DataLoader, directory: str, key_reference: str) -> str:
    """The password kept under the reference. Raises BackupError custody_unavailable."""
    try:
        with open(_path(directory, key_reference), "rb") as file:
            record = json.loads(loader._vault.decrypt(file.read()))
        if record["reference"] != key_reference:
            raise ValueError("the file belongs to " + record["reference"])
        return record["password"]
    except (OSError, AnsibleError, ValueError, KeyError) as error:
        raise _unavailable(key_reference, str(error)) from error


def holds(directory: str, key_reference: str) -> bool:
    """Whether there is a password under the reference."""
    return os.path.exists(_path(directory, key_reference))


def _path(directory: str, key_reference: str) -> str:
    inner = key_reference[len(_SCHEME):]
    if not key_reference.startswith(_SCHEME) or inner.startswith("/") or ".." in inner.split("/"):
        raise _unavailable(key_reference, "it is not a reference of this custody")
    return os.path.join(directory, inner + ".yml")


def _make_private(directory: str) -> None:
    """The directory and those above it that are missing, each of mode 0700: os.makedirs gives it to the last one only."""
    if os.path.isdir(directory):
        return
    _make_private(os.path.dirname(directory))
    with contextlib.suppress(FileExistsError):
        os.mkdir(directory, 0o700)


def _sync(directory: str) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unavailable(key_reference: str, detail: str) -> BackupError:
    return BackupError("custody_unavailable", label=key_reference, detail=detail)


def take(options: t.Mapping[str, t.Any]) -> tuple[dict[str, t.Any], str]:
    """A module's encryption or decryption options without the custody directory, and the directory."""
    left = {name: value for name, value in (options or {}).items() if name != "custody"}
    return left, str((options or {}).get("custody") or "")
