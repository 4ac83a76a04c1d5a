# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mails of a real copy come back: as files that programs open, and into a mailbox of another real Dovecot. And every way in which that may fail.

RESPALDO_MAIL_MANY says how many mails the great folder has beside all traps; where it is given one of 31 MB lies there too. With 20,000 run
`-k all_of_it_comes_back_once` alone: the other tests are about what happens, not to how many.
"""

from __future__ import annotations

import json
import mailbox
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.processes.programs import private_directory
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources import imap_listing, imap_session, imap_target
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.imap import Imap

from .conftest import PASSWORD, USER, Dovecot
from .test_imap_source import ODD, SECRET, Bench, Cutting, plant, seen, served, state
from .test_imap_source import source as made_of

__all__ = ["kept"]
MANY, ASKED = int(os.environ.get("RESPALDO_MAIL_MANY", "25")), "RESPALDO_MAIL_MANY" in os.environ
# the sender in two words of one charset that cut a character in two; the subject in Q and in eight bits; folders that lie deeper
FOUND = (
    b"From: =?utf-8?B?Sm9zw6kgUGXDsQ==?= =?UTF-8?q?a_D=C3=ADaz?= <jpena@example.org>\r\nSubject: =?iso-8859-1?Q?Contrataci=F3n?=\r\n"
    b" =?iso-8859-1?Q?_de_bienes?=\r\n\r\nx\r\n", "From: <otra@example.org>\r\nSubject: contratación de SERVICIOS\r\n\r\nx\r\n".encode("latin-1"))


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Bench, Dovecot, dict[str, list]]]:
    """One copy of a planted mailbox, its server, and what it serves."""
    server = Dovecot()
    try:
        plant(server, MANY, large=ASKED)
        with server.session() as session:
            for raw, date in zip(FOUND, ("01-Nov-2026", "15-Nov-2026")):
                assert session.append("A&APE-o", r"(\Flagged)", f'"{date} 23:30:00 -0500"', raw)[0] == "OK"
        bench = Bench(tmp_path_factory.mktemp("kept"))
        bench.make(source(server, work_dir="/tmp"))
        found = {name: list(served(server, name)) for name in _folders(server)}
        yield bench, server, found
    finally:
        server.close()


def source(server: Dovecot, mail: dict[str, Any] | None = None, **more: Any) -> Imap:
    of = made_of(server, **more)
    of.choose(mail or {})
    return of


def _folders(server: Dovecot) -> list[str]:
    with server.session() as session:
        return imap_listing.folders(session)[0]


def _back(bench: Bench, of: Imap, target: Path | str) -> dict[str, Any]:
    with bench.open() as copy:
        of.check_target(str(target), False, bench.slot.label)
        return of.restore(copy, str(target), False)


def _index(top: Path) -> dict[str, list[dict]]:
    found = {}
    for index in sorted((top / "indice").iterdir()):
        head, *lines = map(json.loads, index.read_text("ascii").splitlines())
        found[head["folder"]] = lines
    return found


def test_as_eml_each_mail_is_a_file_that_no_sender_named(kept, tmp_path: Path) -> None:
    bench, server, served_there = kept
    told = _back(bench, source(server, mail={"format": "eml"}), tmp_path / "eml")
    found = {name: [(each["uid"], sorted(each["flags"]), each["date"], seen((tmp_path / "eml" / each["file"]).read_bytes())) for each in lines]
             for name, lines in _index(tmp_path / "eml").items()}
    assert found == served_there and told["objects"] == sum(map(len, served_there.values()))
    files = [path for path in (tmp_path / "eml").rglob("*") if path.is_file()]
    assert {path.stat().st_mode & 0o7777 for path in files} == {0o600} and (tmp_path / "eml").stat().st_mode & 0o7777 == 0o700
    assert all(path.parent.name == "indice" or path.stem.split("-")[0] == path.parent.name for path in files)
    first = tmp_path / "eml" / _index(tmp_path / "eml")["INBOX"][0]["file"]
    assert first.stat().st_mtime == 1549033200      # 01-Feb-2019 10:00:00 -0500
    assert os.listdir(tmp_path) == ["eml"], "scratch was left"


def test_as_mbox_the_marks_are_there_and_the_bytes_come_back(kept, tmp_path: Path) -> None:
    bench, server, served_there = kept
    _back(bench, source(server, mail={"format": "mbox", "folders": ["inbox", "Enviados"]}), tmp_path / "mbox")
    for name, lines in _index(tmp_path / "mbox").items():
        raw = (tmp_path / "mbox" / lines[0]["file"]).read_bytes()
        ends = [*(each["offset"] for each in lines[1:]), len(raw)]
        for line, end, (uid, _flags, _date, body) in zip(lines, ends, served_there[name], strict=True):
            kept_lines = raw[line["offset"]:end].splitlines(True)
            while kept_lines[0].startswith((b"From ", b"Status:", b"X-Status:", b"X-Keywords:")):
                kept_lines.pop(0)
            plain = b"".join(each[1:] if each.lstrip(b">").startswith(b"From ") else each for each in kept_lines)
            assert (line["uid"], seen(plain[:line["size"]]), line["sha256"]) == (uid, body, body[1])
    box = mailbox.mbox(str(tmp_path / "mbox" / _index(tmp_path / "mbox")["INBOX"][0]["file"]))
    flags = [("R" in each.get_flags(), "A" in each.get_flags(), set((each["X-Keywords"] or "").split())) for each in box]
    assert flags == [("\\Seen" in told, "\\Answered" in told, {flag for flag in told if flag[0] != "\\"}) for _uid, told, _date, _seen in served_there["INBOX"]]
    assert len(mailbox.mbox(str(tmp_path / "mbox" / _index(tmp_path / "mbox")["Enviados"][0]["file"]))) == len(ODD)
    assert box[0].get_from() == "MAILER-DAEMON Fri Feb  1 15:00:00 2019"


@pytest.mark.parametrize(("asked", "wanted"), [
    ({"sender": "peña diaz"}, [0]), ({"sender": "JPENA@"}, [0]), ({"subject": "bienes contratacion"}, [0]), ({"subject": "contratación"}, [0, 1]),
    ({"since": "2026-11-02", "until": "2026-11-02"}, [0]),
    ({"since": "2026-11-02T04:30:01Z", "until": "2026-11-20", "folders": ["año"], "format": "maildir"}, [1]),
    ({"since": "2026-11-01", "until": "2026-11-02T04:30:00Z", "folders": ["A&APE-o", "Enviados"]}, [0])])
def test_a_search_finds_what_was_asked_for(kept, tmp_path: Path, asked: dict, wanted: list[int]) -> None:
    bench, server, _served = kept
    told = _back(bench, source(server, mail={"format": "eml", **asked}), tmp_path / "some")
    index, = _index(tmp_path / "some").values()
    top = tmp_path / "some" / ("Maildir/A&APE-o" if asked.get("format") else "")
    assert [(top / each["file"]).read_bytes() for each in index] == [FOUND[number] for number in wanted] and told["objects"] == len(wanted)
    found = [path for path in (tmp_path / "some").rglob("*") if path.is_file() and b"\r\n\r\n" in path.read_bytes()]
    assert len(found) == len(wanted), "more came back than what was asked for"


@pytest.mark.parametrize(("asked", "code"), [({"folders": ["NoHay"]}, "RSP134"), ({"subject": "inexistente"}, "RSP135"), ({"format": "pst"}, "RSP101"),
                                             ({"since": "ayer"}, "RSP101"), ({"since": "2026-11-02", "until": "2026-11-01"}, "RSP101")])
def test_what_can_not_be_found_makes_nothing(kept, tmp_path: Path, asked: dict, code: str) -> None:
    bench, server, _served = kept
    with pytest.raises(BackupError) as told:
        _back(bench, source(server, mail={"format": "eml", **asked}), tmp_path / "none")
    assert told.value.code == code and os.listdir(tmp_path) == []


def _tree(server: Dovecot, root: str) -> dict[str, list]:
    """What lies below the folder that was made, by the names that it had in the copy."""
    return {name[len(root):]: sorted(row[1:] for row in served(server, name))
            for name in _folders(server) if name.startswith(root)}


def _wanted(served_there: dict[str, list]) -> dict[str, list]:
    return {name: sorted(row[1:] for row in rows) for name, rows in served_there.items()}


@pytest.fixture
def other() -> Iterator[Dovecot]:
    """Another server, whose own folders begin with a prefix, with a mailbox that is in use."""
    server = Dovecot("namespace inbox {{\n  inbox = yes\n  prefix = INBOX.\n  separator = .\n}}")
    try:
        server.put(b"Subject: propio\r\n\r\nx\r\n")
        yield server
    finally:
        server.close()


def _into(server: Dovecot, **more: Any) -> Imap:
    return source(server, **{"work_dir": "/tmp", "mail": {"format": "mailbox"}, **more})


def _give(bench: Bench, of: Imap) -> dict[str, Any]:
    return _back(bench, of, "Restaurado " + bench.slot.label)


def test_into_a_mailbox_all_of_it_comes_back_once_and_nothing_else_is_touched(kept, other: Dovecot) -> None:
    bench, _server, served_there = kept
    root, count = f"INBOX.Restaurado {bench.slot.label}.", sum(map(len, served_there.values()))
    before = state(other)
    if ASKED:      # for so few as the suite plants test_imap_source shows it
        with bench.open() as copy, private_directory() as scratch:
            assert _into(other).rehearse(copy, scratch)
    giving = _into(other)
    told = _give(bench, giving)
    assert (told["objects"], told["given"], told["there"], told["left_out"]) == (count, count, 0, []) and giving.remarks() == []
    assert _tree(other, root) == _wanted(served_there)
    assert state(other, but=root[:-1]) == before

    # again, after its owner read one, moved another into another folder of ours and removed a third: only that one comes back
    with other.session() as session:
        session.select(f'"{root}Enviados"')
        session.store("1", "-FLAGS", r"(\Seen)")
        session.copy("2", f'"{root}&-Y"')
        session.store("2:3", "+FLAGS", r"(\Deleted)")
        session.expunge()
    giving = _into(other)
    told = _give(bench, giving)
    assert (told["objects"], told["given"], told["there"]) == (count, 1, count - 1) and [each.key for each in giving.remarks()] == ["mail_there_already"]
    assert sum(map(len, _tree(other, root).values())) == count
    assert _give(bench, _into(other))["given"] == 0


def test_a_restore_that_is_killed_or_cut_goes_on_and_gives_nothing_twice(kept, other: Dovecot, monkeypatch: pytest.MonkeyPatch) -> None:
    bench, _server, served_there = kept
    root, real = f"INBOX.Restaurado {bench.slot.label}.", imap_target.Target.append
    child = os.fork()
    if not child:
        left = [30]

        def append(*given: Any) -> None:
            left[0] -= 1
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)
            real(*given)

        imap_target.Target.append = append      # type: ignore[method-assign]
        try:
            _give(bench, _into(other))
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert sum(map(len, _tree(other, root).values())) == 29
    monkeypatch.setattr(imap_session, "_WAITS", (0.0, 0.0))
    door = Cutting(other.port, 30_000)
    try:
        with pytest.raises(BackupError) as cut:
            _give(bench, _into(other, port=door.port))
    finally:
        door.close()
    assert cut.value.code == "RSP139" and PASSWORD not in str(cut.value)
    lying = sum(map(len, _tree(other, root).values()))
    assert 29 <= lying < sum(map(len, served_there.values()))
    assert _give(bench, _into(other))["there"] == lying
    assert _tree(other, root) == _wanted(served_there)


def test_some_mails_of_another_s_copy_come_back_alone(kept, other: Dovecot) -> None:
    bench, _server, _served = kept
    told = _give(bench, _into(other, mail={"format": "mailbox", "sender": "jpena", "folders": ["Año"]}))
    assert told["objects"] == told["given"] == 1 and told["target"] == f"{USER} (localhost:{other.port}): Restaurado {bench.slot.label}"
    root = f"INBOX.Restaurado {bench.slot.label}."
    assert _tree(other, root) == {"A&APE-o": [(["\\Flagged"], "2026-11-02T04:30:00Z", seen(FOUND[0]))]}


def test_what_the_mailbox_does_not_take_is_a_clear_error_or_is_named(kept) -> None:
    bench, _server, _served = kept
    server = Dovecot("""mail_plugins = quota acl
