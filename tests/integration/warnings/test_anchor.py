# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real runs of playbooks/anchor.yml (bitacora_anchor) against a real mail server, and what the verifier makes of the mail."""

from __future__ import annotations

import importlib.util
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

_SPECIFICATION = importlib.util.spec_from_file_location("warn_world", Path(__file__).with_name("test_warn.py"))
_MODULE = importlib.util.module_from_spec(_SPECIFICATION)
sys.modules[_SPECIFICATION.name] = _MODULE
_SPECIFICATION.loader.exec_module(_MODULE)
world = _MODULE.world
ROOT, PASSWORD = _MODULE.ROOT, _MODULE.PASSWORD
VERIFIER = ROOT / "plugins/plugin_utils/_bitacora/chain.py"


def anchor(world, *options, **mail):
    given = {"backup_anchor_mail": world.mail(to=["oci@example.org"], **mail)}
    settings = dict(os.environ, RESPALDO_BITACORA=str(world.file), ANSIBLE_LOCAL_TEMP=str(world.directory / "ansible"), HOME=str(world.directory))
    done = subprocess.run([os.path.join(os.path.dirname(sys.executable), "ansible-playbook"), "-i", "localhost,", "playbooks/anchor.yml",
                           "-e", json.dumps(given), *options], cwd=ROOT, env=settings, capture_output=True, text=True, timeout=180, check=False)
    done.output = done.stdout + done.stderr
    assert PASSWORD not in done.output and PASSWORD.encode() not in world.file.read_bytes()
    return done


def verify(file, mail, key):
    return subprocess.run([sys.executable, "-I", "-S", VERIFIER, file, "--anchor", mail, "--key", key], capture_output=True, text=True, check=False)


def test_a_saved_mail_is_an_anchor_that_tells_of_a_cut_and_of_a_rewrite(world, tmp_path):
    # Without a seal there is nothing to send; that run's own seal is what the next one sends.
    first = anchor(world)
    assert first.returncode == 2 and "RSP709" in first.output, first.output
    assert anchor(world, "--check").returncode == 0 and not world.taken()
    done = anchor(world)
    assert done.returncode == 0, done.output
    (_kind, letter), = world.taken()
    assert letter["To"] == "oci@example.org" and "Sello de la bitácora" in letter["Subject"]
    sent, = [row for row in world.entries("anchor_sent") if not row.get("simulated")]
    sealed = next(row for row in world.entries("seal") if row["n"] == sent["sealed_n"])
    assert sealed["sealed_digest"] in letter.get_body(("plain",)).get_content()
    mail = tmp_path / "ancla.eml"
    mail.write_bytes(letter.as_bytes())
    whole = verify(world.file, mail, sealed["public_key"])
    assert whole.returncode == 0 and "íntegra" in whole.stdout, whole.stdout + whole.stderr
    cut = tmp_path / "cut.sqlite"
    with sqlite3.connect(world.file) as source, sqlite3.connect(cut) as target:
        source.backup(target)
        target.execute("DROP TRIGGER entries_refuse_delete")
        target.execute("DELETE FROM entries WHERE n >= ?", (sealed["sealed_n"],))
        target.execute("UPDATE sqlite_sequence SET seq = (SELECT max(n) FROM entries)")
    target.close()
    found = verify(cut, mail, sealed["public_key"])
    assert found.returncode == 1 and f"conoce el asiento {sealed['sealed_n']}" in found.stdout, found.stdout
    forged = tmp_path / "forged.eml"
    forged.write_bytes(b"From: a@b\r\n\r\nno seal here\r\n")
    assert verify(world.file, forged, sealed["public_key"]).returncode == 1


def test_a_mail_that_can_t_go_is_an_entry_and_a_warning_and_goes_the_next_time(world):
    anchor(world)
    down = anchor(world, port=1)
    assert down.returncode == 2 and "RSP906" in down.output, down.output
    failed, = world.entries("anchor_failed")
    assert failed["anchor"] == "correo: oci@example.org" and failed["error_code"] == "RSP906"
    assert world.warn(mail=world.mail()).returncode == 0
    (_kind, letter), = world.taken()
    assert "Sello de la bitácora sin anclar" in letter.get_body(("plain",)).get_content()
    assert anchor(world).returncode == 0 and world.taken()
    assert world.warn(mail=world.mail()).returncode == 0
    assert "RESUELTO" in world.taken()[0][1].get_body(("plain",)).get_content()


@pytest.mark.parametrize("security", ["tls"])
def test_a_server_that_speaks_tls_from_the_start(world, security):
    anchor(world)
    done = anchor(world, security=security, port=world.ports["tls"])
    assert done.returncode == 0 and len(world.taken()) == 1, done.output
    plain = anchor(world, security=security)
    assert plain.returncode == 2 and "RSP906" in plain.output, plain.output
