# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What plan.yml says is what site.yml does: real runs of both on one history."""

from __future__ import annotations

import datetime
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from plugins.module_utils._engine.sources.paths import Paths
from plugins.plugin_utils._bitacora.store import open_store

ROOT = Path(__file__).resolve().parents[3]
DAILY, WEEKLY = "alta", "baja"


@pytest.fixture
def institution(tmp_path):
    """Databases and repositories whose histories make each decision, and a function that runs one of our playbooks on them."""
    systems = []

    def system(name, kind, criticality, source, **more):
        systems.append({"name": name, "kind": kind, "criticality": criticality, "office": "OTI", "source": source, **more})

    for name in ("NUNCA", "AYER", "VENCIDA", "APAGADA"):
        with sqlite3.connect(tmp_path / f"{name}.sqlite") as database:
            database.execute("CREATE TABLE t (a)")
            database.execute("INSERT INTO t VALUES (1)")
        system(name, "database", WEEKLY, {"type": "sqlite", "path": str(tmp_path / f"{name}.sqlite")}, **({"enabled": False} if name == "APAGADA" else {}))
    (tmp_path / "fuentes").mkdir()
    (tmp_path / "fuentes" / "programa.py").write_text("print(1)\n", "utf-8")
    system("PAPEL", "source_code", WEEKLY, {"type": "paths", "paths": [str(tmp_path / "fuentes")]})
    bitacora = tmp_path / "state" / "bitacora.sqlite"
    with open_store(str(bitacora)) as store:
        for name, kind, days in (("AYER", "database", 1), ("VENCIDA", "database", 9), ("PAPEL", "source_code", 3)):
            at = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
            store.append("copy_made", {"started_at": at, "label": f"{name}_20200101", "system": name, "kind": kind, "trust_level": "T2", "medium": "local",
                                       "size": 4096, **({"content_digest": Paths([str(tmp_path / "fuentes")]).current_digest()} if name == "PAPEL" else {})},
                         at, "test")
            (tmp_path / "copias" / kind / name).mkdir(parents=True)
    inventory = tmp_path / "inventory.yml"
    inventory.write_text(json.dumps({"all": {"hosts": {"localhost": {
        "ansible_connection": "local", "ansible_python_interpreter": sys.executable, "backup_systems": systems, "common_install_tools": False,
        "backup_media": [{"name": "local", "path": str(tmp_path / "copias"), "create": True}]}}}}), "utf-8")

    def run(playbook, *options):
        command = [os.path.join(os.path.dirname(sys.executable), "ansible-playbook"), "-i", str(inventory), f"playbooks/{playbook}.yml", *options]
        settings = dict(os.environ, RESPALDO_BITACORA=str(bitacora), ANSIBLE_LOCAL_TEMP=str(tmp_path / "ansible"), HOME=str(tmp_path))
        return subprocess.run(command, cwd=ROOT, env=settings, capture_output=True, text=True, timeout=600, check=False)

    run.inventory, run.top = inventory, tmp_path
    return run, bitacora


def rewritten(run, **variables):
    """The same inventory with other variables of its host."""
    document = json.loads(run.inventory.read_text("utf-8"))
    document["all"]["hosts"]["localhost"].update(variables)
    run.inventory.write_text(json.dumps(document), "utf-8")
    return document["all"]["hosts"]["localhost"]["backup_systems"]


def decisions(output):
    """system -> the decision's word, from the printed table."""
    names = ("NUNCA", "AYER", "VENCIDA", "APAGADA", "PAPEL", "REPO")
    words = ("no corresponde", "corresponde si cambió", "corresponde", "vencida", "espera confirmación", "rechazada")
    lines = [line for line in output.splitlines() if line.strip() and line.split()[0] in names]
    return {line.split()[0]: next(word for word in words if f"  {word} " in line) for line in lines}


def entries(bitacora, type_):
    with open_store(str(bitacora), readonly=True) as store:
        return [entry for entry in store.entries(type=type_) if entry["emitter"] != "test"]


