# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Around the states of a request: its number, who may take a step, what a step must say, how long it will take, and whether a restore has leave."""

from __future__ import annotations

import copy
import datetime
from pathlib import Path

import pytest
import yaml
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import tickets
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._decisions import asking, due, entitled, estimates, leave, requests
from hypothesis import given, settings, strategies

ROOT = Path(__file__).resolve().parents[3]
RULES = {**yaml.safe_load((ROOT / "policies/manual-001-2019.yml").read_text("utf-8")), "holidays": ["2026-12-08"], "actors": {
    "jefe_oti": [{"name": "Rosa Vega", "from": "2020-01-01"}], "soporte": [{"name": "Eva Ruiz", "from": "2020-01-01"}],
    "heads": [{"name": "Carmen Soto Vega", "office": "Oficina de Logística", "from": "2020-01-01", "until": "2026-11-30"},
              {"name": "Otro Jefe", "office": "Otra", "from": "2020-01-01"}],
    "egcr": {"infrastructure": {"titular": [{"name": "Luis Paz", "from": "2020-01-01"}], "suplente": [{"name": "Ana Quispe", "from": "2020-01-01"}]},
             "database": {"titular": [{"name": "Ana Quispe", "from": "2020-01-01"}]}}}}
DAY = datetime.date(2026, 11, 22)
LIMA = due.zone("America/Lima")
ARGUMENTS = {"step": "open", "person": "Pedro Rey", "ticket": "", "proof": "word", "proof_reference": "", "request": "restore",
             "office": "Oficina de Logística",
             "system": "", "kind": None, "what": "La carpeta", "paths": [], "lost_at": "", "discovered_at": "", "changed_at": "", "reason": "", "volume": None,
             "entry": None}


def request(state=requests.AUTHORISED, ticket="2026-0001", **more):
    return requests.Request(ticket, more.pop("kind", "restore"), "Oficina de Logística", "Pedro Rey",
                            more.pop("opened_at", "2026-11-20T10:00:00Z"), state, **more)


# -- numbers

def test_numbers_follow_one_another_within_a_year():
    assert tickets.following([], 2026) == "2026-0001"
    assert tickets.following(["2026-0009", "2025-0400", "INC-2026-77", "2026-12", "2026-0117", ""], 2026) == "2026-0118"
    assert tickets.following(["2026-9999"], 2026) == "2026-10000"
    assert tickets.following(["2026-0003", "2026-999999999"], 2026) == "2026-0004"


def test_a_number_that_a_help_desk_gave_is_not_given_again(tmp_path: Path):
    with open_store(str(tmp_path / "b.sqlite")) as store:
        for given in ("2026-999999", "2026-1000001"):
            tickets.reserve(store, 2026, "R1", "c", given)
        assert tickets.next_of(store, 2026) == "2026-1000000"
        assert [tickets.reserve(store, 2026, "R1", "c") for _each in range(3)] == ["2026-1000000", "2026-1000002", "2026-1000003"]


def test_a_help_desk_s_number_is_taken_once(tmp_path: Path):
    with open_store(str(tmp_path / "b.sqlite")) as store:
        assert tickets.reserve(store, 2026, "R1", "c", "2026-0117") == "2026-0117"
        # another run, while the first goes on; then that one died without a request: its number is free
        for number in ("2026-0117", "2026-0117 "):
            with pytest.raises(BackupError, match="2026-0117") as refused:
                tickets.reserve(store, 2026, "R2", "c", tickets.checked(number))
            assert refused.value.code == "RSP753"
        assert tickets.reserve(store, 2026, "R2", "c") == "2026-0118" and tickets.next_of(store, 2026) == "2026-0119"
        store.append("run_interrupted", {"run": "R1"}, "2026-11-22T10:00:00Z", "test")
        assert tickets.reserve(store, 2026, "R3", "c", "2026-0117") == "2026-0117"
        store.append("request_opened", {"event": "request_opened", "ticket": "INC 5", "run": "R1"}, "2026-11-22T10:00:00Z", "test")
        with pytest.raises(BackupError):
            tickets.next_of(store, 2026, "inc 5")


