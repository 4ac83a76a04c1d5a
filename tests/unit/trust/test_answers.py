# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An answer of a server is in its form and about what was asked, or an error of the catalogue."""

from __future__ import annotations

import json
import os
import types

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._copying import answers
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._custodians import custody
from hypothesis import given, settings
from hypothesis import strategies as st

SHA = "a" * 64
MEDIUM = {"name": "disco", "path": "/srv/copias"}
RECORD = {"criticality": "media", "office": "OTI", "key_reference": "custodia:database/WEB/WEB_20261127"}
COPY = {"label": "WEB_20261127", "system": "WEB", "kind": "database", "record": RECORD}
ARGUMENTS = {
    "backup_database": {**COPY, "media": [MEDIUM], "source": {"type": "sqlite"}, "encryption": {"password": "x", "key_reference": RECORD["key_reference"]}},
    "backup_publish": {**COPY, "media": [MEDIUM], "sha256": SHA},
    "backup_verify": {**COPY, "medium": MEDIUM, "sha256": SHA, "level": "T2"},
    "backup_restore": {**COPY, "medium": MEDIUM, "sha256": SHA, "target": "web"},
    "backup_transfer": {**COPY, "medium": MEDIUM, "source": MEDIUM, "sha256": SHA, "trust_level": "T2"},
    "backup_prune": {**COPY, "medium": MEDIUM, "sha256": SHA, "victims": [{"label": "WEB_20250101", "sha256": SHA, "reason": "antigua"}]},
    "backup_info": {"medium": MEDIUM, "shelves": ["database/WEB"]},
    "backup_git_info": {"source": {"type": "git"}}, "backup_archive_info": {"source": {"type": "paths", "paths": ["/srv"]}},
    "azure_blob_upload": {"medium": MEDIUM, "blob": "x", "src": "/x"},
    "azure_blob_download": {"medium": MEDIUM, "blob": "x", "dest": "/x"},
    "shared_folder": {"folders": [{"name": "RRHH", "path": "/srv/rrhh", "office": "RRHH"}]},
    "shared_folder_info": {"folders": [{"name": "RRHH", "path": "/srv/rrhh", "office": "RRHH"}]},
}
ALWAYS = {"changed", "failed", "msg", "error", "warnings", "backup"}
GOOD = {"event": "copy_verified", "sha256": SHA, "size": 1, "trust_level": "T2"}

_json = st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=20),
                     lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4), max_leaves=12)
_names = st.sampled_from(["failed", "changed", "msg", "error", "warnings", "backup", "results", "ansible_facts", "_ansible_no_log", "add_host", "diff",
                          "manifest", "restored", "sealed", "staged", "copies", "shelves", "leftovers", "digest", "folders", "reports", "deferred"])
_fields = st.sampled_from(["event", "label", "system", "kind", "medium", "size", "sha256", "started_at", "trust_level", "parts", "key_reference", "warnings"])
_entry = st.dictionaries(_fields, _json | st.sampled_from(["copy_verified", "copy_made", "copy_failed", "SIGA", "SIGA_20261127", SHA, "T4"]), max_size=8)
_error = st.fixed_dictionaries({"code": st.sampled_from(["RSP402", "RSP0"])})
_answer = st.dictionaries(_names, _json | _entry | st.lists(_entry, max_size=3) | _error, max_size=8)


def ask(module, answer, simulated=False):
    return answers.heard(answers.asking(module, "evil", ARGUMENTS[module], simulated), answer)


def refused(name, call):
    with pytest.raises(BackupError) as caught:
        call()
    assert caught.value.fault.name == name, caught.value.message
    return caught.value


def test_what_a_module_warns_of_is_heard_as_text_and_as_event():
    """ansible-core 2.19 and later hand a module's warnings over as events, earlier ones as text; anything else is none."""
    event = types.SimpleNamespace(event=types.SimpleNamespace(msg="dos\x1b[2J"))
    told = ask("backup_info", {"copies": [], "warnings": ["uno", event, 3, {"event": {"msg": "x"}}, types.SimpleNamespace(event=None)]})["warnings"]
    assert [text[:3] for text in told] == ["uno", "dos"] and "\x1b" not in told[1]


@pytest.mark.slow
@settings(max_examples=int(os.environ.get("RESPALDO_LIES", "300")), deadline=None)
@given(st.sampled_from(sorted(ARGUMENTS)), _json | _answer, st.booleans())
def test_any_answer_is_a_result_of_ours_or_a_coded_error(module, answer, simulated):
    """S1, S3: an answer of any form ends as keys of the module's own, entries of the controller's words, or an error of the catalogue."""
    try:
        told = ask(module, answer, simulated)
    except BackupError:
        return
    assert set(told) <= ALWAYS | set(answers.MODULES[module].keys)
    entries = told.get("backup", [])
    for entry in entries if isinstance(entries, list) else [entries]:
        assert entry.get("system", "WEB") in ("WEB", "RRHH") and entry.get("label", "WEB_20261127") in ("WEB_20261127", "WEB_20250101")
        assert entry.get("key_reference", RECORD["key_reference"]) == RECORD["key_reference"] and entry.get("medium", "disco") == "disco"
    assert all(ord(letter) >= 32 for letter in json.dumps(told, ensure_ascii=False))


