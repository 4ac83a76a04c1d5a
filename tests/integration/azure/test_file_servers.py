# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file server whose only medium is a cloud, by the playbooks: restic 0.14 goes to the public name, which a proxy leads to the emulator."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.copies.incremental import making as files_making
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.copies.incremental.backup import FilesOrder
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.copies.orders import Order
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.media.base import Slot
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.restic.restic import Restic
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.restic import Files
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.transforms.encrypt import Keys
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store
from bench import ACCOUNT, KEY, Tunnel

ROOT = Path(__file__).resolve().parents[3]


class House:
    """An institution with one shared folder and a cloud."""

    def __init__(self, top, bench):
        self.top, self.bench, self.folder = top, bench, top / "compartido"
        self.tunnel = Tunnel(bench.azurite.port)
        (self.folder / "legajos").mkdir(parents=True)
        (self.folder / "legajos" / "ñandú.txt").write_text("uno\n", "utf-8")
        (self.folder / "planilla.bin").write_bytes(os.urandom(300_000))
        (top / "vault").write_text("boveda")

    def good(self, playbook, *options):
        system = {"name": "RRHH", "kind": "file_server", "criticality": "baja", "office": "RRHH",
                  "source": {"type": "restic", "paths": [str(self.folder)]}}
        cloud = {"name": "nube", "type": "azure_blob", "storage_account_name": ACCOUNT, "container": self.bench.container, "prefix": "lima",
                 "ca_certs": str(self.bench.azurite.ca), "retry_seconds": 5, "proxy": self.tunnel.url,
                 "auth": {"account_key": KEY, "deposit_permissions": "cw"}}
        policy = yaml.safe_load((ROOT / "policies" / "manual-001-2019.yml").read_text("utf-8"))
        policy["kinds"]["file_server"]["keep_copies"], policy["minimum_copies"] = 1, 1
        (self.top / "policy.yml").write_text(yaml.safe_dump(policy, allow_unicode=True), "utf-8")
        told = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "backup_systems": [system], "backup_media": [cloud],
                "common_install_tools": False, "backup_custody_directory": str(self.top / "custodia"), "backup_assigned_paths": [str(self.top)],
                "backup_policy_file": str(self.top / "policy.yml")}
        (self.top / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": {"localhost": told}}}))
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "RESPALDO_"))}
        environment.update(HOME=str(self.top), RESPALDO_BITACORA=str(self.top / "b.sqlite"), ANSIBLE_CONFIG=str(ROOT / "ansible.cfg"), ANSIBLE_NOCOLOR="1")
        command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(self.top / "hosts.yml"), str(ROOT / "playbooks" / playbook),
                   "--vault-password-file", str(self.top / "vault"), *options]
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT, timeout=300, check=False)
        assert done.returncode == 0, done.stdout
        for secret in (KEY, "sig="):
            assert secret not in done.stdout
        return done.stdout

    def entries(self, *types):
        with open_store(str(self.top / "b.sqlite"), readonly=True) as store:
            return store.entries(type=types)


