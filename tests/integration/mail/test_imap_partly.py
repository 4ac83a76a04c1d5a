# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mails given back to a real Dovecot that do not all come to be there as they were, that do not fit, or that two give at once."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources import imap_giving, imap_target

from .conftest import PASSWORD, Dovecot
from .test_imap_back import _give, _into, _tree, _wanted, kept
from .test_imap_source import ODD

__all__ = ["kept"]
# what many servers have: a quota that can be asked for
QUOTA = """mail_plugins = quota
protocol imap {{
  mail_plugins = quota imap_quota
}}
plugin {{
  quota = count:User quota
  quota_rule = *:storage=30M:messages=70
  quota_max_mail_size = 900K
  quota_vsizes = yes
}}"""


@pytest.fixture(scope="module")
def small() -> Iterator[Dovecot]:
    """A server whose mailbox has room for some of the copy."""
    server = Dovecot(QUOTA)
    try:
        yield server
    finally:
        server.close()


def changing(monkeypatch: pytest.MonkeyPatch, *which: bytes) -> None:
    """Have the mails with any of these words come to the server otherwise than they were given, as one does that writes them anew."""
    real = imap_target.Target.append
    monkeypatch.setattr(imap_target.Target, "append", lambda target, name, flags, date, mail: real(
        target, name, flags, date, mail.replace(b"\r\n\r\n", b"\r\nX-Received: 1\r\n\r\n", 1) if any(each in mail for each in which) else mail))


def test_what_the_server_changes_is_named_and_one_that_changes_all_gets_five(kept, small: Dovecot, monkeypatch: pytest.MonkeyPatch) -> None:
    bench, _server, served_there = kept
    root = f"Restaurado {bench.slot.label}"
    with pytest.raises(BackupError) as told:
        _give(bench, _into(small))
    assert told.value.code == "RSP149" and told.value.details["resource"] == "MESSAGE" and PASSWORD not in str(told.value)
    with small.session() as session:
        assert session.list()[1] == session.list('""', "INBOX")[1], "something was made"

    with monkeypatch.context() as here:
        changing(here, b"Subject")
        with pytest.raises(BackupError) as told:
            _give(bench, _into(small, mail={"format": "mailbox", "folders": ["Muchos"]}))
    assert told.value.code == "RSP138" and told.value.details["count"] == imap_giving.TRIED == len(small.lying(f"{root}.Muchos"))

    with monkeypatch.context() as here:
        changing(here, b" 7\r\n")
        giving = _into(small, mail={"format": "mailbox", "folders": ["INBOX"]})
        restored = _give(bench, giving)
    seven = served_there["INBOX"][7][0]      # planted as the eighth, counted from nought
    assert (restored["given"], restored["not_back"], restored["objects"], restored["other"]) == (40, 1, 39, [f"INBOX:{seven}"])
    assert [(each.key, each.parameters["named"]) for each in giving.remarks() if "named" in each.parameters] == [("mail_other", f"INBOX:{seven}")]
    assert len(small.lying(f"{root}.INBOX")) == 40

    # a mail that is larger than the server takes is told by it as a limit: no other waits for that
    restored = _give(bench, _into(small, mail={"format": "mailbox", "folders": ["Enviados"]}))
    large = next(uid for uid, _flags, _date, (size, _sha256) in served_there["Enviados"] if size > 900 << 10)
    assert (restored["given"], restored["not_back"], restored["left_out"]) == (len(ODD) - 1, 1, [f"Enviados:{large}"])


def _at_once(bench: Any, server: Dovecot, both: Any, told: Any) -> None:
    """A process that gives the copy back as soon as another one has looked, as it did, at what lies there."""
    real = imap_giving.Giving._make

    def make(*given: Any) -> None:
        both.wait(300)
        real(*given)

    imap_giving.Giving._make = make      # type: ignore[method-assign]
    try:
        of = _into(server, mail={"format": "mailbox", "folders": ["INBOX", "Enviados"]})
        restored = _give(bench, of)
        told.put((restored["given"], sum(each.parameters["count"] for each in of.remarks() if each.key == "mail_doubled")))
    finally:
        os._exit(0)


