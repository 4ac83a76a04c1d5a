# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mailbox of a fake Microsoft Graph: copied, verified by a real Dovecot, unpacked. And what a service, or who stands in its place, may do to a copy."""

from __future__ import annotations

import re
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.processes.programs import private_directory
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources import (
    graph_maildir,
    graph_service,
    of_mailboxes,
    web,
)
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.graph import Graph
from graph import server

from . import graph_bench
from .conftest import PASSWORD, USER, Dovecot
from .graph_bench import SUBJECT, back, mail, oauth, refused, source
from .test_imap_source import Bench

FOLDERS = ("Enviados", "Año / ñandú", "INBOX", "Inbox", ".oculta", "cur", "x" * 240, "Fin.", "~casa", "dovecot-uidlist", "A&B", "año ∕ ñandú",
           'Comilla"s', "b\\s", "100%*", " fin ", "\u202eal revés", "lista {3}")


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with graph_bench.opened(tmp_path, monkeypatch) as made:
        yield made


def test_there_and_back_with_odd_folders_flags_and_pages(there: server.FakeGraph, bench: Bench) -> None:
    there.page_size = 3
    for number in range(8):
        there.put(mail(number), read=bool(number % 2), flagged=number == 3, categories=["Categoría roja"] if number == 4 else [],
                  verb={5: 103, 6: 104}.get(number, 0), received=f"2026-11-20T15:04:{number:02d}Z")
    made = [there.folder(name) for name in FOLDERS]
    inner = there.folder("hija", made[1])
    there.folder("Búsqueda", search=True)
    hidden = there.folder("Escondida", hidden=True)
    for number, folder in enumerate((*made, inner, hidden)):
        there.put(mail(100 + number), folder)
    there.put(b"Subject: bare\n\nuno\ndos\r\n\r\n\xff\x00", made[0], received="1600-01-01T00:00:00.123Z", draft=True)
    there.put(mail(200), made[0], received=None)

    mailbox = source(there)
    copied = bench.make(mailbox)
    assert copied.fields["objects"] == len(there.mails) and copied.manifest["warnings"] == [] and mailbox.judged.folders == len(FOLDERS) + 3
    assert copied.manifest["encrypted"] and copied.manifest["source"]["facts"]["not_included"]
    assert SUBJECT.encode() not in b"".join(path.read_bytes() for path in bench.left())
    with bench.open() as copy:
        copy.verify_bytes()
        assert "tar_list" in copy.verify_structure(mailbox)
        with private_directory() as scratch:
            assert Graph().rehearse(copy, scratch) == ["tar_extract", "mailbox_index", "mailbox_listed"]
    found = back(bench, mailbox)
    assert sorted(bytes_ for rows in found.values() for _line, bytes_ in rows) == sorted(each.mime for each in there.mails.values())
    assert {line["id"] for rows in found.values() for line, _bytes in rows} == set(there.mails)
    arrived = [line for line, _bytes in found["Bandeja de entrada"]]
    assert [line["flags"] for line in arrived] == [[], ["\\Seen"], [], ["\\Flagged", "\\Seen"], [], ["\\Answered", "\\Seen"], ["$Forwarded"], ["\\Seen"]]
    assert [line["uid"] for line in arrived] == list(range(1, 9)) and arrived[4]["categories"] == ["Categoría roja"]
    assert set(found) == {"Bandeja de entrada", "Año / ñandú/hija", "Escondida", *FOLDERS}
    assert not any("Búsqueda" in each for each in there.asked)


def test_folders_nested_deeper_than_a_path_can_be_come_back(there: server.FakeGraph, bench: Bench) -> None:
    """tar packs a file below a path of 4096 bytes or more, and unpacks none: its owner could make a copy that looks good and never comes back."""
    names, folder = [f"{number:02d}" + "x" * 180 for number in range(30)], ""
    for name in names:
        folder = there.folder(name, folder)
    there.put(mail(1), folder)
    mailbox = source(there)
    assert bench.make(mailbox).fields["objects"] == 1 and mailbox.judged.folders == 31
    with bench.open() as copy, private_directory() as scratch:
        assert Graph().rehearse(copy, scratch) == ["tar_extract", "mailbox_index", "mailbox_listed"]
    assert [bytes_ for _line, bytes_ in back(bench, mailbox)["/".join(names)]] == [mail(1)]


