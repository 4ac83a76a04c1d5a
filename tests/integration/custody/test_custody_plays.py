# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Custody by the playbooks: no custodian, no copy; a controller that is lost comes back from its repository and its custodians; custody.yml."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import chain
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._custodians import custody as _custody
from failures.house import ROOT, VAULT_PASSWORD, until
from failures.secrecy import Rooms, Sampler, in_files, in_text, open_to_others

from .conftest import Institution


def disk(institution, name="disco", **more):
    return {"name": name, "type": "vault_file", "path": str(institution.directory / name), **more}


@pytest.fixture(params=["vault_file", "azure_key_vault", "hashicorp_vault"])
def custodian(request, institution, vault, shelf):
    """One custodian that is elsewhere than the controller: a directory that is a share, a key vault, a Vault server."""
    if request.param == "vault_file":
        return {"name": "disco", "type": "vault_file", "path": str(institution.directory / "carpeta-compartida" / "custodia")}
    return vault.options() if request.param == "azure_key_vault" else request.getfixturevalue("bao").options(shelf)


def test_a_password_comes_back_after_the_controller_is_destroyed(institution, custodian, tmp_path):
    """The drill of the operator's guide: what is left is the repository of the inventory, the custodian, the medium, and the vault's password."""
    institution.custodians = [custodian]
    institution.settle(institution.sqlite(), institution.sqlite("Bitácora", institution.bitacora))
    institution.good()
    made = {entry["system"]: entry for entry in institution.entries("copy_made")}
    assert made["SIGA"]["custodians"] == [custodian["name"]] and made["SIGA"]["encrypted"] and len(made["SIGA"]["key_id"]) == 16
    before = institution.rows()

    repository = tmp_path / "inventario.git"
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-C", str(institution.directory)]
    subprocess.run(["git", "init", "-q", str(institution.directory)], check=True)
    subprocess.run([*git, "add", "hosts.yml", "secrets.yml"], check=True)
    subprocess.run([*git, "commit", "-qm", "inventario"], check=True)
    subprocess.run(["git", "clone", "-q", "--bare", str(institution.directory), str(repository)], check=True)
    for lost in (".git", ".ansible", "db", "journal", "hosts.yml", "secrets.yml", "vault", "datos", "custodia"):
        path = institution.directory / lost
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)

    subprocess.run(["git", "clone", "-q", str(repository), str(tmp_path / "nuevo")], check=True)
    rebuilt = Institution(tmp_path / "nuevo")
    rebuilt.bitacora.parent.mkdir(mode=0o700)
    (rebuilt.directory / "vault").write_text(VAULT_PASSWORD)
    label = sorted(path.name for path in (institution.medium / "database" / "Bitacora").glob("[!.]*"))[-1]
    arguments = {"label": label, "system": "Bitácora", "kind": "database", "target": str(rebuilt.bitacora), "medium": "{{ backup_media[0] }}",
                 "decryption": {"custody": "{{ backup_custodians }}"}, "bitacora_lost": True}
    restored = subprocess.run(
        [str(Path(sys.executable).with_name("ansible")), "localhost", "-i", str(rebuilt.directory / "hosts.yml"), "-e", f"@{rebuilt.directory}/secrets.yml",
         "--vault-password-file", str(rebuilt.directory / "vault"), "-m", "perucompras.respaldo.backup_restore", "-a", json.dumps(arguments)],
        env=rebuilt.environment(), capture_output=True, text=True, cwd=rebuilt.directory, check=False)
    assert restored.returncode == 0, restored.stdout + restored.stderr
    assert [entry["label"] for entry in rebuilt.entries("copy_made")] == [made["SIGA"]["label"]]
    rebuilt.good("-e", f"restore_host=localhost restore_kind=database restore_system=SIGA restore_target={rebuilt.directory}/siga.sqlite",
                 playbook="restore.yml")
    assert rebuilt.rows(rebuilt.directory / "siga.sqlite") == before
    assert chain.verify_file(rebuilt.bitacora).whole


