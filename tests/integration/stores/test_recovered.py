# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The worst day of a controller whose bitácora is on a server: nothing of it is a file, and that the controller came back stands in it all the same."""

from __future__ import annotations

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store, resolve_url
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._copying import recovering, vouching

NOTE = {"at": "2026-11-29T19:00:00Z", "medium": "disco", "opened_by": "custody", "kit": {"label": "MALETIN_20261129", "sha256": "a" * 64,
                                                                                     "by": vouching.CUSTODY}, "reason": ""}
WHY = {"reason": "Incendio", "authority": "Acta 3"}


def test_the_kit_that_was_laid_out_alone_is_recorded_on_the_server(server, database, tmp_path, monkeypatch):
    monkeypatch.setenv("RESPALDO_BITACORA", server.url(database))
    monkeypatch.setattr(recovering, "default_url", lambda: str(tmp_path / "bitacora.sqlite"))
    with pytest.raises(BackupError) as caught:
        recovering.RecoverAction.__new__(recovering.RecoverAction)._lay_out({"bitacora_on_server": False, "directory": str(tmp_path / "aparte")}, {})
    assert caught.value.code == "RSP489" and "--bitacora-en-servidor" in caught.value.remedy and not (tmp_path / "aparte").exists()
    assert recovering._record(WHY) == {"changed": False, "recovered": False}
    recovering._noted(recovering._note_at(resolve_url()), NOTE)
    entry = recovering._record(WHY)["backup"]
    assert "la custodia: maletín MALETIN_20261129 (responde la custodia); la bitácora, en su servidor" in entry["note_es"], entry
    with open_store(server.url(database)) as store:
        store.append(entry["event"], {name: value for name, value in entry.items() if name != "event"}, "2026-11-29T19:05:00Z", "prueba")
    assert recovering._record(WHY) == {"changed": False, "recovered": False}, "once"
