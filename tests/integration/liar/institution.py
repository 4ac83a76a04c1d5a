# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two servers on this machine: `mala`, whose Python lies, and `buena`, whose system SIGA the liar must not touch."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible.parsing.vault import VaultLib, VaultSecret

from plugins.plugin_utils._bitacora import chain
from plugins.plugin_utils._bitacora.store import open_store

ROOT = Path(__file__).resolve().parents[3]
HERE = Path(__file__).resolve().parent
VAULT_PASSWORD = "boveda-de-prueba-9Zk4"
# what the controller has in its environment, for a cloud that this institution has too
CLOUD_SECRET = "SECRETO-DEL-PRINCIPAL-4f1c"
DATABASES = tuple("W{0}".format(number) for number in range(1, 8))
# What Python says when nobody caught it, and what must not reach a terminal.
_BARE = re.compile(r"Traceback \(most recent|Unexpected failure during module|Task failed: (?:Action|Module) failed: (?!RSP|Fall(?:ó|aron) \d+ de \d+ en )|"
                   r"\b(?:KeyError|TypeError|ValueError|AttributeError|IndexError|OverflowError|RecursionError|UnicodeEncodeError|AssertionError)\b")
_RAW = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
# entries of one run in these plays: well below what 2,000 lies would make; bytes likewise
MOST_ENTRIES, MOST_BYTES = 300, 1_500_000


