# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The system through a cloud, by the playbooks: copied straight there, proved, compared, restored byte for byte, pruned."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import chain
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store
from bench import ACCOUNT, KEY
from front import Front

ROOT = Path(__file__).resolve().parents[3]


class House:
    """An institution with a database and a repository of code, a cloud, and maybe a disk."""

    def __init__(self, top, bench):
        self.top, self.bench = top, bench
        self.disk = {"name": "disco", "path": str(top / "disco"), "create": True}
        self.auth = {"account_key": KEY, "deposit_permissions": "cw"}
        self.cloud = {"name": "nube", "type": "azure_blob", "storage_account_name": ACCOUNT, "endpoint": bench.relay.url, "container": bench.container,
                      "prefix": "lima", "tier": "cool", "ca_certs": str(bench.azurite.ca), "retry_seconds": 20}
        self.media = [self.cloud]
        self.database: dict[str, str] = {}      # what the database's row of the inventory says besides
        with sqlite3.connect(top / "siga.sqlite") as database:
            database.execute("CREATE TABLE t (a, b)")
            database.executemany("INSERT INTO t VALUES (?, ?)", [(number, os.urandom(900)) for number in range(12000)])
        (top / "vault").write_text("boveda")
        git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-C", str(top / "fuentes")]
        subprocess.run(["git", "init", "-q", str(top / "fuentes")], check=True)
        (top / "fuentes" / "a.py").write_text("print(1)\n")
        subprocess.run([*git, "add", "."], check=True)
        subprocess.run([*git, "commit", "-qm", "first"], check=True)

    def command(self, playbook, *options):
        """How a playbook is run: the command, and its environment."""
        database = {"type": "sqlite", "path": str(self.top / "siga.sqlite")}
        code = {"type": "git", "path": str(self.top / "fuentes")}
        systems = [{"name": "SIGA", "kind": "database", "criticality": "alta", "office": "OTI", "source": database, **self.database},
                   {"name": "Portal", "kind": "source_code", "criticality": "baja", "office": "OTI", "source": code}]
        media = [{**medium, "auth": self.auth} if medium is self.cloud else medium for medium in self.media]
        told = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "backup_systems": systems, "backup_media": media,
                "common_install_tools": False, "backup_custody_directory": str(self.top / "custodia"), "backup_assigned_paths": [str(self.top)]}
        (self.top / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": {"localhost": told}}}))
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "RESPALDO_"))}
        environment.update(HOME=str(self.top), RESPALDO_BITACORA=str(self.top / "b.sqlite"), ANSIBLE_CONFIG=str(ROOT / "ansible.cfg"), ANSIBLE_NOCOLOR="1")
        command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(self.top / "hosts.yml"), str(ROOT / "playbooks" / playbook),
                   "--vault-password-file", str(self.top / "vault"), "-e", f"backup_local_state={self.top}", *options]
        return command, environment

    def run(self, playbook, *options):
        command, environment = self.command(playbook, *options)
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT, timeout=900, check=False)
        for secret in (KEY, "sig="):
            assert secret not in done.stdout
        return done

    def good(self, playbook, *options):
        done = self.run(playbook, *options)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def entries(self, *types):
        with open_store(str(self.top / "b.sqlite"), readonly=True) as store:
            return store.entries(type=types)

    def close(self):
        assert chain.verify_file(self.top / "b.sqlite").whole
        text = (self.top / "b.sqlite").read_bytes()
        assert KEY.encode() not in text and b"sig=" not in text, "no key and no signature is in the bitácora"


@pytest.fixture
def house(tmp_path, bench):
    made = House(tmp_path, bench)
    yield made
    made.close()


def rows(path):
    with sqlite3.connect(path) as database:
        return database.execute("SELECT * FROM t ORDER BY a").fetchall()


