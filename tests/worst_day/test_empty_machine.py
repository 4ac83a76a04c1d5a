# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The worst day on an empty container (issue 17, "what it must show", 3): `make worst-day`.

An institution of seven systems lives in a container, copies itself to a medium and prints its plan; it is removed. Another container, of Debian with the
packages that the guide names, gets the medium and either one custodian (a real OpenBao, reached by one socket) or the private key of one EGCR. There, without
a network, the lines of the guide and of the printed plan are typed, and every system is compared with what it was.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from machine import ROOT, Cable, Machine, image

sys.path.insert(0, str(ROOT / "tests/integration"))
from custody.bao import OpenBao, certificates
from custody.conftest import Person

MEDIUM, ANCHORS = "/srv/copias", "/srv/anclas"
WHY = "--motivo 'Incendio en el centro de datos' --documento 'Acta 003-2027-OTI'"
KIT = ["/srv/inventario", "/etc/respaldo.conf", "/etc/respaldo/vault.pass", "/var/lib/respaldo/seal.key", "/var/lib/respaldo/seal.key.known",
       "/var/lib/respaldo/custodia", "/var/lib/respaldo/programa"]
AT = f"export RESPALDO_BITACORA_ANCHORS={ANCHORS}/anclas.jsonl; "
SERVERS = "service postgresql start && service mariadb start"
DATA = """
set -e
su postgres -c "psql -q -c \\"CREATE ROLE siga_app LOGIN PASSWORD 'x'\\" -c 'CREATE ROLE consulta NOLOGIN' -c 'CREATE DATABASE siga OWNER siga_app'"
su postgres -c "psql -q -d siga" <<'SQL'
CREATE TABLE expediente (n int PRIMARY KEY, asunto text, monto numeric);
INSERT INTO expediente SELECT g, md5(g::text) || ' ñ', g / 7.0 FROM generate_series(1, 2000) g;
ALTER TABLE expediente OWNER TO siga_app; GRANT SELECT ON expediente TO consulta;
SQL
mariadb -e "CREATE DATABASE siaf CHARACTER SET utf8mb4; USE siaf; CREATE TABLE siaf.pago (n int PRIMARY KEY, glosa varchar(80), monto double);
INSERT INTO siaf.pago SELECT seq, concat(md5(seq), ' ñ'), seq / 3 FROM seq_1_to_2000"
mkdir -p /srv/datos /srv/portal /srv/firma/sub '/srv/compartidos/oti/Año 2026'
sqlite3 /srv/datos/padron.sqlite "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT); WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 500)
INSERT INTO t SELECT x, hex(randomblob(20)) FROM n"
cd /srv/portal && git init -q && echo uno > a.txt && git add . && git -c user.name=a -c user.email=a@example.org commit -qm uno
echo firma > /srv/firma/sub/firma.py
cd /srv/compartidos/oti && head -c 300000 /dev/urandom > 'Año 2026/acta ñ.bin' && chmod 0640 'Año 2026/acta ñ.bin' && ln -s acta enlace
"""
# What each system is: its rows, its commits, its files with modes and links.
LOOK = {
    "SIGA": "su postgres -c \"psql -At -d siga -c 'SELECT * FROM expediente ORDER BY n' -c '\\\\dp expediente' -c '\\\\dt expediente'\"",
    "SIAF": "mariadb -N siaf -e 'SELECT * FROM pago ORDER BY n; SHOW CREATE TABLE pago'",
    "Padrón": "sqlite3 /srv/datos/padron.sqlite 'SELECT * FROM t ORDER BY a'",
    "Portal": "git -C /srv/portal log --format=%H%n%s && git -C /srv/portal status --short && cat /srv/portal/a.txt",
    "Firma": "cd /srv/firma && find . -printf '%p %m %y %l\\n' | sort && find . -type f -print0 | sort -z | xargs -0 sha256sum",
    "Archivos": "cd /srv/compartidos/oti && find . -printf '%p %m %y %l\\n' | sort && find . -type f -print0 | sort -z | xargs -0 sha256sum",
}


