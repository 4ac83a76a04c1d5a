# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The actions of modules that make copies: the password goes into custody, the copy is sealed on the server and published from here (publishing.py)."""

from __future__ import annotations

import datetime
import os
import typing as t

from ...module_utils._engine import label, remarks
from ...module_utils._engine.errors import BackupError
from ...module_utils._engine.processes import hooks
from ...module_utils._engine.remarks import Remark
from ...module_utils._engine.restic import names, repositories
from .. import _forms, _keepers
from .._actions import show
from .._bitacora import lasting, rekeyed, rivals
from .._bitacora.store import open_store, resolve_url
from .._custodians import custody as _custody
from .._tasks import is_cloud, is_true, slot_of
from . import answers, stocked
from .asking import EngineAction
from .publishing import not_published, publish, tell_sealed


class CopyAction(EngineAction):
    """Make a copy: password into custody, seal on the server, publish while this run lives."""

    CHANGES = True

    def __init__(self, *given: t.Any, **named: t.Any) -> None:
        super().__init__(*given, **named)
        self._hooks = hooks.Told()

    def work(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        left = "" if self._task.check_mode else _left_to_another(arguments)
        if left:
            show(left)
            return {"changed": False, "yielded": True, "backup": {**(arguments.get("record") or {}), "event": "copy_not_due", "note_es": left}}
        encryption, custody = _custody.take(arguments.get("encryption"))
        told: dict[str, t.Any] = {}
        warnings: list[Remark] = []
        if custody:
            own = self.key_reference(arguments)
            if encryption.get("key_reference") not in (None, "", own):
                raise BackupError("key_foreign", reference=_forms.line(encryption["key_reference"], 200), label=str(arguments.get("label")), own=own)
        if custody and not self._task.check_mode:
            encryption["key_reference"] = own
            if not encryption.get("password"):
                kept = _custody.store(self._loader, custody, encryption["key_reference"], encryption.get("recipients") or ())
                encryption["password"], warnings = kept.record.password, kept.warnings
                told = {"key_id": kept.record.key_id, "custodians": kept.custodians}
        elif custody:
            encryption["password"] = encryption.get("password") or "not generated in check mode"
        arguments["encryption"] = encryption
        arguments["record"] = {**(arguments.get("record") or {}), **told, **stocked.told(
            str(arguments.get("kind")), str(arguments.get("system")), arguments.get("media") or (), str(task_vars.get("inventory_hostname") or ""))}
        made = self._made(arguments, task_vars)
        return {**made, "warnings": [*made.get("warnings", ()), *(each.in_both for each in warnings)]} if warnings else made

    def key_reference(self, arguments: t.Mapping[str, t.Any]) -> str:
        """Where custody keeps the password of the copy that is made."""
        named, kind = label.parse(str(arguments.get("label"))), str(arguments.get("kind"))
        return _custody.reference(kind, named.system, names.CUSTODY_NAME if kind == repositories.KIND else named.name)

    def _made(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        if not any(is_cloud(medium) for medium in arguments.get("media") or ()):
            return self._published(arguments, self._between_hooks(arguments, arguments.get("media"), task_vars), {}, task_vars)
        from . import clouds as _clouds  # only a play with such a medium pays for it

        with _clouds.accounts(arguments["media"]) as clouds:
            with _clouds.depositing(self, arguments, clouds, self._task.check_mode) as media:
                made = self._between_hooks(arguments, media, task_vars)
            return self._published(arguments, made, clouds, task_vars)

    def _between_hooks(self, arguments: dict[str, t.Any], media: t.Any, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Seal it between the commands of the system that run on the controller; those of the server are the module's (_tasks/hooked.py)."""
        own = hooks.of(arguments.get("hooks"), "controller")
        theirs, system = dict(arguments, hooks=hooks.without(arguments.get("hooks"), "controller")), str(arguments.get("system"))
        if self._task.check_mode:
            hooks.check(own, system)
            return self._sealed(theirs, media, task_vars)
        about = hooks.About(str(arguments.get("kind")), system, str(arguments.get("label")), int(arguments.get("lock_timeout") or 0))
        with hooks.around(own, about, self._hooks, lasting.of_marks() if own else ""):
            made = self._sealed(theirs, media, task_vars)
            self._hooks.good = not made.get("failed")
        if not self._hooks.rows and not self._hooks.remarks:
            return made
        warned = [*made.get("warnings", ()), *(each.in_both for each in self._hooks.remarks)]
        return {**made, "backup": self._with_hooks(made.get("backup") or {}), **({"warnings": warned} if warned else {})}

    def _with_hooks(self, entry: dict[str, t.Any]) -> dict[str, t.Any]:
        """An entry with what became of the controller's own commands."""
        told = {**remarks.fields(self._hooks.remarks), **({"hooks": self._hooks.rows} if self._hooks.rows else {})}
        return {**entry, **{name: [*(entry.get(name) or ()), *rows] for name, rows in told.items()}}

    def failure(self, error: BackupError, arguments: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        return self._with_hooks(super().failure(error, arguments))

    def _sealed(self, arguments: dict[str, t.Any], media: t.Any, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        with _keepers.making(self, task_vars, slot_of(arguments), self.repositories_of(arguments, task_vars), media or ()):
            return self.module(self._task.action.rpartition(".")[2], dict(arguments, media=media, publish=False), task_vars)

    def _published(self, arguments: dict[str, t.Any], made: dict[str, t.Any], clouds: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        if made.get("failed") or self._task.check_mode or not is_true(arguments.get("publish", True)):
            return made
        tell_sealed(made["backup"], task_vars)
        given = {name: arguments[name] for name in ("label", "system", "kind", "media")}
        published = publish(self, dict(given, sha256=made["backup"]["sha256"], sealed=made.pop("sealed", {})), made["backup"], clouds, task_vars)
        if published.get("failed"):
            return dict(published, backup=not_published(made["backup"], published, "copy_failed"))
        return dict(made, published=True, backup=dict(made["backup"], event="copy_made"))


class FilesAction(CopyAction):
    """Make a copy of a file server: one password for its repository, generated once, kept under the repository's name."""

    def work(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        arguments["server"] = arguments.get("server") or str(task_vars.get("inventory_hostname") or "")
        encryption, custody = _custody.take(arguments.get("encryption"))
        reference = self.key_reference(arguments)
        known = stocked.known_on(str(arguments.get("kind")), str(arguments.get("system")))
        if custody and known and not encryption.get("password") and not _custody.holds(custody, reference, self._loader):
            # a new password would open nothing that is there
            raise BackupError("custody_unavailable", label=reference, detail="its repository exists, and custody does not hold its password; bring the "
                              "custody directory back from its copy, or take the second key, which its holders can open")
        return super().work(arguments, task_vars)

    def _sealed(self, arguments: dict[str, t.Any], media: t.Any, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        made = super()._sealed(arguments, media, task_vars)
        if (made.get("error") or {}).get("name") == "copy_partial":
            _keepers.mark_partial(arguments.get("media") or (), slot_of(arguments), answers.repository_of(arguments),
                                  str(arguments["encryption"].get("password") or ""))
        return made

    def key_reference(self, arguments: t.Mapping[str, t.Any]) -> str:
        return rekeyed.in_force(_custody.reference(str(arguments.get("kind")), answers.repository_of(arguments), names.CUSTODY_NAME))


def _left_to_another(arguments: t.Mapping[str, t.Any]) -> str:
    """Why a scheduled copy is left to a run whose start of it was written before ours; "" when it is not, or nobody schedules it."""
    run, record = os.environ.get("RESPALDO_RUN_ID"), arguments.get("record") or {}
    if not run or record.get("reason") not in rivals.YIELDING:
        return ""
    with open_store(resolve_url(), readonly=True) as store:
        return rivals.rival(store, run, str(arguments.get("kind")), str(arguments.get("system")), str(arguments.get("label")),
                            datetime.datetime.now(datetime.timezone.utc))
