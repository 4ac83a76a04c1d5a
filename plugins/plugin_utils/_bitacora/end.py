# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run has to say at its end of its own bitácora: entries that wait or are lost, a verdict's findings, a head that was not sealed."""

from __future__ import annotations

from collections.abc import Iterator

from . import hearing
from .recorder import Recorder


def lines(recorder: Recorder) -> Iterator[tuple[str, bool]]:
    """Each line, and whether it is an error."""
    if recorder.journal_file:
        yield (f"{hearing.told(recorder.problem)}. Los asientos esperan en {recorder.journal_file}; la próxima ejecución los incorpora.", True)
    elif recorder.unwritten:
        yield (f"los asientos de esta ejecución no se pudieron guardar en ninguna parte: {hearing.told(recorder.broken or recorder.problem)}", True)
    for finding in recorder.findings:
        yield hearing.told(finding), True
    for why in recorder.unsealed:
        yield "no se pudo sellar o anclar el final de la cadena [the head was not sealed or anchored]: " + why, False
