# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of a letter: a text template filled in a sandbox, and the same as simple HTML.

A template is one file of plain text. Its first line is the subject (`Asunto: ...`); paragraphs are divided by empty lines; a paragraph of lines that begin
with "- " is a list, one of lines "  Nombre: valor" a table. The HTML is made of that by carta.html.j2, so that both say the same. An institution gives a
directory with files of the same names; what it has not is the collection's. Every template is tried before anything is sent.
"""

from __future__ import annotations

import os
import re
import textwrap
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ...module_utils._engine import result
from ...module_utils._engine.errors import BackupError
from .. import _held_places
from .due import KINDS
from .facts import SAMPLE

_HERE = Path(__file__).parent / "templates"
_ENDING, _SHELL, _SUBJECT = ".txt.j2", "carta.html.j2", "Asunto:"
# What the letters have in common, by name of the file that they include.
PARTS = ("datos", "pie", "advertencias", "restaurado", "versiones")
_WIDTH = 78
_LONGEST_SUBJECT, _LONGEST_LETTER, _LONGEST_TEMPLATE = 200, 200_000, 1_000_000
_FACT = re.compile(r"  (\S[^:]{0,40}): (.*)")


class Attached(NamedTuple):
    """A file that goes with a letter."""

    name: str
    data: bytes


class Written(NamedTuple):
    """A letter as it is sent."""

    subject: str
    text: str
    html: str
    attached: tuple[Attached, ...] = ()


class Block(NamedTuple):
    """A paragraph as HTML has it: `kind` is text, list or facts; `rows` are texts, or pairs."""

    kind: str
    rows: list[Any]


class Words:
    """The templates of an institution. Raises BackupError letter_template_broken for any of them that can't be used, before one is."""

    def __init__(self, directory: str = "") -> None:
        own = Path(directory) if directory else None
        texts = _texts(own) if own is not None else {}
        known = {name + _ENDING for name in (*KINDS, *PARTS)} | {_SHELL}
        for name in sorted(texts):
            if name not in known:
                raise BackupError("letter_template_broken", file=os.path.join(directory, name),
                                  detail="no letter has this name; those there are: {0}".format(", ".join(sorted(known))))
        # read once, each a regular file: the directory may be one where others write
        loader = jinja2.ChoiceLoader([jinja2.DictLoader(texts), jinja2.FileSystemLoader(str(_HERE))])
        self._plain = _environment(loader, False)
        self._rich = _environment(loader, True)
        self._own = {name: os.path.join(directory, name) for name in texts}
        for name in KINDS:
            self.write(name, {**SAMPLE, **dict.fromkeys(("system", "lost", "reason", "promised", "listed"), ""), "wanted": [], "warnings": [],
                              "restored": [], "versions": []})
            self.write(name, SAMPLE)

    def write(self, name: str, values: dict[str, Any]) -> Written:
        """A letter with its values. Raises BackupError letter_template_broken."""
        said = self._fill(self._plain, name + _ENDING, values)
        first, _line_end, rest = said.strip("\n").partition("\n")
        if not first.startswith(_SUBJECT) or not first[len(_SUBJECT):].strip() or not rest.strip():
            raise BackupError("letter_template_broken", file=self._file(name + _ENDING),
                              detail="its first line is not its subject (Asunto: ...), or nothing follows it")
        subject = _line(first[len(_SUBJECT):])[:_LONGEST_SUBJECT]
        paragraphs = [each for each in re.split(r"\n[ \t]*\n", rest.strip("\n")) if each.strip()]
        blocks = [_block(each) for each in paragraphs]
        return Written(subject, "\n\n".join(_plain(each) for each in blocks) + "\n",
                       self._fill(self._rich, _SHELL, {"subject": subject, "blocks": blocks, "institution": _line(str(values["institution"]))}))

    def _fill(self, environment: jinja2.Environment, file: str, values: dict[str, Any]) -> str:
        try:
            said = environment.get_template(file).render(**values)
        except jinja2.TemplateSyntaxError as error:
            raise BackupError("letter_template_broken", file=self._file(file), detail="line {0}: {1}".format(error.lineno, error.message)) from error
        except (jinja2.TemplateError, TypeError, ValueError, LookupError, AttributeError, ArithmeticError, OSError, MemoryError, RecursionError) as error:
            raise BackupError("letter_template_broken", file=self._file(file), detail="{0}: {1}".format(type(error).__name__, error)) from error
        if len(said) > _LONGEST_LETTER:
            raise BackupError("letter_template_broken", file=self._file(file), detail="it makes a letter of {0} characters".format(len(said)))
        return said

    def _file(self, name: str) -> str:
        return self._own.get(name, name)


def _texts(directory: Path) -> dict[str, str]:
    """The templates of an institution, by name. Raises BackupError letter_template_broken."""
    file = str(directory)
    try:
        with _held_places.directory(directory) as held:
            found = {}
            for name in sorted(os.listdir(held)):
                if name.endswith(".j2") and not name.startswith("."):
                    file = os.path.join(directory, name)
                    with _held_places.place(file) as place:
                        found[name] = _held_places.read_in(place.held, place.name, _LONGEST_TEMPLATE, file).decode("utf-8")
            return found
    except (FileNotFoundError, NotADirectoryError) as error:
        raise BackupError("letter_template_broken", file=file, detail="it is no directory") from error
    except (OSError, UnicodeDecodeError) as error:
        raise BackupError("letter_template_broken", file=file, detail=_held_places.why(error) if isinstance(error, OSError) else error) from error


def _environment(loader: jinja2.BaseLoader, rich: bool) -> jinja2.Environment:
    return ImmutableSandboxedEnvironment(loader=loader, autoescape=rich, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
                                         undefined=jinja2.StrictUndefined, finalize=None if rich else _value)


def _value(value: Any) -> Any:
    """A value in one line, without what is not seen: it can't begin a paragraph, or a header, of its own."""
    return _line(value) if isinstance(value, str) else value


def _line(text: str) -> str:
    return " ".join(result.seen(text).split())


def _block(paragraph: str) -> Block:
    lines = [line.rstrip() for line in paragraph.split("\n") if line.strip()]
    facts = [_FACT.fullmatch(line) for line in lines]
    if all(facts):
        return Block("facts", [(found[1], found[2]) for found in facts if found])
    if all(line.startswith("- ") for line in lines):
        return Block("list", [line[2:] for line in lines])
    return Block("text", [_line(" ".join(lines))])


def _plain(block: Block) -> str:
    if block.kind == "facts":
        width = max(len(name) for name, _value_of in block.rows) + 1
        return "\n".join("  {0:<{1}} {2}".format(name + ":", width, value) for name, value in block.rows)
    if block.kind == "list":
        return "\n".join(_wrapped(row, "- ", "  ") for row in block.rows)
    return _wrapped(block.rows[0])


def _wrapped(text: str, first: str = "", rest: str = "") -> str:
    return textwrap.fill(text, _WIDTH, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False)
