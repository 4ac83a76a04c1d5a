# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the bitácora is kept: which store an address names, and the way in. What every store does: any_store.py."""

from __future__ import annotations

import os
from pathlib import Path

from ...module_utils._engine.errors import BackupError
from .._places import expanded, in_container
from .any_store import Store

CALLBACK = "perucompras.respaldo.bitacora"
SERVER_SCHEMES = ("postgresql://", "postgres://")


def default_url() -> str:
    """Where the bitácora is when nobody says otherwise."""
    if os.geteuid() == 0:
        return "sqlite:////var/lib/respaldo/bitacora.sqlite"
    return "sqlite:///{0}".format(expanded("~/.local/state/respaldo/bitacora.sqlite"))


def resolve_url() -> str:
    """Where the bitácora is in this process: what the callback said, else the callback's own settings, else the default."""
    told = os.environ.get("RESPALDO_BITACORA")
    if told:
        return told
    from ansible.plugins.loader import callback_loader

    callback = callback_loader.get(CALLBACK)
    if callback is not None:
        callback.set_options()
        told = callback.get_option("url")
    return told or default_url()


def path_of(url: str) -> Path:
    """The file of a SQLite bitácora. Raises BackupError(invalid_input) on another kind of address."""
    if url.startswith("sqlite:///"):
        path = url[len("sqlite:///"):]
    elif "://" in url:
        raise BackupError("invalid_input", where="the bitácora's url", value=url.split("://", 1)[0] + "://...",
                          problem="is not a store this version knows",
                          mend="Write sqlite:////absolute/path.sqlite, a plain path, or postgresql://user@server/database.")
    else:
        path = url
    return expanded(path)


def address_of(url: str) -> str:
    """The one way to write an address, without secrets. Raises BackupError(invalid_input) on one that names no store, or holds a password."""
    if url.startswith(SERVER_SCHEMES):
        from .postgresql import checked

        return checked(url)
    return "sqlite:///{0}".format(path_of(url))


def open_store(url: str, readonly: bool = False) -> Store:
    """The bitácora at `url`: `postgresql://user@server/database`, `sqlite:////absolute/path` or a plain path.

    A SQLite file is made when it does not exist, unless `readonly`; a database is prepared beforehand (playbooks/bitacora_store.yml).
    Raises BackupError: bitacora_unwritable, bitacora_unreadable, bitacora_on_network, bitacora_thrown_away, bitacora_moved,
    bitacora_unprepared, bitacora_driver_missing, invalid_input.
    """
    if url.startswith(SERVER_SCHEMES):
        from .postgresql import PostgresqlStore

        return PostgresqlStore(url, readonly)
    from .sqlite import SqliteStore

    path = path_of(url)
    if not readonly and os.geteuid() and in_container() and path == path_of(default_url()):
        raise BackupError("bitacora_thrown_away", store=path)      # the home that an image gives to an account is none to keep things in
    return SqliteStore(path, readonly)
