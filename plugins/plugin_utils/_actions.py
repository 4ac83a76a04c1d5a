# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every action plugin of ours does the same way: refuse a controller that believes facts, check its arguments, and turn an error of
the catalogue into a result.
"""

from __future__ import annotations

import abc
import contextlib
import os
from collections.abc import Iterator
from typing import Any

from ansible import constants, context
from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.parsing.splitter import parse_kv
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..module_utils._engine.errors import BackupError
from ..module_utils._engine.frames import frames_of
from ..module_utils._engine.value_forms import seen
from . import _answers, _forms, _laid, _refused, _unread, _variables
from ._bitacora import events, living

# Of the terminal, standard output's and standard error's: seen where this is imported, since the processes that Ansible forks have none. ansible-runner's
# terminal is nobody's: who reads it (respaldo, AWX) lays the text out himself.
_COLUMNS = tuple(0 if "AWX_ISOLATED_DATA_DIR" in os.environ else _laid.columns_of(descriptor) for descriptor in (1, 2))

# How the options end in which a person says why, or by whose word.
_SAID_BY_PEOPLE = ("reason", "authority", "requester", "emergency")


def failed(error: BackupError) -> dict[str, Any]:
    """The failed result that tells an error: `msg` for people, `error` for playbooks and for the callback."""
    return {
        "failed": True,
        "changed": False,
        "msg": error.in_both(),
        "error": {
            "code": error.code,
            "name": error.fault.name,
            "message": error.message,
            "hint": error.hint,
            "message_es": error.spanish,
            "remedy_es": error.remedy,
        },
    }


def show(text: str) -> None:
    """A table or a line for people. Where standard output is made for machines, a JSON callback's, it goes to standard error."""
    for_machines = "json" in str(constants.DEFAULT_STDOUT_CALLBACK).lower()
    Display().display(_laid.text(text, _COLUMNS[for_machines]), stderr=for_machines)


def refuse_injection() -> None:
    """A controller that makes variables of facts lets a server replace ours: which systems there are, where copies go, whose keys are asked for.

    Raises BackupError facts_injected. Versions of Ansible that know no such setting do no such thing.
    """
    if getattr(constants, "INJECT_FACTS_AS_VARS", False):
        # without a file in force, this is the one that Ansible would read
        raise BackupError("facts_injected", file=str(constants.CONFIG_FILE or "/etc/ansible/ansible.cfg"))


def refuse_a_telling_controller() -> None:
    """Ansible's debugging prints each argument of each module, and keeps the modules that it wrote on servers: raises BackupError."""
    for name in ("DEFAULT_DEBUG", "DEFAULT_KEEP_REMOTE_FILES"):
        if getattr(constants, name, False):
            raise BackupError("controller_tells_secrets", setting="ANSIBLE_" + name.partition("_")[2])


def refuse_lost_words() -> None:
    """Of -e name=two words, Ansible keeps the first and puts the rest aside: what is done and recorded would not be what was written.

    Raises BackupError, which shows none of the words: they can be a secret's.
    """
    given = [parse_kv(option) for option in context.CLIARGS.get("extra_vars") or () if option.lstrip()[:1] not in ("@", "{", "[")]
    names = sorted({name for pairs in given if "_raw_params" in pairs for name in pairs if name != "_raw_params"})
    if names:
        raise BackupError("invalid_input", where=", ".join(names), value="...", problem="ends at its first blank: the words after it are lost",
                          mend="Write -e 'name=\"two words\"', with both kinds of quotes, or the values in a file, -e @values.yml.")


def refuse_silence(action: ActionBase) -> None:
    """What no_log hides, no callback is told: raises BackupError result_hidden before anything is done. Shown here, since it hides this too."""
    name = action._task.action.rpartition(".")[2]
    if action._task.no_log and (name == "bitacora_guard" or events.allowed(events.COLLECTION + name)):
        error = BackupError("result_hidden", action=name)
        Display().error(error.in_both(), wrap_text=False)
        raise error


@contextlib.contextmanager
def foreseen() -> Iterator[None]:
    """The boundary of an action: what nobody foresaw is an error of the catalogue too; Ansible's own errors are left to it."""
    try:
        yield
    except (BackupError, AnsibleError):
        raise
    except Exception as error:
        Display().vvv(frames_of(error))
        raise BackupError("unexpected", detail="{0}: {1}".format(type(error).__name__, _forms.line(str(error), 500))) from error


