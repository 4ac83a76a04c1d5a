# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell what lies on a medium: the work of backup_info."""

from __future__ import annotations

from typing import Any, Dict, Set

from ansible.module_utils.basic import AnsibleModule

from .._engine import label
from .._engine.copies.kinds import open_copy
from .._engine.errors import BackupError
from .._engine.media import catalogue, health
from .._engine.media.base import Found, Medium, Slot
from .base import DAMAGED, error_of


def list_copies(module: AnsibleModule) -> None:
    """What lies on a medium of a system, or all that does."""
    try:
        medium = catalogue.build(module.params["medium"])
        if module.params["health"] is not None:
            module.exit_json(changed=False, copies=[], health=[health.of(medium, module.params["health"])])
        if module.params["shelves"] is not None:
            module.exit_json(changed=False, **_surveyed(medium, set(module.params["shelves"])))
        kind, system = module.params["kind"], label.canonical(module.params["system"])
        listings: Dict[str, Dict[str, int]] = {}
        module.exit_json(changed=False, copies=[_listed(medium, Slot(kind, system, name), listings) for name in medium.labels(kind, system)])
    except BackupError as error:
        module.fail_json(**error_of(error))


def _surveyed(medium: Medium, wanted: Set[str]) -> Dict[str, Any]:
    """All that lies on a medium; of the shelves `wanted` the copies are looked at too."""
    rows = medium.survey()
    copies = []
    listings: Dict[str, Dict[str, int]] = {}
    for row in rows:
        slot = Slot(row.kind, row.system, row.name)
        if row.name and not row.name.startswith("."):
            copies.append(dict(_listed(medium, slot, listings) if slot.shelf in wanted else dict(label=row.name), kind=row.kind, system=row.system))
            copies[-1].pop("manifest", None)
    left = [row for row in rows if row.name.startswith(".") and row.name.endswith((".partial", ".sealed", ".pruned")) and not _in_use(medium, row)]
    return dict(shelves=["{0}/{1}".format(row.kind, row.system) for row in rows if not row.name], copies=copies,
                leftovers=[dict(kind=row.kind, system=row.system, name=row.name, age=row.age) for row in left])


def _in_use(medium: Medium, row: Found) -> bool:
    """A run that lives holds the lock of its system."""
    try:
        with medium.lock(Slot(row.kind, row.system, ""), 0):
            return False
    except BackupError as error:
        # of a shelf whose lock is something else nothing can be told; its system's next copy says so
        if error.fault.name not in ("system_busy", "medium_foreign"):
            raise
        return True


def _listed(medium: Medium, slot: Slot, listings: Dict[str, Dict[str, int]]) -> Dict[str, Any]:
    """A copy as it lies there; of one that has its data in a repository also whether that has it. `listings` keeps what repositories hold."""
    row: Dict[str, Any] = dict(label=slot.label, location=medium.location(slot))
    try:
        with open_copy(slot, medium) as opened:
            opened.stands(listings)
            row.update(sha256=opened.digest, manifest=opened.manifest)
    except BackupError as error:
        # A copy that can't be reached is not one that is damaged; nor is one that a later version made, but it lies there all the same.
        if error.fault.name not in DAMAGED and error.fault.name != "manifest_newer":
            raise
        row.update(sha256="", error=error.message, error_es=error.spanish, code=error.code)
    return row
