# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An action that asks a module of ours, on the server or here, for its part of the work on a copy, and has its password out of custody.

Of what is answered only what is the module's to say becomes a result (answers.py). What is done for making, publishing and opening copies is in the files of
that name.
"""

from __future__ import annotations

import abc
import contextlib
import json
import typing as t

from ansible import constants
from ansible.errors import AnsibleError
from ansible.module_utils.json_utils import _filter_non_json_lines
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ...module_utils._engine import frames, label, result
from ...module_utils._engine.errors import CATALOGUE, BackupError, hide
from ...module_utils._engine.restic import names, repositories
from ...module_utils._engine.result import failure
from .. import _forms, _keepers, _unread, _variables
from .._actions import OurAction, failed, foreseen, refuse_injection, refuse_lost_words, refuse_silence
from .._bitacora import living, rekeyed
from .._custodians import custody as _custody
from .._here import here
from .._tasks import is_cloud, slot_of
from . import answers

_COLLECTION = "perucompras.respaldo."

# What is done to a medium as a whole, by whoever may list and remove there.
_LOOKING_AFTER = ("backup_info", "backup_prune")

# The options that modules take with no_log (_options.py, _source_options.py).
_SECRETS = frozenset(("auth", "keeper", "password", "private_keys", "proxy", "session", "ssh_key"))

# What Ansible takes out of an answer before it comes to us: a form that it does not expect there ends in an error of Python's.
_ANSIBLE_S = frozenset(("ansible_facts", "ansible_job_id", "results", "stdout", "stdout_lines", "stderr", "stderr_lines"))


def run_module(action: ActionBase, name: str, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
    """A module of ours on the server, by its standard input, and of its answer what is its to say. Raises BackupError for an answer that is none."""
    arguments = _keepers.without_keys(arguments)
    asked = answers.asking(name, str(task_vars.get("inventory_hostname") or ""), arguments, bool(action._task.check_mode))
    answer = answer_of(action, name, arguments, task_vars)
    show_frames(asked, answer)
    return {**answers.heard(asked, answer), **answers.interpreter_of(action)}


def answer_of(action: ActionBase, name: str, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> t.Any:
    """What a module of ours answers on the server, not judged yet. Its arguments hold no key of the controller's."""
    with contextlib.suppress(KeyError, AnsibleError):
        action._connection.set_option("pipelining", True)
    _refuse_a_file(action, name, arguments, str(task_vars.get("inventory_hostname") or ""))
    return action._execute_module(module_name=_COLLECTION + name, module_args=arguments, task_vars=task_vars)


def show_frames(asked: answers.Asked, answer: t.Any) -> None:
    """Where the module met what nobody foresaw, with -vvv: the server tells it then, and only then."""
    error = answer.get("error") if isinstance(answer, t.Mapping) else None
    if isinstance(error, t.Mapping) and error.get("code") == CATALOGUE["unexpected"].code and isinstance(answer.get("traceback"), str):
        Display().vvv(_forms.lines(hide(answer["traceback"][:frames.LONGEST])), host=_forms.line(asked.server, 200))


def _refuse_a_file(action: ActionBase, name: str, arguments: t.Mapping[str, t.Any], host: str) -> None:
    """What can't be pipelined is written into a file on the server, arguments included: raises secret_would_be_written when one is a secret.

    Mitogen calls modules without a file, and says that it does not pipeline.
    """
    if action._is_pipelining_enabled("new") or not _holds_secret(arguments) or type(action._connection).__module__.startswith("ansible_mitogen"):
        return
    become = getattr(action._connection.become, "name", "")
    why = "ANSIBLE_KEEP_REMOTE_FILES is on" if constants.DEFAULT_KEEP_REMOTE_FILES else "become_method {0} can't be pipelined".format(
        become) if become == "su" else "the connection {0} can't be pipelined".format(action._connection.transport)
    raise BackupError("secret_would_be_written", action=name, host=host, why=why)


def _holds_secret(value: t.Any) -> bool:
    """Whether something that a module takes for a secret is given in its arguments."""
    if isinstance(value, t.Mapping):
        return any(bool(each) if key in _SECRETS else _holds_secret(each) for key, each in value.items())
    return isinstance(value, (list, tuple)) and any(map(_holds_secret, value))


