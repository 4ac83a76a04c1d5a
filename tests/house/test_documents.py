# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What developers read names files that are there: a page whose paths are stale leads its reader nowhere."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
DECISIONS = sorted((TOP / "docs" / "decisions").glob("*.md"))
PAGES = [TOP / name for name in ("AGENTS.md", "CONTRIBUTING.md", "SECURITY.md", "README.md", "docs/architecture.md", "docs/security.md", "docs/lab.md",
                                 "docs/extending.md", "docs/promises.md", "docs/reports.md")] + DECISIONS
# where a path of a page may begin, the shorter ones for pages that speak of one room
BELOW = ("", "plugins/", "plugins/module_utils/", "plugins/module_utils/_engine/", "plugins/plugin_utils/")
# a first word by which a path is one of this repository, and no directory of a server, a medium or a tool
ROOMS = {path.name for below in BELOW for path in (TOP / below).iterdir() if path.name[0] != "."} | {"_engine"}
# a release gathers all fragments and removes them, until the next change of theirs
FRAGMENTS = ("changelogs/fragments", "changelogs/fragments/VERSION-TOPIC.yml")
_QUOTED = re.compile(r"`([^`\n]+)`")
_WORD = re.compile(r"[A-Za-z0-9_.…/*-]+\Z")
_FILE = re.compile(r"[A-Za-z0-9_-]+\.(?:py|yml|md|sh|rst|toml|j2)\Z")


def names(text: str) -> list[str]:
    """The files and rooms of the repository that a page names between backquotes: paths whose first part is a room of ours, and bare names of files."""
    quoted = [word for each in _QUOTED.findall(text) for word in each.split() if _WORD.match(word)]
    return [word for word in quoted if _FILE.match(word) or ("/" in word and not word.startswith("/") and word.split("/")[0] in ROOMS)]


def is_there(name: str, files: list[str]) -> bool:
    if name in FRAGMENTS:
        return True
    if "/" not in name:
        return any(file.rpartition("/")[2] == name for file in files)
    # a star, or a word in capitals, stands for a part of a path, two stars for any; a directory is named with or without its stroke
    name = re.sub(r"(?<![A-Za-z.])[A-Z]{4,}(?![A-Za-z])(?!\.md)", "*", name)
    form = "".join("[^/]+" if part == "*" else ".+" if part == "**" else re.escape(part) for part in re.split(r"(\*\*|\*)", name.rstrip("/")))
    whole = re.compile("(?:{0}){1}(?:/.*)?\\Z".format("|".join(map(re.escape, BELOW)), form))
    return any(whole.match(file) for file in files)


@pytest.fixture(scope="module")
def files() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=TOP, capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if (TOP / line).exists()]


@pytest.mark.parametrize("page", [page for page in PAGES if page.exists()], ids=lambda page: page.relative_to(TOP).as_posix())
def test_each_file_that_a_page_names_is_there(page: Path, files: list[str]) -> None:
    assert [name for name in names(page.read_text("utf-8")) if not is_there(name, files)] == []


def test_the_rule_sees_and_lets_through(files: list[str]) -> None:
    gone = ["plugins/gone.py", "media/gone/", "test_gone.py", "tools/gone.py", "roles/NAME/meta/gone.yml"]
    here = ["_engine/media/*.py", "tools/**", "roles/NAME/tasks/main.yml", "tests/house"]
    others = ["a/b", "/etc/x.yml", "make docs", "LABEL.json"]
    text = " ".join(f"`{name}`" for name in (*gone[:3], "python tools/gone.py", gone[4], *here, *others))
    assert names(text) == gone + here
    assert [name for name in names(text) if not is_there(name, files)] == gone


def test_decisions_stand_in_their_index_and_have_their_three_parts() -> None:
    index = (TOP / "docs/decisions/README.md").read_text("utf-8")
    told = re.findall(r"^\| (\d\d) \| \[(.+)\]\((.+)\) \|$", index, re.MULTILINE)
    pages = [page for page in DECISIONS if page.name != "README.md"]
    assert [name for _number, _title, name in told] == [page.name for page in pages]
    for page, (number, title, _name) in zip(pages, told, strict=True):
        text = page.read_text("utf-8")
        assert page.name.startswith(number + "-") and text.splitlines()[0] == f"# {int(number)}. {title}", page.name
        assert re.findall(r"^## (\w+)$", text, re.MULTILINE) == ["Context", "Choice", "Price"], page.name
        assert len(text.splitlines()) <= 35, page.name


def test_the_picture_of_the_rooms_has_each_room_and_fits_a_page() -> None:
    text = (TOP / "docs/architecture.md").read_text("utf-8")
    assert len(text.splitlines()) <= 130, "what is a choice goes to decisions, what is of one room to its own docstring"
    drawn = re.findall(r"^   ([a-z_]+)  +\S", text, re.MULTILINE)
    rooms = {path.parent.name for below in ("module_utils/_engine", "plugin_utils") for path in (TOP / "plugins" / below).glob("*/__init__.py")}
    assert sorted(drawn) == sorted(rooms | {"_tasks"})
