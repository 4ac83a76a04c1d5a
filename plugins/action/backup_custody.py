# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives every custodian every key, and every key a seal for today's key holders. See its module for the documentation."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..module_utils._engine import result
from ..module_utils._engine.errors import BackupError
from ..module_utils._engine.policy import policy
from ..module_utils._engine.policy.vocabulary import EGCR_OF_KIND
from ..plugin_utils._actions import failed, show
from ..plugin_utils._bitacora.store import open_store, resolve_url
from ..plugin_utils._custodians import base, custody
from ..plugin_utils._decisions import due
from ..plugin_utils._decisions import keys as _keys
from ..plugin_utils._inventory import InventoryAction, public_key
from ..plugin_utils._tasks import plain

_MOST_IN_AN_ENTRY = 200
_MOST_TOLD = 20


class ActionModule(InventoryAction):
    ARGUMENTS = {
        "policy": {"type": "raw"},
        "policy_file": {"type": "str"},
        "actors": {"type": "raw"},
        "custodians": {"type": "raw", "default": []},
        "directory": {"type": "path", "default": ""},
        "show": {"type": "bool", "default": False},
    }

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        rules = self._policy(arguments, Path(task_vars.get("inventory_dir") or "."))
        policy.validate(rules, [], [], plain(arguments["custodians"]))
        with open_store(resolve_url(), readonly=True) as store:
            known = _keys.read(store)
        today = datetime.datetime.now(due.zone(rules["time_zone"])).date()
        rewrap = _Rewrap(custody.opened(self._loader, arguments["custodians"] or arguments["directory"]), rules, today, bool(self._task.check_mode))
        rewrap.look(known)
        rewrap.hand_over()
        rewrap.seal()
        lines = rewrap.lines()
        if arguments["show"]:
            show("\n".join(lines))
        return {"changed": bool(rewrap.handed or rewrap.resealed), "summary": lines, "backup": list(rewrap.entries()),
                "handed": rewrap.handed, "resealed": rewrap.resealed, "problems": [failed(error)["error"] for _fields, error in rewrap.problems],
                "diff": rewrap.difference()}


