# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Pythons are on this machine. Needs only Python's own library."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

# those of managed servers
ENGINE_PYTHONS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13")


def version_of(python: str | Path) -> str | None:
    """The "3.11" of an interpreter that really runs (a shim may not); None otherwise."""
    try:
        answer = subprocess.run([str(python), "-c", "import sys, ensurepip, venv; print('%d.%d' % sys.version_info[:2])"],
                                capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None


def find_pythons() -> dict[str, str]:
    """Version -> path of an interpreter able to make virtual environments: on PATH, under pyenv, in /usr/bin."""
    pyenv = os.environ.get("PYENV_ROOT") or str(Path.home() / ".pyenv")
    if shutil.which("pyenv"):
        pyenv = subprocess.run(["pyenv", "root"], capture_output=True, text=True, check=False).stdout.strip() or pyenv
    roots = sorted(Path(pyenv, "versions").glob("3.*"))
    found: dict[str, str] = {}
    for version in (*ENGINE_PYTHONS, "3.14"):
        name = "python" + version
        candidates = [shutil.which(name), *(root / "bin" / name for root in roots), Path("/usr/bin") / name]
        for candidate in candidates:
            if candidate and version_of(candidate) == version:
                found[version] = str(candidate)
                break
    return found
