# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a new inventory: path below its directory -> text, commented in Spanish for whoever will change it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from .answering import Person
from .describing import HERE, Described

_SCHEMA = "# yaml-language-server: $schema={0}/docs/schemas/inventario.json\n---\n"
_KINDS = ("database", "source_code", "infrastructure")


def files(answers: Mapping[str, Any], systems: Sequence[Described], manual: str, collection: str, state: str, today: str) -> dict[str, str]:
    """All but vault.yml, which is encrypted, and respaldo.conf. `manual` is the text of the policy that comes with the collection."""
    hosts = sorted({each.host for each in systems} - {HERE})
    found = {
        "hosts.yml": _hosts(answers, hosts),
        "policy.yml": _policy(answers, manual),
        "group_vars/all/personas.yml": _people(answers, collection, today),
        "group_vars/all/medios.yml": _media(answers, collection, state),
        f"host_vars/{HERE}.yml": _host(HERE, [_bitacora(state), *(each for each in systems if each.host == HERE)], collection) + _kit(answers, state),
        **{f"host_vars/{host}.yml": _host(host, [each for each in systems if each.host == host], collection) for host in hosts},
    }
    if answers["public_key"]:
        found["llaves/egcr.asc"] = answers["public_key"]
    return found


def vault(passwords: Mapping[str, str], letters_key: str) -> str:
    """What vault.yml holds before it is encrypted."""
    lines = ["---", "# Todo secreto de este inventario. Se cambia con: ansible-vault edit vault.yml",
             "# Con esta llave se firman las identidades de los correos de una solicitud (7.1).", f"vault_letters_key: {_text(letters_key)}"]
    return "\n".join([*lines, *(f"{name}: {_text(value)}" for name, value in passwords.items())]) + "\n"


def _bitacora(state: str) -> Described:
    path = f"{state}/bitacora.sqlite"
    system = {"name": "Bitácora de respaldos", "kind": "database", "criticality": "alta", "office": "Oficina de Tecnologías de la Información",
              "source": {"type": "sqlite", "path": path}}
    return Described(HERE, system, [path], "", "")


def _kit(answers: Mapping[str, Any], state: str) -> str:
    """The kit of the worst day, for the institution to take the marks away: who opens it can read the vault's password and sign seals (decision 43)."""
    paths = [answers["directory"], answers["vault"], f"{state}/seal.key", f"{state}/seal.key.known", f"{state}/custodia"]
    lines = ["# El maletín de recuperación, con lo que empieza el peor día (guía, «El peor día»). Quien abra sus copias puede leer los secretos del inventario",
             "# y firmar sellos: decida cuáles de estas rutas lleva, agréguelas a backup_assigned_paths y quite los «#». Sin él se pierden con esta máquina.",
             f"# Después de «make programa», también {state}/programa: con ella el programa se instala sin red.",
             "#  - name: Maletín de recuperación", "#    kind: source_code", "#    criticality: alta",
             "#    office: Oficina de Tecnologías de la Información", "#    source:", "#      type: paths", "#      paths:"]
    return "\n".join([*lines, *(f"#        - {_text(path)}" for path in paths)]) + "\n"


def _hosts(answers: Mapping[str, Any], hosts: Sequence[str]) -> str:
    lines = ["---", f"# Servidores de {answers['institution']}. Lo que cada uno tiene está en su archivo de host_vars.",
             "# Se usa por este archivo, no por el directorio: en él hay archivos que no son inventario (policy.yml).", "all:", "  children:",
             "    respaldo:", "      hosts:", "        # la máquina donde se ejecuta respaldo", f"        {HERE}:", "          ansible_connection: local",
             '          ansible_python_interpreter: "{{ ansible_playbook_python }}"']
    if hosts:
        lines += ["    servidores:", "      vars:", "        # con qué cuenta se entra por SSH, que necesita la llave pública de quien ejecuta",
                  f"        ansible_user: {_text(answers['account'])}"]
        lines += [] if answers["account"] == "root" else ["        # y lo que se hace se hace como root, por sudo", "        ansible_become: true"]
        lines += ["      hosts:", *(f"        {_text(host)}:" for host in hosts)]
    return "\n".join(lines) + "\n"


