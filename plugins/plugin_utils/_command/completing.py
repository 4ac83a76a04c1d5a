# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Completion for bash: verbs, options and choices, and the institution's own systems, as the last plan that was run named them."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .configured import default_state
from .verbs import COMMON, VERBS

_SCRIPT = '''\
# respaldo: en ~/.bashrc, o en /etc/bash_completion.d/respaldo:  eval "$(respaldo completar)"
_respaldo() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    [[ -n "$line" ]] && COMPREPLY+=("$(printf '%q' "$line")")
  done < <(respaldo --completar "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _respaldo respaldo
'''


def script() -> str:
    """What bash reads."""
    return _SCRIPT


def words(typed: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """What may stand where the last word is being typed."""
    *before, last = typed or [""]
    last = last.replace("\\", "").lstrip("\"'")
    if not before:
        return _beginning(last, VERBS)
    verb = VERBS.get(before[0])
    if verb is None:
        return []
    options = {f"--{option.name}": option for option in (*verb.options, *COMMON)}
    choosing = options.get(before[-1])
    if choosing and choosing.form != "flag":
        return _beginning(last, choosing.choices)
    if last.startswith("-"):
        return _beginning(last, options)
    return _beginning(last, _remembered(environment)) if verb.systems else []


def remember(plans: Iterable[Mapping[str, Any]], environment: Mapping[str, str]) -> None:
    """Keep the systems' names. A comfort: where it can't be kept, nothing is said."""
    names = sorted({str(row["system"]) for row in plans if isinstance(row.get("system"), str)})
    if not names:
        return
    path = _path(environment)
    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.{os.getpid()}")
        part.write_text(json.dumps(names, ensure_ascii=False), encoding="utf-8")
        part.replace(path)


def _remembered(environment: Mapping[str, str]) -> list[str]:
    with contextlib.suppress(OSError, ValueError):
        return [name for name in json.loads(_path(environment).read_text(encoding="utf-8")) if isinstance(name, str)]
    return []


def _path(environment: Mapping[str, str]) -> Path:
    return default_state(environment) / "sistemas.json"


def _beginning(last: str, known: Iterable[str]) -> list[str]:
    return [name for name in known if name.lower().startswith(last.lower())]
