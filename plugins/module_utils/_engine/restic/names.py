# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How what concerns a repository is named, in custody, on media and in the words of a verification."""

from __future__ import annotations

import re

from .. import label as labels

# Under what custody keeps the password of a repository: custodia:file_server/NAME/repositorio
CUSTODY_NAME = "repositorio"

# The password that took the place of a former one, and that of that: custodia:file_server/NAME/repositorio.2, repositorio.3 ...
_CUSTODY_NAME = re.compile(re.escape(CUSTODY_NAME) + r"(?:\.([1-9][0-9]{0,5}))?\Z")

# How a verification says which part of the data it read: restic_data 7/30
DATA_CHECK = "restic_data "

# The tag of a snapshot that lacks what could not be read; it is no copy.
PARTIAL_TAG = "parcial"


def generation(reference: str) -> int:
    """Which of the passwords of a repository a reference of custody names: 1 the first, 2 the one that took its place; 0 when it names none."""
    found = _CUSTODY_NAME.match(reference.rpartition("/")[2])
    number = int(found.group(1) or 1) if found else 0
    return 0 if found and found.group(1) and number < 2 else number


def of_generation(reference: str, number: int) -> str:
    """The reference of another of the passwords of the same repository."""
    return "{0}/{1}{2}".format(reference.rpartition("/")[0], CUSTODY_NAME, "" if number < 2 else ".{0}".format(number))


def repository_name(of: str, system: str, server: str, office: str) -> str:
    """The name of the repository that a system's copies go to: its own, one for its server, or one for its office."""
    if of == "system":
        return labels.canonical(system)
    named = server if of == "server" else office
    return labels.canonical("{0}-{1}".format({"server": "servidor", "office": "organo"}[of], named), where="source.repository")
