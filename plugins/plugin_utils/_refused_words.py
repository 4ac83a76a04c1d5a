# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible's own words for what is wrong in a role's variables, in Spanish. Without Ansible: `respaldo` says them too.

No value is repeated: what was given may be a secret in the wrong place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ..module_utils._engine.policy import schema
from ..module_utils._engine.value_forms import seen

_CHOICE = re.compile(r"value of (\w+) must be one (?:of|or more of): (.*?)[,.] (?:got: |Got no match for: )(.*)", re.DOTALL)
_MISSING = re.compile(r"missing required arguments: ([\w, ]+)")
_TYPE = re.compile(r"(?:argument|Elements value for option) '(\w+)'.* unable to convert to (\w+)", re.DOTALL)
_TYPES = {"list": "una lista", "dict": "una tabla de claves", "int": "un número entero", "float": "un número", "bool": "sí o no", "str": "un texto",
          "path": "una ruta"}
_MOST, _LONGEST = 10, 1000


def sentences(errors: Any) -> Iterator[str]:
    """Each of Ansible's errors that is known, in Spanish."""
    for error in errors[:_MOST] if isinstance(errors, (list, tuple)) else ():
        said = _spanish(str(error)[:_LONGEST * 4])
        if said:
            yield seen(said)[:_LONGEST]


def _spanish(error: str) -> str:
    choice, missing, of_type = _CHOICE.match(error), _MISSING.match(error), _TYPE.match(error)
    if choice:
        known = [each.strip() for each in choice[2].split(",") if each.strip()]
        near = schema.nearest(choice[3].strip(), known)
        return f"{choice[1]} no tiene un valor válido{f'. ¿Quiso decir {near}?' if near else '.'} Valores: {', '.join(known)}."
    if missing:
        return f"Falta indicar {missing[1].strip()}."
    if of_type:
        return f"{of_type[1]} debe ser {_TYPES.get(of_type[2], of_type[2])}."
    return ""