def systems() -> list[dict[str, Any]]:
    def system(name: str, kind: str, source: dict[str, Any], **more: Any) -> dict[str, Any]:
        return {"name": name, "kind": kind, "criticality": "media", "office": "OTI", "source": source, **more}

    return [
        system("SIGA", "database", {"type": "postgresql", "databases": ["siga"]}),
        system("SIAF", "database", {"type": "mariadb", "databases": ["siaf"]}),
        system("Padrón", "database", {"type": "sqlite", "path": "/srv/datos/padron.sqlite"}),
        system("Bitácora de respaldos", "database", {"type": "sqlite", "path": "/var/lib/respaldo/bitacora.sqlite"}),
        system("Portal", "source_code", {"type": "git", "path": "/srv/portal"}, depends_on=["Firma"]),
        system("Firma", "source_code", {"type": "paths", "paths": ["/srv/firma"]}),
        system("Maletín de recuperación", "source_code", {"type": "paths", "paths": KIT}),
        system("Archivos", "file_server", {"type": "restic", "paths": ["/srv/compartidos/oti"]}),
    ]


class Institution:
    """What it was, what it printed, and what is left of it: the medium, the anchors, a custodian, a private key."""

    def __init__(self, top: Path, bao: OpenBao, ana: Person) -> None:
        self.bao, self.image, self.medium, self.anchors, self.cable = bao, image(), top / "copias", top / "anclas", top / "cable"
        for made in (self.medium, self.anchors, self.cable):
            made.mkdir(mode=0o700)
        self.key = top / "ana.asc"
        self.key.write_text(subprocess.run([*ana.gpg, "--armor", "--export-secret-keys"], check=True, capture_output=True, text=True).stdout)
        self.key.chmod(0o600)
        self.program = top / "programa"
        subprocess.run([ROOT / "tools/program.sh"], env={**os.environ, "DESTINO": str(self.program)}, check=True)
        self.line = Cable(self.cable / "boveda", bao.port)
        with self.machine("antes", (self.cable, "/run/cable"), (self.program, "/mnt/programa"), (bao.directory / "ca.pem", "/etc/ssl/boveda.pem")) as house:
            self.settle(house, ana)
            self.copied(house)
            self.was = {name: house.type(look) for name, look in LOOK.items()}
            self.plan = house.type("respaldo plan-de-recuperacion")
        self.before = top / "copias-antes"
        shutil.copytree(self.medium, self.before, symlinks=True)
        self.anchored = (self.anchors / "anclas.jsonl").read_bytes()
        self.seal_key = found(r"--sello ([0-9a-f]{64})", self.plan)
        self.kit, self.kit_sha256 = re.search(r"maletín: (\S+), huella SHA-256 ([0-9a-f]{64})", self.plan).groups()    # type: ignore[union-attr]

    @contextlib.contextmanager
    def machine(self, name: str, *shown: tuple[Path, str], read_only: bool = False) -> Iterator[Machine]:
        """A container that is shown the medium and the anchors, and what else."""
        medium = f"{MEDIUM}:ro" if read_only else MEDIUM
        made = Machine(f"respaldo-peor-{name}-{uuid.uuid4().hex[:6]}", self.image, [(self.medium, medium), (self.anchors, ANCHORS), *shown])
        try:
            yield made
        finally:
            made.end()

    def settle(self, house: Machine, ana: Person) -> None:
        house.plug("/run/cable/boveda", self.bao.port)
        house.type("mkdir /var/lib/respaldo && cp -a /mnt/programa /var/lib/respaldo/programa && /mnt/programa/instalar.sh /opt/respaldo")
        house.type(SERVERS)
        house.type(DATA)
        vault = {**self.bao.options("peor"), "ca_certs": "/etc/ssl/boveda.pem"}
        secrets = {f"vault_{name}": vault[name] for name in ("role_id", "secret_id")}
        vault.update({name: f"{{{{ vault_{name} }}}}" for name in ("role_id", "secret_id")})
        told = {
            "ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}", "backup_repository": "nas-lima",
            "backup_media": [{"name": "nas-lima", "path": MEDIUM}],
            "backup_assigned_paths": ["/srv", "/etc", "/var/lib/respaldo"],
            "backup_custodians": [{"name": "disco", "type": "vault_file", "path": "/var/lib/respaldo/custodia"}, vault],
            "backup_actors": {"egcr": {kind: {"titular": [{"name": "Ana", "from": "2026-01-01", "public_key": ana.public}]}
                                       for kind in ("database", "source_code")}},
        }
        house.put("/srv/inventario/hosts.yml", "all:\n  hosts:\n    controlador:\n")
        house.put("/srv/inventario/group_vars/all/datos.yml", yaml.safe_dump(told, allow_unicode=True))
        house.put("/srv/inventario/host_vars/controlador.yml", yaml.safe_dump({"backup_systems": systems()}, allow_unicode=True))
        house.put("/etc/respaldo/vault.pass", "boveda-de-la-entidad-42\n")
        house.put("/srv/inventario/group_vars/all/vault.yml", yaml.safe_dump(secrets))
        house.put("/etc/respaldo.conf", "[respaldo]\ninventario = /srv/inventario/hosts.yml\ncontrasena_de_vault = /etc/respaldo/vault.pass\n", "0644")
        house.type("/opt/respaldo/ansible_collections/perucompras/respaldo/.venv/bin/ansible-vault encrypt --vault-password-file /etc/respaldo/vault.pass "
                   "/srv/inventario/group_vars/all/vault.yml")

    def copied(self, house: Machine) -> None:
        """Two nights: the key of the seals is there after the first run, and the bitácora tells of a kit a night later."""
        house.type(AT + "respaldo copiar Firma")
        house.type(AT + "respaldo copiar")
        house.type("cd /srv/portal && echo dos >> a.txt && git -c user.name=a -c user.email=a@example.org commit -qam dos; "
                   "su postgres -c \"psql -q -d siga -c 'UPDATE expediente SET monto = monto + 1'\"")
        house.type(AT + "respaldo copiar --motivo 'Segunda noche'")

    def made(self) -> set[str]:
        return {path.name for path in self.before.glob("*/[!.]*/[!.]*")}


