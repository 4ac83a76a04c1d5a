# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A text that must not be shown: no reader gives it, the auditor's chain.py goes on as before, and nothing that matters can be hidden."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys

import pytest
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import chain, entries, redacting
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store

SECRET = "la clave es Quipu#2026"


@pytest.fixture
def told(store):
    said = {"run": "R1", "host": "db01", "system": "SIGA", "kind": "database", "label": "SIGA_20261122"}
    store.append("copy_failed", {**said, "error_code": "RSP402", "error_message_es": SECRET, "reason": "emergency", "reason_text": SECRET,
                                 "responsible": "Ana", "executed_by": "root", "warnings_es": [SECRET, "otra"]}, entries.now(), "R1")
    store.append("copy_made", {**said, "label": "SIGA_20261123", "note_es": "otra cosa", "trust_level": "T2", "medium": "nas"}, entries.now(), "R1")
    return store


def redact(store, names, n=1, **more):
    store.append(redacting.EVENT, {"redacts": n, "redacted_fields": names, "reason_text": "Ley 29733", "run": "R2", **more}, entries.now(), "R2")


def test_no_reader_gives_the_text_and_the_failure_stays(told):
    names = ["reason_text", "error_message_es", "warnings_es"]
    assert SECRET in json.dumps(told.entries() + told.rows(), ensure_ascii=False)
    redact(told, names)
    for store in (told, open_store(str(told.path), readonly=True)):
        shown = store.entries() + store.rows() + store.entries(label="SIGA_20261122") + store.rows(result="failed")
        assert SECRET not in json.dumps(shown, ensure_ascii=False)
        failed = store.entries(type="copy_failed")[0]
        mark = redacting.MARK.format(3)
        assert (failed["error_code"], failed["reason_text"], failed["warnings_es"]) == ("RSP402", mark, [mark])
        row = store.rows(result="failed")[0]
        assert (row["resultado"], row["sistema"], row["responsable"]) == ("Fallida", "SIGA", "Ana") and "tachado" in row["motivo"]
        assert "otra cosa" in str(store.rows(label="SIGA_20261123")) and [row["resultado"] for row in store.rows()][-1] == "Texto tachado"
    # whoever reads the file's own view, with nothing of ours
    told._connection.execute("PRAGMA wal_checkpoint")
    with sqlite3.connect(told.path) as plain:
        assert SECRET not in str(plain.execute("SELECT * FROM bitacora").fetchall())
        assert SECRET in str(plain.execute("SELECT body FROM entries").fetchall()), "the row stays as it was written"
    done = subprocess.run([sys.executable, "-I", "-S", chain.__file__, told.path], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "íntegra" in done.stdout
    assert told.last_good("database", "SIGA")["label"] == "SIGA_20261123"


@pytest.mark.parametrize("names", [["error_code"], ["label", "system"], ["type"], ["sha256"], "reason_text", [7]])
def test_what_says_what_happened_can_t_be_hidden_by_any_entry(told, names):
    before = told.entries(type="copy_failed")
    redact(told, names)
    redact(told, ["reason_text"], simulated=True)
    redact(told, ["reason_text"], n=99)
    assert told.entries(type="copy_failed") == before and told.rows(result="failed")[0]["observaciones"].startswith("RSP402")


def test_what_is_signed_or_compared_is_not_hidden(store):
    key = store.append(chain.KEY_CHANGED, {"reason": "x", "reason_text": "anual", "authority": "y"}, entries.now(), "K")
    person = store.append("designation_changed", {"post": "egcr.database.titular", "responsible": "Ana", "note_es": "Ana"}, entries.now(), "R")
    for entry in (key, person):
        redact(store, ["reason_text", "responsible", "note_es"], n=entry.n)
    assert store.entries(type=chain.KEY_CHANGED)[0]["reason_text"] == "anual"
    shown = store.entries(type="designation_changed")[0]
    assert shown["responsible"] == "Ana" and "tachado" in shown["note_es"]
