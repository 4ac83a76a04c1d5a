# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Semaphore that answers (a fake by its published description), and what an inventory says of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests"))

from fakes.semaphore import server  # noqa: E402

PRIVATE_KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nclave-privada-muy-secreta\n-----END OPENSSH PRIVATE KEY-----\n"
PASSWORD = "contrasena-de-la-boveda"
SECRETS = (server.TOKEN, "clave-privada-muy-secreta", PASSWORD)


@pytest.fixture
def there(tmp_path: Path) -> Any:
    opened = server.Semaphore(tmp_path / "semaphore")
    yield opened
    opened.close()
    assert opened.mistakes == []


def declaration(there: server.Semaphore, **more: Any) -> dict[str, Any]:
    return {"url": there.url, "token": server.TOKEN, "ca_certs": str(there.ca), "zone": "UTC", "retry_seconds": 0,
            "repository": {"url": "git@forja.example.org:oti/respaldo.git", "key": "git"}, "inventory": "inventories/institucion/hosts.yml",
            "keys": [{"name": "git", "type": "ssh", "private_key": PRIVATE_KEY}, {"name": "boveda", "type": "login_password", "password": PASSWORD}],
            "ssh_key": "git", "vaults": [{"key": "boveda", "id": "respaldo"}],
            "environment": {"RESPALDO_BITACORA": "postgresql://respaldo@bd/bitacora"}, **more}
