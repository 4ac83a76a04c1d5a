# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`respaldo --help` and `respaldo VERBO --help`, in Spanish; the exit statuses are those of docs/guia-operador.md."""

from __future__ import annotations

import textwrap

from .. import _laid
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


def general(width: int = _WIDTH) -> str:
    rows = [line for name, verb in VERBS.items() for line in _row(f"    {name}", verb.help, 18, width)]
    return _laid.text("\n".join([
        "Uso: respaldo VERBO [SISTEMA ...] [--opción valor ...]", "", "Verbos:", *rows, "",
        "Opciones de todos:", *_options(COMMON, width), "", "respaldo VERBO --help explica uno. Un nombre con espacios va entre comillas.",
        "La configuración (inventario, archivo de la contraseña de vault, bitácora) está en /etc/respaldo.conf.", "", STATUSES]), min(width, _WIDTH))


def of_verb(name: str, width: int = _WIDTH) -> str:
    verb = VERBS[name]
    systems = (" SISTEMA" if verb.one_system else " [SISTEMA ...]") if verb.systems else ""
    runs = f"Ejecuta playbooks/{verb.playbook}.yml." if verb.playbook else "No ejecuta ningún playbook."
    own = ["Opciones:", *_options(verb.options, width), ""] if verb.options else []
    ending = "" if verb.help.endswith((".", "?")) else "."
    return _laid.text("\n".join([f"Uso: respaldo {name}{systems} [--opción valor ...]", "", verb.help[0].upper() + verb.help[1:] + ending, "",
                                 *own, "Opciones de todos:", *_options(COMMON, width), "", runs]), min(width, _WIDTH))


def _options(options: tuple[Option, ...], width: int) -> list[str]:
    return [line for option in options for line in _option(option, width)]


def _option(option: Option, width: int) -> list[str]:
    value = "" if option.form == "flag" else " " + ("|".join(option.choices) or {"day": "DÍA", "number": "N"}.get(option.form, "TEXTO"))
    return _row(f"    --{option.name}{value}", option.help, 28, width)


def _row(head: str, told: str, column: int, width: int) -> list[str]:
    """What a word means, beside it; below it where that is longer than its column."""
    text = textwrap.wrap(told, max(min(width, _WIDTH) - column, column), break_on_hyphens=False, break_long_words=False)
    below = [" " * column + line for line in text]
    return [head.ljust(column - 1) + " " + text[0], *below[1:]] if len(head) < column else [head, *below]
