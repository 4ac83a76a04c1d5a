# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where `respaldo` finds inventory, vault and bitácora: a file that only root (or who runs it) may write, since root does what it says."""

from __future__ import annotations

import configparser
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from ...module_utils._engine.policy.schema import nearest

SYSTEM_FILE = "/etc/respaldo.conf"
SECTION = "respaldo"
KEYS = {
    "inventario": "archivo o directorio del inventario",
    "contrasena_de_vault": "archivo con la contraseña de ansible-vault, o ETIQUETA@ARCHIVO",
    "bitacora": "dirección de la bitácora (postgresql://… o una ruta), si no es la de siempre",
    "ansible_cfg": "ansible.cfg con que se ejecuta, si no es el de la colección",
    "registros": "directorio donde queda la salida completa de cada ejecución",
}
_PATHS = ("inventario", "ansible_cfg", "registros")


class Unusable(Exception):
    """The configuration can't be used; its text is Spanish and says what to do."""


class Configuration(NamedTuple):
    inventory: str
    vault: str          # a path, or LABEL@PATH; "" for none
    bitacora: str       # "" for the default
    ansible_cfg: str    # "" for the collection's own
    logs: Path
    told: str           # where it was found


def find(asked: str | None, inventory: str | None, environment: Mapping[str, str], default_inventory: Path | None) -> Configuration:
    """The configuration in force: the file asked for, RESPALDO_CONF, /etc/respaldo.conf; without one the inventory `hosts.yml` of this directory, or the
    embedded one of a checkout. `inventory` is one that was typed. Raises Unusable.
    """
    path = asked or environment.get("RESPALDO_CONF", "")
    if not path and os.path.lexists(SYSTEM_FILE):
        path = SYSTEM_FILE
    said = _read(path) if path else {}
    told = path
    chosen = inventory or said.get("inventario", "")
    if not chosen:
        here = Path("hosts.yml").absolute()
        if here.is_file() and not others_write(here) and not others_write(here.parent):
            chosen, told = str(here), f"{here} (de este directorio)"
        elif default_inventory and not path:
            chosen, told = str(default_inventory), "el inventario de esta máquina, que viene con la colección"
        else:
            raise Unusable(f"No se sabe qué inventario usar: {'falta «inventario» en ' + path if path else 'no hay ' + SYSTEM_FILE}. "
                           f"Escriba en {path or SYSTEM_FILE}, bajo [{SECTION}]: inventario = /srv/inventario/hosts.yml")
    if not os.path.exists(chosen):
        raise Unusable(f"El inventario {chosen} no existe. Corrija {'--inventario' if inventory else f'«inventario» en {path}'}.")
    vault = said.get("contrasena_de_vault", "")
    if vault and not os.access(vault.partition("@")[2] or vault, os.R_OK):
        raise Unusable(f"No se puede leer el archivo de la contraseña de vault: {vault}. Corrija «contrasena_de_vault» en {path}, o ejecute con la cuenta "
                       "que puede leerlo.")
    return Configuration(os.path.abspath(chosen), vault, said.get("bitacora", ""), said.get("ansible_cfg", ""),
                         Path(said.get("registros") or default_state(environment) / "registros"), told)


def default_state(environment: Mapping[str, str]) -> Path:
    """Where the product keeps its own state: as the bitácora does."""
    home = environment.get("HOME") or os.path.expanduser("~")
    return Path("/var/lib/respaldo") if os.geteuid() == 0 else Path(home) / ".local/state/respaldo"


def _read(path: str) -> dict[str, str]:
    """The keys of the file that are said. Raises Unusable."""
    if not os.path.isfile(path):
        raise Unusable(f"El archivo de configuración {path} no existe o no es un archivo.")
    for each in (Path(path), Path(path).absolute().parent):
        if others_write(each):
            raise Unusable(f"{each} lo pueden escribir otros: no se usa, porque dice qué se ejecuta. Déjelo escribible solo para su dueño "
                           f"(chmod go-w {each}), que debe ser root o quien ejecuta.")
    parser = configparser.ConfigParser(interpolation=None, strict=True)
    try:
        with open(path, encoding="utf-8") as file:
            parser.read_file(file)
    except (configparser.Error, UnicodeDecodeError, OSError) as error:
        # the message of a parser repeats lines, where a password may stand that does not belong there
        number = getattr(error, "lineno", None)
        line = f", línea {number}" if isinstance(number, int) else ""
        raise Unusable(f"{path} no se entiende{line}. Cada línea es «clave = valor», bajo [{SECTION}].") from None
    if parser.sections() != [SECTION] or parser.defaults():
        raise Unusable(f"{path} debe tener una sola sección, [{SECTION}].")
    said = dict(parser[SECTION])
    for key, value in said.items():
        if key not in KEYS:
            near = nearest(key, list(KEYS))
            raise Unusable(f"«{key}» no es una clave de {path}.{f' ¿Quiso decir «{near}»?' if near else ''} Claves: {', '.join(KEYS)}.")
        if not value.strip():
            raise Unusable(f"«{key}» está vacía en {path}: {KEYS[key]}.")
        if key in _PATHS and not os.path.isabs(value):
            raise Unusable(f"«{key}» de {path} debe ser una ruta absoluta, y es «{value}».")
    return said


def others_write(path: Path) -> bool:
    """Whether somebody else than root and who runs this may change what is there."""
    found = path.stat()
    return found.st_uid not in (0, os.geteuid()) or bool(found.st_mode & (stat.S_IWGRP | stat.S_IWOTH))