@pytest.mark.parametrize("wrong", [" ", "x" * 65, "a\x1b[31m"])
def test_what_is_no_number_is_refused(wrong):
    with pytest.raises(BackupError) as refused:
        tickets.checked(wrong)
    assert refused.value.code == "RSP101"


# -- who may

@pytest.mark.parametrize(("step", "name", "kind", "post"), [
    ("endorse", "carmen  soto VEGA", "", "heads"), ("conform", "Carmen Soto Vega", "", "heads"), ("authorise", "Rosa Vega", "", "jefe_oti"),
    ("estimate", "Luis Paz", "file_server", "egcr.infrastructure.titular"), ("estimate", "Ana Quispe", "", "egcr.infrastructure.suplente"),
    ("execute", "Ana Quispe", "database", "egcr.database.titular"), ("outside", "Rosa Vega", "", "jefe_oti"), ("close", "Eva Ruiz", "", "soporte"),
    ("withdraw", "Pedro Rey", "", "requester"), ("withdraw", "Carmen Soto Vega", "", "heads"),
])
def test_who_may_take_a_step(step, name, kind, post):
    assert entitled.who(RULES, requests.STEPS[step], name, request(system_kind=kind), DAY).post == post


@pytest.mark.parametrize(("step", "name", "kind", "day"), [
    ("endorse", "Otro Jefe", "", DAY), ("endorse", "Pedro Rey", "", DAY), ("authorise", "Luis Paz", "", DAY), ("estimate", "Luis Paz", "database", DAY),
    ("conform", "Rosa Vega", "", DAY), ("close", "Carmen Soto Vega", "", DAY), ("endorse", "Carmen Soto Vega", "", datetime.date(2026, 12, 1)),
])
def test_who_may_not(step, name, kind, day):
    with pytest.raises(BackupError) as refused:
        entitled.who(RULES, requests.STEPS[step], name, request(system_kind=kind), day)
    assert refused.value.code == "RSP751" and name in refused.value.spanish
    assert entitled.who({}, requests.STEPS["withdraw"], "Pedro Rey", request(), day).post == "requester"
    with pytest.raises(BackupError, match="none is designated") as nobody:
        entitled.who({}, requests.STEPS[step], name, request(), day)
    assert "no hay designación vigente de" in nobody.value.spanish


def test_a_head_who_opens_does_so_as_head():
    assert entitled.opener(RULES, "Carmen Soto Vega", "oficina de  logística", DAY).post == "heads"
    assert entitled.opener(RULES, "Otro Jefe", "Oficina de Logística", DAY).post == "requester"


# -- what is said

@pytest.mark.parametrize(("more", "where"), [
    ({"what": " "}, "request_what"), ({"office": ""}, "request_office"), ({"person": ""}, "request_person"), ({"proof": "mail"}, "request_proof_reference"),
    ({"entry": 5}, "request_entry"), ({"volume": 5}, "request_volume"),
    ({"step": "endorse", "office": "", "what": ""}, "request_ticket"), ({"step": "endorse", "ticket": "1", "what": ""}, "request_office"),
    ({"step": "reject", "ticket": "1", "office": "", "what": ""}, "request_reason"),
    ({"step": "execute", "ticket": "1", "office": "", "what": ""}, "request_entry"),
    ({"step": "estimate", "ticket": "1", "office": "", "what": "", "volume": -1}, "request_volume"),
    ({"step": "estimate", "ticket": "1", "office": "", "what": "", "volume": 10**30}, "request_volume"), ({"what": "\u200b"}, "request_what"),
])
def test_what_a_step_lacks_or_has_too_much_is_told(more, where):
    with pytest.raises(BackupError) as refused:
        asking.refuse_unsaid({**ARGUMENTS, **more})
    assert refused.value.code == "RSP101" and where in refused.value.spanish
    assert not {"the", "step", "without"} & set(refused.value.remedy.split())
    asking.refuse_unsaid(ARGUMENTS)


