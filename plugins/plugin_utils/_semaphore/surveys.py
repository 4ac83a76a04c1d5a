# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forms of `_schedules/questions.py` as Semaphore has them: by the words of `backup_semaphore.surveys`, and as its templates keep questions.

The one that waits for an approval is not among them, since Semaphore knows none.
"""

from __future__ import annotations

from typing import Any

from .._schedules.questions import FORMS, Question

SURVEYS = {"copy": FORMS["emergencia"], "restore": FORMS["solicitud"], "excuse": FORMS["justificacion"], "hold": FORMS["conservacion"]}


def survey(questions: tuple[Question, ...]) -> list[dict[str, Any]]:
    """As Semaphore keeps them. Its fields have one line and no default, so the help says what a blank comes to."""
    return [{
        "name": each.variable, "title": each.name, "required": each.required,
        "description": " ".join(filter(None, (each.help, "Con comas entre una y otra." if each.several else "",
                                              f"En blanco: {each.default}." if each.default else ""))),
        "type": "enum" if each.choices else "", **({"values": [{"name": choice, "value": choice} for choice in each.choices]} if each.choices else {}),
    } for each in questions]
