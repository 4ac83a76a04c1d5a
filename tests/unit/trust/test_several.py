# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several copies in one question: each answer is judged alone, what is left out is asked for again, and no failure hides another copy's end."""

from __future__ import annotations

import json
import os
import types
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible.module_utils import basic
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._tasks import base
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._copying import several, transferring
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._decisions.batches import MOST_BYTES, MOST_COPIES, batches

LABELS = ["WEB_20261127", "WEB_20261128", "SIGA_20261128", "SIGA_20261129"]
SHARED = {"kind": "database", "source": {"name": "disco", "path": "/srv/copias"}, "medium": {"name": "nas", "path": "/mnt/nas"}}


def row(label: str) -> dict[str, Any]:
    return {"label": label, "system": label.partition("_")[0], "sha256": str(LABELS.index(label)) * 64, "trust_level": "T2", "record": {"office": "OTI"},
            "source": "disco"}


def good(each: dict[str, Any]) -> dict[str, Any]:
    return {"changed": True, "sealed": {}, "backup": {"sha256": each["sha256"], "size": 7, "trust_level": "T2"}}


class Wire:
    """Stands for the connection to a server: what was asked, and what each question is answered."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.asked = list(answers), []

    def __call__(self, action: Any, name: str, arguments: dict[str, Any], task_vars: Any) -> Any:
        self.asked.append((name, [each["label"] for each in arguments["copies"]]))
        assert all("source" not in each for each in arguments["copies"]), "which medium is the controller's to say"
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer(arguments["copies"]) if callable(answer) else answer


def each_good(copies: list[dict[str, Any]]) -> dict[str, Any]:
    return {"changed": True, "answers": [good(each) for each in copies]}


def carry(monkeypatch: pytest.MonkeyPatch, *answers: Any, labels: Any = LABELS, **shared: Any) -> tuple[dict[str, Any], Wire]:
    wire = Wire(*answers)
    monkeypatch.setattr(several, "answer_of", wire)
    monkeypatch.setenv("RESPALDO_CONTROLLER_PID", str(os.getpid()))
    task = types.SimpleNamespace(action="perucompras.respaldo.backup_transfer", check_mode=False, args={}, delegate_to=None)
    action = transferring.TransferAction.__new__(transferring.TransferAction)
    action._task = task
    return action.work({**SHARED, **shared, "copies": [row(label) for label in labels]}, {"inventory_hostname": "bd1"}), wire


def ends(told: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {entry["label"]: (entry["event"], entry.get("error_code", "")) for entry in told["backup"]}


MADE = ("copy_transferred", "")


def test_all_are_carried_by_one_start_and_named_by_another(monkeypatch):
    told, wire = carry(monkeypatch, each_good, each_good)
    assert ends(told) == dict.fromkeys(LABELS, MADE) and not told.get("failed")
    assert wire.asked == [("backup_transfer", LABELS), ("backup_publish", LABELS)]


def test_what_is_wrong_with_one_is_its_own(monkeypatch):
    """Another copy's digest, no table, a failure in the server's words."""
    full = {"failed": True, "error": {"code": "RSP402", "message": "full"}}

    def mixed(copies: list[dict[str, Any]]) -> dict[str, Any]:
        answers = [{**good(copies[0]), "backup": {"sha256": "f" * 64}}, "ninguna", full]
        return {"answers": [*answers, *(good(each) for each in copies[3:])]}

    told, wire = carry(monkeypatch, mixed, each_good)
    assert ends(told) == {LABELS[0]: ("transfer_failed", "RSP117"), LABELS[1]: ("transfer_failed", "RSP116"), LABELS[2]: ("transfer_failed", "RSP402"),
                          LABELS[3]: MADE}
    assert wire.asked[-1] == ("backup_publish", LABELS[3:]) and told["failed"] and told["msg"].startswith("RSP117")
    assert [entry["system"] for entry in told["backup"]] == ["WEB", "WEB", "SIGA", "SIGA"]


def test_what_a_slow_module_left_out_is_asked_for_again_once_the_others_are_named(monkeypatch):
    told, wire = carry(monkeypatch, lambda copies: {"answers": [good(copies[0])]}, each_good, each_good, each_good)
    assert ends(told) == dict.fromkeys(LABELS, MADE)
    assert wire.asked == [("backup_transfer", LABELS), ("backup_publish", LABELS[:1]), ("backup_transfer", LABELS[1:]), ("backup_publish", LABELS[1:])]


@pytest.mark.parametrize("answer, code", [
    ({"changed": True}, "RSP116"), ({"answers": []}, "RSP116"), ({"answers": [{}] * 9}, "RSP116"), ("nada", "RSP116"),
    ({"failed": True, "msg": "Killed"}, "RSP706"),
    ({"failed": True, "error": {"code": "RSP402", "message": "full"}}, "RSP402")])
def test_an_answer_that_speaks_of_none_ends_each(monkeypatch, answer, code):
    told, wire = carry(monkeypatch, answer)
    assert ends(told) == dict.fromkeys(LABELS, ("transfer_failed", code)) and len(wire.asked) == 1


def test_a_server_that_goes_away_costs_no_entry_of_what_has_its_name(monkeypatch):
    gone = AnsibleConnectionFailure("connection reset")
    with pytest.raises(AnsibleConnectionFailure):
        carry(monkeypatch, gone)
    first = lambda copies: {"answers": [good(copies[0])]}  # noqa: E731
    told, _wire = carry(monkeypatch, first, each_good, gone)
    assert ends(told) == {LABELS[0]: MADE, **dict.fromkeys(LABELS[1:], ("transfer_failed", "RSP706"))}
    told, _wire = carry(monkeypatch, each_good, gone)
    assert ends(told) == dict.fromkeys(LABELS, ("transfer_failed", "RSP706"))
    # of those whose name it did not speak of, none is said to have it
    told, _wire = carry(monkeypatch, each_good, first)
    assert ends(told) == {LABELS[0]: MADE, **dict.fromkeys(LABELS[1:], ("transfer_failed", "RSP706"))}


def test_a_server_that_goes_away_while_one_is_looked_at_hides_no_other(monkeypatch):
    """The label of one is taken: the very copy may lie there, which is read. Another was named before, one failed: they have their entries all the same."""
    taken = {"failed": True, "error": {"code": "RSP403", "name": "label_taken", "message": "taken"}}
    full = {"failed": True, "error": {"code": "RSP402", "message": "full"}}

    def lost(*_given: Any) -> Any:
        raise AnsibleConnectionFailure("connection reset")

    monkeypatch.setattr(transferring.TransferAction, "_there_already", lost)
    second = lambda copies: {"answers": [taken, full, good(copies[2])]}  # noqa: E731
    told, _wire = carry(monkeypatch, lambda copies: {"answers": [good(copies[0])]}, each_good, second, each_good)
    assert ends(told) == {LABELS[0]: MADE, LABELS[1]: ("transfer_failed", "RSP706"), LABELS[2]: ("transfer_failed", "RSP402"), LABELS[3]: MADE}


def one_by_one(monkeypatch: pytest.MonkeyPatch, work: Any) -> dict[str, Any]:
    """What is of one copy each, as those of a file server: several in a task all the same, where a person's own play says so."""
    monkeypatch.setattr(transferring.TransferAction, "_alone", work)
    return carry(monkeypatch, kind="file_server")[0]


