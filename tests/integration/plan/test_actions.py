# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest
import zoneinfo

PLAN = "perucompras.respaldo.backup_plan"
LABEL = "perucompras.respaldo.backup_label"
INVENTORY = {"systems": "{{ backup_systems | default([]) }}", "media": "{{ backup_media }}", "actors": "{{ backup_actors | default(omit) }}"}
SECRET = "Cl4ve-Plantada-7f3a"

SHIPPED_POLICY = Path(__file__).resolve().parents[3] / "policies" / "manual-001-2019.yml"
MEDIA = [{"name": "local", "type": "local", "path": "/var/lib/respaldo/copias"}]
SIGA = {"name": "SIGA", "kind": "database", "criticality": "media", "office": "Administración",
        "source": {"type": "postgresql", "databases": ["siga"], "host": "bd1", "user": "respaldo", "password": SECRET}}
CODE = {"name": "SIGA", "kind": "source_code", "criticality": "baja", "office": "OTI", "source": {"type": "git", "path": "/srv/siga.git"}}


def record(bitacora, days_ago, **fields):
    """A copy made some days ago, in the bitácora."""
    from plugins.plugin_utils._bitacora.store import open_store

    then = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=days_ago)
    at = then.strftime("%Y-%m-%dT%H:%M:%SZ")
    body = {"started_at": at, "label": "SIGA_20200101", "system": "SIGA", "kind": "database", "trust_level": "T2", "size": 4096, **fields}
    with open_store(str(bitacora)) as store:
        store.append("copy_made", body, at, "test")


def test_local_inventory_plans_this_checkout_and_the_bitacora(play, bitacora):
    run = play(PLAN, INVENTORY)
    assert run.status == 0, run.output
    plan = run.plan()
    assert {key: row["due"] for key, row in plan.items()} == {("source_code", "respaldo"): "yes", ("database", "bitacora"): "yes"}
    assert plan["database", "bitacora"]["numeral"] == "7.2.1" and plan["database", "bitacora"]["encrypt"] is False
    assert run.results["localhost"]["time_zone"] == "America/Lima"
    assert run.results["localhost"]["changed"] is False
    assert "bitacora (Base de datos): corresponde. Corresponde desde el " in run.results["localhost"]["summary"][1]


def test_local_inventory_takes_what_the_newcomer_has(play):
    run = play(PLAN, INVENTORY, environment={"BACKUP_GIT": "https://git.example.org/oti/Señal.git/", "BACKUP_POSTGRESQL": "siga"})
    assert run.status == 0, run.output
    plan = run.plan()
    assert plan["source_code", "Señal"]["canonical"] == "Senal"
    assert plan["database", "siga"]["source_type"] == "postgresql"
    assert len(plan) == 4


def test_example_inventory_is_valid_and_its_secrets_stay_inside(play):
    secrets = {"vault_nas_keeper_key": "-----BEGIN OPENSSH PRIVATE KEY-----\n" + SECRET, "vault_tramite_password": SECRET, "vault_git_token": SECRET,
               "vault_gitea_token": SECRET}
    run = play(PLAN, INVENTORY, inventory="inventories/example", variables=secrets, options=["-vvv"])
    assert run.status == 0, run.output
    assert len(run.results) == 7 and run.plan("nas-lima.example.org") == {}
    assert sum(len(result["plan"]) for result in run.results.values()) == 12
    catalogue = run.plan("bd1.example.org")["database", "Catálogos Electrónicos"]
    assert catalogue["canonical"] == "CatalogosElectronicos"
    assert (catalogue["encrypt"], catalogue["required_trust"], catalogue["responsible"]) == (True, "T3", "Ana Quispe Núñez")
    assert catalogue["media"] == ["local", "nas-lima"]
    assert run.plan("bd2.example.org")["database", "Intranet antigua"]["due"] == "no"
    assert SECRET not in json.dumps(run.results)
    assert SECRET not in run.output


def test_mistakes_are_told_at_once_and_without_secrets(play, bitacora):
    wrong = [dict(SIGA, kind="databse"), dict(CODE, name="../etc"), dict(SIGA, source=dict(SIGA["source"], pasword=SECRET))]
    run = play(PLAN, {"systems": wrong, "media": MEDIA}, options=["-vvv"])
    assert run.status == 2
    told = run.results["localhost"]
    assert told["error"]["code"] == "RSP101"
    for words in ("backup_systems[0].kind: 'databse'", "Did you mean database?", "backup_systems[1].name: '../etc'",
                  "backup_systems[2].source.pasword", "Did you mean password?"):
        assert words in told["msg"]
    assert SECRET not in json.dumps(told)
    assert not bitacora.exists() or SECRET.encode() not in bitacora.read_bytes()


