# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lies at random on top of the catalogue: each verb of ours asks the liar again and again, and each answer has other changes.

`RESPALDO_LIES` says how many (100 in `make test`); the seed of a run is told, so that a failure can be had again with `RESPALDO_LIES_SEED`.
"""

from __future__ import annotations

import json
import os
import time

import pytest

LIES = int(os.environ.get("RESPALDO_LIES", "100"))
SEED = int(os.environ.get("RESPALDO_LIES_SEED", str(int(time.time()))))


def tasks(institution):
    """A task of each verb, as its role calls it; each on a copy of the liar's own."""
    label = institution.label("W1")
    medium = "{{ backup_media[0] }}"
    source = "{{ backup_systems[0].source }}"
    custody = {"custody": "{{ backup_custody_directory }}"}
    named = {"label": label, "system": "W1", "kind": "database"}
    files = {"label": institution.label("RRHH"), "system": "RRHH", "kind": "file_server"}
    fresh = {"label": "W1_20270101", "system": "W1", "kind": "database"}
    return [
        {"backup_verify": {**named, "medium": medium, "source": source, "decryption": custody, "level": "T2"}},
        {"backup_verify": {**files, "medium": medium, "source": {"type": "restic"}, "decryption": custody, "level": "T1"}},
        {"backup_restore": {**named, "medium": medium, "source": source, "decryption": custody, "target": str(institution.top / "datos" / "otra.sqlite"),
                            "overwrite": True}},
        {"backup_database": {**fresh, "media": [medium], "source": source, "encryption": custody}},
        {"backup_publish": {**named, "media": [medium], "sha256": "0" * 64}},
        {"backup_transfer": {**named, "source": medium, "medium": "{{ backup_media[1] }}", "sha256": "0" * 64}},
        {"backup_prune": {**named, "medium": medium, "sha256": "0" * 64, "keep": [], "victims": [{"label": label, "sha256": "0" * 64, "reason": "x"}],
                          "decryption": custody}},
        {"backup_reconcile": {"systems": "{{ backup_systems }}", "medium": medium}},
        {"backup_info": {"medium": medium, "kind": "database", "system": "W1"}},
        {"backup_git_info": {"source": "{{ backup_systems[7].source }}", "assigned_paths": "{{ backup_assigned_paths }}"}},
    ]


def test_lies_at_random(institution):
    rounds = max(1, LIES // len(tasks(institution)))
    play = {"hosts": "mala", "gather_facts": False, "tasks": [
        {"perucompras.respaldo.bitacora_guard": {}},
        *({"name": next(iter(task)), **{"perucompras.respaldo." + name: arguments for name, arguments in task.items()},
           "loop": list(range(rounds)), "ignore_errors": True} for task in tasks(institution)),
    ]}
    book = institution.top / "mentiras.yml"
    book.write_text(json.dumps([play]))
    before = institution.decisions()
    institution.lie({"module": "backup_.*", "lie": "at_random"}, seed=SEED, remembered_by=r"W1_2\d{7}|RRHH_\d{8}|repositorios/PORTAL")
    done = institution.run(book, seconds=900 + 10 * LIES)
    told = institution.told()
    assert len(told) >= rounds * len(play["tasks"][1:]) * 0.5, (len(told), (done.stdout + done.stderr)[-3000:])
    try:
        institution.check(done, before, most=12 * LIES)
        institution.still_works()
    except AssertionError as error:
        pytest.fail("seed {0}: {1}".format(SEED, str(error)[:12000]))
