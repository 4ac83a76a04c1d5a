# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The second key of a restic repository: its password, sealed to the public keys of those in charge (the EGCR), lies with each copy.

It opens the copies when the institution's password is lost.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
from typing import Any, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from . import copy, pipeline, programs
from .errors import BackupError
from .media.base import Slot, read_all
from .repositories import Place, Repository
from .restic import Restic
from .transforms import encrypt


class SecondKey(NamedTuple):
    """The second key of a repository, as it goes with a copy."""

    sealed: bytes = b""
    recipients: Tuple[str, ...] = ()
    ids: Mapping[str, str] = {}      # name of a medium -> restic's name of the key there


def have(slot: Slot, opened: Sequence[Repository], public_keys: Sequence[str]) -> SecondKey:
    """The second key of the repositories, for the holders of these public keys: that of the system's last copy while its holders are the same
    and each repository has it, else a new one.
    """
    if not public_keys:
        return SecondKey()
    with programs.private_directory(programs.memory()) as home, encrypt.Gpg(encrypt.Keys("", tuple(public_keys)), home) as gpg:
        recipients = tuple(gpg.fingerprints())
        kept = [_kept(slot, repository) for repository in opened]
        first = kept[0]
        if first and all(key and key.recipients == recipients and key.sealed == first.sealed for key in kept):
            return first._replace(ids={repository.place.medium.name: key.ids[repository.place.medium.name] for repository, key in zip(opened, kept) if key})
        second = password(opened[0].password, recipients)
        ids = {repository.place.medium.name: _add(repository, second) for repository in opened}
        chunks: List[bytes] = []
        pipeline.run([gpg.encryptor()], chunks.append, reader=_once((second + "\n").encode()), meter_after=-1)
    return SecondKey(b"".join(chunks), recipients, ids)


def password(first: str, recipients: Sequence[str]) -> str:
    """The password of the second key of every repository that opens with the first one, for these holders (fingerprints).

    Derived, so that a repository that copies are carried to can have the same second key without anybody opening the sealed one. It tells nothing of the
    first password, and other holders have another.
    """
    words = "\n".join(["perucompras.respaldo, second key", *sorted(recipients)])
    return hmac.new(first.encode(), words.encode(), hashlib.sha256).hexdigest()


def hand_over(recipients: Sequence[str], origin: Repository, other: Repository) -> None:
    """Let the holders of a repository's second key open another that a copy is carried to. One that was not derived opens there with the first alone."""
    second = password(origin.password, recipients)
    if not _opens(other.place, second) and _opens(origin.place, second):
        _add(other, second)


def _kept(slot: Slot, repository: Repository) -> Optional[SecondKey]:
    medium = repository.place.shelf
    last = copy.newest(medium, slot)
    if last is None or not last["parts"] or last["restic"]["repository"] != repository.place.name:
        return None
    ids = last["restic"]["second_key"]
    if "keys/" + ids.get(medium.name, "") not in repository.before:
        return None
    with contextlib.suppress(BackupError):
        sealed = read_all(medium.read(slot._replace(label=last["label"]), last["parts"][0]["file"]))
        if hashlib.sha256(sealed).hexdigest() == last["parts"][0]["sha256"]:
            return SecondKey(sealed, tuple(last["recipients"]), ids)
    return None


def _add(repository: Repository, second: str) -> str:
    """Add a key to a repository, open the repository with it, and give its name there."""
    secret = programs.Secret(second + "\n")
    try:
        repository.restic.call(["key", "add", "--new-password-file", secret.path], secrets=(secret,))
    finally:
        secret.close()
    before = set(repository.before)
    repository.prove()
    added = [name for name in repository.before if name.startswith("keys/") and name not in before]
    with Restic(repository.place.access(), second) as other:
        other.call(["cat", "config"])
    return added[0].partition("/")[2]


def _opens(place: Place, second: str) -> bool:
    try:
        with Restic(place.access(), second) as program:
            program.call(["cat", "config"])
    except BackupError as error:
        if error.fault.name != "password_wrong":
            raise
        return False
    return True


def _once(text: bytes) -> Any:
    chunks = [text]
    return lambda size: chunks.pop() if chunks else b""
