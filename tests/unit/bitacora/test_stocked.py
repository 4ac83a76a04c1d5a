# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server is told lies on a medium that it is to write to, so that a path that was changed in the inventory is not filled anew (RSP409)."""

from __future__ import annotations

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.copies import orders
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.media.base import Slot
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.media.local import Local
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._copying import stocked, transferring

NAS, CLOUD = {"name": "nas", "path": "/mnt/nas"}, {"name": "nube", "type": "azure_blob"}


@pytest.fixture
def bitacora(tmp_path, monkeypatch):
    monkeypatch.setenv("RESPALDO_BITACORA", str(tmp_path / "bitacora.sqlite"))
    with open_store(str(tmp_path / "bitacora.sqlite")) as store:
        yield store


def made(store, system, host, medium, type_="copy_made"):
    store.append(type_, {"system": system, "kind": "database", "label": f"{system}_20261122", "started_at": "2026-11-22T10:00:00Z", "trust_level": "T2",
                         "medium": medium, "host": host, "run": "r1"}, "2026-11-22T10:00:00Z", "test")


def test_the_first_copy_of_a_system_is_told_what_the_others_of_its_server_left_there(bitacora):
    made(bitacora, "SIGA", "bd1", "nas, local")
    made(bitacora, "PORTAL", "bd2", "otro")
    assert stocked.told("database", "SIGA", [NAS], "bd1") == {"known_on": ["nas", "local"]}
    assert stocked.told("database", "SIAF", [NAS, CLOUD], "bd1") == {"known_on": [], "known_beside": {"nas": ["database/SIGA"]}}
    # a medium of the same name is another directory on another server, and one that nothing went to is new
    assert stocked.told("database", "SIAF", [NAS], "bd2") == stocked.told("database", "SIAF", [{"name": "otro"}], "bd1") == {"known_on": []}


def test_a_directory_that_create_would_make_anew_gets_no_first_copy_beside_the_others(tmp_path):
    order, moved = orders.Order(slot=Slot("database", "SIAF", "SIAF_20261122"), known_beside={"nas": ["database/SIGA"]}), tmp_path / "moved"
    with pytest.raises(BackupError) as caught:
        orders.check(order, Local("nas", str(moved), create=True))
    assert caught.value.fault.name == "medium_empty" and not moved.exists()
    (moved / "database" / "SIGA").mkdir(parents=True)
    orders.check(order, Local("nas", str(moved), create=True))


def test_what_is_carried_is_told_whether_others_of_its_system_lie_there(bitacora):
    made(bitacora, "SIGA", "bd1", "local")
    rows = [{"kind": "database", "system": "SIGA", "label": "SIGA_20261123", "medium": NAS, "record": {"office": "OTI"}}]
    assert transferring._with_known(rows)[0]["record"] == {"office": "OTI", "known_on": []}
    made(bitacora, "SIGA", "bd1", "nas", "copy_transferred")
    assert transferring._with_known(rows)[0]["record"] == {"office": "OTI", "known_on": ["nas"]}
