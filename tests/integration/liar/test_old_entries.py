# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a taken server wrote into the bitácora before 0.2, or who can write to it writes today, moves no key and no copy of another system (S2, S3)."""

from __future__ import annotations

import re

from plugins.plugin_utils._bitacora.store import open_store

DIRECT = """
- hosts: mala
  gather_facts: false
  tasks:
    - perucompras.respaldo.backup_verify:
        {label: LABEL, system: W1, kind: database, sha256: DIGEST, medium: "{{ backup_media[0] }}", decryption: {custody: "{{ backup_custody_directory }}"}}
      ignore_errors: true
    - perucompras.respaldo.backup_prune:
        {label: OWN, system: W1, kind: database, keep: [], sha256: DIGEST, medium: "{{ backup_media[0] }}",
         victims: [{label: LABEL, sha256: DIGEST, reason: y}]}
      ignore_errors: true
"""


def test_a_label_of_another_system_under_one_s_own_name(institution):
    """An entry of W1, of the liar's host, with SIGA's label: verify.yml took it for W1's copy, and sent the liar the password that the label names."""
    siga, own = institution.label("SIGA"), institution.label("W1")
    made = next(entry for entry in institution.entries("copy_made") if entry["label"] == siga)
    kept = {name: made[name] for name in ("label", "printed_label", "kind", "medium", "location", "sha256", "size", "trust_level", "encrypted", "started_at")}
    with open_store(str(institution.bitacora)) as store:
        store.append("copy_made", {**kept, "system": "W1", "host": "mala", "run": "OLD"}, made["at_event"], "OLD")
        assert siga not in {copy["label"] for copy in store.copies("database", "W1")}
    institution.lie()
    institution.run("verify", "--limit", "mala", "-e", '{"verify_only": ["W1"], "verify_copies": 9}')
    heard = institution.heard()
    assert institution.passwords("W1")[0] in heard, "its own it gets"
    assert not [secret for secret in institution.passwords("SIGA") if secret in heard]
    play = institution.top / "direct.yml"
    play.write_text(DIRECT.replace("LABEL", siga).replace("OWN", own).replace("DIGEST", made["sha256"]))
    institution.lie()
    done = institution.run(play)
    assert len(re.findall(r"RSP101: [^\n]*is no label of the system W1", done.stdout)) >= 2, done.stdout + done.stderr
    assert not [secret for secret in institution.passwords("SIGA") if secret in institution.heard()]
    assert (institution.top / "respaldos" / "database" / "SIGA" / siga).is_dir()
