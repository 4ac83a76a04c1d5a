# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of a change of password (backup_rekey) in a real repository; the plays, and runs that are killed: tests/integration/kills/test_rekeying.py."""

from __future__ import annotations

import importlib
import subprocess

import pytest
from conftest import PASSWORD, BackupError, Keys, repositories, second_key

rekeying = importlib.import_module("_engine.restic.rekeying")
NEW = "otra clave de la institución"


def fresh(share):
    """A second copy, by the new password: its second key lies with it."""
    with_new = share.order
    share.order = lambda slot, **changed: with_new(slot, keys=Keys(NEW), **changed)
    made = share.make()
    share.order = with_new
    return made


def test_a_new_password_opens_what_lies_there_and_the_former_goes_with_its_second_key(share, holder):
    public, private = holder
    share.public_keys = (public,)
    share.make()
    place = repositories.on(share.media[0], "RRHH")
    with pytest.raises(BackupError, match="password"):
        rekeying.add(place, "ninguna de las dos", NEW)
    name = rekeying.add(place, PASSWORD, NEW)
    assert rekeying.add(place, PASSWORD, NEW) == name, "what is done is found done"
    assert rekeying.opened_by(place, NEW) == name and rekeying.opened_by(place, PASSWORD)

    # without a copy that was made with the new one the holders' second key stays: what lies sealed with the copies of before still opens
    done = rekeying.remove(place, PASSWORD, NEW, [public], False)
    assert (len(done.removed), done.stays, done.further) == (1, [], []) and not rekeying.opened_by(place, PASSWORD)
    with share.opened(keys=Keys("", private_keys=(private,))) as opened:
        opened.verify_structure(share.source())
    # the ledger that the former password signed is believed: nothing is read anew, and no doubt is left
    assert not repositories.Repository(place, NEW).place.disbelieved(place.files())

    fresh(share)
    assert len(list((share.repository / "keys").iterdir())) == 3, "the new one, its second key, and that of before until it goes"
    done = rekeying.remove(place, PASSWORD, NEW, [public], True)
    assert (len(done.removed), done.stays, done.further) == (1, [], [])
    with share.opened(keys=Keys("", private_keys=(private,))) as opened:
        opened.verify_structure(share.source())
    with share.opened("RRHH_20261101", keys=Keys(NEW)) as opened:
        opened.verify_structure(share.source())
    assert rekeying.remove(place, PASSWORD, NEW, [public], True) == rekeying.Removed([], [], [])


def test_keys_of_others_stay_and_what_a_medium_does_not_let_go_of_is_told(share, monkeypatch):
    share.make()
    place = repositories.on(share.media[0], "RRHH")
    # another server's second key, for holders of its own
    other = second_key.password(PASSWORD, ["F" * 40])
    repository = repositories.Repository(place, PASSWORD)
    with repository.restic:
        repository.look()
        second_key._add(repository, other)
    rekeying.add(place, PASSWORD, NEW)
    with pytest.raises(BackupError, match="password"):
        rekeying.remove(place, PASSWORD, "no es", [], False)
    keys = share.repository / "keys"
    held = subprocess.run(["chattr", "+a", str(keys)], capture_output=True, check=False).returncode == 0     # write-once, as far as this disk can
    if held:
        try:
            done = rekeying.remove(place, PASSWORD, NEW, [], False)
        finally:
            subprocess.run(["chattr", "-a", str(keys)], check=True)
        assert not done.removed and len(done.stays) == 1 and "not permitted" in done.stays[0] and rekeying.opened_by(place, PASSWORD)
    done = rekeying.remove(place, PASSWORD, NEW, [], False)
    assert len(done.removed) == 1 and len(done.further) == 1 and not done.stays
    assert rekeying.opened_by(place, other) and not rekeying.opened_by(place, PASSWORD), "who reads the other copies still can"


def test_what_a_run_before_signed_twice_goes_whole(share):
    """Two runs at once may have added it twice."""
    place = repositories.on(share.media[0], "RRHH")
    rekeying.add(place, PASSWORD, NEW)
    for _time in range(2):
        share.restic("key", "add", "--new-password-file", "/dev/stdin", password=NEW, check=False)
    extra = share.top / "clave"
    extra.write_text(PASSWORD)
    share.restic("key", "add", "--new-password-file", str(extra), password=NEW)
    done = rekeying.remove(place, PASSWORD, NEW, [], False)
    assert len(done.removed) == 2 and not rekeying.opened_by(place, PASSWORD) and rekeying.opened_by(place, NEW)