def test_the_seal_opens_the_copy_when_the_vault_s_password_is_lost(institution, people):
    """An EGCR with a private key, a directory of custody and stock tools."""
    ana = people[0]
    institution.actors = {"egcr": {"database": {"titular": [{"name": "Ana", "from": "2026-01-01", "public_key": ana.public}]}}}
    institution.settle()
    institution.good()
    assert [(row["post"], row["responsible"]) for row in institution.entries("designation_changed")] == [("egcr.database.titular", "Ana")]
    entry = institution.entries("copy_made")[0]
    sealed = institution.directory / "custodia" / (entry["key_reference"].partition(":")[2] + ".yml.asc")
    record = json.loads(ana.opens(sealed.read_text()))
    assert record["reference"] == entry["key_reference"] and record["key_id"] == entry["key_id"]
    copy = next(institution.medium.glob("database/SIGA/*/*.gpg"))
    opened = subprocess.run(["gpg", "--batch", "--pinentry-mode", "loopback", "--passphrase-fd", "0", "--decrypt", str(copy)], capture_output=True, check=True,
                            input=record["password"].encode(), env={"PATH": os.environ["PATH"], "HOME": str(institution.directory)})
    plain = subprocess.run(["zstd", "-d", "-c"], input=opened.stdout, capture_output=True, check=True)
    (institution.directory / "abierta.sqlite").write_bytes(plain.stdout)
    assert institution.rows(institution.directory / "abierta.sqlite") == institution.rows()


def test_no_custodian_no_copy_and_the_others_go_on(institution, vault, bao, shelf):
    institution.custodians = [disk(institution), bao.options(shelf, address="https://localhost:1"), vault.options()]
    institution.settle(institution.sqlite(), institution.sqlite("Abierta", criticality="baja"))
    done = institution.run("-e", f"@{institution.directory}/secrets.yml")
    failed = institution.failed_well(done, "RSP804", "boveda", "localhost:1", system="SIGA")
    assert failed["label"] and not [entry for entry in institution.entries("copy_started") if entry["system"] == "SIGA"]
    assert [entry["system"] for entry in institution.entries("copy_made")] == ["Abierta"]
    assert not list((institution.directory / "disco").rglob("*")) and vault.fake.secrets == {} and institution.hidden() == []
    assert not (institution.medium / "database" / "SIGA").exists(), "nothing was begun on the server"
    simulated = institution.run("-e", f"@{institution.directory}/secrets.yml", "--check")
    assert simulated.returncode == 2 and "RSP804" in simulated.stdout
    institution.custodians[1]["required"] = False
    institution.settle()
    assert "boveda" in institution.good() and institution.last_run("copy_made")[0]["custodians"] == ["disco", "nube"]


def test_mistakes_in_custodians_are_told_together_and_show_no_secret(institution, vault, bao, shelf):
    token = "s.muysecretodeverdad"
    institution.custodians = [{**bao.options(shelf), "token": token, "adress": "x"}, {**vault.options(), "vault_name": "boveda"},
                              {"name": "nube", "path": "relativa"}]
    institution.settle()
    told = " ".join(institution.bad(code="RSP101").split())
    for words in ("backup_custodians[0]", "Did you mean address?", "either a token", "exactly one of vault_name", "backup_custodians[2].path",
                  "two custodians"):
        assert words in told
    assert token not in told and institution.entries("copy_started", "copy_failed") == []


def test_custody_hands_over_proves_and_is_idempotent(institution, vault, bao, shelf, its_loader, people):
    ana, luis = people
    institution.custodians = [disk(institution)]
    institution.settle()
    institution.good()
    institution.good()
    copies = institution.prints()
    references = sorted(entry["key_reference"] for entry in institution.entries("copy_made"))

    institution.custodians += [vault.options(), bao.options(shelf)]
    institution.actors = {"egcr": {"database": {"titular": [{"name": "Ana Quispe", "from": "2026-01-01", "public_key": ana.public}]}}}
    institution.settle()
    said = institution.good("--check", "--diff", playbook="custody.yml")
    assert "nube recibiría 2 claves" in said and f"+nube: {references[0]}" in said and vault.fake.secrets == {}
    assert [entry["type"] for entry in institution.last_run("custody_updated") if not entry.get("simulated")] == []

    said = institution.good(playbook="custody.yml")
    updated = institution.last_run("custody_updated")
    assert [(entry["custodians"], entry["objects"], sorted(entry["key_references"])) for entry in updated] == [
        (["nube"], 2, references), (["boveda"], 2, references), (["disco"], 2, references)]
    assert "sin volver a cifrar" in updated[0]["note_es"] and "Ana Quispe" in updated[2]["note_es"]
    assert (updated[0]["kind"], updated[0]["system"]) == ("database", "SIGA")
    for reference in references:
        assert len({_custody.reveal(its_loader, institution.custodians, reference, [name]) for name in ("disco", "nube", "boveda")}) == 1
        assert ana.opens((institution.directory / "disco" / (reference.partition(":")[2] + ".yml.asc")).read_text())
    proof, = institution.last_run("copy_verified")
    assert (proof["reason"], proof["custodians"], proof["trust_level"], proof["key_reference"]) == ("custody", ["disco", "nube", "boveda"], "T2", references[0])
    assert institution.last_run("custody_checked")[0]["objects"] == 2
    assert "SIGA (Base de datos): 2 claves; disco 2, nube 2, boveda 2; selladas 2" in said

    institution.good(playbook="custody.yml")
    assert institution.last_run("custody_updated") == [] and institution.last_run("copy_verified")[0]["key_reference"] == references[1], "the next in turn"

    institution.actors["egcr"]["database"]["suplente"] = [{"name": "Luis Peña", "from": "2026-01-01", "public_key": luis.public}]
    institution.settle()
    institution.good(playbook="custody.yml")
    assert [entry["custodians"] for entry in institution.last_run("custody_updated")] == [["disco"]]
    assert all(luis.opens(path.read_text()) for path in (institution.directory / "disco").rglob("*.asc"))
    assert institution.prints() == copies, "no copy was encrypted anew"
    shown = institution.entries("custody_updated")
    assert in_text(json.dumps(shown).encode(), institution.passwords(its_loader)) == []

    institution.custodians[0]["retired"] = True
    institution.settle()
    institution.good()
    assert institution.last_run("copy_made")[0]["custodians"] == ["nube", "boveda"]
    assert len(list((institution.directory / "disco").rglob("*.yml"))) == 2
    assert chain.verify_file(institution.bitacora).whole


