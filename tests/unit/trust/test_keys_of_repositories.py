# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which repository's key a file server's copy may have: its own, and one shared with others only as the inventory says."""

from __future__ import annotations

import types

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._copying.opening import RestoreAction, VerifyAction

ASKED = {"label": "RRHH_20261127", "system": "RRHH", "kind": "file_server"}


class Written(dict):
    """What each host's variables say, as Ansible gives them unread."""

    raw_get = dict.__getitem__


def action(kind=VerifyAction, name="backup_verify"):
    made = object.__new__(kind)
    made._task = types.SimpleNamespace(action="perucompras.respaldo." + name)
    made._loader = None
    return made


def inventory(host="evil", **systems):
    rows = {}
    for name, (repository, office) in systems.items():
        source = {"type": "restic", "paths": ["/srv"], "repository": repository}
        rows[name] = {"backup_systems": [{"name": "RRHH", "kind": "file_server", "criticality": "media", "office": office, "source": source}]}
    hosts = Written({"evil": {}, "files1": {}, **rows})
    return {"inventory_hostname": host, "hostvars": hosts, "groups": {"all": list(hosts)}}


def references(task_vars, **more):
    return [each.split("/")[1] for each in action().key_references({**ASKED, **more}, task_vars)]


def test_the_inventory_says_which_repository():
    """S2: of this host first; what a copy's record says of its office counts for nothing where the inventory speaks."""
    forged = {"record": {"office": "LEGAL"}}
    assert references(inventory(evil=("system", "RRHH")), **forged) == ["RRHH"]
    assert references(inventory(evil=("office", "RRHH")), **forged) == ["organo-RRHH", "RRHH"]
    assert references(inventory(evil=("server", "RRHH")), **forged) == ["servidor-evil", "RRHH"]
    # a restore elsewhere: as the host that has it declares it
    assert references(inventory(files1=("server", "RRHH"))) == ["servidor-files1", "RRHH"]
    assert references(inventory(evil=("system", "RRHH"), files1=("office", "LEGAL"))) == ["RRHH"]
    # none declares it: by the task's own words
    assert references(inventory(), source={"repository": "server"}) == ["servidor-evil", "RRHH"]
    assert references(inventory()) == ["RRHH"]


@pytest.mark.parametrize("named", ["custodia:file_server/organo-LEGAL/repositorio", "custodia:file_server/LEGAL/repositorio",
                                   "custodia:database/SIGA/SIGA_20261127"])
def test_another_repositorys_key_is_refused(tmp_path, named):
    """S2: before any custodian is asked."""
    arguments = {**ASKED, "decryption": {"custody": str(tmp_path), "key_reference": named}}
    with pytest.raises(BackupError) as caught:
        action().decryption(arguments, inventory(evil=("system", "RRHH")))
    assert caught.value.code == "RSP811" and named in caught.value.message


def test_another_repository_is_not_opened():
    """S2: nor the one that an old entry names, for what could be read of a copy."""
    with pytest.raises(BackupError) as caught:
        action(RestoreAction, "backup_restore").work({**ASKED, "partial": True, "repository": "organo-LEGAL"}, inventory(evil=("system", "RRHH")))
    assert caught.value.code == "RSP811"
