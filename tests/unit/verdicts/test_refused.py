# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible's own check of arguments refuses is an error of ours: real refusals of the Ansible that runs here, each without the value."""

from __future__ import annotations

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from plugins.plugin_utils import _refused

SECRET = "hunter2"
SPEC = {"mail": {"type": "dict", "options": {
            "host": {"required": True}, "sender": {"required": True}, "security": {"choices": ["none", "starttls", "tls"]}, "port": {"type": "int"},
            "to": {"type": "list", "elements": "dict", "options": {"address": {"required": True}, "days": {"type": "list", "elements": "int"}}}}},
        "step": {"choices": ["open", "close"]}, "kinds": {"type": "list", "choices": ["database", "mailbox"]}, "show": {"type": "bool"}}
MAIL = {"host": "h", "sender": "s"}


@pytest.mark.parametrize("given, where, says", [
    ({"mail": {}}, "mail.host, mail.sender", "falta"),
    ({"mail": {**MAIL, "to": [{}]}}, "mail.to.address", "falta"),
    ({"mail": {**MAIL, "security": "starttsl" + SECRET}}, "mail.security", "no es un valor conocido"),
    ({"mail": {**MAIL, "port": SECRET}}, "mail.port", "no es un número entero"),
    ({"mail": {**MAIL, "to": [{"address": "a", "days": [SECRET]}]}}, "mail.to.days", "no es un número entero"),
    ({"mail": {**MAIL, "hots": SECRET}}, "mail.hots", "no es una clave conocida"),
    ({"step": SECRET}, "step", "no es un valor conocido"),
    ({"kinds": ["database", SECRET]}, "kinds", "no es un valor conocido"),
    ({"show": SECRET}, "show", "no es ni true ni false"),
    ({"setp": SECRET}, "setp", "no es una clave conocida"),
], ids=str)
def test_each_refusal_of_ansible_has_a_code_a_place_and_a_mend(given, where, says):
    refused = ArgumentSpecValidator(SPEC).validate(given).error_messages
    assert len(refused) == 1
    error = _refused.of_ansible(refused[0])
    assert error is not None and error.code == "RSP101", refused
    assert error.spanish.startswith(where + ":") or f"{where}:" in error.spanish, error.spanish
    assert says in error.spanish and error.remedy and SECRET not in error.in_both() and "None" not in error.spanish


def test_a_near_word_is_offered_and_what_is_not_known_here_is_left_as_it_is():
    error = _refused.of_ansible(ArgumentSpecValidator(SPEC).validate({"step": "clsoe"}).error_messages[0])
    assert "¿Quiso decir close?" in error.remedy
    assert "¿Quiso decir mail?" in _refused.of_ansible(ArgumentSpecValidator(SPEC).validate({"mial": 1}).error_messages[0]).remedy
    assert _refused.of_ansible("parameters are mutually exclusive: a|b") is None
