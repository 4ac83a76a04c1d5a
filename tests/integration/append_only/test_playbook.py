# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/append_only_medium.yml on this machine as the NAS, in a mount namespace: accounts and keys are real, and gone with it."""

from __future__ import annotations

import json
import os
import re
import subprocess

import pytest

from plugins.module_utils._engine.errors import BackupError

# /etc as it is, with what is written to it kept aside; sshd, the playbooks and what is tried all run in there
INSIDE = """
set -e
mount --make-rprivate /
mkdir -p "$TOP/layers" /var/lib/respaldo-medio /usr/local/lib/respaldo
mount -t tmpfs tmpfs "$TOP/layers"
mkdir "$TOP/layers/upper" "$TOP/layers/work"
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$TOP/layers/upper,workdir=$TOP/layers/work" /etc
mount -t tmpfs -o mode=755 tmpfs /var/lib/respaldo-medio
mount -t tmpfs -o mode=755 tmpfs /usr/local/lib/respaldo
mount -t tmpfs -o mode=755 tmpfs /mnt
/usr/sbin/sshd -D -e -f "$TOP/sshd_config" >"$TOP/sshd.log" 2>&1 &
trap 'kill $!' EXIT
"""


@pytest.fixture
def inside(house, server, tmp_path):
    """Run a script of sh where this machine is the NAS. Gives its output."""
    if os.geteuid() != 0:
        pytest.skip("mounts file systems, so only root runs it")
    port = server.port + 1
    config = (server.directory / "config").read_text()
    config = re.sub(r"(?m)^Port .*", f"Port {port}", config)
    config = re.sub(r"(?m)^AuthorizedKeysFile .*", "AuthorizedKeysFile .ssh/authorized_keys", config).replace("StrictModes no", "StrictModes yes")
    config = re.sub(r"(?m)^PidFile .*", f"PidFile {tmp_path}/sshd.pid", config)
    (tmp_path / "sshd_config").write_text(config)
    media = [{"name": "nas", "path": "/mnt/copias", "host": "127.0.0.1", "port": port, "user": "respaldo-prueba", "append_only": True,
              "known_hosts": f"[127.0.0.1]:{port} " + (server.directory / "host.pub").read_text(),
              "identity_file": str(tmp_path) + "/claves/{{ inventory_hostname }}/nas", "keeper": {"identity_file": str(server.directory / "client")}}]
    house.write(backup_media=media, append_only_medium_install_tools=False, append_only_medium_name="nas",
                append_only_medium_keeper_keys=[(server.directory / "client.pub").read_text().strip()])
    inventory = json.loads((tmp_path / "inventory.yml").read_text())
    inventory["all"]["hosts"]["nas"] = {}
    (tmp_path / "inventory.yml").write_text(json.dumps(inventory))

    def run(script):
        play = "play() { ansible-playbook -i '%s' --vault-password-file '%s' \"$@\"; }\n" % (tmp_path / "inventory.yml", house.password)
        settings = dict(os.environ, TOP=str(tmp_path), RESPALDO_BITACORA=str(house.bitacora), ANSIBLE_LOCAL_TEMP=str(tmp_path / "ansible"), HOME=str(tmp_path))
        done = subprocess.run(["unshare", "-m", "sh", "-c", INSIDE + play + script], env=settings, capture_output=True, text=True, timeout=900, check=False)
        return done

    return run


def test_from_nothing_to_a_copy_that_the_server_cannot_touch(house, inside, tmp_path):
    setup = "play playbooks/append_only_medium.yml -e append_only_medium_host=nas"
    done = inside(f"""
{setup} --check --diff; echo CHECKED; ls -A /var/lib/respaldo-medio; echo NOTHING
{setup}; echo MADE
{setup}; echo AGAIN
cat /var/lib/respaldo-medio/nas/.ssh/authorized_keys; echo KEYS
stat -c '%U %a' "/mnt/copias" /var/lib/respaldo-medio/nas/.ssh/authorized_keys /usr/local/lib/respaldo/gate.py; echo OWNED
play --limit bd1 playbooks/database.yml; ls "/mnt/copias/database/SIGA"; echo COPIED
play --limit bd1 playbooks/verify.yml
{setup} --limit bd1,nas && echo TOOK_A_KEY_AWAY || true
""")
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    checked, rest = done.stdout.split("CHECKED\n")
    nothing, rest = rest.split("NOTHING\n")
    assert nothing == "" and "database/SIGA" in checked
    made, rest = rest.split("MADE\n")
    again, rest = rest.split("AGAIN\n")
    keys, rest = rest.split("KEYS\n")
    assert not re.search(r"changed=[1-9]", again), again
    lines = [line for line in keys.splitlines() if not line.startswith("#")]
    assert len(lines) == 3 and lines[0].startswith("restrict ssh-ed25519 ")
    assert all(re.match(r'command="/usr/bin/python3 -I -S /usr/local/lib/respaldo/gate.py /etc/respaldo/medio-nas.json bd[12]",restrict ssh-ed25519 ', line)
               for line in lines[1:])
    owned, rest = rest.split("OWNED\n")
    assert owned.splitlines() == ["respaldo-prueba 700", "root 644", "root 755"]
    assert re.search(r"(?m)^SIGA_\d{8}$", rest.split("COPIED\n")[0]) and "TOOK_A_KEY_AWAY" not in rest and "RSP455" in rest


@pytest.fixture
def judged():
    """What the action makes of keys, without a play."""
    from plugins.action import append_only_medium as action

    def judge(keys, keeper="ssh-ed25519 " + "K" * 68):
        return action._keys("nas", {"keys": keys, "keeper_keys": [keeper]}, {server: {} for server in keys})
    return judge


@pytest.mark.parametrize("line", [
    "", "ssh-ed25519", "ssh-ed25519 AAAA", 'command="id" ssh-ed25519 ' + "A" * 68, "ssh-ed25519 " + "A" * 68 + "\nssh-ed25519 " + "B" * 68,
    "ssh-ed25519 " + "A" * 68 + " x\x00", "ssh-ed25519 " + "K" * 68, "no-such-kind " + "A" * 68])
def test_a_key_that_a_lying_server_tells(judged, line):
    """What a server says of its key goes into authorized_keys: one strict form, and never another's."""
    if not line:
        assert judged({"evil": line}) == ({}, ["evil"])
        return
    with pytest.raises(BackupError) as caught:
        judged({"evil": line})
    assert caught.value.fault.name == "gate_key_wrong"


def test_a_server_that_tells_anothers_key(judged):
    with pytest.raises(BackupError) as caught:
        judged({"bd1": "ssh-ed25519 " + "A" * 68, "evil": "ssh-ed25519 " + "A" * 68 + " mine"})
    assert "the key of bd1 too" in caught.value.message
    assert judged({"bd1": "ssh-ed25519 " + "A" * 68 + ' x" y'})[0] == {"bd1": "ssh-ed25519 " + "A" * 68}
