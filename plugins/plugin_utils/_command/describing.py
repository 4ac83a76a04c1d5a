# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A system as `respaldo nuevo` takes it: `tipo=postgresql; nombre=SIGA; bases=siga; organo=...`, and the entry of `backup_systems` that it becomes."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from ...module_utils._engine.policy.schema import nearest
from .typed import UNFIT, Mistake

HERE = "controlador"      # the machine where respaldo runs
TYPES = {"postgresql": "database", "mariadb": "database", "sqlite": "database", "git": "source_code", "directorio": "source_code", "carpeta": "file_server"}
_CRITICALITIES = ("alta", "media", "baja")


class Field(NamedTuple):
    name: str
    text: str               # Spanish
    default: str | None     # None: has to be said
    of: tuple[str, ...]     # types that have it


_ALL, _ENGINES = tuple(TYPES), ("postgresql", "mariadb")
FIELDS = (
    Field("nombre", "Nombre del sistema, como va en la bitácora", None, _ALL),
    Field("servidor", "Servidor que tiene los datos", HERE, _ALL),
    Field("bases", "Bases de datos, separadas por comas, o «todas»", "todas", _ENGINES),
    Field("ruta", "Ruta en el servidor (de git, también una URL); varias, separadas por comas", None, ("sqlite", "git", "directorio", "carpeta")),
    Field("organo", "Órgano o unidad orgánica dueña", "Oficina de Tecnologías de la Información", _ALL),
    Field("criticidad", "Criticidad (alta, media, baja); alta y media se cifran", "media", _ALL),
    Field("usuario", "Usuario del motor; vacío: por su socket, con la cuenta del motor", "", _ENGINES),
    Field("contrasena", "Archivo que contiene la contraseña de ese usuario (se guarda cifrada)", "", _ENGINES),
    Field("direccion", "Dirección o directorio del socket del motor; vacío: la de siempre", "", _ENGINES),
    Field("puerto", "Puerto del motor; vacío: el de siempre", "", _ENGINES),
)
_BY_NAME = {field.name: field for field in FIELDS}


class Described(NamedTuple):
    host: str
    system: dict[str, Any]      # an entry of backup_systems
    assigned: list[str]         # paths of the server that it reads
    secret: str                 # the name of its password in the vault; "" for none
    password_file: str


def fields_of(kind: str) -> list[Field]:
    return [field for field in FIELDS if kind in field.of]


def read(text: str) -> dict[str, str]:
    """What was typed for --sistema. Raises Mistake."""
    told: dict[str, str] = {}
    for part in filter(str.strip, text.split(";")):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals:
            raise Mistake(f"--sistema: «{part.strip()}» no es clave=valor. Escriba, por ejemplo: --sistema 'tipo=postgresql; nombre=SIGA; bases=siga'")
        known = ["tipo", *_BY_NAME]
        if name not in known:
            near = nearest(name, known)
            raise Mistake(f"--sistema: «{name}» no es una clave.{f' ¿Quiso decir «{near}»?' if near else ''} Claves: {', '.join(known)}.")
        if name in told:
            raise Mistake(f"--sistema: «{name}» está dos veces. Deje una.")
        told[name] = value
    if "tipo" not in told:
        raise Mistake(f"--sistema: falta tipo. Es uno de {', '.join(TYPES)}.")
    kind = kind_of(told["tipo"])
    for name in told:
        if name != "tipo" and kind not in _BY_NAME[name].of:
            raise Mistake(f"--sistema: «{name}» no tiene sentido con tipo={kind}. Quítela.")
    missing = [field.name for field in fields_of(kind) if field.default is None and not told.get(field.name)]
    if missing:
        raise Mistake(f"--sistema: a un sistema de tipo {kind} le falta {', '.join(missing)}.")
    return {"tipo": kind, **{field.name: value_of(field, told.get(field.name) or field.default or "") for field in fields_of(kind)}}


def kind_of(text: str) -> str:
    if text.strip() and text.strip() not in TYPES:
        near = nearest(text, list(TYPES))
        raise Mistake(f"«{text}» no es un tipo.{f' ¿Quiso decir «{near}»?' if near else ''} Tipos: {', '.join(TYPES)}.")
    return text.strip()