def test_two_that_give_at_once_and_know_nothing_of_each_other_lose_nothing_and_tell_it(kept) -> None:
    """Two controllers of two bitácoras: nobody keeps the second out. Each mail lies there whole, and what lies there twice is told by one of them at least."""
    bench, _server, served_there = kept
    server, apart = Dovecot(), multiprocessing.get_context("fork")
    try:
        both, told = apart.Barrier(2), apart.SimpleQueue()
        processes = [apart.Process(target=_at_once, args=(bench, server, both, told)) for _each in range(2)]
        for each in processes:
            each.start()
        answers = [told.get() for _each in processes]
        for each in processes:
            each.join(300)
        wanted = {name: rows for name, rows in served_there.items() if name in ("INBOX", "Enviados")}
        count = sum(map(len, wanted.values()))
        lying = _tree(server, f"Restaurado {bench.slot.label}.")
        assert {name: rows[::2] for name, rows in lying.items() if rows} == _wanted(wanted) and sum(map(len, lying.values())) == 2 * count
        assert [given for given, _doubled in answers] == [count, count] and sum(doubled for _given, doubled in answers) >= count
        # and the next one gives nothing
        assert _give(bench, _into(server, mail={"format": "mailbox", "folders": ["INBOX", "Enviados"]}))["given"] == 0
    finally:
        server.close()


def test_one_in_part_that_is_killed_and_begun_again_gives_nothing_twice_and_is_never_whole(kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the server changed has other bytes than the copy's: it is known by its header, named each time, and not given again."""
    bench, _server, served_there = kept
    server = Dovecot()
    asked = {"format": "mailbox", "folders": ["INBOX", "Enviados"]}
    changing(monkeypatch, b" 7\r\n", b" 21\r\n", b"<same@x>", b"Subject: h")
    real = imap_target.Target.append
    try:
        for left in (24, 5):      # all of Enviados, with what is changed there, and INBOX until after its first; then until before its second
            child = os.fork()
            if not child:
                number = itertools.count()

                def append(*given: Any, count: Any = number, last: int = left) -> None:
                    if next(count) == last:
                        os.kill(os.getpid(), signal.SIGKILL)
                    real(*given)

                imap_target.Target.append = append      # type: ignore[method-assign]
                try:
                    _give(bench, _into(server, mail=asked))
                finally:
                    os._exit(1)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        root, count = f"Restaurado {bench.slot.label}.", sum(len(served_there[name]) for name in ("INBOX", "Enviados"))
        assert sum(map(len, _tree(server, root).values())) == 29
        other = {f"{name}:{served_there[name][number][0]}" for name, numbers in (("INBOX", (7, 21)), ("Enviados", (3, 4, 5, 7))) for number in numbers}
        for given in (count - 29, 0):
            giving = _into(server, mail=asked)
            told = _give(bench, giving)
            assert (told["given"], told["not_back"], set(told["other"]), told["objects"]) == (given, len(other), other, count - len(other))
            assert "mail_other" in [each.key for each in giving.remarks()]
        lying = _tree(server, root)
        assert {name: len(rows) for name, rows in lying.items() if rows} == {name: len(served_there[name]) for name in ("INBOX", "Enviados")}
        for name in ("INBOX", "Enviados"):      # all but those have the copy's bytes, each once
            wrong = {uid for each, _colon, uid in (one.partition(":") for one in other) if each == name}
            rows = sorted(row[1:] for row in served_there[name] if str(row[0]) not in wrong)
            assert [row for row in lying[name] if row in rows] == rows and len(lying[name]) == len(rows) + len(wrong)

        # where all that lies there was changed, and nothing else, it gets no more
        with server.session() as session:
            for name in ("INBOX", "Enviados"):
                session.select(f'"{root}{name}"')
                session.store("1:*", "+FLAGS", r"(\Deleted)")
                session.expunge()
        changing(monkeypatch, b"Subject")
        for code in ("RSP138", "RSP138"):
            with pytest.raises(BackupError) as refused:
                _give(bench, _into(server, mail={"format": "mailbox", "folders": ["Muchos"]}))
            assert refused.value.code == code and len(server.lying(f"{root}Muchos")) == imap_giving.TRIED
    finally:
        server.close()
