# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""schedule.yml with backup_scheduler: awx (backup_awx_plan, awx_inputs), by awx.awx as it is, against a fake of AWX; see tests/fakes/awx."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fakes.awx import server

from plugins.plugin_utils._bitacora.store import open_store

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = os.path.join(os.path.dirname(sys.executable), "ansible-playbook")
RULE = "DTSTART;TZID=America/Lima:20260101T220000 RRULE:FREQ=DAILY;INTERVAL=1"
VAULT, PGPASS = "Secreto-del-vault-7", "Secreto-de-la-base-8"


class Institution:
    def __init__(self, top, awx):
        self.top, self.awx, self.bitacora = top, awx, top / "bitacora.sqlite"
        self.variables = {
            "ansible_connection": "local", "ansible_python_interpreter": sys.executable, "backup_scheduler": "awx",
            # copied by a tool, so that it needs the fewest purposes: each costs two starts of a module in each play
            "backup_systems": [{"name": "SQL1", "kind": "database", "criticality": "alta", "office": "OTI",
                                "source": {"type": "azure_backup", "vault": "boveda", "item": "SQL1"}}],
            "backup_schedule": {"reports": {"at": "23:00"}, "reconcile": {"at": "12:00", "month_day": 5}},
            "backup_awx": {
                "url": awx.url, "token": server.TOKEN, "organization": "OTI", "image": "registro.example.org/respaldo:0.3.0",
                "project": {"url": "https://git.example.org/oti/respaldo.git", "branch": "main"}, "inventory": "inventories/entidad/hosts.yml",
                "vault": {"password": VAULT}, "bitacora": {"url": "postgresql://respaldo@bd.example.org/bitacora"}, "credentials": ["llave"],
                "notification": {"type": "email", "configuration": {
                    "host": "correo.example.org", "port": 25, "username": "", "password": "", "use_tls": False, "use_ssl": False,
                    "sender": "awx@example.org", "recipients": ["oti@example.org"]}},
            },
        }

    def run(self, *options, **environment):
        (self.top / "hosts.yml").write_text(json.dumps({"all": {"hosts": {"localhost": self.variables}}}), "utf-8")
        settings = {**os.environ, "RESPALDO_BITACORA": str(self.bitacora), "ANSIBLE_LOCAL_TEMP": str(self.top / "ansible"), "HOME": str(self.top),
                    **environment}
        return subprocess.run([PROGRAM, "-i", str(self.top / "hosts.yml"), "playbooks/schedule.yml", *options], cwd=ROOT, env=settings,
                              capture_output=True, text=True, timeout=1800, check=False)

    def entries(self):
        with open_store(str(self.bitacora), readonly=True) as store:
            return [(entry["type"], entry["purpose"], entry["scheduler"]) for entry in store.entries(type=("schedule_set", "schedule_removed"))
                    if not entry.get("simulated")]


@pytest.fixture
def institution(tmp_path, awx):
    awx.make("organizations", {"name": "Otra"})
    awx.make("credentials", {"name": "llave", "credential_type": 1, "organization": 3, "inputs": {}})
    return Institution(tmp_path, awx)


def test_what_is_wrong_is_told_before_anything_is_touched(institution, awx):
    institution.variables["backup_awx"].update(url="http://awx.example.org", project={}, imagen="x", notification={
        "type": "email", "configuration": {"password": "Secreto-9"}})
    done = institution.run()
    assert done.returncode == 2 and "RSP746" in done.stdout and "enviaría el token sin cifrar" in done.stdout, done.stdout
    assert "Secreto" not in done.stdout and server.TOKEN not in done.stdout and not awx.requests


def test_without_the_collection_it_is_said_before_anything_is_touched(institution, awx):
    done = institution.run(ANSIBLE_COLLECTIONS_SCAN_SYS_PATH="false")
    assert done.returncode == 2 and "RSP747" in done.stdout and "ansible-galaxy collection install awx.awx" in done.stdout, done.stdout
    assert not awx.requests and institution.entries() == []


def test_a_wrong_token_is_told_and_never_shown(institution, awx):
    institution.variables["backup_awx"]["token"] = "ficha-que-no-es-la-suya"
    done = institution.run("-vvv")
    said = done.stdout + done.stderr + institution.bitacora.read_bytes().decode("latin-1")
    assert done.returncode == 2 and "RSP746" in done.stdout and "401" in done.stdout, done.stdout
    assert not awx.changes() and institution.entries() == []
    assert not [each for each in ("ficha-que-no-es-la-suya", VAULT) if each in said]


