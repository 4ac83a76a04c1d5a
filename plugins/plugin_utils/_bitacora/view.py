# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people see of the bitácora: the Spanish view that each store has, and the table printed on a terminal."""

from __future__ import annotations

import collections
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ...module_utils._engine import result
from . import entries

KINDS = {"database": "Base de datos", "source_code": "Código fuente", "file_server": "Servidor de archivos", "mailbox": "Buzón de correo"}
_REASONS = {"scheduled": "Programado", "update": "Actualización", "emergency": "Riesgo no controlado", "request": "Solicitud",
            "drill": "Prueba de restauración", "reconciliation": "Conciliación", "custody": "Prueba de custodia"}
_RESULTS = {
    "copy_started": "En curso", "copy_made": "Generada", "copy_failed": "Fallida", "copy_verified": "Verificada", "copy_damaged": "Dañada",
    "verification_failed": "No se pudo verificar", "copy_simulated": "se generaría", "restore_simulated": "se restauraría",
    "prune_started": "Retiro en curso", "copy_pruned": "Retirada", "prune_simulated": "se retiraría", "prune_failed": "Retiro fallido",
    "prune_deferred": "Aún protegida",
    "copy_held": "En retención", "copy_released": "Fuera de retención",
    "copy_not_due": "No corresponde", "copy_refused": "Rechazada", "restore_started": "Restauración en curso", "restored": "Restaurada",
    "restore_failed": "Restauración fallida", "run_interrupted": "Ejecución interrumpida",
    "run_ended": "Ejecución con errores", "warning_sent": "Aviso enviado", "warning_failed": "Aviso no enviado",
    "anchor_failed": "Sello sin ancla", "anchor_sent": "Sello anclado", "excuse": "Ausencia justificada", "excuse_withdrawn": "Justificación retirada",
    "evidence_made": "Paquete de evidencia", "stray_found": "Sin asiento",
    "drill_started": "Prueba en curso", "copy_found": "Reencontrada",
    "copy_transferred": "Trasladada", "transfer_failed": "Traslado fallido", "transfer_simulated": "se trasladaría",
    "copy_sealed": "Sellada", "copy_withdrawn": "Sin publicar",
    "custody_checked": "Custodia comprobada", "custody_updated": "Custodia actualizada", "custody_failed": "Custodia con problemas",
    "repository_key_started": "Cambio de clave en curso", "repository_key_rotated": "Clave cambiada",
    "repository_key_withdrawn": "Clave anterior retirada", "repository_key_failed": "Cambio de clave fallido",
    "entry_redacted": "Texto tachado", "bitacora_moved": "Bitácora trasladada", "key_changed": "Clave del sello",
    "path_assigned": "Ruta asignada", "path_changed": "Ruta modificada", "path_withdrawn": "Ruta retirada", "path_refused": "Ruta rechazada",
    "designation_changed": "Designación", "month_approved": "Visto bueno",
    "ticket_reserved": "Ticket reservado", "request_opened": "Solicitud abierta", "request_endorsed": "Solicitud con visto bueno",
    "request_estimated": "Solicitud estimada", "request_authorised": "Solicitud autorizada", "request_rejected": "Solicitud rechazada",
    "request_executed": "Solicitud atendida", "request_conformed": "Conformidad", "request_objected": "No conformidad",
    "request_closed": "Solicitud cerrada", "request_withdrawn": "Solicitud retirada", "request_outside": "Fuera del numeral 6.2",
    "mail_taken": "Correo atendido", "mail_set_aside": "Correo por revisar", "mail_filed": "Correo archivado",
    "letter_started": "Correo en curso", "request_told": "Correo enviado", "letter_failed": "Correo no enviado",
    "desk_asked": "Consulta a la mesa de ayuda", "desk_bound": "Número de la mesa de ayuda", "desk_told": "Dicho a la mesa de ayuda",
    "desk_failed": "Mesa de ayuda sin respuesta",
    "names_searched": "Búsqueda de nombres",
    "readiness_checked": "Comprobación",
    "medium_checked": "Medio comprobado", "medium_failed": "Medio con problemas",
    "controller_recovered": "Controlador recuperado",
    "schedule_set": "Programación", "schedule_removed": "Programación retirada", "schedule_failed": "Programación que no corrió",
    "schedule_missed": "Programación que no corrió", "schedule_late": "Programación que empezó tarde", "heartbeat_failed": "Señal de vida no recibida",
    "forge_listed": "Forja consultada", "forge_failed": "Forja no consultada", "repository_found": "Repositorio nuevo",
    "repository_renamed": "Repositorio renombrado", "repository_gone": "Repositorio retirado",
    "folder_reported": "Informe de carpeta", "answer_refused": "Respuesta rechazada",
}