def test_straight_to_the_cloud_and_back(house):
    assert "account_key abre la cuenta de almacenamiento entera" in " ".join(house.good("database.yml").split()), "the key is discouraged aloud"
    copied = house.entries("copy_made")[0]
    label = copied["label"]
    assert copied["medium"] == "nube" and copied["trust_level"] == "T2" and "block_checksums" in copied["checks"]
    assert copied["location"] == f"{house.bench.relay.url}/{house.bench.container}/lima/database/SIGA/{label}"
    assert house.entries("copy_verified")[0]["trust_level"] == "T3", "criticality alta is proved by restoring it"
    told = house.bench.client.get_blob_client(f"lima/database/SIGA/{label}/SHA256SUMS")
    assert told.get_blob_properties().metadata["sha256"] == copied["sha256"]
    assert told.get_blob_tags() == {"system": "SIGA", "kind": "database", "label": label, "trust_level": "T2", "criticality": "alta"}
    house.good("verify.yml")
    assert "se alcanza, se lista y se puede escribir; copias: 1; última verificación hace 0 días" in " ".join(house.good("media_health.yml").split())
    assert [entry["medium"] for entry in house.entries("medium_checked")] == ["nube"], "the controller looks at a container"
    house.good("restore.yml", "-e", "restore_host=localhost restore_kind=database restore_system=SIGA restore_requester=Ana", "-e",
               f"restore_target={house.top}/vuelta.sqlite")
    assert rows(house.top / "vuelta.sqlite") == rows(house.top / "siga.sqlite")


def test_an_archive_for_windows_goes_there_and_comes_back(house):
    note = ["/bin/sh", "-c", f"echo $RESPALDO_HOOK $0 $RESPALDO_RESULT >>{house.top}/comandos"]
    house.database = {"encryption_format": "7z", "hooks": {
        when: [{"argv": [*note, place], "on": place} for place in ("server", "controller")] for when in ("before", "after")}}
    house.good("database.yml")
    label = house.entries("copy_made")[0]["label"]
    assert (house.top / "comandos").read_text().splitlines() == ["before controller", "before server", "after server good", "after controller good"]
    assert len(house.entries("copy_made")[0]["hooks"]) == 4
    assert house.entries("copy_verified")[0]["trust_level"] == "T3"
    assert house.bench.client.download_blob(f"lima/database/SIGA/{label}/{label}.sqlite.zst.7z").readall()[:6] == b"7z\xbc\xaf\x27\x1c"
    house.good("restore.yml", "-e", "restore_host=localhost restore_kind=database restore_system=SIGA restore_requester=Ana", "-e",
               f"restore_target={house.top}/vuelta.sqlite")
    assert rows(house.top / "vuelta.sqlite") == rows(house.top / "siga.sqlite")


def test_source_code_goes_there_too_and_check_mode_writes_nothing(house):
    house.good("source_code.yml", "--check")
    assert house.bench.names() == []
    house.good("source_code.yml")
    assert {name.split("/")[1] for name in house.bench.names()} == {"source_code"}
    house.good("restore.yml", "-e", "restore_host=localhost restore_kind=source_code restore_system=Portal restore_requester=Ana", "-e",
               f"restore_target={house.top}/vuelta")
    listed = subprocess.run(["git", "--git-dir", house.top / "vuelta", "log", "--format=%s"], capture_output=True, text=True, check=False)
    if listed.returncode:
        listed = subprocess.run(["git", "-C", house.top / "vuelta", "log", "--format=%s"], capture_output=True, text=True, check=True)
    assert listed.stdout == "first\n"


def test_a_disk_and_the_cloud_at_once_hold_the_same(house):
    house.media = [house.disk, house.cloud]
    house.good("database.yml")
    copied = house.entries("copy_made")[0]
    assert copied["medium"] == "disco, nube" and {"sha256_readback", "block_checksums"} <= set(copied["checks"])
    directory = house.top / "disco" / "database" / "SIGA" / copied["label"]
    for path in directory.iterdir():
        assert house.bench.client.download_blob(f"lima/database/SIGA/{copied['label']}/{path.name}").readall() == path.read_bytes()


