# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The policy (the manual as data), the systems, media and custodians of an inventory: what is valid, and what follows from it.

`validate` looks at all of them before anything is touched and tells every mistake at once (schema.py).
"""

from __future__ import annotations

import datetime
from typing import AbstractSet, Any, Dict, List, Mapping, NamedTuple, Optional, Sequence

from .. import label
from ..errors import BackupError
from ..result import TRUST_LEVELS
from . import far_media, hook_forms, lifecycle, people, schema
from .people import POSTS, in_force
from .places import check_custodians
from .places import medium as medium_form
from .rules import POLICY
from .schema import Problem, listing
from .systems import SOURCES, SYSTEM
from .vocabulary import COPIED_BY_A_TOOL, CRITICALITIES, EGCR_OF_KIND, EGCR_TITLES, KINDS, RULED, SOURCE_TYPES

# What is known of a copy that a tool says it made: its job ended well and the copy is listed. Nobody of us read its bytes.
_TRUST_IN_A_TOOL = "T1"
# A copy that was read back counts for the frequency of numeral 6.4. A restore into scratch (T3) may come days later, by a drill.
_TRUST_FOR_FREQUENCY = "T2"
_SHORTEST_MONTH = 28


class Period(NamedTuple):
    """How often at least; exactly one of the two is not zero."""

    days: int
    months: int


def validate(policy: Any, systems: Any, media: Any, custodians: Any = ()) -> None:
    """Refuse a policy, systems, media or custodians with mistakes: one BackupError RSP101 that names each key, value and mend."""
    problems: List[Problem] = []
    POLICY(policy, "backup_policy", problems)
    if isinstance(policy, Mapping):
        _floors(policy, problems)
        _hours(policy, problems)
    listing(medium_form)(media, "backup_media", problems)
    passwords = {each for each, rule in _table_of(_table_of(policy).get("criticality")).items() if _table_of(rule).get("password") is True}
    media_names = _media_names(media, problems)
    check_custodians(custodians, problems)
    if isinstance(systems, (list, tuple)):
        for index, system in enumerate(systems):
            where = "backup_systems[{0}]".format(index)
            _one_system(system, where, media_names, passwords, problems)
            _known_kind(system, where, policy, problems)
        _unique_systems(systems, problems)
    else:
        listing(SYSTEM)(systems, "backup_systems", problems)
    if not problems:
        for medium, where in [(medium, "backup_media[{0}]".format(index)) for index, medium in enumerate(media)]:
            if "write_once_days" in medium or "lifecycle" in medium:
                problems += lifecycle.problems(medium, lives(policy, users_of(medium["name"], systems, media)), where)
    schema.raise_all(problems)


def _one_system(system: Any, where: str, media_names: Mapping[str, bool], passwords: AbstractSet[str], problems: List[Problem]) -> None:
    SYSTEM(system, where, problems)
    if not isinstance(system, Mapping):
        return
    if isinstance(system.get("name"), str) and system["name"].strip():
        try:
            label.canonical(system["name"], where + ".name")
        except BackupError as error:
            problems.append(Problem(where + ".name", error.details["value"], error.details["problem"], error.details["mend"]))
    source = system.get("source")
    source_type = source.get("type") if isinstance(source, Mapping) else None
    if system.get("kind") in KINDS and isinstance(source_type, str) and source_type in SOURCES:
        allowed = SOURCE_TYPES[system["kind"]]
        if source_type not in allowed:
            problems.append(Problem(where + ".source.type", source_type, "is not a source of kind {0}".format(system["kind"]),
                                    "Use one of {0}, or change the kind.".format(", ".join(allowed))))
    if "encryption_format" in system and system.get("criticality") in CRITICALITIES and system["criticality"] not in passwords:
        problems.append(Problem(where + ".encryption_format", system["encryption_format"],
                                "has no meaning: copies of criticality {0} have no password".format(system["criticality"]),
                                "Remove it, or give the system a criticality whose copies have one (numeral 7.2.1 b)."))
    hook_forms.not_of_a_tool(system, where, problems)
    _media_of(system, where, media_names, problems)


def _known_kind(system: Any, where: str, policy: Any, problems: List[Problem]) -> None:
    """The policy must have rules for the kind of each system."""
    kind = _table_of(system).get("kind")
    if kind in KINDS and kind not in RULED and kind not in _table_of(_table_of(policy).get("kinds")):
        problems.append(Problem(where + ".kind", kind, "is a kind without rules in the policy",
                                "Add backup_policy.kinds.{0}, as policies/manual-001-2019.yml has it.".format(kind)))


def _media_of(system: Mapping[str, Any], where: str, media_names: Mapping[str, bool], problems: List[Problem]) -> None:
    wanted = system.get("media")
    if copied_by_a_tool(system):
        if wanted is not None:
            problems.append(Problem(where + ".media", schema.shown(wanted), "has no meaning for what a tool copies to a medium of its own",
                                    "Remove it: the medium of this system is its vault."))
    elif isinstance(wanted, (list, tuple)):
        for index, name in enumerate(wanted):
            if isinstance(name, str) and name not in media_names:
                problems.append(Problem("{0}.media[{1}]".format(where, index), name, "is not a medium of backup_media", schema.meant(name, list(media_names))))
    elif wanted is None and not any(media_names.values()):
        problems.append(Problem(where + ".media", None, "is missing and no medium is a default one",
                                "Name its media, or take default: false away from one medium of backup_media."))


def _media_names(media: Any, problems: List[Problem]) -> Dict[str, bool]:
    """name -> whether it is a default medium."""
    found: Dict[str, bool] = {}
    for index, medium in enumerate(media if isinstance(media, (list, tuple)) else ()):
        if not isinstance(medium, Mapping) or not isinstance(medium.get("name"), str):
            continue
        where = "backup_media[{0}]".format(index)
        if medium["name"].lower() in {name.lower() for name in found}:
            problems.append(Problem(where + ".name", medium["name"], "is the name of two media", "Give each medium its own name."))
        found[medium["name"]] = medium.get("default", True) is True
        problems += far_media.problems(medium, where) if medium.get("type") != "azure_blob" else []
    return found


def _unique_systems(systems: Sequence[Any], problems: List[Problem]) -> None:
    seen: Dict[Any, str] = {}
    for index, system in enumerate(systems):
        key = identity(system)
        if key is None:
            continue
        where = "backup_systems[{0}].name".format(index)
        if key in seen:
            problems.append(Problem(where, system["name"], "is the same {0} as {1}: labels fold accents, spaces and case".format(key[0], seen[key]),
                                    "Give each system of a kind its own name."))
        seen.setdefault(key, where)


def identity(system: Any) -> Any:
    """(kind, canonical name regardless of case): what must be unique in the institution; None where it can't be told."""
    if not isinstance(system, Mapping) or not isinstance(system.get("kind"), str):
        return None
    try:
        return (system["kind"], label.canonical(system.get("name", "")).lower())
    except BackupError:
        return None