@pytest.mark.skipif(os.geteuid() != 0, reason="the cache of restic and the list of proved files are the system's")
def test_a_file_server_lives_in_a_cloud(tmp_path, bench):
    house = House(tmp_path, bench)
    try:
        for text in ("uno\n", "dos\n"):
            (house.folder / "legajos" / "ñandú.txt").write_text(text, "utf-8")
            house.good("file_server.yml", "-e", "backup_emergency_reason=Prueba")
        made = house.entries("copy_made")
        assert [row["retention"] for row in made] == ["1 punto", "1 punto"]
        first = bench.client.get_blob_client(f"lima/file_server/RRHH/{made[0]['label']}/SHA256SUMS")
        assert first.get_blob_tags()["retention"] == "1 punto"
        assert [row["files_changed"] for row in made] == [0, 1] and made[-1]["trust_level"] == "T2"
        assert set(house.tunnel.asked) == {f"{ACCOUNT}.blob.core.windows.net:443"}
        first = [name for name in bench.names() if name.startswith("lima/file_server/RRHH/") and name.endswith("/SHA256SUMS")]
        assert len(first) == 2
        house.good("restore.yml", "-e", "restore_host=localhost", "-e", "restore_kind=file_server", "-e", "restore_system=RRHH",
                   "-e", json.dumps({"restore_paths": ["legajos/ñandú.txt"], "restore_label": made[0]["label"], "restore_reason": "Versión anterior"}))
        restored = house.entries("restored")[-1]
        assert Path(restored["target"], "legajos", "ñandú.txt").read_text("utf-8") == "uno\n"
        house.good("verify.yml", "-e", "verify_level=T3", "-e", "verify_data_days=1")
        assert "restic_data 1/1" in house.entries("copy_verified")[-1]["checks"]
        house.good("prune.yml")
        assert [row["label"] for row in house.entries("copy_pruned")] == [made[0]["label"]]
        assert len([name for name in bench.names() if "/repositorio/snapshots/" in name]) == 1
        assert not [name for name in bench.names() if "/repositorio/locks/" in name]
    finally:
        house.tunnel.close()


class Controller:
    """The other end of the line. It has long signatures, or none but the first, once restic began the copy."""

    def __init__(self, bench, seconds, monkeypatch):
        self.bench, self.seconds, self.asked, self.begun = bench, seconds, [], []
        real = Restic._run

        def run(restic, arguments, *others, **named):
            self.begun.append(arguments[0])
            return real(restic, arguments, *others, **named)

        monkeypatch.setattr(Restic, "_run", run)

    def ask(self, word, argument, refused=""):
        self.asked.append((word, argument))
        if "backup" not in self.begun:
            return self.bench.sign("rcwdl", 12)
        return self.bench.sign("rcwdl", self.seconds) if self.seconds else refused

    def tell(self, **_progress):
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="the cache of restic and the list of proved files are the system's")
@pytest.mark.parametrize("seconds", [3600, 0], ids=["renewed", "there is no other"])
def test_a_copy_that_takes_longer_than_its_signature_goes_on_with_another(tmp_path, bench, seconds, monkeypatch):
    folder, tunnel = tmp_path / "rrhh", Tunnel(bench.azurite.port)
    folder.mkdir()
    (folder / "grande").write_bytes(os.urandom(24 << 20))
    cloud = bench.medium(endpoint="", proxy=tunnel.url, session={"repository": bench.sign("rcwdl", 12)})
    cloud.channel = controller = Controller(bench, seconds, monkeypatch)
    source = Files([str(folder)], assigned=[str(tmp_path)])
    base = Order(Slot("file_server", "RRHH", "RRHH_20261101"), keys=Keys("una clave"), minimum_size=0)
    order = FilesOrder(base, "archivos1", "RRHH", limit_upload=1536)
    try:
        if seconds:
            made = files_making.make(order, source, [cloud])
            assert made.fields["trust_level"] == "T2" and made.fields["objects"] == 1 and controller.begun.count("backup") >= 2
        else:
            with pytest.raises(BackupError) as ended:
                files_making.make(order, source, [cloud])
            assert ended.value.code == "RSP411" and "restic backup" in ended.value.message
        assert set(controller.asked) == {("repository", "nube")}
        # what ended with its signature may have left its lock, since it could no longer remove it: that stops no later copy
        after = bench.medium(endpoint="", proxy=tunnel.url, session={"repository": bench.sign("rcwdl", 3600)})
        base = Order(Slot("file_server", "RRHH", "RRHH_20261102"), keys=Keys("una clave"), minimum_size=0)
        made = files_making.make(FilesOrder(base, "archivos1", "RRHH"), source, [after])
        assert made.fields["trust_level"] == "T2" and made.fields["objects"] == 1
        assert not [name for name in bench.names() if "/locks/" in name]
    finally:
        tunnel.close()
