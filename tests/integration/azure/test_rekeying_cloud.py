# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The password of a repository in a container is changed (playbooks/repository_key.yml): a server may add its key there, the controller removes the former."""

from __future__ import annotations

import json

from opened_vault import opened
from test_file_servers import House

ORDERED = {"repository_key_reason": "Cambio anual", "repository_key_authority": "Memorando 004-2027-OTI"}
NOW = ("-e", "backup_emergency_reason=Prueba")


def password_of(house, reference):
    return opened(house.top / "custodia" / (reference.partition(":")[2] + ".yml"), house.top / "vault")["password"]


def keys(bench):
    return sorted(name for name in bench.names() if "/keys/" in name)


def test_the_former_key_goes_and_the_copies_of_before_come_back(tmp_path, bench):
    house = House(tmp_path, bench)
    try:
        house.good("file_server.yml", *NOW)
        made = house.entries("copy_made")[-1]
        former, before = password_of(house, made["key_reference"]), keys(bench)
        assert len(before) == 1

        house.good("repository_key.yml", "-e", json.dumps({**ORDERED, "repository_key_id": made["key_id"]}))
        rotated, withdrawn = house.entries("repository_key_rotated")[-1], house.entries("repository_key_withdrawn")[-1]
        new = password_of(house, rotated["key_reference"])
        assert (rotated["former_key_id"], rotated["repository"]) == (made["key_id"], "RRHH") and not withdrawn.get("keys_left")
        assert len(keys(bench)) == 1 and keys(bench) != before, "the file of the former key is gone from the container"
        text = (house.top / "b.sqlite").read_bytes()
        assert former != new and not [password for password in (former, new) if password.encode() in text]

        house.good("restore.yml", "-e", f"restore_host=localhost restore_kind=file_server restore_system=RRHH restore_label={made['label']} "
                   f"restore_reason=prueba restore_target={tmp_path}/vuelta")
        assert [path.read_text("utf-8") for path in (tmp_path / "vuelta").rglob("ñandú.txt")] == ["uno\n"]
        (house.folder / "legajos" / "ñandú.txt").write_text("dos\n", "utf-8")
        house.good("file_server.yml", *NOW)
        assert house.entries("copy_made")[-1]["key_id"] == rotated["key_id"]
        house.good("verify.yml", "-e", '{"verify_only": ["RRHH"]}')
    finally:
        house.tunnel.close()
