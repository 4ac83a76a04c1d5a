# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two servers, of which one was taken over: its Python runs the true modules, keeps what it is given, and changes what they answer."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from ansible.constants import DEFAULT_VAULT_ID_MATCH
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultSecret
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._custodians import custody
from failures.house import VAULT_PASSWORD, House

# `lies` beside it: by module, what is put over the answer; a text there is the whole answer. "backup." is put over the entry.
PYTHON = r"""#!{python}
import json, os, re, subprocess, sys
here = {here!r}
given = sys.stdin.buffer.read()
with open(os.path.join(here, "given"), "ab") as file:
    file.write(given + " ".join(sys.argv).encode() + b"\n")
done = subprocess.run([sys.executable, *sys.argv[1:]], input=given, stdout=subprocess.PIPE)
named = re.search(rb"respaldo[./]plugins[./]modules[./](\w+)", given)
said = done.stdout
try:
    with open(os.path.join(here, "lies")) as file:
        lie = json.load(file).get(named.group(1).decode() if named else "")
    if isinstance(lie, str):
        said = lie.encode()
    elif lie:
        answer = json.loads(said)
        for name, value in lie.items():
            if name.startswith("backup."):
                answer.setdefault("backup", {{}})[name[7:]] = value
            else:
                answer[name] = value
        said = json.dumps(answer).encode()
except (OSError, ValueError):
    pass
sys.stdout.buffer.write(said)
sys.stdout.flush()
sys.exit(done.returncode)
"""


class Trust(House):
    """The institution: SIGA on `bd1`, WEB on `evil`, each with its own passwords in one custody."""

    def begin_with(self, *more: str, **variables: Any) -> None:
        """Write the inventory; `more` are further systems of `evil`."""
        if not self.medium.exists():
            self.furnish()
        evil = self.program("evil-python", PYTHON.format(python=sys.executable, here=str(self.directory)))
        hosts = {"bd1": (sys.executable, ["SIGA"]), "evil": (str(evil), ["WEB", *more])}
        self.write({"all": {
            "vars": {"ansible_connection": "local", "backup_media": [{"name": "disco", "path": str(self.medium)}],
                     "backup_custody_directory": str(self.directory / "custodia"), "common_install_tools": False, **variables},
            "hosts": {name: {"ansible_python_interpreter": python, "backup_systems": [self.system(each) for each in systems]}
                      for name, (python, systems) in hosts.items()}}})
        self.lie({})

    def lie(self, lies: dict[str, Any]) -> None:
        (self.directory / "lies").write_text(json.dumps(lies))

    def given(self) -> str:
        """All that the taken server was ever given."""
        path = self.directory / "given"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def password(self, system: str) -> str:
        """The password of the only copy of a system, as custody has it."""
        label = self.copy_of(system)["label"]
        loader = DataLoader()
        loader.set_vault_secrets([(DEFAULT_VAULT_ID_MATCH, VaultSecret(VAULT_PASSWORD.encode()))])
        return custody.reveal(loader, str(self.directory / "custodia"), f"custodia:database/{system}/{label}")

    def copy_of(self, system: str) -> dict[str, Any]:
        return next(entry for entry in self.entries("copy_made") if entry["system"] == system)


@pytest.fixture
def bare(tmp_path):
    """Without any copy yet."""
    made = Trust(tmp_path)
    made.begin_with()
    yield made
    made.close()


@pytest.fixture
def institution(bare):
    """With a good copy of each system."""
    done = bare.run()
    assert done.returncode == 0 and len(bare.entries("copy_made")) == 2, done.stdout
    return bare
