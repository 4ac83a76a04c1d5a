# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Works out what each server may do on a medium that servers may only add to. See its module for the documentation."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from typing import Any

from ..module_utils._engine import label
from ..module_utils._engine.errors import BackupError
from ..module_utils._engine.policy import policy
from ..module_utils._engine.restic import names, repositories
from ..plugin_utils import _keepers
from ..plugin_utils._actions import BackupAction
from ..plugin_utils._forges import declared as forges
from ..plugin_utils._tasks import plain

_KINDS = r"(?:sk-)?(?:ssh-ed25519|ecdsa-sha2-nistp(?:256|384|521))(?:@openssh\.com)?|ssh-rsa"
_PUBLIC_KEY = re.compile(rf"({_KINDS}) ([A-Za-z0-9+/]{{40,16000}}={{0,2}})(?: [^\x00-\x1f\x7f]{{0,200}})?\Z")
_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,250}\Z")
_GIB = 1 << 30


class ActionModule(BackupAction):
    ARGUMENTS = {
        "name": {"type": "str", "required": True},
        "media": {"type": "raw", "required": True},
        "keys": {"type": "dict", "default": {}},
        "keeper_keys": {"type": "list", "elements": "str", "required": True},
        "limits": {"type": "dict", "default": {}},
        "without": {"type": "list", "elements": "str", "default": []},
        "python": {"type": "str", "default": "/usr/bin/python3"},
        "program": {"type": "str", "default": "/usr/local/lib/respaldo/gate.py"},
        "configuration": {"type": "str", "default": "/etc/respaldo/medio.json"},
    }

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        name, media = arguments["name"], plain(arguments["media"])
        medium = next((each for each in media if isinstance(each, Mapping) and each.get("name") == name), None)
        if medium is None or not _keepers.is_kept(medium) or not medium.get("host"):
            raise BackupError("invalid_input", where="append_only_medium_name", value=name,
                              problem="is not a medium of backup_media with append_only: true and a host",
                              mend="Declare it in backup_media; inventories/example shows one.")
        scopes: dict[str, dict[str, Any]] = {}
        for server, system in _systems(task_vars, name, media):
            scope = scopes.setdefault(server, {"shelves": [], "repositories": [], "limit": 0})
            scope["shelves"].append(f"{system['kind']}/{label.canonical(system['name'])}")
            if system["kind"] == repositories.KIND:
                scope["repositories"].append(names.repository_name(str(system["source"].get("repository") or "system"), str(system["name"]), server,
                                                                   str(system.get("office") or "")))
        for server, scope in scopes.items():
            scope.update(shelves=sorted(set(scope["shelves"])), repositories=sorted(set(scope["repositories"])),
                         limit=_limit(arguments["limits"].get(server), server))
        keys, missing = _keys(name, arguments, scopes)
        lost = [server for server in missing if server not in arguments["without"]]
        if lost and not self._task.check_mode:
            raise BackupError("gate_key_wrong", server=", ".join(lost), medium=name, detail="none is known: the server was not reached in this run, and "
                              "without its key it could copy here no more")
        served = {server: scopes[server] for server in sorted(keys)}
        configuration = {"path": str(medium["path"]), "servers": served}
        lines = ["# Written by perucompras.respaldo (append_only_medium.yml). The controller's keys first, then one of each server, which opens the gate only."]
        lines += [f"restrict {_key(name, 'keeper_keys', line)}" for line in arguments["keeper_keys"]]
        for server in sorted(keys):
            command = " ".join(map(shlex.quote, (arguments["python"], "-I", "-S", arguments["program"], arguments["configuration"], server)))
            lines.append(f"command=\"{command}\",restrict {keys[server]}")
        shared = _shared(served)
        return {"changed": False, "path": configuration["path"], "account": str(medium.get("user") or "respaldo"), "authorized_keys": "\n".join(lines) + "\n",
                "configuration": json.dumps(configuration, indent=2, sort_keys=True) + "\n", "missing": missing, "shared": shared,
                "summary": [f"{server}: {', '.join(scopes[server]['shelves'])}" + (" (falta su clave: no puede copiar)" if server in missing else "")
                            for server in sorted(scopes)]
                + [f"{repository}: lo comparten {', '.join(servers)}; cada uno puede leer en él lo de los otros" for repository, servers in shared.items()]}


def _systems(task_vars: Mapping[str, Any], name: str, media: list[Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """The systems of every host of the inventory that go to this medium. Read as they are written, so that no secret is opened, where they are no templates."""
    found = []
    hostvars, default = task_vars["hostvars"], {each["name"]: each.get("default", True) for each in media}[name]
    for host in task_vars["groups"]["all"]:
        written = hostvars.raw_get(host).get("backup_systems") or []
        if not isinstance(written, list) or any(_has_template(system) for system in written):
            written = hostvars[host]["backup_systems"]
        for system in [*written, *forges.of_host(hostvars, host)]:
            if policy.identity(system) is None or policy.copied_by_a_tool(system):
                continue
            if name in system["media"] if system.get("media") else default:
                found.append((str(host), system))
    return found


def _has_template(system: Any) -> bool:
    if not isinstance(system, Mapping) or not isinstance(system.get("source"), Mapping):
        return True
    named = [*(system.get(name) for name in ("name", "kind", "office", "media")), *(system["source"].get(name) for name in ("type", "repository"))]
    return any("{{" in str(value) for value in named)


def _keys(name: str, arguments: Mapping[str, Any], scopes: Mapping[str, Any]) -> tuple[dict[str, str], list[str]]:
    """The key of each server that copies here, and the servers without one. A key opens one thing: sshd takes the first line that has it."""
    owners = {_key(name, "keeper_keys", line): "the controller" for line in arguments["keeper_keys"]}
    keys: dict[str, str] = {}
    for server in sorted(scopes):
        if not arguments["keys"].get(server):
            continue
        if not _HOST.match(server):
            raise BackupError("gate_key_wrong", server=server, medium=name, detail="the name of the server can't be written on a command line")
        line = _key(name, server, arguments["keys"][server])
        if line in owners:
            raise BackupError("gate_key_wrong", server=server, medium=name, detail=f"it is the key of {owners[line]} too")
        owners[line] = server
        keys[server] = line
    return keys, [server for server in sorted(scopes) if server not in keys]


def _key(name: str, server: str, text: Any) -> str:
    """A public key as it may be written into authorized_keys: its type and itself, nothing that the server wrote beside."""
    found = _PUBLIC_KEY.match(str(text).strip())
    if not found:
        raise BackupError("gate_key_wrong", server=server, medium=name, detail="it is not one line of a public key")
    return f"{found.group(1)} {found.group(2)}"


def _limit(value: Any, server: str) -> int:
    if value in (None, ""):
        return 0
    if isinstance(value, bool) or not str(value).isdigit():
        raise BackupError("invalid_input", where=f"append_only_medium_limits.{server}", value=value, problem="is not a whole number of GiB",
                          mend="Leave it out for none.")
    return int(value) * _GIB


def _shared(servers: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    """The repositories that more than one server works in."""
    users: dict[str, list[str]] = {}
    for server, scope in servers.items():
        for repository in scope["repositories"]:
            users.setdefault(repository, []).append(server)
    return {repository: found for repository, found in users.items() if len(found) > 1}
