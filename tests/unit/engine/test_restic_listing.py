# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A listing that is kept: given again as it was, whole or not at all."""

from __future__ import annotations

import importlib
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "plugins" / "module_utils"))
listing = importlib.import_module("_engine.restic.listing")

LINES = ['{{"path": "/ñandú/{0}"}}\n'.format(number).encode() for number in range(5000)]


@pytest.mark.parametrize("room", [4 << 20, 1000])
def test_lines_come_again_in_their_order_from_memory_or_file(room, monkeypatch):
    monkeypatch.setattr(listing, "_IN_MEMORY", room)
    kept = listing.Listing()
    for line in LINES:
        kept.add(line)
    assert not kept.whole
    kept.finish()
    assert kept.whole and list(kept.lines()) == LINES == list(kept.lines())
    assert (getattr(kept._file, "_rolled")) is (room == 1000)
    kept.close()
    assert not kept.whole


def test_a_listing_without_room_is_never_given_again(monkeypatch):
    class Full(listing.tempfile.SpooledTemporaryFile):
        def write(self, text):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(listing.tempfile, "SpooledTemporaryFile", Full)
    try:
        kept = listing.Listing()
    except OSError:
        pytest.fail("a listing that can't be kept stops a restore")
    for line in LINES:
        kept.add(line)
    kept.finish()
    assert not kept.whole
