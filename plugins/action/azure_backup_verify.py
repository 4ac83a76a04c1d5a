# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Azure Backup's jobs say of each protected item and day becomes its entry (7.2.3 b). See its module for the documentation."""

from __future__ import annotations

import datetime
import typing as t
from collections.abc import Mapping, Sequence
from typing import Any

from ..module_utils._engine import label, remarks, result
from ..module_utils._engine.errors import CATALOGUE, BackupError
from ..module_utils._engine.policy.vocabulary import COPIED_BY_A_TOOL
from ..plugin_utils import _vaults
from ..plugin_utils._actions import failed, show
from ..plugin_utils._bitacora.any_store import Store
from ..plugin_utils._bitacora.store import open_store, resolve_url
from ..plugin_utils._decisions import due

if t.TYPE_CHECKING:
    from ..plugin_utils._azure import jobs, protection
    from ..plugin_utils._azure.recovery import Vault

_WORDS = {"good": "buena", "warnings": "con advertencias", "failed": "fallida", "stuck": "en curso demasiado tiempo", "absent": "ausente",
          "running": "en curso", "threatened": "con una amenaza según el servicio",
          "unprotected": "sin protección", "listed_late": "a la espera de su punto de recuperación"}
_CODES = {"tool_job_failed": "failed", "tool_copy_missing": "failed", "tool_job_stuck": "stuck", "tool_job_absent": "absent", "item_unprotected": "unprotected"}
# As many days as the portal is asked back for jobs; a controller that was off longer leaves a gap, which compliance tells.
_MOST_DAYS = 30
_LONGEST_HOURS = 12


class ActionModule(_vaults.VaultAction):
    ARGUMENTS = {**_vaults.ARGUMENTS, "days": {"type": "int", "default": 7}, "show": {"type": "bool", "default": False}}

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        if not 1 <= arguments["days"] <= _MOST_DAYS:
            raise BackupError("invalid_input", where="days", value=arguments["days"], problem="is not between 1 and 30", mend="Give 7, say.")
        found, vaults = self.read(arguments, task_vars)
        told = _Told(datetime.datetime.now(datetime.timezone.utc))
        declared = _vaults.declared(task_vars)
        with open_store(resolve_url()) as store:
            for name, systems in _vaults.protected(found).items():
                options = next(vault for vault in vaults if vault["name"] == name)
                try:
                    with _vaults.opened(options) as vault:
                        _one_vault(store, vault, systems, found.rules, arguments["days"], declared, told)
                except BackupError as error:
                    told.unread(name, error)
        if arguments["show"]:
            show("\n".join([f"{task_vars['inventory_hostname']}: copias de Azure Backup", *told.lines]))
        count = sum(map(len, _vaults.protected(found).values()))
        answer = {"changed": False, "systems": count, "items": told.items, "undeclared": told.undeclared, "vaults": told.vaults, "summary": told.lines}
        return {**answer, **({"backup": told.entries} if told.entries else {}), **(failed(told.error) if told.error else {})}


class _Told:
    """What a verification finds, as it grows."""

    def __init__(self, now: datetime.datetime) -> None:
        self.now = now
        self.entries: list[dict[str, Any]] = []
        self.items: list[dict[str, Any]] = []
        self.undeclared: list[dict[str, Any]] = []
        self.vaults: list[dict[str, Any]] = []
        self.lines: list[str] = []
        self.error: BackupError | None = None

    def unread(self, vault: str, error: BackupError) -> None:
        """A vault that can't be read says nothing of its items: no day is called absent, and the task fails."""
        self.error = self.error or error
        self.lines.append(f"{vault}: no se pudo leer. {error.code}: {error.spanish}")
        self.entries.append(result.build(event="verification_failed", medium=vault, numeral="7.2.3 b", reason="reconciliation", **result.failure(error)))


