# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Public keys by gpg itself: one that encrypts, one that only signs, one that ends soon, and one that has ended."""

from __future__ import annotations

import datetime
import subprocess
from pathlib import Path

import pytest
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._checking import people

NOW = datetime.datetime.now(datetime.timezone.utc)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    home = tmp_path_factory.mktemp("gpg")
    home.chmod(0o700)
    gpg = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", ""]
    found = {}
    for name, kind, use, ends in (("buena", "future-default", "default", "never"), ("firma", "ed25519", "sign", "never"),
                                  ("pronto", "future-default", "default", "seconds=2548800")):
        subprocess.run([*gpg, "--quick-generate-key", f"{name} <{name}@example.org>", kind, use, ends], check=True, capture_output=True)
        found[name] = subprocess.run([*gpg, "--armor", "--export", f"{name}@example.org"], check=True, capture_output=True, text=True).stdout
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False)
    return found


@pytest.mark.parametrize("name, days, what, weight", [
    ("firma", 0, "no sirve para cifrar", "impide"), ("pronto", 0, "en 2", "aviso"), ("pronto", 31, "venció el", "impide")])
def test_a_key_that_is_unfit_is_told_with_whose_it_is(keys: dict[str, str], name: str, days: int, what: str, weight: str) -> None:
    found, = people.look([{"name": "Ana", "public_key": keys[name]}], NOW + datetime.timedelta(days=days))
    assert (found.code, found.weight) == ("RSP784", weight) and what in found.what and "Ana" in found.what and "gpg" in found.mend, found


def test_a_key_that_encrypts_says_nothing_and_a_file_that_is_not_there_is_told(keys: dict[str, str], tmp_path: Path) -> None:
    assert not list(people.look([{"name": "Ana", "public_key": keys["buena"]}] * 2, NOW))
    found, = people.look([{"name": "Ana", "public_key_file": str(tmp_path / "nada.asc")}], NOW)
    assert found.code == "RSP101" and "Ana" in found.what and "gpg" in found.mend
