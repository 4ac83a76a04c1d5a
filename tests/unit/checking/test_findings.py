# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible says of variables that it can't fill in, told without the variables."""

from __future__ import annotations

import pytest
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._checking.findings import of_result

SECRET = "Sup3rSecreta"
OF_2_17 = ("An unhandled exception occurred while templating '[{'name': 'A', 'source': {'password': 'Sup3rSecreta'}}]'. Error was a <class "
           "'ansible.errors.AnsibleError'>, original message: ")


@pytest.mark.parametrize(("told", "kept"), [
    (OF_2_17 + "division by zero", "division by zero"),
    (OF_2_17 + "template error while templating string: no filter named 'x'. String: {'password': 'Sup3rSecreta', 'b': '{{ 1 | x }}'}", "no filter named"),
    (OF_2_17 + "'no_existe' is undefined. 'no_existe' is undefined", "no_existe"),
    ("The task includes an option with an undefined variable. [{'password': 'Sup3rSecreta'}]: 'no_existe' is undefined", "no_existe"),
    ("Unexpected templating type error occurred on ({{ [{'password': 'Sup3rSecreta'}] }}): unsupported", "unsupported"),
])
def test_no_value_of_a_variable_is_told(told: str, kept: str) -> None:
    found, = of_result({"failed": True, "msg": told}, "bd1")
    assert SECRET not in f"{found}" and kept in found.what
