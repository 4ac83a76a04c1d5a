# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/azure_storage.yml (role azure_storage, module azure_storage) as staff run it, against the fake."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from arm.server import SUBSCRIPTION
from login import CLIENT, SECRET, TENANT

ROOT = Path(__file__).resolve().parents[3]
NAME = "copiasentidad"


class House:
    """An institution whose copies go to a cloud, from two servers."""

    def __init__(self, top, arm):
        self.top = top
        auth = {"auth_source": "service_principal", "client_id": CLIENT, "secret": SECRET, "tenant": TENANT, "authority": arm.login.url}
        self.cloud = {"name": "nube", "type": "azure_blob", "storage_account_name": NAME, "container": "copias", "tier": "cold", "write_once_days": 180,
                      "lifecycle": {"versions": 200}, "auth": auth}
        self.account = {"storage_account_name": NAME, "resource_group": "rg", "subscription_id": SUBSCRIPTION, "location": "brazilsouth",
                        "account_type": "Standard_ZRS", "endpoint": arm.url, "ca_certs": str(arm.ca), "auth": auth,
                        "containers": [{"name": "anclas", "write_once_days": 3650, "append_writes": True}]}
        self.retention = {"days": 180}

    def run(self, *options):
        policy = yaml.safe_load((ROOT / "policies" / "manual-001-2019.yml").read_text())
        policy["kinds"]["database"]["retention"] = self.retention
        (self.top / "policy.yml").write_text(yaml.safe_dump(policy, allow_unicode=True))
        system = {"name": "SIGA", "kind": "database", "criticality": "baja", "office": "OTI", "source": {"type": "sqlite", "path": "/srv/siga.sqlite"}}
        told = {"all": {"vars": {"backup_media": [self.cloud], "backup_azure_storage": [self.account], "backup_policy_file": str(self.top / "policy.yml")},
                        "hosts": {"bd1": {"backup_systems": [system]}, "localhost": {"ansible_python_interpreter": sys.executable}}}}
        (self.top / "hosts.yml").write_text(yaml.safe_dump(told))
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "RESPALDO_", "AZURE_"))}
        environment.update(HOME=str(self.top), RESPALDO_BITACORA=str(self.top / "b.sqlite"), ANSIBLE_CONFIG=str(ROOT / "ansible.cfg"), ANSIBLE_NOCOLOR="1")
        command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(self.top / "hosts.yml"), str(ROOT / "playbooks" / "azure_storage.yml"),
                   "-vv", *options]
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT, timeout=180, check=False)
        assert SECRET not in done.stdout and "eyJ" not in done.stdout, "no secret and no token is shown"
        assert SECRET.encode() not in (self.top / "b.sqlite").read_bytes()
        return done

    def good(self, *options):
        done = self.run(*options)
        assert done.returncode == 0, done.stdout
        return done.stdout


@pytest.fixture
def house(tmp_path, arm, storage):
    return House(tmp_path, arm)


def test_check_shows_the_difference_a_run_makes_it_and_the_next_finds_nothing(house, arm, storage):
    shown = house.good("--check", "--diff")
    assert not storage.accounts.rows and '+  "allow_shared_key_access": false' in shown.replace("+    ", "+  "), shown
    done = house.good()
    assert "containers.copias.write_once_days: (none) -> 180" in done and "copias is not locked" in done
    assert {path.rpartition("/")[2]: (row["days"], row["append"]) for path, row in storage.once.items()} == {"copias": (180, False), "anclas": (3650, True)}
    before = len([row for row in arm.requests if row.method != "GET"])
    assert "Nada que cambiar." in house.good() and "changed=0" in house.good("--check")
    assert len([row for row in arm.requests if row.method != "GET"]) == before


def test_what_another_hosts_copies_need_is_compared_and_a_lock_asks_twice(house, arm, storage):
    house.retention = {"days": 90}
    done = house.run()
    assert done.returncode != 0 and "RSP101" in done.stdout
    assert "protects copies of SIGA (database, baja) for longer than the policy keeps them (90 days)" in done.stdout
    house.retention = {"days": 180}
    house.account["containers"][0]["locked"] = True
    done = house.run()
    assert done.returncode != 0 and "RSP437" in done.stdout and "nobody can undo" in done.stdout
    assert not [row for row in arm.requests if row.method != "GET"] and not storage.accounts.rows
    assert "nobody can shorten or remove it any more" in house.good("-e", '{"azure_storage_lock": "anclas 3650"}').replace("\n", " ")
    assert {row["state"] for path, row in storage.once.items() if path.endswith("anclas")} == {"Locked"}


def test_mistakes_are_told_before_anybody_is_asked(house, arm):
    house.account["containers"] = [{"name": "Copias", "write_once": 3}]
    done = house.run()
    assert done.returncode != 0 and "containers[0].name: 'Copias'" in done.stdout and "write_once_days" in done.stdout
    house.account["containers"] = [{"name": "copias", "write_once_days": 90}]
    assert "Say it once, with the medium" in house.run().stdout
    house.account["containers"] = []
    house.cloud["auth"] = {"account_key": "QUJD"}
    done = house.run()
    assert "shared keys are switched off" in done.stdout and "QUJD" not in done.stdout
    assert not arm.requests
