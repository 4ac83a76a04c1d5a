# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`respaldo --help` and `respaldo VERBO --help`, in Spanish; the exit statuses are those of docs/guia-operador.md."""

from __future__ import annotations

import textwrap

from .verbs import COMMON, VERBS, Option

_WIDTH = 100
STATUSES = """\
Estado de salida:
    0   se hizo lo que correspondía, o no correspondía nada
    2   algo falló; 4: un servidor no respondió o el playbook tiene un error; 6: ambas cosas
   64   lo que se escribió no se entiende; no se ejecutó nada
   70   un asiento no pudo guardarse en la bitácora
   71   no se hizo nada de lo suyo, o solo una parte
   78   falta la configuración o está mal; no se ejecutó nada
   99   se interrumpió con Ctrl-C; 143: se le pidió terminar"""


def general() -> str:
    rows = [f"    {name:<13} {verb.help}" for name, verb in VERBS.items()]
    return "\n".join([
        "Uso: respaldo VERBO [SISTEMA ...] [--opción valor ...]", "", "Verbos:", *rows, "",
        "Opciones de todos:", *_options(COMMON), "", "respaldo VERBO --help explica uno. Un nombre con espacios va entre comillas.",
        "La configuración (inventario, archivo de la contraseña de vault, bitácora) está en /etc/respaldo.conf.", "", STATUSES])


def of_verb(name: str) -> str:
    verb = VERBS[name]
    systems = (" SISTEMA" if verb.one_system else " [SISTEMA ...]") if verb.systems else ""
    runs = f"Ejecuta playbooks/{verb.playbook}.yml." if verb.playbook else "No ejecuta ningún playbook."
    own = ["Opciones:", *_options(verb.options), ""] if verb.options else []
    return "\n".join([f"Uso: respaldo {name}{systems} [--opción valor ...]", "", *textwrap.wrap(verb.help[0].upper() + verb.help[1:] + ".", _WIDTH), "",
                      *own, "Opciones de todos:", *_options(COMMON), "", runs])


def _options(options: tuple[Option, ...]) -> list[str]:
    return [line for option in options for line in _option(option)]


def _option(option: Option) -> list[str]:
    value = "" if option.form == "flag" else " " + ("|".join(option.choices) or {"day": "DÍA", "number": "N"}.get(option.form, "TEXTO"))
    head = f"    --{option.name}{value}"
    text = textwrap.wrap(option.help, _WIDTH - 28, break_on_hyphens=False)
    return [head.ljust(27) + " " + text[0], *(" " * 28 + line for line in text[1:])] if len(head) < 28 else [head, *(" " * 28 + line for line in text)]
