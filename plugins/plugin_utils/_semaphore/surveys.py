# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people start by hand in Semaphore, and what they are asked. Names, choices and what must be answered are those of the roles' argument specs
(tests/unit/schedules/test_semaphore_surveys.py); titles are Spanish, since staff read them.
"""

from __future__ import annotations

from typing import NamedTuple

KINDS = ("database", "source_code", "file_server", "mailbox")


class Question(NamedTuple):
    name: str                        # the variable
    title: str                       # Spanish
    required: bool = False
    choices: tuple[str, ...] = ()
    help: str = ""                   # Spanish


class Survey(NamedTuple):
    title: str                       # Spanish
    playbook: str                    # its name in playbooks/, without .yml
    role: str                        # whose argument specs the questions are of
    fixed: tuple[tuple[str, str], ...]
    questions: tuple[Question, ...]


SURVEYS = {
    "copy": Survey("copia de emergencia", "site", "common", (), (
        Question("backup_emergency_reason", "Motivo", True, help="Por qué se copia ahora (5.1 d): se copia aunque no corresponda."),
        Question("backup_only", "Sistemas", help="Nombres, separados por comas. En blanco: todos."),
    )),
    "restore": Survey("solicitud de restauración", "request", "request", (("request_step", "open"), ("request_of", "restore")), (
        Question("request_person", "Quien solicita", True, help="Nombre completo, como consta en las designaciones si es una de ellas (7.1.1)."),
        Question("request_office", "Órgano"),
        Question("request_system", "Sistema"),
        Question("request_kind", "Tipo", choices=KINDS),
        Question("request_what", "Qué se perdió", help="En palabras."),
        Question("request_paths", "Archivos y carpetas", help="Rutas, separadas por comas."),
        Question("request_lost_at", "Cuándo se perdió", help="2026-11-22 14:30"),
        Question("request_discovered_at", "Cuándo se supo", help="2026-11-22 14:30"),
        Question("request_changed_at", "Última modificación que se recuerda", help="2026-11-22 14:30 (5.3 c)"),
        Question("request_ticket", "Ticket", help="De la mesa de ayuda. En blanco: el siguiente del año."),
    )),
    "excuse": Survey("justificación de copias ausentes", "excuse", "excuse", (), (
        Question("excuse_system", "Sistema", True),
        Question("excuse_kind", "Tipo", True, KINDS),
        Question("excuse_from", "Desde", help="2026-11-22"),
        Question("excuse_until", "Hasta", help="2026-11-22"),
        Question("excuse_withdraw", "Retirar la justificación N.º", help="Número de su asiento; en blanco, ninguna."),
        Question("excuse_reason", "Motivo", True),
        Question("excuse_requester", "Quien lo dice", True),
        Question("excuse_ticket", "Ticket o documento"),
    )),
    "hold": Survey("retención especial", "hold", "hold", (), (
        Question("hold_system", "Sistema", True),
        Question("hold_kind", "Tipo", True, KINDS),
        Question("hold_label", "Rótulo", help="En blanco: todas las copias del sistema, también las que vendrán."),
        Question("hold_reason", "Motivo", True),
        Question("hold_requester", "Quien lo pide"),
        Question("hold_ticket", "Ticket o documento"),
        Question("hold_state", "Qué se hace", choices=("present", "absent"), help="present retiene; absent suelta."),
    )),
}
