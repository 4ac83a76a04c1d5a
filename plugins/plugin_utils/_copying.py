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
import datetime
import os
import typing as t

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase

from ..module_utils._engine import files, label, repositories
from ..module_utils._engine.errors import BackupError
from ..module_utils._engine.result import failure
from . import _custody
from ._actions import failed
from ._bitacora.store import open_store, resolve_url

_COLLECTION = "perucompras.respaldo."


# restic numbers parts of the data by one byte of their names.
_MOST_PARTS = 255

# What is done to a medium as a whole, by whoever may list and remove there.
_LOOKING_AFTER = ("backup_info", "backup_prune")


def is_cloud(medium: t.Any) -> bool:
    """Whether a medium is one that only the controller has an identity for."""
    return isinstance(medium, t.Mapping) and medium.get("type") == "azure_blob"


def _run(action: ActionBase, name: str, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
    with contextlib.suppress(KeyError, AnsibleError):
        action._connection.set_option("pipelining", True)
    return action._execute_module(module_name=_COLLECTION + name, module_args=arguments, task_vars=task_vars)


def run_module(action: ActionBase, name: str, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
    """A module of ours on the server, by its standard input, for actions that are none of copies."""
    return _run(action, name, arguments, task_vars)


class _EngineAction(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = False
    RECORDED = True      # whether an error of this action is an event of a copy

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        try:
            result.update(self.work(dict(self._task.args), task_vars or {}))
        except BackupError as error:
            result.update(failed(error), **({"backup": self._failure(error)} if self.RECORDED else {}))
        return result

    @abc.abstractmethod
    def work(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """The task itself: its arguments in, its result out. May raise BackupError."""

    def module(self, name: str, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        # What holds secrets goes to the server's Python by its standard input; a file there would outlive a run that is killed.
        if is_cloud(arguments.get("medium")):
            return self._module_in_cloud(name, arguments, task_vars)
        return _run(self, name, arguments, task_vars)

    def run_there(self, name: str, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """The module on the server, with the arguments as they are."""
        return _run(self, name, arguments, task_vars)

    def _module_in_cloud(self, name: str, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """A module that reads a copy gets signatures for it on the server; one that looks after the medium runs here, with the identity."""
        from . import _clouds  # only a play with such a medium pays for it

        if name in _LOOKING_AFTER:
            with _clouds.keeping(arguments["medium"]) as medium:
                local, variables = _clouds.here(self, task_vars)
                return _run(local, name, dict(arguments, medium=medium), variables)
        with _clouds.reading(self, arguments) as medium:
            return _run(self, name, dict(arguments, medium=medium), task_vars)

    def key_reference(self, arguments: t.Mapping[str, t.Any]) -> str:
        named, kind = label.parse(str(arguments.get("label"))), str(arguments.get("kind"))
        return _custody.reference(kind, named.system, files.CUSTODY_NAME if kind == repositories.KIND else named.name)

    def decryption(self, arguments: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """What opens a copy, its password out of custody when the task gives none."""
        decryption, custody = _custody.take(arguments.get("decryption"))
        reference = decryption.get("key_reference") or self.key_reference(arguments)
        needed = not (decryption.get("password") or decryption.get("private_keys"))
        if custody and needed and (decryption.get("key_reference") or _custody.holds(custody, reference, self._loader)):
            only = list((arguments.get("decryption") or {}).get("custodians") or ())
            if only:
                arguments["record"] = {**(arguments.get("record") or {}), "key_reference": reference, "custodians": only}
            decryption["password"] = _custody.reveal(self._loader, custody, reference, only)
        return decryption

    FAILURE_EVENT = "copy_failed"

    def _failure(self, error: BackupError) -> dict[str, t.Any]:
        told = {name: str(self._task.args.get(name) or "") for name in ("label", "system", "kind")}
        record = self._task.args.get("record")
        return dict(record if isinstance(record, t.Mapping) else {}, event=self.FAILURE_EVENT, **told, **failure(error))


class CopyAction(_EngineAction):
    """Make a copy: password into custody, seal on the server, publish while this run lives."""

    def work(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        encryption, custody = _custody.take(arguments.get("encryption"))
        told: dict[str, t.Any] = {}
        warnings: list[str] = []
        if custody and not self._task.check_mode:
            encryption["key_reference"] = encryption.get("key_reference") or self.key_reference(arguments)
            if not encryption.get("password"):
                kept = _custody.store(self._loader, custody, encryption["key_reference"], encryption.get("recipients") or ())
                encryption["password"], warnings = kept.record.password, kept.warnings
                told = {"key_id": kept.record.key_id, "custodians": kept.custodians}
        elif custody:
            encryption["password"] = encryption.get("password") or "not generated in check mode"
        arguments["encryption"] = encryption
        arguments["record"] = {**(arguments.get("record") or {}), **told, "known_on": _known_on(str(arguments.get("kind")), str(arguments.get("system")))}
        made = self._made(arguments, task_vars)
        return {**made, "warnings": [*made.get("warnings", ()), *warnings]} if warnings else made

    def _made(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        if not any(is_cloud(medium) for medium in arguments.get("media") or ()):
            return self._published(arguments, self._sealed(arguments, arguments.get("media"), task_vars), {}, task_vars)
        from . import _clouds  # only a play with such a medium pays for it

        with _clouds.accounts(arguments["media"]) as clouds:
            with _clouds.depositing(self, arguments, clouds, self._task.check_mode) as media:
                made = self._sealed(arguments, media, task_vars)
            return self._published(arguments, made, clouds, task_vars)

    def _sealed(self, arguments: dict[str, t.Any], media: t.Any, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        return self.module(self._task.action.rpartition(".")[2], dict(arguments, media=media, publish=False), task_vars)

    def _published(self, arguments: dict[str, t.Any], made: dict[str, t.Any], clouds: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        if made.get("failed") or self._task.check_mode or not _true(arguments.get("publish", True)):
            return made
        if not _controller_lives():
            raise BackupError("interrupted", label=arguments["label"])
        given = {name: arguments[name] for name in ("label", "system", "kind", "media")}
        published = publish(self, dict(given, sha256=made["backup"]["sha256"], sealed=made.pop("sealed", {})), made["backup"], clouds, task_vars)
        if published.get("failed"):
            published["backup"] = dict(made["backup"], **published.get("backup", {}))
            return published
        return dict(made, published=True, backup=dict(made["backup"], event="copy_made"))


class FilesAction(CopyAction):
    """Make a copy of a file server: one password for its repository, generated once, kept under the repository's name."""

    def work(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        arguments["server"] = arguments.get("server") or str(task_vars.get("inventory_hostname") or "")
        encryption, custody = _custody.take(arguments.get("encryption"))
        reference = self.key_reference(arguments)
        known = _known_on(str(arguments.get("kind")), str(arguments.get("system")))
        if custody and known and not encryption.get("password") and not _custody.holds(custody, reference, self._loader):
            # a new password would open nothing that is there
            raise BackupError("custody_unavailable", label=reference, detail="its repository exists, and custody does not hold its password; bring the "
                              "custody directory back from its copy, or take the second key, which its holders can open")
        return super().work(arguments, task_vars)

    def key_reference(self, arguments: t.Mapping[str, t.Any]) -> str:
        source, record = arguments.get("source") or {}, arguments.get("record") or {}
        name = files.repository_name(str(source.get("repository") or "system"), str(arguments.get("system")), str(arguments.get("server") or ""),
                                     str(record.get("office") or ""))
        return _custody.reference(str(arguments.get("kind")), name, files.CUSTODY_NAME)


def publish(action: _EngineAction, arguments: dict[str, t.Any], told: dict[str, t.Any], clouds: dict[str, t.Any],
            task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
    """Publish on the server's own media, then in the clouds: what the server did is taken back when a cloud fails."""
    others = [medium for medium in arguments["media"] if not is_cloud(medium)]
    published: dict[str, t.Any] = {"changed": False}
    if others:
        published = action.module("backup_publish", dict(arguments, media=others, sealed={}), task_vars)
    if published.get("failed") or not clouds:
        return published
    from . import _clouds  # only a play with such a medium pays for it

    try:
        published["changed"] = _clouds.publish(_clouds.slot_of(arguments), arguments["sha256"], clouds, arguments["sealed"], told) or published["changed"]
    except BackupError as error:
        if others and published["changed"]:
            action.module("backup_publish", dict(arguments, media=others, sealed={}, state="sealed"), task_vars)
        return dict(failed(error), backup=failure(error))
    return published


class PublishAction(_EngineAction):
    """Give a sealed copy its final name: on the server where its media are the server's, from here where they are a cloud."""

    def work(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        if not any(is_cloud(medium) for medium in arguments.get("media") or ()):
            return self.module("backup_publish", arguments, task_vars)
        from . import _clouds  # only a play with such a medium pays for it

        told = dict(arguments.get("record") or {})
        with _clouds.accounts(arguments["media"]) as clouds:
            if self._task.check_mode:
                slot = _clouds.slot_of(arguments)
                there = [slot.label in account.medium.labels(slot.kind, slot.system) for account in clouds.values()]
                return {"changed": not all(there)}
            published = publish(self, dict(arguments, sealed=arguments.get("sealed") or {}), told, clouds, task_vars)
        if not published.get("failed"):
            named = {name: arguments[name] for name in ("label", "system", "kind", "sha256")}
            published["backup"] = dict(told, event="copy_made", **named)
        return published


class TransferAction(_EngineAction):
    """Write a copy onto another medium: sealed where the play runs, published while this run lives."""

    FAILURE_EVENT = "transfer_failed"

    def work(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        source, target = arguments.get("source") or {}, arguments.get("medium") or {}
        with contextlib.ExitStack() as stack:
            clouds: dict[str, t.Any] = {}
            given = dict(arguments, decryption=self.decryption(arguments) if arguments.get("kind") == repositories.KIND else {})
            if is_cloud(source) or is_cloud(target):
                from . import _clouds  # only a play with such a medium pays for it

                clouds = stack.enter_context(_clouds.accounts([target]))
                if is_cloud(source):
                    given["source"] = stack.enter_context(_clouds.reading(self, dict(arguments, medium=source)))
                if is_cloud(target):
                    aimed = dict(arguments, media=[target])
                    given["medium"] = stack.enter_context(_clouds.depositing(self, aimed, clouds, self._task.check_mode, True))[0]
            for anew in (False, True):
                if anew:
                    given["medium"]["session"]["anew"] = True
                made = _run(self, "backup_transfer", given, task_vars)
                if made.get("failed") or self._task.check_mode:
                    return made
                if not _controller_lives():
                    raise BackupError("interrupted", label=arguments["label"])
                aimed = {name: arguments[name] for name in ("label", "system", "kind")}
                aimed.update(media=[target], sha256=made["backup"]["sha256"], sealed=made.pop("sealed", {}))
                published = publish(self, aimed, made["backup"], clouds, task_vars)
                # once more when a server's own note told of blocks that the service had forgotten
                if not clouds or (published.get("error") or {}).get("name") != "blocks_lost":
                    break
        if published.get("failed"):
            return dict(published, backup=dict(made["backup"], **{**published.get("backup", {}), "event": "transfer_failed"}))
        return dict(made, backup=dict(made["backup"], event="copy_transferred"))


class OpenAction(_EngineAction):
    """Open a copy: its password comes from custody when the task gives none."""

    def work(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        arguments["decryption"] = self.decryption(arguments)
        return self.module(self._task.action.rpartition(".")[2], arguments, task_vars)


class PlainAction(_EngineAction):
    """The module as it is; it may be given secrets, so it is always pipelined."""

    def work(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        return self.module(self._task.action.rpartition(".")[2], arguments, task_vars)


class PruneAction(OpenAction):
    """Remove copies; those that share a repository need its password."""

    FAILURE_EVENT = "prune_failed"

    def work(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        if arguments.get("kind") == repositories.KIND:
            return super().work(arguments, task_vars)
        return self.module("backup_prune", arguments, task_vars)


class RestoreAction(OpenAction):
    FAILURE_EVENT = "restore_failed"


class VerifyAction(OpenAction):
    """Verify a copy; of a file server the part of the data whose turn it is is read too."""

    FAILURE_EVENT = "verification_failed"

    def work(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        days = int(arguments.get("data_days") or 0)
        medium = arguments.get("medium") or {}
        if arguments.get("kind") == repositories.KIND and days > 0 and not arguments.get("data_subsets") and arguments.get("level", "T2") != "T1":
            arguments["data_subsets"] = _turn(str(arguments["kind"]), str(arguments.get("system")), str(medium.get("name")), min(days, _MOST_PARTS))
        return super().work(arguments, task_vars)


def _turn(kind: str, system: str, medium: str, parts: int) -> list[str]:
    """The parts of the data whose turn it is: those after the one that was read last, as many as days passed since."""
    last, since = 0, 1
    with contextlib.suppress(BackupError), open_store(resolve_url(), readonly=True) as store:
        for entry in store.entries(kind=kind, system=system, type="copy_verified", newest_first=True):
            read = [check[len(files.DATA_CHECK):] for check in entry.get("checks") or () if check.startswith(files.DATA_CHECK)]
            if read and entry.get("medium") == medium and not entry.get("simulated") and read[-1].endswith(f"/{parts}"):
                last = int(read[-1].partition("/")[0])
                taken = datetime.datetime.strptime(entry["at_event"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc)
                since = round((datetime.datetime.now(datetime.timezone.utc) - taken).total_seconds() / 86400)
                break
    return [f"{(last + step) % parts + 1}/{parts}" for step in range(max(1, min(since, parts)))]


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
