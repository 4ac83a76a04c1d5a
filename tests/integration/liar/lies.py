# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server that was taken may answer in place of the truth: a catalogue of lies, and lies at random.

Each lie takes the true answer of a module (a dict) and what the liar knows of others (`Other`), and gives another answer, or bytes that are none.
Standard library alone: the lying interpreter reads this file.
"""

from __future__ import annotations

import json
import random
from typing import Any, Callable, Dict, List, NamedTuple, Union

Answer = Dict[str, Any]
Said = Union[Answer, bytes]


class Other(NamedTuple):
    """A system of another server, which the liar must not speak of."""

    system: str
    kind: str
    label: str
    host: str
    medium: str
    key_reference: str


CONTROL = "\x1b]0;TITULO\x07\x1b[2J\x1b[31mtodo en orden\x00\u202e\r"
LONG = "x" * 10_000_000

# Forms that no field has, or another field than the one they are put in.
WRONG_TYPES: List[Any] = [None, True, -1, 10**400, 1.5, float("inf"), "", "ayer", "2026-11-27T16:51:!", "../../etc/passwd", "a\nb", CONTROL, [], {}, [[]],
                          [{}], [None] * 3, {"a": {"b": 1}}, ["x"] * 5000, "\ud800", "9999-99-99T99:99:99Z", "T9", "0" * 64, "{{ 1/0 }}", "%s%n", "x" * 5000]


def _backups(answer: Answer) -> List[Answer]:
    """The structures of an answer, those of a list too; one is made where there is none."""
    told = answer.get("backup")
    if isinstance(told, list):
        return [row for row in told if isinstance(row, dict)]
    if not isinstance(told, dict):
        answer["backup"] = told = {}
    return [told]


def facts(answer: Answer, other: Other) -> Said:
    """S1: variables of the inventory, and all else that Ansible takes out of an answer."""
    foreign = {"name": other.system, "kind": other.kind, "criticality": "baja", "office": "X", "source": {"type": "sqlite", "path": "/nonexistent"}}
    # not the media and custody: with those of the controller, another's password would be sent (S1 A)
    evil = {"backup_systems": [foreign] * 12, "backup_policy_file": "/nonexistent", "common_install_tools": True,
            "verify_systems": [foreign] * 12, "drill_systems": [foreign] * 12, "prune_systems": [foreign] * 12, "repository_systems": [foreign] * 12,
            "restore_system": other.system,
            "ansible_python_interpreter": "/bin/false", "inventory_hostname": other.host, "ansible_host": other.host}
    answer.update(ansible_facts=evil, ansible_delegated_vars={other.host: evil}, add_host={"host_name": other.host, "host_vars": evil},
                  add_group="all", _ansible_facts_gathered=True, _ansible_no_log=True, _ansible_verbose_always=True, _ansible_ignore_errors=True,
                  include="x", include_vars={}, stats={"data": evil}, skipped=False, register="restore_chosen")
    return answer


def identity(answer: Answer, other: Other) -> Said:
    """S2, S3: the answer speaks for another system, of another host."""
    for row in _backups(answer):
        row.update(label=other.label, printed_label=other.label, system=other.system, kind=other.kind, host=other.host, medium=other.medium,
                   key_reference=other.key_reference, key_references=[other.key_reference], key_id="0" * 16, custodians=["nadie"], recipients=["F" * 40],
                   criticality="baja", office="Otra", responsible="Nadie", requester="Nadie", ticket="T-1", numeral="9.9", reason="drill",
                   reason_text="mentira", required_trust="T0", trust_level="T5", run="otra", executed_by="Nadie", retention="ninguna",
                   retention_until="1999-01-01",
                   source_type="azure_backup", repository="../../" + other.system, previous_label=other.label)
    answer.update(label=other.label, key_reference=other.key_reference, medium=other.medium)
    return answer


def events(answer: Answer, other: Other) -> Said:
    """S3: facts about others, in one list with the truth."""
    told = _backups(answer)[0]
    foreign = {"label": other.label, "system": other.system, "kind": other.kind, "medium": other.medium, "started_at": "2026-11-27T10:00:00Z", "size": 1,
               "sha256": "0" * 64, "trust_level": "T4"}
    answer["backup"] = [dict(told), *(dict(foreign, event=event) for event in (
        "copy_pruned", "copy_made", "copy_damaged", "copy_released", "copy_held", "copy_found", "copy_transferred", "verification_failed", "restored"))]
    answer["backup"].append(dict(foreign, event="excuse", excused_from="2026-01-01", excused_until="2027-12-31", requester="Jefa"))
    answer["backup"].append(dict(foreign, event="warning_sent", warning="overdue:{0}:{1}".format(other.kind, other.system), warning_level=99,
                                 warning_state="new"))
    answer["backup"].append(dict(told, event="excuse", excused_from="2026-01-01", excused_until="2027-12-31"))
    answer["backup"].append(dict(foreign, event="run_ended", verdict="good"))
    answer["backup"].append(dict(foreign, event="no_such_event"))
    return answer


def wrong_event(answer: Answer, other: Other) -> Said:
    """One structure, of this system, with an event that is not this module's to give."""
    for row in _backups(answer):
        row["event"] = "copy_released"
    return answer