def word(event: str) -> str:
    """What people read for an event."""
    return _RESULTS.get(event, event)


# what has no error to tell, but a reason
_TOLD_BY_REASON = ("copy_not_due", "copy_refused", "copy_pruned", "prune_simulated", "prune_deferred", "copy_held", "copy_released", "stray_found",
                   "copy_found", "copy_withdrawn", "excuse")


class Words(NamedTuple):
    """How a store's SQL says what the view needs; each is given expressions and gives one."""

    name: str
    source: str
    field: Callable[[str], str]
    number: Callable[[str], str]
    same: Callable[[str, str], str]
    day: Callable[[str], str]
    hour: Callable[[str], str]
    change: Callable[[str, str], str]
    lasted: Callable[[str], str]
    same_copy: str
    sentences: Callable[[str], str]      # the texts of a list, one after the other; nothing where there is none
    redacted: Callable[[str], str]       # whether an entry says that a field of this one may not be shown (redacting.py)


def _sqlite_field(name: str) -> str:
    return "json_extract(e.body, '$.{0}')".format(name)


_SQLITE = Words(
    name="bitacora", source="entries AS e", field=_sqlite_field, number=_sqlite_field,
    same="{0} IS {1}".format,
    day="date({0}, '-5 hours')".format, hour="time({0}, '-5 hours')".format,
    change="CASE WHEN {1} > 0 THEN replace(printf('%+.1f %%', ({0} - {1}) * 100.0 / {1}), '.', ',') END".format,
    lasted="CASE WHEN {0} IS NOT NULL THEN printf('%d:%02d:%02d', {0} / 3600000, {0} / 60000 % 60, {0} / 1000 % 60) END".format,
    same_copy="json_extract(f.body, '$.label') = json_extract(e.body, '$.label') AND json_extract(f.body, '$.run') = json_extract(e.body, '$.run')",
    sentences="(SELECT group_concat(w.value, ' ') FROM json_each(e.body, '$.{0}') AS w WHERE w.type = 'text')".format,
    redacted=("EXISTS (SELECT 1 FROM entries AS x, json_each(x.body, '$.redacted_fields') AS w WHERE x.type = 'entry_redacted' "
              "AND json_extract(x.body, '$.redacts') = e.n AND json_extract(x.body, '$.simulated') IS NULL AND w.value = '{0}')").format,
)

# A body is read once for each row (OFFSET 0), and what is no number or time is shown as nothing: one odd entry must not hide the rest.
_POSTGRESQL = Words(
    name="respaldo.bitacora",
    source="respaldo.entries AS e CROSS JOIN LATERAL (SELECT respaldo.fields(e.body) AS said OFFSET 0) AS b",
    field="(b.said ->> '{0}')".format, number="respaldo.number(b.said ->> '{0}')".format,
    same=lambda expression, value: "{0} IS NOT DISTINCT FROM {1}".format(expression, "'true'" if value == "1" else value),
    day="to_char(respaldo.in_lima({0}), 'YYYY-MM-DD')".format, hour="to_char(respaldo.in_lima({0}), 'HH24:MI:SS')".format,
    change=("CASE WHEN {1} > 0 THEN CASE WHEN {0} >= {1} THEN '+' ELSE '-' END "
            "|| replace(round(abs({0} - {1}) * 100.0 / {1}, 1)::text, '.', ',') || ' %' END").format,
    lasted="({0} / 3600000) || ':' || lpad(({0} / 60000 % 60)::text, 2, '0') || ':' || lpad(({0} / 1000 % 60)::text, 2, '0')".format,
    same_copy="f.label = e.label AND f.run = e.run",
    sentences=("CASE WHEN jsonb_typeof(b.said -> '{0}') = 'array' THEN (SELECT string_agg(w.value #>> '{{}}', ' ') "
               "FROM jsonb_array_elements(b.said -> '{0}') AS w(value) WHERE jsonb_typeof(w.value) = 'string') END").format,
    redacted=("EXISTS (SELECT 1 FROM respaldo.entries AS x WHERE x.type = 'entry_redacted' AND x.simulated IS NULL "
              "AND respaldo.number(respaldo.fields(x.body) ->> 'redacts') = e.n AND (respaldo.fields(x.body) -> 'redacted_fields') @> '[\"{0}\"]')").format,
)


