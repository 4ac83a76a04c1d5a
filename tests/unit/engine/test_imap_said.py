# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server of mailboxes says is a server's word: nothing of it is passed over, run, or told with the password in it."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any, List

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources import imap_dovecot, imap_listing, imap_session, imap_unpacked

ROW = b'1 (UID %s RFC822.SIZE 10 INTERNALDATE "%s" FLAGS (\\Seen))'


def test_a_row_is_read_or_stops_the_listing() -> None:
    row = imap_listing._row(ROW % (b"7", b"01-Jan-2020 10:00:00 -0500"))
    assert row is not None and (row.uid, row.size) == (7, 10)
    assert imap_listing._row(b"1 (FLAGS (\\Seen) UID 7)") is None, "only that flags changed"
    for uid, date in ((b"7", b"1-Jan-2020 10:00:00 -0500"), (b"7", b"01-Foo-2020 10:00:00 -0500"), (b"7", b"01-Jan-0000 10:00:00 -0500"),
                      (b"%d" % (1 << 70), b"01-Jan-2020 10:00:00 -0500")):
        with pytest.raises(imap_listing.Unlistable):
            imap_listing._row(ROW % (uid, date))


class Listing:
    """A session whose LIST says this."""

    def __init__(self, *lines: Any) -> None:
        self.lines: List[Any] = list(lines)

    def list(self, *_asked: str) -> Any:
        return "OK", self.lines


@pytest.mark.parametrize("lines", [
    [(b'(\\HasNoChildren) "/" {9}', b"x\r\nA1 DELETE INBOX")], [b'() "/" "INBOX"', b'() "/" "inbox"'], [b'() "/" "a\x07b"'], [b'() "/" "\xc3\xb1"'],
    [b'() "/" "%s"' % (b"a" * 2000)]])
def test_a_name_that_is_no_folder_s_stops_the_listing(lines: List[Any]) -> None:
    with pytest.raises(imap_listing.Unlistable):
        imap_listing.folders(Listing(*lines))      # type: ignore[arg-type]


@pytest.mark.parametrize("separator", ["/\n}\nlibexec_dir = /tmp/x", "#", "}", "\\", " ", "\n"])
def test_what_parts_folders_writes_nothing_into_a_configuration(separator: str) -> None:
    with pytest.raises(BackupError) as told:
        imap_dovecot.Dovecot(None, separator)      # type: ignore[arg-type]
    assert told.value.code == "RSP101"


def test_the_password_is_hidden_in_each_form_in_which_it_may_come_back() -> None:
    place = imap_session.Place("imap.example.org", "ana", 'a"b\\c', 993, "")
    encoded = base64.b64encode(b'\0ana\0a"b\\c').decode()
    for form in (encoded, 'a"b\\c', 'a\\"b\\\\c'):
        assert imap_session.said(Exception("BAD " + form + " no"), place) == "BAD *** no"


class Reader:
    """What a restore asks before it looks at a single file."""

    manifest = {"label": "AnaQuispe_20261122"}

    def part(self, _name: str) -> Any:
        return {"facts": {"index_sha256": "", "mails": 0}}


@pytest.mark.parametrize("odd", ["set-id", "pipe", "link"])
def test_a_copy_brings_no_file_but_plain_ones(tmp_path: Path, odd: str) -> None:
    (tmp_path / "Maildir").mkdir()
    (tmp_path / "indice").mkdir()
    if odd == "set-id":
        (tmp_path / "Maildir/sh").write_bytes(b"")
        (tmp_path / "Maildir/sh").chmod(0o4755)
    elif odd == "pipe":
        os.mkfifo(tmp_path / "Maildir/tubo")
    else:
        (tmp_path / "Maildir/sombra").symlink_to("/etc/shadow")
    held = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with pytest.raises(BackupError) as told:
            imap_unpacked.proved(Reader(), held)      # type: ignore[arg-type]
    finally:
        os.close(held)
    assert told.value.fault.name == "restored_differs" and "no plain file" in told.value.message
