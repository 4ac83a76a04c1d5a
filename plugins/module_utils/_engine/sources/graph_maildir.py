# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Maildir as its synchroniser would have written it, of mails that come one by one: folders by names that a directory can have, files, lists of UIDs.

Folders of Exchange are named as people like, with slashes and dots; on the way into a Maildir such a character becomes one that looks alike. How a folder is
really named stands in its index.
"""

from __future__ import annotations

import base64
import calendar
import os
import re
import secrets
import time
from typing import Dict, Iterable, List, Sequence

from ..filesystem import descriptors
from .graph_listing import Folder
from .imap_maildir import LETTERS

INBOX, SEPARATOR = "INBOX", "/"
_RESERVED = ("cur", "new", "tmp", "inbox")
_ALIKE = {"/": "\u2215", "\0": "\ufffd"}
_FIRST = {".": "\u2024", "~": "\u223c"}
_LONGEST = 200             # bytes of a directory's name
_DEEPEST = 800             # of a path: tar unpacks no file below one of 4096, and servers list no folder of more than some thousand


def directories(folders: Sequence[Folder], inbox: str) -> Dict[str, str]:
    """The directory of each folder by its identifier, below the Maildir; that of the inbox is "". Folders come after those they lie in."""
    found: Dict[str, str] = {}
    by_names: Dict[Sequence[str], str] = {}
    taken = set()
    for folder in folders:
        above = by_names.get(folder.names[:-1], "")
        if len(above) > _DEEPEST - _LONGEST:      # whoever nests them further finds the rest at the top
            above = ""
        part = encoded(_part(folder.names[-1]))
        name = INBOX if folder.id == inbox else (above + SEPARATOR if above else "") + part
        number = 1
        while name.casefold() in taken:      # two that look alike now
            number += 1
            name = "{0}{1} ({2})".format(above + SEPARATOR if above else "", part, number)
        taken.add(name.casefold())
        by_names[folder.names] = name
        found[folder.id] = "" if name == INBOX else name
    return found


def _part(name: str) -> str:
    told = "".join(_ALIKE.get(each, each if each.isprintable() else "\ufffd") for each in name) or "_"
    told = _FIRST.get(told[0], told[0]) + told[1:]
    if told.casefold() in _RESERVED or told.casefold().startswith(("dovecot", "maildirfolder", "subscriptions")):
        told += "_"
    while len(encoded(told)) > _LONGEST:
        told = told[:-1]
    return told


def encoded(name: str) -> str:
    """A name in modified UTF-7 (RFC 3501, 5.1.3)."""
    def shifted(match: "re.Match[str]") -> str:
        if match[0] == "&":
            return "&-"
        told = base64.b64encode(match[0].encode("utf-16-be", "replace")).decode("ascii")
        return "&{0}-".format(told.rstrip("=").replace("/", ","))

    return re.sub(r"&|[^\x20-\x7e]+", shifted, name)


def made(maildir: int, directory: str) -> int:
    """The folder of a directory, with all that are above it; held. Raises OSError."""
    held = os.dup(maildir)
    for part in [each for each in directory.split(SEPARATOR) if each]:
        inner = _entered(held, part)
        os.close(held)
        held = inner
    for part in ("cur", "new", "tmp"):
        os.close(_entered(held, part))
    return held


def _entered(held: int, name: str) -> int:
    try:
        return descriptors.enter(held, name)
    except FileNotFoundError:
        return descriptors.make_directory(held, name, owned=False)


def seconds_of(date: str) -> int:
    """Since 1970, of a date as an index has it."""
    return calendar.timegm(time.strptime(date, "%Y-%m-%dT%H:%M:%SZ"))


def placed(source: int, name: str, folder: int, number: int, date: str, flags: Sequence[str]) -> str:
    """Give a mail's bytes their file in a folder that is held. Gives its path below the folder."""
    seconds = seconds_of(date)
    letters = "".join(sorted({letter for flag, letter in LETTERS.items() if flag in {each.lower() for each in flags}}))
    told = "{0}.{1}.graph:2,{2}".format(seconds, number, letters)
    target = descriptors.enter(folder, "cur")
    try:
        os.link(name, told, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False)
        os.utime(told, (seconds, seconds), dir_fd=target, follow_symlinks=False)
    finally:
        os.close(target)
    return "cur/" + told


def listed(folder: int, uidvalidity: int, paths: Iterable[str]) -> None:
    """Write the list by which Dovecot knows the UIDs: 1, 2, 3 ... in the order of the paths."""
    lines: List[str] = ["{0} :{1}\n".format(uid, path.partition("/")[2].partition(":2,")[0]) for uid, path in enumerate(paths, 1)]
    head = "3 V{0} N{1} G{2}\n".format(uidvalidity, len(lines) + 1, secrets.token_hex(16))
    with os.fdopen(descriptors.create(folder, "dovecot-uidlist"), "w", encoding="ascii") as file:
        file.write(head)
        file.writelines(lines)


__all__ = ["INBOX", "SEPARATOR", "directories", "encoded", "listed", "made", "placed", "seconds_of"]
