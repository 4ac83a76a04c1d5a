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
from ...module_utils._engine.policy.schema import Problem, choice, flag, listing, secret, table, text, token, whole
from . import awx_notifications

WHERE = "backup_awx"
PREFIX, PLAYBOOKS, HOURS = "respaldo", "playbooks", 24
_NAME = text(r"[^\x00-\x1f+/?#]{1,200}", "OTI")      # two + are a named address of AWX
_PATH = text(r"(?!/)(?!.*\.\.)[A-Za-z0-9._/-]{1,200}", "inventories/entidad/hosts.yml")
_LOCAL = re.compile(r"http://(127\.0\.0\.1|localhost|\[::1\])(:[0-9]+)?/?\Z")


def _values(value: Any, where: str, problems: list[Problem]) -> None:
    if not isinstance(value, Mapping):
        problems.append(Problem(where, "(a text)", "is not a table of keys", "Write it with the keys that AWX shows for its type."))


_SETTINGS = table({
    "url": text(r"https?://[A-Za-z0-9.:\[\]-]+/?", "https://awx.example.org"), "organization": _NAME,
    # AWX reads no inventory from a manual project
    "project": table({"url": text(r"\S{1,500}", "https://git.example.org/oti/respaldo.git")}, {
        "branch": _NAME, "credential": _NAME, "update_on_launch": flag()}),
    "image": text(r"[a-z0-9][A-Za-z0-9._:/@-]{0,300}", "registro.example.org/respaldo:0.3.0"), "inventory": _PATH,
}, {
    "token": token(), "username": text(), "password": secret(), "prefix": text(r"[a-z][a-z0-9-]{2,30}", PREFIX), "playbooks": _PATH,
    "credentials": listing(_NAME), "vault": table({}, {"password": secret()}),
    "bitacora": table({"url": text(r"postgres(ql)?://[^\s:@]+@\S+", "postgresql://respaldo@bd.example.org/bitacora")},
                      {"password": secret(), "journal": schema.absolute_path(), "seal_key": schema.absolute_path()}),
    "azure": table({"tenant": text(), "client_id": text(), "subscription_id": text()}, {"secret": secret()}),
    "notification": table({"type": choice(*awx_notifications.FIELDS), "configuration": _values}, {}),
    "approval_hours": whole(1, 720),
})


def check(declared: Any) -> None:
    """Refuse settings with mistakes: one BackupError RSP746 that names each key, value and mend."""
    problems: list[Problem] = []
    _SETTINGS(declared, WHERE, problems)
    if isinstance(declared, Mapping):
        _together(declared, problems)
    if problems:
        raise refused("; ".join(f"{where}: {problem}. {mend.rstrip('.')}" for where, _value, problem, mend in problems),
                      "; ".join(f"{where}: {spanish.of_detail(problem)}. {spanish.of_detail(mend).rstrip('.')}" for where, _value, problem, mend in problems))


def refused(english: str, in_spanish: str) -> BackupError:
    return BackupError("awx_refused", detail=in_both(english, in_spanish))


def _together(declared: Mapping[str, Any], problems: list[Problem]) -> None:
    """What no key says alone."""
    url = declared.get("url")
    if isinstance(url, str) and url.startswith("http://") and not _LOCAL.match(url):
        problems.append(Problem(f"{WHERE}.url", schema.shown(url), "would send the token in clear", "Use https."))
    if ("token" in declared) == ("username" in declared) or ("username" in declared) != ("password" in declared):
        problems.append(Problem(WHERE, None, "needs a token, or a username and its password", "Give token from the vault, or both of the others."))
    notification = declared.get("notification")
    if isinstance(notification, Mapping) and isinstance(notification.get("configuration"), Mapping) and notification.get("type") in awx_notifications.FIELDS:
        awx_notifications.check(notification["type"], notification["configuration"], f"{WHERE}.notification.configuration", problems)
