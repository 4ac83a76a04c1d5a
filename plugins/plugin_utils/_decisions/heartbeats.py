# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which services outside do not get our signs of life, by the entries of the last runs. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .._schedules.purposes import PURPOSES

EVENT = "heartbeat_failed"
RUNS = ("run_started", "run_ended", "run_interrupted")


def signs(failed: Iterable[Mapping[str, Any]], runs: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """name -> Spanish text. A later run of the same purpose that ended without telling of it ends the sign."""
    told = [entry for entry in failed if not entry.get("simulated")]
    known = [entry for entry in runs if not entry.get("simulated")]
    ended = {entry.get("run") for entry in known if entry["type"] != RUNS[0]}
    last = {str(entry.get("medium", "")): entry for entry in told}
    found = {}
    for name, entry in sorted(last.items()):
        purpose = PURPOSES.get(str(entry.get("purpose", "")))
        later = [each.get("run") for each in known if each["type"] == RUNS[0] and purpose and each.get("playbook") == purpose.playbook + ".yml"
                 and each["n"] > entry["n"] and each.get("run") in ended]
        if not later:
            found[name] = "{0}: {1}".format(entry.get("error_code", ""), entry.get("error_message_es", ""))
    return found
