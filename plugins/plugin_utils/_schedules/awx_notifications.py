# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX wants of a notification of each type: fields, their types, and what AWX adds where nothing is said. Pure.

We add the same, so that what AWX shows is what was declared.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ...module_utils._engine.policy import schema
from ...module_utils._engine.policy.schema import Problem


class Field(NamedTuple):
    kind: type
    default: Any = None      # None: it must be given


FIELDS: dict[str, dict[str, Field]] = {
    "email": {"host": Field(str), "port": Field(int), "username": Field(str, ""), "password": Field(str, ""), "use_tls": Field(bool), "use_ssl": Field(bool),
              "sender": Field(str), "recipients": Field(list), "timeout": Field(int, 30)},
    "mattermost": {"mattermost_url": Field(str), "mattermost_no_verify_ssl": Field(bool, False)},
    "rocketchat": {"rocketchat_url": Field(str), "rocketchat_no_verify_ssl": Field(bool, False)},
    "webhook": {"url": Field(str), "http_method": Field(str, "POST"), "disable_ssl_verification": Field(bool, False), "username": Field(str, ""),
                "password": Field(str, ""), "headers": Field(dict, {})},
}
_MENDS = {str: "Write a text.", int: "Write a whole number.", bool: "Write true or false.", list: "Write a list.", dict: "Write a table."}
# what AWX keeps and never gives back, so that nobody could tell whether it is still the same
_KEPT = ("password", "token")


def check(kind: str, configuration: Mapping[str, Any], where: str, problems: list[Problem]) -> None:
    for name, field in FIELDS[kind].items():
        value = configuration.get(name, field.default)
        if value is None:
            problems.append(Problem(f"{where}.{name}", None, "is missing", f"Add the key {name}."))
        elif not isinstance(value, field.kind) or value == [] or isinstance(value, bool) and field.kind is int:
            problems.append(Problem(f"{where}.{name}", schema.HIDDEN, "is not of the type that AWX wants", _MENDS[field.kind]))
    for name in _KEPT:
        if configuration.get(name):
            problems.append(Problem(f"{where}.{name}", schema.HIDDEN, "is a secret that AWX never gives back, so that each run would be a change",
                                    "Leave it blank, or make that notification in AWX by hand and leave it out here."))


def whole(notification: Mapping[str, Any]) -> dict[str, Any]:
    """Its configuration as AWX keeps it."""
    return {**{name: field.default for name, field in FIELDS[notification["type"]].items()}, **notification["configuration"]}
