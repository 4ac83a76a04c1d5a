# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mailbox of a fake Microsoft Graph that is copied again: only what is new travels, and the copy is whole. Whatever is wrong with the earlier one is told."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.copies.streamed import StreamedCopy
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.filesystem import room
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources import graph_earlier, graph_taking
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.imap_earlier import Earlier
from graph import server

from . import graph_bench
from .graph_bench import SUBJECT, back, mail, refused, source
from .test_graph_beside import changed
from .test_imap_since import earlier
from .test_imap_source import KEYS, Bench


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr(graph_taking, "SAMPLE", 1)
    with graph_bench.opened(tmp_path, monkeypatch) as made:
        yield made


def again(of: Bench, fake: server.FakeGraph, begin: Earlier | None, **more: Any) -> tuple[Any, Any]:
    fake.readings.clear()
    mailbox = source(fake, **more)
    mailbox.earlier = begin
    return of.make(mailbox), mailbox


def held(of: Bench, fake: server.FakeGraph, mailbox: Any) -> None:
    """That the copy is what the service has: folders, bytes, marks."""
    found = back(of, mailbox)
    os.rename(of.top / "back", of.top / f"back{of.count}")
    names = {"AAinbox=": "Bandeja de entrada", **{identifier: each.name for identifier, each in fake.folders.items()}}
    assert sorted((name, line["id"], "\\Seen" in line["flags"], line["categories"], bytes_) for name, rows in found.items() for line, bytes_ in rows) == sorted(
        (names[each.folder], identifier, each.read, each.categories, each.mime) for identifier, each in fake.mails.items())


def test_only_what_is_new_or_changed_travels_and_the_copy_is_whole(there: server.FakeGraph, bench: Bench) -> None:
    other = there.folder("Otra")
    here = [there.put(mail(number)) for number in range(9)]
    there.put(b"Subject: bare\n\nx\n", other)
    first, _mailbox = again(bench, there, None)
    assert (first.fields["travelled_objects"], first.fields["objects"], "since" in first.fields) == (10, 10, False)
    assert first.fields["travelled"] == sum(len(each.mime) for each in there.mails.values())

    new = there.put(mail(30))
    changed(there, here[0], mime=mail(40))
    changed(there, here[1], read=True)              # nobody says what was changed of it
    there.mails[here[2]].categories = ["Roja"]      # as a service that has no new state for it: the list is believed, not the copy
    there.mails[here[3]].folder = other
    del there.mails[here[4]]
    begin = bench.slot.label
    second, mailbox = again(bench, there, earlier(bench, first.digest))
    told, facts = second.fields, second.manifest["source"]["facts"]
    assert (told["since"], told["objects"], told["travelled_objects"], second.manifest["warnings"]) == (begin, 10, 3, [])
    assert told["travelled"] == sum(len(there.mails[each].mime) for each in (new, here[0], here[1]))
    old = set(there.mails) - {new, here[0], here[1]}
    assert told["not_read_again"] == facts["not_read_again"] == len(old - there.readings.keys()) >= 5 and facts["since"] == begin
    assert all(there.readings.get(each, 0) <= 1 for each in old)
    held(bench, there, mailbox)
    with bench.open() as copy:
        assert SUBJECT.encode() not in b"".join(path.read_bytes() for path in bench.left()) and copy.verify_structure(mailbox)

    third, mailbox = again(bench, there, earlier(bench, second.digest), compare="all")      # each is read once, and none travels
    assert (third.fields["travelled"], third.fields["travelled_objects"], third.fields["not_read_again"]) == (0, 0, 0)
    assert set(there.readings.values()) == {1} and third.manifest["source"]["facts"]["compared_bytes_of"] == 10

    # what can't be given is missing as ever, and no fault of the earlier copy's
    bad = there.put(mail(50))
    there.fail(f"{bad}/", 500, "ErrorMimeContentConversionFailed", 1000)
    fourth, _mailbox = again(bench, there, earlier(bench, third.digest), on_missing="partial")
    assert (fourth.fields["travelled_objects"], fourth.manifest["lacks"]) == (0, 1) and [each.key for each in fourth.manifest["warnings"]] == ["imap_missing"]


def test_other_content_in_the_state_that_was_copied_has_all_travel(there: server.FakeGraph, bench: Bench) -> None:
    """Nobody but Microsoft promises that a state is one content: where one mail says otherwise, none of the earlier copy's is believed."""
    for number in range(6):
        there.put(mail(number))
    first, _mailbox = again(bench, there, None)
    for each in there.mails.values():
        each.mime = each.mime.replace(b"yyy", b"zzz", 1)
    second, mailbox = again(bench, there, earlier(bench, first.digest))
    assert [each.key for each in second.manifest["warnings"]] == ["earlier_left"]
    assert second.fields["travelled_objects"] == second.fields["objects"] == 6 and "since" not in second.fields
    held(bench, there, mailbox)


def test_an_earlier_copy_that_is_of_no_use_is_told_and_all_travels(there: server.FakeGraph, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        there.put(mail(number))
    made, _mailbox = again(bench, there, None)
    first = bench.slot
    good = earlier(bench, made.digest, first)

    def judged(begin: Earlier, key: str, why: str) -> Any:
        told, mailbox = again(bench, there, begin)
        remark, = told.manifest["warnings"]
        assert (remark.key, remark.parameters["why"].fault.name) == (key, why), remark
        assert told.fields["travelled_objects"] == told.fields["objects"] == 3 and "since" not in told.fields, why
        return mailbox

    def told_as(manifest: dict[str, Any]) -> Earlier:
        copy = StreamedCopy(first, bench.medium, KEYS, made.digest)
        copy.manifest = {**made.manifest, **manifest}
        return Earlier(first.label, lambda: contextlib.nullcontext(copy))

    @contextlib.contextmanager
    def sick() -> Iterator[Any]:
        raise OSError(errno.EIO, os.strerror(errno.EIO))
        yield

    facts = made.manifest["source"]["facts"]
    judged(earlier(bench, "0" * 64, first), "earlier_damaged", "bytes_differ")
    judged(told_as({"source": {"type": "graph", "facts": {**facts, "mailbox": "otra@example.org"}}}), "earlier_unused", "earlier_unusable")
    judged(told_as({"source": {"type": "graph", "facts": ["of another form"]}}), "earlier_damaged", "restored_differs")
    judged(Earlier(first.label, sick), "earlier_unused", "earlier_unusable")
    with monkeypatch.context() as patched:
        patched.setattr(room, "free", lambda _directory: 10)
        judged(good, "earlier_unused", "earlier_unusable")
    with monkeypatch.context() as patched:      # an index that has a mail twice, or no state of it: begun with some, and left
        real = graph_earlier._begin
        patched.setattr(graph_earlier, "_begin", lambda *given: (real(*given), real(*given)))
        held(bench, there, judged(good, "earlier_damaged", "restored_differs"))
        patched.setattr(graph_earlier, "_begin", lambda folder, line, taking: real(folder, {name: line[name] for name in line if name != "change"}, taking))
        held(bench, there, judged(good, "earlier_damaged", "restored_differs"))

    @contextlib.contextmanager
    def interrupted() -> Iterator[Any]:
        raise BackupError("interrupted", label="the copy")
        yield

    there.readings.clear()
    mailbox = source(there)
    mailbox.earlier = Earlier(first.label, interrupted)
    assert refused(bench, mailbox, there).fault.name == "interrupted" and there.readings == {}
