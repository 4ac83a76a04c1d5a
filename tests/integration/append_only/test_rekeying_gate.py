# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The password of a repository is changed on a medium of another server (playbooks/repository_key.yml): over SSH, and behind the gate, where a server may
add its new key and only the controller removes the former; and what of it is out of reach is refused before anything is done."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
from opened_vault import opened

ORDERED = {"repository_key_reason": "Cambio anual", "repository_key_authority": "Memorando 004-2027-OTI"}
NOW = ("-e", "backup_emergency_reason=prueba")


def asked(key="", **more):
    return "-e", json.dumps({**ORDERED, "repository_key_id": key, **more})


def password_of(house, reference):
    return opened(house.top / "custodia" / (reference.partition(":")[2] + ".yml"), house.password)["password"]


def opens(repository, password):
    return subprocess.run(["restic", "--no-cache", "--no-lock", "--repo", str(repository), "cat", "config"], capture_output=True, check=False,
                          env={"PATH": os.environ["PATH"], "RESTIC_PASSWORD": password}).returncode == 0


def plain(house):
    """The same medium by a key that opens a shell there, as one has it that is no gate."""
    options = house.medium()
    return {**{name: options[name] for name in ("name", "path", "host", "port", "user", "known_hosts")}, "identity_file": options["keeper"]["identity_file"]}


@pytest.mark.parametrize("medium", ["ssh", "gate"])
def test_the_former_password_opens_nothing_any_more_and_all_copies_come_back(house, medium):
    if medium == "ssh":
        house.write(backup_media=[plain(house)])
    house.good("file_server", *NOW)
    made = house.entries("copy_made")[-1]
    repository = next(house.gate.path.rglob("repositorio"))
    former = password_of(house, made["key_reference"])
    assert opens(repository, former)

    done = house.good("repository_key", *asked(made["key_id"]))
    rotated, withdrawn = house.entries("repository_key_rotated")[-1], house.entries("repository_key_withdrawn")[-1]
    new = password_of(house, rotated["key_reference"])
    assert (rotated["former_key_id"], rotated["repository"]) == (made["key_id"], "LEGAL") and not withdrawn.get("keys_left"), done.stdout
    assert opens(repository, new) and not opens(repository, former)
    for password in (former, new):
        assert password not in done.stdout + done.stderr and password.encode() not in house.bitacora.read_bytes()
    assert not house.permissions(), "what the controller allowed a server for it is taken back"

    (house.folder / "acta.txt").write_text("dos")
    house.good("file_server", *NOW)
    assert house.entries("copy_made")[-1]["key_id"] == rotated["key_id"]
    house.good("verify", "-e", '{"verify_only": ["LEGAL"]}')
    house.good("restore", "-e", f"restore_host=bd1 restore_system=LEGAL restore_kind=file_server restore_label={made['label']} restore_reason=prueba "
               f"restore_target={house.top / 'vuelta'}")
    assert [path.read_text() for path in (house.top / "vuelta").rglob("acta.txt")] == ["uno"]


def refused(house, *options, limit="bd1"):
    done = house.run("repository_key", *options, limit=limit)
    assert done.returncode == 2 and "RSP465" in done.stdout, done.stdout[-3000:]
    assert not house.entries("repository_key_started", "repository_key_rotated", "repository_key_failed")
    return " ".join(done.stdout.split())


def test_a_repository_that_two_servers_or_two_media_hold_is_changed_where_all_of_it_is_in_reach(house):
    """Each server has a directory `local` of its own: who changed it on one of them alone would lock the other out."""
    other = house.top / "otra"
    other.mkdir()
    (other / "plano.txt").write_text("tres")
    source = {"type": "restic", "repository": "office"}
    systems = {"bd1": house.system("LEGAL", "file_server", **source, paths=[str(house.folder)]),
               "bd2": house.system("PLANOS", "file_server", **source, paths=[str(other)])}

    def declare(media):
        hosts = json.loads((house.top / "inventory.yml").read_text("utf-8"))["all"]["hosts"]
        for name, system in systems.items():
            hosts[name] = {"backup_systems": [system], "backup_assigned_paths": [str(house.top)]}
        house.write(backup_media=media)
        told = json.loads((house.top / "inventory.yml").read_text("utf-8"))
        told["all"]["hosts"] = hosts
        (house.top / "inventory.yml").write_text(json.dumps(told), "utf-8")

    paths = [{"name": name, "path": str(house.top / name), "create": True} for name in ("uno", "dos")]
    declare(paths)
    house.good("file_server", *NOW, limit="bd1")
    house.good("file_server", *NOW, limit="bd2")
    made = house.entries("copy_made")
    assert {entry["repository"] for entry in made} == {made[0]["repository"]} and {entry["system"] for entry in made} == {"LEGAL", "PLANOS"}
    former = password_of(house, made[0]["key_reference"])

    told = refused(house, *asked(made[0]["key_id"]))
    assert "bd2" in told and "repository_key_shared_paths" in told, told
    # declared on one medium only, it keeps the former password on the other
    declare(paths[:1])
    assert "dos" in refused(house, *asked(made[0]["key_id"], repository_key_shared_paths=True))
    # declared, and not there: it looks before it begins
    declare(paths)
    (house.top / "dos").rename(house.top / "desconectado")
    done = house.run("repository_key", *asked(made[0]["key_id"], repository_key_shared_paths=True))
    assert done.returncode == 2 and "RSP" in done.stdout and not house.entries("repository_key_rotated"), done.stdout[-3000:]
    for place in ("uno", "desconectado"):
        assert opens(next((house.top / place).rglob("repositorio")), former), "nothing was changed"

    # the same share on both servers, and a person says so
    if (house.top / "dos").exists():
        (house.top / "dos").rmdir()
    (house.top / "desconectado").rename(house.top / "dos")
    house.good("repository_key", *asked(made[0]["key_id"], repository_key_shared_paths=True))
    rotated = house.entries("repository_key_rotated")[-1]
    for place in ("uno", "dos"):
        repository = next((house.top / place).rglob("repositorio"))
        assert opens(repository, password_of(house, rotated["key_reference"])) and not opens(repository, former), place
    house.good("file_server", *NOW, limit="bd2")
    assert house.entries("copy_made")[-1]["key_id"] == rotated["key_id"], "the other server takes the password in force"
