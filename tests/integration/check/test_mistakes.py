# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mistakes of a newcomer, made on purpose, each on a host of one inventory with a real PostgreSQL: `respaldo comprobar` (check.yml, backup_check) says
of each what, where and the mend.

The numbers are those of the list of a newcomer's 46 mistakes; from 47 on they are others. Those of files are in tests/unit/checking.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from databases.conftest import PASSWORD, Postgres, running

TOP = Path(__file__).resolve().parents[3]
SQLITE = {"kind": "database", "criticality": "baja", "office": "OTI"}


class House:
    """An inventory in a directory of its own, and `respaldo` with it."""

    def __init__(self, place: Path) -> None:
        self.place = place
        place.chmod(0o755)
        (place / "host_vars").mkdir()
        (place / "medio").mkdir()
        subprocess.run([sys.executable, "-c", "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('create table t (a)'); c.commit()",
                        str(place / "siga.sqlite")], check=True)
        self.configure()

    def configure(self, bitacora: str = "", vault: str = "") -> None:
        (self.place / "respaldo.conf").write_text(
            f"[respaldo]\ninventario = {self.place}/hosts.yml\nbitacora = {bitacora or self.place / 'bitacora.sqlite'}\nregistros = {self.place}/registros\n"
            + (f"contrasena_de_vault = {vault}\n" if vault else ""), "utf-8")
        (self.place / "respaldo.conf").chmod(0o644)

    def hosts(self, names: Any, **variables: Any) -> None:
        known = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "backup_custody_directory": str(self.place / "custody"),
                 "backup_media": [{"name": "nas", "type": "local", "path": str(self.place / "medio")}], **variables}
        (self.place / "hosts.yml").write_text(yaml.safe_dump({"all": {"vars": known, "hosts": {name: {} for name in names}}}), "utf-8")

    def host(self, name: str, **variables: Any) -> None:
        (self.place / "host_vars" / f"{name}.yml").write_text(yaml.safe_dump(variables, allow_unicode=True, sort_keys=False), "utf-8")

    def sqlite(self, name: str, **more: Any) -> dict[str, Any]:
        return {"name": name, **SQLITE, "source": {"type": "sqlite", "path": str(self.place / "siga.sqlite")}, **more}

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "RESPALDO_"))}
        return {**kept, "HOME": str(self.place), "RESPALDO_CONF": str(self.place / "respaldo.conf"), "LC_ALL": "C.UTF-8"}

    def respaldo(self, *words: str, place: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([str(TOP / "scripts/respaldo"), *words], cwd=place or self.place, env={**self.environment(), **environment}, text=True,
                              capture_output=True, stdin=subprocess.DEVNULL, check=False)

    def checked(self, *words: str) -> tuple[list[dict[str, Any]], subprocess.CompletedProcess[str]]:
        """What a check found, and how it ended; what it printed has all of it."""
        answer = self.respaldo("comprobar", "--json", str(self.place / "told.json"), *words)
        try:
            told = json.loads((self.place / "told.json").read_text("utf-8"))
        except FileNotFoundError:
            raise AssertionError(answer.stdout + answer.stderr) from None
        for row in told["findings"]:
            assert f"{row['number']}. " in answer.stdout and row["what"] in answer.stdout and row["mend"] in answer.stdout
        return told["findings"], answer

    def tree(self) -> str:
        """All that a server has: names, modes and bytes of source and medium."""
        digest = hashlib.sha256()
        for path in sorted([self.place / "siga.sqlite", *self.place.glob("siga.sqlite-*"), self.place / "medio", *(self.place / "medio").rglob("*")]):
            digest.update(f"{path} {path.stat().st_mode}".encode() + (path.read_bytes() if path.is_file() else b""))
        return digest.hexdigest()


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    for server in running(Postgres, "postgres", "postgresql"):
        server.sql("CREATE DATABASE siga")
        server.sql("CREATE TABLE expediente (numero text); CREATE ROLE poco LOGIN PASSWORD 'poco'", "siga")
        yield server


# number of the mistake: (host, what must be said, where, of the mend)
IN_VARIABLES = {
    1: ("m01", "critcality", "host_vars/m01.yml:", "criticality"),
    2: ("m02", "criticidad", "host_vars/m02.yml:", "criticality"),
    7: ("m07", "RSP801", "m07", "--vault-id"),
    9: ("m09", "databse", "host_vars/m09.yml:", "database"),
    10: ("m10", "crítica", "host_vars/m10.yml:", "alta"),
    15: ("m15", "nada.sqlite", "m15", "Revise el nombre en el inventario"),
    16: ("m16", "sigaa", "m16", "Revise el nombre en el inventario"),
    17: ("m17", "expediente", "m17", "pg_read_all_data"),
    18: ("m18", "contraseña", "m18", "contraseña"),
    19: ("m19", "RSP202", "m19", "puerto"),
    21: ("m21", "otro-medio", "host_vars/m21.yml:", "onte"),
    23: ("m23", "relativa/ruta", "host_vars/m23.yml:", "/"),
    24: ("m24", "nas-limma", "host_vars/m24.yml:", "nas"),
    25: ("m25", "media", "host_vars/m25.yml:", "media"),
    26: ("m26", "127.0.0.1", "m26", "evise"),
    27: ("m27", "America/Limma", "m27", "America/Lima"),
    28: ("m28", "02/01/2026", "host_vars/m28.yml:", "2026"),
    29: ("m29", "until", "host_vars/m29.yml:", "último día"),
    30: ("m30", "Pórtal", "host_vars/m30.yml:", "nombre"),
    31: ("m31", "no-esta.asc", "m31", "gpg"),
    45: ("m45", "siga.sqlite", "m45", "asignad"),
    47: ("m47", "no_existe", "m47", "no_existe"),
    48: ("", "backup_sistems", "host_vars/m48.yml:1", "backup_systems"),
    50: ("m50", "127.0.0.1", "m50", "evise"),
    51: ("m51", "Azure Backup", "m51", "azure_backup.yml"),
    49: ("", "dos veces", "host_vars/m49.yml:2", "Deje una"),
}


def of(found: list[dict[str, Any]], host: str, what: str) -> dict[str, Any]:
    rows = [row for row in found if (not host or host in row["server"].split(", ")) and what in f"{row['code']} {row['what']} {row['where']}"]
    assert rows, (host, what, [row for row in found if not host or host in row["server"]])
    return rows[0]


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres) -> list[dict[str, Any]]:
    """One run over all of them."""
    house = House(tmp_path_factory.mktemp("errores"))
    house.hosts([f"m{number:02}" for number in (1, 2, 7, 9, 10, 15, 16, 17, 18, 19, 20, 21, 23, 24, 25, 26, 27, 28, 29, 30, 31, 45, 47, 48, 49, 50, 51)])
    place = house.place

    def pg(**more: Any) -> dict[str, Any]:
        source = {"type": "postgresql", "host": "127.0.0.1", "port": postgres.port, "user": "postgres", "password": PASSWORD, "databases": ["siga"],
                  "bin_dir": postgres.programs(), **more}
        return {**SQLITE, "source": source}

    def one(name: str, system: dict[str, Any], **variables: Any) -> None:
        house.host(name, backup_systems=[{"name": name.upper(), **system}], **variables)

    plain = house.sqlite("X")
    del plain["name"]
    one("m01", {**{key: value for key, value in plain.items() if key != "criticality"}, "critcality": "baja"})
    one("m02", {**{key: value for key, value in plain.items() if key not in ("criticality", "office")}, "criticidad": "baja", "organo": "OTI"})
    one("m07", {**plain, "criticality": "alta"})
    one("m09", {**plain, "kind": "databse"})
    one("m10", {**plain, "criticality": "crítica"})
    one("m15", {**plain, "source": {"type": "sqlite", "path": str(place / "nada.sqlite")}})
    one("m16", pg(databases=["sigaa"]))
    one("m17", pg(user="poco", password="poco"))
    one("m18", pg(password="otra"))
    one("m19", pg(port=1))
    one("m20", pg(databases="siga"))
    one("m21", plain, backup_media=[{"name": "otro-medio", "type": "local", "path": str(place / "no" / "otro-medio")}])
    one("m23", plain, backup_media=[{"name": "nas", "type": "local", "path": "relativa/ruta"}])
    one("m24", {**plain, "media": ["nas-limma"]})
    one("m25", plain, backup_media=[])
    one("m26", plain, backup_media=[{"name": "lejos", "type": "local", "host": "127.0.0.1", "port": 1, "user": "respaldo", "path": "/srv/copias"}])
    policy = yaml.safe_load((TOP / "policies/manual-001-2019.yml").read_text("utf-8"))
    (place / "politica.yml.d").mkdir()
    (place / "politica.yml.d" / "politica.yml").write_text(yaml.safe_dump({**policy, "time_zone": "America/Limma"}, allow_unicode=True), "utf-8")
    one("m27", plain, backup_policy_file=str(place / "politica.yml.d" / "politica.yml"))

    def egcr(**more: Any) -> dict[str, Any]:
        ana = {"titular": [{"name": "Ana", "from": "2026-01-01", **more}], "suplente": []}
        return {"jefe_oti": [{"name": "Rosa", "from": "2026-01-01"}], "soporte": [],
                "egcr": dict.fromkeys(("database", "source_code", "infrastructure"), ana)}

    one("m28", plain, backup_actors=egcr(**{"from": "02/01/2026"}))
    one("m29", plain, backup_actors=egcr(until="2025-01-01"))
    house.host("m30", backup_systems=[house.sqlite("PORTAL"), house.sqlite("Pórtal")])
    one("m31", plain, backup_actors=egcr(public_key_file=str(place / "no-esta.asc")))
    one("m45", plain, backup_assigned_paths=["/srv/asignada"])
    house.host("m47", backup_systems=[{**plain, "name": "{{ no_existe }}"}])
    one("m50", {"kind": "mailbox", "criticality": "alta", "office": "OTI", "source": {"type": "imap", "host": "127.0.0.1", "port": 1, "user": "ana",
                                                                                    "password": "otra"}})
    one("m51", {"kind": "file_server", "criticality": "media", "office": "OTI", "source": {"type": "azure_backup", "vault": "boveda", "protects": "machine",
                                                                                        "machine": "vm", "resource_group": "g"}},
        backup_vaults=[{"name": "boveda", "subscription_id": "00000000-0000-0000-0000-000000000001", "resource_group": "g", "vault": "boveda"}])
    house.host("m48", backup_sistems=[house.sqlite("OTRO")])
    (place / "host_vars" / "m49.yml").write_text("backup_systems: []\nbackup_systems: []\n", "utf-8")
    (place / "medio" / "de-otros.txt").write_text("intacto", "utf-8")
    before = house.tree()
    found, answer = house.checked("--html", str(place / "told.html"))
    assert answer.returncode == 2, answer.stdout + answer.stderr
    assert house.tree() == before, "something was left or changed"
    assert answer.stdout.rstrip().splitlines()[-1].startswith("No está listo: ")
    page = (place / "told.html").read_text("utf-8")
    assert "critcality" in page and 'lang="es"' in page and PASSWORD not in page + answer.stdout
    return found


