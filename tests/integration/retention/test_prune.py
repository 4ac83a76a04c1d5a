# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Retention under attack: real copies on a real medium, pruned by the playbook. The last good copy is there each time.

prune.yml runs backup_retention and backup_prune; hold.yml runs backup_hold.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from plugins.plugin_utils._bitacora.store import open_store

ROOT = Path(__file__).resolve().parents[3]
# labels are of the policy's day, which for five hours is not that of UTC
LIMA = datetime.timezone(datetime.timedelta(hours=-5))


class House:
    """An institution with one database, its medium, its bitácora and a policy of its own."""

    def __init__(self, top):
        self.top, self.shelf, self.bitacora = top, top / "copias" / "database" / "SIGA", top / "state" / "bitacora.sqlite"
        self.policy = yaml.safe_load((ROOT / "policies" / "manual-001-2019.yml").read_text("utf-8"))
        self.policy["minimum_copies"] = 2
        self.policy["kinds"]["database"]["retention"] = {"points": 2}
        with sqlite3.connect(top / "siga.sqlite") as database:
            database.execute("CREATE TABLE t (a)")
            database.execute("INSERT INTO t VALUES (1)")

    def inventory(self):
        path = self.top / "inventory.yml"
        (self.top / "policy.yml").write_text(yaml.safe_dump(self.policy, allow_unicode=True), "utf-8")
        system = {"name": "SIGA", "kind": "database", "criticality": "baja", "office": "OTI",
                  "source": {"type": "sqlite", "path": str(self.top / "siga.sqlite")}}
        path.write_text(json.dumps({"all": {"hosts": {"localhost": {
            "ansible_connection": "local", "ansible_python_interpreter": sys.executable, "backup_systems": [system], "common_install_tools": False,
            "backup_policy_file": str(self.top / "policy.yml"),
            "backup_media": [{"name": "local", "path": str(self.top / "copias"), "create": True}]}}}}), "utf-8")
        return path

    def command(self, playbook, *options):
        return [os.path.join(os.path.dirname(sys.executable), "ansible-playbook"), "-i", str(self.inventory()), f"playbooks/{playbook}.yml", *options]

    def settings(self):
        return dict(os.environ, RESPALDO_BITACORA=str(self.bitacora), ANSIBLE_LOCAL_TEMP=str(self.top / "ansible"), HOME=str(self.top))

    def run(self, playbook, *options):
        return subprocess.run(self.command(playbook, *options), cwd=ROOT, env=self.settings(), capture_output=True, text=True, timeout=180, check=False)

    def labels(self):
        return sorted(path.name for path in self.shelf.iterdir() if not path.name.startswith("."))

    def entries(self, *types):
        with open_store(str(self.bitacora), readonly=True) as store:
            return store.entries(type=types)

    def age(self, copies):
        """Write into the bitácora, and onto the medium, copies of earlier days: real ones, under their own labels."""
        newest = self.labels()[0]
        made = self.entries("copy_made")[0]
        kept = ("trust_level", "size", "medium", "criticality", "office", "numeral", "source_type", "source")
        with open_store(str(self.bitacora)) as store:
            for days in sorted(copies, reverse=True):
                then = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=days)
                label = then.astimezone(LIMA).strftime("SIGA_%Y%m%d")
                digest = self.clone(newest, label)
                at = then.strftime("%Y-%m-%dT%H:%M:%SZ")
                store.append("copy_made", {**{name: made[name] for name in kept}, "host": "localhost", "system": "SIGA", "kind": "database", "label": label,
                                           "started_at": at, "sha256": digest, "event": "copy_made"}, at, "test")
        return made

    def clone(self, label, as_label):
        """The same copy under another label, with its manifest and its sums."""
        target = self.shelf / as_label
        target.mkdir()
        sums = []
        for path in sorted((self.shelf / label).iterdir()):
            if path.name == "SHA256SUMS":
                continue
            bytes_ = path.read_bytes().replace(label.encode(), as_label.encode()) if path.suffix == ".json" else path.read_bytes()
            (target / path.name.replace(label, as_label)).write_bytes(bytes_)
            sums.append(f"{hashlib.sha256(bytes_).hexdigest()}  {path.name.replace(label, as_label)}\n")
        (target / "SHA256SUMS").write_text("".join(sums), "ascii")
        return hashlib.sha256((target / "SHA256SUMS").read_bytes()).hexdigest()


@pytest.fixture
def house(tmp_path):
    made = House(tmp_path)
    first = made.run("database")
    assert first.returncode == 0, first.stdout + first.stderr
    made.age([1, 2, 3, 4])
    return made


def today(house):
    return house.labels()[-1]


def test_what_exceeds_goes_is_recorded_and_check_mode_only_tells(house):
    before = house.labels()
    told = house.run("prune", "--check", "--diff")
    assert told.returncode == 0, told.stdout + told.stderr
    assert house.labels() == before
    assert f"se retira {before[0]}" in told.stdout and "excede la retención de la política (2 puntos)" in told.stdout
    assert not house.entries("copy_pruned") and len(house.entries("prune_simulated")) == 3

    done = house.run("prune")
    assert done.returncode == 0, done.stdout + done.stderr
    assert house.labels() == before[-2:]
    removed = house.entries("copy_pruned")
    assert [entry["label"] for entry in removed] == before[:3]
    assert all(entry["medium"] == "local" and "2 puntos" in entry["reason_text"] and entry["numeral"] == "7.2.1" for entry in removed)
    assert house.entries("prune_started")[-1]["n"] < removed[0]["n"]

    again = house.run("prune")
    assert again.returncode == 0 and house.labels() == before[-2:]
    assert len(house.entries("copy_pruned")) == 3
    shown = house.run("verify", "-e", "verify_copies=0")
    assert shown.returncode == 0, shown.stdout + shown.stderr


