# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two reports people open: the board of the head of OTI, and the bitácora of a period for print (numerals 6.4, 8.2).

Each is one HTML file that asks nothing of a network. What comes from the bitácora is escaped by Jinja2, and in the board's data by `_data`.
"""

from __future__ import annotations

import datetime
import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from .._bitacora import readable, view
from .._bitacora.any_store import Store
from .._decisions import due as _due
from .._decisions import purposes, recovery
from . import facts, pages, requests
from .tables import Column, Table, to_html

_LIGHTS = {"good": ("●", "Al día"), "late": ("▲", "Por hacer hoy"), "missing": ("■", "Vencida"), "none": ("○", "Sin sistemas")}
_IN_PART = "restored_in_part"      # a restore that says so
_RESULT = {
    "copy_made": "Generada", "copy_failed": "Fallida", "copy_refused": "Rechazada", "copy_damaged": "Dañada", "verification_failed": "No se pudo verificar",
    "copy_simulated": "Simulada", "restored": "Restaurada", _IN_PART: "Restaurada en parte", "restore_failed": "Restauración fallida",
    "copy_pruned": "Retirada",
    "copy_verified": "Verificada", "restore_started": "Restauración en curso",
}
_MONTHS = ("enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "setiembre", "octubre", "noviembre", "diciembre")
_BLOCK_DAYS = 35
_SPARK_POINTS = 40
_LONGEST_NOTE = 300
_DIGEST_SHOWN = 16

BITACORA = (
    Column("n", "N.º", "integer"), Column("fecha", "Fecha", "date"), Column("hora", "Hora", "time"), Column("nombre_respaldo", "Nombre del respaldo"),
    Column("resultado", "Resultado"), Column("tamano", "Tamaño", "bytes"), Column("variacion", "Variación", "percent"), Column("duracion", "Duración"),
    Column("tipo", "Tipo"), Column("sistema", "Sistema"), Column("servidor", "Servidor"), Column("organo", "Órgano"), Column("criticidad", "Criticidad"),
    Column("motivo", "Motivo"), Column("responsable", "Responsable"), Column("ejecutado_por", "Ejecutado por"), Column("medio", "Medio"),
    Column("ubicacion", "Ubicación"), Column("nivel_confianza", "Confianza"), Column("huella_sha256", "Huella SHA-256"),
    Column("retencion_hasta", "Retención hasta", "date"), Column("ticket", "Ticket"), Column("observaciones", "Observaciones"),
    Column("ejecucion", "Ejecución"),
)
# What fits across a sheet of paper.
_PRINTED = ("n", "fecha", "hora", "nombre_respaldo", "resultado", "tamano", "variacion", "tipo", "responsable", "medio", "nivel_confianza", "huella_sha256",
            "observaciones")


def render(found: facts.Facts) -> str:
    """The board as one HTML file."""
    indexed = {(system.kind, system.name): place for place, system in enumerate(found.systems)}
    listed: dict[int, Mapping[str, Any]] = {entry["n"]: entry for entry in found.entries}
    for extra in [*found.restores, *(entry for system in found.systems for entry in (system.last, system.proof) if entry)]:
        listed.setdefault(extra["n"], extra)
    pending = sorted((system for system in found.systems if system.decision.state in facts.PENDING),
                     key=lambda system: (-system.decision.overdue_days, system.name))
    return pages.fill(
        "board.html.j2", facts=found, request_headings=requests.HEADINGS,
        kinds=list(_kinds(found)), cells=facts.CELLS, blocks=list(_blocks(found)), view_kinds=view.KINDS, states=_due.STATES,
        link=_entry_link,
        # What is only due today is what a day's work is: it must not bury what is overdue.
        overdue=[system for system in pending if not _only_today(system, found)], today=[system for system in pending if _only_today(system, found)],
        warned=[(system, readable.warnings(system.last)) for system in found.systems if system.last and readable.warnings(system.last)],
        proof_state=_proof_state, enabled=[system for system in found.systems if system.enabled],
        proved=sum(_proof_state(system) == "good" for system in found.systems if system.enabled),
        purpose_headings=purposes.HEADINGS, scheduled=_scheduled(found),
        recovery_headings=recovery.HEADINGS, recovery=[(recovery.light(row), recovery.cells(row)) for row in found.recovery],
        spark=_spark, integrity=found.chain.lines(), data=_data(found, indexed, listed))


def _scheduled(found: facts.Facts) -> list[tuple[str, list[str]]]:
    """The state's class, and the cells, of each purpose of the schedule."""
    return [(purposes.light(each), cells) for each, cells in zip(found.purposes, purposes.rows(found.purposes, _due.zone(found.zone)), strict=True)]


