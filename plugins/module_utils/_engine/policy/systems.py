# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forms of a system and of its source: which keys each type has, and what their values look like."""

from __future__ import annotations

import re
from typing import Any, List, Mapping

from .. import addresses
from . import hook_forms, people, schema
from .schema import Problem, absolute_path, all_or_listing, choice, flag, listing, secret, table, text, whole
from .vocabulary import COMPRESSIONS, CRITICALITIES, ENCRYPTION_FORMATS, KINDS

# A name of a database or a user may hold almost anything, but not start with a dash: it is an argument of a program.
NAME = text(r"[^-\x00-\x1f][^\x00-\x1f]*", "a name that does not start with a dash")
HOST = text(addresses.HOST, "bd1.example.org")
PORT = whole(1, 65535)
_ARGUMENTS = listing(text(), minimum=1)
# the server where copies are rehearsed instead of a throw-away one; PostgreSQL takes the directory of a socket as its host
_SCRATCH_SERVER = {"host": HOST, "port": PORT, "user": NAME, "password": secret(), "run_as": NAME}
_SERVER = text(addresses.HOST + r"|/[^\x00-\x1f]*", "bd1.example.org")
# an application of Microsoft's identity platform, which reads mailboxes by tokens
_SERVICE = text(r"https://[A-Za-z0-9.-]+(?::[0-9]{1,5})?/?", "https://graph.microsoft.com")
_OAUTH = table({"tenant": text(r"[A-Za-z0-9.-]{1,253}", "00000000-0000-0000-0000-000000000000"), "client_id": text()}, {
    "client_secret": secret(), "certificate": text(), "private_key": secret(),
    "scope": text(), "authority": _SERVICE, "ca_certs": text(), "proxy": text(r"http://[^@\s]+", "http://proxy.example.org:3128"),
})

SOURCES = {
    "postgresql": table({"type": text(), "databases": all_or_listing(NAME)}, {
        "host": _SERVER, "port": PORT, "user": NAME, "password": secret(), "run_as": NAME, "globals": flag(), "bin_dir": absolute_path(),
        "owners": flag(), "rehearse_on_live": flag(), "strict": flag(), "on_missing": choice("tell", "refuse", "partial"),
        "scratch_server": table({}, {**_SCRATCH_SERVER, "host": _SERVER}), "jobs": whole(1, 64), "jobs_from": whole(1),
    }),
    "mariadb": table({"type": text(), "databases": all_or_listing(NAME)}, {
        "host": HOST, "port": PORT, "user": NAME, "password": secret(), "run_as": NAME, "globals": flag(), "socket": absolute_path(),
        "bin_dir": absolute_path(), "rehearse_on_live": flag(), "on_missing": choice("tell", "refuse", "partial"),
        "scratch_server": table({}, {**_SCRATCH_SERVER, "socket": absolute_path()}),
    }),
    "sqlite": table({"type": text(), "path": absolute_path()}, {"work_dir": absolute_path()}),
    "command": table({"type": text(), "dump": _ARGUMENTS, "verify": _ARGUMENTS, "restore": _ARGUMENTS}, {
        "rehearse": _ARGUMENTS, "extension": text(r"[A-Za-z0-9]{1,16}", "dump"), "password": secret(), "run_as": NAME,
    }),
    "git": table({"type": text()}, {
        "path": absolute_path(), "url": text(r"[^-\x00-\x1f][^\x00-\x1f]*", "https://git.example.org/siga.git"), "lfs": choice("auto", "require", "skip"),
        "identity_file": absolute_path(), "ssh_key": secret(), "known_hosts": text(), "username": NAME, "password": secret(),
        "work_dir": absolute_path(), "ca_certs": text(), "proxy": text(r"https?://[^@\s]+", "http://proxy.example.org:3128"),
    }),
    "paths": table({"type": text(), "paths": listing(absolute_path(), minimum=1)}, {"exclude": listing(text())}),
    "imap": table({"type": text(), "host": HOST, "user": NAME}, {
        "password": secret(), "oauth": _OAUTH, "port": PORT, "ca_certs": text(), "work_dir": absolute_path(), "compare": choice("sample", "all"),
        "on_missing": choice("refuse", "partial"),
    }),
    "graph": table({"type": text(), "user": NAME, "oauth": _OAUTH}, {
        "endpoint": _SERVICE, "work_dir": absolute_path(), "on_missing": choice("refuse", "partial"), "compare": choice("sample", "all"),
    }),
    "azure_backup": table({"type": text(), "vault": text(), "protects": choice("agent", "machine", "share")}, {
        "computer": HOST, "volume": text(), "machine": NAME, "storage_account": text(r"[a-z0-9]{3,24}", "archivosentidad"), "share": NAME,
        "resource_group": NAME,
    }),
    "restic": table({"type": text(), "paths": listing(absolute_path(), minimum=1)}, {
        "exclude": listing(text()), "exclude_caches": flag(), "one_file_system": flag(), "repository": choice("system", "server", "office"),
        "snapshot": choice("none", "auto", "lvm", "btrfs", "zfs"), "limit_upload": whole(0, 100_000_000), "limit_upload_working_hours": whole(1, 100_000_000),
        "read_concurrency": whole(0, 64),
        "changed_files": choice("warn", "fail"),
    }),
}
# what each sort of protected item is named by, and what else may be said of it
_PROTECTED = {"agent": (("computer", "volume"), ()), "machine": (("machine",), ("resource_group",)),
              "share": (("storage_account", "share"), ("resource_group",))}


