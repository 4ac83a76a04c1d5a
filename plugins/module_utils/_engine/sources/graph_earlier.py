# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an earlier copy of the same mailbox of Microsoft 365 saves: a mail that is in the state in which that copy has it is not asked for as MIME again.

Microsoft says of changeKey that it is another after every change of an item (graph/api/resources/outlookitem), and of an immutable identifier that it stays
while the item is in its mailbox (graph/outlook-immutable-id): a mail of both is the mail that was copied. Flags, categories and folders are those of the list.
Nothing else is believed: the copy's digest is the bitácora's, each file has the bytes that its index says, and the second reading judges these as any other.
"""

from __future__ import annotations

import os
from typing import Any, Dict

from ..errors import BackupError
from ..filesystem import descriptors, room
from . import imap_maildir
from .graph_taking import Taking
from .imap_earlier import Earlier
from .imap_unpacked import extract, proved

_NAME = "anterior"


def lay(earlier: Earlier, home: int, taking: Taking, endpoint: str, user: str) -> None:
    """Have `taking` begin with the mails of a copy, unpacked and proved below `home`. Raises BackupError, and it begins with none of them then."""
    held = descriptors.make_directory(home, _NAME)
    try:
        with earlier.opened() as reader:
            facts, row = reader.manifest["source"].get("facts") or {}, reader.part("")
            if (reader.manifest["source"]["type"], facts.get("server"), facts.get("mailbox")) != ("graph", endpoint, user):
                raise BackupError("earlier_unusable", label=earlier.label, detail="it is of another mailbox")
            needed = int(row.get("size_original") or 0)
            if room.free(descriptors.path_of(held)) < needed:
                raise BackupError("earlier_unusable", label=earlier.label, detail="there is no room for its {0} bytes".format(needed))
            extract(reader, descriptors.path_of(held), None)
            proved(reader, held)
        _lay(held, taking)
    except OSError as error:      # of its medium, or of the disk where it was to lie
        taking.forget()
        raise BackupError("earlier_unusable", label=earlier.label, detail=str(error)) from error
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:      # a manifest or an index of another form
        taking.forget()
        raise BackupError("restored_differs", label=earlier.label, detail=str(error)) from error
    finally:
        os.close(held)
        descriptors.remove(home, _NAME)


def _lay(held: int, taking: Taking) -> None:
    maildir, indices, folder = descriptors.enter(held, "Maildir"), descriptors.enter(held, "indice"), -1
    try:
        for _text, line in imap_maildir.read(indices):
            if "uidvalidity" in line:
                if folder >= 0:
                    os.close(folder)
                folder = descriptors.below(maildir, line["directory"]) if line["directory"] else os.dup(maildir)
                continue
            _begin(folder, line, taking)
    finally:
        for each in (maildir, indices, folder):
            if each >= 0:
                os.close(each)


def _begin(folder: int, line: Dict[str, Any], taking: Taking) -> None:
    part, _slash, name = line["file"].partition("/")
    inner = descriptors.enter(folder, part)
    try:
        taking.begin(str(line["id"]), str(line["change"]), line["sha256"], int(line["size"]), int(line.get("shown", line["size"])), inner, name)
    finally:
        os.close(inner)
