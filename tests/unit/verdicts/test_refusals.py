# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible's own refusals of a role's variables, in Spanish; by Ansible's own validator, so that its words are those of the version that runs."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.perucompras.respaldo.plugins.plugin_utils import _refused_words

SPEC = {"kind": {"type": "str", "choices": ["database", "source_code"]}, "system": {"type": "str", "required": True}, "number": {"type": "int"},
        "rows": {"type": "list", "elements": "dict"}, "table": {"type": "dict"},
        "words": {"type": "list", "elements": "str", "choices": ["uno", "dos"]}}


@pytest.mark.parametrize(("given", "said"), [
    ({"system": "x", "kind": "databse"}, "kind no tiene un valor válido. ¿Quiso decir database? Valores: database, source_code."),
    ({"system": "x", "kind": "Zq9"}, "kind no tiene un valor válido. Valores: database, source_code."),
    ({"system": "x", "words": ["Zq9", "uno"]}, "words no tiene un valor válido. Valores: uno, dos."),
    ({}, "Falta indicar system."),
    ({"system": "x", "number": "Zq9"}, "number debe ser un número entero."),
    ({"system": "x", "table": "Zq9"}, "table debe ser una tabla de claves."),
    ({"system": "x", "rows": {"a": "Zq9"}}, "rows debe ser una lista."),
    ({"system": "x", "rows": ["Zq9"]}, "rows debe ser una tabla de claves."),
])
def test_each_is_told_and_no_value_is_repeated(given: dict[str, Any], said: str) -> None:
    assert list(_refused_words.sentences(ArgumentSpecValidator(SPEC).validate(given).error_messages)) == [said]


@pytest.mark.parametrize("errors", [None, "value of x", [], [7], [{"a": 1}], ["something else"]])
def test_what_is_no_such_error_is_left_to_ansible(errors: Any) -> None:
    assert list(_refused_words.sentences(errors)) == []
