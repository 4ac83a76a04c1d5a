# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Custody of passwords on the controller (numerals 5.2, 7.2.1 b): each is with every custodian before what it opens begins.

`custody` is, in every function here, a directory of the controller (one custodian of type vault_file, as in the first releases) or a list
of custodians as the inventory's `backup_custodians` has them. The bitácora and the manifest hold a reference only:
`custodia:KIND/SYSTEM/LABEL` for a copy, `custodia:KIND/SYSTEM/WORD` for anything else that a role must keep.
"""

from __future__ import annotations

import contextlib
import typing as t
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ansible.parsing.dataloader import DataLoader

from ...module_utils._engine import label as labels
from ...module_utils._engine.errors import BackupError
from ...module_utils._engine.policy import schema
from ...module_utils._engine.policy.places import check_custodians
from ...module_utils._engine.remarks import Remark
from ...module_utils._engine.restic import names, repositories
from .. import _custodians
from .._tasks import plain
from . import base

# The name, in entries and reports, of a directory that stands for a list of custodians.
DIRECTORY = "directorio"
_READS_OTHERWISE = "it reads back otherwise than it was written"
# What is passed over of a custodian that is not required.
_PASSED_OVER = ("custodian_unreachable", "custodian_refused", "custody_unavailable")

Custody = t.Union[str, Sequence[Mapping[str, t.Any]]]


class Kept(t.NamedTuple):
    """A record and who has it by now."""

    record: base.Record
    custodians: list[str]
    warnings: list[Remark]


def reference(kind: str, system: str, label: str) -> str:
    """The reference of a copy's password."""
    return "{0}{1}/{2}/{3}".format(base.SCHEME, kind, system, label)


def fits(key_reference: str, kind: str, system: str, name: str) -> bool:
    """Whether a reference can be that of a copy of this kind, system and label; of a file server, whose repository may be shared, of any repository.

    The bitácora has references that servers told (before 0.2.0): one that names another system's key is not this copy's.
    """
    if kind == repositories.KIND:
        parts = str(key_reference).split("/")
        return len(parts) == 3 and parts[0] == base.SCHEME + kind and names.generation(parts[2]) > 0
    try:
        return str(key_reference) == reference(kind, labels.canonical(system), name)
    except BackupError:
        return False


def reference_of(copy: Mapping[str, t.Any]) -> str:
    """The reference that the bitácora has of a copy; "" when it has none, or one of another system."""
    found = copy.get("key_reference") or ""
    return str(found) if found and fits(found, copy.get("kind", ""), copy.get("system", ""), copy.get("label", "")) else ""


def opened(loader: DataLoader, custody: Custody, only: Iterable[str] = ()) -> list[base.Custodian]:
    """The custodians, in the inventory's order; `only` names those that are wanted. Raises BackupError RSP101 on options that are not in order."""
    return [_custodians.build(options, loader) for options in _declared(custody, only)]


def _declared(custody: Custody, only: Iterable[str]) -> list[Mapping[str, t.Any]]:
    """The options of the custodians that are wanted. Raises BackupError RSP101."""
    told: t.Any = custody
    if isinstance(custody, str):
        told = [{"name": DIRECTORY, "path": str(custody)}] if custody else []
    else:
        problems: list[schema.Problem] = []
        check_custodians(plain(custody), problems)
        schema.raise_all(problems)
    wanted = set(only)
    found = [options for options in told if not wanted or options["name"] in wanted]
    if not found:
        raise BackupError("invalid_input", where="custody", value=", ".join(sorted(wanted)) or None, problem="names no custodian",
                          mend="Give backup_custodians, or backup_custody_directory.")
    return found


def prove(loader: DataLoader, custody: Custody, key_reference: str) -> None:
    """Prove, before anything is begun, that every custodian that is required answers and knows us. Raises BackupError of the 8xx."""
    for custodian in opened(loader, custody):
        if not custodian.required:
            continue
        try:
            custodian.prove()
        except BackupError as error:
            if error.fault.name != "custody_unavailable":
                raise
            raise BackupError("custody_unavailable", label=key_reference, detail="{0}: {1}".format(custodian.name, error.details["detail"])) from error


def store(loader: DataLoader, custody: Custody, key_reference: str, recipients: Sequence[str] = (), raced: bool = False) -> Kept:
    """Put a password with every custodian, read it back from each, and give it. One that is kept already is given again, and to those that lack it.

    All are looked at before any is written to. `recipients` are armoured public keys that the record is sealed to, beside each vault file.
    Raises BackupError: custodian_unreachable, custodian_refused, custody_unavailable, custody_deleted, custody_altered, custody_differs.
    """
    every = opened(loader, custody)
    known: dict[str, base.Record] = {}
    away: dict[str, BackupError] = {}
    for custodian in every:
        with _lenient(custodian, away):
            found = custodian.get(key_reference)
            if found is not None:
                known[custodian.name] = found
    record = agreed(known, key_reference) or base.make(key_reference)
    holders = []
    for custodian in every:
        if custodian.retired or custodian.name in away:
            continue
        with _lenient(custodian, away):
            if custodian.name not in known and not custodian.put(record) and not raced:
                # another run put one there since we looked: its password is the one that counts
                return store(loader, custody, key_reference, recipients, raced=True)
            confirm(custodian, record)
            holders.append(custodian.name)
    if not holders:
        raise BackupError("custody_unavailable", label=key_reference,
                          detail="; ".join(error.message for error in away.values()) or "every custodian is retired")
    warnings = [Remark("custody_away", custodian=name, why=error) for name, error in away.items()]
    try:
        seal(every, record, recipients)
    except BackupError as error:
        warnings.append(Remark("custody_unsealed", why=error))
    return Kept(record, holders, warnings)


