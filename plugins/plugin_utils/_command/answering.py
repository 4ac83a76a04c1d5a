# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `respaldo nuevo` asks: each question with its default, and each answer checked as it is given, by an option or by a person."""

from __future__ import annotations

import os
import re
import zoneinfo
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from .. import _held_places
from . import describing, telling
from .typed import UNFIT, Mistake

DEFAULT_ZONE = "America/Lima"
ASK_SYSTEM = "systems"
_LARGEST_KEY = 1_000_000


class Person(NamedTuple):
    name: str
    email: str      # "" where none was said


class Question(NamedTuple):
    """One thing to know. `default` may depend on what was answered before; None: it has to be said."""

    option: str                                             # as it is typed, without the two dashes
    name: str                                               # under which its answer is kept
    text: str                                               # Spanish
    check: Callable[[str], Any]                             # raises Mistake
    default: Callable[[Mapping[str, Any]], str | None]


def plain(text: str) -> str:
    """A text that stands in YAML as it is: nothing that Ansible would run, nothing that a terminal hides."""
    found = text.strip()
    if not found:
        raise Mistake("Está vacío.")
    if re.search(UNFIT, found):
        raise Mistake(f"«{found!r}» tiene caracteres que no van en un nombre ({{{{, {{% o de control). Quítelos.")
    return found


def absolute(text: str) -> str:
    found = plain(text)
    if not os.path.isabs(found) or ".." in found.split("/"):
        raise Mistake(f"«{found}» debe ser una ruta absoluta, sin «..»: /srv/inventario")
    return os.path.normpath(found)


def _zone(text: str) -> str:
    try:
        zoneinfo.ZoneInfo(plain(text))
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise Mistake(f"«{text}» no es una zona horaria. Escríbala como {DEFAULT_ZONE}.") from None
    return text.strip()


def _person(text: str) -> Person:
    found = re.fullmatch(r"([^<>]*[^<>\s])\s*(?:<\s*([^@\s<>]+@[^@\s<>]+)\s*>)?", plain(text))
    if not found:
        raise Mistake(f"«{text}» no se entiende. Escriba NOMBRE, o NOMBRE <CORREO>: Ana Quispe Núñez <ana.quispe@example.org>")
    return Person(found[1], found[2] or "")


def _account(text: str) -> str:
    if not re.fullmatch(r"[a-z_][a-z0-9_-]{0,31}", text.strip()):
        raise Mistake(f"«{text}» no es el nombre de una cuenta: letras minúsculas, dígitos, «_» o «-».")
    return text.strip()


def _public_key(text: str) -> str:
    """Its text, or "" where none is given yet."""
    if not text.strip() or text.strip() == "-":
        return ""
    path = absolute(text)
    try:
        key = _held_places.read(path, _LARGEST_KEY).decode("ascii")
    except (OSError, ValueError):
        raise Mistake(f"No se puede leer {path} como una llave pública. Se hace con: gpg --armor --export CORREO > {path}") from None
    if "PRIVATE KEY BLOCK" in key:
        raise Mistake(f"{path} es una llave privada: no sale de su dueño/a. Exporte la pública: gpg --armor --export CORREO")
    if "-----BEGIN PGP PUBLIC KEY BLOCK-----" not in key:
        raise Mistake(f"{path} no es una llave pública OpenPGP en texto. Se hace con: gpg --armor --export CORREO > {path}")
    return key


def _said(value: str | None) -> Callable[[Mapping[str, Any]], str | None]:
    return lambda _answers: value


def _same_person(answers: Mapping[str, Any]) -> str:
    head = answers.get("head") or Person("-", "")      # else its own question is missing, which is told
    return f"{head.name} <{head.email}>" if head.email else str(head.name)


QUESTIONS = (
    Question("directorio", "directory", "Directorio del inventario, que no debe existir aún", absolute, _said("/srv/inventario")),
    Question("institucion", "institution", "Nombre de la institución, como va en los reportes", plain, _said(None)),
    Question("zona", "zone", "Zona horaria en que se cuentan los días", _zone, _said(DEFAULT_ZONE)),
    Question("jefe", "head", "Jefe/a de la OTI (NOMBRE, o NOMBRE <CORREO>)", _person, _said(None)),
    Question("egcr", "keeper", "EGCR, Especialista en Gestión de Copias de Respaldo (5.2)", _person, _same_person),
    Question("llave-publica", "public_key", "Archivo con la llave pública OpenPGP del/de la EGCR, o «-» si aún no la tiene", _public_key, _said("-")),
    Question("medio", "medium", "Directorio de las copias en cada servidor: un disco aparte o un recurso montado", absolute, _said("/srv/respaldos")),
    Question("archivo-de-vault", "vault", "Archivo de la contraseña de ansible-vault, fuera del inventario; si no existe, se crea", absolute,
             _said("/etc/respaldo/vault.pass")),
    Question("cuenta", "account", "Cuenta con que se entra a los servidores por SSH; si no es root, usa sudo (become)", _account, _said("root")),
)


def system_of(asked: Callable[[str, str | None], str], number: int) -> dict[str, str] | None:
    """One system as a person describes it, field by field; None where there are no more. `asked` takes a question and its default."""
    kinds = ", ".join(describing.TYPES)
    kind = checked(lambda default: asked(f"Sistema {number}: tipo ({kinds}){'; vacío: no hay más' if number > 1 else ''}", default),
                   describing.kind_of, "" if number > 1 else None)
    if not kind:
        return None
    told = {"tipo": kind}
    for field in describing.fields_of(kind):
        told[field.name] = checked(lambda default, text=field.text: asked(f"  {text}", default),      # type: ignore[misc]
                                   lambda text, field=field: describing.value_of(field, text), field.default)      # type: ignore[misc]
    return {name: value for name, value in told.items() if value}


def checked(asked: Callable[[str | None], str], check: Callable[[str], Any], default: str | None) -> Any:
    """Asks until the answer passes."""
    while True:
        try:
            answer = asked(default)
            return check(answer if answer.strip() or default is None else default)
        except Mistake as mistake:
            telling.out(f"    {mistake}")