def test_times_are_of_the_policy_s_zone_and_were():
    now = datetime.datetime(2026, 11, 22, 15, 0, tzinfo=datetime.timezone.utc)
    said = asking.times({**ARGUMENTS, "lost_at": "2026-11-20 10:30", "discovered_at": "2026-11-20"}, LIMA, now)
    assert said == {"lost_at": "2026-11-20T15:30:00Z", "discovered_at": "2026-11-20T05:00:00Z"}
    for wrong in ({"lost_at": "ayer"}, {"lost_at": "1999-01-01"}, {"changed_at": "0001-01-01"},
                  {"changed_at": "2026-11-22 11:00"}, {"lost_at": "2026-11-20", "discovered_at": "2026-11-19"}):
        with pytest.raises(BackupError):
            asking.times({**ARGUMENTS, **wrong}, LIMA, now)


def test_paths_are_a_list_or_lines():
    assert asking.paths("a, b\n\n c \n") == ["a, b", "c"] == asking.paths(["a, b", "", "c"])
    for wrong in (5, [5], {"a": 1}):
        with pytest.raises(BackupError):
            asking.paths(wrong)


def test_the_system_is_one_of_the_inventory():
    systems = [{"name": "A", "kind": "database"}, {"name": "A", "kind": "file_server"}, {"name": "B", "kind": "database", "criticality": "alta"}]
    assert asking.system_of({**ARGUMENTS, "system": "B"}, systems) == systems[2] and asking.system_of(ARGUMENTS, systems) is None
    assert asking.system_of({**ARGUMENTS, "system": "A", "kind": "file_server"}, systems) == systems[1]
    for wrong in ({"system": "A"}, {"system": "C"}, {"kind": "database"}):
        with pytest.raises(BackupError):
            asking.system_of({**ARGUMENTS, **wrong}, systems)


NOW = datetime.datetime(2026, 11, 24, 15, 0, tzinfo=datetime.timezone.utc)
COPIES = [{"label": f"X_202611{day}", "started_at": f"2026-11-{day}T03:00:00Z", "media": {"nas": "T2"}, "size": int(day)} for day in (18, 19, 20)]


@pytest.mark.parametrize(("said", "words"), [
    ({}, ""), ({"changed_at": "2026-11-19T10:00:00Z"}, ""), ({"changed_at": "2026-11-20T10:00:00Z"}, "X_20261120, del 19/11/2026 22:00"),
    ({"changed_at": "2026-11-19T10:00:00Z", "lost_at": "2026-11-19T12:00:00Z"}, "X_20261119"),
    ({"lost_at": "2026-11-01T12:00:00Z"}, "No hay ninguna copia anterior"),
])
def test_a_change_after_the_last_copy_is_warned_of(said, words):
    found = asking.warning(COPIES, said, LIMA, NOW)
    assert words in found and bool(found) == bool(words)
    assert asking.warning([], said, LIMA, NOW) == ""


# -- the estimate

def moment(text):
    return datetime.datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=LIMA)


# 2026-12-07 is a Monday, 8 a holiday; the policy works from 08:00 to 18:00
@pytest.mark.parametrize(("begins", "hours", "ends"), [
    ("2026-12-07 09:00", 2, "2026-12-07 11:00"), ("2026-12-07 17:00", 1, "2026-12-07 18:00"), ("2026-12-07 17:00", 2, "2026-12-09 09:00"),
    ("2026-12-04 17:30", 1, "2026-12-07 08:30"), ("2026-12-05 12:00", 1, "2026-12-07 09:00"), ("2026-12-07 05:00", 1, "2026-12-07 09:00"),
    ("2026-12-07 20:00", 11, "2026-12-10 09:00"), ("2026-12-07 18:00", 0, "2026-12-09 08:00"),
])
def test_work_is_done_in_working_hours(begins, hours, ends):
    assert estimates.after_work(moment(begins), datetime.timedelta(hours=hours), RULES) == moment(ends)


