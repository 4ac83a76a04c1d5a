# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of shared folders share: the bitácora's entries, people who use the shares, runs of the role with other folders."""

from __future__ import annotations

import copy
import json
import shlex
import sqlite3
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).resolve().parents[3]
PASSWORD = "lab-respaldo"
# Everything that a run may not touch when it is refused or simulated.
_STATE = r"""
find /etc/samba /etc/tmpfiles.d /srv/compartidos -printf '%p|%y|%m|%u:%g|%l|%T@|%C@\n' | LC_ALL=C sort
find /etc/samba /etc/tmpfiles.d -type f -exec sha256sum {} + | LC_ALL=C sort; getfacl -R -p -n /srv/compartidos; sha256sum /etc/group
"""
# Names, types, modes, owners, links, times, bytes, ACLs and attributes (those of Windows too) of a folder.
_TREE = r"""
cd %s && find . -printf '%%P|%%y|%%m|%%u:%%g|%%l|%%T@\n' | LC_ALL=C sort && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum &&
find . ! -type l -print0 | LC_ALL=C sort -z | xargs -0 getfacl -n -- && find . -print0 | LC_ALL=C sort -z | xargs -0 getfattr -h -d -m - -e hex --
"""


@pytest.fixture(scope="session")
def folders():
    """The lab's folders as their inventory has them; each call gives fresh ones."""
    rows = yaml.safe_load((PROJECT / "inventories/lab/host_vars/files1/shared_folders.yml").read_text("utf-8"))["backup_shared_folders"]

    def give(**changes):
        """`logistica` and `juridica` are changes of that folder; `more` is a list of others."""
        found = copy.deepcopy(rows)
        found[0].update(changes.get("logistica", {}))
        found[1].update(changes.get("juridica", {}))
        return found + changes.get("more", [])

    return give


@pytest.fixture(scope="session")
def entries(state):
    """The bitácora's entries with these values, oldest first, read with SQLite alone."""

    def find(**wanted):
        connection = sqlite3.connect("file:{0}?mode=ro".format(state / "bitacora.sqlite"), uri=True)
        try:
            rows = [dict(json.loads(body), type=kind, n=n) for n, kind, body in connection.execute("SELECT n, type, body FROM entries ORDER BY n")]
        finally:
            connection.close()
        return [row for row in rows if all(row.get(name) == value for name, value in wanted.items())]

    return find


@pytest.fixture(scope="session")
def run(playbook, tmp_path_factory):
    """Runs a playbook on files1 with these folders."""

    def start(name, given, *arguments, status=0, environment=None, **variables):
        file = tmp_path_factory.mktemp("variables") / "variables.json"
        file.write_text(json.dumps({"backup_shared_folders": given, "shared_folder_install_tools": False, **variables}), "utf-8")
        return playbook(name, "--limit", "files1", "--extra-vars", "@{0}".format(file), *arguments, status=status, environment=environment)

    return start


@pytest.fixture(scope="session")
def client(files1):
    """Runs commands of smbclient as somebody: client("aquispe", "Logística", "ls"): what it said, and whether it was refused."""

    def use(who, share, commands, status=0):
        account = "--no-pass" if who is None else "--user={0}%{1}".format(who, PASSWORD)
        done = files1.run("cd /tmp && smbclient %s %s --command %s 2>&1", "//localhost/" + share, account, commands)
        assert status in (None, done.rc), done.stdout
        return done.stdout

    return use


@pytest.fixture(scope="session")
def snapshot(files1):
    """Everything of the server that the role may change."""
    return lambda: files1.check_output(_STATE)


@pytest.fixture(scope="session")
def tree(files1):
    """The fingerprint of a folder, whatever its names."""

    def take(path):
        done = files1.run(_TREE % shlex.quote(path))
        assert done.rc == 0, done.stderr_bytes
        return done.stdout_bytes

    return take
