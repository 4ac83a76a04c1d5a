# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""T4 of a mailbox: a real copy beside its real server as that is now, which keeps no mark of it."""

from __future__ import annotations

from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.processes.programs import private_directory
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.imap import Imap

from .conftest import PASSWORD, Dovecot
from .test_imap_source import Bench, anew, bench, fresh, source, state

__all__ = ["bench", "fresh"]


def _beside(bench: Bench, of: Imap) -> tuple[list[str], dict[str, dict]]:
    with bench.open() as copy, private_directory() as scratch:
        methods = of.compare(copy, scratch)
        return methods, {each.key: dict(each.parameters) for each in of.remarks()}


def test_what_came_went_and_was_marked_is_told_by_folder_and_what_stayed_is_compared(fresh: Dovecot, bench: Bench) -> None:
    anew(fresh, "Otra")
    with fresh.session() as session:
        for folder, mail in (("Proyecto", b"Subject: p\r\n\r\nx\r\n"), ("A&APE-o", b"Subject: a\r\n\r\nx\r\n")):
            session.create(folder)
            session.append(folder, "", "", mail)
    bench.make(source(fresh))
    before = state(fresh)
    assert _beside(bench, source(fresh, compare="all")) == (
        ["source_mails"], {"mailbox_compared": {"same": 33, "bytes": 33, "new": 0, "gone": 0, "marked": 0}})
    assert state(fresh) == before, "a mark was left"

    anew(fresh, "Otra")
    with fresh.session() as session:
        session.rename("Proyecto", "Cerrado")
        session.append("INBOX", "", "", b"Subject: late\r\n\r\nx\r\n")
        session.append("INBOX", "", "", b"Subject: later\r\n\r\nx\r\n")
        session.append("A&APE-o", "", "", b"Subject: b\r\n\r\nx\r\n")
        session.select("INBOX")
        session.uid("STORE", "3", "+FLAGS", r"(\Flagged tarde)")
        session.uid("STORE", "5,6,7", "+FLAGS", r"(\Deleted)")
        session.expunge()
    before = state(fresh)
    methods, told = _beside(bench, source(fresh))
    compared = told["mailbox_compared"].pop("bytes")
    # 30 less 3, and the one of another folder: what is in a folder that was renamed or numbered anew can't be told apart
    assert methods == ["source_mails"] and 18 <= compared <= 21
    assert told == {"mailbox_compared": {"same": 28, "new": 4, "gone": 3, "marked": 1},
                    "mailbox_folders_changed": {"named": "Año (+1), INBOX (+2 -3 ~1), Cerrado (+1)"}, "mailbox_folders_unlike": {"named": "Otra, Proyecto"}}
    assert state(fresh) == before, "a mark was left"

    # a mail never changes under its number: one that did is an error of its own, and says which
    lying = next(path for path in (fresh.home / "Maildir").glob("[cn]*/*") if b"Subject: 9\n" in path.read_bytes())
    lying.write_bytes(lying.read_bytes().replace(b"yyy", b"zzz", 1))
    try:
        _beside(bench, source(fresh, compare="all"))
    except BackupError as error:
        assert error.code == "RSP155" and error.details["named"] == "INBOX:10" and PASSWORD not in str(error)
    else:
        raise AssertionError("other bytes were not seen")
    # nobody says where the mailbox is: then nothing is asked
    assert _beside(bench, Imap()) == ([], {})
