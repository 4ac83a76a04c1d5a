# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server of mailboxes that passes mails over, refuses marks, or serves later: nothing is lost, left out or told as good for that."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources import (
    graph_maildir,
    imap_asked,
    imap_bounded,
    imap_chosen,
    imap_giving,
    imap_judging,
    imap_listing,
    imap_patience,
    imap_session,
)

LABEL, ROOT, PASSWORD = "AnaQuispe_20261122", "Restaurado AnaQuispe_20261122", "clave-de-ana"
PLACE = imap_session.Place("imap.example.org", "ana", PASSWORD)


class Spoken(imap_bounded.Bounded):
    """A session without TLS."""

    where = "imap.example.org:993"

    def _create_socket(self, timeout: Any = None) -> socket.socket:
        return socket.create_connection((self.host, self.port), 20)


class Server:
    """Keeps mailboxes in memory, as RFC 3501 has it, but for what a test makes it say."""

    def __init__(self, **folders: Sequence[bytes]) -> None:
        self.folders: dict[str, list[tuple[bytes, list[str]]]] = {name: [(mail, []) for mail in mails] for name, mails in folders.items()}
        self.says: list[tuple[str, bytes]] = []      # a pattern of commands, and how those end that it finds
        self.once: list[tuple[str, bytes]] = []      # the same, each for one command
        self.passes_over: set[int] = set()           # numbers of mails that no listing has
        self.unlisted: set[str] = set()
        self.repeats = self.issues = False
        self.keeps: Callable[[bytes], bytes] = lambda mail: mail      # what it makes of a mail that it is given
        self.quota: dict[str, list[bytes]] = {}                       # by folder, what it tells of its quotas
        self.able = b""                                               # more that it says it can
        self.beside: list[bytes] = []                                 # mails that somebody else gives as soon as one comes
        self.appended: list[tuple[str, str]] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.near: list[socket.socket] = []
        self.threads: list[threading.Thread] = []
        self._begin(self._accept)

    def _begin(self, target: Callable[..., None], *arguments: Any) -> None:
        self.threads.append(threading.Thread(target=target, args=arguments, daemon=True))
        self.threads[-1].start()

    def close(self) -> None:
        """End it, and leave nothing to the tests that come after."""
        for each in (self.listener, *self.near):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in self.threads:
            thread.join(10)

    def session(self, *_unused: Any) -> Spoken:
        return Spoken("127.0.0.1", self.listener.getsockname()[1])

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self.near.append(self.listener.accept()[0])
                self._begin(self._serve, self.near[-1])

    def _serve(self, near: socket.socket) -> None:
        with contextlib.suppress(OSError), near, near.makefile("rb") as lines:
            near.sendall(b"* PREAUTH ready\r\n")
            opened = ""
            for raw in lines:
                tag, _blank, command = raw.decode("ascii").strip().partition(" ")
                literal = re.search(r" \{(\d+)\}\Z", command)
                if literal:
                    near.sendall(b"+ go on\r\n")
                    mail = lines.read(int(literal[1]))
                    lines.readline()
                name = (re.findall(r'"([^"]*)"', command) or [""])[0]
                end = self._said(command) or b"OK done"
                if end.startswith(b"OK"):
                    if command.startswith(("SELECT", "EXAMINE")):
                        opened = name
                    told = self._told(command, name, opened, mail if literal else b"")
                    end = told.pop() if told and told[-1].startswith(b"NO ") else end
                else:
                    told = []
                near.sendall(b"".join([*(b"* " + each + b"\r\n" for each in told), tag.encode() + b" " + end + b"\r\n"]))

    def _said(self, command: str) -> bytes:
        for number, (pattern, end) in enumerate(self.once):
            if re.search(pattern, command):
                del self.once[number]
                return end
        return next((end for pattern, end in self.says if re.search(pattern, command)), b"")

    def _told(self, command: str, name: str, opened: str, mail: bytes) -> list[bytes]:
        verb = command.split(" ")[0]
        mails = self.folders.get(opened, [])
        if verb == "CAPABILITY":
            return [b"CAPABILITY IMAP4rev1" + (b" QUOTA" if self.quota else b"") + self.able]
        if verb == "GETQUOTAROOT":
            told = self.quota.get(name)
            return [b"NO there is none"] if told is None else [b'QUOTAROOT "x" "a (b"', *(b"QUOTA " + each for each in told)]
        if verb == "LIST":
            if command.endswith('""'):
                return [b'LIST (\\Noselect) "/" ""']
            return [b'LIST () "/" "%s"' % each.encode() for each in self.folders if each not in self.unlisted]
        if verb == "CREATE":
            self.folders[name] = []
        if verb in ("SELECT", "EXAMINE"):
            if name not in self.folders:
                return [b"NO there is none"]
            return [b"%d EXISTS" % len(self.folders[name]), b"OK [UIDVALIDITY 7]", b"OK [PERMANENTFLAGS (\\Seen \\Answered \\*)]"]
        if verb == "APPEND":
            flags = re.findall(r"\(([^)]*)\)", command)[0]
            self.appended.append((name, flags))
            self.folders[name] += [(self.keeps(mail), flags.split()), *((each, []) for each in self.beside)]
            self.beside = []
        if verb == "FETCH":
            numbers = [number for number in range(1, len(mails) + 1) if number not in self.passes_over]
            rows = [b'%d FETCH (UID %d RFC822.SIZE %d INTERNALDATE "29-Feb-2020 18:29:59 +0000" FLAGS (%s))' % (
                number, number, len(mails[number - 1][0]), " ".join(mails[number - 1][1]).encode()) for number in numbers]
            return [*rows, *(rows[:1] if self.repeats else []), *([b"NO [EXPUNGEISSUED] some are gone"] if self.issues else [])]
        if verb == "UID":
            number = int(command.split(" ")[2])
            return [b"%d FETCH (UID %d BODY[] {%d}\r\n%s)" % (number, number, len(mails[number - 1][0]), mails[number - 1][0])]
        return []


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    found = Server(INBOX=[])
    monkeypatch.setattr(imap_giving, "signed_in", found.session)
    monkeypatch.setattr(imap_patience, "_UNTOLD", 0.01)
    monkeypatch.setattr(imap_patience, "PATIENCE", 0.05)
    yield found
    found.close()


