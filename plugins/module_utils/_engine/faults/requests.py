# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors of requests (numeral 7.1): 750 to 779 of 7xx, which is the bitácora. The form of a row: errors.Fault."""

from __future__ import annotations

ROWS = (
    (
        "RSP750", "request_step_refused",
        "the request {ticket} is {state}, which does not allow {action}; allowed now: {allowed}",
        "Nothing was recorded. Take one of the steps that are allowed now (request_step).",
        "La solicitud {ticket} está {state_es}: no corresponde {action_es}. Ahora se puede: {allowed_es}",
        "No se registró nada. Dé uno de los pasos que ahora se pueden (request_step).",
    ),
    (
        "RSP751", "request_person_refused",
        "{name} may not {action} the request {ticket} of {office} on {day}; those who may: {entitled}",
        "Write the name as its designation has it (backup_actors, in group_vars/all: heads, soporte, jefe_oti, egcr), or designate the person.",
        "A {name} no le corresponde {action_es} la solicitud {ticket} de {office} al {day}; les corresponde a: {entitled_es}",
        "Escriba el nombre como figura en su designación (backup_actors, en group_vars/all: heads, soporte, jefe_oti, egcr), o designe a la persona.",
    ),
    (
        "RSP752", "request_unknown",
        "the bitácora knows no request {ticket}; open ones: {open}",
        "Write the ticket as it was given, or open the request first (request_step: open).",
        "La bitácora no conoce la solicitud {ticket}; abiertas: {open_es}",
        "Escriba el ticket como se dio, o abra primero la solicitud (request_step: open).",
    ),
    (
        "RSP753", "request_ticket_taken",
        "the ticket {ticket} belongs to another request, or a run that goes on has just taken it",
        "Nothing was opened. Go on with that request, or leave request_ticket out for a new number.",
        "El ticket {ticket} ya es de otra solicitud, o lo acaba de tomar una ejecución en curso",
        "No se abrió nada. Siga con esa solicitud, o no indique request_ticket para recibir un número nuevo.",
    ),
    (
        "RSP754", "restore_without_request",
        "the restore of {system} needs an authorised request (backup_restore_requires_request): {detail}",
        "Nothing was touched. Give restore_ticket of a request that the head of the OTI authorised; in an emergency, say why in restore_emergency, and open "
        "the request afterwards.",
        "La restauración de {system} necesita una solicitud autorizada (backup_restore_requires_request): {detail_es}",
        "No se tocó nada. Indique en restore_ticket una solicitud autorizada por el/la Jefe/a de la OTI; en una emergencia, diga por qué en restore_emergency "
        "y abra después la solicitud.",
    ),
    (
        "RSP755", "request_link_refused",
        "entry {n} can't be linked to the request {ticket}: {detail}",
        "Give in request_entry the number (N.º) of what was restored or copied for this request; playbooks/bitacora.yml shows it.",
        "El asiento n.º {n} no se puede enlazar con la solicitud {ticket}: {detail_es}",
        "Indique en request_entry el N.º de lo que se restauró o copió para esta solicitud; lo muestra playbooks/bitacora.yml.",
    ),
    (
        "RSP773", "names_refused",
        "what the server said of the names in {label} is refused: {detail}",
        "Nothing of it was kept; the copy is as good as before. Look at that server: its answer is not one of this collection's module.",
        "Se rechaza lo que dijo el servidor sobre los nombres de {label}: {detail_es}",
        "No se guardó nada de ello; la copia vale lo mismo que antes. Revise ese servidor: su respuesta no es la del módulo de esta colección.",
    ),
    (
        "RSP774", "names_unreadable",
        "the index of names {path} can't be used: {detail}",
        "No copy needs it. Mend the directory (backup_names_directory), or make the index anew: playbooks/names.yml -e names_anew=true.",
        "No se puede usar el índice de nombres {path}: {detail}",
        "Ninguna copia depende de él. Corrija el directorio (backup_names_directory), o rehaga el índice: playbooks/names.yml -e names_anew=true.",
    ),
    (
        "RSP775", "search_refused",
        "{name} may not look for names of {office} on {day}: {detail}",
        "Nothing was shown. A head looks in the own office (backup_actors.heads); support, the EGCR and the head of the OTI look for an office with "
        "find_ticket or find_reason.",
        "A {name} no le corresponde buscar nombres de {office} al {day}: {detail_es}",
        "No se mostró nada. La jefatura busca en su propio órgano (backup_actors.heads); soporte, el EGCR y el/la Jefe/a de la OTI buscan para un órgano "
        "con find_ticket o find_reason.",
    ),
)
