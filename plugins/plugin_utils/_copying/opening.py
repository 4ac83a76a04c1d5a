# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The actions of modules that open, look at or remove copies: the password comes from custody."""

from __future__ import annotations

import contextlib
import datetime
import os
import re
import typing as t

from ansible.utils.display import Display

from ...module_utils._engine import label
from ...module_utils._engine.errors import BackupError
from ...module_utils._engine.restic import names, repositories
from .. import _forms
from .._bitacora import living, rekeyed, rivals
from .._bitacora.store import open_store, resolve_url
from .._custodians import custody
from .._decisions import due, mails
from .._tasks import is_true, plain
from .asking import EngineAction

# restic numbers parts of the data by one byte of their names.
_MOST_PARTS = 255
_ZONE = "America/Lima"      # of days that people give
_PART = re.compile(r"\d{1,3}/\d{1,3}")


class OpenAction(EngineAction):
    """Open a copy: its password comes from custody when the task gives none."""

    def work(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        arguments["decryption"] = self.decryption(arguments, task_vars)
        return self.module(self._task.action.rpartition(".")[2], arguments, task_vars)


class PlainAction(EngineAction):
    """The module as it is; it may be given secrets, so it is always pipelined."""

    def work(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        return self.module(self._task.action.rpartition(".")[2], arguments, task_vars)


class InfoAction(PlainAction):
    """What only asks: nothing of a copy happens, so nothing is recorded."""

    RECORDED = False


class PruneAction(OpenAction):
    """Remove copies; those that share a repository need its password."""

    CHANGES = True
    FAILURE_EVENT = "prune_failed"

    def work(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        if arguments.get("kind") == repositories.KIND:
            return super().work(arguments, task_vars)
        return self.module("backup_prune", arguments, task_vars)


class RestoreAction(OpenAction):
    CHANGES = True
    FAILURE_EVENT = "restore_failed"

    def prove_recorded(self, task_vars: dict[str, t.Any]) -> None:
        """Of a lost bitácora nobody could record that it comes back: then, and where a person says so, it is told instead."""
        if not is_true(self._task.args.get("bitacora_lost") or False):
            return super().prove_recorded(task_vars)
        living.refuse_unless_lost()
        Display().warning("La bitácora se dio por perdida: esta restauración no consta en ninguna; déjela por escrito.")

    def work(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        if isinstance(arguments.get("restore_paths"), str):
            # an answer of a survey: one on each line
            arguments["restore_paths"] = [line.strip() for line in arguments["restore_paths"].splitlines() if line.strip()]
        mail: dict[str, t.Any] = {}
        if isinstance(arguments.get("mail"), t.Mapping):     # what is no table the module refuses
            mail = arguments["mail"] = mails.asked(plain(arguments["mail"]), str(arguments.get("kind")), due.zone(_ZONE))
        named = str(arguments.get("repository") or "")
        if named:
            # the bitácora may have it from a server's words: a repository that is another's is not opened for this system
            reference, own = custody.reference(repositories.KIND, named, names.CUSTODY_NAME), self.key_references(arguments, task_vars)
            if not any(rekeyed.same_repository(reference, each) for each in own):
                raise BackupError("key_foreign", reference=_forms.line(reference, 200), label=str(arguments.get("label")), own=" / ".join(own))
        if mail.get("format") == mails.KIND and not self._task.check_mode:
            _refuse_while_another_gives(str(arguments.get("label")), plain(arguments.get("record") or {}))
        told = super().work(arguments, task_vars)
        asked = [str(each) for each in arguments.get("restore_paths") or [arguments.get("part")] if each] or mails.described(mail)
        not_back = bool(told.get("backup") and told["backup"].get("not_back"))
        if told.get("backup") and (asked or not_back or any(is_true(arguments.get(name) or False) for name in ("damaged", "partial"))):
            # what comes back of what was known to be no whole copy, of which a part was asked for, or in part, proves no restore of it (proofs.proves)
            told["backup"] = {**told["backup"], "trust_level": "T0", **({"wanted": asked} if asked else {})}
        return told


def _refuse_while_another_gives(name: str, record: t.Mapping[str, t.Any]) -> None:
    """Into a mailbox a restore goes on with what is there: two at once would each give what the other does. Raises BackupError mail_target_busy."""
    run, target = os.environ.get("RESPALDO_RUN_ID"), str(record.get("target") or "")
    if not run or not target:
        return
    with open_store(resolve_url(), readonly=True) as store:
        other = rivals.restoring(store, run, label.parse(name).name, target, datetime.datetime.now(datetime.timezone.utc))
    if other:
        raise BackupError("mail_target_busy", run=_forms.line(str(other["run"]), 100), controller=_forms.line(str(other["controller"]), 100), label=name,
                          since=other["at_recorded"])


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
            read = [check[len(names.DATA_CHECK):] for check in entry.get("checks") or () if check.startswith(names.DATA_CHECK)]
            if read and entry.get("medium") == medium and not entry.get("simulated") and _PART.fullmatch(read[-1]) and read[-1].endswith(f"/{parts}"):
                last = int(read[-1].partition("/")[0])
                taken = datetime.datetime.strptime(entry["at_event"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc)
                since = round((datetime.datetime.now(datetime.timezone.utc) - taken).total_seconds() / 86400)
                break
    return [f"{(last + step) % parts + 1}/{parts}" for step in range(max(1, min(since, parts)))]