def found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match, (pattern, text)
    return match.group(1)


def roles(house: Machine, label: str, gpg: str) -> None:
    """What a new PostgreSQL server lacks: the line of the manifest, as its administrator. `gpg` opens what is encrypted."""
    shelf = house.type(f"ls -d {MEDIUM}/database/*/{label}").strip()
    line, = (each for each in json.loads(house.type(f"cat {shelf}/{label}.json"))["restore"] if ".globals." in each)
    opened, _pipe, psql = line.replace("gpg --decrypt", gpg).rpartition(" | ")
    house.type(f"cd {shelf} && {opened} | su postgres -c '{psql}'")


def typed(house: Machine, gpg: Callable[[str], str]) -> None:
    """The plan as it is now, each of its lines in their order. `gpg` opens the file of a label."""
    house.type(SERVERS)
    plan = house.type(AT + "respaldo plan-de-recuperacion")
    # what begins it was typed already
    lines = [line.strip()[2:] for line in plan.partition("Sistemas, en este orden")[2].splitlines() if line.strip().startswith("$ ")]
    assert len([line for line in lines if line.startswith("respaldo restaurar ")]) == len(LOOK), plan
    assert [name for line in lines for name in ("Firma", "Portal") if f"restaurar {name} " in line] == ["Firma", "Portal"]
    assert "sin los roles de esta base" in plan
    for line in lines:
        if "restaurar SIGA " in line:
            label = found(r"--etiqueta (\S+)", line)
            roles(house, label, gpg(label))
        house.type(AT + line)