def test_pages_that_end_before_all_was_listed_make_no_good_copy(there: server.FakeGraph, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """As microsoft-graph-docs#2153: no next page is named, though there is more."""
    there.page_size, whole, cut = 3, there._page, "messages"
    top = there.folder("Arriba")
    for number in range(5):
        below = there.folder(f"Abajo {number}", top)
        there.put(mail(number), below if number < 4 else "AAinbox=")      # what holds a mail is found by it
        there.put(mail(number))

    def page(query: dict[str, str], below: str, *more: Any) -> dict[str, Any]:
        told = whole(query, below, *more)
        return {name: value for name, value in told.items() if name != "@odata.nextLink" or cut not in below}

    monkeypatch.setattr(there, "_page", page)
    assert refused(bench, source(there), there).code == "RSP133"
    cut = "childFolders"
    error = refused(bench, source(there), there)
    assert error.code == "RSP132" and "Arriba:* (1 folders below it are counted and not listed)" in error.details["named"]
    mailbox = source(there, on_missing="partial")
    bench.make(mailbox)
    assert mailbox.lacks() == 1 and mailbox.judged.mails == 10


def test_names_of_directories_are_unlike_each_other_and_none_is_the_maildirs_own() -> None:
    rows = [graph_maildir.Folder(str(number), (name,), False) for number, name in enumerate((*FOLDERS, "Bandeja", "a\nb", ""))]
    told = graph_maildir.directories(rows, str(len(FOLDERS)))
    assert told[str(len(FOLDERS))] == "" and len({each.casefold() for each in told.values()}) == len(rows)
    for each in told.values():
        assert "/" not in each and each.isascii() and each.isprintable() and len(each) <= 210 and each[:1] not in (".", "~")
        assert each.casefold() not in ("inbox", "cur", "new", "tmp", "dovecot-uidlist")
    assert [graph_maildir.encoded(each) for each in ("Año", "A&B", "日本", "台北/")] == ["A&APE-o", "A&-B", "&ZeVnLA-", "&U,BTFw-/"]


def test_it_waits_as_it_is_told_renews_its_token_and_asks_again_what_was_cut(there: server.FakeGraph, bench: Bench) -> None:
    for number in range(5):
        there.put(mail(number, 300_000))
    there.fail(r"00002.*/\$value", 429, "ApplicationThrottled", 2, "1")
    there.fail(r"00003.*/\$value", 0)
    there.fail(r"00004.*/\$value", 500, "ErrorInternalServerError")
    there.fail("/mailFolders/.*/messages", 503, "ServiceUnavailable")
    ended = []

    def before(target: str) -> None:
        if "00005" in target and not ended:
            ended.append(there.expire())

    there.before = before
    mailbox = source(there)
    copied = bench.make(mailbox)
    assert [each.key for each in copied.manifest["warnings"]] == ["graph_waited"] and copied.manifest["warnings"][0].parameters["count"] == 3
    assert ended and sum(each.startswith("POST") for each in there.asked) == 3      # for the look before, for the copy, and when it ended
    assert sorted(bytes_ for _line, bytes_ in back(bench, mailbox)["Bandeja de entrada"]) == sorted(each.mime for each in there.mails.values())


def test_what_can_not_be_given_as_mime_is_named_and_the_others_are_copied_when_that_is_asked_for(there: server.FakeGraph, bench: Bench) -> None:
    first, second = there.put(mail(1)), there.put(mail(2))
    there.fail(rf"{second}/\$value", 500, "ErrorMimeContentConversionFailed", 1000)
    error = refused(bench, source(there), there)
    assert error.code == "RSP132" and f"Bandeja de entrada:{second} (" in error.details["named"] and first not in error.details["named"]
    assert sum(second in each and each.endswith("value") for each in there.asked) == 1, "it never can be given, so it is asked for once"
    mailbox = source(there, on_missing="partial")
    copied = bench.make(mailbox)
    assert [each.key for each in copied.manifest["warnings"]] == ["imap_missing"]
    assert [each["uid"] for each in copied.manifest["source"]["facts"]["missing"]] == [second] and mailbox.judged.mails == 1


def test_a_mail_without_bytes_or_that_is_listed_and_never_given_is_missing(there: server.FakeGraph, bench: Bench) -> None:
    there.put(mail(1))
    empty, away = there.put(b""), there.put(mail(3))
    there.fail(rf"{away}/\$value", 404, "ErrorItemNotFound", 1000)
    error = refused(bench, source(there), there)
    assert error.code == "RSP132" and error.details["count"] == 2 and empty in error.details["named"] and away in error.details["named"]


def test_what_comes_goes_moves_and_changes_while_it_is_listed(there: server.FakeGraph, bench: Bench) -> None:
    """Pages are counted from the top: a mail that goes pulls others over their edge, and one that moves may be in no list."""
    there.page_size = 2
    first = there.folder("A primera")
    last = there.folder("Z última")
    mails = [there.put(mail(number), last, received=f"2026-11-20T15:04:{number:02d}Z") for number in range(7)]
    listings: list[str] = []

    def before(target: str) -> None:
        if re.search("mailFolders/.*/messages\\?", target):
            listings.append(target)
        if len(listings) == 10 and "$skip" in target and len(there.mails) == 7:      # in the judging listing, after its first page
            assert last in target
            del there.mails[mails[0]]
            there.mails[mails[6]].folder = first
            there.mails[mails[3]].read, there.mails[mails[3]].mime, there.mails[mails[3]].version = True, mail(33), 2
            there.put(mail(50), first)

    there.before = before
    mailbox = source(there)
    bench.make(mailbox)
    found = back(bench, mailbox)
    assert mails[0] not in there.mails and len(there.mails) == 7, "the mailbox was never changed"
    assert {line["id"]: bytes_ for rows in found.values() for line, bytes_ in rows} == {each: row.mime for each, row in there.mails.items()}
    assert {line["id"] for line, _bytes in found["A primera"]} == {each for each, row in there.mails.items() if row.folder == first}
    changed, = (line for line, _bytes in found["Z última"] if line["id"] == mails[3])
    assert changed["flags"] == ["\\Seen"]


def test_folders_that_never_stand_still_make_no_copy(there: server.FakeGraph, bench: Bench) -> None:
    there.put(mail(1))
    there.before = lambda target: there.folder("otra más") and None if "/messages?" in target else None      # type: ignore[func-returns-value]
    assert refused(bench, source(there), there).code == "RSP133"


def test_what_is_gone_is_asked_for_before_it_is_left_out(there: server.FakeGraph, bench: Bench) -> None:
    gone, kept = there.put(mail(1)), there.put(mail(2))
    calls: list[str] = []

    def before(target: str) -> None:
        if "/mailFolders/inbox?" in target:
            calls.append(target)
            if len(calls) == 2:      # the look before is the first
                del there.mails[gone]

    there.before = before
    mailbox = source(there)
    copied = bench.make(mailbox)
    assert [each.key for each in copied.manifest["warnings"]] == ["imap_gone"]
    assert [line["id"] for line, _bytes in back(bench, mailbox)["Bandeja de entrada"]] == [kept]
    assert any(f"/messages/{gone}?" in each for each in there.asked)


@pytest.mark.parametrize("link", ["https://otra.example.net/v1.0/users", "http://localhost/v1.0/x", "https://localhost:1/v1.0/x", "https://a@localhost/v1.0/x",
                                  "{url}/beta/x", "{url}/v1.0/x y", "//localhost/v1.0/", "{url}.example.net/v1.0/x", "https://[/v1.0/"])
def test_a_next_page_elsewhere_is_not_followed(there: server.FakeGraph, bench: Bench, link: str) -> None:
    there.page_size, there.next_link = 1, link.format(url=there.url)
    for number in range(3):
        there.put(mail(number))
    assert refused(bench, source(there), there).code == "RSP146"


def test_a_next_page_that_came_before_and_an_answer_without_end_are_refused(there: server.FakeGraph, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    there.put(mail(1))
    there.put(mail(2))
    there.page_size = 1
    there.next_link = f"{there.url}/v1.0/users/{server.USER}/mailFolders/inbox/messages?%24top=1&%24select=id%2CchangeKey%2CreceivedDateTime"
    assert "before" in str(refused(bench, source(there), there).details["detail"])
    there.page_size, there.padding = 1000, 5000
    monkeypatch.setattr(graph_service, "_LARGEST_JSON", 4000)
    error = refused(bench, source(there), there)
    assert error.code == "RSP146" and "bytes" in error.details["detail"]


@pytest.mark.parametrize("ends", ["length", "chunked"])
def test_a_mail_that_is_larger_than_one_can_be_is_missing(there: server.FakeGraph, bench: Bench, monkeypatch: pytest.MonkeyPatch, ends: str) -> None:
    there.ends = ends
    monkeypatch.setattr(graph_service, "LARGEST_MAIL", 1000)
    there.put(mail(1))
    large = there.put(mail(2, 5000))
    error = refused(bench, source(there), there)
    assert error.code == "RSP132" and large in error.details["named"] and error.details["count"] == 1


def test_who_may_not_read_it_is_told_so_and_asks_no_more(there: server.FakeGraph, bench: Bench) -> None:
    there.put(mail(1))
    error = refused(bench, source(there, oauth=oauth(there, client_secret="otra-clave-secreta")), there)
    assert error.code == "RSP144" and "AADSTS7000215" in error.message and "otra-clave-secreta" not in error.message
    assert there.asked == [f"POST /{server.TENANT}/oauth2/v2.0/token"], "it was tried once"
    assert refused(bench, source(there, user="nadie@example.org"), there).code == "RSP143"
    there.fail("mailFolders", 302)
    before = len(there.asked)
    assert refused(bench, source(there), there).code == "RSP143" and len(there.asked) == before + 2, "a redirection was followed"
    there.fail("mailFolders", 403, "ErrorAccessDenied", 1000)
    error = refused(bench, source(there), there)
    assert error.code == "RSP143" and "ErrorAccessDenied" in error.message and "Mail.Read" in error.remedy
    there.fail("", 401, "InvalidAuthenticationToken", 1000)
    assert refused(bench, source(there), there).code == "RSP143"


def test_its_patience_ends(there: server.FakeGraph, bench: Bench) -> None:
    there.put(mail(1))
    there.fail(r"/\$value", 429, "ApplicationThrottled", 1000, "99999")
    error = refused(bench, source(there), there)
    assert error.code == "RSP145" and error.details["seconds"] == 99999


def test_a_service_that_is_cut_is_unreachable_and_one_without_our_certificate_is_none(there: server.FakeGraph, bench: Bench) -> None:
    there.put(mail(1, 300_000))
    there.fail(r"/\$value", 0, times=1000)
    assert refused(bench, source(there), there).code == "RSP142"
    error = refused(bench, source(there, oauth=oauth(there, ca_certs="")), there)
    assert error.code == "RSP142" and "certificate" in error.message.lower()


def test_an_answer_that_comes_by_drops_ends_in_a_time(there: server.FakeGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    here = web.Web(there.url, there.certificates)
    there.before = lambda _target: __import__("time").sleep(3)
    with pytest.raises(web.Unheard):
        here.ask("GET", "/v1.0/users/x/mailFolders", {}, 1000, 0.2)
    there.before = lambda _target: None
    there.wrong.clear()


def test_what_is_not_given_the_first_time_may_be_the_next(there: server.FakeGraph, bench: Bench) -> None:
    there.put(mail(1))
    slow, inner = there.put(mail(2)), there.folder("se va")
    there.fail(rf"{slow}/\$value", 500, "ErrorInternalServerTransientError", 9)      # four times in the first listing, four in the second

    def before(target: str) -> None:
        if f"/{inner}/" in target and inner in there.folders:      # it was listed, and is removed before it is looked into
            del there.folders[inner]

    there.before = before
    mailbox = source(there)
    assert bench.make(mailbox).manifest["warnings"] == [] and mailbox.judged.mails == 2


def test_a_full_place_of_work_is_told_as_such(there: server.FakeGraph, bench: Bench, tmp_path: Path) -> None:
    place = tmp_path / "lleno"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], check=True)
    try:
        for number in range(5):
            there.put(mail(number, 300_000))
        error = refused(bench, source(there, work_dir=str(place)), there)
        assert error.code == "RSP154" and str(place) in error.message and list(place.iterdir()) == []
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_an_answer_whose_end_nobody_tells_is_none(there: server.FakeGraph) -> None:
    there.put(mail(1))
    there.tokens.add("x")
    there.ends = "close"
    target, headers = f"/v1.0/users/{server.USER}/mailFolders/inbox", {"Authorization": "Bearer x", "Prefer": 'IdType="ImmutableId"'}
    with pytest.raises(web.Unheard, match="where its answer ends"):
        web.Web(there.url, there.certificates).ask("GET", target, headers, 10_000, 60)


def test_a_mail_that_is_listed_in_two_folders_is_copied_once(there: server.FakeGraph, bench: Bench) -> None:
    first, last = there.folder("A primera"), there.folder("Z última")
    moving = there.put(mail(1), first)
    listings: list[str] = []

    def before(target: str) -> None:
        if f"/{last}/messages?" in target:
            listings.append(target)
            if len(listings) == 2:      # in the judging listing, after the first folder
                there.mails[moving].folder = last

    there.before = before
    mailbox = source(there)
    bench.make(mailbox)
    found = back(bench, mailbox)
    assert found["A primera"] == [] and [line["id"] for line, _bytes in found["Z última"]] == [moving]


def test_through_a_proxy(there: server.FakeGraph, certified: Path) -> None:
    heard: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def passing() -> None:
        near = listener.accept()[0]
        heard.append(near.recv(4096))
        far = socket.create_connection(("127.0.0.1", there.server.server_port))
        near.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for of, to in ((near, far), (far, near)):
            threading.Thread(target=lambda of=of, to=to: [to.sendall(each) for each in iter(lambda: of.recv(4096), b"")], daemon=True).start()

    threading.Thread(target=passing, daemon=True).start()
    told = web.Web(there.url, there.certificates, "http://127.0.0.1:{0}".format(listener.getsockname()[1]))
    assert told.ask("GET", "/v1.0/users/x/mailFolders/inbox", {}, 1000, 60).status == 401 and heard[0].startswith(b"CONNECT localhost:")
    told.close()
    listener.close()


@pytest.mark.parametrize("address", ["http://graph.example", "https://", "https://a@graph.example", "https://graph.example/x", "https://graph.example:99999",
                                     "https://graph.example?x", "https://[::1", "https://graph.example\n"])
def test_what_is_no_address_of_a_service_is_refused(address: str) -> None:
    with pytest.raises(BackupError) as told:
        web.Web(address)
    assert told.value.code == "RSP101"


def test_a_mail_that_both_listings_passed_over_is_not_left_out(there: server.FakeGraph, bench: Bench) -> None:
    """What is removed pulls the next page's first mail over the edge: twice the same one, whose absence only the count tells."""
    there.page_size = 2
    mails = [there.put(mail(number), received=f"2026-11-20T15:04:{number:02d}Z") for number in range(5)]
    older: list[str] = []
    listings: list[str] = []

    def before(target: str) -> None:
        if not re.search("mailFolders/.*/messages\\?", target):
            return
        listings.append(target)
        if len(listings) == 2:      # the second page of the first listing
            del there.mails[mails[0]]
        if len(listings) > 2 and "$skip" not in target and not older:      # the second listing begins
            older.append(there.put(mail(9), received="2026-11-19T00:00:00Z"))
        elif older and "$skip" in target:
            there.mails.pop(older[0], None)

    there.before = before
    mailbox = source(there)
    bench.make(mailbox)
    assert {line["id"] for line, _bytes in back(bench, mailbox)["Bandeja de entrada"]} == set(mails[1:])


def test_what_is_chosen_of_it_comes_back_as_files_and_into_a_mailbox_nothing_goes_by_graph(there: server.FakeGraph, bench: Bench) -> None:
    there.put(mail(1), flagged=True)
    wanted = there.put(b"From: ana@example.org\r\nSubject: uno\r\n\r\nx\r\n", there.folder("Año / ñandú"))
    bench.make(source(there))
    with bench.open() as copy:
        chosen = source(there)
        chosen.choose({"format": "eml", "sender": "ana@", "folders": ["año / ñandú"]})
        assert chosen.restore(copy, str(bench.top / "back"), False)["objects"] == 1
    assert [path.read_bytes() for path in (bench.top / "back").rglob("*.eml")] == [there.mails[wanted].mime]
    with pytest.raises(BackupError) as told:
        chosen.choose({"format": "mailbox"})
    assert told.value.code == "RSP101" and "imap" in told.value.hint


def test_it_is_given_back_by_imap_into_a_mailbox_of_a_real_server(there: server.FakeGraph, bench: Bench, dovecot: Dovecot) -> None:
    there.put(mail(1), flagged=True, read=True, received="2026-11-20T15:04:05Z")
    there.put(mail(2), there.folder("Año"))
    bench.make(source(there))
    target = {"type": "graph", "host": "localhost", "user": USER, "password": PASSWORD, "port": dovecot.port, "ca_certs": str(dovecot.top / "cert.pem")}
    with bench.open() as copy:
        giving = of_mailboxes.build(target)
        giving.choose({"format": "mailbox"})
        told = giving.restore(copy, giving.default_target(copy.manifest), False)
    assert told["given"] == told["objects"] == 2
    with dovecot.session() as session:
        names = [str(line, "ascii") for line in session.list()[1] if b"Restaurado" in line]
    assert any(name.rstrip('"').endswith("A&APE-o") for name in names), names
