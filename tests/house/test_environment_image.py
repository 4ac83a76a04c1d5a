# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two recipes of the image of a controller, for ansible-builder and for the lab, make the same of it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import yaml

TOP = Path(__file__).resolve().parents[2]
DEFINITION = yaml.safe_load((TOP / "execution-environment.yml").read_text("utf-8"))


def variables(lines: str) -> dict[str, str]:
    return {name: value for name, value in re.findall(r"^(?:- )?ENV (\w+)=(\S+)$", lines, re.MULTILINE) if name.startswith(("ANSIBLE_", "RESPALDO_"))}


def test_both_recipes_set_the_same() -> None:
    lab = (TOP / "tests/lab/controller/Containerfile").read_text("utf-8")
    built = variables("\n".join(DEFINITION["additional_build_steps"]["append_final"]))
    assert variables(lab) == built and built["RESPALDO_BITACORA_SEAL_KEY"].startswith("/var/lib/respaldo/")
    assert re.search(r"^USER 1000:0$", lab, re.MULTILINE) and DEFINITION["options"]["user"] == "1000"


def test_what_ansible_builder_makes_of_it_has_this_collection_and_asks_for_no_dnf(tmp_path: Path) -> None:
    """As `ansible-builder build` does before it asks an engine; the artifact is the one that tools/build_tree.sh leaves."""
    for name in ("execution-environment.yml", "requirements-execution-environment.txt", "requirements.yml", "bindep.txt"):
        (tmp_path / name).write_bytes((TOP / name).read_bytes())
    (tmp_path / "build").mkdir()
    (tmp_path / "build/perucompras-respaldo-9.9.9.tar.gz").touch()
    subprocess.run(["ansible-builder", "create", "--file", "execution-environment.yml", "--context", "context", "--output-filename", "Containerfile"],
                   cwd=tmp_path, capture_output=True, check=True)
    made = (tmp_path / "context/Containerfile").read_text("utf-8")
    assert (tmp_path / "context/_build/collection/perucompras-respaldo-9.9.9.tar.gz").exists()
    assert "ansible-galaxy collection install --offline collection/perucompras-respaldo-*.tar.gz" in made
    assert 'ARG PKGMGR="/usr/bin/apt-get"' in made and "RUN /output/scripts/pip_install" not in made
    assert made.index("apt-get update") < made.index("$PKGMGR install")
