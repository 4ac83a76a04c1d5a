# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every custodian does, and the record that it keeps. A record is made once; no custodian ever replaces one."""

from __future__ import annotations

import abc
import hashlib
import json
import re
import secrets
import typing as t
from collections.abc import Iterable, Mapping

from ...module_utils._engine.errors import BackupError
from ...module_utils._engine.moments import now

SCHEME = "custodia:"
_RANDOM_BYTES = 32
_REFERENCE = re.compile(re.escape(SCHEME) + r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)+")


class Record(t.NamedTuple):
    """A password and what it belongs to. `key_id` tells keys apart and says nothing of them; times are UTC."""

    reference: str
    password: str
    created_at: str
    key_id: str

    def __repr__(self) -> str:
        return f"Record({self.reference}, key_id={self.key_id})"

    def fields(self) -> dict[str, str]:
        return self._asdict()

    def text(self) -> str:
        return json.dumps(self.fields())


class Stat(t.NamedTuple):
    """When a custodian received a record (UTC, empty where it can't tell), and how many versions of it lie there."""

    kept_at: str
    versions: int


def make(reference: str) -> Record:
    """A new record, its password made here: 32 random bytes, as 43 letters of the URL alphabet."""
    return Record(checked(reference), secrets.token_urlsafe(_RANDOM_BYTES), now(), secrets.token_hex(8))


def read(found: t.Any, reference: str, custodian: str) -> Record:
    """The record that a custodian gave, as text or as a table. Raises BackupError custody_altered for any other thing."""
    try:
        told = json.loads(found) if isinstance(found, (str, bytes)) else found
        texts = {name: told[name] for name in ("reference", "password", "created_at")}
        # records of the first releases have none; this one is the same in every custodian
        texts["key_id"] = told.get("key_id") or hashlib.sha256("{reference}\n{created_at}".format(**texts).encode()).hexdigest()[:16]
        if not all(isinstance(text, str) and text for text in texts.values()):
            raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError):
        raise altered(custodian, reference, "it can't be read as a record") from None
    if texts["reference"] != reference:
        raise altered(custodian, reference, "the record belongs to {0}".format(texts["reference"][:200]))
    return Record(**texts)


def checked(reference: str) -> str:
    """The reference, when it is one: `custodia:` and at least two names with slashes between. Raises BackupError custody_unavailable."""
    if not isinstance(reference, str) or not _REFERENCE.fullmatch(reference) or ".." in reference:
        raise BackupError("custody_unavailable", label=reference, detail="it is not a reference of this custody")
    return reference


def inner(reference: str) -> str:
    """The part of a reference after the scheme: KIND/SYSTEM/LABEL."""
    return checked(reference)[len(SCHEME):]


def is_reference(text: str) -> bool:
    return bool(_REFERENCE.fullmatch(text)) and ".." not in text


def digest(*texts: t.Any) -> str:
    return hashlib.sha256(json.dumps(texts, sort_keys=True, default=str).encode()).hexdigest()


def altered(custodian: str, reference: str, detail: str) -> BackupError:
    return BackupError("custody_altered", custodian=custodian, label=reference, detail=detail)


class Custodian(abc.ABC):
    """One place that keeps records. `required`: no copy begins without it. `retired`: it is read from, and receives nothing more."""

    TYPE = ""

    def __init__(self, options: Mapping[str, t.Any]) -> None:
        self.name = str(options["name"])
        self.retired = options.get("retired") is True
        self.required = options.get("required", True) is True and not self.retired

    @property
    @abc.abstractmethod
    def location(self) -> str:
        """Where it is, as people name it, without secrets."""

    def identity(self) -> str:
        """Who we are there, as the digest of what proves it: what one identity was told is not told to another."""
        return ""

    def secret(self, name: str) -> Mapping[str, t.Any] | str | None:
        """A secret that the institution keeps there itself: a text, or a table of them; None when there is none. Nothing of ours is among them.

        Raises BackupError invalid_input for what can be no name there, secret_unsuited, custodian_unreachable, custodian_refused, custody_deleted.
        """
        raise BackupError("secret_unsuited", secret=name, custodian=self.name, kind=self.TYPE)

    @abc.abstractmethod
    def prove(self) -> None:
        """Prove that it answers and knows us; nothing is written. Raises BackupError custodian_unreachable, custodian_refused and kin."""

    @abc.abstractmethod
    def get(self, reference: str) -> Record | None:
        """The record under a reference; None when there never was one.

        Raises BackupError custodian_unreachable, custodian_refused, custody_deleted, custody_altered.
        """

    @abc.abstractmethod
    def put(self, record: Record) -> bool:
        """Keep a record, on stable storage when this returns. False, with nothing written, when there is one under its reference.

        Raises BackupError custodian_unreachable, custodian_refused, custody_deleted.
        """

    @abc.abstractmethod
    def list(self) -> Iterable[str]:
        """The references of all records that lie there. Raises BackupError custodian_unreachable, custodian_refused."""

    @abc.abstractmethod
    def stat(self, reference: str) -> Stat | None:
        """What it knows of a record without giving it; None when there is none. Raises as `list` does."""