def test_custody_tells_what_is_lost_changed_or_does_not_open(institution, vault, its_loader):
    institution.custodians = [disk(institution), vault.options()]
    institution.settle(institution.sqlite(), institution.sqlite("Otra"))
    institution.good()
    reference = {entry["system"]: entry["key_reference"] for entry in institution.entries("copy_made")}
    files = {system: institution.directory / "disco" / (each.partition(":")[2] + ".yml") for system, each in reference.items()}
    names = {system: next(name for name, versions in vault.fake.secrets.items() if versions[0]["tags"]["referencia"] == each)
             for system, each in reference.items()}

    # edited: it is another's record now; the other custodian still opens the copy
    whole = files["SIGA"].read_bytes()
    files["SIGA"].write_bytes(files["Otra"].read_bytes())
    said = institution.bad("-e", "custody_copies=2", playbook="custody.yml", code="RSP807")
    told = {(entry["error_code"], entry["system"], *entry["custodians"]) for entry in institution.last_run("custody_failed")}
    assert told == {("RSP807", "SIGA", "disco")} and "el registro es de" in said
    assert sorted(entry["custodians"] for entry in institution.last_run("copy_verified")) == [["disco", "nube"], ["nube"]]
    assert all(password not in said for password in institution.passwords(its_loader).values())

    # other words under the same reference: one of them does not open the copy
    record = json.loads(its_loader._vault.decrypt(whole))
    files["SIGA"].write_bytes(its_loader._vault.encrypt(json.dumps({**record, "password": "otra-contrasena-plantada"})))
    said = institution.bad("-e", "custody_copies=2", playbook="custody.yml", code="RSP808")
    assert [entry["error_code"] for entry in institution.last_run("custody_failed")] == ["RSP808"]
    wrong, = institution.last_run("verification_failed")
    assert (wrong["error_code"], wrong["custodians"], wrong["system"]) == ("RSP802", ["disco"], "SIGA")
    assert "otra-contrasena-plantada" not in said and not institution.entries("copy_damaged")

    # gone from both: the copy is there and nobody opens it
    files["SIGA"].unlink()
    vault.fake.secrets.pop(names["SIGA"])
    institution.bad("-e", "custody_copies=0", playbook="custody.yml", code="RSP806")
    lost, = institution.last_run("custody_failed")
    assert (lost["error_code"], lost["system"], lost["key_reference"]) == ("RSP806", "SIGA", reference["SIGA"])

    # gone from one: it gets it back
    files["Otra"].unlink()
    institution.bad("-e", "custody_copies=0", playbook="custody.yml", code="RSP806")
    assert files["Otra"].exists() and [entry["custodians"] for entry in institution.last_run("custody_updated")] == [["disco"]]

    vault.fake.dead = True
    institution.bad("-e", "custody_copies=0", playbook="custody.yml", code="RSP804")
    assert [entry["error_code"] for entry in institution.last_run("custody_failed")] == ["RSP804"], "who does not answer may hold what seems to be lost"


