# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mistakes of a newcomer that `respaldo` tells before any playbook runs, by their numbers (docs/mistakes.md): what, and what to type instead."""

from __future__ import annotations

import locale
from pathlib import Path

import pytest

from plugins.plugin_utils._checking import core
from plugins.plugin_utils._command import main, running, typed
from plugins.plugin_utils._command.configured import Configuration
from plugins.plugin_utils._command.typed import Mistake

ROWS = [{"system": "Mesa de Partes", "kind": "database", "host": "bd1"}, {"system": "SIGA", "kind": "database", "host": "bd1"},
        {"system": "SIGA", "kind": "source_code", "host": "git1"}, {"system": "PORTAL", "kind": "source_code", "host": "git1"},
        {"system": "PORTAL", "kind": "source_code", "host": "git2"}]

# number -> (what is typed, what is said of it, the mend)
TYPED = {
    39: (("restaurar", "SIGA", "--etiqeta", "SIGA_20261128"), "«--etiqeta» no es una opción de «restaurar»", "¿Quiso decir --etiqueta?"),
    40: (("restaurar", "SIGA", "--tipo", "db"), "«db» no es ninguno de estos", "base-de-datos, codigo-fuente"),
    43: (("informe", "--fecha", "27/11/2026"), "«27/11/2026» no es un día", "2026-11-28"),
    44: (("copiar", "SIGA", "--motivo", " "), "--motivo está vacío", "por qué se copia fuera de programación"),
}
# number -> (what is typed, what the inventory of the rows above says of it, the mend)
CHOSEN = {
    13: (("restaurar", "Mesa"), "«Mesa» no es un sistema del inventario", "¿Quiso decir «Mesa de Partes»? Un nombre con espacios va entre comillas."),
    14: (("restaurar", "SIGAA"), "«SIGAA» no es un sistema del inventario", "¿Quiso decir «SIGA»? Sistemas: Mesa de Partes, PORTAL, SIGA."),
    30: (("restaurar", "SIGA"), "copias de varios tipos", "--tipo (base-de-datos"),
    41: (("restaurar", "PORTAL"), "está en varios servidores", "--servidor (git1, git2)"),
}


@pytest.mark.parametrize("number", TYPED)
def test_a_mistake_in_what_is_typed(number: int) -> None:
    words, what, mend = TYPED[number]
    with pytest.raises(Mistake) as told:
        typed.read(words)
    assert what in str(told.value) and mend in str(told.value)


@pytest.mark.parametrize("number", CHOSEN)
def test_a_mistake_that_the_inventory_shows(number: int) -> None:
    words, what, mend = CHOSEN[number]
    with pytest.raises(Mistake) as told:
        main.which(typed.read(words), ROWS)
    assert what in str(told.value) and mend in str(told.value)
    assert main.which(typed.read(["restaurar", "SIGA", "--tipo", "codigo-fuente"]), ROWS) == {"restore_kind": "source_code", "restore_host": "git1"}


@pytest.mark.parametrize("asked, given", [("C", "C.UTF-8"), ("es_PE.ISO8859-1", "C.UTF-8"), ("", "C.UTF-8"), ("C.UTF-8", "C.UTF-8")])
def test_ansible_is_never_started_in_a_locale_that_it_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: str, given: str) -> None:
    """Number 46."""
    before = locale.setlocale(locale.LC_CTYPE)
    monkeypatch.setattr(running.os, "environ", {"LC_ALL": asked})
    run = running.Run(tmp_path, [], {}, str(tmp_path / "collections"))
    assert running.environment(run, Configuration("", "", "", "", tmp_path, ""))["LC_ALL"] == given
    assert locale.setlocale(locale.LC_CTYPE) == before


@pytest.mark.parametrize("version, good", [("2.14.18", False), ("2.16.0", False), ("2.17.0rc1", True), ("2.21.5", True), ("2.22.0", False)])
def test_an_ansible_that_is_not_tested_is_told_with_those_that_are(version: str, good: bool) -> None:
    """Number 35."""
    told = core.unsupported(version)
    assert (told is None) is good
    if told is not None:
        assert told.code == "RSP788" and version in told.spanish and "2.17.0 o posterior" in told.spanish and "requirements.txt" in told.remedy