@settings(max_examples=60, deadline=None)
@given(strategies.datetimes(datetime.datetime(2026, 1, 1), datetime.datetime(2027, 1, 1)), strategies.integers(0, 100), strategies.integers(0, 100))
def test_more_work_is_never_done_earlier(begins, one, other):
    begun = begins.replace(tzinfo=LIMA)
    ends = [estimates.after_work(begun, datetime.timedelta(hours=each), RULES) for each in sorted((one, one + other))]
    assert begun <= ends[0] <= ends[1]
    assert all("08:00" <= end.strftime("%H:%M") <= "18:00" and end.weekday() < 5 and end.date() != datetime.date(2026, 12, 8) for end in ends)


def test_a_policy_without_days_to_work_on_ends_too():
    assert estimates.after_work(moment("2026-12-05 12:00"), datetime.timedelta(hours=1), {}) == moment("2026-12-05 13:00")
    never = {"working_hours": {"days": [], "from": "08:00", "until": "18:00"}}
    assert estimates.after_work(moment("2026-12-05 12:00"), datetime.timedelta(hours=1), never) == moment("2026-12-05 13:00")


def test_the_speed_is_the_median_of_what_was_measured():
    restored = {"type": "restored", "kind": "file_server", "duration_ms": 1000}
    told = [{**restored, "size": size} for size in (100, 200, 10 ** 9)]
    odd = [{**restored, "size": 5, "simulated": True}, {**restored, "kind": "database", "size": 7}, {**restored, "size": 0},
           {"type": "restored", "kind": "file_server"}]
    assert estimates.rate([*told, *odd], "file_server") == (200, 3)
    assert estimates.rate(odd, "file_server") == (estimates.UNMEASURED, 0)


def test_a_promise_is_made_of_volume_queue_and_hours():
    mine = request(requests.ENDORSED, "2026-0003", criticality="media", opened_at="2026-11-20T10:00:00Z")
    hour = 3_600_000
    others = [mine, request(requests.EXECUTING, "A", estimated_ms=hour), request(requests.AUTHORISED, "B", criticality="alta", estimated_ms=hour,
                                                                                opened_at="2026-11-21T10:00:00Z"),
              request(requests.AUTHORISED, "C", criticality="baja", estimated_ms=hour, opened_at="2026-11-01T10:00:00Z"),
              request(requests.CLOSED, "D", estimated_ms=hour), request(requests.AWAITING, "E", criticality="alta", estimated_ms=hour),
              request(requests.ESTIMATED, "F", criticality="media", opened_at="2026-11-19T10:00:00Z")]
    restores = [{"type": "restored", "kind": "file_server", "size": 1000, "duration_ms": 1000}]
    found = estimates.estimate(mine, 3_600_000, "file_server", restores, others, moment("2026-12-07 08:00"), RULES)
    # an hour of its own, two of those before it, and half an hour for each of the four
    assert found == (3_600_000, hour, 3, 1, "2026-12-07T18:00:00Z")
    told = estimates.spanish(found, moment("2026-12-07 13:00"))
    assert "plazo: 07/12/2026 13:00" in told and "solicitudes antes: 3" in told
    huge = estimates.estimate(mine, 2 ** 62, "file_server", [], others, moment("2026-12-07 08:00"), RULES)
    assert due.moment(huge.promised_for) is not None, "however much, it has a date"


@pytest.mark.parametrize(("promised", "at", "kept"), [
    ("", "2026-12-07T10:00:00Z", None), ("2026-12-07T10:00:00Z", "", None), ("2026-12-07T10:00:00Z", "2026-12-07T10:00:00Z", True),
    ("2026-12-07T10:00:00Z", "2026-12-07T10:00:01Z", False)])