def _floors(policy: Mapping[str, Any], problems: List[Problem]) -> None:
    """Criticality only raises the frequency of numeral 6.4: it can't make a period longer."""
    kinds = policy.get("kinds")
    rules = policy.get("criticality")
    if not isinstance(kinds, Mapping) or not isinstance(rules, Mapping):
        return
    for criticality, rule in rules.items():
        for kind, every in _table_of(_table_of(rule).get("every")).items():
            floor = _days(_table_of(kinds.get(kind)).get("every"))
            wanted = _days(every)
            if floor and wanted and wanted > floor:
                problems.append(Problem(
                    "backup_policy.criticality.{0}.every.{1}".format(criticality, kind), wanted,
                    "days is less often than the {0} days of the kind".format(floor),
                    "Criticality only raises the frequency (numeral 6.4): give {0} days or fewer.".format(floor)))


def _hours(policy: Mapping[str, Any], problems: List[Problem]) -> None:
    """Working hours are of one day, and what must be copied outside them needs them."""
    hours = _table_of(policy.get("working_hours"))
    start, end = hours.get("from"), hours.get("until")
    if isinstance(start, str) and isinstance(end, str) and start >= end:
        problems.append(Problem("backup_policy.working_hours", "{0}-{1}".format(start, end), "ends before it begins",
                                "Give the hours of one day, from before until."))
    for kind, rule in _table_of(policy.get("kinds")).items():
        rule = _table_of(rule)
        if not hours and (rule.get("outside_working_hours") is True or rule.get("catch_up") == "next_window"):
            problems.append(Problem("backup_policy.kinds.{0}".format(kind), None, "is copied outside working hours, which the policy does not give",
                                    "Add working_hours with days, from and until (numeral 6.4)."))


