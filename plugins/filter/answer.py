# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an answer of a survey means."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.plugin_utils import _answers

DOCUMENTATION = r"""
name: answer
short_description: What an answer of a survey means
version_added: "0.2.0"
author:
  - perucompras.respaldo contributors (@perucompras)
description:
  - Surveys of AWX and Semaphore, and C(-e) of the command line, give texts. This reads one as what it is to be, by the type of its default.
  - Blank (nothing, null, only spaces) is not given, and the default counts. Where the default is true or false, C(sí), C(si), C(s), C(verdadero),
    C(yes), C(y), C(true), C(on), C(1) are yes, and C(no), C(n), C(falso), C(false), C(off), C(0) are no, whatever case and accents they are written with.
    Where it is a number, digits are one. Anything else fails with RSP101.
positional: _input, name, default
options:
  _input:
    description: The answer.
    type: raw
    required: true
  name:
    description: The variable, for the error.
    type: str
    required: true
  default:
    description: What counts when nothing is answered.
    type: raw
    required: true
"""

EXAMPLES = r"""
- ansible.builtin.debug:
    msg: "{{ restore_overwrite | perucompras.respaldo.answer('restore_overwrite', false) }}"
"""

RETURN = r"""
_value:
  description: What the answer means, or the default.
  type: raw
"""


def answer(given: Any, name: str, default: Any) -> Any:
    try:
        return _answers.meant(given, name, default)
    except BackupError as error:
        raise AnsibleFilterError(error.in_both()) from None


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"answer": answer}
