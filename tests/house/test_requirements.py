# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""S21: what `make backup` installs is pinned to the last package, each file by its SHA-256."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
LOCK = TOP / "requirements.lock"


def names(path: Path) -> dict[str, str]:
    return {found[0].lower().replace("_", "-"): found[1] for found in re.findall(r"^([A-Za-z0-9_.-]+)==([^ \\\n]+)", path.read_text("utf-8"), re.MULTILINE)}


def test_the_lock_pins_what_requirements_ask_for_and_hashes_every_file() -> None:
    wanted, locked = names(TOP / "requirements.txt"), names(LOCK)
    assert wanted.items() <= locked.items() and len(locked) > len(wanted)
    blocks = re.split(r"\n(?=[A-Za-z])", "\n".join(line for line in LOCK.read_text("utf-8").splitlines() if not line.startswith("#")))
    assert len(blocks) == len(locked)
    for block in blocks:
        assert re.fullmatch(r"[a-z0-9.-]+==[^ ]+( \\\n    --hash=sha256:[0-9a-f]{64})+", block.strip()), block
    assert "requirements.lock" in (TOP / "tools" / "backup.sh").read_text("utf-8")


def test_pip_refuses_a_file_that_is_not_the_one_of_the_lock(tmp_path: Path) -> None:
    """Offline: a package of the right name and version, made here, is not taken."""
    package = tmp_path / "lockfile-0.12.2"
    package.mkdir()
    (package / "setup.py").write_text("raise SystemExit('was run')\n")
    (package / "PKG-INFO").write_text("Metadata-Version: 1.0\nName: lockfile\nVersion: 0.12.2\n")
    subprocess.run(["tar", "-czf", tmp_path / "lockfile-0.12.2.tar.gz", "-C", tmp_path, package.name], check=True)
    only = tmp_path / "only.txt"
    only.write_text(re.search(r"^lockfile==(?:.|\n)*?(?=^[a-z])", LOCK.read_text("utf-8"), re.MULTILINE)[0], "utf-8")
    done = subprocess.run([sys.executable, "-m", "pip", "download", "--isolated", "--no-index", "--no-deps", "--find-links", tmp_path, "-d", tmp_path / "out",
                           "-r", only], capture_output=True, text=True, check=False)
    assert done.returncode != 0 and "was run" not in done.stderr and "DO NOT MATCH" in done.stderr, done.stderr
