# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An error about an option names the variable that an operator typed: for every task of every role, and for what has no variable its own name."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from plugins.module_utils._engine.errors import BackupError
from plugins.module_utils._engine.policy.schema import Problem, raise_all
from plugins.plugin_utils import _variables
from plugins.plugin_utils._role_options import OPTIONS

TOP = Path(__file__).resolve().parents[3]
PREFIX = "perucompras.respaldo."


def task_of(written: dict[str, Any], defaults: dict[str, Any] | None = None) -> Any:
    action = next(name for name in written if name.startswith(PREFIX))
    return SimpleNamespace(_ds=written, action=action, _role=SimpleNamespace(_default_vars=defaults or {}))


def tasks(found: Any) -> list[dict[str, Any]]:
    """Those of ours, of a file's tasks and of what its blocks have."""
    return [each for task in found or () for each in ([task] if any(str(name).startswith(PREFIX) for name in task) else
                                                     tasks([*task.get("block", ()), *task.get("rescue", ()), *task.get("always", ())]))]


def test_every_role_gives_options_by_variables_that_an_error_can_name() -> None:
    named = 0
    for role in sorted((TOP / "roles").iterdir()):
        defaults = yaml.safe_load((role / "defaults/main.yml").read_text("utf-8")) or {} if (role / "defaults/main.yml").is_file() else {}
        for file in sorted((role / "tasks").glob("*.yml")):
            for written in tasks(yaml.safe_load(file.read_text("utf-8"))):
                task = task_of(written, defaults)
                for option, value in (written[task.action] or {}).items() if isinstance(written[task.action], dict) else ():
                    given = re.match(r"\{\{ (\w+) (?:\||\}\})", value) if isinstance(value, str) else None
                    if not given or given[1] not in OPTIONS:
                        continue
                    error = _variables.named(BackupError("invalid_input", where=option, value="x", problem="is not a date", mend=""), task)
                    assert error.details["where"] in (given[1], *re.findall(r"backup_\w+", str(defaults.get(given[1])))), (file, option, error.details["where"])
                    named += 1
    assert named > 150


REPORT = {"perucompras.respaldo.backup_report": {"date": "{{ report_date }}", "days": "{{ report_days | answer('report_days', 30) }}", "what": "board",
                                                 "media": "{{ report_media }}", "host": "{{ plan.host }}"}}


@pytest.mark.parametrize(("where", "given", "told"), (
    ("date", (), "report_date"), ("days", (), "report_days"), ("media[0].path", (), "backup_media[0].path"), ("media", ("report_media",), "report_media"),
    ("what", (), "what"), ("host", (), "host"), ("report_date", (), "report_date"), ("date of a copy", (), "date of a copy"), ("", (), ""),
))
def test_an_option_becomes_what_was_typed_and_nothing_else_does(where: str, given: tuple[str, ...], told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_variables, "READ", frozenset({"report_date", "report_days", "report_media", "backup_media"}))
    task = task_of(REPORT, {"report_media": "{{ backup_media | default([]) }}", "report_date": ""})
    error = _variables.named(BackupError("invalid_input", where=where, value="ayer", problem="is not a date", mend="Write it so."), task, given)
    assert error.details["where"] == told and error.message.startswith(f"{told}: 'ayer'") and error.code == "RSP101"


def test_several_mistakes_stay_as_they_are_told() -> None:
    with pytest.raises(BackupError) as raised:
        raise_all([Problem("date", 1, "is wrong", "So."), Problem("days", 2, "is wrong", "So.")])
    assert _variables.named(raised.value, task_of(REPORT)) is raised.value


def test_a_text_of_ansible_is_told_with_the_variables() -> None:
    task = task_of({"perucompras.respaldo.bitacora_anchor": {"mail": "{{ anchor_mail }}"}}, {"anchor_mail": "{{ backup_anchor_mail | default({}, true) }}"})
    assert _variables.told("missing required arguments: host found in mail", task) == (
        "missing required arguments: host found in mail (mail is backup_anchor_mail)")
    assert _variables.told("missing required arguments: host found in box", task) == "missing required arguments: host found in box"
    assert _variables.told("a task of a play of one's own: mail", SimpleNamespace(action="x")) == "a task of a play of one's own: mail"


def test_what_a_server_answered_is_told_with_the_variable_everywhere() -> None:
    task = task_of({"perucompras.respaldo.backup_restore": {"part": "{{ restore_part }}", "label": "{{ restore_chosen.label }}"}})
    english, spanish = "part: '' does not name one", "part: '' no nombra una parte: ninguna"
    found = {"msg": f"RSP101: {spanish}. [{english}.]", "error": {"code": "RSP101", "message": english, "message_es": spanish},
             "backup": {"error_message": english, "error_message_es": spanish, "event": "restore_failed"}}
    other = {"error": {"code": "RSP101", "message": "label: 'x' is none"}, "msg": "label: x"}
    _variables.answered(found, task)
    _variables.answered(other, task)
    assert found["msg"] == "RSP101: restore_part: '' no nombra una parte: ninguna. [restore_part: '' does not name one.]"
    assert found["error"]["message_es"] == found["backup"]["error_message_es"] == "restore_part: '' no nombra una parte: ninguna"      # type: ignore[index]
    assert found["error"]["message"] == found["backup"]["error_message"] == "restore_part: '' does not name one"      # type: ignore[index]
    assert other == {"error": {"code": "RSP101", "message": "label: 'x' is none"}, "msg": "label: x"}
