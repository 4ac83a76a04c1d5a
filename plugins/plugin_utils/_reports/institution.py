# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an inventory says of the systems and media of all hosts, without its secrets: only keys that hold none, read as they are written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ...module_utils._engine.policy import policy
from .._forges import declared as forges
from .._tasks import plain

_SYSTEM = ("name", "kind", "criticality", "office", "responsible", "enabled", "media", "minimum_size", "compression", "encryption_format", "depends_on")
# Of a source, what names it. The arguments of a command may hold anything, so they are left out.
_SOURCE = ("type", "databases", "host", "port", "path", "paths", "exclude", "url", "lfs", "globals")
_MEDIUM = ("name", "type", "path", "host", "port", "default", "create")
_USER_IN_URL = re.compile(r"(?<=://)[^/@\s]*@")


def of_all_hosts(task_vars: Mapping[str, Any]) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """host -> its systems and media, of every host of the inventory.

    The variables are read as they are written, so that no secret is opened; only a host whose words of these are templates is templated.
    """
    hostvars = task_vars["hostvars"]
    found = {}
    for host in dict.fromkeys([*task_vars["groups"]["all"], task_vars["inventory_hostname"]]):
        written = hostvars.raw_get(host)
        systems, media = written.get("backup_systems") or [], written.get("backup_media") or []
        if _is_template(systems, _SYSTEM, _SOURCE):
            systems = hostvars[host]["backup_systems"]
        if _is_template(media, _MEDIUM, ()):
            media = hostvars[host]["backup_media"]
        systems = [*systems, *forges.of_host(hostvars, host)]
        told = {"systems": [public_system(each) for each in systems if policy.identity(each) is not None],
                "media": [public_medium(each) for each in media if isinstance(each, Mapping)]}
        if told["systems"]:
            found[host] = told
    return found


def systems_of(hosts: Mapping[str, Mapping[str, list[dict[str, Any]]]]) -> list[dict[str, Any]]:
    """The systems of all hosts, in one list."""
    return [system for told in hosts.values() for system in told["systems"]]


def media_of(hosts: Mapping[str, Mapping[str, list[dict[str, Any]]]]) -> list[dict[str, Any]]:
    """The media of all hosts, each name once: the bitácora knows a medium by its name."""
    return list({medium["name"]: medium for told in hosts.values() for medium in told["media"]}.values())


def public_system(system: Mapping[str, Any]) -> dict[str, Any]:
    """A system without what may hold a secret."""
    source = system.get("source")
    return {**_public(system, _SYSTEM), "source": _public(source, _SOURCE) if isinstance(source, Mapping) else {}}


def public_medium(medium: Mapping[str, Any]) -> dict[str, Any]:
    """A medium without what may hold a secret."""
    return _public(medium, _MEDIUM)


def _public(table: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: _without_credentials(plain(table[name])) for name in names if name in table}


def _without_credentials(value: Any) -> Any:
    """Texts without the user part and the query of a URL: both are places for passwords and signatures."""
    if isinstance(value, list):
        return [_without_credentials(each) for each in value]
    if isinstance(value, Mapping):      # a designation, whose days YAML gives as dates
        return {str(name): _without_credentials(str(each)) for name, each in value.items()}
    if not isinstance(value, str):
        return value
    text = str(_USER_IN_URL.sub("", value))
    return re.split(r"[?#]", text)[0] if "://" in text else text


def _is_template(rows: Any, names: tuple[str, ...], of_source: tuple[str, ...]) -> bool:
    if not isinstance(rows, list):
        return True
    for row in rows:
        if not isinstance(row, Mapping):
            return True
        source = row.get("source", {})
        if of_source and not isinstance(source, Mapping):
            return True
        values = [row.get(name) for name in names] + [source.get(name) for name in of_source if isinstance(source, Mapping)]
        if any("{{" in str(value) or "{%" in str(value) for value in values):
            return True
    return False
