# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bitácora in PostgreSQL: what several controllers share, and what a controller in a container needs.

Everything lies in the schema `respaldo`. Runs write as a role that may only INSERT and SELECT there; the owner, who makes the schema, is
another. One advisory lock makes writers take turns, so that the chain has one order. A trigger takes a row only when it continues the chain,
so that whoever may INSERT can add entries and nothing else. A password is never part of the address: libpq reads ~/.pgpass, a service file
or a certificate. What setting it up makes is in postgresql_schema.py.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ...module_utils._engine.errors import BackupError
from . import anchored, chain, postgresql_schema
from .any_store import OF_A_COPY, Store
from .copies import copies_told, is_good, order
from .readable import flat

_COLUMNS = ", ".join(chain.COLUMNS)
# "RSPB", as in the SQLite file: the lock that writers of a bitácora take in this database.
_LOCK = 0x52535042
_WAIT_SECONDS = 30
_CONNECT_SECONDS = 10
_SECRETS = ("password", "sslpassword")
_WRITES = ("UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")


def _driver() -> Any:
    try:
        import psycopg
    except ImportError as error:
        raise BackupError("bitacora_driver_missing") from error
    return psycopg


def checked(url: str) -> str:
    """An address of PostgreSQL, written in the one way. Raises BackupError(invalid_input) on a password, or on what is no such address."""
    def wrong(problem: str, mend: str) -> BackupError:
        return BackupError("invalid_input", where="the bitácora's url", value="postgresql://...", problem=problem, mend=mend)

    rest = url.split("://", 1)[1]
    try:
        parts = urllib.parse.urlsplit("postgresql://" + rest)
        named = urllib.parse.parse_qs(parts.query, strict_parsing=bool(parts.query), keep_blank_values=True)
        secret = parts.password is not None or any(name in named for name in _SECRETS)
        _port = parts.port
    except ValueError as error:
        raise wrong("is not an address", "Write postgresql://user@server:5432/database.") from error
    if secret:
        raise wrong("holds a password", "Take it out and give it to libpq: a line in ~/.pgpass (mode 0600), a service file or a certificate.")
    if not parts.path.strip("/") and not {"dbname", "service"} & set(named):
        raise wrong("names no database", "Write postgresql://user@server:5432/database.")
    return urllib.parse.urlunsplit(parts)


def role_of(url: str) -> str:
    """The role an address connects as. Raises BackupError(invalid_input) when it does not say."""
    name = urllib.parse.unquote(urllib.parse.urlsplit(checked(url)).username or "")
    if not name:
        raise BackupError("invalid_input", where="the bitácora's url", value=url, problem="does not say as which role runs write",
                          mend="Write postgresql://ROLE@server/database.")
    return name


def _is_here(host: str) -> bool:
    if not host or host.startswith(("/", "@")) or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def settings(url: str) -> dict[str, Any]:
    """What a connection is given besides its address: nothing waits for ever, and a server elsewhere proves who it is."""
    parts = urllib.parse.urlsplit(url)
    named = urllib.parse.parse_qs(parts.query)
    given = {"connect_timeout": _CONNECT_SECONDS, "tcp_user_timeout": _WAIT_SECONDS * 1000, "application_name": "perucompras.respaldo"}
    hosts = [parts.hostname or "", *named.get("host", [])] if parts.hostname else named.get("host", [os.environ.get("PGHOST", "")])
    if not all(_is_here(host) for host in hosts) and not {"PGSSLMODE", "PGSERVICE"} & set(os.environ) and "service" not in named:
        given["sslmode"] = "verify-full"
    return {name: value for name, value in given.items() if name not in named}


def _in_line(detail: object) -> str:
    return " ".join(str(detail).split())


def _unescaped(text: str) -> str | None:
    """A value of COPY's text form that holds a backslash."""
    if text == "\\N":
        return None
    return re.sub(r"\\(.)", lambda found: {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}.get(found[1], found[1]), text)


def _escaped(value: Any) -> str:
    if value is None:
        return "\\N"
    return str(value).replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


