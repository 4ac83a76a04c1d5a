# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of a folder's mails, by UID: on disk, so that a large mailbox costs no memory; and where a disk is full that is said of the disk."""

from __future__ import annotations

import array
import errno
import os
import socket
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources import (
    imap_judging,
    imap_listing,
    imap_maildir,
    imap_relay,
    imap_shelf,
    imap_shown,
)

BATCH = 500      # of a listing


class Session:
    """As much of a session as a listing asks for, whose server gives these lines."""

    def __init__(self, *lines: bytes) -> None:
        self.lines = list(lines)

    def select(self, _name: str, **_more: Any) -> Any:
        return "OK", [b"3"]

    def response(self, _name: str) -> Any:
        return "UIDVALIDITY", [b"7"]

    def fetch(self, _numbers: str, _items: str) -> Any:
        return "OK", self.lines

    def logout(self) -> None:
        pass


def folder(top: Path, listed: list[tuple[int, str]], there: list[str]) -> int:
    """A folder of a Maildir: what its list says, and what lies in it."""
    for part in ("cur", "new"):
        (top / part).mkdir()
    for path in there:
        (top / path).touch()
    (top / "dovecot-uidlist").write_text("3 V7 N9 G01\n" + "".join(f"{uid} :{name}\n" for uid, name in listed))
    return os.open(top, os.O_RDONLY | os.O_DIRECTORY)


def test_texts_are_taken_once_and_those_that_nobody_took_are_left() -> None:
    with imap_shelf.Shelf() as shelf:
        for uid, text in ((3, b"three"), (5, b""), (4_294_967_295, b"\xff\0\n")):
            shelf.put(uid, text)
        with pytest.raises(ValueError, match="UID 3 after 4294967295"):
            shelf.put(3, b"again")
        assert [shelf.take(uid) for uid in (4, 3, 3, 4_294_967_295)] == [None, b"three", None, b"\xff\0\n"]
        assert list(shelf.left()) == [b""]


def test_the_file_of_a_mail_is_found_also_where_its_letters_are_others_by_now(tmp_path: Path) -> None:
    held = folder(tmp_path, [(1, "a:2,S"), (2, "b:2,"), (4, "gone:2,S"), (5, "n"), (6, "../x"), (8, "..")],
                  ["cur/a:2,S", "cur/b:2,FS", "new/n", "cur/not-in-the-list:2,S"])
    try:
        lying = imap_maildir.lying(held, "")
        assert lying is not None and lying.uidvalidity == 7
        with lying:
            assert [lying.take(uid) for uid in (1, 1, 4, 6, 8, 9)] == ["cur/a:2,S", "", "", "", "", ""]
            assert sorted(lying.left()) == ["cur/b:2,FS", "new/n"]
            assert (lying.take(2), lying.take(5)) == ("cur/b:2,FS", "new/n")
    finally:
        os.close(held)


@pytest.mark.parametrize("listed", [[(2, "a"), (1, "b")], [(2, "a"), (2, "b")], [(1 << 70, "a")]])
def test_a_list_whose_uids_do_not_rise_is_none(listed: list[tuple[int, str]], tmp_path: Path) -> None:
    held = folder(tmp_path, listed, ["new/a", "new/b"])
    try:
        assert imap_maildir.lying(held, "") is None
    finally:
        os.close(held)


def test_a_mail_more_costs_no_more_memory_than_its_numbers(tmp_path: Path) -> None:
    """It was some hundred bytes: names of files, a set of UIDs, the lines of a list."""
    name = "1600000000.M{0}P1.a-server-with-a-long-name.example.org,S=12345,W=12400:2,S"
    peaks = []
    for count in (500, 4500):
        top = tmp_path / str(count)
        top.mkdir()
        listed = [(number, name.format(number)) for number in range(1, count + 1)]
        held = folder(top, listed, ["cur/" + each for _uid, each in listed])
        begun = imap_judging._ascending(array.array("Q", range(1, count + 1)))
        del listed
        tracemalloc.start()
        try:
            lying = imap_maildir.lying(held, "")
            assert lying is not None
            with lying:
                imap_judging._chosen(begun)
                assert all(lying.take(uid) for uid in begun)
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
            os.close(held)
    assert (peaks[1] - peaks[0]) / 4000 < 40, peaks