def _case(expression: str, words: Mapping[str, str]) -> str:
    cases = " ".join("WHEN '{0}' THEN '{1}'".format(*pair) for pair in words.items())
    return "CASE {0} {1} ELSE {0} END".format(expression, cases)


def _types(names: Sequence[str]) -> str:
    return ", ".join("'{0}'".format(name) for name in names)


def _columns(words: Words) -> tuple[tuple[str, str], ...]:
    field, number = words.field, words.number
    # The date of a copy is that of its start (a job may cross midnight), that of anything else is when it happened.
    when = "CASE WHEN e.type IN ('copy_made', 'copy_failed') THEN coalesce({0}, e.at_event) ELSE e.at_event END".format(field("started_at"))
    return (
        ("n", "e.n"),
        ("fecha", words.day(when)),
        ("hora", words.hour(when)),
        ("nombre_respaldo", field("label")),
        ("rotulo", "coalesce({0}, {1})".format(field("printed_label"), field("label"))),
        ("tipo", _case(field("kind"), KINDS)),
        ("sistema", field("system")),
        ("servidor", field("host")),
        ("organo", field("office")),
        ("criticidad", field("criticality")),
        ("motivo", "trim({0} || coalesce(': ' || {1}, ''))".format(_case(field("reason"), _REASONS), _open(words, "reason_text"))),
        ("responsable", _open(words, "responsible")),
        ("ejecutado_por", _open(words, "executed_by")),
        ("medio", field("medium")),
        ("ubicacion", "coalesce({0}, {1})".format(field("location"), field("path"))),
        ("tamano", number("size")),
        ("tamano_original", number("size_original")),
        ("variacion", words.change(number("size"), number("previous_size"))),
        ("duracion", words.lasted(number("duration_ms"))),
        ("resultado", "CASE WHEN {0} THEN 'Simulación: ' ELSE '' END || CASE WHEN {1} THEN 'Interrumpida' WHEN {3} > 0 AND e.type = 'copy_made' "
         "THEN 'Parcial' WHEN {4} > 0 AND e.type = 'restored' THEN 'Restaurada en parte' ELSE {2} END".format(
             words.same(field("simulated"), "1"), words.same(field("error_code"), "'RSP705'"), _case("e.type", _RESULTS), number("lacks"),
             number("not_back"))),
        ("nivel_confianza", field("trust_level")),
        ("huella_sha256", field("sha256")),
        ("clave", field("key_reference")),
        # what failed or was only simulated is kept by no rule
        ("retencion_hasta", "CASE WHEN e.type = 'copy_made' THEN {0} END".format(field("retention_until"))),
        ("ticket", _open(words, "ticket")),
        ("observaciones", _told(words)),
        ("ejecucion", field("run")),
        ("momento_utc", when),
    )


def _open(words: Words, name: str, field: Callable[[str], str] | None = None) -> str:
    """A field of free text, or that it was redacted."""
    found = (field or words.field)(name)
    return "CASE WHEN {0} IS NULL THEN NULL WHEN {1} THEN '[tachado]' ELSE {0} END".format(found, words.redacted(name))


def _told(words: Words) -> str:
    """What an entry tells, and after it the warnings of the copy: in Spanish, or as an entry of an earlier release has them."""
    field = words.field
    said = "coalesce({0} || ': ' || {1}, {1}, {2}, CASE WHEN e.type IN ({4}) THEN {3} END)".format(
        field("error_code"), *(_open(words, name) for name in ("error_message_es", "note_es", "reason_text")), _types(_TOLD_BY_REASON))
    warned = "coalesce({0}, {1})".format(_open(words, "warnings_es", words.sentences), _open(words, "warnings", words.sentences))
    return "coalesce({0} || '. Advertencias: ' || {1}, {0}, 'Advertencias: ' || {1})".format(said, warned)