def test_plan_and_site_agree(institution):
    run, bitacora = institution
    planned = run("plan")
    assert planned.returncode == 0, planned.stdout + planned.stderr
    told = decisions(planned.stdout)
    assert told == {"NUNCA": "corresponde", "AYER": "no corresponde", "VENCIDA": "vencida", "APAGADA": "no corresponde",
                    "PAPEL": "corresponde si cambió"}
    assert "Vencida hace 2 días" in planned.stdout
    assert not entries(bitacora, ["copy_started", "copy_made", "copy_not_due"])

    done = run("site")
    assert done.returncode == 0, done.stdout + done.stderr
    assert {entry["system"] for entry in entries(bitacora, "copy_made")} == {"NUNCA", "VENCIDA"}
    left = " ".join(entry["reason_text"] for entry in entries(bitacora, "copy_not_due"))
    assert {name for name in told if f"{name}: " in left} == {"AYER", "APAGADA", "PAPEL"} and "PAPEL: No corresponde: sin cambios desde" in left
    # what the first task found to be idle, then what the plan of a kind with something to do left
    assert [(entry["kind"], entry["objects"]) for entry in entries(bitacora, "copy_not_due")] == [("source_code", 1), ("database", 2)]
    assert "Ask the directories for their content" not in done.stdout, "a kind of which nothing is due was gone through"

    # a file of a plain directory differs: that is an update, as a push is
    (run.top / "fuentes" / "programa.py").write_text("print(2)\n", "utf-8")
    again = decisions(run("plan").stdout)
    assert again.pop("PAPEL") == "corresponde si cambió" and set(again.values()) == {"no corresponde"}
    done = run("source_code")
    assert done.returncode == 0 and [entry["system"] for entry in entries(bitacora, "copy_made")][2:] == ["PAPEL"], done.stdout


def test_an_emergency_is_planned_and_made_alike(institution):
    run, bitacora = institution
    reason = ["-e", json.dumps({"backup_emergency_reason": "Alerta de ransomware", "backup_only": ["AYER"]})]
    planned = run("plan", *reason)
    assert planned.returncode == 0 and "Copia de emergencia (numeral 5.1 d): Alerta de ransomware" in planned.stdout
    done = run("site", *reason)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [(entry["system"], entry["reason"]) for entry in entries(bitacora, "copy_made")] == [("AYER", "emergency")]


def test_an_emergency_without_its_reason_stops_before_anything(institution):
    run, bitacora = institution
    for playbook in ("plan", "site"):
        refused = run(playbook, "-e", json.dumps({"backup_emergency_reason": "  "}))
        assert refused.returncode == 2
        assert "RSP101" in refused.stdout and "emergency_reason" in refused.stdout and "5.1 d" in refused.stdout
    assert not entries(bitacora, "copy_started")


def git(directory, *words):
    subprocess.run(["git", "-C", str(directory), "-c", "user.name=a", "-c", "user.email=a@example.org", *words], check=True, capture_output=True)


def test_a_repository_is_planned_and_copied_when_it_changed(institution):
    run, bitacora = institution
    top = run.top / "repo"
    top.mkdir()
    git(top, "init", "--quiet")
    git(top, "commit", "--quiet", "--allow-empty", "--message=uno")
    repository = {"name": "REPO", "kind": "source_code", "criticality": WEEKLY, "office": "OTI", "source": {"type": "git", "path": str(top)}}
    rewritten(run, backup_systems=[*rewritten(run), repository], backup_only=["REPO"])

    def both():
        before = len(entries(bitacora, "copy_made"))
        told, done = decisions(run("plan").stdout)["REPO"], run("site")
        assert done.returncode == 0, done.stdout + done.stderr
        # what the night's first task asked is not asked again
        assert "Ask the repositories for their refs" not in done.stdout
        return told, len(entries(bitacora, "copy_made")) - before, done.stdout.count("TASK [")

    assert both()[:2] == ("corresponde", 1)
    assert both() == ("corresponde si cambió", 0, 1), "nothing was pushed"
    git(top, "commit", "--quiet", "--allow-empty", "--message=dos")
    assert both()[:2] == ("corresponde si cambió", 1)
    # one that can't be asked is due: its copy fails and says why
    top.rename(run.top / "otro")
    assert run("site").returncode == 2 and [entry["error_code"] for entry in entries(bitacora, "copy_failed")] == ["RSP201"]


def test_what_an_outage_left_waits_for_a_word_in_both(institution):
    run, bitacora = institution
    policy = yaml.safe_load((ROOT / "policies" / "manual-001-2019.yml").read_text("utf-8"))
    policy["kinds"]["database"]["catch_up"] = "ask"
    (run.top / "policy.yml").write_text(yaml.safe_dump(policy), "utf-8")
    rewritten(run, backup_policy_file=str(run.top / "policy.yml"), backup_only=["VENCIDA"])
    assert decisions(run("plan").stdout) == {"VENCIDA": "espera confirmación"}
    assert run("site").returncode == 0 and not entries(bitacora, "copy_made")
    word = ["-e", "backup_catch_up=now"]
    assert decisions(run("plan", *word).stdout) == {"VENCIDA": "vencida"}
    assert run("site", *word).returncode == 0 and [entry["system"] for entry in entries(bitacora, "copy_made")] == ["VENCIDA"]


