# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manifest (ficha): what a copy holds, how it was made, and the stock commands that restore it without us.

It lies beside the files as LABEL.json; SHA256SUMS lists it with them (media/sums_file.py).
"""

from __future__ import annotations

import json
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ..errors import BackupError
from ..transforms import compress, encrypt, seven_zip

SCHEMA = 1

# What a part's row must have to be read back.
_PART = {"name": str, "file": str, "format": str, "size": int, "size_original": int, "sha256": str}


def dump(manifest: Mapping[str, Any]) -> bytes:
    """The bytes of the manifest: readable JSON, keys in the order given, UTF-8. A byte of a name that is no UTF-8 stands as JSON's own escape for it."""
    return (json.dumps(manifest, indent=2, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")


def load(text: bytes, label: str, location: str) -> Dict[str, Any]:
    """The manifest read back. Raises manifest_unreadable for anything that is not one of this schema and label, manifest_newer for
    one of a later version."""
    try:
        manifest = json.loads(text.decode("utf-8"))
        if isinstance(manifest["schema"], int) and manifest["schema"] > SCHEMA:
            raise BackupError("manifest_newer", label=label, location=location, reads=SCHEMA)
        if manifest["schema"] != SCHEMA:
            raise ValueError("its schema is {0!r}, this version reads {1}".format(manifest["schema"], SCHEMA))
        if manifest["label"] != label:
            raise ValueError("it belongs to {0!r}".format(manifest["label"]))
        if manifest["compression"] not in compress.NAMES or not isinstance(manifest["encrypted"], bool):
            raise ValueError("it does not say how the files were written")
        if manifest["encrypted"] and encryption_format(manifest) not in encrypt.FORMATS:
            raise ValueError("it is encrypted as {0!r}, which this version does not read".format(encryption_format(manifest)))
        for row in manifest["parts"]:
            for key, kind in _PART.items():
                if not isinstance(row[key], kind):
                    raise ValueError("a part has no proper " + key)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        detail = "no key {0}".format(error) if isinstance(error, KeyError) else str(error)
        raise BackupError("manifest_unreadable", label=label, location=location, detail=detail) from error
    return manifest


def encryption_format(manifest: Mapping[str, Any]) -> str:
    """How an encrypted copy is encrypted; the first manifests knew gpg only and did not say."""
    return str(manifest.get("encryption_format") or "gpg")


def restore_commands(parts: Sequence[Mapping[str, Any]], compression: str, encryption: str) -> List[str]:
    """Shell lines, to be run in the copy's directory, that check it and restore each part with stock tools alone.

    `encryption` is the format, empty for a copy that is not encrypted.
    """
    lines = ["sha256sum --check SHA256SUMS"]
    for row in parts:
        steps = []
        if encryption:
            command = seven_zip.restore_command() if encryption == "7z" else encrypt.restore_command()
            steps.append("{0} {1}".format(command, _quote(row["file"])))
        if compress.restore_command(compression):
            argument = "" if steps else " < " + _quote(row["file"])
            steps.append(compress.restore_command(compression) + argument)
        if not steps:
            steps.append("cat " + _quote(row["file"]))
        steps.append(row["restore_command"])
        lines.append(" | ".join(steps))
    return lines


def lacking(manifest: Mapping[str, Any]) -> Optional[int]:
    """How many things of its source a copy lacks, by its manifest; None for one that is whole, as it says."""
    found = manifest.get("lacks")
    return found if isinstance(found, int) and not isinstance(found, bool) and found > 0 else None


def windows_commands(parts: Sequence[Mapping[str, Any]], compression: str) -> List[str]:
    """Lines of cmd.exe, to be run in a directory with the files of a 7z copy, that check and open each."""
    return [line for row in parts for line in seven_zip.windows_commands(row["file"], compression != "none")]


def _quote(name: str) -> str:
    """Names of a copy's files hold no quote: labels and part names are checked before."""
    return "'{0}'".format(name)