def test_two_runs_at_once(institution, vault):
    institution.custodians = [disk(institution), vault.options()]
    institution.settle(institution.sqlite(), institution.sqlite("Otra"))
    institution.good()
    institution.custodians.insert(0, disk(institution, "segundo"))
    institution.settle(institution.sqlite(), institution.sqlite("Otra"))
    more = ("-e", f"@{institution.directory}/secrets.yml")
    runs = [institution.begin(*more, playbook="custody.yml", output=f"salida{number}") for number in range(2)]
    assert [run.wait(120) for run in runs] == [0, 0], institution.said("salida0") + institution.said("salida1")
    handed = [reference for entry in institution.entries("custody_updated") for reference in entry["key_references"]]
    assert sorted(handed) == sorted(set(handed)) and len(handed) == 2, "each was given once"
    assert len(list((institution.directory / "segundo").rglob("*.yml"))) == 2 and len(vault.fake.secrets) == 2


def test_planted_secrets_are_nowhere(institution, vault, bao, shelf, its_loader, people):
    institution.custodians = [disk(institution), vault.options(), bao.options(shelf)]
    institution.actors = {"egcr": {"database": {"titular": [{"name": "Ana", "from": "2026-01-01", "public_key": people[0].public}]}}}
    # a dump that waits, so that all processes are seen while the copy is made
    institution.settle(institution.system("SIGA"))
    began, rooms = time.time() - 1, Rooms(institution.directory / "scratch")
    with Sampler() as sampler:
        run, _dump = institution.begin_half("-e", f"@{institution.directory}/secrets.yml", "-vvv", ANSIBLE_PIPELINING="False")
        seen = sampler.sweeps()
        until(lambda: sampler.sweeps() > seen + 2, "whole sweeps during the copy")
        institution.go_on()
        done = institution.finished(run)
        assert done.returncode == 0, done.stdout
        institution.settle(institution.system("SIGA"))
        custody = institution.good("-vvv", playbook="custody.yml")
        planted = {**institution.secrets, **institution.passwords(its_loader), "bao": bao.client.token,
                   **{f"token {number}": token for number, token in enumerate(set(vault.fake.tokens))}}
        found = sampler.found(planted)
    assert {"vault_nube_secret", "vault_boveda_secret_id", "vault_boveda_role_id", "token 0"} < set(planted) and found == []
    assert in_text((done.stdout + custody).encode(), planted) == []
    assert in_files([institution.directory, *rooms.appeared()], planted, began, but=[institution.directory / "vault"]) == []
    assert open_to_others([institution.directory / "disco"]) == []


def test_the_report_of_custody(institution, vault, its_loader):
    """backup_custody_info, asked for one key, and backup_custody and backup_custody_plan by themselves."""
    institution.custodians = [disk(institution), vault.options()]
    institution.settle()
    institution.good()
    reference = institution.entries("copy_made")[0]["key_reference"]
    play = [{"hosts": "localhost", "gather_facts": False, "tasks": [
        {"perucompras.respaldo.backup_custody_info": {"custodians": "{{ backup_custodians }}", "reference": reference, "show": True}, "register": "told"},
        {"ansible.builtin.copy": {"content": "{{ told | to_json }}", "dest": str(institution.directory / "told.json"), "mode": "0600"}}]}]
    (institution.directory / "informe.yml").write_text(json.dumps(play))
    done = subprocess.run([*institution.command("-e", f"@{institution.directory}/secrets.yml")[:3], str(institution.directory / "informe.yml"),
                           "--vault-password-file", str(institution.directory / "vault"), "-e", f"@{institution.directory}/secrets.yml"],
                          env=institution.environment(), capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads((institution.directory / "told.json").read_text())
    key, = told["keys"]
    assert key["custodians"] == ["disco", "nube"] and key["exists"] and key["known"] and set(key["kept_at"]) == {"disco", "nube"}
    assert [each["type"] for each in told["custodians"]] == ["vault_file", "azure_key_vault"]
    assert "Custodia de contraseñas (numerales 5.2 y 7.2.1 b)" in done.stdout and f"clave {key['key_id']}" in done.stdout
    assert in_text((done.stdout + json.dumps(told)).encode(), institution.passwords(its_loader)) == []


def test_a_single_custodian_is_warned_of(institution, vault):
    institution.settle()
    institution.good()
    spool = {"host": "127.0.0.1", "sender": "a@example.org", "to": ["b@example.org"], "security": "none", "port": 1}
    warned = ("--check", "-v", "-e", json.dumps({"warn_mail": spool, "warn_summary_from": ""}))
    said = institution.good(*warned, playbook="warn.yml")
    assert "custody:single" in said and "Un solo custodio tiene la contraseña" in said and "SIGA" in said
    institution.custodians = [disk(institution, "custodia"), vault.options()]
    institution.settle()
    institution.good(playbook="custody.yml")
    assert "custody:" not in institution.good(*warned, playbook="warn.yml")
    vault.fake.dead = True
    institution.bad(playbook="custody.yml")
    assert "custody:failed" in institution.good(*warned, playbook="warn.yml")
