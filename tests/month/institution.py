# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An institution of nine systems on six names of servers, as a newcomer has it on the first day, and what he types in its month.

Real are PostgreSQL, MariaDB, SQLite, git, restic, gpg and the mail server; the six servers are this machine. What is typed sees the month's clock, by
clock.c, which reaches the controller and what Ansible runs for it; the databases' servers and restic, which is no program of the C library, keep the true one.
"""

from __future__ import annotations

import contextlib
import datetime
import email
import email.policy
import json
import os
import shlex
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from aiosmtpd.controller import Controller
from databases.conftest import Maria, Postgres, free_port
from zoneinfo import ZoneInfo

TOP = Path(__file__).resolve().parents[2]
LIMA = ZoneInfo("America/Lima")
CLAVE = "Clave'9 de \"prueba\""
OFFICES = ("Oficina de Administración", "Oficina de Logística")
SERVERS = ("bd1.example.org", "bd2.example.org", "app1.example.org", "git1.example.org", "archivos1.example.org")
REPOSITORIES = ("siga", "portal", "herramientas")


def first_day(today: datetime.date) -> datetime.date:
    """A Monday so long ago that all of the month has passed: nothing that keeps the true clock sees a file of tomorrow."""
    ago = today - datetime.timedelta(days=40)
    return ago - datetime.timedelta(days=ago.weekday())


def compiled(place: Path) -> Path:
    """The library that moves the time of day (clock.c)."""
    out = place / "clock.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", str(out), str(Path(__file__).with_name("clock.c"))], check=True)
    return out


class Answer(NamedTuple):
    status: int
    out: str
    err: str

    @property
    def all(self) -> str:
        return f"{self.out}\n{self.err}"


class Institution:
    """Its servers and data; `typed` types a line of the guide there."""

    def __init__(self, place: Path, postgres: Postgres, maria: Maria) -> None:
        self.place, self.postgres, self.maria = place, postgres, maria
        self.first = first_day(datetime.datetime.now(LIMA).date())
        self._shift = 0
        self.at(0, "09:00")
        self.inventory, self.state, self.media = place / "inventario", place / "estado", place / "copias"
        self.bitacora = self.state / "bitacora.sqlite"
        self.typed_lines: list[str] = []
        self._seen = 0
        self._mounts: list[Path] = []
        self.inbox = Inbox()
        # what the guide calls INV and LLAVE
        self.clock = compiled(place)
        self.words = {"INV": f"-i {self.inventory}/hosts.yml", "LLAVE": f"--vault-password-file {place}/vault.pass"}
        (place / "bin").mkdir()
        (place / "bin/respaldo").symlink_to(TOP / "scripts/respaldo")
        (place / "clave").write_text(CLAVE + "\n", "utf-8")
        (place / "clave").chmod(0o600)
        self._data()

    def _data(self) -> None:
        quoted = CLAVE.replace("'", "''")
        for name in ("siga", "catalogos", "auditoria"):
            self.postgres.sql(f"CREATE DATABASE {name}")
            self.postgres.sql("CREATE TABLE expediente (numero int primary key, asunto text); "
                              f"INSERT INTO expediente SELECT n, '{name} ' || n FROM generate_series(1, 200) n", name)
        self.postgres.sql(f"\\set clave '{quoted}'\n" + (TOP / "docs/permisos/postgresql.sql").read_text("utf-8"))
        self.maria.sql("CREATE DATABASE tramite CHARACTER SET utf8mb4; USE tramite; CREATE TABLE t (i int primary key, a varchar(40)) ENGINE=InnoDB; "
                       "INSERT INTO t VALUES (1, 'uno'), (2, 'dos');")
        self.maria.sql(f"SET @clave = '{quoted}'; SET @base = 'tramite';\n" + (TOP / "docs/permisos/mariadb.sql").read_text("utf-8"))
        with contextlib.closing(sqlite3.connect(self.place / "encuestas.db")) as base, base:
            base.execute("CREATE TABLE respuesta (n integer, texto text)")
            base.execute("INSERT INTO respuesta VALUES (1, 'sí')")
        for name in REPOSITORIES:
            self.commit(name, "primera")
        for name in ("logistica", "rrhh"):
            folder = self.place / name
            folder.mkdir()
            (folder / "contrato.txt").write_text(f"contrato de {name}\n", "utf-8")
            (folder / "datos.bin").write_bytes(os.urandom(200_000))

    def commit(self, name: str, text: str) -> str:
        """A commit of one of the repositories, at the month's clock; its name."""
        work, bare = self.place / "work" / name, self.place / "git" / f"{name}.git"
        git = ["git", "-c", "user.name=Desarrollo", "-c", "user.email=dev@example.org", "-c", "init.defaultBranch=main"]
        if not bare.exists():
            subprocess.run([*git, "init", "--quiet", "--bare", str(bare)], check=True)
            subprocess.run([*git, "clone", "--quiet", str(bare), str(work)], check=True, capture_output=True)
        (work / "programa.py").write_text(f"print({text!r})\n", "utf-8")
        stamp = f"{int(self.now.timestamp())} -0500"
        environment = {**os.environ, "GIT_AUTHOR_DATE": stamp, "GIT_COMMITTER_DATE": stamp}
        for words in (["add", "--all"], ["commit", "--quiet", "--message", text], ["push", "--quiet", "origin", "HEAD:main"]):
            subprocess.run([*git, "-C", str(work), *words], check=True, env=environment, capture_output=True)
        return subprocess.run([*git, "-C", str(bare), "rev-parse", "main"], check=True, capture_output=True, text=True).stdout.strip()

    def systems(self) -> list[str]:
        """As `respaldo nuevo` takes them, each an option."""
        postgres = f"direccion={self.postgres.directory}; puerto={self.postgres.port}"
        told = [
            f"tipo=postgresql; nombre=SIGA; servidor=bd1.example.org; bases=siga; criticidad=alta; organo={OFFICES[0]}; {postgres}",
            f"tipo=postgresql; nombre=Catálogos Electrónicos; servidor=bd1.example.org; bases=catalogos,auditoria; {postgres}",
            f"tipo=mariadb; nombre=Mesa de Partes; servidor=bd2.example.org; bases=tramite; puerto={self.maria.port}; usuario=respaldo; "
            f"contrasena={self.place}/clave",
            f"tipo=sqlite; nombre=Encuestas; servidor=app1.example.org; ruta={self.place}/encuestas.db; criticidad=baja",
            *(f"tipo=git; nombre={name}; servidor=git1.example.org; ruta={self.place}/git/{directory}.git"
              for name, directory in zip(("SIGA", "Portal", "Herramientas"), REPOSITORIES)),
            f"tipo=carpeta; nombre=Logística; servidor=archivos1.example.org; ruta={self.place}/logistica; organo={OFFICES[1]}",
            f"tipo=carpeta; nombre=RRHH; servidor=archivos1.example.org; ruta={self.place}/rrhh",
        ]
        return [word for each in told for word in ("--sistema", each)]

    def at(self, day: int, clock: str) -> None:
        """The day of the month that passes, from 0, and the hour in Lima. From there the clock goes on; it never goes back, which would be a doubtful one."""
        hour, minute = clock.split(":")
        asked = datetime.datetime.combine(self.first + datetime.timedelta(days=day), datetime.time(int(hour), int(minute)), LIMA)
        shift = int(asked.timestamp() - time.time())
        self._shift = max(shift, self._shift) if self._shift else shift

    @property
    def now(self) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(int(time.time()) + self._shift, LIMA)

    def day(self, number: int) -> str:
        return (self.first + datetime.timedelta(days=number)).isoformat()

    def label(self, system: str, day: int) -> str:
        return f"{system}_{self.first + datetime.timedelta(days=day):%Y%m%d}"

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "RESPALDO_", "BACKUP_", "PYTHONPATH"))}
        path = os.pathsep.join([str(self.place / "bin"), os.path.dirname(sys.executable), kept.get("PATH", os.defpath)])
        return {**kept, "HOME": str(self.place / "home"), "PATH": path, "LC_ALL": "C.UTF-8", "RESPALDO_CONF": str(self.place / "respaldo.conf"),
                # as respaldo.conf says it, for who types ansible-playbook
                "RESPALDO_BITACORA": str(self.bitacora), "PYTHONDONTWRITEBYTECODE": "1", **more}

    def faked(self) -> dict[str, str]:
        return {"LD_PRELOAD": str(self.clock), "MONTH_SHIFT": str(self._shift)}

    def typed(self, line: str, status: int = 0, where: Path | None = None, **environment: str) -> Answer:
        """A line as the guide has it, in a shell; INV and LLAVE stand for what they do there. It must end with this status."""
        self.typed_lines.append(line)
        for name, meant in self.words.items():
            line = line.replace(f" {name}", f" {meant}")
        (self.place / "home").mkdir(exist_ok=True, mode=0o700)
        done = subprocess.run(["bash", "-c", line], cwd=where or TOP, env=self.environment(**{**self.faked(), **environment}), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False)
        answer = Answer(done.returncode, done.stdout, done.stderr)
        assert answer.status == status, f"$ {line}\nstatus {answer.status}, not {status}\n{answer.out[-6000:]}\n{answer.err[-3000:]}"
        return answer

    def cut(self, line: str, ripe: Callable[[], bool], status: int) -> None:
        """A line that gets Ctrl-C, as a terminal sends it to all that runs there, once something is so."""
        self.typed_lines.append(line)
        with (self.place / "cortado").open("w") as out:
            process = subprocess.Popen(["bash", "-c", line], cwd=TOP, env=self.environment(**self.faked()), stdin=subprocess.DEVNULL, stdout=out,
                                       stderr=subprocess.STDOUT, start_new_session=True)
            try:
                limit = time.monotonic() + 300
                while not ripe():
                    assert process.poll() is None and time.monotonic() < limit, (self.place / "cortado").read_text("utf-8")
                    time.sleep(0.1)
                os.killpg(process.pid, signal.SIGINT)
                process.wait(300)
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
        assert process.returncode == status, (self.place / "cortado").read_text("utf-8")

    def entries(self, *types: str, **told: Any) -> list[dict[str, Any]]:
        """What the bitácora has since `mark`, of these types and with these facts."""
        with contextlib.closing(sqlite3.connect(f"file:{self.bitacora}?mode=ro", uri=True)) as base:
            rows = base.execute("SELECT n, type, body FROM entries WHERE n > ? ORDER BY n", (self._seen,)).fetchall()
        found = [{"n": number, "type": kind, **json.loads(body)} for number, kind, body in rows if not types or kind in types]
        return [row for row in found if all(row.get(name) == value for name, value in told.items())]

    def earlier(self, kind: str) -> set[str]:
        """The systems of the entries of a type before `mark`."""
        with contextlib.closing(sqlite3.connect(f"file:{self.bitacora}?mode=ro", uri=True)) as base:
            rows = base.execute("SELECT DISTINCT json_extract(body, '$.system') FROM entries WHERE type = ? AND n <= ?", (kind, self._seen)).fetchall()
        return {row[0] for row in rows}

    def mark(self) -> None:
        """From here on `entries` tells."""
        self._seen = 0
        if self.bitacora.exists():
            self._seen = max((row["n"] for row in self.entries()), default=0)

    def edit(self, name: str, change: Mapping[str, Any] | None = None, **more: Any) -> None:
        """Keys of a file of the inventory, as an editor would add them at its end."""
        path = self.inventory / name
        text = path.read_text("utf-8") if path.exists() else "---\n"
        path.write_text(text + "\n" + yaml.safe_dump({**(change or {}), **more}, allow_unicode=True, sort_keys=False, width=1000), "utf-8")

    def key(self, person: str) -> Path:
        """A public key as the guide has it made, of a person who keeps the private one in a home of his own. Gives the file to hand in."""
        home = self.home_of(person)
        home.mkdir(mode=0o700, parents=True)
        environment = {**self.environment(), **self.faked(), "GNUPGHOME": str(home)}
        subprocess.run(["gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key", person, "rsa2048", "encrypt,sign", "1y"],
                       env=environment, check=True, capture_output=True)
        out = self.place / f"{home.name}.asc"
        out.write_bytes(subprocess.run(["gpg", "--armor", "--export", person], env=environment, check=True, capture_output=True).stdout)
        return out

    def home_of(self, person: str) -> Path:
        return self.place / "gnupg" / person.split("@", maxsplit=1)[0]

    def opens(self, person: str, file: Path) -> bool:
        """Whether the person's private key opens a sealed envelope."""
        return subprocess.run(["gpg", "--batch", "--quiet", "--decrypt", str(file)], capture_output=True, check=False,
                              env={**self.environment(), **self.faked(), "GNUPGHOME": str(self.home_of(person))}).returncode == 0

    def mounted(self, name: str, options: str) -> Path:
        """A small file system in memory, for a medium that fills or goes."""
        path = self.place / name
        path.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(path)], check=True)
        self._mounts.append(path)
        return path

    def unmount(self, path: Path) -> None:
        subprocess.run(["umount", str(path)], check=True)
        self._mounts.remove(path)

    def end(self) -> None:
        for path in list(self._mounts):
            self.unmount(path)
        for home in (self.place / "gnupg").glob("*"):
            subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False, capture_output=True)
        self.inbox.stop()

    def replaced(self, name: str, old: str, new: str) -> None:
        path = self.inventory / name
        text = path.read_text("utf-8")
        assert old in text, f"{old!r} is not in {name}:\n{text}"
        path.write_text(text.replace(old, new), "utf-8")


class Inbox:
    """A mail server that keeps what it is sent."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.port = free_port()
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self._controller.start()

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self.messages.append(envelope.content)
        return "250 OK"

    def texts(self) -> list[str]:
        """Of each message its subject, to whom, and its plain text."""
        told = []
        for raw in self.messages:
            read = email.message_from_bytes(raw, policy=email.policy.default)
            body = read.get_body(("plain",))
            told.append(f"{read['subject']}\n{read['to']}\n{body.get_content() if body else ''}")
        return told

    def forget(self) -> None:
        self.messages.clear()

    def stop(self) -> None:
        self._controller.stop()


def quoted(*words: str) -> str:
    return " ".join(map(shlex.quote, words))
