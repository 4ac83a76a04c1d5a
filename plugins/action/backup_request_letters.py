# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends the letters about requests that are due (numeral 7.1), each once. See its module for the documentation."""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.utils.display import Display
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.policy import policy
from ansible_collections.perucompras.respaldo.plugins.plugin_utils import _smtp
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._actions import failed, show
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import living, tickets
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store, resolve_url
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._decisions import due as moments
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._decisions import requests
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._finding import answering
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._inventory import InventoryAction
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._letters import due, sending, writing
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._mail import identities
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._reports import institution


class ActionModule(InventoryAction):
    CHANGES = True
    ARGUMENTS = {
        "policy": {"type": "raw"},
        "policy_file": {"type": "str"},
        "actors": {"type": "raw"},
        "mail": {"type": "dict", "required": True, "options": {**_smtp.SERVER_OPTIONS, "reply_to": {"type": "str"}}},
        "key": {"type": "str", "required": True, "no_log": True},
        "templates": {"type": "path"},
        "names_directory": {"type": "path", "default": ""},
    }

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        rules = self._policy(arguments, Path(task_vars.get("inventory_dir") or "."))
        policy.validate(rules, [], [])
        mail, key = arguments["mail"], arguments["key"].encode()
        _check(mail, key)
        words = writing.Words(arguments["templates"] or "")
        now = datetime.datetime.now(datetime.timezone.utc)
        with open_store(resolve_url(), readonly=bool(self._task.check_mode)) as store:
            history = tickets.history(store, requests.EVENTS, requests.EXECUTED_BY)
            told: list[Mapping[str, Any]] = [*store.entries(type=due.TYPES)]
            post = sending.Post(mail, key, words, rules, history, told, now, os.environ.get("RESPALDO_RUN_ID", ""),
                                str(task_vars.get("inventory_hostname") or ""))
            letters = due.letters(history, told, rules, now)
            if self._task.check_mode:      # names of files are shown to nobody without an entry
                found = sending.look(post, letters)
            else:
                zone = moments.zone(rules["time_zone"])
                answers = answering.Answers(store, institution.of_all_hosts(task_vars), task_vars, arguments["names_directory"], zone)
                post = post._replace(versions=answers.versions, listed=lambda request: answers.listed(request, history))
                # a worker that outlived its run would send what nobody looks after any more
                with living.dying_with_controller("correos"):
                    found = sending.send(post, store, letters)
                for trouble in answers.troubles:
                    Display().warning(trouble, formatted=True)
        lines = [sending.line(outcome) for outcome in found] or ["No hay correos de solicitudes por enviar."]
        show("\n".join(lines))
        answer: dict[str, Any] = {"changed": any(outcome.state in (sending.SENT, sending.WOULD) for outcome in found), "lines": lines,
                                  "letters": [_row(outcome) for outcome in found]}
        if self._task.diff:
            answer["diff"] = [_diff(outcome) for outcome in found if outcome.written and outcome.state in (sending.SENT, sending.WOULD)]
        errors = [outcome.error for outcome in found if outcome.error]
        if errors:
            answer.update(failed(errors[0]), changed=answer["changed"])
            answer["msg"] = "\n".join(error.in_both() for error in errors)
        return answer


def _check(mail: Mapping[str, Any], key: bytes) -> None:
    """Raises BackupError RSP101 on settings that can't work."""
    _smtp.check(mail)
    if mail["reply_to"] and not _smtp.ADDRESS.fullmatch(mail["reply_to"]):
        raise BackupError("invalid_input", where="mail.reply_to", value=mail["reply_to"], problem="is not an address", mend="Write it like oti@example.org.")
    if len(key) < identities.SHORTEST_KEY:
        raise BackupError("invalid_input", where="key", value="(hidden)", problem="is shorter than {0} characters".format(identities.SHORTEST_KEY),
                          mend="Make one by openssl rand -hex 32, and keep it in the vault.")


def _row(outcome: sending.Outcome) -> dict[str, Any]:
    letter = outcome.letter
    return {"ticket": letter.request.ticket, "letter": letter.key.letter, "reminder": letter.key.number, "addressee": letter.to.name,
            "address": letter.to.address, "state": outcome.state, "subject": outcome.written.subject if outcome.written else ""}


def _diff(outcome: sending.Outcome) -> dict[str, str]:
    to, written = outcome.letter.to, outcome.written
    return {"before": "", "after": written.text if written else "", "before_header": "",
            "after_header": "{0} <{1}>: {2}".format(to.name, to.address, written.subject if written else "")}