@schema.shaped(schema.shape_by("type", SOURCES))
def _source(value: Any, where: str, problems: List[Problem]) -> None:
    """A source, checked by the keys of its own type."""
    if not isinstance(value, Mapping) or "type" not in value:
        table({"type": choice(*SOURCES)}, {})(value, where, problems)
        return
    if not isinstance(value["type"], str) or value["type"] not in SOURCES:
        choice(*SOURCES)(value["type"], where + ".type", problems)
        return
    SOURCES[value["type"]](value, where, problems)
    server = value.get("scratch_server")
    if isinstance(server, Mapping) and not any(name in server for name in ("host", "socket", "port")):
        problems.append(Problem(where + ".scratch_server", None, "names no server", "Give its host, its port or its socket."))
    if value["type"] == "git":
        _git(value, where, problems)
    if value["type"] == "imap" and ("password" in value) == ("oauth" in value):
        problems.append(Problem(where, "password, oauth" if "oauth" in value else None, "needs exactly one of password and oauth",
                                "Give password, or for OAuth2 (Microsoft 365) oauth."))
    oauth = value.get("oauth")
    if isinstance(oauth, Mapping) and (("client_secret" in oauth) == ("private_key" in oauth) or ("certificate" in oauth) != ("private_key" in oauth)):
        problems.append(Problem(where + ".oauth", None, "needs exactly one of client_secret and certificate with private_key",
                                "Give client_secret, or certificate and its private_key."))
    if value["type"] == "azure_backup" and isinstance(value.get("protects"), str) and value["protects"] in _PROTECTED:
        needed, more = _PROTECTED[value["protects"]]
        problems += [Problem(where + "." + name, None, "is missing", "A {0} is named by {1}.".format(value["protects"], " and ".join(needed)))
                     for name in needed if name not in value]
        problems += [Problem(where + "." + name, schema.shown(value[name]), "has no meaning for a {0}".format(value["protects"]),
                             "Remove it, or change protects.") for name in value if name not in ("type", "vault", "protects", *needed, *more)]


def _git(source: Mapping[str, Any], where: str, problems: List[Problem]) -> None:
    if ("path" in source) == ("url" in source):
        problems.append(Problem(where, "path, url" if "path" in source else None, "needs exactly one of path and url",
                                "Give path for a repository on this server, url for one on another."))
    if isinstance(source.get("url"), str) and re.match(r"[A-Za-z][A-Za-z0-9+]*://[^/@\s]*:[^/@\s]*@", source["url"]):
        problems.append(Problem(where + ".url", schema.shown(source["url"]), "has a password in it",
                                "Give it apart, as username and password, from the vault."))
    if "ssh_key" in source and "identity_file" in source:
        problems.append(Problem(where, "ssh_key, identity_file", "has two keys", "Keep ssh_key (the key itself, from the vault) or identity_file (a path)."))


SYSTEM = table(
    {"name": text(), "kind": choice(*KINDS), "criticality": choice(*CRITICALITIES), "office": text(), "source": _source},
    {"responsible": people.responsible, "media": listing(text(), minimum=1), "minimum_size": whole(0), "compression": choice(*COMPRESSIONS),
     "encryption_format": choice(*ENCRYPTION_FORMATS), "enabled": flag(), "moved_from": text(), "hooks": hook_forms.hooks,
     # names of systems that must serve before this one does (plan of recovery)
     "depends_on": listing(text(), minimum=1)},
)
