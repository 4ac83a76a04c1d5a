# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing the file of a report: whole, and only when it differs."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from ...module_utils._engine.errors import BackupError


def put(path: Path, content: bytes, only_look: bool) -> bool:
    """Whether the file differs from `content`; it is replaced whole, unless `only_look`. Raises BackupError(report_unwritable)."""
    try:
        if path.exists() and path.read_bytes() == content:
            return False
        if only_look:
            return True
        path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".report-")
        try:
            with os.fdopen(descriptor, "wb") as out:
                out.write(content)
                out.flush()
                os.fsync(out.fileno())
            os.chmod(name, 0o640)
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise BackupError("report_unwritable", path=path, detail=error.strerror or error) from error
    return True
