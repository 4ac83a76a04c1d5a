# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real database servers for the tests, in directories of their own, on free ports and sockets."""

from __future__ import annotations

import contextlib
import glob
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Set

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.copies import making, publishing
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.copies.orders import Order
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.copies.streamed import StreamedCopy
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.media.base import Slot
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.media.local import Local
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.processes.pipeline import run

PASSWORD = "s3cr:t\\o'ñ\"#"


def needed(what: str, package: str, *candidates: str) -> str:
    for pattern in candidates:
        found = sorted(glob.glob(pattern))
        if found:
            return found[-1]
    pytest.fail("{0} is not here: these tests need Debian's package {1} (make test installs it)".format(what, package), pytrace=False)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def as_account(name: str, *argv: str, **options: Any) -> "subprocess.Popen[bytes]":
    entry = pwd.getpwnam(name)
    return subprocess.Popen(argv, user=entry.pw_uid, group=entry.pw_gid, extra_groups=[], cwd="/", start_new_session=True, **options)


class Server:
    """A server of ours: started, asked and stopped by its own process id."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        self.process: Optional["subprocess.Popen[bytes]"] = None

    def wait(self, ready: Any) -> None:
        deadline = time.monotonic() + 30
        while not ready():
            if time.monotonic() > deadline or (self.process and self.process.poll() is not None):
                pytest.fail("the server did not start: " + (self.directory / "log").read_text(errors="replace")[-2000:])
            time.sleep(0.05)

    def stop(self, how: int) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(30)


class Postgres(Server):

    # the directory of its programs: Debian's, or those of another version; RESPALDO_POSTGRESQL names one for all tests, by hand
    tools = os.environ.get("RESPALDO_POSTGRESQL", "")

    def programs(self) -> str:
        return self.tools or os.path.dirname(needed("PostgreSQL's server", "postgresql", "/usr/lib/postgresql/*/bin/initdb"))

    def start(self) -> None:
        tools = self.programs()
        data = self.directory / "data"
        if not data.exists():
            with tempfile.NamedTemporaryFile("w") as secret:
                secret.write(PASSWORD + "\n")
                secret.flush()
                os.chmod(secret.name, 0o644)
                made = as_account("postgres", tools + "/initdb", "-D", str(data), "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync",
                                  "--auth-local=trust", "--auth-host=scram-sha-256", "--pwfile=" + secret.name,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                output = made.communicate()[0]
                assert made.returncode == 0, output
        log = open(self.directory / "log", "wb")
        self.process = as_account(
            "postgres", tools + "/postgres", "-D", str(data), "-p", str(self.port), "-k", str(self.directory), "-c", "fsync=off",
            "-c", "listen_addresses=127.0.0.1", "-c", "shared_buffers=32MB", stdout=log, stderr=log)
        self.wait(lambda: subprocess.run([tools + "/pg_isready", "-q", "-h", str(self.directory), "-p", str(self.port)], check=False).returncode == 0)

    def knows_xml(self) -> bool:
        try:
            self.sql("SELECT '<a/>'::xml")
        except AssertionError:
            return False
        return True

    def major(self) -> int:
        return int(self.sql("SHOW server_version_num")) // 10000

    def sql(self, text: str, database: str = "postgres") -> str:
        environment = dict(os.environ, PGHOST=str(self.directory), PGPORT=str(self.port), PGUSER="postgres", PGDATABASE=database)
        done = subprocess.run([self.programs() + "/psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f", "-"], input=text, env=environment,
                              text=True, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def names(self) -> List[str]:
        return self.sql("SELECT datname FROM pg_database WHERE NOT datistemplate ORDER BY 1").split("\n")[:-1]

    def options(self, **more: Any) -> Dict[str, Any]:
        return dict({"host": str(self.directory), "port": self.port, "user": "postgres", "run_as": "postgres",
                     "bin_dir": self.programs()}, **more)


class Maria(Server):

    def start(self) -> None:
        server = needed("MariaDB's server", "mariadb-server", "/usr/sbin/mariadbd")
        data = self.directory / "data"
        if not data.exists():
            made = as_account("mysql", needed("mariadb-install-db", "mariadb-server", "/usr/bin/mariadb-install-db"), "--no-defaults",
                              "--datadir=" + str(data), "--auth-root-authentication-method=normal", "--skip-test-db",
                              "--innodb-log-file-size=8M", "--innodb-flush-method=nosync",
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            output = made.communicate()[0]
            assert made.returncode == 0, output
        log = open(self.directory / "log", "wb")
        self.process = as_account(
            "mysql", server, "--no-defaults", "--datadir=" + str(data), "--socket=" + self.socket, "--port=" + str(self.port),
            "--bind-address=127.0.0.1", "--pid-file=" + str(self.directory / "pid"), "--innodb-flush-log-at-trx-commit=0",
            "--innodb-buffer-pool-size=32M", "--innodb-log-file-size=8M", "--innodb-flush-method=nosync", "--skip-innodb-doublewrite",
            "--event-scheduler=OFF", stdout=log, stderr=log)
        self.wait(lambda: subprocess.run(["mariadb-admin", "--no-defaults", "--socket=" + self.socket, "ping"],
                                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0)

    @property
    def socket(self) -> str:
        return str(self.directory / "socket")

    def sql(self, text: str, database: str = "mysql") -> str:
        done = subprocess.run(["mariadb", "--no-defaults", "--user=root", "--socket=" + self.socket, "--batch", "--skip-column-names",
                               "--default-character-set=utf8mb4", database], input=text, text=True, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def names(self) -> List[str]:
        return sorted(set(self.sql("SHOW DATABASES").split("\n")[:-1]) - {"mysql", "information_schema", "performance_schema", "sys"})

    def options(self, **more: Any) -> Dict[str, Any]:
        return dict({"socket": self.socket, "user": "root"}, **more)


def programs_of(version: int, directory: Path) -> Path:
    """The programs of a version of PostgreSQL that `make setup` fetched, below a directory that its account can enter. Gives where they lie."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "tools"))
    try:
        import downloads
    finally:
        sys.path.pop(0)
    found = downloads.path_of("postgresql-{0}".format(version))
    bin_dir = directory / "programs" / "bin"
    shutil.copytree(found.parent, bin_dir.parent)
    # a wheel keeps libraries beside its package, by a path that each program has in it: here they lie with the others, as in an installation
    for libraries in found.parents[2].glob("*.libs"):
        looked = re.compile(rb"\$ORIGIN/(?:\.\./)+" + re.escape(libraries.name.encode("ascii")))
        for file in [*bin_dir.iterdir(), *(bin_dir.parent / "lib").glob("*.so*")]:
            file.write_bytes(looked.sub(lambda where: b"$ORIGIN/../lib".ljust(len(where.group()), b"\0"), file.read_bytes()))
        shutil.copytree(libraries, bin_dir.parent / "lib", dirs_exist_ok=True)
    for program in bin_dir.iterdir():
        program.chmod(0o755)
    return bin_dir


