# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an inventory says of media on other servers, reached by SSH: what is valid, and which of them a taken server could empty."""

from __future__ import annotations

from typing import Any, List, Mapping, Sequence

from .. import addresses
from .schema import Problem, absolute_path, secret, table, text, whole

_WAY = ("port", "user", "identity_file", "ssh_key", "known_hosts", "append_only", "keeper")

# How the controller reaches a medium that servers may only add to: what differs from the servers' way, and a key of its own.
KEEPER = table({}, {
    "host": text(addresses.HOST, "nas.example.org"), "port": whole(1, 65535), "user": text(),
    "identity_file": absolute_path(), "ssh_key": secret(), "known_hosts": text()})


def problems(medium: Mapping[str, Any], where: str) -> List[Problem]:
    """The mistakes of one medium that is no cloud."""
    if "host" not in medium:
        return [Problem("{0}.{1}".format(where, key), key, "has no meaning without host", "Add host, or remove it.") for key in _WAY if key in medium]
    found = []
    for place, way in ((where, medium), (where + ".keeper", medium.get("keeper"))):
        if isinstance(way, Mapping) and "identity_file" in way and "ssh_key" in way:
            found.append(Problem(place, "ssh_key, identity_file", "has two keys", "Keep ssh_key (the key itself, from the vault) or identity_file."))
    keeper = medium.get("keeper")
    if medium.get("append_only") is True and not (isinstance(keeper, Mapping) and ("identity_file" in keeper or "ssh_key" in keeper)):
        found.append(Problem(where + ".keeper", "", "is missing: servers may only add to this medium, so the controller needs a key of its own for it",
                             "Give keeper with ssh_key or identity_file (append_only_medium.yml, guide 6.5)."))
    if "keeper" in medium and medium.get("append_only") is not True:
        found.append(Problem(where + ".keeper", "(a key)", "has no meaning without append_only: true", "Add append_only, or remove it."))
    return found


def unprotected(media: Sequence[Mapping[str, Any]]) -> List[str]:
    """The names of the media on other servers that any server with their key can read and empty."""
    return [str(medium["name"]) for medium in media if medium.get("host") and medium.get("append_only") is not True]
