# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The evidence pack: one ZIP that an auditor unpacks anywhere and checks with Python alone.

The same bitácora, inventory and policy give the same bytes: members in order, all of one time, the pack's own date that of its last entry.
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import json
import os
import shutil
import sqlite3
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

from ...module_utils._engine.errors import BackupError
from .. import _held_places, _places
from .._bitacora import anchored, chain, entries, seals, trust, view
from .._bitacora import store as stores
from .._bitacora.any_store import Store
from .._bitacora.sqlite import SqliteStore
from .._decisions import due, purposes, recovery
from . import approvals, compliance, pages, requests, tables

FILE = "bitacora.sqlite"
VERIFIER = "verificador/chain.py"
_ORIGIN_OF_TIME = (1980, 1, 1, 0, 0, 0)
_BLOCK = 1024 * 1024
_COUNTED = ("met", "late", "missing", "excused")
# A state is told by a sign too, for paper and for whoever does not see the colours.
SIGNS = {"met": "●", "late": "▲", "missing": "■", "excused": "◆", "pending": "○", "none": "·"}
# What the Spanish view leaves out, and what it is called here; the columns it has no value for.
_CITED = ("nombre_respaldo", "sistema", "tamano", "responsable", "medio", "nivel_confianza", "huella_sha256")
_UNSEEN = {"run_started": "Inicio de ejecución", "seal": "Sello firmado"}
# A late copy of the last month's end came at most two of the longest periods after it.
_LATEST = datetime.timedelta(days=62)
_PROOFS = ("copy_verified", "copy_damaged", "verification_failed", "restored", "restore_failed")
_KINDS = {**{name: "integer" for name in ("n", "met", "late", "missing", "excused", "entries")}, "tamano": "bytes", "tamano_original": "bytes", "fecha": "date"}

# member -> what it is, in the words of the index
_MEMBERS = {
    "LEEME.txt": "cómo comprobar este paquete",
    FILE: "la bitácora entera, con su cadena (SQLite)",
    VERIFIER: "el verificador: un solo archivo, solo necesita Python",
    "politica.json": "la política en vigor",
    "inventario.json": "sistemas y medios de cada servidor, sin secretos",
    "asientos/asientos.jsonl": "asientos del periodo, como están en la bitácora",
    "asientos/asientos.csv": "asientos del periodo, como se leen",
    "asientos/asientos.xlsx": "lo mismo, en una hoja de cálculo",
    "sellos/sellos.jsonl": "sellos firmados que hay en la bitácora",
    "pruebas/verificaciones.csv": "verificaciones y pruebas de restauración del periodo",
    "cumplimiento/cumplimiento.html": "matriz de cumplimiento por sistema y mes, y requisitos",
    "cumplimiento/cumplimiento.csv": "la matriz, en una hoja de cálculo",
    "cumplimiento/cumplimiento.json": "la matriz con cada periodo y sus asientos",
    "cumplimiento/requisitos.csv": "cada requisito, su consulta y sus asientos",
    "cumplimiento/programacion.csv": "cada propósito de la programación, como estaba al último asiento",
    "cumplimiento/solicitudes.csv": "solicitudes que esperan o se cerraron desde el inicio del periodo, con sus tiempos",
    "SHA256SUMS": "huellas de los demás archivos",
}

MATRIX_COLUMNS = (
    ("system", "Sistema"), ("kind", "Tipo"), ("office", "Órgano"), ("criticality", "Criticidad"), ("month", "Mes"), ("state", "Estado"), ("met", "Cumplidas"),
    ("late", "Tardías"), ("missing", "Faltantes"), ("excused", "Justificadas"), ("due", "Debidas el"), ("numerals", "Numerales"),
    ("iso_2014", "NTP-ISO/IEC 27001:2014"), ("iso_2022", "ISO/IEC 27001:2022"), ("evidence", "Asientos"),
)
CONTROL_COLUMNS = (
    ("title", "Requisito"), ("numeral", "Numeral"), ("iso_2014", "NTP-ISO/IEC 27001:2014"), ("iso_2022", "ISO/IEC 27001:2022"), ("entries", "Asientos"),
    ("samples", "Muestra"), ("query", "Consulta (SQLite)"),
)


class Contents(NamedTuple):
    """What goes into a pack besides the bitácora."""

    rules: Mapping[str, Any]
    hosts: Mapping[str, Any]   # see institution.of_all_hosts
    matrix: compliance.Matrix
    controls: Sequence[Mapping[str, Any]]
    since: str                 # month
    until: str
    anchors: Mapping[str, bytes] = {}
    told: Mapping[int, Mapping[str, Any]] = {}  # see cited


class Pack(NamedTuple):
    """What was written."""

    path: Path
    sha256: str
    size: int
    members: list[str]
    entries: int
    report: chain.Report


