# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task sends to its server: all that its module imports anywhere, since Ansible packs that anew for each play. A verb carries what it needs."""

from __future__ import annotations

import ast
import functools
from pathlib import Path

import pytest
import trees

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"
MODULES = sorted(path.stem for path in (PLUGINS / "modules").glob("*.py") if "module_utils" in path.read_text("utf-8"))
# of each module the sources that it reads; those that open copies of every kind carry all
SOURCES = {
    "backup_database": {"command", "databases", "mariadb", "of_databases", "postgresql", "sqlite"},
    "backup_git": {"git", "of_git"}, "backup_git_info": {"git", "of_git"},
    "backup_archive": {"of_paths", "paths"}, "backup_archive_info": {"of_paths", "paths"},
    "backup_mailbox": {"graph", "imap", "mailbox_assertion", "mailbox_tokens", "of_mailboxes", "web"},
    "backup_files": {"of_files", "restic"},
    "backup_publish": set(), "shared_folder": set(), "shared_folder_info": set(), "azure_blob_upload": set(), "azure_blob_download": set(),
}
SHARED = {"__init__", "base", "given", "placing", "snapshots", "trees", "attributes"}


@functools.cache
def imports(path: Path) -> list[ast.ImportFrom]:
    """A file's relative imports; most files are carried by most modules, and read once."""
    return [node for node in trees.nodes(path) if isinstance(node, ast.ImportFrom) and node.level]


def carried(module: str) -> set[Path]:
    """The files of ours that a module imports, at its top or anywhere in it, and what these import. Fails for one that is not there."""
    found: set[Path] = set()
    pending = [PLUGINS / "modules" / (module + ".py")]
    while pending:
        path = pending.pop()
        if path in found:
            continue
        found.add(path)
        for node in imports(path):
            base = path.parents[node.level - 1].joinpath(*(node.module or "").split(".")) if node.module else path.parents[node.level - 1]
            if base.is_dir():
                inner = [base / (alias.name + ".py") for alias in node.names if not (base / alias.name).is_dir()]
            else:
                inner = [base.with_suffix(".py")]
            missing = [each for each in inner if not each.is_file()]
            assert not missing, "{0} imports what is not there: {1}".format(path.name, missing)
            pending += inner
    return found


def own(module: str) -> set[str]:
    return {path.stem for path in carried(module) if path.parent.name == "sources"} - SHARED


@pytest.mark.parametrize("module", sorted(SOURCES))
def test_a_module_carries_the_sources_it_reads_and_no_other(module: str) -> None:
    told = own(module)
    assert {name for name in told if name.split("_")[0] not in SOURCES[module] and name not in SOURCES[module]} == set()
    assert SOURCES[module] <= told


@pytest.mark.slow
@pytest.mark.parametrize("module", [name for name in MODULES if not name.startswith("shared_folder")])
def test_what_a_module_imports_is_there_and_what_only_the_controller_judges_stays_there(module: str) -> None:
    names = {path.stem for path in carried(module)}
    assert names >= ({"system_path"} if module == "backup_tools_info" else {"errors"})      # which only looks, each night: it carries no more
    names |= {path.parent.name for path in carried(module)}
    assert not names & {"policy", "lifecycle", "schema"}, "the policy is judged on the controller; only folders are judged there too"


def test_what_gives_a_name_is_half_of_what_restores() -> None:
    size = {module: sum(path.stat().st_size for path in carried(module)) for module in ("backup_publish", "backup_restore")}
    assert size["backup_publish"] < 0.55 * size["backup_restore"], size
