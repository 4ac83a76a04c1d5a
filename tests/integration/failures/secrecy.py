# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks for planted secrets where they must not be: in files and in the processes of this machine."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

_LARGEST = 64 << 20


def forms(secret: str) -> list[bytes]:
    """A secret as it could have been written: itself, each long line of a key, in base64 and in hexadecimal."""
    lines = [line for line in secret.splitlines() if len(line) >= 12 and not line.startswith("-----")]
    plain = [text.encode() for text in {secret, *lines}]
    return plain + [base64.b64encode(text).rstrip(b"=")[:-2] for text in plain] + [text.hex().encode() for text in plain]


# levels below the root
_DEEPEST = 40


def in_text(text: bytes, secrets: Mapping[str, str]) -> list[str]:
    """The names of the secrets that a text holds."""
    return [name for name, secret in secrets.items() if any(form in text for form in forms(secret))]


def in_files(directories: Iterable[Path], secrets: Mapping[str, str], since: float = 0, but: Iterable[Path] = ()) -> list[str]:
    """"secret: file" of each file under the directories (or that is one of them), changed since then, that holds one in its bytes or its name."""
    left_out, found = set(but), []
    for top in directories:
        for directory, names, files in os.walk(top) if Path(top).is_dir() else [(os.path.dirname(top), [], [os.path.basename(top)])]:
            names[:] = [name for name in names if directory.count(os.sep) < _DEEPEST]     # nothing of ours lies so deep
            for name in files:
                path = Path(directory, name)
                try:
                    if path in left_out or path.is_symlink() or not path.is_file() or path.stat().st_mtime < since or path.stat().st_size > _LARGEST:
                        continue
                    content = path.read_bytes()
                except OSError:
                    continue    # it was somebody's scratch and is gone
                found += ["{0}: {1}".format(secret, path) for secret in in_text(os.fsencode(path) + b"\n" + content, secrets)]
    return found


class Rooms:
    """The directories of this machine that everybody shares. A run has scratch of its own (environment()); here only what appeared since is looked at,
    as files, and in directories with our names: what other tests and other people keep there is not walked.
    """

    SHARED = tuple(map(Path, ("/tmp", "/var/tmp", "/dev/shm")))

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        scratch.mkdir(exist_ok=True)
        self.before = {room: set(os.listdir(room)) for room in self.SHARED}

    def environment(self) -> dict[str, str]:
        """Variables by which Ansible and all programs keep their scratch where it is looked at whole."""
        return {name: str(self.scratch) for name in ("TMPDIR", "ANSIBLE_LOCAL_TEMP", "ANSIBLE_REMOTE_TMP")}

    def appeared(self) -> list[Path]:
        new = [room / name for room, before in self.before.items() for name in set(os.listdir(room)) - before]
        return [self.scratch, *(path for path in new if path.is_file() or path.name.startswith((".respaldo", "respaldo")))]


def open_to_others(directories: Iterable[Path], allowed: int = 0o700) -> list[str]:
    """"mode path" of what others than its owner can read or write under the directories."""
    found = []
    for top in directories:
        for path in (top, *top.rglob("*")):
            mode = path.lstat().st_mode & 0o777
            if mode & ~allowed and not path.is_symlink():
                found.append("{0:o} {1}".format(mode, path))
    return found


class Sampler:
    """The command lines and environments of all processes, read in a tight loop while this is entered."""

    def __enter__(self) -> Sampler:
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("sampler.py"))], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        assert self.process.stdin and self.process.stdout
        self.input, self.output = self.process.stdin, self.process.stdout
        return self

    def sweeps(self) -> int:
        """How many times all processes were read."""
        self.input.write("sweeps\n")
        return int(self.output.readline())

    def found(self, secrets: Mapping[str, str]) -> list[str]:
        """"secret: where" for each secret seen. Ask when the sampling is over: what is asked for is in our own memory only."""
        names = {form.hex(): name for name, secret in secrets.items() for form in forms(secret)}
        self.input.write("find " + " ".join(names) + "\n")
        told = []
        for line in iter(self.output.readline, "end\n"):
            assert line, "the sampler ended"
            word, _space, where = line.strip().partition(" ")
            told.append("{0}: {1}".format(names[word], where))
        return sorted(set(told))

    def __exit__(self, *_unused: object) -> None:
        self.input.close()
        self.process.wait(20)
        self.output.close()
