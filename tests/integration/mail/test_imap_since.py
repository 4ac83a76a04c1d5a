# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mailbox of a real Dovecot that is copied again: only what is new travels, and the copy is whole. Whatever is wrong with the earlier one, it is told."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.copies.streamed import StreamedCopy
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.filesystem import room
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.media.base import Slot
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.processes.programs import private_directory
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources import imap_listing
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.imap import PASSES
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.imap_earlier import Earlier
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.transforms.encrypt import Keys

from .conftest import USER, Dovecot
from .test_imap_source import KEYS, Bench, anew, bench, meanwhile, seen, served, source, state  # noqa: F401 - a fixture

MAILS = 200


def mail(number: int, size: int = 5000) -> bytes:
    return b"From: ana@example.org\r\nMessage-ID: <%d@x>\r\nSubject: %d\r\n\r\n" % (number, number) + b"y" * size + b"\r\n"


@pytest.fixture
def grown() -> Iterator[Dovecot]:
    """Mails in a folder within another, with more keywords than a Maildir has letters for, and one in each of two others."""
    server = Dovecot()
    try:
        with server.session() as session:
            for folder in ("Uno", "Uno.Dos", "Otra"):
                session.create(folder)
            for number in range(MAILS):
                assert session.append("Uno.Dos", f"(kw{number % 40})", "", mail(number))[0] == "OK"
        for folder in ("Uno", "Otra"):
            server.put(mail(1000, 20), folder=folder)
        yield server
    finally:
        server.close()


@pytest.fixture
def small() -> Iterator[Dovecot]:
    server = Dovecot()
    try:
        server.put(*map(mail, range(8)))
        yield server
    finally:
        server.close()


def earlier(of: Bench, digest: str, slot: Slot | None = None, keys: Keys = KEYS) -> Earlier:
    """The copy that was made last, as the bitácora has it."""
    slot = slot or of.slot
    return Earlier(slot.label, lambda: StreamedCopy(slot, of.medium, keys, digest))


def again(of: Bench, server: Dovecot, begin: Earlier | None, **more: Any) -> tuple[Any, Any]:
    """A copy that begins with an earlier one."""
    mailbox = source(server, **more)
    mailbox.earlier = begin
    return of.make(mailbox), mailbox


def held(of: Bench, server: Dovecot, mailbox: Any) -> int:
    """That the last copy restores and is what the server has; how many mails lie in its tree, named by its index or not."""
    back = of.top / f"back{of.count}"
    with of.open() as copy, private_directory() as scratch:
        assert mailbox.rehearse(copy, scratch)
        mailbox.restore(copy, str(back), False)
    found = {}
    for index in (back / "indice").iterdir():
        head, *lines = map(json.loads, index.read_text("ascii").splitlines())
        found[head["folder"]] = [(each["uid"], sorted(each["flags"]), each["date"], seen((back / "Maildir" / head["directory"] / each["file"]).read_bytes()))
                                 for each in lines]
    with server.session() as session:
        assert found == {name: list(served(server, name)) for name in imap_listing.folders(session)[0]}
    return len([path for path in (back / "Maildir").rglob("*") if path.is_file() and path.parent.name in ("cur", "new", "tmp")])


