# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SHA256SUMS of a copy: its files with their sums, the manifest (LABEL.json) among them, in the format of sha256sum."""

from __future__ import annotations

import hashlib
from typing import Dict, List, NamedTuple

from ..errors import BackupError


class File(NamedTuple):
    """A finished file of a copy."""

    name: str
    size: int
    sha256: str


def file_name(label: str) -> str:
    """The name of the manifest among the files of a copy."""
    return label + ".json"


def sums(files: List[File]) -> bytes:
    """SHA256SUMS, as `sha256sum --check` reads it."""
    return "".join("{0}  {1}\n".format(file.sha256, file.name) for file in files).encode("utf-8")


def parse_sums(text: bytes, label: str, location: str) -> Dict[str, str]:
    """File name to SHA-256. Raises manifest_unreadable when a line is not of sha256sum's format."""
    found = {}
    for line in text.decode("utf-8", "replace").splitlines():
        digest, separator, name = line.partition("  ")
        if not separator or len(digest) != 64 or "/" in name:
            raise BackupError("manifest_unreadable", label=label, location=location, detail="SHA256SUMS: " + line[:100])
        found[name] = digest
    return found


def file_of_bytes(name: str, content: bytes) -> File:
    return File(name, len(content), hashlib.sha256(content).hexdigest())
