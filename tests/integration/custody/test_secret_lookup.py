# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Passwords of sources by the lookup `secret`: a real OpenBao, the fake Key Vault, and whole plays that ask them."""

from __future__ import annotations

import os
import time

import pytest
import yaml
from ansible.parsing.vault import VaultLib
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.plugin_utils import _clear
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._custodians import entrusted, shared
from failures.house import ROOT
from failures.secrecy import Rooms, in_files, in_text

SECRET = "contrasena-Zx81{{ nada }}'\"ñ"
CLEAR = "contrasena-clara-Zx82"
_LOOKUP = "{{{{ lookup('perucompras.respaldo.secret', '{0}', custodian='{1}') }}}}"


@pytest.fixture(autouse=True)
def _forgotten(monkeypatch):
    """Each test is a run of its own."""
    monkeypatch.setattr(shared, "_MEMORY", shared._memory())


def read(custodian, name, field=""):
    return entrusted.read(None, [custodian], custodian["name"], name, field)


def code(custodian, name, field=""):
    with pytest.raises(BackupError) as caught:
        read(custodian, name, field)
    assert SECRET not in caught.value.message + caught.value.hint + caught.value.spanish + caught.value.remedy
    return caught.value.code


def test_openbao_gives_what_it_has_and_says_what_it_has_not(bao, shelf):
    keep = bao.client.secrets.kv.v2.create_or_update_secret
    keep(f"{shelf}/siga db", {"password": SECRET, "user": "respaldo", "port": 5432})
    keep(f"{shelf}/una", {"clave": SECRET})
    keep(f"{shelf}/vacia", {"password": " ", "lista": [SECRET]})
    custodian = bao.options("respaldo")
    assert read(custodian, f"{shelf}/siga db") == SECRET
    assert read(custodian, f"{shelf}/siga db", "user") == "respaldo" and read(custodian, f"{shelf}/siga db", "port") == "5432"
    assert read(custodian, f"{shelf}/una") == SECRET, "its only field"
    assert [code(custodian, f"{shelf}/siga db", "otro"), code(custodian, f"{shelf}/vacia"), code(custodian, f"{shelf}/vacia", "lista")] == ["RSP607"] * 3
    assert code(custodian, f"{shelf}/ninguna") == "RSP606"
    for wrong in (f"/{shelf}", f"{shelf}/", f"{shelf}//una", f"{shelf}/../una", "", "a\nb"):
        assert code(custodian, wrong) == "RSP101", wrong
    bao.client.secrets.kv.v2.delete_latest_version_of_secret(f"{shelf}/una")
    assert read(custodian, f"{shelf}/una") == SECRET, "this run knows it"
    shared._MEMORY = shared._memory()
    assert code(custodian, f"{shelf}/una") == "RSP809"
    bao.client.sys.create_or_update_policy("nada", 'path "secret/data/otra/*" { capabilities = ["read"] }')
    poor = str(bao.client.auth.token.create(policies=["nada"], no_parent=True)["auth"]["client_token"])
    stranger = {name: value for name, value in custodian.items() if name not in ("role_id", "secret_id")}
    assert code({**stranger, "token": poor}, f"{shelf}/siga db") == "RSP805", "what one identity was told is not told to another"
    assert code({**custodian, "address": "https://localhost:1", "retry_seconds": 0}, f"{shelf}/siga db") == "RSP804"
    assert code({**custodian, "mount": "otro"}, f"{shelf}/siga db") == "RSP805"


def test_a_key_vault_gives_text_and_fields(vault):
    options = vault.options()
    for name, value in (("siga-db", SECRET), ("json", '{"clave": "k", "password": "p"}'), ("casi", "{no es json"), ("vacia", "")):
        vault.fake._set(name, {"value": value})
    assert read(options, "siga-db") == SECRET and read(options, "json") == "p" and read(options, "json", "clave") == "k"
    assert read(options, "casi") == "{no es json"
    assert [code(options, "vacia"), code(options, "siga-db", "clave"), code(options, "no-hay"), code(options, "bases/siga")] == [
        "RSP607", "RSP607", "RSP606", "RSP101"]
    vault.fake._delete("json")
    shared._MEMORY = shared._memory()
    assert code(options, "json") == "RSP809"
    vault.fake.denied = {"GET"}
    assert code(options, "siga-db") == "RSP805"
    with pytest.raises(BackupError) as caught:
        entrusted.read(None, [{"name": "disco", "path": "/x"}], "disco", "siga-db")
    assert caught.value.code == "RSP608"
    for custodians, wanted in (([options], "otra"), ([], "nube"), ([{"name": "disco", "path": "/x"}], ""), ([{**options, "vualt": 1}], "nube")):
        with pytest.raises(BackupError) as caught:
            entrusted.read(None, custodians, wanted, "siga-db")
        assert caught.value.code == "RSP101"