@pytest.mark.parametrize("number", IN_VARIABLES)
def test_a_mistake_in_variables_is_told_with_where_and_mend(checked: list[dict[str, Any]], number: int) -> None:
    host, what, where, mend = IN_VARIABLES[number]
    row = of(checked, host, what)
    assert where in row["where"] or where in row["server"].split(", "), row
    assert mend in row["mend"], row


def test_one_database_is_written_as_people_write_it(checked: list[dict[str, Any]]) -> None:
    """Number 20: `databases: siga`, no list."""
    assert [row for row in checked if "m20" in row["server"].split(", ")] == []


def test_a_name_that_is_wrong_is_told_from_any_directory_in_any_locale(house: House) -> None:
    """Numbers 8, 11, 12, 34 and 46: Ansible alone finds no role there, refuses the locale, and leaves no host to target."""
    house.hosts(["bd1"])
    house.host("bd1", backup_systems=[house.sqlite("SIGA"), house.sqlite("Mesa de Partes")])
    wrong = house.respaldo("copiar", "SIGAA", place=Path("/"), LC_ALL="C", LANG="C")
    assert wrong.returncode == 2 and "backup_only[0]: 'SIGAA' no es válido" in wrong.stdout and "¿Quiso decir SIGA? Valores conocidos:" in wrong.stdout
    cut = house.respaldo("copiar", "Mesa", "de", "Partes")
    assert cut.returncode == 2 and "¿Quiso decir Mesa de Partes? Un nombre con espacios va entre comillas." in cut.stdout
    nowhere = house.respaldo("restaurar", "SIGA", "--servidor", "bd9", "--destino", str(house.place / "vuelta"))
    assert nowhere.returncode == 2 and "restore_host (--servidor): 'bd9'" in nowhere.stdout and "uno de ellos: bd1" in nowhere.stdout
    assert not list((house.place / "medio").iterdir())


