# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two runs that are started for one scheduled copy: by the order of their entries exactly one of them makes it."""

from __future__ import annotations

import datetime
import itertools

import pytest

from plugins.plugin_utils._bitacora import rivals, who
from plugins.plugin_utils._bitacora.store import open_store

NOW = datetime.datetime.now(datetime.timezone.utc)
ME = who.identity()
DEAD = {**ME, "pid": 2 ** 22 + 1, "pid_start": "1"}
ELSEWHERE = {**ME, "controller": "otro"}


@pytest.fixture
def store(tmp_path):
    with open_store(str(tmp_path / "bitacora.sqlite")) as opened:
        yield opened


def run(store, name, facts=ME):
    store.append("run_started", {"run": name, **facts}, _at(), name)


def told(store, type_, name, label, **more):
    store.append(type_, {"run": name, "system": "SIGA", "kind": "database", "label": label, "host": "bd1", **more}, _at(), name)


def _at(hours=0.0):
    return (NOW - datetime.timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


def left(store, name, label="", now=NOW):
    return rivals.rival(store, name, "database", "SIGA", label, now)


def test_of_any_order_of_starts_one_goes_on(store):
    names = ["R1", "R2", "R3"]
    for name in names:
        run(store, name)
    # none sees another before there is a start
    assert [left(store, name) for name in names] == ["", "", ""]
    for name in names:
        told(store, "copy_started", name, "SIGA_20261122")
    going = [name for name in names if not left(store, name, "SIGA_20261122")]
    assert going == ["R1"]
    assert left(store, "R3", "SIGA_20261122") == "SIGA: no corresponde, porque otra ejecución empezó antes y está haciendo SIGA_20261122: R1"
    # one that comes later sees it before it takes a label
    run(store, "R4")
    assert "R1" in left(store, "R4")


TO = "Restaurado AnaQuispe_20261122, en el buzón AnaQuispe"


def gives(store, name, label="AnaQuispe_20261122", target=TO, **more):
    body = {"run": name, "system": "AnaQuispe", "kind": "mailbox", "label": label, "host": "correo", "target": target, **more}
    store.append("restore_started", body, _at(), name)


def held(store, name, now=NOW):
    found = rivals.restoring(store, name, "AnaQuispe_20261122", TO, now)
    return found and (found["run"], found["controller"])


def test_of_two_that_give_a_mailbox_back_the_first_goes_on(store):
    for name, facts in (("R0", DEAD), ("R1", ELSEWHERE), ("R2", ME), ("R3", ME)):
        run(store, name, facts)
    gives(store, "R0")      # its run is dead: it keeps nobody out
    assert held(store, "R2") is None
    gives(store, "R2", label="AnaQuispe_20261121", target=TO.replace("22", "21"))
    gives(store, "R2", target="/srv/otra")
    gives(store, "R2", simulated=True)
    gives(store, "R3")
    assert held(store, "R3") is None      # what goes elsewhere, or is simulated, is no rival
    gives(store, "R1")
    # by the order of entries, on whatever controller: a large mailbox takes hours
    assert held(store, "R3") is None and held(store, "R1") == ("R3", ME["controller"])
    store.append("restored", {"run": "R3", "system": "AnaQuispe", "kind": "mailbox", "label": "AnaQuispe_20261122", "host": "correo"}, _at(), "R3")
    assert held(store, "R1") is None
    run(store, "R4")
    gives(store, "R4")
    assert held(store, "R4") == ("R1", "otro") and held(store, "R4", NOW + datetime.timedelta(hours=19)) == ("R1", "otro")
    # of one that nobody sees it is not known for ever whether it lives; what it gave beside is told then (mail_doubled)
    assert held(store, "R4", NOW + datetime.timedelta(hours=21)) is None


def test_what_another_made_since_this_run_began_is_not_made_again(store):
    run(store, "R1")
    told(store, "copy_started", "R1", "SIGA_20261122")
    run(store, "R2")
    told(store, "copy_made", "R1", "SIGA_20261122", executed_by="programación «Noche» (según AWX; cuenta root)")
    store.append("run_ended", {"run": "R1"}, _at(), "R1")
    assert left(store, "R2") == ("SIGA: no corresponde, porque otra ejecución hizo SIGA_20261122 cuando esta ya había empezado: R1, "
                                 "programación «Noche» (según AWX; cuenta root)")
    # of what was there before it began its plan has decided
    run(store, "R3")
    assert left(store, "R3") == ""


@pytest.mark.parametrize("end", ["copy_failed", "copy_not_due", "copy_refused"])
def test_what_another_did_not_make_is_made(store, end):
    for name in ("R1", "R2"):
        run(store, name)
    told(store, "copy_started", "R1", "SIGA_20261122")
    told(store, end, "R1", "SIGA_20261122")
    assert left(store, "R2") == ""


def test_nothing_is_left_to_the_dead_to_simulations_or_to_other_systems(store):
    run(store, "R1", DEAD)
    told(store, "copy_started", "R1", "SIGA_20261122")
    run(store, "R2")
    told(store, "copy_started", "R2", "SIGA_20261122", simulated=True)
    told(store, "copy_started", "R2", "OTRO_20261122", system="OTRO")
    told(store, "copy_started", "R2", "SIGA_20261122", kind="source_code")
    run(store, "R3")
    # a copy of a dead run that another adopted now is an old one
    told(store, "copy_made", "R2", "SIGA_20261120", adopted_run="R0")
    assert left(store, "R3") == ""


@pytest.mark.parametrize(("facts", "hours"), [(ELSEWHERE, 1), (ME, 20)], ids=["not seen from here", "alive"])
def test_a_copy_is_left_to_a_run_for_so_long_and_no_longer(store, facts, hours):
    run(store, "R1", facts)
    told(store, "copy_started", "R1", "SIGA_20261122")
    run(store, "R2")
    assert "R1" in left(store, "R2", now=NOW + datetime.timedelta(hours=hours - 0.5))
    assert left(store, "R2", now=NOW + datetime.timedelta(hours=hours + 0.5)) == ""
    # its clock was ahead, and this one is right: nobody waits for years
    assert left(store, "R2", now=NOW - datetime.timedelta(days=3000)) == ""


def test_every_interleaving_of_two_runs_leaves_one_copy(store):
    """Each run: begins, looks, writes its start, looks again, writes its end. Whatever the order, one makes it, and no one twice."""
    steps = ("begin", "look", "start", "again", "end")
    with store.exclusive():
        for number, order in enumerate(_orders(len(steps))):
            at, left_it, system = {"A": 0, "B": 0}, set(), f"S{number}"
            for name in order:
                step, own = steps[at[name]], f"{name}{number}"
                at[name] += 1
                if name in left_it:
                    continue
                if step == "begin":
                    run(store, own)
                elif step in ("look", "again"):
                    if rivals.rival(store, own, "database", system, "L" if step == "again" else "", NOW):
                        left_it.add(name)
                        told(store, "copy_not_due", own, "L" if step == "again" else "", system=system)
                else:
                    told(store, "copy_started" if step == "start" else "copy_made", own, "L", system=system)
            made = store.entries(type="copy_made", system=system)
            # one after the other is for the plan to decide, which is not played here
            assert len(made) == (2 if order.index("B") == len(steps) else 1), order


def _orders(steps):
    """All orders in which two runs of so many steps can take them, the first step A's: those of B are the same with other names."""
    for places in itertools.combinations(range(1, 2 * steps), steps - 1):
        yield "".join("A" if place in (0, *places) else "B" for place in range(2 * steps))
