# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The N.º of what a person did: whoever excuses, holds, approves or restores something cites its entry, in a letter or to withdraw it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from ansible import constants
from ansible.utils.display import Display

from ...module_utils._engine.value_forms import seen
from . import view
from .entries import Entry
from .recorder import Recorder

# What people do and cite; of a request, its ticket is what they cite.
CITED = ("excuse", "excuse_withdrawn", "copy_held", "copy_released", "evidence_made", "month_approved", "entry_redacted", "restored", "restore_failed",
         "warning_sent", "warning_failed")
_LONGEST = 300


def flush(recorder: Recorder) -> None:
    """Write what waits, and tell the numbers that it got. Where standard output is made for machines, they go to standard error."""
    recorder.flush_pending()
    written, recorder.written = recorder.written, {}
    for told in lines(written):
        Display().display(told, stderr="json" in str(constants.DEFAULT_STDOUT_CALLBACK).lower())


def lines(written: Mapping[int, Entry]) -> Iterator[str]:
    for entry in written.values():
        if entry.type in CITED:
            body = json.loads(entry.body)
            about = ", ".join(str(body[name]) for name in ("system", "label", "location") if body.get(name))
            told = "Asiento N.º {0} de la bitácora: {1}{2}{3}".format(entry.n, view.word(entry.type), ", " + about if about else "",
                                                                      " (simulación)" if body.get("simulated") else "")
            yield seen(told[:_LONGEST])
