# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds, sources, media and custodians have names in several rooms, which may not import one another: who adds one and forgets a room is told here.

docs/extending.md lists the files of each addition.
"""

from __future__ import annotations

import functools
import importlib
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.perucompras.respaldo.plugins.doc_fragments import backup, source, storage
from ansible_collections.perucompras.respaldo.plugins.module_utils import _files_options, _options, _source_options
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine import result
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.media import catalogue as media
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.policy import places, systems, vocabulary
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources import catalogue as sources
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources import of_databases
from ansible_collections.perucompras.respaldo.plugins.plugin_utils import _custodians
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import view

TOP = Path(__file__).resolve().parents[2]
KINDS = set(vocabulary.KINDS)
ALL_KINDS = set(result.KINDS)
SOURCES = set(systems.SOURCES) - set(vocabulary.COPIED_BY_A_TOOL)
PLAN = (TOP / "plugins/modules/backup_plan.py").read_text("utf-8")


def option(fragment: str, *path: str) -> dict[str, Any]:
    found = yaml.safe_load(fragment)["options"][path[0]]
    for name in path[1:]:
        found = found["suboptions"][name]
    return found


@functools.cache
def specifications() -> list[dict[str, Any]]:
    """Each entry point of each role: read once for all endings that are asked for."""
    return [entry for path in TOP.glob("roles/*/meta/argument_specs.yml")
            for entry in yaml.safe_load(path.read_text("utf-8"))["argument_specs"].values()]


def of_roles(ending: str) -> dict[str, set[str]]:
    """The choices of each role's option whose name ends so."""
    found = {}
    for entry in specifications():
        found.update({name: set(each["choices"]) for name, each in entry.get("options", {}).items() if name.endswith(ending) and "choices" in each})
    return found


# -- kinds --------------------------------------------------------------------------------------------------------------

def test_a_kind_has_its_words_wherever_it_is_read() -> None:
    gate = re.search(r"^KINDS = \((.+)\)$", (TOP / "roles/append_only_medium/files/gate.py").read_text("utf-8"), re.MULTILINE)
    assert gate is not None
    told = {
        "policy/vocabulary.py": KINDS, "EGCR_OF_KIND": set(vocabulary.EGCR_OF_KIND), "_bitacora/view.py": set(view.KINDS),
        "gate.py": set(re.findall(r'"(\w+)"', gate[1])), "doc_fragments/backup.py": set(option(backup.ModuleDocFragment.KIND, "kind")["choices"]),
        "hold_kind": of_roles("_kind")["hold_kind"], "excuse_kind": of_roles("_kind")["excuse_kind"],
    }
    assert told == dict.fromkeys(told, ALL_KINDS)


def test_a_kind_that_is_copied_has_sources_a_role_a_playbook_and_rules() -> None:
    policy = yaml.safe_load((TOP / "policies/manual-001-2019.yml").read_text("utf-8"))
    site = yaml.safe_load((TOP / "playbooks/site.yml").read_text("utf-8"))[0]["roles"]
    told = {
        "SOURCE_TYPES": set(vocabulary.SOURCE_TYPES), "roles/": {kind for kind in ALL_KINDS if (TOP / "roles" / kind).is_dir()},
        "playbooks/": {kind for kind in ALL_KINDS if (TOP / "playbooks" / f"{kind}.yml").exists()}, "common_kind": of_roles("_kind")["common_kind"],
        "restore_kind": of_roles("_kind")["restore_kind"], "site.yml": {role["role"].rpartition(".")[2] for role in site},
        "the manual": set(policy["kinds"]) & KINDS,
    }
    assert told == dict.fromkeys(told, KINDS)


# -- sources ------------------------------------------------------------------------------------------------------------

def test_a_source_has_its_name_wherever_it_is_read() -> None:
    assert set().union(*vocabulary.SOURCE_TYPES.values()) == set(systems.SOURCES)
    databases = set(of_databases.TYPES)
    assert databases == set(_source_options.DATABASE_SOURCE["type"]["choices"]) == set(option(source.ModuleDocFragment.DATABASE, "source", "type")["choices"])
    assert databases == set(vocabulary.SOURCE_TYPES["database"])
    with pytest.raises(BackupError) as refused:
        sources.build("none of ours", {})
    assert set(re.findall(r"\w+", refused.value.details["mend"].partition(":")[2])) == SOURCES
    assert [name for name in sorted(systems.SOURCES) if f"V({name})" not in PLAN] == [], "backup_plan tells what a source of this type takes"


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_what_the_inventory_may_say_of_a_source_is_an_option_of_the_modules_that_read_it(name: str) -> None:
    specification = {"git": _source_options.GIT_SOURCE, "paths": _source_options.PATHS_SOURCE, "restic": _files_options.FILES_SOURCE,
                     "imap": _source_options.MAILBOX_SOURCE, "graph": _source_options.MAILBOX_SOURCE}.get(
        name, _source_options.DATABASE_SOURCE)
    form = systems.SOURCES[name]
    keys = {key for cell in form.__closure__ or () if isinstance(cell.cell_contents, dict) for key in cell.cell_contents}
    assert keys >= {"type"}
    assert keys <= set(specification) and keys <= set(_files_options.any_source()["options"])


def test_packages_are_those_of_sources_and_formats() -> None:
    packages = yaml.safe_load((TOP / "roles/common/vars/main.yml").read_text("utf-8"))["__common_packages"]
    for manager, rows in packages.items():
        assert set(rows) <= SOURCES | set(vocabulary.ENCRYPTION_FORMATS) | {"all"}, manager


# -- media and custodians ---------------------------------------------------------------------------------------------------

def test_a_medium_has_its_name_wherever_it_is_read() -> None:
    problems: list[Any] = []
    places.medium({"name": "x", "type": "none of ours"}, "medium", problems)
    told = set(_options.MEDIA["media"]["options"]["type"]["choices"])
    for fragment, *path in ((storage.ModuleDocFragment.MEDIA, "media", "type"), (storage.ModuleDocFragment.MEDIUM, "medium", "type")):
        assert set(option(fragment, *path)["choices"]) == told
    assert set(re.findall(r"\w+", problems[0].mend.partition(":")[2])) == told
    with pytest.raises(BackupError) as refused:
        media.build({"name": "x", "type": "none of ours"})
    assert {name for name in told if name in refused.value.details["mend"]} == told


def test_a_custodian_has_its_name_wherever_it_is_read() -> None:
    names = set(places.CUSTODIANS)
    assert names == set(places._CUSTODIANS)
    files = {path.stem for path in Path(_custodians.__file__).parent.glob("*.py")} - {"__init__", "base", "custody", "entrusted", "rest", "seals", "shared"}
    assert names == files
    for name in names:
        module = importlib.import_module(f"{_custodians.__name__}.{name}")
        own = [each for each in vars(module).values() if isinstance(each, type) and each.__module__ == module.__name__]
        assert [each.TYPE for each in own if hasattr(each, "TYPE")] == [name]
    assert [name for name in sorted(names) if f"V({name})" not in PLAN] == []
