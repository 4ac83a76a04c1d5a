# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which copy of the bitácora is the newest: what their chains prove, whatever clock wrote their labels."""

from __future__ import annotations

import shutil

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import chain, vouched
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._copying import newest

AT = "2026-11-24T15:00:00Z"


class Shelf:
    """A bitácora that is copied now and then, and what is opened of the copies."""

    def __init__(self, place):
        self.place, self.opened = place, []

    def copy(self, day, number, since=None, told=True):
        """A copy of the bitácora, in which an entry tells of the copy before; a copy `since` which it went on, or a new one."""
        name = f"BitacoraDeRespaldos_{day}"
        if since:
            shutil.copy(self.place / since["label"], self.place / name)
        with open_store(str(self.place / name)) as store:
            if since and told:
                store.append("copy_made", {**since, "system": vouched.BITACORA, "kind": "database", "size": 5}, AT, "prueba")
            store.append("copy_started", {"label": name, "system": vouched.BITACORA, "kind": "database"}, AT, "prueba")
        return {"label": name, "sha256": str(number) * 64}

    def open(self, copy):
        self.opened.append(copy["label"][-8:])
        path = self.place / copy["label"]
        if not path.exists():
            raise BackupError("password_wrong", file=copy["label"])
        return newest.Opened(copy, path, chain.verify_file(path), [])

    def found(self, *copies):
        self.opened.clear()
        return newest.found(copies, vouched.BITACORA, self.open)


@pytest.fixture
def shelf(tmp_path):
    return Shelf(tmp_path)


def test_the_newest_tells_of_the_others_and_is_the_only_one_that_is_opened(shelf):
    one = shelf.copy("20261120", 1)
    two = shelf.copy("20261121", 2, one)
    three = shelf.copy("20261122", 3, two)
    taken = shelf.found(three, two, one)
    assert taken.copy == three and shelf.opened == ["20261122"] and not taken.remarks


def test_a_clock_that_jumped_does_not_make_an_older_one_the_newest(shelf):
    jumped = shelf.copy("20991231", 1)
    later = shelf.copy("20261122", 2, jumped)
    taken = shelf.found(jumped, later)
    assert taken.copy == later and shelf.opened == ["20991231", "20261122"]
    assert "20991231" in taken.remarks[0] and "reloj" in taken.remarks[0]
    # where no entry tells of it, the chain does
    untold = shelf.copy("20261123", 3, later, told=False)
    assert shelf.found(jumped, untold, later).copy == untold
    assert shelf.found(untold, jumped, later).copy == untold


def test_two_that_contradict_each_other_are_for_a_person(shelf):
    one = shelf.copy("20261120", 1)
    ours, other = shelf.copy("20261121", 2, one), shelf.copy("20261122", 3, one)
    with pytest.raises(BackupError) as caught:
        shelf.found(other, ours, one)
    assert caught.value.code == "RSP791" and "20261121" in caught.value.spanish and "20261122" in caught.value.spanish
    assert "--huella-bitacora" in caught.value.remedy


def test_of_others_that_do_not_open_it_is_told_and_of_the_first_refused(shelf):
    one = shelf.copy("20261120", 1)
    closed = {"label": "BitacoraDeRespaldos_20261119", "sha256": "9" * 64}
    taken = shelf.found(one, closed)
    assert taken.copy == one and "20261119" in taken.remarks[0]
    with pytest.raises(BackupError) as caught:
        shelf.found(closed, one)
    assert caught.value.fault.name == "password_wrong"
    many = [{"label": f"BitacoraDeRespaldos_201601{day:02}", "sha256": f"{day:02}" * 32} for day in range(1, 20)]
    assert len(shelf.found(one, *many).remarks) == len(shelf.opened) == 8
