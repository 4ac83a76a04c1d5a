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
import time
import typing as t
from collections.abc import Iterator, Mapping

from ansible import constants
from ansible.errors import AnsibleError

from ...module_utils._engine.errors import BackupError
from .. import _held_places
from .._places import is_thrown_away
from . import base

_EXTENSION, _SEAL = ".yml", ".yml.asc"
# Of a record or its seal: a secret, a few names, and what OpenPGP adds for each key.
_LARGEST = 1 << 20
# A reference has three parts, KIND/SYSTEM/LABEL; whoever makes directories below them for ever is not followed there.
_DEEPEST = 8


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
            closed = self._read(reference, _EXTENSION)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unavailable(reference, error) from error
        return base.read(self._opened(closed, reference), reference, self.name)

    def put(self, record: base.Record) -> bool:
        path = self.path(record.reference)
        if is_thrown_away(path):
            raise BackupError("kept_thrown_away", path=self.directory)
        closed = self._sealed(record.text(), record.reference) + b"\n"
        try:
            with self._place(record.reference, _EXTENSION, make=True) as (held, name):
                with _held_places.beside(held, name) as (descriptor, made):
                    _held_places.filled(descriptor, closed)
                    os.link(made, name, src_dir_fd=held, dst_dir_fd=held, follow_symlinks=False)
        except FileExistsError:
            return False
        except OSError as error:
            raise _unavailable(record.reference, error) from error
        return True

    def list(self) -> Iterator[str]:
        try:
            with _held_places.directory(self.directory) as top:
                for directory, names, files, _held in os.fwalk(".", onerror=_cant_list, dir_fd=top):
                    inner = directory[len("./"):]
                    if inner.count("/") > _DEEPEST:
                        names.clear()
                    for name in files:
                        reference = base.SCHEME + os.path.join(inner, name)[:-len(_EXTENSION)]
                        if name.endswith(_EXTENSION) and base.is_reference(reference):
                            yield reference
        except OSError as error:
            _cant_list(error)

    def stat(self, reference: str) -> base.Stat | None:
        try:
            with self._place(reference, _EXTENSION) as (held, name):
                found = os.stat(name, dir_fd=held, follow_symlinks=False)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unavailable(reference, error) from error
        return base.Stat(time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(found.st_mtime)), 1)

    def path(self, reference: str) -> str:
        """The file of a record. Raises BackupError custody_unavailable for what is no reference."""
        return os.path.join(self.directory, base.inner(reference) + _EXTENSION)

    def seal(self, reference: str) -> str:
        """The seal of a record, armoured; "" when there is none."""
        try:
            return self._read(reference, _SEAL).decode("ascii", "replace")
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise _unavailable(reference, error) from error

    def put_seal(self, reference: str, armoured: str) -> None:
        """Write the seal of a record, in the place of a former one: a seal is made of the record, and can be made again."""
        try:
            with self._place(reference, _SEAL, make=True) as (held, name):
                with _held_places.beside(held, name) as (descriptor, made):
                    _held_places.filled(descriptor, armoured.encode("ascii"))
                    os.replace(made, name, src_dir_fd=held, dst_dir_fd=held)
        except OSError as error:
            raise BackupError("custody_unsealed", label=reference, detail=_held_places.why(error)) from error

    @contextlib.contextmanager
    def _place(self, reference: str, ending: str, make: bool = False) -> Iterator[tuple[int, str]]:
        """The held directory of a record or its seal, and its name there. Up to the custody's own directory the administrator's links are followed, and
        none below it. Missing directories are made (`make`), each of mode 0700. Raises Refused, OSError."""
        inner, _slash, name = (base.inner(reference) + ending).rpartition("/")
        mode = 0o700 if make else None
        with _held_places.directory(self.directory, mode) as top, _held_places.below(top, inner, mode) as held:
            yield held, name

    def _read(self, reference: str, ending: str) -> bytes:
        with self._place(reference, ending) as (held, name):
            return _held_places.read_in(held, name, _LARGEST, os.path.join(self.directory, base.inner(reference) + ending))

    def _sealed(self, text: str, what: str) -> bytes:
        try:
            identity, secret = self._identity()
            return bytes(self.loader._vault.encrypt(text, secret, identity))
        except AnsibleError as error:
            raise _unavailable(what, str(error)) from error

    def _identity(self) -> tuple[str | None, t.Any]:
        """The vault identity that closes records, with its label: the one named, else the only one there is, without a label as ever.

        Raises BackupError vault_identity_unnamed when several are given and none is named; AnsibleError when there is none, in words of ours: those of
        Ansible differ by version, and are English.
        """
        given = list(self.loader._vault.secrets or ())
        if not given:
            raise AnsibleError("no vault identity was given")
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


def _cant_list(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise _unavailable(str(error.filename), error) from error


def _unavailable(what: str, error: str | OSError) -> BackupError:
    return BackupError("custody_unavailable", label=what, detail=_held_places.why(error) if isinstance(error, OSError) else error)
