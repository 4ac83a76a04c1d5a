# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole play without Azure imports nothing of it, on the controller, in its workers and in the modules; one with it, only what its identity needs."""

from __future__ import annotations

import pytest
from test_cloud_plays import House

# Loaded by every Python of the run before anything else: notes each first import of what costs.
_NOTING = """
import os, sys

class Noting:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("azure", "msal", "requests", "knack", "adal") or "_azure" in name or "azure_" in name:
            with open({0!r}, "a") as file:
                file.write(name + "\\n")
        return None

sys.meta_path.insert(0, Noting())
"""


@pytest.fixture
def imported(tmp_path, monkeypatch):
    """The names noted since the last time."""
    (tmp_path / "first").mkdir()
    (tmp_path / "first" / "sitecustomize.py").write_text(_NOTING.format(str(tmp_path / "noted")))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "first"))

    def names():
        path = tmp_path / "noted"
        found = set(path.read_text().split()) if path.exists() else set()
        path.unlink(missing_ok=True)
        return found

    return names


def test_a_play_without_a_cloud_imports_nothing_of_azure(tmp_path, bench, imported):
    house = House(tmp_path, bench)
    house.media = [house.disk]
    house.good("database.yml")
    assert imported() == set() and house.entries("copy_made")
    house.media = [house.cloud]
    house.good("source_code.yml")
    names = imported()
    assert any(name.endswith("azure_http") for name in names), "what is noted is noted"
    assert not [name for name in names if name.partition(".")[0] in ("azure", "msal", "requests", "knack")], "an account's key needs no package"
    house.close()
