# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages of the reports are put together from files of their own (_reports/*.css, *.js, *.html.j2): none ends its element too early, none asks a
network, none is packed, and each is used."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
REPORTS = TOP / "plugins" / "plugin_utils" / "_reports"
PARTS = sorted(path for path in REPORTS.iterdir() if path.suffix in {".css", ".js"})
TEMPLATES = sorted(REPORTS.glob("*.html.j2"))
PART = re.compile(r"part\(([^)]*)\)")

# what a part must not hold -> why
FORBIDDEN = {
    r"</|<!--|-->|\]\]>": "would end its element, or be taken for the begin or the end of a comment of HTML",
    r"\{\{|\{%|\{#": "looks filled in, and parts are not",
    r"\burl\(|@import|@charset|https?:|\bfetch\(|XMLHttpRequest|WebSocket|\bimport\b|sendBeacon|\bnew Image\b": "asks somebody, and a page asks nobody",
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function": "makes HTML or code of text, and names come from the bitácora",
}
# what a template must not hold -> why
OUT_OF_PLACE = {
    r"\sstyle=": "CSS belongs to a file of its own",
    r"\son[a-z]+=": "JavaScript belongs to a file of its own",
    r"<script(?: [^>]*)?>(?!\n|\{\{ data \}\})": "JavaScript belongs to a file of its own",
    r"\|\s*safe\b|autoescape": "what is safe is said in pages.py and in what makes its Markup, not here",
}


def faults(text: str, rules: dict[str, str]) -> list[str]:
    return [f"{found[0].strip()!r}: it {why}" for pattern, why in rules.items() for found in re.finditer(pattern, text)]


def packed(text: str) -> list[str]:
    """The lines with more than one statement or rule, or longer than elsewhere in the house. A `case` says in a line what it returns."""
    bare = re.sub(r"/\*.*?\*/", lambda found: "\n" * found[0].count("\n"), re.sub(r"^\s*//.*$|\"[^\"\n]*\"", "", text, flags=re.MULTILINE), flags=re.DOTALL)
    crowded = [line for line in bare.splitlines() if len(re.findall(r";|\}(?![);])", line)) > 1 and not re.match(r"\s*for \(|\s*const \{", line)]
    return crowded + [line for line in text.splitlines() if len(line) > 160]


@pytest.mark.parametrize("path", PARTS, ids=lambda path: path.name)
def test_a_part_stays_within_its_element_and_asks_nobody(path: Path) -> None:
    assert faults(path.read_text("utf-8"), FORBIDDEN) == []


@pytest.mark.parametrize("path", PARTS, ids=lambda path: path.name)
def test_a_part_says_one_thing_a_line(path: Path) -> None:
    assert packed(path.read_text("utf-8")) == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_holds_neither_style_nor_script(path: Path) -> None:
    assert faults(path.read_text("utf-8"), OUT_OF_PLACE) == []


def test_each_part_is_used_by_its_exact_name() -> None:
    asked = {name for path in TEMPLATES for name in PART.findall(path.read_text("utf-8"))}
    assert asked == {f'"{path.name}"' for path in PARTS}
    assert len(PARTS) > 5 and len(TEMPLATES) > 4


@pytest.mark.parametrize("text", ["a </script> b", "a { content: '</style>' }", "/* <!-- */", "f({{ x }})", "{% if a %}", "@import 'x';",
                                  "b { background: url(x) }", "fetch('/x')", "e.innerHTML = name;"])
def test_a_bad_part_is_noticed(text: str) -> None:
    assert faults(text, FORBIDDEN)


@pytest.mark.parametrize("text", ["a{color:red;margin:0}", "a { color: red; } b { margin: 0; }", "const a = 1; const b = 2;", "a" * 161])
def test_a_packed_part_is_noticed(text: str) -> None:
    assert packed(text)


@pytest.mark.parametrize("text", ['<p style="color: red">', '<p onclick="go()">', "<script>go()</script>", "{{ name|safe }}"])
def test_a_bad_template_is_noticed(text: str) -> None:
    assert faults(text, OUT_OF_PLACE)
