# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An institution of so many servers where nothing is due: its inventory, and the bitácora that says so."""

from __future__ import annotations

import datetime
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bitacora"))
import history

SERVERS_PYTHON = "/usr/bin/python3"


def systems(hosts: int) -> list[tuple[str, str]]:
    """(name, kind); the host of each is that of its place, round and round: a host has a database, every second one another, every fifth a share.

    No code: whether a repository or a directory changed is asked of the server each night, so of these it is never known before that nothing is due.
    """
    kinds = ["database"] * hosts + ["database"] * ((hosts + 1) // 2) + ["file_server"] * ((hosts + 4) // 5)
    return [("SISTEMA{0:03}".format(place), kind) for place, kind in enumerate(kinds)]


def of_host(every: list[tuple[str, str]], host: int, hosts: int) -> list[dict[str, Any]]:
    sources = {"database": {"type": "sqlite", "path": "/srv/app.sqlite"}, "file_server": {"type": "restic", "paths": ["/srv/share"]}}
    return [{"name": name, "kind": kind, "criticality": "media", "office": "OTI", "source": sources[kind]} for name, kind in every[host::hosts]]


def inventory(path: Path, hosts: int, work: Path) -> None:
    """Written as JSON. All of it is said of the host itself, as an inventory of many files comes to it in the end."""
    every = systems(hosts)
    common = {
        "ansible_connection": "local", "ansible_python_interpreter": SERVERS_PYTHON, "common_install_tools": False,
        "backup_assigned_paths": ["/srv"], "backup_media": [{"name": "disco", "type": "local", "path": "/srv/copias"}],
        "backup_custody_directory": str(work / "custody"), "backup_local_state": str(work / "state"),
    }
    path.write_text(json.dumps({"all": {
        "hosts": {"srv{0:02}".format(host): {"backup_systems": of_host(every, host, hosts)} for host in range(hosts)}, "vars": common}}), "utf-8")


def bitacora(path: Path, hosts: int, nights: int) -> int:
    """A copy of each system every night, the last one now; returns how many entries that makes."""
    every = systems(hosts)
    count = nights * (2 * len(every) + 2)
    history.write(path, count, systems=every, hosts=hosts, last=datetime.datetime.now(datetime.timezone.utc))
    return count
