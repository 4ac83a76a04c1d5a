# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A PostgreSQL and a MariaDB server of a benchmark's own, with a database of the size asked for: always the same rows."""

from __future__ import annotations

import datetime
import glob
import itertools
import os
import pwd
import random
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, BinaryIO, Iterator

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from measuring import plain, tree_of

DATABASE = "expedientes"


# --- the data ---

def rows(wanted: int) -> Iterator[bytes]:
    """Tab-separated rows of `wanted` bytes together: words that follow Zipf, codes, amounts and times; always the same ones."""
    chance = random.Random(2019)
    syllables = [a + b for a in "b c d f g l m n p r s t v ll ch tr pr".split() for b in "a e i o u an en ar es io ón".split()]
    vocabulary = ["".join(chance.choices(syllables, k=chance.choice((1, 2, 2, 3, 3, 4)))) for _word in range(20000)]
    weights = list(itertools.accumulate(1 / (rank + 3) for rank in range(len(vocabulary))))
    phrases = [" ".join(chance.choices(vocabulary, cum_weights=weights, k=chance.randint(3, 7))) for _phrase in range(400000)]
    states = ["pendiente", "en trámite", "observado", "derivado", "atendido", "archivado"]
    days = [(datetime.date(2017, 1, 2) + datetime.timedelta(days=day)).isoformat() for day in range(3500)]
    made, block, number = 0, [], 0
    bits, many = chance.getrandbits, len(phrases)
    while made < wanted:
        for number in range(number + 1, number + 2001):
            one, two = bits(64), bits(64)
            second = two % 86400
            block.append("%d\tEXP-%d-%08d\t20%09d\t%s\t%s. %s; %s\t%s\t%d.%02d\t%s %02d:%02d:%02d" % (
                number, 2017 + number // 2000 % 9, number, one % 10**9, phrases[one % many], phrases[(one >> 20) % many],
                phrases[two % many], phrases[(two >> 20) % many], states[one % 11 % 6], (one >> 30) % 90000, one % 100,
                days[number // 5000 % 3500], second // 3600, second // 60 % 60, second % 60))
        block.append("")
        data = "\n".join(block).encode()
        block.clear()
        made += len(data)
        yield data


COLUMNS = ("id bigint PRIMARY KEY, codigo varchar(24) NOT NULL, ruc char(11) NOT NULL, asunto text NOT NULL, detalle text NOT NULL, "
           "estado varchar(20) NOT NULL, monto decimal(12,2) NOT NULL, creado timestamp NOT NULL")


def load(argv: list[str], environment: dict[str, str], wanted: int) -> None:
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, env=environment)
    assert process.stdin
    with process.stdin:
        for data in rows(wanted):
            process.stdin.write(data)
    if process.wait() != 0:
        raise SystemExit("the data could not be loaded: " + shlex.join(argv))


# --- the servers ---

def as_account(name: str, argv: list[str], log: BinaryIO) -> subprocess.Popen[bytes]:
    """Start a program as an account when we are root (the servers refuse root), else as ourselves."""
    if os.geteuid() != 0:
        return subprocess.Popen(argv, cwd="/", stdout=log, stderr=log)
    entry = pwd.getpwnam(name)
    return subprocess.Popen(argv, cwd="/", stdout=log, stderr=log, user=entry.pw_uid, group=entry.pw_gid, extra_groups=[])


class Server:
    account = ""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.data = directory / "data"
        directory.mkdir(exist_ok=True)
        if os.geteuid() == 0:
            shutil.chown(directory, self.account)
        self.log = open(directory / "log", "ab")
        self.is_new = not self.data.exists()
        if self.is_new and as_account(self.account, self.maker(), self.log).wait() != 0:
            raise SystemExit("the server could not be made: see " + str(directory / "log"))
        self.process = as_account(self.account, self.starter(), self.log)
        for _try in range(600):
            if self.answers():
                return
            time.sleep(0.1)
        raise SystemExit("the server does not answer: see " + str(directory / "log"))

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT if self.account == "postgres" else signal.SIGTERM)
        self.process.wait()

    def maker(self) -> list[str]:
        raise NotImplementedError

    def starter(self) -> list[str]:
        raise NotImplementedError

    def answers(self) -> bool:
        raise NotImplementedError


class PostgreSQL(Server):
    name, account = "PostgreSQL", "postgres"

    def __init__(self, directory: Path, wanted: int, tables: int = 1) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.environment = dict(plain(), PGHOST="127.0.0.1", PGPORT=str(self.port), PGUSER="postgres")
        self.tools = os.path.dirname(sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))[-1])
        super().__init__(directory)
        if self.is_new:
            self.sql("postgres", "CREATE DATABASE " + DATABASE)
            self.sql(DATABASE, "CREATE TABLE expediente ({0})".format(COLUMNS))
            load(["psql", "-X", "-q", "-d", DATABASE, "-c", "COPY expediente FROM STDIN"], self.environment, wanted)
            for number in range(1, tables):
                self.sql(DATABASE, "CREATE TABLE expediente_{0} (LIKE expediente INCLUDING ALL); INSERT INTO expediente_{0} SELECT * FROM expediente WHERE "
                                   "id % {1} = {0}; DELETE FROM expediente WHERE id % {1} = {0}".format(number, tables))
            if tables > 1:
                self.sql(DATABASE, "VACUUM FULL expediente")
            self.sql(DATABASE, "VACUUM (FREEZE, ANALYZE)")
            self.sql(DATABASE, "CHECKPOINT")
        self.size = int(self.sql(DATABASE, "SELECT pg_database_size(current_database())"))
        self.version = self.sql(DATABASE, "SHOW server_version").split()[0]

    def sql(self, database: str, text: str) -> str:
        return subprocess.run(["psql", "-X", "-q", "-At", "-d", database, "-c", text], env=self.environment, check=True, text=True,
                              stdout=subprocess.PIPE).stdout.strip()

    def maker(self) -> list[str]:
        return [self.tools + "/initdb", "-D", str(self.data), "--encoding=UTF8", "--locale=C.UTF-8", "--auth=trust", "--username=postgres"]

    def starter(self) -> list[str]:
        return [self.tools + "/postgres", "-D", str(self.data), "-p", str(self.port), "-c", "listen_addresses=127.0.0.1",
                "-c", "unix_socket_directories="]

    def answers(self) -> bool:
        return subprocess.run([self.tools + "/pg_isready", "-q"], env=self.environment, check=False).returncode == 0

    def cpu(self) -> float:
        """Of the postmaster and of all it had, ended or not."""
        return sum(ticks(pid, ended=pid == self.process.pid) for pid in tree_of(self.process.pid))

    def source(self) -> dict[str, Any]:
        return {"type": "postgresql", "databases": [DATABASE], "host": "127.0.0.1", "port": self.port, "user": "postgres"}

    def dump(self) -> str:
        return "pg_dump " + DATABASE

    def theirs(self) -> dict[str, Any]:
        return {"engine": "postgresql", "login": {"login_host": "127.0.0.1", "login_port": self.port, "login_user": "postgres"}}

    def others(self) -> dict[str, str]:
        return {"pg_dump -Fc": "pg_dump -Fc {0} >$OUT/it.dump".format(DATABASE),
                "pg_dump -Fd -j2": "pg_dump -Fd -j2 -f $OUT/it {0}".format(DATABASE)}


