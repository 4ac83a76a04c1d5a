# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action backup_plan: the inventory is checked, then each system is said to be due or not, and why. See its module for the documentation."""

from __future__ import annotations

import datetime
import textwrap
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.utils.display import Display
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine import label, result
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.policy import far_media, policy
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.policy.vocabulary import KINDS
from ansible_collections.perucompras.respaldo.plugins.plugin_utils import _asked_for, _clear, _guard
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._actions import refuse_injection, show
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import sealed, view
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store, resolve_url
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._checking.asking import simulate
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._decisions import designations, due, retention
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._inventory import INVENTORY, InventoryAction, of_another, public_key

_LONGEST_NOTE = 3000
_LINE_WIDTH, _NAME_WIDTH = 80, 10      # of a terminal; what a name has in any case
_KINDS = view.KINDS
# What tells whether a source changed, by its type.
_NOTHING_ASKED: Mapping[str, Mapping[str, Any]] = {"digests": {}, "facts": {}}
_TELLS_CHANGES = {"git": "backup_git_info", "paths": "backup_archive_info"}


class ActionModule(InventoryAction):
    EACH_HOST = True
    ARGUMENTS = {
        **INVENTORY,
        "custodians": {"type": "raw", "default": []},
        "kind": {"type": "str", "default": "all", "choices": ["all", *KINDS]},
        "emergency_reason": {"type": "str", "default": ""},
        "request": {"type": "dict", "options": {name: {"type": "str", "default": ""} for name in ("ticket", "requester", "reason")}},
        "catch_up": {"type": "str", "default": "", "choices": ["", "now"]},
        "record": {"type": "bool", "default": False},
        "show": {"type": "bool", "default": False},
        "tell": {"type": "bool", "default": False},
        "guard": {"type": "bool", "default": False},
        "night": {"type": "list", "elements": "str", "default": [], "choices": [*KINDS]},
        "assigned_paths": {"type": "raw", "default": []},
        "unchanged": {"type": "list", "elements": "dict", "default": []},
    }

    def refuses_injection(self) -> bool:
        """As a guard, it has more to say first: whether the run is recorded at all."""
        return super().refuses_injection() and not (self._task.args.get("guard") or self._task.args.get("night"))

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        guarded = self._guard(task_vars) if arguments["night"] or arguments["guard"] else {}
        refuse_injection()
        if arguments["unchanged"]:
            return _unchanged(task_vars["inventory_hostname"], arguments["unchanged"])
        rules, _systems, media, _chosen = found = self.inventory(arguments, task_vars)
        clear = _clear.in_clear(task_vars["hostvars"].raw_get(task_vars["inventory_hostname"]))
        if clear and rules.get("secrets_in_clear") == "refuse":
            raise BackupError("secret_in_clear", where="; ".join(clear))
        here = due.zone(rules["time_zone"])
        now = datetime.datetime.now(datetime.timezone.utc)
        emergency = _emergency(arguments["emergency_reason"])
        soon = due.believed_until(now)
        plan = []
        odd = ""
        changed: list[dict[str, Any]] = []
        today = now.astimezone(here).date()
        left: set[str] = set()      # kinds of which a run that died left a copy to be settled, which is work (backup_settle)
        with open_store(resolve_url()) as store:
            kept_until = ""
            if arguments["request"] and arguments["request"]["ticket"].strip() and not emergency:
                wanted = [system for _index, system in found.chosen(arguments["kind"])]
                kept_until = _asked_for.for_copies(store, arguments["request"]["ticket"], wanted).kept_until
            for index, system in found.chosen(arguments["kind"]):
                if arguments["night"] and system["kind"] not in arguments["night"]:
                    continue
                left |= {system["kind"]} if sealed.unsettled(store, system["kind"], system["name"], task_vars["inventory_hostname"]) else set()
                last = store.last_good(system["kind"], system["name"], policy.counted_trust(rules, system), soon)
                decision = due.decide(system, rules, last, now, emergency, arguments["request"], arguments["catch_up"])
                decision = due.noting(decision, next(iter(store.entries(kind=system["kind"], system=system["name"], type="copy_made", limit=1)), None))
                foreign = of_another(system, last, task_vars["inventory_hostname"])
                if foreign:
                    decision = due.Decision("no", decision.reason, f"{foreign.code}: {foreign.spanish}. {foreign.remedy}",
                                            f"{foreign.code}: {foreign.message}. {foreign.hint}", "", "refused")
                plan.append(dict(_row(index, system, rules, media, last, decision, today, kept_until),
                                 working_hours=due.working_until(now.astimezone(here), rules) is not None))
            odd = store.passed_over.line()
            if arguments["record"] or arguments["night"]:
                first = (task_vars.get("ansible_play_hosts_all") or [task_vars["inventory_hostname"]])[0]
                changed = designations.changes(store.entries(type=designations.EVENT), rules, found.systems, today, first == task_vars["inventory_hostname"])
        if arguments["night"]:
            asked = self._asked([row for row in plan if row["due"] == "if_changed" and row["kind"] not in left], arguments, task_vars)
            return _night(arguments["night"], plan, left, guarded, task_vars["inventory_hostname"], odd, changed, asked)
        summary = [*map(_said, plan)] + ([odd] if odd else [])
        if arguments["tell"]:
            _tell(task_vars["inventory_hostname"], summary)
        if arguments["show"]:
            show("\n".join([*_table(task_vars["inventory_hostname"], plan), *([odd] if odd else [])]))
            for line in designations.told_gaps(rules, found.systems, today):
                Display().warning(line)
            for where in clear:
                Display().warning(f"Secreto en claro en el inventario: {where}. Páselo a un archivo cifrado con ansible-vault, o léalo de un custodio con "
                                  "lookup('perucompras.respaldo.secret', …) (guía del operador, 5.2).")
            for name in far_media.unprotected(media):
                Display().warning(f"Medio {name}: un servidor tomado puede leer y borrar en él las copias de todos, porque su clave abre una consola. Mejor "
                                  "append_only (append_only_medium.yml; guía del operador, 6.5).")
        return {
            **(_record(plan, arguments["kind"], changed) if arguments["record"] else {}),
            **(_told(guarded) if arguments["guard"] else {}),
            "changed": False,
            "unsettled": bool(left),
            "systems": len(plan),
            # what this run is to copy: the callback tells what was not even begun
            **({"due": [{"kind": row["kind"], "system": row["system"]} for row in plan if row["due"] == "yes"]} if arguments["record"] else {}),
            "plan": plan,
            "summary": summary,
            "time_zone": rules["time_zone"],
            "institution": rules["institution"],
            "manual": rules["manual"]["name"],
        }

    def _asked(self, rows: Sequence[Mapping[str, Any]], arguments: Mapping[str, Any], task_vars: dict[str, Any]) -> dict[str, Mapping[str, Any]]:
        """What the sources of these rows hold now, by system, and what Ansible found out of the server's Python. One that can't be asked is not among them,
        and a server that is not reached is asked again by the task whose failure that is.
        """
        digests: dict[str, str] = {}
        facts: dict[str, Any] = {}
        for type_, module in _TELLS_CHANGES.items():
            asked = [row for row in rows if row["source_type"] == type_]
            sources = [arguments["systems"][row["index"]]["source"] for row in asked]
            try:
                told = simulate(self, module, {"sources": sources, "assigned_paths": arguments["assigned_paths"]}, task_vars) if asked else {}
            except AnsibleConnectionFailure:
                break
            if not told.get("failed"):
                digests.update((row["system"], digest) for row, digest in zip(asked, told.get("digests") or ()) if digest)
            facts.update(told.get("ansible_facts") or {})
        return {"digests": digests, "facts": {"ansible_facts": facts} if facts else {}}

    def _guard(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        """What bitacora_guard proves, as a task of its own would: of this role too, what was answered to it."""
        proved = _guard.prove()
        _guard.refuse_odd_answers(self._task, self._templar, task_vars)
        return proved


def _night(kinds: Sequence[str], plan: Sequence[Mapping[str, Any]], left: Collection[str], guarded: Mapping[str, Any], host: str, odd: str = "",
           changed: Sequence[dict[str, Any]] = (), asked: Mapping[str, Mapping[str, Any]] | None = None) -> dict[str, Any]:
    """The kinds with something to do, whose own plans come next; that there is nothing to do for the others is told and recorded here, as those would."""
    asked = asked or _NOTHING_ASKED
    digests = asked["digests"]
    rows = [_same(row) if row["due"] == "if_changed" and digests.get(row["system"]) and digests[row["system"]] == row.get("previous_content_digest") else row
            for row in plan]
    busy = [kind for kind in kinds if kind in left or any(row["kind"] == kind and (row["due"] != "no" or row["state"] == "refused") for row in rows)]
    told = {"changed": False, **_told(guarded), "idle": not busy, "kinds": busy, "digests": digests, **asked["facts"]}
    rows = [row for row in rows if row["kind"] not in busy]
    if busy and not rows:
        return told
    summary = [*map(_said, rows)] + ([odd] if odd and not busy else [])
    _tell(host, summary)
    # a change of a designation is told once: by the plan that comes next, where one does
    entries = [] if busy else [*changed]
    for kind in kinds:
        entries += _record([row for row in rows if row["kind"] == kind], kind).get("backup", ())
    return {**told, "systems": len(rows), "summary": summary, **({"backup": entries} if entries else {})}


def _same(row: Mapping[str, Any]) -> dict[str, Any]:
    """What was due if it had changed, and had not."""
    return {**row, "due": "no", "state": "not_due", "why": f"No corresponde: sin cambios desde {row.get('previous_label') or 'su última copia'}"}


def _said(row: Mapping[str, Any]) -> str:
    return f"{row['system']} ({_KINDS[row['kind']]}): {due.STATES[row['state']]}. {row['why']}"


def _unchanged(host: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What was due if it had changed, was asked, and had not: told and recorded as what is not due, so that a run that copied nothing says why."""
    told = [*map(_same, rows)]
    summary = [*map(_said, told)]
    _tell(host, summary)
    return {"changed": False, "systems": len(told), "summary": summary, **_record(told, str(told[0]["kind"]))}


def _told(guarded: Mapping[str, Any]) -> dict[str, Any]:
    """That what the guard proves was proved, and what it found."""
    return {"guarded": True, **{name: guarded[name] for name in ("findings", "warnings") if name in guarded}}


def _tell(host: str, summary: Sequence[str]) -> None:
    show("\n".join(f"{host}: {line}" for line in summary or ["ningún sistema"]))


def _emergency(text: str) -> str:
    """The reason of an emergency. One that is there but blank is a mistake: an emergency copy without a reason is not recorded as one."""
    if text and not text.strip():
        raise BackupError("invalid_input", where="emergency_reason", value=text, problem="is blank",
                          mend="Say which risk the copies answer to (numeral 5.1 d), or leave it out.")
    return text.strip()


def _record(plan: Sequence[Mapping[str, Any]], kind: str, changed: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """What changed of designations, and as few entries as hold all that is not copied now: a line for each system and run would bury the copies
    among them.
    """
    waiting = [row for row in plan if row["due"] == "no"]
    refused = [row for row in waiting if row["state"] == "refused"]
    entries = [*changed, *(_told_together("copy_refused", rows, kind) for rows in _pages(refused))]
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
    cells = [(row["system"], _KINDS[row["kind"]], row["criticality"], due.STATES[row["state"]], row["next_due"] or "-") for row in plan]
    heads = ("Sistema", "Tipo", "Criticidad", "Decisión", "Corresponde")
    widths = [max(view.width_of(row[place]) for row in [heads, *cells]) for place in range(len(heads))]
    widths[0] = min(widths[0], max(_NAME_WIDTH, _LINE_WIDTH - sum(2 + width for width in widths[1:])))
    lines = [f"{host}: {len(plan)} sistema{'' if len(plan) == 1 else 's'}", "  ".join(map(view.pad, heads, widths)).rstrip()]
    for row, cell in zip(plan, cells, strict=True):
        # a name is typed as it is written, so it is never cut: one that is longer than its column has a line of its own
        if view.width_of(cell[0]) > widths[0]:
            lines.append(cell[0])
            cell = ("", *cell[1:])
        lines.append("  ".join(map(view.pad, cell, widths)).rstrip())
        lines += textwrap.wrap(f"{row['why']}. Responsable: {row['responsible']}", _LINE_WIDTH, initial_indent="    ", subsequent_indent="    ",
                               break_long_words=False, break_on_hyphens=False)
    return lines


def _row(index: int, system: Mapping[str, Any], rules: Mapping[str, Any], media: Iterable[Mapping[str, Any]], last: Mapping[str, Any] | None,
         decision: due.Decision, today: datetime.date, kept_until: str = "") -> dict[str, Any]:
    form = policy.encryption_format(rules, system)
    kept = policy.retention(rules, system["kind"], system["criticality"])
    words, until = retention.promised(system["kind"], kept, today, kept_until)
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
        "encrypt": policy.wants_password(rules, system) and not policy.copied_by_a_tool(system),
        "required_trust": policy.required_trust(rules, system),
        # a repository is always encrypted
        "public_keys": [public_key(person) for person in policy.key_holders(rules, system["kind"], today)]
        if form == "gpg" or system["kind"] == "file_server" else [],
        "encryption_format": form or "gpg",
        "compression": system.get("compression") or rules.get("compression", "zstd"),
        "minimum_size": system.get("minimum_size", 1),
        "media": _media(system, media),
        "retention": words,
        **({"retention_until": until} if until else {}),
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
