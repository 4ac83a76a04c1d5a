# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A table of a report, and what writes it: CSV and HTML with the standard library alone, XLSX with xlsxwriter.

Values are plain: date and time as ISO text, bytes and integer as int, percent as a number of points (12.5 is 12,5 %), None for nothing.
"""

from __future__ import annotations

import datetime
import html
import io
from collections.abc import Sequence
from typing import Any, NamedTuple

from ...module_utils._engine import result
from ...module_utils._engine.errors import BackupError
from .. import _cells
from .._bitacora.view import amount

KINDS = ("text", "date", "time", "bytes", "integer", "percent")
_NUMBERS = ("bytes", "integer", "percent")

_XLSX_LARGEST_TEXT = 32767
_XLSX_NAME = 31
_XLSX_FORMATS = {
    "date": {"num_format": "dd/mm/yyyy"}, "time": {"num_format": "hh:mm:ss"}, "integer": {"num_format": "#,##0"},
    "bytes": {"num_format": "#,##0"}, "percent": {"num_format": "0.0"}, "text": {"num_format": "@"},
}


class Column(NamedTuple):
    """A column: its name in a row, its heading, and one of KINDS."""

    name: str
    heading: str
    kind: str = "text"


class Table(NamedTuple):
    """Rows under columns; `name` is for files and sheets, `title` for people."""

    name: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Any]


def shown(value: Any, kind: str) -> str:
    """A value as staff read it."""
    if value is None or value == "":
        return ""
    if kind == "date":
        return "/".join(reversed(str(value)[:10].split("-")))
    if kind == "bytes":
        return amount(int(value))
    if kind == "integer":
        return f"{int(value):,}".replace(",", " ")
    if kind == "percent":
        return f"{value:.1f} %".replace(".", ",")
    return result.seen(str(value))


def to_csv(table: Table) -> bytes:
    """The table for Excel in Spanish: UTF-8 with its mark, semicolons, decimal comma, and no text that runs as a formula."""
    return _cells.csv_of([[_cells.guarded(column.heading) for column in table.columns],
                          *([_cell(row.get(column.name), column.kind) for column in table.columns] for row in table.rows)])


def _cell(value: Any, kind: str) -> str:
    if value is None:
        return ""
    if kind == "percent":
        return f"{value:.1f}".replace(".", ",")
    if kind in _NUMBERS:
        return str(int(value))
    return _cells.guarded(shown(value, "date") if kind == "date" else result.seen(str(value)))


def to_xlsx(tables: Sequence[Table], made: datetime.datetime) -> bytes:
    """A workbook with a sheet for each table, real dates and numbers. `made` is its date, so that the same tables give the same bytes.

    Raises BackupError(report_tool_missing) when xlsxwriter is not there.
    """
    try:
        import xlsxwriter
    except ImportError as error:
        raise BackupError("report_tool_missing", format="xlsx", detail="the library XlsxWriter is not installed",
                          mend="pip install -r requirements-reports.txt") from error
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        book.set_properties({"created": made.replace(tzinfo=None)})
        head = book.add_format({"bold": True, "bg_color": "#17365D", "font_color": "#FFFFFF", "border": 1, "text_wrap": True, "valign": "vcenter"})
        formats = {kind: book.add_format({**form, "valign": "top"}) for kind, form in _XLSX_FORMATS.items()}
        names: set[str] = set()
        for table in tables:
            sheet = book.add_worksheet(_sheet_name(table.name, names))
            sheet.freeze_panes(1, 1)
            sheet.set_landscape()
            sheet.set_paper(9)
            sheet.repeat_rows(0)
            sheet.fit_to_pages(1, 0)
            sheet.autofilter(0, 0, max(1, len(table.rows)), len(table.columns) - 1)
            for place, column in enumerate(table.columns):
                widest = max([len(column.heading), *(len(shown(row.get(column.name), column.kind)) for row in table.rows[:500])])
                sheet.set_column(place, place, min(max(widest + 2, 8), 48), formats[column.kind])
                sheet.write_string(0, place, column.heading, head)
            for number, row in enumerate(table.rows, 1):
                for place, column in enumerate(table.columns):
                    _write(sheet, number, place, row.get(column.name), column.kind, formats[column.kind])
    return out.getvalue()


def _sheet_name(name: str, taken: set[str]) -> str:
    clean = "".join("_" if letter in "[]:*?/\\'" else letter for letter in name)[:_XLSX_NAME] or "Hoja"
    found, count = clean, 1
    while found.lower() in taken:
        count += 1
        found = f"{clean[:_XLSX_NAME - 4]} {count}"
    taken.add(found.lower())
    return found


def _write(sheet: Any, number: int, place: int, value: Any, kind: str, form: Any) -> None:
    if value is None or value == "":
        return
    if kind in _NUMBERS:
        sheet.write_number(number, place, value, form)
        return
    try:
        if kind == "date":
            sheet.write_datetime(number, place, datetime.datetime.strptime(str(value)[:10], "%Y-%m-%d"), form)
            return
        if kind == "time":
            sheet.write_datetime(number, place, datetime.time.fromisoformat(str(value)), form)
            return
    except ValueError:
        pass
    sheet.write_string(number, place, result.seen(str(value))[:_XLSX_LARGEST_TEXT], form)


def to_html(table: Table, anchor: str = "") -> str:
    """The table as HTML, every value escaped. With `anchor`, each row gets the id n and the value of that column."""
    out = [f"<table><caption>{html.escape(table.title)}</caption><thead><tr>"]
    out += [f'<th scope="col" class="{column.kind} c-{column.name}">{html.escape(column.heading)}</th>' for column in table.columns]
    out.append("</tr></thead><tbody>")
    for row in table.rows:
        out.append(f'<tr id="n{html.escape(str(row.get(anchor)), quote=True)}">' if anchor else "<tr>")
        out += [f'<td class="{column.kind} c-{column.name}">{html.escape(shown(row.get(column.name), column.kind))}</td>' for column in table.columns]
        out.append("</tr>")
    out.append("</tbody></table>")
    return "".join(out)
