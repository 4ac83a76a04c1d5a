# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of PostgreSQL whose rows can't be read (a file that is gone, a damaged page, a row too large for a client): which it is, in the tool's words,
and how all the rest is copied without these rows.
"""

from __future__ import annotations

import re
from typing import Any, List, Mapping, Optional

from ..errors import BackupError
from ..remarks import Remark

# a row too large for a client, a page that is not one, a file that is gone: the server says it of one table and goes on serving
_COMMAND = re.compile(r"Command was: COPY (?P<table>(?:\"(?:[^\"]|\"\")*\"|[^\s\"(.]+)\.(?:\"(?:[^\"]|\"\")*\"|[^\s\"(.]+)) ")
_SAID = re.compile(r"Error message from server: ERROR:\s+(?P<why>[^\n]*)")
# what is not the table's: it was ended, or the account may not, which has words of its own
_ELSEWHERE = re.compile(r"^(?:canceling statement|terminating|permission denied|query would be affected by row-level)|snapshot too old")
_TABLE = re.compile(r"(?:\"(?:[^\"\0]|\"\")+\"|[^\s\"(.\0]+)\.(?:\"(?:[^\"\0]|\"\")+\"|[^\s\"(.\0]+)\Z")
# Tables whose rows pg_dump reads and this account may not; those of extensions come with these.
DENIED = """
SELECT pg_catalog.quote_ident(nspname) || '.' || pg_catalog.quote_ident(relname) FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = relnamespace
  WHERE relkind = 'r' AND nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'
    AND NOT (pg_catalog.has_table_privilege(c.oid, 'SELECT') AND pg_catalog.has_schema_privilege(n.oid, 'USAGE'))
    AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e') ORDER BY 1"""


def unreadable(error: BackupError, described: str) -> Optional[BackupError]:
    """The failure of pg_dump as one of a table's rows, where that is what it says."""
    if error.fault.name != "stage_failed" or error.details["stage"] != "pg_dump":
        return None
    detail = error.details["detail"]
    command, said = _COMMAND.search(detail), _SAID.search(detail)
    if command is None or said is None or _ELSEWHERE.search(said.group("why")):
        return None
    return BackupError("object_unreadable", source=described, object=command.group("table"), detail=said.group("why").strip())


def excluding(facts: Mapping[str, Any]) -> List[str]:
    """The options of pg_dump by which the rows are left out that a copy does not have."""
    return ["--exclude-table-data=" + table for table in without_rows(facts)]


def without_rows(facts: Mapping[str, Any]) -> List[str]:
    """The tables whose rows a copy does not have, as its facts tell them: of a copy, so only what can be a table's name is taken."""
    told = facts.get("without_rows")
    return [each for each in told if isinstance(each, str) and _TABLE.match(each)] if isinstance(told, list) else []


def told(facts: Mapping[str, Any]) -> List[Remark]:
    """What a restore does not bring for it, in words."""
    tables = without_rows(facts)
    return [Remark("pg_rows_unreadable", tables=tables[:20])] if tables else []
