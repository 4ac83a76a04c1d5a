# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The password of a repository, changed in steps of which each may be the last one of a run that is killed:

    the former one opens, everywhere    custody has the new one    every medium takes it    out of custody it opens every medium
        ►  the entry: from here on it is in force  ►  the former one is removed

A server is a witness about itself: what others share they, or the controller, must open too before either entry (_elsewhere).

Until the entry copies are made with the former password, after it with the new one; each is with all custodians and opens every medium while it is in force.
What an earlier run did is found done. A record of custody is never replaced: the new one has a reference of its own (_bitacora/rekeyed.py).
"""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleError

from ...module_utils._engine import remarks, result
from ...module_utils._engine.errors import BackupError
from ...module_utils._engine.restic import names, repositories
from .. import _keepers
from .._bitacora import living, rekeyed
from .._bitacora.store import open_store, resolve_url
from .._custodians import base
from .._custodians import custody as _custody
from .._here import here
from .._tasks import is_cloud
from .._there import there as on_host
from .asking import EngineAction, run_module

_TOLD = 5     # keys that an entry names


class _Failed(Exception):
    """A server's answer that tells an error."""

    def __init__(self, answer: dict[str, t.Any]) -> None:
        super().__init__()
        self.answer = answer


class RekeyAction(EngineAction):
    CHANGES = True
    FAILURE_EVENT = rekeyed.FAILED

    def work(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        if arguments.get("kind") != repositories.KIND:
            raise BackupError("invalid_input", where="kind", value=arguments.get("kind"), problem="has no repository", mend="Only file_server has.")
        try:
            step = _Rekeying(self, arguments, task_vars)
            return step.withdraw() if arguments.get("state") == "withdrawn" else step.rotate()
        except _Failed as failure:
            error = failure.answer["error"]
            told = {"error_code": error["code"], "error_message": error["message"], "error_message_es": error["message_es"],
                    "error_remedy_es": error["remedy_es"]}
            return {**failure.answer, "backup": result.clean({**self._fields(arguments), **told, "event": rekeyed.FAILED})}

    def _fields(self, arguments: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        return {**(arguments.get("record") or {}), "numeral": "5.2", "repository": str(arguments["repository"]),
                **{name: str(arguments.get(name) or "") for name in ("label", "system", "kind")}}


class _Rekeying:
    """One repository: what the bitácora says of its passwords, and its media."""

    def __init__(self, action: RekeyAction, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> None:
        self.action, self.arguments, self.task_vars = action, arguments, task_vars
        self.repository, self.media = str(arguments["repository"]), list(arguments.get("media") or ())
        self.custody = _custody.take(arguments.get("decryption"))[1]
        self.keys = list(arguments.get("public_keys") or ())
        self.simulated = bool(action._task.check_mode)
        first = _custody.reference(repositories.KIND, self.repository, names.CUSTODY_NAME)
        with open_store(resolve_url(), readonly=True) as store:
            self.told = rekeyed.rotations(store, first)
            copies = [copy for kind, system in rekeyed.systems_of(store, self.repository) for copy in store.copies(kind, system)]
            run, host = living.address()[0], str(task_vars.get("inventory_hostname") or "")
            self.begun = any(entry.get("host") == host and bool(entry.get("simulated")) == self.simulated
                             for entry in store.entries(run=run, type=rekeyed.STARTED, label=str(arguments["label"])))
            # one that left the inventory copies nothing any more, and nobody can ask it
            self.others = [each for each in rekeyed.hosts_of(store, self.repository) if each != host and each in (task_vars.get("hostvars") or ())]
        self.copies = [copy for copy in copies if copy.get("repository") == self.repository]
        self.reference = rekeyed.in_force_by(self.told, first)

    def rotate(self) -> dict[str, t.Any]:
        former = self._record(self.reference)
        wanted = str(self.arguments.get("key_id") or "")
        if wanted and wanted != former.key_id:
            return {"changed": False, "key_id": former.key_id, "left": {}}
        if not self.begun:
            raise BackupError("start_missing", event=rekeyed.STARTED, label=str(self.arguments["label"]), host=str(self.task_vars["inventory_hostname"]))
        reference = names.of_generation(self.reference, names.generation(self.reference) + 1)
        opened = self._prove_reachable(former.password, self._kept(reference), former_too=True)
        there = [medium for medium, _password in opened]
        told = {**self.action._fields(self.arguments), "medium": ", ".join(str(medium["name"]) for medium in there), "key_reference": reference,
                "former_key_reference": self.reference, "former_key_id": former.key_id}
        if self.simulated:
            return {"changed": True, "key_id": former.key_id, "left": {}, "backup": result.build(event=rekeyed.ROTATED, **told)}
        kept = _custody.store(self.action._loader, self.custody, reference, self.keys)
        for medium, password in opened:
            self._ask(medium, "added", password, kept.record.password)
        again = self._record(reference)
        for medium in there:
            if not self._ask(medium, "looked", "", again.password)["opens"]:
                raise BackupError("password_wrong", file=f"{medium['name']}: {self.repository}")
            self._prove_elsewhere(medium, again.password, "")
        note = f"La contraseña del repositorio {self.repository} es otra desde ahora (clave {again.key_id}); la anterior ({former.key_id}) aún abre"
        back = [str(medium["name"]) for medium, password in opened if password != former.password]
        note += f". La que regía no abría {', '.join(back)}: se abrió con otra de las que hay en custodia" if back else ""
        return {"changed": True, "key_id": again.key_id, "left": {}, "backup": result.build(
            event=rekeyed.ROTATED, **told, key_id=again.key_id, custodians=kept.custodians, note_es=note, **remarks.fields(kept.warnings))}

    def withdraw(self) -> dict[str, t.Any]:
        number = names.generation(self.reference)
        if number < 2:
            raise BackupError("key_not_in_force", repository=self.repository, detail="no other password was put in force")
        new = self._record(self.reference)
        formers = list(self._formers())
        there = [medium for medium, _password in self._prove_reachable(new.password, None)]
        left: dict[str, list[str]] = {}
        removed: dict[str, list[str]] = {}
        further: dict[str, list[str]] = {}
        would = False
        for medium in there:
            name = str(medium["name"])
            # the holders' second key lies sealed with each copy: that of the new password comes with the first copy that is made with it
            second = not self.keys or any(copy.get("key_id") == new.key_id and copy["media"].get(name) for copy in self.copies)
            for former in formers:
                told = self._ask(medium, "removed", former.password, new.password, second_key=second and bool(self.keys))
                would = would or told["changed"]
                removed.setdefault(name, []).extend(told.get("removed", ()))
                left.setdefault(name, []).extend(told.get("stays", ()))
                further[name] = told.get("further", [])
                if not self.simulated:
                    self._prove_elsewhere(medium, new.password, "" if told.get("stays") else former.password)
            if not second:
                left.setdefault(name, []).append("la segunda clave que se deriva de la contraseña anterior, hasta que haya aquí una copia hecha con la nueva")
        left = {name: rows for name, rows in left.items() if rows}
        gone = {name: rows for name, rows in removed.items() if rows}
        last = self.told[-1] if self.told and self.told[-1]["type"] == rekeyed.WITHDRAWN else None
        answer = {"changed": would or bool(gone), "key_id": new.key_id, "left": left}
        if not self.simulated and not gone and last is not None and sorted(last.get("keys_left", ())) == sorted(left):
            return answer
        return {**answer, "backup": result.build(
            event=rekeyed.WITHDRAWN, **self.action._fields(self.arguments), key_reference=self.reference, key_id=new.key_id,
            former_key_reference=names.of_generation(self.reference, number - 1), former_key_id=formers[0].key_id if formers else None,
            medium=", ".join(str(medium["name"]) for medium in there), keys_left=sorted(left), note_es=_note(gone, left, further))}

    def _record(self, reference: str) -> base.Record:
        return _custody.record(self.action._loader, self.custody, reference)

    def _kept(self, reference: str) -> base.Record | None:
        """A record that may not be there. Raises what custodians say that can't be asked."""
        try:
            return self._record(reference)
        except BackupError as error:
            if error.fault.name not in ("custody_missing", "custody_unavailable"):
                raise
            return None

    def _formers(self) -> t.Iterator[base.Record]:
        """What custody has of the passwords before the one in force, newest first."""
        for each in range(names.generation(self.reference) - 1, 0, -1):
            record = self._kept(names.of_generation(self.reference, each))
            if record:
                yield record

    def _prove_reachable(self, password: str, coming: base.Record | None, former_too: bool = False) -> list[tuple[t.Mapping[str, t.Any], str]]:
        """The media that have the repository, each with what opens it: the password in force, the one that a run before put there, or, where the
        bitácora has a password in force that opens nothing (a server lied, or the medium came back from before), one of the former.

        Raises repository_out_of_reach, password_wrong.
        """
        holding = {name for copy in self.copies for name in copy["media"]}
        there: list[tuple[t.Mapping[str, t.Any], str]] = []
        for medium in self.media:
            told = self._ask(medium, "looked", password, coming.password if coming else "")
            if not told["there"]:
                continue
            found = password if told["former_opens"] or told["opens"] else next(
                (record.password for record in (self._formers() if former_too else ()) if self._ask(medium, "looked", record.password, "")["former_opens"]), "")
            if not found:
                raise BackupError("password_wrong", file=f"{medium['name']}: {self.repository}")
            there.append((medium, found))
        missing = sorted(holding.difference(str(medium["name"]) for medium, _password in there))
        if missing or not there:
            raise BackupError("repository_out_of_reach", repository=self.repository, host=str(self.task_vars["inventory_hostname"]),
                              detail="it is not on {0}, where copies of it are".format(", ".join(missing)) if missing else "none of its media has it")
        return there

    def _prove_elsewhere(self, medium: t.Mapping[str, t.Any], new: str, former: str) -> None:
        """That a medium which others share opens with the new password, and with a former one no more, by the word of each of them, or of the controller.

        What this server said is not enough: it would lock the others out. Raises repository_out_of_reach.
        """
        if not self.others or is_cloud(medium) or _keepers.is_kept(medium):
            return     # nobody's but its own; or the controller itself opened it
        detail = self._elsewhere(medium, new, former)
        if detail and not self._here_opens(medium, new, former):
            raise BackupError("repository_out_of_reach", repository=self.repository, host=str(self.task_vars["inventory_hostname"]), detail=detail)

    def _elsewhere(self, medium: t.Mapping[str, t.Any], new: str, former: str) -> str | None:
        """What speaks against it by the word of the others; None when each of them opened it so."""
        for other in self.others:
            try:
                action, variables = on_host(self.action, self.task_vars, other)
                told = self._asked_of(action, variables, medium, "looked", former, new)
            except (_Failed, AnsibleError, BackupError) as error:
                why = error.answer["error"]["code"] if isinstance(error, _Failed) else error.code if isinstance(error, BackupError) else type(error).__name__
                return "{0}, which shares it, could not look at it on {1} ({2}), nor does the controller vouch for it".format(other, medium["name"], why)
            if not told["opens"]:
                return "{0}, which shares it, does not open it on {1} with the new password".format(other, medium["name"])
            if former and told.get("former_opens", True):
                return "{0}, which shares it, still opens it on {1} with the former password".format(other, medium["name"])
        return None

    def _here_opens(self, medium: t.Mapping[str, t.Any], new: str, former: str) -> bool:
        """Where the controller has the medium too: only what it opens is proof, another disk of that path is none."""
        try:
            local, variables = here(self.action, self.task_vars)
            told = self._asked_of(local, variables, medium, "looked", former, new)
        except (_Failed, AnsibleError, BackupError):
            return False
        return bool(told["opens"]) and not (former and told.get("former_opens", True))

    def _asked_of(self, action: t.Any, variables: dict[str, t.Any], medium: t.Mapping[str, t.Any], step: str, former: str, new: str,
                  **more: t.Any) -> dict[str, t.Any]:
        given: dict[str, t.Any] = {name: self.arguments[name] for name in ("label", "system", "kind", "repository", "lock_timeout") if name in self.arguments}
        given = {**given, "step": step, "former": {"password": former}, "decryption": {"password": new}, "public_keys": self.keys, **more}
        answer = run_module(action, "backup_rekey", {**given, "media": [medium]}, variables)
        if answer.get("failed"):
            raise _Failed(answer)
        return answer

    def _ask(self, medium: t.Mapping[str, t.Any], step: str, former: str, new: str, **more: t.Any) -> dict[str, t.Any]:
        """One step on one medium: on the server, or here where only the controller may remove keys there."""
        if is_cloud(medium):
            from . import clouds  # only a play with such a medium pays for it

            with clouds.keeping(medium) as kept:
                return self._asked_of(*here(self.action, self.task_vars), kept, step, former, new, **more)
        if _keepers.is_kept(medium):
            return self._asked_of(*here(self.action, self.task_vars), _keepers.as_keeper(medium), step, former, new, **more)
        return self._asked_of(self.action, self.task_vars, medium, step, former, new, **more)


def _note(gone: t.Mapping[str, list[str]], left: t.Mapping[str, list[str]], further: t.Mapping[str, list[str]]) -> str:
    """What was removed, what stays and why, and whose keys are not ours, in Spanish."""
    told = [f"{name}: retiradas {', '.join(rows[:_TOLD])}" for name, rows in gone.items()]
    told += [f"{name}: se queda {'; '.join(rows[:_TOLD])}" for name, rows in left.items()]
    told += [f"{name}: otras claves, que no se tocaron: {'; '.join(rows[:_TOLD])}" for name, rows in further.items() if rows]
    return ". ".join(told)[:3000] or "Ninguna clave anterior abre ya el repositorio"
