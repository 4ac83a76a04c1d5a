# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an inventory may say of Semaphore, and where its secrets may stand."""

from __future__ import annotations

from typing import Any

import pytest

from plugins.module_utils._engine.errors import BackupError
from plugins.plugin_utils._semaphore import declaring
from plugins.plugin_utils._semaphore.wanted import things

SECRET = "secreto-que-no-se-repite"
WELL: dict[str, Any] = {
    "url": "https://semaphore.example.org", "token": SECRET, "repository": {"url": "git@forja:oti/respaldo.git", "key": "git"}, "inventory": "inv/hosts.yml",
    "keys": [{"name": "git", "type": "ssh", "private_key": SECRET}, {"name": "boveda", "type": "login_password", "password": SECRET}],
    "vaults": [{"key": "boveda", "id": "respaldo"}], "environment": {"PGPASSFILE": "/etc/respaldo/pgpass"}}


def test_what_is_well_declared() -> None:
    declaring.check(WELL)


@pytest.mark.parametrize(("more", "told"), [
    ({"url": "http://semaphore.example.org"}, "enviaría el token"), ({"tokn": "x"}, "tokn"), ({"zone": "a b"}, "zone"),
    ({"inventory": "/etc/hosts"}, "inventory"), ({"inventory": "inv/../../etc/hosts"}, "inventory"), ({"surveys": ["copia"]}, "surveys"),
    ({"repository": {"url": f"https://yo:{SECRET}@forja/oti.git"}}, "contraseña"), ({"repository": {"url": "git@x:y", "key": "gti"}}, "git"),
    ({"keys": [{"name": "git", "type": "ssh", "password": SECRET}]}, "private_key"), ({"vaults": [{"key": "git"}]}, "de otro tipo"),
    ({"become_key": "git"}, "de otro tipo"), ({"keys": [*WELL["keys"], WELL["keys"][0]]}, "otra llave"),
    ({"environment": {"DB_PASSWORD": SECRET}}, "lo mostraría"), ({"environment": {"RESPALDO_BITACORA": f"postgresql://yo:{SECRET}@bd/b"}}, "PGPASSFILE"),
    ({"environment": {"A B": "x"}}, "ningún entorno"), ({"environment": {"A": 1}}, "no es un texto"), ({"environment": SECRET}, "tabla"),
    ({"token": SECRET + "\n"}, "token"), ({"keys": SECRET}, "lista"),
], ids=str)
def test_what_is_not_is_told_without_secrets(more: dict[str, Any], told: str) -> None:
    with pytest.raises(BackupError) as caught:
        declaring.check({**WELL, **more})
    assert caught.value.code == "RSP748" and told in caught.value.spanish + caught.value.remedy and SECRET not in caught.value.in_both()


@pytest.mark.parametrize("missing", ["url", "token", "repository", "inventory"])
def test_what_must_be_there(missing: str) -> None:
    with pytest.raises(BackupError) as caught:
        declaring.check({name: value for name, value in WELL.items() if name != missing})
    assert f"backup_semaphore.{missing}" in caught.value.message


def test_no_secret_stands_outside_of_keys() -> None:
    found = things(WELL, {"copies": "0 3 * * *"})
    assert [each.name for each in found if SECRET in str(each.secret)] == ["respaldo: git", "respaldo: boveda"]
    assert not [each for each in found if SECRET in str(each.fields)]
