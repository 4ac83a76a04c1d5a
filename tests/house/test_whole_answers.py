# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No document, comment or message shows a command that Ansible splits: `-e x="two words"` stores half a sentence for ever.

The shell takes the quotes away, and Ansible ends the value at its first blank. Each `-e` that is written anywhere is read as the shell reads it and then as
Ansible does, and each variable must arrive whole.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from ansible.parsing.splitter import parse_kv

TOP = Path(__file__).resolve().parents[2]
_KINDS = (".md", ".yml", ".yaml", ".rst", ".py", ".j2", ".example", ".html", ".txt")
# Tests run commands as lists of words, which no shell reads; what was released stays as it was written.
_ELSEWHERE = ("tests/", "molecule/", "benchmarks/", "CHANGELOG.rst", "changelogs/changelog.yaml")
_GIVEN = re.compile(r"""(?<![\w'"-])(?:-e|--extra-vars)[ =](?=[^\s,)])""")


def told() -> list[tuple[str, str]]:
    """(where, what follows an -e) of each that is written in a file of the repository."""
    names = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=TOP, capture_output=True, text=True, check=True).stdout.splitlines()
    found = []
    for name in names:
        path = TOP / name
        if path.suffix not in _KINDS or name.startswith(_ELSEWHERE) or path.is_symlink() or not path.is_file():
            continue
        for number, line in enumerate(path.read_text("utf-8").split("\n"), 1):
            # in a literal of Python quotes may be escaped, and a span of code ends at its back tick
            text = line.replace('\\"', '"').replace("\\'", "'") if path.suffix == ".py" else line
            found += [(f"{name}:{number}", text[each.end():].partition("`")[0]) for each in _GIVEN.finditer(text)]
    return found


def word_of(rest: str) -> str | None:
    """The first word of a command's rest as the shell gives it; None where a quote that begins it does not end on the line."""
    quoted = re.match(r"""'([^']*)'|"((?:[^"\\\\]|\\\\.)*)"(?=[\s.,;:)]|$)""", rest)
    if quoted:      # in a sentence its full stop may follow
        return quoted[1] if quoted[1] is not None else quoted[2]
    lexer = shlex.shlex(rest, posix=True, punctuation_chars=False)
    lexer.whitespace_split, lexer.commenters = True, ""
    try:
        return lexer.get_token()
    except ValueError:
        return None


def lost(rest: str) -> str:
    """What of an -e Ansible loses; "" when every variable arrives whole."""
    word = word_of(rest)
    if word is None:
        # a quote that was left open: of a table that goes on, or the end of a literal that the command stands in
        return "" if rest.startswith(("'{", '"{', "{")) or not re.match(r"""\w+=["']""", rest) else rest
    if word.startswith("@") or not re.match(r"\w+=|\{", word):
        return ""
    if word.startswith("{"):
        try:
            json.loads(word)
        except ValueError:
            return word
        return ""
    pairs = parse_kv(word)
    if "_raw_params" in pairs:
        return str(pairs["_raw_params"])
    return next((name for name, value in pairs.items() if isinstance(value, str) and value[:1] in "'\"" and value), "")


TOLD = told()


def test_they_are_found():
    assert len(TOLD) > 60 and len({where.partition(":")[0] for where, _rest in TOLD}) > 10


@pytest.mark.parametrize(("rest", "whole"), [
    ('x="two words" -e y=1', False), ("x='two words'", False), ("'x=\"two words\"' -e y=1", True), ("\"x='two words'\"", True), ("x=one", True),
    ("@paso.yml", True),
    ("'{\"x\": \"two words\"}'", True), ("{\"x\": 1}", False), ('x="open', False), ("x='...'", True), ("'x=two words'", False),
    ("'x=\"a b\" y=\"c d\"'", True), ("x=\"A\\ B\"", False),
])
def test_a_command_that_is_split_would_be_found(rest, whole):
    assert (lost(rest) == "") is whole


@pytest.mark.parametrize(("where", "rest"), TOLD, ids=[f"{where} {rest[:30]}" for where, rest in TOLD])
def test_each_variable_arrives_whole(where, rest):
    assert lost(rest) == "", f"{where}: Ansible would lose part of it; write -e 'name=\"two words\"'"