def _only_today(system: facts.System, found: facts.Facts) -> bool:
    return system.last is not None and system.decision.next_due == found.now.date().isoformat()


def _kinds(found: facts.Facts) -> Iterable[dict[str, Any]]:
    for kind, title in view.KINDS.items():
        mine = [system for system in found.systems if system.kind == kind and system.enabled]
        overdue = sum(1 for system in mine if system.decision.overdue_days or (system.decision.state in facts.PENDING and system.last is None))
        due = sum(1 for system in mine if system.decision.state in facts.PENDING) - overdue
        state = "none" if not mine else "missing" if overdue else "late" if due else "good"
        yield {"title": title, "total": len(mine), "overdue": overdue, "due": due, "good": len(mine) - overdue - due, "state": state,
               "sign": _LIGHTS[state][0], "word": _LIGHTS[state][1]}


def _blocks(found: facts.Facts) -> Iterable[dict[str, Any]]:
    """The heat map, a month a block when the period is long, so that each fits on a sheet."""
    numbered = list(enumerate(found.days))
    by_month = itertools.groupby(numbered, lambda pair: (pair[1].year, pair[1].month))
    groups = [numbered] if len(numbered) <= _BLOCK_DAYS else [list(days) for _month, days in by_month]
    letters = {state: f'<td class="{state[0]}">{letter}' for state, (letter, word) in facts.CELLS.items()}
    for group in reversed(groups):
        start, end = group[0][0], group[-1][0] + 1
        yield {
            "title": f"Del {pages.day(group[0][1])} al {pages.day(group[-1][1])}" if len(groups) == 1 else
            f"{_MONTHS[group[0][1].month - 1]} de {group[0][1].year}",
            "start": start, "days": [day for _place, day in group], "open": end == len(numbered),
            # Letters and classes are ours: nothing here comes from the bitácora.
            "rows": [(system, Markup("".join(letters[state] for state in system.cells[start:end]))) for system in found.systems],
        }


def _data(found: facts.Facts, indexed: Mapping[tuple[str, str], int], listed: Mapping[int, Mapping[str, Any]]) -> Markup:
    """What the board's details show, as JSON that cannot end its element."""
    words = list(_RESULT.values())
    kinds = list(_RESULT)
    rows = []
    here = _due.zone(found.zone)
    for n in sorted(listed):
        entry = listed[n]
        place = indexed.get((entry.get("kind", ""), entry.get("system", "")), -1)
        if entry["type"] not in kinds:
            continue
        moment = entry.get("moment") or _due.taken_at({"started_at": entry["at_event"]}).astimezone(here)
        kind = _IN_PART if entry["type"] == "restored" and entry.get("not_back") else entry["type"]
        row = [n, moment.isoformat(" ", "minutes")[:16], place, entry.get("label", ""), kinds.index(kind), entry.get("size", -1),
               entry["digest"][:_DIGEST_SHOWN]]
        warned = " ".join(readable.warnings(entry))
        note = ": ".join(text for text in (entry.get("error_code", ""), entry.get("error_message_es", "")) if text) or entry.get("reason_text", "")
        if warned:
            note = f"{note}. Advertencias: {warned}" if note and entry["type"] != "copy_made" else f"Advertencias: {warned}"
        if entry.get("simulated"):
            note = "Simulación. " + note
        rows.append([*row, note[:_LONGEST_NOTE]] if note and (warned or entry["type"] != "copy_made") else row)
    told = {"first": found.first.isoformat(), "systems": [system.title for system in found.systems], "words": words, "rows": rows,
            "cells": dict(facts.CELLS.values())}
    text = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029"))


