# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shared access signatures: what a server may do with which blob, until when.

Signed by a user delegation key, which the identity asks of the service, or by the account's key where an institution insists.
The order of the signed fields is that of version 2026-04-06 of the service; tests compare it with the official SDK's.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
import typing as t
from urllib.parse import quote
from xml.etree import ElementTree

from ...module_utils._engine.errors import BackupError
from ...module_utils._engine.media.azure_http import VERSION, Refused, Service, fault

# A server's clock may be a little behind the controller's.
_BEFORE = 300
# The service's own limit for such a key.
_KEY_LIVES = 7 * 86400

DEPOSIT = "c"    # stage and commit blobs that do not exist yet, nothing else
READ = "r"


class DelegationKey(t.NamedTuple):
    """A user delegation key as the service gives it."""

    oid: str
    tid: str
    start: str
    expiry: str
    service: str
    version: str
    value: str

    def __repr__(self) -> str:
        return f"DelegationKey(expiry={self.expiry})"


def stamp(seconds: float) -> str:
    """A time as the service writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def delegation_key(service: Service, seconds: int) -> DelegationKey:
    """Ask the account for a key that signs for `seconds` from now. Raises BackupError azure_refused and kin."""
    now = time.time()
    until = stamp(now + min(seconds, _KEY_LIVES - _BEFORE))
    body = f"<?xml version=\"1.0\" encoding=\"utf-8\"?><KeyInfo><Start>{stamp(now - _BEFORE)}</Start><Expiry>{until}</Expiry></KeyInfo>"
    account = Service(service.place._replace(container=""), service.credentials)
    try:
        answer = account.request("POST", "", "restype=service&comp=userdelegationkey", {"Content-Type": "application/xml"}, body.encode(), len(body))
    except Refused as refused:
        raise fault(refused, service.place.url) from refused
    finally:
        account.close()
    told = {row.tag: row.text or "" for row in ElementTree.fromstring(answer.body.decode("utf-8-sig"))}
    names = ("SignedOid", "SignedTid", "SignedStart", "SignedExpiry", "SignedService", "SignedVersion", "Value")
    if not all(told.get(name) for name in names):
        raise BackupError("azure_refused", location=service.place.url, detail="it gave no user delegation key")
    return DelegationKey(*(told[name] for name in names))


def sign(key: DelegationKey | str, account: str, container: str, blob: str, permissions: str, seconds: int) -> str:
    """A signature for one blob ("": for the whole container), by https only. `key` may be the account's key, in Base64."""
    now = time.time()
    start, expiry, resource = stamp(now - _BEFORE), stamp(now + seconds), "b" if blob else "c"
    path = f"/blob/{account}/{container}" + (f"/{blob}" if blob else "")
    fields = [permissions, start, expiry, path]
    words = {"st": start, "se": expiry, "sp": permissions, "spr": "https", "sv": VERSION, "sr": resource}
    if isinstance(key, DelegationKey):
        owner = {"skoid": key.oid, "sktid": key.tid, "skt": key.start, "ske": key.expiry, "sks": key.service, "skv": key.version}
        words.update(owner)
        fields += [*owner.values(), "", "", "", "", ""]      # two object ids, correlation, and the delegated user's two: not used
        fields += ["", "https", VERSION, resource, "", ""]   # address, protocol, version, resource, snapshot, encryption scope
        fields += ["", ""]                                   # signed request headers and query parameters
        secret = key.value
    else:
        fields += ["", "", "https", VERSION, resource, "", ""]   # identifier of a stored policy first
        secret = key
    fields += [""] * 5                                       # response headers
    digest = hmac.new(base64.b64decode(secret), "\n".join(fields).encode(), hashlib.sha256).digest()
    words["sig"] = base64.b64encode(digest).decode()
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in words.items())
