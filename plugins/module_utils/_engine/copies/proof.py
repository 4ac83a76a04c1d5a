# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proof that a manifest bears: that who wrote it knew the copy's password.

A manifest is plain and lies on the medium, and gpg gives what was never encrypted as readily as what was, whatever password it got. So where no digest is
known from elsewhere, that a password opens a copy proves nothing of it. This does: the manifest has the digest of each file, and where it belongs.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any, Mapping

NAME = "proof"
# More than gpg's own stretching of the same password (transforms/encrypt.py), which is random.
_ROUNDS = 10_000


def made(password: str, manifest: Mapping[str, Any]) -> str:
    """The proof of a manifest, over all of it but the proof itself, as JSON reads it back."""
    told = json.loads(json.dumps({name: value for name, value in manifest.items() if name != NAME}))
    text = json.dumps(told, sort_keys=True, separators=(",", ":")).encode("ascii")
    key = hashlib.pbkdf2_hmac("sha256", password.encode("utf-8"), "perucompras.respaldo/manifest/v1/{0}".format(told.get("label")).encode("utf-8"), _ROUNDS)
    return hmac.new(key, text, hashlib.sha256).hexdigest()


def holds(password: str, manifest: Mapping[str, Any]) -> bool:
    """Whether a manifest bears the proof of this password."""
    found = manifest.get(NAME)
    return bool(password) and isinstance(found, str) and hmac.compare_digest(found.encode("utf-8", "replace"), made(password, manifest).encode("ascii"))