class PostgresqlStore(Store):
    """A bitácora in a database of PostgreSQL."""

    def __init__(self, url: str, readonly: bool = False) -> None:
        self.url = checked(url)
        self._readonly = readonly
        self._psycopg = _driver()
        self.errors = self._psycopg.Error
        try:
            self._connection = self._psycopg.connect(self.url, autocommit=True, **settings(self.url))
        except self.errors as error:
            raise (self.unreadable if readonly else self.unwritable)(error) from error
        try:
            # The role's own search_path must not decide which table is meant, nor its settings whether a commit is durable. What others made
            # in this database is never found before what is the server's own; SET looks nothing up, so it is the first word.
            self.run("SET search_path = pg_catalog, respaldo, pg_temp")
            self.run("SELECT set_config('lock_timeout', '{0}s', false), set_config('statement_timeout', '0', false), set_config('row_security', 'off', false), "
                     "set_config('standard_conforming_strings', 'on', false), "
                     "set_config('client_encoding', 'UTF8', false), set_config('default_transaction_read_only', '{1}', false), "
                     "CASE WHEN current_setting('synchronous_commit') IN ('off', 'local') THEN set_config('synchronous_commit', 'on', false) END"
                     .format(_WAIT_SECONDS, "on" if readonly else "off"))
        except self.errors as error:
            self.close()
            raise (self.unreadable if readonly else self.unwritable)(error) from error

    def unwritable(self, detail: object) -> BackupError:
        return self._explained(detail) or BackupError("bitacora_unwritable", store=self.url, detail=_in_line(detail))

    def unreadable(self, detail: object) -> BackupError:
        return self._explained(detail) or BackupError("bitacora_unreadable", store=self.url, detail=_in_line(detail))

    def _explained(self, detail: object) -> BackupError | None:
        """The error that tells of a database where the bitácora was never set up, or by an older version."""
        missing = ("3F000", "42P01", "42703", "42883")
        if isinstance(detail, self.errors) and getattr(detail, "sqlstate", None) in missing:
            return BackupError("bitacora_unprepared", store=self.url, detail=_in_line(detail))
        return None

    def close(self) -> None:
        with contextlib.suppress(self.errors):
            self._connection.close()

    def field(self, name: str) -> str:
        return name if name in postgresql_schema.SEARCHED else "(fields(body) ->> '{0}')".format(name)

    def simulated(self, wanted: bool = True) -> str:
        return "simulated IS {0}DISTINCT FROM 'true'".format("NOT " if wanted else "")

    def begin(self) -> None:
        self.run("BEGIN")
        self.run("SELECT pg_advisory_xact_lock({0})".format(_LOCK))

    def run(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        cursor = self._connection.execute(sql.replace("?", "%s"), tuple(values)) if values else self._connection.execute(sql)
        return cursor.fetchall() if cursor.description else []

    def select(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        try:
            return self.run(sql, values)
        except self.errors as error:
            raise self.unreadable(error) from error

    def raw(self) -> Iterator[Sequence[Any]]:
        try:
            with self._connection.cursor() as cursor, cursor.copy("COPY (SELECT {0} FROM entries ORDER BY n) TO STDOUT".format(_COLUMNS)) as lines:
                for line in lines:
                    text = str(line, "utf-8")
                    row: list[Any] = text[:-1].split("\t")
                    if "\\" in text:
                        row = [_unescaped(value) for value in row]
                    row[0], row[2] = int(row[0]), int(row[2])
                    yield row
        except self.errors as error:
            raise self.unreadable(error) from error

    def take_in(self, rows: Iterable[Sequence[Any]]) -> None:
        """Write whole rows, in the order of chain.COLUMNS, within an exclusive block: a chain that was begun elsewhere.

        Whoever does it for the owner may bring entries of older forms, as long as they are one chain.
        """
        with self._connection.cursor() as cursor, cursor.copy("COPY entries ({0}) FROM STDIN".format(_COLUMNS)) as copy:
            for row in rows:
                copy.write("\t".join(map(_escaped, row)) + "\n")

    def prove_writable(self) -> None:
        if self.select("SHOW fsync")[0][0] != "on":
            raise self.unwritable("its server runs with fsync off: what it commits is lost when the power goes")
        self.probe()

    def verify(self, anchors: Sequence[Path] = (), keys: Sequence[str] = (), remembered: Mapping[str, Any] | None = None) -> chain.Report:
        return chain.verify(self.raw(), None, chain.kept_in(anchors, anchored.content), keys, remembered)

    def last_good_of(self, systems: Iterable[tuple[str, str]], minimum_trust: str = "T2") -> dict[tuple[str, str], dict[str, Any]]:
        # Two questions for all of them: one for each would take as many round trips as there are systems.
        wanted = list(systems)
        made = self.select(
            "SELECT made.label FROM unnest(?::text[], ?::text[]) AS w (system, kind) CROSS JOIN LATERAL (SELECT label FROM entries AS e "
            "WHERE e.system = w.system AND e.kind = w.kind AND e.type = 'copy_made' ORDER BY n DESC LIMIT 2) AS made",
            ([system for system, _kind in wanted], [kind for _system, kind in wanted]))
        told: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for entry in self._told_of([row[0] for row in made]):
            told.setdefault((entry.get("system", ""), entry.get("kind", "")), []).append(entry)
        found = {}
        for system, kind in wanted:
            good = [copy for copy in copies_told(self.of_label(kind, system, told.get((system, kind), []))) if is_good(copy, minimum_trust)]
            best = max(good, key=order) if good else self.last_good(kind, system, minimum_trust)
            if best is not None:
                found[system, kind] = best
        return found

    def _told_of(self, labels: Sequence[str]) -> list[dict[str, Any]]:
        rows = self.select("SELECT {0} FROM entries WHERE label = ANY(?) AND type = ANY(?) ORDER BY n".format(_COLUMNS), (labels, [*OF_A_COPY, "copy_started"]))
        return self.hidden([flat(row) for row in rows])


class Prepared(NamedTuple):
    """What setting a store up did: the changes in words, and the state before and after."""

    changes: list[str]
    before: list[str]
    after: list[str]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def prepare(admin_url: str, writers: Sequence[str], readers: Sequence[str], simulate: bool = False) -> Prepared:
    """Make the schema of the bitácora, and its roles: `writers` may only INSERT and SELECT, `readers` only SELECT. Safe to repeat.

    Roles that are missing are made, able to log in and without a password. With `simulate` everything is done and taken back.
    An older bitácora is brought to this version; its entries stay as they are.
    Raises BackupError: bitacora_unwritable, bitacora_foreign, bitacora_role_too_strong, invalid_input.
    """
    admin = PostgresqlStore(admin_url)
    names = [*writers, *readers]
    try:
        with admin.exclusive():
            if admin.run("SHOW server_encoding")[0][0] != "UTF8":
                raise admin.unwritable("the encoding of the database is not UTF8")
            foreign = postgresql_schema.foreign(admin.run)
            if foreign:
                raise BackupError("bitacora_foreign", store=admin.url, detail="; ".join(foreign[:5]))
            before = _state(admin, names)
            for name in dict.fromkeys(names):
                if not admin.run("SELECT 1 FROM pg_roles WHERE rolname = ?", (name,)):
                    admin.run("CREATE ROLE {0} LOGIN".format(_quoted(name)))
            for statement in postgresql_schema.SCHEMA:
                admin.run(statement)
            for name in dict.fromkeys(names):
                admin.run("GRANT USAGE ON SCHEMA respaldo TO {0}".format(_quoted(name)))
                admin.run("GRANT SELECT{0} ON respaldo.entries TO {1}".format(", INSERT" if name in writers else "", _quoted(name)))
                admin.run("GRANT SELECT ON respaldo.bitacora TO {0}".format(_quoted(name)))
            _refuse_strong(admin, writers, readers)
            after = _state(admin, names)
            changes = sorted(set(after) - set(before))
            if simulate:
                admin.run("ROLLBACK")
                admin.run("BEGIN")
    finally:
        admin.close()
    return Prepared(changes, before, after)


def _state(admin: PostgresqlStore, names: Sequence[str]) -> list[str]:
    if not admin.run("SELECT 1 FROM pg_namespace WHERE nspname = 'respaldo'"):
        return ["role {0}".format(row[0]) for row in admin.run("SELECT rolname FROM pg_roles WHERE rolname = ANY(?) ORDER BY 1", (list(names),))]
    return [row[0] if row[1] == "role" else "{0}: {1}".format(*row) for row in admin.run(postgresql_schema.STATE, (list(names),))]


def _refuse_strong(admin: PostgresqlStore, writers: Sequence[str], readers: Sequence[str]) -> None:
    for name in dict.fromkeys([*writers, *readers]):
        more = [] if name in writers else ["INSERT"]
        held = [right for right in (*_WRITES, *more) if admin.run("SELECT has_table_privilege(?, 'respaldo.entries', ?)", (name, right))[0][0]]
        if held:
            raise BackupError("bitacora_role_too_strong", role=name, rights=", ".join(held))
