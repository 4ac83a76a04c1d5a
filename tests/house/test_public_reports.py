# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/reports.md: each report that was tried has its row, and each test that a row names is there. What two of them need of every play of ours."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

TOP = Path(__file__).resolve().parents[2]
# title -> the numbers that its list gave
LISTS = {
    "Databases and git, what mattered most": [f"S{n}" for n in range(1, 15)],
    "Databases and git, report by report": [*(str(n) for n in range(1, 36) if n not in (5, 25)), *"abcefghiklnopqr"],
    "File servers, directories, Azure Blob": [str(n) for n in range(1, 25) if n != 19],
    "Ansible, AWX, schedulers": [str(n) for n in range(1, 23)],
    "Mailboxes": [f"M{n}" for n in range(1, 39)],
    "Siblings, and reports read later": [f"L{n}" for n in range(1, 19)],
    "Schedulers": [f"P{n}" for n in range(1, 7)],
    "Many copies at once, partial ones, clocks": [f"C{n}" for n in range(1, 6)],
    "Media that moved, and what a command says": [f"N{n}" for n in range(1, 11)],
}
COPYING = ("site", "database", "file_server", "source_code", "drill", "prune", "reconcile", "transfer", "verify")


def rows() -> dict[str, list[list[str]]]:
    found: dict[str, list[list[str]]] = {}
    for section in (TOP / "docs/reports.md").read_text("utf-8").split("\n## ")[1:]:
        title, _line, text = section.partition("\n")
        found[title] = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if re.match(r"\| (?!#)", line)]
    return found


def plays() -> list[tuple[str, dict[str, Any]]]:
    return [(path.stem, play) for path in sorted((TOP / "playbooks").glob("*.yml")) for play in yaml.safe_load(path.read_text("utf-8"))]


def test_each_report_has_its_row() -> None:
    assert {title: [number for row in table for number in row[0].split(", ")] for title, table in rows().items()} == LISTS


def test_each_test_that_is_named_is_there() -> None:
    wrong = []
    for table in rows().values():
        for row in table:
            file = ""
            for named, test in re.findall(r"`(tests/[\w/.]+\.py)?(?:::(\w+))?`", row[2]):
                file = named or file
                path = TOP / file
                if (named or test) and (not path.is_file() or (test and not re.search(rf"^def {test}\(", path.read_text("utf-8"), re.MULTILINE))):
                    wrong.append(f"{row[0]}: {file}::{test}")
    assert not wrong


def test_a_row_names_a_test_or_says_why_there_is_none() -> None:
    assert [row[0] for table in rows().values() for row in table if not row[2] and row[0] != "S4"] == []


def test_no_setting_makes_one_server_stop_the_others() -> None:
    assert [name for name, play in plays() if play.get("any_errors_fatal") is not False and "import_playbook" not in str(play)] == []


def test_plays_that_copy_wait_for_no_other_server() -> None:
    copying = [(name, play) for name, play in plays() if name in COPYING]
    assert len(copying) >= len(COPYING) and [name for name, play in copying if play.get("strategy") != "ansible.builtin.free"] == []
