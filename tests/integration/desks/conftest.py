# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A GLPI that answers (a fake by its official description), and what an inventory says of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests"))

from fakes.desks import glpi  # noqa: E402


@pytest.fixture
def there(tmp_path: Path) -> Any:
    opened = glpi.Glpi(tmp_path / "glpi")
    yield opened
    opened.close()
    assert opened.mistakes == []


def declaration(there: glpi.Glpi, **more: Any) -> dict[str, Any]:
    return {"name": "mesa", "type": "glpi", "url": there.url, "user_token": glpi.USER_TOKEN, "app_token": glpi.APP_TOKEN, "ca_certs": str(there.ca),
            "retry_seconds": 0, **more}
