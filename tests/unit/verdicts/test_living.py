# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Only where there is no bitácora can one that was lost be brought back without a run that records it."""

from __future__ import annotations

import os

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import entries, living, recorder
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


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another account")
def test_of_one_that_this_account_may_not_read_it_can_not_be_told(file, tmp_path) -> None:
    with open_store(str(file)) as store:
        store.append("run_started", {"run": "R1"}, entries.now(), "R1", 1)
    file.chmod(0o600)
    for each in (tmp_path, *tmp_path.parents[:2]):
        each.chmod(each.stat().st_mode | 0o055)
    child = os.fork()
    if not child:
        status = 3
        try:
            os.setuid(65534)
            living.refuse_unless_lost()
        except BackupError as error:
            status = 0 if error.code == "RSP101" and "may not read" in error.message else 4
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize("simulated", [False, True])
def test_only_a_real_start_stands_for_real_work(file, tmp_path, monkeypatch, simulated) -> None:
    run = recorder.Recorder(str(file), tmp_path / "diario", None, {})
    run.start()
    monkeypatch.setattr(living, "address", lambda: (run.run, str(file)))
    with open_store(str(file)) as store:
        body = {"run": run.run, "host": "uno", "label": "SIGA_20261128", "event": "restore_started", **({"simulated": True} if simulated else {})}
        store.append("restore_started", body, entries.now(), run.run, 99)
    if simulated:
        with pytest.raises(BackupError) as caught:
            living.prove("perucompras.respaldo.backup_restore", "uno", "SIGA_20261128")
        assert caught.value.code == "RSP735"
    else:
        living.prove("perucompras.respaldo.backup_restore", "uno", "SIGA_20261128")


def test_of_a_server_it_can_not_be_told(monkeypatch) -> None:
    monkeypatch.setenv("RESPALDO_BITACORA", "postgresql://respaldo@127.0.0.1:1/bitacora")
    with pytest.raises(BackupError) as caught:
        living.refuse_unless_lost()
    assert caught.value.code == "RSP101" and "RESPALDO_BITACORA" in caught.value.hint