def test_uids_are_listed_alone_and_put_in_order_where_they_are_not() -> None:
    def uids(*told: int) -> list[int]:
        rows = [b"%d (UID %d)" % (number, uid) for number, uid in enumerate(told, 1)]
        return list(imap_judging._ascending(array.array("Q", imap_listing.uids(Session(*rows, b"2 (FLAGS (\\Seen))"), 3))))      # type: ignore[arg-type]

    found = uids(5, 3, 3)
    assert found == [3, 5] and uids(3, 5) == [3, 5]
    assert [imap_shelf.place_of(found, uid) for uid in (2, 3, 4, 5, 6)] == [-1, 0, -1, 1, -1]
    for wrong in (0, 1 << 32):
        with pytest.raises(imap_listing.Unlistable):
            uids(wrong)
    with pytest.raises(imap_listing.Unlistable, match="more mails than were asked for"):
        uids(*range(1, BATCH + 2))


class Shown:
    """A throw-away Dovecot of a copy, as far as its rows are asked for."""

    def __init__(self, held: int, session: Any) -> None:
        self.held, self.session = held, lambda: session


@pytest.mark.parametrize("size", [10, 11])
def test_a_full_disk_while_a_copy_is_shown_again_is_no_damage(size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "indice").mkdir()
    (tmp_path / "indice/00001.jsonl").write_bytes(
        imap_maildir.written(imap_maildir.head("INBOX", "", 7))
        + b"".join(imap_maildir.written({"uid": uid, "size": size, "date": "2020-01-01T15:00:00Z", "flags": ["kw"]}) for uid in (1, 2)))

    def shown() -> int:
        held = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            session = Session(*(b'%d (UID %d FLAGS (kw) INTERNALDATE "01-Jan-2020 10:00:00 -0500" RFC822.SIZE 10)' % (uid, uid) for uid in (1, 2)))
            return imap_shown.shown_again(Shown(held, session), "AnaQuispe_20260101")      # type: ignore[arg-type]
        finally:
            os.close(held)

    if size != 10:
        with pytest.raises(BackupError) as told:
            shown()
        assert told.value.fault.name == "restored_differs" and "UID 1" in str(told.value)
    else:
        assert shown() == 2
    monkeypatch.setattr("tempfile.TemporaryFile", lambda: open("/dev/full", "w+b"))      # the kernel's own disk without room
    with pytest.raises(BackupError) as told:
        shown()
    assert told.value.fault.name == "rehearsal_no_room"


def test_a_full_disk_while_a_mailbox_is_judged_is_told_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = folder(tmp_path, [(number, "a" * 200) for number in range(1, 2000)], ["new/" + "a" * 200])
    monkeypatch.setattr("tempfile.TemporaryFile", lambda: open("/dev/full", "w+b"))
    try:
        with pytest.raises(OSError) as told:
            imap_maildir.lying(held, "")
        assert told.value.errno == errno.ENOSPC      # which Imap makes imap_no_room of, and no folder that was not brought
    finally:
        os.close(held)


class _Trickling:
    """A server over TLS that gives two kilobytes at a time, as they do."""

    def __init__(self, far: socket.socket, pieces: int) -> None:
        self._far, self.left = far, pieces

    def __getattr__(self, name: str) -> Any:
        return getattr(self._far, name)

    def recv(self, _size: int) -> bytes:
        if not self.left:
            raise BlockingIOError
        self.left -= 1
        return b"x" * 2000


def test_the_door_passes_on_all_that_has_come_in_one_turn_and_no_more_than_a_piece() -> None:
    """It turned once for each record of TLS: 42,000 turns for 3,000 mails."""
    near, client = socket.socketpair()
    far_end, far = socket.socketpair()
    with near, client, far_end, far:
        far_end.sendall(b"there is something")
        ends = imap_relay._Ends(near, _Trickling(far, 50))
        assert ends.step()
        client.settimeout(20)
        assert client.recv(imap_relay._CHUNK * 2, socket.MSG_WAITALL | socket.MSG_DONTWAIT) and ends.far.left < 50 - 30
        ends.far.left = 1000
        ends.step()
        assert len(ends.to_client) <= imap_relay._CHUNK * 2 + 2000 and ends.far.left > 900
