# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filling the HTML pages of this directory, every value escaped; and the PDF of one, with WeasyPrint.

A page is a template (*.html.j2) that puts its parts (*.css, *.js) into itself: who gets the file gets all of it.
"""

from __future__ import annotations

import functools
import logging
import re
from pathlib import Path
from typing import Any

import jinja2
from jinja2.ext import Extension
from markupsafe import Markup

from ...module_utils._engine import result
from ...module_utils._engine.errors import BackupError
from .._bitacora import view
from .tables import shown

_HERE = Path(__file__).parent


class _Unindented(Extension):
    """Templates without the indentation of their lines, which is for who reads them: thousands of rows would carry it. Their ends of line stay."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        return re.sub(r"^[ \t]+", "", source, flags=re.MULTILINE)


def fill(name: str, **values: Any) -> str:
    """A page of this directory with its values."""
    return _templates().get_template(name).render(**values)


@functools.cache
def _templates() -> jinja2.Environment:
    """The templates of this directory, each compiled once: that costs ten times what filling it does, and one run may write several pages."""
    pages = jinja2.Environment(loader=jinja2.FileSystemLoader(str(_HERE)), autoescape=True, trim_blocks=True, undefined=jinja2.StrictUndefined,
                               finalize=_seen, extensions=[_Unindented])
    pages.filters.update(day=day, amount=view.amount, percent=lambda value: shown(value, "percent"), shown=shown, in_css=in_css)
    pages.globals.update(part=part)
    return pages


def part(name: str) -> Markup:
    """A style sheet or a script of this directory, as it stands: it is ours, so it is not escaped, and no template, so nothing in it is filled in.

    What would end its element too early a house test looks for (tests/house/test_parts_of_pages.py).
    """
    return Markup((_HERE / name).read_text("utf-8").rstrip("\n"))


def in_css(value: Any) -> str:
    """A value for within a string of CSS: whatever is no letter, digit, space, point or dash as CSS escapes it, so that nothing ends the string.

    HTML's escapes would not do: a style element does not know them, and a backslash or an end of line passes them.
    """
    return re.sub(r"[^\w .·-]", lambda found: f"\\{ord(found[0]):x} ", result.seen(str(value)))


def _seen(value: Any) -> Any:
    """A value without signs that turn the direction of the text around it; what is HTML already was made of such values."""
    return result.seen(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def day(value: Any) -> str:
    """A day as staff read it."""
    return shown(str(value)[:10], "date")


def to_pdf(page: str) -> bytes:
    """A page as it is on paper. The same page gives the same bytes.

    Raises BackupError(report_tool_missing) when WeasyPrint, or the libraries of the system that it draws with, are not there.
    """
    try:
        import weasyprint
        from weasyprint.urls import URLFetcher
    except (ImportError, OSError) as error:
        libraries = "apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core"
        mend = "pip install -r requirements-reports.txt" if isinstance(error, ImportError) else libraries
        raise BackupError("report_tool_missing", format="pdf", detail=f"WeasyPrint can't be used: {str(error).splitlines()[0]}", mend=mend) from error
    # What its CSS can't do is no news for whoever runs a playbook.
    logging.getLogger("weasyprint").setLevel(logging.CRITICAL)
    # No protocol at all: a report is whole in itself, and a name in it must not make the controller ask anybody.
    return bytes(weasyprint.HTML(string=page, url_fetcher=URLFetcher(allowed_protocols=())).write_pdf())
