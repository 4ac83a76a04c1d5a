# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may look for names of an office, and the entry that says so. Pure functions."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from ...module_utils._engine import result
from ...module_utils._engine.errors import BackupError
from ...module_utils._engine.restic import repositories
from .._decisions import entitled, requests
from .._decisions.entitled import Capacity

EVENT = "names_searched"
_OTI = (requests.SUPPORT, requests.EGCR, requests.CHIEF)


def seeker(rules: Mapping[str, Any], name: str, office: str, reason: str, ticket: str, today: datetime.date) -> Capacity:
    """The person in the capacity in which they may look: a head in the own office, somebody of the OTI for a reason. Raises search_refused."""
    heads = entitled.capacities(rules, requests.HEADS, office, repositories.KIND, today) if office else ()
    for each in heads:
        if requests.same_name(each.name, name):
            return each
    of_oti = (each for post in _OTI for each in entitled.capacities(rules, post, office, repositories.KIND, today))
    found = next((each for each in of_oti if requests.same_name(each.name, name)), None)
    if found is None:
        raise _refused(name, office, today, requests.Why("no designation in force gives it", "ninguna designación vigente lo permite"))
    if not (reason.strip() or ticket):
        raise _refused(name, office, today, requests.Why("a reason or a ticket is needed", "hace falta un motivo o un ticket"))
    if not office and not reason.strip():
        raise _refused(name, office, today, requests.Why("all offices together need a reason", "buscar en todos los órganos a la vez exige un motivo"))
    return found


def _refused(name: str, office: str, today: datetime.date, why: requests.Why) -> BackupError:
    return BackupError("search_refused", name=name, office=office or "todos los órganos", day=today.isoformat(), detail=why.english, detail_es=why.spanish)


def entry(person: Capacity, office: str, given: Mapping[str, Any], found: int) -> dict[str, Any]:
    """What the bitácora keeps of a search."""
    said = [("nombre", given["name"]), ("carpeta", given["folder"]), ("desde", given["since"]), ("hasta", given["until"]),
            ("borrados", {"yes": "sí", "no": "no"}.get(given["deleted"], ""))]
    told = ", ".join("{0} «{1}»".format(word, value) for word, value in said if value) or "todos los nombres"
    return result.build(
        event=EVENT, kind=repositories.KIND, numeral="7.1.3", office=office or None, person=person.name, post=person.post, document=person.document or None,
        ticket=given["ticket"] or None, reason_text=" ".join(given["reason"].split()) or None, objects=found,
        note_es="{0} buscó {1} en {2}: {3} encontrados".format(person.name, told, office or "todos los órganos", found))


def entry_of_request(step: Mapping[str, Any], request: requests.Request, found: int) -> dict[str, Any]:
    """What the bitácora keeps of the versions that somebody was told who took a step of a request."""
    return result.build(
        event=EVENT, kind=repositories.KIND, numeral="7.1.3", office=request.office, person=step["person"], post=step["post"],
        document=step.get("document"), ticket=request.ticket, objects=found,
        note_es="{0} supo, con el paso que dio, de las versiones de lo que se pide en {1}: {2}".format(step["person"], request.office, found))