def is_back(was: Institution, house: Machine) -> None:
    for name, look in LOOK.items():
        assert house.type(look) == was.was[name], name
    query = "SELECT json_extract(body, '$.label') FROM entries WHERE type = 'copy_made'"
    assert set(house.type(f'sqlite3 -readonly /var/lib/respaldo/bitacora.sqlite "{query}"').split()) == was.made()
    auditor = "/opt/respaldo/ansible_collections/perucompras/respaldo/plugins/plugin_utils/_bitacora/chain.py"
    told = house.type(f"cp {auditor} /tmp && python3 -I /tmp/chain.py /var/lib/respaldo/bitacora.sqlite --anchor {ANCHORS}/anclas.jsonl --key {was.seal_key}")
    assert "íntegra" in told
    assert "Acta 003-2027-OTI" in house.type("respaldo bitacora")


@pytest.fixture(scope="module")
def institution(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Institution]:
    top = tmp_path_factory.mktemp("peor")
    certificates(top)
    bao, ana = OpenBao(top), Person(top / "ana", "ana")
    try:
        yield Institution(top, bao, ana)
    finally:
        bao.stop()
        subprocess.run(["gpgconf", "--homedir", ana.gpg[2], "--kill", "all"], check=False)


def test_by_the_medium_and_one_custodian(institution: Institution) -> None:
    again(institution)
    vault = {**institution.bao.options("peor"), "ca_certs": "/etc/ssl/boveda.pem"}
    shown = (institution.cable, "/run/cable"), (institution.bao.directory / "ca.pem", "/etc/ssl/boveda.pem"), (institution.program, "/media/usb/programa")
    with institution.machine("custodio", *shown) as house:
        house.plug("/run/cable/boveda", institution.bao.port)
        house.put("/root/custodios.yml", yaml.safe_dump([vault]))
        house.type("bash /media/usb/programa/instalar.sh /opt/respaldo")
        assert "RSP794" in house.type(f"respaldo recuperar --medio /srv --custodia /root/custodios.yml {WHY}", 2), "the path of the medium, mistyped"
        house.type(AT + f"respaldo recuperar --medio {MEDIUM} --custodia /root/custodios.yml {WHY}")
        read = institution.bao.client.secrets.kv.v2.read_secret_version

        def gpg(label: str) -> str:
            """As the guide has it: gpg asks for the password, which the custodian gives."""
            kept = read(path=f"peor/database/SIGA/{label}", mount_point="secret", raise_on_deleted_version=True)["data"]["data"]
            return f"gpg --batch --pinentry-mode loopback --passphrase-fd 3 3<<<'{kept['password']}' --decrypt"

        typed(house, gpg)
        is_back(institution, house)


def test_by_the_medium_and_one_private_key(institution: Institution) -> None:
    """The medium can't be written; the program comes out of the kit, its SHA-256 compared with the printed plan; service and certificate are gone."""
    again(institution)
    with institution.machine("llave", read_only=True) as house:
        house.put("/media/usb/ana.asc", institution.key.read_text())
        shelf = house.type(f"ls -d {MEDIUM}/source_code/*/{institution.kit}").strip()
        assert house.type(f"cd {shelf} && sha256sum SHA256SUMS").split()[0] == institution.kit_sha256
        commands = json.loads(house.type(f"cat {shelf}/{institution.kit}.json"))["restore"]
        house.type(" && ".join(["gpg --import /media/usb/ana.asc", "mkdir -m 0700 /root/maletin", f"cd {shelf}", "export TARGET=/root/maletin", *commands]))
        house.type("bash /root/maletin/var/lib/respaldo/programa/instalar.sh /opt/respaldo")
        line = f"respaldo recuperar --medio {MEDIUM} --llave /media/usb/ana.asc --sello {institution.seal_key} --huella-maletin {institution.kit_sha256} {WHY}"
        house.type(AT + line)
        typed(house, lambda _label: "gpg --decrypt")
        is_back(institution, house)


def again(institution: Institution) -> None:
    """The medium and the anchors as they were on the day before."""
    (institution.anchors / "anclas.jsonl").write_bytes(institution.anchored)
    for path in institution.medium.iterdir():
        shutil.rmtree(path)
    shutil.copytree(institution.before, institution.medium, symlinks=True, dirs_exist_ok=True)
