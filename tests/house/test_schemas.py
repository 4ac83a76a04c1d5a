# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON Schemas for editors say what the validator says: what it takes they take, and of the form of a mistake they say where it is."""

from __future__ import annotations

import copy
import datetime
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from plugins.module_utils._engine.policy import people, places, schema
from plugins.module_utils._engine.policy.systems import SYSTEM

TOP = Path(__file__).resolve().parents[2]
INVENTORY = json.loads((TOP / "docs/schemas/inventario.json").read_text("utf-8"))
POLICY = json.loads((TOP / "docs/schemas/politica.json").read_text("utf-8"))
SYSTEMS = {"name": "SIGA", "kind": "database", "criticality": "alta", "office": "OTI", "source": {"type": "postgresql", "databases": ["siga"]}}


class Loader(yaml.SafeLoader):
    """As an editor reads a file: a day is a text, and a tag of Ansible's what stands behind it."""


Loader.add_constructor("tag:yaml.org,2002:timestamp", lambda loader, node: loader.construct_scalar(node))
Loader.add_constructor("!vault", lambda loader, node: loader.construct_scalar(node))


def where(found: dict[str, Any], by: dict[str, Any] = INVENTORY) -> list[str]:
    """Where the mistakes are, as an editor shows them."""
    def deepest(errors: Any) -> list[str]:
        return [line for error in errors for line in (deepest(error.context) if error.context else [".".join(map(str, error.absolute_path))])]
    return deepest(jsonschema.Draft7Validator(by).iter_errors(found))


@pytest.mark.parametrize("path", sorted([*TOP.glob("inventories/example/*_vars/**/*.yml"), *TOP.glob("inventories/local/*_vars/*.yml")]),
                         ids=lambda path: str(path.relative_to(TOP)))
def test_our_own_inventories_are_in_order(path: Path) -> None:
    assert where(yaml.load(path.read_text("utf-8"), Loader) or {}) == []


def test_the_manual_is_in_order() -> None:
    manual = yaml.load((TOP / "policies/manual-001-2019.yml").read_text("utf-8"), Loader)
    assert where(manual, POLICY) == []
    assert where({**manual, "working_hours": {**manual["working_hours"], "from": "8"}}, POLICY) == ["working_hours.from"]


def mistakes() -> list[tuple[str, dict[str, Any]]]:
    """Of each the path of its key, and a system with it."""
    found = []
    for path, value in (("name", ""), ("name", 3), ("kind", "databse"), ("criticality", "crítica"), ("office", None), ("source.databases", 5),
                        ("source.port", "5432"), ("source.port", 0), ("source.globals", "yes"), ("source.scratch_server", {"hots": "x"}), ("media", []),
                        ("media", "nas"), ("minimum_size", -1), ("enabled", "sí"), ("responsible", [{"name": "Ana"}]), ("source.bin_dir", "usr/bin")):
        system = copy.deepcopy(SYSTEMS)
        at: Any = system
        *above, last = path.split(".")
        for name in above:
            at = at[name]
        at[last] = value
        found.append((path, system))
    return found


@pytest.mark.parametrize("path, system", mistakes(), ids=lambda each: each if isinstance(each, str) else str(each)[:60])
def test_what_the_validator_refuses_the_schema_shows_where_it_is(path: str, system: dict[str, Any]) -> None:
    problems: list[schema.Problem] = []
    SYSTEM(system, "backup_systems[0]", problems)
    assert problems and problems[0].where.startswith(f"backup_systems[0].{path}")
    assert any(each.startswith(f"backup_systems.0.{path}") for each in where({"backup_systems": [system]})), where({"backup_systems": [system]})


def test_an_unknown_key_and_a_missing_one_are_shown() -> None:
    assert where({"backup_systems": [{**SYSTEMS, "critcality": "alta"}]}) == ["backup_systems.0"]
    assert where({"backup_systems": [{name: value for name, value in SYSTEMS.items() if name != "office"}]}) == ["backup_systems.0"]
    assert where({"backup_media": [{"name": "nas", "path": "/srv", "hots": "nas"}]}) == ["backup_media.0"]
    assert where({"backup_custodians": [{"name": "boveda", "type": "hashicorp_vault"}]}) == ["backup_custodians.0"]
    assert where({"backup_schedule": {"copies": {"at": "25:00"}}}) == ["backup_schedule.copies.at"]


def test_a_template_may_stand_anywhere() -> None:
    told = {"backup_systems": "{{ siga_systems + otros }}", "backup_media": [{"name": "nas", "path": "{{ raiz }}/copias", "port": "{{ puerto }}",
                                                                              "host": "nas.example.org"}]}
    assert where(told) == []
    assert where({"backup_systems": [{**SYSTEMS, "enabled": "{{ activo }}", "source": {"type": "postgresql", "databases": "{{ bases }}"}}]}) == []


def test_each_type_of_source_medium_and_custodian_has_its_own_keys() -> None:
    assert not where({"backup_systems": [{**SYSTEMS, "source": {"type": "sqlite", "path": "/srv/x.sqlite"}}]})
    assert where({"backup_systems": [{**SYSTEMS, "source": {"type": "sqlite", "databases": ["x"]}}]})
    assert not where({"backup_media": [{"name": "nube", "type": "azure_blob", "storage_account_name": "copias", "container": "copias"}]})
    assert where({"backup_media": [{"name": "nube", "type": "azure_blob", "path": "/srv"}]})


def test_a_day_is_written_with_or_without_quotes() -> None:
    told = {"titular": [{"name": "Ana", "from": "2026-01-02"}]}
    assert where({"backup_actors": {"egcr": {"database": told}}}) == []
    problems: list[schema.Problem] = []
    people.actors({"egcr": {"database": {"titular": [{"name": "Ana", "from": datetime.date(2026, 1, 2)}]}}}, "a", problems)
    places.medium({"name": "nas", "path": "/srv"}, "m", problems)
    assert problems == []
