# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every medium by the options the inventory gives it."""

from __future__ import annotations

import re
from typing import Any, Mapping

from .. import programs
from ..errors import BackupError
from .base import Medium
from .local import Local
from .ssh import Ssh

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}\Z")
_HOST = re.compile(r"[A-Za-z0-9_:][A-Za-z0-9_.:%-]{0,254}\Z")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@\\-]{0,63}\Z")


def build(options: Mapping[str, Any]) -> Medium:
    """The medium with those options: name, type (local), path, create; with `host` it lies on that server, by ssh, and
    port, user, identity_file or ssh_key, and known_hosts say how to get there.

    Raises BackupError invalid_input for a mistake. Nothing is reached for.
    """
    if (options.get("type") or "local") != "local":
        raise _wrong("type", options["type"], "is not a known type of medium", "Use local, for a directory here or on a server.")
    name = str(options.get("name") or "")
    if not _NAME.match(name):
        raise _wrong("name", name, "is not a name", "Use up to 64 letters, digits, spaces, dots, dashes or underscores.")
    path = str(options.get("path") or "")
    if not path.startswith("/") or path.rstrip("/") == "" or ".." in path.split("/") or re.search(r"[\x00-\x1f]", path):
        raise _wrong("path", path, "is not a full path of a directory", "Give the path from the root, without `..`.")
    create = bool(options.get("create"))
    host = str(options.get("host") or "")
    if not host:
        return Local(name, path, create)
    return _ssh(options, name, host, path, create)


def _ssh(options: Mapping[str, Any], name: str, host: str, path: str, create: bool) -> Ssh:
    if not _HOST.match(host):
        raise _wrong("host", host, "is not a host name or address", "Give the name or address alone; the account goes in user.")
    user = str(options.get("user") or "")
    if user and not _USER.match(user):
        raise _wrong("user", user, "is not an account name", "Give the name of the account on the server.")
    port = options.get("port") or 22
    if not isinstance(port, int) or not 0 < port < 65536:
        raise _wrong("port", port, "is not a port", "Give a number from 1 to 65535.")
    identity_file = str(options.get("identity_file") or "")
    if identity_file and not identity_file.startswith("/"):
        raise _wrong("identity_file", identity_file, "is not a full path", "Give the path of the private key from the root.")
    private_key = str(options.get("ssh_key") or "")
    if identity_file and private_key:
        raise _wrong("identity_file", identity_file, "is given together with ssh_key", "Give one of the two.")
    if private_key and "PRIVATE KEY-----" not in private_key:
        raise _wrong("ssh_key", "(a key)", "is not a private key", "Give the text of the file that ssh-keygen wrote.")
    known_hosts = options.get("known_hosts") or ""
    if not isinstance(known_hosts, str):
        known_hosts = "\n".join(str(line) for line in known_hosts)
    known_hosts = programs.lines_of(known_hosts, "medium.known_hosts")
    return Ssh(name, host, path, port, user, identity_file, private_key, known_hosts, create)


def _wrong(option: str, value: Any, problem: str, mend: str) -> BackupError:
    return BackupError("invalid_input", where="medium." + option, value=value, problem=problem, mend=mend)
