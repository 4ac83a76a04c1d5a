# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names as surveys and inventories give them."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.perucompras.respaldo.plugins.filter.asked_for import asked_for
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.plugin_utils import _inventory, _names

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(("given", "names"), [
    (None, []), ("", []), (" \n", []), ([""], []), ("ALFA", ["ALFA"]), ("ALFA\nBETA\n", ["ALFA", "BETA"]), ("ALFA, BETA", ["ALFA", "BETA"]),
    (["A, B"], ["A, B"]), (["ALFA\r\nBETA", None], ["ALFA", "BETA"]),
])
def test_names_asked_for(given: object, names: list[str]) -> None:
    assert _names.asked(given) == names


def test_whether_a_system_is_asked_for() -> None:
    assert asked_for("SIGA", []) and asked_for("SIGA", "siga") and asked_for("Expediente Ágil", "X\nexpediente agil") and not asked_for("SIGA", ["SIAF"])
    with pytest.raises(AnsibleFilterError, match="RSP101"):
        asked_for("SIGA", "***")


def test_a_misspelt_variable_is_known_by_the_one_that_is_meant() -> None:
    assert _names.misspelt(["backup_system", "backup_onlly", "backup_systems", "backup_window_of_ours", "ansible_host"]) == {
        "backup_system": "backup_systems", "backup_onlly": "backup_only"}


def test_the_variables_are_those_that_roles_and_playbooks_read() -> None:
    read = set()
    for path in [*ROOT.glob("roles/*/defaults/main.yml"), *ROOT.glob("roles/*/tasks/*.yml"), *ROOT.glob("playbooks/*.yml"),
                 ROOT / "plugins/plugin_utils/_heartbeats.py"]:
        text = re.sub(r"(?m)#.*$|perucompras\.respaldo\.\w+", "", path.read_text("utf-8"))
        read.update(re.findall(r"\bbackup_[a-z_]+", text))
    assert read == set(_names.VARIABLES)


def test_no_variable_of_our_own_inventories_looks_misspelt() -> None:
    names = {name for path in (ROOT / "inventories").rglob("*.yml") for name in re.findall(r"^\s*(backup_\w+):", path.read_text("utf-8"), re.MULTILINE)}
    assert len(names) > 10 and _names.misspelt(names) == {}


@pytest.mark.parametrize(("version", "native", "refused"), [
    ("2.17.14", True, True), ("2.18.1", True, True), ("2.17.14", False, False), ("2.19.0", True, False)])
def test_a_name_of_digits_is_refused_where_it_would_be_read_as_a_number(monkeypatch: pytest.MonkeyPatch, version: str, native: bool, refused: bool) -> None:
    monkeypatch.setattr(_inventory, "ansible_version", version)
    monkeypatch.setattr(_inventory.constants, "DEFAULT_JINJA2_NATIVE", native, raising=False)
    _inventory.refuse_numbers([{"name": "2024b"}])
    with pytest.raises(BackupError, match="jinja2_native") if refused else contextlib.nullcontext():
        _inventory.refuse_numbers([{"name": "SIGA"}, {"name": "2024"}])