def test_what_ansible_could_not_read_is_told_by_every_verb(house: House) -> None:
    """Numbers 3 and 6: Ansible says neither file nor line, or which password, and the verb has done nothing."""
    house.hosts(["bd1"])
    (house.place / "host_vars/bd1.yml").write_text("backup_systems:\n\t- name: SIGA\n", "utf-8")
    tab = house.respaldo("copiar")
    assert tab.returncode != 0 and f"{house.place}/host_vars/bd1.yml:2" in tab.stdout and "Reemplace el tabulador por espacios" in tab.stdout
    (house.place / "host_vars/bd1.yml").write_text("$ANSIBLE_VAULT;1.1;AES256\n3130\n", "utf-8")
    closed = house.respaldo("restaurar", "SIGA")
    assert closed.returncode == 78 and f"{house.place}/host_vars/bd1.yml:1" in closed.stdout and "contrasena_de_vault" in closed.stdout
    assert "no se restauró nada" in closed.stderr


def test_what_is_ready_is_called_so_and_stands_in_the_bitacora(house: House) -> None:
    house.hosts(["bd1"])
    house.host("bd1", backup_systems=[house.sqlite("SIGA")])
    before = house.tree()
    found, answer = house.checked()
    assert answer.returncode == 0 and {row["weight"] for row in found} <= {"aviso"}, answer.stdout + answer.stderr
    assert "Listo: 1 servidor, 1 sistema" in answer.stdout and house.tree() == before
    shown = house.respaldo("bitacora").stdout
    assert "Comprobación" in shown and "1 sistema de 1 servidor: listo" in shown and "Generada" not in shown, shown
    # what was copied today has its label already, and is as ready as before
    house.respaldo("copiar", "SIGA")
    answer = house.checked()[1]
    assert answer.returncode == 0 and "Listo: 1 servidor, 1 sistema" in answer.stdout, answer.stdout


