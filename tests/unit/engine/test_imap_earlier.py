# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which mails of a new copy are those of an earlier one, and that nothing of it stays which no index names."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources import imap_earlier, imap_maildir
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.imap_listing import Row


def laid(home: Path, folders: Mapping[str, tuple[int, Mapping[int, str]]]) -> int:
    """A home with these folders (directory: UIDVALIDITY, text of each UID), each with its index."""
    (home / "indice").mkdir(parents=True)
    for number, (directory, (uidvalidity, mails)) in enumerate(folders.items(), 1):
        for part in ("cur", "new", "tmp"):
            (home / "Maildir" / directory / part).mkdir(parents=True)
        told = [imap_maildir.head(directory or "INBOX", directory, uidvalidity)]
        for uid, text in mails.items():
            (home / "Maildir" / directory / "cur" / f"{uid}:2,").write_text(text, "ascii")
            digest = hashlib.sha256(text.encode()).hexdigest()
            told.append(imap_maildir.line(Row(uid, len(text), "2026-01-01T00:00:00Z", ()), f"cur/{uid}:2,", digest, len(text)))
        (home / "indice" / f"{number:05d}.jsonl").write_bytes(b"".join(map(imap_maildir.written, told)))
    return os.open(home, os.O_RDONLY | os.O_DIRECTORY)


def test_a_mail_is_the_same_by_folder_number_and_bytes_and_what_no_index_names_goes(tmp_path: Path) -> None:
    first = laid(tmp_path / "a", {"": (7, {1: "uno", 2: "dos", 9: "nueve"}), "Otra": (8, {1: "uno"}), "Ida": (9, {1: "uno"})})
    second = laid(tmp_path / "b", {"": (7, {2: "dos", 9: "NUEVE", 10: "diez"}), "Otra": (80, {1: "uno"}), "Ida/Nueva": (9, {1: "uno"})})
    for part in ("cur", "new", "tmp"):      # a folder that the server has no more
        (tmp_path / "b/Maildir/Ida" / part).mkdir()
        (tmp_path / "b/Maildir/Ida" / part / "1").write_text("uno", "ascii")
    try:
        # the same bytes under another number, or number under other bytes, travelled; so did a folder that is numbered anew, or has another name
        laid_there = imap_earlier.Laid("AnaQuispe_20260101", first)
        assert laid_there.kept(second, {"": {2, 9}}) == (1, 0) and laid_there.kept(second, {"": {9}, "Otra": {2}}) == (1, 1)
    finally:
        os.close(first)
        os.close(second)
    left = sorted(str(path.relative_to(tmp_path / "b/Maildir")) for path in (tmp_path / "b/Maildir").rglob("*") if path.is_file())
    assert left == ["Ida/Nueva/cur/1:2,", "Otra/cur/1:2,", "cur/10:2,", "cur/2:2,", "cur/9:2,"]
