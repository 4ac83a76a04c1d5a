# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every option text exists once: what several modules have in common is a doc fragment, what several fragments have in common a text of one of them.

Roles are left out: their argument specs know no fragments, so a role repeats in its own variables what a module says of its option. So is RETURN, which no
fragment of Ansible can hold.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import trees

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"
# lines in a row that two places may have in common: a type, a default and a short description are no text worth a place of their own
MOST = 7
# of one description; two lines and more of it are a text
MOST_OF_A_DESCRIPTION = 2
_REFERENCE = re.compile(r"\b(O|RV)\([^)]*\)")


def texts(path: Path) -> Iterator[tuple[str, str]]:
    """Each text of several lines that a file of Python holds, as it is written, with where it begins."""
    for node in trees.nodes(path):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "\n" in node.value:
            yield f"{path.parent.name}/{path.name}:{node.lineno}", node.value


def of_options(text: str) -> list[str]:
    """The lines of the options in a documentation, or of a part of options."""
    lines = text.splitlines()
    if "options:" not in lines:
        return lines if "description:" in text and not re.search(r"^\S", text, re.MULTILINE) else []
    found, within = [], False
    for line in lines:
        within = (within and line[:1] in ("", " ")) or line == "options:"
        if within and line != "options:":
            found.append(line)
    return found


def read(plugins: Path) -> dict[str, list[str]]:
    """The lines of options by where they stand. What an option is called where it is referred to may differ, and is left out."""
    places = {}
    for kind in ("modules", "doc_fragments", "callback", "filter"):
        for path in sorted((plugins / kind).glob("*.py")):
            for place, text in texts(path):
                lines = [_REFERENCE.sub(r"\1()", line.strip()) for line in of_options(text) if line.strip()]
                if lines:
                    places[place] = lines
    return places


def repeated(places: Mapping[str, Sequence[str]], most: int = MOST) -> list[str]:
    """The longest runs of lines, longer than `most`, that stand in two places."""
    first: dict[tuple[str, ...], tuple[str, int]] = {}
    found = []
    for place, lines in places.items():
        at = 0
        while at + most < len(lines):
            run = tuple(lines[at:at + most + 1])
            other, where = first.setdefault(run, (place, at))
            length = 0
            if (other, where) != (place, at):
                theirs = places[other]
                while at + length < len(lines) and where + length < len(theirs) and lines[at + length] == theirs[where + length]:
                    length += 1
                found.append(f"{length} lines of {place} stand in {other} too, from {lines[at]!r} to {lines[at + length - 1]!r}")
            at += max(length - most, 1)
    return found


def descriptions(lines: Sequence[str]) -> list[str]:
    """Of lines without their indentation, the descriptions of several lines: up to the next key of an option."""
    return [each.strip() for each in re.findall(r"^description:.*\n?((?:(?!type:|description:).+\n)*)", "\n".join(lines) + "\n", re.MULTILINE)]


def told_twice(places: Mapping[str, Sequence[str]]) -> list[str]:
    first: dict[str, str] = {}
    found = []
    for place, lines in places.items():
        for text in descriptions(lines):
            if len(text.splitlines()) > MOST_OF_A_DESCRIPTION:
                other = first.setdefault(text, place)
                found += [f"{place} describes as {other} does: {text.splitlines()[0]!r}"] if other != place else []
    return found


def test_no_option_text_stands_in_two_places() -> None:
    places = read(PLUGINS)
    assert len(places) > 50 and sum(map(len, places.values())) > 1500
    assert repeated(places) + told_twice(places) == [], "make it a fragment of plugins/doc_fragments"


def test_a_text_that_stands_in_two_places_is_found() -> None:
    option = ["name:", "description:", "- One thing of O(a.b),", "which goes on", "- and another.", "type: str", 'default: ""']
    same = [line.replace("a.b", "c.d") for line in option]
    places = {place: [_REFERENCE.sub(r"\1()", line) for line in lines] for place, lines in
              {"one": ["x:", *option, "y:"], "two": ["z:", *same, "y:"], "three": ["z:", *option[:1], *option[5:]]}.items()}
    assert [told.partition(",")[0] for told in repeated(places)] == ["8 lines of two stand in one too"]
    assert [told.partition(":")[0] for told in told_twice(places)] == ["two describes as one does"]


def test_what_is_read_of_a_file_is_its_options(tmp_path: Path) -> None:
    file = tmp_path / "modules" / "one.py"
    file.parent.mkdir()
    file.write_text('DOCUMENTATION = r"""\nmodule: one\noptions:\n  a:\n    description: A.\nauthor:\n  - b\n"""\n'
                    'RETURN = r"""\nc:\n  description: C.\n"""\n', "utf-8")
    part = tmp_path / "doc_fragments" / "two.py"
    part.parent.mkdir()
    part.write_text('_PART = r"""\n      d:\n        description: D of O(x.d).\n"""\n', "utf-8")
    assert read(tmp_path) == {"modules/one.py:1": ["a:", "description: A."], "doc_fragments/two.py:1": ["d:", "description: D of O()."]}