def test_history_decides_and_an_emergency_overrides_it(play, bitacora):
    record(bitacora, 3)
    record(bitacora, 40, kind="source_code", label="SIGA_20200101", content_digest="abc")
    given = {"systems": [SIGA, CODE], "media": MEDIA}
    plan = play(PLAN, given).plan()
    assert plan["database", "SIGA"]["due"] == "no"
    assert plan["database", "SIGA"]["previous_size"] == 4096 and plan["database", "SIGA"]["previous_label"] == "SIGA_20200101"
    assert plan["source_code", "SIGA"]["due"] == "yes" and plan["source_code", "SIGA"]["previous_content_digest"] == "abc"
    record(bitacora, 1, kind="source_code", label="SIGA_20200102")
    run = play(PLAN, dict(given, kind="source_code", only=["siga"]), dict(given, emergency_reason="Alerta de ransomware"), options=["--check"])
    selected, emergency = (told["plan"] for told in run.results["localhost"])
    assert [(row["kind"], row["system"], row["due"]) for row in selected] == [("source_code", "SIGA", "if_changed")]
    assert [(row["due"], row["reason"]) for row in emergency] == [("yes", "emergency")] * 2


def test_a_copy_that_was_not_read_back_does_not_count(play, bitacora):
    record(bitacora, 1, trust_level="T1")
    assert play(PLAN, {"systems": [SIGA], "media": MEDIA}).plan()["database", "SIGA"]["due"] == "yes"


def test_public_keys_of_those_in_charge_go_with_encrypted_copies(play, tmp_path):
    inventory = tmp_path / "hosts.json"
    designated = {"name": "Ana", "from": "2020-01-01", "public_key_file": "claves/ana.asc"}
    windows = dict(SIGA, name="SIAF", encryption_format="7z")
    variables = {"backup_media": MEDIA, "backup_systems": [SIGA, CODE, windows], "backup_actors": {"egcr": {"database": {"titular": [designated]}}}}
    inventory.write_text(json.dumps({"all": {"hosts": {"bd1": variables}}}), "utf-8")
    told = play(PLAN, INVENTORY, inventory=inventory).results["bd1"]
    assert told["error"]["code"] == "RSP101" and "public_key_file of Ana" in told["msg"]
    (tmp_path / "claves").mkdir()
    (tmp_path / "claves" / "ana.asc").write_text("-----BEGIN PGP PUBLIC KEY BLOCK-----\n", "ascii")
    plan = play(PLAN, INVENTORY, inventory=inventory).plan("bd1")
    assert plan["database", "SIGA"]["public_keys"] == ["-----BEGIN PGP PUBLIC KEY BLOCK-----\n"]
    assert plan["source_code", "SIGA"]["public_keys"] == []
    assert plan["database", "SIGA"]["encryption_format"] == "gpg"
    assert (plan["database", "SIAF"]["encryption_format"], plan["database", "SIAF"]["public_keys"]) == ("7z", []), "7z knows no public keys"


def test_two_hosts_can_not_hold_one_system(play, tmp_path):
    inventory = tmp_path / "hosts.json"
    hosts = {"bd1": {"backup_systems": [SIGA]}, "bd2": {"backup_systems": [dict(SIGA, name="sígá"), dict(SIGA, name="SIAF")]}}
    inventory.write_text(json.dumps({"all": {"hosts": hosts, "vars": {"backup_media": MEDIA}}}), "utf-8")
    run = play(PLAN, INVENTORY, inventory=inventory)
    assert run.status == 2
    assert "backup_systems[0].name: 'SIGA' is also the name of a database of host bd2" in run.results["bd1"]["msg"]
    assert "of host bd1" in run.results["bd2"]["msg"]


