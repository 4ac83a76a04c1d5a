# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets that an inventory holds in clear (numeral 5.2): where they stand, never what they are.

Variables are looked at as they are written. A text is in clear when it comes from a file that Ansible Vault did not encrypt; a template of names
is followed to what they name, a table of passwords by the key that is taken of it. Of a text whose origin nobody knows (a survey, an inventory by a
program) nothing can be told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ._names import VARIABLES

# Keys of systems, media, custodians, vaults and mail whose values are secrets; the forms of policy/*.py call them so, and a test compares.
SECRETS = frozenset(("password", "secret", "token", "role_id", "secret_id", "account_key", "sas_token", "ssh_key", "user_token",
                     "app_token", "client_secret", "private_key"))
# Variables that are a secret themselves.
_WHOLE = frozenset(("backup_letters_key",))
# ... of which these are no secret by themselves, or are one only with what stands beside them
_HARMLESS = frozenset(("role_id",))
# A name of a template and what is taken of it: passwords.siga, passwords['siga'], rows[0].password
_KEY = re.compile(r"\[\s*(?:'([^']*)'|\"([^\"]*)\"|([0-9]+))\s*\]")
_TEXTS = re.compile(r"'[^']*'|\"[^\"]*\"")
_NAME = re.compile(r"(?<![\w.\x00])[A-Za-z_][A-Za-z0-9_]*(?:\x00[^\x00]*\x00|\.[A-Za-z_][A-Za-z0-9_]*)*")
_STEP = re.compile(r"\x00([^\x00]*)\x00|[A-Za-z_][A-Za-z0-9_]*")
_DEEPEST = 8
_VAULTED = b"$ANSIBLE_VAULT"


def in_clear(variables: Mapping[str, Any]) -> list[str]:
    """"variable[0].key (file)" of each secret of a host that stands in clear, its variables as they are written."""
    walked: set[str] = set()
    found = [(name, _in_clear_at(variables[name], variables, 0)) for name in sorted(_WHOLE) if isinstance(variables.get(name), str)]
    found += [told for name in VARIABLES if name in variables and name not in _WHOLE for told in _walk(variables[name], name, variables, walked)]
    return [f"{where} ({path})" for where, path in found if path]


def _walk(value: Any, where: str, variables: Mapping[str, Any], walked: set[str], depth: int = 0) -> Iterator[tuple[str, str]]:
    """`walked`: the variables whose tables were looked through already, since templates name them too."""
    if depth > _DEEPEST:
        return
    if isinstance(value, Mapping):
        for key, each in value.items():
            if key in SECRETS - _HARMLESS and isinstance(each, str):
                path = _in_clear_at(each, variables, 0)
                if path:
                    yield f"{where}.{key}", path
            else:
                yield from _walk(each, f"{where}.{key}", variables, walked, depth + 1)
    elif isinstance(value, (list, tuple)):
        for index, each in enumerate(value):
            yield from _walk(each, f"{where}[{index}]", variables, walked, depth + 1)
    elif isinstance(value, str) and "{{" in value and not getattr(value, "__ENCRYPTED__", False):
        for steps in _named(value):
            named = ".".join(steps)
            if steps[0] in variables and named not in walked:
                walked.add(named)
                yield from _walk(_taken(steps, variables), named, variables, walked, depth + 1)


def _named(template: str) -> list[list[str]]:
    """What the variables of a template are, each with the keys that are taken of it."""
    plain = _TEXTS.sub("", _KEY.sub(lambda found: "\x00{0}\x00".format(next(filter(None, found.groups()), "")), template))
    return [[step[1] if step[1] is not None else step[0] for step in _STEP.finditer(name)] for name in _NAME.findall(plain)]


def _taken(steps: list[str], variables: Mapping[str, Any]) -> Any:
    """What these keys lead to, as it is written; a template on the way is what is followed. None where they lead nowhere."""
    value: Any = variables
    for step in steps:
        if isinstance(value, str):
            break
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, (list, tuple)) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def _in_clear_at(value: Any, variables: Mapping[str, Any], depth: int) -> str:
    """The file in which this text, or what its template names, stands in clear; "" when it is in none, or nobody knows."""
    if getattr(value, "__ENCRYPTED__", False) or not isinstance(value, str) or depth > _DEEPEST:
        return ""
    if "{{" not in value:
        return _file_in_clear(value) if value else ""
    found = [_in_clear_at(_taken(steps, variables), variables, depth + 1) for steps in _named(value) if steps[0] in variables]
    return found[0] if found and all(found) else ""


def _file_in_clear(value: Any) -> str:
    path = _file_of(value)
    try:
        with open(path, "rb") as file:
            return "" if file.read(len(_VAULTED)) == _VAULTED else path
    except (OSError, ValueError):
        return ""


def _file_of(value: Any) -> str:
    """The file that a text was read from, as Ansible remembers it."""
    place = getattr(value, "ansible_pos", None)    # ansible-core < 2.19
    if place:
        return str(place[0])
    try:
        from ansible._internal._datatag._tags import Origin
    except ImportError:
        return ""
    origin = Origin.get_tag(value)
    return str(getattr(origin, "path", None) or "")
