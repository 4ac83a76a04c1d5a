# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The password of a repository in a container is changed (playbooks/repository_key.yml): a server may add its key there, the controller removes the former."""

from __future__ import annotations

import json
import subprocess

import pytest
import yaml
from test_cloud_plays import House

ORDERED = {"repository_key_reason": "Cambio anual", "repository_key_authority": "Memorando 004-2027-OTI"}
NOW = ("-e", "backup_emergency_reason=prueba")


class Files(House):
    """The institution has a folder too."""

    def command(self, playbook, *options):
        command, environment = super().command(playbook, *options)
        told = yaml.safe_load((self.top / "hosts.yml").read_text("utf-8"))
        told["all"]["hosts"]["localhost"]["backup_systems"].append({
            "name": "LEGAL", "kind": "file_server", "criticality": "baja", "office": "OTI",
            "source": {"type": "restic", "paths": [str(self.top / "legal")]}})
        (self.top / "hosts.yml").write_text(yaml.safe_dump(told), "utf-8")
        return command, environment

    def password_of(self, reference):
        file = self.top / "custodia" / (reference.partition(":")[2] + ".yml")
        told = subprocess.run(["ansible-vault", "view", "--vault-password-file", str(self.top / "vault"), str(file)], capture_output=True, text=True,
                              check=True)
        return json.loads(told.stdout)["password"]

    def keys(self):
        return sorted(name for name in self.bench.names() if "/keys/" in name)


@pytest.fixture
def files(tmp_path, bench):
    made = Files(tmp_path, bench)
    (tmp_path / "legal").mkdir()
    (tmp_path / "legal" / "acta.txt").write_text("uno")
    yield made
    made.close()


def test_the_former_key_goes_and_the_copies_of_before_come_back(files):
    files.good("file_server.yml", *NOW)
    made = files.entries("copy_made")[-1]
    former, before = files.password_of(made["key_reference"]), files.keys()
    assert len(before) == 1

    out = files.good("repository_key.yml", "-e", json.dumps({**ORDERED, "repository_key_id": made["key_id"]}))
    rotated, withdrawn = files.entries("repository_key_rotated")[-1], files.entries("repository_key_withdrawn")[-1]
    new = files.password_of(rotated["key_reference"])
    assert (rotated["former_key_id"], rotated["repository"]) == (made["key_id"], "LEGAL") and not withdrawn.get("keys_left"), out
    assert len(files.keys()) == 1 and files.keys() != before, "the file of the former key is gone from the container"
    text = (files.top / "b.sqlite").read_bytes()
    for password in (former, new):
        assert password not in out and password.encode() not in text

    (files.top / "legal" / "acta.txt").write_text("dos")
    files.good("file_server.yml", *NOW)
    assert files.entries("copy_made")[-1]["key_id"] == rotated["key_id"]
    files.good("verify.yml", "-e", '{"verify_only": ["LEGAL"]}')
    files.good("restore.yml", "-e", f"restore_host=localhost restore_kind=file_server restore_system=LEGAL restore_label={made['label']} "
               f"restore_reason=prueba restore_target={files.top}/vuelta")
    assert [path.read_text() for path in (files.top / "vuelta").rglob("acta.txt")] == ["uno"]
