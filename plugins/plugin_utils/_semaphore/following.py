# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Making a project be as it is wanted: what differs is changed, what is missing made, what was ours and is no longer wanted removed; nothing of others.

Ours is what begins with our prefix. Of one name that two runs at once made twice, the first is kept: a schedule that stands there twice starts twice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .client import Semaphore
from .wanted import KEYS, KINDS, SCHEDULES, TEMPLATES, Reference, Thing, is_ours

# Told by the server of a template or an environment, and not the client's to say.
_THEIRS = ("id", "project_id", "last_task", "tasks", "tpl_name", "secrets", "created", "empty")
# What is shown of one that goes.
_SHOWN = ("name", "type", "playbook", "cron_format", "active", "git_url", "inventory")
_AS_JSON = ("json", "env", "arguments")


class Done(NamedTuple):
    """What was made, changed and removed, or would be: kind and name of each. `kept` are ours that something of others still uses."""

    made: list[tuple[str, str]]
    changed: list[tuple[str, str]]
    removed: list[tuple[str, str]]
    kept: list[tuple[str, str]]
    diff: list[dict[str, str]]

    @property
    def any(self) -> bool:
        return bool(self.made or self.changed or self.removed)


class _Found:
    """What a project holds of ours, by kind and name; `extra` are those of a name that another has already."""

    def __init__(self, server: Semaphore, project: int) -> None:
        self.rows: dict[tuple[str, str], dict[str, Any]] = {}
        self.extra: list[tuple[str, dict[str, Any]]] = []
        self.schedules: list[dict[str, Any]] = []
        for kind in KINDS if project else ():
            self.take(server, project, kind)

    def take(self, server: Semaphore, project: int, kind: str) -> None:
        listed = sorted(server.listed(project, kind), key=lambda row: row["id"])
        if kind == SCHEDULES:
            self.schedules = listed
        self.extra = [each for each in self.extra if each[0] != kind]
        self.rows = {at: row for at, row in self.rows.items() if at[0] != kind}
        for row in filter(is_ours, listed):
            if (kind, row["name"]) in self.rows:
                self.extra.append((kind, row))
            else:
                self.rows[kind, row["name"]] = server.whole(project, kind, row["id"]) if kind == TEMPLATES else row


def follow(server: Semaphore, name: str, wanted: Sequence[Thing], renew: bool, check_mode: bool) -> Done:
    """Make it so, or tell what would be. `renew`: tell the secrets of keys again, which nobody can compare. Raises BackupError RSP749."""
    done = Done([], [], [], [], [])
    project = server.project(name)
    if not project and wanted:
        done.made.append(("project", name))
        if not check_mode:
            server.make_project(name)
            project = server.project(name)
            if not project:
                raise server.refused("the project that was made is not there")
    found = _Found(server, project)
    for kind in KINDS:
        here = [thing for thing in wanted if thing.kind == kind]
        if here:
            _put(server, project, here, found, renew, check_mode, done)
    _take_away(server, project, {(thing.kind, thing.name) for thing in wanted}, found, check_mode, done)
    return done


def _put(server: Semaphore, project: int, things: Sequence[Thing], found: _Found, renew: bool, check_mode: bool, done: Done) -> None:
    """The objects of one kind; then they are read back, which also tells the numbers that others refer to."""
    told = []
    for thing in things:
        row = found.rows.get((thing.kind, thing.name))
        fields = {"name": thing.name, **_resolved(thing.fields, found)}
        again = row is not None and bool(thing.secret) and (renew or row.get("empty") is True or row.get("type") != thing.fields["type"])
        if row is not None and not again and not _differing(row, fields):
            continue
        (done.changed if row is not None else done.made).append((thing.kind, thing.name))
        done.diff.append(_diff(thing, row, found))
        told.append(thing)
        if check_mode:
            continue
        if row is None:
            server.make(project, thing.kind, {**fields, **thing.secret})
        else:
            standing = {key: value for key, value in row.items() if key not in _THEIRS and value is not None} if thing.kind != KEYS else {}
            told_whole = {**standing, **_numbered(row, fields), **({**thing.secret, "override_secret": True} if thing.kind == KEYS else {})}
            server.change(project, thing.kind, row["id"], told_whole)
    if told and not check_mode:
        found.take(server, project, things[0].kind)
        for thing in told:
            row = found.rows.get((thing.kind, thing.name))
            odd = ["all of it"] if row is None else _differing(row, {"name": thing.name, **_resolved(thing.fields, found)})
            if odd:
                raise server.refused("it took {0} '{1}', and does not have it so: {2}".format(thing.kind, thing.name, ", ".join(odd)))


