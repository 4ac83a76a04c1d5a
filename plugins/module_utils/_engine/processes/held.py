# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program that is spoken to line by line and stays as long as it is needed: a session of a database that holds something for others."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from typing import Any

from ..errors import BackupError
from .pipeline import Stage

_LEAVING_SECONDS = 20
_TOLD = 4000


class Held:
    """The program of a stage, started; use as a context manager. It ends when its standard input does, or is ended."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    def __enter__(self) -> "Held":
        self.errors: Any = tempfile.TemporaryFile()
        try:
            self.process = subprocess.Popen(
                list(self.stage.argv), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, close_fds=True, cwd=self.stage.directory,
                env=self.stage.environment, pass_fds=self.stage.descriptors, preexec_fn=self.stage.account.become if self.stage.account else None)
        except (OSError, subprocess.SubprocessError) as error:
            self.errors.close()
            raise BackupError("stage_failed", stage=self.stage.name, status="no start", detail=str(error)) from error
        return self

    def ask(self, text: str) -> str:
        """The next line that the program writes once it has read `text`. Raises stage_failed when it ends instead."""
        line = b""
        if self.process.stdin and self.process.stdout:
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.write(text.encode("utf-8"))
                self.process.stdin.flush()
            line = self.process.stdout.readline()
        if not line.endswith(b"\n"):
            self.errors.seek(0)
            said = self.errors.read(_TOLD).decode("utf-8", "replace").strip()
            raise BackupError("stage_failed", stage=self.stage.name, status="ended", detail=said or "it said nothing")
        return line.decode("utf-8", "replace").strip()

    def __exit__(self, *_unused: object) -> None:
        with contextlib.suppress(OSError):
            if self.process.stdin:
                self.process.stdin.close()
        try:
            self.process.wait(_LEAVING_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()
        self.errors.close()
