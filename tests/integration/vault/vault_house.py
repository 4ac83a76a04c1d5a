# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An institution whose servers Azure Backup copies: one of each sort, a vault on the fake Azure Resource Manager, and the playbooks."""

from __future__ import annotations

import contextlib
import datetime
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import yaml
from ansible.parsing.dataloader import DataLoader
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine import result
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import chain, events, recorder
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store
from arm.backup import FakeBackup
from arm.server import SUBSCRIPTION, FakeArm
from login import CLIENT, SECRET, TENANT, token

ROOT = Path(__file__).resolve().parents[3]
LIMA = datetime.timezone(datetime.timedelta(hours=-5))
# how every token of the fake login service begins
_TOKEN = token("https://management.azure.com")[:20].encode()
NAMES = ("LEGAL", "ARCHIVOS", "PADRON")


class House:
    """`LEGAL` is a share, `ARCHIVOS` a virtual machine, `PADRON` a volume of a server with the MARS agent."""

    def __init__(self, top: Path, arm: FakeArm, backup: FakeBackup) -> None:
        self.top, self.arm, self.backup = top, arm, backup
        arm.retry_after = 0
        self.vault: dict[str, Any] = {
            "name": "boveda", "resource_group": "rg", "subscription_id": SUBSCRIPTION, "proxy": arm.proxy, "ca_certs": str(arm.ca),
            "auth": {"auth_source": "service_principal", "client_id": CLIENT, "tenant": TENANT, "secret": SECRET}}
        self.machine = backup.machine("rg", "vm-archivos")
        self.account = backup.account("rg-datos", "cuentaentidad", "legal", "otra")
        self.sources: dict[str, dict[str, Any]] = {
            "LEGAL": {"protects": "share", "storage_account": "cuentaentidad", "share": "legal", "resource_group": "rg-datos"},
            "ARCHIVOS": {"protects": "machine", "machine": "vm-archivos"},
            "PADRON": {"protects": "agent", "computer": "srv-padron", "volume": "D:\\"}}
        self.items: dict[str, str] = {}
        self.output = ""

    def ready(self) -> str:
        """Everything is set up already: the vault, and what it protects."""
        path = self.backup.vault("rg", "boveda")
        self.items = {"LEGAL": self.backup.item(path, self.account, "legal"), "ARCHIVOS": self.backup.item(path, self.machine),
                      "PADRON": self.backup.agent(path, "srv-padron.entidad.gob.pe", "D:\\")[0]}
        return path

    def at(self, days_ago: int, hour: float) -> float:
        """A moment of Lima's day, so many days ago, in seconds."""
        day = datetime.datetime.now(LIMA).replace(hour=0, minute=0, second=0, microsecond=0) - datetime.timedelta(days=days_ago)
        return (day + datetime.timedelta(hours=hour)).timestamp()

    def day(self, days_ago: int) -> str:
        return datetime.datetime.fromtimestamp(self.at(days_ago, 12), LIMA).strftime("%Y%m%d")

    def night(self, name: str, days_ago: int, status: str = "Completed", hour: float = 20, hours: float | None = 1, **told: Any) -> str:
        """The job of a night; `hours` None: it still runs."""
        begin = self.at(days_ago, hour)
        return self.backup.job(self.items[name], status, begin, None if hours is None else begin + hours * 3600, **told)

    @property
    def systems(self) -> list[dict[str, Any]]:
        return [{"name": name, "kind": "file_server", "criticality": "media", "office": "OTI", "source": {"type": "azure_backup", "vault": "boveda", **source}}
                for name, source in self.sources.items()]

    def act(self, action: str, code: str = "", check: bool = False, recorded: bool = True, **arguments: Any) -> dict[str, Any]:
        """One action in this process, and what the callback would record of it. Fails unless it gives the error `code` ("": none)."""
        given = self.plain(action, check, vaults=[self.vault], systems=self.systems, **arguments)
        assert given.get("error", {}).get("code", "") == code, given
        assert SECRET not in json.dumps(given)
        if recorded:
            self.record(given, check)
        return given

    def plain(self, action: str, check: bool = False, **arguments: Any) -> dict[str, Any]:
        """What an action gives, as a task of a play would get it."""
        plugin = importlib.import_module(f"ansible_collections.perucompras.respaldo.plugins.action.{action}")
        hostvars = SimpleNamespace(raw_get=lambda _host: {"backup_systems": self.systems})
        task = SimpleNamespace(args=arguments, check_mode=check, diff=True, async_val=0, action=action, no_log=False)
        made = plugin.ActionModule(task, SimpleNamespace(_shell=SimpleNamespace(tmpdir="."), transport="local"), None, DataLoader(), None)
        with self.a_run(action, arguments):
            given: dict[str, Any] = made.run(None, {"inventory_hostname": "localhost", "groups": {"all": ["localhost"]}, "hostvars": hostvars})
        return given

    @contextlib.contextmanager
    def a_run(self, action: str, arguments: dict[str, Any]) -> Iterator[None]:
        """A run that lives and is recorded, as the callback has one for the tasks of a play, and what opens the copy or the restore of this action."""
        run = recorder.Recorder(str(self.top / "b.sqlite"), self.top / "diario", None, {})
        run.start()
        rule = events.allowed(events.COLLECTION + action)
        if rule and rule.start and arguments.get("label"):
            run.backup("localhost", {"event": rule.start, "kind": "file_server", "system": arguments["system"], "label": arguments["label"]}, False)
            run.flush()
        told = {"RESPALDO_RUN_ID": run.run, "RESPALDO_BITACORA": str(self.top / "b.sqlite"), "RESPALDO_CONTROLLER_PID": str(os.getpid())}
        before = {name: os.environ.get(name) for name in told}
        os.environ.update(told)
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name, None) if value is None else os.environ.update({name: value})

    def record(self, given: dict[str, Any], simulated: bool = False) -> None:
        told = given.get("backup") or []
        run = recorder.Recorder(str(self.top / "b.sqlite"), self.top / "diario", None, {})
        run.start()
        for row in told if isinstance(told, list) else [told]:
            assert run.backup("localhost", row, simulated) and result.clean(row) == row, row
        run.end({})
        assert not run.unwritten

    def write(self) -> None:
        """The inventory of the playbooks."""
        told = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "backup_systems": self.systems, "backup_vaults": [self.vault],
                "backup_media": [], "azure_backup_poll_seconds": 0}
        (self.top / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": {"localhost": told}}}))

    def run(self, playbook: str, *options: str, status: int | None = 0) -> str:
        self.write()
        done = subprocess.run(self.command(playbook, *options), env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT,
                              timeout=180, check=False)
        assert SECRET not in done.stdout and "Bearer" not in done.stdout
        assert status is None or done.returncode == status, done.stdout
        self.output = done.stdout
        return done.stdout

    def command(self, playbook: str, *options: str) -> list[str]:
        return [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(self.top / "hosts.yml"), str(ROOT / "playbooks" / playbook), *options]

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "RESPALDO_", "AZURE_"))}
        return {**kept, "HOME": str(self.top), "RESPALDO_BITACORA": str(self.top / "b.sqlite"), "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
                "ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOG_PATH": str(self.top / "ansible.log")}

    def entries(self, *types: str, **wanted: Any) -> list[dict[str, Any]]:
        with open_store(str(self.top / "b.sqlite"), readonly=True) as store:
            return store.entries(type=types, **wanted)

    def copies(self, name: str) -> dict[str, str]:
        """label -> what became of it, of a system: its error's code, or its trust level."""
        return {entry["label"]: entry.get("error_code") or entry.get("trust_level", "") for entry in self.entries("copy_made", "copy_failed", system=name)}

    def asked(self, *methods: str) -> list[str]:
        return [f"{seen.method} {seen.path.rpartition('/')[2]}" for seen in self.arm.requests if seen.method in methods]

    def close(self) -> None:
        if (self.top / "b.sqlite").exists():
            assert chain.verify_file(self.top / "b.sqlite").whole
        for path in self.top.rglob("*"):
            if path.is_file() and path.name not in ("hosts.yml", "server.key"):
                held = path.read_bytes()
                assert SECRET.encode() not in held and _TOKEN not in held, f"a secret is in {path}"
