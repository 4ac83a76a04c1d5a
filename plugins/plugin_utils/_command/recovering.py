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
import subprocess
import sys
import threading
import unicodedata
from pathlib import Path
from typing import Any

from ...module_utils._engine.value_forms import seen
from . import running, telling
from .configured import Configuration
from .typed import Mistake

# Options of the verb that are the module's, and no variables of the playbook's role.
_PATHS = ("private_key_file", "custody", "directory", "vault")
_TEXTS = ("seal_key", "bitacora_sha256", "kit_sha256", "unvouched_reason")
_AS_TYPED = (*_TEXTS, "clock_confirmed", "bitacora_on_server")
MODULE = (*_PATHS, *_AS_TYPED)
_PARTLY = 71
# What `ansible` prints of the one task that it ran.
_ANSWER = re.compile(r"^localhost \| [A-Z]+!? =>\s(\{.*^\}|\{.*\})$", re.DOTALL | re.MULTILINE)
_WARNING = re.compile(r"^\[WARNING\]: (.*?)(?=^\[|^$|\Z)", re.DOTALL | re.MULTILINE)
_BY = {"custody": "lo prueba la custodia", "sha256": "tiene la huella que se indicó", "seal": "lo prueban los sellos", "bitacora": "lo prueba la bitácora",
       "nobody": "nadie responde por él"}


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
    telling.command("Equivale a:", ["ansible", *words[1:]])
    environment = running.environment(run, Configuration("", "", "", "", Path(), ""))
    # not here, where group_vars of the institution may lie, which the vault's password that is not there yet would have to open
    status, answer, said = _run(words, {**os.environ, **environment, "ANSIBLE_NOCOLOR": "true"}, collections)
    _tell(answer, said)
    if status or simulated or "unvouched_reason" not in given:
        return status
    following = ["ansible-playbook", "playbooks/recover.yml", "-i", "INVENTARIO", "-e", json.dumps(variables, ensure_ascii=False)]
    telling.beside("Revise lo que quedó aparte, póngalo en su lugar (cp -a) y siga:")
    telling.command("   ", following)
    return _PARTLY


def _name(path: str) -> str:
    """A name that a medium may have, of the last part of where it is mounted: without accents, and what else is none of a name's."""
    plain = unicodedata.normalize("NFKD", os.path.basename(os.path.abspath(path))).encode("ascii", "ignore").decode()
    return re.sub(r"^[ ._-]+|[^A-Za-z0-9 ._-]", "", plain)[:64] or "medio"


def _run(words: list[str], environment: dict[str, str], directory: str) -> tuple[int, str, str]:
    """Its status, its answer, and what it said to standard error; how far it is told as it comes."""
    with subprocess.Popen(words, env=environment, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", errors="replace") as process:
        beside, answer = list[str](), list[str]()
        reader = threading.Thread(target=lambda: beside.extend(process.stderr or ()), daemon=True)
        reader.start()
        for line in process.stdout or ():
            # some versions of Ansible tell an error before they give the answer that holds it
            if answer or line.startswith(("localhost | ", "[ERROR]")):
                answer.append(line)
            else:
                telling.out(seen(line.rstrip("\n")))
        reader.join()
    return process.returncode, "".join(answer), "".join(beside)


def _tell(answer: str, beside: str) -> None:
    """What the module answered, in Spanish; as Ansible printed it where that is not its form of an answer."""
    found = _ANSWER.search(answer)
    try:
        told = json.loads(found[1]) if found else None
    except ValueError:
        told = None
    if not isinstance(told, dict):
        if answer or beside:
            telling.out((answer + beside).rstrip("\n"))
        return
    for warning in _WARNING.findall(beside):
        telling.beside(seen(f"Aviso: {' '.join(warning.split())}"))
    error = told.get("error")
    if isinstance(error, dict):
        lines = [f"Falló   {error.get('code')}: {error.get('message_es') or error.get('message')}", f"    {error.get('remedy_es') or error.get('hint')}"]
    else:
        lines = [f"Falló   {told.get('msg')}"] if told.get("failed") else _lines(told)
    telling.out("\n".join(map(seen, lines)))


def _lines(told: dict[str, Any]) -> list[str]:
    vouched = told.get("vouched") or {}
    found = [f"{title}: {told[name]}{f' ({_BY[vouched[name]]})' if vouched.get(name) in _BY else ''}"
             for name, title in (("kit", "Maletín"), ("bitacora", "Bitácora")) if told.get(name)]
    if told.get("head_n"):
        sealed = f", con sello hasta el n.º {told['sealed_n']}" if told.get("sealed_n") else ""
        found.append(f"La cadena está íntegra: {told.get('entries')} asientos, último n={told['head_n']}{sealed}")
    found += [f"{'En su lugar' if vouched else 'Iría a su lugar'}: {path}" for path in told.get("placed") or ()]
    return found + [f"Quedó aparte: {path}" for path in told.get("unplaced") or ()]
