# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible's own check of a task's arguments refused, as an error of the catalogue: with its code, by the whole path of what is wrong, and without the
value, which may be a secret in the wrong place.
"""

from __future__ import annotations

import re

from ..module_utils._engine.errors import BackupError
from ..module_utils._engine.policy import schema

# Ansible's words, as ArgumentSpecValidator of ansible-core 2.17 to 2.21 writes them.
_MISSING = re.compile(r"missing required arguments: (?P<names>\w+(?:, \w+)*)(?: found in (?P<where>.+))?$")
_CHOICE = re.compile(r"value of (?P<names>\w+) must be one (?:of|or more of): (?P<known>.*?)[,.] (?:got: |Got no match for: )"
                     r"(?P<got>.*?)(?: found in (?P<where>[\w. >-]+))?$", re.DOTALL)
_TYPE = re.compile(r"(?:argument|Elements value for option) '(?P<names>\w+)'(?: found in '(?P<before>[^']+)')? is of type .*?"
                   r"(?:found in '(?P<where>[^']+)'\. )?and we were unable to convert to (?P<type>\w+)", re.DOTALL)
_EXTRA = re.compile(r"(?P<names>[\w.]+)\. Supported parameters include: (?P<known>[^.]+)\.?$")
_NOT = {"list": "is not a list", "dict": "is not a table of keys", "bool": "is neither true nor false",
        "int": "is not a whole number, in digits such as 30"}
_UNSEEN = "..."


def of_ansible(text: str) -> BackupError | None:
    """The same as RSP101; None for a text that is not known here, which is then told as it came."""
    for pattern in (_MISSING, _CHOICE, _TYPE, _EXTRA):
        found = pattern.match(text)
        if found:
            return _error(found.groupdict())
    return None


def _error(found: dict[str, str | None]) -> BackupError | None:
    where, known = _paths(found), [each.strip() for each in (found.get("known") or "").split(",") if each.strip()]
    if "got" in found:
        return BackupError("invalid_input", where=where, value=_UNSEEN, problem="is not known here", mend=schema.meant((found["got"] or "").strip(), known))
    if "type" in found:
        problem = _NOT.get(found["type"] or "")
        return BackupError("invalid_input", where=where, value=_UNSEEN, problem=problem, mend="Give a value, or remove the key.") if problem else None
    if known:
        word = where.rpartition(".")[2]
        return BackupError("invalid_input", where=where, value=_UNSEEN, problem="is not a known key", mend=schema.meant(word, known))
    return BackupError("invalid_input", where=where, value=None, problem="is missing", mend="Give a value, or remove the key.")


def _paths(found: dict[str, str | None]) -> str:
    """`host, sender found in mail -> to` as mail.to.host, mail.to.sender."""
    before = (found.get("where") or found.get("before") or "").replace(" -> ", ".").strip(" .")
    return ", ".join(f"{before}.{name}" if before else name for name in str(found["names"]).split(", "))
