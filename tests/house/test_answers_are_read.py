# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person answers in a survey is a text: "no" is never taken for true because there is something in it, and blank is not given.

The rule: a role's variable whose default is true, false or a number is declared `raw` (Ansible's own check refuses blank and sí, in English), and stands
in tasks and playbooks with the filter `answer` alone, which knows that default.
"""

from __future__ import annotations

import re
from typing import Any

from test_roles import TOP, is_template, load, options, roles, task_files

# what an argument spec of Ansible refuses when it is blank, or takes for something when it is a word
_READ_BY_ANSIBLE = ("bool", "int", "float", "dict")


def literal(value: Any) -> str:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def defaults() -> dict[str, Any]:
    return {name: default for role in roles() for name, default in (load(role / "defaults" / "main.yml") or {}).items() if not is_template(default)}


def expressions() -> list[tuple[str, str]]:
    """(file, code) of every expression in tasks, variables and playbooks."""
    found = []
    for path in [*task_files(), *sorted(TOP.glob("roles/*/vars/*.yml"))]:
        text = re.sub(r"(?m)^\s*#.*$", "", path.read_text("utf-8"))
        # the rows of `when`, `that` and the like, bare or as a list, and what stands in braces
        code = re.findall(r"\{\{(.*?)\}\}", text, re.DOTALL)
        for begin, rest in re.findall(r"(?m)^( *)(?:- )?(?:when|that|failed_when|changed_when|until):((?:.*)(?:\n\1 +.*)*)", text):
            code += [rest]
        found += [(str(path.relative_to(TOP)), each) for each in code]
    return found


def test_no_role_lets_ansible_refuse_or_guess_an_answer() -> None:
    wrong = [f"{role.name}: {name} is {option['type']}" for role in roles() for name, option in options(role).items()
             if option.get("type") in _READ_BY_ANSIBLE[:3] or (option.get("type") == "dict" and "default" in option and not name.startswith("append_only_"))]
    assert not wrong


def test_each_yes_and_no_and_each_number_is_read_by_the_filter() -> None:
    # of the gate's keys and limits nobody is asked in a survey
    wanted = {name: default for name, default in defaults().items()
              if isinstance(default, (bool, int)) or isinstance(default, dict) and not name.startswith("append_only_medium_")}
    assert len(wanted) > 25
    wrong, seen = [], set()
    for place, code in expressions():
        for name, default in wanted.items():
            for found in re.finditer(rf"(?<![\w'\"])({name})(?![\w'\"])(.*)", code):
                seen.add(name)
                if not re.match(rf" \| perucompras\.respaldo\.answer\('{name}', {literal(default)}\)", found[2]):
                    wrong.append(f"{place}: {name}{found[2][:60]}")
    assert not wrong and not set(wanted) - seen - {"common_verdict"}


def test_nothing_else_reads_answers() -> None:
    """`bool` takes what it doesn't know for false, and `int` for 0."""
    wrong = [f"{place}: {code.strip()[:80]}" for place, code in expressions() if re.search(r"\|\s*(bool|int|float)\b", code)]
    assert not wrong


def test_an_answer_that_is_blank_is_left_out() -> None:
    declared = {name for role in roles() for name in options(role)}
    wrong = [f"{place}: {code.strip()[:80]}" for place, code in expressions()
             for name in re.findall(r"(\w+) \| default\(omit\)", code) if name in declared]
    optional = [f"{role.name}: {name}" for role in roles() for name, option in options(role).items()
                # which restores need a request is the institution's decision: a blank answer is no way round it, and is refused
                if "choices" in option and not option.get("required") and "" not in option["choices"] and not name.endswith("_requires_request")]
    assert not wrong and not optional