def test_who_simulates_a_check_sends_nothing(house: House) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        port = server.getsockname()[1]
        house.hosts(["bd1"], backup_warn_mail={"host": "127.0.0.1", "port": port, "security": "none", "sender": "r@example.org", "to": ["a@example.org"]},
                    backup_heartbeats=[{"name": "vigia", "type": "get", "url": f"http://127.0.0.1:{port}/vivo"}])
        house.host("bd1", backup_systems=[house.sqlite("SIGA")])
        told = house.respaldo("comprobar", "--enviar", "--simular")
        assert "se comprobó 1 servidor" in told.stdout or "Listo: 1 servidor" in told.stdout, told.stdout + told.stderr
        with pytest.raises(TimeoutError):
            server.accept()


def test_what_was_not_looked_at_is_not_ready_without_a_word(house: House) -> None:
    house.hosts(["bd1", "bd2"])
    house.host("bd1", backup_systems=[house.sqlite("SIGA"), house.sqlite("APAGADO", enabled=False)])
    house.host("bd2", backup_systems=[house.sqlite("OTRO")])
    environment = {**house.environment(), "ANSIBLE_CONFIG": str(TOP / "ansible.cfg"), "RESPALDO_BITACORA": str(house.place / "bitacora.sqlite")}

    def limited(to: str) -> subprocess.CompletedProcess[str]:
        command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(house.place / "hosts.yml"), str(TOP / "playbooks/check.yml"), "-l", to]
        return subprocess.run(command, cwd=house.place, env=environment, text=True, capture_output=True, stdin=subprocess.DEVNULL, check=False)

    alone = limited("bd1")
    assert alone.returncode != 0 and "Agregue localhost" in alone.stdout + alone.stderr
    told = limited("bd1,localhost").stdout
    assert "bd2" in told and "no se comprobó" in told and "Listo: 1 servidor, 1 sistema (" in told, told


def test_what_ansible_could_not_read_is_told_before_it_runs(house: House) -> None:
    house.hosts(["bd1"])
    (house.place / "host_vars/bd1.yml").write_text("backup_systems:\n\t- name: SIGA\n", "utf-8")
    found, answer = house.checked()
    assert answer.returncode == 2 and "lo demás no se puede comprobar" in answer.stdout
    assert found[0]["code"] == "RSP782" and found[0]["where"] == f"{house.place}/host_vars/bd1.yml:2" and "espacios" in found[0]["mend"]
    assert not (house.place / "bitacora.sqlite").exists()
