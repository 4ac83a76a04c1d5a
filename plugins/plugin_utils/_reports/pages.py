# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filling the HTML pages of this directory, every value escaped; and the PDF of one, with WeasyPrint."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import jinja2

from ...module_utils._engine.errors import BackupError
from .._bitacora import view
from .tables import shown


def fill(name: str, **values: Any) -> str:
    """A page of this directory with its values."""
    pages = jinja2.Environment(loader=jinja2.FileSystemLoader(str(Path(__file__).parent)), autoescape=True, trim_blocks=True, lstrip_blocks=True,
                               undefined=jinja2.StrictUndefined)
    pages.filters.update(day=day, amount=view.amount, percent=lambda value: shown(value, "percent"), shown=shown)
    return pages.get_template(name).render(**values)


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
