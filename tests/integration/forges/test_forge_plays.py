# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""backup_forge_info through the shipped plays: a forge listed, copied, recorded; what is new copied in the same run, what is renamed or gone told."""

from __future__ import annotations

import json

import yaml
from fakes.forges import azure_devops, gitlab
from fakes.forges.server import TOKEN, Refused


def test_a_forge_is_listed_copied_and_remembered(institution, forge):
    for name in ("portal", "siga"):
        forge.add("oti/" + name)
    forge.add("oti/vacio", empty=True)
    forge.add("otra/ajeno")
    done = institution.run("source_code")
    assert done.returncode == 0, done.stdout
    assert sorted(entry["system"] for entry in institution.entries("copy_made")) == ["portal", "siga"]
    found = institution.entries("repository_found")
    assert [(entry["system"], entry["forge"], entry["forge_id"], entry["forge_path"]) for entry in found] == [
        ("portal", "forja", "17", "oti/portal"), ("siga", "forja", "18", "oti/siga")]
    assert institution.entries("forge_listed")[0]["objects"] == 3

    # one deleted, one renamed and pushed to, one new
    forge.repositories = [row for row in forge.repositories if row.path != "oti/siga"]
    forge.repositories[0].path = "oti/portal-web"
    forge.push(forge.repositories[0], "dos")
    forge.add("oti/nuevo", wiki="si")
    done = institution.run("site")
    assert done.returncode == 0, done.stdout
    assert sorted(entry["system"] for entry in institution.last("copy_made")) == ["nuevo", "nuevo.wiki", "portal"]
    assert [(entry["system"], entry["forge_path"]) for entry in institution.last("repository_renamed")] == [("portal", "oti/portal-web")]
    gone = institution.last("repository_gone")
    assert [entry["system"] for entry in gone] == ["siga"] and "Ya no existe" in gone[0]["note_es"]
    assert "sistema siga: Ya no existe" in done.stdout

    # the forge's API is away: recorded, failed, and what is known is copied all the same
    def away(_asked):
        raise Refused(503, "mantenimiento")
    forge.trouble.append(away)
    forge.push(forge.repositories[0], "tres")
    done = institution.run("source_code")
    assert done.returncode == 2 and "RSP459" in done.stdout, done.stdout
    assert [entry["system"] for entry in institution.last("copy_made")] == ["portal"]
    assert institution.last("forge_failed")[0]["error_code"] == "RSP459" and not institution.last("repository_gone")


def test_repositories_of_gitlab_and_azure_devops_are_copied(institution, tmp_path):
    """By both at once, from one host; and a plan tells what it finds and records nothing."""
    lab, devops = gitlab.open_fake(tmp_path / "gitlab"), azure_devops.open_fake(tmp_path / "devops")
    try:
        lab.add("sistemas/portal/web/api", wiki="si")
        devops.add("Portal Público/Núcleo Uno", wiki="si")
        common = {"token": TOKEN, "criticality": "baja", "office": "OTI", "retry_seconds": 0}
        document = yaml.safe_load(institution.inventory.read_text("utf-8"))
        document["all"]["hosts"]["git1"]["backup_forges"] = [
            {"name": "lab", "type": "gitlab", "url": lab.url, "owner": gitlab.OWNER, "ca_certs": str(lab.ca), **common},
            {"name": "devops", "type": "azure_devops", "url": devops.url, "owner": azure_devops.OWNER, "ca_certs": str(devops.ca), "prefix": "ado-", **common}]
        institution.inventory.write_text(json.dumps(document), "utf-8")
        planned = institution.run("plan")
        assert planned.returncode == 0 and "git1: 4 sistemas" in planned.stdout and "repositorio nuevo, se copia como web-api" in planned.stdout, planned.stdout
        assert not institution.entries("repository_found")
        done = institution.run("source_code")
        assert done.returncode == 0, done.stdout
        assert sorted(entry["system"] for entry in institution.last("copy_made")) == [
            "ado-Portal-Publico-Nucleo-Uno", "ado-Portal-Publico-Nucleo-Uno.wiki", "web-api", "web-api.wiki"]
        assert len(institution.last("repository_found")) == 4
    finally:
        lab.close()
        devops.close()
    assert lab.mistakes == [] and devops.mistakes == []


def test_two_hosts_that_find_one_name_at_the_same_time(institution, forge, tmp_path):
    """Neither knew the other's: both took the name, and both hosts' plans were refused for good (RSP101), since names are given once."""
    other = gitlab.open_fake(tmp_path / "gitlab")
    try:
        forge.add("oti/portal")
        other.add("sistemas/portal/portal")
        document = yaml.safe_load(institution.inventory.read_text("utf-8"))
        hosts = document["all"]["hosts"]
        hosts["git2"] = {**hosts["git1"], "backup_forges": [{
            "name": "lab", "type": "gitlab", "url": other.url, "owner": gitlab.OWNER, "ca_certs": str(other.ca), "token": TOKEN, "criticality": "baja",
            "office": "OTI", "retry_seconds": 0}]}
        institution.inventory.write_text(json.dumps(document), "utf-8")
        done = institution.run("source_code")
        assert done.returncode == 0, done.stdout
        made = [(entry["host"], entry["system"]) for entry in institution.entries("copy_made")]
        assert len(made) == 2 and len({system.lower() for _host, system in made}) == 2, made
        assert "portal" in {system for _host, system in made}
    finally:
        other.close()
    assert other.mistakes == []