def _numbered(row: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """With the numbers of the vaults that stay. What has none is put in beside them before what goes is gone, and two alike are refused there."""
    if not fields.get("vaults"):
        return dict(fields)
    numbers = {_vault(each): each["id"] for each in row.get("vaults") or () if each.get("id")}
    return {**fields, "vaults": [{**each, **({"id": numbers[_vault(each)]} if _vault(each) in numbers else {})} for each in fields["vaults"]]}


def _vault(row: Mapping[str, Any]) -> tuple[int, str]:
    return row.get("vault_key_id") or 0, row.get("name") or ""


def _take_away(server: Semaphore, project: int, wanted: set[tuple[str, str]], found: _Found, check_mode: bool, done: Done) -> None:
    unwanted = [(at[0], row) for at, row in found.rows.items() if at not in wanted] + found.extra
    going = {row["id"] for kind, row in unwanted if kind == SCHEDULES}
    for kind, row in sorted(unwanted, key=lambda each: -KINDS.index(each[0])):
        # with a template go its schedules, whoever made them
        used = kind == TEMPLATES and any(each.get("template_id") == row["id"] and each["id"] not in going for each in found.schedules)
        if used or not check_mode and not server.remove(project, kind, row["id"]):
            done.kept.append((kind, row["name"]))
            continue
        done.removed.append((kind, row["name"]))
        at = _at(kind, row["name"])
        done.diff.append({"before": _text({key: row.get(key) for key in _SHOWN}), "after": "", "before_header": at, "after_header": at})


def _resolved(value: Any, found: _Found) -> Any:
    """With numbers for references; of what is not made yet (check mode) there is none."""
    if isinstance(value, Reference):
        row = found.rows.get((value.kind, value.name))
        return row["id"] if row else None
    if isinstance(value, Mapping):
        return {key: _resolved(each, found) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_resolved(each, found) for each in value]
    return value


def _differing(row: Mapping[str, Any], fields: Mapping[str, Any]) -> list[str]:
    """Which fields the server has otherwise. It leaves out what is empty, and may add to what it was told."""
    return [key for key, value in fields.items() if _form(key, row.get(key), value) != _form(key, value, value)]


def _form(key: str, value: Any, wanted: Any) -> Any:
    """A field in the one form that is compared: what is empty is None, of a table the keys that were asked for."""
    if key in _AS_JSON and isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return value
        return value or None
    if key == "vaults" and isinstance(wanted, list) and isinstance(value, list):
        wanted, value = sorted(wanted, key=_vault), sorted(value, key=_vault)      # told in the order of their numbers
    if isinstance(wanted, list) and isinstance(value, list):
        # 2.10 knows one type of vault and does not tell it
        found = [{name: each.get(name) or None for name in like if (key, name) != ("vaults", "type")} if isinstance(each, Mapping) else each
                 for each, like in zip(value, wanted, strict=False)]
        return (found + list(value[len(wanted):])) or None
    return value or None


def _at(kind: str, name: str) -> str:
    return f"{kind}: {name}"


def _diff(thing: Thing, row: Mapping[str, Any] | None, found: _Found) -> dict[str, str]:
    """Before and after, by names; no secret is in either."""
    fields = {"name": thing.name, **thing.fields}
    numbers = {(kind, each["id"]): name for (kind, name), each in found.rows.items()}
    before = {} if row is None else {key: numbers.get((value.kind, row.get(key)), row.get(key)) if isinstance(value, Reference) else row.get(key)
                                     for key, value in fields.items()}
    after = dict(fields) if not thing.secret else {**fields, "secret": "(se envía)"}
    return {"before": _text(before) if row is not None else "", "after": _text(after), "before_header": _at(thing.kind, thing.name),
            "after_header": _at(thing.kind, thing.name)}


def _text(fields: Mapping[str, Any]) -> str:
    """One field a line, so that a difference is seen."""
    return "".join(f"{key}: {json.dumps(_named(value), ensure_ascii=False, sort_keys=True)}\n" for key, value in sorted(fields.items()) if value is not None)


def _named(value: Any) -> Any:
    if isinstance(value, Reference):
        return value.name
    if isinstance(value, Mapping):
        return {key: _named(each) for key, each in value.items()}
    return [_named(each) for each in value] if isinstance(value, (list, tuple)) else value
