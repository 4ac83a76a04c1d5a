# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an inventory says of AWX (`backup_awx`): where it is, who asks, and what ours is made of there. Every mistake at once, no secret repeated."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ...module_utils._engine import spanish
from ...module_utils._engine.errors import BackupError, in_both
from ...module_utils._engine.policy import schema
from ...module_utils._engine.policy.schema import Problem, choice, listing, secret, table, text, token, whole

WHERE = "backup_awx"
PREFIX, PLAYBOOKS, HOURS = "respaldo", "playbooks", 24
_NAME = text(r"[^\x00-\x1f+/?#]{1,200}", "OTI")      # two + are a named address of AWX
_PATH = text(r"(?!/)(?!.*\.\.)[A-Za-z0-9._/-]{1,200}", "inventories/entidad/hosts.yml")
_LOCAL = re.compile(r"http://(127\.0\.0\.1|localhost|\[::1\])(:[0-9]+)?/?\Z")
# of a notification, what AWX keeps and never gives back, so that nobody could tell whether it is still the same
_KEPT = ("password", "token")


def _values(value: Any, where: str, problems: list[Problem]) -> None:
    if not isinstance(value, Mapping):
        problems.append(Problem(where, "(a text)", "is not a table of keys", "Write it with the keys that AWX shows for its type."))


_SETTINGS = table({
    "url": text(r"https?://[A-Za-z0-9.:\[\]-]+/?", "https://awx.example.org"), "organization": _NAME,
    "project": table({}, {"url": text(r"\S{1,500}", "https://git.example.org/oti/respaldo.git"), "branch": _NAME, "credential": _NAME, "path": _PATH}),
    "image": text(r"[a-z0-9][A-Za-z0-9._:/@-]{0,300}", "registro.example.org/respaldo:0.3.0"), "inventory": _PATH,
}, {
    "token": token(), "username": text(), "password": secret(), "prefix": text(r"[a-z][a-z0-9-]{2,30}", PREFIX), "playbooks": _PATH,
    "credentials": listing(_NAME), "vault": table({}, {"password": secret()}),
    "bitacora": table({"url": text(r"postgres(ql)?://[^\s:@]+@\S+", "postgresql://respaldo@bd.example.org/bitacora")},
                      {"password": secret(), "journal": schema.absolute_path(), "seal_key": schema.absolute_path()}),
    "azure": table({"tenant": text(), "client_id": text(), "subscription_id": text()}, {"secret": secret()}),
    "notification": table({"type": choice("email", "mattermost", "rocketchat", "webhook"), "configuration": _values}, {}),
    "approval_hours": whole(1, 720),
})


def check(declared: Any) -> None:
    """Refuse settings with mistakes: one BackupError RSP746 that names each key, value and mend."""
    problems: list[Problem] = []
    _SETTINGS(declared, WHERE, problems)
    if isinstance(declared, Mapping):
        _together(declared, problems)
    if problems:
        raise refused("; ".join(f"{where}: {problem}. {mend}" for where, _value, problem, mend in problems),
                      "; ".join(f"{where}: {spanish.of_detail(problem)}. {spanish.of_detail(mend)}" for where, _value, problem, mend in problems))


def refused(english: str, in_spanish: str) -> BackupError:
    return BackupError("awx_refused", detail=in_both(english, in_spanish))


def _together(declared: Mapping[str, Any], problems: list[Problem]) -> None:
    """What no key says alone."""
    url, project = declared.get("url"), declared.get("project")
    if isinstance(url, str) and url.startswith("http://") and not _LOCAL.match(url):
        problems.append(Problem(f"{WHERE}.url", schema.shown(url), "would send the token in clear", "Use https."))
    if ("token" in declared) == ("username" in declared) or ("username" in declared) != ("password" in declared):
        problems.append(Problem(WHERE, None, "needs a token, or a username and its password", "Give token from the vault, or both of the others."))
    if isinstance(project, Mapping) and ("url" in project) == ("path" in project):
        problems.append(Problem(f"{WHERE}.project", None, "needs exactly one of url and path",
                                "Give url of the repository, or path, the directory among AWX's manual projects."))
    if isinstance(project, Mapping) and "path" in project and ("branch" in project or "credential" in project):
        problems.append(Problem(f"{WHERE}.project", None, "has a branch or a credential beside path", "Remove them, or give url instead of path."))
    notification = declared.get("notification")
    configuration = notification.get("configuration") if isinstance(notification, Mapping) else None
    for name, value in configuration.items() if isinstance(configuration, Mapping) else ():
        if name in _KEPT and value:
            problems.append(Problem(f"{WHERE}.notification.configuration.{name}", schema.HIDDEN,
                                    "is a secret that AWX never gives back, so that each run would be a change",
                                    "Leave it blank, or make that notification in AWX by hand and leave it out here."))
