# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes docs/errores.md from the catalogue of errors, the roles' README.md and the names of their variables (_role_options.py) from their argument specs,
docs/schemas from the checks of inventories; with --check only says whether they are up to date (exit status 1 when not).
"""

from __future__ import annotations

import argparse
import importlib
import re
import sys
from pathlib import Path

import role_options
import role_pages
import schemas

TOP = Path(__file__).resolve().parent.parent

PAGE = TOP / "docs" / "errores.md"
GROUPS = {
    "1": "Datos de entrada, política y rótulos",
    "2": "Orígenes",
    "3": "Compresión, cifrado y herramientas",
    "4": "Medios",
    "5": "Verificación",
    "6": "Restauración",
    "7": "Bitácora",
    "8": "Claves y custodia",
    "9": "Reportes y avisos",
}
HEAD = """# Errores: código, causa y remedio

Cada error lleva un código estable que aparece en la salida de Ansible, en la bitácora y en los reportes.
Lo que va entre ‹ › se reemplaza por el dato del caso.

Página generada con `make docs` desde `plugins/module_utils/_engine/errors.py`: no se edita a mano.
"""


CAUSES = """## Remedios según la causa

Un mismo error puede tener varias causas: cuando el detalle dice una de estas, el remedio que se muestra es este y no el de arriba.
"""


def cell(text: str) -> str:
    """A template as a table cell: {name!r} becomes ‹name›."""
    return re.sub(r"\{(\w+)[^}]*\}", r"‹\1›", text).replace("|", "\\|")


def page() -> str:
    """The whole document. Raises ValueError on a code used twice or outside the ranges."""
    sys.path.insert(0, str(TOP / "collections"))
    errors = importlib.import_module("ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors")
    faults = sorted(errors.CATALOGUE.values(), key=lambda fault: fault.code)
    codes = [fault.code for fault in faults]
    strange = [code for code in codes if codes.count(code) > 1 or not re.fullmatch(r"RSP[1-9]\d\d", code)]
    if strange:
        raise ValueError("codes used twice or outside the ranges: " + ", ".join(strange))
    lines = [HEAD]
    for digit, title in GROUPS.items():
        rows = [fault for fault in faults if fault.code[3] == digit]
        if rows:
            lines += [f"## {title}\n", "| Código | Causa | Remedio |", "|---|---|---|"]
            lines += [f"| {fault.code} | {cell(fault.spanish)} | {cell(fault.remedy)} |" for fault in rows]
            lines.append("")
    lines += [CAUSES, "| Código | El detalle dice que | Remedio |", "|---|---|---|"]
    lines += [f"| {errors.CATALOGUE[row.fault].code} | {cell(row.cause)} | {cell(row.remedy)} |" for row in errors.CAUSES]
    lines.append("")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    stale = 0
    for path, text in {PAGE: page(), **role_pages.pages(TOP), **role_options.pages(TOP), **schemas.pages(TOP)}.items():
        if not options.check:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            print(f"{path.relative_to(TOP)} does not say what it is made from: run make docs")
            stale = 1
    return stale


if __name__ == "__main__":
    sys.exit(main())
