# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real runs of compliance.yml, excuse.yml, approval.yml and evidence.yml (backup_compliance, backup_excuse, backup_approval, backup_evidence); an
auditor's check of the pack.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import re
import sqlite3
import stat
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest
import yaml
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import chain
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._reports import approvals, compliance, evidence

ROOT = Path(__file__).resolve().parents[3]
SECRET = "Cl4ve-Plantada-2b7d"
RULES = yaml.safe_load((ROOT / "policies" / "manual-001-2019.yml").read_text("utf-8"))


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """An institution with a real database, and secrets planted where inventories have them; what runs our playbooks there."""
    top = tmp_path_factory.mktemp("house")
    with sqlite3.connect(top / "siga.sqlite") as database:
        database.execute("CREATE TABLE t (a)")
    here = {
        "ansible_connection": "local", "ansible_python_interpreter": sys.executable, "common_install_tools": False,
        "backup_media": [{"name": "local", "path": str(top / "copias"), "create": True}],
        "backup_systems": [{"name": "SIGA", "kind": "database", "criticality": "baja", "office": "OTI",
                            "source": {"type": "sqlite", "path": str(top / "siga.sqlite")}}]}
    away = {
        "ansible_password": SECRET,
        "backup_media": [{"name": "nas", "path": "/srv", "host": "nas.example.org", "ssh_key": SECRET}],
        "backup_systems": [
            {"name": "Portal", "kind": "source_code", "criticality": "baja", "office": "OTI",
             "source": {"type": "git", "url": f"https://git:{SECRET}@git.example.org/portal.git", "password": SECRET}},
            {"name": "ERP", "kind": "database", "criticality": "baja", "office": "OTI",
             "source": {"type": "mariadb", "databases": ["erp"], "password": "{{ vault_that_nobody_opened }}"}}]}
    (top / "hosts.yml").write_text(json.dumps({"all": {"hosts": {"localhost": here, "git1": away}}}), "utf-8")

    def run(playbook, *options, **given):
        settings = dict(os.environ, RESPALDO_BITACORA=str(top / "bitacora.sqlite"), ANSIBLE_LOCAL_TEMP=str(top / "ansible"), HOME=str(top))
        return subprocess.run([os.path.join(os.path.dirname(sys.executable), "ansible-playbook"), "-i", str(top / "hosts.yml"), f"playbooks/{playbook}.yml",
                               "-e", json.dumps(given), *options], cwd=ROOT, env=settings, capture_output=True, text=True, timeout=120, check=False)

    copied = run("database", "--limit", "localhost")
    assert copied.returncode == 0, copied.stdout + copied.stderr
    return top, run


def checked(directory, *options):
    """What the auditor's own Python says, with nothing of ours or of anybody's packages in reach."""
    return subprocess.run([sys.executable, "-I", "-S", "verificador/chain.py", "bitacora.sqlite", *options], cwd=directory, env={}, capture_output=True,
                          text=True, timeout=60, check=False)


def test_compliance_excuse_and_what_is_missing(house):
    top, run = house
    told = run("excuse", excuse_system="ERP", excuse_kind="database", excuse_from="2026-01-01", excuse_until="2099-12-31", excuse_reason="Aún no instalado",
               excuse_requester="Ana Quispe")
    assert told.returncode == 0, told.stdout + told.stderr
    with open_store(str(top / "bitacora.sqlite"), readonly=True) as store:
        number = store.entries(type="excuse")[-1]["n"]
    assert f"Asiento N.º {number} de la bitácora: Ausencia justificada, ERP" in told.stdout
    shown = run("compliance", compliance_dest=str(top / "cumplimiento.html"), compliance_space=[{"name": "local", "total": 10 ** 12}])
    assert shown.returncode == 0, shown.stdout + shown.stderr
    words = {line.split()[0]: line for line in shown.stdout.splitlines() if line.startswith(("SIGA ", "Portal ", "local "))}
    assert "cumplida" in words["SIGA"] and "faltante" in words["Portal"] and "GiB" in words["local"]
    page = (top / "cumplimiento.html").read_text("utf-8")
    assert "A.12.3.1, A.12.4" in page and "8.13, 8.15" in page and "7.2.1" in page
    with open_store(str(top / "bitacora.sqlite"), readonly=True) as store:
        entry = store.entries(type="excuse")[-1]
        assert (entry["requester"], entry["excused_until"], entry["system"]) == ("Ana Quispe", "2099-12-31", "ERP")
        assert store.rows(type="excuse")[-1]["resultado"] == "Ausencia justificada"
    withdrawn = {"excuse_system": "ERP", "excuse_kind": "database", "excuse_withdraw": entry["n"], "excuse_reason": "Ya estaba instalado",
                 "excuse_requester": "Ana Quispe"}
    looked = run("excuse", "--check", **withdrawn)
    assert looked.returncode == 0, looked.stdout + looked.stderr
    told = run("excuse", **withdrawn)
    assert told.returncode == 0 and "changed=1" in told.stdout, told.stdout + told.stderr
    again = run("excuse", **withdrawn)
    assert again.returncode == 0 and "changed=0" in again.stdout, again.stdout
    with open_store(str(top / "bitacora.sqlite"), readonly=True) as store:
        rows = store.rows(type="excuse_withdrawn")
        assert [row["resultado"] for row in rows] == ["Simulación: Justificación retirada", "Justificación retirada"]
        assert f"asiento n.º {entry['n']}" in rows[-1]["observaciones"]
        assert compliance.excuses_in_force(store) == []
    for wrong in ({"excuse_withdraw": 1}, {"excuse_system": "SIGA"}, {"excuse_from": "2026-01-01"}):
        refused = run("excuse", **{**withdrawn, **wrong})
        assert refused.returncode == 2 and "RSP101" in refused.stdout, refused.stdout
    refused = run("excuse", excuse_system="ERP", excuse_kind="database", excuse_reason="x", excuse_requester="y")
    assert refused.returncode == 2 and "RSP101" in refused.stdout
    refused = run("excuse", excuse_system="ERP", excuse_kind="database", excuse_from="2026-02-30", excuse_until="2026-03-01", excuse_reason="x",
                  excuse_requester="y")
    assert refused.returncode == 2 and "RSP101" in refused.stdout


