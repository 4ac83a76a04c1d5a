# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The second key of a restic repository: its password, sealed to the public keys of those in charge (the EGCR), lies with each copy.

It opens the copies when the institution's password is lost. Its password follows from the first one, so each copy seals it anew and nothing that lies on a
medium is believed: whoever can write there could put something else in its place, and every later copy would carry that on.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any, Dict, List, Mapping, NamedTuple, Sequence, Tuple

from ..errors import BackupError
from ..processes import pipeline, programs
from ..remarks import Remark
from ..transforms import encrypt
from .repositories import Repository
from .repository_places import Place
from .restic import Restic

_NAMED, _LONGEST = 10, 100     # keys that a remark names, signs of what a key file says of itself


class SecondKey(NamedTuple):
    """The second key of a repository, as it goes with a copy."""

    sealed: bytes = b""
    recipients: Tuple[str, ...] = ()
    ids: Mapping[str, str] = {}      # name of a medium -> restic's name of the key there
    remarks: Tuple[Remark, ...] = ()    # keys of a repository that are neither the first nor the second one


def have(opened: Sequence[Repository], public_keys: Sequence[str]) -> SecondKey:
    """The second key of the repositories, for the holders of these public keys, sealed to them now. A repository that does not open with it gets it.

    Where a repository opens with further keys, the remarks tell: those of former holders, or somebody's who was never told of.
    """
    if not public_keys:
        return SecondKey(remarks=tuple(remark for repository in opened for remark in strangers(repository, [])))
    with programs.private_directory(programs.memory()) as home, encrypt.Gpg(encrypt.Keys("", tuple(public_keys)), home) as gpg:
        recipients = tuple(gpg.fingerprints())
        second = password(opened[0].password, recipients)
        ids: Dict[str, str] = {}
        for repository in opened:
            ids[repository.place.medium.name] = id_of(repository, second) or _add(repository, second)
        chunks: List[bytes] = []
        pipeline.run([gpg.encryptor()], chunks.append, reader=_once((second + "\n").encode()), meter_after=-1)
    remarks = [remark for repository in opened for remark in strangers(repository, [ids[repository.place.medium.name]])]
    return SecondKey(b"".join(chunks), recipients, ids, tuple(remarks))


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


def id_of(repository: Repository, second: str) -> str:
    """restic's name of the key by which a repository opens with this password; "" when there is none."""
    try:
        with Restic(repository.place.access(), second) as program:
            mine = [row["id"] for row in program.answer("key", "list") if row["current"]]
    except BackupError as error:
        if error.fault.name != "password_wrong":
            raise
        return ""
    return _whole(repository, mine[0]) if mine else ""


def _whole(repository: Repository, short: str) -> str:
    """The whole name of a key of which restic told the first letters."""
    found = [name[len("keys/"):] for name in repository.before if name.startswith("keys/" + short)]
    return found[0] if found else short


def strangers(repository: Repository, known: Sequence[str]) -> List[Remark]:
    """What is to be told of the keys of a repository that are neither the first one nor among those known."""
    told = further(repository, known)
    return [Remark("more_keys", location=repository.place.location, keys="; ".join(told[:_NAMED]))] if told else []


def further(repository: Repository, known: Sequence[str]) -> List[str]:
    """The keys of a repository that are neither the one it is opened with nor among those known, as people read them."""
    if sum(name.startswith("keys/") for name in repository.before) <= 1 + len(known):
        return []
    rows = [dict(row, id=_whole(repository, row["id"])) for row in repository.restic.answer("key", "list")]
    return ["{0} ({1}@{2}, {3})".format(*(_shown(row[name]) for name in ("id", "userName", "hostName", "created")))
            for row in rows if not row["current"] and row["id"] not in known]


def _shown(text: str) -> str:
    return "".join(sign if sign.isprintable() else "?" for sign in str(text))[:_LONGEST]


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
