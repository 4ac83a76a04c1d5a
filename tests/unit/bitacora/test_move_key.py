# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bitácora that moves to PostgreSQL keeps the key of its seals, or does not move: by another key a whole chain looks broken for ever."""

from __future__ import annotations

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import migration, seals, trust

URL = "postgresql://respaldo@bd.example.org/bitacora"


def test_a_bitacora_whose_key_would_change_with_its_address_stays_and_says_what_to_write(copies, tmp_path, monkeypatch) -> None:
    path = tmp_path / "bitacora.sqlite"
    assert path.exists()
    assert migration.move(path, URL, URL, "", simulate=True).changed, "no key seals it yet"
    key = tmp_path / "seal.key"
    seals.Signer(key)
    before = path.read_bytes()
    for simulate in (True, False):
        with pytest.raises(BackupError) as told:
            migration.move(path, URL, URL, "", simulate=simulate)
        assert told.value.code == "RSP721" and f"seal_key = {key}" in told.value.message and f"seal_key = {key}, o como" in told.value.spanish
    assert path.read_bytes() == before
    # named, it is the key of both addresses
    named = trust.settings
    monkeypatch.setattr(trust, "settings", lambda url="": named(url)._replace(seal_key=key))
    assert migration.move(path, URL, URL, "", simulate=True).changed
