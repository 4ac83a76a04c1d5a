# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A copy gets its name on all its media or on none."""

from __future__ import annotations

import os

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._copying import publishing

NEAR = {"name": "disco", "path": "/srv/copias"}
FAR = {"name": "nas", "path": "/copias", "host": "nas.example.org", "append_only": True, "ssh_key": "una"}
COPY = {"label": "WEB_20261127", "system": "WEB", "kind": "database", "sha256": "a" * 64, "sealed": {}}


class Server:
    """Stands for the server: which of its modules were asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def module(self, name: str, arguments: object, task_vars: object) -> dict:
        self.asked.append(name)
        return {"changed": True}


@pytest.fixture(autouse=True)
def run(monkeypatch):
    """This process stands for a worker whose controller lives."""
    monkeypatch.setenv("RESPALDO_CONTROLLER_PID", str(os.getpid()))


@pytest.mark.parametrize("keeper", [{}, {"ssh_key": "una"}, {"ssh_key": "otra", "shell": "sí"}])
def test_without_the_controller_s_key_no_medium_gives_a_name(keeper):
    """The server's own medium gave the copy its name first, and kept it, though the run called the copy failed."""
    server = Server()
    with pytest.raises(BackupError) as refused:
        publishing.publish(server, {**COPY, "media": [NEAR, {**FAR, "keeper": keeper}]}, {}, {}, {})
    assert refused.value.fault.name == "keeper_missing" and server.asked == []
    assert publishing.publish(server, {**COPY, "media": [NEAR]}, {}, {}, {}) == {"changed": True} and server.asked == ["backup_publish"]
