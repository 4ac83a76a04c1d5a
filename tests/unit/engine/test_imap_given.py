# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fence around what is given back, what a header says, and the forms of dates and quotes."""

from __future__ import annotations

import hashlib
import io
import json
import os
from pathlib import Path
from typing import Any, Dict

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import CATALOGUE, BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources import (
    imap_asked,
    imap_files,
    imap_giving,
    imap_headers,
    imap_maildir,
    imap_target,
)
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.imap_session import Place


class Session:
    """A session that says what parts levels, and keeps what was sent."""

    def __init__(self, capabilities: bytes, told: bytes) -> None:
        self.capabilities, self.told, self.sent, self.literal = capabilities, told, [], None      # type: ignore[var-annotated]

    def capability(self) -> Any:
        return "OK", [self.capabilities]

    def namespace(self) -> Any:
        return "OK", [self.told]

    def list(self, *_asked: str) -> Any:
        return "OK", [self.told]

    def _command(self, name: str, *arguments: Any) -> str:
        self.sent.append((name, *arguments))
        return "A1"


def target(capabilities: bytes = b"IMAP4rev1 NAMESPACE", told: bytes = b'(("INBOX." ".")) NIL NIL') -> imap_target.Target:
    return imap_target.Target(Session(capabilities, told), "Restaurado Ana.Q_20261122")      # type: ignore[arg-type]


@pytest.mark.parametrize(("capabilities", "told", "root", "inner"), [
    (b"NAMESPACE", b'(("INBOX." ".")) NIL NIL', "INBOX.Restaurado Ana_Q_20261122", "INBOX.Restaurado Ana_Q_20261122.a_b.c/d"),
    (b"NAMESPACE", b'(("" "/")) (("~" "/")) NIL', "Restaurado Ana.Q_20261122", "Restaurado Ana.Q_20261122/a.b/c_d"),
    (b"IMAP4rev1", b'(\\Noselect) "\\\\" ""', "Restaurado Ana.Q_20261122", "Restaurado Ana.Q_20261122\\a.b\\c/d"),
    (b"IMAP4rev1", b'(\\Noselect) NIL ""', "Restaurado Ana.Q_20261122", "Restaurado Ana.Q_20261122-a.b-c/d")])
def test_levels_are_kept_whatever_parts_them(capabilities: bytes, told: bytes, root: str, inner: str) -> None:
    found = target(capabilities, told)
    assert (found.root, found.below(["a.b", "c/d"])) == (root, inner) and found.holds(root) and found.holds(inner)
    assert not found.holds("INBOX") and not found.holds(root + "x") and not found.holds("")


def test_through_the_fence_passes_only_what_stays_inside() -> None:
    found = target()
    session: Any = found._session
    inside, ours = '"INBOX.Restaurado Ana_Q_20261122.INBOX"', '"INBOX.Restaurado Ana_Q_20261122"'
    for passes in (("CREATE", ours), ("APPEND", inside, "()", '"01-Jan-2020 00:00:00 +0000"'), ("SELECT", inside), ("EXAMINE", ours), ("SUBSCRIBE", inside),
                   ("FETCH", "1:9", "(UID FLAGS INTERNALDATE RFC822.SIZE)"), ("UID", "FETCH", "7", "(UID BODY.PEEK[])"), ("LIST", '""', "*"), ("LOGOUT",)):
        session._command(*passes)
    assert len(session.sent) == 9
    for stays in (("APPEND", '"INBOX"', "()"), ("CREATE", '"INBOX.Otro"'), ("SELECT", "INBOX"), ("SELECT", '"INBOX.Restaurado Ana_Q_20261122x"'),
                  ("DELETE", ours), ("RENAME", ours, inside), ("STORE", "1", "+FLAGS", "()"), ("UID", "STORE", "1", "FLAGS", "()"), ("EXPUNGE",), ("CLOSE",),
                  ("UID", "EXPUNGE", "1"), ("COPY", "1", inside), ("UID", "MOVE", "1", inside), ("FETCH", "1", "BODY[]"), ("FETCH", "1", "(RFC822)"),
                  ("SETACL", ours, "otro", "lr"), ("UNSUBSCRIBE", ours), ("CREATE", ours + '\\r\\n1 DELETE "INBOX"'.encode().decode("unicode_escape")),
                  ("APPEND",), ("CREATE", '"INBOX.Restaurado Ana_Q_20261122" "INBOX"')):
        session.literal = b"x"
        with pytest.raises(BackupError) as told:
            session._command(*stays)
        assert told.value.code == "RSP141" and session.literal is None, stays
    assert len(session.sent) == 9


