# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a copy brings back acts with nobody's rights (S10); names of 255 bytes and trees of 3,000 levels are copied, or refused with a code."""

from __future__ import annotations

import importlib
import os
import stat
import time

import pytest
from _engine.copies import making, publishing
from _engine.copies.orders import Order
from _engine.copies.streamed import StreamedCopy
from conftest import PASSWORD, BackupError, Keys, Local, Slot
from test_members import deep, shutil_free_removal

Paths = importlib.import_module("_engine.sources.paths").Paths
CAPABILITY = bytes.fromhex("0100000200200000000000000000000000000000")     # cap_sys_admin=ep, as setcap writes it

pytestmark = pytest.mark.root


def plant(folder):
    """What a server that was taken would hide in a copy, and what is nobody's right."""
    (folder / "sub").mkdir()
    (folder / "sub").chmod(0o2770)
    for name, mode in (("suid", 0o4755), ("sgid", 0o2755), ("cap", 0o755), ("normal", 0o640)):
        (folder / name).write_bytes(b"#!/bin/sh\n")
        (folder / name).chmod(mode)
    os.setxattr(folder / "cap", "security.capability", CAPABILITY)
    os.setxattr(folder / "normal", "user.nota", b"acta")
    os.mknod(folder / "disco", stat.S_IFBLK | 0o666, os.makedev(8, 0))
    os.mkfifo(folder / "tubo")
    (folder / ("ñ" * 127)).write_text("nombre de 254")


def mode(path):
    return stat.S_IMODE(path.lstat().st_mode)


def judge(back, remarks, special, capabilities=True):
    assert os.path.lexists(back / "disco") == special
    assert (mode(back / "suid"), mode(back / "sgid")) == ((0o4755, 0o2755) if special else (0o755, 0o755))
    assert ("security.capability" in os.listxattr(back / "cap")) == (special and capabilities)
    assert mode(back / "sub") == 0o2770 and mode(back / "normal") == 0o640 and os.getxattr(back / "normal", "user.nota") == b"acta"
    assert stat.S_ISFIFO((back / "tubo").lstat().st_mode) and (back / ("ñ" * 127)).exists()
    told = "\n".join(remarks)
    if special:
        assert "Left out" not in told
        return
    assert "2 set-user-ID or set-group-ID bits" in told and "1 devices" in told and "disco" in told and "suid" in told
    assert ("1 file capabilities" in told) == capabilities


@pytest.mark.parametrize("special", [False, True])
def test_directories(tmp_path, special):
    """S10: a setuid file and a device came back as they were, without a word."""
    folder = tmp_path / "src"
    folder.mkdir()
    plant(folder)
    medium, slot = Local("disco", str(tmp_path / "m"), True), Slot("source_code", "SIGA", "SIGA_20261121")
    source = Paths([str(folder)], assigned=[str(tmp_path)], special=special)
    publishing.publish(slot, making.make(Order(slot, keys=Keys(PASSWORD)), source, [medium]).digest, [medium])
    with StreamedCopy(slot, medium, Keys(PASSWORD)) as opened:
        source.restore(opened, str(tmp_path / "vuelta"), False)
    judge(tmp_path / "vuelta", source.remarks(), special)


@pytest.mark.parametrize("special", [False, True])
@pytest.mark.parametrize("selected", [(), ("suid", "sgid", "cap", "normal", "sub", "disco", "tubo", "ñ" * 127)])
def test_a_file_server(share, special, selected):
    """S10, all of it and chosen paths."""
    plant(share.folder)
    share.make()
    source = share.source(selected)
    source.special = special
    target = share.folder.parent / "vuelta"
    target.mkdir() if selected else None
    with share.opened() as opened:
        source.restore(opened, str(target), False)
    judge(target, source.remarks(), special)


def test_former_data_with_the_longest_name_is_kept(share):
    """A name of 255 bytes has no room for `.before_LABEL`: it is cut."""
    name = "x" * 255
    (share.folder / name).write_text("uno")
    share.make()
    (share.folder / name).write_text("dos")
    told = share.restore(share.folder, [name], overwrite=True)
    assert (share.folder / name).read_text() == "uno"
    kept = [each for each in os.listdir(share.folder) if ".before_" in each]
    assert len(kept) == 1 and len(kept[0]) <= 255 and (share.folder / kept[0]).read_text() == "dos" and told["kept"].endswith(kept[0])


def test_a_tree_of_three_thousand_levels_makes_no_copy_by_tar_and_says_so(tmp_path):
    """tar reads it and can't make it again: the copy was called good."""
    folder = tmp_path / "src"
    folder.mkdir()
    deep(folder / "hondo", 3000)
    medium, slot = Local("disco", str(tmp_path / "m"), True), Slot("source_code", "SIGA", "SIGA_20261121")
    started = time.monotonic()
    with pytest.raises(BackupError) as caught:
        making.make(Order(slot), Paths([str(folder)], assigned=[str(tmp_path)]), [medium])
    assert caught.value.fault.name == "tree_too_deep" and "hondo" in caught.value.message and len(caught.value.message) < 400
    assert time.monotonic() - started < 120
    shutil_free_removal(folder)
