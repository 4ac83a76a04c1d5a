# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of shared_folder_info: growth against the last report of the bitácora, and the report in Spanish. See its module."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from ..plugin_utils._actions import show
from ..plugin_utils._bitacora import entries, view
from ..plugin_utils._bitacora.store import open_store, resolve_url
from ..plugin_utils._folders import RULES, FoldersAction

_LONGEST_NOTE = 3000


class ActionModule(FoldersAction):
    ARGUMENTS = {
        **RULES,
        "folders": {"type": "raw", "required": True},
        "longest": {"type": "int", "default": 10},
        "show": {"type": "bool", "default": False},
    }

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        folders = [row for row in self.folders(arguments, task_vars) if row.get("state", "present") == "present"]
        done = self.on_server("shared_folder_info", {"folders": folders, "longest": arguments["longest"]}, task_vars)
        host = str(task_vars["inventory_hostname"])
        previous = _previous(done.get("reports", []), host)
        told = {row["system"]: row for row in done.get("backup", []) if row["event"] == "folder_reported"}
        done["summary"] = []
        for report in done.get("reports", []):
            last = previous.get(report["name"], {})
            report["previous_size"], report["previous_files"], report["previous_at"] = last.get("size"), last.get("objects"), last.get("ended_at")
            report["growth"] = report["size"] - last["size"] if last else None
            entry = told[report["name"]]
            if last:
                entry["previous_size"] = last["size"]
            entry["note_es"] = _note(report)[:_LONGEST_NOTE]
            done["summary"] += _lines(report, entry)
        if arguments["show"]:
            show("\n".join([f"{host}: informe de carpetas compartidas (5.3)", *(done["summary"] or ["Ninguna carpeta."])]))
        return done


def _previous(reports: list[dict[str, Any]], host: str) -> dict[str, dict[str, Any]]:
    """The last report of each folder on this host, of the same path."""
    found = {}
    with open_store(resolve_url()) as store:
        for report in reports:
            for entry in store.entries(system=report["name"], kind="file_server", type="folder_reported", newest_first=True, limit=20):
                if entry.get("host") == host and entry.get("path") == report["path"] and not entry.get("simulated"):
                    found[report["name"]] = entry
                    break
    return found


def _note(report: Mapping[str, Any]) -> str:
    """The report in one line, for the bitácora."""
    parts = [f"{report['files']} archivos en {report['directories']} carpetas", _growth(report)]
    if report["bin_files"]:
        parts.append(f"papelera: {report['bin_files']} archivos, {view.amount(report['bin_size'])}")
    parts += [f"{row['files']} {row['kind']} ({view.amount(row['size'])})" for row in report["unwanted"]]
    if report["unreadable"]:
        parts.append(f"{report['unreadable']} que no se pudieron leer")
    return "; ".join(parts)


def _growth(report: Mapping[str, Any]) -> str:
    if report["growth"] is None:
        return "primer informe"
    sign = "+" if report["growth"] >= 0 else "-"
    files = report["files"] - (report["previous_files"] or 0)
    return f"{sign}{view.amount(abs(report['growth']))} y {files:+d} archivos desde el {_day(report['previous_at'])}"


def _day(stamp: str) -> str:
    return entries.local(stamp).strftime("%Y-%m-%d")


def _lines(report: Mapping[str, Any], entry: Mapping[str, Any]) -> list[str]:
    """A folder as staff read it."""
    lines = [f"{report['name']} ({report['office']}): {view.amount(report['size'])}",
             f"    {report['path']}", f"    {entry['note_es']}"]
    for title, rows in (("Los más grandes", report["largest"]), ("Los más antiguos", report["oldest"])):
        if rows:
            lines.append(f"    {title}:")
            lines += [f"        {view.amount(row['size'])}  {_modified(row['modified'])}  {row['path']}" for row in rows]
    for row in report["unwanted"]:
        lines.append(f"    No corresponde (5.3 a), {row['kind']}: {', '.join(row['examples'])}{' …' if row['files'] > len(row['examples']) else ''}")
    lines += [f"    No se midió, por estar montado ahí: {point}" for point in report["mounted"]]
    lines += [f"    No se pudo leer: {path}" for path in report["unreadable_examples"]]
    if not report.get("complete", True):
        lines.append("    El recorrido se detuvo tras una hora: las cifras son de lo visto hasta entonces.")
    return lines


def _modified(seconds: int) -> str:
    try:
        return datetime.datetime.fromtimestamp(seconds, entries.LIMA).strftime("%Y-%m-%d")
    except (OverflowError, ValueError, OSError):
        return "sin fecha  "