def test_a_month_is_approved_by_who_is_designated_once_it_is_over(house):
    top, run = house
    actors = {"egcr": {"database": {"titular": [{"name": "Ana Quispe", "from": "2020-01-01", "document": "Memo 1"}]}}}
    last = (datetime.date.today().replace(day=1) - datetime.timedelta(days=1)).strftime("%Y-%m")
    given = {"approval_month": last, "approval_approver": "ana  quispe", "backup_actors": actors}
    for wrong, code in (({"approval_month": datetime.date.today().strftime("%Y-%m")}, "RSP724"), ({"approval_approver": "Luis"}, "RSP725"),
                        ({"approval_month": "octubre"}, "RSP101")):
        refused = run("approval", **{**given, **wrong})
        assert refused.returncode == 2 and code in refused.stdout, refused.stdout
    for options in (("--check",), ()):
        told = run("approval", *options, **given)
        assert told.returncode == 0, told.stdout + told.stderr
    shown = run("compliance", compliance_since=last, compliance_dest=str(top / "mes.html"))
    assert f"Visto bueno de {last}: Ana Quispe (asiento n.º" in shown.stdout
    with open_store(str(top / "bitacora.sqlite"), readonly=True) as store:
        entry = store.entries(type="month_approved")[-1]
        assert [row["resultado"] for row in store.rows(type="month_approved")] == ["Simulación: Visto bueno", "Visto bueno"]
        assert (entry["requester"], entry["month"], entry["document"]) == ("Ana Quispe", last, "Memo 1") and "bitácora hasta el asiento n.º" in entry["note_es"]
        assert list(approvals.given(store, [last, "2020-01"])) == [last]


def test_an_auditor_checks_the_pack_in_a_clean_directory(house, tmp_path):
    top, run = house
    looked = run("evidence", "--check", evidence_dest=str(tmp_path / "no.zip"))
    assert looked.returncode == 0 and not (tmp_path / "no.zip").exists(), looked.stdout
    told = run("evidence", evidence_dest=str(tmp_path / "pack.zip"))
    assert told.returncode == 0, told.stdout + told.stderr
    assert stat.S_IMODE((tmp_path / "pack.zip").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["pack.zip"]
    clean = tmp_path / "auditor"
    with zipfile.ZipFile(tmp_path / "pack.zip") as pack:
        pack.extractall(clean)
        everything = b"".join(pack.read(name) for name in pack.namelist())
    assert SECRET.encode() not in everything and SECRET not in told.stdout
    assert json.loads((clean / "inventario.json").read_text("utf-8"))["git1"]["systems"][0]["source"]["url"] == "https://git.example.org/portal.git"
    sums = subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=clean, capture_output=True, text=True, check=False)
    assert sums.returncode == 0 and len(sums.stdout.splitlines()) == sum(path.is_file() for path in clean.rglob("*")) - 1
    whole = checked(clean)
    assert whole.returncode == 0, whole.stdout + whole.stderr
    command = next(line.split() for line in (clean / "LEEME.txt").read_text("utf-8").splitlines() if "--key" in line)
    assert checked(clean, *command[3:]).returncode == 0
    assert "SIGA" in (clean / "asientos" / "asientos.csv").read_text("utf-8-sig") and (clean / "asientos" / "asientos.xlsx").exists()
    for name in ("INDICE.html", "cumplimiento/cumplimiento.html"):
        assert not re.search("src=|https?:", (clean / name).read_text("utf-8"))
    # one byte of one entry, in the file itself
    data = (clean / "bitacora.sqlite").read_bytes()
    assert b'"office":"OTI"' in data
    (clean / "bitacora.sqlite").write_bytes(data.replace(b'"office":"OTI"', b'"office":"OTJ"', 1))
    broken = checked(clean)
    assert broken.returncode == 1 and "fue alterado" in broken.stdout
    with open_store(str(top / "bitacora.sqlite"), readonly=True) as store:
        entry = store.entries(type="evidence_made")[-1]
    assert entry["sha256"] == hashlib.sha256((tmp_path / "pack.zip").read_bytes()).hexdigest()


