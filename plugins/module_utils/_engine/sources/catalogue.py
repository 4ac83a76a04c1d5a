# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every source by the name the inventory gives it."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from ..errors import BackupError
from . import of_databases
from .base import Source


def build(source_type: str, options: Mapping[str, Any], assigned: Sequence[str] = ()) -> Source:
    """The source of that type with its options. `assigned` are the assigned paths of the scope guard (numeral 6.2)."""
    if source_type in of_databases.TYPES:
        return of_databases.build(source_type, options, assigned)
    # each is read where it is needed: a server compiles what a task imports, each time
    if source_type == "git":
        from . import of_git

        return of_git.build(options, assigned)
    if source_type == "paths":
        from . import of_paths

        return of_paths.build(options, assigned)
    if source_type in ("graph", "imap"):
        from . import of_mailboxes

        return of_mailboxes.build({**options, "type": source_type}, assigned)
    if source_type == "restic":
        from . import of_files

        return of_files.build(options, assigned)
    raise BackupError("invalid_input", where="source.type", value=source_type, problem="is not a known source",
                      mend="Use one of: command, git, graph, imap, mariadb, paths, postgresql, restic, sqlite.")