def value_of(field: Field, text: str) -> str:
    """One field's value, in order. Raises Mistake."""
    text = text.strip()
    if not text:
        if field.default is None:
            raise Mistake(f"{field.name}: está vacío.")
        return ""
    if re.search(UNFIT + "|;", text):
        raise Mistake(f"{field.name}: «{text!r}» tiene caracteres que no van ahí ({{{{, {{%, «;» o de control). Quítelos.")
    if field.name == "criticidad" and text not in _CRITICALITIES:
        raise Mistake(f"criticidad: «{text}» no es ninguna de {', '.join(_CRITICALITIES)}.")
    if field.name == "puerto" and not (text.isdecimal() and 0 < int(text) < 65536):
        raise Mistake(f"puerto: «{text}» no es un número de 1 a 65535.")
    if field.name == "servidor" and (not _is_host(text) or text in ("all", "ungrouped", "respaldo", "servidores")):
        raise Mistake(f"servidor: «{text}» no es el nombre de un servidor, sin espacios: bd1.example.org. El que ejecuta respaldo es «{HERE}».")
    if field.name == "contrasena" and not text.startswith("/"):
        raise Mistake("contrasena: es la ruta absoluta de un archivo que la contiene, no la contraseña misma.")
    return text


def _is_host(text: str) -> bool:
    try:
        return bool(ipaddress.ip_address(text))
    except ValueError:
        return bool(re.fullmatch(r"[A-Za-z0-9_]([A-Za-z0-9._-]{0,251}[A-Za-z0-9_])?", text))


def described(told: Mapping[str, str], number: int) -> Described:
    """The system that was told. `number` tells its secret from others'. Raises Mistake."""
    kind = told["tipo"]
    source: dict[str, Any] = {"type": {"directorio": "paths", "carpeta": "restic"}.get(kind, kind)}
    assigned: list[str] = []
    if kind in _ENGINES:
        source.update(_engine(told))
    elif kind == "git" and ("://" in told["ruta"] or re.match(r"[^/]+:", told["ruta"])):
        source["url"] = told["ruta"]
    else:
        assigned = _paths(told["ruta"])
        if kind in ("sqlite", "git") and len(assigned) > 1:
            raise Mistake(f"«{told['nombre']}» tiene {len(assigned)} rutas, y un sistema de tipo {kind} es una sola. Escriba uno por ruta.")
        source.update({"paths": assigned} if kind in ("directorio", "carpeta") else {"path": assigned[0]})
    secret = ""
    if told.get("usuario"):
        if not told.get("contrasena"):
            raise Mistake(f"«{told['nombre']}» tiene usuario y no contrasena: la ruta de un archivo que la contiene.")
        secret = f"vault_sistema_{number}"
        source.update({"user": told["usuario"], "password": f"{{{{ {secret} }}}}", "globals": False})
        if "socket" not in source:
            source.setdefault("host", "127.0.0.1")
    elif told.get("contrasena"):
        raise Mistake(f"«{told['nombre']}» tiene contrasena y no usuario: diga de quién es.")
    system = {"name": told["nombre"], "kind": TYPES[kind], "criticality": told["criticidad"], "office": told["organo"], "source": source}
    return Described(told["servidor"], system, assigned, secret, told.get("contrasena", ""))


def _engine(told: Mapping[str, str]) -> dict[str, Any]:
    databases = [each.strip() for each in told["bases"].split(",") if each.strip()]
    place = told.get("direccion", "")
    found: dict[str, Any] = {"databases": "all" if databases in (["todas"], ["all"]) else databases}
    if place:
        found["socket" if told["tipo"] == "mariadb" and place.startswith("/") else "host"] = place
    if told.get("puerto"):
        found["port"] = int(told["puerto"])
    if told["tipo"] == "postgresql" and place.startswith("/") and not told.get("usuario"):
        found["run_as"] = "postgres"      # as at the usual socket, where the server knows its superuser by the account
    return found


def _paths(text: str) -> list[str]:
    paths = [each.strip().rstrip("/") for each in text.split(",") if each.strip()]
    wrong = [each for each in paths if not each.startswith("/")]
    if wrong or not paths:
        raise Mistake(f"ruta: «{(wrong or [text])[0]}» debe ser una ruta absoluta del servidor: /srv/portal")
    return paths
