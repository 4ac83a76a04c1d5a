# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A signed PDF that comes with a mail is told with its digest and the names that the file tells, and never as validated."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest

from plugins.plugin_utils._bitacora.store import open_store
from plugins.plugin_utils._mail import signatures

sys.path.insert(0, str(Path(__file__).parent))
import mails as here

NAMED = b"%PDF-1.7\n1 0 obj <</Type/Sig/Filter/Adobe.PPKLite/Name(SOTO VEGA Carmen FAU 20521286769 soft)/ByteRange [0 1 2 3]/Contents<3000>>> endobj"
UTF16 = b"%PDF-1.7\n<</ByteRange[0 1 2 3]/Name<FEFF00D1006100680075>>>"
CERTIFICATE = b"\x30\x06\x03\x55\x04\x03\x0c\x0aSOTO Carmen".replace(b"\x0c\x0a", b"\x0c\x0b")
UNNAMED = b"%PDF-1.7\n<</ByteRange [0 1 2 3]/Contents<" + (CERTIFICATE + b"\0" * 40).hex().encode() + b">>>"


@pytest.mark.parametrize("content, found", [
    (NAMED, (True, ("SOTO VEGA Carmen FAU 20521286769 soft",))), (UTF16, (True, ("Ñahu",))), (UNNAMED, (True, ("SOTO Carmen",))),
    (b"%PDF-1.7\nnothing", (False, ())), (b"MZ/ByteRange [", (False, ())), (b"", (False, ())), (b"%PDF-1.7 /ByteRange [", (True, ())),
    (b"%PDF-1.7 /ByteRange [] /Name(a\x1b[31mb\x00)", (True, ("a [31mb",))),
    (b"%PDF-1.7 " + b"/ByteRange [] /Name(x)" * 10_000, (True, ("x",))), (b"%PDF-1.7 " + b"/Name(" * 100_000, (False, ())),
])
def test_the_names_that_a_file_tells(content: bytes, found: tuple) -> None:
    assert signatures.of_pdf(content) == found


def test_the_entry_tells_the_file_and_that_nothing_was_validated(tmp_path: Path) -> None:
    body = (b'--x\r\nContent-Type: text/plain\r\n\r\nCONFORME\r\n--x\r\nContent-Type: application/pdf; name="conformidad.pdf"\r\n'
            b"Content-Disposition: attachment\r\n\r\n" + NAMED + b"\r\n--x--\r\n")
    mail = here.answer(here.RESTORED, body, "MIME-Version: 1.0", 'Content-Type: multipart/mixed; boundary="x"')
    with open_store(str(tmp_path / "bitacora.sqlite")) as store:
        here.populate(store)
        assert here.take(store, mail).outcome == "conform"
        told, = here.entries_of(store)[0]["mail_attached"]
    assert told == (f"conformidad.pdf, {len(NAMED)} bytes, SHA-256 {hashlib.sha256(NAMED).hexdigest()}; firmado según el propio archivo por SOTO VEGA Carmen "
                    "FAU 20521286769 soft (firma no validada aquí)")