def unpacked(top: Path, **folders: Sequence[bytes]) -> int:
    """A copy as it lies unpacked, each mail with marks; its directory, held."""
    (top / "indice").mkdir(parents=True)
    for number, (name, mails) in enumerate(folders.items(), 1):
        directory = top / "Maildir" / name
        for part in ("cur", "new", "tmp"):
            (directory / part).mkdir(parents=True)
        lines: list[dict[str, Any]] = [{"folder": name, "name": name, "directory": name, "uidvalidity": 1}]
        for uid, mail in enumerate(mails, 1):
            (directory / "cur" / str(uid)).write_bytes(mail)
            lines.append({"uid": uid, "file": f"cur/{uid}", "flags": ["$NOTJUNK", "\\Seen"], "date": "2020-02-29T18:29:59Z", "size": len(mail),
                          "sha256": hashlib.sha256(mail).hexdigest()})
        (top / f"indice/{number:05d}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), "ascii")
    return os.open(top, os.O_RDONLY)


def given(home: int, **asked: Any) -> tuple[dict[str, Any], imap_giving.Giving]:
    giving = imap_giving.Giving(PLACE, LABEL)
    return giving.give(home, imap_asked.read({"format": "mailbox", **asked}), "/"), giving


@pytest.mark.parametrize("no", [b"NO APPEND Invalid system flag", b"BAD Invalid flag", b"NO [LIMIT] Too many flags in mailbox"])
def test_a_mail_whose_mark_is_refused_comes_without_it_and_that_is_told(tmp_path: Path, server: Server, no: bytes) -> None:
    server.says = [(r"APPEND .*\$NOTJUNK", no)]
    told, giving = given(unpacked(tmp_path, Ventas=[b"uno", b"dos"]))
    assert told["given"] == 2 and told["left_out"] == [] and server.appended == [(ROOT + "/Ventas", "\\Seen")] * 2
    assert [(each.key, each.parameters) for each in giving.remarks()] == [("mail_marks_lost", {"count": 2, "named": "$notjunk"})]
    server.says = [(r"APPEND .*\(.+\)", no)]
    assert given(unpacked(tmp_path / "otra", Compras=[b"tres"]))[0]["given"] == 1 and server.appended[-1] == (ROOT + "/Compras", "")


def test_a_server_that_takes_mails_later_is_waited_for_and_none_is_left_out(tmp_path: Path, server: Server) -> None:
    home, later = unpacked(tmp_path, Ventas=[b"uno", b"dos"]), b"NO [UNAVAILABLE] System Error"
    server.once = [("APPEND", later), ("APPEND", b"BAD Request is throttled. Suggested Backoff Time: 10 milliseconds"), ("CREATE", later), ("SELECT", later)]
    told, _giving = given(home)
    assert (told["given"], told["left_out"], server.once) == (2, [], [])
    server.folders[ROOT + "/Ventas"].pop()
    server.says = [("APPEND", later + b" " + b"x" * 170 + PASSWORD.encode())]
    with pytest.raises(BackupError) as broke:
        given(home)
    assert broke.value.code == "RSP139" and (broke.value.details["given"], broke.value.details["total"]) == (1, 2)
    assert PASSWORD[:4] not in str(broke.value.details) and "UNAVAILABLE" in broke.value.message


def test_a_mail_that_is_too_large_for_the_server_is_named_and_the_others_come(tmp_path: Path, server: Server) -> None:
    server.says = [(r"APPEND .*\{5\}", b"NO [LIMIT] Mail is larger than the maximum size allowed"), (r"APPEND .*\{6\}", b"BAD [TOOBIG] Message too large.")]
    server.once = [(r"APPEND .*\{3\}", b"NO [LIMIT] APPEND Rate limit hit")]
    home = unpacked(tmp_path, Ventas=[b"cinco", b"cinco6", b"uno"])
    told, _giving = given(home)
    assert (told["given"], told["not_back"], told["left_out"], server.once) == (1, 2, ["Ventas:1", "Ventas:2"], [])
    # one that tells its limit is not sent what is beyond: some end the session for it, at the same mail each time
    server.says, server.appended, server.able = [(r"APPEND .*\{[4-9]\}", b"BAD sent all the same")], [], b" APPENDLIMIT=3"
    told, _giving = given(home)
    assert (told["there"], told["left_out"], server.appended) == (1, ["Ventas:1", "Ventas:2"], [])


def test_one_mail_that_is_refused_for_ever_is_named_and_the_others_come(tmp_path: Path, server: Server) -> None:
    server.says = [(r"APPEND .*\{3\}", b"NO it is odd")]
    told, giving = given(unpacked(tmp_path, Ventas=[b"uno", b"cinco"]))
    assert (told["given"], told["left_out"]) == (1, ["Ventas:1"]) and giving.remarks()[0].key == "mail_left_out"


@pytest.mark.parametrize("no", [b"NO Mailbox already exists.", b"BAD [ALREADYEXISTS] CREATE failed - Mailbox exists"])
def test_a_folder_that_is_there_already_is_gone_on_with_whatever_the_server_calls_that(tmp_path: Path, server: Server, no: bytes) -> None:
    home = unpacked(tmp_path, Ventas=[b"uno"])
    server.folders.update({ROOT: [], ROOT + "/Ventas": []})
    server.unlisted = {ROOT, ROOT + "/Ventas"}
    server.says = [("CREATE", no)]
    assert given(home)[0]["given"] == 1 and len(server.folders[ROOT + "/Ventas"]) == 1
    server.says = [("CREATE", b"NO not allowed here"), ("EXAMINE .*Compras", b"BAD there is none")]
    with pytest.raises(BackupError) as told:
        given(unpacked(tmp_path / "otra", Compras=[b"dos"]))
    assert told.value.code == "RSP137" and "not allowed here" in told.value.message


def test_a_mail_that_the_copy_has_in_two_folders_comes_back_to_both_whatever_came_first(tmp_path: Path, server: Server) -> None:
    """Gmail shows a mail in the inbox and in the folder of all of them."""
    home = unpacked(tmp_path, Todos=[b"uno", b"dos"], Ventas=[b"uno"])
    assert given(home, folders=["Todos"])[0]["given"] == 2
    assert given(home, folders=["Ventas"])[0]["given"] == 1
    told, _giving = given(home)
    assert (told["given"], told["there"]) == (0, 3)
    # its owner moves one: it is known, and comes no second time
    server.folders[ROOT + "/Todos"].append(server.folders[ROOT + "/Ventas"].pop())
    told, _giving = given(home)
    assert (told["given"], told["there"]) == (0, 3)
    # what a listing passes over would be given twice
    server.passes_over = {1}
    with pytest.raises(BackupError) as broke:
        given(home)
    assert broke.value.code == "RSP139" and sum(map(len, server.folders.values())) == 3


ODD = tuple(b"odd %d" % number for number in range(8))


def test_mails_that_the_server_changes_are_named_and_the_others_come(tmp_path: Path, server: Server) -> None:
    server.keeps = lambda mail: mail + b"\r\n" if mail in (b"uno", b"odd 6") else mail
    told, giving = given(unpacked(tmp_path, Ventas=[b"uno", b"dos"], Compras=ODD))
    assert (told["given"], told["not_back"], told["objects"], told["other"], told["left_out"]) == (10, 2, 8, ["Ventas:1", "Compras:7"], [])
    assert [(each.key, each.parameters) for each in giving.remarks() if each.key == "mail_other"] == [
        ("mail_other", {"count": 2, "named": "Ventas:1, Compras:7"})]


@pytest.mark.parametrize("folders", [{"Ventas": ODD}, {"A": ODD[:2], "B": ODD[2:4], "C": ODD[4:7], "D": ODD[7:]}, {"Ventas": ODD[:2]}])
def test_a_server_that_changes_all_mails_gets_only_the_first_ones(tmp_path: Path, server: Server, folders: dict[str, Sequence[bytes]]) -> None:
    server.keeps = lambda mail: b"Received: x\r\n" + mail
    with pytest.raises(BackupError) as broke:
        given(unpacked(tmp_path, **folders))
    count = sum(map(len, folders.values()))
    assert broke.value.code == "RSP138" and len(server.appended) == broke.value.details["count"] <= min(count, 7)
    assert count < 8 or len(server.appended) < count, "all of the mailbox was given"


def test_what_somebody_else_gives_at_the_same_time_is_told(tmp_path: Path, server: Server) -> None:
    server.beside = [b"dos", b"tres", b"propio"]      # the first is given before ours is; the last is no mail of the copy
    told, giving = given(unpacked(tmp_path, Ventas=[b"uno", b"dos", b"tres"]))
    assert told["not_back"] == 0 and [(each.key, each.parameters) for each in giving.remarks()] == [("mail_doubled", {"count": 2})]


_ROOMY = rb'"a (STORAGE 1 1)" (STORAGE 100 1000000 MESSAGE 3 90)'


@pytest.mark.parametrize(("quota", "wanted"), [
    ({"INBOX": [rb'"x" (STORAGE 1000 1000)']}, ("STORAGE", "0 KiB", "3 KiB")),
    ({"INBOX": [_ROOMY, rb"y (MESSAGE 8 10 STORAGE 1 99999)"]}, ("MESSAGE", "2", "3")),
    ({ROOT: [rb"x (MESSAGE 9 10)"], "INBOX": [_ROOMY]}, ("MESSAGE", "1", "3")),
    ({"INBOX": [_ROOMY]}, None), ({"INBOX": [rb'"" ()']}, None), ({"Otra": []}, None),
    ({"INBOX": [rb"x (STORAGE 998 1000)"]}, None), ({"INBOX": [rb"x (STORAGE 7 0 MESSAGE 7 0)", b"none", rb"x (STORAGE 1", rb"x (MESSAGE uno dos)"]}, None)])
def test_what_does_not_fit_is_refused_before_anything_is_given(tmp_path: Path, server: Server, quota: dict[str, list[bytes]],
                                                               wanted: tuple[str, str, str] | None) -> None:
    server.quota = quota
    home = unpacked(tmp_path, Ventas=[b"x" * 1025, b"y" * 1023, b"z"])
    if wanted is None:
        assert given(home)[0]["given"] == 3
        return
    with pytest.raises(BackupError) as told:
        given(home)
    assert told.value.code == "RSP149" and tuple(told.value.details[name] for name in ("resource", "free", "needed")) == wanted
    assert server.appended == [] and list(server.folders) == ["INBOX"], "something was made"
    # what is there already needs no room
    server.folders[ROOT + "/Ventas"] = [(mail, []) for mail in (b"x" * 1025, b"y" * 1023, b"z")]
    assert given(home)[0]["there"] == 3


def judged(top: Path, server: Server, mails: Sequence[bytes]) -> imap_judging.Judged:
    """What is found of a copy with all mails of the server's one folder."""
    home = os.open(top, os.O_RDONLY)
    (top / "Maildir").mkdir()
    maildir = os.open(top / "Maildir", os.O_RDONLY)
    held = graph_maildir.made(maildir, "")
    for number, mail in enumerate(mails, 1):
        (top / f"Maildir/cur/{number}:2,").write_bytes(mail)
    graph_maildir.listed(held, 7, [f"cur/{number}:2," for number in range(1, len(mails) + 1)])
    session = server.session()
    try:
        begun, delimiter = imap_judging.before(session)
        return imap_judging.judge(session, begun, delimiter, home, True)
    finally:
        session.shutdown()
        for each in (home, maildir, held):
            os.close(each)


MAILS = (b"uno", b"dos", b"tres")


@pytest.mark.parametrize("how", [{}, {"repeats": True}, {"issues": True}])
def test_a_listing_that_passes_mails_over_makes_no_good_copy(tmp_path: Path, server: Server, how: dict[str, bool]) -> None:
    server.folders = {"INBOX": [(mail, []) for mail in MAILS]}
    server.passes_over = {2}
    for name, value in how.items():
        setattr(server, name, value)
    found = judged(tmp_path, server, MAILS)
    assert found.mails == 2 and found.unsettled == [] and [each.told() for each in found.missing] == ["INBOX:* (the server lists 2 of its 3 mails)"]


def test_a_folder_that_is_listed_and_never_opens_is_named_as_missing(tmp_path: Path, server: Server) -> None:
    server.folders = {"INBOX": [(mail, []) for mail in MAILS], "Roto": []}
    server.says = [('EXAMINE "Roto"', b"NO [SERVERBUG] broken")]
    found = judged(tmp_path, server, MAILS)
    assert (found.mails, found.unsettled) == (3, []) and [each.told() for each in found.missing] == ["Roto:* (the server does not open it)"]


def test_a_folder_that_is_asked_for_by_its_name_brings_none_of_a_similar_one(tmp_path: Path) -> None:
    with imap_chosen.Unpacked(unpacked(tmp_path, **{"Cana": [b"uno"], "CANA": [b"dos"], "Otra": [b"tres"]}), LABEL) as copy:
        def names(*folders: str) -> list[str]:
            return [each.name for each in imap_chosen.chosen(copy, imap_asked.read({"folders": list(folders)}), "/")]

        assert names("Cana") == ["Cana"] and names("CANA", "otra") == ["CANA", "Otra"]
        assert names("caña") == ["Cana", "CANA"], "as nobody remembers how it was written"
        with pytest.raises(BackupError) as told:
            names("Cana", "Ninguna")
        assert told.value.code == "RSP134" and "Ninguna" in told.value.message


def test_what_a_server_says_is_cut_after_the_password_was_hidden() -> None:
    line = b"x" * 70 + PASSWORD.encode()
    session = Listing([line])
    with pytest.raises(imap_listing.Unlistable) as told:
        imap_listing.folders(session)      # type: ignore[arg-type]
    shown = imap_session.unreachable(PLACE, told.value)
    assert PASSWORD[:4] not in shown.message and "***" in shown.message


class Listing:
    """A session whose LIST says this."""

    def __init__(self, lines: list[bytes]) -> None:
        self.lines = lines

    def list(self, *_asked: str) -> Any:
        return "OK", self.lines
