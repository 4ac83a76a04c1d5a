# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The password of a repository is changed (playbooks/repository_key.yml, of the role perucompras.respaldo.repository_key: backup_rekey_plan, backup_rekey),
and the run killed at each step."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess

from lab import KINDS, NOW, Lab, kill, wait_for
from opened_vault import opened

from plugins.plugin_utils._bitacora import rekeyed
from plugins.plugin_utils._bitacora.store import open_store

FIRST = "custodia:file_server/SIGA/repositorio"
ORDERED = {"repository_key_reason": "Cambio anual", "repository_key_authority": "Memorando 004-2027-OTI"}


def asked(**more):
    return "-e", json.dumps({**ORDERED, **{"repository_key_" + name: value for name, value in more.items()}})


def kept(lab, reference):
    """What custody has under a reference."""
    return opened(lab.top / "custodia" / (reference.partition(":")[2] + ".yml"), lab.top / "vault")


def repository(lab, medium):
    return lab.media[medium] / "file_server" / ".restic.SIGA" / "repositorio"


def opens(lab, medium, password):
    return subprocess.run(["restic", "--no-cache", "--no-lock", "--repo", str(repository(lab, medium)), "cat", "config"], capture_output=True, check=False,
                          env={"PATH": os.environ["PATH"], "RESTIC_PASSWORD": password}).returncode == 0


def in_force(lab):
    with open_store(str(lab.bitacora), readonly=True) as store:
        return rekeyed.in_force_by(rekeyed.rotations(store, FIRST), FIRST)


def rotated(lab):
    with contextlib.suppress(Exception):
        return bool([entry for entry in lab.entries("repository_key_rotated") if not entry.get("simulated")])
    return False


def test_a_change_of_password_that_is_killed_at_each_step_loses_nothing_and_the_next_run_settles_it(tmp_path):
    lab = Lab(tmp_path, KINDS["restic"])
    status, out = lab.run("", *NOW)
    assert status == 0, out
    key, first = lab.entries("copy_made")[-1]["key_id"], kept(lab, FIRST)

    steps = {
        "custody": (lab.top / "custodia" / "file_server" / "SIGA" / "repositorio.2.yml").exists,
        "one medium": lambda: len(list((repository(lab, "disco") / "keys").glob("?" * 64))) == 2,
        "in force": lambda: rotated(lab),
    }
    for number, (step, reached) in enumerate(steps.items()):
        # the first is asked for; those that follow only go on, with nobody asking
        process = lab.start("repository_key", *(asked(id=key) if not number else ()))
        there = wait_for(reached, process)
        kill(process)
        assert there, step + (lab.top / "out").read_text("utf-8")
        lab.wait_for_survivors()
        password = kept(lab, in_force(lab))["password"]
        assert all(opens(lab, medium, password) for medium in lab.media), step
    assert opens(lab, "nas", first["password"]), "the former one goes only after the new one is in force"

    status, out = lab.run("repository_key")
    second = kept(lab, FIRST + ".2")
    assert status == 0 and in_force(lab) == second["reference"], out
    assert all(opens(lab, medium, second["password"]) and not opens(lab, medium, first["password"]) for medium in lab.media)
    told = lab.entries("repository_key_rotated")[-1]
    assert (told["former_key_id"], told["key_id"], told["repository"]) == (key, second["key_id"], "SIGA")
    assert not lab.entries("repository_key_withdrawn")[-1].get("keys_left")
    for password in (first["password"], second["password"]):
        assert password not in out and password.encode() not in lab.bitacora.read_bytes()

    # asked once more it does nothing, and says so
    count = len(lab.entries("repository_key_started"))
    status, out = lab.run("repository_key", "--check", *asked(id=key))
    assert status == 0 and "Ninguna contraseña" in out and len(lab.entries("repository_key_started")) == count, out

    # all passwords are older than a date that lies ahead, whenever it is asked
    status, out = lab.run("repository_key", *asked(before="2999-01-01"))
    assert status == 2 and "RSP101" in out and len(lab.entries("repository_key_started")) == count, out

    # the copy of before comes back with the password in force, and the next one is made with it
    before = lab.copies()[-1]
    wanted = {"restore_host": "uno", "restore_kind": "file_server", "restore_system": "SIGA", "restore_target": str(tmp_path / "de_vuelta")}
    status, out = lab.run("restore", "-e", json.dumps(wanted))
    assert status == 0 and (tmp_path / "de_vuelta").is_dir() and lab.entries("restored")[-1]["label"] == before["label"], out
    status, out = lab.run("", *NOW)
    made = lab.entries("copy_made")[-1]
    assert status == 0 and (made["key_reference"], made["key_id"]) == (second["reference"], second["key_id"]) and not made.get("warnings_es"), out
    assert not lab.problems()
