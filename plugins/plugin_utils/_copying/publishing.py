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
from ...module_utils._engine.result import failure
from .. import _keepers
from .._actions import failed
from .._bitacora import living, sealed
from .._tasks import is_cloud, slot_of
from .asking import EngineAction


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
        if arguments.get("copies") is not None:
            raise BackupError("invalid_input", where="copies", value="...", problem="is given by backup_transfer alone",
                              mend="Name one copy in each task: label, system, sha256.")
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