def _build(words: Words) -> str:
    selected = ",\n  ".join('{1} AS "{0}"'.format(*column) for column in _columns(words))
    table = words.source.split(" ")[0]
    ended = "EXISTS (SELECT 1 FROM {0} AS f WHERE {1} AND f.type IN ({2}))"
    return (
        "CREATE VIEW {4} AS SELECT\n  {0}\nFROM {5}\nWHERE e.type NOT IN ('run_started', 'seal', 'copy_sealed', 'mail_filed')\n"
        "  AND NOT (e.type = 'run_ended' AND {3} IS NULL) AND e.type != 'prune_started'\n"
        "  AND NOT (e.type = 'copy_started' AND {1}) AND NOT (e.type = 'restore_started' AND {2})"
    ).format(selected, ended.format(table, words.same_copy, _types(entries.COPY_ENDS)),
             ended.format(table, words.same_copy, _types(entries.RESTORE_ENDS)), words.field("note_es"), words.name, words.source)


# The end of a run is shown when it tells of a failure that no other entry tells. A start whose end is written is not shown: people read one line for each copy.
SQL = _build(_SQLITE)
POSTGRESQL_SQL = _build(_POSTGRESQL)
COLUMNS = tuple(name for name, _expression in _columns(_SQLITE))


_NUMBERS = ("tamano", "tamano_original")
_DAY, _CHANGE = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}"), re.compile("[+-]?[0-9]{1,15}(,[0-9])? %")
# of the line itself, or made of the view's own words
_OURS = frozenset(("n", "hora", "duracion", "fecha", "variacion", *_NUMBERS))


def readable(row: dict[str, Any]) -> dict[str, Any]:
    """A row of the view in which what has not its form is nothing, and texts lose what is not seen: one odd entry must not hide the rest."""
    shown = {name: value if value is None or name in _OURS else result.seen(str(value)) for name, value in row.items()}
    for name in _NUMBERS:
        shown[name] = row[name] if result.is_number(row[name]) else None
    for name, form in (("fecha", _DAY), ("retencion_hasta", _DAY), ("variacion", _CHANGE)):
        shown[name] = row[name] if isinstance(row[name], str) and form.fullmatch(row[name]) else None
    shown["duracion"] = row["duracion"] if isinstance(row["duracion"], str) and len(row["duracion"]) < 20 else None
    return shown


def in_zone(row: dict[str, Any], zone_name: str) -> dict[str, Any]:
    """A row of the view with fecha and hora in a zone other than Lima's, which SQL already gave."""
    if zone_name == entries.POLICY_ZONE:
        return row
    try:
        there = entries.local(row["momento_utc"], zone_name)
    except (ValueError, TypeError, AttributeError, OverflowError):
        return row
    return {**row, "fecha": there.strftime("%Y-%m-%d"), "hora": there.strftime("%H:%M:%S")}


class Column(NamedTuple):
    """A column of the printed table: its name in the view, its heading, and the width beyond which it is cut, or, shown whole, goes on in the next line."""

    name: str
    heading: str
    widest: int
    right: bool = False
    whole: bool = False


# In the order in which a reader looks; all that does not fit in one line goes on in the next.
TABLE = (
    Column("n", "N.º", 8, True), Column("fecha", "Fecha", 10), Column("hora", "Hora", 8), Column("nombre_respaldo", "Nombre del respaldo", 40),
    Column("resultado", "Resultado", 34), Column("tamano", "Tamaño", 10, True), Column("tipo", "Tipo", 20), Column("sistema", "Sistema", 24),
    Column("servidor", "Servidor", 24), Column("responsable", "Responsable", 24), Column("nivel_confianza", "Conf.", 5),
    Column("duracion", "Duración", 9, True), Column("medio", "Medio", 20), Column("huella_sha256", "Huella", 16),
    Column("observaciones", "Observaciones", 200, whole=True),
)


_MOST_LINES = 40      # of one cell, in the printed table
# more bytes than any number of the bitácora tells
_MOST = 2 ** 80


