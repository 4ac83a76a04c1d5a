# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What came to lie in a folder that mails were given to: each is found once, the likest first, and a mail more costs its digest alone."""

from __future__ import annotations

import array
import hashlib
import tracemalloc
from collections.abc import Iterator

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources import imap_arrived, imap_listing, imap_shelf, imap_target

DATE = "2020-02-29T18:29:59Z"


def sha256(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


class Lying:
    """As much of a folder as is asked for: by UID the bytes of a mail, and its marks."""

    def __init__(self, mails: dict[int, tuple[bytes, tuple[str, ...]]]) -> None:
        self.mails, self.listed = mails, False

    def rows(self, _name: str) -> Iterator[imap_listing.Row]:
        self.listed = False
        for uid, (raw, flags) in self.mails.items():
            yield imap_listing.Row(uid, len(raw), DATE, flags)
        self.listed = True

    def digest(self, uid: int) -> str:
        assert self.listed, "a mail was asked for while the folder was listed"
        raw = self.mails[uid][0]
        return sha256(raw) if raw else ""      # one that the server does not give


def new(mails: dict[int, tuple[bytes, tuple[str, ...]]], *known: int) -> imap_arrived.New:
    return imap_arrived.New(Lying(mails), "Ventas", array.array(imap_shelf.NUMBER, known))      # type: ignore[arg-type]


def test_each_is_found_once_and_of_the_same_bytes_the_likest_first() -> None:
    mails = {1: (b"uno", ()), 2: (b"dos", ()), 3: (b"dos", ("\\Seen", "Urgente")), 4: (b"", ()), 5: (b"dos", ()), 7: (b"tres", ("\\Seen",)), 8: (b"ajeno", ()),
             9: (b"ajeno", ())}
    with new(mails, 1, 6) as there:
        assert there.take(sha256(b"uno"), DATE, []) is None, "it was there before"
        assert there.take(sha256(b"tres"), "2021-01-01T00:00:00Z", []) == imap_arrived.Arrived(7, DATE, frozenset(["\\seen"]))
        assert there.take(sha256(b"tres"), DATE, ["\\seen"]) is None, "it was found a second time"
        found = there.take(sha256(b"dos"), DATE, {"urgente", "\\seen"})
        assert found is not None and found.uid == 3
        assert there.doubled() == 2      # of what was looked for: not of others' mails that are alike
        assert {each.uid for each in (there.take(sha256(b"dos"), DATE, {"otra"}), there.take(sha256(b"dos"), DATE, [])) if each} == {2, 5}
        assert there.take(sha256(b"dos"), DATE, []) is None and there.doubled() == 0


def test_a_mail_more_costs_its_digest_and_its_numbers() -> None:
    """It was some 700 bytes: rows, sets of marks, dates, of each; and 500 more of what had been sent."""
    peaks = []
    for count in (500, 4500):
        mails = {uid: (b"%d" % uid, ("$NOTJUNK", "\\Seen")) for uid in range(1, count + 1)}
        tracemalloc.start()
        try:
            with new(mails) as there:
                assert all(there.take(sha256(raw), DATE, ["$notjunk", "\\seen"]) for raw, _flags in mails.values()) and there.doubled() == 0
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert (peaks[1] - peaks[0]) / 4000 < 250, peaks


class Numbered:
    """A session whose folder has mails of these UIDs."""

    def __init__(self, *uids: int) -> None:
        self.uids = uids

    def capability(self) -> tuple[str, list[bytes]]:
        return "OK", [b"IMAP4rev1"]

    def list(self, *_asked: str) -> tuple[str, list[bytes]]:
        return "OK", [b'(\\Noselect) "/" ""']

    def _command(self, *_asked: str) -> None:
        """Replaced by the fence."""

    def select(self, *_asked: str, **_more: bool) -> tuple[str, list[bytes]]:
        return "OK", [b"3"]

    def response(self, _name: str) -> tuple[str, list[bytes]]:
        return "UIDVALIDITY", [b"7"]

    def fetch(self, *_asked: str) -> tuple[str, list[bytes]]:
        return "OK", [b'%d (UID %d RFC822.SIZE 1 INTERNALDATE "29-Feb-2020 18:29:59 +0000" FLAGS ())' % each for each in enumerate(self.uids, 1)]


@pytest.mark.parametrize(("uids", "wrong"), [((3, 5, 9), ""), ((3, 5, 5), "UID 5 after 5"), ((9, 5, 3), "UID 5 after 9"), ((3, 5), "2 of 3 mails")])
def test_a_folder_is_listed_by_rising_numbers_and_whole_or_it_is_told(uids: tuple[int, ...], wrong: str) -> None:
    target = imap_target.Target(Numbered(*uids), "Ventas")
    if not wrong:
        assert [row.uid for row in target.rows("Ventas")] == list(uids)
        return
    with pytest.raises(imap_listing.Unlistable, match=wrong):
        list(target.rows("Ventas"))
