# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a person brings a copy of MariaDB back with the client alone: the commands of the manifest."""

from __future__ import annotations

import shlex
from typing import Any, Dict

from . import mariadb_session
from .mariadb_client import Connection


def client(live: Connection) -> str:
    """The client as a person would type it, with what takes commands of the system from it; one that does not know the first passes it over."""
    return live.find("mariadb").rpartition("/")[2] + " --loose-sandbox --binary-mode --comments"


def whole(client: str, facts: Dict[str, Any], alone: bool) -> str:
    """TARGET is the name to restore as, or with several databases a prefix."""
    name = "" if alone else facts["database"]
    create = '"CREATE DATABASE \\`$TARGET"{0}"\\` CHARACTER SET {1} COLLATE {2}"'.format(
        shlex.quote(name.replace("`", "``")) if name else "", facts["charset"], facts["collation"])
    return "{{ {0} --default-character-set=utf8mb4 --execute={1} && {2}; }}".format(client, create, load(client, facts["database"], alone))


def load(client: str, name: str, alone: bool) -> str:
    session = shlex.quote(mariadb_session.LOADING)
    return '{0} --init-command={1} --default-character-set=utf8mb4 --max-allowed-packet=1G --database="$TARGET"{2}'.format(
        client, session, "" if alone else shlex.quote(name))