def titles(systems: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """(kind, name) -> how people are told of a system among these: by its name alone, and by its kind too where another has the same name."""
    known = set(systems)
    times = collections.Counter(name.casefold() for _kind, name in known)
    return {(kind, name): f"{name} ({KINDS.get(kind, kind)})" if times[name.casefold()] > 1 else name for kind, name in known}


def amount(size: int) -> str:
    """A number of bytes as staff read it: 1,4 GiB."""
    if abs(size) < 1024:
        return "{0} B".format(size)
    value = float(max(-_MOST, min(size, _MOST)))
    for unit in ("KiB", "MiB", "GiB", "TiB"):
        value /= 1024
        if abs(value) < 1023.95:
            break
    return "{0:.1f} {1}".format(value, unit).replace(".", ",")


def counted(number: int, one: str, several: str) -> str:
    """How many of what, as it is said: 1 copia, 2 copias."""
    return f"{number} {one if number == 1 else several}"


def width_of(text: str) -> int:
    """Columns a text takes on a terminal: marks that combine take none, wide characters two."""
    return sum(0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _cell(row: Mapping[str, Any], column: Column, width: int) -> str:
    value = row.get(column.name)
    text = "" if value is None else amount(value) if column.name == "tamano" else str(value)
    # What came from a server must not move the reader's cursor.
    text = "".join(letter if unicodedata.category(letter)[0] != "C" else " " for letter in unicodedata.normalize("NFC", text))
    widest = min(column.widest, width - 4)
    return text.strip() if column.whole or width_of(text) <= widest else _cut(text, widest)


def _lines(text: str, width: int) -> list[str]:
    """A text in lines of at most so many columns, broken between words where there are any."""
    lines = [""]
    for word in text.split():
        while width_of(word) > width:
            piece = word
            while width_of(piece) > width:
                piece = piece[:-1]
            lines, word = [*lines, piece], word[len(piece):]
        joined = f"{lines[-1]} {word}".strip()
        lines = [*lines[:-1], joined] if width_of(joined) <= width else [*lines, word]
    shown = [line for line in lines if line]
    return shown if len(shown) <= _MOST_LINES else [*shown[:_MOST_LINES - 1], "…"]


def _cut(text: str, width: int) -> str:
    while width_of(text) > width - 1:
        text = text[:-1]
    return text + "…"


def pad(text: str, width: int, right: bool = False) -> str:
    """A text filled with spaces to a width of a terminal."""
    fill = " " * max(0, width - width_of(text))
    return fill + text if right else text + fill


def table(rows: Sequence[Mapping[str, Any]], width: int = 120) -> list[str]:
    """The rows as lines that fit in `width` columns (80 to 200), with headings; a row takes as many lines as it needs."""
    width = min(max(width, 80), 200)
    if not rows:
        return ["La bitácora no tiene asientos con esos criterios."]
    cells = [[_cell(row, column, width) for column in TABLE] for row in rows]
    place = next(place for place, column in enumerate(TABLE) if column.whole)
    more = [_lines(row[place], min(TABLE[place].widest, width - 4)) for row in cells]
    for row, told_more in zip(cells, more):
        row[place] = told_more.pop(0) if told_more else ""
    lines: list[list[tuple[int, Column, int]]] = [[]]
    room = width
    for place, column in enumerate(TABLE):
        content = max(width_of(row[place]) for row in cells)
        if not content:
            continue
        wide = max(content, width_of(column.heading))
        if lines[-1] and wide > room:
            lines.append([])
            room = width - 4
        lines[-1].append((place, column, wide))
        room -= wide + 2

    def shown(texts: Sequence[str]) -> list[str]:
        made = []
        for number, line in enumerate(lines):
            if number and not any(texts[place] for place, column, wide in line):
                continue
            text = "  ".join(pad(texts[place], wide, column.right) for place, column, wide in line)
            made.append((("    " if number else "") + text).rstrip())
        return made

    rule = "─" * width
    told = shown([column.heading for column in TABLE]) + [rule]
    for row, rest in zip(cells, more):
        told += shown(row) + ["    " + line for line in rest]
    return told + [rule, "{0} asiento{1}".format(len(rows), "" if len(rows) == 1 else "s")]
