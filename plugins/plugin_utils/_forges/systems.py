# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The systems that the repositories of a forge are: the name that each gets once and keeps, and its row as `backup_systems` has rows."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from ...module_utils._engine import label
from ...module_utils._engine.errors import BackupError
from . import catalogue
from .memory import Known, with_number

KIND = "source_code"
_COMMON = ("criticality", "office", "responsible", "media", "minimum_size", "compression", "encryption_format")


def name_of(declared: Mapping[str, Any], path: str, identity: str, taken: set[str]) -> str:
    """The name of the system of a repository: the forge's prefix and its path below the owner (Azure DevOps: below the project, where one is given), its steps
    joined by "-", accents folded, spaces as "-".

    What a label can't hold becomes "_". A name that was changed so, is too long, or that another system has (upper and lower case are one) gets the end
    "-ID": no repository is left out, and none takes another's name. `taken` has names in lower case.
    """
    wanted = str(declared.get("prefix") or "") + "-".join(_below(declared, path))
    decomposed = unicodedata.normalize("NFKD", wanted)
    folded = re.sub(r"\s+", "-", "".join(letter for letter in decomposed if not unicodedata.combining(letter)))
    safe = re.sub(r"^[.-]|\.$", "_", re.sub(r"\.{2,}", "_", re.sub(r"[^A-Za-z0-9._-]", "_", folded)))
    if safe == folded and len(safe) <= label.MAXIMUM_LENGTH and safe.lower() not in taken:
        return safe
    for name in with_number(safe, identity):
        if name.lower() not in taken:
            return name
    raise BackupError("forge_unreadable", forge=str(declared["name"]), detail="no name is left for the repository {0}".format(identity))


def _below(declared: Mapping[str, Any], path: str) -> list[str]:
    """The steps of a path that are not the forge's own words already."""
    steps = path.split("/")
    own = str(declared.get("project" if declared["type"] == "azure_devops" else "owner") or "")
    head = own.split("/") if own else []
    return steps[len(head):] if [step.lower() for step in steps[:len(head)]] == [step.lower() for step in head] and len(steps) > len(head) else steps


def rows(forges: Iterable[Mapping[str, Any]], known: Iterable[Known]) -> list[dict[str, Any]]:
    """The systems of the forges, in the order in which their repositories were first found. One that is gone is there too, as not enabled: its copies are
    kept, verified and removed as the policy says, and nothing is due. With the forge's token in it: for roles, not for results.
    """
    by_name = {str(forge["name"]): forge for forge in forges}
    return [_row(by_name[each.forge], each) for each in known if each.forge in by_name]


def _row(forge: Mapping[str, Any], known: Known) -> dict[str, Any]:
    source = {"type": "git", "url": str(forge["url"]).rstrip("/") + catalogue.CLASSES[forge["type"]].clone_path(forge, known.path),
              "username": forge.get("username") or catalogue.CLASSES[forge["type"]].USERNAME, "password": forge["token"],
              **{name: forge[name] for name in ("lfs", "ca_certs", "proxy") if forge.get(name)}}
    return {"name": known.system, "kind": KIND, **{name: forge[name] for name in _COMMON if name in forge},
            "enabled": bool(forge.get("enabled", True)) and not known.gone, "source": source}