def test_a_corrupted_newest_copy_stops_the_prune_until_it_is_mended(house):
    before = house.labels()
    victim = next(path for path in (house.shelf / today(house)).iterdir() if path.name not in ("SHA256SUMS",) and path.suffix != ".json")
    whole = victim.read_bytes()
    victim.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    refused = house.run("prune")
    assert refused.returncode == 2 and "RSP407" in refused.stdout
    assert house.labels() == before and not house.entries("copy_pruned")
    assert house.entries("prune_failed")[-1]["error_code"] == "RSP407"
    victim.write_bytes(whole)
    assert house.run("prune").returncode == 0
    assert house.labels() == before[-2:]


def test_a_ghost_does_not_let_the_real_copies_go(house):
    """The bitácora knows a newer copy that nobody has: removing the older ones by it would leave nothing."""
    subprocess.run(["rm", "-rf", str(house.shelf / today(house))], check=True)
    before = house.labels()
    refused = house.run("prune")
    assert refused.returncode == 2 and "RSP407" in refused.stdout
    assert house.labels() == before


@pytest.mark.parametrize("wrong", [{"points": 0}, {"points": -1}, {"days": 0}])
def test_a_policy_of_zero_copies_is_refused(house, wrong):
    before = house.labels()
    house.policy["kinds"]["database"]["retention"] = wrong
    refused = house.run("prune")
    assert refused.returncode == 2 and "RSP101" in refused.stdout
    assert house.labels() == before


def test_an_empty_history_removes_nothing(house):
    before = house.labels()
    house.bitacora = house.top / "other" / "bitacora.sqlite"
    done = house.run("prune")
    assert done.returncode == 0, done.stdout + done.stderr
    assert house.labels() == before


def test_a_clock_ten_years_ahead_is_refused_and_even_confirmed_leaves_the_last_good(house):
    before = house.labels()
    house.policy["kinds"]["database"]["retention"] = {"days": 30}
    with open_store(str(house.bitacora)) as store:
        store._connection.execute("DROP TRIGGER entries_refuse_update")
        earlier = "strftime('%Y-%m-%dT%H:%M:%SZ', {0}, '-3653 days')"
        store._connection.execute("UPDATE entries SET at_recorded = " + earlier.format("at_recorded") + ", at_event = " + earlier.format("at_event"))
        store._connection.execute("UPDATE entries SET body = json_set(body, '$.started_at', " + earlier.format("json_extract(body, '$.started_at')")
                                  + ") WHERE json_extract(body, '$.started_at') IS NOT NULL")
    refused = house.run("prune")
    assert refused.returncode == 2 and "RSP408" in refused.stdout
    assert house.labels() == before
    confirmed = house.run("prune", "-e", "prune_clock_confirmed=true")
    assert confirmed.returncode == 0, confirmed.stdout + confirmed.stderr
    assert house.labels() == before[-2:]


def test_two_prunes_at_once_leave_what_one_would(house):
    before = house.labels()
    running = [subprocess.Popen(house.command("prune", "-e", "prune_lock_timeout=60"), cwd=ROOT, env=house.settings(), stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True) for _ in range(2)]
    told = [process.communicate(timeout=180)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0], told
    assert house.labels() == before[-2:]


def test_a_prune_that_is_killed_leaves_whole_copies_and_the_next_ends_it(house):
    before = house.labels()
    process = subprocess.Popen(house.command("prune"), cwd=ROOT, env=house.settings(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               start_new_session=True)
    deadline = time.monotonic() + 60
    while house.labels() == before and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.001)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert set(house.labels()) >= set(before[-2:])
    done = house.run("prune")
    assert done.returncode == 0, done.stdout + done.stderr
    assert house.labels() == before[-2:]
    assert {entry["label"] for entry in house.entries("copy_pruned")} == set(before[:3])
    assert not [path for path in house.shelf.iterdir() if path.name.endswith(".pruned")]


def test_what_is_held_stays_until_it_is_let_go(house):
    before = house.labels()
    hold = ["-e", json.dumps({"hold_system": "SIGA", "hold_kind": "database", "hold_label": before[0], "hold_reason": "Investigación del OCI"})]
    held = house.run("hold", *hold)
    assert held.returncode == 0 and house.run("hold", *hold).returncode == 0, held.stdout
    assert [entry["reason_text"] for entry in house.entries("copy_held")] == ["Investigación del OCI"]
    assert house.run("prune").returncode == 0
    assert house.labels() == [before[0], *before[-2:]]
    assert house.run("hold", *hold, "-e", "hold_state=absent").returncode == 0
    assert house.run("prune").returncode == 0
    assert house.labels() == before[-2:]
    unknown = house.run("hold", "-e", json.dumps({"hold_system": "SIGA", "hold_kind": "database", "hold_label": "SIGA_19990101", "hold_reason": "x"}))
    assert unknown.returncode == 2 and "RSP405" in unknown.stdout
