# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A repository that two servers share, and one of them lies of its change of password: the other one keeps what it can open."""

from __future__ import annotations

import json
import sys

from lab import KINDS, NOW, Lab

ORDERED = {"repository_key_reason": "Cambio anual", "repository_key_authority": "Memorando 004-2027-OTI", "repository_key_shared_paths": True,
           "repository_key_lock_timeout": 60}

# The Python of a server that is no longer its owner's: it says of our module's work that it is done, from the step on that is asked for.
LIAR = """#!{python}
import json, re, subprocess, sys
given = sys.stdin.buffer.read()
named = re.search(rb"respaldo[./]plugins[./]modules[./](\\w+)", given)
if named and named.group(1) == b"backup_rekey" and ({always} or b'"step": "removed"' in given):
    sys.stdout.write(json.dumps({{"changed": True, "there": True, "opens": True, "former_opens": True, "removed": ["x"], "stays": [], "further": []}}))
    sys.exit(0)
sys.exit(subprocess.run([sys.executable, *sys.argv[1:]], input=given).returncode)
"""


class Shared(Lab):
    """Two servers with a system each, in one repository."""

    def __init__(self, top):
        super().__init__(top, KINDS["restic"])
        self.python = top / "python"
        self.lies("")

    def lies(self, when):
        self.python.write_text(LIAR.format(python=sys.executable, always=when == "always") if when else f'#!/bin/sh\nexec {sys.executable} "$@"\n', "utf-8")
        self.python.chmod(0o755)

    def hosts(self):
        hosts = {}
        for host, name in (("uno", "SIGA"), ("dos", "WEB")):
            (self.top / name).mkdir(exist_ok=True)
            (self.top / name / "f").write_text(name, "utf-8")
            source = {"type": "restic", "paths": [str(self.top / name)], "repository": "office"}
            hosts[host] = {**self.variables, "backup_systems": [{**self.system, "name": name, "source": source}]}
        hosts["dos"]["ansible_python_interpreter"] = str(self.python)
        return hosts

    def told(self, event):
        return [entry["host"] for entry in self.entries(event)]

    def rekey(self, host, **more):
        return self.run("repository_key", "--limit", host, "-e", json.dumps({**ORDERED, **more}))

    def works(self, target):
        """That the server which never lied copies and restores."""
        wanted = {"restore_host": "uno", "restore_kind": "file_server", "restore_system": "SIGA", "restore_target": str(target)}
        for status, out in (self.run("restore", "-e", json.dumps(wanted)), self.run("", "--limit", "uno", *NOW)):
            assert status == 0, out
        assert target.is_dir()


def test_a_server_that_lies_of_a_change_puts_no_password_in_force_that_others_can_not_open(tmp_path):
    lab = Shared(tmp_path)
    status, out = lab.run("", *NOW)
    assert status == 0 and sorted(lab.told("copy_made")) == ["dos", "uno"], out      # at once, in one repository: each waits for the other
    key = lab.entries("copy_made")[-1]["key_id"]

    lab.lies("always")
    status, out = lab.rekey("dos", repository_key_id=key)
    assert status == 2 and "RSP465" in out and "uno" in out, out
    assert not lab.told("repository_key_rotated") and not lab.told("repository_key_withdrawn") and lab.told("repository_key_failed") == ["dos"]
    lab.works(tmp_path / "vuelta")


def test_what_a_server_says_that_it_withdrew_and_opens_all_the_same_is_not_withdrawn(tmp_path):
    lab = Shared(tmp_path)
    assert lab.run("", *NOW)[0] == 0
    lab.lies("removed")
    status, out = lab.rekey("dos", repository_key_id=lab.entries("copy_made")[-1]["key_id"])
    assert status == 2 and "RSP465" in out, out
    assert lab.told("repository_key_rotated") == ["dos"] and not lab.told("repository_key_withdrawn")
    lab.works(tmp_path / "vuelta")
    status, out = lab.rekey("uno")
    assert status == 0 and lab.told("repository_key_withdrawn") == ["uno"], out


def test_a_password_in_force_that_opens_nothing_is_left_by_a_change_from_one_that_opens(tmp_path):
    """What a lie of before left, or a medium that came back from before the change."""
    lab = Shared(tmp_path)
    assert lab.run("", *NOW)[0] == 0
    keys = [next((path / "file_server").glob(".restic.*/repositorio/keys")) for path in lab.media.values()]
    before = [set(place.iterdir()) for place in keys]
    status, out = lab.rekey("uno", repository_key_id=lab.entries("copy_made")[-1]["key_id"], repository_key_former="kept")
    assert status == 0, out
    for place, there in zip(keys, before):
        for path in set(place.iterdir()) - there:
            path.unlink()
    status, out = lab.run("", "--limit", "uno", *NOW)
    assert status == 2 and "RSP802" in out, out

    wrong = lab.entries("repository_key_rotated")[-1]
    status, out = lab.rekey("uno", repository_key_id=wrong["key_id"])
    told = lab.entries("repository_key_rotated")[-1]
    assert status == 0 and told["key_reference"].endswith("repositorio.3") and "no abría disco, nas" in told["note_es"], out
    lab.works(tmp_path / "vuelta")
