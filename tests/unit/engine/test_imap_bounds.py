# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server of mailboxes that never ends, announces what nobody asked for, or drips: given up with a word of its own, in time and with little memory."""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources import (
    imap_bounded,
    imap_judging,
    imap_listing,
    imap_maildir,
    imap_patience,
    imap_relay,
)

ROW = b'* %d FETCH (UID %d FLAGS () INTERNALDATE "01-Jan-2020 10:00:00 -0500" RFC822.SIZE 10)\r\n'


class Spoken(imap_bounded.Bounded):
    """A session without TLS, whose server is a function of these tests."""

    where, silence, answer = "imap.example.org:993", 20.0, 1.0

    def _create_socket(self, timeout: Any = None) -> socket.socket:
        return socket.create_connection((self.host, self.port), 20)


@contextlib.contextmanager
def server(answer: Callable[[socket.socket, bytes], None]) -> Iterator[Spoken]:
    """Greets, then gives each line to `answer`."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError), listener.accept()[0] as near, near.makefile("rb") as lines:
            near.sendall(b"* PREAUTH [CAPABILITY IMAP4rev1] ready\r\n")
            for line in lines:
                tag = line.split(b" ")[0]
                if b"CAPABILITY" in line:
                    near.sendall(b"* CAPABILITY IMAP4rev1\r\n" + tag + b" OK done\r\n")
                elif b"EXAMINE" in line:
                    near.sendall(b"* 3 EXISTS\r\n* OK [UIDVALIDITY 7]\r\n" + tag + b" OK [READ-ONLY]\r\n")
                else:
                    answer(near, tag)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    session = Spoken("127.0.0.1", listener.getsockname()[1])
    try:
        yield session
    finally:
        session.shutdown()
        listener.close()
        thread.join(30)


def endless(line: bytes) -> Callable[[socket.socket, bytes], None]:
    def answer(near: socket.socket, _tag: bytes) -> None:
        while True:
            near.sendall(line * 1000)
    return answer


def drip(near: socket.socket, _tag: bytes) -> None:
    while True:
        near.sendall(b"*")
        threading.Event().wait(0.2)


@pytest.mark.parametrize(("answer", "said"), [
    (endless(b"* OK still here\r\n"), "5000 lines"), (endless(ROW % (1, 1)), "5000 lines"), (endless(b"x" * 1000), "a line of more than"),
    (drip, "longer than an answer may"),
    (lambda near, tag: near.sendall(b"* 1 FETCH (UID 1 FLAGS ({4000000000}\r\n"), "a literal of 4000000000 bytes")])
def test_an_answer_without_an_end_is_given_up(answer: Callable, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert imap_bounded._MOST_LINES == 200_000
    monkeypatch.setattr(imap_bounded, "_MOST_LINES", 5000)
    with server(answer) as session:
        folder = imap_listing.opened(session, "INBOX")
        with pytest.raises(BackupError) as told:
            assert folder is not None and list(imap_listing.rows(session, folder.exists))
    assert told.value.code == "RSP152" and said in told.value.message and "imap.example.org:993" in told.value.spanish


def test_a_large_mail_passes_through_and_one_that_ends_early_is_none() -> None:
    size = 48 << 20

    def answer(near: socket.socket, tag: bytes) -> None:
        near.sendall(b"* 1 FETCH (UID 1 BODY[] {%d}\r\n" % size)
        for _each in range(size >> 20):
            near.sendall(b"m" * (1 << 20))
        near.sendall(b")\r\n" + tag + b" OK done\r\n")

    wanted = hashlib.sha256(b"m" * size).hexdigest()
    with server(answer) as session:
        imap_listing.opened(session, "INBOX")
        tracemalloc.start()
        try:
            assert imap_listing.digest(session, 1) == wanted
            assert tracemalloc.get_traced_memory()[1] < 8 << 20
        finally:
            tracemalloc.stop()

    def early(near: socket.socket, _tag: bytes) -> None:
        near.sendall(b"* 1 FETCH (UID 1 BODY[] {100}\r\nshort")
        near.shutdown(socket.SHUT_RDWR)

    with server(early) as session:
        imap_listing.opened(session, "INBOX")
        with pytest.raises(session.abort, match="within a literal"):
            imap_listing.digest(session, 1)


def test_more_rows_than_were_asked_for_and_more_mails_than_there_can_be_stop_the_listing() -> None:
    def answer(near: socket.socket, tag: bytes) -> None:
        near.sendall(b"".join(ROW % (number, number) for number in range(1, 1000)) + tag + b" OK done\r\n")

    with server(answer) as session:
        imap_listing.opened(session, "INBOX")
        with pytest.raises(imap_listing.Unlistable, match="more mails than were asked for"):
            list(imap_listing.rows(session, 3))

    class Many:
        def select(self, *_unused: Any, **_more: Any) -> Any:
            return "OK", [b"4294967295"]

        def response(self, _name: str) -> Any:
            return "UIDVALIDITY", [b"1"]

    with pytest.raises(imap_listing.Unlistable, match="4294967295 mails"):
        imap_listing.opened(Many(), "INBOX")      # type: ignore[arg-type]


def test_rows_wait_on_disk_until_the_last_has_come(tmp_path: Path) -> None:
    rows = [imap_listing.Row(number, 10, "2020-01-01T00:00:00Z", ("$a", "\udcf1")) for number in range(1, 50)]
    came: list[int] = []

    def coming() -> Iterator[imap_listing.Row]:
        for row in rows:
            came.append(row.uid)
            yield row

    for name in ("cur", "new"):
        (tmp_path / name).mkdir()
    (tmp_path / "new/\udcff-7").touch()
    (tmp_path / "dovecot-uidlist").write_bytes(b"3 V1 N50\n7 :\xff-7\n")
    held = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    lying = imap_maildir.lying(held, "")
    os.close(held)
    assert lying is not None
    with lying:
        given = imap_judging._on_disk(coming(), lying)
        assert next(given) == (rows[0], "") and len(came) == len(rows)
        assert list(given) == [(row, "new/\udcff-7" if row.uid == 7 else "") for row in rows[1:]]


def test_what_was_heard_with_the_sign_in_is_passed_on_and_all_goes_by_one_thread() -> None:
    """A command that comes with the word itself waits for no other one; large answers and a slow reader lose nothing."""
    far_end, ours = socket.socketpair()
    whole = b"* 1 FETCH (UID 1)\r\n" * 200_000

    def far() -> None:
        with far_end, far_end.makefile("rb") as lines:
            assert lines.readline() == b"2 EXAMINE INBOX\r\n"
            far_end.sendall(whole + b"2 OK\r\n")
            lines.readline()

    thread = threading.Thread(target=far, daemon=True)
    thread.start()
    with imap_relay.Relay(lambda: (ours, "IMAP4rev1")) as door:
        before = threading.active_count()
        with socket.create_connection(("127.0.0.1", door.port), 60) as client, client.makefile("rb") as told:
            told.readline()
            client.sendall(b'1 LOGIN "buzon" "' + door.word.encode() + b'"\r\n2 SELECT INBOX\r\n3 STORE 1 +FLAGS (x)\r\n')
            assert told.readline() == b"* CAPABILITY IMAP4rev1\r\n" and told.readline() == b"1 OK signed in\r\n"
            assert threading.active_count() == before + 1
            refused = b"3 NO [CANNOT] nothing is changed here\r\n"
            assert told.read(len(whole) + len(b"2 OK\r\n") + len(refused)) == refused + whole + b"2 OK\r\n"
        thread.join(60)
    assert door.refused == ["STORE"] and not thread.is_alive()


THROTTLED = b"Request is throttled. Suggested Backoff Time: 40 milliseconds"


@pytest.mark.parametrize("no", [b"NO [UNAVAILABLE] try later", b"NO [LIMIT] too many", b"BAD User is authenticated but not connected.", b"BAD " + THROTTLED])
def test_a_server_that_says_later_is_waited_for_and_asked_again(no: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imap_patience, "_UNTOLD", 0.04)
    refusals = [no, no]

    def answer(near: socket.socket, tag: bytes) -> None:
        near.sendall(ROW % (1, 1))
        if refusals:
            near.sendall(tag + b" " + refusals.pop() + b"\r\n")
            return
        near.sendall(ROW % (2, 2) + ROW % (3, 3) + tag + b" OK done\r\n")

    with server(answer) as session:
        imap_listing.opened(session, "INBOX")
        assert [row.uid for row in imap_listing.rows(session, 3)] == [1, 2, 3]
        refusals.extend([no] * 1000)
        monkeypatch.setattr(imap_patience, "PATIENCE", 0.1)
        with pytest.raises(BackupError) as told:
            list(imap_listing.rows(session, 3))
    assert told.value.code == "RSP153" and no[4:].decode().split("]")[0] in told.value.message


def test_what_asks_for_no_patience_is_told_at_once() -> None:
    def answer(near: socket.socket, tag: bytes) -> None:
        near.sendall(tag + b" NO [SERVERBUG] broken\r\n")

    with server(answer) as session:
        imap_listing.opened(session, "INBOX")
        with pytest.raises(imap_listing.Unlistable, match="FETCH: NO"):
            list(imap_listing.rows(session, 3))
    assert imap_patience.heard(b"x1 BAD " + THROTTLED + b"\r\n") == pytest.approx(0.05)
    assert imap_patience.heard(b"Subject: x1 BAD " + THROTTLED) == imap_patience.heard(b"x1 NO other\r\n") == 0
