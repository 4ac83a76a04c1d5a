# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's part: its signatures are the official SDK's, and a server gets one for its own copy only."""

from __future__ import annotations

import base64
import calendar
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qs

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.media import catalogue
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.media.base import Slot
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.processes.channel import Channel
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.restic import azure_repository
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._azure import sas, storage
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._copying import clouds as _clouds
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._copying.line import told
from azure.storage.blob import BlobSasPermissions
from azure.storage.blob import _shared_access_signature as official

KEY = base64.b64encode(b"k" * 64).decode()
SLOT = Slot("database", "SIGA", "SIGA_20261124")
MEDIUM = {"name": "nube", "type": "azure_blob", "storage_account_name": "backupacct", "container": "copias", "prefix": "lima",
          "auth": {"account_key": KEY}}


@pytest.mark.parametrize("blob", ["lima/database/SIGA/SIGA_20261124/SHA256SUMS", ""])
@pytest.mark.parametrize("delegated", [True, False])
def test_signatures_are_those_of_the_official_sdk(monkeypatch, blob, delegated):
    monkeypatch.setattr(official, "X_MS_VERSION", sas.VERSION)
    key = sas.DelegationKey("oid", "tid", "2026-11-24T00:00:00Z", "2026-11-25T00:00:00Z", "b", "2026-04-06", KEY) if delegated else KEY
    ours = {name: values[0] for name, values in parse_qs(sas.sign(key, "backupacct", "copias", blob, "c", 600)).items()}
    given = SimpleNamespace(signed_oid="oid", signed_tid="tid", signed_start="2026-11-24T00:00:00Z", signed_expiry="2026-11-25T00:00:00Z",
                            signed_service="b", signed_version="2026-04-06", value=KEY, signed_delegated_user_tid=None)
    signer = official.BlobSharedAccessSignature("backupacct", None if delegated else KEY, given if delegated else None)
    more = {"permission": BlobSasPermissions(create=True), "expiry": ours["se"], "start": ours["st"], "protocol": "https"}
    theirs = signer.generate_blob("copias", blob, **more) if blob else signer.generate_container("copias", **{**more, "permission": "c"})
    assert ours == {name: values[0] for name, values in parse_qs(theirs).items()}


def test_a_server_gets_a_signature_for_its_own_copy_and_for_nothing_else():
    account = storage.Account(MEDIUM)
    clouds = {"nube": account}
    below = "nube/lima/database/SIGA/SIGA_20261124/"
    given = parse_qs(_clouds._signed(clouds, SLOT, "sign", below + "SIGA_20261124.dump", None))
    assert given["sp"] == ["c"] and given["sr"] == ["b"] and given["spr"] == ["https"]
    assert parse_qs(_clouds._signed(clouds, SLOT, "sign", below + "x", sas.READ))["sp"] == ["r"]
    for wrong in ("nube/lima/database/SIGA/SIGA_20261123/x", "nube/lima/database/SIGA/SIGA_20261124/a/b", "nube/x", "otra/" + below, "nube/"):
        with pytest.raises(BackupError) as refused:
            _clouds._signed(clouds, SLOT, "sign", wrong, None)
        assert refused.value.fault.name == "azure_refused"
    with pytest.raises(BackupError):
        _clouds._signed(clouds, SLOT, "erase", below + "x", None)


def test_only_a_file_server_gets_another_signature_for_the_repository_and_never_a_wider_one():
    clouds = {"nube": storage.Account(MEDIUM)}
    share = SLOT._replace(kind="file_server", system="RRHH", label="RRHH_20261124")
    for permissions, expected, hours in ((None, "rcwdl", 12), (sas.READ, "rl", 72)):
        given = parse_qs(_clouds._signed(clouds, share, "repository", "nube", permissions))
        ends = calendar.timegm(time.strptime(given["se"][0], "%Y-%m-%dT%H:%M:%SZ"))
        assert given["sr"] == ["c"] and given["sp"] == [expected] and abs(ends - time.time() - hours * 3600) < 60
    for slot, argument in ((SLOT, "nube"), (share, "otra"), (share, "nube/x")):
        with pytest.raises(BackupError) as refused:
            _clouds._signed(clouds, slot, "repository", argument, None)
        assert refused.value.fault.name == "azure_refused"


