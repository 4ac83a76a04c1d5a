# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether this ansible-core is one that the collection is tested with. Ansible says that it is not, and not which is wanted."""

from __future__ import annotations

import re
from pathlib import Path

from ansible.release import __version__

from ...module_utils._engine.errors import BackupError

_RUNTIME = Path(__file__).resolve().parents[3] / "meta/runtime.yml"


def unsupported(version: str = __version__) -> BackupError | None:
    """The error that tells which versions are wanted; None where this is one of them, or the collection does not tell."""
    told = re.search(r"^requires_ansible: [\"']?>=([0-9.]+),<([0-9.]+)[\"']?$", _RUNTIME.read_text("utf-8"), re.MULTILINE) if _RUNTIME.is_file() else None
    if told is None or _numbers(told[1]) <= _numbers(version) < _numbers(told[2]):
        return None
    return BackupError("core_unsupported", version=version, oldest=told[1], below=told[2])


def _numbers(version: str) -> tuple[int, ...]:
    """2.17 and 2.17.0 alike: two numbers tell."""
    return tuple(map(int, re.findall(r"\d+", version)[:2]))
