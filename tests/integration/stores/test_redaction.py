# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/redaction.yml (bitacora_redact): a secret that somebody typed into a reason is shown by nothing any more, and the chain is whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store

ROOT = Path(__file__).resolve().parents[3]
SECRET = "la clave es Quipu#2026"
WHY = {"redaction_reason": "Contenía una contraseña, ya cambiada", "redaction_authority": "Memorando 021-2027-OTI"}


def play(top, url, playbook, **variables):
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", f"playbooks/{playbook}.yml",
               "-e", json.dumps({"backup_systems": [{"name": "SIGA", "kind": "database"}], **variables})]
    environment = dict(os.environ, RESPALDO_BITACORA=url, RESPALDO_BITACORA_JOURNAL=str(top / "journal"), HOME=str(top))
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600, check=False)
    return done.returncode, done.stdout + done.stderr


def test_a_secret_in_a_reason_is_redacted(tmp_path, url):
    status, out = play(tmp_path, url, "excuse", excuse_system="SIGA", excuse_kind="database", excuse_from="2026-11-20", excuse_until="2026-11-20",
                       excuse_reason=SECRET, excuse_requester="Ana")
    assert status == 0, out
    with open_store(url, readonly=True) as store:
        n = store.entries(type="excuse")[0]["n"]
    status, out = play(tmp_path, url, "redaction", redaction_entries=[n], redaction_fields=["error_code"], **WHY)
    assert status == 2, out      # a code can't be
    status, out = play(tmp_path, url, "redaction", redaction_entries=[n, 1], **WHY)
    assert status == 2 and "RSP739" in out, out      # the start of a run has no reason
    # the observation of the entry repeats the reason: the order says so, and is given again for both
    status, out = play(tmp_path, url, "redaction", redaction_entries=[n], **WHY)
    assert status == 0 and f"en los asientos {n}." in out and SECRET not in out, out
    status, out = play(tmp_path, url, "redaction", redaction_entries=[n], redaction_fields=["reason_text", "note_es"], **WHY)
    assert status == 0 and "aún en los asientos" not in out, out
    with open_store(url, readonly=True) as store:
        told = store.entries(type="entry_redacted")
        assert [(entry["redacts"], entry["redacted_fields"], entry["document"]) for entry in told] == [
            (n, ["reason_text"], "Memorando 021-2027-OTI"), (n, ["note_es"], "Memorando 021-2027-OTI")]
        assert SECRET not in json.dumps(store.entries() + store.rows(), ensure_ascii=False)
        assert store.verify().whole
