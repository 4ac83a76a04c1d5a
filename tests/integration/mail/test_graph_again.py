# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mailbox of a fake Microsoft Graph whose mails are read a second time, whose folders are not all listed, and whose copy is killed at moments of chance.

RESPALDO_GRAPH_KILLS says how many copies are killed, 15 by default.
"""

from __future__ import annotations

import errno
import io
import os
import random
import signal
import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
import registered
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.copies.streamed import StreamedCopy
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources import graph_again, graph_maildir, graph_service, graph_taking
from graph import server

from . import graph_bench
from .graph_bench import SUBJECT, back, mail, oauth, refused, source
from .test_imap_since import earlier
from .test_imap_source import KEYS, Bench

KILLS = int(os.environ.get("RESPALDO_GRAPH_KILLS", "15"))


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with graph_bench.opened(tmp_path, monkeypatch) as made:
        yield made


def parted(separator: str, text: str = "hola", importance: str = "high") -> bytes:
    """A mail as Exchange may write it: what parts it, and a header out of a property."""
    return (f"Received: from a\r\nImportance: {importance}\r\n folded\r\nSubject: {SUBJECT}\r\nContent-Type: multipart/mixed;\r\n"
            f'\tboundary="_000_{separator}"\r\n\r\n--_000_{separator}\r\n'
            f"Content-Type: multipart/alternative; boundary=_001_{separator}\r\n\r\n--_001_{separator}\r\n\r\n{text}\r\n"
            f"--_001_{separator}--\r\n--_000_{separator}--\r\n").encode()


def test_some_of_each_folder_or_all_are_read_a_second_time_by_another_connection(there: server.FakeGraph, bench: Bench) -> None:
    for number in range(25):
        there.put(mail(number))
    other = there.folder("Otra")
    there.put(mail(100), other)
    made = bench.make(source(there))
    assert sorted(there.readings.values()) == [1] * 5 + [2] * 21
    assert all(len(there.sessions[each]) == count for each, count in there.readings.items())
    facts = made.manifest["source"]["facts"]
    assert (facts["compared_bytes_of"], facts["rendered_otherwise"]) == (21, 0)
    there.readings.clear()
    made = bench.make(source(there, compare="all"))
    assert set(there.readings.values()) == {2} and made.manifest["source"]["facts"]["compared_bytes_of"] == 26


def test_what_the_service_writes_otherwise_each_time_is_the_same_mail(there: server.FakeGraph, bench: Bench) -> None:
    there.put(b"")
    there.rendered = lambda _identifier, _mime, reading: parted(f"A{reading}", importance=str(reading))
    made = bench.make(source(there))
    facts = made.manifest["source"]["facts"]
    assert (facts["compared_bytes_of"], facts["rendered_otherwise"], made.manifest["warnings"]) == (1, 1, [])


def test_only_what_may_differ_is_left_out_of_the_comparison() -> None:
    first = graph_again.form(io.BytesIO(parted("A")))
    assert first == graph_again.form(io.BytesIO(parted("otro-separador", importance="low")))
    for other in (parted("A", text="hole"), parted("A") + b"x", parted("A")[:-1], parted("A").replace(b"from a", b"from b"),
                  parted("A").replace(b"--_001_A--", b"--_000_A--"), parted("A").replace(b"\r\n", b"\n"), parted("A", text="Importance: high")):
        assert graph_again.form(io.BytesIO(other)) != first
    assert graph_again.form(io.BytesIO(parted("A", text="Importance: 1"))) != graph_again.form(io.BytesIO(parted("A", text="Importance: 2")))


def test_other_content_when_it_is_read_again_is_in_no_good_copy(there: server.FakeGraph, bench: Bench) -> None:
    there.put(mail(1))
    bad = there.put(mail(2))
    there.rendered = lambda identifier, mime, reading: mime + b"%d" % reading if identifier == bad else mime
    error = refused(bench, source(there), there)
    assert error.code == "RSP132" and error.details["count"] == 1 and f"{bad} (other content when it is read again)" in error.details["named"]
    mailbox = source(there, on_missing="partial")
    bench.make(mailbox)
    assert (mailbox.judged.mails, mailbox.lacks()) == (1, 1)
    there.readings.clear()
    there.rendered = lambda identifier, mime, reading: b"torn" if identifier == bad and reading == 1 else mime      # the first one alone was wrong
    mailbox = source(there)
    assert bench.make(mailbox).manifest["warnings"] == []
    assert mail(2) in [bytes_ for _line, bytes_ in back(bench, mailbox)["Bandeja de entrada"]]


def test_a_mail_that_was_other_content_once_is_compared_whatever_chance_chooses(
        there: server.FakeGraph, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bad, good = there.put(mail(1)), there.put(mail(2))
    chosen = iter([bad, good, good])
    there.rendered = lambda identifier, mime, reading: mime + b"%d" % reading if identifier == bad else mime
    monkeypatch.setattr(graph_taking, "SAMPLE", 1)
    monkeypatch.setattr(graph_taking.secrets.SystemRandom, "sample", lambda _self, _mails, _count: [next(chosen)])
    error = refused(bench, source(there), there)
    assert error.code == "RSP132" and bad in error.details["named"] and next(chosen, "") == ""


def test_what_changes_goes_or_is_not_given_between_both_readings(there: server.FakeGraph, bench: Bench) -> None:
    changed, gone, kept = there.put(mail(1)), there.put(mail(2)), there.put(mail(3))
    there.before = lambda target: None

    def rendered(identifier: str, mime: bytes, reading: int) -> bytes:
        if identifier == changed and reading == 2:
            there.mails[changed].mime, there.mails[changed].version = mail(11), 2
            return mail(11)
        if identifier == gone and reading == 2:
            raise server.Refused(404, "ErrorItemNotFound")
        return mime

    there.rendered = rendered
    mailbox = source(there)
    made = bench.make(mailbox)
    assert [each.key for each in made.manifest["warnings"]] == ["imap_gone"]
    found = {line["id"]: bytes_ for line, bytes_ in back(bench, mailbox)["Bandeja de entrada"]}
    assert found == {changed: mail(1), gone: mail(2), kept: mail(3)}, "each as it was when it was listed"

    def failing(_identifier: str, mime: bytes, reading: int) -> bytes:
        if reading % 2 == 0:
            raise server.Refused(403, "ErrorAccessDenied")
        return mime

    there.readings.clear()
    there.rendered = failing
    assert refused(bench, source(there), there).code == "RSP143"


def test_folders_that_are_in_no_list_are_found_by_their_mails(there: server.FakeGraph, bench: Bench) -> None:
    """As mail-archiver#370: folders that came by IMAP are of another class, and Graph lists none of them."""
    above = there.folder("Proyectos")
    old = [there.folder("Antigua", listed=False), there.folder("2019", above, listed=False)]
    there.folder("Búsqueda", search=True)
    for number, folder in enumerate(old):
        there.put(mail(number), folder)
    mailbox = source(there)
    assert bench.make(mailbox).manifest["warnings"] == []
    found = back(bench, mailbox)
    assert [found[name][0][1] for name in ("Antigua", "Proyectos/2019")] == [mail(0), mail(1)]
    there.folders[old[0]].given = False
    error = refused(bench, source(there), there)
    assert error.code == "RSP132" and error.details["count"] == 1 and f"{old[0]}:" in error.details["named"] and "not listed" in error.details["named"]


