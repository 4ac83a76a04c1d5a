# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Custodian `vault_file`: one file a record below a directory of the controller, encrypted by Ansible Vault.

The path below the directory is the reference without its scheme, and `.yml`; `ansible-vault view` alone opens it. Beside it lies its seal,
`.yml.asc`: the same record encrypted by OpenPGP to the public keys of the EGCR, which opens even if the vault's password is lost.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import time
import typing as t
from collections.abc import Iterator, Mapping
from pathlib import Path

from ansible import constants
from ansible.errors import AnsibleError

from ...module_utils._engine.errors import BackupError
from .._places import is_thrown_away
from . import base

_EXTENSION, _SEAL = ".yml", ".yml.asc"


class VaultFile(base.Custodian):
    TYPE = "vault_file"

    def __init__(self, options: Mapping[str, t.Any], loader: t.Any) -> None:
        super().__init__(options)
        self.directory = str(options["path"])
        self.vault_id = str(options.get("vault_id") or "")
        self.loader = loader

    @property
    def location(self) -> str:
        return self.directory

    def prove(self) -> None:
        if is_thrown_away(self.directory):
            raise BackupError("kept_thrown_away", path=self.directory)
        probe = "prueba"
        if self._opened(self._sealed(probe, self.directory), self.directory) != probe.encode():
            raise _unavailable(self.directory, "the vault identity does not open what it closes")
        above = self.directory
        while above and not os.path.lexists(above):
            above = os.path.dirname(above)
        if not os.path.isdir(above) or not os.access(above, os.W_OK | os.X_OK):
            raise _unavailable(self.directory, "permission denied or mounted read-only ({0})".format(above))

    def get(self, reference: str) -> base.Record | None:
        try:
            with open(self.path(reference), "rb") as file:
                closed = file.read()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unavailable(reference, str(error)) from error
        return base.read(self._opened(closed, reference), reference, self.name)

    def put(self, record: base.Record) -> bool:
        path = self.path(record.reference)
        if is_thrown_away(path):
            raise BackupError("kept_thrown_away", path=self.directory)
        closed = self._sealed(record.text(), record.reference) + b"\n"
        try:
            with _beside(path, closed) as temporary:
                os.link(temporary, path)
        except FileExistsError:
            return False
        except OSError as error:
            raise _unavailable(record.reference, str(error)) from error
        return True

    def list(self) -> Iterator[str]:
        top = Path(self.directory)
        for directory, _names, files in os.walk(top, onerror=_cant_list):
            for name in files:
                reference = base.SCHEME + str(Path(directory, name).relative_to(top))[:-len(_EXTENSION)]
                if name.endswith(_EXTENSION) and base.is_reference(reference):
                    yield reference

    def stat(self, reference: str) -> base.Stat | None:
        try:
            found = os.stat(self.path(reference))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unavailable(reference, str(error)) from error
        return base.Stat(time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(found.st_mtime)), 1)

    def path(self, reference: str) -> str:
        """The file of a record. Raises BackupError custody_unavailable for what is no reference."""
        return os.path.join(self.directory, base.inner(reference) + _EXTENSION)

    def seal(self, reference: str) -> str:
        """The seal of a record, armoured; "" when there is none."""
        try:
            with open(os.path.join(self.directory, base.inner(reference) + _SEAL), encoding="ascii", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise _unavailable(reference, str(error)) from error

    def put_seal(self, reference: str, armoured: str) -> None:
        """Write the seal of a record, in the place of a former one: a seal is made of the record, and can be made again."""
        path = os.path.join(self.directory, base.inner(reference) + _SEAL)
        try:
            with _beside(path, armoured.encode("ascii")) as temporary:
                os.replace(temporary, path)
        except OSError as error:
            raise BackupError("custody_unsealed", label=reference, detail=str(error)) from error

    def _sealed(self, text: str, what: str) -> bytes:
        try:
            identity, secret = self._identity()
            return bytes(self.loader._vault.encrypt(text, secret, identity))
        except AnsibleError as error:
            raise _unavailable(what, str(error)) from error

    def _identity(self) -> tuple[str | None, t.Any]:
        """The vault identity that closes records, with its label: the one named, else the only one there is, without a label as ever.

        Raises BackupError vault_identity_unnamed when several are given and none is named; AnsibleError when there is none.
        """
        given = list(self.loader._vault.secrets or ())
        named = self.vault_id or str(constants.DEFAULT_VAULT_ENCRYPT_IDENTITY or "")
        if named:
            found = [secret for name, secret in given if name == named]
            if not found:
                raise AnsibleError("no vault identity {0} is given".format(named))
            return named, found[0]
        if len({name for name, _secret in given}) > 1:
            raise BackupError("vault_identity_unnamed", known=", ".join(sorted({str(name) for name, _secret in given})))
        return None, None

    def _opened(self, closed: bytes, what: str) -> bytes:
        try:
            return bytes(self.loader._vault.decrypt(closed))
        except AnsibleError as error:
            raise _unavailable(what, str(error)) from error


@contextlib.contextmanager
def _beside(path: str, content: bytes) -> Iterator[str]:
    """A file of mode 0600 beside a path, on stable storage, to be given that name by the body; gone afterwards under its own."""
    temporary = "{0}.{1}".format(path, secrets.token_hex(4))
    directory = os.path.dirname(path)
    try:
        _make_private(directory)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        yield temporary
        _sync(directory)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(temporary)


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


def _cant_list(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise _unavailable(str(error.filename), str(error)) from error


def _unavailable(what: str, detail: str) -> BackupError:
    return BackupError("custody_unavailable", label=what, detail=detail)
