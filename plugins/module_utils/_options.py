# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that modules share: what names a copy, where it lies, how it is sealed and opened. Those of sources stand in _source_options.py."""

from __future__ import annotations

from typing import Any, Dict

from ._engine.processes import hooks
from ._engine.result import KINDS
from ._engine.transforms import compress, encrypt

_MEDIUM: Dict[str, Any] = dict(
    name=dict(type="str", required=True),
    type=dict(type="str", choices=["local", "azure_blob"], default="local"),
    path=dict(type="path", default=""),
    create=dict(type="bool", default=False),
    default=dict(type="bool", default=True),
    host=dict(type="str", default=""),
    port=dict(type="int", default=22),
    user=dict(type="str", default=""),
    identity_file=dict(type="path", default=""),
    ssh_key=dict(type="str", default="", no_log=True),
    known_hosts=dict(type="str", default=""),
    append_only=dict(type="bool", default=False),
    # of the controller, which no server is given
    keeper=dict(type="dict", default={}, no_log=True),
    storage_account_name=dict(type="str", default=""),
    endpoint=dict(type="str", default=""),
    container=dict(type="str", default=""),
    prefix=dict(type="str", default=""),
    tier=dict(type="str", choices=["", "hot", "cool", "cold", "archive"], default=""),
    workers=dict(type="int", default=3),
    bandwidth=dict(type="int", default=0),
    proxy=dict(type="str", default="", no_log=True),
    ca_certs=dict(type="str", default=""),
    retry_seconds=dict(type="int", default=600),
    write_once_days=dict(type="int", default=0),
    lifecycle=dict(type="dict", default={}),
    auth=dict(type="dict", default={}, no_log=True),
    # what the controller adds for the server, never written by people
    session=dict(type="dict", default={}, no_log=True),
)

# What names a copy; every module that touches one has these.
COPY: Dict[str, Any] = dict(
    label=dict(type="str", required=True),
    system=dict(type="str", required=True),
    kind=dict(type="str", required=True, choices=list(KINDS)),
    record=dict(type="dict", default={}),
)


def several(**more: Any) -> Dict[str, Any]:
    """Those of a module that is given one copy, or several of a kind as `copies`, each with its own of these."""
    digest = dict(sha256=dict(type="str"))
    named = dict(COPY, label=dict(type="str"), system=dict(type="str"), **digest, **more)
    row = dict({name: dict(each, required=name in ("label", "system", "sha256")) for name, each in named.items() if name != "kind"})
    return dict(named, copies=dict(type="list", elements="dict", options=row))


# How AnsibleModule holds `several` to it.
ONE_OR_SEVERAL: Dict[str, Any] = dict(required_one_of=[("label", "copies")], mutually_exclusive=[("label", "copies")],
                                      required_together=[("label", "system", "sha256")])

MEDIA: Dict[str, Any] = dict(media=dict(type="list", elements="dict", required=True, options=_MEDIUM))

MEDIUM: Dict[str, Any] = dict(medium=dict(type="dict", required=True, options=_MEDIUM))

# How a copy is sealed.
_SECRECY: Dict[str, Any] = dict(
    password=dict(type="str", default="", no_log=True),
    recipients=dict(type="list", elements="str", default=[]),
    key_reference=dict(type="str", default="", no_log=False),
    custody=dict(type="raw", default=""),
)
_HOOK: Dict[str, Any] = dict(
    name=dict(type="str", default=""),
    argv=dict(type="list", elements="str", required=True),
    on=dict(type="str", choices=list(hooks.PLACES), default=hooks.PLACES[0]),
    timeout_seconds=dict(type="int", default=hooks.DEFAULT_SECONDS),
)
SEALING: Dict[str, Any] = dict(
    hooks=dict(type="dict", default={}, options={when: dict(type="list", elements="dict", default=[], options=_HOOK) for when in hooks.WHENS}),
    encryption=dict(type="dict", default={}, no_log=False, options=_SECRECY),
    minimum_size=dict(type="int", default=1),
    lock_timeout=dict(type="int", default=0),
    publish=dict(type="bool", default=True),
)

# How a copy is made.
MAKING: Dict[str, Any] = dict(
    SEALING,
    encryption=dict(type="dict", default={}, no_log=False, options=dict(
        _SECRECY,
        format=dict(type="str", choices=list(encrypt.FORMATS), default="gpg"),
        spool=dict(type="path", default=""),
    )),
    compression=dict(type="str", choices=compress.NAMES, default="zstd"),
    compression_level=dict(type="int"),
    compression_threads=dict(type="int", default=0),
)

# What opens an existing copy.
DECRYPTION: Dict[str, Any] = dict(
    decryption=dict(type="dict", default={}, no_log=False, options=dict(
        password=dict(type="str", default="", no_log=True),
        private_keys=dict(type="list", elements="str", default=[], no_log=True),
        key_reference=dict(type="str", default="", no_log=False),
        custody=dict(type="raw", default=""),
        custodians=dict(type="list", elements="str", default=[]),
    )),
)

# How an existing copy is opened.
OPENING: Dict[str, Any] = dict(DECRYPTION, sha256=dict(type="str", default=""), scratch=dict(type="path", default=""))

ASSIGNED: Dict[str, Any] = dict(assigned_paths=dict(type="list", elements="path", default=[]))
