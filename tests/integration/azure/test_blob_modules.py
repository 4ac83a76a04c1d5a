# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""azure_blob_upload, azure_blob_download and azure_blob_info as tasks of a play."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import chain
from bench import ACCOUNT, KEY

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def task(tmp_path, bench):
    """Runs one module of ours in a play; gives its result."""

    def run(name, *options, **arguments):
        medium = {"name": "nube", "type": "azure_blob", "storage_account_name": ACCOUNT, "endpoint": bench.relay.url, "container": bench.container,
                  "prefix": "lima", "ca_certs": str(bench.azurite.ca), "auth": {"account_key": KEY, "deposit_permissions": "cw"},
                  **arguments.pop("changed", {})}
        tasks = [{"perucompras.respaldo." + name: {"medium": medium, **arguments}, "register": "told"},
                 {"ansible.builtin.copy": {"content": "{{ told | to_json }}", "dest": str(tmp_path / "told"), "mode": "0600"}, "check_mode": False}]
        tasks[0]["ignore_errors"] = True
        (tmp_path / "play.yml").write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "RESPALDO_"))}
        environment.update(HOME=str(tmp_path), RESPALDO_BITACORA=str(tmp_path / "b.sqlite"), ANSIBLE_CONFIG=str(ROOT / "ansible.cfg"), ANSIBLE_NOCOLOR="1")
        done = subprocess.run([str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", "-c", "local", "-e",
                               f"ansible_python_interpreter={sys.executable}", str(tmp_path / "play.yml"), *options],
                              env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT, timeout=120, check=False)
        assert KEY not in done.stdout and "sig=" not in done.stdout
        assert (tmp_path / "told").exists(), done.stdout
        return json.loads((tmp_path / "told").read_text())

    return run


def test_a_file_goes_there_and_comes_back(task, bench, tmp_path):
    data = os.urandom((20 << 20) + 1)
    (tmp_path / "imagen").write_bytes(data)
    assert task("azure_blob_upload", "--check", src=str(tmp_path / "imagen"), blob="x/imagen")["changed"] and bench.names() == []
    sent = task("azure_blob_upload", src=str(tmp_path / "imagen"), blob="x/imagen")
    assert sent["changed"] and sent["bytes_sent"] == len(data)
    assert sent["files"] == [{"blob": "x/imagen", "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}]
    before = bench.relay.passed
    assert task("azure_blob_upload", src=str(tmp_path / "imagen"), blob="x/imagen")["changed"] is False
    assert bench.relay.passed - before < 1 << 17, "the same bytes again are not sent"
    (tmp_path / "imagen").write_bytes(data[:-1] + b"z")
    assert task("azure_blob_upload", src=str(tmp_path / "imagen"), blob="x/imagen")["error"]["code"] == "RSP403"
    back = task("azure_blob_download", blob="x/imagen", dest=str(tmp_path / "vuelta"))
    assert back["changed"] and back["verified"] and (tmp_path / "vuelta").read_bytes() == data
    assert (tmp_path / "vuelta").stat().st_mode & 0o777 == 0o600
    assert task("azure_blob_download", blob="x/imagen", dest=str(tmp_path / "vuelta"))["changed"] is False
    told = task("azure_blob_info", blob="x/")["blobs"]
    assert [(row["name"], row["size"], row["sha256"]) for row in told] == [("x/imagen", len(data), hashlib.sha256(data).hexdigest())]


def test_a_whole_copy_goes_there(task, bench, tmp_path):
    (tmp_path / "SIGA_20261122").mkdir()
    for name in ("SHA256SUMS", "a", "b"):
        (tmp_path / "SIGA_20261122" / name).write_text(name)
    told = task("azure_blob_upload", src=str(tmp_path / "SIGA_20261122"))
    assert [row["blob"] for row in told["files"]] == ["SIGA_20261122/a", "SIGA_20261122/b", "SIGA_20261122/SHA256SUMS"]
    assert bench.names() == ["lima/SIGA_20261122/" + name for name in ("SHA256SUMS", "a", "b")]


def test_what_is_wrong_is_told(task, bench, tmp_path):
    assert task("azure_blob_upload", src=str(tmp_path / "nada"), blob="x")["error"]["code"] == "RSP101"
    assert task("azure_blob_download", blob="nada", dest=str(tmp_path / "x"))["error"]["code"] == "RSP405"
    assert task("azure_blob_info", changed={"container": "no--vale"})["error"]["code"] == "RSP101"
    bench.client.upload_blob("lima/otro", b"somebody's", metadata={"sha256": "0" * 64})
    assert task("azure_blob_download", blob="otro", dest=str(tmp_path / "x"))["error"]["code"] == "RSP501"
    assert not (tmp_path / "x").exists() and not (tmp_path / "x.part").exists()


def test_an_archived_blob_is_told_and_asked_for(task, bench, tmp_path):
    (tmp_path / "viejo").write_text("viejo")
    task("azure_blob_upload", src=str(tmp_path / "viejo"), changed={"tier": "archive"})
    assert task("azure_blob_download", blob="viejo", dest=str(tmp_path / "x"))["error"]["code"] == "RSP415"
    assert task("azure_blob_info", "--check", rehydrate=True)["asked"] == ["viejo"]
    assert task("azure_blob_info", rehydrate=True)["changed"] and task("azure_blob_info")["blobs"][0]["archived"] is False


def test_the_seals_of_the_bitacora_go_to_a_blob_that_can_only_grow(task, bench, tmp_path):
    """bitacora_anchor_blob, as anchor.yml runs it; the blob is what the verifier takes as an anchor."""
    assert task("bitacora_anchor_blob")["error"]["code"] == "RSP709", "no run had sealed it before"
    assert task("bitacora_anchor_blob", "--check")["seals"] >= 1 and bench.names() == []
    first = task("bitacora_anchor_blob")
    second = task("bitacora_anchor_blob")
    assert first["seals"] >= 1 and second["sealed_n"] > first["sealed_n"]
    blob = bench.client.get_blob_client("lima/bitacora/sellos.jsonl")
    kept = blob.download_blob().readall().decode()
    assert len(kept.splitlines()) == first["seals"] + second["seals"] and blob.get_blob_properties().blob_type == "AppendBlob"
    (tmp_path / "sellos.jsonl").write_text(kept)
    command = [sys.executable, chain.__file__, str(tmp_path / "b.sqlite"), "--anchor", str(tmp_path / "sellos.jsonl"), "--key",
               json.loads(kept.splitlines()[0])["public_key"]]
    assert subprocess.run(command, capture_output=True, text=True, check=False).returncode == 0
    (tmp_path / "sellos.jsonl").write_text(kept.replace('"signature": "', '"signature": "00'))
    assert subprocess.run(command, capture_output=True, text=True, check=False).returncode == 1
