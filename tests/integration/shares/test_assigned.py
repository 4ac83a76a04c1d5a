# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The assigned paths of a host are its folders that are not withdrawn."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.perucompras.respaldo.plugins.filter.assigned_paths import assigned_paths

PROJECT = Path(__file__).resolve().parents[3]
FOLDERS = [{"path": "/srv/a/x"}, {"path": "/srv/a/y", "state": "withdrawn"}, {"path": "/srv/a/z", "state": "present"}]


def test_paths_in_force():
    assert assigned_paths(FOLDERS) == ["/srv/a/x", "/srv/a/z"]
    assert assigned_paths([]) == []


@pytest.mark.parametrize("wrong", ["/srv", {"path": "/srv"}, [{"name": "x"}], ["/srv"], None])
def test_what_is_no_list_of_folders(wrong):
    with pytest.raises(AnsibleFilterError):
        assigned_paths(wrong)


@pytest.mark.parametrize(("given", "expected"), [({"backup_shared_folders": FOLDERS}, ["/srv/a/x", "/srv/a/z"]), ({}, []),
                                                 ({"backup_shared_folders": FOLDERS, "backup_assigned_paths": ["/opt"]}, ["/opt"])])
def test_the_roles_take_them_unless_the_inventory_says_otherwise(tmp_path, given, expected):
    """The defaults of common and restore, as Ansible reads them."""
    for role in ("common", "restore"):
        play = tmp_path / "play.yml"
        play.write_text(json.dumps([{"hosts": "localhost", "connection": "local", "gather_facts": False, "vars_files": [
            "{0}/roles/{1}/defaults/main.yml".format(PROJECT, role)], "tasks": [
                {"ansible.builtin.debug": {"msg": "=={{ %s_assigned_paths | to_json }}==" % role}}]}]), "utf-8")
        done = subprocess.run(["ansible-playbook", str(play), "-e", json.dumps(given)], cwd=PROJECT, stdout=subprocess.PIPE, text=True, check=True,
                              env={**os.environ, "RESPALDO_BITACORA": str(tmp_path / "b.sqlite")})
        assert json.loads(done.stdout.partition("==")[2].partition("==")[0].replace('\\"', '"')) == expected