def test_processes_that_were_forked_ask_once_and_those_who_wait_are_told_a_failure():
    asked, go = os.pipe(), os.pipe()

    def child(fails):
        def ask():
            os.write(asked[1], b"x")
            time.sleep(0.5)
            if fails:
                raise BackupError("custodian_unreachable", custodian="a", location="b", detail="c")
            return SECRET

        pid = os.fork()
        if pid:
            return pid
        os.read(go[0], 1)
        try:
            os._exit(0 if shared.once(["una", fails], ask) == SECRET else 1)
        except BackupError as error:
            os._exit(4 if error.code == "RSP804" and error.details["detail"] == "c" else 1)

    for fails, status in ((False, 0), (True, 4)):
        pids = [child(fails) for _each in range(6)]
        os.write(go[1], b"g" * 6)
        assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids] == [status] * 6
        assert len(os.read(asked[0], 100)) == 1
    assert shared.once(["una", False], lambda: "otra") == SECRET
    assert shared.once(["una", True], lambda: "ahora") == "ahora", "a failure is no memory"
    os.pwrite(shared._MEMORY, b"\x00", 3)
    assert shared.once(["una", False], lambda: "otra") == "otra", "a memory half written is none"


def _settle(institution, vault, hosts=1):
    """A database whose dump is its password's length and nothing else, on so many hosts."""
    vault.fake._set("siga-db", {"value": SECRET})
    institution.program("dump.py", "#!/usr/bin/env python3\nimport os, sys\nprint(len(sys.stdin.read().strip()), 'whole')\n")
    institution.custodians = [vault.options()]
    system = institution.system("SIGA", criticality="baja", source={
        "type": "command", "dump": [str(institution.directory / "dump.py")], "verify": ["/bin/grep", "-q", "whole"], "restore": ["/bin/false"],
        "password": _LOOKUP.format("siga-db", "nube")})
    institution.settle(system)
    if hosts > 1:
        told = yaml.safe_load((institution.directory / "hosts.yml").read_text())
        mine = told["all"]["hosts"]["localhost"]
        told["all"]["hosts"] = {f"sede{number}": {**mine, "backup_systems": [{**system, "name": f"SIGA {number}"}]} for number in range(hosts)}
        institution.write(told)


def test_a_play_copies_with_it_asks_once_and_writes_it_nowhere(institution, vault):
    _settle(institution, vault, hosts=2)
    rooms = Rooms(institution.directory / "salas")
    begin = time.time() - 1
    said = institution.good("-vvv")
    assert len(institution.entries("copy_made")) == 2
    assert [target.split("?")[0] for method, target in vault.fake.asked if "siga-db" in target] == ["/secrets/siga-db"], "once in the whole run"
    assert in_text(said.encode(), {"siga": SECRET}) == []
    assert in_files([institution.directory, *rooms.appeared()], {"siga": SECRET}, since=begin) == []


def test_a_secret_that_can_not_be_had_stops_before_anything_is_touched(institution, vault):
    _settle(institution, vault)
    vault.fake.denied = {"GET"}
    told = institution.bad(code="RSP805")
    assert "Traceback" not in told and institution.entries("copy_started") == [] and institution.hidden() == []
    ended, = institution.last_run("run_ended")
    assert ended["verdict"] == "failed" and ended["note_es"].endswith("(RSP805)") and "se negó" in told


def test_what_stands_in_clear_is_found_wherever_a_template_leads(tmp_path, its_loader):
    (tmp_path / "claro.yml").write_text(yaml.safe_dump({
        "clave_clara": CLEAR, "vuelta": "{{ clave_clara | default('x') }}", "mezcla": "{{ clave_vault }}{{ clave_clara }}",
        "backup_systems": [{"name": name, "source": {"password": value}} for name, value in (
            ("a", CLEAR), ("b", "{{ vuelta }}"), ("c", "{{ clave_vault }}"), ("d", "{{ lookup('env', 'clave_clara') }}"), ("e", "{{ mezcla }}"), ("f", ""))],
        "backup_custodians": [{"token": "s.claro", "name": "n", "role_id": "x"}], "backup_warn_mail": {"password": CLEAR}, "mio": {"password": CLEAR}}))
    vault = VaultLib(its_loader._vault.secrets)
    (tmp_path / "vault.yml").write_bytes(vault.encrypt(yaml.safe_dump({"clave_vault": CLEAR, "backup_media": [{"ssh_key": CLEAR}]}).encode()))
    variables = {**its_loader.load_from_file(str(tmp_path / "claro.yml")), **its_loader.load_from_file(str(tmp_path / "vault.yml"))}
    at = f" ({tmp_path}/claro.yml)"
    assert _clear.in_clear(variables) == [f"{where}{at}" for where in (
        "backup_custodians[0].token", "backup_systems[0].source.password", "backup_systems[1].source.password", "backup_warn_mail.password")]


def test_the_plan_tells_what_stands_in_clear_and_the_policy_can_refuse_it(institution):
    source = {"type": "sqlite", "path": str(institution.siga)}
    system = institution.system("SIGA", source={"type": "postgresql", "databases": ["siga"], "host": "localhost", "user": "u", "password": CLEAR})
    institution.declare(system, institution.system("Otra", source=source, criticality="baja"))
    told = " ".join(institution.run(playbook="plan.yml").stdout.split())
    assert "Secreto en claro en el inventario: backup_systems[0].source.password" in told and CLEAR not in told
    policy = (ROOT / "policies/manual-001-2019.yml").read_text().replace("secrets_in_clear: tell", "secrets_in_clear: refuse")
    (institution.directory / "policy.yml").write_text(policy)
    done = institution.run("-e", f"backup_policy_file={institution.directory}/policy.yml", "-e", "backup_only=Otra")
    assert done.returncode == 2 and "RSP123" in done.stdout and CLEAR not in done.stdout
    assert institution.entries("copy_started") == []
