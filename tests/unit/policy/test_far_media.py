# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Media on other servers: what an inventory may say of them, which of them a server could empty, and that no server gets the controller's key (S19)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.media.catalogue import build
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.media.gated import Gated
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.policy import far_media
from ansible_collections.perucompras.respaldo.plugins.plugin_utils import _keepers

SECRET = "Zq9-llave"
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----"
GOOD = {"name": "nas", "path": "/srv/copias", "host": "nas", "append_only": True, "identity_file": "/etc/respaldo/claves/nas", "keeper": {"ssh_key": KEY}}


def said(**changed: Any) -> list[str]:
    medium = {name: value for name, value in {**GOOD, **changed}.items() if value is not None}
    return [f"{problem.where} {problem.problem}" for problem in far_media.problems(medium, "media[0]")]


def test_what_may_be_said() -> None:
    assert not said() and not said(append_only=None, keeper=None) and not said(append_only=False, keeper=None)
    assert said(keeper=None)[0].startswith("media[0].keeper is missing")
    assert said(keeper={"user": "otra"})[0].startswith("media[0].keeper is missing")
    assert said(append_only=None)[0].startswith("media[0].keeper has no meaning")
    assert said(keeper={"ssh_key": KEY, "identity_file": "/x"})[0].startswith("media[0].keeper has two keys")
    assert said(ssh_key=KEY)[0].startswith("media[0] has two keys")
    assert sorted(said(host=None)) == [f"media[0].{name} has no meaning without host" for name in ("append_only", "identity_file", "keeper")]


def test_which_of_them_a_server_could_empty() -> None:
    plain = {**GOOD, "name": "viejo", "append_only": False}
    assert far_media.unprotected([GOOD, plain, {"name": "local", "path": "/x"}, {"name": "nube", "type": "azure_blob"}]) == ["viejo"]


def test_no_server_gets_the_key_of_the_controller() -> None:
    given = {"medium": GOOD, "source": GOOD, "media": [GOOD, {"name": "local"}], "label": "SIGA_20261122"}
    assert KEY not in str(_keepers.without_keys(given)) and KEY in str(given)
    assert _keepers.without_keys(given)["label"] == "SIGA_20261122" and _keepers.without_keys({"media": None}) == {"media": None}


def test_the_controller_goes_by_its_own_key() -> None:
    taken = _keepers.as_keeper({**GOOD, "keeper": {"ssh_key": KEY, "user": "guardia"}})
    assert taken["ssh_key"] == KEY and taken["user"] == "guardia" and "identity_file" not in taken and not taken.get("append_only")
    for wrong in ({}, {"user": "x"}, {"ssh_key": KEY, "shell": "x"}, "text"):
        with pytest.raises(BackupError) as caught:
            _keepers.as_keeper({**GOOD, "keeper": wrong})
        assert caught.value.fault.name == "keeper_missing"
    with pytest.raises(BackupError) as caught:
        _keepers.as_keeper({**GOOD, "ssh_key": KEY})
    assert "the very key" in caught.value.message


def test_a_server_takes_the_gate() -> None:
    medium = build({**GOOD, "keeper": {}})
    assert isinstance(medium, Gated) and medium.command("check", ("database", "SIGA", "SIGA_20261122")) == "respaldo-1 check database SIGA SIGA_20261122"
    with pytest.raises(BackupError) as caught:
        build({"name": "x", "path": "/x", "append_only": True})
    assert caught.value.fault.name == "invalid_input"


def test_a_key_of_the_controllers_that_lets_it_in_nowhere_is_told_before_anything_is_touched(tmp_path: Path) -> None:
    """Noticed at the medium, it would be after the copy was made, and of a medium that is away, never."""
    path = tmp_path / "llave"

    def told(**keeper: Any) -> str:
        try:
            _keepers.refuse_wrong_keys([("backup_media[1].keeper", {**GOOD, "keeper": keeper}), ("backup_media[2].keeper", {"name": "local", "path": "/x"})])
        except BackupError as error:
            assert error.code == "RSP101" and error.hint and SECRET not in error.message + error.spanish + error.hint
            assert error.details["where"] in ("backup_media[1].keeper.identity_file", "backup_media[1].keeper.ssh_key")
            return error.spanish
        return ""

    assert "no se puede leer en el controlador: no existe" in told(identity_file=str(path))
    assert "no se puede leer" in told(identity_file=str(tmp_path))
    path.write_text(KEY)
    path.chmod(0o644)
    assert "ssh no acepta" in told(identity_file=str(path))
    path.chmod(0o600)
    assert told(identity_file=str(path)) == "" == told(ssh_key=KEY + SECRET) == told(ssh_key="(hidden)")
    path.write_text("ssh-ed25519 AAAA " + SECRET)
    assert "no es una clave privada" in told(identity_file=str(path)) and "no es una clave privada" in told(ssh_key=SECRET)
