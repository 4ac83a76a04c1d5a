# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controller commits in a cloud has the names of the copy, or of the upload, that it asked for."""

from __future__ import annotations

import json

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.media import sums_file
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.media.azure_blocks import block_id
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.media.base import SUMS, Slot
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._azure.storage import Account

SHA = "a" * 64


def refused(name, call):
    with pytest.raises(BackupError) as caught:
        call()
    assert caught.value.fault.name == name, caught.value.message
    return caught.value


@pytest.fixture
def account():
    """A container behind a port that nobody listens at: what is refused is refused before any request."""
    found = Account({"name": "nube", "type": "azure_blob", "storage_account_name": "cuenta", "container": "copias", "endpoint": "https://127.0.0.1:9/cuenta",
                     "retry_seconds": 0, "auth": {"account_key": "a2V5"}})
    yield found
    found.close()


STAGED = {"size": 3, "sha256": SHA, "ids": block_id(0, b"0" * 16)}


def note_of(**changed):
    """A server's note of a sealed copy, and the digest of its list."""
    label = "PORTAL_20261127"
    files = {label + ".json": STAGED, label + ".dump.zst.gpg": STAGED}
    sums = "".join(f"{file['sha256']}  {name}\n" for name, file in files.items())
    digest = sums_file.file_of_bytes(SUMS, sums.encode()).sha256
    told = {"sums": sums, "files": {**files, SUMS: {**STAGED, "sha256": digest}}}
    for name, value in changed.items():
        told[name] = {**told[name], **value} if isinstance(value, dict) else value
    return Slot("source_code", "PORTAL", label), digest, json.dumps(told)


@pytest.mark.parametrize("name", ["../../database/SIGA/SIGA_20261128/SHA256SUMS", "database/x", "..", "SIGA_20261128.json", "PORTAL_20261127.a/b",
                                  "PORTAL_20261127.%2e%2e", "PORTAL_20261127.\\x", "PORTAL_20261127." + "x" * 300])
def test_the_controller_commits_the_copys_files_only(account, name):
    """S20: a name that is not in the copy's list of sums, or is no plain name of its label, is refused before any is committed."""
    slot, digest, note = note_of(files={name: STAGED})
    assert "staged" in refused("azure_refused", lambda: account.medium.publish(slot, digest, note)).message


@pytest.mark.parametrize("changed", [{"sums": "x"}, {"files": {"PORTAL_20261127.json": {"size": -1, "sha256": SHA, "ids": ""}}}, {"sums": None},
                                     {"files": {"PORTAL_20261127.json": 7}}, {"files": 7},
                                     {"files": {"PORTAL_20261127.json": {**STAGED, "ids": "<x/>" * 7}}}])
def test_an_odd_note_is_refused(account, changed):
    """S20: a note that is not of this list of sums, or has another form, ends in a coded error before any request."""
    slot, digest, note = note_of(**changed)
    assert refused_any(lambda: account.medium.publish(slot, digest, note)) in ("azure_refused", "copy_missing")
    assert refused_any(lambda: account.medium.publish(slot, digest, "[]")) == "copy_missing"


def refused_any(call):
    with pytest.raises(BackupError) as caught:
        call()
    return caught.value.fault.name


def test_a_true_note_goes_on_to_the_service(account):
    """The test above would pass as well if everything were refused."""
    slot, digest, note = note_of()
    assert refused_any(lambda: account.medium.publish(slot, digest, note)) == "medium_unreachable"


@pytest.mark.parametrize("name", ["otra/a", "subida/../x", "subida/..", "subida/a/b", "subida", "subida/a\\b", "subida/" + "x" * 300, "../subida/a"])
def test_an_upload_commits_below_its_own_name_only(account, name):
    """S20: what a server staged for an upload is that blob, or one level below it."""
    found = refused_any(lambda: account.commit("subida", {name: STAGED}))
    assert found == ("medium_unreachable" if name == "subida" else "azure_refused")
    assert refused_any(lambda: account.commit("subida", {"subida/a": {"size": "x"}})) == "azure_refused"