def test_only_what_is_new_travels_and_the_copy_is_whole(grown: Dovecot, bench: Bench) -> None:  # noqa: F811
    first, _mailbox = again(bench, grown, None)
    assert first.fields["travelled_objects"] == first.fields["objects"] == MAILS + 2 and "since" not in first.fields
    assert first.fields["travelled"] > MAILS * 5000

    with grown.session() as session:
        for number in range(MAILS, MAILS + 5):
            session.append("Uno.Dos", "", "", mail(number))
        session.select('"Uno.Dos"')
        session.uid("STORE", "3", "+FLAGS", r"(\Flagged tarde)")
        session.uid("STORE", "4", "-FLAGS", "(kw3)")
        session.uid("STORE", "5,6", "+FLAGS", r"(\Deleted)")
        session.expunge()
    before, begin = state(grown), bench.slot.label
    second, mailbox = again(bench, grown, earlier(bench, first.digest))
    assert state(grown) == before
    told = second.fields
    assert (told["since"], told["travelled_objects"], told["objects"], second.manifest["warnings"]) == (begin, 5, MAILS + 5, [])
    assert second.manifest["source"]["facts"]["since"] == begin
    # of the old ones in the great folder a sample was read again, and how many were not is told
    assert MAILS - 2 - 20 <= told["not_read_again"] == second.manifest["source"]["facts"]["not_read_again"] <= MAILS - 2 - 15
    # the mails that are new, and of each that is there what names it
    assert 5 * 5000 < told["travelled"] < 5 * 5000 + 400 * MAILS < first.fields["travelled"] / 5, told
    assert held(bench, grown, mailbox) == MAILS + 5

    # folders that are renamed or numbered anew travel again, and one that is gone leaves nothing behind
    with grown.session() as session:
        session.rename("Uno", "Dos")
        session.delete("Otra")
    anew(grown, "Nueva")
    begin = bench.slot.label
    third, mailbox = again(bench, grown, earlier(bench, second.digest))
    assert third.fields["since"] == begin and third.fields["objects"] == third.fields["travelled_objects"] == MAILS + 5
    assert held(bench, grown, mailbox) == MAILS + 5
    anew(grown, "Nueva")
    fourth, mailbox = again(bench, grown, earlier(bench, third.digest), compare="all")
    assert (fourth.fields["travelled_objects"], fourth.fields["not_read_again"]) == (1, 0)
    assert fourth.manifest["source"]["facts"]["compared_bytes_of"] == MAILS + 5
    assert held(bench, grown, mailbox) == MAILS + 5


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_an_earlier_copy_that_is_not_what_it_was_is_told_and_all_travels(small: Dovecot, bench: Bench) -> None:  # noqa: F811
    made, _mailbox = again(bench, small, None)
    first = bench.slot
    good = earlier(bench, made.digest, first)
    file = next(path for path in bench.left() if ".tar" in path.name)

    def judged(begin: Earlier, key: str, why: str, **more: Any) -> Any:
        told, mailbox = again(bench, small, begin, **more)
        remark, = told.manifest["warnings"]
        assert (remark.key, remark.parameters["why"].fault.name) == (key, why), remark
        assert told.fields["travelled_objects"] == told.fields["objects"] == 8 and "since" not in told.fields and "lacks" not in told.manifest, why
        return mailbox, remark

    for begin, key, why in (
            (earlier(bench, "0" * 64, first), "earlier_damaged", "bytes_differ"),      # another one in its place
            (earlier(bench, made.digest, first, Keys("otra clave")), "earlier_unused", "password_wrong"),
            (earlier(bench, made.digest, first, Keys("")), "earlier_unused", "password_needed"),
            (earlier(bench, made.digest, first._replace(label="AnaQuispe_20250101")), "earlier_damaged", "copy_missing")):
        judged(begin, key, why)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(room, "free", lambda _directory: 10)
        judged(good, "earlier_unused", "earlier_unusable")
    _mailbox, remark = judged(good, "earlier_unused", "earlier_unusable", user=USER.upper())      # an account that the copy does not name
    assert "es de otro buzón" in remark.spanish
    copy = StreamedCopy(first, bench.medium, KEYS, made.digest)
    copy.manifest = {"source": {"type": "imap", "facts": ["of another form"]}, "parts": [{"name": ""}]}
    judged(Earlier(first.label, lambda: contextlib.nullcontext(copy)), "earlier_damaged", "restored_differs")
    @contextlib.contextmanager
    def sick() -> Iterator[Any]:      # its disk, which opens files and does not read them to their end
        with StreamedCopy(first, bench.medium, KEYS, made.digest) as opened:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
            yield opened

    judged(Earlier(first.label, sick), "earlier_unused", "earlier_unusable")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    mailbox, _remark = judged(good, "earlier_damaged", "bytes_differ")
    assert held(bench, small, mailbox) == 8

    @contextlib.contextmanager
    def interrupted() -> Iterator[Any]:
        raise BackupError("interrupted", label="the copy")
        yield

    lay = bench.left()
    with pytest.raises(BackupError) as ended:
        again(bench, small, Earlier("AnaQuispe_20250101", interrupted))
    assert ended.value.fault.name == "interrupted" and bench.left() == lay


def test_a_server_that_gives_old_numbers_to_other_mails_gives_all_anew(small: Dovecot, bench: Bench) -> None:  # noqa: F811
    """One that was brought back from a backup of its own: the same UIDVALIDITY, the same UIDs, sizes that are equal, and other mails."""
    made, _mailbox = again(bench, small, None)
    listed = small.home / "Maildir/dovecot-uidlist"
    head, *rows = listed.read_text("ascii").splitlines()
    files = [row.partition(" ")[2] for row in rows]
    listed.write_text("\n".join([head, *(f"{number} {file}" for number, file in enumerate(files[1:] + files[:1], 1)), ""]), "ascii")
    for index in (small.home / "Maildir").glob("dovecot.index*"):
        index.unlink()
    told, mailbox = again(bench, small, earlier(bench, made.digest))
    assert told.fields["objects"] == told.fields["travelled_objects"] == 8 and "lacks" not in told.manifest
    assert held(bench, small, mailbox) == 8


def test_what_does_not_come_out_whole_is_begun_anew_and_a_killed_one_is_swept(small: Dovecot, bench: Bench,  # noqa: F811
                                                                             monkeypatch: pytest.MonkeyPatch) -> None:
    first, _mailbox = again(bench, small, None)
    begin = earlier(bench, first.digest)
    small.put(mail(100))
    child = os.fork()
    if not child:
        meanwhile(monkeypatch, lambda _dovecot, _number: os.kill(os.getpid(), signal.SIGKILL))      # the earlier one lies there in clear
        try:
            again(bench, small, begin)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    laid = []

    def spoiled(dovecot: Any, number: int) -> None:
        laid.append(sorted(os.listdir(dovecot.held)))
        if number < PASSES:
            os.unlink("Maildir/dovecot-uidlist", dir_fd=dovecot.held)

    meanwhile(monkeypatch, None, spoiled)
    told, mailbox = again(bench, small, begin)
    assert [each.key for each in told.manifest["warnings"]] == ["earlier_left"] and len(laid) == PASSES + 1
    assert told.fields["travelled_objects"] == told.fields["objects"] == 9 and "since" not in told.fields
    assert held(bench, small, mailbox) == 9
