# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an inventory says of a forge (`backup_forges`): where it is, what of it is copied, and what its repositories have in common (numeral 7.2.2)."""

from __future__ import annotations

import re
from typing import Any, List, Mapping

from . import schema
from .schema import Problem, choice, flag, listing, table, text, token, whole
from .systems import NAME
from .vocabulary import COMPRESSIONS, CRITICALITIES, ENCRYPTION_FORMATS

TYPES = ("gitea", "forgejo", "gitlab", "azure_devops")
_WORD = text(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", "forja")
_OWNER = text(r"[^-/.\x00-\x20?#%\\][^\x00-\x1f?#%\\]*", "oti")
_ADDRESS = text(r"https?://[A-Za-z0-9._:\[\]-]+(/[A-Za-z0-9._~/-]*)?", "https://git.example.org")

FORGE = table(
    {"name": _WORD, "type": choice(*TYPES), "url": _ADDRESS, "token": token(), "criticality": choice(*CRITICALITIES), "office": text()},
    {"owner": _OWNER, "project": _OWNER, "username": NAME, "include": listing(text(), minimum=1), "exclude": listing(text()),
     "archived": flag(), "forks": flag(), "wikis": flag(), "enabled": flag(), "lfs": choice("auto", "require", "skip"),
     "prefix": text(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,23}", "forja-"), "ca_certs": text(), "proxy": _ADDRESS, "retry_seconds": whole(0, 3600),
     "responsible": text(), "media": listing(text(), minimum=1), "minimum_size": whole(0), "compression": choice(*COMPRESSIONS),
     "encryption_format": choice(*ENCRYPTION_FORMATS)},
)
_LOCAL = re.compile(r"http://(127\.0\.0\.1|localhost|\[::1\])(:[0-9]+)?(/|\Z)")


def check(forges: Any) -> None:
    """Refuse forges with mistakes: one BackupError RSP101 that names each key, value and mend. A token is never repeated."""
    problems: List[Problem] = []
    listing(FORGE)(forges, "backup_forges", problems)
    if isinstance(forges, (list, tuple)):
        _unique(forges, problems)
        for index, forge in enumerate(forges):
            if isinstance(forge, Mapping):
                _of_type(forge, "backup_forges[{0}]".format(index), problems)
    schema.raise_all(problems)


def _unique(forges: Any, problems: List[Problem]) -> None:
    seen = set()
    for index, forge in enumerate(forges):
        name = forge.get("name") if isinstance(forge, Mapping) else None
        if not isinstance(name, str):
            continue
        if name.lower() in seen:
            problems.append(Problem("backup_forges[{0}].name".format(index), name, "is the name of two forges", "Give each forge its own name."))
        seen.add(name.lower())


def _of_type(forge: Mapping[str, Any], where: str, problems: List[Problem]) -> None:
    url = forge.get("url")
    if isinstance(url, str) and url.startswith("http://") and not _LOCAL.match(url):
        problems.append(Problem(where + ".url", schema.shown(url), "would send the token in clear", "Use https."))
    if forge.get("type") == "azure_devops":
        if "owner" not in forge:
            problems.append(Problem(where + ".owner", None, "is missing", "Give the organization (or the collection of a server) as owner."))
        if isinstance(forge.get("owner"), str) and "/" in forge["owner"]:
            problems.append(Problem(where + ".owner", forge["owner"], "has a slash", "Give the project apart, as project."))
    elif "project" in forge:
        problems.append(Problem(where + ".project", schema.shown(forge["project"]), "has a meaning for azure_devops only", "Remove it, or use include."))
    if forge.get("type") in ("gitea", "forgejo") and isinstance(forge.get("owner"), str) and "/" in forge["owner"]:
        problems.append(Problem(where + ".owner", forge["owner"], "has a slash", "Give one organization or user; several are several forges."))
    if isinstance(forge.get("owner"), str) and any(step in ("", ".", "..") for step in forge["owner"].split("/")):
        problems.append(Problem(where + ".owner", forge["owner"], "is not a name", "Write it as it stands in the address of the forge."))
