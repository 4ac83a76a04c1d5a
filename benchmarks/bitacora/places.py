# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same bitácora in both stores, one after the other: a SQLite file, and a PostgreSQL of its own."""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
from pathlib import Path

import history

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests/integration/stores"))
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import postgresql
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store
from conftest import Server


def both(count: int):
    """(name, address) of a bitácora of `count` entries in each store; it is gone when the next is asked for."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
        path = Path(directory) / "bitacora.sqlite"
        history.write(path, count)
        yield "SQLite", str(path)
    with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
        shutil.chown(directory, "postgres", "postgres")
        server = Server(Path(directory))
        try:
            server.sql("CREATE DATABASE bitacora")
            postgresql.prepare(server.url("bitacora", "postgres"), ["respaldo_writer"], [])
            with open_store(server.url("bitacora")) as store, store.exclusive():
                store.take_in(history.rows(count))
            server.sql("VACUUM ANALYZE", "bitacora")
            yield "PostgreSQL", server.url("bitacora")
        finally:
            server.stop(signal.SIGINT)
