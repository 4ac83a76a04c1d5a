# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which sealed copies wait for a later run to say what became of them, in either store."""

from __future__ import annotations

import os

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import entries, sealed

ONE, OTHER = "SIGA_20261122", "SIGA_20261123"
SHA = "a" * 64


def tell(store, *types, label=ONE, kind="database", host="uno", run="R1", **more):
    for type_ in types:
        body = {"label": label, "system": "SIGA", "kind": kind, "host": host, "run": run, "event": type_, "medium": "nas", **more}
        store.append(type_, body, entries.now(), "T")


def waiting(store, host="uno", kind="database"):
    return [(seal["label"], seal["run"], end["error_code"]) for seal, end in sealed.unsettled(store, kind, "SIGA", host)]


def test_what_was_sealed_and_called_failed_waits_until_something_says_what_became_of_it(store):
    tell(store, "copy_started", "copy_sealed", sha256=SHA)
    assert waiting(store) == [], "its run may live yet"
    tell(store, "copy_failed", error_code="RSP705")
    assert waiting(store) == [(ONE, "R1", "RSP705")]
    assert waiting(store, host="dos") == waiting(store, kind="source_code") == [], "it is nobody else's"
    tell(store, "copy_made", kind="source_code")
    assert waiting(store), "a copy of another kind has the same label"
    tell(store, "verification_failed", error_code="RSP427")
    assert waiting(store), "it stays until it is settled"
    tell(store, "copy_withdrawn")
    assert waiting(store) == []


def test_what_was_never_sealed_or_has_its_entry_does_not_wait(store):
    tell(store, "copy_started", "copy_failed", error_code="RSP705")
    tell(store, "copy_started", "copy_sealed", "copy_made", label=OTHER, sha256=SHA)
    # of an attempt that failed and was repeated
    tell(store, "copy_failed", label=OTHER, error_code="RSP402")
    assert waiting(store) == []


def test_a_seal_counts_only_where_its_own_run_began_the_copy(store):
    tell(store, "copy_sealed", "copy_failed", sha256=SHA, error_code="RSP705")
    tell(store, "copy_started", "copy_failed", host="uno", run="R2", error_code="RSP705")
    assert waiting(store) == [], "nobody began it in that run"


def test_where_a_copy_was_ever_told_to_be(store):
    tell(store, "copy_made", sha256=SHA)
    assert sealed.is_told_on(store, "database", "SIGA", ONE, "nas") and not sealed.is_told_on(store, "database", "SIGA", ONE, "otro")


def test_the_seal_is_written_by_a_run_that_lives(store, url, monkeypatch):
    told = {"label": ONE, "system": "SIGA", "kind": "database", "sha256": SHA, "medium": "nas", "parts": [{"name": "x", "size": 1, "sha256": SHA}], "event": ""}
    monkeypatch.setenv("RESPALDO_RUN_ID", "R1")
    monkeypatch.setenv("RESPALDO_BITACORA", url)
    monkeypatch.setenv("RESPALDO_CONTROLLER_PID", "1")
    with pytest.raises(BackupError) as raised:
        sealed.record(told, "uno")
    assert raised.value.code == "RSP701" and not store.entries()
    monkeypatch.setenv("RESPALDO_CONTROLLER_PID", str(os.getppid()))
    store.append("run_started", {"run": "R1", "executed_by": "ana"}, entries.now(), "R1")
    sealed.record(told, "uno")
    written = store.entries(type="copy_sealed")
    assert [(entry["sha256"], entry["host"], entry["run"], entry["executed_by"]) for entry in written] == [(SHA, "uno", "R1", "ana")]
    assert "parts" not in written[0] and store.verify().whole
    assert not store.rows(label=ONE), "people read one line for each copy"
