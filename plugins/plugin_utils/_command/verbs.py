# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs of `respaldo`: each stands for one playbook of ours, and each of its options for a variable of that playbook's role."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

KINDS = {"base-de-datos": "database", "codigo-fuente": "source_code", "servidor-de-archivos": "file_server", "buzon": "mailbox"}
RESULTS = {"generada": "good", "fallida": "failed", "danada": "damaged", "rechazada": "refused"}


class Option(NamedTuple):
    """One option of a verb. Without a word after it when it `is_flag`."""

    name: str                               # as it is typed, without the two dashes
    variable: str                           # of the role
    help: str                               # Spanish
    form: str = "text"                      # text, day, moment, number, words (may be given several times), flag
    choices: Mapping[str, str] = {}         # as it is typed -> the variable's value


class Verb(NamedTuple):
    playbook: str                           # its name in playbooks/, without .yml; "" of a verb that runs none
    help: str                               # Spanish
    options: tuple[Option, ...] = ()
    systems: str = ""                       # the variable that takes the systems typed behind the verb; "" where none are
    one_system: bool = False                # exactly one of them
    shows: bool = False                     # it changes nothing: what it is run for is what it prints
    rows: str = ""                          # the key of a result under which its table is for machines too (--json)
    prints: bool = False                    # it changes something, and what its play says for people is told too
    reports: bool = False                   # what it prints tells each failure, with its remedy


_ONLY = "backup_only"
_JSON = Option("json", "", "archivo donde se escribe también la tabla, para máquinas")
_KIND = Option("tipo", "", "tipo de copia, si el nombre está en varios", choices=KINDS)

