# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is changed in a dump of MariaDB while it passes, when it is written, loaded and compared alike, so that what a server took once is taken again.

Each is a stage of sed that does nothing to a text it has been through, so copies of any version are read through it.
"""

from __future__ import annotations

import re
from typing import Any, List, Mapping

from ..processes import programs
from ..processes.pipeline import Stage
from . import mariadb_text as texts

# The tool asks for no strict mode; a date that its session allowed once, rows that broke a CHECK when it was not looked at, and a row format that
# a strict InnoDB refuses are let in too. What comes in otherwise than it was, the comparison finds.
_MODE = r"^/\*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' \*/;$"
_LENIENT = (r"/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES' */;\n"
            r"/*M!100201 SET SESSION check_constraint_checks=0, SESSION innodb_strict_mode=0 */;")
_HEAD_LINES = 40
_QUOTED = "`([^`]|``)*`"
# Where the account that a view works as is gone, the server writes `database`.`table`.`column`: the database's name does not belong into a copy.
_VIEW = "/^\\/\\*!50001 VIEW /{{:again;s/^(([^'`]|'([^'\\\\]|\\\\.|'')*'|{0})*){1}\\.({0}\\.`)/\\1\\5/;tagain}}"
# Where sessions do not quote names (sql_quote_show_create), the tool does not quote those of sequences.
_SEQUENCE = "/^-- Sequence structure for /,/^(DO|SELECT) SETVAL/s/^CREATE SEQUENCE ([^` ][^ ]*) start with /CREATE SEQUENCE `\\1` start with /"
_EVENT = ("s/^(\\/\\*!50106 CREATE\\*\\/ (\\/\\*!50117 DEFINER={0}(@{0})?\\*\\/ )?\\/\\*!50106 EVENT {0} ON SCHEDULE [^`]* ON COMPLETION "
          "(NOT )?PRESERVE) ENABLE/"
          "\\1 DISABLE/").format(_QUOTED)


def lenient() -> Stage:
    """The beginning of a dump, for a server to take all that another held."""
    script = "/{0}/{{s//{1}/;q}};/^.\\*!40111 SET @OLD_SQL_NOTES/q;{2}q".format(_MODE.replace("/", "\\/"), _LENIENT.replace("/", "\\/"), _HEAD_LINES)
    # read byte by byte to there and no further, whether it is found or was changed before: all else passes untouched
    return Stage("sed", ["/bin/sh", "-c", 'sed -u -e "$1" && exec cat', "sh", script], environment=programs.environment(LC_ALL="C"))


def of(facts: Mapping[str, Any]) -> List[Stage]:
    """The stages for a database's text, by what is known of it."""
    name, stages = facts["database"], [lenient()]
    if facts.get("reads") == [] and "\n" not in name and facts.get("views", 1):
        stages.append(_sed(_VIEW.format(_QUOTED, called(name))))
    return stages + ([_sed(_SEQUENCE)] if facts.get("unquoted") else [])


def asleep() -> Stage:
    """Events that are not to run where they come back: under another name they would change what their text names, the database they came from."""
    return _sed(_EVENT)


def called(name: str) -> str:
    """A name in backquotes as an extended regular expression of sed."""
    return re.sub(r"([][\\.*^$+?(){}|/])", r"\\\1", texts.identifier(name))


def _sed(script: str) -> Stage:
    return Stage("sed", [programs.find("sed", "sed"), "--regexp-extended", "--expression=" + script], environment=programs.environment(LC_ALL="C"))
