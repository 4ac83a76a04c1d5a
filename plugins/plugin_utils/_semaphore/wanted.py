# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a schedule comes to in a project of Semaphore: its objects, each by its name, which says that it is ours. Pure.

Secrets stand in keys alone, which Semaphore keeps encrypted and never gives back. None goes into an environment: there, a secret of type `var` lands on the
command line of its task, for every account of the server to read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from .._schedules.purposes import PURPOSES
from .._schedules.questions import Form
from . import declaring
from .surveys import SURVEYS, survey

PREFIX = "respaldo: "
PROJECT = "Respaldo"
KEYS, REPOSITORIES, INVENTORY, ENVIRONMENT, TEMPLATES, SCHEDULES = "keys", "repositories", "inventory", "environment", "templates", "schedules"
# As they are made; removed the other way round.
KINDS = (KEYS, REPOSITORIES, INVENTORY, ENVIRONMENT, TEMPLATES, SCHEDULES)
_WITHOUT = PREFIX + "sin clave"
_MARK = "Se declara en el inventario (backup_semaphore, backup_schedule) y se pone con schedule.yml: no se edita aquí."


class Reference(NamedTuple):
    """Another object of ours, whose number is known once it is made."""

    kind: str
    name: str


class Thing(NamedTuple):
    """One object. `fields` are told and compared; `secret` is only told, and never read back."""

    kind: str
    name: str
    fields: Mapping[str, Any]
    secret: Mapping[str, Any] = {}


def things(declared: Mapping[str, Any], crons: Mapping[str, str]) -> list[Thing]:
    """All that the project has of ours; `crons` by purpose."""
    keys = [_key(row) for row in declared.get("keys", ())]
    repository, environment = declared["repository"], Thing(ENVIRONMENT, PREFIX + "entorno", {
        "json": "{}", "env": json.dumps(dict(sorted(declared.get("environment", {}).items())), ensure_ascii=False)})
    found = [Thing(KEYS, _WITHOUT, {"type": declaring.NONE}), *keys, environment]
    found.append(Thing(REPOSITORIES, PREFIX + "repositorio", {
        "git_url": repository["url"], "git_branch": repository.get("branch", "main"), "ssh_key_id": _of_key(repository.get("key"))}))
    found.append(Thing(INVENTORY, PREFIX + "inventario", {
        "inventory": declared["inventory"], "type": "file", "ssh_key_id": _of_key(declared.get("ssh_key")),
        **({"become_key_id": _of_key(declared["become_key"])} if "become_key" in declared else {})}))
    for purpose, cron in crons.items():
        name = PREFIX + PURPOSES[purpose].title
        found.append(_template(declared, name, PURPOSES[purpose].playbook, f"Propósito {purpose}. {_MARK}", (), ()))
        found.append(Thing(SCHEDULES, name, {"cron_format": cron, "active": True, "template_id": Reference(TEMPLATES, name)}))
    for name in SURVEYS:
        if name in declared.get("surveys", tuple(SURVEYS)):
            found.append(_asking(declared, SURVEYS[name]))
    return sorted(found, key=lambda each: KINDS.index(each.kind))


def is_ours(row: Mapping[str, Any]) -> bool:
    return str(row.get("name", "")).startswith(PREFIX)


def _key(row: Mapping[str, Any]) -> Thing:
    told = {name: row[name] for name in ("login", "password", "private_key") if name in row}
    return Thing(KEYS, PREFIX + row["name"], {"type": row["type"]}, {row["type"]: {"login": "", **told}})


def _of_key(name: str | None) -> Reference:
    return Reference(KEYS, PREFIX + name if name else _WITHOUT)


def _asking(declared: Mapping[str, Any], form: Form) -> Thing:
    arguments = [word for name, value in form.fixed.items() for word in ("--extra-vars", f"{name}={value}")]
    return _template(declared, PREFIX + form.short, form.playbook, f"{form.title}. Se inicia a mano. {_MARK}", arguments, survey(form.questions))


def _template(declared: Mapping[str, Any], name: str, playbook: str, description: str, arguments: Iterable[str], asked: Iterable[Mapping[str, Any]]) -> Thing:
    vaults = [{"vault_key_id": _of_key(each["key"]), "name": each.get("id", "default"), "type": "password"} for each in declared.get("vaults", ())]
    return Thing(TEMPLATES, name, {
        "app": "ansible", "playbook": f"{declared.get('playbooks', 'playbooks')}/{playbook}.yml", "description": description,
        "arguments": json.dumps(list(arguments)), "allow_override_args_in_task": False, "survey_vars": list(asked), "vaults": vaults,
        "inventory_id": Reference(INVENTORY, PREFIX + "inventario"), "repository_id": Reference(REPOSITORIES, PREFIX + "repositorio"),
        "environment_id": Reference(ENVIRONMENT, PREFIX + "entorno")})
