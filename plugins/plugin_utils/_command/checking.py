# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Before `respaldo comprobar` runs its playbook: the inventory's files, since of one that Ansible can't read it tells neither file nor line, and ends."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .._checking import files, findings
from .configured import Configuration, Unusable


def before(configuration: Configuration, variables: Mapping[str, Any]) -> str:
    """What keeps Ansible from reading the inventory, as text for people; "" when nothing does. It is also written where the report was asked for."""
    known = files.look([configuration.inventory], _opens(configuration.vault) if configuration.vault else None)
    if not known.stops:
        return ""
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    told = findings.document(findings.together(known.findings), {
        "institution": "", "checked_at": now, "inventories": [configuration.inventory], "servers": 0, "systems": 0})
    if variables.get("check_json"):
        put(str(variables["check_json"]), json.dumps(told, ensure_ascii=False, indent=2) + "\n")
    if variables.get("check_html"):
        from .._reports import pages  # only who asks for a page pays for it

        put(str(variables["check_html"]), pages.fill("check.html.j2", told=told, ending=findings.ending(told), title="Comprobación"))
    return findings.text(told) + "\nMientras Ansible no pueda leer el inventario, lo demás no se puede comprobar."


def put(path: str, content: str) -> None:
    """Write a file that somebody asked for. Raises Unusable."""
    from ...module_utils._engine.errors import BackupError
    from .._reports import files as reports

    try:
        reports.put(Path(path).absolute(), content.encode("utf-8"), False, stays=False)
    except BackupError as error:
        raise Unusable(f"{error.code}: {error.spanish}. {error.remedy}") from None


def _opens(vault: str) -> files.Opens:
    """By the password that the configuration names, a file's or what a program of that name prints."""
    from ansible.errors import AnsibleError
    from ansible.parsing.dataloader import DataLoader
    from ansible.parsing.vault import VaultLib, get_file_vault_secret

    label, at, path = vault.rpartition("@")
    try:
        secret = get_file_vault_secret(filename=path, vault_id=label if at else "default", loader=DataLoader())
        secret.load()
    except AnsibleError as error:
        raise Unusable(f"El archivo de la contraseña de vault {path} no sirve: {str(error).splitlines()[0]}. Corrija «contrasena_de_vault».") from None
    library = VaultLib([(label if at else "default", secret)])

    def opens(written: str) -> str:
        try:
            return bytes(library.decrypt(written)).decode("utf-8")
        except (AnsibleError, UnicodeDecodeError) as error:
            raise ValueError from error

    return opens