def _one_vault(store: Store, vault: Vault, systems: Sequence[Mapping[str, Any]], rules: Mapping[str, Any], days: int,
               declared: Sequence[Mapping[str, Any]], told: _Told) -> None:
    """Every system of a vault. What was found is told only once the vault was read whole."""
    from ..plugin_utils._azure import jobs, protection

    zone = due.zone(rules["time_zone"])
    first = told.now.astimezone(zone).date() - datetime.timedelta(days=days)
    since = datetime.datetime.combine(first, datetime.time(), zone)
    sorts = sorted({system["source"]["protects"] for system in systems})
    settings = protection.settings(vault)
    items = {sort: protection.items_of(vault, sort) for sort in protection.SORTS}
    rows = {sort: vault.all("the jobs", vault.backup.backup_jobs.list, filter=jobs.filter_of(sort, since, told.now + datetime.timedelta(days=1)))
            for sort in sorts}
    here = _Told(told.now)
    here.vaults.append({"name": vault.name, **settings})
    here.lines.append(f"Bóveda {vault.name}: {_settings(settings)}")
    wrong = protection.drift(settings, vault.options)
    if wrong:
        error = BackupError("vault_changed", vault=vault.name, detail="; ".join(wrong))
        here.lines.append(f"    {error.code}: {error.spanish}")
        here.entries.append(result.build(event="verification_failed", medium=vault.name, numeral="7.2.3", reason="reconciliation", **result.failure(error)))
    for system in systems:
        sort = system["source"]["protects"]
        item = protection.find(items[sort], system["source"])
        _one_system(_System(store, vault, system, rules, zone, first, item), rows[sort], here)
    sources = [source for source in declared if source.get("vault") == vault.name]
    for sort, rows_of in items.items():
        for item in rows_of:
            if not any(source["protects"] == sort and protection.find([item], source) for source in sources):
                name = str(item.properties.get("friendlyName", item.name))
                here.undeclared.append({"vault": vault.name, "sort": sort, "name": name, "path": item.path})
                here.lines.append(f"    protegido sin sistema en el inventario: {name} ({sort})")
    for name in ("entries", "items", "undeclared", "vaults", "lines"):
        getattr(told, name).extend(getattr(here, name))


class _System(t.NamedTuple):
    """A system and what it is judged by."""

    store: Store
    vault: Vault
    system: Mapping[str, Any]
    rules: Mapping[str, Any]
    zone: datetime.tzinfo
    first: datetime.date
    item: protection.Item | None


def _one_system(asked: _System, rows: Sequence[Mapping[str, Any]], told: _Told) -> None:
    from ..plugin_utils._azure import jobs, protection, threats

    name, title = str(asked.system["name"]), protection.title(asked.system["source"])
    recorded = _Recorded(asked.store, asked.system)
    if asked.item is None or asked.item.properties.get("isScheduledForDeferredDelete") or asked.item.properties.get("protectionState") == "ProtectionStopped":
        detail = "it is not among its items" if asked.item is None else "its protection was stopped, or it was deleted"
        told.items.append({"system": name, "item": title, "protected": False, "points": 0, "days": []})
        yesterday = told.now.astimezone(asked.zone).date() - datetime.timedelta(days=1)
        error = BackupError("item_unprotected", vault=asked.vault.name, item=title, detail=detail)
        told.lines.append(f"    {name}: {error.code}: {error.spanish}")
        if recorded.state(yesterday) not in ("good", "warnings", "unprotected"):
            told.entries.append(_bad(asked, recorded, yesterday, None, error, told.now))
        return
    sort = asked.system["source"]["protects"]
    extended = protection.extended(asked.vault, asked.item)
    points = protection.points_of(asked.vault, asked.item) if sort != "agent" else None
    if asked.item and threats.of_item(asked.item.properties):
        error = BackupError("tool_item_suspicious", item=title, status=threats.of_item(asked.item.properties))
        told.lines.append(f"    {name}: {error.code}: {error.spanish}")
        told.entries.append({**_vaults.about(asked.system, asked.rules, told.now.astimezone(asked.zone).date()), **result.build(
            event="verification_failed", numeral="7.2.3 b", reason="reconciliation", **result.failure(error))})
    limit = int(asked.vault.options.get("longest_hours") or _LONGEST_HOURS)
    found = jobs.backups(rows, sort, asked.item)
    days = jobs.judge([job for job in found if job.id not in recorded.on_demand], asked.first, told.now, asked.zone, datetime.timedelta(hours=limit))
    begun = _begun(asked, found, rows, points, extended, recorded, told.now)
    days = [day for day in days if day.job or day.day >= begun and not recorded.has_good(day.day)]
    shown = []
    for day in days:
        entry, state = _entry(asked, recorded, day, points, extended, limit, told.now)
        shown.append({"day": day.day.isoformat(), "state": state, "job": day.job.id if day.job else "", "recorded": entry is None})
        told.entries += [entry] if entry else []
        told.lines.append(_line(name, day, state, entry))
    _threats(asked, points or (), told)
    most = int(asked.rules["kinds"]["file_server"].get("keep_copies", 0))
    told.lines.append(f"    {name}: {_points(extended, most)}")
    told.items.append({"system": name, "item": title, "protected": True, **extended, "days": shown})


