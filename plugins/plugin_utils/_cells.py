# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A table as a spreadsheet in Spanish opens it: UTF-8 with its mark, semicolons, and no text that runs as a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

# A spreadsheet runs a text that begins so as a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_INNER_CELL = re.compile("([,;|\t\r\n][\"'\\s]*)(?=[-=+@＝＋－＠])")


def guarded(text: str) -> str:
    """A text that no spreadsheet runs."""
    # Where the separator of lists is a comma, a cell of that spreadsheet begins wherever the text has one.
    text = _INNER_CELL.sub(r"\1'", text)
    # Leading blanks do not keep a spreadsheet from seeing the sign after them.
    return "'" + text if text.startswith(_FORMULA) or text.lstrip().startswith(_FORMULA) else text


def csv_of(rows: Iterable[Sequence[str]]) -> bytes:
    """Rows of cells, each as it is: whoever makes a cell of others' words guards it."""
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=";", lineterminator="\r\n").writerows(rows)
    return b"\xef\xbb\xbf" + out.getvalue().encode("utf-8")
