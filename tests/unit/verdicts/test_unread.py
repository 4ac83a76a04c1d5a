# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What -e gives and nothing reads: which names are ours, which was meant, and what is left to others."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.plugin_utils import _names, _role_options, _unread

ROOT = Path(__file__).resolve().parents[3]


class Variables(dict):
    """Host -> its variables as they are written, and what -e gave, as Ansible hands both to an action."""

    def __init__(self, given: dict[str, Any], **hosts: dict[str, Any]) -> None:
        super().__init__(hosts)
        self._variable_manager = SimpleNamespace(extra_vars=given)

    def raw_get(self, host: str) -> dict[str, Any]:
        return {**self[host], **self._variable_manager.extra_vars}


def task(given: dict[str, Any], playbooks: Path = ROOT / "playbooks", **variables: Any) -> dict[str, Any]:
    return {"hostvars": Variables(given, a=variables), "groups": {"all": ["a"]}, "playbook_dir": str(playbooks)}


def test_the_names_are_those_of_the_roles_and_of_the_playbooks() -> None:
    roles = [path.name for path in (ROOT / "roles").iterdir()]
    specs = [yaml.safe_load(file.read_text("utf-8"))["argument_specs"] for file in ROOT.glob("roles/*/meta/argument_specs.yml")]
    wanted = {name for spec in specs for entry in spec.values() for name in entry.get("options", {})}
    for path in (ROOT / "playbooks").glob("*.yml"):
        text = re.sub(r"(?m)#.*$|perucompras\.respaldo\.\w+", "", path.read_text("utf-8"))
        wanted.update(name for name in re.findall(r"\b[a-z]+_[a-z_]+\b", text) if name.startswith(tuple(role + "_" for role in roles)))
    assert set(_role_options.OF_ROLES) == set(roles)
    assert set(_role_options.OPTIONS) == {name for name in wanted if not name.startswith("backup_")}


@pytest.mark.parametrize(("given", "near"), [
    ("restore_lable", "restore_label"), ("restore_lostat", "restore_lost_at"), ("bitacora_sistema", "bitacora_system"), ("backup_olny", "backup_only"),
    ("azure_backup_sistem", "azure_backup_system"), ("restor_label", "restore_label"), ("bakcup_only", "backup_only"), ("restore_date", ""),
    ("restore_zzz", ""), ("store_label", ""), ("awx_job_id", ""), ("semaphore_vars", ""), ("ansible_user", ""),
])
def test_which_was_meant(given: str, near: str) -> None:
    assert _unread.strange([given]) == {given: near}


def test_no_name_of_ours_is_strange() -> None:
    assert _unread.strange([*_names.VARIABLES, *_role_options.OPTIONS]) == {}


def test_a_playbook_of_ours_refuses_what_nothing_reads_and_tells_all_of_it() -> None:
    with pytest.raises(BackupError) as refused:
        _unread.refuse(task({"restore_lable": "Zq9", "backup_zzz": "Zq9", "restore_host": "a"}))
    assert refused.value.code == "RSP101" and "Zq9" not in refused.value.in_both()
    assert "¿Quiso decir restore_label?" in refused.value.spanish and "backup_zzz" in refused.value.spanish


@pytest.mark.parametrize("given", [
    {"awx_job_id": 7, "tower_user_name": "ana", "awx_inventory_name": "x", "semaphore_vars": {"a": 1}, "ansible_ssh_user": "ana"},
    {"nuestra_ruta": "/x", "deploy_database_password": "x", "backup_local_state": "/x"}, {"restore_label": "SIGA_20261122", "backup_only": "SIGA"}, {},
])
def test_what_is_others_or_right_passes(given: dict[str, Any]) -> None:
    _unread.refuse(task(given))


def test_what_the_inventory_makes_something_of_is_its_own() -> None:
    """As AWX's credentials give passwords: `database_password`, which a source of the inventory is made of."""
    made = {"backup_systems": [{"name": "SIGA", "source": {"password": "{{ database_password | trim }}"}}]}
    _unread.refuse(task({"database_password": "Zq9"}, **made))
    with pytest.raises(BackupError, match="database_passwort"):
        _unread.refuse(task({"database_passwort": "Zq9"}, **made))


def test_an_institutions_own_playbook_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(_unread, "Display", lambda: SimpleNamespace(warning=told.append))
    _unread.refuse(task({"restore_targets": "Zq9"}, tmp_path))
    assert told == ["restore_targets no es una variable de esta colección. ¿Quiso decir restore_target?"]