def test_a_controller_that_is_silent_stops_no_copy_whose_signature_is_good(monkeypatch):
    signature = sas.sign(KEY, "backupacct", "copias", "", "rcwdl", 3600)
    medium = catalogue.build({**{name: value for name, value in MEDIUM.items() if name != "auth"}, "session": {"repository": signature}})
    place = azure_repository.AzurePlace(medium, "RRHH")
    asked = []

    def ask(*question):
        asked.append(question)
        raise BackupError("controller_silent", question="repository", seconds=120)

    monkeypatch.setattr(medium.channel, "ask", ask)
    assert ("AZURE_ACCOUNT_SAS", signature) in place.access().secrets and not asked
    place.renew_at = time.time()
    assert ("AZURE_ACCOUNT_SAS", signature) in place.access().secrets and len(asked) == 1
    assert ("AZURE_ACCOUNT_SAS", signature) in place.access().secrets and len(asked) == 1, "it is asked again only later"
    place.renew_at = place.until = time.time()
    with pytest.raises(BackupError) as silent:
        place.access()
    assert silent.value.code == "RSP417"


def test_what_a_server_gets_holds_no_identity():
    account = storage.Account(MEDIUM)
    given = account.for_deposit(SLOT, "channel", True)
    assert "auth" not in given and KEY not in str(given)
    assert set(given["session"]["keys"]) == {"lima/database/SIGA/SIGA_20261124/" + name for name in ("SHA256SUMS", "SIGA_20261124.json")}


def test_tags_hold_only_what_the_service_takes():
    assert storage._tag_value("Órgano: ñ/1, €") == "Organo: n/1_ _"


def test_how_far_a_long_copy_is_in_words():
    half = {"medium": "nube", "done": 512 << 20, "expected": 1 << 30}
    assert told(half, (512 << 20) / 10) == "50 % de unos 1,0 GiB, 512,0 MiB en nube, 51,2 MiB/s, faltan 00:00:10"
    assert told({"medium": "nube", "done": 512, "expected": 0}, 512.0) == "512 B en nube, 512 B/s"


def test_nobody_is_asked_without_a_line():
    channel = Channel("")
    channel.tell(done=1)
    assert channel.ask("sign", "x") == ""


@pytest.mark.parametrize(("second", "taken"), [("better", "better"), ("spent", "spent")])
def test_a_controller_that_has_no_better_answer_is_not_waited_for(second, taken):
    """A given signature that ran out is all it has: the service's own refusal is told then, and not that the controller is silent."""
    channel = Channel("test-" + os.urandom(8).hex())
    channel.tell(done=0)
    path = Path(channel.path)

    def answer(told):
        while not (path / "ask").exists():
            time.sleep(0.01)
        (path / "ask").unlink()
        (path / "answers.new").write_text(json.dumps({"sign\tnube/x": told}))
        (path / "answers.new").rename(path / "answers")

    for said, refused, expected in (("spent", "", "spent"), (second, "spent", taken)):
        controller = threading.Thread(target=answer, args=(said,))
        controller.start()
        began = time.monotonic()
        assert channel.ask("sign", "nube/x", refused) == expected and time.monotonic() - began < 30
        controller.join()
    channel.close()


def test_a_play_without_a_cloud_imports_no_azure_package():
    code = ("import sys; from ansible_collections.perucompras.respaldo.plugins.plugin_utils._copying import opening, sealing; "
            "print([name for name in sys.modules if name.split('.')[0] in ('azure', 'msal', 'knack') or '_azure' in name])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          env={"PYTHONPATH": ":".join(path for path in sys.path if path)})
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("given", ["sv=2024-11-04&sp=rwl&sig=abc%2B%3D\n", " ?sv=2024-11-04&sp=rwl&sig=abc%2B%3D ", "sv=2024-11-04&sp=rwl&sig=abc%2B%3D"])
def test_a_signature_is_taken_as_yaml_and_the_portal_give_it(given):
    account = storage.Account({**MEDIUM, "auth": {"sas_token": given}})
    assert account.sign("x", "r") == "sv=2024-11-04&sp=rwl&sig=abc%2B%3D"


@pytest.mark.parametrize("given", ["sv=2024-11-04&sig=SECRE TO123", "sv=2024-11-04&sig=SECRE\nTO123", "https://x/?sv=1&sig=SECRETO123", "SECRETO123",
                                   "sig=SECRETñ"])
def test_a_signature_that_is_none_is_refused_before_anything_and_not_told(given):
    with pytest.raises(BackupError) as wrong:
        storage.Account({**MEDIUM, "auth": {"sas_token": given}})
    assert wrong.value.code == "RSP101" and "SECRE" not in wrong.value.message + wrong.value.spanish and "TO123" not in wrong.value.message