def running(kind: Any, account: str, package: str, version: int = 0) -> Iterator[Any]:
    try:
        entry = pwd.getpwnam(account)
    except KeyError:
        pytest.fail("there is no account {0}: these tests need Debian's package {1}".format(account, package), pytrace=False)
    directory = Path(tempfile.mkdtemp(prefix="respaldo-db-"))
    os.chown(directory, entry.pw_uid, entry.pw_gid)
    os.chmod(directory, 0o755)
    server = kind(directory)
    try:
        if version:
            server.tools = str(programs_of(version, directory))
        server.start()
        yield server
    finally:
        server.stop(signal.SIGTERM if kind is Maria else signal.SIGINT)
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    yield from running(Postgres, "postgres", "postgresql")


@pytest.fixture
def mortal_postgres() -> Iterator[Postgres]:
    """A server that a test may kill."""
    yield from running(Postgres, "postgres", "postgresql")


@pytest.fixture(scope="session")
def maria() -> Iterator[Maria]:
    yield from running(Maria, "mysql", "mariadb-server")


@pytest.fixture
def mortal_maria() -> Iterator[Maria]:
    yield from running(Maria, "mysql", "mariadb-server")


def expect(fault: str, work: Any) -> BackupError:
    with pytest.raises(BackupError) as caught:
        work()
    assert caught.value.fault.name == fault, caught.value.message
    return caught.value


def altered(reader: Any, pattern: bytes, other: bytes) -> Any:
    """A reader whose bytes of a database were changed on purpose for the first reading, as if the restore had gone astray."""
    original, readings = reader.stream, []

    def stream(name: str, stages: Any = (), feed: Any = None) -> int:
        if name == "globals":
            return original(name, stages, feed)
        readings.append(name)
        if len(readings) > 1:
            return original(name, stages, feed)
        whole: List[bytes] = []
        original(name, (), whole.append)
        text = b"".join(whole)
        assert text.count(pattern) > 0 and len(pattern) == len(other)
        pieces = iter([text.replace(pattern, other, 1), b""])
        run(list(stages), feed or (lambda chunk: None), reader=lambda size: next(pieces))
        return len(text)

    reader.stream = stream
    return reader


@contextlib.contextmanager
def watched(tool: str) -> Iterator[Set[str]]:
    """The processes whose command line or environment held the password while the block ran, and `tool` was seen running."""
    seen: Set[str] = set()
    running_tool: Set[str] = set()
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            for pid in filter(str.isdigit, os.listdir("/proc")):
                for file in ("cmdline", "environ"):
                    with contextlib.suppress(OSError):
                        text = Path("/proc", pid, file).read_bytes()
                        if tool.encode() in text and file == "cmdline":
                            running_tool.add(pid)
                        if PASSWORD.encode() in text:
                            seen.add(pid + " " + file)

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield seen
    finally:
        done.set()
        watcher.join()
    assert running_tool


class Shelf:
    """A medium of its own for a test, and copies made on it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.medium = Local("shelf", str(path))

    def slot(self, label: str = "SIGA_20261122") -> Slot:
        return Slot("database", "SIGA", label)

    def make(self, source: Any, label: str = "SIGA_20261122", keys: Any = None) -> Any:
        made = making.make(Order(self.slot(label), keys=keys), source, [self.medium])
        publishing.publish(self.slot(label), made.digest, [self.medium])
        return made

    def open(self, label: str = "SIGA_20261122") -> Any:
        return StreamedCopy(self.slot(label), self.medium)

    def directory(self, label: str = "SIGA_20261122") -> str:
        return self.medium.location(self.slot(label))

    def empty(self) -> bool:
        return not [path for path in self.path.rglob("*") if path.is_file() and path.name != ".lock"]


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)
