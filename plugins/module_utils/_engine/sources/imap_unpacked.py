# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A copy of a mailbox unpacked into a directory of ours, and proved there.

Each mail has the bytes that the index says, and the index is the one that its manifest names.
"""

from __future__ import annotations

import hashlib
import os
import stat
from typing import Optional

from ..errors import BackupError
from ..filesystem import descriptors
from ..processes import programs
from ..processes.pipeline import Stage
from . import imap_maildir
from .base import PartReader


def extract(reader: PartReader, directory: str, account: Optional[programs.Account]) -> None:
    """Unpack a copy as the account, or as this one where that is None. Raises what `PartReader.stream` does."""
    argv = [tar(), "--extract", "--file=-", "--directory=" + directory, "--no-same-owner", "--no-same-permissions"]
    reader.stream("", [Stage("tar --extract", argv, account=account)])


def proved(reader: PartReader, home: int) -> int:
    """Each file has the bytes that the index says, and the index is the one that was written. Gives the number of mails. Raises restored_differs."""
    label, facts = reader.manifest["label"], reader.part("")["facts"]
    for entry in descriptors.walk(home, in_order=False):      # a copy of ours holds nothing else
        if not (stat.S_ISREG(entry.status.st_mode) or stat.S_ISDIR(entry.status.st_mode)) or entry.status.st_mode & 0o7000:
            raise BackupError("restored_differs", label=label, detail="no plain file: {0!r}".format(entry.path)[:200])
    found, mails, folder = hashlib.sha256(), 0, -1
    try:
        maildir, indices = descriptors.enter(home, "Maildir"), descriptors.enter(home, "indice")
        try:
            for text, told in imap_maildir.read(indices):
                found.update(text)
                if "uidvalidity" in told:
                    if folder >= 0:
                        os.close(folder)
                    folder = descriptors.below(maildir, told["directory"]) if told["directory"] else os.dup(maildir)
                    continue
                if imap_maildir.digest(folder, told["file"]) != (told["sha256"], told["size"]):
                    raise BackupError("restored_differs", label=label, detail="UID {0}".format(told["uid"]))
                mails += 1
        finally:
            for each in (maildir, indices, folder):
                if each >= 0:
                    os.close(each)
    except (OSError, ValueError, KeyError) as error:
        raise BackupError("restored_differs", label=label, detail=str(error)) from error
    if found.hexdigest() != facts["index_sha256"] or mails != facts["mails"]:
        raise BackupError("restored_differs", label=label, detail="another index")
    return mails


def tar() -> str:
    """The program."""
    return programs.find("tar", "tar")