def _table_of(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _days(every: Any) -> int:
    every = _table_of(every)
    days, months = every.get("days"), every.get("months")
    if isinstance(days, int):
        return days
    return months * _SHORTEST_MONTH if isinstance(months, int) else 0


# -- what follows from a valid policy --------------------------------------------------------------------------------
def period(policy: Mapping[str, Any], kind: str, criticality: str) -> Optional[Period]:
    """How often a system is copied at least: by its criticality, else by its kind; None for what is copied on request only."""
    rule = policy["criticality"][criticality].get("every", {}).get(kind) or policy["kinds"][kind].get("every")
    return Period(rule.get("days", 0), rule.get("months", 0)) if rule else None


def copied_by_a_tool(system: Mapping[str, Any]) -> bool:
    """Whether a tool of the institution copies a system by itself; then its copies lie on no medium of ours (7.2.3 a)."""
    source = system.get("source")
    return isinstance(source, Mapping) and source.get("type") in COPIED_BY_A_TOOL


def required_trust(policy: Mapping[str, Any], system: Mapping[str, Any]) -> str:
    """What the copies of a valid system must show: by its criticality, and there by its kind; of what a tool copies, what the manual asks (7.2.3 b)."""
    if copied_by_a_tool(system):
        return _TRUST_IN_A_TOOL
    rule = policy["criticality"][system["criticality"]]
    return str(rule.get("trust", {}).get(system["kind"]) or rule.get("required_trust", _TRUST_FOR_FREQUENCY))


def counted_trust(policy: Mapping[str, Any], system: Mapping[str, Any]) -> str:
    """What a copy of a valid system must show to count for the frequency of numeral 6.4."""
    return min(_TRUST_FOR_FREQUENCY, required_trust(policy, system), key=TRUST_LEVELS.index)


def retention(policy: Mapping[str, Any], kind: str, criticality: str) -> Dict[str, int]:
    """The retention of a system: that of its kind, over which its criticality has its own. `keep_copies` of a kind is its number of points."""
    rules = policy["kinds"][kind]
    points = {"points": rules["keep_copies"]} if "keep_copies" in rules else {}
    return {**points, **rules.get("retention", {}), **policy["criticality"][criticality].get("retention", {}).get(kind, {})}


def users_of(medium: str, systems: Sequence[Mapping[str, Any]], media: Sequence[Mapping[str, Any]]) -> List[Mapping[str, Any]]:
    """The systems whose copies go to a medium: those that name it, and, where it is a default one, those that name none."""
    default = {each["name"]: each.get("default", True) for each in media}[medium]
    ours = (system for system in systems if not copied_by_a_tool(system))
    return [system for system in ours if (medium in system["media"] if system.get("media") else default)]


def lives(policy: Mapping[str, Any], systems: Sequence[Mapping[str, Any]]) -> List[lifecycle.Life]:
    """How old the copies of systems become, once for each kind and criticality."""
    found = []
    for kind, criticality in sorted({(system["kind"], system["criticality"]) for system in systems}):
        every = period(policy, kind, criticality)
        days = every.days or every.months * _SHORTEST_MONTH if every else 0
        who = ", ".join(sorted(system["name"] for system in systems if (system["kind"], system["criticality"]) == (kind, criticality)))
        found.append(lifecycle.life("{0} ({1}, {2})".format(who, kind, criticality), retention(policy, kind, criticality), days,
                                    policy.get("minimum_copies", 1)))
    return [life for life in found if life]


def designated(policy: Mapping[str, Any], egcr: str, on: datetime.date) -> List[Mapping[str, Any]]:
    """The designations of an EGCR in force on a date, titular first (numeral 5.1 b)."""
    posts = _table_of(policy.get("actors")).get("egcr", {}).get(egcr, {})
    return [person for post in POSTS for person in posts.get(post, ()) if in_force(person, on)]


def responsible(policy: Mapping[str, Any], system: Mapping[str, Any], on: datetime.date) -> str:
    """The EGCR who answers for a system on a date: its own on that day, else the titular of its kind, else a suplente."""
    own = people.own(system, on)
    if own:
        return str(own["name"])
    egcr = EGCR_OF_KIND[system["kind"]]
    in_charge = designated(policy, egcr, on)
    return in_charge[0]["name"] if in_charge else EGCR_TITLES[egcr] + " (sin designación vigente)"


def wants_password(policy: Mapping[str, Any], system: Mapping[str, Any]) -> bool:
    """Whether the copies of a system are encrypted with a password of their own: by its criticality (7.2.1 b). Mailboxes always."""
    return bool(policy["criticality"][system["criticality"]]["password"] or system["kind"] == "mailbox")


def encryption_format(policy: Mapping[str, Any], system: Mapping[str, Any]) -> str:
    """How the copies of a system are encrypted: by itself, by its criticality, else gpg; empty where they are not (numeral 7.2.1 b)."""
    rule = policy["criticality"][system["criticality"]]
    if system["kind"] == "file_server":
        return "gpg" if wants_password(policy, system) else ""     # restic's repository has its own encryption; gpg seals its second key
    return (system.get("encryption_format") or rule.get("encryption_format", "gpg")) if wants_password(policy, system) else ""


def key_holders(policy: Mapping[str, Any], kind: str, on: datetime.date) -> List[Mapping[str, Any]]:
    """Those whose public keys open the copies of a kind: its EGCR and the one of databases, who keeps passwords (numeral 5.2)."""
    holders: List[Mapping[str, Any]] = []
    for egcr in dict.fromkeys((EGCR_OF_KIND[kind], "database")):
        for person in designated(policy, egcr, on):
            if ("public_key" in person or "public_key_file" in person) and person not in holders:
                holders.append(person)
    return holders
