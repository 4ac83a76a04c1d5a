# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms for people in AWX (surveys): which playbook each runs, and its questions. The variables are those of the roles' argument specs, as a test compares.

No question is a password: AWX keeps those for a relaunch (awx#1274).
"""

from __future__ import annotations

from typing import Any, NamedTuple

KINDS = ("database", "source_code", "file_server", "mailbox")


class Question(NamedTuple):
    variable: str
    name: str                       # Spanish
    help: str = ""                  # Spanish
    required: bool = False
    choices: tuple[str, ...] = ()
    lines: bool = False             # several, one on each line
    default: str = ""


class Form(NamedTuple):
    playbook: str                   # its name in playbooks/, without .yml
    title: str                      # Spanish
    questions: tuple[Question, ...]
    fixed: dict[str, str] = {}      # variables that nobody is asked


_DATE = "AAAA-MM-DD, o con la hora: AAAA-MM-DD HH:MM"
FORMS = {
    "emergencia": Form("site", "Copia por un riesgo no controlado (numeral 6.4)", (
        Question("backup_emergency_reason", "Motivo de la copia", "Queda en la bitácora.", True),
        Question("backup_only", "Sistemas", "Nombres del inventario, uno por línea.", True, lines=True),
    )),
    "solicitud": Form("request", "Solicitud por información perdida (numeral 7.1)", (
        Question("request_person", "Quién la pide", "Por el nombre de su designación.", True),
        Question("request_of", "Qué se pide", choices=("restore", "mailbox", "emergency"), default="restore"),
        Question("request_office", "Unidad de organización"),
        Question("request_system", "Sistema", "Por su nombre en el inventario, si se conoce."),
        Question("request_kind", "Tipo", "En blanco, si no se conoce.", choices=KINDS),
        Question("request_what", "Qué se perdió", lines=True),
        Question("request_paths", "Archivos y carpetas", "Una ruta por línea.", lines=True),
        Question("request_lost_at", "Cuándo se perdió", _DATE),
        Question("request_discovered_at", "Cuándo se notó", _DATE),
        Question("request_changed_at", "Último cambio de la información", _DATE),
        Question("request_proof", "Cómo consta", choices=("mail", "document", "helpdesk", "word"), default="word"),
        Question("request_proof_reference", "Referencia", "Número del documento o del ticket, o Message-ID del correo."),
    ), {"request_step": "open"}),
    "justificacion": Form("excuse", "Justificación de copias que faltan (numeral 6.4)", (
        Question("excuse_system", "Sistema", required=True),
        Question("excuse_kind", "Tipo", required=True, choices=KINDS),
        Question("excuse_from", "Primer día", "AAAA-MM-DD"),
        Question("excuse_until", "Último día", "AAAA-MM-DD"),
        Question("excuse_reason", "Motivo", "Queda en la bitácora.", True),
        Question("excuse_requester", "Quién lo justifica", required=True),
        Question("excuse_ticket", "Ticket o documento"),
    )),
    "conservacion": Form("hold", "Conservar copias más allá de su retención (numeral 6.6)", (
        Question("hold_system", "Sistema", required=True),
        Question("hold_kind", "Tipo", required=True, choices=KINDS),
        Question("hold_label", "Rótulo", "En blanco: todas las copias del sistema, también las que vengan."),
        Question("hold_reason", "Motivo", "Queda en la bitácora.", True),
        Question("hold_ticket", "Ticket o documento"),
        Question("hold_requester", "Quién lo pide"),
        Question("hold_state", "Conservar o soltar", choices=("present", "absent"), default="present"),
    )),
    "restauracion": Form("restore", "Restauración de una copia (numeral 7.1.3)", (
        Question("restore_host", "Servidor", "Por su nombre en el inventario.", True),
        Question("restore_system", "Sistema", required=True),
        Question("restore_kind", "Tipo", required=True, choices=KINDS),
        Question("restore_target", "Destino", "Base de datos, archivo o directorio nuevos."),
        Question("restore_paths", "Archivos y carpetas", "De un servidor de archivos, una ruta por línea. En blanco: todo.", lines=True),
        Question("restore_mailbox", "Buzón", "De un buzón: a cuál vuelve, en una carpeta Restaurado. En blanco: como archivos, al destino."),
        Question("restore_mail_format", "Formato", "De un buzón, como archivos. En blanco: maildir.", choices=("maildir", "eml", "mbox")),
        Question("restore_mail_folders", "Carpetas", "De un buzón, una por línea. En blanco: todas.", lines=True),
        Question("restore_mail_sender", "Remitente", "De un buzón: parte del nombre o de la dirección."),
        Question("restore_mail_since", "Recibidos desde", "De un buzón: AAAA-MM-DD."),
        Question("restore_mail_until", "Recibidos hasta", "De un buzón: AAAA-MM-DD."),
        Question("restore_mail_subject", "Palabras del asunto", "De un buzón."),
        Question("restore_label", "Rótulo", "En blanco: la copia buena más reciente."),
        Question("restore_lost_at", "Cuándo se perdió", _DATE),
        Question("restore_reason", "Motivo", "Por qué otra copia que la más reciente."),
        Question("restore_ticket", "Ticket de la solicitud"),
        Question("restore_requester", "Quién lo pidió"),
    )),
}
# The form whose runs wait for a person's approval, and the workflow in which they do.
APPROVED = "restauracion"
WORKFLOW = "restauracion-autorizada"
APPROVAL = "Autorizar la restauración"


def survey(questions: tuple[Question, ...]) -> dict[str, Any]:
    """As AWX keeps it; it gives back what it was given, so that the same is no change."""
    return {"name": "", "description": "", "spec": [{
        "question_name": each.name, "question_description": each.help, "required": each.required, "variable": each.variable, "default": each.default,
        "type": "multiplechoice" if each.choices else "textarea" if each.lines else "text",
        **({"choices": list(each.choices)} if each.choices else {}),
    } for each in questions]}
