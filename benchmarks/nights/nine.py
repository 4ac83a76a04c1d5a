# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An institution of nine systems on six names of servers: its data, and an inventory that versions as old as dbd3a5d read too."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

from integration.databases.conftest import PASSWORD, Maria, Postgres

REPOSITORIES = ("siga", "portal", "herramientas")
FOLDERS = ("Logística", "RRHH")
SYSTEMS = 9


class Data:
    """What the nine systems hold, on servers that run."""

    def __init__(self, place: Path, postgres: Postgres, maria: Maria, rows: int) -> None:
        self.place, self.postgres, self.maria = place, postgres, maria
        place.mkdir()
        for name in ("siga", "catalogos"):
            postgres.sql(f"CREATE DATABASE {name}")
            postgres.sql(f"CREATE TABLE expediente AS SELECT n AS numero, md5(n::text) AS asunto FROM generate_series(1, {rows}) n", name)
        maria.sql("CREATE DATABASE tramite; USE tramite; CREATE TABLE t (i int primary key, a varchar(40)) ENGINE=InnoDB; "
                  f"INSERT INTO t SELECT seq, md5(seq) FROM seq_1_to_{rows};")
        with contextlib.closing(sqlite3.connect(place / "encuestas.db")) as base, base:
            base.execute("CREATE TABLE respuesta (n integer, texto text)")
            base.executemany("INSERT INTO respuesta VALUES (?, ?)", ((number, f"respuesta {number}") for number in range(rows)))
        for name in REPOSITORIES:
            self._repository(name, rows)
        for name in FOLDERS:
            (place / name).mkdir()
            for number in range(20):
                (place / name / f"contrato {number}.bin").write_bytes(os.urandom(10 * rows))

    def _repository(self, name: str, rows: int) -> None:
        work, git = self.place / "work" / name, ["git", "-c", "user.name=Desarrollo", "-c", "user.email=dev@example.org"]
        work.mkdir(parents=True)
        (work / "programa.py").write_text("print('hola')\n" * rows, "utf-8")
        for words in (["init", "--quiet", "--initial-branch=main"], ["add", "--all"], ["commit", "--quiet", "--message", "primera"]):
            subprocess.run([*git, *words], cwd=work, check=True)
        subprocess.run([*git, "clone", "--quiet", "--bare", str(work), str(self.place / f"{name}.git")], check=True)

    def servers(self) -> dict[str, list[dict[str, Any]]]:
        """The systems of each server."""
        def system(name: str, kind: str, **source: Any) -> dict[str, Any]:
            return {"name": name, "kind": kind, "criticality": "media", "office": "OTI", "source": source}

        postgres = {"type": "postgresql", "host": "127.0.0.1", "port": self.postgres.port, "user": "postgres", "password": PASSWORD}
        return {
            "app1.example.org": [system("Encuestas", "database", type="sqlite", path=str(self.place / "encuestas.db"))],
            "bd1.example.org": [system("SIGA", "database", **postgres, databases=["siga"]),
                                system("Catálogos Electrónicos", "database", **postgres, databases=["catalogos"])],
            "bd2.example.org": [system("Mesa de Partes", "database", type="mariadb", socket=self.maria.socket, user="root", databases=["tramite"])],
            "git1.example.org": [system(name, "source_code", type="git", path=str(self.place / f"{name}.git")) for name in REPOSITORIES],
            "archivos1.example.org": [system(name, "file_server", type="restic", paths=[str(self.place / name)]) for name in FOLDERS],
            "controlador.example.org": [],
        }


def inventory(path: Path, data: Data, run: Path, count: int) -> None:
    """Of the first systems, written as JSON: a first medium and a repository, both new. The controller is one of the six names."""
    servers, left = {}, count
    for name, systems in data.servers().items():
        servers[name], left = systems[:left], left - len(systems[:left])
    media = [{"name": name, "type": "local", "path": str(run / name), "create": True, "default": name == "nas-lima"} for name in ("nas-lima", "segundo")]
    common = {"ansible_connection": "local", "ansible_python_interpreter": "/usr/bin/python3", "backup_assigned_paths": [str(data.place)],
              "backup_media": media, "backup_repository": "segundo", "backup_custody_directory": str(run / "custody"), "backup_local_state": str(run / "state"),
              "report_directory": str(run / "informes")}
    path.write_text(json.dumps({"all": {
        "hosts": {name: {"backup_systems": systems} for name, systems in servers.items()}, "vars": common}}), "utf-8")
