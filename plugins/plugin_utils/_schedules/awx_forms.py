# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forms of `questions.py` as AWX has them (surveys), and the workflow in which one of them waits for a person."""

from __future__ import annotations

from typing import Any

from .questions import Question

WORKFLOW = "restauracion-autorizada"
APPROVAL = "Autorizar la restauración"


def survey(questions: tuple[Question, ...]) -> dict[str, Any]:
    """As AWX keeps it; it gives back what it was given, so that the same is no change."""
    return {"name": "", "description": "", "spec": [{
        "question_name": each.name, "question_description": f"{each.help} Una por línea.".lstrip() if each.several else each.help, "required": each.required,
        "variable": each.variable, "default": each.default, "type": "multiplechoice" if each.choices else "textarea" if each.several or each.prose else "text",
        **({"choices": list(each.choices)} if each.choices else {}),
    } for each in questions]}
