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
    (
        "RSP764", "letter_unsent",
        "the letter {letter} about the request {ticket} could not be sent to {addressee}: {detail}",
        "It stays due: a later run sends it again, the next time after a pause. Check the address, the mail server and the network.",
        "No se pudo enviar el correo {letter_es} de la solicitud {ticket} a {addressee}: {detail}",
        "Sigue pendiente: una ejecución posterior lo envía, cada vez tras una pausa mayor. Revise la dirección, el servidor de correo y la red.",
    ),
    (
        "RSP765", "letter_template_broken",
        "the template {file} of the letters about requests can't be used: {detail}",
        "Nothing was sent. Mend the template, or remove it from the institution's directory: then the collection's own is used.",
        "La plantilla {file} de los correos de solicitudes no se puede usar: {detail}",
        "No se envió nada. Corrija la plantilla, o retírela del directorio de la institución: entonces se usa la de la colección.",
    ),
    (
        "RSP766", "mail_token_refused",
        "{server} gave no token for the account of mail: {detail}",
        "Nothing was sent or read by this account. Check tenant, client_id, client_secret and scope, and that the application may use the account.",
        "{server} no dio un token para la cuenta de correo: {detail}",
        "Con esta cuenta no se envió ni se leyó nada. Revise tenant, client_id, client_secret y scope, y que la aplicación pueda usar la cuenta.",
    ),
    (
        "RSP767", "letter_without_address",
        "the letter {letter} about the request {ticket} has nobody to go to: {detail}",
        "It stays due. Designate the person with an email in backup_actors (group_vars/all), or tell it by other means.",
        "El correo {letter_es} de la solicitud {ticket} no tiene a quién ir: {detail}",
        "Sigue pendiente. Designe a la persona con su email en backup_actors (group_vars/all), o comuníquelo por otro medio.",
    ),
    (
        "RSP768", "mail_header_refused",
        "the header {header} of a mail has what no header may have: {detail}",
        "It was not sent. Mend the value: a line end in it would begin a header of its own.",
        "El encabezado {header} de un correo tiene lo que ningún encabezado puede tener: {detail}",
        "No se envió. Corrija el valor: un fin de línea en él iniciaría otro encabezado.",
    ),
    (
        "RSP759", "desk_unreachable",
        "the help desk {desk} at {location} does not answer: {detail}",
        "Our own number stands, and nothing waits for the help desk: a later run tells it what it has not heard. Check address, network, proxy and ca_certs "
        "(backup_desk), then run desk.yml.",
        "La mesa de ayuda {desk}, en {location}, no responde: {detail}",
        "El número propio vale, y nada espera a la mesa de ayuda: una ejecución posterior le dirá lo que falta. Revise dirección, red, proxy y ca_certs "
        "(backup_desk) y ejecute desk.yml.",
    ),
    (
        "RSP760", "desk_refused",
        "the help desk {desk} at {location} does not take what it is told, or answers what its API does not foresee: {detail}",
        "Our own number stands. Check type, url and the rights of the account (backup_desk): it makes tickets, followups and solutions, and closes. Where the "
        "ticket is gone or closed there, give the right number by hand (desk_number).",
        "La mesa de ayuda {desk}, en {location}, no acepta lo que se le dice, o responde lo que su API no prevé: {detail}",
        "El número propio vale. Revise type, url y los permisos de la cuenta (backup_desk): crea tickets, seguimientos y soluciones, y cierra. Si el ticket ya "
        "no está o se cerró allí, indique el número correcto a mano (desk_number).",
    ),
    (
        "RSP761", "desk_number_refused",
        "the number {number} of the help desk can't be that of the request {ticket}: {detail}",
        "Nothing was recorded. Give the number that the help desk gave this request.",
        "El número {number} de la mesa de ayuda no puede ser el de la solicitud {ticket}: {detail}",
        "No se registró nada. Indique el número que la mesa de ayuda dio a esta solicitud.",
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
    (
        "RSP762", "request_of_another_office",
        "the request {ticket} is of {office}, and {system}, or what of it is asked for, is of {other}",
        "Nothing was touched. Open a request for that office, or name the system rightly; of a file server with folders of several offices give in "
        "restore_paths whole paths in that office's folder.",
        "La solicitud {ticket} es de {office}, y {system}, o lo que de él se pide, es de {other}",
        "No se tocó nada. Abra una solicitud de ese órgano, o indique bien el sistema; de un servidor de archivos con carpetas de varios órganos, dé en "
        "restore_paths rutas completas de la carpeta de ese órgano.",
    ),
    (
        "RSP763", "request_gives_no_leave",
        "the ticket {ticket} is no leave for this: {detail}",
        "Nothing was touched. Give the ticket of a request that the bitácora knows (request.yml), authorised where it is for a copy, or the help desk's number "
        "that is bound to it (desk.yml); leave the ticket out where there is no request.",
        "El ticket {ticket} no sirve para esto: {detail_es}",
        "No se tocó nada. Indique el ticket de una solicitud que conste en la bitácora (request.yml), autorizada si es para una copia, o el número de la mesa "
        "de ayuda enlazado con ella (desk.yml); no indique ticket si no hay solicitud.",
    ),
)
