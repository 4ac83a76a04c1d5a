# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A system of one kind on two media, plays of it that are killed, and what must hold after the run that follows."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import yaml

from plugins.plugin_utils._bitacora.store import open_store

ROOT = Path(__file__).resolve().parents[3]
PLAYBOOKS = {"database": "database", "source_code": "source_code", "file_server": "file_server"}
NOW = ("-e", "backup_emergency_reason=prueba")
LIMIT = 600      # seconds for a play, on a machine that is busy with everything else


def sqlite(top):
    with contextlib.closing(sqlite3.connect(top / "siga.sqlite")) as database, database:
        database.executescript("CREATE TABLE IF NOT EXISTS t (a); INSERT INTO t VALUES (hex(randomblob(20000)));")
    return {"kind": "database", "source": {"type": "sqlite", "path": str(top / "siga.sqlite")}}


def git(top):
    work = top / "repo"
    if not work.exists():
        subprocess.run(["git", "init", "-q", str(work)], check=True)
    (work / "a").write_text(str(random.random()), "utf-8")
    subprocess.run(["git", "-C", str(work), "add", "a"], check=True)
    subprocess.run(["git", "-C", str(work), "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "a"], check=True)
    return {"kind": "source_code", "source": {"type": "git", "path": str(work)}}


def paths(top):
    (top / "fuentes" / "b").mkdir(parents=True, exist_ok=True)
    (top / "fuentes" / "b" / "c").write_text(str(random.random()) * 1000, "utf-8")
    return {"kind": "source_code", "source": {"type": "paths", "paths": [str(top / "fuentes")]}}


def restic(top):
    (top / "carpeta").mkdir(exist_ok=True)
    (top / "carpeta" / "d").write_bytes(random.randbytes(30000))
    return {"kind": "file_server", "source": {"type": "restic", "paths": [str(top / "carpeta")]}}


def mariadb(server):
    """Of a server that runs: what makes the system."""
    def make(_top):
        server.sql("CREATE DATABASE IF NOT EXISTS sigm; CREATE TABLE IF NOT EXISTS sigm.t (a TEXT); INSERT INTO sigm.t VALUES (REPEAT(UUID(), 500))")
        return {"kind": "database", "source": {"type": "mariadb", **server.options(databases=["sigm"])}}
    return make


KINDS = {"sqlite": sqlite, "git": git, "paths": paths, "restic": restic}


class Lab:
    """One system. It is encrypted where its criticality asks for it: the key must be in custody for each copy that has its entry."""

    def __init__(self, top, make):
        self.top, self.make, self.bitacora = top, make, top / "state" / "bitacora.sqlite"
        self.media = {"disco": top / "disco", "nas": top / "nas"}
        self.system = {"name": "SIGA", "criticality": "alta", "office": "OTI", **make(top)}
        self.kind = self.system["kind"]
        policy = yaml.safe_load((ROOT / "policies" / "manual-001-2019.yml").read_text("utf-8"))
        # T3 is a verification of its own, after the copy has its entry
        for rule in policy["criticality"].values():
            rule["required_trust"] = "T2"
        policy["minimum_copies"] = 1
        self.rules = policy
        self.variables = {
            "ansible_connection": "local", "ansible_python_interpreter": sys.executable, "common_install_tools": False, "backup_systems": [self.system],
            "backup_assigned_paths": [str(top)],
            "backup_policy_file": str(top / "policy.yml"), "backup_custody_directory": str(top / "custodia"),
            "backup_media": [{"name": name, "path": str(path), "create": True} for name, path in self.media.items()]}
        (top / "vault").write_text("clave de la bóveda\n", "utf-8")

    def hosts(self):
        return {"uno": self.variables}

    def shelf(self, medium):
        return self.media[medium] / self.kind / "SIGA"

    def start(self, playbook="", *options):
        (self.top / "policy.yml").write_text(yaml.safe_dump(self.rules, allow_unicode=True), "utf-8")
        (self.top / "inventory.yml").write_text(json.dumps({"all": {"hosts": self.hosts()}}), "utf-8")
        command = [os.path.join(os.path.dirname(sys.executable), "ansible-playbook"), "-i", str(self.top / "inventory.yml"), "--vault-password-file",
                   str(self.top / "vault"), f"playbooks/{playbook or PLAYBOOKS[self.kind]}.yml", *options]
        settings = dict(os.environ, RESPALDO_BITACORA=str(self.bitacora), ANSIBLE_LOCAL_TEMP=str(self.top / "ansible"), HOME=str(self.top),
                        RESPALDO_BITACORA_JOURNAL=str(self.top / "journal"))
        with open(self.top / "out", "w", encoding="utf-8") as out:
            return subprocess.Popen(command, cwd=ROOT, env=settings, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)

    def run(self, playbook="", *options):
        """A play to its end: its status, and what it printed."""
        status = self.start(playbook, *options).wait(LIMIT)
        return status, (self.top / "out").read_text("utf-8")

    def wait_for_survivors(self):
        """Until nothing runs any more of plays that were killed: since ansible-core 2.19 a worker has a session of its own, and what it does on its
        server goes on, and holds what it held, as it would over SSH."""
        limit = time.monotonic() + LIMIT
        while alive := processes_of_home(self.top):
            assert time.monotonic() < limit, alive
            time.sleep(0.05)

    def entries(self, *types):
        with open_store(str(self.bitacora), readonly=True) as store:
            return store.entries(type=types)

    def copies(self):
        with open_store(str(self.bitacora), readonly=True) as store:
            return store.copies(self.kind, "SIGA")

    def standing(self, medium):
        """label -> digest of the copies that have their name on a medium."""
        shelf = self.shelf(medium)
        found = [path for path in shelf.iterdir() if not path.name.startswith(".")] if shelf.is_dir() else []
        return {path.name: hashlib.sha256((path / "SHA256SUMS").read_bytes()).hexdigest() for path in found}

    def rests(self):
        """What dead runs left, by its ending."""
        return sorted(path.name for medium in self.media for path in (self.shelf(medium).iterdir() if self.shelf(medium).is_dir() else ())
                      if path.name.startswith(".") and path.suffix in (".partial", ".sealed", ".pruned"))

    def problems(self):
        """What does not hold, in words: entries and copies agree on each medium, the chain is whole, each copy's key is kept, nothing half-made lies there."""
        found = []
        copies = self.copies()
        for medium in self.media:
            told = {copy["label"]: copy["sha256"] for copy in copies if medium in copy["media"]}
            there = self.standing(medium)
            found += [f"{medium}: {label} without its entry" for label in there if label not in told]
            found += [f"{medium}: the entry of {label} without its copy" for label in told if label not in there]
            found += [f"{medium}: {label} differs" for label in told if label in there and told[label] != there[label]]
        found += [f"damaged: {copy['label']}" for copy in copies if not all(copy["media"].values())]
        with open_store(str(self.bitacora), readonly=True) as store:
            found += [f"chain: {finding}" for finding in store.verify().findings]
        for copy in copies:
            reference = copy.get("key_reference", "")
            if reference and not list((self.top / "custodia").rglob(reference.rpartition("/")[2] + "*.yml")):
                found.append(f"no key of {copy['label']}: {reference}")
        return found + [f"left: {name}" for name in self.rests() if not name.endswith(".sealed")]


def processes_of_home(home):
    """The numbers of the processes of this machine whose home is that directory."""
    wanted, found = b"HOME=" + os.fsencode(home), []
    for number in filter(str.isdecimal, os.listdir("/proc")):
        with contextlib.suppress(OSError):      # it ended meanwhile
            if wanted in Path("/proc", number, "environ").read_bytes().split(b"\0"):
                found.append(int(number))
    return found


def kill(process, how="group"):
    """SIGKILL to the whole play, or to its controller alone."""
    with contextlib.suppress(ProcessLookupError):
        (os.killpg if how == "group" else os.kill)(process.pid, signal.SIGKILL)
    process.wait(LIMIT)


def wait_for(condition, process, seconds=LIMIT):
    """Until something is so; False when the play ended before."""
    limit = time.monotonic() + seconds
    looked = time.monotonic()
    while not condition():
        if process.poll() is not None or time.monotonic() > limit:
            return False
        # looking takes no more than half a processor, which the play needs too
        time.sleep(min(0.02, max(0.002, time.monotonic() - looked)))
        looked = time.monotonic()
    return True


class Stopped:
    """The bitácora takes no entry after the seal of a copy (or another): the play can only wait, and is killed with its work done and not recorded."""

    def __init__(self, lab, after="copy_sealed"):
        self.lab, self.after, self.lock = lab, after, None

    def sealed(self):
        try:
            if self.lock is None:
                self.lock = sqlite3.connect(self.lab.bitacora.as_uri() + "?mode=rw", uri=True, timeout=0, isolation_level=None)
            if self.lock.execute("SELECT 1 FROM entries WHERE type = ? AND n > ?", (self.after, self.before)).fetchone():
                self.lock.execute("BEGIN IMMEDIATE")
                return True
        except sqlite3.Error:
            self.close()
        return False

    def close(self):
        if self.lock is not None:
            self.lock.close()
        self.lock = None

    def play(self, until, how="group", playbook="", options=NOW):
        """Run a playbook, and kill it when `until` holds after that entry."""
        self.before = max([entry["n"] for entry in self.lab.entries()], default=0) if self.lab.bitacora.exists() else 0
        process = self.lab.start(playbook, *options)
        try:
            assert wait_for(self.sealed, process), (self.lab.top / "out").read_text("utf-8")
            assert wait_for(until, process), (self.lab.top / "out").read_text("utf-8")
        finally:
            kill(process, how)
            self.close()