def test_a_need_that_no_host_declares_is_a_mistake(play, tmp_path):
    inventory = tmp_path / "hosts.json"
    hosts = {"bd1": {"backup_systems": [dict(SIGA, depends_on=["siaf", "SIAFF"])]}, "bd2": {"backup_systems": [dict(SIGA, name="SIAF", depends_on=["siga"])]}}
    inventory.write_text(json.dumps({"all": {"hosts": hosts, "vars": {"backup_media": MEDIA}}}), "utf-8")
    run = play(PLAN, INVENTORY, inventory=inventory)
    assert run.results["bd1"]["msg"].count("is not a system of the inventory") == 1
    assert "backup_systems[0].depends_on[1]: 'SIAFF' is not a system of the inventory. Did you mean siaf?" in run.results["bd1"]["msg"]
    assert not run.results["bd2"].get("failed"), run.results["bd2"]


def test_a_misspelt_selection_is_a_mistake(play):
    run = play(PLAN, {"systems": [SIGA], "media": MEDIA, "only": ["SIGAA"]})
    assert run.status == 2
    assert "backup_only[0]: 'SIGAA' is not a system of the inventory. Did you mean SIGA?" in run.results["localhost"]["msg"]


def test_an_institution_points_to_its_own_policy(play, tmp_path):
    own = tmp_path / "policy.yml"
    text = SHIPPED_POLICY.read_text("utf-8")
    own.write_text(text.replace("Manual 001-2019-PERÚ COMPRAS\n", "Directiva 7\n").replace("America/Lima", "America/La_Paz"), "utf-8")
    run = play(PLAN, {"systems": [SIGA], "media": MEDIA, "policy_file": str(own)})
    assert run.status == 0, run.output
    assert (run.results["localhost"]["manual"], run.results["localhost"]["time_zone"]) == ("Directiva 7", "America/La_Paz")
    own.write_text(text.replace("days: 7", "dais: 7").replace("America/Lima", "America/Limma"), "utf-8")
    told = play(PLAN, {"systems": [SIGA], "media": MEDIA, "policy_file": str(own)}).results["localhost"]
    assert "backup_policy.kinds.database.every.dais" in told["msg"] and "Did you mean days?" in told["msg"]
    told = play(PLAN, {"systems": [SIGA], "media": MEDIA, "policy_file": str(tmp_path / "missing.yml")}).results["localhost"]
    assert told["error"]["code"] == "RSP101" and "backup_policy_file" in told["msg"]


@pytest.mark.parametrize("clock", ["Pacific/Kiritimati", "Pacific/Niue"])
def test_label_has_the_day_of_lima_whatever_the_clock_of_the_controller(play, clock):
    before = datetime.datetime.now(zoneinfo.ZoneInfo("America/Lima")).date()
    run = play(LABEL, {"system": "Señal SIGA", "kind": "database", "reason_text": "prueba"}, environment={"TZ": clock})
    after = datetime.datetime.now(zoneinfo.ZoneInfo("America/Lima")).date()
    told = run.results["localhost"]
    assert told["label"] in (before.strftime("SenalSIGA_%Y%m%d"), after.strftime("SenalSIGA_%Y%m%d"))
    assert told["backup"]["event"] == "copy_started" and told["backup"]["system"] == "Señal SIGA"
    assert told["backup"]["reason"] == "scheduled" and told["backup"]["started_at"].endswith("Z")


def test_label_goes_on_where_the_bitacora_and_the_medium_are(play, bitacora):
    record(bitacora, 0, label="SIGA_20280229")
    arguments = {"system": "SIGA", "kind": "database", "date": "2028-02-29"}
    run = play(LABEL, arguments, dict(arguments, taken=["SIGA_20280229_04"]), dict(arguments, kind="source_code"), options=["--check"])
    second, fifth, code = run.results["localhost"]
    assert (second["label"], second["printed_label"]) == ("SIGA_20280229_02", "SIGA_2028 02 29_02")
    assert fifth["label"] == "SIGA_20280229_05"
    assert code["label"] == "SIGA_20280229"


def test_label_refuses_in_words(play):
    refusals = [
        ({"time_zone": "America/Limma"}, "install the package tzdata"),
        ({"date": "29/02/2028"}, "Write it like 2026-11-22"),
        ({"system": "a/b"}, "has a slash"),
        ({"system": "x" * 300}, "300 characters"),
    ]
    run = play(LABEL, *({"system": "SIGA", "kind": "database", **arguments} for arguments, _words in refusals))
    assert run.status == 2
    for told, (_arguments, words) in zip(run.results["localhost"], refusals, strict=True):
        assert told["error"]["code"] == "RSP101"
        assert words in told["msg"]
