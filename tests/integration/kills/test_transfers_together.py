# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies that one task carries together: each has its entry, none hides another, and a run that is killed half-way is settled by the next."""

from __future__ import annotations

import json
import re
import shutil

import lab as laboratory
from lab import NOW, Lab, kill, wait_for

from plugins.plugin_utils._bitacora.store import open_store

SYSTEMS = ("SIGA", "SIAF", "SEACE", "RENIEC", "SISMED")


def standing(lab, medium):
    """label -> directory of what has its name on a medium."""
    return {path.name: path for path in (lab.media[medium] / lab.kind).glob("*/*") if not path.name.startswith(".")}


def carried(lab):
    with open_store(str(lab.bitacora), readonly=True) as store:
        last = store.entries(type=("run_started",))[-1]["run"]
        return {entry["label"]: entry for entry in store.entries(run=last, type=("copy_transferred", "transfer_failed"))}


def test_each_has_its_entry_whatever_became_of_the_others(tmp_path):
    lab = Lab(tmp_path, laboratory.sqlite)
    lab.system["media"] = ["disco"]
    lab.variables.update(backup_repository="nas", backup_systems=[{**lab.system, "name": name} for name in SYSTEMS], common_install_tools=True)
    status, out = lab.run("", *NOW)
    # tools are looked for each night; the package manager is asked only where one is missing
    assert status == 0 and ": Look for the tools]" in out, out
    for task in ("Learn the package manager", "Install the packages that bring them"):
        assert re.search(task + r"\] \*+\nskipping: \[uno\]\n", out), out
    made = standing(lab, "disco")
    siga, siaf, seace, reniec, sismed = (next(label for label in made if label.startswith(name + "_")) for name in SYSTEMS)

    # one is damaged where it lies, of one another stands there under its label, one stands there whole: a run that died carried it
    data = next(path for path in made[siaf].iterdir() if path.name.endswith(".gpg"))
    whole = data.read_bytes()
    data.write_bytes(b"x" * 100 + whole[100:])
    for label in (seace, reniec):
        shutil.copytree(made[label], lab.media["nas"] / lab.kind / made[label].parent.name / label)
    (standing(lab, "nas")[seace] / "SHA256SUMS").write_bytes(b"0" * 64 + b"  x\n")
    status, out = lab.run("transfer", "--check")
    assert set(standing(lab, "nas")) == {seace, reniec}, out
    status, out = lab.run("transfer")
    told = carried(lab)
    assert status == 2 and out.count("TASK [perucompras.respaldo.repository : Carry the copies and hash") == 1, out
    assert {label: entry.get("error_code", "") for label, entry in told.items()} == {
        siga: "", siaf: "RSP501", seace: "RSP403", reniec: "", sismed: ""}, out
    assert "no llegó a asentarlo" in told[reniec]["note_es"]
    assert {told[label]["trust_level"] for label in (siga, reniec, sismed)} == {"T2"} and told[siga]["medium"] == "nas"
    assert set(standing(lab, "nas")) == {siga, seace, reniec, sismed}
    assert {path.name: path.read_bytes() for path in standing(lab, "nas")[siga].iterdir()} == {
        path.name: path.read_bytes() for path in made[siga].iterdir()}

    # only what is left, once it is mended; killed when the first has its name
    data.write_bytes(whole)
    shutil.rmtree(standing(lab, "nas")[seace])
    process = lab.start("transfer")
    assert wait_for(lambda: {siaf, seace} & set(standing(lab, "nas")), process), (tmp_path / "out").read_text("utf-8")
    kill(process)
    lab.wait_for_survivors()
    status, out = lab.run("transfer")
    assert status == 0 and set(standing(lab, "nas")) == set(made), out
    with open_store(str(lab.bitacora), readonly=True) as store:
        ends = [entry["label"] for entry in store.entries(type=("copy_transferred",))]
        assert sorted(ends) == sorted(made), json.dumps(ends)
        assert store.verify().whole
    assert not [path for path in (lab.media["nas"] / lab.kind).glob("*/.*") if path.name != ".lock"]