def table_of(name: str, title: str, columns: Sequence[tuple[str, str]], rows: Sequence[Mapping[str, Any]]) -> tables.Table:
    """A table of what compliance.flat gives."""
    return tables.Table(name, title, [tables.Column(key, heading, _KINDS.get(key, "text")) for key, heading in columns], [compliance.flat(row) for row in rows])


def cited(store: Store, rules: Mapping[str, Any], matrix: compliance.Matrix, controls: Sequence[Mapping[str, Any]], since: str,
          until: str) -> dict[int, Mapping[str, Any]]:
    """n -> row of the Spanish view, of every entry that the matrix and the controls name, in the order of n."""
    zone = rules["time_zone"]
    wanted = {told["n"] for row in matrix.rows for told in row["evidence"]} | {told["n"] for control in controls for told in control["samples"]}
    wanted |= {given["n"] for given in matrix.approved.values()}
    first, last = f"{since}-01", (compliance.next_month(until) - compliance.DAY + _LATEST).isoformat()
    # An excuse may be written long after the days it covers, and a month is approved when it is over.
    shown = [*store.rows(since=first, until=last, zone=zone), *store.rows(type=(*compliance.EXCUSES, approvals.EVENT), zone=zone)]
    found: dict[int, Mapping[str, Any]] = {row["n"]: row for row in shown if row["n"] in wanted}
    for entry in store.entries(type=tuple(_UNSEEN), since=first, until=last, zone=zone):
        if entry["n"] in wanted:
            at = entries.local(entry["at_event"], zone)
            found[entry["n"]] = {**dict.fromkeys(_CITED), "n": entry["n"], "fecha": at.strftime("%Y-%m-%d"), "hora": at.strftime("%H:%M:%S"),
                                 "resultado": _UNSEEN[entry["type"]], "observaciones": entry.get("run") or f"hasta el asiento n.º {entry.get('sealed_n', '')}"}
    return dict(sorted(found.items()))


def page(rules: Mapping[str, Any], matrix: compliance.Matrix, controls: Sequence[Mapping[str, Any]], since: str, until: str,
         told: Mapping[int, Mapping[str, Any]], standing: Sequence[purposes.Standing] = (), objectives: Sequence[recovery.Row] = ()) -> str:
    """The matrix and the controls as one HTML file that asks nothing of a network; `told` are the entries they link to.

    `standing` are the purposes of the schedule as they stand when it is made, `objectives` what would be lost then and what restores took.
    """
    rows = [{**row, "kind": view.KINDS.get(row["kind"], row["kind"]), "place": place, "total": sum(row[state] for state in _COUNTED)}
            for place, row in enumerate(matrix.rows)]
    months = [month for month in compliance.months(since, until) if any(row["month"] == month for row in rows)]
    by_system: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        by_system.setdefault((row["kind"], row["system"]), {})[row["month"]] = row
    grid = [{"name": name, "kind": kind, "criticality": next(iter(cells.values()))["criticality"], "active": next(iter(cells.values()))["active"],
             "cells": [cells.get(month) for month in months]} for (kind, name), cells in by_system.items()]
    counts = _counts(matrix)
    return pages.fill("compliance.html.j2", institution=rules["institution"], manual=rules["manual"]["name"], zone=rules["time_zone"], since=since, until=until,
                      months=months, grid=grid, rows=rows, controls=controls, told=told, counts=counts, total=sum(counts.values()), signs=SIGNS,
                      words=compliance.STATES, word=compliance.word, running=compliance.running(matrix),
                      approved={month: matrix.approved.get(month) for month in months},
                      purpose_headings=purposes.HEADINGS, scheduled=[(purposes.light(each), cells) for each, cells in zip(
                          standing, purposes.rows(standing, due.zone(rules["time_zone"])), strict=True)],
                      recovery_headings=recovery.HEADINGS, recovery=[(recovery.light(row), recovery.cells(row)) for row in objectives])


def _counts(matrix: compliance.Matrix) -> dict[str, int]:
    return {state: sum(row[state] for row in matrix.rows) for state in _COUNTED}


