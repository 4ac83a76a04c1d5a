# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our image as AWX runs it: what must last does, what could not is refused, and who began it is told (issue 16, "what it must show", 4)."""

from __future__ import annotations

import threading

from image.house import BY_HAND, BY_SCHEDULE, STRANGER


def codes(said):
    return {code for code in ("RSP718", "RSP733", "RSP742", "RSP756", "RSP786", "RSP787") if code in said}


def test_without_a_place_that_stays_nothing_is_done_and_each_place_is_named(house):
    ran = house.run(BY_SCHEDULE, stays=False)
    assert ran.status == "failed" and ran.rc not in (0, 254), ran.said
    assert codes(ran.said) == {"RSP786"}, ran.said
    told = " ".join(ran.said.split())
    for place in ("diario", "/var/lib/respaldo/journal", "registros detallados", "/var/lib/respaldo/logs", "sellos", "/var/lib/respaldo/seal.key",
                  "Monte ahí un volumen", "Paths to expose to isolated jobs"):
        assert place in told, (place, told)
    assert house.labels() == [] and list(house.medium.iterdir()) == []
    assert {entry["type"] for entry in house.entries()} == {"run_started", "run_ended"}
    assert house.entries("run_ended")[0]["verdict"] == "failed"

    # with PostgreSQL, and what is said to be dispensable, it may run; the bitácora tells it, and nothing is sealed by a key that is gone afterwards
    ran = house.run(BY_SCHEDULE, stays=False, RESPALDO_BITACORA_MAY_BE_LOST="journal,logs,seal_key")
    assert ran.status == "successful", ran.said
    assert house.entries("run_started")[-1]["may_be_lost"] == "journal, logs, seal_key"
    assert len(house.labels()) == 1 and house.entries("seal") == []


def test_two_jobs_keep_key_and_logs_and_tell_who_began_them(house):
    first = house.run(BY_SCHEDULE)
    assert first.status == "successful", first.said
    second = house.run(BY_HAND)
    assert second.status == "successful", second.said
    assert len(house.labels()) == 1, "the second found nothing due"
    scheduled, by_hand = house.entries("run_started")
    assert (scheduled["claimed_job"], scheduled["claimed_schedule"], scheduled["claimed_launch"]) == ("42", "Copias de la noche", "scheduled")
    assert (by_hand["claimed_job"], by_hand["claimed_template"], by_hand["claimed_user"]) == ("43", "Copias de respaldo", "anunez")
    made, = house.entries("copy_made")
    assert made["executed_by"] == "programación «Copias de la noche» (según AWX; cuenta root)"
    assert {entry["public_key"] for entry in house.entries("seal")} and len({entry["public_key"] for entry in house.entries("seal")}) == 1
    assert len(house.entries("seal")) == 2 and house.whole()
    kept = house.kept()
    assert kept["seal.key"] == kept["seal.key.known"] == "0o600"
    assert len([name for name in kept if name.startswith("logs/")]) == 2
    assert not [name for name in kept if name.startswith("journal/")], "both ended in order"

    # a report that its container would take along is refused and recorded so; on a volume it is made
    lost = house.run({**BY_SCHEDULE, "report_directory": "/srv/informes"}, playbook="informe.yml")
    assert lost.status == "failed" and codes(lost.said) == {"RSP756"} and "/srv/informes/" in lost.said, lost.said
    assert house.entries("run_ended")[-1]["verdict"] == "failed"
    assert house.run({**BY_SCHEDULE, "report_directory": "/srv/copias/informes"}, playbook="informe.yml").status == "successful"
    assert [path.suffix for path in sorted((house.medium / "informes").iterdir())].count(".html") == 2


def test_a_cancelled_job_is_closed_by_the_next(house):
    house.declare_slow()
    ran = house.run(BY_SCHEDULE, until=(house.data / "empezo").exists)
    assert (ran.status, ran.rc) == ("canceled", 254), ran.said
    cancelled, = house.entries("run_started")
    assert house.entries("run_ended", "run_interrupted") == [] and len(house.entries("copy_started")) == 1
    assert house.commands() == ["before"], "killed before the command after it"
    (house.data / "sigue").touch()
    ran = house.run(BY_HAND)
    assert ran.status == "successful", ran.said
    closed, = house.entries("run_interrupted")
    assert (closed["run"], closed["how"]) == (cancelled["run"], "died")
    failed, = house.entries("copy_failed")
    assert failed["run"] == cancelled["run"] and failed["label"] != house.entries("copy_made")[0]["label"]
    assert house.labels() == [house.entries("copy_made")[0]["label"]]
    assert [path.name for path in house.medium.glob("*/*/.*")] == [".lock"], "what the cancelled one had begun is gone"
    assert house.commands() == ["before", "after failed", "before", "after good"], "the mark was with the journal, and outlasted its container"
    assert house.entries("copy_made")[0]["warning_keys"] == ["hook_left"]


def test_two_at_once_make_one_copy_and_the_other_says_why(house):
    house.declare_slow()
    told = {}
    first = threading.Thread(target=lambda: told.update(first=house.run(BY_SCHEDULE)))
    first.start()
    while not (house.data / "empezo").exists():
        assert first.is_alive(), told
        first.join(0.1)
    second = threading.Thread(target=lambda: told.update(second=house.run(BY_HAND)))
    second.start()
    second.join()
    (house.data / "sigue").touch()
    first.join()
    assert told["first"].status == "successful", told["first"].said
    assert house.entries("run_interrupted") == [], "neither took the other for dead"
    assert len(house.labels()) == 1 == len(house.entries("copy_made"))
    assert house.entries("copy_failed") == [] and told["second"].rc == 0, told["second"].said
    assert any("anunez (según AWX" in each["executed_by"] for each in house.entries("copy_not_due")), "it leaves that system to the run that has it"


def test_an_account_without_a_name_in_a_container_group(house):
    house.own(STRANGER)
    ran = house.stream(BY_SCHEDULE, STRANGER)
    assert ran.rc == 0, ran.said
    made, = house.entries("copy_made")
    # an image of ansible-builder writes a line into passwd for it, whose name is the number
    assert made["executed_by"] in [f"programación «Copias de la noche» (según AWX; cuenta {name})" for name in (f"uid {STRANGER}", str(STRANGER))]
    assert house.kept()["seal.key"] == "0o600" and house.whole() and len(house.entries("seal")) == 1
    assert len(made["hooks"]) == 2 and house.commands() == ["before", "after good"]
    house.own(0)
    refused = house.stream(BY_HAND, STRANGER)
    assert refused.rc != 0 and codes(refused.said) == {"RSP787"}, refused.said
    assert len(house.entries("copy_made")) == 1
