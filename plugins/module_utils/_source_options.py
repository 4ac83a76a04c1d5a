# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of each source but file servers', by the names they have in the inventory's `source`. A module that reads one kind takes that one."""

from __future__ import annotations

from typing import Any, Dict

# How each source is reached and read; the same names as in the inventory's `source`.
DATABASE_SOURCE: Dict[str, Any] = dict(
    type=dict(type="str", required=True, choices=["postgresql", "mariadb", "sqlite", "command"]),
    databases=dict(type="raw"),
    host=dict(type="str", default=""),
    port=dict(type="int", default=0),
    user=dict(type="str", default=""),
    password=dict(type="str", default="", no_log=True),
    run_as=dict(type="str", default=""),
    socket=dict(type="path", default=""),
    bin_dir=dict(type="path", default=""),
    globals=dict(type="bool", default=True),
    owners=dict(type="bool", default=True),
    rehearse_on_live=dict(type="bool", default=False),
    strict=dict(type="bool", default=False),
    jobs=dict(type="int", default=1),
    jobs_from=dict(type="int", default=4294967296),
    scratch_server=dict(type="dict", options=dict(
        host=dict(type="str", default=""), port=dict(type="int", default=0), user=dict(type="str", default=""),
        password=dict(type="str", default="", no_log=True), run_as=dict(type="str", default=""), socket=dict(type="path", default=""))),
    on_missing=dict(type="str", choices=["tell", "refuse", "partial"], default="tell"),
    path=dict(type="path", default=""),
    work_dir=dict(type="path", default=""),
    dump=dict(type="list", elements="str", default=[]),
    verify=dict(type="list", elements="str", default=[]),
    restore=dict(type="list", elements="str", default=[]),
    rehearse=dict(type="list", elements="str", default=[]),
    extension=dict(type="str", default="dump"),
)

GIT_SOURCE: Dict[str, Any] = dict(
    type=dict(type="str", choices=["git"], default="git"),
    path=dict(type="path", default=""),
    url=dict(type="str", default=""),
    identity_file=dict(type="path", default=""),
    ssh_key=dict(type="str", default="", no_log=True),
    known_hosts=dict(type="str", default=""),
    ca_certs=dict(type="str", default=""),
    proxy=dict(type="str", default=""),
    username=dict(type="str", default=""),
    password=dict(type="str", default="", no_log=True),
    lfs=dict(type="str", choices=["auto", "require", "skip"], default="auto"),
    work_dir=dict(type="path", default=""),
)

PATHS_SOURCE: Dict[str, Any] = dict(
    type=dict(type="str", choices=["paths"], default="paths"),
    paths=dict(type="list", elements="path", default=[]),
    exclude=dict(type="list", elements="str", default=[]),
)

MAILBOX_SOURCE: Dict[str, Any] = dict(
    type=dict(type="str", choices=["imap", "graph"], default="imap"),
    host=dict(type="str", default=""),
    user=dict(type="str", default=""),
    password=dict(type="str", default="", no_log=True),
    port=dict(type="int", default=0),
    ca_certs=dict(type="str", default=""),
    oauth=dict(type="dict", options=dict(
        tenant=dict(type="str", required=True), client_id=dict(type="str", required=True), client_secret=dict(type="str", default="", no_log=True),
        certificate=dict(type="str", default=""), private_key=dict(type="str", default="", no_log=True),
        scope=dict(type="str", default=""), authority=dict(type="str", default=""), ca_certs=dict(type="str", default=""),
        proxy=dict(type="str", default=""))),
    endpoint=dict(type="str", default=""),
    work_dir=dict(type="path", default=""),
    compare=dict(type="str", choices=["sample", "all"], default="sample"),
    on_missing=dict(type="str", choices=["refuse", "partial"], default="refuse"),
)
