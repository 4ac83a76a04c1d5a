# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where programs of the server are looked for: the system's own directories, whatever the account that runs us has on its path."""

from __future__ import annotations

import shutil
from typing import Iterable, List, Optional

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def which(tool: str, directory: str = "") -> Optional[str]:
    """The absolute path of a program, in `directory` when given; None when it is not there."""
    return shutil.which(tool, path=directory or SYSTEM_PATH)


def missing(tools: Iterable[str]) -> List[str]:
    """Of `tools`, each a name or several that will do (`mariadb-dump|mysqldump`), those that are not there."""
    return [each for each in tools if not any(which(name) for name in each.split("|"))]