def test_pages_of_the_top_that_end_early_are_noticed(there: server.FakeGraph, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    there.page_size, whole = 3, there._page
    folders = [there.folder(f"Carpeta {number}") for number in range(4)]
    for number, folder in enumerate(folders[:-1]):
        there.put(mail(number), folder)

    def page(query: dict[str, str], below: str, *more: Any) -> dict[str, Any]:
        told = whole(query, below, *more)
        return {name: value for name, value in told.items() if name != "@odata.nextLink" or below != "mailFolders"}

    monkeypatch.setattr(there, "_page", page)
    mailbox = source(there, on_missing="partial")
    bench.make(mailbox)
    assert (mailbox.judged.mails, mailbox.lacks()) == (3, 1), "what holds mails is found by them, what is empty is counted"
    error = refused(bench, source(there), there)
    assert error.code == "RSP132" and "/:* (1 folders at the top are counted and not listed)" in error.details["named"]
    monkeypatch.setattr(there, "_page", whole)
    there.counts_folders = False
    made = bench.make(source(there))
    assert [(each.key, each.parameters) for each in made.manifest["warnings"]] == [("graph_uncounted", {"count": there.others})]


@pytest.mark.parametrize(("headers", "seconds"), [
    ({"retry-after": "17"}, 17.0), ({"retry-after": "Sun, 29 Nov 2026 10:00:30 GMT", "date": "Sun, 29 Nov 2026 10:00:00 GMT"}, 30.0),
    ({"retry-after": "Sun, 29 Nov 2026 09:00:00 GMT", "date": "Sun, 29 Nov 2026 10:00:00 GMT"}, 0.0), ({}, None), ({"retry-after": "soon"}, None),
    ({"retry-after": "-1"}, None), ({"retry-after": "Sun, 99 Nov 2026 10:00:00 GMT"}, None), ({"retry-after": "1e9"}, None)])
def test_how_long_a_service_asks_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert graph_service.asked_to_wait(headers) == seconds


def test_it_waits_until_the_date_that_the_service_names(there: server.FakeGraph, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    there.put(mail(1))
    slept: list[float] = []
    monkeypatch.setattr(graph_service.time, "sleep", slept.append)
    for status in (429, 503, 504):
        there.fail(r"/\$value", status, "ApplicationThrottled", 1, formatdate(time.time() + 1000, usegmt=True))
    bench.make(source(there))
    assert len(slept) == 3 and all(900 < each <= 1000 for each in slept), slept
    there.fail(r"/\$value", 429, "ApplicationThrottled", 1000, formatdate(time.time() + 90_000, usegmt=True))
    assert refused(bench, source(there), there).code == "RSP145"


def test_what_stands_in_place_of_an_attachment_that_is_scanned_is_no_mail(there: server.FakeGraph, bench: Bench) -> None:
    """As msgraph-sdk-dotnet#2416: a mail that just came has its attachments later; one that was sent on with such a name has it for ever."""
    scanned = mail(1) + b'Content-Disposition: attachment; filename="Safe Attachments Scan In Progress.eml"\r\n'
    there.put(scanned, received="2026-01-20T15:04:05Z")
    assert bench.make(source(there)).fields["objects"] == 1
    now = there.put(scanned, received=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
    error = refused(bench, source(there), there)
    assert error.code == "RSP132" and error.details["count"] == 1 and f"{now} (an attachment of it is being scanned)" in error.details["named"]


def test_a_list_that_never_comes_makes_no_copy_and_is_not_waited_for(there: server.FakeGraph, bench: Bench) -> None:
    """As microsoft-graph-docs#2913 and #5853: a mail that is broken inside ends each list that has it with 500, large lists end with 504."""
    there.put(mail(1))
    for status in (500, 504):
        there.fail("mailFolders/.*/messages", status, "InternalServerError", 4)
        before = len(there.asked)
        error = refused(bench, source(there), there)
        assert error.code == "RSP142" and f"it answers {status}" in error.message and len(there.asked) - before < 15


def test_a_disk_that_is_full_or_fails_is_none_of_the_services(there: server.FakeGraph, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    there.put(mail(1))
    for number, code in ((errno.ENOSPC, "RSP154"), (errno.EIO, "RSP140")):
        def fails(*_given: object, number: int = number) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(graph_maildir, "listed", fails)
        assert refused(bench, source(there), there).code == code


def test_killed_at_moments_of_chance_it_leaves_no_copy_that_is_not_whole_and_the_next_is_good(there: server.FakeGraph, bench: Bench) -> None:
    for number in range(12):
        there.put(mail(number, 3000))
    began = time.monotonic()
    first = earlier(bench, bench.make(source(there)).digest)      # of each two copies one begins with this one
    lasts, chance, killed, runs = time.monotonic() - began, random.Random(os.urandom(8)), 0, 0
    while killed < KILLS:
        child = os.fork()
        if not child:
            try:
                of = source(there)
                of.earlier = first if runs % 2 else None
                bench.make(of)
            finally:
                os._exit(0)
        bench.count, runs = bench.count + 1, runs + 1
        time.sleep(chance.uniform(0, lasts))
        os.kill(child, signal.SIGKILL)
        killed += os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        assert not any(SUBJECT.encode() in path.read_bytes() for path in bench.left()), "in clear on the medium"
        assert runs < 20 * (KILLS + 1), "copies end before they are killed"
    bench.make(source(there))
    published = [path for path in (bench.top / "medium/mailbox/AnaQuispe").iterdir() if path.is_dir() and path.name.startswith("AnaQuispe")]
    assert {bench.slot.label} <= {path.name for path in published}
    for path in published:
        with StreamedCopy(bench.slot._replace(label=path.name), bench.medium, KEYS) as copy:
            copy.verify_bytes()
            assert copy.manifest["source"]["facts"]["missing"] == [] and copy.part("")["facts"]["mails"] == 12
    rest = {path.name for path in (bench.top / "medium/mailbox/AnaQuispe").iterdir() if path.is_dir()} - {path.name for path in published}
    assert not any(name.endswith(".partial") for name in rest), rest


def test_a_certificate_is_shown_in_place_of_a_secret_and_its_key_stays_here(there: server.FakeGraph, bench: Bench) -> None:
    there.certificate, key = registered.pair()
    shown = {"client_secret": "", "certificate": there.certificate, "private_key": key}
    number = there.put(mail(1))
    ended: list[None] = []

    def before(target: str) -> None:
        if f"{number}/$value" in target and not ended:
            ended.append(there.expire())

    there.before = before
    made = bench.make(source(there, oauth=oauth(there, **shown)))
    assert made.fields["objects"] == 1 and sum(each.startswith("POST") for each in there.asked) == 3, "another is signed when the token ends"
    there.certificate = registered.pair()[0]
    error = refused(bench, source(there, oauth=oauth(there, **shown)), there)
    assert error.code == "RSP144" and "AADSTS700027" in error.message and "eyJ" not in error.message + str(error.details), "what it repeats is hidden"
    assert refused(bench, source(there, oauth=oauth(there)), there).code == "RSP144"
