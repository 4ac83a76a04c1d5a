# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the support mailbox: mails become steps of requests, or wait for a person (numerals 7.1.1 to 7.1.4). See its module for the documentation."""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.policy import policy
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._actions import failed, show
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import living
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.any_store import Store
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store, resolve_url
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._inventory import InventoryAction
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._mail import box, house, intake, reading
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._mail.deciding import House
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._reports import institution


class ActionModule(InventoryAction):
    CHANGES = True
    ARGUMENTS = {
        "policy": {"type": "raw"},
        "policy_file": {"type": "str"},
        "actors": {"type": "raw"},
        "mailbox": {"type": "dict", "required": True, "options": box.OPTIONS},
        "origin": {"type": "dict", "required": True, "options": house.ORIGIN},
        "key": {"type": "str", "required": True, "no_log": True},
        "addresses": {"type": "list", "elements": "str", "default": []},
    }

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        rules = self._policy(arguments, Path(task_vars.get("inventory_dir") or "."))
        policy.validate(rules, [], [])
        mailbox = arguments["mailbox"]
        box.check(mailbox, "mailbox")
        judged = house.of(arguments, rules, institution.systems_of(institution.of_all_hosts(task_vars)))
        where = intake.Where(os.environ.get("RESPALDO_RUN_ID", ""), str(task_vars.get("inventory_hostname") or ""), mailbox["taken"], mailbox["set_aside"],
                             bool(self._task.check_mode))
        done = _Done()
        try:
            if where.simulated:
                _all(done, mailbox, judged, where)
            else:
                # what a killed controller left alone must not go on: nobody would record it
                with living.dying_with_controller("request_mail"):
                    _all(done, mailbox, judged, where)
        except BackupError as error:
            done.error = error
        show("\n".join(done.lines or ["No hay correos nuevos en el buzón de solicitudes."]))
        return done.told(where.simulated)


class _Done:
    """What this task did until now: it is told whole, also when something stops it."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.mails: list[dict[str, Any]] = []
        self.rows: list[Mapping[str, Any]] = []
        self.error: BackupError | None = None

    def told(self, simulated: bool) -> dict[str, Any]:
        answer: dict[str, Any] = {"changed": bool(self.rows) or any(each["new"] for each in self.mails), "lines": self.lines, "mails": self.mails}
        if self.rows:
            answer["results"] = [{"backup": dict(row)} for row in self.rows]
        if self.error:
            answer.update(failed(self.error), changed=answer["changed"])
        return answer


def _all(done: _Done, mailbox: Mapping[str, Any], judged: House, where: intake.Where) -> None:
    """Every mail that waits: its entries first, then it is moved. Raises BackupError."""
    with box.opened(mailbox) as session, open_store(resolve_url(), readonly=where.simulated) as store:
        if not where.simulated:
            session.prepare()
        moving = []
        for waiting in session.waiting():
            outcome = _one(session, store, waiting, judged, where)
            if outcome is None:
                continue
            moving.append((waiting.uid, outcome))
            done.mails.append({"sha256": outcome.sha256, "folder": outcome.folder, "new": outcome.new, "outcome": outcome.outcome, "ticket": outcome.ticket})
            if outcome.new:
                done.lines.append("{0} → {1}".format(outcome.line, outcome.folder))
            if where.simulated:
                done.rows += outcome.rows
        for uid, outcome in () if where.simulated else moving:
            session.move(uid, outcome.folder)
            done.rows.append(intake.filed(outcome.sha256, outcome.folder))


def _one(session: box.Box, store: Store, waiting: box.Waiting, judged: House, where: intake.Where) -> intake.Outcome | None:
    raw = session.fetch(waiting) if waiting.size <= session.largest else session.headers(waiting)
    if raw is None:
        return None
    whole = waiting.size <= session.largest and len(raw) <= session.largest
    mail = reading.read(raw) if whole else reading.too_large(raw, max(waiting.size, len(raw)))
    return intake.take(store, mail, judged, where, datetime.datetime.now(datetime.timezone.utc))
