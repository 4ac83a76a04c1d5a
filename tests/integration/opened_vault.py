# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `ansible-vault view` shows of a file, by the same code of Ansible's, without a process of almost a second for each."""

from __future__ import annotations

import json
from pathlib import Path

from ansible.constants import DEFAULT_VAULT_ID_MATCH
from ansible.parsing.vault import VaultLib, VaultSecret


def opened(file, password_file):
    """The JSON of an encrypted file, with the password that a file has."""
    secret = VaultSecret(Path(password_file).read_bytes().strip())
    return json.loads(VaultLib([(DEFAULT_VAULT_ID_MATCH, secret)]).decrypt(Path(file).read_bytes()))
