# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Single files to and from a container, apart from copies: staged for the controller to commit, and brought back checked."""

from __future__ import annotations

import hashlib
import os
import stat
from typing import Any, Dict, List, Mapping

from ..errors import BackupError
from ..filesystem import descriptors
from .azure_blob import AzureBlob
from .azure_blocks import Ranges
from .azure_http import Refused, fault
from .azure_journal import Journal
from .base import SUMS

_CHUNK = 1 << 20


def files_of(path: str, blob: str) -> Dict[str, str]:
    """blob -> file, of one file, or of a directory whose files are uploaded beside each other, its list of sums last."""
    try:
        if not stat.S_ISDIR(os.stat(path).st_mode):
            return {blob: path}
        names = sorted((entry.name for entry in os.scandir(path) if entry.is_file(follow_symlinks=False)), key=lambda name: (name == SUMS, name))
    except OSError as error:
        raise BackupError("invalid_input", where="src", value=path, problem="can't be read: {0}".format(error.strerror),
                          mend="Give a file, or the directory of a copy, of this server.") from error
    if not names:
        raise BackupError("invalid_input", where="src", value=path, problem="holds no files", mend="Give a file, or the directory of a copy.")
    return {"{0}/{1}".format(blob, name): os.path.join(path, name) for name in names}


def digest_of(path: str) -> str:
    """The SHA-256 of a file."""
    found = hashlib.sha256()
    with open(path, "rb") as file:
        for chunk in iter(lambda: file.read(_CHUNK), b""):
            found.update(chunk)
    return found.hexdigest()


def stage(medium: AzureBlob, blob: str, path: str) -> Dict[str, Any]:
    """Stage a file; only the blocks that do not lie there yet are sent. Gives what a commit needs: size, sha256 and ids."""
    full = medium.below(blob)
    journal = Journal(medium.settings.journal, "{0}/{1}".format(medium.service.location, full), medium.settings.anew)
    found = hashlib.sha256()
    try:
        with open(path, "rb", buffering=0) as file:
            before = os.fstat(file.fileno())
            upload = medium.upload(full, before.st_size, journal.known() | set(medium.settings.staged.get(blob, ())), journal)
            try:
                while True:
                    room = upload.room()
                    piece = room[:file.readinto(room)]
                    if not piece:
                        break
                    found.update(piece)
                    upload.write(piece)
            finally:
                staged = upload.close()
            after = os.fstat(file.fileno())
    except OSError as error:
        raise BackupError("invalid_input", where="src", value=path, problem="can't be read: {0}".format(error.strerror), mend="Look at the file.") from error
    finally:
        journal.close()
        if journal.trouble and journal.trouble not in medium.troubles:
            medium.troubles.append(journal.trouble)
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or staged.size != before.st_size:
        raise BackupError("bytes_differ", file=path, detail="it changed while it was read; nothing was committed")
    return {"size": staged.size, "sha256": found.hexdigest(), "ids": "".join(staged.ids)}


def fetch(medium: AzureBlob, blob: str, path: str) -> Dict[str, Any]:
    """Bring a blob to a file that gets its name only when the bytes are those that were uploaded. Gives size, sha256 and whether that could be told."""
    full = medium.below(blob)
    told = medium.properties(full)
    if told is None:
        raise BackupError("copy_missing", label=blob, location=medium.service.location)
    recorded = told.get("x-ms-meta-sha256", "")
    name = os.path.basename(path)
    partial, found, size = name + ".part", hashlib.sha256(), 0
    try:
        held = descriptors.top(os.path.realpath(os.path.dirname(path)))
    except OSError as error:
        raise BackupError("medium_unwritable", location=path, detail=str(error.strerror)) from error
    known = (0, 0)
    try:
        ranges = Ranges(medium.service, full, medium.settings.workers)
        descriptors.remove(held, partial)      # what a killed run left
        with os.fdopen(descriptors.create(held, partial), "wb") as file:
            known = descriptors.identity(file.fileno())
            try:
                for chunk in iter(lambda: ranges.read(_CHUNK), b""):
                    found.update(chunk)
                    size += len(chunk)
                    file.write(chunk)
            finally:
                ranges.close()
            file.flush()
            os.fsync(file.fileno())
        if size != int(told.get("content-length", size)) or recorded and found.hexdigest() != recorded:
            raise BackupError("bytes_differ", file="{0}/{1}".format(medium.service.location, full),
                              detail="{0} bytes with SHA-256 {1} came, recorded {2}".format(size, found.hexdigest(), recorded or "nothing"))
        os.replace(partial, name, src_dir_fd=held, dst_dir_fd=held)
    except Refused as refused:
        raise fault(refused, "{0}/{1}".format(medium.service.location, full)) from refused
    except OSError as error:
        raise BackupError("medium_full" if error.errno == 28 else "medium_unwritable", location=path, detail=str(error.strerror)) from error
    finally:
        if descriptors.stands(held, partial, known):
            os.unlink(partial, dir_fd=held)
        os.close(held)
    return {"size": size, "sha256": found.hexdigest(), "verified": bool(recorded)}


def same(there: Mapping[str, str], files: Mapping[str, str]) -> List[str]:
    """Of the files those that lie there already with the same bytes. Raises label_taken for one with others, before anything is sent."""
    found = []
    for blob, path in files.items():
        if blob not in there:
            continue
        if there[blob] != digest_of(path):
            raise BackupError("label_taken", label=blob.rpartition("/")[2], location=blob)
        found.append(blob)
    return found