def write(store: Store, contents: Contents, path: Path) -> Pack:
    """Make the pack at `path`, mode 0600, whole or not at all.

    Raises BackupError: report_thrown_away, evidence_unwritable, bitacora_unreadable.
    """
    _places.refuse_report(path)
    try:
        # where others could exchange it, SQLite, which opens by names, works in this account's temporary directory
        where = None if _held_places.is_open(path.parent) else path.parent
        with tempfile.TemporaryDirectory(prefix=".evidence-", dir=where) as scratch, _held_places.place(path, follow=False) as place:
            room = Path(scratch)
            copy = room / FILE
            own = trust.protection(store)
            copy_chain(store, copy)
            report = chain.verify_file(copy, own.anchors, own.keys, own.remembered, True, anchored.content)
            report = report._replace(notices=[*report.notices, *own.notices])
            with stores.open_store(str(copy), readonly=True) as fixed:
                members = _members(fixed, contents, report, own.keys)
            sums = {name: hashlib.sha256(content).hexdigest() for name, content in members.items()}
            with copy.open("rb") as source:
                sums[FILE] = _sha256(source)
            members["SHA256SUMS"] = "".join(f"{sums[name]}  {name}\n" for name in sorted(sums)).encode("utf-8")
            with _held_places.beside(place.held, place.name) as (descriptor, made):
                _zip(descriptor, members, copy)
                size = os.lseek(descriptor, 0, os.SEEK_END)
                os.lseek(descriptor, 0, os.SEEK_SET)
                with open(os.dup(descriptor), "rb") as pack:
                    told = Pack(path, _sha256(pack), size, sorted([*members, FILE]), report.entries, report)
                os.replace(made, place.name, src_dir_fd=place.held, dst_dir_fd=place.held)
    except (OSError, sqlite3.Error) as error:
        raise BackupError("evidence_unwritable", path=path, detail=getattr(error, "strerror", None) or error) from error
    return told


def copy_chain(store: Store, target: Path) -> None:
    """The whole chain in a SQLite file of its own, as it was at one moment while others may write."""
    if isinstance(store, SqliteStore):
        with contextlib.closing(chain.connect_read_only(store.path)) as source, contextlib.closing(sqlite3.connect(target)) as copy:
            source.backup(copy)
            # its readers get our view, whatever one the file has
            copy.execute("DROP VIEW IF EXISTS bitacora")
            copy.execute(view.SQL)
            copy.commit()
            # One file, without a log beside it, that opens from a place where nothing can be written.
            copy.execute("PRAGMA journal_mode = DELETE")
    else:
        with SqliteStore(target) as made:
            with made.exclusive():
                for row in store.raw():
                    made.insert(row)
            made.run("PRAGMA journal_mode = DELETE")
    os.chmod(target, 0o600)


def _members(store: Store, contents: Contents, report: chain.Report, known: Sequence[str]) -> dict[str, bytes]:
    zone = contents.rules["time_zone"]
    first, last = f"{contents.since}-01", (compliance.next_month(contents.until) - compliance.DAY).isoformat()
    told = store.entries(since=first, until=last, zone=zone)
    shown = store.rows(since=first, until=last, zone=zone)
    sheet = _sheet("asientos", f"Asientos de {first} a {last}", shown)
    numbers = {entry["n"] for entry in told if entry["type"] in _PROOFS}
    proofs = _sheet("verificaciones", "Verificaciones y pruebas de restauración", [row for row in shown if row["n"] in numbers])
    made_at = due.moment(_made_at(store)) or due.UNKNOWN
    standing = purposes.read(store, made_at)
    members = {
        VERIFIER: Path(chain.__file__).read_bytes(),
        "politica.json": compliance.as_json(contents.rules).encode("utf-8"),
        "inventario.json": compliance.as_json(contents.hosts).encode("utf-8"),
        "asientos/asientos.jsonl": _lines(told),
        "asientos/asientos.csv": tables.to_csv(sheet),
        "sellos/sellos.jsonl": _lines(_seals(store)),
        "pruebas/verificaciones.csv": tables.to_csv(proofs),
        "cumplimiento/cumplimiento.html": page(contents.rules, contents.matrix, contents.controls, contents.since, contents.until,
                                               contents.told, standing, recovery.of_inventory(store, contents.hosts, contents.rules, made_at)).encode("utf-8"),
        "cumplimiento/cumplimiento.csv": tables.to_csv(table_of("cumplimiento", "Cumplimiento", MATRIX_COLUMNS, contents.matrix.rows)),
        "cumplimiento/cumplimiento.json": compliance.as_json({**contents.matrix._asdict(), "controls": list(contents.controls)}).encode("utf-8"),
        "cumplimiento/requisitos.csv": tables.to_csv(table_of("requisitos", "Requisitos", CONTROL_COLUMNS, contents.controls)),
    }
    if standing:
        members["cumplimiento/programacion.csv"] = tables.to_csv(_sheet("programacion", "Programación", [
            dict(zip(purposes.HEADINGS, cells, strict=True)) for cells in purposes.rows(standing, due.zone(zone))]))
    asked = requests.read(store, made_at, entries.moment(first, False, zone))
    if asked:
        rows = [dict(zip(requests.HEADINGS, requests.cells(row, due.zone(zone)))) for row in asked]
        members["cumplimiento/solicitudes.csv"] = tables.to_csv(_sheet("solicitudes", "Solicitudes", rows))
    members.update({f"anclas/{name}": content for name, content in contents.anchors.items()})
    with contextlib.suppress(ImportError):
        import xlsxwriter  # noqa: F401

        members["asientos/asientos.xlsx"] = tables.to_xlsx([sheet], entries.local(_made_at(store), "UTC"))
    # Those in the seals only where no other is known: whoever rewrote the bitácora chose them.
    keys = list(known) or sorted({seal["public_key"] for seal in _seals(store)})
    members["LEEME.txt"] = _read_me(contents, report, keys, _made_at(store)).encode("utf-8")
    members["INDICE.html"] = _index(contents, report, keys, [*members, FILE, "SHA256SUMS"]).encode("utf-8")
    return members


