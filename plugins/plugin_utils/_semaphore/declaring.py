# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The form of `backup_semaphore`: where the server is, by which clock it counts, and what its project is made of."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ...module_utils._engine import spanish
from ...module_utils._engine.errors import BackupError, in_both
from ...module_utils._engine.policy import schema
from ...module_utils._engine.policy.schema import Problem, choice, listing, secret, table, text, token, whole
from .surveys import SURVEYS

WHERE = "backup_semaphore"
SSH, LOGIN, NONE = "ssh", "login_password", "none"

_WORD = text(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", "servidores")
_ADDRESS = text(r"https?://[A-Za-z0-9._:\[\]-]+(/[A-Za-z0-9._~/-]*)?", "https://semaphore.example.org")
_LOCAL = re.compile(r"http://(127\.0\.0\.1|localhost|\[::1\])(:[0-9]+)?(/|\Z)")
# A path of the repository: what begins with / or leaves it is no file of it.
_PATH = text(r"(?!.*(^|/)\.\.(/|$))[A-Za-z0-9_.][A-Za-z0-9_./-]{0,254}", "inventories/institucion/hosts.yml")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
# Every task and its log show these: names that say that a secret is in them are refused.
_SECRET = re.compile(r"PASS(?!FILE)|SECRET|TOKEN|PRIVATE|API_?KEY", re.IGNORECASE)
_KEY = table({"name": _WORD, "type": choice(SSH, LOGIN)}, {"login": text(), "private_key": secret(), "password": secret()})
_VAULT = table({"key": _WORD}, {"id": _WORD})


def _environment(value: Any, where: str, problems: list[Problem]) -> None:
    """Names and texts that each task is told in its environment."""
    if not isinstance(value, Mapping):
        problems.append(Problem(where, "(a text)" if isinstance(value, str) else schema.shown(value), "is not a table of keys",
                                "Write e.g. RESPALDO_BITACORA: an address."))
        return
    for name, told in value.items():
        if not _NAME.fullmatch(str(name)):
            problems.append(Problem(where, schema.HIDDEN, "has a name that no environment can have", "Use letters, digits and _."))
        elif _SECRET.search(str(name)):
            problems.append(Problem(f"{where}.{name}", schema.HIDDEN, "would be shown by Semaphore to all who may see its project",
                                    "Give secrets by the vault of the inventory, or the path of a file that only the account of Semaphore reads."))
        elif not isinstance(told, str) or not re.fullmatch(r"[^\x00-\x1f]*", told):
            problems.append(Problem(f"{where}.{name}", schema.HIDDEN, "is not a text", "Write it between quotes."))
        elif re.search(r"://[^/\s]*:[^/\s]*@", told):
            problems.append(Problem(f"{where}.{name}", schema.HIDDEN, "holds a password", "Name a file of passwords instead: PGPASSFILE."))


_FORM = table(
    {"url": _ADDRESS, "token": token(), "repository": table({"url": text(r"\S+", "git@forja.example.org:oti/respaldo.git")}, {
        "branch": text(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,126}", "main"), "key": _WORD}), "inventory": _PATH},
    {"zone": text(r"[A-Za-z0-9_+/-]{1,64}", "America/Lima"), "project": text(r"[^\x00-\x1f]{1,100}", "Respaldo"), "playbooks": _PATH, "keys": listing(_KEY),
     "ssh_key": _WORD, "become_key": _WORD, "vaults": listing(_VAULT), "environment": _environment,
     "surveys": listing(choice(*SURVEYS)), "ca_certs": text(), "proxy": _ADDRESS, "retry_seconds": whole(0, 3600)})


def check(declared: Any) -> None:
    """Refuse what is not well declared: one BackupError RSP748 that names each key, value and mend. No secret is repeated."""
    problems: list[Problem] = []
    _FORM(declared, WHERE, problems)
    if not problems:
        _agree(declared, problems)
    if problems:
        english = "; ".join("{0}: {1!r} {2}. {3}".format(*problem) for problem in problems)
        in_spanish = "; ".join("{0}: {1!r} {2}. {3}".format(where, spanish.of_word(value), spanish.of_detail(problem), spanish.of_detail(mend))
                               for where, value, problem, mend in problems)
        raise BackupError("semaphore_unfit", detail=in_both(english, in_spanish))


def _agree(declared: Mapping[str, Any], problems: list[Problem]) -> None:
    """What one key says of another."""
    if declared["url"].startswith("http://") and not _LOCAL.match(declared["url"]):
        problems.append(Problem(f"{WHERE}.url", schema.shown(declared["url"]), "would send the token in clear", "Use https."))
    keys: Sequence[Mapping[str, Any]] = declared.get("keys", ())
    kinds: dict[str, str] = {}
    for index, key in enumerate(keys):
        where = f"{WHERE}.keys[{index}]"
        if key["name"] in kinds:
            problems.append(Problem(f"{where}.name", key["name"], "is the name of another key too", "Give each key its own name."))
        kinds[key["name"]] = key["type"]
        wanted, other = ("private_key", "password") if key["type"] == SSH else ("password", "private_key")
        if wanted not in key:
            problems.append(Problem(f"{where}.{wanted}", None, "is missing", f"Add the key {wanted}."))
        if other in key:
            problems.append(Problem(f"{where}.{other}", schema.HIDDEN, "has no meaning for this type of key", "Remove it."))
    repository = declared["repository"]
    if re.match(r"[a-z+]+://[^/]*:[^/]*@", repository["url"]):
        problems.append(Problem(f"{WHERE}.repository.url", schema.shown(repository["url"]), "holds a password",
                                "Give it apart, as a row of keys, from the vault."))
    named = [(f"{WHERE}.{name}", declared[name], kind) for name, kind in (("ssh_key", ""), ("become_key", LOGIN)) if name in declared]
    named += [(f"{WHERE}.vaults[{index}].key", each["key"], LOGIN) for index, each in enumerate(declared.get("vaults", ()))]
    named += [(f"{WHERE}.repository.key", repository["key"], "")] if "key" in repository else []
    for where, name, kind in named:
        if name not in kinds:
            problems.append(Problem(where, name, "is not the name of a row of backup_semaphore.keys", schema.meant(name, sorted(kinds))))
        elif kind and kinds[name] != kind:
            problems.append(Problem(where, name, "is a key of another type than is needed here", f"Name one of type {kind}."))