@pytest.mark.parametrize(("raw", "wanted"), [
    (b"Subject: =?utf-8?B?QWN0YSBOwrogMTI=?=\r\n\r\n", {"subject": "acta no 12"}),
    (b"subject: =?ISO-8859-1?Q?A=F1o?= =?ISO-8859-1?q?_nuevo?= y m\xc3\xa1s\n", {"subject": "ano nuevo y mas"}),
    (b"SUBJECT : a\r\n\tb\r\nX: 1\r\n c\r\nFrom: \xe1\r\n", {"subject": "a b", "from": "a"}),
    (b"Subject: =?utf-8?b?w?= =?utf-8?b?sQ==?= =?nope?Q?=F1?= =?utf-8?X?x?= =?rot13?Q?no?=\r\n", None),
    (b"Subject: uno\r\nSubject: dos\r\nFrom:\r\n\r\nSubject: cuerpo", {"subject": "uno dos", "from": ""}),
    (b"\xff\xfe\x00" * 400, {}), (b"", {}), (b"Subject: " + b"=?" * 300_000, None)])
def test_a_header_is_read_as_people_read_it_and_never_an_error(raw: bytes, wanted: Any) -> None:
    found = imap_headers.fields(raw)
    assert wanted is None or found == wanted


def test_a_character_that_was_cut_in_two_words_is_whole() -> None:
    assert imap_headers.decoded("=?UTF-8?B?w?= =?utf-8?B?sQ==?= x") != "" and imap_headers.decoded("=?UTF-8?Q?=C3?=  =?utf-8?Q?=B1?=") == "ñ"


@pytest.mark.parametrize(("raw", "quoted"), [
    (b"From a\r\n>From b\r\nFrom: c\r\n From d\r\n", b">From a\r\n>>From b\r\nFrom: c\r\n From d\r\n\r\n"), (b"x", b"x\r\n\r\n"), (b"", b"\r\n"),
    (b"y" * (1 << 17) + b"From z\n", b"y" * (1 << 17) + b"From z\n\r\n")])
def test_no_line_of_a_mail_begins_another_one(raw: bytes, quoted: bytes) -> None:
    told = io.BytesIO()
    imap_files._quoted(io.BytesIO(raw), told.write)
    assert told.getvalue() == quoted


GOOD = {"uid": 7, "file": "cur/a:2,S", "flags": ["kw"], "date": "2020-02-29T18:29:59Z", "size": 3, "sha256": hashlib.sha256(b"abc").hexdigest()}
HEAD = {"folder": "INBOX", "name": "INBOX", "directory": "", "uidvalidity": 1}


@pytest.mark.parametrize("form", ["eml", "maildir", "mbox"])
@pytest.mark.parametrize("wrong", [
    {"file": "cur/../../secreto"}, {"file": "../secreto"}, {"file": "cur/.."}, {"file": "tmp/a"}, {"uid": 0}, {"uid": "7/../x"}, {"date": '2020-02-29T1" {9}'},
    {"date": "2020-13-01T00:00:00Z"}, {"flags": "kw"}, {"flags": [3]}, {"size": None}, {"folder": "a\r\n1 DELETE x"}, {"directory": "../.."}, {"name": None}])
def test_an_index_that_leads_elsewhere_brings_nothing(tmp_path: Path, form: str, wrong: Dict[str, Any]) -> None:
    """Who forges a copy knows what lies outside, and its digest."""
    for part in ("out", "home/indice", "home/Maildir/cur", "home/Maildir/new", "home/Maildir/tmp"):
        (tmp_path / part).mkdir(parents=True)
    (tmp_path / "home/Maildir/cur/a:2,S").write_bytes(b"abc")
    for outside in ("secreto", "home/secreto", "home/Maildir/secreto", "home/Maildir/tmp/a"):
        (tmp_path / outside).write_bytes(b"abc")
    lines = [{name: wrong.get(name, value) for name, value in row.items()} for row in (HEAD, GOOD)]
    (tmp_path / "home/indice/00001.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), "ascii")
    home, out = (os.open(tmp_path / name, os.O_RDONLY) for name in ("home", "out"))
    try:
        with pytest.raises(BackupError) as told:
            imap_files.laid_out(home, out, imap_asked.read({"format": form, "sender": ""}), ".", "Ana_20261122")
        assert told.value.code == CATALOGUE["restored_differs"].code
        if wrong.get("file", "").startswith(("cur/../", "../")):
            with pytest.raises(OSError):
                imap_maildir.digest(home, "Maildir/" + wrong["file"])
    finally:
        os.close(home)
        os.close(out)
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()] and (tmp_path / "secreto").exists()


def test_marks_that_are_none_of_the_protocol_s_are_not_sent_and_dates_are_english() -> None:
    kept = imap_target.Kept(True, {"\\seen"})
    assert imap_giving._flags(["\\Seen", "\\Flagged", "$Forwarded", "a)b", "\udcf1", "x\\y", "kw-1"], kept) == ["\\Seen", "$Forwarded", "kw-1"]
    assert imap_giving._flags(["Kw", "otra"], imap_target.Kept(False, {"kw"})) == ["Kw"]
    assert imap_giving._internal("2020-02-29T18:29:59Z") == "29-Feb-2020 18:29:59 +0000"
    assert imap_giving.Giving(Place("h", "u", "p"), "Ana_20261122").remarks() == []