def keep(loader: DataLoader, custody: Custody, key_reference: str, recipients: Sequence[str] = ()) -> str:
    """The password under a reference, generated and put in custody when there is none. Raises as `store` does."""
    return store(loader, custody, key_reference, recipients).record.password


def reveal(loader: DataLoader, custody: Custody, key_reference: str, only: Iterable[str] = ()) -> str:
    """The password under a reference, from the first custodian that gives it.

    Raises BackupError: what the only custodian said; custody_missing when none has it; custody_unavailable when some could not be asked.
    """
    return record(loader, custody, key_reference, only).password


def record(loader: DataLoader, custody: Custody, key_reference: str, only: Iterable[str] = ()) -> base.Record:
    """The whole record under a reference, from the first custodian that gives it. Raises as `reveal` does."""
    problems: dict[str, BackupError | None] = {}
    for options in _declared(custody, only):
        name = str(options["name"])
        try:
            # what one lacks here (a certificate that was lost with the controller) is no matter where another gives the password
            found = _custodians.build(options, loader).get(key_reference)
        except BackupError as error:
            problems[name] = error
            continue
        if found is not None:
            return found
        problems[name] = None
    told = "; ".join("{0}: {1}".format(name, "it holds none" if error is None else error.message) for name, error in problems.items())
    errors = [error for error in problems.values() if error is not None]
    if not errors:
        raise BackupError("custody_missing", label=key_reference, detail=told)
    if len(problems) == 1:
        raise errors[0]
    raise BackupError("custody_unavailable", label=key_reference, detail=told)


def holds(custody: Custody, key_reference: str, loader: DataLoader | None = None) -> bool:
    """Whether a custodian has a password under the reference, as far as they answer."""
    for options in _declared(custody, ()):
        try:
            if _custodians.build(options, t.cast(DataLoader, loader)).stat(key_reference) is not None:
                return True
        except BackupError:
            continue
    return False


def agreed(known: Mapping[str, base.Record], key_reference: str) -> base.Record | None:
    """The one record that custodians have; None when they have none. Raises BackupError custody_differs."""
    if len({record.password for record in known.values()}) > 1:
        raise BackupError("custody_differs", label=key_reference, detail=", ".join(
            "{0} has key {1} of {2}".format(name, record.key_id, record.created_at) for name, record in known.items()))
    return next(iter(known.values()), None)


def confirm(custodian: base.Custodian, record: base.Record) -> None:
    """Prove that a custodian gives what it was given. Raises BackupError custody_unavailable, or what the custodian says."""
    back = custodian.get(record.reference)
    if back is None or back.password != record.password:
        raise BackupError("custody_unavailable", label=record.reference, detail="{0}: {1}".format(
            custodian.name, "it is not there when it is read back" if back is None else _READS_OTHERWISE))


def seal(every: Iterable[base.Custodian], record: base.Record, recipients: Sequence[str], simulated: bool = False) -> bool:
    """Seal a record to public keys beside each vault file that lacks such a seal. Whether one was made. Raises BackupError custody_unsealed."""
    keys = [key for key in recipients if key]
    files = [custodian for custodian in every if custodian.TYPE == "vault_file" and not custodian.retired]
    if not keys or not files:
        return False
    from . import seals

    to = seals.recipients(keys, record.reference)
    return bool(reseal(files, record, to, simulated))


def reseal(files: Iterable[t.Any], record: base.Record, to: t.Any, simulated: bool) -> list[str]:
    """The vault files whose seal of a record was not for these recipients, each now with one that is."""
    from . import seals

    stale = [custodian for custodian in files if not seals.is_for(custodian.seal(record.reference), to)]
    if stale and not simulated:
        armoured = seals.seal(record.text() + "\n", record.reference, to)
        for custodian in stale:
            custodian.put_seal(record.reference, armoured)
    return [custodian.name for custodian in stale]


def take(options: t.Any) -> tuple[dict[str, t.Any], Custody]:
    """A module's encryption or decryption options without what is the controller's own, and the custody."""
    left = {name: value for name, value in (options or {}).items() if name not in ("custody", "custodians")}
    return left, (options or {}).get("custody") or ""


@contextlib.contextmanager
def _lenient(custodian: base.Custodian, away: dict[str, BackupError]) -> Iterator[None]:
    """Notes, instead of raising it, what a custodian says that no copy has to wait for. What is wrong with a record is raised in any case."""
    try:
        yield
    except BackupError as error:
        if custodian.required or error.fault.name not in _PASSED_OVER:
            raise
        away[custodian.name] = error
