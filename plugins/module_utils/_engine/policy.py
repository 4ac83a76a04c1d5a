# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The policy (the manual as data), the systems and the media of an inventory: what is valid, and what follows from it.

`validate` looks at all three before anything is touched and tells every mistake at once (schema.py).
"""

from __future__ import annotations

import datetime
import re
from typing import AbstractSet, Any, Dict, List, Mapping, NamedTuple, Optional, Sequence

from . import label, lifecycle, schema
from .errors import BackupError
from .result import TRUST_LEVELS
from .transforms.encrypt import FORMATS
from .schema import Problem, absolute_path, all_or_listing, choice, flag, listing, secret, table, text, whole

KINDS = ("database", "source_code")
LATER_KINDS = ("file_server", "mailbox")
CRITICALITIES = ("alta", "media", "baja")
COMPRESSIONS = ("zstd", "gzip", "xz")
ENCRYPTION_FORMATS = FORMATS
SOURCE_TYPES = {
    "database": ("postgresql", "mariadb", "sqlite", "command"),
    "source_code": ("git", "paths"),
}
# who is in charge of the copies of a kind (numeral 5.2)
EGCR_OF_KIND = {"database": "database", "source_code": "source_code", "file_server": "infrastructure", "mailbox": "infrastructure"}
EGCR_TITLES = {
    "database": "EGCR de Base de Datos", "source_code": "EGCR de Código Fuente", "infrastructure": "EGCR de Infraestructura",
}
DAYS_OF_WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# what is done with a copy that an outage left behind: at once, outside working hours, when a person says so
CATCH_UPS = ("now", "next_window", "ask")
# tiers of Azure Blob Storage, for the price table of the capacity plan (numeral 6.3)
TIERS = ("hot", "cool", "cold", "archive")
_SHORTEST_MONTH = 28

# -- sources ---------------------------------------------------------------------------------------------------------
# A name of a database or a user may hold almost anything, but not start with a dash: it is an argument of a program.
_NAME = text(r"[^-\x00-\x1f][^\x00-\x1f]*", "a name that does not start with a dash")
_HOST = text(r"[A-Za-z0-9_:%\[][A-Za-z0-9._:%\[\]-]*", "bd1.example.org")
_PORT = whole(1, 65535)
_ARGUMENTS = listing(text(), minimum=1)

_SOURCES = {
    "postgresql": table({"type": text(), "databases": all_or_listing(_NAME)}, {
        "host": _HOST, "port": _PORT, "user": _NAME, "password": secret(), "run_as": _NAME, "globals": flag(), "bin_dir": absolute_path(),
    }),
    "mariadb": table({"type": text(), "databases": all_or_listing(_NAME)}, {
        "host": _HOST, "port": _PORT, "user": _NAME, "password": secret(), "run_as": _NAME, "globals": flag(), "socket": absolute_path(),
        "bin_dir": absolute_path(),
    }),
    "sqlite": table({"type": text(), "path": absolute_path()}, {"work_dir": absolute_path()}),
    "command": table({"type": text(), "dump": _ARGUMENTS, "verify": _ARGUMENTS, "restore": _ARGUMENTS}, {
        "rehearse": _ARGUMENTS, "extension": text(r"[A-Za-z0-9]{1,16}", "dump"), "password": secret(), "run_as": _NAME,
    }),
    "git": table({"type": text()}, {
        "path": absolute_path(), "url": text(r"[^-\x00-\x1f][^\x00-\x1f]*", "https://git.example.org/siga.git"), "lfs": choice("auto", "require", "skip"),
        "identity_file": absolute_path(), "ssh_key": secret(), "known_hosts": text(), "username": _NAME, "password": secret(),
        "work_dir": absolute_path(),
    }),
    "paths": table({"type": text(), "paths": listing(absolute_path(), minimum=1)}, {"exclude": listing(text())}),
}


def _source(value: Any, where: str, problems: List[Problem]) -> None:
    """A source, checked by the keys of its own type."""
    if not isinstance(value, Mapping) or "type" not in value:
        table({"type": choice(*_SOURCES)}, {})(value, where, problems)
        return
    if not isinstance(value["type"], str) or value["type"] not in _SOURCES:
        choice(*_SOURCES)(value["type"], where + ".type", problems)
        return
    _SOURCES[value["type"]](value, where, problems)
    if value["type"] == "git":
        _git(value, where, problems)


def _git(source: Mapping[str, Any], where: str, problems: List[Problem]) -> None:
    if ("path" in source) == ("url" in source):
        problems.append(Problem(where, "path, url" if "path" in source else None, "needs exactly one of path and url",
                                "Give path for a repository on this server, url for one on another."))
    if isinstance(source.get("url"), str) and re.match(r"[A-Za-z][A-Za-z0-9+]*://[^/@\s]*:[^/@\s]*@", source["url"]):
        problems.append(Problem(where + ".url", schema.shown(source["url"]), "has a password in it",
                                "Give it apart, as username and password, from the vault."))
    if "ssh_key" in source and "identity_file" in source:
        problems.append(Problem(where, "ssh_key, identity_file", "has two keys", "Keep ssh_key (the key itself, from the vault) or identity_file (a path)."))


_SYSTEM = table(
    {"name": text(), "kind": choice(*(KINDS + LATER_KINDS)), "criticality": choice(*CRITICALITIES), "office": text(), "source": _source},
    {"responsible": text(), "media": listing(text(), minimum=1), "minimum_size": whole(0), "compression": choice(*COMPRESSIONS),
     "encryption_format": choice(*ENCRYPTION_FORMATS), "enabled": flag()},
)

_MEDIUM_NAME = text(r"[A-Za-z0-9_][A-Za-z0-9._-]*", "nas-lima")
_LOCAL = table(
    {"name": _MEDIUM_NAME, "path": absolute_path()},
    {
        "type": choice("local"), "create": flag(), "default": flag(),
        "host": _HOST, "port": _PORT, "user": _NAME, "identity_file": absolute_path(), "ssh_key": secret(), "known_hosts": text(),
    },
)
# Who the controller is to Azure; the names are azure.azcollection's where they mean the same.
_AUTH = table({}, {
    **{name: text() for name in ("auth_source", "client_id", "tenant", "subscription_id", "cloud_environment", "profile", "x509_certificate_path",
                                 "thumbprint", "federated_token_file", "authority", "ca_certs")},
    **{name: secret() for name in ("secret", "account_key", "sas_token", "proxy")},
    "sas_minutes": whole(5, 1440), "deposit_permissions": choice("c", "cw"),
})
# What a container does with copies by itself: the days after which they go to a colder tier or are deleted (lifecycle.py).
LIFECYCLE = table({}, {name: whole(1, 36500) for name in (*lifecycle.MOVES, "delete", "versions")})
# The service's own limit for write-once days: 400 years.
MAXIMUM_WRITE_ONCE = 146000
_AZURE_BLOB = table(
    {
        "name": _MEDIUM_NAME, "type": choice("azure_blob"), "storage_account_name": text(r"[a-z0-9]{3,24}", "copiasentidad"),
        "container": text(r"[a-z0-9](-?[a-z0-9]){2,62}", "copias"),
    },
    {
        "default": flag(), "endpoint": text(r"https://[^\s]+", "https://copiasentidad.blob.core.windows.net"),
        "prefix": text(r"[A-Za-z0-9_][A-Za-z0-9._/-]*", "lima"), "tier": choice(*TIERS), "workers": whole(1, 32), "bandwidth": whole(0),
        "proxy": secret(), "ca_certs": text(), "retry_seconds": whole(0, 86400), "auth": _AUTH,
        "write_once_days": whole(1, MAXIMUM_WRITE_ONCE), "lifecycle": LIFECYCLE,
    },
)


def _medium(value: Any, where: str, problems: List[Problem]) -> None:
    """A medium, checked by the keys of its own type."""
    kind = value.get("type", "local") if isinstance(value, Mapping) else "local"
    if kind not in ("local", "azure_blob"):
        choice("local", "azure_blob")(kind, where + ".type", problems)
    elif kind == "azure_blob":
        _AZURE_BLOB(value, where, problems)
    else:
        _LOCAL(value, where, problems)


# -- policy ----------------------------------------------------------------------------------------------------------
_EVERY = table({}, {"days": whole(1, 366), "months": whole(1, 12)})


def _every(value: Any, where: str, problems: List[Problem]) -> None:
    _EVERY(value, where, problems)
    if isinstance(value, Mapping) and len(value) != 1:
        problems.append(Problem(where, schema.shown(value), "needs exactly one of days and months", "Write e.g. days: 7."))


_DESIGNATION = table({"name": text(), "from": schema.date()}, {
    "email": text(r"[^@\s]+@[^@\s]+", "egcr@example.org"), "until": schema.date(), "document": text(),
    "public_key_file": text(), "public_key": text(),
})
# a director or head of an office, who may ask for copies of mailboxes (numeral 6.4)
_HEAD = table({"name": text(), "from": schema.date(), "office": text()}, {
    "email": text(r"[^@\s]+@[^@\s]+", "jefatura@example.org"), "until": schema.date(), "document": text()})
_EGCR = table({"titular": listing(_DESIGNATION)}, {"suplente": listing(_DESIGNATION)})
_ACTORS = table({}, {
    "jefe_oti": listing(_DESIGNATION),
    "soporte": listing(_DESIGNATION),
    "heads": listing(_HEAD),
    "egcr": table({}, {"database": _EGCR, "source_code": _EGCR, "infrastructure": _EGCR}),
})
# Copies that stay when any of these keeps them; see plugin_utils/_retention.py
_RETENTION = table({}, {name: whole(1, 36500) for name in ("points", "days", "months", "daily", "weekly", "monthly", "yearly")})
_KIND = table({"numeral": text(), "frequency_numeral": text()}, {
    "every": _every, "on_update": flag(), "only_on_request": flag(), "outside_working_hours": flag(), "keep_copies": whole(1),
    "retention": _RETENTION,
    "catch_up": choice(*CATCH_UPS), "overdue_after_days": whole(0, 366),
})
_CRITICALITY = table({"password": flag(), "required_trust": choice(*TRUST_LEVELS[1:])}, {
    "encryption_format": choice(*ENCRYPTION_FORMATS),
    "every": table({}, {kind: _every for kind in KINDS + LATER_KINDS}),
    "retention": table({}, {kind: _RETENTION for kind in KINDS + LATER_KINDS}),
})
_PRICE = text(r"[0-9]+(\.[0-9]+)?", "0.018")
_PRICES = table({"currency": text(), "gib_month": table({}, {tier: _PRICE for tier in TIERS})}, {})
_TIME = text(r"([01][0-9]|2[0-3]):[0-5][0-9]", "08:00")
_POLICY = table(
    {
        "institution": text(),
        "manual": table({"name": text(), "version": text()}, {"approved": schema.date(), "document": text()}),
        "time_zone": text(),
        "kinds": table({kind: _KIND for kind in KINDS}, {kind: _KIND for kind in LATER_KINDS}),
        "criticality": table({each: _CRITICALITY for each in CRITICALITIES}, {}),
    },
    {
        "label": table({"numeral": text()}, {}),
        "emergency_numeral": text(),
        "compression": choice(*COMPRESSIONS),
        "minimum_copies": whole(1),
        "working_hours": table({"days": listing(choice(*DAYS_OF_WEEK)), "from": _TIME, "until": _TIME}, {}),
        "holidays": listing(schema.date()),
        "actors": _ACTORS,
        "prices": _PRICES,
        "drills": table({}, {"every": table({}, {each: whole(1, 3660) for each in CRITICALITIES}), "budget_minutes": whole(1, 10080)}),
        "warnings": table({}, {
            "size_change_percent": whole(1, 1000), "copies_for_pattern": whole(3, 12), "free_percent": whole(1, 90), "restore_test_days": whole(0),
            "seal_days": whole(1),
            "anchor_days": whole(1),
        }),
    },
)


class Period(NamedTuple):
    """How often at least; exactly one of the two is not zero."""

    days: int
    months: int


def validate(policy: Any, systems: Any, media: Any) -> None:
    """Refuse a policy, systems or media with mistakes: one BackupError RSP101 that names each key, value and mend."""
    problems: List[Problem] = []
    _POLICY(policy, "backup_policy", problems)
    if isinstance(policy, Mapping):
        _floors(policy, problems)
        _hours(policy, problems)
    listing(_medium)(media, "backup_media", problems)
    passwords = {each for each, rule in _table_of(_table_of(policy).get("criticality")).items() if _table_of(rule).get("password") is True}
    media_names = _media_names(media, problems)
    if isinstance(systems, (list, tuple)):
        for index, system in enumerate(systems):
            _one_system(system, "backup_systems[{0}]".format(index), media_names, passwords, problems)
        _unique_systems(systems, problems)
    else:
        listing(_SYSTEM)(systems, "backup_systems", problems)
    if not problems:
        for medium, where in [(medium, "backup_media[{0}]".format(index)) for index, medium in enumerate(media)]:
            if "write_once_days" in medium or "lifecycle" in medium:
                problems += lifecycle.problems(medium, lives(policy, users_of(medium["name"], systems, media)), where)
    schema.raise_all(problems)


def _one_system(system: Any, where: str, media_names: Mapping[str, bool], passwords: AbstractSet[str], problems: List[Problem]) -> None:
    if isinstance(system, Mapping) and system.get("kind") in LATER_KINDS:
        problems.append(Problem(where + ".kind", system["kind"], "is a kind whose copies come with a later release",
                                "Remove this system for now; copies of {0} can be made today.".format(" and ".join(KINDS))))
        return
    _SYSTEM(system, where, problems)
    if not isinstance(system, Mapping):
        return
    if isinstance(system.get("name"), str) and system["name"].strip():
        try:
            label.canonical(system["name"], where + ".name")
        except BackupError as error:
            problems.append(Problem(where + ".name", error.details["value"], error.details["problem"], error.details["mend"]))
    source = system.get("source")
    source_type = source.get("type") if isinstance(source, Mapping) else None
    if system.get("kind") in KINDS and isinstance(source_type, str) and source_type in _SOURCES:
        allowed = SOURCE_TYPES[system["kind"]]
        if source_type not in allowed:
            problems.append(Problem(where + ".source.type", source_type, "is not a source of kind {0}".format(system["kind"]),
                                    "Use one of {0}, or change the kind.".format(", ".join(allowed))))
    if "encryption_format" in system and system.get("criticality") in CRITICALITIES and system["criticality"] not in passwords:
        problems.append(Problem(where + ".encryption_format", system["encryption_format"],
                                "has no meaning: copies of criticality {0} have no password".format(system["criticality"]),
                                "Remove it, or give the system a criticality whose copies have one (numeral 7.2.1 b)."))
    _media_of(system, where, media_names, problems)


def _media_of(system: Mapping[str, Any], where: str, media_names: Mapping[str, bool], problems: List[Problem]) -> None:
    wanted = system.get("media")
    if isinstance(wanted, (list, tuple)):
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
        if "host" not in medium and medium.get("type") != "azure_blob":
            for key in ("port", "user", "identity_file", "ssh_key", "known_hosts"):
                if key in medium:
                    problems.append(Problem("{0}.{1}".format(where, key), key, "has no meaning without host", "Add host, or remove it."))
        elif "identity_file" in medium and "ssh_key" in medium:
            problems.append(Problem(where, "ssh_key, identity_file", "has two keys", "Keep ssh_key (the key itself, from the vault) or identity_file."))
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


def retention(policy: Mapping[str, Any], kind: str, criticality: str) -> Dict[str, int]:
    """The retention of a system: that of its kind, over which its criticality has its own. `keep_copies` of a kind is its number of points."""
    rules = policy["kinds"][kind]
    points = {"points": rules["keep_copies"]} if "keep_copies" in rules else {}
    return {**points, **rules.get("retention", {}), **policy["criticality"][criticality].get("retention", {}).get(kind, {})}


def users_of(medium: str, systems: Sequence[Mapping[str, Any]], media: Sequence[Mapping[str, Any]]) -> List[Mapping[str, Any]]:
    """The systems whose copies go to a medium: those that name it, and, where it is a default one, those that name none."""
    default = {each["name"]: each.get("default", True) for each in media}[medium]
    return [system for system in systems if (medium in system["media"] if system.get("media") else default)]


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
    return [person for post in ("titular", "suplente") for person in posts.get(post, ()) if in_force(person, on)]


def responsible(policy: Mapping[str, Any], system: Mapping[str, Any], on: datetime.date) -> str:
    """The EGCR who answers for a system on a date: its own, else the titular of its kind, else his or her suplente."""
    if system.get("responsible"):
        return system["responsible"]
    egcr = EGCR_OF_KIND[system["kind"]]
    people = designated(policy, egcr, on)
    return people[0]["name"] if people else EGCR_TITLES[egcr] + " (sin designación vigente)"


def encryption_format(policy: Mapping[str, Any], system: Mapping[str, Any]) -> str:
    """How the copies of a system are encrypted: by itself, by its criticality, else gpg; empty where they are not (numeral 7.2.1 b)."""
    rule = policy["criticality"][system["criticality"]]
    return (system.get("encryption_format") or rule.get("encryption_format", "gpg")) if rule["password"] else ""


def key_holders(policy: Mapping[str, Any], kind: str, on: datetime.date) -> List[Mapping[str, Any]]:
    """Those whose public keys open the copies of a kind: its EGCR and the one of databases, who keeps passwords (numeral 5.2)."""
    holders: List[Mapping[str, Any]] = []
    for egcr in dict.fromkeys((EGCR_OF_KIND[kind], "database")):
        for person in designated(policy, egcr, on):
            if ("public_key" in person or "public_key_file" in person) and person not in holders:
                holders.append(person)
    return holders


def in_force(person: Mapping[str, Any], on: datetime.date) -> bool:
    """Whether a designation holds on a date."""
    return date_of(person["from"]) <= on and ("until" not in person or on <= date_of(person["until"]))


def date_of(value: Any) -> datetime.date:
    """A date of a policy, which YAML gives as a date or as text."""
    if isinstance(value, datetime.datetime):
        return value.date()
    if isinstance(value, datetime.date):
        return value
    return datetime.datetime.strptime(value, "%Y-%m-%d").date()
