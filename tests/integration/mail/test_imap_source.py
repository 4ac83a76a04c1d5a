# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mailbox of a real Dovecot, planted with what tools for mailboxes stumble over: copied, proved, unpacked. And every way in which it may fail.

RESPALDO_TESTS_MAILS says how many mails the great folder has.
"""

from __future__ import annotations

import hashlib
import imaplib
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
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
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources import imap_listing, imap_maildir
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.imap import Imap
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.transforms.encrypt import Keys

from .conftest import PASSWORD, USER, Dovecot

KEYS = Keys("clave de prueba")
MANY = int(os.environ.get("RESPALDO_TESTS_MAILS", "300"))
SECRET = "SECRETO-de-Ana-4711"
FOLDERS = ("Enviados", "Con espacio ", "A&APE-o", "A&APE-o.sub", "Punto:dos", "Vac&AO0-a", "INBOX.hijo", 'Comilla"s', "&-Y", "Muchos")
ODD = {
    "eight bits": b"no header\r\n\r\n\xff\xfe 8bit \xf1\r\n", "one long line": b"Subject: l\r\n\r\n" + b"x" * 20000 + b"\r\n", "no end": b"Subject: n\r\n\r\nno newline",
    "twice": b"Message-ID: <same@x>\r\n\r\nuno\r\n", "twice again": b"Message-ID: <same@x>\r\n\r\nuno\r\n", "same id": b"Message-ID: <same@x>\r\n\r\ndos\r\n",
    "a megabyte": b"Subject: m\r\n\r\n" + b"0123456789abcdef\r\n" * 60000, "only a header": b"Subject: h\r\n\r\n", "from": b"Subject: f\r\n\r\nFrom here\r\n.\r\n",
}


def plant(server: Dovecot, many: int) -> None:
    with server.session() as session:
        for folder in FOLDERS:
            assert session.create(imap_listing.quoted(folder))[0] == "OK"
        for number in range(40):      # more keywords than a Maildir has letters for, with and without $, alike but for their case
            flags = (rf"(\Seen $Forwarded kw{number})", rf"(\Answered \Flagged kw{number} Urgente)", "(urgente $MDNSent)", r"(\Draft)")[number % 4]
            text = f"From: ana@example.org\r\nSubject: {SECRET} {number}\r\n\r\n{SECRET} {number}\r\n"
            assert session.append("INBOX", flags, f'"01-Feb-2019 10:{number:02d}:00 -0500"', text.encode())[0] == "OK"
        for raw in ODD.values():
            assert session.append("Enviados", r"(\Seen)", '"29-Feb-2020 23:59:59 +0530"', raw)[0] == "OK"
        for folder in FOLDERS[1:5] + FOLDERS[6:9]:
            assert session.append(imap_listing.quoted(folder), "", "", b"Subject: " + folder.encode() + b"\r\n\r\nx\r\n")[0] == "OK"
    # laid where they lie: an APPEND of each costs more than all that is tried here
    new, owner = server.home / "Maildir/.Muchos/new", server.home.stat()
    for number in range(many):
        mail = new / f"{1600000000 + number}.M{number}.planted"
        mail.write_bytes(b"Subject: %d\r\n\r\ncuerpo %d\r\n" % (number, number))
        os.chown(mail, owner.st_uid, owner.st_gid)


def state(server: Dovecot) -> dict[str, Any]:
    """All that the server tells of its mailbox, and the bytes."""
    told = {}
    with server.session() as session:
        for name in imap_listing.folders(session)[0]:
            count = int(session.select(imap_listing.quoted(name), readonly=True)[1][0])
            told[name] = (session.response("UIDVALIDITY"), session.status(imap_listing.quoted(name), "(MESSAGES UIDNEXT UNSEEN RECENT)"),
                          session.fetch("1:*", "(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])")[1] if count else [])
    return told


class Bench:
    def __init__(self, top: Path) -> None:
        self.top, self.medium, self.count = top, Local("disco", str(top / "medium"), create=True), 0

    def make(self, source: Imap) -> Any:
        self.count += 1
        self.slot = Slot("mailbox", "AnaQuispe", f"AnaQuispe_2026112{self.count}")
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


def test_there_and_back_with_every_trap(planted: Dovecot, bench: Bench) -> None:
    before = state(planted)
    mailbox = source(planted, compare="all")
    made = bench.make(mailbox)
    assert state(planted) == before, "the copy left a mark on the source"
    count = 40 + len(ODD) + 7 + MANY
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
        found[head["folder"]] = [(each["uid"], sorted(each["flags"]), each["date"], (folder / each["file"]).read_bytes()) for each in lines]
    assert found == {name: list(served(planted, name)) for name in before}
    assert [imap_maildir.readable(name) for name in ("A&APE-o", "&-Y", "Vac&AO0-a", "&mal")] == ["Año", "&Y", "Vacía", "&mal"]


def served(server: Dovecot, folder: str) -> Iterator[tuple[Any, ...]]:
    with server.session() as session:
        count = int(session.select(imap_listing.quoted(folder), readonly=True)[1][0])
        for part in session.fetch("1:*", "(UID FLAGS INTERNALDATE BODY.PEEK[])")[1] if count else ():
            if isinstance(part, tuple):
                row = imap_listing._row(part[0] + b" RFC822.SIZE 0")
                assert row is not None
                yield row.uid, sorted(row.flags), row.date, part[1]


def test_a_wrong_password_is_tried_once(fresh: Dovecot, bench: Bench) -> None:
    error = refused(bench, source(fresh, password="otra"))
    assert error.fault.name == "imap_login_refused" and (fresh.top / "log").read_text("utf-8").count("auth failed") == 1


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
