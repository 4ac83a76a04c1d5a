# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people are asked where a scheduler has forms: by the roles' own argument specs, and the same in AWX and Semaphore."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from plugins.plugin_utils._schedules import awx_forms
from plugins.plugin_utils._schedules.questions import APPROVED, FORMS, Form
from plugins.plugin_utils._semaphore import surveys

ROOT = Path(__file__).resolve().parents[3]


def _options(role: str) -> dict[str, Any]:
    specification = yaml.safe_load((ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text("utf-8"))
    return specification["argument_specs"]["main"]["options"]


@pytest.mark.parametrize("form", FORMS.values(), ids=list(FORMS))
def test_a_form_asks_what_the_role_takes(form: Form) -> None:
    playbook = (ROOT / "playbooks" / f"{form.playbook}.yml").read_text("utf-8")
    if form.role == "common":
        # asked by the inventory's own names, which the role reads by its defaults
        defaults = (ROOT / "roles/common/defaults/main.yml").read_text("utf-8")
        assert all(f"{{{{ {question.variable} | default(" in defaults for question in form.questions)
        return
    options = _options(form.role)
    assert f"perucompras.respaldo.{form.role}" in playbook
    for question in form.questions:
        option = options.get(question.variable)
        if option is None:
            assert question.variable in playbook, question.variable      # a variable of the playbook itself: restore_host
            continue
        assert list(question.choices) == [each for each in option.get("choices", ()) if each], question.variable
        assert question.required == option.get("required", False), question.variable
        assert question.default in ("", option.get("default")), question.variable
        # a list is raw where the filter `answer` reads it
        assert question.several if option["type"] == "list" else option["type"] == "raw" or not question.several, question.variable
    assert not [each for each in form.fixed if form.fixed[each] not in options[each]["choices"]]
    assert {each for each, option in options.items() if option.get("required")} <= {*form.fixed, *(question.variable for question in form.questions)}


def test_there_is_one_list() -> None:
    """What is asked is written where FORMS is: no file else of a scheduler's makes a question, or names a variable that one asks for."""
    asked = {each.variable for form in FORMS.values() for each in form.questions}
    rooms = (ROOT / "plugins/plugin_utils/_schedules", ROOT / "plugins/plugin_utils/_semaphore")
    written = re.compile(r"\bQuestion\(|" + "|".join(f'"{each}"' for each in asked))
    found = {path.name for room in rooms for path in room.glob("*.py") if written.search(path.read_text("utf-8"))}
    assert found == {"questions.py"}


def test_no_question_is_a_secret() -> None:
    assert not [each.variable for form in FORMS.values() for each in form.questions if re.search("password|secret|token|clave", each.variable)]


def test_both_ask_the_same_of_all_but_what_waits_for_an_approval() -> None:
    """Semaphore knows no approval, so that a restore begins there with its request."""
    assert list(surveys.SURVEYS.values()) == [form for name, form in FORMS.items() if name != APPROVED]
    for form in surveys.SURVEYS.values():
        awx = awx_forms.survey(form.questions)["spec"]
        semaphore = surveys.survey(form.questions)
        assert [(each["variable"], each["question_name"], each["required"], each.get("choices", [])) for each in awx] == [
            (each["name"], each["title"], each["required"], [choice["value"] for choice in each.get("values", ())]) for each in semaphore]


def test_how_each_has_a_list_a_default_and_a_text() -> None:
    form = FORMS["solicitud"]
    awx = {each["variable"]: each for each in awx_forms.survey(form.questions)["spec"]}
    semaphore = {each["name"]: each for each in surveys.survey(form.questions)}
    assert [awx[name]["type"] for name in ("request_paths", "request_what", "request_system", "request_of")] == [
        "textarea", "textarea", "text", "multiplechoice"]
    assert awx["request_paths"]["question_description"] == "Sus rutas. Una por línea." and awx["request_of"]["default"] == "restore"
    assert semaphore["request_paths"]["description"] == "Sus rutas. Con comas entre una y otra."
    assert semaphore["request_of"]["description"] == "En blanco: restore."
    assert [semaphore[name]["type"] for name in ("request_of", "request_what")] == ["enum", ""]
