# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Only where there is no bitácora can one that was lost be brought back without a run that records it."""

from __future__ import annotations

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import living, recorder
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store


@pytest.fixture
def file(tmp_path, monkeypatch):
    path = tmp_path / "bitacora.sqlite"
    monkeypatch.setenv("RESPALDO_BITACORA", str(path))
    return path


def test_where_there_is_none_it_may_come_back(file) -> None:
    living.refuse_unless_lost()
    with open_store(str(file)):
        pass
    living.refuse_unless_lost()
    file.write_bytes(b"what is left of a disk")
    living.refuse_unless_lost()


def test_where_one_has_entries_a_restore_is_recorded(file, tmp_path) -> None:
    run = recorder.Recorder(str(file), tmp_path / "diario", None, {})
    run.start()
    with pytest.raises(BackupError) as caught:
        living.refuse_unless_lost()
    assert caught.value.code == "RSP101" and "bitacora_lost" in caught.value.message and "restore.yml" in caught.value.hint


def test_of_a_server_it_can_not_be_told(monkeypatch) -> None:
    monkeypatch.setenv("RESPALDO_BITACORA", "postgresql://respaldo@127.0.0.1:1/bitacora")
    with pytest.raises(BackupError) as caught:
        living.refuse_unless_lost()
    assert caught.value.code == "RSP101" and "RESPALDO_BITACORA" in caught.value.hint
