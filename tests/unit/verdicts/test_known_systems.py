# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A system that somebody names is one of the inventory or of the bitácora; what was meant is told, and an excuse needs no bitácora that answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine import result
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.plugin_utils import _known_systems
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._inventory import wanted_names


class Variables(dict):
    """Host -> its variables; those of a host whose templates can't be made are an error of Ansible's."""

    def raw_get(self, host: str) -> dict[str, Any]:
        return self[host]["written"]

    def __getitem__(self, host: str) -> dict[str, Any]:
        found = super().__getitem__(host)
        if found.get("broken"):
            raise AnsibleError("undefined")
        return found


def declares(*systems: object) -> dict[str, Any]:
    return {"written": {"backup_systems": list(systems)}, "backup_systems": [{"name": "PORTAL", "kind": "source_code"}]}


SIGA = {"name": "SIGA", "kind": "database", "source": {"password": "{{ not_opened }}"}}
HERE = {"hostvars": Variables(a=declares(SIGA), b=declares({"name": "{{ app }}", "kind": "source_code"}), c={"broken": True}),
        "groups": {"all": ["a", "b", "c"]}, "inventory_hostname": "a"}


@pytest.fixture
def bitacora(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    url = str(tmp_path / "bitacora.sqlite")
    monkeypatch.setenv("RESPALDO_BITACORA", url)
    with open_store(url) as store:
        for type_, system, more in (("copy_started", "ANTIGUO", {}), ("excuse", "SIGGA", {}), ("copy_started", "ENSAYO", {"simulated": True})):
            body = {**result.build(event=type_, system=system, kind="database"), "host": "z", "run": "r", **more}
            store.append(type_, body, "2026-11-01T00:00:00.000Z", "e")
    return url


def refused(kind: str, name: str) -> str:
    with pytest.raises(BackupError) as error:
        _known_systems.refuse_unknown(HERE, kind, name, "system")
    return error.value.spanish + error.value.remedy


@pytest.mark.parametrize(("kind", "name"), [("database", "SIGA"), ("source_code", "PORTAL"), ("database", "ANTIGUO")])
def test_what_the_inventory_declares_or_the_bitacora_copied_is_known(bitacora: str, kind: str, name: str) -> None:
    _known_systems.refuse_unknown(HERE, kind, name, "system")


@pytest.mark.parametrize(("kind", "name", "told"), [
    ("database", "SIGGA", "¿Quiso decir SIGA?"), ("database", "siga", "¿Quiso decir SIGA?"), ("database", "ANTIGO", "¿Quiso decir ANTIGUO?"),
    ("source_code", "SIGA", "es un sistema de otro tipo, database"), ("database", "ZZZ", "Valores conocidos: ANTIGUO, SIGA"),
    ("file_server", "RRHH", "No se conoce ningún sistema del tipo file_server"),
])
def test_what_nobody_has_is_refused(bitacora: str, kind: str, name: str, told: str) -> None:
    """Neither an entry about it nor a simulation makes a system of a name."""
    assert told in refused(kind, name)


def test_while_the_bitacora_does_not_answer_only_a_slip_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESPALDO_BITACORA", str(tmp_path / "no-hay" / "b.sqlite"))
    _known_systems.refuse_unknown(HERE, "database", "SIGA", "system")
    _known_systems.refuse_unknown(HERE, "database", "CONTABILIDAD", "system")      # it may be one that left the inventory
    assert "¿Quiso decir SIGA?" in refused("database", "SIGGA")


@pytest.mark.parametrize(("only", "meant"), [
    (["SIGAA"], "Did you mean SIGA? Known: Mesa de Partes, SIGA, portal."),
    # what a shell, or -e, made of a name with spaces
    (["Mesa", "de", "Partes"], "Did you mean Mesa de Partes? A name with spaces goes between quotes."),
])
def test_a_name_of_no_system_is_told_with_those_that_are_as_they_are_written(only: list[str], meant: str) -> None:
    systems = [{"kind": "database", "name": "SIGA"}, {"kind": "database", "name": "Mesa de Partes"}]
    with pytest.raises(BackupError) as told:
        wanted_names(only, systems, {("database", "portal"): "bd2"})
    assert told.value.details["mend"].startswith(meant) and "¿Quiso decir " + meant[13:17] in told.value.remedy and "goes" not in told.value.remedy
    assert wanted_names(["mesa DE partes", "Portal"], systems, {("database", "portal"): "bd2"}) == {"mesadepartes", "portal"}
