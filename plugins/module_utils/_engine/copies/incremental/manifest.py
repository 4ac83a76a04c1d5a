# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manifest of a file server's copy: which snapshot, in which repositories, and how restic alone restores it."""

from __future__ import annotations

import hashlib
import socket
from typing import Any, Dict, List, Mapping, Sequence

from ...moments import now
from ...restic import repositories, restic, second_key
from ...restic.repositories import Repository
from ...sources.restic import Files
from .. import manifest as manifests
from .backup import FilesOrder

_COUNTS = ("files_new", "files_changed", "files_unmodified", "total_files_processed", "total_bytes_processed", "data_added")
_KEY_EXTENSION = "clave.gpg"


def manifest_of(order: FilesOrder, source: Files, opened: Sequence[Repository], snapshots: Sequence[Mapping[str, Any]], summary: Mapping[str, Any],
                key: second_key.SecondKey, started_at: str) -> Dict[str, Any]:
    label, tree = order.base.slot.label, snapshots[0]["tree"]
    rows = [{"name": "clave", "file": "{0}.{1}".format(label, _KEY_EXTENSION), "format": "OpenPGP message", "size": len(key.sealed),
             "size_original": len(key.sealed), "sha256": hashlib.sha256(key.sealed).hexdigest(), "objects": None, "facts": {},
             "restore_command": "gpg --decrypt > clave"}] if key.sealed else []
    return {
        "schema": manifests.SCHEMA, "label": label, "printed_label": order.base.printed_label, "kind": order.base.slot.kind, "system": order.base.slot.system,
        "server": socket.getfqdn(),
        "source": {"type": source.type, "description": source.describe(), "facts": source.facts()},
        "started_at": started_at, "ended_at": now(), "compression": "none", "encrypted": True,
        "encryption": "restic: AES-256-CTR with Poly1305-AES", "key_reference": order.base.key_reference, "recipients": list(key.recipients),
        "trust_level": "T2", "checks": ["exit_statuses", "repository_files_readback", "snapshot_readback", "counts"],
        "restic": {
            "repository": order.repository, "tree": tree, "host": order.host, "tag": label, "paths": source.real,
            "media": {repository.place.medium.name: {"location": repository.place.location, "snapshot": row["id"]}
                      for repository, row in zip(opened, snapshots)},
            "second_key": dict(key.ids),
            **{name: summary[name] for name in _COUNTS},
            "version": ".".join(map(str, restic.version())),
        },
        "parts": rows,
        "restore": _commands(opened, snapshots, label, bool(rows)),
    }


def _commands(opened: Sequence[Repository], snapshots: Sequence[Mapping[str, Any]], label: str, sealed: bool) -> List[str]:
    """Shell lines that restore the copy with restic alone; it asks for the password, or takes it from the file `clave`."""
    lines = ["sha256sum --check SHA256SUMS"]
    if sealed:
        lines.append("gpg --decrypt '{0}.{1}' > clave   # the second key; then: export RESTIC_PASSWORD_FILE=$PWD/clave".format(label, _KEY_EXTENSION))
    for repository, row in zip(opened, snapshots):
        url = "../../.restic.{0}/{1}".format(repository.place.name, repositories.DIRECTORY)
        lines.append("restic --repo {0} restore {1} --target \"$TARGET\" --verify   # {2}".format(url, row["id"], repository.place.medium.name))
    return lines
