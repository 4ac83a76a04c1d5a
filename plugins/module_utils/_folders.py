# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules of shared folders share: the options of a folder, and where an error becomes a result."""

from __future__ import annotations

import time
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ansible.module_utils.basic import AnsibleModule

from ._engine import remarks, result
from ._engine.errors import BackupError
from ._engine.folders import shares, usage
from ._engine.moments import now
from ._tasks.base import error_of, traced

_NUMERAL = "5.2"
_LONGEST_NOTE = 3000

# As in the inventory's backup_shared_folders; what is missing there is filled in by the controller.
FOLDER: Dict[str, Any] = dict(
    name=dict(type="str", required=True),
    path=dict(type="path", required=True),
    office=dict(type="str", required=True),
    group=dict(type="str", required=True),
    readers=dict(type="str"),
    members=dict(type="list", elements="str"),
    readers_members=dict(type="list", elements="str"),
    description=dict(type="str"),
    document=dict(type="str"),
    responsible=dict(type="str"),
    state=dict(type="str", choices=list(shares.STATES)),
    browseable=dict(type="bool"),
    recycle_days=dict(type="int"),
    quota_gib=dict(type="int"),
    unwanted=dict(type="list", elements="str"),
)

FOLDERS: Dict[str, Any] = dict(folders=dict(type="list", elements="dict", required=True, options=FOLDER))

# The controller's: it reads them and sends what follows from them.
RULES: Dict[str, Any] = dict(policy=dict(type="dict"), policy_file=dict(type="path"), actors=dict(type="dict"))


def given(module: AnsibleModule) -> List[Dict[str, Any]]:
    """The folders as they were written: what was left out is not there."""
    return [{name: value for name, value in row.items() if value is not None} for row in module.params["folders"]]


def set_folders(module: AnsibleModule) -> None:
    """Put the folders of this server as the inventory has them, and tell each assignment, change and withdrawal."""
    settings = shares.Settings(
        module.params["smb_conf"], module.params["shares_directory"], module.params["tmpfiles_directory"], module.params["recreate"])
    done: List[shares.Done] = []
    people: Dict[str, str] = {}
    seen: Dict[str, Any] = {}
    try:
        rows = given(module)
        folders = shares.folders_of(rows)
        people = {folder.name: str(row.get("responsible") or "") for folder, row in zip(folders, rows)}
        failed = [row.error for row in shares.apply(folders, settings, module.check_mode, done)]
    except BackupError as error:
        failed = [error]
    except Exception as error:  # the boundary: what was not foreseen is told and recorded like the rest
        failed, seen = [BackupError("unexpected", detail="{0}: {1}".format(type(error).__name__, error))], traced(module, error)
    for row in done:
        for warning in row.warnings:
            module.warn("{0}: {1}".format(row.folder.name, warning.in_both))
    if failed:
        _leave(module, done, people, failed, seen)
    told = _told(done, people)
    unknown = shares.unknown(folders, settings)
    if unknown:
        module.warn("Vigentes, pero no están en el inventario; para retirarlas indique state: withdrawn: {0}".format(", ".join(unknown)))
    module.exit_json(unknown=unknown, **told)


def _leave(module: AnsibleModule, done: List[shares.Done], people: Mapping[str, str], failed: Sequence[BackupError], seen: Mapping[str, Any]) -> None:
    """Fail with the first error; each is an entry, and the others are told too."""
    told = _told(done, people)
    for error in failed:
        named = error.details.get("folder")
        told["backup"].append(result.build(
            event="path_refused", numeral=_NUMERAL, kind="file_server", system=str(named) if named else None, ended_at=now(),
            path=str(error.details["assigned"]) if "assigned" in error.details else None, **result.failure(error)))
    for error in failed[1:]:
        module.warn(error.in_both())
    module.fail_json(**dict(error_of(failed[0]), **told, **seen))


def _told(done: List[shares.Done], people: Mapping[str, str]) -> Dict[str, Any]:
    changed = [row for row in done if row.event]
    return dict(
        changed=bool(changed),
        folders=[dict(name=row.folder.name, path=row.folder.path, office=row.folder.office, state=row.folder.state, event=row.event, changes=row.changes,
                      warnings=row.warnings) for row in done],
        diff=[dict(before_header=row.folder.name, after_header=row.folder.name, before=row.before, after=row.after) for row in changed],
        backup=[_entry(row, people) for row in changed])


def _entry(row: shares.Done, people: Mapping[str, str]) -> Dict[str, Any]:
    folder = row.folder
    return result.build(
        event=row.event, system=folder.name, kind="file_server", numeral=_NUMERAL, office=folder.office, path=folder.path, document=folder.document or None,
        responsible=people.get(folder.name) or None, ended_at=now(), warnings=remarks.sent(row.warnings) or None,
        note_es="; ".join(row.changes)[:_LONGEST_NOTE])


def report_folders(module: AnsibleModule) -> None:
    """What each folder holds. Nothing is changed; an entry for each keeps its size for the next time."""
    reports, entries = [], []
    failure: Optional[BackupError] = None
    for row in given(module):
        started, clock = now(), time.monotonic()
        known = dict(system=row["name"], kind="file_server", numeral="5.3", office=row["office"], path=row["path"],
                     responsible=row.get("responsible"), started_at=started)
        try:
            found = usage.measure(row["path"], row.get("unwanted") or [], module.params["longest"])
        except BackupError as error:
            failure = failure or error
            entries.append(result.build(event="path_refused", ended_at=now(), **known, **result.failure(error)))
            continue
        stopped = None if found["complete"] else remarks.sent([remarks.Remark("walk_ended")])
        reports.append(dict(found, name=row["name"], path=row["path"], office=row["office"]))
        entries.append(result.build(
            event="folder_reported", ended_at=now(), duration_ms=int((time.monotonic() - clock) * 1000), size=found["size"], objects=found["files"],
            warnings=stopped, **known))
    told = dict(changed=False, reports=reports, backup=entries)
    if failure is not None:
        module.fail_json(**dict(error_of(failure), **told))
    module.exit_json(**told)