def tell(bitacora, ticket, office):
    """A request for a copy that was authorised."""
    about = {"ticket": ticket, "request": "emergency", "office": office, "requester": "Jefa de Logística", "person": "Jefa de Logística"}
    with open_store(str(bitacora)) as store:
        for type_, post in (("request_opened", "heads"), ("request_estimated", "jefe_oti"), ("request_authorised", "jefe_oti")):
            store.append(type_, {"event": type_, **about, "post": post}, "2026-11-22T10:00:00Z", "test")


def test_a_request_is_planned_and_made_alike(institution):
    run, bitacora = institution
    rewritten(run, backup_only=["AYER"])
    bare = ["-e", json.dumps({"backup_request": {"requester": "Jefa de Logística"}})]
    assert decisions(run("plan", *bare).stdout) == {"AYER": "rechazada"}
    run("site", *bare)
    assert not entries(bitacora, "copy_made") and "falta el ticket" in entries(bitacora, "copy_refused")[0]["reason_text"]
    whole = ["-e", json.dumps({"backup_request": {"requester": "Jefa de Logística", "ticket": "2026-0117", "reason": "Cese"}})]
    before = len(entries(bitacora, "copy_refused"))
    refused = run("site", *whole)
    assert refused.returncode == 2 and "RSP763" in refused.stdout and "no es una solicitud" in refused.stdout
    office = next(system["office"] for system in rewritten(run, backup_only=["AYER"]) if system["name"] == "AYER")
    tell(bitacora, "2026-0116", "Otro órgano")
    other = run("plan", "-e", json.dumps({"backup_request": {"requester": "Jefa de Logística", "ticket": "2026-0116"}}))
    assert other.returncode == 2 and "RSP762" in other.stdout and office in other.stdout
    assert len(entries(bitacora, "copy_refused")) == before and not entries(bitacora, "copy_made")
    tell(bitacora, "2026-0117", office)
    assert decisions(run("plan", *whole).stdout) == {"AYER": "corresponde"}
    done = run("site", *whole)
    assert done.returncode == 0, done.stdout
    assert [(entry["system"], entry["reason"]) for entry in entries(bitacora, "copy_made")] == [("AYER", "request")]


def planned_in_the_last_run(run):
    """How often the last run asked what is due: once for each kind that it did not skip."""
    log = max((run.top / "state" / "logs").glob("*.jsonl"), key=lambda path: path.stat().st_mtime_ns)
    rows = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    return [row["status"] for row in rows if row["action"].endswith("backup_plan") and row["status"] != "skipped"]


def test_a_kind_that_a_server_has_no_system_of_is_skipped_and_no_other_is(institution):
    run, bitacora = institution
    code = [system for system in rewritten(run) if system["kind"] == "source_code"]
    others = [system for system in rewritten(run, backup_emergency_reason="prueba") if system["kind"] == "database"][:1]

    def copied(status=0):
        before = len(entries(bitacora, "copy_made"))
        done = run("site")
        assert done.returncode == status, done.stdout + done.stderr
        return [entry["system"] for entry in entries(bitacora, "copy_made")[before:]], planned_in_the_last_run(run)

    rewritten(run, backup_systems=others)
    # the whole inventory of the server is looked at first, then the kinds that it has
    assert copied() == (["NUNCA"], ["ok", "ok"])
    rewritten(run, backup_systems=code)
    assert copied() == (["PAPEL"], ["ok", "ok"])
    # who sets the roles' own variable is not overlooked
    rewritten(run, backup_systems=[], common_systems=code)
    assert copied() == (["PAPEL"], ["ok", "ok"])
    # nothing is due: it is looked at, told, recorded, and left
    told = len(entries(bitacora, "copy_not_due"))
    rewritten(run, backup_emergency_reason="", common_systems=[*others, *({**system, "enabled": False} for system in code)])
    assert copied() == ([], ["ok"])
    assert [(entry["kind"], entry["objects"]) for entry in entries(bitacora, "copy_not_due")[told:]] == [("database", 1), ("source_code", 1)]
    # no system at all: nothing was done
    rewritten(run, common_systems=[])
    assert copied(71) == ([], ["ok"])


def test_a_server_of_which_no_kind_is_known_is_refused_not_skipped(institution):
    run, bitacora = institution
    for kind in ("source_codes", None):
        code = [{**system, "kind": kind} for system in rewritten(run) if system["kind"] not in ("database", None)]
        if kind is None:
            del code[0]["kind"]
        rewritten(run, backup_systems=code)
        refused = run("site")
        assert refused.returncode == 2 and "RSP101" in refused.stdout and "kind" in refused.stdout, refused.stdout
    assert not entries(bitacora, "copy_made")
