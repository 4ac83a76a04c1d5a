# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays against a server whose root lies: it learns no secret of another system, and speaks for none."""

from __future__ import annotations

import contextlib
import shutil
import socket
import threading

import pytest
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store

_FOREIGN = {"name": "SIGA", "kind": "database", "criticality": "media", "office": "x", "source": {"type": "sqlite", "path": "/nonexistent"}}


@contextlib.contextmanager
def _listener():
    """A port of this machine, and who came to it."""
    came: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        def wait() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, address = server.accept()
                    came.append(str(address))
                    connection.close()

        threading.Thread(target=wait, daemon=True).start()
        yield server.getsockname()[1], came


def test_facts_replace_no_inventory(institution):
    """S1 A and B: neither other systems' passwords nor the controller's identity leave by facts in a module's answer."""
    secret = institution.password("SIGA")
    # facts of the first verification count from the second on
    institution.begin_with("PORTAL")
    assert institution.run("--limit", "evil", "-e", '{"backup_only": ["PORTAL"]}').returncode == 0
    with _listener() as (port, came):
        auth = {"auth_source": "env", "authority": f"https://127.0.0.1:{port}"}
        media = [{"name": "disco", "type": "azure_blob", "storage_account_name": "cuenta", "container": "ccc", "auth": auth}]
        for facts in ({"backup_systems": [{}, _FOREIGN]}, {"backup_media": media}):
            told = {"ansible_facts": facts, "_ansible_facts_cacheable": True, "add_host": {"host_name": "otro"}}
            institution.lie(dict.fromkeys(("backup_verify", "backup_info"), told))
            done = institution.run("--limit", "evil", "-e", "verify_level=T1", playbook="verify.yml",
                                   AZURE_CLIENT_ID="c", AZURE_CLIENT_SECRET="SECRETO-DEL-PRINCIPAL", AZURE_TENANT_ID="t")
            assert done.returncode == 0, done.stdout
            assert "SIGA" not in done.stdout and secret not in institution.given()
        assert came == [], "the controller went where a server sent it"
    assert institution.password("WEB") in institution.given(), "its own password it does get: the test would see another's"
    assert [entry for entry in institution.entries("copy_verified") if entry["system"] not in ("WEB", "PORTAL")] == []


@pytest.mark.parametrize("playbook", ["plan.yml", "verify.yml", "bitacora.yml", "restore.yml"])
def test_a_controller_that_injects_facts_is_refused(bare, playbook):
    """S1: an installed collection does not see our ansible.cfg; each play says what line is missing before anything is asked of a server."""
    chosen = ("-e", "restore_host=evil", "-e", "restore_kind=database", "-e", "restore_system=WEB", "-e", "restore_target=x") if "restore" in playbook else ()
    done = bare.run(*chosen, playbook=playbook, ANSIBLE_INJECT_FACT_VARS="True")
    assert done.returncode != 0 and "RSP115" in done.stdout and "inject_facts_as_vars = False" in done.stdout, done.stdout
    assert "Agregue la línea" in done.stdout and "/ansible.cfg" in done.stdout, done.stdout
    assert bare.given() == "", "a server was asked"


def test_a_key_reference_is_the_controllers(institution):
    """S2: a key that a server names in its result is not recorded, and one that an old entry names is not given."""
    siga, secret = institution.copy_of("SIGA"), institution.password("SIGA")
    foreign = siga["key_reference"]
    institution.lie({"backup_database": {"backup.key_reference": foreign, "backup.key_id": "x", "backup.custodians": ["y"], "backup.office": "otra"}})
    done = institution.run("--limit", "evil")
    assert done.returncode == 0, done.stdout
    made = institution.last_run("copy_made")[0]
    assert made["key_reference"] == f"custodia:database/WEB/{made['label']}" and made["office"] == "Órgano de prueba"
    assert made["key_id"] != "x" and made["custodians"] != ["y"]
    institution.lie({})
    # a copy of a release that believed it, and recorded it
    old = "WEB_20250101"
    shelf = institution.medium / "database" / "WEB"
    shutil.copytree(shelf / made["label"], shelf / old)
    with open_store(str(institution.bitacora)) as store:
        told = {name: made[name] for name in ("system", "kind", "host", "medium", "sha256", "size", "trust_level", "criticality", "office", "encrypted", "run")}
        store.append("copy_made", {**told, "label": old, "started_at": "2025-01-01T05:00:00Z", "key_reference": foreign}, made["at_event"], "viejo", 1)
    done = institution.run("--limit", "evil", "-e", "verify_copies=0", playbook="verify.yml")
    assert done.returncode == 2 and "RSP811" in done.stdout and secret not in institution.given(), done.stdout
    assert [(entry["error_code"], entry["label"]) for entry in institution.last_run("verification_failed")] == [("RSP811", old)]


_ENTRY = {"event": "copy_pruned", "label": "", "system": "SIGA", "kind": "database", "medium": "disco"}
# (what verify.yml's backup_verify answers, whether the play then is good)
_LIES = {
    "identity of another": ({"backup.label": "SIGA_20261101", "backup.system": "SIGA", "backup.kind": "file_server", "backup.medium": "otro"}, True),
    "a list of entries": ({"backup": [_ENTRY, {**_ENTRY, "event": "copy_made"}]}, False),
    "failed without a word": ({"failed": True, "error": {"code": "RSP000"}, "msg": "\x1b]0;x\x07\x1b[2J"}, False),
    "a number beyond": ({"backup.size": 10 ** 400, "backup.duration_ms": -1, "backup.started_at": "ayer"}, True),
    "no JSON": ("\x1b[2Jhola", False),
    "no end": ("[" * 100000, False),
}


def test_a_lie_speaks_for_nobody_else(institution):
    """S3: whatever is answered, no entry about another system is made, and what fails tells a code and an entry."""
    for name, (lie, good) in _LIES.items():
        institution.lie({"backup_verify": lie})
        done = institution.run("--limit", "evil", playbook="verify.yml")
        told = institution.last_run()
        assert (done.returncode == 0) == good, name + done.stdout
        assert "Traceback" not in done.stdout and "\x1b" not in done.stdout and "Error:" not in done.stdout, name + done.stdout
        assert [entry for entry in told if entry.get("system", "WEB") != "WEB" or entry["type"] in ("copy_pruned", "copy_made")] == [], name
        ends = [entry["type"] for entry in told if entry["type"] in ("copy_verified", "verification_failed")]
        assert ends == ["copy_verified" if good else "verification_failed"], name
        assert good or all(entry["error_code"].startswith("RSP") for entry in told if entry["type"] == "verification_failed"), name
        if good:
            verified = next(entry for entry in told if entry["type"] == "copy_verified")
            assert (verified["medium"], verified["kind"], verified["label"]) == ("disco", "database", institution.copy_of("WEB")["label"])
            assert 0 <= verified.get("duration_ms", 0) < 10 ** 9 and verified.get("size", 0) < 2 ** 63 and verified["started_at"].startswith("20")