def test_what_was_promised_is_compared_with_what_it_took(promised, at, kept):
    asked = request(promised_for=promised)
    if at:
        asked.steps.append(requests.Step(9, "restored", at, "", "", "", "", "executing", "restored"))
    assert estimates.kept(asked) is kept


def test_the_volume_is_that_of_the_copy_before_the_loss():
    assert asking.volume_of(request(lost_at="2026-11-19T12:00:00Z"), COPIES, NOW) == 19
    with pytest.raises(BackupError) as refused:
        asking.volume_of(request(), [], NOW)
    assert "request_volume" in refused.value.spanish


# -- leave to restore

@pytest.mark.parametrize(("requires", "kind", "ticket", "emergency", "found", "refused"), [
    ("none", "file_server", "", "", None, ""), ("file_server", "database", "", "", None, ""),
    ("file_server", "file_server", "", "", None, "no se indicó restore_ticket"),
    ("all", "database", "X", "", None, "X no es una solicitud"), ("all", "database", "", "Hoy", None, ""), ("all", "database", "", " ", None, "restore_ticket"),
    ("all", "database", "", "\u200b", None, "restore_ticket"),
    ("all", "database", "1", "", {}, ""), ("all", "database", "1", "", {"state": requests.OBJECTED}, ""),
    ("all", "database", "1", "", {"state": requests.ESTIMATED}, "está estimada, por autorizar"),
    ("all", "database", "1", "", {"state": requests.CLOSED}, "cerrada"),
    ("all", "database", "1", "", {"kind": "mailbox"}, "no pide una restauración"),
    ("all", "database", "1", "", {"system": "SIGA", "system_kind": "database"}, ""),
    ("all", "database", "1", "", {"system": "OTRO", "system_kind": "database"}, "es de OTRO"),
    ("all", "database", "1", "", {"system": "SIGA", "system_kind": "file_server"}, "es de SIGA"),
    # a mailbox, whatever the inventory says: its request names it
    ("none", "mailbox", "", "", None, "no se indicó restore_ticket"), ("none", "mailbox", "", "Hoy", None, ""),
    ("none", "mailbox", "1", "", {}, "no nombra ningún buzón"), ("file_server", "mailbox", "1", "", {"system": "SIGA", "system_kind": "mailbox"}, ""),
    ("none", "mailbox", "1", "", {"system": "OTRO", "system_kind": "mailbox"}, "es de OTRO"),
])
def test_a_restore_needs_leave_where_the_inventory_says_so(requires, kind, ticket, emergency, found, refused):
    known = None if found is None else request(**found)
    if not refused:
        leave.refuse_without(requires, kind, "SIGA", ticket, emergency, known)
        return
    with pytest.raises(BackupError) as told:
        leave.refuse_without(requires, kind, "SIGA", ticket, emergency, known)
    assert told.value.code == "RSP754" and refused in told.value.spanish


def test_the_copy_that_is_restored_is_warned_of_too():
    assert leave.later_change(None, COPIES[0], LIMA) == "" == leave.later_change(request(changed_at="2026-11-17T00:00:00Z"), COPIES[0], LIMA)
    assert "5.3 c" in leave.later_change(request(changed_at="2026-11-19T00:00:00Z"), copy.deepcopy(COPIES[0]), LIMA)


def test_a_wrong_state_says_what_may_be_done():
    with pytest.raises(BackupError) as refused:
        asking.refuse_wrong_state(request(requests.AUTHORISED), requests.STEPS["conform"])
    assert refused.value.code == "RSP750" and "restore.yml con restore_ticket=2026-0001" in refused.value.spanish
    assert "withdraw (retirar)" in refused.value.spanish
    with pytest.raises(BackupError) as over:
        asking.refuse_wrong_state(request(requests.CLOSED), requests.STEPS["conform"])
    assert "nada: está cerrada" in over.value.spanish
    with pytest.raises(BackupError) as unknown:
        asking.known(requests.Told({"2026-0001": request(), "2026-0002": request(requests.CLOSED, "2026-0002")}, [], {}), "2026-0009")
    assert unknown.value.code == "RSP752" and "2026-0001" in unknown.value.spanish and "2026-0002" not in unknown.value.spanish
    with pytest.raises(BackupError) as wrong_link:
        asking.link(requests.Told({}, [], {}), request(), 7)
    assert wrong_link.value.code == "RSP755"


