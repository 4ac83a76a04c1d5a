# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of source code share: the bitácora's entries, the lab's systems, and fingerprints of repositories and trees."""

from __future__ import annotations

import json
import shlex
import sqlite3
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).resolve().parents[3]
MEDIUM = "/srv/copias/source_code"

# All that two equal repositories have in common: refs of every kind, HEAD as it stands, each object.
_REPOSITORY = r"""
cd {path} && git() {{ command git -c safe.directory='*' "$@"; }} && where=$(git rev-parse --git-dir) && cat "$where/HEAD" &&
git for-each-ref --format='%(refname) %(objectname) %(objecttype) %(*objectname) %(symref)' &&
{{ git rev-list --all; git rev-list --ignore-missing HEAD 2>/dev/null; }} | sort -u | git rev-list --objects --stdin | sort | sha256sum &&
git fsck --full --no-dangling --no-progress
"""
_TREE = r"""
cd {path} && find . -printf '%P|%y|%m|%U:%G|%l|%n|%T@\n' | LC_ALL=C sort &&
find . -type f -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum
"""


def repository(host, path):
    """The fingerprint of a repository, bare or not."""
    return host.check_output(_REPOSITORY.format(path=shlex.quote(path)))


def tree(host, path):
    """The fingerprint of a directory: names, types, modes, owners, links, times, bytes."""
    return host.check_output(_TREE.format(path=shlex.quote(path)))


def manifest(host, entry):
    location = entry["location"].split(", ")[0]
    return json.loads(host.check_output("cat %s", "{0}/{1}.json".format(location, entry["label"])))


@pytest.fixture(scope="session")
def systems():
    """The lab's own systems, by name."""
    rows = yaml.safe_load((PROJECT / "inventories/lab/host_vars/git1.yml").read_text("utf-8"))["backup_systems"]
    return {row["name"]: row for row in rows}


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
