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
    imap_ahead,
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
        assert list(shelf.left()) == [(5, b"")]


def test_texts_are_found_in_whatever_order_they_are_asked_for() -> None:
    with imap_shelf.Shelf() as shelf:
        for uid in range(1, 1000):
            shelf.put(uid, b"%d" % uid * (uid % 7))
        asked = [*range(999, 500, -7), 3, 2, 64, 65, 128, 129, 1, *range(200, 300)]
        assert [shelf.take(uid) for uid in asked] == [b"%d" % uid * (uid % 7) for uid in asked]
        shelf.put(1000, b"put after it was read")
        assert shelf.take(1000) == b"put after it was read"
        left = dict(shelf.left())
        assert len(left) == 1000 - len(set(asked)) - 1 and left[997] == b"997" * 3


def test_the_file_of_a_mail_is_found_also_where_its_letters_are_others_by_now(tmp_path: Path) -> None:
    listed = [(1, "a:2,S"), (2, "b:2,"), (3, "c"), (4, "gone:2,S"), (5, "n"), (6, "../x"), (7, "k"), (8, ".."), (9, "removed"), (10, "old")]
    held = folder(tmp_path, listed, ["cur/a:2,S", "cur/b:2,FS", "cur/c:2,FS", "new/n", "cur/k:2,Fab", "cur/not-in-the-list:2,S", "cur/removed:2,S", "new/old"])
    (tmp_path / "dovecot-keywords").write_text("0 Urgente\n1 $Forwarded\n77 beyond\nno line of it\n")
    try:
        lying = imap_maildir.lying(held, "")
        assert lying is not None and lying.uidvalidity == 7
        with lying:
            flags: dict[int, list[str]] = {3: ["\\Seen", "\\Flagged"], 7: ["$forwarded", "\\Flagged", "urgente"]}
            taken = {uid: lying.take(uid, flags.get(uid, ["\\Seen"])) for uid in (1, 2, 3, 4, 5, 6, 7, 8)}
            assert taken == {1: "cur/a:2,S", 2: "", 3: "cur/c:2,FS", 4: "", 5: "new/n", 6: "", 7: "cur/k:2,Fab", 8: ""}
            assert [lying.take(uid, ["\\Seen"]) for uid in (1, 2, 11)] == ["", "", ""]      # each once
            lying.looked_for()
            assert [lying.found(uid) for uid in (1, 2, 2, 4, 6, 8)] == ["", "cur/b:2,FS", "", "", "", ""]
            assert sorted(lying.left()) == ["cur/removed:2,S", "new/old"]
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
    """It was some hundred bytes: names of files, a set of UIDs, the lines of a list; and again of each mail with a mark, whose name the list has without it."""
    name = "1600000000.M{0}P1.a-server-with-a-long-name.example.org,S=12345,W=12400"
    peaks = []
    for count in (500, 4500):
        top = tmp_path / str(count)
        top.mkdir()
        listed = [(number, name.format(number)) for number in range(1, count + 1)]
        held = folder(top, listed, ["cur/" + each + ":2,Sa" for _uid, each in listed])
        (top / "dovecot-keywords").write_text("0 Urgente\n")
        begun = imap_judging._ascending(array.array(imap_shelf.NUMBER, range(1, count + 1)))
        del listed
        tracemalloc.start()
        try:
            lying = imap_maildir.lying(held, "")
            assert lying is not None
            with lying:
                imap_judging.chosen(begun)
                rows = (imap_listing.Row(uid, 12400, "2020-01-01T15:00:00Z", ("\\Seen", "Urgente")) for uid in begun)
                assert all(path for _row, path in imap_judging._on_disk(rows, lying))
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
            os.close(held)
    assert (peaks[1] - peaks[0]) / 4000 < 8, peaks


def test_uids_are_listed_with_sizes_alone_and_put_in_order_where_they_are_not() -> None:
    def sizes(*told: int) -> list[tuple[int, int]]:
        rows = [b"%d (UID %d RFC822.SIZE %d)" % (number, uid, 10 * uid) for number, uid in enumerate(told, 1)]
        return list(imap_listing.sizes(Session(*rows, b"2 (FLAGS (\\Seen))", b"9 (UID 4)"), 3))      # type: ignore[arg-type]

    assert sizes(5, 3, 3) == [(5, 50), (3, 30), (3, 30), (4, 0)]
    found = imap_judging._ascending(array.array(imap_shelf.NUMBER, (5, 3, 3)))
    assert list(found) == [3, 5] and list(imap_judging._ascending(array.array(imap_shelf.NUMBER, (3, 5)))) == [3, 5]
    assert [imap_shelf.place_of(found, uid) for uid in (2, 3, 4, 5, 6)] == [-1, 0, -1, 1, -1]
    for wrong in (0, 1 << 32):
        with pytest.raises(imap_listing.Unlistable):
            sizes(wrong)
    with pytest.raises(imap_listing.Unlistable, match="more mails than were asked for"):
        sizes(*range(1, BATCH + 2))


def test_so_many_mails_are_asked_for_at_once_as_their_sizes_allow() -> None:
    def number(*folders: list[int]) -> int:
        ahead = imap_ahead.Ahead()
        for sizes in folders:
            ahead.folder()
            for size in sizes:
                ahead.see(size)
        return ahead.number

    mib = 1 << 20
    assert number() == number([]) == number([40_000] * 1000) == 20
    assert number([mib, *[1000] * 20] * 30) == 20 and number([32 * mib], [mib], [32 * mib]) == 20      # of which no two lie beside each other
    assert number([2 * mib] * 21) == 4 and number([2 * mib] * 16) == 20
    assert number([1000] * 50, [25 * mib] * 2, [1000] * 50) == 0


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
        ends = imap_relay._Ends(near, _Trickling(far, 50), imap_relay.Shown(()))
        assert ends.step()
        client.settimeout(20)
        assert client.recv(imap_relay._CHUNK * 2, socket.MSG_WAITALL | socket.MSG_DONTWAIT) and ends.far.left < 50 - 30
        ends.far.left = 1000
        ends.step()
        assert len(ends.to_client) <= imap_relay._CHUNK * 2 + 2000 and ends.far.left > 900
