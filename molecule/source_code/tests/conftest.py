# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of source code share: the bitácora's entries and the lab's systems."""

from __future__ import annotations

import json
import sqlite3

import pytest
import yaml
from fingerprints import PROJECT


@pytest.fixture(scope="session")
def systems():
    """The lab's own systems, by name."""
    rows = yaml.safe_load((PROJECT / "inventories/lab/host_vars/git1.yml").read_text("utf-8"))["backup_systems"]
    return {row["name"]: row for row in rows}


@pytest.fixture(scope="session")
def entries(state):
    """The bitácora's entries with these values, oldest first, read with SQLite alone."""

    def find(**wanted):
        connection = sqlite3.connect("file:{0}?mode=ro".format(state / "bitacora.sqlite"), uri=True)
        try:
            rows = [dict(json.loads(body), type=kind, n=n) for n, kind, body in connection.execute("SELECT n, type, body FROM entries ORDER BY n")]
        finally:
            connection.close()
        return [row for row in rows if all(row.get(name) == value for name, value in wanted.items())]

    return find