def _threats(asked: _System, points: Sequence[Mapping[str, str]], told: _Told) -> None:
    """Of every copy of the system, also of those of months ago, what the service says now: a threat found since, or one that is over."""
    from ..plugin_utils._azure import protection, threats

    name, title = str(asked.system["name"]), protection.title(asked.system["source"])
    made = [{**entry, "media": {entry["medium"]: entry["trust_level"]}} for entry in told.entries if entry["event"] == "copy_made" and entry["system"] == name]
    now = {entry["label"] for entry in made}
    copies = [copy for copy in asked.store.copies(asked.system["kind"], name) if copy["label"] not in now]
    for copy, point in threats.changed([*copies, *made], points, asked.vault.name):
        named = label.parse(copy["label"])
        fields = {**_vaults.about(asked.system, asked.rules, named.date), **result.build(
            label=named.name, printed_label=named.printed, numeral="7.2.3 b", reason="reconciliation", tool_copy=point["id"], checks=["threat_status"],
            verification_level="T1")}
        if point["threat"]:
            error = BackupError("tool_copy_unhealthy", point=point["id"], item=title, status=point["threat"], detail=point["told"] or threats.NOTHING)
            told.entries.append({**fields, **result.build(event="copy_damaged", **result.failure(error))})
            told.lines.append(f"    {name} {named.name}: {error.code}: {error.spanish}")
        else:
            told.entries.append({**fields, **result.build(event="copy_verified", trust_level=_level(copy))})
            told.lines.append(f"    {name} {named.name}: el servicio ya no ve ninguna amenaza; el daño queda levantado")


def _level(copy: Mapping[str, Any]) -> str:
    """What a copy is worth without its threat: one that left files out, or of which something else is said, is no good one for that."""
    return "T1" if all(key == "azure_threat" for key in copy.get("warning_keys") or ()) else "T0"


def _begun(asked: _System, found: Sequence[jobs.Job], rows: Sequence[Mapping[str, Any]], points: Sequence[Mapping[str, str]] | None,
           extended: Mapping[str, Any], recorded: _Recorded, now: datetime.datetime) -> datetime.date:
    """The first day that must have a copy: there was one before, or the item is protected since the day before it."""
    from ..plugin_utils._azure import jobs

    times = [job.started for job in found] + [jobs.moment(point["at"]) for point in points or ()]
    times += [jobs.moment(extended["oldest"])] if extended["oldest"] else []
    days = [at.astimezone(asked.zone).date() for at in times] + recorded.days
    if days:
        return min(days)
    protected = jobs.configured(rows, asked.system["source"]["protects"], asked.item) if asked.item else None
    if protected:
        return protected.astimezone(asked.zone).date() + datetime.timedelta(days=1)
    return now.astimezone(asked.zone).date() - datetime.timedelta(days=1)