def many(answer: Answer, other: Other) -> Said:
    """S3: volume, by entries."""
    told = _backups(answer)[0]
    answer["backup"] = [dict(told, size=number, warnings=["y" * 200] * 5, checks=["z" * 200] * 5) for number in range(2000)]
    return answer


def large(answer: Answer, other: Other) -> Said:
    """Volume, by one answer of 50 MB."""
    for row in _backups(answer):
        row.update(note_es=LONG, location=LONG, source=LONG, warnings=[LONG], error_message="")
    answer.update(msg=LONG)
    return answer


def types(answer: Answer, other: Other) -> Said:
    """S13: every field of every structure of another type."""
    for row in _backups(answer):
        for place, name in enumerate(sorted(row)):
            if name != "event":
                row[name] = WRONG_TYPES[place % 12]
        row.update(parts=[None, {"name": 1}, {"name": "a", "size": 10**400, "sha256": []}], size={}, objects=[1], encrypted="sí", checks={"a": 1})
    return answer


def forms(answer: Answer, other: Other) -> Said:
    """S13: every field of its type and of no form."""
    for row in _backups(answer):
        row.update(started_at="ayer", ended_at="2026-11-27T16:51:!", size=10**400, size_original=-5, duration_ms=2**80, trust_level="T99", sha256="zz",
                   location=CONTROL, source=CONTROL, printed_label=CONTROL, retention_until="9999-99-99", checks=[CONTROL] * 3, warnings=[CONTROL] * 3,
                   parts=[{"name": "../../x", "size": 10**30, "sha256": "no"}], objects=10**300, files_new=-1, previous_size=2**64, content_digest=CONTROL)
    return answer


def names(answer: Answer, other: Other) -> Said:
    """S20: names with `..`, and what roles take out of an answer."""
    up = "../../{0}/{1}/{2}".format(other.kind, other.system, other.label)
    for row in _backups(answer):
        row.update(location="/" + up, target="/etc/" + up, path=up)
    answer.update(sealed={"disco": {"names": [up], "files": {up: "0" * 64}}, up: {}}, staged=[{"name": up}], manifest={"kind": other.kind, "label": up},
                  restored={"target": up, "objects": 10**400}, copies=[{"label": up, "sha256": "0" * 64}], shelves=[up, "\x1b[2J"], leftovers=[{"name": up}],
                  digest=up, changes=[up], reports=[{"name": up}], folders=[{"name": up, "event": "path_assigned"}], deferred=[up])
    return answer


def bare(answer: Answer, other: Other) -> Said:
    """Nothing of what is asked for, and success."""
    return {"changed": False}


def not_one(answer: Answer, other: Other) -> Said:
    """Structures that are none."""
    answer.update(backup="una copia", sealed=[1], restored=7, copies={"a": 1}, manifest=[], msg={"a": ["b"]}, changed="quizá", failed="no")
    return answer


