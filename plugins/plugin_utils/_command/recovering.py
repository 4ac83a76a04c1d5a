# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`respaldo recuperar`: the one verb that begins without an inventory, since it is what brings the inventory back. It runs the module backup_recover by itself;
the playbook that follows finds the configuration and the inventory that came back with it.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any

from . import running
from .configured import Configuration
from .typed import Mistake

# Options of the verb that are the module's, and no variables of the playbook's role.
_PATHS = ("private_key_file", "custody", "directory", "vault")
_TEXTS = ("seal_key", "bitacora_sha256", "kit_sha256", "unvouched_reason")
_AS_TYPED = (*_TEXTS, "clock_confirmed", "bitacora_on_server")
MODULE = (*_PATHS, *_AS_TYPED)
_PARTLY = 71


def lay_out(variables: dict[str, Any], collections: str, simulated: bool) -> int:
    """Lay out what the medium has of the lost controller; takes its own options out of `variables`. The exit status. Raises Mistake."""
    taken = {name: variables.pop(name) for name in MODULE if name in variables}
    path = variables.get("recover_mounted", "")
    if not path or ("private_key_file" in taken) == ("custody" in taken):
        raise Mistake("«recuperar» necesita --medio RUTA, y con qué se abre: --llave ARCHIVO o --custodia RUTA, no ambas. Vea: respaldo recuperar --help")
    for name, option in (("recover_reason", "motivo"), ("recover_authority", "documento")):
        if name not in variables:
            raise Mistake(f"«recuperar» necesita --{option}: queda en la bitácora. Vea: respaldo recuperar --help")
    vault = taken.pop("vault", "")
    given = {"medium": {"name": _name(path), "path": os.path.abspath(path)},
             **{name: each if name in _AS_TYPED else os.path.abspath(each) for name, each in taken.items()}}
    if os.path.isfile(given.get("custody", "")):
        # of services: read by Ansible, which opens what its vault encrypted, so that no secret of theirs is a word of a command
        given["custody"] = "{{ lookup('ansible.builtin.file', %s) | from_yaml }}" % json.dumps(given["custody"])
    variables["recover_mounted"] = [os.path.abspath(path)]
    beside = Path(sys.executable).with_name("ansible")
    words = [str(beside) if beside.exists() else "ansible", "localhost", "-m", "perucompras.respaldo.backup_recover",
             "-a", json.dumps(given, ensure_ascii=False), *(["--vault-password-file", vault] if vault else []), *(["--check"] if simulated else [])]
    run = running.Run(Path(), [], {}, collections)
    print(f"Equivale a: {shlex.join(['ansible', *words[1:]])}", file=sys.stderr, flush=True)
    environment = running.environment(run, Configuration("", "", "", "", Path(), ""))
    # not here, where group_vars of the institution may lie, which the vault's password that is not there yet would have to open
    status = subprocess.run(words, env={**os.environ, **environment}, cwd=collections, check=False).returncode
    if status or simulated or "unvouched_reason" not in given:
        return status
    following = ["ansible-playbook", "playbooks/recover.yml", "-i", "INVENTARIO", "-e", json.dumps(variables, ensure_ascii=False)]
    print(f"Revise lo que quedó aparte, póngalo en su lugar (cp -a) y siga: {shlex.join(following)}", file=sys.stderr, flush=True)
    return _PARTLY


def _name(path: str) -> str:
    """A name that a medium may have, of the last part of where it is mounted: without accents, and what else is none of a name's."""
    plain = unicodedata.normalize("NFKD", os.path.basename(os.path.abspath(path))).encode("ascii", "ignore").decode()
    return re.sub(r"^[ ._-]+|[^A-Za-z0-9 ._-]", "", plain)[:64] or "medio"
