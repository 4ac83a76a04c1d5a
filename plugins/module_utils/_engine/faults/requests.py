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
        "RSP770", "mailbox_unreachable",
        "the mailbox of requests at {server} can't be reached: {detail}",
        "What was taken stands in the bitácora; the next run goes on. Check host, port, security and ca_file of request_mail_box, and the network.",
        "No se puede llegar al buzón de solicitudes en {server}: {detail}",
        "Lo ya atendido consta en la bitácora; la próxima ejecución sigue. Revise host, port, security y ca_file de request_mail_box, y la red.",
    ),
    (
        "RSP771", "mailbox_login_refused",
        "{server} refused to let {account} into the mailbox of requests: {detail}",
        "Nothing was read, and it is not tried again now: servers shut out who fails often. Check username and password, or the token, of request_mail_box.",
        "{server} no dejó entrar a {account} al buzón de solicitudes: {detail}",
        "No se leyó nada, y no se insiste ahora: los servidores bloquean a quien falla varias veces. Revise username y password, o el token, de "
        "request_mail_box.",
    ),
    (
        "RSP772", "mailbox_unusable",
        "the mailbox of requests at {server} does not do what is needed: {detail}",
        "No mail is lost: what was not moved is found again. Check the names of the folders in request_mail_box, the rights of the account and its quota.",
        "El buzón de solicitudes en {server} no hace lo que se necesita: {detail}",
        "Ningún correo se pierde: lo que no se movió se vuelve a encontrar. Revise los nombres de las carpetas en request_mail_box, los permisos de la cuenta "
        "y su cuota.",
    ),
)