def _proof_state(system: facts.System) -> str:
    if system.proof_days < 0 or system.proof_days >= 2 * system.proof_every:
        return "missing"
    return "late" if system.proof_days >= system.proof_every else "good"


def _spark(sizes: Sequence[int]) -> Markup:
    """The sizes as a small line; the number beside it is what a reader without eyes for it takes."""
    taken = sizes if len(sizes) <= _SPARK_POINTS else [sizes[place * (len(sizes) - 1) // (_SPARK_POINTS - 1)] for place in range(_SPARK_POINTS)]
    if len(taken) < 2:
        return Markup("")
    low, high = min(taken), max(taken)
    points = " ".join(f"{1 + 118 * place / (len(taken) - 1):.0f},{21 - 18 * (size - low) / ((high - low) or 1):.0f}" for place, size in enumerate(taken))
    return Markup(f'<svg class="spark" viewBox="0 0 120 24" aria-hidden="true"><polyline points="{points}"/></svg>')


def _entry_link(entry: Mapping[str, Any]) -> Markup:
    return Markup('<a href="#n{0}">n.º {0}</a>').format(int(entry["n"]))


# -- the bitácora of a period ------------------------------------------------------------------------------------------
def span(period: str, day: datetime.date) -> tuple[datetime.date, datetime.date]:
    """First and last day of the day, week (from Monday) or month that holds `day`."""
    if period == "week":
        monday = day - datetime.timedelta(days=day.weekday())
        return monday, monday + datetime.timedelta(days=6)
    if period == "month":
        first = day.replace(day=1)
        return first, _due.add_months(first, 1) - datetime.timedelta(days=1)
    return day, day


def name_of(period: str, first: datetime.date) -> str:
    """The part of a file's name that tells the period."""
    if period == "month":
        return first.strftime("%Y-%m")
    return "{0}-S{1:02}".format(*first.isocalendar()) if period == "week" else first.isoformat()


def bitacora(store: Store, first: datetime.date, last: datetime.date, zone: str) -> tuple[Table, Mapping[str, Any]]:
    """The entries of the days `first` to `last`, and the last entry of all that was written of them, whose digest seals the report."""
    rows = [{**row, "variacion": _points(row.get("variacion"))} for row in store.rows(since=first.isoformat(), until=last.isoformat(), zone=zone)]
    newest = store.entries(since=first.isoformat(), until=last.isoformat(), zone=zone, limit=1)
    period = f"del {pages.day(first)} al {pages.day(last)}" if first != last else f"del {pages.day(first)}"
    return Table("Bitácora", f"Bitácora {period}", BITACORA, rows), newest[-1] if newest else {}


def _points(text: str | None) -> float | None:
    return float(text.replace(" %", "").replace(",", ".")) if text else None


def printable(table: Table, head: Mapping[str, Any], institution: str, manual: str) -> str:
    """The bitácora as HTML for paper: headings and the digest of its last entry on each page."""
    narrow = Table(table.name, table.title, [column for column in table.columns if column.name in _PRINTED],
                   [{**row, "huella_sha256": (row.get("huella_sha256") or "")[:_DIGEST_SHOWN]} for row in table.rows])
    counted: dict[str, int] = {}
    for row in table.rows:
        counted[row["resultado"]] = counted.get(row["resultado"], 0) + 1
    return pages.fill("bitacora.html.j2", title=table.title, institution=institution, manual=manual, head=head, table=Markup(to_html(narrow, "n")),
                      counted=sorted(counted.items()), total=len(table.rows))