class _Recorded:
    """What the bitácora has of a system by now."""

    def __init__(self, store: Store, system: Mapping[str, Any]) -> None:
        self.labels = store.labels(system["kind"], system["name"])
        self.on_demand: set[str] = set()
        self._last: dict[datetime.date, tuple[str, str]] = {}
        self._good: set[datetime.date] = set()
        for entry in store.entries(kind=system["kind"], system=system["name"], type=("copy_made", "copy_failed")):
            if entry.get("simulated") or entry.get("source_type") not in COPIED_BY_A_TOOL or not entry.get("label"):
                continue
            day, state = label.parse(entry["label"]).date, _state_of(entry)
            if state in ("good", "warnings"):
                self._good.add(day)
            if entry.get("reason") != "scheduled":
                # one that hung, or whose run was killed, is told anew by what became of its job
                self.on_demand |= {entry["tool_job"]} if entry.get("tool_job") and state != "stuck" else set()
            else:
                self._last[day] = (state, entry["label"])

    @property
    def days(self) -> list[datetime.date]:
        return list(self._last)

    def state(self, day: datetime.date) -> str:
        return self._last.get(day, ("", ""))[0]

    def has_good(self, day: datetime.date) -> bool:
        return day in self._good

    def label_of(self, system: str, day: datetime.date) -> label.Label:
        """The label of the day's entry: the one it has already, else the next that is free."""
        named = label.parse(self._last[day][1]) if day in self._last else label.make(system, day, self.labels)
        self.labels.add(named.name)
        return named


def _state_of(entry: Mapping[str, Any]) -> str:
    if entry["type"] == "copy_made":
        return "warnings" if entry.get("trust_level") == "T0" else "good"
    return next((state for name, state in _CODES.items() if CATALOGUE[name].code == entry.get("error_code")), "failed")


