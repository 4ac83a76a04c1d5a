# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the collection's code when nobody else made it importable: in a checkout by its room links, in a built tree by its own path."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PLACE = ROOT.parents[2] if ROOT.parents[1].name == "ansible_collections" else ROOT / "collections"
if str(PLACE) not in sys.path:
    sys.path.insert(0, str(PLACE))


@pytest.fixture
def store(tmp_path):
    from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store

    with open_store(str(tmp_path / "bitacora.sqlite")) as opened:
        yield opened


@pytest.fixture
def copies(store):
    """A bitácora with a whole run of three copies; gives its path, closed."""
    said = {"run": "R1", "host": "db01", "system": "SIGA", "kind": "database"}
    store.append("run_started", {"run": "R1"}, "2026-11-22T03:00:00Z", "R1")
    for day in (20, 21, 22):
        label = "SIGA_202611{0}".format(day)
        store.append("copy_started", {**said, "label": label}, "2026-11-{0}T03:00:00Z".format(day), "R1")
        store.append("copy_made", {**said, "label": label, "size": 1000 * day, "trust_level": "T2"}, "2026-11-{0}T03:01:00Z".format(day), "R1")
    store.append("run_ended", {"run": "R1"}, "2026-11-22T03:02:00Z", "R1")
    path = store.path
    store.close()
    return path
