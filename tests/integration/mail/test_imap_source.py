# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mailbox of a real Dovecot, planted with what tools for mailboxes stumble over: copied, proved, unpacked. And every way in which it may fail.

RESPALDO_TESTS_MAILS says how many mails the great folder has, RESPALDO_TESTS_CUTS at how many points of chance, beside those here, a connection is cut.
"""

from __future__ import annotations

import datetime
import errno
import hashlib
import json
import os
import random
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.copies import making, publishing
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.copies.orders import Order
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.copies.streamed import StreamedCopy
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.media.base import Slot
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.media.local import Local
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.processes.programs import private_directory
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources import (
    imap,
    imap_dovecot,
    imap_listing,
    imap_maildir,
    imap_relay,
    imap_session,
)
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.imap import Imap
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.transforms.encrypt import Keys

from .conftest import PASSWORD, USER, Dovecot

KEYS = Keys("clave de prueba")
MANY = int(os.environ.get("RESPALDO_TESTS_MAILS", "300"))
CUTS = int(os.environ.get("RESPALDO_TESTS_CUTS", "2"))
SECRET = "SECRETO-de-Ana-4711"
# the last one lies in a folder that can't be opened
FOLDERS = ("Enviados", "Con espacio ", "A&APE-o", "A&APE-o.sub", "Punto:dos", "Vac&AO0-a", "INBOX.hijo", 'Comilla"s', "&-Y", "Muchos", "Padre.hijo")
# eight bits without a header; a long line; no end; the same twice, and another of the same name; a megabyte; only a header; dots; null bytes
ODD = (
    b"no header\r\n\r\n\xff\xfe 8bit \xf1\r\n", b"Subject: l\r\n\r\n" + b"x" * 20000 + b"\r\n", b"Subject: n\r\n\r\nno newline",
    b"Message-ID: <same@x>\r\n\r\nuno\r\n", b"Message-ID: <same@x>\r\n\r\nuno\r\n", b"Message-ID: <same@x>\r\n\r\ndos\r\n",
    b"Subject: m\r\n\r\n" + b"0123456789abcdef\r\n" * 60000, b"Subject: h\r\n\r\n", b"Subject: f\r\n\r\nFrom here\r\n.\r\n",
    b"Subject: z\r\n\r\ncero\0cero\0\r\n",
)
ALWAYS = 40 + len(ODD) + 7      # mails that are planted beside the great folder's
LARGE = 31 << 20


def plant(server: Dovecot, many: int, large: bool = False) -> int:
    """All traps, and so many mails in the great folder; how many in all. `large`: also a mail that is larger than most servers take."""
    with server.session() as session:
        for folder in FOLDERS:
            assert session.create(imap_listing.quoted(folder))[0] == "OK"
        for number in range(40):      # more keywords than a Maildir has letters for, with and without $, alike but for their case
            flags = (rf"(\Seen $Forwarded kw{number})", rf"(\Answered \Flagged kw{number} Urgente)", "(urgente $MDNSent)", r"(\Draft)")[number % 4]
            text = f"From: ana@example.org\r\nSubject: {SECRET} {number}\r\n\r\n{SECRET} {number}\r\n"
            assert session.append("INBOX", flags, f'"01-Feb-2019 10:{number:02d}:00 -0500"', text.encode())[0] == "OK"
        for raw in ODD:
            assert session.append("Enviados", r"(\Seen)", '"29-Feb-2020 23:59:59 +0530"', raw)[0] == "OK"
        for folder in FOLDERS[1:5] + FOLDERS[6:9]:
            assert session.append(imap_listing.quoted(folder), "", "", b"Subject: " + folder.encode() + b"\r\n\r\nx\r\n")[0] == "OK"
    # laid where they lie: an APPEND of each costs more than all that is tried here
    new, owner = server.home / "Maildir/.Muchos/new", server.home.stat()
    for number in range(many):
        mail = new / f"{1600000000 + number}.M{number}.planted"
        mail.write_bytes(b"Subject: %d\r\n\r\ncuerpo %d\r\n" % (number, number))
        os.chown(mail, owner.st_uid, owner.st_gid)
    if large:
        mail = new / f"{1600000000 + many}.M{many}.planted"
        mail.write_bytes(b"Subject: grande\r\n\r\n" + (b"0123456789abcdef" * 4 + b"\r\n") * (LARGE // 66))
        os.chown(mail, owner.st_uid, owner.st_gid)
    return ALWAYS + many + large


def state(server: Dovecot, but: str = "\0") -> dict[str, Any]:
    """All that the server tells of its mailbox, and the bytes; `but`: what the names of folders begin with that are left out."""
    told = {}
    with server.session() as session:
        for name in (name for name in imap_listing.folders(session)[0] if not name.startswith(but)):
            count = int(session.select(imap_listing.quoted(name), readonly=True)[1][0])
            told[name] = (session.response("UIDVALIDITY"), session.status(imap_listing.quoted(name), "(MESSAGES UIDNEXT UNSEEN RECENT)"),
                          session.fetch("1:*", "(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])")[1] if count else [])
    return told


class Bench:
    def __init__(self, top: Path) -> None:
        self.top, self.medium, self.count = top, Local("disco", str(top / "medium"), create=True), 0

    def make(self, source: Imap) -> Any:
        self.count += 1
        self.slot = Slot("mailbox", "AnaQuispe", f"AnaQuispe_{datetime.date(2026, 1, 1) + datetime.timedelta(days=self.count):%Y%m%d}")
        made = making.make(Order(self.slot, keys=KEYS), source, [self.medium])
        publishing.publish(self.slot, made.digest, [self.medium])
        return made

    def open(self) -> StreamedCopy:
        return StreamedCopy(self.slot, self.medium, KEYS)

    def left(self) -> list[Path]:
        return [path for path in (self.top / "medium").rglob("*") if path.is_file() and path.name != ".lock"]


@pytest.fixture(scope="module")
def planted() -> Iterator[Dovecot]:
    server = Dovecot()
    try:
        plant(server, MANY)
        yield server
    finally:
        server.close()


@pytest.fixture
def fresh() -> Iterator[Dovecot]:
    server = Dovecot()
    try:
        server.put(*(b"Subject: %d\r\n\r\n" % number + b"y" * 3000 + b"\r\n" for number in range(30)))
        yield server
    finally:
        server.close()


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    # the account that nobody has must reach its work through the directories above
    temporary = Path("/tmp") / f"respaldo-imap-{os.getpid()}-{tmp_path.name}"
    temporary.mkdir(mode=0o755)
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    monkeypatch.setattr("ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.imap_session._WAITS", (0.0, 0.0))
    yield Bench(tmp_path)
    assert list(temporary.iterdir()) == [], "scratch was left"
    temporary.rmdir()


def source(server: Dovecot, **more: Any) -> Imap:
    given = {"host": "localhost", "user": USER, "password": PASSWORD, "port": server.port, "ca_certs": str(server.top / "cert.pem"), **more}
    return Imap(**given)


def refused(bench: Bench, made_of: Imap) -> BackupError:
    with pytest.raises(BackupError) as told:
        bench.make(made_of)
    assert bench.left() == [] and PASSWORD not in str(told.value) and SECRET not in str(told.value)
    return told.value


def test_there_and_back_with_every_trap(planted: Dovecot, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    before = state(planted)
    mailbox = source(planted, compare="all")
    asked: list[bytes] = []
    monkeypatch.setattr(imap_relay, "passed_on", lambda line, real=imap_relay.passed_on: asked.append(line) or real(line))
    made = bench.make(mailbox)
    assert state(planted) == before, "the copy left a mark on the source"
    count = ALWAYS + MANY
    assert 0 < sum(b"BODY.PEEK[]" in line for line in asked) < count / 4      # by twenties, not one by one
    assert made.fields["objects"] == count == mailbox.judged.mails == mailbox.judged.compared and made.manifest["warnings"] == []
    assert made.manifest["source"]["facts"]["not_included"] and made.manifest["encrypted"]
    clear = b"".join(path.read_bytes() for path in bench.left())
    assert not any(word.encode() in clear for word in (SECRET, PASSWORD, "Comilla"))
    with bench.open() as copy:
        copy.verify_bytes()
        assert "tar_list" in copy.verify_structure(mailbox)
        with private_directory() as scratch:
            assert mailbox.rehearse(copy, scratch) == ["tar_extract", "mailbox_index", "mailbox_listed"]
            assert os.listdir(scratch) == []
        told = mailbox.restore(copy, str(bench.top / "back"), False)
    assert told["objects"] == count
    found = {}
    for index in sorted((bench.top / "back/indice").iterdir()):
        head, *lines = map(json.loads, index.read_text("ascii").splitlines())
        folder = bench.top / "back/Maildir" / head["directory"]
        found[head["folder"]] = [(each["uid"], sorted(each["flags"]), each["date"], seen((folder / each["file"]).read_bytes())) for each in lines]
    assert found == {name: list(served(planted, name)) for name in before}
    assert [imap_maildir.readable(name) for name in ("A&APE-o", "&-Y", "Vac&AO0-a", "&mal")] == ["Año", "&Y", "Vacía", "&mal"]


def seen(raw: bytes) -> tuple[int, str]:
    """What is kept of a mail to compare it: of 20,000 nobody holds the bodies."""
    return len(raw), hashlib.sha256(raw).hexdigest()


def served(server: Dovecot, folder: str) -> Iterator[tuple[int, list[str], str, tuple[int, str]]]:
    """Each mail of a folder as its server gives it: UID, flags and keywords, internal date, and what is `seen` of its bytes."""
    with server.session() as session:
        count = int(session.select(imap_listing.quoted(folder), readonly=True)[1][0])
        for first in range(1, count + 1, 200):
            for part in session.fetch(f"{first}:{min(count, first + 199)}", "(UID FLAGS INTERNALDATE BODY.PEEK[])")[1]:
                if isinstance(part, tuple):
                    row = imap_listing._row(part[0] + b" RFC822.SIZE 0")
                    assert row is not None
                    yield row.uid, sorted(row.flags), row.date, seen(part[1])


def test_a_wrong_password_is_tried_once(fresh: Dovecot, bench: Bench) -> None:
    door = Cutting(fresh.port, 1 << 30)
    try:
        assert refused(bench, source(fresh, port=door.port, password="otra")).fault.name == "imap_login_refused"
        assert len(door.sockets) == 2
    finally:
        door.close()


def test_a_certificate_of_nobody_is_refused(fresh: Dovecot, bench: Bench) -> None:
    error = refused(bench, source(fresh, ca_certs=""))
    assert error.fault.name == "imap_unreachable" and "certificate" in error.message.lower()


class Cutting:
    """A door before the server that lets so many bytes of it pass in all, then cuts each connection."""

    def __init__(self, port: int, most: int) -> None:
        self.far, self.left, self.sockets = port, most, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        try:
            while True:
                near = self.listener.accept()[0]
                far = socket.create_connection(("127.0.0.1", self.far))
                self.sockets += [near, far]
                threading.Thread(target=self._pump, args=(near, far, False), daemon=True).start()
                threading.Thread(target=self._pump, args=(far, near, True), daemon=True).start()
        except OSError:
            pass

    def _pump(self, of: socket.socket, to: socket.socket, counted: bool) -> None:
        try:
            while chunk := of.recv(1 << 14):
                if counted:
                    self.left -= len(chunk)
                    if self.left < 0:
                        break
                to.sendall(chunk)
        except OSError:
            pass
        for each in (of, to):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self) -> None:
        for each in (self.listener, *self.sockets):
            each.close()


def test_a_connection_that_is_cut_makes_no_copy(fresh: Dovecot, bench: Bench) -> None:
    """At each point: no copy, or, where the cut came after all was brought and compared, one that is whole. Never a mark on the server."""
    before = state(fresh)
    chance = random.Random(os.urandom(8))
    for most in (300, 4000, 30_000, 100_000, *(chance.randrange(200, 160_000) for _each in range(CUTS))):
        door = Cutting(fresh.port, most)
        mailbox, lay = source(fresh, port=door.port), bench.left()
        try:
            made = bench.make(mailbox)
        except BackupError as error:
            assert error.fault.name in ("imap_unreachable", "imap_incomplete", "imap_unsettled"), (most, error.message)
            assert bench.left() == lay, most
        else:
            assert door.left >= 0 and "lacks" not in made.manifest and mailbox.judged.mails == sum(len(told[2]) // 2 for told in before.values()), most
        finally:
            door.close()
    assert state(fresh) == before


def test_a_full_disk_makes_no_copy_and_leaves_no_mark(fresh: Dovecot, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, small = state(fresh), Path(tempfile.gettempdir()) / "lleno"
    small.mkdir(mode=0o711)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(small)], check=True)
    try:
        for on_missing in ("refuse", "partial"):
            error = refused(bench, source(fresh, work_dir=str(small), on_missing=on_missing))
            assert error.fault.name == "imap_no_room" and str(small) in error.message, error.message
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)
        small.rmdir()

    def full(_held: int) -> None:      # a disk of a virtual machine has room, until what was written is to lie on it
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(imap_dovecot.system_calls, "settled", full)
    assert refused(bench, source(fresh)).fault.name == "imap_no_room"

    def broken(_held: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(imap_dovecot.system_calls, "settled", broken)
    assert refused(bench, source(fresh)).fault.name == "mailbox_disk_failed"
    # what fails on this server while the other one is asked is none of the other's
    monkeypatch.setattr(imap_dovecot.system_calls, "settled", lambda _held: None)
    monkeypatch.setattr(imap_maildir, "digest", lambda _folder, _path: broken(0))
    assert refused(bench, source(fresh)).fault.name == "mailbox_disk_failed"
    assert state(fresh) == before


Deed = Callable[[Any, int], None]


def meanwhile(monkeypatch: pytest.MonkeyPatch, first: Deed | None = None, then: Deed | None = None) -> None:
    """Have something done to the mailbox before, or after, each pass of the synchroniser."""
    real = imap_dovecot.Dovecot.synchronise

    def passed(self: Any, port: int, word: str, number: int) -> str:
        if first:
            first(self, number)
        said = real(self, port, word, number)
        if then:
            then(self, number)
        return said

    monkeypatch.setattr(imap_dovecot.Dovecot, "synchronise", passed)


def test_what_comes_goes_and_is_marked_while_it_is_copied(fresh: Dovecot, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def then(_dovecot: Any, _number: int) -> None:
        with fresh.session() as session:
            session.append("INBOX", "", "", b"Subject: late\r\n\r\nx\r\n")
            session.select("INBOX")
            session.uid("STORE", "3", "+FLAGS", r"(\Flagged \Answered tarde)")
            session.uid("STORE", "5", "+FLAGS", r"(\Deleted)")
            session.expunge()

    meanwhile(monkeypatch, lambda _dovecot, _number: fresh.put(b"Subject: early\r\n\r\nx\r\n"), then)
    mailbox = source(fresh)
    made = bench.make(mailbox)
    # 30, one came before the pass and is in it, one after and is not, one is gone
    assert (mailbox.judged.mails, mailbox.judged.arrived, mailbox.judged.gone) == (30, 1, 1)
    assert [each.key for each in made.manifest["warnings"]] == ["imap_gone"]
    with bench.open() as copy, private_directory() as scratch:
        mailbox.rehearse(copy, scratch)
        mailbox.restore(copy, str(bench.top / "back"), False)
    lines = [json.loads(line) for line in (bench.top / "back/indice/00001.jsonl").read_text("ascii").splitlines()[1:]]
    marked = next(each for each in lines if each["uid"] == 3)
    assert marked["flags"] == ["\\Answered", "\\Flagged", "tarde"] and marked["file"].endswith(":2,FR") and 5 not in {each["uid"] for each in lines}
    assert len(list((bench.top / "back/Maildir").glob("[cn]*/*"))) == 30


def anew(server: Dovecot, folder: str) -> None:
    with server.session() as session:
        session.delete(folder)
        time.sleep(1.1)      # Dovecot takes the time in seconds for the new UIDVALIDITY
        session.create(folder)
        session.append(folder, "", "", b"Subject: again\r\n\r\nx\r\n")


def test_folders_that_are_numbered_anew_or_renamed_are_read_again(fresh: Dovecot, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    anew(fresh, "Otra")
    with fresh.session() as session:
        session.create("Proyecto")
        session.append("Proyecto", "", "", b"Subject: p\r\n\r\nx\r\n")

    def first(_dovecot: Any, number: int) -> None:
        if not number:
            anew(fresh, "Otra")
            with fresh.session() as session:      # and one gets another name
                session.rename("Proyecto", "Cerrado")

    meanwhile(monkeypatch, first)
    mailbox = source(fresh)
    made = bench.make(mailbox)
    assert mailbox.judged.mails == 32 and "lacks" not in made.manifest
    with bench.open() as copy, private_directory() as scratch:
        assert mailbox.rehearse(copy, scratch)


def test_folders_that_never_stand_still_make_no_copy(fresh: Dovecot, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def then(_dovecot: Any, number: int) -> None:
        with fresh.session() as session:
            session.create(f"Nueva{number}")

    meanwhile(monkeypatch, None, then)
    assert refused(bench, source(fresh)).fault.name == "imap_unsettled"


def test_a_mail_that_the_server_can_not_give_is_named_and_the_others_are_copied_when_that_is_asked_for(fresh: Dovecot, bench: Bench) -> None:
    with fresh.session() as session:      # so that the server knows all sizes already
        session.select("INBOX", readonly=True)
        session.fetch("1:*", "(RFC822.SIZE)")
    # by the server's own list: the names of its files don't sort as its numbers do
    listed = (fresh.home / "Maildir/dovecot-uidlist").read_text("ascii").splitlines()
    eighth = next(line.rpartition(":")[2] for line in listed if line.startswith("8 "))
    lying = next((fresh.home / "Maildir").glob(f"[cn]*/{eighth}*"))
    lying.write_bytes(b"")
    lying.chmod(0)
    error = refused(bench, source(fresh))
    assert error.fault.name == "imap_incomplete" and "INBOX:8 (" in error.details["named"] and "INBOX:7 (" not in error.details["named"]
    mailbox = source(fresh, on_missing="partial")
    made = bench.make(mailbox)
    assert [each.key for each in made.manifest["warnings"]] == ["imap_missing"]
    missing = {each["uid"] for each in made.manifest["source"]["facts"]["missing"]}
    assert made.fields["lacks"] == made.manifest["lacks"] == len(missing)      # partial: it never counts as a good one
    assert 8 in missing and mailbox.judged.mails == 30 - len(missing) >= 7


def test_the_password_is_nowhere_while_it_is_copied(fresh: Dovecot, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    found, real = [], imap_session.signed_in
    looked = []

    def scanned(place: Any) -> Any:
        session = real(place)
        for path in Path("/proc").glob("[0-9]*"):
            try:
                told = (path / "cmdline").read_bytes() + b"\0" + (path / "environ").read_bytes()
            except OSError:
                continue
            looked.append(b"doveadm" in told)
            found.extend([path] if PASSWORD.encode() in told else [])
        for path in Path(str(tempfile.gettempdir())).rglob("*"):
            found.extend([path] if path.is_file() and PASSWORD.encode() in path.read_bytes() else [])
        return session

    monkeypatch.setattr(imap, "signed_in", scanned)
    bench.make(source(fresh))
    assert any(looked) and found == []


def test_killed_it_leaves_no_copy_and_the_next_one_sweeps(fresh: Dovecot, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    child = os.fork()
    if not child:
        meanwhile(monkeypatch, None, lambda _dovecot, _number: os.kill(os.getpid(), signal.SIGKILL))
        try:
            bench.make(source(fresh))
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert bench.left() == []
    bench.make(source(fresh))


def test_through_the_door_passes_only_what_changes_nothing() -> None:
    for line, wanted in ((b"1 SELECT INBOX\r\n", b"1 EXAMINE INBOX\r\n"), (b"2 UID FETCH 1:* (FLAGS BODY.PEEK[])\r\n", None), (b"3 noop\r\n", None),
                         (b"4 fetch 1 (RFC822.SIZE RFC822.HEADER BODYSTRUCTURE)\r\n", None)):
        assert imap_relay.passed_on(line) == (wanted or line)
    for command in (rb"STORE 1 +FLAGS (\Seen)", b"UID STORE 1 FLAGS ()", b"EXPUNGE", b"UID EXPUNGE 1", b"APPEND INBOX {3}", b"CLOSE", b"FETCH 1 BODY[]",
                    b"UID FETCH 1 (RFC822)", b"FETCH 1 RFC822.TEXT", b"DELETE a", b"COPY 1 a", b"UID MOVE 1 a", b"EXAMINE {5}", b"EXAMINE {5+}", b"IDLE",
                    b"FETCH 1 BINARY[1]", b"SETMETADATA a (b c)", b"NOOP x"):
        assert imap_relay.passed_on(b"1 " + command + b"\r\n") is None, command
    assert imap_relay.passed_on(b"+\r\n") is None


def test_who_has_not_the_word_gets_nowhere() -> None:
    asked = []
    with imap_relay.Relay(lambda: asked.append(1)) as door:      # type: ignore[arg-type, func-returns-value]
        for line in (b'1 LOGIN "buzon" "0123"\r\n', b"1 EXAMINE INBOX\r\n", b"1 AUTHENTICATE PLAIN\r\n"):
            with socket.create_connection(("127.0.0.1", door.port), 60) as stranger, stranger.makefile("rb") as told:
                told.readline()
                stranger.sendall(line)
                assert told.readline() == b"1 NO\r\n" and told.readline() == b""
    assert asked == []


def test_in_clear_it_is_not_copied_and_the_server_is_not_even_asked(tmp_path: Path) -> None:
    """By a person's own task too, whatever the plan would have said: there is no server at that address."""
    nowhere = Imap(host="127.0.0.1", port=1, user="ana", password=PASSWORD)
    with pytest.raises(BackupError) as told:
        making.make(Order(Slot("mailbox", "AnaQuispe", "AnaQuispe_20261121")), nowhere, [Local("disco", str(tmp_path), create=True)])
    assert told.value.code == "RSP101" and "encryption" in told.value.message and "sin cifrar" in told.value.spanish