protocol imap {{
  mail_plugins = quota acl imap_acl
}}
plugin {{
  quota = count:User quota
  quota_rule = *:storage=600K
  quota_vsizes = yes
  acl = vfile:{top}/acl
}}""", {"acl": "*.Muchos owner lrs\n*.INBOX owner lrsipk\n"})

    def refused(**more: Any) -> BackupError:
        with pytest.raises(BackupError) as told:
            _give(bench, _into(server, **more))
        assert PASSWORD not in str(told.value) and SECRET not in str(told.value)
        return told.value

    try:
        full = refused()
        assert full.code == "RSP136" and 0 < full.details["given"] < full.details["total"]
        shut = refused(mail={"format": "mailbox", "folders": ["Muchos"]})
        assert shut.code == "RSP137" and "Muchos" in shut.message
        giving = _into(server, mail={"format": "mailbox", "folders": ["INBOX"]})      # which takes mails, and of their marks only that they were read
        assert _give(bench, giving)["given"] == 40
        marks, = giving.remarks()
        assert marks.key == "mail_marks_lost" and marks.parameters["count"] == 40 and "\\answered" in marks.parameters["named"]
        door = Cutting(server.port, 1 << 30)
        assert refused(port=door.port, password="otra").code == "RSP131" and len(door.sockets) == 2, "a wrong password was tried again"
        door.close()
        assert refused(ca_certs="").code == "RSP130"
        with pytest.raises(BackupError) as told:
            _back(bench, _into(server), "/srv/otro")
        assert told.value.code == "RSP101"
    finally:
        server.close()
