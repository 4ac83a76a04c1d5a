# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An invented institution of sixty systems and ten months of its bitácora, always the same: failures, an outage that is excused, absences,
names with tildes, and names that attack what shows them. And its pages, as the modules make them."""

from __future__ import annotations

import datetime
import hashlib
import random
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine import label
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.policy import policy
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import seals
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import Store, open_store
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._inventory import with_responsible
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._reports import board, compliance, evidence, facts

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime.datetime(2026, 11, 24, 15, 0, tzinfo=datetime.timezone.utc)
FIRST_NIGHT = datetime.date(2026, 2, 2)
OUTAGE = (datetime.date(2026, 10, 8), datetime.date(2026, 10, 9))
HOSTILE = ("<script>document.title='mal'</script>", "\"><img src=https://mal.example/x onerror=alert(1)>", "</table></style></script>&amp;{{ 7*7 }}")

_PEOPLE = {"base_de_datos": "Ana Quispe Núñez", "codigo_fuente": "Jorge Flores Díaz", "servidores": "María Ñahui Güere", "correo": "Íñigo Muñoz Peña"}
_OFFICES = ("Oficina de Tecnologías de la Información", "Dirección de Acuerdos Marco", "Dirección de Subasta Inversa", "Oficina de Administración",
            "Oficina de Asesoría Jurídica", "Dirección de Análisis de Mercado")
_DATABASES = (
    "SIGA", "SIAF", "Catálogos Electrónicos", "Trámites", "Gestión Documental", "Acuerdos Marco", "Subasta Inversa", "Ficha Técnica", "Planillas",
    "Asistencia", "Tesorería", "Almacén", "Patrimonio", "Viáticos", "Contrataciones Menores", "Mesa de Partes Virtual", "Intranet", "Portal Institucional",
    "Reclamos", "Encuestas de Satisfacción", "Homologación", "Proveedores", "Señalización y Diseño", "Biblioteca", "Capacitación", "Bitácora de respaldo",
    "Visitas en Línea", "Transparencia Estándar", HOSTILE[0], HOSTILE[2])
_REPOSITORIES = (
    "Portal", "Catálogos web", "API de proveedores", "Intranet frontal", "Trámites servicios", "Firma digital", "Reportes", "Integración PIDE",
    "Aplicación móvil", "Componentes comunes", "Infraestructura", "Inventario Ansible", "Buscador de fichas", "Diseño gráfico", "Pruebas automáticas",
    "Analítica", "Chatbot Pañuelo", HOSTILE[1])
_SERVERS = ("Archivos Lima", "Archivos Ñaña", "Impresión", "Directorio Activo", "Antivirus", "Videovigilancia", "Telefonía", "Digitalización")
_MAILBOXES = ("jefatura@example.org", "mesadepartes@example.org", "logística@example.org", "tesorería@example.org")
_FAULTS = (("RSP402", "El medio nas-lima está lleno: no queda espacio"), ("RSP302", "La base de datos no responde: se agotó el tiempo de espera"),
           ("RSP503", "La copia leída del medio no coincide con la escrita"))


def rules() -> dict[str, Any]:
    """The shipped policy, with the people of the institution."""
    found = yaml.safe_load((ROOT / "policies/manual-001-2019.yml").read_text("utf-8"))
    found["actors"] = {"egcr": {post: {"titular": [{"name": name, "from": "2025-01-02", "document": "Memorando 014-2025-OTI"}]}
                                for post, name in zip(policy.EGCR_TITLES, _PEOPLE.values())}}
    return found


def systems() -> list[dict[str, Any]]:
    """The sixty, as an inventory declares them."""
    named = [*((name, "database") for name in _DATABASES), *((name, "source_code") for name in _REPOSITORIES),
             *((name, "file_server") for name in _SERVERS), *((name, "mailbox") for name in _MAILBOXES)]
    source = {"database": "postgresql", "source_code": "git", "file_server": "paths", "mailbox": "paths"}
    return [{"name": name, "kind": kind, "criticality": ("alta", "media", "media", "baja")[place % 4], "office": _OFFICES[place % len(_OFFICES)],
             "source": {"type": source[kind]}} for place, (name, kind) in enumerate(named)]


def write(path: Path) -> None:
    """The bitácora of the institution up to NOW."""
    chance = random.Random(1992019)
    of_all = with_responsible(systems(), rules(), NOW.date())
    sizes = {place: chance.randint(2 * 10 ** 7, 6 * 10 ** 10) for place in range(len(of_all))}
    due: dict[int, datetime.date] = {place: FIRST_NIGHT + datetime.timedelta(days=place % 7) for place in range(len(of_all))}
    before: dict[int, int] = {}
    signer = seals.Signer(path.with_name("seal.key"))
    with open_store(str(path)) as store, store.exclusive():
        day = FIRST_NIGHT
        while day < NOW.date():
            _night(store, day, of_all, sizes, due, before, chance)
            if day.day == 1:
                head, origin = store.ends()[1], store.ends()[0]
                store.append("seal", signer.seal(origin["digest"], head["n"], head["digest"]), _stamp(day, 9, 0), "sello")
            day += datetime.timedelta(days=1)
        for place in (0, 2):
            system = of_all[place]
            store.append("excuse", {
                "event": "excuse", "system": system["name"], "kind": system["kind"], "excused_from": OUTAGE[0].isoformat(),
                "excused_until": OUTAGE[1].isoformat(), "reason_text": "Corte de energía en el centro de datos", "requester": "Rosa Ibáñez Ñuflo",
                "ticket": "OFICIO-0117-2026", "numeral": "6.4",
                "note_es": "Del 08/10/2026 al 09/10/2026, por Rosa Ibáñez Ñuflo: Corte de energía en el centro de datos"}, "2026-10-12T15:00:00Z", "excusa")
        store.append("restore_started", {
            "run": "pedido", "system": "Trámites", "kind": "database", "label": "Tramites_20261120", "ticket": "2026-0117", "requester": "Pedro Cañari Ávila",
            "started_at": "2026-11-23T20:00:00Z"}, "2026-11-23T20:00:00Z", "pedido")


def _night(store: Store, day: datetime.date, of_all: list[dict[str, Any]], sizes: dict[int, int], due: dict[int, datetime.date], before: dict[int, int],
           chance: random.Random) -> None:
    run = day.strftime("%Y%m%dT010000Z-oti")
    store.append("run_started", {"run": run, "playbook": "site.yml", "controller": "respaldo1", "boot_id": "x", "pid": 1}, _stamp(day, 1, 0), run)
    for place, system in enumerate(of_all):
        wanted = policy.period(rules_once(), system["kind"], system["criticality"])
        if wanted is None or day < due[place] or OUTAGE[0] <= day <= OUTAGE[1] or (place == 3 and day > datetime.date(2026, 11, 5)) or chance.random() < 0.02:
            continue
        # What an inventory would refuse, a bitácora of another hand may hold.
        name = (system["name"] if system["name"] in HOSTILE else label.canonical(system["name"])) + day.strftime("_%Y%m%d")
        minute = place % 50
        began = _stamp(day, 1 + place // 50, minute)
        body = {"run": run, "host": f"srv-{place % 9 + 1:02}.example.org", "label": name, "printed_label": name, "system": system["name"],
                "kind": system["kind"], "criticality": system["criticality"], "office": system["office"], "responsible": system["responsible"],
                "numeral": rules_once()["kinds"][system["kind"]]["numeral"], "reason": "scheduled", "executed_by": "respaldo", "started_at": began,
                "medium": "local, nas-lima", "location": f"/srv/copias/{system['kind']}/{name}"}
        if chance.random() < 0.03:
            code, words = chance.choice(_FAULTS)
            store.append("copy_failed", {**body, "event": "copy_failed", "ended_at": began, "error_code": code, "error_message": words,
                                         "error_message_es": words}, began, run)
            continue
        grown = 1.9 if chance.random() < 0.004 else 1 + chance.uniform(-0.01, 0.02)
        size = sizes[place] = int(sizes[place] * grown) if grown < 1.5 else sizes[place]
        told = {**body, "event": "copy_made", "ended_at": began, "duration_ms": size // 90000, "size": int(size * (grown if grown > 1.5 else 1)),
                "trust_level": "T2", "sha256": hashlib.sha256(name.encode()).hexdigest()}
        if place in before:
            told["previous_size"] = before[place]
        before[place] = told["size"]
        store.append("copy_made", told, began, run)
        due[place] = day + datetime.timedelta(days=wanted.days or 30)
        if chance.random() < (0.05 if system["criticality"] == "alta" else 0.02):
            proof = {**{key: body[key] for key in ("run", "host", "label", "system", "kind", "responsible")}, "medium": "local", "duration_ms": 61500}
            if chance.random() < 0.08:
                store.append("copy_damaged", {**proof, "event": "copy_damaged", "verification_level": "T2", "medium": "nas-lima", "error_code": "RSP503",
                                              "error_message_es": _FAULTS[2][1]}, _stamp(day, 4, minute), run)
            else:
                store.append("copy_verified", {**proof, "event": "copy_verified", "trust_level": "T3", "verification_level": "T3"}, _stamp(day, 4, minute), run)
    store.append("run_ended", {"run": run, "verdict": "good"}, _stamp(day, 5, 0), run)


_RULES: dict[str, Any] = {}


def rules_once() -> dict[str, Any]:
    if not _RULES:
        _RULES.update(rules())
    return _RULES


def _stamp(day: datetime.date, hour: int, minute: int) -> str:
    return f"{day.isoformat()}T{hour + 5:02}:{minute:02}:00Z"


def make_pages(directory: Path) -> dict[str, Path]:
    """The four pages, in files, as the modules write them; and the bitácora they are of."""
    path = directory / "bitacora.sqlite"
    write(path)
    in_force, of_all = rules(), with_responsible(systems(), rules(), NOW.date())
    with open_store(str(path), readonly=True) as store:
        found = facts.read(store, in_force, of_all, datetime.date(2026, 10, 26), datetime.date(2026, 11, 24), NOW, {"local": 40 * 10 ** 12})
        table, head = board.bitacora(store, datetime.date(2026, 10, 1), datetime.date(2026, 10, 31), in_force["time_zone"])
        matrix = compliance.matrix(store, in_force, of_all, "2026-06", "2026-11", NOW)
        controls = compliance.controls(store, in_force, "2026-06", "2026-11")
        told = evidence.cited(store, in_force, matrix, controls, "2026-06", "2026-11")
        contents = evidence.Contents(in_force, {"srv": {"systems": systems(), "media": []}}, matrix, controls, "2026-06", "2026-11", {}, told)
        pack = directory / "evidencia.zip"
        evidence.write(store, contents, pack)
        made = {
            "board": board.render(found),
            "bitacora": board.printable(table, head, in_force["institution"], in_force["manual"]["name"]),
            "compliance": evidence.page(in_force, matrix, controls, "2026-06", "2026-11", told),
        }
    pages = {}
    for name, text in made.items():
        pages[name] = directory / f"{name}.html"
        pages[name].write_text(text, "utf-8")
    import zipfile

    with zipfile.ZipFile(pack) as members:
        members.extractall(directory / "evidencia")
    pages["index"] = directory / "evidencia" / "INDICE.html"
    return pages