def _without_ansible_s(printed: str) -> str:
    """What a module printed, without the keys that are Ansible's; as it is when it is no answer. Raises RecursionError for one nested too deep."""
    try:
        answer = json.loads(_filter_non_json_lines(printed, objects_only=True)[0])
    except ValueError:
        return printed
    if not isinstance(answer, dict):
        return printed
    return json.dumps({name: value for name, value in answer.items() if name not in _ANSIBLE_S and not name.startswith("_ansible_")})


class EngineAction(OurAction):
    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = False
    RECORDED = True      # whether an error of this action is an event of a copy
    CHANGES = False      # whether it publishes, restores or removes: only in a run that is alive and recorded

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        told = super().run(tmp, task_vars)
        try:
            refuse_silence(self)
            refuse_lost_words()
            _unread.refuse(task_vars or {})
            refuse_injection()
            with foreseen():
                if self.CHANGES and not self._task.check_mode:
                    self.prove_recorded(task_vars or {})
                refuse_foreign_labels(self._task.args)
                told.update(self.work(dict(self._task.args), task_vars or {}))
                _variables.answered(told, self._task, _unread.given_with(task_vars or {}))
        except BackupError as raised:
            error = _variables.named(raised, self._task, _unread.given_with(task_vars or {}))
            told.update(failed(error), **({"backup": self.failures(error)} if self.RECORDED else {}))
        return told

    def prove_recorded(self, task_vars: dict[str, t.Any]) -> None:
        """That what this action does will be recorded.

        Raises BackupError: bitacora_not_listening, bitacora_unwritable, start_missing; invalid_input for a label that is none.
        """
        action = self._task.action.rpartition(".")[2]
        named = str(self._task.args.get("label") or "")
        living.prove(_COLLECTION + action, str(task_vars.get("inventory_hostname") or ""), label.parse(named).name if named else "")

    def admitted(self, printed: str) -> str:
        """What a server printed, without all that Ansible itself would act on or trip over: no module of ours gives that.

        It is taken out of the text, since what Ansible reads that into differs from version to version.
        """
        return _without_ansible_s(printed)

    @abc.abstractmethod
    def work(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """The task itself: its arguments in, its result out. May raise BackupError."""

    def module(self, name: str, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        # What holds secrets goes to the server's Python by its standard input; a file there would outlive a run that is killed.
        if is_cloud(arguments.get("medium")):
            return self._module_in_cloud(name, arguments, task_vars)
        if _keepers.is_kept(arguments.get("medium")):
            return self._module_on_kept(name, arguments, task_vars)
        return run_module(self, name, arguments, task_vars)

    def run_there(self, name: str, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """The module on the server, with the arguments as they are."""
        return run_module(self, name, arguments, task_vars)

    def _module_in_cloud(self, name: str, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """A module that reads a copy gets signatures for it on the server; one that looks after the medium runs here, with the identity."""
        from . import clouds  # only a play with such a medium pays for it

        if name in _LOOKING_AFTER:
            with clouds.keeping(arguments["medium"]) as medium:
                local, variables = here(self, task_vars)
                return run_module(local, name, dict(arguments, medium=medium), variables)
        with clouds.reading(self, arguments) as medium:
            return run_module(self, name, dict(arguments, medium=medium), task_vars)

    def _module_on_kept(self, name: str, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """As in a cloud: what only looks at bytes, or removes, runs here by the controller's key; a server may read one copy meanwhile."""
        medium = arguments["medium"]
        if name in _LOOKING_AFTER or (name == "backup_verify" and arguments.get("level") == "T1"):
            local, variables = here(self, task_vars)
            return run_module(local, name, dict(arguments, medium=_keepers.as_keeper(medium)), variables)
        with _keepers.reading(self, task_vars, slot_of(arguments), self.repositories_of(arguments, task_vars), [medium]):
            return run_module(self, name, arguments, task_vars)

    def repositories_of(self, arguments: t.Mapping[str, t.Any], task_vars: t.Mapping[str, t.Any]) -> list[str]:
        """The repositories that may have a copy's data, by what the controller knows; none of kinds without."""
        if arguments.get("kind") != repositories.KIND:
            return []
        return self._repositories(arguments, task_vars, label.parse(str(arguments.get("label"))).system)

    def key_references(self, arguments: t.Mapping[str, t.Any], task_vars: t.Mapping[str, t.Any]) -> list[str]:
        """The references under which custody may hold the password of the very copy that this task is about; the likely one first.

        Of most copies it is one, by the label. Of a file server it is its repository's: by the inventory, its own otherwise.
        """
        named, kind = label.parse(str(arguments.get("label"))), str(arguments.get("kind"))
        if kind != repositories.KIND:
            return [_custody.reference(kind, named.system, named.name)]
        return [rekeyed.in_force(_custody.reference(kind, name, names.CUSTODY_NAME)) for name in self._repositories(arguments, task_vars, named.system)]

    def _repositories(self, arguments: t.Mapping[str, t.Any], task_vars: t.Mapping[str, t.Any], system: str) -> list[str]:
        """The repositories of a system: as the inventory declares it, and its own. One shared with others only because the inventory says so."""
        given = {} if self._task.action.endswith("backup_transfer") else arguments.get("source") or {}
        from .._inventory import declared  # only what shares a repository pays for it

        found: list[str] = []
        for host, row in declared(task_vars, repositories.KIND, system):
            written = row.get("source") or {}
            for shared in dict.fromkeys((given.get("repository"), written.get("repository"))):
                found += [names.repository_name(str(shared), system, host, str(row.get("office") or ""))] if shared else []
        if not found and given.get("repository"):
            # no host declares it: the task is all there is to go by
            found.append(answers.repository_of(dict(arguments, server=arguments.get("server") or task_vars.get("inventory_hostname"))))
        return list(dict.fromkeys([*found, label.canonical(system)]))

    def decryption(self, arguments: t.MutableMapping[str, t.Any], task_vars: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """What opens a copy, its password out of custody when the task gives none. Raises key_foreign for a key that is another's."""
        decryption, custody = _custody.take(arguments.get("decryption"))
        own = self.key_references(arguments, task_vars)
        named = str(decryption.get("key_reference") or "")
        needed = not (decryption.get("password") or decryption.get("private_keys"))
        if named:
            named = next((rekeyed.later(named, each) for each in own if rekeyed.same_repository(named, each)), named)
        if custody and needed and named and not any(rekeyed.same_repository(named, each) for each in own):
            raise BackupError("key_foreign", reference=_forms.line(named, 200), label=str(arguments.get("label")), own=" / ".join(own))
        reference = named or next((each for each in own if len(own) > 1 and custody and needed and _custody.holds(custody, each, self._loader)), own[0])
        if custody and needed and (named or _custody.holds(custody, reference, self._loader)):
            only = list((arguments.get("decryption") or {}).get("custodians") or ())
            if only:
                arguments["record"] = {**(arguments.get("record") or {}), "key_reference": reference, "custodians": only}
            decryption["password"] = _custody.reveal(self._loader, custody, reference, only)
        return decryption

    FAILURE_EVENT = "copy_failed"

    def failures(self, error: BackupError) -> t.Any:
        """The entry, or entries, of an error that ends the whole task."""
        return self.failure(error, self._task.args)

    def failure(self, error: BackupError, arguments: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """The entry of an error, about the copy that these arguments name."""
        told: dict[str, t.Any] = {name: str(arguments.get(name) or "") for name in ("label", "system", "kind")}
        medium = arguments.get("medium")
        told.update({"medium": str(medium.get("name") or "")} if isinstance(medium, t.Mapping) else {})
        record = arguments.get("record")
        return result.clean(dict(record if isinstance(record, t.Mapping) else {}, event=self.FAILURE_EVENT, **told, **failure(error)))


def refuse_foreign_labels(arguments: t.Mapping[str, t.Any]) -> None:
    """A label says whose copy, and whose key, it is: one of another system would give that system's to the server of this one, or remove it.

    The bitácora may have such, from servers' words before 0.2 or by who can write to it. Raises invalid_input.
    """
    system = str(arguments.get("system") or "")
    victims = [row.get("label") for row in arguments.get("victims") or () if isinstance(row, t.Mapping)]
    for name in (str(each) for each in (arguments.get("label"), *victims) if each and system):
        label.parse(name)
        if not label.is_of(name, system):
            raise BackupError("invalid_input", where="label", value=_forms.line(name, 100), problem=f"is no label of the system {_forms.line(system, 100)}",
                              mend="Take one of its own. If it stands so in the bitácora, somebody else than this collection wrote it there: it is not used.")
