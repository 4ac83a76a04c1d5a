# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every play against every lie of a server that was taken (S1, S2, S3, S13, S20): each lie costs that server its own copy, and nobody else anything.

One run tells a lie of its own for each of the liar's systems, so that a few runs meet the whole catalogue. `make test` takes some of the runs,
in which each lie is met; RESPALDO_EVERY_LIE=1 takes all.
"""

from __future__ import annotations

import os

import pytest
from institution import DATABASES
from lies import CATALOGUE

EVERY = os.environ.get("RESPALDO_EVERY_LIE") == "1"
NOW = ("-e", "backup_emergency_reason=prueba")
LIES = tuple(CATALOGUE)
# play -> the module that lies in it, options
DATABASE_PLAYS = {
    "database, the copy": ("database", "backup_database", NOW),
    "database, the publishing": ("database", "backup_publish", NOW),
    "verify": ("verify", "backup_verify", ()),
    # what honestly changes what is known of a system is done for the liar's own alone
    "drill": ("drill", "backup_verify", ("--limit", "mala")),
    "transfer": ("transfer", "backup_transfer|backup_publish", ("--limit", "mala")),
    "prune": ("prune", "backup_prune", ("--limit", "mala", "-e", "prune_repository=''")),
    "custody": ("custody", "backup_verify", ("--limit", "mala", "-e", "custody_copies=9")),
    "site": ("site", "backup_database|backup_git|backup_files", NOW),
}


HALVES = {"first": LIES[:7], "second": LIES[7:]}
FEW = (("database, the copy", "first"), ("database, the publishing", "second"), ("verify", "second"), ("prune", "first"), ("transfer", "second"))
RUNS = [(play, half) for play in DATABASE_PLAYS for half in HALVES] if EVERY else FEW


@pytest.mark.parametrize(("play", "half"), RUNS)
def test_a_play_of_databases(institution, play, half):
    lies = HALVES[half]
    playbook, module, options = DATABASE_PLAYS[play]
    before = institution.decisions() if playbook not in ("database", "site") else None
    institution.lie(*({"module": module, "word": name + r"_2\d{7}", "lie": lie} for name, lie in zip(DATABASES, lies, strict=True)))
    done = institution.run(playbook, *options)
    institution.check(done, before or without_new(institution, institution.decisions()))
    assert {lie for _module, lie in institution.told()} == set(lies), "a system was passed over"
    if EVERY or play == "verify":
        institution.still_works()


def without_new(institution, now):
    """A play that copies adds a true copy of the other server's own: that is no decision of the liar's."""
    (made,) = [entry for entry in institution.last_run() if entry["type"] == "copy_made" and entry.get("system") == "SIGA"]
    assert made["host"] == "buena"
    return now


ONE_BY_ONE = {
    "source_code": ("source_code", "backup_git|backup_git_info", NOW),
    "file_server": ("file_server", "backup_files|backup_publish", NOW),
    "reconcile": ("reconcile", "backup_info", ()),
    "restore": ("restore", "backup_restore", ("-e", "restore_host=mala restore_kind=database restore_system=W1 restore_overwrite=true "
                                                    "restore_target={target}")),
    "restore of a file server": ("restore", "backup_restore", ("-e", "restore_host=mala restore_kind=file_server restore_system=RRHH restore_overwrite=true")),
}


@pytest.mark.parametrize("play", ONE_BY_ONE)
def test_a_play_with_one_answer(institution, play):
    """These ask once a run, so each lie is a run; the bitácora of all of them is one."""
    playbook, module, options = ONE_BY_ONE[play]
    for lie in CATALOGUE if EVERY else ("identity", "bare"):
        before = institution.decisions()
        institution.lie({"module": module, "lie": lie})
        done = institution.run(playbook, *(word.format(target=institution.top / "datos" / "vuelta.sqlite") for word in options))
        institution.check(done, before if playbook not in ("source_code", "file_server") else institution.decisions())
    if EVERY:
        institution.still_works()
