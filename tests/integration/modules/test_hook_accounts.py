# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands before and after a copy where no account of the connection is root: a real sshd, an account that copies itself, and one that becomes it by su.

In a mount namespace with /etc kept aside: both accounts, and su's leave to ask for no password, are gone with it.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store

ROOT = Path(__file__).resolve().parents[3]
ENTERS, COPIES = "prueba-entra", "prueba-copia"
INSIDE = f"""
set -e
mount --make-rprivate /
mkdir "$TOP/layers"; mount -t tmpfs tmpfs "$TOP/layers"; mkdir "$TOP/layers/upper" "$TOP/layers/work"
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$TOP/layers/upper,workdir=$TOP/layers/work" /etc
for name in {ENTERS} {COPIES}; do useradd --create-home --home-dir "$TOP/$name" --shell /bin/sh --password '*' "$name"; done
printf 'auth sufficient pam_permit.so\\naccount sufficient pam_permit.so\\nsession sufficient pam_permit.so\\n' >/etc/pam.d/su
install -d -o {COPIES} "$TOP/copias" "$TOP/datos"; install -o {COPIES} "$TOP/siga.sqlite" "$TOP/datos/siga.sqlite"
chown {ENTERS} "$TOP/suyo"
mkdir -p /run/sshd; /usr/sbin/sshd -D -e -f "$TOP/sshd" 2>"$TOP/sshd.log" &
trap 'kill $!' EXIT
"""


@pytest.fixture
def top():
    made = Path(tempfile.mkdtemp(prefix="respaldo-hooks-", dir="/srv"))     # no directory above it is others' too, as /tmp is
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts file systems and makes accounts, so only root runs it")
def test_of_accounts_that_are_not_root_by_ssh(top):
    for key in ("host", "client"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", top / key], check=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (top / "sshd").write_text(f"KexAlgorithms curve25519-sha256\nPort {port}\nListenAddress 127.0.0.1\nHostKey {top}/host\nPidFile {top}/pid\n"
                              f"AuthorizedKeysFile {top}/client.pub\nUsePAM no\nStrictModes no\nPermitRootLogin no\n", "utf-8")
    (top / "known").write_text(f"[127.0.0.1]:{port} " + (top / "host.pub").read_text("utf-8"), "utf-8")
    with sqlite3.connect(top / "siga.sqlite") as database:
        database.execute("CREATE TABLE t (a)")
    for name in ("note", "suyo"):
        (top / name).write_text('#!/bin/sh\necho "$RESPALDO_SYSTEM $RESPALDO_HOOK $RESPALDO_RESULT $(id -un) $HOME" >> "$1"\n', "utf-8")
        (top / name).chmod(0o755)

    def system(name, program="note"):
        command = {"argv": [str(top / program), str(top / "copias/dicho")]}
        return {"name": name, "kind": "database", "criticality": "baja", "office": "OTI", "hooks": {"before": [command], "after": [command]},
                "source": {"type": "sqlite", "path": str(top / "datos/siga.sqlite")}}

    common = {"ansible_host": "127.0.0.1", "ansible_port": port, "ansible_ssh_private_key_file": str(top / "client"), "common_install_tools": False,
              "ansible_python_interpreter": "/usr/bin/python3", "ansible_ssh_common_args": f"-o UserKnownHostsFile={top}/known -o ControlPath=none",
              "backup_media": [{"name": "nas", "path": str(top / "copias"), "create": True}]}
    hosts = {"directo": {"ansible_user": COPIES, "backup_systems": [system("DIRECTO")]},
             "por_su": {"ansible_user": ENTERS, "ansible_become": True, "ansible_become_method": "su", "ansible_become_user": COPIES,
                        "backup_systems": [system("OTRO"), system("SUYO", "suyo")]}}
    (top / "hosts.yml").write_text(json.dumps({"all": {"hosts": hosts, "vars": common}}), "utf-8")
    program = os.path.join(os.path.dirname(sys.executable), "ansible-playbook")
    done = subprocess.run(["unshare", "-m", "sh", "-c", f"{INSIDE}{program} -i $TOP/hosts.yml playbooks/database.yml || echo rc $?; cat $TOP/copias/dicho"],
                          cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
                          env=dict(os.environ, TOP=str(top), RESPALDO_BITACORA=str(top / "estado/bitacora.sqlite"), HOME=str(top),
                                   ANSIBLE_LOCAL_TEMP=str(top / "ansible")))
    said = done.stdout + done.stderr
    with open_store(str(top / "estado/bitacora.sqlite"), readonly=True) as store:
        made, failed = store.entries(type="copy_made"), store.entries(type=("copy_failed", "copy_refused"))
    assert {entry["system"] for entry in made} == {"DIRECTO", "OTRO"} and len(made) == 2, said
    for entry in made:
        assert [row.rpartition(", ")[0] for row in sorted(entry["hooks"])][0].startswith("antes: before 1, en el servidor: bien"), entry["hooks"]
        assert len(entry["hooks"]) == 2 and not entry.get("warnings_es"), entry
        assert [line.split()[1:-1] for line in done.stdout.splitlines() if line.startswith(entry["system"] + " ")] == [
            ["before", COPIES], ["after", "good", COPIES]], said
    # what the account that enters may change is not run by the one that copies, and the play says so
    assert [(entry["system"], entry["error_code"]) for entry in failed] == [("SUYO", "RSP790")] and "rc 2" in done.stdout, said
    assert not any(line.startswith("SUYO ") for line in done.stdout.splitlines())
    assert {path.stat().st_uid for path in (top / "copias").rglob("*")} == {(top / "copias").stat().st_uid} != {0}
