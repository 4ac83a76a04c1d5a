# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the institution says of its mail, checked: whose word is believed about where a mail is from, and by which key our letters are known again."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ...module_utils._engine.errors import BackupError
from . import identities
from .believing import Servers
from .deciding import House

ORIGIN: dict[str, Any] = {
    "domains": {"type": "list", "elements": "str", "required": True},
    "authserv_ids": {"type": "list", "elements": "str", "default": []},
    "submission_servers": {"type": "list", "elements": "str", "default": []},
    "relays": {"type": "list", "elements": "str", "default": []},
    "results_below": {"type": "bool", "default": False},
}
_HOST = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_ADDRESS = re.compile(r"[^@\s<>]+@[^@\s<>]+")


def of(arguments: Mapping[str, Any], rules: Mapping[str, Any], systems: Sequence[Mapping[str, Any]]) -> House:
    """What mails are judged by. Raises BackupError invalid_input on what would believe anybody, or nobody."""
    origin, key = arguments["origin"], arguments["key"].encode()
    if len(key) < identities.SHORTEST_KEY:
        raise BackupError("invalid_input", where="key", value="(hidden)", problem="is shorter than {0} characters".format(identities.SHORTEST_KEY),
                          mend="Make one by openssl rand -hex 32, and keep it in the vault.")
    for name in ("domains", "authserv_ids", "submission_servers", "relays"):
        for index, each in enumerate(origin[name]):
            if not _HOST.fullmatch(each):
                raise BackupError("invalid_input", where="origin.{0}[{1}]".format(name, index), value=each, problem="is no name of a host or domain",
                                  mend="Write it as the mail server writes it, like mx.example.org.")
    if not origin["authserv_ids"] and not origin["submission_servers"]:
        raise BackupError("invalid_input", where="origin.authserv_ids", value=[], problem="is missing: no mail would be believed",
                          mend="Name the institution's server that writes Authentication-Results, or in submission_servers the one that takes passwords.")
    both = {each.lower() for each in origin["relays"]} & {each.lower() for each in (*origin["authserv_ids"], *origin["submission_servers"])}
    if both:
        raise BackupError("invalid_input", where="origin.relays", value=sorted(both), problem="lets in mail itself",
                          mend="Name there only servers that pass on what the others let in.")
    ours = arguments["addresses"] or [arguments["mailbox"]["username"]]
    for index, each in enumerate(ours):
        if not _ADDRESS.fullmatch(each):
            raise BackupError("invalid_input", where="addresses[{0}]".format(index), value=each, problem="is not an address",
                              mend="Write it like oti@example.org.")
    servers = Servers(tuple(origin["authserv_ids"]), tuple(origin["submission_servers"]), tuple(origin["relays"]), origin["results_below"])
    return House(key, tuple(ours), servers, tuple(origin["domains"]), rules, systems)
