# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A copy whose data are its files: databases, source code, directories."""

from __future__ import annotations

from typing import Any, Callable, List, Optional, Sequence

from ..errors import BackupError
from ..processes.pipeline import Stage
from . import manifest as manifests
from .base import Copy
from .ciphers import cipher_for
from .decoding import decode, no_more


class StreamedCopy(Copy):
    """A published copy whose data are its files; use as a context manager."""

    def unlock(self) -> None:
        """Make ready to decrypt. Raises password_needed when the copy is encrypted and no key was given."""
        if not self.manifest["encrypted"] or hasattr(self, "cipher"):
            return
        form = manifests.encryption_format(self.manifest)
        if self.keys is None or not (self.keys.password or (self.keys.private_keys and form == "gpg")):
            raise BackupError("password_needed", label=self.slot.label,
                              key_reference=self.manifest.get("key_reference") or "its label")
        self.cipher = cipher_for(self.stack, self.keys, form, self.spool)

    def stream(self, name: str, stages: Sequence[Stage] = (), feed: Optional[Callable[[bytes], Any]] = None) -> int:
        self.unlock()
        row = self.part(name)
        reading = self.medium.read(self.slot, row["file"])
        return decode(reading._replace(read=no_more(reading.read, row["size"])), row, self.manifest["compression"],
                      getattr(self, "cipher", None), stages, feed or (lambda chunk: None), forgiving=self.forgiving)

    def verify_structure(self, source: Any) -> List[str]:
        """T2: every part opens as what it should be. Gives the methods used."""
        methods = ["sha256_readback"]
        for row in self.manifest["parts"]:
            check = source.check_for(row)
            plain = self.stream(row["name"], check.stages(), check.feed)
            if plain != row["size_original"]:
                raise BackupError("structure_unreadable", file=row["file"], format=row["format"],
                                  detail="{0} bytes came out, {1} went in".format(plain, row["size_original"]))
            check.finish()
            if check.method and check.method not in methods:
                methods.append(check.method)
        return methods