def _policy(answers: Mapping[str, Any], manual: str) -> str:
    """The manual as data, with the institution's name and zone in the place of those of the manual's author."""
    text = manual
    for key, value in (("institution", answers["institution"]), ("time_zone", answers["zone"])):
        text, count = re.subn(rf"(?m)^{key}: .*$", lambda _found, key=key, value=value: f"{key}: {_text(value)}", text)      # type: ignore[misc]
        if count != 1:
            raise ValueError(f"{key} is not once in the policy")
    head, _line, rest = text.partition("\ninstitution:")
    return ("---\n# La política de esta institución. Sigue al Manual 001-2019-PERÚ COMPRAS (de ahí los numerales): cámbiela donde su manual diga otra cosa.\n"
            f"\ninstitution:{rest}") if _line else head


def _people(answers: Mapping[str, Any], collection: str, today: str) -> str:
    # no inventory_dir: Ansible does not know it in plays of localhost (warnings, reports), unless the inventory names that host
    key = [f"public_key_file: {_text(answers['directory'] + '/llaves/egcr.asc')}"] if answers["public_key"] else []
    lines = [f"backup_policy_file: {_text(answers['directory'] + '/policy.yml')}", "",
             "# Quién responde (5.1 b, 5.2), desde cuándo y por qué documento (document). A quien se reemplaza se le pone until; no se borra.",
             "backup_actors:", "  jefe_oti:", *_person(answers["head"], today, "    "), "  egcr:"]
    if not key:
        lines += ["    # Cuando el/la EGCR tenga su llave pública OpenPGP, agréguele public_key_file: las copias cifradas se abrirán también con ella,",
                  "    # aunque se pierda el controlador (7.2.1 b)."]
    for kind in _KINDS:
        lines += [f"    {kind}:", "      titular:", *_person(answers["keeper"], today, "        ", key)]
    lines += ["", "backup_letters_key: \"{{ vault_letters_key }}\"", "",
              "# A quién se avisa de lo que requiere atención (respaldo avisar). Quite los «#» y complete:",
              "# backup_warn_mail:", "#   host: correo.example.org",
              "#   sender: respaldo@example.org",
              f"#   to: [{answers['head'].email or 'jefatura.oti@example.org'}]"]
    return _SCHEMA.format(collection) + "\n".join(lines) + "\n"


def _person(person: Person, today: str, indent: str, more: Sequence[str] = ()) -> list[str]:
    told = [f"name: {_text(person.name)}", *([f"email: {_text(person.email)}"] if person.email else []), f"from: {_text(today)}", *more]
    return [indent + ("- " if place == 0 else "  ") + line for place, line in enumerate(told)]


def _media(answers: Mapping[str, Any], collection: str, state: str) -> str:
    lines = ["# Dónde quedan las copias (6.5). Una sola máquina no basta: agregue un medio en otro servidor o en la nube (inventories/example, guía 6.5).",
             "backup_media:", "  - name: local", "    type: local", f"    path: {_text(answers['medium'])}", "    create: true", "",
             "# Quién guarda las contraseñas de las copias cifradas (5.2): un directorio del controlador, cerrado con ansible-vault. Agregue otro custodio",
             "# (backup_custodians, guía 7.2.1 b) antes de depender de estas copias.", f"backup_custody_directory: {_text(state + '/custodia')}"]
    return _SCHEMA.format(collection) + "\n".join(lines) + "\n"


def _host(host: str, systems: Sequence[Described], collection: str) -> str:
    lines = [f"# Lo que se copia de {host}."]
    assigned = sorted({path for each in systems for path in each.assigned})
    if assigned:
        lines += ["# Solo de estas rutas se copia, y solo a ellas se restaura (6.2).", "backup_assigned_paths:"]
        lines += [*(f"  - {_text(path)}" for path in assigned), ""]
    lines.append("backup_systems:")
    for each in systems:
        lines += _system(each.system)
    return _SCHEMA.format(collection) + "\n".join(lines) + "\n"


def _system(system: Mapping[str, Any]) -> list[str]:
    lines = [f"  - name: {_text(system['name'])}", f"    kind: {system['kind']}", f"    criticality: {system['criticality']}",
             f"    office: {_text(system['office'])}", "    source:"]
    if "user" in system["source"]:
        lines.append(f"      # sus permisos, ni más ni menos: docs/permisos/{system['source']['type']}.sql")
    return lines + [f"      {name}: {json.dumps(value, ensure_ascii=False)}" for name, value in system["source"].items()]


def _text(value: str) -> str:
    """As YAML takes any text: between quotes unless it is one plain word."""
    return value if re.fullmatch(r"[a-z/][A-Za-z0-9_/.-]*[A-Za-z0-9]", value) and value not in ("true", "false", "yes", "no", "on", "off", "null") \
        else json.dumps(value, ensure_ascii=False)