class OurAction(ActionBase):
    """What a server sends is bounded and made fit for a terminal before Ansible reads it, which prints what is not JSON."""

    def _compute_environment_string(self, raw_environment_out: dict[str, Any] | None = None) -> str:
        """With Python's UTF-8 mode: names of files are what they are on a server of any locale, and what a module prints is UTF-8."""
        told = str(super()._compute_environment_string(raw_environment_out))
        return f"PYTHONUTF8=1 {told}" if self._connection._shell.SHELL_FAMILY == "sh" else told

    def validate_argument_spec(self, *given: Any, **named: Any) -> Any:
        """As Ansible's, but that its error is one of the catalogue, and holds no arguments: Ansible prints them, secrets too, where they are from no line of
        a file. Raises BackupError invalid_input, or AnsibleActionFail for what is not known here.
        """
        try:
            return super().validate_argument_spec(*given, **named)
        except AnsibleError as error:
            text = str(getattr(error, "_original_message", "") or error.message)
            raise _refused.of_ansible(text) or AnsibleActionFail(_variables.told(text, self._task)) from None

    def admitted(self, printed: str) -> str:
        """What of a module's answer Ansible gets to read: the text that was printed, or less."""
        return printed

    def _parse_returned_data(self, res: dict[str, Any], *more: Any) -> dict[str, Any]:
        sent = {name: res.get(name) or "" for name in ("stdout", "stderr")}
        about = {"server": self._play_context.remote_addr or "the server", "module": self._task.action.rpartition(".")[2]}
        if len(sent["stdout"]) > _forms.LARGEST_ANSWER:
            raise BackupError("answer_unreadable", detail="it has {0} characters".format(len(sent["stdout"])), **about)
        safe = {"stdout": _forms.lines(sent["stdout"], _forms.LARGEST_ANSWER), "stderr": _forms.lines(sent["stderr"])}
        try:
            safe["stdout"] = self.admitted(safe["stdout"])
            return super()._parse_returned_data({**res, **safe}, *more)
        except Exception as error:  # what Ansible's own reading does not foresee: nested a thousand times, words to itself of another form
            raise BackupError("answer_unreadable", detail="{0}: {1}".format(type(error).__name__, _forms.line(str(error), 300)), **about) from error


class BackupAction(OurAction):
    """An action plugin that only writes `work`; what it raises of the catalogue becomes a failed result.

    A subclass gives ARGUMENTS, an argument spec as a module has it. Files are not transferred and nothing runs on the host
    unless `work` does so.
    """

    ARGUMENTS: dict[str, Any] = {}
    UNCUT: tuple[str, ...] = ()  # of ARGUMENTS, the lists whose rows can have commas: as a text they have one on each line
    TRANSFERS_FILES = False
    CHANGES = False              # whether it does something that must be recorded: only in a run that is alive and recorded
    ENTRY_ALONE = False          # whether its entry is all that it does: a run that lives keeps that in its journal when the store doesn't answer
    REFUSES_INJECTION = True     # before anything else; the guard has more to say first
    _supports_check_mode = True

    @abc.abstractmethod
    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """The task itself: its checked arguments in, its result out. May raise BackupError."""

    def refuses_injection(self) -> bool:
        """Whether this task, before it does anything, refuses a controller that makes variables of what servers tell."""
        return self.REFUSES_INJECTION

    def _checked(self) -> dict[str, Any]:
        """The task's arguments by ARGUMENTS; what a person answered in a survey is a text."""
        given = self._task.args
        self._task.args = _answers.arguments(given, self.ARGUMENTS, self.UNCUT)
        try:
            found = dict(self.validate_argument_spec(argument_spec=self.ARGUMENTS)[1])
        finally:
            self._task.args = given
        # what nobody sees is no reason, and would not stand in the bitácora either
        return {name: seen(value) if name.endswith(_SAID_BY_PEOPLE) and isinstance(value, str) else value for name, value in found.items()}

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        try:
            refuse_silence(self)
            refuse_lost_words()
            _unread.refuse(task_vars or {})
            if self.refuses_injection():
                refuse_injection()
            arguments = self._checked()
            with foreseen():
                if self.CHANGES and self.ENTRY_ALONE and not self._task.check_mode:
                    living.address()
                elif self.CHANGES and not self._task.check_mode:
                    living.prove(events.COLLECTION + self._task.action.rpartition(".")[2], str((task_vars or {}).get("inventory_hostname") or ""),
                                 str(arguments.get("label") or ""))
                result.update(self.work(arguments, task_vars or {}))
        except BackupError as error:
            result.update(failed(_variables.named(error, self._task, _unread.given_with(task_vars or {}))))
        return result