def test_a_server_that_goes_away_among_copies_that_go_one_by_one_costs_no_entry(monkeypatch):
    def work(self: Any, row: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        if row["label"] == LABELS[gone]:
            raise AnsibleConnectionFailure("connection reset")
        return {"changed": True, "backup": {"event": "copy_transferred", "label": row["label"]}}

    gone = 2
    assert ends(one_by_one(monkeypatch, work)) == {**dict.fromkeys(LABELS[:2], MADE), **dict.fromkeys(LABELS[2:], ("transfer_failed", "RSP706"))}
    gone = 0
    with pytest.raises(AnsibleConnectionFailure):
        one_by_one(monkeypatch, work)


def test_a_server_that_goes_away_while_a_copy_gets_its_name_is_recorded(monkeypatch):
    """One copy in a task: it may have its name by then, and an end without an entry would be all that tells of it."""
    def lost(*_given: Any) -> Any:
        raise AnsibleConnectionFailure("connection reset")

    monkeypatch.setattr(transferring, "run_module", lambda _action, _name, given, _vars: {**good(given), "backup": {"sha256": given["sha256"]}})
    monkeypatch.setattr(transferring, "publish", lost)
    action = transferring.TransferAction.__new__(transferring.TransferAction)
    action._task = types.SimpleNamespace(action="perucompras.respaldo.backup_transfer", check_mode=False, args={}, delegate_to=None)
    told = action.work({**SHARED, **row(LABELS[0])}, {"inventory_hostname": "bd1"})
    assert told["failed"] and (told["backup"]["event"], told["backup"]["error_code"]) == ("transfer_failed", "RSP706")


def test_nothing_gets_a_name_once_the_controller_is_gone(monkeypatch):
    def then_killed(copies: list[dict[str, Any]]) -> dict[str, Any]:
        monkeypatch.setenv("RESPALDO_CONTROLLER_PID", str(2 ** 22 + 1))      # nobody's: 1 is our parent where tests run in the background
        return each_good(copies)

    told, wire = carry(monkeypatch, then_killed)
    assert ends(told) == dict.fromkeys(LABELS, ("transfer_failed", "RSP705")) and len(wire.asked) == 1


@pytest.mark.parametrize("given", ["x", [], [7], [{"label": "WEB_20261127"}], [row(LABELS[0])] * 2])
def test_what_is_no_list_of_copies_is_refused(given):
    with pytest.raises(BackupError) as refused:
        several.rows_of({**SHARED, "copies": given})
    assert refused.value.code == "RSP101"


def test_a_label_of_another_system_is_not_asked_about(monkeypatch):
    rows = [row(LABELS[0]), {**row(LABELS[2]), "system": "WEB"}]
    monkeypatch.setattr(several, "answer_of", wire := Wire(each_good, each_good))
    monkeypatch.setenv("RESPALDO_CONTROLLER_PID", str(os.getpid()))
    action = transferring.TransferAction.__new__(transferring.TransferAction)
    action._task = types.SimpleNamespace(action="perucompras.respaldo.backup_transfer", check_mode=False, args={}, delegate_to=None)
    told = action.work({**SHARED, "copies": rows}, {"inventory_hostname": "bd1"})
    assert [entry["event"] for entry in told["backup"]] == ["copy_transferred", "transfer_failed"] and wire.asked[0][1] == LABELS[:1]


# --- on the server ---

def module_of(monkeypatch, capsys, work):
    """A module of Ansible's about three copies. Gives its answer."""
    copies = [{"label": label, "system": label.partition("_")[0]} for label in LABELS[:3]]
    monkeypatch.setattr(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": {"kind": "database", "copies": copies}}).encode())
    monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)
    module = basic.AnsibleModule(argument_spec={"kind": {}, "medium": {"type": "dict"}, "record": {"type": "dict"},
                                                "copies": {"type": "list", "elements": "dict"}})
    with pytest.raises(SystemExit):
        base.run_each(module, work, lambda error: "transfer_failed")
    return json.loads(capsys.readouterr().out)


def test_the_module_answers_for_each(monkeypatch, capsys):
    def work(task):
        if task.label.name == LABELS[0]:
            raise ValueError("nobody foresaw it")
        if task.label.name == LABELS[1]:
            raise BackupError("copy_missing", label=LABELS[1], location="/srv")
        return {"changed": True, "backup": task.fields(None, size=1)}

    told = module_of(monkeypatch, capsys, work)
    assert [(each.get("failed", False), each.get("error", {}).get("code"), each["backup"]["label"]) for each in told["answers"]] == [
        (True, "RSP304", LABELS[0]), (True, BackupError("copy_missing", label="", location="").code, LABELS[1]), (False, None, LABELS[2])]
    assert told["changed"] and not told.get("failed")


def test_a_module_that_is_told_to_end_begins_no_other_copy(monkeypatch, capsys):
    begun = []

    def work(task):
        begun.append(task.label.name)
        base._interrupted(15, None)

    told = module_of(monkeypatch, capsys, work)
    assert begun == LABELS[:1] and [each["error"]["code"] for each in told["answers"]] == ["RSP705"] * 3


def test_a_module_that_has_worked_long_begins_no_other_copy(monkeypatch, capsys):
    monkeypatch.setattr(base, "BEGUN_WITHIN", -1)
    told = module_of(monkeypatch, capsys, lambda task: {"changed": True, "backup": task.fields(None)})
    assert len(told["answers"]) == 1


# --- which go together ---

def test_what_one_task_carries():
    """By kind and medium, in their order; so many and so large; what is large, or of unknown size, alone."""
    def named(label: str, source: str = "disco", kind: str = "database") -> dict[str, Any]:
        return {"label": label, "source": source, "kind": kind}

    rows = [(named("a"), 5), (named("b", "nas"), 5), (named("c"), 5), (named("d"), MOST_BYTES), (named("e"), 5), (named("f"), 0), (named("g"), 5),
            (named("h", kind="file_server"), 5), (named("i", kind="file_server"), 5)]
    made = batches(rows, lambda kind, source: kind != "file_server")
    assert [(batch["kind"], batch["source"], batch["labels"]) for batch in made] == [
        ("database", "disco", ["a", "c"]), ("database", "nas", ["b"]), ("database", "disco", ["d"]), ("database", "disco", ["e"]), ("database", "disco", ["f"]),
        ("database", "disco", ["g"]), ("file_server", "disco", ["h"]), ("file_server", "disco", ["i"])]
    assert [[each["label"] for each in batch["copies"]] for batch in made] == [batch["labels"] for batch in made]
    many = batches([(named(str(place)), 1) for place in range(MOST_COPIES * 2 + 1)], lambda kind, source: True)
    assert [len(batch["copies"]) for batch in many] == [MOST_COPIES, MOST_COPIES, 1]


@pytest.mark.parametrize("kind, medium, together", [
    ("database", {"name": "nas", "path": "/mnt", "host": "nas.example.org"}, True), ("file_server", {"name": "nas", "path": "/mnt"}, False),
    ("database", {"name": "nube", "type": "azure_blob"}, False), ("database", {"name": "nas", "path": "/mnt", "host": "h", "append_only": True}, False)])
def test_what_is_of_one_copy_each_goes_alone(kind, medium, together):
    assert transferring.may_go_together(kind, [{"name": "disco", "path": "/srv"}, medium]) is together
