# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What two equal repositories, or two equal directories, have in common."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]
MEDIUM = "/srv/copias/source_code"

# Refs of every kind, HEAD as it stands, each object.
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
    done = host.run(_TREE.format(path=shlex.quote(path)))
    assert done.rc == 0, done.stderr_bytes
    return done.stdout_bytes


def manifest(host, entry):
    location = entry["location"].split(", ")[0]
    return json.loads(host.check_output("cat %s", "{0}/{1}.json".format(location, entry["label"])))
