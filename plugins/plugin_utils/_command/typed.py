# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was typed: a verb, its systems and its options. Every mistake has a sentence that says what to type instead."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from ...module_utils._engine.policy.schema import nearest
from .verbs import COMMON, KINDS, VERBS, Option, Verb

__all__ = ["KINDS", "VERBS", "Mistake", "Typed", "read"]
_YES: Any = True


# What YAML takes for the end of a line or refuses, what a terminal hides, what Ansible would run.
UNFIT = r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]|\{\{|\{%|\{#"


class Mistake(Exception):
    """What was typed can't be meant; its text is Spanish and whole."""


class Typed(NamedTuple):
    name: str
    verb: Verb
    systems: list[str]
    variables: dict[str, Any]       # of the playbook
    kind: str                       # of --tipo where it is no variable: database, source_code, file_server; "" when not said
    json: str                       # the file of --json where it is no variable; "" when not said
    common: dict[str, Any]          # by the name of the option: simular, detalle, conf, inventario


def read(words: Sequence[str]) -> Typed:
    """The words behind `respaldo`, of which the first is a verb. Raises Mistake."""
    name = words[0] if words else ""
    if name not in VERBS:
        raise Mistake(f"«{name}» no es un verbo de respaldo.{_meant(name, VERBS)} Vea: respaldo --help")
    verb = VERBS[name]
    known = {option.name: option for option in (*verb.options, *COMMON)}
    given: dict[str, Any] = {}
    systems: list[str] = []
    rest = list(words[1:])
    while rest:
        word = rest.pop(0)
        if word == "--":
            systems += rest
            break
        if not word.startswith("--"):
            if word.startswith("-"):
                raise Mistake(f"«{word}» no es una opción de «{name}»: todas empiezan con dos guiones. Vea: respaldo {name} --help")
            systems.append(word)
            continue
        option_name, equals, value = word[2:].partition("=")
        option = known.get(option_name)
        if option is None:
            raise Mistake(f"«--{option_name}» no es una opción de «{name}».{_meant(option_name, known, '--')} Vea: respaldo {name} --help")
        _take(given, option, name, value if equals else None, rest)
    _judge(name, verb, systems)
    variables = {option.variable: given[option.name] for option in verb.options if option.variable and option.name in given}
    kind = given.get("tipo", "") if "tipo" in known and not known["tipo"].variable else ""
    rows = given.get("json", "") if verb.rows else ""
    return Typed(name, verb, systems, variables, kind, rows, {option.name: given.get(option.name) for option in COMMON})


def _take(given: dict[str, Any], option: Option, verb: str, value: str | None, rest: list[str]) -> None:
    """One option with its value, which is in its own word or the next. Raises Mistake."""
    where = f"--{option.name}"
    if option.form == "flag":
        if value is not None:
            raise Mistake(f"{where} no lleva valor. Escriba solo {where}")
        given[option.name] = _YES
        return
    if value is None:
        if not rest or rest[0].startswith("--"):
            raise Mistake(f"{where} necesita un valor: {option.help}. Vea: respaldo {verb} --help")
        value = rest.pop(0)
    if not value.strip():
        raise Mistake(f"{where} está vacío: {option.help}.")
    if option.name in given and option.form != "words":
        raise Mistake(f"{where} está dos veces. Deje una.")
    if option.form == "words":
        given.setdefault(option.name, []).append(value)
        return
    given[option.name] = _value(option, where, value)


def _value(option: Option, where: str, value: str) -> Any:
    if option.choices:
        if value not in option.choices:
            raise Mistake(f"{where}: «{value}» no es ninguno de estos: {', '.join(option.choices)}.{_meant(value, option.choices)}")
        return option.choices[value]
    if option.form == "number":
        if not re.fullmatch(r"[1-9][0-9]{0,8}", value):
            raise Mistake(f"{where}: «{value}» no es un número entero mayor que 0.")
        return int(value)
    if option.form == "day":
        try:
            datetime.datetime.strptime(value, "%Y-%m-%d")
        except ValueError:
            raise Mistake(f"{where}: «{value}» no es un día. Escríbalo AAAA-MM-DD: 2026-11-28.") from None
    if option.form == "moment":
        try:
            datetime.datetime.strptime(value, "%Y-%m-%d %H:%M" if " " in value else "%Y-%m-%d")
        except ValueError:
            raise Mistake(f'{where}: «{value}» no es un día, ni un día con su hora. Escríbalo 2026-11-28, o "2026-11-28 17:30" en hora local.') from None
    return value


def _judge(name: str, verb: Verb, systems: Sequence[str]) -> None:
    if systems and not verb.systems:
        raise Mistake(f"«{name}» no lleva nombres de sistemas, y se escribió «{systems[0]}». Vea: respaldo {name} --help")
    if verb.one_system and len(systems) != 1:
        raise Mistake(f"«{name}» necesita el nombre de un sistema{f', y se escribieron {len(systems)}' if systems else ''}. "
                      "Un nombre con espacios va entre comillas: respaldo restaurar \"Mesa de Partes\"")
    if any(not system.strip() for system in systems):
        raise Mistake("Un nombre de sistema está vacío.")


def _meant(word: str, known: Any, before: str = "") -> str:
    found = nearest(word, list(known))
    return f" ¿Quiso decir {before}{found}?" if found else ""
