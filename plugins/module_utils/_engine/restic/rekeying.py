# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Another password for a repository of restic, in steps that may be cut off anywhere and repeated (numeral 5.2).

restic encrypts the data with a master key, and each password only wraps that: a new one is a file more in `keys/`, no data is written anew, and all copies
open with either until the former key is removed. So a password that somebody read is of no use any more once its key is gone; who made a copy of the key file
before, or holds the master key, reads what he could read then. What to do about that is told to people, not done here: a new repository.
"""

from __future__ import annotations

from typing import List, NamedTuple, Sequence

from ..errors import BackupError
from ..processes import programs
from ..transforms import encrypt
from . import second_key
from .repositories import Repository
from .repository_places import Place
from .restic import Restic

# A password opens by one key after the other where it was added twice, by two runs at once.
_MOST_REMOVED = 20
# What is no refusal of the medium: it is told as any other trouble, and the step fails.
_NO_REFUSAL = ("repository_locked", "medium_unreachable", "password_wrong", "repository_missing", "interrupted", "azure_expired")


class Removed(NamedTuple):
    """What became of the keys of a former password: the names of those removed, what stays and why, and keys that are nobody's of these."""

    removed: List[str]
    stays: List[str]
    further: List[str]


def opened_by(place: Place, password: str) -> str:
    """restic's name, its first letters, of the key by which a password opens a repository; "" when it opens it not. Raises what the way there says."""
    try:
        with Restic(place.access(), password) as program:
            rows = program.answer("key", "list")
    except BackupError as error:
        if error.fault.name != "password_wrong":
            raise
        return ""
    return next((str(row["id"]) for row in rows if row["current"]), "")


def add(place: Place, former: str, new: str) -> str:
    """Let a new password open a repository that a former one opens, and prove that it does. Gives restic's name of its key, its first letters.

    One that opens it already is left as it is. Raises password_wrong when neither opens it.
    """
    name = opened_by(place, new)
    if not name:
        secret = programs.Secret(new + "\n")
        try:
            with Restic(place.access(), former) as program:
                program.call(["key", "add", "--new-password-file", secret.path], secrets=(secret,))
        finally:
            secret.close()
        name = opened_by(place, new)
        if not name:
            raise BackupError("password_wrong", file=place.location)
    place.prove(each for each in place.files() if each.startswith("keys/" + name))
    place.signed_anew(former, new)
    return name


def remove(place: Place, former: str, new: str, public_keys: Sequence[str], second: bool) -> Removed:
    """Remove the keys by which a former password opens a repository, and with `second` those that its holders' second key, which follows from it, has.

    Only with the new one, which must open it. What the medium does not let go of stays and is told. Raises password_wrong.
    """
    mine = opened_by(place, new)
    if not mine:
        raise BackupError("password_wrong", file=place.location)
    wanted, known = [former], []
    if public_keys:
        with programs.private_directory(programs.memory()) as home, encrypt.Gpg(encrypt.Keys("", tuple(public_keys)), home) as gpg:
            recipients = tuple(gpg.fingerprints())
        wanted += [second_key.password(former, recipients)] if second else []
        known = [second_key.password(each, recipients) for each in ([new] if second else [new, former])]
    removed: List[str] = []
    stays: List[str] = []
    repository = Repository(place, new)
    with repository.restic:
        for password in wanted:
            _remove(repository, password, mine, removed, stays)
        repository.look()
        names = [second_key.id_of(repository, each) for each in known]
        further = second_key.further(repository, [name for name in names if name])
    return Removed(removed, stays, further)


def _remove(repository: Repository, password: str, mine: str, removed: List[str], stays: List[str]) -> None:
    """Remove each key by which a password opens a repository, but that of the new one."""
    for _time in range(_MOST_REMOVED):
        name = opened_by(repository.place, password)
        if not name or name == mine:
            return
        try:
            repository.restic.call(["key", "remove", name])
        except BackupError as error:
            if error.fault.name in _NO_REFUSAL:
                raise
            stays.append("{0}: {1}: {2}".format(name, error.code, error.message))
            return
        removed.append(name)
