# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible sends to a server for each module of the collection that ANSIBLE_COLLECTIONS_PATH names, built as an action of Ansible builds it.

    python payload.py DIRECTORY [MODULE...]

Writes the payloads, without arguments, to DIRECTORY and prints {module: [bytes, CPU seconds of building it]} as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from ansible import constants
from ansible.executor.module_common import modify_module
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader, module_loader
from ansible.template import Templar

COLLECTION = "perucompras.respaldo."
SERVERS_PYTHON = "/usr/bin/python3"


def sent(plugins: Path) -> list[str]:
    """The modules that run on servers. The others are actions of the controller: of them only the documentation is a module."""
    return sorted(path.stem for path in (plugins / "modules").glob("*.py") if "module_utils" in path.read_text("utf-8"))


def build(module: str) -> tuple[bytes, float]:
    """A payload and the CPU seconds that it took to build; a second one of the same play comes from Ansible's cache."""
    path = module_loader.find_plugin_with_context(COLLECTION + module).plugin_resolved_path
    began = time.process_time()
    built = modify_module(
        module_name=COLLECTION + module, module_path=path, module_args={}, templar=Templar(loader=DataLoader()),
        task_vars={"ansible_python_interpreter": SERVERS_PYTHON}, module_compression=constants.config.get_config_value("DEFAULT_MODULE_COMPRESSION"))
    return built.b_module_data, time.process_time() - began


def main() -> None:
    directory, names = Path(sys.argv[1]), sys.argv[2:]
    init_plugin_loader()
    first = module_loader.find_plugin_with_context(COLLECTION + "backup_publish").plugin_resolved_path
    build("backup_publish")      # what the first one loads of Ansible is no module's own
    told = {}
    for module in names or sent(Path(first).parents[1]):
        if module == "backup_publish":
            for cached in Path(constants.DEFAULT_LOCAL_TMP, "ansiballz_cache").glob("*"):
                cached.unlink()
        data, seconds = build(module)
        (directory / module).write_bytes(data)
        told[module] = [len(data), seconds]
    print(json.dumps(told))


if __name__ == "__main__":
    main()
