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
    ("its answer was cut after {} of {} bytes", "su respuesta se cortó después de {} de {} bytes"), ("it answers {}", "responde {}"),
)
