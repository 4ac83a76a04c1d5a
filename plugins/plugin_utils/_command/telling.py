# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `respaldo` says, and where: as wide as the terminal is, in letters that it has. A reader that goes away (`| head`) ends no run."""

from __future__ import annotations

import codecs
import contextlib
import os
import sys
import unicodedata
from collections.abc import Sequence
from typing import TextIO

from .. import _laid

_WHERE_NO_TERMINAL_IS = 120
_PLAIN = {"¿": "", "¡": "", "«": '"', "»": '"', "…": "...", "─": "-", "·": "-", "→": "->", "–": "-", "—": "-",
          "\u201c": '"', "\u201d": '"', "\u2018": "'", "\u2019": "'"}
_HANDLER = "perucompras.respaldo.plain"


def out(text: str) -> None:
    """What the verb is run for."""
    _put(sys.stdout, _laid.text(text, _laid.columns_of(1)))


def beside(text: str) -> None:
    """What is said about the run: to standard error."""
    _put(sys.stderr, _laid.text(text, _laid.columns_of(2)))


def whole(text: str) -> None:
    """As it came, Ansible's own output."""
    _put(sys.stdout, text)


def command(before: str, words: Sequence[str], beside_it: bool = True) -> None:
    """A command that can be copied from the terminal, however wide that is."""
    stream, descriptor = (sys.stderr, 2) if beside_it else (sys.stdout, 1)
    _put(stream, _laid.command(words, _laid.columns_of(descriptor), before))


def asked(question: str) -> str:
    """A question as it is put before the cursor."""
    return _laid.text(question.rstrip(" "), _laid.columns_of(1)) + " " * question.endswith(" ")


def columns() -> int:
    return _laid.columns_of(1) or _WHERE_NO_TERMINAL_IS


def _plain(error: UnicodeError) -> tuple[str, int]:
    """A letter that the terminal's locale has not is written by the nearest that it has, and is no error."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start:error.end]
    return "".join(_PLAIN[letter] if letter in _PLAIN else _nearest(letter) for letter in letters), error.end


def _nearest(letter: str) -> str:
    return unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode("ascii") or "?"


codecs.register_error(_HANDLER, _plain)


def _put(stream: TextIO, text: str) -> None:
    change = getattr(stream, "reconfigure", None)
    if change is not None and stream.errors != _HANDLER:      # each time, since Ansible has its own way and sets it when it is imported
        change(errors=_HANDLER)
    try:
        stream.write(text + "\n")
        stream.flush()
    except OSError:
        # nobody reads any more: what is left goes nowhere, and the log has it
        with contextlib.suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
