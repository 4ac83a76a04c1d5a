# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sealed copy gets its name, on all its media or on none, only while the run that records it is alive.

Publishing is a step of its own, so that when the controller was killed meanwhile - the server notices nothing of that - no copy gets a final name that no
entry of the bitácora tells of.
"""

from __future__ import annotations

import contextlib
import typing as t

from ansible.utils.display import Display

from ...module_utils._engine.copies import publishing as engine
from ...module_utils._engine.errors import BackupError
from ...module_utils._engine.restic import repositories
from ...module_utils._engine.result import failure
from .. import _keepers
from .._actions import failed
from .._bitacora import living, sealed
from .._bitacora.store import open_store, resolve_url
from .._tasks import is_cloud, slot_of
from .asking import EngineAction, run_module


def publish(action: EngineAction, arguments: dict[str, t.Any], told: dict[str, t.Any], clouds: dict[str, t.Any],
            task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
    """Publish on the server's own media, then on those that only the controller may: what was done is taken back when a later one fails.

    Raises BackupError interrupted when the controller was killed: the worker that does this dies with it.
    """
    with living.dying_with_controller(str(arguments["label"])):
        return _published(action, arguments, told, clouds, task_vars)


def _published(action: EngineAction, arguments: dict[str, t.Any], told: dict[str, t.Any], clouds: dict[str, t.Any],
               task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
    others = [medium for medium in arguments["media"] if not is_cloud(medium) and not _keepers.is_kept(medium)]
    slot, digest = slot_of(arguments), arguments["sha256"]
    published: dict[str, t.Any] = {"changed": False}
    # first, since without the controller's key nothing is to be given a name anywhere
    with _keepers.opened(arguments["media"]) as kept:
        if others:
            published = action.module("backup_publish", dict(arguments, media=others, sealed={}), task_vars)
        if published.get("failed"):
            return published
        there, named = published["changed"], False
        try:
            named = engine.publish(slot, digest, kept)
            published["changed"] = named or published["changed"]
            if clouds:
                from . import clouds as _clouds  # only a play with such a medium pays for it

                published["changed"] = _clouds.publish(slot, digest, clouds, arguments["sealed"], told) or published["changed"]
        except BackupError as error:
            if named:
                engine.withdraw(slot, kept)
            if others and there:
                action.module("backup_publish", dict(arguments, media=others, sealed={}, state="sealed"), task_vars)
            return dict(failed(error), backup=failure(error))
    return published


def tell_sealed(told: t.Mapping[str, t.Any], task_vars: t.Mapping[str, t.Any]) -> None:
    """That this copy is about to get its name: should this run die before its entry, the next one knows by the digest what it finds.

    A store that goes away just now stops no copy, as its entry waits in the journal then; it is told.
    """
    try:
        sealed.record(told, str(task_vars.get("inventory_hostname") or ""))
    except BackupError as error:
        Display().warning(f"{told.get('label')}: {error.code}: la bitácora no pudo asentar el sello antes de publicar la copia: {error.spanish}")


def not_published(made: t.Mapping[str, t.Any], published: t.Mapping[str, t.Any], event: str) -> dict[str, t.Any]:
    """The entry of a copy that was made whole and got no name: what is known of it, and why."""
    why = published.get("backup") or {}
    return {**made, **{name: why[name] for name in why if name.startswith("error_")}, "event": event}


class PublishAction(EngineAction):
    """Give a sealed copy its final name: on the server where its media are the server's, from here where they are a cloud."""

    CHANGES = True

    def work(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        media = arguments.get("media") or ()
        if not self._task.check_mode and arguments.get("state", "published") == "published":
            named = {name: arguments.get(name) for name in ("label", "system", "kind", "sha256")}
            tell_sealed({**(arguments.get("record") or {}), **named, "medium": ", ".join(str(medium.get("name")) for medium in media)}, task_vars)
        if not any(is_cloud(medium) or _keepers.is_kept(medium) for medium in media):
            return self.module("backup_publish", arguments, task_vars)
        told: dict[str, t.Any] = dict(arguments.get("record") or {})
        clouds: dict[str, t.Any] = {}
        with contextlib.ExitStack() as stack:
            if any(map(is_cloud, media)):
                from . import clouds as _clouds  # only a play with such a medium pays for it

                clouds = stack.enter_context(_clouds.accounts(media))
            if self._task.check_mode:
                slot, kept = slot_of(arguments), stack.enter_context(_keepers.opened(media))
                there = [slot.label in medium.labels(slot.kind, slot.system) for medium in [*(account.medium for account in clouds.values()), *kept]]
                return {"changed": not all(there)}
            published = publish(self, dict(arguments, sealed=arguments.get("sealed") or {}), told, clouds, task_vars)
        if not published.get("failed"):
            named = {name: arguments[name] for name in ("label", "system", "kind", "sha256")}
            published["backup"] = dict(told, event="copy_made", **named)
        return published


class TransferAction(EngineAction):
    """Write a copy onto another medium: sealed where the play runs, published while this run lives."""

    CHANGES = True
    FAILURE_EVENT = "transfer_failed"

    def work(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
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
                published = publish(self, aimed, made["backup"], clouds, task_vars)
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
