# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's side of the modules that make or open copies: the password comes from custody, and a copy is published
only while the run that records it is alive.

A module that makes a copy seals it on the server. Publishing is a step of its own, so that when the controller was killed
meanwhile - the server notices nothing of that - no copy gets a final name that no entry of the bitácora tells of.
"""

from __future__ import annotations

import abc
import contextlib
import os
import typing as t

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase

from ..module_utils._engine import label
from ..module_utils._engine.errors import BackupError
from ..module_utils._engine.result import failure
from . import _custody
from ._actions import failed
from ._bitacora.store import open_store, resolve_url

_COLLECTION = "perucompras.respaldo."


class _EngineAction(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        try:
            result.update(self.work(dict(self._task.args), task_vars or {}))
        except BackupError as error:
            result.update(failed(error), backup=self._failure(error))
        return result

    @abc.abstractmethod
    def work(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """The task itself: its arguments in, its result out. May raise BackupError."""

    def module(self, name: str, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        # What holds secrets goes to the server's Python by its standard input; a file there would outlive a run that is killed.
        with contextlib.suppress(KeyError, AnsibleError):
            self._connection.set_option("pipelining", True)
        return self._execute_module(module_name=_COLLECTION + name, module_args=arguments, task_vars=task_vars)

    def key_reference(self, arguments: t.Mapping[str, t.Any]) -> str:
        named = label.parse(str(arguments.get("label")))
        return _custody.reference(str(arguments.get("kind")), named.system, named.name)

    FAILURE_EVENT = "copy_failed"

    def _failure(self, error: BackupError) -> dict[str, t.Any]:
        told = {name: str(self._task.args.get(name) or "") for name in ("label", "system", "kind")}
        record = self._task.args.get("record")
        return dict(record if isinstance(record, t.Mapping) else {}, event=self.FAILURE_EVENT, **told, **failure(error))


class CopyAction(_EngineAction):
    """Make a copy: password into custody, seal on the server, publish while this run lives."""

    def work(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        encryption, custody = _custody.take(arguments.get("encryption"))
        if custody and not self._task.check_mode:
            encryption["key_reference"] = encryption.get("key_reference") or self.key_reference(arguments)
            encryption["password"] = encryption.get("password") or _custody.keep(self._loader, custody, encryption["key_reference"])
        elif custody:
            encryption["password"] = encryption.get("password") or "not generated in check mode"
        arguments["encryption"] = encryption
        arguments["record"] = {**(arguments.get("record") or {}), "known_on": _known_on(str(arguments.get("kind")), str(arguments.get("system")))}
        wanted = arguments.get("publish", True)
        made = self.module(self._task.action.rpartition(".")[2], dict(arguments, publish=False), task_vars)
        if made.get("failed") or self._task.check_mode or not _true(wanted):
            return made
        if not _controller_lives():
            raise BackupError("interrupted", label=arguments["label"])
        given = {name: arguments[name] for name in ("label", "system", "kind", "media")}
        published = self.module("backup_publish", dict(given, sha256=made["backup"]["sha256"]), task_vars)
        if published.get("failed"):
            published["backup"] = dict(made["backup"], **published.get("backup", {}))
            return published
        return dict(made, published=True, backup=dict(made["backup"], event="copy_made"))


class OpenAction(_EngineAction):
    """Open a copy: its password comes from custody when the task gives none."""

    def work(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        decryption, custody = _custody.take(arguments.get("decryption"))
        reference = decryption.get("key_reference") or self.key_reference(arguments)
        needed = not (decryption.get("password") or decryption.get("private_keys"))
        if custody and needed and (decryption.get("key_reference") or _custody.holds(custody, reference)):
            decryption["password"] = _custody.reveal(self._loader, custody, reference)
        arguments["decryption"] = decryption
        return self.module(self._task.action.rpartition(".")[2], arguments, task_vars)


class PlainAction(_EngineAction):
    """The module as it is; it may be given secrets, so it is always pipelined."""

    def work(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        return self.module(self._task.action.rpartition(".")[2], arguments, task_vars)


class PruneAction(PlainAction):
    FAILURE_EVENT = "prune_failed"


class RestoreAction(OpenAction):
    FAILURE_EVENT = "restore_failed"


class VerifyAction(OpenAction):
    FAILURE_EVENT = "verification_failed"


def _known_on(kind: str, system: str) -> list[str]:
    """The media that hold the last good copy of a system: one of them without a trace of it is not mounted, and must not be filled beside."""
    with contextlib.suppress(BackupError), open_store(resolve_url(), readonly=True) as store:
        return list((store.last_good(kind, system, "T0") or {"media": []})["media"])
    return []


def _true(value: t.Any) -> bool:
    return value if isinstance(value, bool) else str(value).lower() not in ("false", "no", "off", "0", "n", "f")


def _controller_lives() -> bool:
    """Whether the process that started this worker still runs; the callback tells its pid, a worker's parent is it."""
    controller = os.environ.get("RESPALDO_CONTROLLER_PID", "")
    return not controller or os.getppid() == int(controller)
