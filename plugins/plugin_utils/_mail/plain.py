# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of an HTML body, as a person would read it: blocks on lines of their own, what is quoted behind `>`.

Not by the standard library's parser, which takes minutes for 200 kB of `<a <a <a`: here each letter is looked at once, and a tag ends at the next `>`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

_SKIPPED = ("script", "style", "head", "title", "template", "noscript", "textarea")
_BLOCKS = {"p", "div", "br", "tr", "li", "ul", "ol", "table", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "pre", "section", "article", "header", "footer"}
_NAME = re.compile(r"(/?)([A-Za-z][A-Za-z0-9]{0,20})")
_DEEPEST, _LONGEST = 50, 400_000


def text_of(source: str) -> str:
    """The text; of HTML that is broken, what of it can be read. Never raises."""
    lines, depths, depth = [""], [0], 0
    for closes, name, told in _pieces(source[:_LONGEST]):
        if not name:
            lines[-1] += re.sub(r"\s+", " ", html.unescape(told))
            continue
        if name == "blockquote":
            depth = max(0, depth - 1) if closes else min(depth + 1, _DEEPEST)
        if name == "blockquote" or name in _BLOCKS:
            if lines[-1].strip():
                lines.append("")
                depths.append(depth)
            else:
                depths[-1] = depth
    return "\n".join("> " * each + line.strip() for line, each in zip(lines, depths) if line.strip())


def _pieces(source: str) -> Iterator[tuple[bool, str, str]]:
    """(whether it closes, name, "") of each tag, and (False, "", text) between them. What is not ended takes all that follows."""
    lower, place = source.lower(), 0
    while place < len(source):
        start = source.find("<", place)
        if start < 0:
            yield False, "", source[place:]
            return
        if start > place:
            yield False, "", source[place:start]
        if source.startswith("<!--", start):
            place = _after(source, "-->", start + 4)
            continue
        found = _NAME.match(source, start + 1)
        if not found and source[start + 1:start + 2] not in ("!", "?", "/"):
            yield False, "", "<"
            place = start + 1
            continue
        place = _after(source, ">", start + 1)
        name = found[2].lower() if found else ""
        if name in _SKIPPED and found and not found[1]:
            place = _after(source, ">", _after(lower, "</" + name, place))
        elif name and found:
            yield bool(found[1]), name, ""


def _after(source: str, end: str, place: int) -> int:
    found = source.find(end, place)
    return len(source) if found < 0 else found + len(end)