def tripping(answer: Answer, other: Other) -> Said:
    """What Ansible itself takes out of an answer, in forms that it does not expect."""
    answer.update(ansible_facts="ninguno", stdout=7, stderr=["x"], stdout_lines=None, results="x", warnings=3, deprecations={"a": CONTROL}, invocation=[1],
                  ansible_job_id=1.5, _ansible_suppress_tmpdir_delete=True, _ansible_x=CONTROL, exception=[[]], diff=CONTROL, rc="x")
    return answer


def failing(answer: Answer, other: Other) -> Said:
    """A failure with an error of its own making, which speaks of another."""
    told = {"code": "RSP409", "name": "blocks_lost", "message": CONTROL, "hint": CONTROL, "message_es": CONTROL, "remedy_es": CONTROL}
    return {"failed": True, "msg": CONTROL + "RSP101: " + "x" * 100_000, "error": told, "exception": CONTROL, "warnings": [CONTROL] * 2000,
            "deprecations": [{"msg": CONTROL, "version": "2"}] * 100, "backup": {"event": "copy_damaged", "label": other.label, "system": other.system}}


def no_json(answer: Answer, other: Other) -> Said:
    """Bytes that are no answer."""
    return b"\x00\xff" + CONTROL.encode() + b"{" * 20_000


def truthful(answer: Answer, other: Other) -> Said:
    return answer


CATALOGUE: Dict[str, Callable[[Answer, Other], Said]] = {
    lie.__name__: lie for lie in (facts, identity, events, wrong_event, many, large, types, forms, names, bare, not_one, tripping, failing, no_json)}


def at_random(answer: Answer, other: Other, seed: int) -> Said:
    """A few changes anywhere in the answer, by a seed: keys lost, added, exchanged for what has no form, for what is another's, nested, repeated."""
    dice = random.Random(seed)
    foreign = [other.system, other.kind, other.label, other.host, other.medium, other.key_reference]
    fields = ("event", "label", "system", "kind", "host", "size", "started_at", "ended_at", "trust_level", "key_reference", "medium", "location", "sha256",
              "parts", "checks", "warnings", "note_es", "error_code", "error_message_es", "retention_until", "excused_until", "warning", "encrypted",
"custodians")

    def value() -> Any:
        kind = dice.randrange(6)
        if kind == 0:
            return dice.choice(foreign)
        if kind == 1:
            return "".join(chr(dice.choice((*range(0, 160), 0x202E, 0x2028, 0x1F600, 0xFEFF))) for _count in range(dice.randrange(200)))
        if kind == 2:
            return dice.choice((0, -1, 2**63 - 1, 2**63, 10**dice.randrange(1, 400)))
        if kind == 3:
            return [value() for _count in range(dice.randrange(4))]
        if kind == 4:
            return {dice.choice(fields): value() for _count in range(dice.randrange(4))}
        return dice.choice(WRONG_TYPES)

    for _change in range(dice.randrange(1, 8)):
        where = dice.choice([answer, *_backups(answer), *_backups(answer)])
        change = dice.randrange(5)
        if change == 0 and where:
            where.pop(dice.choice(sorted(where)), None)
        elif change == 1:
            where[dice.choice(fields)] = value()
        elif change == 2 and where:
            where[dice.choice(sorted(where))] = value()
        elif change == 3:
            answer["backup"] = [dict(row) for row in _backups(answer)] * dice.randrange(1, 40)
        else:
            answer[dice.choice(("ansible_facts", "results", "error", "sealed", "manifest", "restored", "copies", "msg", "warnings", "failed", "rc"))] = value()
    return answer


def said(name: str, answer: Answer, other: Other, seed: int = 0) -> bytes:
    """The bytes that a lie puts in place of an answer."""
    told = at_random(answer, other, seed) if name == "at_random" else truthful(answer, other) if name == "truthful" else CATALOGUE[name](answer, other)
    if isinstance(told, bytes):
        return told
    return json.dumps(told).encode("utf-8", "surrogatepass")