def test_a_ticket_that_no_request_has_is_refused():
    leave.refuse_unknown(" ", None)
    leave.refuse_unknown("X", request())
    with pytest.raises(BackupError) as told:
        leave.refuse_unknown("T-1", None)
    assert told.value.code == "RSP763" and "T-1" in told.value.spanish and "no es una solicitud" in told.value.spanish


@pytest.mark.parametrize(("found", "refused"), [
    (None, "no es una solicitud"), ({"kind": "restore"}, "pide una restauración"), ({"kind": "mailbox", "state": requests.ESTIMATED}, "por autorizar"),
    ({"kind": "emergency", "state": requests.CLOSED}, "cerrada"), ({"kind": "mailbox"}, ""), ({"kind": "emergency", "state": requests.EXECUTING}, ""),
])
def test_a_copy_under_a_ticket_needs_a_request_for_one(found, refused):
    known = None if found is None else request(**found)
    if not refused:
        assert leave.refuse_copy(known, "1") is known
        return
    with pytest.raises(BackupError) as told:
        leave.refuse_copy(known, "1")
    assert told.value.code == "RSP763" and refused in told.value.spanish


def test_a_request_for_copies_opens_the_mailbox_that_it_names_and_no_other():
    boxes = [{"name": "Ana", "kind": "mailbox"}]
    assert leave.refuse_copy(request(kind="mailbox", system="Ana"), "1", boxes).system == "Ana"
    for named, why in (("", "no nombra ningún buzón"), ("Luis", "es de Luis")):
        with pytest.raises(BackupError) as told:
            leave.refuse_copy(request(kind="mailbox", system=named), "1", boxes)
        assert told.value.code == "RSP763" and why in told.value.spanish


FOLDERS = {"/srv/c": "OTI", "/srv/c/logística": "Oficina de Logística", "/srv/c/rrhh/": "Recursos Humanos"}


@pytest.mark.parametrize(("office", "paths", "other"), [
    ("oficina  de logística", [], ""), ("", [], ""), ("OTI", [], "OTI"), ("OTI", ["/srv/c/logística/a"], ""), ("OTI", ["/srv/c/logística"], ""),
    ("OTI", ["/srv/c/logística/../rrhh/planilla"], "Recursos Humanos"), ("Oficina de Logística", ["/srv/c/rrhh/x"], "Recursos Humanos"),
    ("OTI", ["/srv/c/logística/a", "contratos"], "OTI"), ("Oficina de Logística", ["contratos"], ""), ("OTI", ["/srv/c/logística2/a"], "OTI"),
    ("OTI", ["/srv/c/logística/a", "/srv/c/rrhh"], "Recursos Humanos"),
])
def test_a_request_is_of_the_office_whose_it_is(office, paths, other):
    mine = request()
    if not other:
        leave.refuse_other_office(mine, "COMUN", office, FOLDERS, paths)
        return
    with pytest.raises(BackupError) as told:
        leave.refuse_other_office(mine, "COMUN", office, FOLDERS, paths)
    assert told.value.code == "RSP762" and other in told.value.spanish and "Oficina de Logística" in told.value.spanish


def test_an_estimate_is_told_with_a_decimal_comma():
    """As every number that staff read (view.amount)."""
    told = estimates.spanish(estimates.Estimate(1536 * 1024, 61_000, 2, 0, ""), moment("2026-12-05 12:00"))
    assert told.startswith("Volumen de 1,5 MiB, restauración de unos 2 min (sin restauraciones medidas")
