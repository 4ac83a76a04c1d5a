# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people answer: in a survey of AWX or Semaphore, or with -e, where everything is a text.

Blank is not given: the default counts. Yes and no are understood in Spanish and in English, numbers also as texts; anything else is RSP101, never
taken for true because it is a text with something in it.
"""

from __future__ import annotations

import contextlib
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from ..module_utils._engine.errors import BackupError
from ..module_utils._engine.policy import schema
from ..module_utils._engine.value_forms import seen

YES = ("si", "s", "verdadero", "v", "yes", "y", "true", "t", "on", "1")
NO = ("no", "n", "falso", "f", "false", "off", "0")
_LONGEST = 200      # of what is shown of a value


def blank(given: Any) -> bool:
    """Whether nothing was answered."""
    return given is None or isinstance(given, str) and not given.strip()


def flag(given: Any, where: str, default: bool) -> bool:
    """A yes or a no. Raises BackupError RSP101."""
    if blank(given):
        return default
    if isinstance(given, bool) or isinstance(given, (int, float)) and given in (0, 1):
        return bool(given)
    word = "".join(each for each in unicodedata.normalize("NFD", str(given).strip().lower()) if not unicodedata.combining(each))
    if isinstance(given, str) and word in (*YES, *NO):
        return word in YES
    raise BackupError("invalid_input", where=where, value=_shown(given), problem="is neither yes nor no: answer sí or no", mend="Blank takes the default.")


def whole(given: Any, where: str, default: int) -> int:
    """A whole number, also as a text. Raises BackupError RSP101."""
    if blank(given):
        return default
    if isinstance(given, str) and re.fullmatch(r"[+-]?[0-9]{1,12}", given.strip()):
        return int(given)
    if isinstance(given, int) and not isinstance(given, bool):
        return int(given)
    if isinstance(given, float) and given.is_integer():
        return int(given)
    raise BackupError("invalid_input", where=where, value=_shown(given), problem="is not a whole number, in digits such as 30", mend="Blank takes the default.")


def table(given: Any, where: str, default: Mapping[str, Any]) -> Any:
    """A table, also as JSON, as -e and surveys can have it. Raises BackupError RSP101, which shows nothing of it: a table may hold a secret."""
    if blank(given):
        return default
    found = given
    if isinstance(given, str):
        with contextlib.suppress(ValueError, RecursionError):
            found = json.loads(given)
    if not isinstance(found, Mapping):
        raise BackupError("invalid_input", where=where, value=schema.HIDDEN, problem="is not a table of keys", mend="Blank takes the default.")
    return found


def meant(given: Any, where: str, default: Any) -> Any:
    """What an answer means, by the type of what counts when there is none: yes or no, a number; of a list or a table only that blank is not given.

    Raises BackupError RSP101.
    """
    if isinstance(default, bool):
        return flag(given, where, default)
    if isinstance(default, int):
        return whole(given, where, default)
    if isinstance(default, dict):
        return table(given, where, default)
    return default if blank(given) else given


def rows(given: Any, commas: bool = True) -> Any:
    """A list as people give it: a text with one on each line, else between commas; blank ones are none. What is no text or list stays as it is."""
    if isinstance(given, str):
        given = given.splitlines() if "\n" in given.strip() or not commas else given.split(",")
    if not isinstance(given, (list, tuple)):
        return given
    return [each.strip() if isinstance(each, str) else each for each in given if not blank(each)]


def arguments(given: Mapping[str, Any], spec: Mapping[str, Mapping[str, Any]], uncut: Iterable[str] = ()) -> dict[str, Any]:
    """The arguments of a task, by its argument spec. Those of the names `uncut` are lists whose texts are cut at lines alone. Raises BackupError RSP101."""
    found: dict[str, Any] = {}
    for name, value in given.items():
        kind = spec.get(name, {}).get("type", "str")
        if kind == "list" and spec[name].get("elements") in ("str", "path"):
            found[name] = rows(value, name not in uncut)
        elif kind in ("bool", "int", "float", "list", "dict") and isinstance(value, str):
            if not blank(value):
                found[name] = flag(value, name, False) if kind == "bool" else whole(value, name, 0) if kind == "int" else value
        elif name.endswith("reason"):
            found[name] = value      # who gives a reason asks for what needs one: blanks are refused by it, and not taken for nothing asked
        else:
            found[name] = "" if isinstance(value, str) and blank(value) else value
    return found


def _shown(given: Any) -> str:
    # whoever gives a whole file where a word belongs is shown its beginning
    return schema.HIDDEN if getattr(given, "__ENCRYPTED__", False) else seen(str(given)[:_LONGEST])
