# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The system itself on each ansible-core: a database is copied, verified and restored, with its entries, on a server of another locale."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import chain
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store

ROOT = Path(__file__).resolve().parents[2]
TABLE = "CREATE TABLE t (a, b); INSERT INTO t VALUES (1, 'ñandú'), (2, NULL)"


def ansible_playbook() -> str:
    """That of this Python, or another version's, which RESPALDO_TEST_ANSIBLE_PLAYBOOK names."""
    return os.environ.get("RESPALDO_TEST_ANSIBLE_PLAYBOOK") or str(Path(sys.executable).with_name("ansible-playbook"))


def latin_python(top: Path) -> str:
    """A Python as a server has it whose locale is es_PE.ISO-8859-1: there it takes the names of files for Latin-1, unless told otherwise."""
    (top / "locales").mkdir()
    subprocess.run(["localedef", "-i", "es_PE", "-f", "ISO-8859-1", str(top / "locales/es_PE")], check=True, capture_output=True)
    python = top / "python"
    python.write_text(f"#!/bin/sh\nLOCPATH={top}/locales LC_ALL=es_PE exec {sys.executable} \"$@\"\n")
    python.chmod(0o755)
    asked = "import sys; print(sys.getfilesystemencoding())"
    assert subprocess.run([python, "-c", asked], check=True, capture_output=True, text=True).stdout == "iso8859-1\n"
    return str(python)


def run(top: Path, *arguments: str) -> str:
    told = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "RESPALDO_"))}
    told.update(HOME=str(top), LC_ALL="C.UTF-8", ANSIBLE_CONFIG=str(ROOT / "ansible.cfg"), ANSIBLE_NOCOLOR="1", RESPALDO_BITACORA=str(top / "b.sqlite"))
    done = subprocess.run([ansible_playbook(), "-i", str(top / "hosts.yml"), "--vault-password-file", str(top / "vault"), "-e", f"backup_local_state={top}",
                           *arguments], cwd=ROOT, env=told, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.slow
def test_a_database_is_copied_proved_and_given_back(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "trámites.sqlite") as database:
        database.executescript(TABLE)
    (tmp_path / "vault").write_text("boveda")
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": {"servidor": {
        "ansible_connection": "local", "ansible_python_interpreter": latin_python(tmp_path), "common_install_tools": False,
        "backup_custody_directory": str(tmp_path / "custodia"), "backup_assigned_paths": [str(tmp_path)],
        "backup_media": [{"name": "disco", "path": str(tmp_path / "disco"), "create": True}],
        "backup_systems": [{"name": "SIGA", "kind": "database", "criticality": "alta", "office": "OTI",
                            "source": {"type": "sqlite", "path": str(tmp_path / "trámites.sqlite")}}]}}}}))
    run(tmp_path, "playbooks/database.yml")
    run(tmp_path, "playbooks/verify.yml")
    run(tmp_path, "playbooks/restore.yml", "-e", "restore_host=servidor restore_kind=database restore_system=SIGA restore_requester=Ana",
        "-e", f"restore_target={tmp_path}/ñandú.sqlite")
    with sqlite3.connect(tmp_path / "ñandú.sqlite") as database:
        assert database.execute("SELECT * FROM t ORDER BY a").fetchall() == [(1, "ñandú"), (2, None)]
    with open_store(str(tmp_path / "b.sqlite"), readonly=True) as store:
        assert [entry["trust_level"] for entry in store.entries(type=("copy_made", "copy_verified"))] == ["T2", "T3", "T2"]
        assert [entry["target"] for entry in store.entries(type=("restored",))] == [str(tmp_path / "ñandú.sqlite")]
        assert {entry["verdict"] for entry in store.entries(type=("run_ended",))} == {"good"}
    assert chain.verify_file(tmp_path / "b.sqlite").whole
