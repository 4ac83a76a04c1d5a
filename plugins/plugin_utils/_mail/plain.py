# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of an HTML body, as a person would read it: blocks on lines of their own, what is quoted behind `>`. By the standard library's parser."""

from __future__ import annotations

import html.parser
import re

_SKIPPED = ("script", "style", "head", "title", "template", "noscript")
_BLOCKS = ("p", "div", "br", "tr", "li", "ul", "ol", "table", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "pre", "section", "article", "header", "footer")
_DEEPEST = 50
_LONGEST = 400_000


def text_of(source: str) -> str:
    """The text; of HTML that is broken, what of it can be read. Never raises."""
    reader = _Reader()
    try:
        reader.feed(source)
        reader.close()
    except Exception:      # the parser is for well-meant HTML: what it read until there is what there is
        return reader.text()
    return reader.text()


class _Reader(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[str] = [""]
        self._depths: list[int] = [0]
        self._quoted = self._skipped = 0
        self._length = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SKIPPED:
            self._skipped += 1
        elif tag == "blockquote":
            self._quoted = min(self._quoted + 1, _DEEPEST)
            self._line()
        elif tag in _BLOCKS:
            self._line()

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BLOCKS:
            self._line()

    def handle_endtag(self, tag: str) -> None:
        if tag in _SKIPPED:
            self._skipped = max(0, self._skipped - 1)
        elif tag == "blockquote":
            self._quoted = max(0, self._quoted - 1)
            self._line()
        elif tag in _BLOCKS:
            self._line()

    def handle_data(self, data: str) -> None:
        if self._skipped or self._length > _LONGEST:
            return
        told = re.sub(r"\s+", " ", data)
        self._length += len(told)
        self._lines[-1] += told

    def _line(self) -> None:
        if self._lines[-1].strip():
            self._lines.append("")
            self._depths.append(self._quoted)
        else:
            self._depths[-1] = self._quoted

    def text(self) -> str:
        rows = zip(self._lines, self._depths)
        return "\n".join("{0}{1}".format("> " * depth, line.strip()) for line, depth in rows if line.strip())
