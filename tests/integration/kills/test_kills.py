# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that is killed leaves nothing that the next one does not settle (backup_settle): no copy without its entry, no entry without its copy.

RESPALDO_KILLS=500 kills as many plays at random moments (RESPALDO_KILLS_SEED chooses others); without it a few. RESPALDO_KILLS_EACH=5 kills so many plays
of a system one after the other, each of which meets what the one before left, and only then lets one end: twice as many kills in the same time.
"""

from __future__ import annotations

import os
import random
import shutil
import time

import lab as laboratory
import pytest
from databases.conftest import Maria, running
from lab import KINDS, NOW, Lab, Stopped, kill, wait_for

KILLS, SEED, EACH = (int(os.environ.get("RESPALDO_KILLS" + name, default)) for name, default in (("", "1"), ("_SEED", "14"), ("_EACH", "1")))


def test_a_copy_whose_run_died_before_its_entry_is_adopted_and_what_is_not_it_is_not(tmp_path):
    lab = Lab(tmp_path, laboratory.sqlite)
    Stopped(lab).play(lambda: lab.standing("disco") and lab.standing("nas"))
    label, digest = next(iter(lab.standing("nas").items()))
    assert not lab.copies() and [entry["sha256"] for entry in lab.entries("copy_sealed")] == [digest]

    # whoever may write to both media put another copy in its place: nothing is made of it, nothing is removed, and each night says so
    for medium in lab.media:
        shutil.copytree(lab.shelf(medium) / label, lab.top / ("kept_" + medium))
        (lab.shelf(medium) / label / "SHA256SUMS").write_bytes(b"0" * 64 + b"  x\n")
    status, out = lab.run()
    assert status == 2 and "RSP427" in out, out
    assert [(entry["label"], entry["error_code"]) for entry in lab.entries("verification_failed")] == [(label, "RSP427")]
    assert label not in [copy["label"] for copy in lab.copies()] and label in lab.standing("disco"), "it is no copy, and it is not touched"

    # with its own bytes on one medium, and still sealed on the other, it gets its name there too
    for medium in lab.media:
        shutil.rmtree(lab.shelf(medium) / label)
        shutil.move(lab.top / ("kept_" + medium), lab.shelf(medium) / (label if medium == "disco" else f".{label}.sealed"))
    status, out = lab.run()
    assert status == 0 and "Adoptada por la ejecución" in out, out
    adopted = next(copy for copy in lab.copies() if copy["label"] == label)
    dead = lab.entries("copy_sealed")[0]["run"]
    assert (adopted["media"], adopted["trust_level"], adopted["adopted_run"]) == ({"disco": "T2", "nas": "T2"}, "T2", dead)
    assert dead in adopted["note_es"] and adopted["run"] in adopted["note_es"] and adopted["run"] != dead
    assert adopted["key_reference"] and adopted["encrypted"] and adopted["started_at"] == lab.entries("copy_sealed")[0]["started_at"]
    assert not lab.problems()


@pytest.mark.parametrize("kind", ["restic"])
def test_a_copy_of_a_file_server_too(tmp_path, kind):
    lab = Lab(tmp_path, KINDS[kind])
    Stopped(lab).play(lambda: lab.standing("disco") and lab.standing("nas"))
    status, out = lab.run()
    assert status == 0 and "Adoptada por la ejecución" in out, out
    assert len(lab.copies()) == 1 and not lab.problems()


def test_what_a_transfer_carried_and_a_removal_took_without_their_entries(tmp_path):
    lab = Lab(tmp_path, laboratory.sqlite)
    lab.system["media"] = ["disco"]
    lab.variables["backup_repository"] = "nas"
    for _copy in range(2):
        status, out = lab.run("", *NOW)
        assert status == 0, out
    first, second = sorted(lab.standing("disco"))
    # as a transfer leaves it that dies before its entry
    for label in (first, second):
        shutil.copytree(lab.shelf("disco") / label, lab.shelf("nas") / label)
    sums = lab.shelf("nas") / second / "SHA256SUMS"
    whole = sums.read_text("utf-8")
    sums.write_text(whole.replace("0", "1", 1), "utf-8")
    status, out = lab.run("transfer")
    told = {entry["label"]: entry for entry in lab.entries("copy_transferred", "transfer_failed")}
    assert status == 2 and told[second]["error_code"] == "RSP403", out
    assert told[first]["type"] == "copy_transferred" and "no llegó a asentarlo" in told[first]["note_es"] and told[first]["trust_level"] == "T2"
    sums.write_text(whole, "utf-8")

    lab.rules["kinds"]["database"]["retention"] = {"points": 1}
    Stopped(lab, "prune_started").play(lambda: first not in lab.standing("disco"), playbook="prune", options=())
    status, out = lab.run("reconcile")
    assert status == 0 and f"retirada {first}" in out and f"asentada {second}" in out, out
    assert not lab.entries("copy_damaged", "stray_found")
    assert [entry["label"] for entry in lab.entries("copy_pruned") if entry["medium"] == "disco"][:1] == [first]
    assert [problem for problem in lab.problems() if "entry" in problem or "differs" in problem] == []


def a_kill(lab, chance, lasts):
    """One play, killed somewhere; where is told. `lasts` is how many seconds a whole one takes: the machine may be busy."""
    process, how = lab.start("", *NOW), chance.choice(("group", "group", "controller"))
    began, aim = time.monotonic(), chance.choice(("any", "sealed", "named", "named"))
    before = {medium: names(lab, medium, aim) for medium in lab.media}
    if aim == "any":
        moment = chance.uniform(0, lasts)
        wait_for(lambda: time.monotonic() - began > moment, process)
    else:
        wait_for(lambda: any(names(lab, medium, aim) - before[medium] for medium in lab.media), process)
        time.sleep(chance.uniform(0, 0.3))
    kill(process, how)
    return f"{how} at {aim}"


def names(lab, medium, aim):
    """What lies on a medium by its name, or sealed."""
    shelf = lab.shelf(medium)
    found = {path.name for path in shelf.iterdir()} if shelf.is_dir() else set()
    return {name for name in found if (name.endswith(".sealed") if aim == "sealed" else not name.startswith("."))}


@pytest.fixture
def kinds():
    """The kinds that are killed; a server of MariaDB is started only where there are kills enough to come to it."""
    if len(KINDS) >= KILLS:
        yield KINDS
        return
    for server in running(Maria, "mysql", "mariadb-server"):
        yield {**KINDS, "mariadb": laboratory.mariadb(server)}


def test_after_the_next_run_nothing_is_left(tmp_path, kinds):
    labs = {name: Lab(tmp_path / name, make) for name, make in kinds.items() if not (tmp_path / name).mkdir()}
    chance, adopted, found, lasts = random.Random(SEED), 0, [], dict.fromkeys(labs, 12.0)
    done = 0
    while done < KILLS:
        name = list(labs)[done // EACH % len(labs)]
        lab = labs[name]
        before = len(lab.entries()) if lab.bitacora.exists() else 0
        wheres = []
        for _each in range(min(EACH, KILLS - done)):
            lab.make(lab.top)
            wheres.append(a_kill(lab, chance, lasts[name]))
        done += len(wheres)
        lab.wait_for_survivors()
        where, began = "; ".join(wheres), time.monotonic()
        status, out = lab.run("", *NOW)
        lasts[name] = max(12.0, time.monotonic() - began)
        fresh = lab.entries()[before:]
        adopted += sum(1 for entry in fresh if entry["type"] == "copy_made" and entry.get("adopted_run"))
        wrong = lab.problems() + ([f"status {status}: {out[-2000:]}"] if status else [])
        found += [f"kill {done} of {name}, {where}: {each}" for each in wrong]
        told = ", ".join(entry["type"] for entry in fresh if entry["type"].startswith("copy"))
        print(f"kill {done} of {name}, {where}: {told}; wrong: {wrong}", flush=True)
    print(f"{KILLS} kills, {adopted} adopted, {len(found)} wrong")
    assert not found, "\n".join(found)