def test_what_others_put_there_is_a_stray_and_what_is_gone_is_missed(house):
    house.good("database.yml")
    label = house.entries("copy_made")[0]["label"]
    for name in ("SHA256SUMS", "SIGA_20200101.json"):
        house.bench.client.upload_blob(f"lima/database/SIGA/SIGA_20200101/{name}", b"somebody's")
    house.good("reconcile.yml")
    assert [entry["label"] for entry in house.entries("stray_found")] == ["SIGA_20200101"]
    house.bench.client.delete_blob(f"lima/database/SIGA/{label}/SHA256SUMS")
    assert house.run("reconcile.yml").returncode != 0
    assert [entry["label"] for entry in house.entries("copy_damaged")] == [label]


def test_a_rest_of_a_commit_that_was_cut_short_is_swept(house):
    from datetime import datetime

    from zoneinfo import ZoneInfo

    label = datetime.now(ZoneInfo("America/Lima")).strftime("SIGA_%Y%m%d")
    house.bench.client.upload_blob(f"lima/database/SIGA/{label}/{label}.sqlite.zst.gpg", b"a part without its list")
    house.good("database.yml")
    assert house.entries("copy_made")[0]["label"] == label
    house.good("verify.yml")


@pytest.mark.parametrize(("changed", "code"), [
    ({"container": "nadie"}, "RSP413"), ({"ca_certs": None}, "RSP412"), ({"endpoint": "https://localhost:1/x", "retry_seconds": 1}, "RSP406"),
    ({"proxy": "http://ana:secreta@127.0.0.1:9", "retry_seconds": 1}, "RSP406"),
])
def test_a_cloud_that_refuses_stops_the_copy_before_it_begins(house, changed, code):
    house.cloud.update(changed)
    house.cloud = {name: value for name, value in house.cloud.items() if value is not None}
    house.media = [house.disk, house.cloud]
    done = house.run("database.yml")
    assert done.returncode != 0 and code in done.stdout and "secreta" not in done.stdout and "Traceback" not in done.stdout, done.stdout
    assert [entry["error_code"] for entry in house.entries("copy_failed")] == [code]
    assert not (house.top / "disco" / "database").exists(), "nothing was begun"


def test_a_wrong_key_is_told(house):
    house.auth = {"account_key": "QUJD", "deposit_permissions": "cw"}
    done = house.run("database.yml")
    assert done.returncode != 0 and "RSP410" in done.stdout, done.stdout


def test_a_given_signature_that_ran_out_is_told_at_once(house):
    house.auth = {"sas_token": house.bench.sign("cw", -60)}
    began = time.monotonic()
    done = house.run("database.yml")
    assert done.returncode != 0 and "RSP411" in done.stdout and "RSP417" not in done.stdout, done.stdout
    assert time.monotonic() - began < 110, "the controller was not waited for"


def test_a_typo_in_the_medium_is_told_before_anything(house):
    house.cloud["contanier"] = house.cloud.pop("container")
    done = house.run("database.yml")
    assert done.returncode != 0 and "RSP101" in done.stdout and "container" in done.stdout
    house.cloud["container"] = house.cloud.pop("contanier")
    house.good("bitacora.yml")


def test_the_copies_of_the_month_go_to_the_repository(house):
    """transfer.yml (perucompras.respaldo.repository, backup_transfer_plan, backup_transfer): to the cloud, and from there to a directory."""
    house.media = [house.disk]
    house.good("database.yml")
    made = house.entries("copy_made")[0]
    house.media = [house.disk, house.cloud]
    assert "por trasladar a nube: 1" in house.good("transfer.yml", "--check", "-e", "backup_repository=nube")
    assert house.bench.names() == [] and len(house.entries("transfer_simulated")) == 1
    house.good("transfer.yml", "-e", "backup_repository=nube")
    carried = house.entries("copy_transferred")[0]
    assert (carried["medium"], carried["sha256"], carried["trust_level"], carried["size"]) == ("nube", made["sha256"], "T2", made["size"])
    assert "por trasladar a nube: 0" in house.good("transfer.yml", "-e", "backup_repository=nube")
    house.media = [house.cloud, {"name": "archivo", "path": str(house.top / "archivo"), "create": True}]
    house.good("transfer.yml", "-e", "backup_repository=archivo")
    first, second = (house.top / place / "database" / "SIGA" / made["label"] for place in ("disco", "archivo"))
    assert {path.name: path.read_bytes() for path in first.iterdir()} == {path.name: path.read_bytes() for path in second.iterdir()}
    house.media.append(house.disk)
    house.good("verify.yml")
    assert {entry["medium"] for entry in house.entries("copy_verified")} == {"disco", "nube", "archivo"}


