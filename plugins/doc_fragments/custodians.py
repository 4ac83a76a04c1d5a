# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the modules that ask all custodians of passwords; what a custodian may have: backup_plan."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  custodians:
    description:
      - The custodians of passwords, as in M(perucompras.respaldo.backup_plan). They may hold identities; nothing of that is returned.
      - Empty takes O(directory) alone.
    type: raw
    default: []
  directory:
    description: A directory of the controller that stands for one custodian of type V(vault_file), named C(directorio).
    type: path
    default: ""
"""
