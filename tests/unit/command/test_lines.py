# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines as a terminal takes them: none is wider than it but for one long word, none loses a word, rows of a table keep their columns, a command can be
copied, letters that the locale has not are written by others, and a reader that leaves is no error.
"""

from __future__ import annotations

import fcntl
import io
import os
import pty
import shlex
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from plugins.plugin_utils import _laid
from plugins.plugin_utils._bitacora.view import width_of
from plugins.plugin_utils._command import helping, telling
from plugins.plugin_utils._command.verbs import VERBS

TOP = Path(__file__).resolve().parents[3]
NAME = "Trámite Documentario Institucional de la Alta Dirección"
TABLE = "\n".join(("Sistema".ljust(57) + "Tipo           Mes      Estado                    Faltantes",
                   NAME.ljust(57) + "Base de datos  2026-11  cumplida (mes en curso)   0",
                   "SIGA".ljust(57) + "Base de datos  2026-11                            12"))
TEXTS = (
    *(helping.of_verb(name, 200) for name in VERBS), TABLE, f"  título\n{TABLE}\n\n{TABLE.replace('  Tipo', '  Medio')}",
    f"{NAME} en nas-de-la-sede-central: 1 copia en el medio, 1 en la bitácora",
    " 12. RSP409 [bd1 · SIGA]: La bitácora conoce copias en /srv/nas, pero allí no hay nada de ellas, ni sus directorios: ¿está montado?\n"
    "     Qué hacer: Monte el recurso o revise la ruta del medio. Si fue reemplazado por uno vacío, ejecute una vez reconcile.yml.",
    "Copiado  TramiteDocumentarioInstitucionaldelaAltaDireccion_20261129  2,2 KiB  T2  local, nas-de-la-sede-central  1 s",
    "    aviso: " + "漢字と仮名 " * 30, "cafe\u0301 " * 40, "x" * 300, "", "\n\n", "a  b",
)


@pytest.mark.parametrize("width", (30, 80, 100, 200))
@pytest.mark.parametrize("text", TEXTS)
def test_no_line_is_wider_than_the_terminal_and_no_word_is_lost(text: str, width: int) -> None:
    told = _laid.text(text, width)
    for line in told.split("\n"):
        assert width_of(line) <= width or len(line.split()) == 1, line
        assert line == line.rstrip() or line in text.split("\n"), "no blank at its end"
    assert sorted(told.split()) == sorted(text.split())
    assert told == text or any(width_of(line) > width for line in text.split("\n")), "what fits stays as it is"
    assert _laid.text(text, 0) == text, "no terminal"


def test_the_rest_of_a_line_stands_further_in() -> None:
    numbered, mend = _laid.text(TEXTS[-8], 60).split("\n")[:2], _laid.text(TEXTS[-8].split("\n")[1], 60).split("\n")
    assert numbered[0].startswith(" 12. RSP409") and numbered[1].startswith("     ") and numbered[1][5] != " "
    assert mend[0].startswith("     Qué") and mend[1].startswith("         ") and mend[1][9] != " "
    assert _laid.text(TEXTS[-7], 80).split("\n") == [
        "Copiado  TramiteDocumentarioInstitucionaldelaAltaDireccion_20261129  2,2 KiB  T2", "    local, nas-de-la-sede-central  1 s"]


def test_the_rows_of_a_table_are_all_broken_at_the_same_column() -> None:
    lines = _laid.text(TABLE, 80).split("\n")
    assert lines == ["Sistema".ljust(57) + "Tipo           Mes", "    Estado                    Faltantes",
                     NAME.ljust(57) + "Base de datos  2026-11", "    cumplida (mes en curso)   0",
                     "SIGA".ljust(57) + "Base de datos  2026-11", "                              12"]
    assert _laid.text("─" * 120, 80) == "─" * 80


def test_a_command_can_be_copied_from_the_terminal() -> None:
    words = ["ansible-playbook", "-i", "/srv/inventario institucional/hosts.yml", "/opt/site.yml", "-e", '{"backup_only": ["Mesa de Partes"]}', "it's"]
    for width in (20, 60, 80, 0):
        told = _laid.command(words, width, "Equivale a:")
        assert shlex.split(told.removeprefix("Equivale a:").replace("\\\n", "")) == words
        assert ("\n" in told) == (width > 0)
    shown = f"   $ {shlex.join(words)}"
    told = _laid.text(shown, 60)
    assert told.count("\\\n") > 1 and shlex.split(told.strip()[2:].replace("\\\n", "")) == words


def test_a_terminal_is_asked_for_its_width() -> None:
    ours, theirs = pty.openpty()
    reading, writing = os.pipe()
    try:
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 91, 0, 0))
        assert (_laid.columns_of(theirs), _laid.columns_of(writing), _laid.columns_of(9999)) == (91, 0, 0)
    finally:
        for descriptor in (ours, theirs, reading, writing):
            os.close(descriptor)


@pytest.mark.parametrize(("encoding", "told"), (
    ("ascii", '?: "Mesa de Partes", termino...\n'), ("latin-1", '?: «Mesa de Partes», terminó...\n'), ("utf-8", "漢: «Mesa de Partes», terminó…\n")))
def test_letters_that_the_terminal_has_not_are_written_by_others(monkeypatch: pytest.MonkeyPatch, encoding: str, told: str) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    telling.speak_plainly()
    telling.out("漢: «Mesa de Partes», terminó…")
    assert raw.getvalue().decode(encoding) == told


def test_a_reader_that_leaves_is_no_error() -> None:
    """`respaldo copiar | head -1`: what goes on goes on to its end, and its status tells of it."""
    code = ("import sys; sys.path.insert(0, 'collections'); from ansible_collections.perucompras.respaldo.plugins.plugin_utils._command import telling\n"
            "for line in range(3): telling.out('línea'); telling.beside('x')\nsys.exit(7)")
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([sys.executable, "-c", code], cwd=TOP, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (7, "x\nx\nx\n")
