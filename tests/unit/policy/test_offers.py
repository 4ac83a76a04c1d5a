# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which copy a restore is offered, and what is said of the others (numeral 7.1.3)."""

from __future__ import annotations

import datetime

import pytest
import zoneinfo

from plugins.plugin_utils._bitacora.copies import DAMAGES, copies_told
from plugins.plugin_utils._decisions import offers

NOW = datetime.datetime(2026, 11, 24, 15, 0, tzinfo=datetime.timezone.utc)


def copy(day: int, media: dict[str, str], **more):
    return {"label": f"SIGA_202611{day:02}", "started_at": f"2026-11-{day:02}T03:00:00Z", "media": media, **more}


WHOLE, DAMAGED, LATER = copy(1, {"disco": "T2"}), copy(2, {"disco": ""}, **{DAMAGES: {"disco": "RSP501 Los bytes difieren"}}), copy(3, {"disco": "T2"})
ELSEWHERE = copy(4, {"nube": "T3", "disco": ""})


def test_the_newest_whole_one_before_the_loss_is_offered() -> None:
    copies = [WHOLE, DAMAGED, LATER]
    assert offers.newest_before(offers.whole(copies), "", NOW) is LATER
    assert offers.newest_before(offers.whole(copies), "2026-11-03T00:00:00Z", NOW) is WHOLE
    assert offers.newest_before(offers.whole(copies), "2026-10-01T00:00:00Z", NOW) is None
    # of a clock that was ahead: the newest only where there is no other
    ahead = {**LATER, "started_at": "2036-01-01T03:00:00Z"}
    assert offers.newest_before([WHOLE, ahead], "", NOW) is WHOLE and offers.newest_before([ahead], "", NOW) is ahead


def test_a_medium_where_it_is_whole_comes_first_and_a_damaged_one_only_when_wanted() -> None:
    assert offers.medium_of(ELSEWHERE, ["disco", "nube"]) == "nube" == offers.medium_of(ELSEWHERE, ["disco", "nube"], damaged=True)
    assert offers.medium_of(DAMAGED, ["disco"]) == "" and offers.medium_of(DAMAGED, ["disco"], damaged=True) == "disco"
    assert offers.medium_of(DAMAGED, ["otro"], damaged=True) == ""


@pytest.mark.parametrize(("of", "moment", "medium", "said"), [
    (LATER, "", "disco", "SIGA_20261103, del 02/11/2026 22:00, en el medio disco, nivel T2: es la más reciente"),
    (LATER, "2026-11-04T15:30:00Z", "disco", "es la más reciente anterior a la pérdida, 04/11/2026 10:30"),
    (WHOLE, "", "disco", "SIGA_20261101, del 31/10/2026 22:00, en el medio disco, nivel T2: se pidió por su rótulo; la más reciente es SIGA_20261103"),
    (DAMAGED, "", "disco", "en el medio disco, donde consta como dañada: se pidió por su rótulo"),
])
def test_who_restores_is_told_which_copy_it_is_and_why(of: dict, moment: str, medium: str, said: str) -> None:
    assert said in offers.told(of, LATER, moment, medium, zoneinfo.ZoneInfo("America/Lima"))


@pytest.mark.parametrize(("of", "moment", "names", "said"), [
    (WHOLE, "", ["disco"], ""),
    (LATER, "2026-11-03T00:00:00Z", ["disco"], "es posterior a la pérdida"),
    (DAMAGED, "", ["disco"], "dañada en disco: RSP501 Los bytes difieren"),
    (WHOLE, "", ["nas"], "está en disco, que no es de este inventario"),
    (ELSEWHERE, "", ["disco"], "dañada en disco; íntegra en nube, que no es de este inventario"),
])
def test_each_that_is_not_offered_says_why(of, moment, names, said) -> None:
    assert offers.why_not(of, moment, names) == said


def test_what_is_told_when_none_is_offered() -> None:
    error = offers.none("database", "SIGA", [WHOLE, DAMAGED], "SIGA_20261102", "", ["disco"])
    assert error.code == "RSP419" and error.details["copies"] == "SIGA_20261102 dañada en disco: RSP501 Los bytes difieren" and error.details["count"] == 2
    error = offers.none("database", "SIGA", [WHOLE], "SIGA_20261109", "", ["disco"])
    assert error.code == "RSP405" and "SIGA_20261101" in error.message
    assert offers.none("database", "SIGA", [], "", "", ["disco"]).code == "RSP405"
    many = [copy(1 + number % 28, {"disco": ""}) for number in range(50)]
    error = offers.none("database", "SIGA", many, "", "", ["disco"])
    assert error.details["copies"].count("dañada en disco") == 20 and error.details["copies"].endswith("y 30 más antiguas")


def entry(number: int, type_: str, **more):
    return {"n": number, "at_event": f"2026-11-01T0{number}:00:00Z", "type": type_, "label": "SIGA_20261101", "system": "SIGA", "medium": "disco", **more}


def test_what_was_found_of_a_copy_is_known_until_a_proof_as_thorough_contradicts_it() -> None:
    found = [entry(1, "copy_made", trust_level="T2"),
             entry(2, "copy_damaged", verification_level="T3", error_code="RSP503", error_message_es="Otra cosa")]
    assert copies_told(found)[0][DAMAGES] == {"disco": "RSP503 Otra cosa"}
    assert copies_told([*found, entry(3, "copy_verified", trust_level="T2")])[0][DAMAGES] == {"disco": "RSP503 Otra cosa"}
    healed, = copies_told([*found, entry(3, "copy_verified", trust_level="T3")])
    assert DAMAGES not in healed and healed["media"] == {"disco": "T3"}
    carried, = copies_told([*found, entry(3, "copy_transferred", trust_level="T1")])
    assert DAMAGES not in carried
