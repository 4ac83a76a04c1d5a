# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Passwords and keys that really open databases, repositories and media are found nowhere: neither here nor on the servers."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import time
from pathlib import Path

import pytest
from failures.secrecy import Rooms, Sampler, forms, in_files, in_text, open_to_others

from .conftest import PROJECT, on, until

SERVER = ["/tmp", "/var/tmp", "/dev/shm", "/run", "/root/.ansible", "/home", "/srv/copias", "/srv/copias-small", "/var/log"]


@pytest.fixture
def planted(tmp_path):
    """Accounts with passwords of this test, in PostgreSQL and MariaDB of db1, and the key that opens store1; in a file of the vault."""
    made = {name: name + "-" + secrets.token_hex(12) for name in ("postgresql", "mariadb", "command")}
    made["key"] = on("db1", "cat", "/root/.ssh/id_ed25519")
    on("db1", "runuser", "-u", "postgres", "--", "psql", "-q", given="CREATE ROLE plantado SUPERUSER LOGIN PASSWORD '{0}';".format(made["postgresql"]))
    on("db1", "mariadb", given="CREATE USER plantado@localhost IDENTIFIED BY '{0}'; GRANT ALL ON *.* TO plantado@localhost;".format(made["mariadb"]))
    yield made
    on("db1", "runuser", "-u", "postgres", "--", "psql", "-q", given="DROP ROLE plantado;")
    on("db1", "mariadb", given="DROP USER plantado@localhost;")


def _systems():
    account = {"host": "127.0.0.1", "user": "plantado"}
    common = {"kind": "database", "criticality": "media", "office": "Prueba"}
    program = {"type": "command", "dump": ["/usr/bin/mariadb-dump", "--single-transaction", "world"], "verify": ["/usr/bin/grep", "-c", "Dump completed"],
               "restore": ["/usr/bin/mariadb"]}
    return [
        {"name": "Secreto PG", **common, "media": ["local", "con-clave"],
         "source": {"type": "postgresql", "databases": ["pgbench"], **account, "password": "{{ planted.postgresql }}"}},
        {"name": "Secreto MariaDB", **common, "source": {"type": "mariadb", "databases": ["world"], **account, "password": "{{ planted.mariadb }}"}},
        {"name": "Secreto programa", **common, "source": {**program, "password": "{{ planted.command }}"}},
        {"name": "Secreto ausente", **common, "source": {"type": "postgresql", "databases": ["no_esta"], **account, "password": "{{ planted.postgresql }}"}},
    ]


def _repositories():
    """On git1: db1 has no git."""
    return [
        {"name": "Secreto de git", "kind": "source_code", "criticality": "baja", "office": "Prueba",
         "source": {"type": "git", "url": "https://git1/git/portal.git", "username": "respaldo", "password": "{{ lab_password }}"}},
        {"name": "Secreto de git ausente", "kind": "source_code", "criticality": "baja", "office": "Prueba",
         "source": {"type": "git", "url": "https://git1/git/no-esta.git", "username": "respaldo", "password": "{{ lab_password }}"}},
    ]


def _vault(*arguments):
    return subprocess.run([str(Path(sys.executable).with_name("ansible-vault")), *arguments], cwd=PROJECT, capture_output=True, text=True, check=True).stdout


def test_secrets_are_nowhere_during_and_after_a_run_over_ssh(copies, planted, state, tmp_path, monkeypatch):
    began = time.time() - 1
    media = [{"name": "local", "path": "/srv/copias"},
             {"name": "con-clave", "path": "/srv/copias", "default": False, "host": "store1", "user": "respaldo", "ssh_key": "{{ planted.key }}",
              "known_hosts": "/root/.ssh/known_hosts"}]
    (tmp_path / "secret.yml").write_text(json.dumps({"planted": planted, "backup_systems": _systems(), "backup_media": media}))
    _vault("encrypt", str(tmp_path / "secret.yml"))
    searched = {**planted, "lab": "lab-respaldo"}
    # the sources of this checkout tell the lab's password
    rooms = Rooms(tmp_path / "scratch")
    for name in ("TMPDIR", "ANSIBLE_LOCAL_TEMP"):
        monkeypatch.setenv(name, str(rooms.scratch))
    with Sampler() as sampler:
        run = copies.begin_half("-vvv", "-e", "@" + str(tmp_path / "secret.yml"), playbook="site.yml")
        seen = sampler.sweeps()
        until(lambda: sampler.sweeps() > seen + 1, "whole sweeps during the copy")
        assert _on_servers(planted) == [] and in_files([*rooms.appeared(), tmp_path, state], planted, began) == []
        copies.go_on()
        assert run.wait(240) == 2, copies.said()
        databases = copies.last_run("copy_made", "copy_failed")
        code = copies.run("-vvv", "--limit", "git1", "-e", json.dumps({"backup_systems": _repositories()}), playbook="source_code.yml", status=2)
        code_ends = copies.last_run("copy_made", "copy_failed")
        custody = {path.stem: json.loads(_vault("view", str(path)))["password"] for path in (state / "custodia").rglob("*.yml")}
        found = sampler.found({**searched, **custody})
    assert not found, found
    assert {entry["system"] for entry in databases if entry["type"] == "copy_made"} == {"Secreto PG", "Secreto MariaDB", "Secreto programa"}
    assert [entry["type"] for entry in code_ends] == ["copy_made", "copy_failed"] and len(databases) == 4
    assert len([name for name in custody if name.startswith("Secreto")]) == 4
    assert in_text((copies.said() + code.stdout).encode(), {**searched, **custody}) == []
    assert in_files([*rooms.appeared(), tmp_path, state], {**planted, **custody}, began) == []
    assert _on_servers({**planted, **custody}) == []
    for host in ("db1", "store1"):
        assert on(host, "find", "/srv/copias", "-mindepth", "1", "-perm", "/077") == ""
    assert open_to_others([state / "custodia"]) == [] and open_to_others([state / "bitacora.sqlite"], allowed=0o750) == []


def _on_servers(searched):
    """The files of the servers that hold a secret; the secrets go there by standard input."""
    needles = "\n".join(sorted({form.decode() for secret in searched.values() for form in forms(secret) if b"\n" not in form})) + "\n"
    found = []
    for host in ("db1", "store1"):
        there = [path for path in SERVER if on(host, "sh", "-c", "test -e $0 && echo yes", path, status=None)]
        found += on(host, "grep", "-rlFs", "-f", "-", "--devices=skip", *there, given=needles, status=None).splitlines()
    return found
