# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which earlier copy of a mailbox a new one may begin with: of the same request only, whole, in time, and where the server can read it."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._copying import answers
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._copying.since import Found, find, same_request

TODAY = datetime.date(2026, 11, 29)
DISK, FAR = {"name": "disco", "path": "/a"}, {"name": "lejos", "host": "b", "path": "/a"}
CLOUD, KEPT = {"name": "nube", "type": "azure_blob"}, {"name": "crece", "path": "/c", "append_only": True}
ASKED = {"ticket": "2026-0001", "reason": "request"}


def copy(day: int, **more: Any) -> dict[str, Any]:
    return {"label": f"Ana_202611{day}", "kind": "mailbox", "sha256": "a" * 64, "media": {"disco": "T2"}, **ASKED, **more}


def found(*copies: dict[str, Any], media: Any = (DISK,), held: Any = (), host: str = "", **record: Any) -> Found | None:
    return find(copies, held, {"label": "Ana_20261129", "media": list(media), "record": record or ASKED}, TODAY, host)


def test_the_newest_that_can_be_used_is_begun_with() -> None:
    one, two = copy(20), copy(21)
    assert found(one, two) == Found(two, "disco") and found(one, two, copy(29)) == Found(two, "disco")      # its own label is no earlier one
    assert found() is None and found(copy(20, ticket="2026-0002")) is None
    # one that is of no use leaves the place to the one before
    assert found(one, copy(21, lacks=1), copy(22, sha256=""), copy(23, media={"disco": ""}), copy(24, retention_until="2026-11-28")) == Found(one, "disco")
    assert found(copy(20, media={"disco": "", "lejos": "T1"}), media=(DISK, FAR)) == Found(copy(20, media={"disco": "", "lejos": "T1"}), "lejos")
    late = copy(20, retention_until="2026-11-28")
    assert found(late, held=("Ana_20261120",)) == Found(late, "disco")


@pytest.mark.parametrize(("more", "media", "why"), [
    ({"lacks": 3}, (DISK,), "partial"), ({"sha256": ""}, (DISK,), "no digest"), ({"retention_until": "2026-11-28"}, (DISK,), "day has passed"),
    ({"media": {"nube": "T2", "crece": "T2"}}, (CLOUD, KEPT), "no medium"), ({"media": {"otro": "T2"}}, (DISK,), "no medium"),
    ({"media": {"disco": ""}}, (DISK,), "damaged")])
def test_why_none_is_used_is_told(more: dict[str, Any], media: Any, why: str) -> None:
    told = found(copy(20, **more), media=media)
    assert told is not None and told.medium == "" and why in told.why


def test_what_another_server_made_is_not_looked_for_on_this_one() -> None:
    one, other = copy(20, host="b"), copy(21, host="a")
    assert found(one, other, host="b") == Found(one, "disco") and found(one, other, host="a") == Found(other, "disco")
    told = found(other, host="b")
    assert told is not None and told.medium == "" and "another server" in told.why


def test_with_which_copy_it_began_is_the_controllers_word() -> None:
    arguments = {"label": "Ana_20261129", "system": "Ana", "kind": "mailbox", "media": [DISK], "encryption": {"password": "x"}}
    server = {"backup": {"sha256": "b" * 64, "size": 9, "since": "Otro_20261120", "travelled": 7, "travelled_objects": 1}}
    named = answers.heard(answers.asking("backup_mailbox", "s", {**arguments, "earlier": {"label": "Ana_20261120"}}, False), server)["backup"]
    assert (named["since"], named["travelled"], named["travelled_objects"], named["refused_fields"]) == ("Ana_20261120", 7, 1, ["since"])
    unasked = answers.heard(answers.asking("backup_mailbox", "s", arguments, False), server)["backup"]
    assert "since" not in unasked and unasked["refused_fields"] == ["since"]
    server["backup"].pop("since")
    assert "since" not in answers.heard(answers.asking("backup_mailbox", "s", {**arguments, "earlier": {"label": "Ana_20261120"}}, False), server)["backup"]


def test_one_request_is_one_ticket_or_one_reason_of_an_emergency() -> None:
    risk = {"reason": "emergency", "reason_text": "El equipo falla"}
    assert same_request({"ticket": " 2026-0001 "}, ASKED) and same_request(risk, dict(risk))
    for one, other in ((ASKED, {**ASKED, "ticket": "2026-0002"}), (ASKED, {}), ({}, ASKED), ({}, {}), (risk, {**risk, "reason_text": "Otro riesgo"}),
                       (risk, {**risk, "ticket": "2026-0001"}), ({**risk, "reason": "scheduled"}, {**risk, "reason": "scheduled"}),
                       ({"reason": "emergency"}, {"reason": "emergency"})):
        assert not same_request(one, other), (one, other)
