# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of file servers, and those of every source at once, by the names they have in the inventory's `source`."""

from __future__ import annotations

from typing import Any, Dict

from ._engine.sources import snapshots
from ._engine.sources.restic import REPOSITORIES
from ._source_options import DATABASE_SOURCE, GIT_SOURCE, MAILBOX_SOURCE, PATHS_SOURCE

FILES_SOURCE: Dict[str, Any] = dict(
    type=dict(type="str", choices=["restic"], default="restic"),
    paths=dict(type="list", elements="path", default=[]),
    exclude=dict(type="list", elements="str", default=[]),
    exclude_caches=dict(type="bool", default=False),
    one_file_system=dict(type="bool", default=False),
    repository=dict(type="str", choices=list(REPOSITORIES), default="system"),
    snapshot=dict(type="str", choices=list(snapshots.KINDS), default="none"),
    limit_upload=dict(type="int", default=0),
    limit_upload_working_hours=dict(type="int", default=0),
    read_concurrency=dict(type="int", default=0),
    changed_files=dict(type="str", choices=["warn", "fail"], default="warn"),
)


def any_source() -> Dict[str, Any]:
    """The options of every source at once, for the modules that open copies of all kinds."""
    merged: Dict[str, Any] = {}
    for options in (MAILBOX_SOURCE, GIT_SOURCE, PATHS_SOURCE, FILES_SOURCE, DATABASE_SOURCE):
        merged.update(options)
    merged["type"] = dict(type="str", default="")
    return dict(type="dict", default={}, options=merged)
