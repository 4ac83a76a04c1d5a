# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies onto another medium: one in a task, or several of a kind from one medium to another."""

from __future__ import annotations

import contextlib
import typing as t
from collections.abc import Mapping, Sequence

from ansible.errors import AnsibleError

from ...module_utils._engine.errors import BackupError
from ...module_utils._engine.restic import repositories
from .. import _forms, _keepers
from .._bitacora import living, sealed
from .._bitacora.store import open_store, resolve_url
from .._tasks import is_cloud, slot_of
from . import several, stocked
from .asking import EngineAction, run_module
from .publishing import not_published, publish


class TransferAction(EngineAction):
    """Write copies onto another medium: sealed where the play runs, published while this run lives."""

    CHANGES = True
    FAILURE_EVENT = "transfer_failed"

    def work(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        if arguments.get("copies") is None:
            return self._alone(_with_known([arguments])[0], task_vars)
        rows = _with_known(several.rows_of(arguments))
        if len(rows) > 1 and may_go_together(str(arguments.get("kind")), [arguments.get("source"), arguments.get("medium")]):
            return several.result_of(self, self._together(rows, task_vars))
        return several.result_of(self, self._one_by_one(rows, task_vars))

    def failures(self, error: BackupError) -> t.Any:
        rows = self._task.args.get("copies")
        if not isinstance(rows, (list, tuple)):
            return super().failures(error)
        shared = {name: value for name, value in self._task.args.items() if name != "copies"}
        return [self.failure(error, {**row, **shared}) for row in rows if isinstance(row, Mapping)]

    def _one_by_one(self, rows: list[several.Row], task_vars: dict[str, t.Any]) -> list[several.Row]:
        results: list[several.Row] = []
        for row in rows:
            try:
                results.append(several.caught(self, row, self._alone, _with_key(row), task_vars))
            except AnsibleError as error:
                # as in _together: what has its name already has its entry, and of the others it is told that they were not carried
                if not results:
                    raise
                return results + [self._lost(each, error) for each in rows[len(results):]]
        return results

    def _together(self, rows: list[several.Row], task_vars: dict[str, t.Any]) -> list[several.Row]:
        """Carried by one start of the module on the server, and named by another one; what is slow takes more."""
        shared = {name: rows[0].get(name) for name in ("kind", "source", "medium", "lock_timeout") if rows[0].get(name) is not None}
        results = [several.caught(self, row, dict) for row in rows]
        left, asked = [place for place, result in enumerate(results) if not result], False
        while left:
            try:
                made = several.ask(self, "backup_transfer", shared, [rows[place] for place in left], task_vars)
            except AnsibleError as error:
                # a server out of reach leaves the play, unless there are entries of what it did already
                if not asked:
                    raise
                made = [self._lost(rows[place], error) for place in left]
            carried, asked = [], True
            for place, told in zip(left, made):
                results[place] = told
                if (told.get("error") or {}).get("name") == "label_taken" and not self._task.check_mode:
                    results[place] = self._looked_at(rows[place], told, task_vars)
                elif not told.get("failed") and not self._task.check_mode:
                    carried.append(place)
            if carried:
                self._name(rows, results, carried, task_vars)
            left = left[len(made):]
        return results

    def _looked_at(self, row: several.Row, refused: several.Row, task_vars: dict[str, t.Any]) -> several.Row:
        """What came of a copy whose label was taken: a server that goes away meanwhile hides nothing of the others."""
        try:
            return several.caught(self, row, self._there_already, row, {}, refused, task_vars)
        except AnsibleError as error:
            return self._lost(row, error)

    def _name(self, rows: list[several.Row], results: list[several.Row], carried: list[int], task_vars: dict[str, t.Any]) -> None:
        """Publish what was carried, while this run lives."""
        aimed = [{**{name: rows[place][name] for name in ("label", "system")}, "sha256": results[place]["backup"]["sha256"],
                  "sealed": results[place].pop("sealed", {})} for place in carried]
        try:
            with living.dying_with_controller(str(aimed[0]["label"])):
                named = several.ask(self, "backup_publish", {"kind": rows[0]["kind"], "media": [rows[0]["medium"]]}, aimed, task_vars)
        except BackupError as error:
            named = [several.failed_with(self, row, error) for row in aimed]
        except AnsibleError as error:
            named = [self._lost(row, error) for row in aimed]
        # one that the server left out has not got its name, as far as is known
        named += [self._lost(row, "it did not answer about its name") for row in aimed[len(named):]]
        for place, done in zip(carried, named):
            made = results[place]
            results[place] = dict(done, backup=not_published(made["backup"], done, "transfer_failed")) if done.get("failed") else \
                dict(made, backup={**made["backup"], "event": "copy_transferred"})

    def _lost(self, row: several.Row, why: object) -> several.Row:
        return several.failed_with(self, row, BackupError("no_answer", label=str(row["label"]), detail=_forms.line(str(why), 400)))

    def _alone(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        source, target = arguments.get("source") or {}, arguments.get("medium") or {}
        with contextlib.ExitStack() as stack:
            clouds: dict[str, t.Any] = {}
            given = dict(arguments, decryption=self.decryption(arguments, task_vars) if arguments.get("kind") == repositories.KIND else {})
            slot, named = slot_of(arguments), self.repositories_of(arguments, task_vars)
            stack.enter_context(_keepers.reading(self, task_vars, slot, named, [source]))
            stack.enter_context(_keepers.making(self, task_vars, slot, named, [target]))
            if is_cloud(source) or is_cloud(target):
                from . import clouds as _clouds  # only a play with such a medium pays for it

                clouds = stack.enter_context(_clouds.accounts([target]))
                if is_cloud(source):
                    given["source"] = stack.enter_context(_clouds.reading(self, dict(arguments, medium=source)))
                if is_cloud(target):
                    aimed = dict(arguments, media=[target])
                    given["medium"] = stack.enter_context(_clouds.depositing(self, aimed, clouds, self._task.check_mode, True))[0]
            for anew in (False, True):
                if anew:
                    given["medium"]["session"]["anew"] = True
                made = run_module(self, "backup_transfer", given, task_vars)
                if (made.get("error") or {}).get("name") == "label_taken" and not self._task.check_mode:
                    return self._there_already(arguments, given, made, task_vars)
                if made.get("failed") or self._task.check_mode:
                    return made
                if not (made.get("backup") or {}).get("sha256"):
                    raise BackupError("answer_unreadable", server=str(task_vars.get("inventory_hostname") or ""), module="backup_transfer",
                                      detail="it does not name the digest of the copy")
                aimed = {name: arguments[name] for name in ("label", "system", "kind")}
                aimed.update(media=[target], sha256=made["backup"]["sha256"], sealed=made.pop("sealed", {}))
                try:
                    published = publish(self, aimed, made["backup"], clouds, task_vars)
                except AnsibleError as error:
                    # it may have its name by now: no way out of here is without an entry
                    published = self._lost(arguments, error)
                # once more when a server's own note told of blocks that the service had forgotten
                if not clouds or (published.get("error") or {}).get("name") != "blocks_lost":
                    break
        if published.get("failed"):
            return dict(published, backup=not_published(made["backup"], published, "transfer_failed"))
        return dict(made, backup=dict(made["backup"], event="copy_transferred"))

    def _there_already(self, arguments: dict[str, t.Any], given: dict[str, t.Any], refused: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """The very copy may stand there already, of a run that died before its entry: read whole and found the same, it is what was to be carried.

        What is other, can't be read, or of which the bitácora says something there already (damage), is the refusal that it was.
        """
        with open_store(resolve_url(), readonly=True) as store:
            if sealed.is_told_on(store, str(arguments["kind"]), str(arguments["system"]), str(arguments["label"]), str(arguments["medium"].get("name"))):
                return refused
        read = self.module("backup_verify", {
            **{name: arguments[name] for name in ("label", "system", "kind", "sha256", "medium")}, "level": "T1", "decryption": given.get("decryption") or {},
            "record": arguments.get("record") or {}}, task_vars)
        told = read.get("backup") or {}
        if read.get("failed") or told.get("sha256") != arguments["sha256"]:
            return refused
        return dict(changed=False, backup={**told, "event": "copy_transferred", "trust_level": str(arguments.get("trust_level") or "T1"),
                                           "note_es": "Ya estaba entera en el medio, con la misma huella: la llevó una ejecución que no llegó a asentarlo"})


def may_go_together(kind: str, media: Sequence[t.Any]) -> bool:
    """Whether several copies of a kind may go from one of these media to the other by one start of the module.

    The controller's identity of a cloud, its leave on a medium that servers only add to, and the password of a repository are of one copy each.
    """
    return kind != repositories.KIND and not any(is_cloud(medium) or _keepers.is_kept(medium) for medium in media)


def _with_known(rows: Sequence[several.Row]) -> list[several.Row]:
    """The arguments of copies, each with whether the target is known to hold others of its system: the directory it lost must not be made anew beside."""
    known: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        of = str(row.get("kind")), str(row.get("system"))
        if of not in known:
            known[of] = stocked.known_among(*of, str((row.get("medium") or {}).get("name")))
    return [{**row, "record": {**(row.get("record") or {}), "known_on": known[str(row.get("kind")), str(row.get("system"))]}} for row in rows]


def _with_key(row: several.Row) -> several.Row:
    """The arguments of one copy, with the key that its entry names."""
    opening = dict(row.get("decryption") or {})
    opening["key_reference"] = opening.get("key_reference") or (row.get("record") or {}).get("key_reference") or ""
    return {**row, "decryption": opening}
