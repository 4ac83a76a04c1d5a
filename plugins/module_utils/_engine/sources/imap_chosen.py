# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mails of an unpacked copy that are asked back, by its index and, for a sender or a subject, by the mails' own headers.

What is kept of them is numbers: of a mailbox of any size a few bytes a mail. No subject leaves this file.
"""

from __future__ import annotations

import array
import os
import re
import unicodedata
from typing import Any, Dict, Iterator, List, NamedTuple, Set, Tuple

from ..errors import BackupError
from ..filesystem import descriptors
from . import imap_headers, imap_maildir, imap_shelf
from .imap_asked import Asked

_INDEX = re.compile(r"([0-9]{5,8})\.jsonl")
_LARGEST_UID = 1 << 32
# an index is a server's word: what it says of a file is a name in the folder, and a date is one
_FILE = re.compile(r"(?:cur|new)/(?!\.{1,2}\Z)[^/\0]+")
_DATE = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


class Folder(NamedTuple):
    """A folder with mails that are asked for; `number` is that of its index in the copy."""

    number: str
    name: str               # as the copied server has it
    readable: str
    directory: str          # below the Maildir
    uids: "array.array[int]"


class Unpacked:
    """A copy that lies unpacked below a directory which is held, and was proved. A context manager."""

    def __init__(self, home: int, label: str) -> None:
        self.label = label
        self.maildir = descriptors.enter(home, "Maildir")
        self.indices = descriptors.enter(home, "indice")

    def __enter__(self) -> "Unpacked":
        return self

    def __exit__(self, *_unused: object) -> None:
        os.close(self.maildir)
        os.close(self.indices)

    def folder(self, directory: str) -> int:
        """A folder of the Maildir, to be closed by who asks."""
        return descriptors.below(self.maildir, directory) if directory else os.dup(self.maildir)

    def numbers(self) -> List[str]:
        return sorted(match[1] for match in map(_INDEX.fullmatch, os.listdir(self.indices)) if match)

    def read(self, number: str) -> Tuple[Dict[str, Any], Iterator[Dict[str, Any]]]:
        """The head and the mails of an index. Raises OSError, ValueError, KeyError for what is none."""
        lines = self._lines(number)
        head = next(lines, {})
        if not all(isinstance(head.get(name), str) for name in ("folder", "name", "directory")):
            raise ValueError("no head of an index")
        if not head["folder"].isascii() or not head["folder"].isprintable():
            raise ValueError("no name of a folder")
        return head, map(_mail, lines)

    def _lines(self, number: str) -> Iterator[Dict[str, Any]]:
        with os.fdopen(descriptors.regular(number + ".jsonl", self.indices), "rb") as file:
            for text in file:
                yield imap_maildir.told_of(text)

    def mails(self, folder: Folder) -> Iterator[Dict[str, Any]]:
        """The mails of a folder that are asked for, in their order."""
        wanted = array.array("Q", sorted(folder.uids))
        return (mail for mail in self.read(folder.number)[1] if imap_shelf.place_of(wanted, mail["uid"]) >= 0)


def _mail(told: Dict[str, Any]) -> Dict[str, Any]:
    uid, flags = told.get("uid"), told.get("flags")
    plain = isinstance(uid, int) and 0 < uid < _LARGEST_UID and isinstance(flags, list) and all(isinstance(flag, str) for flag in flags)
    texts = isinstance(told.get("size"), int) and all(isinstance(told.get(name), str) for name in ("file", "date", "sha256"))
    if not plain or not texts or not _FILE.fullmatch(told["file"]) or not _DATE.fullmatch(told["date"]):
        raise ValueError("no mail of an index")
    return told


def chosen(copy: Unpacked, asked: Asked, separator: str) -> List[Folder]:
    """The folders with what is asked for of each; without a search also the empty ones. Raises mail_folder_unknown, mail_none_found, restored_differs."""
    try:
        found, wanted = [], _asked_for(copy, asked, separator)
        for number in copy.numbers():
            if asked.folders and number not in wanted:
                continue
            head, mails = copy.read(number)
            uids = array.array("Q", _uids(copy, head["directory"], mails, asked))
            if uids or not asked.searches:
                found.append(Folder(number, head["folder"], head["name"], head["directory"], uids))
    except (OSError, ValueError, KeyError) as error:
        raise BackupError("restored_differs", label=copy.label, detail=str(error)) from error
    if not sum(len(each.uids) for each in found) and not asked.whole:
        raise BackupError("mail_none_found", label=copy.label)
    return found


def _asked_for(copy: Unpacked, asked: Asked, separator: str) -> Set[str]:
    """The numbers of the folders that are asked for. Raises mail_folder_unknown."""
    named = {number: _names_of(copy.read(number)[0], separator) for number in copy.numbers()} if asked.folders else {}
    found: Set[str] = set()
    unknown = []
    for each in asked.folders:
        numbers = _numbers(named, each)
        found |= numbers
        unknown += [] if numbers else [each]
    if unknown:
        raise BackupError("mail_folder_unknown", label=copy.label, folder=", ".join(unknown))
    return found


def _numbers(named: Dict[str, Set[str]], wanted: str) -> Set[str]:
    """The folders of one name. Who writes it as it is gets no other that differs from it by accents or capitals alone."""
    exact = {number for number, names in named.items() if unicodedata.normalize("NFC", wanted) in names}
    return exact or {number for number, names in named.items() if imap_headers.folded(wanted) in map(imap_headers.folded, names)}


def _names_of(head: Dict[str, Any], separator: str) -> Set[str]:
    """The names by which people may ask for a folder: the server's, as they read it, and that with slashes between its levels."""
    readable = str(head["name"])
    return {unicodedata.normalize("NFC", each) for each in (str(head["folder"]), readable, readable.replace(separator, "/") if separator else readable)}


def _uids(copy: Unpacked, directory: str, mails: Iterator[Dict[str, Any]], asked: Asked) -> Iterator[int]:
    held = copy.folder(directory)
    try:
        for mail in mails:
            if asked.in_time(mail["date"]) and (not asked.reads_mails or asked.finds(imap_headers.fields(imap_headers.beginning(held, mail["file"])))):
                yield mail["uid"]
    finally:
        os.close(held)
