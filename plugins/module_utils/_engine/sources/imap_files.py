# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mails of an unpacked copy as files that programs open: EML, mbox, or a Maildir of those that were chosen. Beside them the index says what they can't hold.

    eml      00003/00003-42.eml          a name is a folder's number and a UID: nothing that a sender wrote becomes a path
    mbox     00003.mbox                  quoted as mboxrd, so that each mail's bytes come back; its marks in Status, X-Status, X-Keywords
    maildir  Maildir/…                   as it lies in the copy
    all      indice/00003.jsonl          a line a mail, as in the copy; `file` is where it lies now, of an mbox also `offset`
"""

from __future__ import annotations

import calendar
import contextlib
import os
import re
import time
from typing import Any, BinaryIO, Callable, Dict, Iterator, List, Tuple

from ..errors import BackupError
from ..filesystem import descriptors, room
from . import imap_maildir
from .imap_asked import Asked
from .imap_chosen import Folder, Unpacked, chosen

_CHUNK = 1 << 16
_FROM = re.compile(rb">*From ")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_STATUS = (("\\seen", "R"),)
_X_STATUS = (("\\answered", "A"), ("\\flagged", "F"), ("\\draft", "T"), ("\\deleted", "D"))
_LISTS = ("dovecot-uidlist", "dovecot-keywords")

Row = Dict[str, Any]


def laid_out(home: int, out: int, asked: Asked, separator: str, label: str) -> int:
    """Lay what is asked for of the copy unpacked in `home`, proved before, out in the directory `out`; how many mails.

    Mails are moved where they can be. Raises mail_folder_unknown, mail_none_found, restored_differs for a copy whose parts contradict each other.
    """
    put = {"eml": _eml, "mbox": _mbox, "maildir": _maildir}[asked.form]
    with Unpacked(home, label) as copy:
        folders = chosen(copy, asked, separator)
        try:
            with _entered(out, "indice") as indices:
                for folder in folders:
                    with contextlib.ExitStack() as stack:
                        source = copy.folder(folder.directory)
                        stack.callback(os.close, source)
                        index = stack.enter_context(os.fdopen(descriptors.create(indices, folder.number + ".jsonl"), "wb"))
                        head, _mails = copy.read(folder.number)
                        index.write(imap_maildir.written(head))
                        put(copy, folder, source, out, index)
        except (FileNotFoundError, FileExistsError, ValueError, KeyError) as error:
            raise BackupError("restored_differs", label=label, detail=str(error)) from error
        except OSError as error:
            raise room.of_the_place(str(error.strerror), descriptors.path_of(out), 0, label, False) from error
    return sum(len(folder.uids) for folder in folders)


@contextlib.contextmanager
def _entered(held: int, name: str) -> Iterator[int]:
    """A directory in `held`, made where it is not there."""
    try:
        inner = descriptors.make_directory(held, name)
    except FileExistsError:
        inner = descriptors.enter(held, name)
    try:
        yield inner
    finally:
        os.close(inner)


def _parted(folder: int, path: str) -> Tuple[int, str]:
    """The directory of a mail's file, to be closed, and its name there."""
    part, _slash, name = path.partition("/")
    return descriptors.enter(folder, part), name


def _moved(source: int, mail: Row, target: int, name: str) -> None:
    """A mail's file under its new name, of this account alone, with the date that it was received as its own."""
    inner, own = _parted(source, mail["file"])
    try:
        descriptors.move(inner, own, target, name)
    finally:
        os.close(inner)
    held = descriptors.regular(name, target)
    try:
        descriptors.give(held, os.geteuid(), os.getegid(), 0o600)
        received = _seconds(mail["date"])
        os.utime(held, (received, received))
    finally:
        os.close(held)


def _eml(copy: Unpacked, folder: Folder, source: int, out: int, index: BinaryIO) -> None:
    with _entered(out, folder.number) as target:
        for mail in copy.mails(folder):
            name = "{0}-{1}.eml".format(folder.number, mail["uid"])
            _moved(source, mail, target, name)
            index.write(imap_maildir.written({**mail, "file": "{0}/{1}".format(folder.number, name)}))


def _maildir(copy: Unpacked, folder: Folder, source: int, out: int, index: BinaryIO) -> None:
    with contextlib.ExitStack() as stack:
        held = out
        for part in ("Maildir", *filter(None, folder.directory.split("/"))):
            held = stack.enter_context(_entered(held, part))
        inner = {part: stack.enter_context(_entered(held, part)) for part in ("cur", "new", "tmp")}
        for name in _LISTS:
            with contextlib.suppress(FileNotFoundError):      # of one that another program than Dovecot wrote
                descriptors.move(source, name, held, name)
        for mail in copy.mails(folder):
            part, _slash, name = mail["file"].partition("/")
            _moved(source, mail, inner[part], name)
            index.write(imap_maildir.written(mail))


def _mbox(copy: Unpacked, folder: Folder, source: int, out: int, index: BinaryIO) -> None:
    name = folder.number + ".mbox"
    with os.fdopen(descriptors.create(out, name), "wb") as file:
        for mail in copy.mails(folder):
            offset = file.tell()
            inner, own = _parted(source, mail["file"])
            try:
                with os.fdopen(descriptors.regular(own, inner), "rb") as text:
                    file.write(_before(mail))
                    _quoted(text, file.write)
                os.unlink(own, dir_fd=inner)      # there is room for all of them once
            finally:
                os.close(inner)
            index.write(imap_maildir.written({**mail, "file": name, "offset": offset}))


def _before(mail: Row) -> bytes:
    """The line that begins a mail of an mbox, and the headers that say how it is marked; they end as the mail's own lines do."""
    flags = [flag.lower() for flag in mail["flags"]]
    keywords = [flag for flag in mail["flags"] if not flag.startswith("\\")]
    lines = ["Status: {0}O".format(_letters(flags, _STATUS))]
    lines += ["X-Status: " + _letters(flags, _X_STATUS)] if _letters(flags, _X_STATUS) else []
    lines += ["X-Keywords: " + " ".join(keywords)] if keywords else []
    return "".join(["From MAILER-DAEMON ", _as_c(mail["date"]), "\n", *(line + "\r\n" for line in lines)]).encode("utf-8", "surrogateescape")


def _letters(flags: List[str], known: Tuple[Tuple[str, str], ...]) -> str:
    return "".join(letter for flag, letter in known if flag in flags)


def _quoted(text: BinaryIO, write: Callable[[bytes], Any]) -> None:
    """A mail's lines, each that could be taken for the beginning of another with one more `>`; then a line's end where it has none, and an empty line."""
    begins, last = True, b""
    for piece in iter(lambda: text.readline(_CHUNK), b""):      # a line may be longer than any memory
        write(b">" + piece if begins and _FROM.match(piece) else piece)
        begins, last = piece.endswith(b"\n"), piece
    write(b"\r\n" if not last or last.endswith(b"\n") else b"\r\n\r\n")


def _seconds(date: str) -> int:
    """A date of an index; the C library's names and zones are not asked. Raises ValueError."""
    numbers = [int(each) for each in re.split(r"[-T:Z]", date)[:6]]
    return calendar.timegm((*numbers, 0, 0, 0))


def _as_c(date: str) -> str:
    told = time.gmtime(_seconds(date))
    return "{0} {1} {2:2d} {3:02d}:{4:02d}:{5:02d} {6}".format(
        _DAYS[told.tm_wday], _MONTHS[told.tm_mon - 1], told.tm_mday, told.tm_hour, told.tm_min, told.tm_sec, told.tm_year)
