# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder that was removed above others: a real Dovecot lists it as if it held mails, and does not open it. Nothing is lacking for it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.processes.programs import private_directory
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources import imap_listing

from .conftest import Dovecot
from .test_imap_since import again, earlier, mail
from .test_imap_source import Bench, bench, meanwhile, served  # noqa: F401 - a fixture

LEVELS = ("Uno", "Con espacio")


@pytest.fixture
def levelled() -> Iterator[Dovecot]:
    server = Dovecot()
    try:
        with server.session() as session:
            for folder in ("Uno", "Uno.Dos", "Con espacio", "Con espacio.Tres"):
                assert session.create(imap_listing.quoted(folder))[0] == "OK"
        server.put(mail(1), b'Subject: x\r\n\r\n* LIST (\\HasChildren) "." Uno\r\n', folder="Uno.Dos")
        with server.session() as session:
            for folder in LEVELS:
                assert session.delete(imap_listing.quoted(folder))[0] == "OK"
        yield server
    finally:
        server.close()


def test_a_level_without_a_folder_of_its_own_keeps_nothing_from_being_copied(levelled: Dovecot, bench: Bench,  # noqa: F811
                                                                             monkeypatch: pytest.MonkeyPatch) -> None:
    with levelled.session() as session:
        assert all(name in imap_listing.folders(session)[0] and imap_listing.opened(session, name) is None for name in LEVELS)
    made, mailbox = again(bench, levelled, None)
    assert (made.fields["objects"], mailbox.judged.folders, made.manifest["warnings"]) == (2, 3, []) and "lacks" not in made.manifest
    back = bench.top / "back"
    with bench.open() as copy, private_directory() as scratch:
        assert mailbox.rehearse(copy, scratch)
        mailbox.restore(copy, str(back), False)
    found = {}
    for index in (back / "indice").iterdir():
        head, *lines = map(json.loads, index.read_text("ascii").splitlines())
        mails = [(back / "Maildir" / head["directory"] / each["file"]).read_bytes() for each in lines]
        found[head["folder"]] = [(len(mail), hashlib.sha256(mail).hexdigest()) for mail in mails]
    assert found == {"INBOX": [], "Uno.Dos": [told[-1] for told in served(levelled, "Uno.Dos")], "Con espacio.Tres": []}

    def anew(_dovecot: object, number: int) -> None:      # one that is made while it is copied holds mails, and is read
        if not number:
            with levelled.session() as session:
                session.create("Uno")
            levelled.put(mail(2), folder="Uno")

    meanwhile(monkeypatch, anew)
    told, mailbox = again(bench, levelled, earlier(bench, made.digest))
    assert (told.fields["objects"], mailbox.judged.folders) == (3, 4) and "lacks" not in told.manifest
