# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`module_defaults: group/perucompras.respaldo.NAME` reaches our action plugins, on every ansible-core; tests/house holds who is in which group."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

POLICY = Path(__file__).resolve().parents[2] / "policies" / "manual-001-2019.yml"
OURS = "perucompras.respaldo."


def told(place, tasks, **defaults):
    """The results of tasks under these defaults of groups, failed ones too."""
    kept = place.directory / "results.json"
    rows = [{"name": "Task", **task, "register": f"told_{index}", "ignore_errors": True} for index, task in enumerate(tasks)]
    results = "[" + ", ".join(f"told_{index}" for index in range(len(tasks))) + "]"
    rows.append({"name": "Keep", "ansible.builtin.copy": {"content": "{{ " + results + " | to_json }}", "dest": str(kept), "mode": "0600"}})
    groups = {f"group/{OURS}{name}": options for name, options in defaults.items()}
    done = place.run(json.dumps([{"hosts": "localhost", "gather_facts": False, "module_defaults": groups, "tasks": rows}]))
    assert done.returncode == 2, done.stdout
    return json.loads(kept.read_text("utf-8"))


def test_defaults_of_a_group_reach_the_actions_of_its_members_and_the_task_has_the_last_word(place):
    missing = str(place.directory / "no-such-policy.yml")
    plan = {"systems": [], "media": []}
    by_group, by_task, made, opened = told(
        place,
        [{OURS + "backup_plan": plan}, {OURS + "backup_plan": {**plan, "policy_file": str(POLICY)}},
         # played: these give back the arguments that reached the action
         {OURS + "backup_archive": {"label": "SIGA_20261122", "lock_timeout": 5}}, {OURS + "backup_verify": {"label": "SIGA_20261122"}}],
        policy={"policy_file": missing}, making={"lock_timeout": 900, "minimum_size": 7}, opening={"medium": {"path": "/srv/copias"}},
    )
    assert by_group["failed"] and missing in by_group["msg"], by_group
    assert not by_task.get("failed") and by_task["plan"] == [], by_task
    assert (made["lock_timeout"], made["minimum_size"], "medium" in made) == (5, 7, False)
    assert opened["medium"] == {"path": "/srv/copias"} and "minimum_size" not in opened


def test_the_group_of_all_serves_where_all_know_the_option_and_is_refused_in_words_where_not(place):
    plan, read, refused = told(
        place,
        [{OURS + "backup_plan": {"systems": [], "media": [], "policy_file": str(POLICY)}},
         {OURS + "bitacora_verdict": {}}, {OURS + "bitacora_guard": {}}],
        respaldo={"kind": "database"},
    )
    assert not plan.get("failed") and not read.get("failed"), (plan, read)
    assert refused["failed"] and "kind" in refused["msg"], refused


def test_ansible_takes_every_group_without_a_warning(place):
    groups = yaml.safe_load((POLICY.parents[1] / "meta" / "runtime.yml").read_text("utf-8"))["action_groups"]
    done = place.run(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [],
                                  "module_defaults": {f"group/{OURS}{name}": {} for name in groups}}]))
    assert done.returncode == 0 and "WARNING" not in done.stdout, done.stdout
