# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forms of what copies and passwords go to: media, custodians, and who the controller is to Azure."""

from __future__ import annotations

from typing import Any, List, Mapping

from ..media.base import TIERS
from . import far_media, lifecycle
from .schema import Problem, absolute_path, choice, flag, listing, secret, shape_by, shaped, table, text, token, whole
from .systems import HOST, NAME, PORT

_MEDIUM_NAME = text(r"[A-Za-z0-9_][A-Za-z0-9._-]*", "nas-lima")
_LOCAL = table(
    {"name": _MEDIUM_NAME, "path": absolute_path()},
    {
        "type": choice("local"), "create": flag(), "default": flag(),
        "host": HOST, "port": PORT, "user": NAME, "identity_file": absolute_path(), "ssh_key": secret(), "known_hosts": text(),
        "append_only": flag(), "keeper": far_media.KEEPER,
    },
)
# Who the controller is to Azure; the names are azure.azcollection's where they mean the same.
AZURE_AUTH = table({}, {
    **{name: text() for name in ("auth_source", "client_id", "tenant", "subscription_id", "cloud_environment", "profile", "x509_certificate_path",
                                 "thumbprint", "federated_token_file", "authority", "ca_certs")},
    **{name: secret() for name in ("secret", "account_key", "sas_token", "proxy")},
    "sas_minutes": whole(5, 1440), "deposit_permissions": choice("c", "cw"),
})
# What a container does with copies by itself: the days after which they go to a colder tier or are deleted (lifecycle.py).
LIFECYCLE = table({}, {name: whole(1, 36500) for name in (*lifecycle.MOVES, "delete", "versions")})
# The service's own limit for write-once days: 400 years.
MAXIMUM_WRITE_ONCE = 146000
_AZURE_BLOB = table(
    {
        "name": _MEDIUM_NAME, "type": choice("azure_blob"), "storage_account_name": text(r"[a-z0-9]{3,24}", "copiasentidad"),
        "container": text(r"[a-z0-9](-?[a-z0-9]){2,62}", "copias"),
    },
    {
        "default": flag(), "endpoint": text(r"https://[^\s]+", "https://copiasentidad.blob.core.windows.net"),
        "prefix": text(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*/?", "lima"),
        "tier": choice(*TIERS), "workers": whole(1, 32), "bandwidth": whole(0),
        "proxy": secret(), "ca_certs": text(), "retry_seconds": whole(0, 86400), "auth": AZURE_AUTH,
        "write_once_days": whole(1, MAXIMUM_WRITE_ONCE), "lifecycle": LIFECYCLE,
    },
)


@shaped(shape_by("type", {"local": _LOCAL, "azure_blob": _AZURE_BLOB}, "local"))
def medium(value: Any, where: str, problems: List[Problem]) -> None:
    """A medium, checked by the keys of its own type."""
    kind = value.get("type", "local") if isinstance(value, Mapping) else "local"
    if kind not in ("local", "azure_blob"):
        choice("local", "azure_blob")(kind, where + ".type", problems)
    elif kind == "azure_blob":
        _AZURE_BLOB(value, where, problems)
    else:
        _LOCAL(value, where, problems)


# -- custodians -------------------------------------------------------------------------------------------------------
CUSTODIANS = ("vault_file", "azure_key_vault", "hashicorp_vault")
_ANY_CUSTODIAN = {"type": choice(*CUSTODIANS), "required": flag(), "retired": flag()}
_REST = {"proxy": secret(), "ca_certs": text(), "retry_seconds": whole(0, 3600)}
# A password goes there: never in clear, except to an agent on this very machine.
_ADDRESS = text(r"https://[^\s/@?#]+(/[^\s?#]*)?|http://(127\.0\.0\.1|localhost|\[::1\])(:[0-9]+)?/?", "https://boveda.example.org:8200")
_SEGMENTS = r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*"
_CUSTODIANS = {
    "vault_file": table({"name": _MEDIUM_NAME, "path": absolute_path()}, {**_ANY_CUSTODIAN, "vault_id": text()}),
    "azure_key_vault": table({"name": _MEDIUM_NAME, "type": text()}, {
        **_ANY_CUSTODIAN, **_REST, "vault_name": text(r"[A-Za-z][A-Za-z0-9-]{1,22}[A-Za-z0-9]", "boveda-oti"),
        "vault_uri": text(r"https://[^\s/@?#]+/?", "https://boveda-oti.vault.azure.net"), "prefix": text(r"[A-Za-z0-9][A-Za-z0-9-]{0,30}", "respaldo"),
        "auth": AZURE_AUTH,
    }),
    "hashicorp_vault": table({"name": _MEDIUM_NAME, "type": text(), "address": _ADDRESS}, {
        **_ANY_CUSTODIAN, **_REST, "mount": text(_SEGMENTS, "secret"), "path": text(_SEGMENTS, "respaldo"), "namespace": text(_SEGMENTS + "/?", "oti"),
        "token": token(), "role_id": secret(), "secret_id": secret(), "auth_mount": text(_SEGMENTS, "approle"),
    }),
}


@shaped(shape_by("type", _CUSTODIANS, "vault_file"))
def custodian(value: Any, where: str, problems: List[Problem]) -> None:
    """A custodian, checked by the keys of its own type."""
    kind = value.get("type", "vault_file") if isinstance(value, Mapping) else "vault_file"
    if not isinstance(kind, str) or kind not in _CUSTODIANS:
        choice(*CUSTODIANS)(kind, where + ".type", problems)
        return
    _CUSTODIANS[kind](value, where, problems)
    if not isinstance(value, Mapping):
        return
    if kind == "azure_key_vault" and ("vault_name" in value) == ("vault_uri" in value):
        problems.append(Problem(where, "vault_name, vault_uri" if "vault_name" in value else None, "needs exactly one of vault_name and vault_uri",
                                "Give vault_name; vault_uri only for a private endpoint or a cloud of its own."))
    if kind == "hashicorp_vault":
        roles = [key for key in ("role_id", "secret_id") if key in value]
        if ("token" in value) == bool(roles) or len(roles) == 1:
            problems.append(Problem(where, ", ".join(key for key in ("token", "role_id", "secret_id") if key in value) or None,
                                    "needs either a token, or role_id and secret_id", "Give one of the two, from the vault of the inventory."))


def check_custodians(custodians: Any, problems: List[Problem], where: str = "backup_custodians") -> None:
    """Append what is wrong with a list of custodians; an empty one is in order, since a directory may stand for it."""
    listing(custodian)(custodians, where, problems)
    if not isinstance(custodians, (list, tuple)):
        return
    seen: List[str] = []
    for index, each in enumerate(custodians):
        name = each.get("name") if isinstance(each, Mapping) else None
        if isinstance(name, str) and name.lower() in seen:
            problems.append(Problem("{0}[{1}].name".format(where, index), name, "is the name of two custodians", "Give each custodian its own name."))
        seen.append(str(name).lower())
    if custodians and all(isinstance(each, Mapping) and (each.get("retired") is True or each.get("required") is False) for each in custodians):
        problems.append(Problem(where, None, "has no custodian that takes every new password", "Leave one without retired: true and required: false."))
