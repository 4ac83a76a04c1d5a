# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors of mailboxes that are given back (134 to 141 of 1xx). The form of a row: errors.Fault."""

from __future__ import annotations

ROWS = (
    (
        "RSP134", "mail_folder_unknown",
        "the copy {label} has no folder {folder}",
        "Nothing was restored. Write the folder as its owner sees it, with / between its levels (Enviados/2025); leave it out for all of them.",
        "La copia {label} no tiene la carpeta {folder}",
        "No se restauró nada. Escriba la carpeta como la ve su titular, con / entre sus niveles (Enviados/2025); no la indique si las quiere todas.",
    ),
    (
        "RSP135", "mail_none_found",
        "no mail of the copy {label} is what was asked for",
        "Nothing was restored. Ask for less: fewer words of the subject, part of the sender's name or address, more days, other folders; or another copy.",
        "Ningún mensaje de la copia {label} es lo que se pide",
        "No se restauró nada. Pida con menos condiciones: menos palabras del asunto, parte del nombre o de la dirección, más días, otra carpeta; u otra copia.",
    ),
    (
        "RSP136", "mail_target_full",
        "the mailbox of {account} on {server} takes no more mails, {given} of {total} are there: {detail}",
        "The mails that are there are whole. Raise its quota or make room, and run it again: it goes on, and gives nothing twice.",
        "El buzón de {account} en {server} no recibe más mensajes, tiene {given} de {total}: {detail}",
        "Los que están, están enteros. Amplíe su cuota o haga sitio, y repita: continúa, y nada queda dos veces.",
    ),
    (
        "RSP137", "mail_target_refused",
        "{server} does not let {account} make or write the folder {folder}: {detail}",
        "Nothing else of the mailbox was touched. Let the account write there (restore_source may name another one), and run it again.",
        "{server} no deja a {account} crear o escribir la carpeta {folder}: {detail}",
        "No se tocó nada más del buzón. Dé a la cuenta permiso para escribir ahí (restore_source puede indicar otra), y repita.",
    ),
    (
        "RSP138", "mail_given_differs",
        "{count} mails that were given to {account} on {server} are not there as they were given: {named}",
        "The server changes what it is given, or somebody moved them meanwhile. Before it is run again remove the folder that was made; or take EML files.",
        "{count} mensajes que se entregaron a {account} en {server} no están ahí como se entregaron: {named}",
        "Ese servidor cambia lo que recibe, o alguien los movió entretanto. Antes de repetir, elimine la carpeta que se creó; o restaure como archivos EML.",
    ),
    (
        "RSP139", "mail_target_broke",
        "the session with {server} broke, {given} of {total} mails are there: {detail}",
        "The mails that are there are whole. Run it again: it goes on, and gives nothing twice.",
        "La sesión con {server} se cortó, están {given} de {total} mensajes: {detail}",
        "Los que están, están enteros. Repita: continúa, y nada queda dos veces.",
    ),
    (
        "RSP141", "mail_fenced",
        "the command {command} would leave the folder that mails are given back to; it was not sent",
        "This is a mistake of this collection: report it. Nothing outside of that folder was touched.",
        "La orden {command} saldría de la carpeta donde se devuelven los mensajes; no se envió",
        "Es un error de esta colección: repórtelo. No se tocó nada fuera de esa carpeta.",
    ),
)
