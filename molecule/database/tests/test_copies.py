# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What two runs of the role left: one copy of each system, whole on its media, and its line in the bitácora."""

from __future__ import annotations

import json
import re
import shlex
import subprocess

import pytest

LABELS = {
    "SIGA": "SIGA", "Catálogos Electrónicos": "CatalogosElectronicos", "Órgano ñandú": "Organonandu", "Banco de pruebas": "Bancodepruebas",
    "SIAF": "SIAF", "Mundo": "Mundo", "Trámites": "Tramites", "Trámites del órgano": "Tramitesdelorgano", "Encuestas": "Encuestas",
}
ON_STORE1 = ("SIGA", "SIAF")
ENCRYPTED = ("SIGA", "Catálogos Electrónicos", "SIAF", "Trámites", "Encuestas")


@pytest.fixture(scope="module", params=LABELS)
def row(request, entries):
    """The one line of a system's copy."""
    rows = entries(request.param, "Generada")
    assert len(rows) == 1, rows
    return rows[0]


def directory_of(row):
    return row["ubicacion"].split(", ")[0]


def modes(server, path):
    return server.check_output("find " + shlex.quote(path) + " -printf '%y %m %u\\n' | sort -u").splitlines()


def test_bitacora_tells_what_the_manual_asks(row, systems):
    system = row["sistema"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", row["fecha"]) and re.fullmatch(r"\d\d:\d\d:\d\d", row["hora"])
    assert row["nombre_respaldo"] == "{0}_{1}".format(LABELS[system], row["fecha"].replace("-", ""))
    assert row["rotulo"] == "{0}_{1}".format(LABELS[system], row["fecha"].replace("-", " "))
    assert row["tipo"] == "Base de datos"
    assert row["servidor"] == "db1"
    assert row["responsable"] == "Ana Quispe Núñez"
    assert row["organo"] == systems[system]["office"]
    assert row["medio"] == ", ".join(systems[system].get("media", ["local"]))
    assert row["tamano"] >= (12 << 20 if system in ("SIGA", "SIAF") else 500)
    assert re.fullmatch("[0-9a-f]{64}", row["huella_sha256"])
    assert bool(row["clave"]) is (system in ENCRYPTED)


def test_copy_is_whole_on_its_medium(row, db1):
    directory = directory_of(row)
    assert db1.check_output("sha256sum %s/SHA256SUMS", directory).split()[0] == row["huella_sha256"]
    db1.check_output("cd %s && sha256sum --check --strict SHA256SUMS", directory)
    listed = sorted(line.split("  ")[1] for line in db1.check_output("cat %s/SHA256SUMS", directory).splitlines())
    assert sorted(db1.check_output("ls -A %s", directory).split()) == sorted(listed + ["SHA256SUMS"])
    assert db1.check_output("cat %s/* | wc -c", directory) == str(row["tamano"])


def test_copy_is_readable_by_its_owner_only(row, db1):
    assert modes(db1, directory_of(row)) == ["d 700 root", "f 600 root"]


def test_copy_is_the_same_on_the_other_server(row, db1, store1):
    there = [place for place in row["ubicacion"].split(", ") if place.startswith("respaldo@store1:")]
    assert bool(there) is (row["sistema"] in ON_STORE1)
    for place in there:
        path = place.partition(":")[2]
        command = "cd %s && sha256sum *"
        assert store1.check_output(command, path) == db1.check_output(command, directory_of(row))
        assert modes(store1, path) == ["d 700 respaldo", "f 600 respaldo"]


def test_copy_is_encrypted_as_its_criticality_asks(row, db1):
    directory, label = directory_of(row), row["nombre_respaldo"]
    for name in db1.check_output("ls %s", directory).split():
        if name in ("SHA256SUMS", label + ".json"):
            continue
        head = db1.check_output("head -c 4 %s/%s | od -An -tx1", directory, name).replace(" ", "")
        assert name.endswith(".zst.gpg" if row["sistema"] in ENCRYPTED else ".zst")
        if row["sistema"] in ENCRYPTED:
            packets = db1.run("gpg --batch --homedir /dev/null --list-packets --list-only %s/%s", directory, name).stdout
            assert ":symkey enc packet: version 4, cipher 9" in packets, packets
            assert head != "28b52ffd"
        else:
            assert head == "28b52ffd"
            db1.check_output("zstd --test --quiet %s/%s", directory, name)


def test_password_is_in_custody_only(row, db1, store1, state):
    if row["sistema"] not in ENCRYPTED:
        assert not list(state.glob("custodia/database/{0}".format(LABELS[row["sistema"]])))
        return
    file = state / "custodia" / (row["clave"].partition(":")[2] + ".yml")
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_bytes().startswith(b"$ANSIBLE_VAULT;1.1;AES256\n")
    opened = subprocess.run(["ansible-vault", "view", str(file)], capture_output=True, text=True, check=True)
    password = json.loads(opened.stdout)["password"]
    assert len(password) >= 32
    found = subprocess.run(["grep", "-rlaF", "-f", "-", str(state.parent)], input=password + "\n", capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (1, ""), found
    for server in (db1, store1):
        places = "/srv /tmp /var/tmp /var/log /root /home /dev/shm /run/log"
        assert server.run("printf '%s\\n' {0} | grep -rlaF -D skip -f - {1}".format(shlex.quote(password), places)).stdout == ""


def test_no_password_of_an_account_is_told(state, db1):
    secret = "lab-respaldo"
    found = subprocess.run(["grep", "-rlaF", secret, str(state)], capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (1, "")
    assert db1.run("grep -rlaF %s /srv/copias", secret).stdout == ""


@pytest.mark.parametrize("system", ["SIGA", "SIAF"])
def test_copy_of_high_criticality_was_restored_and_compared(system, entries):
    assert [row["nivel_confianza"] for row in entries(system, "Verificada")] == ["T3"]


def test_nothing_failed_and_nothing_else_was_copied(entries):
    assert len(entries(result="Generada")) == len(LABELS)
    assert {row["resultado"] for row in entries()} == {"Generada", "Verificada"}


def test_chain_is_whole(playbook):
    assert "Ana Quispe Núñez" in playbook("bitacora.yml").stdout


def test_nothing_is_left_on_the_servers(db1, store1, postgres, mariadb):
    for server in (db1, store1):
        left = server.check_output("find /srv/copias /tmp /var/tmp /dev/shm -name '.respaldo*' -o -name '*.partial' -o -name '.*.new' -o -name 'secret'")
        assert left == ""
        names = server.check_output("find /srv/copias/database -mindepth 2 -maxdepth 2 ! -name .lock -printf '%f\\n'").split()
        assert all(re.fullmatch(r"\w+_\d{8}", name) for name in names), names
    assert not [name for name in postgres.names() + mariadb.names() if "scratch" in name]
    assert db1.run("pgrep -a 'gpg|zstd|pg_dump|mariadb-dump'").stdout == ""


def test_check_mode_tells_and_copies_nothing(playbook, entries, db1, store1, state):
    def everything():
        return [server.check_output("find /srv/copias -type f -exec sha256sum {} + | sort") for server in (db1, store1)], sorted(state.glob("custodia/**/*"))

    before, told = everything(), len(entries())
    only = json.dumps({"backup_only": ["SIGA", "Mundo", "Trámites"], "backup_emergency_reason": "simulacro"})
    output = playbook("site.yml", "--check", "--limit", "db1", "-e", only).stdout
    assert everything() == before
    added = entries()[told:]
    assert {row["sistema"] for row in added} == {"SIGA", "Mundo", "Trámites"}
    assert all(row["resultado"].startswith("Simulación") for row in added), added
    assert "Copia de emergencia (numeral 5.1 d): simulacro" in output
    assert len(entries(result="Generada")) == len(LABELS)
