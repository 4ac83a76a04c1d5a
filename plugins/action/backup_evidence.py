# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action backup_evidence: the evidence pack of some months, one ZIP on the controller. See its module for the documentation."""

from __future__ import annotations

import contextlib
import datetime
from pathlib import Path
from typing import Any

from ansible_collections.perucompras.respaldo.plugins.action import backup_compliance
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine import result
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.plugin_utils import _held_places
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import anchored, trust
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store, resolve_url
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._reports import compliance, evidence, institution


class ActionModule(backup_compliance.ActionModule):
    ARGUMENTS = {
        **backup_compliance.ARGUMENTS,
        "dest": {"type": "path", "required": True},
        "anchors": {"type": "list", "elements": "path", "default": []},
    }

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        rules = self.rules(arguments, task_vars)
        now = datetime.datetime.now(datetime.timezone.utc)
        since, until = backup_compliance.span(arguments, rules, now)
        path = Path(arguments["dest"]).absolute()
        if self._task.check_mode:
            return {"changed": True, "path": str(path), "since": since, "until": until}
        hosts = institution.of_all_hosts(task_vars)
        # Before the bitácora, so that no anchor knows of an entry that the copy has not.
        brought = [_read(anchor) for anchor in arguments["anchors"]] or _own()
        anchors = {f"anclas-{place}.jsonl": content for place, content in enumerate(brought, 1)}
        with open_store(resolve_url(), readonly=True) as store:
            matrix = compliance.matrix(store, rules, institution.systems_of(hosts), since, until, now)
            controls = compliance.controls(store, rules, since, until)
            told = evidence.cited(store, rules, matrix, controls, since, until)
            contents = evidence.Contents(rules, hosts, matrix, controls, since, until, anchors, told)
            pack = evidence.write(store, contents, path)
        answer: dict[str, Any] = {
            "changed": True, "path": str(path), "since": since, "until": until, "sha256": pack.sha256, "size": pack.size, "files": pack.members,
            "whole": pack.report.whole, "report": pack.report.lines(),
            "backup": result.build(event="evidence_made", location=str(path), size=pack.size, sha256=pack.sha256, objects=pack.entries,
                                   note_es=f"De {since} a {until}: {pack.report.lines()[0]}"),
        }
        if not pack.report.whole:
            answer["warnings"] = ["La bitácora del paquete no pasa la verificación: " + "; ".join(finding.spanish for finding in pack.report.findings[:5])]
        return answer


def _own() -> list[bytes]:
    """The anchors of the bitácora itself, those that can be read now; the pack's report tells of the others."""
    found = []
    for anchor in trust.settings().anchors:
        with contextlib.suppress(OSError):
            found.append(anchored.content(Path(anchor)))
    return found


def _read(anchor: str) -> bytes:
    try:
        return anchored.content(Path(anchor))
    except OSError as error:
        problem = error.strerror if isinstance(error, _held_places.Refused) else f"can't be read: {error.strerror}"
        raise BackupError("invalid_input", where="anchors", value=anchor, problem=problem,
                          mend="Give the path of a file of anchors, on the controller.") from error
