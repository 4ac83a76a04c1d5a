# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The README.md of each role, which Galaxy asks for, from the role's meta/argument_specs.yml: so that no option is described twice."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml


def markdown(text: str) -> str:
    """Ansible's markup as Markdown, in one line of a table."""
    text = re.sub(r"\b[CVOEM]\(([^)]*)\)", r"`\1`", text)
    return " ".join(text.split()).replace("|", "\\|")


def sentences(description: str | list[str]) -> list[str]:
    return [description] if isinstance(description, str) else description


def row(name: str, option: dict[str, Any]) -> str:
    # what people answer in surveys is a text, read by its default (the filter `answer`)
    read = {bool: "bool", int: "int"}.get(type(option.get("default")), option["type"])
    kind = (read if option["type"] == "raw" else option["type"]) + (f" of {option['elements']}" if "elements" in option else "")
    default = "required" if option.get("required") else f"`{json.dumps(option['default'], ensure_ascii=False)}`" if "default" in option else ""
    told = sentences(option["description"])
    if "choices" in option:
        told = [*told, "One of " + ", ".join(f"V({choice})" for choice in option["choices"]) + "."]
    return f"| `{name}` | {kind} | {markdown(default)} | {markdown(' '.join(told))} |"


def page(role: Path, playbooks: list[Path]) -> str:
    """One role's README. Options below options are left to ansible-doc."""
    main = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]["main"]
    lines = [f"# perucompras.respaldo.{role.name}", "", f"{main['short_description']}.".replace("..", "."), ""]
    lines += [f"{markdown(paragraph)}\n" for paragraph in sentences(main["description"])]
    users = [book.stem for book in playbooks if re.search(rf"\bperucompras\.respaldo\.{role.name}$", book.read_text(encoding="utf-8"), re.MULTILINE)]
    if users:
        lines += ["Run by " + ", ".join(f"`perucompras.respaldo.{name}`" for name in users) + ".\n"]
    if main.get("options"):
        lines += ["| Variable | Type | Default | Meaning |", "|---|---|---|---|"]
        lines += [row(name, option) for name, option in main["options"].items()]
        lines += [""]
    lines += [f"All of it: `ansible-doc -t role perucompras.respaldo.{role.name}`. This page is written by `make docs` from `meta/argument_specs.yml`.", ""]
    return "\n".join(lines)


def pages(top: Path) -> dict[Path, str]:
    """Path and text of each."""
    playbooks = sorted(top.glob("playbooks/*.yml"))
    return {specification.parents[1] / "README.md": page(specification.parents[1], playbooks)
            for specification in sorted(top.glob("roles/*/meta/argument_specs.yml"))}
