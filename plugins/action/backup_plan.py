# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action backup_plan: the inventory is checked, then each system is said to be due or not, and why. See its module for the documentation."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible.utils.display import Display

from ansible_collections.perucompras.respaldo.plugins.module_utils._engine import label, policy, result
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.plugin_utils import _due, _retention
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import view
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store, resolve_url
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._inventory import INVENTORY, InventoryAction, public_key

_LONGEST_NOTE = 3000
_KINDS = view.KINDS


class ActionModule(InventoryAction):
    ARGUMENTS = {
        **INVENTORY,
        "custodians": {"type": "raw", "default": []},
        "kind": {"type": "str", "default": "all", "choices": ["all", *policy.KINDS, *policy.LATER_KINDS]},
        "emergency_reason": {"type": "str", "default": ""},
        "request": {"type": "dict", "options": {name: {"type": "str", "default": ""} for name in ("ticket", "requester", "reason")}},
        "catch_up": {"type": "str", "default": "", "choices": ["", "now"]},
        "record": {"type": "bool", "default": False},
        "show": {"type": "bool", "default": False},
    }

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        rules, _systems, media, _wanted = found = self.inventory(arguments, task_vars)
        here = _due.zone(rules["time_zone"])
        now = datetime.datetime.now(datetime.timezone.utc)
        emergency = _emergency(arguments["emergency_reason"])
        soon = (now + datetime.timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
        plan = []
        with open_store(resolve_url()) as store:
            for index, system in found.chosen(arguments["kind"]):
                last = store.last_good(system["kind"], system["name"], policy.counted_trust(rules, system), soon)
                decision = _due.decide(system, rules, last, now, emergency, arguments["request"], arguments["catch_up"])
                plan.append(dict(_row(index, system, rules, media, last, decision, now.astimezone(here).date()),
                                 working_hours=_due.working_until(now.astimezone(here), rules) is not None))
        if arguments["show"]:
            Display().display("\n".join(_table(task_vars["inventory_hostname"], plan)))
        return {
            **(_record(plan, arguments["kind"]) if arguments["record"] else {}),
            "changed": False,
            "plan": plan,
            "summary": [f"{row['system']} ({row['kind']}): {_due.STATES[row['state']]}. {row['why']}" for row in plan],
            "time_zone": rules["time_zone"],
            "institution": rules["institution"],
            "manual": rules["manual"]["name"],
        }


def _emergency(text: str) -> str:
    """The reason of an emergency. One that is there but blank is a mistake: an emergency copy without a reason is not recorded as one."""
    if text and not text.strip():
        raise BackupError("invalid_input", where="emergency_reason", value=text, problem="is blank",
                          mend="Say which risk the copies answer to (numeral 5.1 d), or leave it out.")
    return text.strip()


def _record(plan: Sequence[Mapping[str, Any]], kind: str) -> dict[str, Any]:
    """As few entries as hold all that is not copied now: a line for each system and run would bury the copies among them."""
    waiting = [row for row in plan if row["due"] == "no"]
    refused = [row for row in waiting if row["state"] == "refused"]
    entries = [_told_together("copy_refused", rows, kind) for rows in _pages(refused)]
    entries += [_told_together("copy_not_due", rows, kind) for rows in _pages([row for row in waiting if row not in refused])]
    return {"backup": entries} if entries else {}


def _pages(rows: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """The rows by entry: an entry takes a text of limited length, and none is cut."""
    pages: list[list[Mapping[str, Any]]] = []
    length = _LONGEST_NOTE
    for row in rows:
        added = len(_line_of(row)) + 2
        if length + added > _LONGEST_NOTE:
            pages.append([])
            length = 0
        pages[-1].append(row)
        length += added
    return pages


def _line_of(row: Mapping[str, Any]) -> str:
    return f"{row['system']}: {row['why']}"


def _told_together(event: str, rows: Sequence[Mapping[str, Any]], kind: str) -> dict[str, Any]:
    kinds = {row["kind"] for row in rows}
    return result.build(
        event=event, system=rows[0]["system"] if len(rows) == 1 else None, kind=kinds.pop() if len(kinds) == 1 else (kind if kind != "all" else None),
        numeral=rows[0]["numeral"], objects=len(rows), reason_text="; ".join(map(_line_of, rows)))


def _table(host: str, plan: Sequence[Mapping[str, Any]]) -> list[str]:
    """The plan of a host as lines for a terminal: the decision first, its reason below."""
    if not plan:
        return [f"{host}: ningún sistema"]
    cells = [(row["system"], _KINDS[row["kind"]], row["criticality"], _due.STATES[row["state"]], row["next_due"] or "-", row["responsible"]) for row in plan]
    heads = ("Sistema", "Tipo", "Criticidad", "Decisión", "Corresponde", "Responsable")
    widths = [max(view.width_of(row[place]) for row in [heads, *cells]) for place in range(len(heads))]
    lines = [f"{host}: {len(plan)} sistema{'' if len(plan) == 1 else 's'}", "  ".join(map(view.pad, heads, widths)).rstrip()]
    for row, cell in zip(plan, cells, strict=True):
        lines += ["  ".join(map(view.pad, cell, widths)).rstrip(), f"    {row['why']}"]
    return lines


def _row(index: int, system: Mapping[str, Any], rules: Mapping[str, Any], media: Iterable[Mapping[str, Any]], last: Mapping[str, Any] | None,
         decision: _due.Decision, today: datetime.date) -> dict[str, Any]:
    criticality = rules["criticality"][system["criticality"]]
    form = policy.encryption_format(rules, system)
    kept = policy.retention(rules, system["kind"], system["criticality"])
    until = _retention.certain(kept, today)
    row = {
        "index": index,
        "system": system["name"],
        "canonical": label.canonical(system["name"]),
        "kind": system["kind"],
        "source_type": system["source"]["type"],
        "criticality": system["criticality"],
        "office": system["office"],
        "responsible": policy.responsible(rules, system, today),
        "numeral": rules["kinds"][system["kind"]]["numeral"],
        "encrypt": criticality["password"] and not policy.copied_by_a_tool(system),
        "required_trust": policy.required_trust(rules, system),
        # a repository is always encrypted
        "public_keys": [public_key(person) for person in policy.key_holders(rules, system["kind"], today)]
        if form == "gpg" or system["kind"] == "file_server" else [],
        "encryption_format": form or "gpg",
        "compression": system.get("compression") or rules.get("compression", "zstd"),
        "minimum_size": system.get("minimum_size", 1),
        "media": _media(system, media),
        "retention": _retention.rule_in_words(kept),
        **({"retention_until": until.isoformat()} if until else {}),
        **decision._asdict(),
    }
    if last is not None:
        previous = {"previous_label": last.get("label"), "previous_size": last.get("size"),
                    "previous_content_digest": last.get("content_digest"), "previous_at": last.get("started_at")}
        row.update({key: value for key, value in previous.items() if value is not None})
    return row


def _media(system: Mapping[str, Any], media: Iterable[Mapping[str, Any]]) -> list[str]:
    if policy.copied_by_a_tool(system):
        return [system["source"]["vault"]]
    return list(system.get("media") or [medium["name"] for medium in media if medium.get("default", True)])
