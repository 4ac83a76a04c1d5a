# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The policy (the manual as data), the systems, media and custodians of an inventory: what is valid, and what follows from it.

`validate` looks at all of them before anything is touched and tells every mistake at once (schema.py).
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

KINDS = ("database", "source_code", "file_server")
LATER_KINDS = ("mailbox",)
# every policy has rules for these; for others only where the inventory has systems of them
_RULED = ("database", "source_code")
CRITICALITIES = ("alta", "media", "baja")
COMPRESSIONS = ("zstd", "gzip", "xz")
ENCRYPTION_FORMATS = FORMATS
SOURCE_TYPES = {
    "database": ("postgresql", "mariadb", "sqlite", "command"),
    "source_code": ("git", "paths"),
    "file_server": ("restic", "azure_backup"),
}
# Sources that a tool of the institution copies by itself, to a medium of its own (7.2.3 a): we set it up, check its jobs and record them.
COPIED_BY_A_TOOL = ("azure_backup",)
# What is known of a copy that a tool says it made: its job ended well and the copy is listed. Nobody of us read its bytes.
_TRUST_IN_A_TOOL = "T1"
# A copy that was read back counts for the frequency of numeral 6.4. A restore into scratch (T3) may come days later, by a drill.
_TRUST_FOR_FREQUENCY = "T2"
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
    "azure_backup": table({"type": text(), "vault": text(), "protects": choice("agent", "machine", "share")}, {
        "computer": _HOST, "volume": text(), "machine": _NAME, "storage_account": text(r"[a-z0-9]{3,24}", "archivosentidad"), "share": _NAME,
        "resource_group": _NAME,
    }),
    "restic": table({"type": text(), "paths": listing(absolute_path(), minimum=1)}, {
        "exclude": listing(text()), "exclude_caches": flag(), "one_file_system": flag(), "repository": choice("system", "server", "office"),
        "snapshot": choice("none", "auto", "lvm", "btrfs", "zfs"), "limit_upload": whole(0, 100_000_000), "limit_upload_working_hours": whole(1, 100_000_000),
        "read_concurrency": whole(0, 64),
        "changed_files": choice("warn", "fail"),
    }),
}
# what each sort of protected item is named by, and what else may be said of it
_PROTECTED = {"agent": (("computer", "volume"), ()), "machine": (("machine",), ("resource_group",)),
              "share": (("storage_account", "share"), ("resource_group",))}


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
    if value["type"] == "azure_backup" and isinstance(value.get("protects"), str) and value["protects"] in _PROTECTED:
        needed, more = _PROTECTED[value["protects"]]
        problems += [Problem(where + "." + name, None, "is missing", "A {0} is named by {1}.".format(value["protects"], " and ".join(needed)))
                     for name in needed if name not in value]
        problems += [Problem(where + "." + name, schema.shown(value[name]), "has no meaning for a {0}".format(value["protects"]),
                             "Remove it, or change protects.") for name in value if name not in ("type", "vault", "protects", *needed, *more)]


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
AZURE_AUTH = table({}, {
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
        "proxy": secret(), "ca_certs": text(), "retry_seconds": whole(0, 86400), "auth": AZURE_AUTH,
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


# -- custodians -------------------------------------------------------------------------------------------------------
CUSTODIANS = ("vault_file", "azure_key_vault", "hashicorp_vault")
_ANY_CUSTODIAN = {"type": choice(*CUSTODIANS), "required": flag(), "retired": flag()}
_REST = {"proxy": secret(), "ca_certs": text(), "retry_seconds": whole(0, 3600)}
# A password goes there: never in clear, except to an agent on this very machine.
_ADDRESS = text(r"https://[^\s/@?#]+(/[^\s?#]*)?|http://(127\.0\.0\.1|localhost|\[::1\])(:[0-9]+)?/?", "https://boveda.example.org:8200")
_SEGMENTS = r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*"
_CUSTODIANS = {
    "vault_file": table({"name": _MEDIUM_NAME, "path": absolute_path()}, _ANY_CUSTODIAN),
    "azure_key_vault": table({"name": _MEDIUM_NAME, "type": text()}, {
        **_ANY_CUSTODIAN, **_REST, "vault_name": text(r"[A-Za-z][A-Za-z0-9-]{1,22}[A-Za-z0-9]", "boveda-oti"),
        "vault_uri": text(r"https://[^\s/@?#]+/?", "https://boveda-oti.vault.azure.net"), "prefix": text(r"[A-Za-z0-9][A-Za-z0-9-]{0,30}", "respaldo"),
        "auth": AZURE_AUTH,
    }),
    "hashicorp_vault": table({"name": _MEDIUM_NAME, "type": text(), "address": _ADDRESS}, {
        **_ANY_CUSTODIAN, **_REST, "mount": text(_SEGMENTS, "secret"), "path": text(_SEGMENTS, "respaldo"), "namespace": text(_SEGMENTS + "/?", "oti"),
        "token": secret(), "role_id": secret(), "secret_id": secret(), "auth_mount": text(_SEGMENTS, "approle"),
    }),
}


def _custodian(value: Any, where: str, problems: List[Problem]) -> None:
    """A custodian, checked by the keys of its own type."""
    kind = value.get("type", "vault_file") if isinstance(value, Mapping) else "vault_file"
    if not isinstance(kind, str) or kind not in _CUSTODIANS:
        choice(*CUSTODIANS)(kind, where + ".type", problems)
        return
    _CUSTODIANS[kind](value, where, problems)
    if not isinstance(value, Mapping):
        return
    if kind == "azure_key_vault" and ("vault_name" in value) == ("vault_uri" in value):
        problems.append(Problem(where, "vault_name, vault_uri" if "vault_name" in value else None, "needs exactly one of vault_name and vault_uri",
                                "Give vault_name; vault_uri only for a private endpoint or a cloud of its own."))
    if kind == "hashicorp_vault":
        roles = [key for key in ("role_id", "secret_id") if key in value]
        if ("token" in value) == bool(roles) or len(roles) == 1:
            problems.append(Problem(where, ", ".join(key for key in ("token", "role_id", "secret_id") if key in value) or None,
                                    "needs either a token, or role_id and secret_id", "Give one of the two, from the vault of the inventory."))


def check_custodians(custodians: Any, problems: List[Problem], where: str = "backup_custodians") -> None:
    """Append what is wrong with a list of custodians; an empty one is in order, since a directory may stand for it."""
    listing(_custodian)(custodians, where, problems)
    if not isinstance(custodians, (list, tuple)):
        return
    seen: List[str] = []
    for index, each in enumerate(custodians):
        name = each.get("name") if isinstance(each, Mapping) else None
        if isinstance(name, str) and name.lower() in seen:
            problems.append(Problem("{0}[{1}].name".format(where, index), name, "is the name of two custodians", "Give each custodian its own name."))
        seen.append(str(name).lower())
    if custodians and all(isinstance(each, Mapping) and (each.get("retired") is True or each.get("required") is False) for each in custodians):
        problems.append(Problem(where, None, "has no custodian that takes every new password", "Leave one without retired: true and required: false."))


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
    "trust": table({}, {kind: choice(*TRUST_LEVELS[1:]) for kind in KINDS + LATER_KINDS}),
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
        "kinds": table({kind: _KIND for kind in _RULED}, {kind: _KIND for kind in KINDS + LATER_KINDS if kind not in _RULED}),
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
        "shared_folders": table({"numeral": text()}, {"recycle_days": whole(0, 3650), "unwanted": listing(text(r"\.?[A-Za-z0-9_-]{1,16}", "mp3"))}),
        "warnings": table({}, {
            "size_change_percent": whole(1, 1000), "copies_for_pattern": whole(3, 12), "free_percent": whole(1, 90), "restore_test_days": whole(0),
            "seal_days": whole(1),
            "anchor_days": whole(1), "changed_percent": whole(1, 100), "data_read_days": whole(0, 3660),
        }),
    },
)


class Period(NamedTuple):
    """How often at least; exactly one of the two is not zero."""

    days: int
    months: int


def validate(policy: Any, systems: Any, media: Any, custodians: Any = ()) -> None:
    """Refuse a policy, systems, media or custodians with mistakes: one BackupError RSP101 that names each key, value and mend."""
    problems: List[Problem] = []
    _POLICY(policy, "backup_policy", problems)
    if isinstance(policy, Mapping):
        _floors(policy, problems)
        _hours(policy, problems)
    listing(_medium)(media, "backup_media", problems)
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


def _known_kind(system: Any, where: str, policy: Any, problems: List[Problem]) -> None:
    """The policy must have rules for the kind of each system."""
    kind = _table_of(system).get("kind")
    if kind in KINDS and kind not in _RULED and kind not in _table_of(_table_of(policy).get("kinds")):
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
    if system["kind"] == "file_server":
        return "gpg" if rule["password"] else ""     # restic's repository has its own encryption; gpg seals its second key
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
