# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The form of a system's own commands before and after its copy."""

from __future__ import annotations

from typing import Any, List, Mapping

from .schema import Problem, choice, listing, table, text, whole

_LONGEST = 86400     # seconds


def _argv(value: Any, where: str, problems: List[Problem]) -> None:
    before = len(problems)
    listing(_argument, minimum=1)(value, where, problems)
    if len(problems) == before and not value[0].startswith("/"):
        problems.append(Problem(where, "(a list)", "does not begin with the full path of a program",
                                "Give it from the root, such as /usr/sbin/fsfreeze; no shell reads it."))


def _argument(value: Any, where: str, problems: List[Problem]) -> None:
    # an argument may be empty, and is never shown: somebody may have put a secret there
    if not isinstance(value, str) or "\x00" in value:
        problems.append(Problem(where, "(hidden)", "is not a text", "Write it between quotes."))


_ONE = table({"argv": _argv}, {"name": text(r"[^\x00-\x1f]{1,80}", "congelar"), "on": choice("server", "controller"), "timeout_seconds": whole(1, _LONGEST)})
_FORM = table({}, {"before": listing(_ONE), "after": listing(_ONE)})


def hooks(value: Any, where: str, problems: List[Problem]) -> None:
    """A check of what runs before and after a system's copy."""
    before = len(problems)
    _FORM(value, where, problems)
    if len(problems) > before:
        return
    for when in ("before", "after"):
        names = [row["name"] for row in value.get(when) or () if "name" in row]
        problems += [Problem("{0}.{1}".format(where, when), name, "is the name of two commands", "Give each its own name: the bitácora tells them apart by it.")
                     for name in sorted({name for name in names if names.count(name) > 1})]


def not_of_a_tool(system: Mapping[str, Any], where: str, problems: List[Problem]) -> None:
    """What a tool copies at its own hours has no moment of ours before and after."""
    source = system.get("source")
    if "hooks" in system and isinstance(source, Mapping) and source.get("type") == "azure_backup":
        problems.append(Problem(where + ".hooks", "(a table of keys)", "has no meaning for azure_backup", "Remove it: Azure Backup copies at its own hours."))