def _entry(asked: _System, recorded: _Recorded, day: jobs.Day, points: Sequence[Mapping[str, str]] | None, extended: Mapping[str, Any], limit: int,
           now: datetime.datetime) -> tuple[dict[str, Any] | None, str]:
    """The entry of a day, None when the bitácora has it or the day is still open; and its state."""
    from ..plugin_utils._azure import jobs, protection, threats

    state, job, title = day.state, day.job, protection.title(asked.system["source"])
    point = jobs.point_of(job, points) if job and points is not None else ""
    if job and state in ("good", "warnings") and points is not None and not point:
        state = "listed_late" if now - (job.ended or job.started) < jobs.LISTED_LATE else "failed"
    before = recorded.state(day.day)
    seen = next((row for row in points or () if row["id"] == point), {"threat": "", "told": ""})
    suspicious = threats.of_item(asked.item.properties) if asked.item and not seen["threat"] else ""
    if state in ("good", "warnings") and seen["threat"] and before not in ("good", "warnings"):
        state = "threatened"
    elif state == "good" and suspicious:
        state = "warnings"
    if state in ("running", "listed_late") or before == state or before == "good" or before == "warnings" and seen["threat"]:
        return None, state
    if job is None:
        return _bad(asked, recorded, day.day, None, BackupError("tool_job_absent", item=title, day=day.day.isoformat()), now), state
    if state == "stuck":
        hours = int((now - job.started).total_seconds() // 3600)
        return _bad(asked, recorded, day.day, job, BackupError("tool_job_stuck", job=job.id, item=title, hours=hours, limit=limit), now), state
    details = protection.job(asked.vault, job.id)
    texts = jobs.texts(details)
    if state == "failed" and day.state != "failed":
        return _bad(asked, recorded, day.day, job, BackupError("tool_copy_missing", job=job.id, item=title), now), state
    if state == "failed":
        error = BackupError("tool_job_failed", job=job.id, item=title, status=job.status, detail="; ".join(texts) or "the service gives no reason")
        return _bad(asked, recorded, day.day, job, error, now), state
    told = [remarks.Remark("azure_backup_said", detail=text) for text in texts] if day.state == "warnings" else []
    if day.state == "warnings" and asked.system["source"]["protects"] == "agent":
        told.append(remarks.Remark("azure_agent_files"))
    if seen["threat"]:
        told.append(remarks.Remark("azure_threat", status=seen["threat"], detail=seen["told"] or threats.NOTHING))
    if suspicious:
        told.append(remarks.Remark("azure_suspicious", item=title, status=suspicious))
    return _made(asked, recorded, day.day, job, state, point, told, jobs.size_of(details), extended), state


def _made(asked: _System, recorded: _Recorded, day: datetime.date, job: jobs.Job, state: str, point: str, told: Sequence[remarks.Remark], size: int | None,
          extended: Mapping[str, Any]) -> dict[str, Any]:
    """A copy the tool made. One with warnings left files out, or is suspected: it is told so, and does not count as a good one."""
    from ..plugin_utils._azure import jobs

    named = recorded.label_of(str(asked.system["name"]), day)
    note = f"Trabajo {job.id} de Azure Backup: {_WORDS[state]}" + (f"; punto de recuperación {point}" if point else "")
    note += f"; {_points(extended, int(asked.rules['kinds']['file_server'].get('keep_copies', 0)))}"
    return result.build(
        event="copy_made", label=named.name, printed_label=named.printed, reason="scheduled", started_at=jobs.stamp(job.started),
        ended_at=jobs.stamp(job.ended or job.started), duration_ms=int(((job.ended or job.started) - job.started).total_seconds() * 1000),
        location=asked.item.path if asked.item else None, tool_job=job.id, tool_copy=point or None, size=size,
        trust_level="T1" if state == "good" else "T0",
        checks=["azure_backup_job"] + (["recovery_point"] if point else []),
        note_es=note, **remarks.fields(told), **_vaults.about(asked.system, asked.rules, day))


def _bad(asked: _System, recorded: _Recorded, day: datetime.date, job: jobs.Job | None, error: BackupError, now: datetime.datetime) -> dict[str, Any]:
    """A day without a good copy. One without a job is dated by its last minute, so that it stands on its day."""
    from ..plugin_utils._azure import jobs

    named = recorded.label_of(str(asked.system["name"]), day)
    started = job.started if job else datetime.datetime.combine(day, datetime.time(23, 59), asked.zone)
    return result.build(
        event="copy_failed", label=named.name, printed_label=named.printed, reason="scheduled", started_at=jobs.stamp(started),
        ended_at=jobs.stamp(job.ended if job and job.ended else now), location=asked.item.path if asked.item else None, tool_job=job.id if job else None,
        **_vaults.about(asked.system, asked.rules, day), **result.failure(error))


def _points(extended: Mapping[str, Any], most: int) -> str:
    span = f" (del {extended['oldest'][:10]} al {extended['newest'][:10]})" if extended["oldest"] and extended["newest"] else ""
    return f"puntos de recuperación: {extended['points']}" + (f" de {most}" if most else "") + span


def _line(name: str, day: jobs.Day, state: str, entry: Mapping[str, Any] | None) -> str:
    more = f"; trabajo {day.job.id}" if day.job else ""
    known = "" if entry or state in ("running", "listed_late") else " (ya registrada)"
    why = f". {entry['error_code']}: {entry['error_message_es']}" if entry and "error_code" in entry else ""
    return f"    {name} {day.day.strftime('%d/%m/%Y')}: {_WORDS[state]}{known}{more}{why}"


def _settings(settings: Mapping[str, Any]) -> str:
    return (f"redundancia {settings['redundancy']}, borrado temporal {settings['soft_delete']} ({settings['soft_delete_days']} días), "
            f"inmutabilidad {settings['immutability']}, autorización multiusuario {'sí' if settings['multi_user'] else 'no'}")
