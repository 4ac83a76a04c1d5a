# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mail of Microsoft 365 read a second time and compared with what was brought.

Exchange keeps no MIME: it writes it at each reading, out of a mail's properties and what it kept of its form ([MS-OXCMAIL] 2.1.3.5.1). What parts a mail's
parts may be another text then, and some headers are written anew. Two readings are one mail when all else is equal, byte by byte; a mail that was changed
between them is another state of it, which says nothing of the first.
"""

from __future__ import annotations

import hashlib
import os
import re
from typing import IO, Callable, Dict

from ..filesystem import descriptors
from .graph_listing import Mail, quoted, state_of
from .graph_service import Oversized, Refused, Service, Unwritable
from .graph_written import Written

SAME, ALIKE, CHANGED, GONE, OTHER = "same", "alike", "changed", "gone", "other"
_NAME = "again"
# those that the service ignores of the form that it kept, and writes out of properties
_ANEW = (b"keywords", b"importance", b"priority", b"x-msmail-priority", b"x-priority", b"x-message-flag", b"mime-version")
_SEPARATOR = re.compile(rb'(boundary\s*=\s*)(?:"([^"\r\n]{1,70})"|([^\s;"]{1,70}))', re.IGNORECASE)
_LONGEST = 1 << 16
_MOST_SEPARATORS = 10_000


def compared(service: Service, held: int, mail: Mail, copied: Callable[[], IO[bytes]], sha256: str) -> str:
    """Read a mail again, into the directory `held`, and say what it is to what was copied of it. Raises Refused for what can't be had, Oversized."""
    writing = Written(held, _NAME)
    try:
        service.stream("messages/{0}/$value".format(quoted(mail.id)), writing.again)
        if writing.sha256.hexdigest() == sha256:
            return SAME
        if _form(opens(held, _NAME)) == _form(copied):
            return ALIKE
        return OTHER if state_of(service, mail.id) == mail.change else CHANGED
    except Refused as error:
        if error.status == 404:
            return GONE
        raise
    except Unwritable as error:
        raise error.error from error
    finally:
        writing.close()
        if _NAME in os.listdir(held):
            descriptors.remove(held, _NAME)


def opens(held: int, name: str) -> Callable[[], IO[bytes]]:
    """What opens a file of a directory that is held."""
    return lambda: os.fdopen(os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=held), "rb")


def _form(opened: Callable[[], IO[bytes]]) -> bytes:
    with opened() as file:
        return form(file)


def form(file: IO[bytes]) -> bytes:
    """A digest of a mail's bytes without what each reading may write otherwise: separators by their order, and headers that are written anew."""
    digest, separators, inside, dropped = hashlib.sha256(), {}, True, False      # type: ignore[var-annotated]
    for line in iter(lambda: file.readline(_LONGEST), b""):
        if inside:
            inside = bool(line.strip())
            dropped = dropped and line[:1] in b" \t" if line[:1] in b" \t" else line.partition(b":")[0].strip().lower() in _ANEW
            if inside and dropped:
                continue
        digest.update(_without_separators(line, separators))
    return digest.digest()


def _without_separators(line: bytes, known: Dict[bytes, int]) -> bytes:
    if line.startswith(b"--"):
        told = line[2:].rstrip()
        for each in (told, told[:-2]):
            if each in known:
                return b"--%d%b" % (known[each], line[2 + len(each):])
    found = _SEPARATOR.search(line)
    if not found or len(known) >= _MOST_SEPARATORS:
        return line
    number = known.setdefault(found[2] or found[3], len(known))
    return b"%b%b%d%b" % (line[:found.start()], found[1], number, line[found.end():])


__all__ = ["ALIKE", "CHANGED", "GONE", "OTHER", "Oversized", "Refused", "SAME", "compared", "form", "opens"]
