# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the details and problems of services of mailboxes say, as details.py: its rows go on here."""

from __future__ import annotations

ROWS = (
    ("needs exactly one of password and oauth", "necesita exactamente uno de password y oauth"),
    ("Give password, or for OAuth2 (Microsoft 365) oauth.", "Indique password, o para OAuth2 (Microsoft 365) oauth."),
    ("is no address of a service", "no es la dirección de un servicio"), ("Write it like https://host.", "Escríbala así: https://host."),
    ("needs exactly one of client_secret and certificate with private_key", "necesita exactamente uno: client_secret, o certificate con private_key"),
    ("Give client_secret, or certificate and its private_key.", "Indique client_secret, o certificate y su private_key."),
    # why a certificate can't prove who reads
    ("there is no certificate (PEM) in it", "no contiene ningún certificado (PEM)"), ("it can't be read as a certificate", "no se puede leer como certificado"),
    ("the key does not sign as Microsoft wants it (PS256): it must be one of RSA", "la clave no firma como Microsoft pide (PS256): debe ser RSA"),
    ("its private key can't be read: it is no PEM, or has a passphrase", "su clave privada no se puede leer: no es PEM, o tiene frase de paso"),
    ("the private key is of another certificate", "la clave privada es de otro certificado"), ("it has ended", "ya venció"),
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
    ("another server made it", "la hizo otro servidor"),
    ("the server parts levels of folders otherwise now", "el servidor separa ahora de otro modo los niveles de carpetas"),
    ("there is no room for its {} bytes", "no hay sitio para sus {} bytes"), ("another tree", "otro árbol"),
    ("the bitácora has it as damaged on every medium of this task", "en la bitácora consta como dañada en todos los medios de esta tarea"),
    ("it lies on no medium that this server may read while it copies (append_only, azure_blob)",
     "no está en ningún medio que este servidor pueda leer mientras copia (append_only, azure_blob)"),
    ("its day has passed", "ya pasó su día"), ("the bitácora has no digest of it", "la bitácora no tiene su huella"),
    ("only private keys open it, which no server is given", "solo la abren llaves privadas, que no se dan a ningún servidor"),
    ("its answer was cut after {} of {} bytes", "su respuesta se cortó después de {} de {} bytes"), ("it answers {}", "responde {}"),
)