class MariaDB(Server):
    name, account = "MariaDB", "mysql"

    def __init__(self, directory: Path, wanted: int) -> None:
        self.socket = str(directory / "socket")
        user = "root"
        defaults = directory.parent / "client.cnf"
        defaults.write_text("[client]\nsocket={0}\nuser={1}\n[mysql]\nlocal-infile=1\n".format(self.socket, user))
        self.client = ["mariadb", "--defaults-file=" + str(defaults)]
        self.environment = plain()
        super().__init__(directory)
        if self.is_new:
            self.sql("CREATE DATABASE {0} CHARACTER SET utf8mb4".format(DATABASE))
            self.sql("CREATE TABLE {0}.expediente ({1})".format(DATABASE, COLUMNS))
            load(self.client + ["--local-infile=1", "--default-character-set=utf8mb4", DATABASE, "-e",
                                "LOAD DATA LOCAL INFILE '/dev/stdin' INTO TABLE expediente CHARACTER SET utf8mb4"], self.environment, wanted)
            self.sql("ANALYZE TABLE {0}.expediente".format(DATABASE))
        self.size = int(self.sql("SELECT SUM(DATA_LENGTH + INDEX_LENGTH) FROM information_schema.TABLES "
                                 "WHERE TABLE_SCHEMA = '{0}'".format(DATABASE)))
        self.version = self.sql("SELECT VERSION()").split("-")[0]

    def sql(self, text: str) -> str:
        return subprocess.run(self.client + ["-BN", "-e", text], check=True, text=True, stdout=subprocess.PIPE).stdout.strip()

    def maker(self) -> list[str]:
        return ["mariadb-install-db", "--no-defaults", "--datadir=" + str(self.data), "--auth-root-authentication-method=normal", "--skip-test-db"]

    def starter(self) -> list[str]:
        return [shutil.which("mariadbd") or "/usr/sbin/mariadbd", "--no-defaults", "--datadir=" + str(self.data), "--socket=" + self.socket,
                "--skip-networking", "--pid-file=" + str(self.directory / "pid"), "--local-infile=1"]

    def answers(self) -> bool:
        return subprocess.run(["mariadb-admin", "--no-defaults", "--user=root", "--socket=" + self.socket, "ping"], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, check=False).returncode == 0

    def cpu(self) -> float:
        return ticks(self.process.pid, ended=False)

    def source(self) -> dict[str, Any]:
        return {"type": "mariadb", "databases": [DATABASE], "socket": self.socket, "user": "root"}

    def dump(self) -> str:
        return "mariadb-dump --defaults-file={0} --single-transaction {1}".format(self.client[1].partition("=")[2], DATABASE)

    def theirs(self) -> dict[str, Any]:
        return {"engine": "mariadb", "login": {"login_unix_socket": self.socket, "login_user": "root"}}

    def others(self) -> dict[str, str]:
        return {}


# --- what they cost ---

def ticks(pid: int, ended: bool) -> float:
    try:
        fields = Path("/proc/{0}/stat".format(pid)).read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15 if ended else 13])) / os.sysconf("SC_CLK_TCK")
