# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is proved before anything is done: that this run is being recorded, by a controller that makes no variables of what servers tell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import _answers
from ._actions import refuse_a_telling_controller, refuse_injection
from ._bitacora import lasting, living, trust
from ._bitacora.store import open_store


def prove() -> dict[str, Any]:
    """Gives what a result tells of it. Raises BackupError: bitacora_not_listening, lost_with_container, not_ours_to_write, facts_injected,
    controller_tells_secrets, bitacora_unwritable.
    """
    run, url = living.address()
    lasting.refuse()
    refuse_injection()
    refuse_a_telling_controller()
    with open_store(url) as store:
        store.prove_writable()
        living.prove_started(store, run)
        findings = trust.glance(store)
    told: dict[str, Any] = {"run": run, "url": url, "findings": [finding._asdict() for finding in findings]}
    if findings:
        # Copies are made all the same: after an attack they matter most. What does not agree is not sealed, and verify.yml fails.
        told["warnings"] = ["La bitácora no es la que se selló antes; verifíquela (playbooks/verify.yml): "
                            + "; ".join(finding.spanish for finding in findings[:3])]
    return told


def refuse_odd_answers(task: Any, templar: Any, task_vars: Mapping[str, Any]) -> None:
    """Of the role that a task begins, and of those that it is imported by: what was answered where a yes, a no, a number or a table is wanted.

    Raises BackupError RSP101 before anything is done; the tasks that need an answer would refuse it later.
    """
    for role in [task._role, *(task.get_dep_chain() or ())] if task._role else []:
        for name, default in role.get_default_vars().items():
            if isinstance(default, (bool, int, dict)) and name in task_vars:
                _answers.meant(templar.template(task_vars[name]), name, default)
