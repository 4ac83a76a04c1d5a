# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""T4 of a mailbox of Microsoft 365: a copy beside the mailbox of a fake Microsoft Graph as that is now."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.processes.programs import private_directory
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources import graph_beside
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.graph import Graph
from graph import server

from . import graph_bench
from .graph_bench import SUBJECT, mail, source
from .test_graph_again import parted
from .test_imap_source import Bench

NOTHING = {"same": 0, "equal": 0, "changed": 0, "edited": 0, "new": 0, "gone": 0, "moved": 0, "marked": 0}


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with graph_bench.opened(tmp_path, monkeypatch) as made:
        yield made


def beside(of: Bench, mailbox: Graph) -> tuple[list[str], dict[str, dict[str, Any]]]:
    with of.open() as copy, private_directory() as scratch:
        methods = mailbox.compare(copy, scratch)
        assert not list(Path(scratch).iterdir())
        return methods, {each.key: dict(each.parameters) for each in mailbox.remarks()}


def changed(fake: server.FakeGraph, identifier: str, **more: Any) -> None:
    """What its owner does to a mail, which has another changeKey then."""
    for name, value in {"version": fake.mails[identifier].version + 1, **more}.items():
        setattr(fake.mails[identifier], name, value)


def test_what_came_went_moved_was_marked_and_edited_is_told_and_the_rest_is_equal(there: server.FakeGraph, bench: Bench) -> None:
    there.page_size = 4
    other, old = there.folder("Otra"), there.folder("Vieja / 2019")
    here = [there.put(mail(number)) for number in range(9)]
    there.put(mail(20), other)
    below = there.put(mail(21), old)
    lacking = there.put(mail(22))
    there.fail(f"{lacking}/", 500, "ErrorMimeContentConversionFailed", 1000)
    bench.make(source(there, on_missing="partial"))
    asked = len(there.asked)
    methods, told = beside(bench, source(there, compare="all"))
    assert (methods, told) == (["source_mails"], {"graph_compared": {**NOTHING, "same": 11, "equal": 11}}), "what was missing did not come since"
    assert not any(lacking + "/" in each for each in there.asked[asked:])

    new = there.folder("Nueva")
    there.put(mail(30), new)
    there.put(mail(31))
    changed(there, here[0], read=True)
    there.mails[here[1]].categories = ["Roja"]      # as a service that has no new state for it
    changed(there, here[2], mime=mail(2).replace(b"yyy", b"zzz", 1))
    there.mails[here[3]].folder = other
    del there.mails[here[4]], there.mails[here[5]]
    there.folders[old].name = "Cerrada"
    there.rendered = lambda identifier, mime, reading: parted(f"A{reading}") if identifier == here[8] else mime
    there.mails[here[8]].mime = parted("A1")
    assert beside(bench, Graph()) == ([], {}), "nobody says where the mailbox is"
    with pytest.raises(BackupError) as caught:      # the content of the ninth is not the copy's, under the changeKey that it was copied with
        beside(bench, source(there, compare="all"))
    assert caught.value.code == "RSP155" and caught.value.details["count"] == 1 and caught.value.details["named"] == f"Bandeja de entrada:{here[8]}"
    assert not any(each in f"{caught.value.message} {caught.value.details}" for each in (SUBJECT, server.SECRET, *there.tokens))

    # one reading that was torn on its way accuses nobody
    torn = [b"", mail(8)[:20], mail(8)]
    there.rendered = lambda identifier, mime, _reading: torn.pop(0) if identifier == here[8] and torn else mime
    there.mails[here[8]].mime = mail(8)
    methods, told = beside(bench, source(there))
    assert methods == ["source_mails"] and torn == []
    assert told == {
        "graph_compared": {"same": 7, "equal": 8, "changed": 2, "edited": 1, "new": 2, "gone": 2, "moved": 2, "marked": 2},
        "mailbox_folders_changed": {"named": "Bandeja de entrada (+1 -2 ~3), Cerrada (~1), Nueva (+1), Otra (~1)"},
        "graph_folders_away": {"named": "Vieja / 2019"}}
    assert there.mails[below].folder == old and there.mails[here[7]].read is False, "nothing is marked"


def test_what_is_written_otherwise_at_each_reading_is_equal(there: server.FakeGraph, bench: Bench) -> None:
    there.put(b"")
    there.rendered = lambda _identifier, _mime, reading: parted(f"A{reading}", importance=str(reading))
    bench.make(source(there))
    assert beside(bench, source(there)) == (["source_mails"], {"graph_compared": {**NOTHING, "same": 1, "equal": 1}})


def test_what_can_not_be_compared_is_told_and_never_equal(there: server.FakeGraph, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    here = [there.put(mail(number)) for number in range(4)]
    bench.make(source(there))
    there.fail(rf"{here[0]}/\$value", 500, "ErrorMimeContentConversionFailed", 1)
    methods, told = beside(bench, source(there))
    assert (methods, told["graph_compared"], told["graph_untold"]) == (
        [], {**NOTHING, "same": 3, "equal": 3}, {"count": 1, "named": f"Bandeja de entrada:{here[0]}"})

    # one that goes or is changed between the list and its reading is none of the copy's faults
    def before(target: str) -> None:
        if f"{here[1]}/$value" in target:
            there.mails.pop(here[1], None)
        if f"{here[2]}/$value" in target and there.mails[here[2]].version == 1:
            changed(there, here[2], mime=mail(50))

    there.before = before
    methods, told = beside(bench, source(there))
    assert (methods, told["graph_compared"]) == (["source_mails"], {**NOTHING, "same": 2, "equal": 2, "changed": 1, "edited": 1, "gone": 1})

    # more are away than are asked for one by one, in a mailbox whose lists are not whole: of those nothing is said
    monkeypatch.setattr(graph_beside, "_MOST_ASKED", 1)
    there.before = lambda _target: None
    real = there._messages

    def short(query: dict[str, str], folder: str) -> dict[str, Any]:
        return {**real(query, folder), "value": [], "@odata.count": 4} if folder else real(query, folder)

    monkeypatch.setattr(there, "_messages", short)
    methods, told = beside(bench, source(there))
    assert methods == [] and told["graph_untold"]["count"] == 3 and told["graph_compared"]["same"] + told["graph_compared"]["gone"] == 1
    # in one that settles, the list of all mails says which are gone
    monkeypatch.setattr(there, "_messages", real)
    for each in here[2:]:
        del there.mails[each]
    methods, told = beside(bench, source(there))
    assert (methods, told["graph_compared"]) == (["source_mails"], {**NOTHING, "same": 1, "equal": 1, "gone": 3})