class _Rewrap:
    """One pass over all custodians. No copy is touched, nothing is ever replaced or removed."""

    def __init__(self, every: list[base.Custodian], rules: Mapping[str, Any], today: datetime.date, simulated: bool) -> None:
        self.every, self.rules, self.today, self.simulated = every, rules, today, simulated
        self.there: dict[str, set[str]] = {}             # by custodian that answers: the references it holds
        self.handed: dict[str, list[str]] = {}           # by custodian: the references it was given
        self.resealed: dict[str, list[str]] = {}
        self.problems: list[tuple[dict[str, Any], BackupError]] = []
        self.readers: dict[str, list[str]] = {}          # by kind: whose public keys the seals are for
        self.records: dict[str, base.Record | None] = {}

    @property
    def references(self) -> list[str]:
        return sorted(set().union(*self.there.values())) if self.there else []

    def look(self, known: Mapping[str, _keys.Key]) -> None:
        """Which references each custodian holds, and which keys of copies that still exist nobody holds."""
        for custodian in self.every:
            try:
                if not custodian.retired:
                    custodian.prove()
                self.there[custodian.name] = set(custodian.list())
            except BackupError as error:
                self.problems.append(({"custodians": [custodian.name]}, error))
        if len(self.there) < len(self.every):
            return      # who does not answer may hold what seems to be lost
        held = set(self.references)
        for key in known.values():
            if key.exists and key.reference not in held:
                fields = {"label": key.label, "system": key.system, "kind": key.kind, "key_reference": key.reference}
                self.problems.append((fields, BackupError("custody_missing", label=key.reference, detail=", ".join(self.there))))

    def hand_over(self) -> None:
        """Give each custodian what it lacks, and read it back."""
        for custodian in self.every:
            if custodian.retired or custodian.name not in self.there:
                continue
            for reference in self.references:
                if reference in self.there[custodian.name]:
                    continue
                try:
                    record = self._record(reference)
                    if record is None or not self.simulated and not self._given(custodian, record):
                        continue
                except BackupError as error:
                    self.problems.append(({"custodians": [custodian.name], **_named(reference)}, error))
                    if error.fault.name in ("custodian_unreachable", "custodian_refused"):
                        break
                    continue
                self.handed.setdefault(custodian.name, []).append(reference)

    def seal(self) -> None:
        """Seal what has no seal for today's key holders."""
        files: list[Any] = [each for each in self.every if each.TYPE == "vault_file" and not each.retired and each.name in self.there]
        by_kind: dict[str, list[str]] = {}
        for reference in self.references if files else ():
            kind = base.inner(reference).split("/")[0]
            by_kind.setdefault(kind if kind in EGCR_OF_KIND else "database", []).append(reference)
        for kind, references in by_kind.items():
            keys = [public_key(person) for person in policy.key_holders(self.rules, kind, self.today)]
            if not keys:
                continue
            from ..plugin_utils._custodians import seals  # only where there is somebody to seal to

            try:
                to = seals.recipients(keys, references[0])
            except BackupError as error:
                self.problems.append(({"kind": kind}, error))
                continue
            self.readers[kind] = [person["name"] for person in policy.key_holders(self.rules, kind, self.today)]
            for reference in references:
                self._seal_one(files, reference, to)

    def _seal_one(self, files: Iterable[Any], reference: str, to: Any) -> None:
        from ..plugin_utils._custodians import seals

        try:
            # a record is opened only when its seal is not the right one
            stale = [each for each in files if self._holds(each, reference) and not seals.is_for(each.seal(reference), to)]
            record = self._record(reference) if stale else None
            if record is not None:
                for name in custody.reseal(stale, record, to, self.simulated):
                    self.resealed.setdefault(name, []).append(reference)
        except BackupError as error:
            self.problems.append((_named(reference), error))

    def _holds(self, custodian: base.Custodian, reference: str) -> bool:
        return reference in self.there[custodian.name] or reference in self.handed.get(custodian.name, ())

    def _record(self, reference: str) -> base.Record | None:
        """The record as those who hold it agree on it; None when none of them gives it. What one says wrongly is a problem of its own."""
        if reference not in self.records:
            found: dict[str, base.Record] = {}
            for custodian in self.every:
                if reference in self.there.get(custodian.name, ()):
                    try:
                        record = custodian.get(reference)
                    except BackupError as error:
                        self.problems.append(({"custodians": [custodian.name], **_named(reference)}, error))
                        continue
                    found.update({custodian.name: record} if record else {})
            self.records[reference] = None     # they may not agree, which is told once
            self.records[reference] = custody.agreed(found, reference)
        return self.records[reference]

    @staticmethod
    def _given(custodian: base.Custodian, record: base.Record) -> bool:
        new = custodian.put(record)
        custody.confirm(custodian, record)
        return new

    def entries(self) -> Iterator[dict[str, Any]]:
        """One for each custodian and system that changed, or more when they are many; one for each problem; one for the check itself."""
        for changes, told in ((self.handed, "puestas en el custodio {0}, sin volver a cifrar ninguna copia"),
                              (self.resealed, "selladas de nuevo, en {0}, para {1}")):
            for name, references in changes.items():
                for page in _pages(references):
                    fields = _named(page[0])
                    readers = ", ".join(self.readers.get(fields.get("kind", ""), self.readers.get("database", ())))
                    fields.pop("label", None)
                    fields.pop("key_reference", None)
                    yield result.build(event="custody_updated", numeral="5.2", custodians=[name], key_references=page, objects=len(page),
                                       note_es=f"{_counted(len(page))} {told.format(name, readers)}", **fields)
        for fields, error in self.problems:
            yield result.build(event="custody_failed", numeral="5.2", **{**fields, **result.failure(error)})
        active = [each.name for each in self.every if not each.retired and each.name in self.there]
        yield result.build(event="custody_checked", numeral="5.2", custodians=active, objects=len(self.references),
                           note_es=f"{_counted(len(self.references))} en custodia; custodios: {', '.join(active) or 'ninguno responde'}")

    def lines(self) -> list[str]:
        """What was found and done, in Spanish."""
        would = self.simulated
        told = [f"Custodia: {_counted(len(self.references))}"]
        for custodian in self.every:
            state = " (retirado)" if custodian.retired else "" if custodian.required else " (no exigido)"
            there = self.there.get(custodian.name)
            told.append(f"    {custodian.name}{state}, {custodian.TYPE}: {'no responde' if there is None else _counted(len(there))}")
        for changes, done, future in ((self.handed, "recibió", "recibiría"), (self.resealed, "selló de nuevo", "sellaría de nuevo")):
            for name, references in changes.items():
                more = " ..." if len(references) > _MOST_TOLD else ""
                told.append(f"    {name} {future if would else done} {_counted(len(references))}: {', '.join(references[:_MOST_TOLD])}{more}")
        told += [f"    {error.code}: {error.spanish}" for _fields, error in self.problems]
        return told

    def difference(self) -> dict[str, str]:
        before = {name: set(held) for name, held in self.there.items()}
        after = {name: held | set(self.handed.get(name, ())) for name, held in before.items()}
        sealed = [f"{name}: {reference}, sellada para {len(self.readers)} tipos\n" for name, each in self.resealed.items() for reference in each]
        return {"before": _listed(before), "after": _listed(after) + "".join(sealed)}


def _listed(held: Mapping[str, Iterable[str]]) -> str:
    return "".join(f"{name}: {reference}\n" for name, references in held.items() for reference in sorted(references))


def _pages(references: list[str]) -> Iterator[list[str]]:
    """The references by system, and no more in an entry than people can read."""
    groups: dict[str, list[str]] = {}
    for reference in references:
        groups.setdefault(reference.rpartition("/")[0], []).append(reference)
    for group in groups.values():
        for start in range(0, len(group), _MOST_IN_AN_ENTRY):
            yield group[start:start + _MOST_IN_AN_ENTRY]


def _named(reference: str) -> dict[str, Any]:
    """The fields that say whose key a reference is, as far as it tells."""
    parts = base.inner(reference).split("/")
    told: dict[str, Any] = {"key_reference": reference}
    if len(parts) == 3 and parts[0] in result.KINDS:
        told.update(kind=parts[0], system=parts[1], label=parts[2])
    return told


def _counted(number: int) -> str:
    return "1 clave" if number == 1 else f"{number} claves"
