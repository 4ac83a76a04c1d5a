# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""7z archives and media: what 7-Zip can't do through a pipe is done by way of the spool, which may be too small."""

from __future__ import annotations

import importlib
import os

import pytest
from _engine.copies import making, publishing
from _engine.copies.orders import Order
from _engine.copies.streamed import StreamedCopy

BackupError = importlib.import_module("_engine.errors").BackupError
Slot = importlib.import_module("_engine.media.base").Slot
Paths = importlib.import_module("_engine.sources.paths").Paths
Keys = importlib.import_module("_engine.transforms.encrypt").Keys

SLOT = Slot("source_code", "SIGA", "SIGA_20261122")
KEYS = Keys("la contraseña de esta copia")


@pytest.fixture
def tree(tmp_path):
    path = tmp_path / "tree"
    path.mkdir()
    (path / "random").write_bytes(os.urandom(6 << 20))
    return Paths([str(path)])


def make(medium, source, spool):
    made = making.make(Order(SLOT, keys=KEYS, encryption_format="7z", spool=str(spool)), source, [medium])
    publishing.publish(SLOT, made.digest, [medium])
    return made


def test_it_goes_to_any_medium_and_comes_back(open_medium, shelf, tree, tmp_path):
    spool = tmp_path / "spool"
    spool.mkdir()
    medium = open_medium(shelf)
    made = make(medium, tree, spool)
    with StreamedCopy(SLOT, medium, KEYS, made.digest, str(spool)) as opened:
        opened.verify_structure(tree)
        tree.restore(opened, str(tmp_path / "back"), False)
    assert (tmp_path / "back" / "random").read_bytes() == (tmp_path / "tree" / "random").read_bytes()
    assert os.listdir(str(spool)) == []


@pytest.mark.root
def test_a_full_spool_makes_no_copy_and_says_which_directory_is_full(open_medium, shelf, tree, small_disk):
    medium = open_medium(shelf)
    with pytest.raises(BackupError) as caught:
        make(medium, tree, small_disk)
    assert (caught.value.fault.name, caught.value.details["location"]) == ("medium_full", str(small_disk))
    assert medium.labels(SLOT.kind, SLOT.system) == [] and os.listdir(str(small_disk)) == []


@pytest.mark.root
def test_a_spool_too_small_for_reading_from_afar(open_medium, shelf, tree, small_disk, tmp_path):
    """A directory of this server is read where it lies; from another it must be spooled first."""
    medium = open_medium(shelf)
    make(medium, tree, tmp_path)
    with StreamedCopy(SLOT, medium, KEYS, "", str(small_disk)) as opened:
        if open_medium.kind == "local":
            opened.verify_structure(tree)
            return
        with pytest.raises(BackupError) as caught:
            opened.verify_structure(tree)
    assert (caught.value.fault.name, caught.value.details["location"]) == ("medium_full", str(small_disk))
    assert os.listdir(str(small_disk)) == []