def test_the_life_of_a_schedule(institution, awx):
    # a simulation tells all of it and touches nothing
    done = institution.run("--check", "--diff")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "+programación respaldo reports DTSTART;TZID=America/Lima:20260101T230000 RRULE:FREQ=DAILY;INTERVAL=1" in done.stdout
    assert not awx.changes() and institution.entries() == []
    # it fails half-way: AWX can't read the repository yet
    awx.syncs, awx.delay = "failed", 1
    done = institution.run()
    assert done.returncode == 2 and "RSP475" in done.stdout and "playbooks/site.yml" in done.stdout and "failed" in done.stdout, done.stdout
    assert institution.entries() == [] and "respaldo vault" in awx.named("credentials") and not awx.named("job_templates")
    # the next run has it read again, and mends
    awx.syncs, awx.delay = "successful", 0
    done = institution.run("-vvv")
    assert done.returncode == 0 and awx.mistakes == [], done.stdout + done.stderr
    assert not [each for each in (server.TOKEN, VAULT, PGPASS) if each in done.stdout + done.stderr]
    purposes = {"azure_backup", "reports", "reconcile"}
    assert set(awx.named("schedules")) == {f"respaldo {purpose}" for purpose in purposes}
    assert sorted(institution.entries()) == [("schedule_set", purpose, "awx") for purpose in sorted(purposes)]
    template = awx.named("job_templates")["respaldo reports"]
    assert template["playbook"] == "playbooks/report.yml" and template["ask_variables_on_launch"] is False
    flow = awx.named("workflow_job_templates")["respaldo restauracion-autorizada"]
    assert awx.named("projects")["respaldo"]["scm_update_on_launch"] is True and flow["ask_variables_on_launch"] is False
    linked = {name for place, numbers in awx.associations.items() if place == f"job_templates/{template['id']}/credentials"
              for name, row in awx.named("credentials").items() if row["id"] in numbers}
    assert linked == {"respaldo vault", "respaldo bitacora", "llave"}
    mail = awx.named("notification_templates")["respaldo avisos"]
    assert awx.associations[f"workflow_job_templates/{flow['id']}/notification_templates_approvals"] == [mail["id"]]
    assert mail["notification_configuration"]["timeout"] == 30      # as AWX keeps it, though nobody said it
    # the approval opens what is done
    nodes = {row["identifier"]: row for row in awx.objects["workflow_job_template_nodes"].values()}
    assert awx.associations[f"workflow_job_template_nodes/{nodes['autorizacion']['id']}/success_nodes"] == [nodes["restauracion"]["id"]]
    # a person fills what the inventory leaves to people, and others make a schedule of their own, and one of our name that is not ours
    awx.named("credentials")["respaldo bitacora"]["inputs"]["password"] = PGPASS
    awx.make("schedules", {"name": "respaldo prune", "unified_job_template": awx.named("projects")["respaldo"]["id"], "rrule": RULE})
    awx.make("schedules", {"name": "respaldo de la otra oficina", "unified_job_template": template["id"], "rrule": RULE})
    flow["ask_variables_on_launch"] = True
    # the second run, by one who administers only the organization, changes nothing but what is no longer declared, which goes, and what somebody opened
    awx.superuser = False
    del institution.variables["backup_schedule"]["reconcile"]
    awx.requests.clear()
    done = institution.run()
    assert done.returncode == 0 and awx.mistakes == [] and "Found duplicate" not in done.stderr, done.stdout + done.stderr
    assert [method for method, _path in awx.changes()] == ["DELETE", "DELETE", "PATCH"] and "changed=4 " in done.stdout, done.stdout
    assert flow["ask_variables_on_launch"] is False
    assert awx.named("credentials")["respaldo bitacora"]["inputs"]["password"] == PGPASS
    assert {"respaldo prune", "respaldo de la otra oficina"} < set(awx.named("schedules"))
    assert "respaldo reconcile" not in {*awx.named("schedules"), *awx.named("job_templates")}
    assert institution.entries()[len(purposes):] == [("schedule_removed", "reconcile", "awx")]
    # and of what is as declared, nothing: neither a run nor a simulation
    known = institution.entries()
    for more in ((), ("--check", "--diff")):
        awx.requests.clear()
        done = institution.run(*more)
        assert done.returncode == 0 and "changed=0 " in done.stdout and awx.mistakes == [] and not awx.changes(), done.stdout + done.stderr
    assert institution.entries() == known
    # all that runs is taken away, by a username and a password
    del institution.variables["backup_awx"]["token"]
    institution.variables["backup_awx"].update(username=server.USER, password=server.PASSWORD)
    done = institution.run("-e", "schedule_state=absent", "-vvv")
    assert done.returncode == 0 and server.PASSWORD not in done.stdout + done.stderr, done.stdout
    assert set(awx.named("schedules")) == {"respaldo prune", "respaldo de la otra oficina"} and not awx.named("workflow_job_templates")
    assert set(awx.named("job_templates")) == {"respaldo reports"}      # the other office's schedule starts it
    assert "respaldo vault" in awx.named("credentials") and institution.entries()[-2:] == [
        ("schedule_removed", "azure_backup", "awx"), ("schedule_removed", "reports", "awx")]
