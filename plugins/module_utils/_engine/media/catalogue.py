# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every medium by the options the inventory gives it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Mapping, Optional

from .. import addresses
from ..errors import BackupError
from ..processes import programs
from .base import TIERS, Medium
from .far import Address, Far
from .gated import Gated
from .local import Local
from .ssh import Ssh

if TYPE_CHECKING:
    from ..processes.channel import Channel
    from .azure_blob import AzureBlob
    from .azure_http import Credentials

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}\Z")
_HOST = re.compile(addresses.HOST + r"\Z")
_ACCOUNT = re.compile(r"[a-z0-9]{3,24}\Z")
_CONTAINER = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]\Z")
_ENDPOINT = re.compile(r"https://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?(/[A-Za-z0-9._~/-]*)?\Z")
_PREFIX = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*\Z")
_PROXY = re.compile(r"http://([^\s/@]*@)?[^\s/@]+/?\Z")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@\\-]{0,63}\Z")


def build(options: Mapping[str, Any]) -> Medium:
    """The medium with those options: name, type (local, azure_blob), path, create; with `host` it lies on that server, by ssh,
    and port, user, identity_file or ssh_key, and known_hosts say how to get there; `append_only` says that the key there opens our gate and no shell.
    For azure_blob see `azure`.

    Raises BackupError invalid_input for a mistake. Nothing is reached for.
    """
    name = str(options.get("name") or "")
    if not _NAME.match(name):
        raise _wrong("name", name, "is not a name", "Use up to 64 letters, digits, spaces, dots, dashes or underscores.")
    kind = options.get("type") or "local"
    if kind == "azure_blob":
        from ..processes.channel import Channel  # copies on other media need none of the network's modules
        from .azure_blob import by_channel

        session = options.get("session") or {}
        channel = Channel(str(session.get("channel") or ""))
        return azure(options, by_channel(name, session.get("keys") or {}, channel), channel)
    if kind != "local":
        raise _wrong("type", kind, "is not a known type of medium", "Use local, for a directory here or on a server, or azure_blob.")
    path = str(options.get("path") or "")
    if not path.startswith("/") or path.rstrip("/") == "" or ".." in path.split("/") or re.search(r"[\x00-\x1f]", path):
        raise _wrong("path", path, "is not a full path of a directory", "Give the path from the root, without `..`.")
    create = bool(options.get("create"))
    host = str(options.get("host") or "")
    gated = bool(options.get("append_only"))
    if not host and gated:
        raise _wrong("append_only", True, "needs another server that keeps the copies", "Give its name in host, and set it up by append_only_medium.yml.")
    return _far(options, name, host, path, create, gated) if host else Local(name, path, create)


def _far(options: Mapping[str, Any], name: str, host: str, path: str, create: bool, gated: bool) -> Far:
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
    host = addresses.bare(host)
    if gated:
        return Gated(name, Address(host, port, user, identity_file, private_key, known_hosts), path)
    return Ssh(name, host, path, port, user, identity_file, private_key, known_hosts, create)


def azure(options: Mapping[str, Any], credentials: Credentials, channel: Optional[Channel] = None) -> AzureBlob:
    """The container with those options: storage_account_name or endpoint, container, prefix, tier, workers, bandwidth (bytes a
    second), proxy, ca_certs, retry_seconds, and in session what the controller found: stocked, expected, staged, journal, anew, repository, reads_only.
    """
    from .azure_blob import AzureBlob, Settings  # as above
    from .azure_http import Place, Service

    session = options.get("session") or {}
    name, account = str(options.get("name") or ""), str(options.get("storage_account_name") or "")
    endpoint = str(options.get("endpoint") or "")
    if not endpoint and not _ACCOUNT.match(account):
        raise _wrong("storage_account_name", account, "is not the name of a storage account", "Use 3 to 24 small letters and digits.")
    if endpoint and not _ENDPOINT.match(endpoint):
        raise _wrong("endpoint", endpoint, "is not an https address", "Give it as https://ACCOUNT.blob.core.windows.net.")
    container = str(options.get("container") or "")
    if not _CONTAINER.match(container) or "--" in container:
        raise _wrong("container", container, "is not the name of a container", "Use 3 to 63 small letters, digits and single dashes.")
    prefix = str(options.get("prefix") or "").strip("/")
    if prefix and not _PREFIX.match(prefix):
        raise _wrong("prefix", prefix, "is not a path inside a container", "Use letters, digits, dots, dashes and underscores, with / between.")
    tier = str(options.get("tier") or "")
    if tier and tier not in TIERS:
        raise _wrong("tier", tier, "is not an access tier", "Use one of {0}.".format(", ".join(TIERS)))
    proxy = str(options.get("proxy") or "")
    if proxy and not _PROXY.match(proxy):
        raise _wrong("proxy", "(an address)", "is not the address of a proxy",
                     "Give it as http://proxy.example.org:3128; in a user or password write @ as %40, / as %2F, : as %3A.")
    place = Place(
        url=endpoint.rstrip("/") or "https://{0}.blob.core.windows.net".format(account), container=container, proxy=proxy,
        ca_certs=programs.lines_of(str(options.get("ca_certs") or ""), "medium.ca_certs"),
        patience=_number(options, "retry_seconds", 600, 0, 86400), bandwidth=_number(options, "bandwidth", 0, 0, 1 << 40))
    settings = Settings(
        prefix=prefix, tier=tier.capitalize(), workers=_number(options, "workers", 3, 1, 32), stocked=bool(session.get("stocked", True)),
        expected=_number(session, "expected", 0, 0, 1 << 60), staged=dict(session.get("staged") or {}), journal=str(session.get("journal") or ""),
        anew=bool(session.get("anew")),
        repository=str(session.get("repository") or ""), reads_only=bool(session.get("reads_only")))
    return AzureBlob(name, Service(place, credentials), settings, channel)


def _number(options: Mapping[str, Any], name: str, default: int, least: int, most: int) -> int:
    value = options.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise _wrong(name, value, "is not a whole number from {0} to {1}".format(least, most), "Leave it out for {0}.".format(default))
    return value


def _wrong(option: str, value: Any, problem: str, mend: str) -> BackupError:
    return BackupError("invalid_input", where="medium." + option, value=value, problem=problem, mend=mend)
