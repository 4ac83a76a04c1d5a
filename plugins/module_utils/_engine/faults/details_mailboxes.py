# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the details and problems of services of mailboxes say, as details.py: its rows go on here."""

from __future__ import annotations

ROWS = (
    ("needs exactly one of password and oauth", "necesita exactamente uno de password y oauth"),
    ("Give password, or for OAuth2 (Microsoft 365) oauth.", "Indique password, o para OAuth2 (Microsoft 365) oauth."),
    ("is no address of a service", "no es la dirección de un servicio"), ("Write it like https://host.", "Escríbala así: https://host."),
    # what a service of mailboxes answers that can't be believed, or heard
    ("a list without its value", "una lista sin su value"), ("a next page that is no address", "una página siguiente que no es una dirección"),
    ("a next page on another service", "una página siguiente en otro servicio"), ("a next page that came before", "una página siguiente que ya vino"),
    ("pages without end", "páginas sin fin"), ("what is no JSON", "algo que no es JSON"), ("a folder without a name", "una carpeta sin nombre"),
    ("a folder twice, or folders without end", "una carpeta dos veces, o carpetas sin fin"), ("what has no identifier", "algo que no tiene identificador"),
    ("a mail without a changeKey", "un mensaje sin changeKey"), ("a mail without a date", "un mensaje sin fecha"),
    ("an answer of {} bytes", "una respuesta de {} bytes"), ("an answer of more than {} bytes", "una respuesta de más de {} bytes"),
    ("it does not tell where its answer ends", "no indica dónde termina su respuesta"),
    ("its answer is packed, which was not asked for", "su respuesta viene comprimida, y no se pidió así"),
    # why an earlier copy saves nothing
    ("it is of another mailbox", "es de otro buzón"), ("it is partial", "es parcial"),
    ("the server parts levels of folders otherwise now", "el servidor separa ahora de otro modo los niveles de carpetas"),
    ("there is no room for its {} bytes", "no hay sitio para sus {} bytes"), ("another tree", "otro árbol"),
    ("the bitácora has it as damaged on every medium of this task", "en la bitácora consta como dañada en todos los medios de esta tarea"),
    ("it lies on no medium that this server may read while it copies (append_only, azure_blob)",
     "no está en ningún medio que este servidor pueda leer mientras copia (append_only, azure_blob)"),
    ("its day has passed", "ya pasó su día"), ("the bitácora has no digest of it", "la bitácora no tiene su huella"),
    ("only private keys open it, which no server is given", "solo la abren llaves privadas, que no se dan a ningún servidor"),
    ("its answer was cut after {} of {} bytes", "su respuesta se cortó después de {} de {} bytes"), ("it answers {}", "responde {}"),
)
