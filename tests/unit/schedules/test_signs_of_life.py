# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""backup_heartbeats as the inventory has it, where each sign goes, and which of those that did not arrive is still told."""

from __future__ import annotations

import pytest

from plugins.module_utils._engine.errors import BackupError
from plugins.plugin_utils import _heartbeats, _pinging
from plugins.plugin_utils._decisions import heartbeats

GOOD = {"name": "hc", "url": "https://hc-ping.com", "token": "5bf66975-d4c7"}


@pytest.mark.parametrize("given, where", [
    ("x", "backup_heartbeats is no list"), (["x"], "backup_heartbeats[0] is no table"), ([GOOD, GOOD], "backup_heartbeats[1].name is the name of two"),
    ([{**GOOD, "tokens": "x"}], "backup_heartbeats[0].tokens"), ([{**GOOD, "purposes": ["copiess"]}], "backup_heartbeats[0].purposes"),
    ([{**GOOD, "purposes": "copies"}], "backup_heartbeats[0].purposes"), ([{**GOOD, "url": "http://kuma.example.org"}], "backup_heartbeats[0].url"),
    ([{**GOOD, "url": "https://x/ \r\nX: y"}], "backup_heartbeats[0].url"), ([{**GOOD, "url": "file:///etc/passwd"}], "backup_heartbeats[0].url"),
    ([{**GOOD, "url": "http://localhost.example.org/"}], "backup_heartbeats[0].url"),
    ([{**GOOD, "token": "secreto con espacio"}], "backup_heartbeats[0].token"),
    ([{**GOOD, "token": "../otro"}], "backup_heartbeats[0].token"), ([{**GOOD, "token": None}], "backup_heartbeats[0].token"),
    ([{**GOOD, "type": "ntfy"}], "backup_heartbeats[0].type"), ([{**GOOD, "name": None}], "backup_heartbeats[0].name"),
])
def test_a_mistake_is_named_by_its_place_and_never_by_its_value(given, where):
    with pytest.raises(BackupError) as caught:
        _heartbeats.read(given)
    assert caught.value.code == "RSP778" and where in caught.value.message
    assert not any(value in caught.value.message for value in ("secreto", "5bf66975", "hc-ping.com", "copiess", "passwd"))


@pytest.mark.parametrize("row, addresses", [
    (GOOD, ["https://hc-ping.com/5bf66975-d4c7/start", "https://hc-ping.com/5bf66975-d4c7", "https://hc-ping.com/5bf66975-d4c7/fail"]),
    ({**GOOD, "url": "https://hc.example.org/ping/?create=1", "token": "clave/copias"},
     ["https://hc.example.org/ping/clave/copias/start?create=1", "https://hc.example.org/ping/clave/copias?create=1",
      "https://hc.example.org/ping/clave/copias/fail?create=1"]),
    ({**GOOD, "type": "uptime_kuma", "url": "https://kuma.example.org/api/push", "token": "Ab1"},
     ["", "https://kuma.example.org/api/push/Ab1?status=up&msg=good", "https://kuma.example.org/api/push/Ab1?status=down&msg=good"]),
    ({"name": "x", "type": "get", "url": "https://x.example.org/vive?de=respaldo"}, ["", "https://x.example.org/vive?de=respaldo", ""]),
    ({"name": "x", "type": "get", "url": "https://x.example.org"}, ["", "https://x.example.org/", ""]),
])
def test_where_each_sign_goes(row, addresses):
    heartbeat, = _heartbeats.read([row])
    assert [_heartbeats.address(heartbeat, sign, "good") for sign in (_heartbeats.START, _heartbeats.GOOD, _heartbeats.FAILED)] == addresses


def test_only_the_playbooks_of_purposes_give_signs():
    assert [_heartbeats.purpose_of(name) for name in ("site.yml", "bitacora.yml", "")] == ["copies", "", ""]


def test_what_a_library_says_of_an_address_is_taken_out():
    row = {"address": "https://x.example.org/ping/S3creto/start?a=b", "url": "https://x.example.org/ping", "token": "S3creto"}
    assert "S3creto" not in _pinging.hidden("URL can't contain control characters. '/ping/S3creto/start?a=b' (found at least ' ')", row)
    assert "S3creto" not in _pinging.hidden("no such thing: https://x.example.org/ping/S3creto", row)


def test_a_sign_that_did_not_arrive_is_told_until_a_later_run_of_that_purpose_gave_it():
    def entry(n, type_, run, **more):
        return {"n": n, "type": type_, "run": run, **more}

    def run(n, name, playbook="site.yml"):
        return [entry(n, "run_started", name, playbook=playbook), entry(n + 1, "run_ended", name)]

    failed = entry(3, "heartbeat_failed", "r1", purpose="copies", medium="hc", error_code="RSP777", error_message_es="no llegó")
    told = {"hc": "RSP777: no llegó"}
    assert heartbeats.signs([failed], run(1, "r1")) == told
    assert heartbeats.signs([failed], run(1, "r1") + run(4, "r2", "verify.yml")) == told
    assert heartbeats.signs([failed], run(1, "r1") + run(4, "r2")[:1]) == told                # it has not ended
    assert heartbeats.signs([failed], run(1, "r1") + run(4, "r2")) == {}
    assert heartbeats.signs([failed, {**failed, "n": 6, "run": "r2"}], run(1, "r1") + run(4, "r2")) == told
    assert heartbeats.signs([{**failed, "simulated": True}], []) == {}
