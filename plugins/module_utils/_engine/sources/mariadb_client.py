# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tools of MariaDB or MySQL with one connection: where they are, what they are asked, how a text is given to them.

A text that others wrote never reaches a client that could run a command of the system: it gets `--binary-mode`, which knows no
command but DELIMITER, and where its help has them `--sandbox` and `--skip-system-command`.
"""

from __future__ import annotations

import contextlib
import re
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

from .. import addresses
from ..errors import BackupError
from ..processes import programs
from ..processes.pipeline import Stage, capture, run
from . import mariadb_floats, mariadb_session, mariadb_shape
from . import mariadb_text as texts

PACKAGE = "mariadb-client"
TOOLS = {"mariadb-dump": "mysqldump", "mariadb": "mysql"}
TRANSACTIONAL = ("InnoDB", "ROCKSDB", "TokuDB", "SEQUENCE")
# A table locked by LOCK TABLES can't be filled when a default of it takes numbers of a sequence: no locks in the text.
_DUMP = ["--quick", "--skip-add-locks", "--routines", "--triggers", "--hex-blob", "--no-tablespaces", "--skip-dump-date",
         "--default-character-set=utf8mb4", "--max-allowed-packet=1073741824"]
_EVENTS = ["--no-create-info", "--no-data", "--skip-triggers", "--skip-routines", "--events", "--no-tablespaces", "--skip-dump-date",
           "--skip-lock-tables", "--default-character-set=utf8mb4", "--max-allowed-packet=1073741824"]
# What the client must not be able to do with a text, where it knows of it. It would leave comments out of bodies of routines, too, and carriage returns.
_TAMED = (("--sandbox", "--sandbox"), ("--binary-mode", "--binary-mode"), ("--comments", "--comments"), ("--system-command", "--skip-system-command"),
          ("--local-infile", "--local-infile=0"))
# The statement that failed holds rows, which may be personal data: not for logs.
_QUIET = "--skip-print-query-on-error"


class Connection:
    """How a server is reached, and the account of the system that the tools run as there."""

    def __init__(self, host: str = "", port: int = 0, socket: str = "", user: str = "", password: str = "", bin_dir: str = "",
                 account: Optional[programs.Account] = None, prefix: Sequence[str] = ()) -> None:
        self.host = addresses.bare(host)
        self.port = port
        self.socket = socket
        self.user = user
        self.password = password
        self.bin_dir = bin_dir
        self.account = account
        self.prefix = list(prefix)       # what brings a tool to where the server is, when that is a place apart
        self.helps: Dict[str, str] = {}

    def address(self) -> str:
        return "MariaDB at {0}".format(addresses.with_port(self.host or self.socket or "this server's socket", self.port))

    def other(self, user: str, password: str, account: Optional[programs.Account]) -> "Connection":
        """The same server by another account."""
        made = Connection(self.host, self.port, self.socket, user, password, self.bin_dir, account, self.prefix)
        made.helps = self.helps
        return made

    def find(self, tool: str) -> str:
        try:
            return programs.find(tool, PACKAGE, self.bin_dir)
        except BackupError:
            try:
                return programs.find(TOOLS[tool], PACKAGE, self.bin_dir)
            except BackupError as missing:
                raise BackupError("tool_missing", tool=tool, package=PACKAGE) from missing

    def help(self, tool: str) -> str:
        if tool not in self.helps:
            self.helps[tool] = capture(Stage(tool, [self.find(tool), "--no-defaults", "--help"]))
        return self.helps[tool]

    def tamed(self) -> List[str]:
        return [option for word, option in _TAMED if word in self.help("mariadb")]

    def ask(self, sql: str, as_others: bool = False) -> str:
        """What the server answers, a row a line. `sql` holds no name or text of others but in hexadecimal, and no secret: it is an argument.

        `as_others` asks in a session as every one of this account is, not in one of ours.
        """
        arguments = ["--batch", "--skip-column-names", "--default-character-set=utf8mb4", *self.tamed(), "--execute=" + sql]
        with self.tool("mariadb", arguments, ours=not as_others) as stages:
            return capture(stages[0])

    def command(self, *statements: str) -> None:
        """Run statements that hold names: as texts in hexadecimal, which no parser of a client takes apart, by the standard input."""
        lines = ["SET @respaldo = {0}; PREPARE respaldo FROM @respaldo; EXECUTE respaldo;\n".format(texts.text(sql)) for sql in statements]
        pieces = iter(["".join(lines).encode("ascii"), b""])
        arguments = ["--batch", "--default-character-set=utf8mb4", *self.tamed(), *self._quiet()]
        with self.tool("mariadb", arguments) as stages:
            run(stages, lambda chunk: None, reader=lambda size: next(pieces))

    @contextlib.contextmanager
    def loading(self, into: str, early: bool = False) -> Iterator[List[Stage]]:
        """The stages that take a dump on their standard input; nothing of it is left out or changed.

        With `early` it is the year 1970 for them: a server makes no event whose time is over, so this is for where events do not run.
        """
        arguments = ["--batch", "--default-character-set=utf8mb4", "--max-allowed-packet=1073741824", *self.tamed(), *self._quiet(),
                     "--database=" + into]
        with contextlib.ExitStack() as stack:
            yield stack.enter_context(self.tool("mariadb", arguments, also="TIMESTAMP = 86400" if early else ""))

    @contextlib.contextmanager
    def writing(self, name: str, facts: Dict[str, Any], with_events: bool = False,
                without: Sequence[str] = (), digests: Optional[Dict[str, str]] = None) -> Iterator[List[Stage]]:
        """The stages that write a database as SQL, but for the views `without`; `with_events` as the first copies held it, events within.

        `digests` takes those of the exact values of FLOAT (mariadb_floats.py).

        The tool writes the database's name before a sequence that a column's default takes its numbers from: restored under another
        name, the table would take them from the source's. The name is left out: a name in quotes, so no text begins or ends by that.
        """
        mariadb_session.refuse_limited(self, "{0} ({1})".format(name, self.address()))
        arguments = _consistent(facts) + _DUMP + self._habits() + (["--events"] if with_events else [])
        arguments += ["--dump-history"] if facts.get("history") and "--dump-history" in self.help("mariadb-dump") else []
        arguments += ["--ignore-table={0}.{1}".format(name, view) for view in without]
        with contextlib.ExitStack() as stack:
            stages = stack.enter_context(self.tool("mariadb-dump", [*arguments, "--", name])) + mariadb_shape.of(dict(facts, database=name))
            if facts.get("default_sequences") and "\n" not in name:
                script = "/^CREATE TABLE `/,/^\\)/s/\\b(nextval|lastval)\\({0}\\./\\1(/g".format(mariadb_shape.called(name))
                stages = stages + [Stage("sed", [programs.find("sed", "sed"), "--regexp-extended", "--expression=" + script],
                                         environment=programs.environment(LC_ALL="C"))]
            yield stages + stack.enter_context(mariadb_floats.added(self, name, facts, {} if digests is None else digests))

    @contextlib.contextmanager
    def writing_events(self, name: str) -> Iterator[List[Stage]]:
        with contextlib.ExitStack() as stack:
            yield stack.enter_context(self.tool("mariadb-dump", [*_EVENTS, *self._habits(), "--", name]))

    @contextlib.contextmanager
    def tool(self, tool: str, arguments: Sequence[str], ours: bool = True, also: str = "") -> Iterator[List[Stage]]:
        """A tool with its connection: address, account and password lie behind a descriptor as long as this lasts.

        In a place apart there is no password, and no option file of the system is read. Its session is set as `ours` are, and what `also` says.
        """
        arguments = [*(mariadb_session.of_tool(tool, self.help(tool), also) if ours else []), *arguments]
        if self.prefix:
            argv = [*self.prefix, self.find(tool), "--no-defaults", "--socket=" + self.socket, "--user=" + self.user, *arguments]
            yield [Stage(tool, argv, environment=programs.environment())]
            return
        given = {"host": self.host, "port": str(self.port) if self.port else "", "user": self.user, "socket": self.socket, "password": self.password}
        lines = ["[client]"] + ["{0}={1}".format(name, _option(value)) for name, value in given.items() if value]
        with contextlib.closing(programs.Secret("\n".join(lines) + "\n", self.account)) as secret:
            argv = [self.find(tool), "--defaults-extra-file=" + secret.path, *arguments]
            yield [Stage(tool, argv, environment=programs.environment(), descriptors=(secret.descriptor,), account=self.account)]

    def _quiet(self) -> List[str]:
        return [_QUIET] if _QUIET in self.help("mariadb") else []

    def _habits(self) -> List[str]:
        """MySQL's own tool has two habits that other servers refuse."""
        return [option for option in ("--set-gtid-purged=OFF", "--column-statistics=0") if option.partition("=")[0][2:] in self.help("mariadb-dump")]


def number(version: str) -> Tuple[int, ...]:
    """The numbers that a version begins with."""
    found = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", version)
    return tuple(int(part or 0) for part in found.groups()) if found else (0, 0, 0)


def _consistent(facts: Dict[str, Any]) -> List[str]:
    """One moment for all tables: a transaction's, or where an engine has none, that of a lock on all of them."""
    if all(engine in TRANSACTIONAL for engine in facts["engines"]):
        return ["--single-transaction", "--skip-lock-tables"]
    return ["--lock-tables"]


def _option(value: str) -> str:
    for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        value = value.replace(plain, escaped)
    return '"{0}"'.format(value)
