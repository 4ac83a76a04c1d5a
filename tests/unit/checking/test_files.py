# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of an inventory: each mistake by file and line, with its mend; what is right is passed over, and keys are found again where they stand."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._checking import files
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._checking.findings import document, text, together

HOSTS = "all:\n  hosts:\n    bd1:\n    web1:\n  children:\n    lima:\n      hosts:\n        bd1:\n"
VAULTED = "$ANSIBLE_VAULT;1.1;AES256\n6162\n"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "host_vars").mkdir()
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "hosts.yml").write_text(HOSTS, "utf-8")
    return tmp_path


def look(place: Path, opens: files.Opens | None = None) -> files.Known:
    return files.look([str(place / "hosts.yml")], opens)


def refuse(_text: str) -> str:
    raise ValueError


@pytest.mark.parametrize("written, line, what, mend, stops", [
    ("a: 1\nb:\n\t- x\n", 3, "tabulador", "espacios", True),
    ("a: b: c\n", 1, "dos puntos", "comillas", True),
    ("a:\n  - x\n b: 2\n", 3, "sangría", "línea", True),
    ("a: 'x\nb: 2\n", 3, "comilla", "comillas", True),
    ("a: [1, 2\nb: 3\n", 2, "corchete", "línea", True),
    ("a: 1\nb: 2\na: 3\n", 3, "«a» está dos veces (también en la línea 1)", "Deje una", False),
    ("x: 1\na: '{{ b'\n", 2, "Jinja", "}}", False),
    ("backup_sistems: []\n", 1, "backup_sistems", "backup_systems", False),
    ("- uno\n", 1, "tabla de variables", "nombre: valor", False),
    (VAULTED, 1, "no se dio la contraseña", "--vault-password-file", True),
    ("a: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  6162\n", 1, "no se dio la contraseña", "--vault-password-file", False),
])
def test_a_mistake_is_told_by_file_and_line_with_its_mend(place: Path, written: str, line: int, what: str, mend: str, stops: bool) -> None:
    (place / "host_vars/bd1.yml").write_text(written, "utf-8")
    known = look(place)
    found, = known.findings
    assert (found.code, found.where, known.stops) == ("RSP782", f"{place}/host_vars/bd1.yml:{line}", stops)
    assert what in found.what and mend in found.mend, found


def test_a_tab_in_the_inventory_itself_stops(place: Path) -> None:
    (place / "hosts.yml").write_text("all:\n\thosts:\n", "utf-8")
    known = look(place)
    assert known.stops and known.findings[0].where == f"{place}/hosts.yml:2"


def test_a_file_that_the_password_does_not_open_is_told_and_one_that_it_opens_is_read(place: Path) -> None:
    (place / "group_vars/all.yml").write_text(VAULTED, "utf-8")
    assert "no se abre" in look(place, refuse).findings[0].what
    known = look(place, lambda _text: "backup_system: []\n")
    assert not known.stops and "¿Quiso decir «backup_systems»?" in known.findings[0].mend


@pytest.mark.parametrize("name, near", [("host_vars/web2.yml", "web1"), ("group_vars/limma.yml", "lima")])
def test_a_file_for_nobody_is_told_with_who_was_meant(place: Path, name: str, near: str) -> None:
    (place / name).write_text("a: 1\n", "utf-8")
    found, = look(place).findings
    assert found.where == str(place / name) and f"«{near}»" in found.mend


def test_an_inventory_that_is_not_there_is_told(tmp_path: Path) -> None:
    known = files.look([str(tmp_path / "nada.yml"), "bd1,"], None)
    assert known.stops and "no existe" in known.findings[0].what and "-i" in known.findings[0].mend


def test_what_is_right_says_nothing_and_keys_are_found_where_they_stand(place: Path) -> None:
    (place / "host_vars/bd1.yml").write_text("# sistemas\nbackup_systems:\n  - name: SIGA\n    criticality: alto\nown: '{{ x | default(1) }}'\n", "utf-8")
    (place / "group_vars/lima.yml").write_text("backup_actors:\n  egcr: {}\n", "utf-8")
    known = look(place)
    assert not known.findings and not known.stops
    assert known.locate("backup_systems[0].criticality", "bd1") == f"{place}/host_vars/bd1.yml:4"
    assert known.locate("backup_policy.actors.egcr", "bd1") == f"{place}/group_vars/lima.yml:2"
    assert known.locate("mail.to", "bd1") == ""


def test_the_list_is_numbered_what_stops_comes_first_and_servers_are_told_together(place: Path) -> None:
    (place / "host_vars/bd1.yml").write_text("a: 1\na: 2\n", "utf-8")
    one, = look(place).findings
    rows = together([one._replace(weight="aviso"), one._replace(server="bd1"), one._replace(server="web1")])
    told = document(rows, {"servers": 2, "systems": 3})
    assert [(row["number"], row["server"], row["weight"]) for row in told["findings"]] == [(1, "bd1, web1", "impide"), (2, "", "aviso")]
    lines = text(told).splitlines()
    assert lines[0].startswith("  1. RSP782 [bd1, web1]: ")
    assert lines[-1] == "No está listo: 1 cosa por corregir (1 aviso); se comprobaron 2 servidores, 3 sistemas."
    assert text(document([], {"servers": 1, "systems": 1})) == "Listo: 1 servidor, 1 sistema."