def _made_at(store: Store) -> str:
    return str(store.ends()[1]["at_recorded"])


def _sheet(name: str, title: str, rows: Sequence[Mapping[str, Any]]) -> tables.Table:
    names = list(rows[0]) if rows else ["n"]
    return tables.Table(name, title, [tables.Column(each, each, _KINDS.get(each, "text")) for each in names], rows)


def _seals(store: Store) -> list[dict[str, Any]]:
    """The seals as an anchor keeps them."""
    found = []
    for entry in store.entries(type="seal"):
        if seals.is_one(entry):
            row = entries.Entry(body=entries.canonical({name: entry[name] for name in (*chain.SEALED, "run") if isinstance(entry.get(name), (int, str))}),
                                **{name: entry[name] for name in chain.COLUMNS if name != "body"})
            found.append(seals.line_of(row))
    return found


def _lines(rows: Sequence[Mapping[str, Any]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False, sort_keys=True) + "\n" for row in rows).encode("utf-8")


def _commands(contents: Contents, keys: Sequence[str]) -> list[tuple[str, str]]:
    told = [("Ningún archivo fue alterado desde que se hizo el paquete", "sha256sum --check SHA256SUMS"),
            ("La cadena de la bitácora está íntegra (salida 0 íntegra, 1 rota y dice dónde, 2 no se pudo leer)", f"python3 {VERIFIER} {FILE}")]
    more = [f"--anchor anclas/{name}" for name in sorted(contents.anchors)] + [f"--key {key}" for key in keys]
    if more:
        told.append(("También sus sellos. Compare la clave pública, y las anclas, con las que se guardan fuera de la OTI: de eso depende lo que prueban",
                     " ".join([f"python3 {VERIFIER} {FILE}", *more])))
    told.append(("Leer los asientos", f'sqlite3 -readonly -header -csv {FILE} "SELECT * FROM bitacora"'))
    return told


def _read_me(contents: Contents, report: chain.Report, keys: Sequence[str], at: str) -> str:
    rules = contents.rules
    lines = [f"Paquete de evidencia: {rules['institution']}", f"{rules['manual']['name']}, versión {rules['manual']['version']}",
             f"Periodo: de {contents.since} a {contents.until}, hora de {rules['time_zone']}", f"Último asiento registrado: {at} (UTC)", "",
             *report.lines(), "", "Para comprobarlo, en la carpeta donde se descomprimió (no hace falta instalar nada, solo Python 3.8 o posterior):", ""]
    for why, command in _commands(contents, keys):
        lines += [f"  # {why}", f"  {command}", ""]
    lines.append("El índice está en INDICE.html. Los secretos del inventario no están en este paquete.")
    return "\n".join(lines) + "\n"


def _index(contents: Contents, report: chain.Report, keys: Sequence[str], names: Sequence[str]) -> str:
    items = [(name, _MEMBERS.get(name, "ancla: sellos guardados fuera de la bitácora")) for name in sorted(names)]
    return pages.fill("index.html.j2", title=f"Paquete de evidencia de {contents.since} a {contents.until}", institution=contents.rules["institution"],
                      manual=contents.rules["manual"]["name"], integrity=report.lines(), whole=report.whole, counts=_counts(contents.matrix), signs=SIGNS,
                      words=compliance.STATES, items=items, commands=_commands(contents, keys))


def _zip(descriptor: int, members: Mapping[str, bytes], copy: Path) -> None:
    with os.fdopen(os.dup(descriptor), "wb") as out:
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as pack:
            for name in sorted([*members, FILE]):
                info = zipfile.ZipInfo(name, _ORIGIN_OF_TIME)
                info.compress_type, info.create_system, info.external_attr = zipfile.ZIP_DEFLATED, 3, 0o100600 << 16
                with pack.open(info, "w", force_zip64=True) as member:
                    if name == FILE:
                        with copy.open("rb") as source:
                            shutil.copyfileobj(source, member, _BLOCK)
                    else:
                        member.write(members[name])
        out.flush()
        os.fsync(out.fileno())


def _sha256(source: IO[bytes]) -> str:
    found = hashlib.sha256()
    while block := source.read(_BLOCK):
        found.update(block)
    return found.hexdigest()
