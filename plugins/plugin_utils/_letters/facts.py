# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a letter about a request may say: the values that its template is filled with, all of them texts that people read. Pure functions."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...module_utils._engine.policy.vocabulary import EGCR_OF_KIND, EGCR_TITLES
from .._bitacora.view import KINDS as SYSTEM_KINDS
from .._bitacora.view import amount
from .._decisions import asking, due, requests
from .due import Letter

_FORM = "%d/%m/%Y %H:%M"
# What stands in a list of a mail; the whole of it is in the bitácora.
_MOST_ROWS = 40

# How a copy was verified, as people read it; a method that is not here stands in the bitácora.
_CHECKS = {
    "exit_statuses": "cada programa terminó bien", "sha256_readback": "releída entera y comparada por su huella", "counts": "cantidades comparadas",
    "block_checksums": "huella de cada bloque", "repository_files_readback": "archivos del repositorio releídos",
    "snapshot_readback": "lista de archivos releída", "restic_check": "repositorio comprobado",
}

# What every template may name, and what a test or a check fills it with. `restored` are rows of RESTORED_SAMPLE's keys.
RESTORED_SAMPLE = {"label": "LOGISTICA_20261121", "copied": "21/11/2026 19:00", "target": "/srv/oficinas/logistica/restaurado-2026-0001",
                   "medium": "nas-lima", "size": "1,2 GiB", "objects": "1234", "not_back": "3", "verified": "contenido comparado con la copia", "entry": "345"}
SAMPLE: dict[str, Any] = {
    "institution": "Entidad de Ejemplo", "manual": "Manual 001-2019", "ticket": "2026-0001", "kind": "Restauración", "state": "estimada, por autorizar",
    "office": "Oficina de Logística", "requester": "Pedro Rey", "addressee": "Carmen Soto Vega", "post": "heads", "egcr": "EGCR de Infraestructura",
    "system": "LOGISTICA (Servidor de archivos)", "criticality": "alta", "what": "La carpeta contratos/2026", "wanted": ["contratos/2026"],
    "opened": "22/11/2026 10:45", "kept_until": "31/03/2027", "lost": "22/11/2026 10:30", "discovered": "22/11/2026 10:40", "changed": "22/11/2026 09:00",
    "warnings": ["La información se modificó después de la última copia"], "volume": "1,2 GiB", "promised": "23/11/2026 12:00", "estimate": "…",
    "person": "Rosa Huamán", "reason": "Motivo", "at": "22/11/2026 11:00", "restored": [RESTORED_SAMPLE], "number": "1", "reminders": "2",
    "since": "18/11/2026 08:00", "waits_for": "la conformidad", "head": "Carmen Soto Vega", "last_state": "conforme, por cerrar",
    "versions": ["/srv/oficinas/logistica/contratos/2026.txt: 12,0 KiB, modificado el 20/11/2026 18:00, en las copias del 20/11/2026 al 21/11/2026"],
    "listed": "La lista de lo restaurado va adjunta",
}


def of(letter: Letter, history: Sequence[Mapping[str, Any]], rules: Mapping[str, Any], head: str, versions: Sequence[str] = (),
       listed: str = "") -> dict[str, Any]:
    """The values for a letter; what nobody said is an empty text. `head` is who answers for the office that day; `versions` and what is `listed` are what the
    index of names knows (_finding/answering.py).
    """
    request, step = letter.request, letter.step
    entries = {entry["n"]: entry for entry in history}
    zone = due.zone(rules["time_zone"])

    def local(moment: str) -> str:
        found = due.moment(moment)
        return found.astimezone(zone).strftime(_FORM) if found else ""

    policy = rules.get("requests") or {}
    opening, entry = entries[request.steps[0].n], entries[step.n]
    estimated, ended = request.last(requests.STEPS["estimate"].event), request.steps[-1]
    return {
        "institution": rules["institution"], "manual": rules["manual"]["name"], "ticket": request.ticket, "kind": requests.KINDS[request.kind],
        "state": requests.SPANISH[request.state], "office": request.office, "requester": request.requester, "addressee": letter.to.name,
        "post": letter.to.post, "egcr": EGCR_TITLES[EGCR_OF_KIND.get(request.system_kind, "infrastructure")],
        "system": "{0} ({1})".format(request.system, SYSTEM_KINDS.get(request.system_kind, request.system_kind)) if request.system else "",
        "criticality": request.criticality, "what": request.what, "wanted": _limited(request.wanted),
        "opened": local(request.opened_at), "kept_until": _day(request.kept_until),
        "lost": local(request.lost_at), "discovered": local(request.discovered_at), "changed": local(request.changed_at),
        "warnings": _limited(dict.fromkeys([*(each for each in opening.get("warnings_es", ()) if each != asking.NO_COPY),
                                            *_warned(request, history)])),
        "volume": amount(request.volume) if estimated else "", "promised": local(request.promised_for),
        "estimate": str(entries[estimated.n].get("note_es", "")) if estimated else "",
        "person": step.person, "reason": str(entry.get("reason_text", "")), "at": local(step.at),
        "restored": [_restored(entries[n], local) for n in request.done[-_MOST_ROWS:] if n in entries],
        "number": str(letter.key.number), "reminders": str(policy.get("reminders", 2)), "since": local(letter.waits_since),
        "waits_for": "el visto bueno" if request.state == requests.AWAITING else "la conformidad", "head": head,
        "last_state": requests.SPANISH[ended.before] if ended.before else "", "versions": list(versions), "listed": listed,
    }


def _day(until: str) -> str:
    """A day of the bitácora as people write it; of an entry that has none, nothing."""
    try:
        return datetime.datetime.strptime(until, "%Y-%m-%d").strftime("%d/%m/%Y")
    except ValueError:
        return ""


def _limited(rows: Iterable[str]) -> list[str]:
    listed = list(rows)
    more = len(listed) - _MOST_ROWS
    return [*listed[:_MOST_ROWS], "y {0} más, que constan en la bitácora".format(more)] if more > 0 else listed


def _warned(request: requests.Request, history: Iterable[Mapping[str, Any]]) -> list[str]:
    """What was warned of while it was restored: 5.3 c stands in the start of the restore, what could not be brought in its end."""
    return [str(row) for entry in history if requests.ticket_of(entry) == request.ticket and not entry.get("simulated")
            and (entry["type"] == "restore_started" or entry["n"] in request.done) for row in entry.get("warnings_es") or ()]


def _restored(entry: Mapping[str, Any], local: Any) -> dict[str, str]:
    checks = "; ".join(dict.fromkeys(_CHECKS[each] for each in entry.get("checks") or () if each in _CHECKS))
    return {"label": str(entry.get("label", "")), "copied": local(_copied(entry)), "target": str(entry.get("target") or entry.get("location") or ""),
            "medium": str(entry.get("medium", "")), "size": amount(entry["size"]) if isinstance(entry.get("size"), int) else "",
            "objects": str(entry.get("objects") or ""), "not_back": str(entry.get("not_back") or ""), "verified": checks, "entry": str(entry["n"])}


def _copied(entry: Mapping[str, Any]) -> str:
    """When a copy began is not told by its restore: its label has the day."""
    return str(entry.get("started_at", "")) if entry["type"] == "copy_made" else ""