def test_a_damaged_copy_is_not_carried_and_no_other_label_stays_behind(house):
    house.media = [house.disk]
    house.good("database.yml")
    directory = house.top / "disco" / "database" / "SIGA" / house.entries("copy_made")[0]["label"]
    data = next(path for path in directory.iterdir() if path.name.endswith(".gpg"))
    with data.open("r+b") as file:
        file.seek(1000)
        file.write(b"x" * 10)
    house.media = [house.disk, house.cloud]
    done = house.run("transfer.yml", "-e", "backup_repository=nube")
    assert done.returncode != 0 and house.entries("transfer_failed")[0]["error_code"] == "RSP501", done.stdout
    assert house.bench.names() == [] and house.entries("copy_transferred") == []


def test_a_repository_that_is_no_medium_is_told(house):
    done = house.run("transfer.yml", "-e", "backup_repository=nuve")
    assert done.returncode != 0 and "RSP101" in done.stdout and "Did you mean nube" in done.stdout
    house.good("bitacora.yml")


def test_retention_removes_from_the_cloud_what_the_policy_no_longer_asks_for(house):
    """prune.yml: on the controller, which has the identity; the newest good copy is read whole first."""
    policy = yaml.safe_load((ROOT / "policies" / "manual-001-2019.yml").read_text())
    policy["minimum_copies"], policy["kinds"]["database"]["retention"] = 1, {"points": 1}
    (house.top / "policy.yml").write_text(yaml.safe_dump(policy, allow_unicode=True))
    told = ["-e", f"backup_policy_file={house.top}/policy.yml"]
    house.good("database.yml")
    house.good("database.yml", "-e", "backup_emergency_reason=otra")
    first, second = (entry["label"] for entry in house.entries("copy_made"))
    house.good("prune.yml", "--check", *told)
    assert len(house.entries("prune_simulated")) == 1 and any(first + "/" in name for name in house.bench.names())
    house.good("prune.yml", *told)
    assert [entry["label"] for entry in house.entries("copy_pruned")] == [first]
    assert {name.split("/")[3] for name in house.bench.names()} == {second}
    house.good("verify.yml")


def test_what_a_write_once_container_protects_is_told_and_stays_until_it_may_go(house):
    """The front refuses every removal, as such a container does; no run is red for that, and afterwards the copies go."""
    policy = yaml.safe_load((ROOT / "policies" / "manual-001-2019.yml").read_text())
    policy["minimum_copies"], policy["kinds"]["database"]["retention"] = 1, {"points": 1}
    (house.top / "policy.yml").write_text(yaml.safe_dump(policy, allow_unicode=True))
    told = ["-e", f"backup_policy_file={house.top}/policy.yml"]
    front = Front(house.bench.azurite)
    house.cloud["endpoint"] = front.url
    house.database = {"criticality": "baja"}
    house.good("database.yml")
    house.good("database.yml", "-e", "backup_emergency_reason=otra")
    first, second = (entry["label"] for entry in house.entries("copy_made"))
    before = house.bench.names()
    front.write_once = True
    house.good("prune.yml", *told)
    deferred, = house.entries("prune_deferred")
    assert (deferred["label"], deferred["objects"]) == (first, 1) and "RSP414" in deferred["reason_text"] and first in deferred["reason_text"]
    assert house.bench.names() == before and not house.entries("copy_pruned") and not house.entries("prune_failed")
    # said in the inventory, the service is not even asked
    house.cloud.update(write_once_days=1, tier="hot")
    shown = house.good("prune.yml", *told)
    assert shown.count("el contenedor no permite retirarla hasta el") == 1 and len(house.entries("prune_deferred")) == 1
    front.write_once = False
    del house.cloud["write_once_days"]
    house.good("prune.yml", *told)
    assert [entry["label"] for entry in house.entries("copy_pruned")] == [first]
    assert {name.split("/")[3] for name in house.bench.names()} == {second}
    front.close()
