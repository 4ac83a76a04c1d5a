# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What encrypts a copy: gpg within the pipeline, 7-Zip beside it (transforms/seven_zip.py)."""

from __future__ import annotations

import contextlib
from typing import Optional, Union

from ..processes import programs
from ..transforms import encrypt, seven_zip

Cipher = Union[encrypt.Gpg, seven_zip.SevenZip]


def cipher_for(stack: contextlib.ExitStack, keys: Optional[encrypt.Keys], form: str, spool: str) -> Optional[Cipher]:
    """What encrypts and decrypts in the format `form`, until `stack` ends; None without keys. `spool` is the parent of what 7z writes first."""
    if keys is None:
        return None
    if form == "7z":
        return stack.enter_context(seven_zip.SevenZip(keys, spool))
    return stack.enter_context(encrypt.Gpg(keys, stack.enter_context(programs.private_directory(programs.memory()))))
