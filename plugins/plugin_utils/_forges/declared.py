# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The systems of the forges that hosts of the inventory declare, as the bitácora remembers them, for readers that look at all hosts: without any secret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._bitacora.store import open_store, resolve_url
from .._tasks import plain
from . import catalogue, systems
from .memory import Known, remembered

VARIABLE = "backup_forges"
_PUBLIC = ("name", "type", "url", "owner", "project", "criticality", "office", "responsible", "media", "minimum_size", "compression", "encryption_format",
           "prefix", "enabled", "lfs")


def of_host(hostvars: Any, host: str) -> list[dict[str, Any]]:
    """The systems of the forges of one host. The variables are read as they are written, so that no token is opened; only where their words are templates, they
    are templated. A host without forges costs nothing.
    """
    declared = _written(hostvars, host)
    return systems_of(declared, known()) if declared else []


def names_of_host(hostvars: Any, host: str) -> list[str]:
    """The names of the forges of a host."""
    return [str(forge["name"]) for forge in _written(hostvars, host)]


def systems_of(declared: list[dict[str, Any]], everything: list[Known]) -> list[dict[str, Any]]:
    """The systems of forges, without their accounts."""
    found = systems.rows([{**forge, "token": ""} for forge in declared], everything)
    return [{**row, "source": {name: value for name, value in row["source"].items() if name not in ("username", "password")}} for row in found]


def known() -> list[Known]:
    """What the bitácora of this run remembers of all forges."""
    with open_store(resolve_url(), readonly=True) as store:
        return remembered(store)


def _written(hostvars: Any, host: str) -> list[dict[str, Any]]:
    written = hostvars.raw_get(host).get(VARIABLE) or []
    if not isinstance(written, list) or any(not isinstance(forge, Mapping) or any("{{" in str(forge.get(name)) for name in _PUBLIC) for forge in written):
        written = hostvars[host].get(VARIABLE) or []
    return [{name: plain(forge[name]) for name in _PUBLIC if name in forge} for forge in written if isinstance(forge, Mapping) and _whole(forge)]


def _whole(forge: Mapping[str, Any]) -> bool:
    return all(isinstance(forge.get(name), str) for name in ("name", "type", "url", "criticality", "office")) and forge["type"] in catalogue.CLASSES \
        and (forge["type"] != "azure_devops" or isinstance(forge.get("owner"), str))