def contents(store):
    matrix = compliance.Matrix([], [])
    return evidence.Contents(RULES, {}, matrix, compliance.controls(store, RULES, "2026-11", "2026-11"), "2026-11", "2026-11")


def test_the_same_bitacora_gives_the_same_bytes_and_others_may_write_meanwhile(tmp_path):
    with open_store(str(tmp_path / "b.sqlite")) as store:
        for number in range(300):
            store.append("copy_made", {"system": "SIGA", "kind": "database", "label": f"L{number}", "size": number}, "2026-11-02T15:00:00Z", "test")
        first, second = (evidence.write(store, contents(store), tmp_path / name) for name in ("1.zip", "2.zip"))
        assert first.sha256 == second.sha256 and (tmp_path / "1.zip").read_bytes() == (tmp_path / "2.zip").read_bytes()
    done = threading.Event()

    def write():
        with open_store(str(tmp_path / "b.sqlite")) as other:
            while not done.is_set():
                other.append("copy_made", {"system": "SIGA", "kind": "database", "label": "más"}, "2026-11-03T15:00:00Z", "other")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        with open_store(str(tmp_path / "b.sqlite"), readonly=True) as store:
            packs = [evidence.write(store, contents(store), tmp_path / f"while-{number}.zip") for number in range(3)]
    finally:
        done.set()
        writer.join()
    assert all(pack.report.whole and pack.entries >= 300 for pack in packs)


@pytest.mark.parametrize("stands", ["link", "fifo"])
def test_a_pack_on_a_share_is_written_nowhere_else(tmp_path, monkeypatch, stands):
    """Whoever may write there exchanges, at each moment, what we made: the name of the pack, and what SQLite would open by its name."""
    share, elsewhere = tmp_path / "share", tmp_path / "elsewhere"
    share.mkdir()
    share.chmod(0o777)
    elsewhere.mkdir(0o700)
    if stands == "link":
        (share / "pack.zip").symlink_to(elsewhere / "pack.zip")
    else:
        os.mkfifo(share / "pack.zip")
    copied = evidence.copy_chain

    def attacked(store, target):
        for path in [path for path in share.iterdir() if path.is_dir()]:
            path.rename(tmp_path / "moved")
            path.symlink_to(elsewhere)
        copied(store, target)

    monkeypatch.setattr(evidence, "copy_chain", attacked)
    with open_store(str(tmp_path / "b.sqlite")) as store:
        store.append("copy_made", {"system": "SIGA", "kind": "database", "label": "L"}, "2026-11-02T15:00:00Z", "test")
        pack = evidence.write(store, contents(store), share / "pack.zip")
    found = (share / "pack.zip").lstat()
    assert stat.S_ISREG(found.st_mode) and stat.S_IMODE(found.st_mode) == 0o600 and found.st_size == pack.size
    assert hashlib.sha256((share / "pack.zip").read_bytes()).hexdigest() == pack.sha256
    assert os.listdir(elsewhere) == [] and os.listdir(share) == ["pack.zip"]


class OtherStore:
    """A store that is not SQLite, as far as the pack can tell: it only gives its rows."""

    def __init__(self, store):
        self.raw = store.raw


def test_another_store_is_exported_so_that_it_verifies(tmp_path):
    with open_store(str(tmp_path / "b.sqlite")) as store:
        store.append("copy_made", {"system": "Trámites ñ", "kind": "database", "parts": [{"name": "a", "size": 1, "sha256": "x"}], "encrypted": True},
                     "2026-11-02T15:00:00Z", "test")
        store.append("run_ended", {"run": "R"}, "2026-11-02T15:00:00Z", "test")
        evidence.copy_chain(OtherStore(store), tmp_path / "export.sqlite")
    assert chain.verify_file(tmp_path / "export.sqlite").whole
    assert chain.verify_file(tmp_path / "export.sqlite").head_digest == chain.verify_file(tmp_path / "b.sqlite").head_digest


def test_a_pack_that_can_not_be_written_leaves_what_was_there(house, tmp_path):
    _top, run = house
    told = run("evidence", evidence_dest=str(tmp_path / "absent" / "pack.zip"))
    assert told.returncode == 2 and "RSP903" in told.stdout
    assert list(tmp_path.iterdir()) == []


def test_an_entry_that_is_not_what_was_sealed_is_exported_as_it_is_and_found(tmp_path):
    with open_store(str(tmp_path / "b.sqlite")) as store:
        store.append("copy_made", {"system": "SIGA", "kind": "database", "label": "SIGA_20261102"}, "2026-11-02T15:00:00Z", "test")
        other = OtherStore(store)
        other.raw = lambda: [[str(value).replace("SIGA_20261102", "SIGA_20261103") if name == "body" else value for name, value in zip(chain.COLUMNS, row)]
                             for row in store.raw()]
        evidence.copy_chain(other, tmp_path / "export.sqlite")
    assert [finding.name for finding in chain.verify_file(tmp_path / "export.sqlite").findings] == ["body_changed"]
