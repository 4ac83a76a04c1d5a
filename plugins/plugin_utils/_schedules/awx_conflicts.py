# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX has, or has not, for which it would refuse ours half-way: told before anything is touched, all of it at once. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...module_utils._engine.errors import BackupError
from .awx_objects import ASKING, COLLECTIONS, NAMED, RUNNING, STRANGERS, Plan
from .awx_settings import WHERE, refused

_GIT = "scm"
_REMOVED = ("job_templates", "workflow_job_templates")


def check(settings: Mapping[str, Any], made: Plan, there: Mapping[str, Mapping[str, Mapping[str, Any]]], absent: bool) -> None:
    """Raises BackupError RSP746, or RSP476 where something that is to be removed runs."""
    busy = sorted({str(row["name"]) for row in there[RUNNING].values() for collection in _REMOVED for name in made.unwanted[collection]
                   if row.get("unified_job_template") == there[collection][name]["id"]})
    if busy:
        raise BackupError("awx_busy", names=", ".join(busy))
    if absent:
        return
    told = [*_rights(made, there), *_strangers(made.names, there[STRANGERS]), *_named(settings, list(there.get(NAMED, {}).values()), there["credential_types"])]
    if told:
        raise refused("; ".join(english for english, _spanish in told), "; ".join(spanish for _english, spanish in told))


def _rights(made: Plan, there: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Iterator[tuple[str, str]]:
    """An organization, and a type of credential, are made by an administrator of all AWX; the rest by one of the organization."""
    if any(row.get("is_superuser") for row in there[ASKING].values()):
        return
    for collection in ("organizations", "credential_types"):
        for name in made.names[collection]:
            if name not in there[collection]:
                yield (f"AWX shows no {name} ({collection}) to who asks, and only an administrator of the whole AWX can make it. Run schedule.yml once as one",
                       f"AWX no muestra «{name}» ({COLLECTIONS[collection]}) a quien pregunta, y solo un administrador del sistema puede crearlo. Ejecute "
                       "schedule.yml una vez con la cuenta de uno")


def _strangers(ours: Mapping[str, Sequence[str]], strangers: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Modules of awx.awx look for these by name alone: of two they take neither, and one of another organization is not moved."""
    taken = {collection: [name for name in names if f"{collection}/{name}" in strangers] for collection, names in ours.items()}
    if any(taken.values()):
        english, spanish = (", ".join(f"{name} ({words[collection]})" for collection, names in taken.items() for name in names)
                            for words in ({name: name for name in COLLECTIONS}, COLLECTIONS))
        yield (f"{WHERE}.prefix: another organization of this AWX, or none, has {english}. Give a prefix of your own",
               f"{WHERE}.prefix: otra organización de este AWX, o ninguna, ya tiene {spanish}. Indique un prefix propio")


def _named(settings: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], types: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Of credentials that the inventory only names: there, one of each name, and one of each type in a template."""
    project = settings["project"].get("credential")
    for where, name in [("credentials", name) for name in settings.get("credentials", ())] + ([("project.credential", project)] if project else []):
        same = [row for row in rows if row["name"] == name]
        if len(same) != 1:
            yield (f"{WHERE}.{where}: AWX shows {len(same)} credentials {name} to who asks. Name one that there is once",
                   f"{WHERE}.{where}: AWX muestra {len(same)} credenciales «{name}» a quien pregunta. Nombre una que exista una sola vez")
        elif (same[0].get("kind") == _GIT) != (where != "credentials"):
            yield (f"{WHERE}.{where}: {name} is not of a type that fits here ({same[0].get('kind')})",
                   f"{WHERE}.{where}: «{name}» no es de un tipo que sirva aquí ({same[0].get('kind')})")
    taken = {key: f"{WHERE}.{each}" for each, key in (("vault", ("vault", "")), ("azure", ("azure_rm", ""))) if each in settings}
    if "bitacora" in settings:
        taken.update({(str(row["id"]), ""): f"{WHERE}.bitacora" for row in types.values()})
    for row in rows:
        if row["name"] not in settings.get("credentials", ()):
            continue
        vault = (row.get("inputs") or {}).get("vault_id", "") if row.get("kind") == "vault" else ""
        key = (str(row.get("kind") or row.get("credential_type")), vault)
        if key in taken:
            yield (f"{WHERE}.credentials: {row['name']} is of the same type as {taken[key]}, and AWX gives a template one of each (of vaults, one of each "
                   "vault_id)",
                   f"{WHERE}.credentials: «{row['name']}» es del mismo tipo que {taken[key]}, y AWX da a una plantilla una de cada uno (de vault, una de cada "
                   "vault_id)")
        taken.setdefault(key, str(row["name"]))
