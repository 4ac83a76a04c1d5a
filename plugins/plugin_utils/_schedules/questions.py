# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people start by hand where a scheduler has forms, and what they are asked: the one list. AWX has it by `awx_forms.py`, Semaphore by
`_semaphore/surveys.py`.

The variables, choices and what must be answered are those of the roles' argument specs, as a test compares. No question is a password: AWX keeps those for a
relaunch (awx#1274), and Semaphore shows them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

KINDS = ("database", "source_code", "file_server", "mailbox")


class Question(NamedTuple):
    variable: str
    name: str                       # Spanish
    help: str = ""                  # Spanish
    required: bool = False
    choices: tuple[str, ...] = ()
    several: bool = False           # a list: how it is written is the scheduler's to say
    prose: bool = False             # more than a line, where there is room for it
    default: str = ""


class Form(NamedTuple):
    playbook: str                   # its name in playbooks/, without .yml
    role: str                       # whose argument specs the questions are of
    title: str                      # Spanish, with the numeral
    short: str                      # Spanish, where a title is a name
    questions: tuple[Question, ...]
    fixed: Mapping[str, str] = {}   # variables that nobody is asked


_DATE = "AAAA-MM-DD, o con la hora: AAAA-MM-DD HH:MM"
FORMS = {
    "emergencia": Form("site", "common", "Copia por un riesgo no controlado (numeral 6.4)", "copia de emergencia", (
        Question("backup_emergency_reason", "Motivo de la copia", "Por qué se copia ahora, aunque no corresponda. Queda en la bitácora.", True),
        Question("backup_only", "Sistemas", "Nombres del inventario. En blanco: todos.", several=True),
    )),
    "solicitud": Form("request", "request", "Solicitud por información perdida (numeral 7.1)", "solicitud de restauración", (
        Question("request_person", "Quién la pide", "Nombre completo, como consta en las designaciones si es una de ellas (7.1.1).", True),
        Question("request_of", "Qué se pide", choices=("restore", "mailbox", "emergency"), default="restore"),
        Question("request_office", "Unidad de organización"),
        Question("request_system", "Sistema", "Por su nombre en el inventario, si se conoce."),
        Question("request_kind", "Tipo", "En blanco, si no se conoce.", choices=KINDS),
        Question("request_what", "Qué se perdió", "En palabras.", prose=True),
        Question("request_paths", "Archivos y carpetas", "Sus rutas.", several=True),
        Question("request_lost_at", "Cuándo se perdió", _DATE),
        Question("request_discovered_at", "Cuándo se notó", _DATE),
        Question("request_until", "Conservar la copia hasta", "De un buzón: AAAA-MM-DD. En blanco: los días de la política."),
        Question("request_changed_at", "Último cambio de la información", _DATE),
        Question("request_ticket", "Ticket", "De la mesa de ayuda. En blanco: el siguiente del año."),
        Question("request_proof", "Cómo consta", choices=("mail", "document", "helpdesk", "word"), default="word"),
        Question("request_proof_reference", "Referencia", "Número del documento o del ticket, o Message-ID del correo."),
    ), {"request_step": "open"}),
    "justificacion": Form("excuse", "excuse", "Justificación de copias que faltan (numeral 6.4)", "justificación de copias ausentes", (
        Question("excuse_system", "Sistema", required=True),
        Question("excuse_kind", "Tipo", required=True, choices=KINDS),
        Question("excuse_from", "Primer día", "AAAA-MM-DD"),
        Question("excuse_until", "Último día", "AAAA-MM-DD"),
        Question("excuse_withdraw", "Retirar la justificación N.º", "Número de su asiento. En blanco: ninguna."),
        Question("excuse_reason", "Motivo", "Queda en la bitácora.", True),
        Question("excuse_requester", "Quién lo justifica", required=True),
        Question("excuse_ticket", "Ticket o documento"),
    )),
    "conservacion": Form("hold", "hold", "Conservar copias más allá de su retención (numeral 6.6)", "retención especial", (
        Question("hold_system", "Sistema", required=True),
        Question("hold_kind", "Tipo", required=True, choices=KINDS),
        Question("hold_label", "Rótulo", "En blanco: todas las copias del sistema, también las que vengan."),
        Question("hold_reason", "Motivo", "Queda en la bitácora.", True),
        Question("hold_ticket", "Ticket o documento"),
        Question("hold_requester", "Quién lo pide"),
        Question("hold_state", "Conservar o soltar", "present conserva; absent suelta.", choices=("present", "absent"), default="present"),
    )),
    "restauracion": Form("restore", "restore", "Restauración de una copia (numeral 7.1.3)", "restauración", (
        Question("restore_host", "Servidor", "Por su nombre en el inventario.", True),
        Question("restore_system", "Sistema", required=True),
        Question("restore_kind", "Tipo", required=True, choices=KINDS),
        Question("restore_target", "Destino", "Base de datos, archivo o directorio nuevos."),
        Question("restore_paths", "Archivos y carpetas", "De un servidor de archivos, sus rutas. En blanco: todo.", several=True),
        Question("restore_mailbox", "Buzón", "De un buzón: a cuál vuelve, en una carpeta Restaurado. En blanco: como archivos, al destino."),
        Question("restore_mail_format", "Formato", "De un buzón, como archivos. En blanco: maildir.", choices=("maildir", "eml", "mbox")),
        Question("restore_mail_folders", "Carpetas", "De un buzón. En blanco: todas.", several=True),
        Question("restore_mail_sender", "Remitente", "De un buzón: parte del nombre o de la dirección."),
        Question("restore_mail_since", "Recibidos desde", "De un buzón: AAAA-MM-DD."),
        Question("restore_mail_until", "Recibidos hasta", "De un buzón: AAAA-MM-DD."),
        Question("restore_mail_subject", "Palabras del asunto", "De un buzón."),
        Question("restore_label", "Rótulo", "En blanco: la más reciente que esté íntegra. Si es parcial, la restauración lo dice."),
        Question("restore_lost_at", "Cuándo se perdió", _DATE),
        Question("restore_reason", "Motivo", "Por qué otra copia que la más reciente."),
        Question("restore_ticket", "Ticket de la solicitud"),
        Question("restore_requester", "Quién lo pidió"),
    )),
}
# The form whose runs wait for a person's approval. A scheduler that knows no approval doesn't have it: there a restore begins with its request.
APPROVED = "restauracion"
