# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A token of OAuth2 by client credentials, for accounts of mail that take no password any more (Microsoft 365), through our one HTTP client (_http.py).

What is sent and read is what Microsoft's identity platform describes: a POST of grant_type, client_id, client_secret and scope to
/TENANT/oauth2/v2.0/token, and access_token of its JSON, or error and error_description. Neither secret nor token stands in an error.
"""

from __future__ import annotations

import typing as t
import urllib.parse
from collections.abc import Mapping

from ..module_utils._engine.errors import BackupError
from . import _http

OPTIONS: dict[str, t.Any] = {
    "tenant": {"type": "str", "required": True},
    "client_id": {"type": "str", "required": True},
    "client_secret": {"type": "str", "required": True, "no_log": True},
    "scope": {"type": "str", "default": "https://outlook.office365.com/.default"},
    "authority": {"type": "str", "default": "https://login.microsoftonline.com"},
    "ca_certs": {"type": "str"},
    "proxy": {"type": "str"},
}
_LIMITS = _http.Limits(30, 60.0, 1 << 20, 60)
_MEND = "Give the authority's certificate as text, or the path of its file on the controller."


def check(oauth: Mapping[str, t.Any], where: str) -> None:
    """Raises BackupError RSP101 on what would send the secret in clear, or make another address of the tenant."""
    if not str(oauth["authority"]).startswith("https://"):
        raise BackupError("invalid_input", where=where + ".authority", value=oauth["authority"], problem="would send the password in clear", mend="Use https.")
    if not str(oauth["tenant"]).strip() or urllib.parse.quote(str(oauth["tenant"]), safe=".-") != oauth["tenant"]:
        raise BackupError("invalid_input", where=where + ".tenant", value=oauth["tenant"], problem="is not well written",
                          mend="Write it like 00000000-0000-0000-0000-000000000000.")


def bearer(oauth: Mapping[str, t.Any], where: str) -> str:
    """A token for the account of mail. Raises BackupError mail_token_refused."""
    client = _http.Client(oauth, where + ".ca_certs", _MEND, _words)
    address = "{0}/{1}/oauth2/v2.0/token".format(str(oauth["authority"]).rstrip("/"), oauth["tenant"])
    form = {"grant_type": "client_credentials", **{name: str(oauth[name]) for name in ("client_id", "client_secret", "scope")}}
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    try:
        heard = client.ask("POST", address, headers, _LIMITS, urllib.parse.urlencode(form).encode("ascii"))
    except _http.Trouble as trouble:
        raise BackupError("mail_token_refused", server=oauth["authority"], detail=without(trouble.detail, [form["client_secret"]])) from None
    token = _table(heard).get("access_token")
    if heard.status != 200 or not isinstance(token, str) or not token.isascii() or not token.isprintable() or not token:
        said = _words(heard) or ("it sends us to another address" if 300 <= heard.status < 400 else "it gave no token")
        raise BackupError("mail_token_refused", server=oauth["authority"],
                          detail=without("{0} {1}".format(heard.status, said), [form["client_secret"], token if isinstance(token, str) else ""]))
    return token


def without(text: str, secrets: t.Iterable[str]) -> str:
    """A text of others in one line, without secrets of ours that they may have repeated."""
    for secret in filter(None, secrets):
        text = text.replace(secret, "(hidden)")
    return " ".join(text.split())[:500]


def _words(heard: _http.Heard) -> str:
    told = _table(heard)
    # the first line names the reason, the rest are identifiers of a trace
    lines = str(told.get("error_description") or "").strip().splitlines()
    return "{0}: {1}".format(told.get("error", ""), lines[0] if lines else "").strip(": ")


def _table(heard: _http.Heard) -> dict[str, t.Any]:
    try:
        told = heard.json() if heard.body else {}
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
