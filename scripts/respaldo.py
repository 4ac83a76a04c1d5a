# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What scripts/respaldo starts: the collection's playbooks by Spanish verbs. What it does is in plugins/plugin_utils/_command; this finds the collection and a
Python that has Ansible: the one that runs this, or that of the checkout (.venv, .venv-dev).
"""

import importlib.util
import os
import sys

_NEEDED = ("ansible", "ansible_runner")


def _collections(top):
    """The directory that holds ansible_collections, above an installed collection or inside a checkout; None in neither."""
    inside = os.path.join(top, "collections")
    if os.path.isdir(os.path.join(inside, "ansible_collections", "perucompras", "respaldo", "plugins")):
        return inside
    above = os.path.dirname(os.path.dirname(os.path.dirname(top)))
    return above if os.path.realpath(os.path.join(above, "ansible_collections", "perucompras", "respaldo")) == top else None


def main():
    top = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
    if any(importlib.util.find_spec(name) is None for name in _NEEDED):
        for environment in (".venv", ".venv-dev"):
            python = os.path.join(top, environment, "bin", "python")
            if os.access(python, os.X_OK) and os.path.abspath(sys.executable) != python:
                os.execv(python, [python, os.path.realpath(__file__), *sys.argv[1:]])
        print("respaldo: el Python {0} no tiene {1}. Instale requirements.txt de la colección en él, o en un entorno, y ejecute con su Python.".format(
            sys.executable, " ni ".join(_NEEDED)), file=sys.stderr)
        return 78
    found = _collections(top)
    if found is None:
        print("respaldo: {0} no está en un directorio ansible_collections. Instale la colección con ansible-galaxy.".format(top), file=sys.stderr)
        return 78
    sys.path.insert(0, found)
    from ansible_collections.perucompras.respaldo.plugins.plugin_utils._command import main as command
    return command.main(sys.argv[1:], found)


if __name__ == "__main__":
    sys.exit(main())
