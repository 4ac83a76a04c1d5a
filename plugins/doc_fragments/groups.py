# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The groups of meta/runtime.yml that a module is in, for module_defaults; one fragment for each combination."""

from __future__ import annotations


class ModuleDocFragment:

    RESPALDO = r"""
options: {}
attributes:
  action_group:
    description:
      - Use C(group/perucompras.respaldo.respaldo) in C(module_defaults) to set defaults for this module.
      - Ansible gives them to all modules of a group. Give only options that the modules of the same block or play know.
    support: full
    membership:
      - perucompras.respaldo.respaldo
"""

    POLICY = r"""
options: {}
attributes:
  action_group:
    description:
      - Use C(group/perucompras.respaldo.policy) in C(module_defaults) to set defaults for this module and for those that share its options.
      - C(group/perucompras.respaldo.respaldo) is all modules of the collection.
    support: full
    membership:
      - perucompras.respaldo.respaldo
      - perucompras.respaldo.policy
"""

    MAKING = r"""
options: {}
attributes:
  action_group:
    description:
      - Use C(group/perucompras.respaldo.making) in C(module_defaults) to set defaults for this module and for those that share its options.
      - C(group/perucompras.respaldo.respaldo) is all modules of the collection.
    support: full
    membership:
      - perucompras.respaldo.respaldo
      - perucompras.respaldo.making
"""

    OPENING = r"""
options: {}
attributes:
  action_group:
    description:
      - Use C(group/perucompras.respaldo.opening) in C(module_defaults) to set defaults for this module and for those that share its options.
      - C(group/perucompras.respaldo.respaldo) is all modules of the collection.
    support: full
    membership:
      - perucompras.respaldo.respaldo
      - perucompras.respaldo.opening
"""

    AZURE_BACKUP = r"""
options: {}
attributes:
  action_group:
    description:
      - Use C(group/perucompras.respaldo.azure_backup) in C(module_defaults) to set defaults for this module and for those that share its options.
      - C(group/perucompras.respaldo.respaldo) is all modules of the collection.
    support: full
    membership:
      - perucompras.respaldo.respaldo
      - perucompras.respaldo.policy
      - perucompras.respaldo.azure_backup
"""
