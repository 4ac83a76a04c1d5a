# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The seal of the bitácora's head, and where it is anchored.

At the end of each run the head is signed with Ed25519 as a short text note (chain.py has its form and verifies it). The seal is itself an
entry, and a line of every anchor: a file on another medium, which whoever rewrites the bitácora has to reach too.
"""

from __future__ import annotations

import abc
import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...module_utils._engine.errors import BackupError
from .. import _held_places
from .._places import is_thrown_away
from . import chain, entries

if TYPE_CHECKING:
    from .any_store import Store

# A seal covers all that lies before it: older ones only help to say since when.
_SEALS_SENT = 100


class Signer:
    """The signing key of a controller, in a file of mode 0600, made on first use. `public` is its public key in hexadecimal."""

    def __init__(self, path: Path, make: bool = True) -> None:
        # Imported where it is used: a run that seals nothing does not pay for it.
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        raw = serialization.Encoding.Raw
        try:
            if make and not path.exists():
                _make(path, Ed25519PrivateKey.generate().private_bytes(raw, serialization.PrivateFormat.Raw, serialization.NoEncryption()).hex())
            if path.stat().st_mode & 0o077:
                raise BackupError("seal_key_unusable", path=path, detail="others than its owner can read it")
            self._key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(path.read_text("ascii").strip()))
        except (OSError, ValueError) as error:
            raise BackupError("seal_key_unusable", path=path, detail=error) from error
        self.public = self._key.public_key().public_bytes(raw, serialization.PublicFormat.Raw).hex()

    def seal(self, origin: str, n: int, digest: str) -> dict[str, Any]:
        """The body of a seal over the entry `n`. `origin` is the digest of the first entry, which names the bitácora."""
        at = entries.now()
        note = chain.note_of(origin, n, digest, at)
        return {"origin": origin, "sealed_n": n, "sealed_digest": digest, "sealed_at": at, "public_key": self.public,
                "signature": self.sign(note)}

    def sign(self, note: str) -> str:
        """The signature of a text, in hexadecimal."""
        return self._key.sign(note.encode("utf-8")).hex()


def following(path: Path) -> Path:
    """Where a new key is prepared, beside the one in force."""
    return path.with_name(path.name + ".next")


def _make(path: Path, secret: str) -> None:
    """A new key appears whole or not at all; of two runs that make one at once, the first wins."""
    if is_thrown_away(path):
        raise BackupError("kept_thrown_away", path=path)
    path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    making = path.with_name(".{0}.{1}".format(path.name, os.getpid()))
    descriptor = os.open(making, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, (secret + "\n").encode("ascii"))
        os.fsync(descriptor)
        with contextlib.suppress(FileExistsError):
            os.link(making, path)
    finally:
        os.close(descriptor)
        os.unlink(making)


class Anchor(abc.ABC):
    """A place outside the bitácora that keeps seals."""

    name: str

    @abc.abstractmethod
    def keep(self, line: Mapping[str, Any]) -> None:
        """Add a seal. Raises OSError when it can't be kept."""


class FileAnchor(Anchor):
    """Lines of JSON in a file, best on a medium that the controller's account can only append to."""

    def __init__(self, path: str) -> None:
        self.name = path

    def keep(self, line: Mapping[str, Any]) -> None:
        # Its directory must exist: a share that is not mounted must not be filled beside.
        descriptor = _held_places.appending(self.name, 0o640)
        try:
            os.write(descriptor, (json.dumps(line, sort_keys=True) + "\n").encode("ascii"))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def unsent(store: Store, name: str) -> tuple[list[dict[str, Any]], int]:
    """The seals that an anchor of that name does not have, oldest first and at most 100, and the entry of the last one it has (0: none)."""
    newest = [entry for entry in store.entries(type="seal", limit=_SEALS_SENT) if is_one(entry)]
    # A number beyond the newest seal was never sent: it would end all sending.
    sent = [entry["sealed_n"] for entry in store.entries(type="anchor_sent")
            if entry.get("anchor") == name and not entry.get("simulated") and isinstance(entry.get("sealed_n"), int)
            and newest and entry["sealed_n"] <= newest[-1]["n"]]
    last = max(sent, default=0)
    return [entry for entry in newest if entry["n"] > last], last


def is_one(entry: Mapping[str, Any]) -> bool:
    """Whether an entry of that type has the form of a seal: whoever may append may have made up one that ends all sending."""
    return all(isinstance(entry.get(name), int if name == "sealed_n" else str) for name in chain.SEALED)


def line_of(entry: entries.Entry) -> dict[str, Any]:
    """What an anchor keeps of a seal: the seal, and the place and digest of its own entry, so that a cut of the seal alone shows too."""
    return {**json.loads(entry.body), "n": entry.n, "digest": entry.digest}
