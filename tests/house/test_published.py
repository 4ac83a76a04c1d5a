# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manners of a published collection: what the artifact carries, what it asks of an execution environment, its groups for module_defaults."""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
import tarfile
import textwrap
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

TOP = Path(__file__).resolve().parents[2]
OURS = "perucompras.respaldo"

# The options that a group is for: a module that has them all is in it, and nobody else.
SHARED = {
    "respaldo": set(),
    "policy": {"policy", "policy_file", "actors"},
    "making": {"media", "assigned_paths", "encryption", "lock_timeout", "minimum_size"},
    "opening": {"medium", "decryption"},
    "azure_backup": {"vaults"},
}


@functools.cache
def groups() -> dict[str, list[str]]:
    return yaml.safe_load((TOP / "meta" / "runtime.yml").read_text("utf-8"))["action_groups"]


@pytest.fixture(scope="module")
def documented() -> dict[str, dict[str, Any]]:
    names = sorted(f"{OURS}.{path.stem}" for path in (TOP / "plugins" / "modules").glob("[!_]*.py"))
    answer = subprocess.run(["ansible-doc", "--type", "module", "--json", *names], cwd=TOP, env={**os.environ, "ANSIBLE_CONFIG": str(TOP / "ansible.cfg")},
                            capture_output=True, text=True, check=True)
    return {name.rpartition(".")[2]: shown["doc"] for name, shown in json.loads(answer.stdout).items()}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The artifact unpacked where ansible-builder looks for collections; built of the files that git keeps, as they stand now."""
    directory = tmp_path_factory.mktemp("published")
    clone, tree = directory / "clone", directory / "ansible_collections/perucompras/respaldo"
    clone.mkdir()
    tree.mkdir(parents=True)
    kept = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=TOP, capture_output=True, check=True).stdout
    files = b"\0".join(name for name in kept.split(b"\0") if name and os.path.lexists(os.fsencode(TOP) + b"/" + name))
    archive = subprocess.run(["tar", "--create", "--null", "--no-recursion", "--files-from=-"], cwd=TOP, input=files, capture_output=True, check=True).stdout
    subprocess.run(["tar", "--extract"], cwd=clone, input=archive, check=True)
    subprocess.run(["ansible-galaxy", "collection", "build", "--output-path", str(directory)], cwd=clone, capture_output=True, check=True)
    with tarfile.open(next(directory.glob("perucompras-respaldo-*.tar.gz"))) as built:
        built.extractall(tree, filter="data")
    return tree


def test_a_group_holds_exactly_the_modules_that_share_its_options(documented: dict[str, dict[str, Any]]) -> None:
    assert groups().keys() == SHARED.keys()
    for name, members in groups().items():
        assert members == sorted(module for module, doc in documented.items() if SHARED[name] <= set(doc.get("options", {}))), name


def test_each_module_documents_the_groups_it_is_in(documented: dict[str, dict[str, Any]]) -> None:
    for module, doc in documented.items():
        told = doc["attributes"]["action_group"]["membership"]
        assert sorted(told) == sorted(f"{OURS}.{name}" for name, members in groups().items() if module in members), module


def test_the_artifact_carries_what_a_user_reads_and_nothing_of_developers(installed: Path) -> None:
    shipped = {path.name for path in installed.iterdir()}
    assert {"README.md", "CHANGELOG.rst", "LICENSE", "LICENSES", "REUSE.toml", "SECURITY.md", "CONTRIBUTING.md", "CODE_OF_CONDUCT.md", "docs"} <= shipped
    assert (installed / "docs/docsite/extra-docs.yml").exists() and (installed / "meta/execution-environment.yml").exists()
    assert (installed / "LICENSES/GPL-3.0-or-later.txt").read_text("utf-8") == (TOP / "LICENSE").read_text("utf-8")
    hidden = {name for name in shipped if name.startswith(".")}
    assert not hidden | ({"tests", "molecule", "tools", "collections", "build", "benchmarks", "AGENTS.md", "requirements-dev.txt"} & shipped)


def test_the_artifact_carries_the_pages_of_the_reports_with_all_their_parts(installed: Path) -> None:
    reports = "plugins/plugin_utils/_reports"
    kept = {path.name for path in (TOP / reports).iterdir() if path.is_file()}
    assert {path.name for path in (installed / reports).iterdir()} == kept
    assert {"board.html.j2", "board.css", "board.js", "paper.css"} <= kept


def test_the_change_list_of_the_artifact_tells_every_release(installed: Path) -> None:
    releases = yaml.safe_load((TOP / "changelogs" / "changelog.yaml").read_text("utf-8"))["releases"]
    told = re.findall(r"^v(\S+)\n=+$", (installed / "CHANGELOG.rst").read_text("utf-8"), re.MULTILINE)
    assert releases and sorted(told) == sorted(releases)
    assert yaml.safe_load((TOP / "galaxy.yml").read_text("utf-8"))["version"] in releases


def test_each_role_introduces_itself_to_galaxy_as_to_ansible_doc() -> None:
    for specification in sorted(TOP.glob("roles/*/meta/argument_specs.yml")):
        told = yaml.safe_load(specification.read_text("utf-8"))["argument_specs"]["main"]["short_description"]
        assert yaml.safe_load((specification.parent / "main.yml").read_text("utf-8"))["galaxy_info"]["description"] == told, specification
        assert (specification.parents[1] / "README.md").exists(), f"{specification}: run make docs"


def test_an_environment_with_this_collection_is_asked_for_ranges_only(installed: Path) -> None:
    """As `ansible-builder build` asks every collection of an environment, from the built artifact."""
    asked = subprocess.run(["ansible-builder", "introspect", str(installed.parents[2])], capture_output=True, text=True, check=True).stdout
    answer = yaml.safe_load(asked)
    answer = answer.get("collections", answer)
    python = [line.partition("#")[0].strip() for line in answer["python"]]
    assert python, asked
    for requirement in map(Requirement, python):
        assert not [one for one in requirement.specifier if one.operator in ("==", "===", "~=")], requirement
    assert {"git", "zstd"} <= {line.split()[0] for line in answer["system"]}


def test_our_own_pins_lie_within_the_ranges() -> None:
    def read(name: str) -> dict[str, Requirement]:
        lines = [line for line in (TOP / name).read_text("utf-8").splitlines() if line and not line.startswith("#")]
        return {requirement.name.lower(): requirement for requirement in map(Requirement, lines)}

    pinned = read("requirements-execution-environment.txt")
    for name, wanted in read("meta/ee-requirements.txt").items():
        version, = (one.version for one in pinned[name].specifier)
        assert wanted.specifier.contains(version), f"{wanted} leaves out {version}"
        assert wanted.extras == pinned[name].extras


def blocks(page: Path, language: str) -> list[str]:
    """The code blocks of a page in this language."""
    return [textwrap.dedent(block) for block in re.findall(rf"^\.\. code-block:: {language}\n\n((?:   .*\n|\n)+)", page.read_text("utf-8"), re.MULTILINE)]


def test_what_the_pages_of_the_docsite_show_can_be_run(documented: dict[str, dict[str, Any]]) -> None:
    pages, tasks, wrong = sorted((TOP / "docs/docsite/rst").glob("*.rst")), 0, []
    contents = yaml.safe_load((TOP / "docs/docsite/extra-docs.yml").read_text("utf-8"))["sections"]
    assert sorted(page.stem for page in pages) == sorted(name for section in contents for name in section["toctree"])
    for page in pages:
        wrong += [f"{page.name}: no playbook {name}" for block in blocks(page, "console") for name in re.findall(rf"ansible-playbook {OURS}\.(\w+)", block)
                  if not (TOP / "playbooks" / f"{name}.yml").exists()]
        for play in (play for block in blocks(page, "yaml") for play in (yaml.safe_load(block) if block.lstrip().startswith("- ") else [])):
            given = play.get("module_defaults", {})
            wrong += [f"{page.name}: no group {name}" for name in given if name.rpartition(".")[2] not in groups()]
            for task in play["tasks"]:
                tasks += 1
                module, = (key.rpartition(".")[2] for key in task if key.startswith(OURS))
                options = documented[module].get("options", {})
                defaults = {key for name, row in given.items() if module in groups()[name.rpartition(".")[2]] for key in row}
                has = set(task[f"{OURS}.{module}"] or {}) | defaults
                wrong += [f"{page.name}: {module} knows no {key}" for key in has - set(options)]
                wrong += [f"{page.name}: {module} lacks {key}" for key, option in options.items() if option.get("required") and key not in has]
    assert tasks and not wrong


def test_addresses_of_the_collection_are_true_or_absent() -> None:
    galaxy = yaml.safe_load((TOP / "galaxy.yml").read_text("utf-8"))
    invented = [key for key in ("repository", "issues", "documentation", "homepage") if re.search(r"example\.|localhost|\.invalid", galaxy.get(key) or "")]
    assert not invented