def test_an_honest_answer_stays_whole():
    """What a true module says of its own copy is kept, and nothing is called refused."""
    told = ask("backup_verify", {"changed": False, "manifest": {"label": "WEB_20261127"}, "invocation": {}, "backup": {
        **GOOD, "label": "WEB_20261127", "printed_label": "WEB_2026 11 27", "system": "WEB", "kind": "database", "medium": "disco",
        "location": "/srv/copias/database/WEB/WEB_20261127", "criticality": "media", "office": "OTI", "checks": ["sha256"],
        "key_reference": RECORD["key_reference"]}})
    assert told["backup"]["checks"] == ["sha256"] and "refused_fields" not in told["backup"] and told["backup"]["size"] == 1
    assert told["manifest"] == {"label": "WEB_20261127"} and "invocation" not in told


def test_what_is_about_another_thing_is_refused():
    """S3: another copy's digest, a higher trust, a victim or folder that was not asked for, one removal told twice."""
    refused("answer_foreign", lambda: ask("backup_verify", {"manifest": {}, "backup": {**GOOD, "sha256": "b" * 64}}))
    refused("answer_foreign", lambda: ask("backup_verify", {"manifest": {}, "backup": {**GOOD, "trust_level": "T4"}}))
    refused("testimony_refused", lambda: ask("backup_verify", {"backup": {"event": "copy_pruned", "label": "WEB_20261127"}}))
    pruned = {"event": "copy_pruned", "label": "WEB_20250101", "system": "SIGA"}
    assert ask("backup_prune", {"backup": [pruned]})["backup"][0]["system"] == "WEB"
    refused("answer_foreign", lambda: ask("backup_prune", {"backup": [{**pruned, "label": "SIGA_20261127"}]}))
    refused("answer_foreign", lambda: ask("backup_prune", {"backup": [pruned, pruned]}))
    refused("answer_foreign", lambda: ask("shared_folder", {"folders": [], "backup": [{"event": "path_assigned", "system": "LEGAL"}]}))
    refused("answer_unreadable", lambda: ask("backup_database", {"backup": {"size": 1}}))
    refused("no_answer", lambda: ask("backup_database", {"failed": True, "msg": "MODULE FAILURE\x1b[2J"}))


def test_a_failure_without_an_entry_gets_the_controllers():
    """S3: the failure is recorded whatever the server leaves out; of several the roles find one too."""
    failed = {"failed": True, "error": {"code": "RSP402", "message": "full\x07"}}
    assert ask("backup_database", failed)["backup"]["event"] == "copy_failed"
    assert [entry["event"] for entry in ask("backup_prune", failed)["backup"]] == ["prune_failed"]
    assert ask("backup_database", failed)["error"]["message"] == "full "


def test_a_reference_fits_its_own_copy_only():
    """S2: kind, system and label of a key's reference are the copy's; of a file server the word that stands for a repository."""
    assert custody.fits("custodia:database/WEB/WEB_20261127", "database", "WEB", "WEB_20261127")
    for reference in ("custodia:database/SIGA/SIGA_20261127", "custodia:database/WEB/WEB_20261126", "custodia:source_code/WEB/WEB_20261127",
                      "custodia:database/WEB/../SIGA/SIGA_20261127", 7, ""):
        assert not custody.fits(reference, "database", "WEB", "WEB_20261127"), reference
    assert custody.fits("custodia:file_server/organo-OTI/repositorio", "file_server", "RRHH", "RRHH_20261127")
    assert not custody.fits("custodia:database/SIGA/SIGA_20261127", "file_server", "RRHH", "RRHH_20261127")


def test_what_a_module_warns_of_reaches_people():
    """ansible-core 2.19 and later make an object of each warning before an action sees it."""
    from ansible.module_utils._internal import _messages

    asked = answers.asking("backup_git_info", "bd1", ARGUMENTS["backup_git_info"], False)
    rows = ["de antes", _messages.WarningSummary(event=_messages.Event(msg="de ahora\x1b[2J")), 7, None]
    told = answers.heard(asked, {"changed": False, "digest": SHA, "warnings": rows})["warnings"]
    assert told[0] == "de antes" and told[1].startswith("de ahora") and "\x1b" not in told[1] and len(told) == 2