class Institution:
    """A directory with everything in it; `copy` gives the same again elsewhere."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.bitacora = top / "estado" / "bitacora.sqlite"

    # -- what there is ----------------------------------------------------------------------------------------------

    def furnish(self) -> None:
        for name in ("estado", "datos", "repositorios", "compartido/rrhh", "oido", "respaldos", "largo"):
            (self.top / name).mkdir(mode=0o700, parents=True)
        (self.top / "vault").write_text(VAULT_PASSWORD)
        (self.top / "vault").chmod(0o600)
        for name in (*DATABASES, "SIGA"):
            with sqlite3.connect(self.top / "datos" / (name + ".sqlite")) as database:
                database.executescript("CREATE TABLE t (a); INSERT INTO t VALUES ('{0}');".format(name))
        repository = self.top / "repositorios" / "PORTAL"
        git = ["git", "-C", str(repository), "-c", "user.name=a", "-c", "user.email=a@example.org"]
        subprocess.run(["git", "init", "-q", str(repository)], check=True)
        subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "uno"], check=True)
        (self.top / "compartido" / "rrhh" / "acta.txt").write_text("acta\n")
        policy = yaml.safe_load((ROOT / "policies" / "manual-001-2019.yml").read_text("utf-8"))
        policy["kinds"]["database"]["retention"] = {"points": 1}
        policy["minimum_copies"] = 1
        (self.top / "policy.yml").write_text(yaml.safe_dump(policy, allow_unicode=True))

    def copy(self, top: Path) -> Institution:
        shutil.copytree(self.top, top, symlinks=True, ignore=shutil.ignore_patterns("ansible", ".ansible"))
        return Institution(top)

    def interpreter(self) -> Path:
        path = self.top / "python-que-miente"
        path.write_text("#!/bin/sh\nexec {0} {1} {2} \"$@\"\n".format(sys.executable, HERE / "interpreter.py", self.top / "oido"))
        path.chmod(0o755)
        return path

    def declare(self) -> None:
        def system(name: str, kind: str, source: Mapping[str, Any], criticality: str = "media") -> dict[str, Any]:
            return {"name": name, "kind": kind, "criticality": criticality, "office": "Oficina de " + name, "source": dict(source)}

        mine = [system(name, "database", {"type": "sqlite", "path": str(self.top / "datos" / (name + ".sqlite"))}) for name in DATABASES]
        mine.append(system("PORTAL", "source_code", {"type": "git", "path": str(self.top / "repositorios" / "PORTAL")}))
        mine.append(system("RRHH", "file_server", {"type": "restic", "paths": [str(self.top / "compartido" / "rrhh")]}))
        shared = {
            "ansible_connection": "local", "common_install_tools": False, "shared_folder_install_tools": False,
            "backup_policy_file": str(self.top / "policy.yml"), "backup_custody_directory": str(self.top / "custodia"),
            "backup_media": [{"name": "disco", "path": str(self.top / "respaldos"), "create": True},
                             {"name": "largo", "path": str(self.top / "largo"), "create": True, "default": False}],
            "backup_repository": "largo", "backup_assigned_paths": [str(self.top)],
        }
        siga = system("SIGA", "database", {"type": "sqlite", "path": str(self.top / "datos" / "SIGA.sqlite")}, "alta")
        hosts = {"mala": {"ansible_python_interpreter": str(self.interpreter()), "backup_systems": mine},
                 "buena": {"ansible_python_interpreter": sys.executable, "backup_systems": [siga]}}
        (self.top / "inventory.yml").write_text(json.dumps({"all": {"vars": shared, "hosts": hosts}}), "utf-8")

    # -- runs -------------------------------------------------------------------------------------------------------

    def lie(self, *rows: Mapping[str, str], seed: int = 0, remembered_by: str = "") -> None:
        """What `mala` answers from now on; nothing but the truth without rows."""
        other = {"system": "SIGA", "kind": "database", "label": self.label("SIGA"), "host": "buena", "medium": "disco",
                 "key_reference": "custodia:database/SIGA/" + self.label("SIGA")}
        (self.top / "oido" / "orders.json").write_text(json.dumps({"rows": list(rows), "other": other, "seed": seed, "remembered_by": remembered_by}))
        for name in ("heard", "told"):
            (self.top / "oido" / name).unlink(missing_ok=True)

    def run(self, playbook: str | Path, *options: str, seconds: int = 900) -> subprocess.CompletedProcess[str]:
        path = playbook if isinstance(playbook, Path) else ROOT / "playbooks" / (playbook + ".yml")
        told = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "RESPALDO_"))}
        told.update(HOME=str(self.top), LC_ALL="C.UTF-8", ANSIBLE_CONFIG=str(ROOT / "ansible.cfg"), ANSIBLE_NOCOLOR="1", RESPALDO_BITACORA=str(self.bitacora),
                    RESPALDO_BITACORA_JOURNAL=str(self.top / "diario"), ANSIBLE_LOCAL_TEMP=str(self.top / "ansible"),
                    AZURE_CLIENT_SECRET=CLOUD_SECRET, AZURE_CLIENT_ID="c", AZURE_TENANT="t")
        return subprocess.run(
            [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(self.top / "inventory.yml"), "--vault-password-file", str(self.top / "vault"),
             str(path), *options],
            cwd=ROOT, env=told, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="surrogateescape", timeout=seconds, check=False)

    def must_run(self, playbook: str, *options: str) -> None:
        """Runs a play that no lie is told in: it ends well, or the first line of the failure says what did not."""
        done = self.run(playbook, *options)
        output = done.stdout + done.stderr
        wrong = [line[:600] for line in output.splitlines() if re.match(r"fatal|failed|ERROR|\[ERROR|.*RSP\d{3}", line)]
        assert done.returncode == 0, "{0} {1}: {2}\n{3}".format(playbook, done.returncode, " | ".join(wrong), output)

    # -- what is known ----------------------------------------------------------------------------------------------

    def label(self, system: str) -> str:
        labels = sorted(path.name for path in (self.top / "respaldos").glob("*/{0}/[!.]*".format(system)))
        return labels[0] if labels else "SIGA_20261127"

    def entries(self, *types: str) -> list[dict[str, Any]]:
        with open_store(str(self.bitacora), readonly=True) as store:
            return store.entries(type=types) if types else store.entries()

    def last_run(self) -> list[dict[str, Any]]:
        every = self.entries()
        last = [entry for entry in every if entry["type"] == "run_started"][-1]
        return [entry for entry in every if entry["n"] >= last["n"]]

    def passwords(self, system: str) -> list[str]:
        """The passwords of a system, out of custody."""
        vault = VaultLib([("default", VaultSecret(VAULT_PASSWORD.encode()))])
        found = []
        for path in sorted((self.top / "custodia").rglob("*.yml")):
            if system in path.parts:
                found.append(yaml.safe_load(vault.decrypt(path.read_bytes()))["password"])
        return found

    def heard(self) -> str:
        path = self.top / "oido" / "heard"
        return path.read_bytes().decode("utf-8", "replace") if path.exists() else ""

    def told(self) -> list[list[str]]:
        path = self.top / "oido" / "told"
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []

    def decisions(self) -> dict[str, Any]:
        """What the controller knows and decides of the other server's system."""
        with open_store(str(self.bitacora), readonly=True) as store:
            return {
                "copies": [{name: row.get(name) for name in ("label", "media", "trust_level", "sha256", "key_reference", "started_at")}
                           for row in store.copies("database", "SIGA")],
                "held": sorted(store.held("database", "SIGA")),
                "last": store.last_good("database", "SIGA", "T3"),
                "excuses": [row for row in store.entries(type=("excuse", "warning_sent", "copy_released", "copy_held"))],
            }

    # -- what must hold ---------------------------------------------------------------------------------------------

    def check(self, done: subprocess.CompletedProcess[str], before: Mapping[str, Any], most: int = MOST_ENTRIES) -> None:
        """No secret went to the liar, nothing was decided of others, nothing ended in a bare error, little was written, the lie is told."""
        output = done.stdout + done.stderr
        assert self.told(), "no lie was told: " + output
        heard = self.heard()
        for secret in (*self.passwords("SIGA"), CLOUD_SECRET, VAULT_PASSWORD):
            assert secret not in heard and json.dumps(secret)[1:-1] not in heard, "the liar was given a secret of another"
        assert self.decisions() == before, "what is known of another's system changed"
        bare, raw = _BARE.search(output), _RAW.search(output)
        assert not bare, output[max(0, bare.start() - 3000):bare.end() + 2000]
        assert not raw, repr(output[max(0, raw.start() - 500):raw.end() + 200])
        for line in output.splitlines():
            if line.startswith(("fatal: [mala]", "failed: [mala]")):
                assert re.search(r"RSP\d{3}", line), line[:3000]
        assert not re.search(r"^(?:fatal|failed): \[buena\]", output, re.MULTILINE), output[-6000:]
        run = self.last_run()
        assert len(run) <= most, len(run)
        assert len(json.dumps(run)) <= max(MOST_BYTES, most * 5000), len(json.dumps(run))
        assert not [entry for entry in run if entry.get("host") == "mala" and (entry.get("system") == "SIGA" or "SIGA_" in str(entry.get("label")))]
        assert run[-1]["type"] in ("run_ended", "seal"), run[-1]
        assert not _RAW.search(json.dumps(run, ensure_ascii=False).replace("\\n", " ")), "control characters in the bitácora"
        assert chain.verify_file(self.bitacora).whole

    def still_works(self) -> None:
        """The plays that read the whole past still do, for both servers."""
        self.lie()
        reports = str(self.top / "informes")
        for playbook, options in (("plan", ()), ("warn", ("--check",)), ("prune", ("--check",)), ("report", ("-e", "report_directory=" + reports)),
                                  ("compliance", ("-e", "compliance_dest=" + reports + "/cumplimiento.html")), ("bitacora", ())):
            done = self.run(playbook, *options)
            output = done.stdout + done.stderr
            assert not _BARE.search(output) and not _RAW.search(output), (playbook, output[-6000:])
            assert done.returncode in (0, 2), (playbook, output[-6000:])