VERBS: Mapping[str, Verb] = {
    "plan": Verb("plan", "qué corresponde copiar ahora y por qué; no copia nada", (_JSON,), systems=_ONLY, shows=True, rows="plan"),
    "copiar": Verb("site", "copia lo que corresponde; con --motivo, los sistemas nombrados ahora mismo, como riesgo no controlado", (
        Option("motivo", "backup_emergency_reason", "por qué se copia fuera de programación"),
    ), systems=_ONLY),
    "restaurar": Verb("restore", "restaura una copia de un sistema (7.1)", (
        _KIND,
        Option("servidor", "restore_host", "servidor donde se restaura, si el sistema está en varios"),
        Option("antes-de", "restore_lost_at", "la más reciente anterior a esta fecha y hora (AAAA-MM-DD, o \"AAAA-MM-DD HH:MM\" en hora local)", "moment"),
        Option("etiqueta", "restore_label", "una copia determinada, SIGA_20261128"),
        Option("parte", "restore_part", "una parte de la copia: una base de datos"),
        Option("destino", "restore_target", "dónde: ruta, o nombre de la base de datos"),
        Option("rutas", "restore_paths", "rutas dentro de la copia; puede repetirse", "words"),
        Option("buzon", "restore_mailbox", "de un buzón: a qué buzón vuelve, en una carpeta Restaurado; sin ella, como archivos, a --destino"),
        Option("formato", "restore_mail_format", "de un buzón: como qué archivos", choices={each: each for each in ("maildir", "eml", "mbox")}),
        Option("carpeta", "restore_mail_folders", "de un buzón: solo esta carpeta, con / entre niveles; puede repetirse", "words"),
        Option("remitente", "restore_mail_sender", "de un buzón: solo de este remitente, parte de su nombre o dirección"),
        Option("desde", "restore_mail_since", "de un buzón: solo lo recibido desde este día (AAAA-MM-DD)", "day"),
        Option("hasta", "restore_mail_until", "de un buzón: solo lo recibido hasta este día (AAAA-MM-DD)", "day"),
        Option("asunto", "restore_mail_subject", "de un buzón: solo con estas palabras en el asunto"),
        Option("ticket", "restore_ticket", "ticket de la solicitud"),
        Option("solicitante", "restore_requester", "quién la pidió"),
        Option("motivo", "restore_reason", "para qué"),
        Option("emergencia", "restore_emergency", "por qué no hay todavía una solicitud autorizada"),
        Option("sobrescribir", "restore_overwrite", "reemplaza lo que haya en el destino", "flag"),
    ), systems="restore_system", one_system=True),
    "bitacora": Verb("bitacora", "los asientos de la bitácora y su cadena", (
        Option("sistema", "bitacora_system", "solo los de un sistema"),
        Option("tipo", "bitacora_kind", "solo los de un tipo de copia", choices=KINDS),
        Option("desde", "bitacora_since", "primer día (AAAA-MM-DD)", "day"),
        Option("hasta", "bitacora_until", "último día (AAAA-MM-DD)", "day"),
        Option("limite", "bitacora_limit", "cuántos asientos", "number"),
        _JSON,
    ), shows=True, rows="entries"),
    "informe": Verb("report", "escribe el tablero y los reportes del mes", (
        Option("fecha", "report_date", "como si hoy fuera este día (AAAA-MM-DD)", "day"),
    )),
    "cumplimiento": Verb("compliance", "qué se cumplió cada mes, y qué ocupan los medios", (
        Option("desde", "compliance_since", "primer mes (AAAA-MM)"),
        Option("hasta", "compliance_until", "último mes (AAAA-MM)"),
        Option("html", "compliance_dest", "archivo donde se escribe como página"),
        _JSON,
    ), shows=True, rows="matrix"),
    "verificar": Verb("verify", "vuelve a leer y comprobar las copias y la bitácora", systems=_ONLY),
    "probar": Verb("drill", "pruebas de restauración que corresponden", systems=_ONLY),
    "trasladar": Verb("transfer", "lleva copias al repositorio (traslado mensual)", systems=_ONLY),
    "retirar": Verb("prune", "retira las copias cuya retención terminó", systems=_ONLY),
    "conciliar": Verb("reconcile", "compara los medios con la bitácora", systems=_ONLY, prints=True),
    "comprobar": Verb("check", "¿está todo listo? cada sistema hasta el primer byte, medios, llaves, correo, inventario; no cambia nada", (
        Option("json", "check_json", "archivo donde se escribe el informe, para máquinas"),
        Option("html", "check_html", "archivo donde se escribe el informe, como página"),
        Option("enviar", "check_sends", "envía un correo de prueba y una señal de vida", "flag"),
    ), systems=_ONLY, shows=True, reports=True),
    "avisar": Verb("warn", "avisa de lo que requiere atención"),
    "custodiar": Verb("custody", "comprueba la custodia de las contraseñas"),
    "solicitudes": Verb("requests", "lee el buzón de solicitudes"),
    "buscar": Verb("find", "busca un archivo perdido en las copias", (
        Option("nombre", "find_name", "parte del nombre"),
        Option("carpeta", "find_folder", "solo en esta carpeta"),
        Option("persona", "find_person", "quién pregunta"),
        Option("oficina", "find_office", "de qué oficina es"),
        Option("ticket", "find_ticket", "ticket de la solicitud por la que se busca"),
        Option("motivo", "find_reason", "para qué, si la OTI busca sin ticket"),
        Option("desde", "find_since", "primer día (AAAA-MM-DD)", "day"),
        Option("hasta", "find_until", "último día (AAAA-MM-DD)", "day"),
        _JSON,
    ), shows=True, rows="found"),
    # runs no playbook: new.py asks what is not said here (answering.py), and writes
    "nuevo": Verb("", "escribe el inventario de una institución: pregunta, o lo toma de las opciones; no sobrescribe nada", (
        Option("directorio", "directory", "dónde queda el inventario; /srv/inventario si no se dice"),
        Option("institucion", "institution", "nombre de la institución, como va en los reportes"),
        Option("zona", "zone", "zona horaria; America/Lima si no se dice"),
        Option("jefe", "head", "jefe/a de la OTI: NOMBRE, o NOMBRE <CORREO>"),
        Option("egcr", "keeper", "EGCR: NOMBRE, o NOMBRE <CORREO>; si no se dice, el/la jefe/a"),
        Option("llave-publica", "public_key", "archivo con la llave pública OpenPGP del/de la EGCR"),
        Option("medio", "medium", "directorio de las copias; /srv/respaldos si no se dice"),
        Option("archivo-de-vault", "vault", "archivo de la contraseña de ansible-vault, que se crea si no existe; /etc/respaldo/vault.pass si no se dice"),
        Option("cuenta", "account", "cuenta con que se entra a los servidores; root si no se dice, otra usa sudo"),
        Option("sistema", "systems", "un sistema: 'tipo=postgresql; nombre=SIGA; servidor=bd1; bases=siga; organo=OTI; criticidad=alta'; puede repetirse",
               "words"),
        Option("estado", "state", "directorio de la bitácora y la custodia; /var/lib/respaldo si no se dice"),
        Option("sin-preguntas", "quiet", "no pregunta: lo que no se dijo es lo de siempre", "flag"),
    )),
    "programar": Verb("schedule", "pone en vigor la programación del inventario"),
    "plan-de-recuperacion": Verb("recovery_plan", "el peor día, por escrito: qué se restaura primero, con qué comando, qué se perdería y cuánto toma", (
        Option("directorio", "recovery_plan_directory", "dónde se escribe"),
    ), shows=True),
    "recuperar": Verb("recover", "el peor día: en una máquina vacía, trae de un medio el inventario, la custodia y la bitácora", (
        Option("medio", "recover_mounted", "ruta donde está montado el medio"),
        Option("llave", "private_key_file", "archivo con la llave privada de un/a EGCR"),
        Option("custodia", "custody", "carpeta de un custodio, o archivo YAML con los que son servicios, como en el inventario; en vez de la llave"),
        Option("contrasena", "vault", "archivo con la contraseña de Vault que abre esa carpeta"),
        Option("aparte", "directory", "dónde se abre primero"),
        Option("sello", "seal_key", "clave pública de los sellos, del plan impreso o de un correo con un sello"),
        Option("huella-bitacora", "bitacora_sha256", "huella SHA-256 de la copia de la bitácora, en vez de la clave"),
        Option("huella-maletin", "kit_sha256", "huella SHA-256 del maletín, si la bitácora no la tiene"),
        Option("sin-prueba", "unvouched_reason", "por qué se acepta sin nada de lo anterior; el maletín queda aparte hasta que lo revise"),
        Option("bitacora-en-servidor", "bitacora_on_server", "la bitácora está en PostgreSQL: se repone solo el maletín", "flag"),
        Option("reloj-comprobado", "clock_confirmed", "el reloj de esta máquina está bien, aunque haya copias que digan ser posteriores", "flag"),
        Option("motivo", "recover_reason", "qué pasó"),
        Option("documento", "recover_authority", "quién lo ordena y con qué documento"),
    ), prints=True),
}

# What every verb takes, beside its own.
COMMON = (
    Option("simular", "", "dice qué haría y no cambia nada (--check)", "flag"),
    Option("detalle", "", "muestra también toda la salida de Ansible", "flag"),
    Option("conf", "", "archivo de configuración, en vez de /etc/respaldo.conf"),
    Option("inventario", "", "inventario, en vez del que dice la configuración"),
)
