# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a session of ours sets, whatever the server and its init_connect are set to: as much as it takes to read all rows and to load all, and no more.

The client is told so when it connects. The tool that dumps is, where it has `--init-command`; else it has the settings of every session of its account,
and what they would leave out of a copy is looked for before there is one.
"""

from __future__ import annotations

from typing import Any, List

from ..errors import BackupError

_UNLIMITED = 18446744073709551615      # what the servers take for no limit
# MariaDB and MySQL have one of them each; both read past the other's comment.
_LASTING = "/*M!100101 , max_statement_time=0 */ /*!50720 , max_execution_time=0 */"
# A copy is read from a medium that may pause, and a table may take hours: the server's patience with a silent client is for applications.
_PATIENT = "wait_timeout=86400, net_read_timeout=86400, net_write_timeout=86400"
_LASTS = "{0} {1}".format(_PATIENT, _LASTING)
_READS = "sql_select_limit={0}, sql_big_selects=1".format(_UNLIMITED)
# Exact values of FLOAT come by an UPDATE without WHERE; what is not committed at the end of a text would be gone; a trigger keeps its definition as the
# session that made it quotes names.
_LOADS = "autocommit=1, sql_safe_updates=0, sql_big_selects=1, sql_quote_show_create=1"
LOADING = "SET {0}, {1}".format(_LOADS, _LASTS)      # what a person's client needs too
_OPTION = "--init-command"


def of_tool(tool: str, help_text: str, also: str = "") -> List[str]:
    """The option by which a tool sets its session; none where it knows no such option. `also` are more settings."""
    if tool == "mariadb":
        return ["{0}=SET {1}, {2}, {3}{4}".format(_OPTION, _LOADS, _READS, _LASTS, also and ", " + also)]
    return ["{0}=SET {1}, {2}".format(_OPTION, _READS, _LASTS)] if _OPTION + "=" in help_text else []


def refuse_limited(live: Any, described: str) -> None:
    """Raises rows_limited where the tool that dumps would get only the first rows of what it asks for, as every session of this account does."""
    if of_tool("mariadb-dump", live.help("mariadb-dump")):
        return
    # of 0 rows it is not even told that it is 0
    limit = int(live.ask("SELECT @@SESSION.sql_select_limit", as_others=True).strip() or 0)
    if limit < _UNLIMITED:
        raise BackupError("rows_limited", source=described, limit=limit)
