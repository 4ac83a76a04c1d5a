# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that are copied at the same time: one small database each; and one server that answers only when all the others are done."""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
import threading
import time
from argparse import Namespace
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import measuring
from institution import SERVERS_PYTHON
from measuring import TOP, Used

SHIPPED, FREE, LINEAR = "database.yml", "strategy: free", "strategy: linear"
HEADS = ["wall s", "CPU s", "CPU s a server", "copies at once", "controller MiB"]
_LIMIT = 1800      # seconds that the slow server waits for the others, however busy the machine


class Servers:
    """So many servers of a local connection, each with a SQLite database of its own; `slow` is the last one's."""

    def __init__(self, work: Path, hosts: int, settings: Callable[[Path, Path, Path | None], dict[str, str]], slow: bool = False) -> None:
        self.work, self.hosts, self.settings, self.slow = work, hosts, settings, slow
        (work / "home").mkdir(parents=True)
        with closing(sqlite3.connect(work / "app.sqlite")) as database:
            database.execute("CREATE TABLE expediente AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) SELECT i FROM n")
        sources: list[dict[str, Any]] = [{"type": "sqlite", "path": str(work / "app.sqlite")} for _host in range(hosts)]
        if slow:
            # it answers when the gate is open; by itself after its limit, so that nothing waits for ever
            waiting = f"n=0; while [ ! -e {work}/gate ] && [ $n -lt {_LIMIT}0 ]; do sleep 0.1; n=$((n+1)); done; cat {work}/app.sqlite"
            sources[-1] = {"type": "command", "dump": ["/bin/sh", "-c", waiting], "verify": ["/bin/sh", "-c", "cat >/dev/null"],
                           "restore": ["/bin/sh", "-c", "cat >/dev/null"], "extension": "sqlite"}
        common = {
            "ansible_connection": "local", "ansible_python_interpreter": SERVERS_PYTHON, "common_install_tools": False,
            "backup_emergency_reason": "banco de pruebas", "backup_local_state": str(work / "run" / "state"),
            "backup_media": [{"name": "disco", "type": "local", "path": str(work / "run" / "media"), "create": True}],
        }
        (work / "inventory.json").write_text(json.dumps({"all": {"vars": common, "hosts": {
            f"srv{host:02}": {"backup_systems": [{"name": f"SISTEMA{host:03}", "kind": "database", "criticality": "baja", "office": "OTI", "source": source}]}
            for host, source in enumerate(sources)}}}), "utf-8")
        for way, words in ((FREE, "ansible.builtin.free"), (LINEAR, "ansible.builtin.linear")):
            play = {"name": "Copies", "hosts": "all", "gather_facts": False, "strategy": words, "roles": ["perucompras.respaldo.database"]}
            (work / (way.replace(": ", "-") + ".yml")).write_text(json.dumps([play]), "utf-8")

    @property
    def bitacora(self) -> Path:
        return self.work / "run" / "bitacora" / "bitacora.sqlite"

    def once(self, way: str) -> tuple[Used, int]:
        """What it used, and how many copies were being made at once. A run of which a copy is missing is no figure."""
        shutil.rmtree(self.work / "run", ignore_errors=True)
        (self.work / "run").mkdir()
        playbook = TOP / "playbooks" / way if way == SHIPPED else self.work / (way.replace(": ", "-") + ".yml")
        used = measuring.measured(["ansible-playbook", str(playbook), "-i", str(self.work / "inventory.json")],
                                  self.settings(self.work / "home", TOP, self.bitacora.parent), self.work / "log")
        rows = self.entries()
        if sum(type_ == "copy_made" for type_, _host in rows) != self.hosts:
            raise SystemExit("not every server was copied: that is no figure\n" + (self.work / "log").read_text("utf-8", "replace")[-4000:])
        open_, most = 0, 0
        for type_, _host in rows:
            open_ += {"copy_started": 1, "copy_made": -1}[type_]
            most = max(most, open_)
        return used, most

    def entries(self) -> list[tuple[str, str]]:
        """(type, host) of starts and ends, in the order of the bitácora; none before there is one."""
        try:
            with closing(sqlite3.connect(f"file:{self.bitacora}?mode=ro", uri=True)) as store:
                rows = store.execute("SELECT type, body FROM entries WHERE type IN ('copy_started', 'copy_made') ORDER BY n").fetchall()
        except sqlite3.Error:
            return []
        return [(type_, json.loads(body)["host"]) for type_, body in rows]

    def beside_a_slow_one(self) -> int:
        """How many servers were copied while the slow one waited: it answers once all others are done, or at the end of its limit."""
        done: list[int] = []

        def watch() -> None:
            until = time.monotonic() + _LIMIT - 60
            while time.monotonic() < until and not done:
                made = sum(type_ == "copy_made" for type_, _host in self.entries())
                if made == self.hosts - 1:
                    done.append(made)
                time.sleep(0.2)
            (self.work / "gate").touch()

        watching = threading.Thread(target=watch, daemon=True)
        watching.start()
        self.once(SHIPPED)
        done.append(-1)
        watching.join()
        slowest = f"srv{self.hosts - 1:02}"
        return [host for type_, host in self.entries() if type_ == "copy_made"].index(slowest)


def together(work: Path, options: Namespace, settings: Callable[[Path, Path, Path | None], dict[str, str]]) -> str:
    text = []
    ways = [SHIPPED, FREE, *([LINEAR] if options.linear else [])]
    for hosts in options.servers:
        servers = Servers(work / f"together{hosts}", hosts, settings)
        found: dict[str, list[tuple[Used, int]]] = {way: [] for way in ways}
        for turn in range(options.rounds):
            for way in measuring.in_turn(ways, turn):
                used, most = servers.once(way)
                found[way].append((used, most))
                print(f"{hosts} servers at once, round {turn + 1}, {way}: {used.wall:.2f} s, CPU {used.cpu:.2f} s, {most} copies at once", file=sys.stderr,
                      flush=True)
        lines = []
        for way, rows in found.items():
            wall, cpu, each, most, controller = measuring.medians((used.wall, used.cpu, used.cpu / hosts, most, used.controller) for used, most in rows)
            lines.append([way, f"{wall:.2f}", f"{cpu:.2f}", f"{each:.2f}", f"{most:.0f}", measuring.peak(controller)])
        text += [f"### {hosts} servers, one copy each\n", measuring.table([f"median of {options.rounds}", *HEADS], lines), ""]
        text += ["- " + measuring.by_pairs(f"{SHIPPED} over {FREE}, {kind}", *([getattr(row[0], kind) for row in found[way]] for way in (SHIPPED, FREE)))
                 for kind in ("wall", "cpu")]
        shutil.rmtree(servers.work)
    hosts = options.servers[0]
    held = Servers(work / "slow", hosts, settings, slow=True)
    text += [f"- beside one server that answers only when all others are copied: {held.beside_a_slow_one()} of {hosts - 1} were copied before it", ""]
    return "\n".join(text)
