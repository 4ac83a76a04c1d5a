# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs once more, alone, the few tests that failed among servers, timers and a full machine, and tells which of them then passed.

A test that passes only alone is a defect, of the test or of what it tests, but one of eight thousand must not hide what the others
found. So it is named with its reason in the summary, never counted as passed in silence; many such are no accident, and fail.
Needs only Python's own library.
"""

from __future__ import annotations

import json
from pathlib import Path

# so many in a whole run at most: more have one cause
AT_MOST = 4


def remember(log: Path) -> list[str]:
    """Options with which pytest notes beside a part's log which tests failed."""
    return ["-p", "cacheprovider", "-o", f"cache_dir={_cache(log)}"]


def failed(log: Path) -> list[str]:
    """The tests of a part that failed, as pytest names them. Empty where it could not say: it never began, or did not end."""
    try:
        told = json.loads((_cache(log) / "v" / "cache" / "lastfailed").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    # a file that could not even be read stands there by its path alone: no second try mends that
    return sorted(told) if all("::" in name for name in told) else []


def _cache(log: Path) -> Path:
    return log.with_suffix(".pytest")
