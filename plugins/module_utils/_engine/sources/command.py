# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Source `command`: whatever a program of the server writes, for what has no source of its own. Numeral 7.2.1.

Each command is an absolute program and its arguments; no shell ever reads them.

dump      writes the copy on its standard output
verify    reads the copy's plain bytes; 0 only when they are whole
restore   reads the plain bytes and brings them into RESPALDO_TARGET; RESPALDO_OVERWRITE is true or false
rehearse  reads the plain bytes, restores into the empty private directory RESPALDO_SCRATCH and compares

A password is read by all of them from the file RESPALDO_PASSWORD_FILE, which is a descriptor and on no disk.

What a program reads and writes of its own accord no guard can see: of the scope (numeral 6.2) only the target of a restore is asked for. What else it may
do is for whoever declares it, and for `run_as`, the account it runs by.
"""

from __future__ import annotations

import os
import re
import shlex
import weakref
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ..errors import BackupError
from ..filesystem import descriptors, scope
from ..processes import programs
from ..processes.pipeline import Stage
from .base import Check, Part, PartReader, Source, only

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_EXTENSION = re.compile(r"[a-z0-9][a-z0-9._-]{0,20}\Z")


class _CommandCheck(Check):
    """The declared command reads the whole copy and finds it good."""

    method = "command_verify"

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    def stages(self) -> List[Stage]:
        return [self.stage]


class Command(Source):
    """The output of a declared command."""

    type = "command"
    OPTIONS = ("dump", "verify", "restore", "rehearse", "extension", "run_as", "environment", "password")

    def __init__(self, dump: Sequence[str] = (), verify: Sequence[str] = (), restore: Sequence[str] = (),
                 rehearse: Sequence[str] = (), extension: str = "dump", run_as: str = "", environment: Optional[Mapping[str, str]] = None,
                 password: str = "", assigned: Sequence[str] = ()) -> None:
        self.assigned = list(assigned)
        self.commands = {"dump": _argv("dump", dump), "verify": _argv("verify", verify)}
        for name, argv in (("restore", restore), ("rehearse", rehearse)):
            if argv:
                self.commands[name] = _argv(name, argv)
        if not isinstance(extension, str) or not _EXTENSION.match(extension):
            raise _invalid("extension", extension, "is not a file extension", "Use lower case letters, digits and dots.")
        self.extension = extension
        self.environment = dict(environment or {})
        for name, value in self.environment.items():
            if not _VARIABLE.match(name) or name.startswith(("RESPALDO_", "LD_")) or not isinstance(value, str):
                raise _invalid("environment", name, "is not a variable that can be given, or its value is not a text",
                               "Quote values; RESPALDO_* and LD_* are not yours to set. Passwords go in password.")
        self.account = programs.account(run_as) if run_as else None
        self.password = password
        self.secret: Optional[programs.Secret] = None

    def describe(self) -> str:
        return self.commands["dump"][0]

    def preflight(self) -> int:
        for name in self.commands:
            self._program(name)
        return 0

    def _program(self, name: str) -> None:
        """A program that is not here says nothing of the copy that it should read."""
        program = self.commands[name][0]
        if not os.access(program, os.X_OK) or os.path.isdir(program):
            raise BackupError("tool_missing", tool=program, package="the one that brings it")

    def parts(self) -> List[Part]:
        command = 'RESPALDO_TARGET="$TARGET" RESPALDO_OVERWRITE=false '
        command += " ".join(map(shlex.quote, self.commands["restore"])) if "restore" in self.commands else "cat"
        if "restore" not in self.commands:
            command = 'cat > "$TARGET"'
        return [Part(name="", extension=self.extension, format="output of " + self.describe(),
                     produce=lambda: only([self._stage("dump")]), check=self._check, restore_command=command)]

    def check_for(self, row: Dict[str, Any]) -> Check:
        return self._check()

    def explain(self, error: BackupError) -> BackupError:
        if error.fault.name == "stage_failed" and error.details["stage"] == "dump":
            return BackupError("source_unreachable", source=self.describe(),
                               detail="{0}: {1}".format(error.details["status"], error.details["detail"]))
        return error

    def facts(self) -> Dict[str, Any]:
        return {"commands": self.commands, "environment": sorted(self.environment)}

    def rehearse(self, reader: PartReader, scratch: str) -> List[str]:
        if "rehearse" not in self.commands:
            raise _invalid("source.rehearse", "", "is missing: this source has no rehearsal",
                           "Declare a rehearse command, or ask no more than T2 of this system.")
        if self.account is not None and os.geteuid() == 0:
            held = descriptors.top(os.path.realpath(scratch))
            try:
                descriptors.give(held, self.account.uid, self.account.gid)
            finally:
                os.close(held)
        try:
            reader.stream("", [self._stage("rehearse", RESPALDO_SCRATCH=scratch)])
        except BackupError as error:
            if error.fault.name == "structure_unreadable":
                raise BackupError("restored_differs", label=reader.manifest["label"], detail=error.message) from error
            raise
        return ["command_rehearse"]

    def check_target(self, target: str, overwrite: bool, label: str) -> None:
        self._target(target)

    def _target(self, target: str) -> str:
        """A path as it really is, when it lies in an assigned one; a database's name as it stands. Raises out_of_scope, assigned_path_changed."""
        if not self.assigned or ("/" not in target and target not in (".", "..")):
            return target
        if not target.startswith("/"):
            raise _invalid("target", target, "is a path that does not begin at the root, or holds a / that a name has not",
                           "Give the full path, in an assigned one (numeral 6.2), or the name of a database.")
        return scope.resolve(target, self.assigned)

    def restore(self, reader: PartReader, target: str, overwrite: bool) -> Dict[str, Any]:
        target = self._target(target)
        if "restore" not in self.commands:
            raise _invalid("source.restore", "", "is missing: this source can't be restored from here",
                           "Declare a restore command, or take the stock command of the manifest.")
        reader.stream("", [self._stage("verify")])    # all of it is good before the first byte reaches the target
        variables = {"RESPALDO_TARGET": target, "RESPALDO_OVERWRITE": "true" if overwrite else "false"}
        try:
            reader.stream("", [self._stage("restore", **variables)])
        except BackupError as error:
            raise BackupError("restore_failed", label=reader.manifest["label"], target=target, detail=error.message) from error
        return {"target": target, "objects": 1}

    def _check(self) -> Check:
        return _CommandCheck(self._stage("verify"))

    def _stage(self, name: str, **variables: str) -> Stage:
        self._program(name)
        descriptors: Tuple[int, ...] = ()
        if self.password:
            if self.secret is None:
                self.secret = programs.Secret(self.password, self.account)
                weakref.finalize(self, self.secret.close)
            descriptors = (self.secret.descriptor,)
            variables["RESPALDO_PASSWORD_FILE"] = self.secret.path
        if self.account is not None:
            variables.setdefault("HOME", self.account.home)
        variables = dict(variables, **self.environment)
        return Stage(name, self.commands[name], programs.environment(**variables), descriptors, self.account)


def _argv(name: str, argv: Sequence[str]) -> List[str]:
    where = "source." + name
    if not argv:
        raise _invalid(where, argv, "is missing: what can't be read back is not a backup" if name == "verify" else "is missing",
                       "Declare it as a list: the program's full path, then its arguments.")
    if isinstance(argv, str) or not all(isinstance(word, str) and "\0" not in word for word in argv):
        raise _invalid(where, argv, "is not a list of texts", "No shell reads it: give each argument as its own item.")
    if not argv[0].startswith("/"):
        raise _invalid(where, argv[0], "is not the full path of a program", "Give it from the root, such as /usr/bin/tar.")
    return list(argv)


def _invalid(where: str, value: Any, problem: str, mend: str) -> BackupError:
    return BackupError("invalid_input", where=where, value=value, problem=problem, mend=mend)
