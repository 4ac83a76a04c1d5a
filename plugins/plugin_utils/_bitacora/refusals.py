# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible's own check of a role's variables refused, in Spanish: it says that in English only, among ten lines of specification, before any of our
tasks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.utils.display import Display

from .. import _refused_words
from . import hearing


def told(found: Mapping[str, Any], task: Any) -> str:
    """Tell people what was refused where a role of ours was entered; gives what the bitácora has of it: that, or the code of ours that a template told."""
    if not hearing.enters(task):
        return ""
    said = list(_refused_words.sentences(found.get("argument_errors")))
    for each in said:
        Display().error(each, wrap_text=False)
    return ": " + "; ".join(said) if said else hearing.code_in(found)
