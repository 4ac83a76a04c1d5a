# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From nothing to encrypted copies and a drill, by what the guide's first day types, on real servers with the accounts of docs/permisos."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
from pathlib import Path

import pytest

from .conftest import Maria, Postgres

TOP = Path(__file__).resolve().parents[3]
GRANTS = TOP / "docs/permisos"
CLAVE = "Clave'9 de \"prueba\""
_QUOTED = CLAVE.replace("'", "''")


@pytest.fixture
def granted(mortal_postgres: Postgres, mortal_maria: Maria) -> tuple[Postgres, Maria]:
    """A base of each engine with what asks for more than SELECT, and the account that the SQL of docs/permisos makes."""
    mortal_postgres.sql("CREATE DATABASE siga_nueva")
    mortal_postgres.sql(
        "CREATE TABLE t (i int, b bytea); INSERT INTO t VALUES (7, 'x'); CREATE SEQUENCE s; CREATE VIEW v AS SELECT i FROM t; CREATE TABLE filas (a int); "
        "INSERT INTO filas VALUES (1); ALTER TABLE filas ENABLE ROW LEVEL SECURITY; ALTER TABLE filas FORCE ROW LEVEL SECURITY; CREATE SCHEMA otro; "
        "CREATE TABLE otro.t (i int); REVOKE ALL ON SCHEMA public FROM public", "siga_nueva")
    mortal_postgres.sql(f"\\set clave '{_QUOTED}'\n" + (GRANTS / "postgresql.sql").read_text("utf-8"))
    mortal_maria.sql(
        "CREATE DATABASE tramite_nueva CHARACTER SET utf8mb4; USE tramite_nueva; CREATE TABLE t (i int primary key) ENGINE=InnoDB; INSERT INTO t VALUES (7); "
        "CREATE TABLE m (i int) ENGINE=MyISAM; INSERT INTO m VALUES (1); CREATE VIEW v AS SELECT i FROM t; CREATE PROCEDURE p() SELECT 1; "
        "CREATE TRIGGER d BEFORE INSERT ON t FOR EACH ROW SET NEW.i = NEW.i + 0; CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SELECT 1;")
    mortal_maria.sql(f"SET @clave = '{_QUOTED}'; SET @base = 'tramite_nueva';\n" + (GRANTS / "mariadb.sql").read_text("utf-8"))
    return mortal_postgres, mortal_maria


def test_first_day_to_encrypted_copies_and_a_drill(granted: tuple[Postgres, Maria], tmp_path: Path) -> None:
    postgres, maria = granted
    tmp_path.chmod(0o755)
    clave = tmp_path / "clave"
    clave.write_text(CLAVE + "\n", "utf-8")
    clave.chmod(0o600)
    conf = tmp_path / "respaldo.conf"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "RESPALDO_"))}

    def respaldo(*words: str) -> str:
        done = subprocess.run([str(TOP / "scripts/respaldo"), *words, "--conf", str(conf)], cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              env={**environment, "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"}, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    account = f"usuario=respaldo; contrasena={clave}"
    told = respaldo(
        "nuevo", "--institucion", "Municipalidad de Ejemplo", "--jefe", "Rosa Huamán Ccori <rosa@example.org>", "--directorio", str(tmp_path / "inventario"),
        "--archivo-de-vault", str(tmp_path / "vault.pass"), "--medio", str(tmp_path / "copias"), "--estado", str(tmp_path / "estado"),
        "--sistema", f"tipo=postgresql; nombre=SIGA; bases=siga_nueva; criticidad=media; puerto={postgres.port}; {account}",
        "--sistema", f"tipo=mariadb; nombre=Trámite; bases=tramite_nueva; criticidad=media; puerto={maria.port}; {account}")
    assert "3 sistemas, con la bitácora, en 1 servidor;" in told
    assert CLAVE.encode() not in b"".join(path.read_bytes() for path in (tmp_path / "inventario").rglob("*") if path.is_file())
    copied = respaldo("copiar")
    assert copied.count("Copiado  ") == 3 and copied.count("  T3  ") == 1, copied
    # one thing is to be told: a table without transactions; that no other account is shown to this one is no reason to leave a view out
    assert copied.count("aviso:") == 1 and "MyISAM" in copied, copied
    parts = sorted(path.name for path in (tmp_path / "copias").rglob("*.gpg"))
    assert [name.split(".", 1)[1] for name in parts] == ["sqlite.zst.gpg", "siga_nueva.dump.zst.gpg", "tramite_nueva.events.sql.zst.gpg",
                                                         "tramite_nueva.sql.zst.gpg"]
    assert not [path for path in (tmp_path / "copias").rglob("*.zst")]
    # what is run for the institution, and not for a server, reads the same inventory; and says where its pages are
    (tmp_path / "inventario/group_vars/all/informes.yml").write_text(f"---\nreport_directory: {tmp_path}/informes\n", "utf-8")
    assert f"Archivo  {tmp_path}/informes/tablero_" in respaldo("informe")
    # the account that copies is all that a restore test asks of the live server, too
    respaldo("probar", "SIGA", "Trámite")
    with contextlib.closing(sqlite3.connect(tmp_path / "estado/bitacora.sqlite")) as entries:
        proved = entries.execute("SELECT json_extract(body, '$.system') FROM entries WHERE type = 'copy_verified' AND body LIKE '%\"T3\"%'").fetchall()
    assert {name for name, in proved} >= {"SIGA", "Trámite"}, proved
